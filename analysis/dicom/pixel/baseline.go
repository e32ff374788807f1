// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
)

// decodeJPEGBaseline decodes the sequential DCT processes of 8 bits by
// image/jpeg. Components keep their colour space; subsampled ones are repeated.
func decodeJPEGBaseline(_ context.Context, frame []byte, f Format, dst []int32) error {
	if err := checkSequential(frame, f); err != nil {
		return err
	}
	img, err := jpeg.Decode(bytes.NewReader(frame))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if img.Bounds() != image.Rect(0, 0, f.Columns, f.Rows) {
		return fmt.Errorf("%w: image of %v", ErrCorrupt, img.Bounds())
	}
	if err := copyImage(img, f, dst); err != nil {
		return err
	}
	f.coded(8).samples(dst)
	return nil
}

// checkSequential compares the frame header with the Format. It refuses what
// the transfer syntax does not allow: progressive scans above all, which could
// make image/jpeg pass over the frame once for every few bytes.
func checkSequential(frame []byte, f Format) error {
	r, err := newMarkerReader(frame)
	if err != nil {
		return err
	}
	for {
		s, err := r.next()
		if err != nil {
			return err
		}
		switch {
		case s.marker == markerSOF0 || s.marker == markerSOF1:
			h, err := parseFrameHeader(s.data)
			if err != nil {
				return err
			}
			if h.precision != 8 {
				return fmt.Errorf("precision of %d bits: %w", h.precision, errors.ErrUnsupported)
			}
			return h.check(f)
		case isFrameHeader(s.marker):
			return fmt.Errorf("JPEG process SOF%d in a baseline transfer syntax: %w", s.marker-markerSOF0, errors.ErrUnsupported)
		case s.marker == markerSOS || s.marker == markerEOI:
			return fmt.Errorf("%w: no frame header", ErrCorrupt)
		}
	}
}

// copyImage copies the image's components as they were coded.
func copyImage(img image.Image, f Format, dst []int32) error {
	switch m := img.(type) {
	case *image.Gray:
		for y := range f.Rows {
			for x, v := range m.Pix[y*m.Stride:][:f.Columns] {
				dst[y*f.Columns+x] = int32(v)
			}
		}
	case *image.YCbCr:
		for y := range f.Rows {
			for x := range f.Columns {
				c := m.COffset(x, y)
				copy3(dst[3*(y*f.Columns+x):], m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
			}
		}
	case *image.RGBA:
		for y := range f.Rows {
			for x := range f.Columns {
				p := m.Pix[m.PixOffset(x, y):]
				copy3(dst[3*(y*f.Columns+x):], p[0], p[1], p[2])
			}
		}
	default:
		return fmt.Errorf("JPEG with the colours of %T: %w", img, errors.ErrUnsupported)
	}
	return nil
}

func copy3(dst []int32, a, b, c byte) {
	dst[0], dst[1], dst[2] = int32(a), int32(b), int32(c)
}
