// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package element

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math"
)

// Begin reads the file meta information of content of unknown size, and returns a
// walker over the data set, which begins at p of what it has read. A deflated data
// set is inflated on the way, with p 0. On error the meta information holds what was
// met before.
func Begin(src io.Reader) (w *Walker, m Meta, p int, err error) {
	w = &Walker{Src: src, Size: math.MaxInt, Encoding: EncodingOf(ExplicitVRLittleEndian)}
	m, p, err = ReadMeta(w)
	if err != nil {
		return w, m, p, err
	}
	if m.TransferSyntaxUID == DeflatedExplicitVRLittleEndian {
		w, p = inflating(w, p), 0
	}
	w.Encoding = EncodingOf(m.TransferSyntaxUID)
	return w, m, p, nil
}

// Forget makes the walker begin at p, and reads over what of it is not there yet: the
// whole of a long element is never held unless its parts must be looked at. Offsets
// of before do not hold afterwards; values that were taken from before do.
func (w *Walker) Forget(p int) error {
	w.Size -= p
	if p <= len(w.B) {
		w.B = w.B[p:]
		return nil
	}
	n := p - len(w.B)
	w.B = w.B[len(w.B):]
	return Pass(w.Src, int64(n))
}

// Rest returns what follows p, which must be there: what of it was read, then the
// rest of the source.
func (w *Walker) Rest(p int) io.Reader {
	return io.MultiReader(bytes.NewReader(w.B[min(p, len(w.B)):]), w.Src)
}

// AtEnd reports whether the content ends where the walker begins. It fails where the
// content cannot be read.
func (w *Walker) AtEnd() (bool, error) {
	err := w.Fill(1)
	if errors.Is(err, ErrTruncated) && len(w.B) == 0 {
		return true, nil
	}
	return false, err
}

// Pass reads over n bytes, all of which must be there.
func Pass(r io.Reader, n int64) error {
	passed, err := io.CopyN(io.Discard, r, n)
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return Truncated("a value needs %d more bytes", n-passed)
	}
	return CutOff(err)
}

// CutOff classes an error of reading within a value, or behind the pixel data.
func CutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Truncated("ends within a value")
	}
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt {
		return Malformed("deflated data set")
	}
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	return errors.Join(ErrUnreadable, err)
}

// inflating returns a walker over the inflated rest of the content at p.
func inflating(w *Walker, p int) *Walker {
	packed := &countingReader{r: w.Rest(p)}
	return &Walker{Src: &inflater{packed: packed, r: flate.NewReader(packed)}, Size: math.MaxInt}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// inflater refuses to inflate to many times what it was given.
type inflater struct {
	packed *countingReader
	r      io.Reader
	n      int64
}

func (i *inflater) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	i.n += int64(n)
	if i.n > InflationLimit(i.packed.n) {
		return 0, ErrTooLarge
	}
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt {
		err = Malformed("deflated data set")
	}
	return n, err
}
