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

// decodeJPEGSequential decodes the sequential DCT processes with Huffman coding:
// of 8 bits by image/jpeg, of 12 bits here. Components keep their colour space;
// subsampled ones are repeated.
func decodeJPEGSequential(ctx context.Context, frame []byte, f Format, dst []int32) error {
	header, err := sequentialHeader(frame)
	if err != nil {
		return err
	}
	if err := header.check(f); err != nil {
		return err
	}
	switch header.precision {
	case 8:
		err = decodeByImageJPEG(frame, f, dst)
	case 12:
		err = decodeDCT12(ctx, frame, f, dst)
	default:
		err = fmt.Errorf("%w: DCT of %d bits", ErrCorrupt, header.precision) // T.81 table B.2
	}
	if err != nil {
		return err
	}
	f.coded(header.precision).samples(dst)
	return nil
}

// sequentialHeader returns the frame header. It refuses what the transfer syntax
// does not allow: progressive scans above all, which could make image/jpeg pass
// over the frame once for every few bytes.
func sequentialHeader(frame []byte) (*frameHeader, error) {
	r, err := newMarkerReader(frame)
	if err != nil {
		return nil, err
	}
	for {
		s, err := r.next()
		if err != nil {
			return nil, err
		}
		switch {
		case s.marker == markerSOF0 || s.marker == markerSOF1:
			return parseFrameHeader(s.data)
		case isFrameHeader(s.marker):
			return nil, fmt.Errorf("JPEG process SOF%d in a sequential transfer syntax: %w", s.marker-markerSOF0, errors.ErrUnsupported)
		case s.marker == markerSOS || s.marker == markerEOI:
			return nil, fmt.Errorf("%w: no frame header", ErrCorrupt)
		}
	}
}

func decodeByImageJPEG(frame []byte, f Format, dst []int32) error {
	img, err := jpeg.Decode(bytes.NewReader(frame))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if img.Bounds() != image.Rect(0, 0, f.Columns, f.Rows) {
		return fmt.Errorf("%w: image of %v", ErrCorrupt, img.Bounds())
	}
	return copyImage(img, f, dst)
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
