// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// copyPixels copies the element of the pixel data through.
func copyPixels(dst io.Writer, w *element.Walker, s *survey) error {
	h := s.pixelData
	if _, err := dst.Write(w.B[s.end:h.Value]); err != nil {
		return err
	}
	c := copier{dst: dst, src: io.MultiReader(bytes.NewReader(w.B[h.Value:]), w.Src), buf: make([]byte, 64<<10)}
	if h.Length != element.UndefinedLength {
		return c.exactly(int64(h.Length))
	}
	if element.Native(s.transferSyntax) {
		return element.Malformed("undefined length in a transfer syntax without compression")
	}
	return c.fragments()
}

// copier copies through one buffer.
type copier struct {
	dst io.Writer
	src io.Reader
	buf []byte
}

// fragments copies items as far as the delimiter of their sequence. PS3.5 A.4.
func (c *copier) fragments() error {
	var item [8]byte
	for {
		if _, err := io.ReadFull(c.src, item[:]); err != nil {
			return readError(err)
		}
		t := tag.Tag{Group: binary.LittleEndian.Uint16(item[:]), Element: binary.LittleEndian.Uint16(item[2:])}
		length := binary.LittleEndian.Uint32(item[4:])
		delimiter := t == tag.SequenceDelimitationItem
		if delimiter && length != 0 || !delimiter && (t != tag.Item || length == element.UndefinedLength) {
			return element.Malformed("no fragment where one should be")
		}
		if _, err := c.dst.Write(item[:]); err != nil || delimiter {
			return err
		}
		if err := c.exactly(int64(length)); err != nil {
			return err
		}
	}
}

// exactly copies n bytes.
func (c *copier) exactly(n int64) error {
	for n > 0 {
		b := c.buf[:min(n, int64(len(c.buf)))]
		if _, err := io.ReadFull(c.src, b); err != nil {
			return readError(err)
		}
		if _, err := c.dst.Write(b); err != nil {
			return err
		}
		n -= int64(len(b))
	}
	return nil
}

// readError returns the error of this package for one that came from reading.
func readError(err error) error {
	switch {
	case errors.Is(err, element.ErrTooLarge), errors.Is(err, element.ErrMalformed), errors.Is(err, element.ErrTruncated):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return element.Truncated("ends before it should")
	}
	return fmt.Errorf("%w: %w", element.ErrUnreadable, err)
}

// inflated returns a walker over the data set that begins deflated at p.
func inflated(w *element.Walker, p int) *element.Walker {
	in := &inflation{packed: io.MultiReader(bytes.NewReader(w.B[p:]), w.Src)}
	in.unpacked = flate.NewReader(packed{in})
	return &element.Walker{Src: in, Size: math.MaxInt}
}

// inflation inflates, and stops where that exceeds what the deflated bytes can
// warrant.
type inflation struct {
	packed   io.Reader
	unpacked io.Reader
	in, out  int64 // bytes so far
}

func (i *inflation) Read(b []byte) (int, error) {
	n, err := i.unpacked.Read(b)
	i.out += int64(n)
	if limit := element.InflationLimit(i.in); i.out > limit {
		return 0, fmt.Errorf("%w: inflates to more than %d bytes", element.ErrTooLarge, limit)
	}
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt {
		return n, element.Malformed("deflated data set")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return n, element.Truncated("deflated data set")
	}
	return n, err
}

// packed reads what an inflation inflates.
type packed struct{ *inflation }

func (p packed) Read(b []byte) (int, error) {
	n, err := p.packed.Read(b)
	p.in += int64(n)
	return n, err
}

func newDeflater(dst io.Writer) io.WriteCloser {
	z, _ := flate.NewWriter(dst, flate.DefaultCompression) // fails on unknown levels only
	return z
}
