// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package transcode writes instances of any transfer syntax that is read in Explicit
// VR Little Endian, the one that everybody reads.
//
// Elements are written anew as they come, with the VR of the dictionary where the
// content does not say, and sequences with undefined length; text keeps its character
// set and its bytes. Compressed pixels are decoded frame by frame. What describes them
// changes with that, and nothing else does. What follows the pixel data is left out:
// digital signatures would no longer hold.
//
// References: DICOM PS3.5 annex A, PS3.18 section 8.7.
package transcode

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/frame"
	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// ExplicitVRLittleEndian is the UID of what is written.
const ExplicitVRLittleEndian = element.ExplicitVRLittleEndian

// Write reads an instance of a size and writes it to dst in Explicit VR Little Endian.
// Of the instance it holds a frame, or an element. What was written when it fails is
// worth nothing. The errors are those of package frame, of src and of dst.
func Write(ctx context.Context, dst io.Writer, src io.ReadSeeker, size int64) error {
	image, err := frame.Open(src, size)
	if errors.Is(err, frame.ErrNoPixelData) {
		image, err = nil, nil
	}
	if err != nil {
		return err
	}
	class, uid, err := identity(src, size)
	if err != nil {
		return err
	}
	w, meta, p, err := element.Begin(src)
	if err != nil {
		return err
	}
	out := &writer{Walker: w, out: bufio.NewWriterSize(dst, 64<<10)}
	if image != nil {
		out.changed = changes(image)
	}
	out.bytes(element.FileMeta(cmp.Or(meta.MediaStorageSOPClassUID, class), cmp.Or(meta.MediaStorageSOPInstanceUID, uid), ExplicitVRLittleEndian))
	pixels, err := out.dataset(p)
	if err != nil {
		return err
	}
	switch {
	case pixels && image != nil:
		err = out.frames(ctx, image)
	case pixels:
		err = fmt.Errorf("pixel data that is not of whole numbers: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return err
	}
	return out.out.Flush()
}

// identity reads what the data set says that it is, for content without file meta
// information, and goes back to the beginning.
func identity(src io.ReadSeeker, size int64) (class, uid string, err error) {
	var f *dataset.File
	if _, err = src.Seek(0, io.SeekStart); err == nil {
		f, err = dataset.Read(src, size, dataset.Options{Want: func(t tag.Tag) bool { return t == tag.SOPClassUID || t == tag.SOPInstanceUID }})
	}
	if err != nil {
		return "", "", err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return "", "", fmt.Errorf("%w: %w", element.ErrUnreadable, err)
	}
	return f.Value(tag.SOPClassUID), f.Value(tag.SOPInstanceUID), nil
}

// changes returns the attributes that say other things of decoded pixels.
func changes(m *frame.Image) map[tag.Tag][]byte {
	if !m.Compressed {
		return nil
	}
	word := func(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
	f := m.Native()
	interpretation := []byte(f.PhotometricInterpretation)
	if len(interpretation)%2 == 1 {
		interpretation = append(interpretation, ' ')
	}
	changed := map[tag.Tag][]byte{tag.HighBit: word(f.HighBit), tag.PhotometricInterpretation: interpretation}
	if f.SamplesPerPixel > 1 {
		changed[tag.PlanarConfiguration] = word(f.PlanarConfiguration)
	}
	return changed
}

// writer writes the elements of one instance.
type writer struct {
	*element.Walker
	out     *bufio.Writer
	changed map[tag.Tag][]byte
	signed  bool
}

// dataset writes the elements from p on, to the pixel data, and reports whether there
// is any.
func (w *writer) dataset(p int) (pixels bool, err error) {
	for {
		if err := w.Forget(p); err != nil {
			return false, err
		}
		if ended, err := w.AtEnd(); ended || err != nil {
			return false, err
		}
		h, err := w.Header(0, w.Size, w.Implicit)
		if err != nil {
			return false, err
		}
		switch h.Tag {
		case tag.PixelData, tag.FloatPixelData, tag.DoubleFloatPixelData:
			return true, nil
		}
		if p, err = w.Skip(h, w.Size, 0); err != nil {
			return false, err
		}
		if err := w.element(h, p, 0); err != nil {
			return false, err
		}
	}
}

// element writes the element of header h that ends at next.
func (w *writer) element(h element.Header, next, depth int) error {
	switch {
	case h.Tag.Element == 0, h.Tag.Group == tag.MetadataGroup, h.Tag == tag.DataSetTrailingPadding,
		h.Tag == tag.ExtendedOffsetTable, h.Tag == tag.ExtendedOffsetTableLengths:
		return nil
	}
	vr := h.VR
	if vr == "" {
		vr = element.VROf(h.Tag, w.signed)
	}
	if vr == "SQ" || h.Length == element.UndefinedLength {
		return w.sequence(h, next, depth)
	}
	if err := w.Fill(next); err != nil {
		return err
	}
	value := w.B[h.Value:next]
	if w.Order == binary.BigEndian {
		value = append([]byte(nil), value...)
		element.Swap(vr, value)
	}
	if h.Tag == tag.PixelRepresentation && len(value) > 0 {
		w.signed = value[0] == 1
	}
	if depth == 0 && w.changed[h.Tag] != nil {
		value = w.changed[h.Tag]
	}
	w.header(h.Tag, vr, uint32(len(value)))
	w.bytes(value)
	return w.err()
}

// header writes the header of an element. A value that is too long for its VR is
// unknown. PS3.5 6.2.2 note 4.
func (w *writer) header(t tag.Tag, vr string, length uint32) {
	short := !element.IsLongVR(vr[0], vr[1])
	if short && length > math.MaxUint16-1 {
		vr, short = "UN", false
	}
	b := binary.LittleEndian.AppendUint16(nil, t.Group)
	b = append(binary.LittleEndian.AppendUint16(b, t.Element), vr...)
	if short {
		b = binary.LittleEndian.AppendUint16(b, uint16(length))
	} else {
		b = binary.LittleEndian.AppendUint32(append(b, 0, 0), length)
	}
	w.bytes(b)
}

// bytes writes; the bufio.Writer keeps an error.
func (w *writer) bytes(b []byte) { _, _ = w.out.Write(b) }

// err returns the error of what was written, if there was one.
func (w *writer) err() error {
	_, err := w.out.Write(nil)
	return err
}

func (w *writer) delimiter(t tag.Tag, length uint32) {
	b := binary.LittleEndian.AppendUint16(nil, t.Group)
	w.bytes(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(b, t.Element), length))
}

// sequence writes the sequence of header h. Where its VR is unknown its items are in
// implicit VR.
func (w *writer) sequence(h element.Header, next, depth int) error {
	implicit := h.Implicit || h.VR == "UN"
	w.header(h.Tag, "SQ", element.UndefinedLength)
	_, err := w.Items(h, next, depth+1, func(p, end int, delimited bool) (int, error) {
		w.delimiter(tag.Item, element.UndefinedLength)
		p, err := w.Elements(p, end, depth+1, delimited, implicit, func(h element.Header, next int) error {
			return w.element(h, next, depth+1)
		})
		w.delimiter(tag.ItemDelimitationItem, 0)
		return p, err
	})
	w.delimiter(tag.SequenceDelimitationItem, 0)
	return err
}

// frames writes the pixel data.
func (w *writer) frames(ctx context.Context, m *frame.Image) error {
	if m.Format.BitsAllocated == 1 {
		return w.bits(m)
	}
	length := m.Size() * int64(m.Frames)
	if length >= math.MaxUint32-1 {
		return fmt.Errorf("%w: %d bytes of pixels", element.ErrTooLarge, length)
	}
	vr := "OW"
	if m.Format.BitsAllocated == 8 {
		vr = "OB"
	}
	w.header(tag.PixelData, vr, uint32(length+length%2))
	for n := range m.Frames {
		b, err := m.Uncompressed(ctx, n+1)
		if err != nil {
			return fmt.Errorf("frame %d: %w", n+1, err)
		}
		w.bytes(b)
		if err := w.err(); err != nil {
			return err
		}
	}
	w.bytes(make([]byte, length%2))
	return nil
}

// bits writes pixel data of single bits, whose frames follow each other without gaps.
func (w *writer) bits(m *frame.Image) error {
	b, err := m.Bits()
	if err != nil {
		return err
	}
	w.header(tag.PixelData, "OB", uint32(b.Size()+b.Size()%2))
	if _, err := io.Copy(w.out, b); err != nil {
		return err
	}
	w.bytes(make([]byte, b.Size()%2))
	return w.err()
}
