// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
)

// receive reads an instance into the journal or a blob, and checks it. It fills in what
// of the outcome is known.
func (g *Ingest) receive(ctx context.Context, u Upload, r io.Reader, o *Outcome) (*pending, error) {
	src := &received{r: r, limit: g.config.MaxInstance}
	if g.config.Transform != nil {
		src.hash = sha256.New() // else the store's is the same
	}
	arrived := io.Reader(src)
	var original *headerWalk
	if g.config.Transform != nil && u.StudyInstanceUID != "" {
		original = walk() // of what came, not of what it becomes
		arrived = io.TeeReader(src, original)
	}
	stored, transformed := g.transformed(arrived)
	p := &pending{landed: func() {}}
	h, walkErr, err := g.keep(ctx, u, stored, p)
	_ = stored.CloseWithError(err) // it never fails
	transformErr := transformed()
	came := h
	if original != nil {
		came, _ = original.end(err)
	}
	if h != nil {
		o.StudyInstanceUID, o.SeriesInstanceUID = dicom.ValidUID(h.StudyInstanceUID), dicom.ValidUID(h.SeriesInstanceUID)
		o.SOPInstanceUID, o.SOPClassUID = dicom.ValidUID(h.SOPInstanceUID), dicom.ValidUID(h.SOPClassUID)
	}
	o.SizeBytes = src.n
	err = reason(src, transformErr, walkErr, err)
	if err == nil {
		o.SHA256 = src.sum(p)
		err = announced(u, *o)
	}
	if err == nil {
		err = g.check(h)
	}
	if err == nil && u.StudyInstanceUID != "" && came.StudyInstanceUID != u.StudyInstanceUID {
		err = ErrOtherStudy
	}
	if err != nil {
		g.drop(ctx, p)
		return nil, err
	}
	staged := p.addition.Staged
	p.addition = *Addition(h, u.Source)
	p.addition.Staged = staged
	return p, nil
}

// keep has what comes in an entry of the journal, if the instance may be acknowledged
// early and there is room for it, and in a blob else. It returns what the walk over it
// found, what was wrong with it, and what else went wrong.
func (g *Ingest) keep(ctx context.Context, u Upload, r io.Reader, p *pending) (h *dicom.Header, walkErr, err error) {
	if u.Early && len(u.SHA256) == 0 && g.journals() {
		p.entry = g.config.Journal.Begin()
	}
	if e := p.entry; e != nil {
		h, walkErr = readHeader(io.TeeReader(&whole{r: r}, e))
		if !e.Full() {
			return h, walkErr, walkErr
		}
		defer g.forget(ctx, e)
		p.entry = nil
		r = io.MultiReader(e.Written(), r)
	}
	if p.batch, err = g.acquire(ctx); err != nil {
		return nil, nil, err
	}
	p.addition.Staged, err = p.batch.store.Create(ctx, g.config.MaxInstance, func(w io.Writer) error {
		h, walkErr = readHeader(io.TeeReader(&whole{r: r}, w))
		return walkErr
	})
	return h, walkErr, err
}

// drop lets go of an instance that is not stored.
func (g *Ingest) drop(ctx context.Context, p *pending) {
	if p.addition.Staged != nil {
		g.discard(ctx, p.addition.Staged)
	}
	if p.entry != nil {
		g.forget(ctx, p.entry)
	}
	g.release(ctx, p.batch)
}

// reason returns why an instance cannot be stored: the first thing that went wrong,
// which the others only follow from.
func reason(src *received, transform, walk, stage error) error {
	switch {
	case src.err != nil:
		return src.err
	case transform != nil:
		return refusal(transform)
	case walk != nil && errors.Is(stage, walk): // and not because of the blob
		return refusal(walk)
	}
	return stage
}

// whole reads as much as it is asked for, so that what comes in small parts is stored
// in few.
type whole struct {
	r   io.Reader
	err error
}

func (w *whole) Read(p []byte) (n int, err error) {
	for n < len(p) && w.err == nil {
		var m int
		m, w.err = w.r.Read(p[n:])
		n += m
	}
	if n > 0 {
		return n, nil
	}
	return 0, w.err
}

// received counts what comes from the caller, and hashes it where hash is not nil.
type received struct {
	r        io.Reader
	hash     hash.Hash
	n, limit int64
	err      error
}

func (r *received) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.hash != nil {
		r.hash.Write(p[:n])
	}
	if r.n += int64(n); r.n > r.limit {
		r.err = fault.New(fault.Exhausted, fault.LimitExceeded, "an instance of more than %d bytes", r.limit)
		return 0, r.err
	}
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// sum returns the hash of what came; none of what came into the journal.
func (r *received) sum(p *pending) (sum [sha256.Size]byte) {
	switch {
	case r.hash != nil:
		r.hash.Sum(sum[:0])
	case p.addition.Staged != nil:
		sum = p.addition.Staged.SHA256
	}
	return sum
}

// announced compares what came with what the caller said would come.
func announced(u Upload, o Outcome) error {
	if u.SizeBytes != nil && *u.SizeBytes != o.SizeBytes {
		return fault.New(fault.Invalid, fault.ChecksumMismatch, "%d bytes came and %d were announced", o.SizeBytes, *u.SizeBytes)
	}
	if len(u.SHA256) > 0 && string(u.SHA256) != string(o.SHA256[:]) {
		return fault.New(fault.Invalid, fault.ChecksumMismatch, "the bytes have not the SHA-256 that was announced")
	}
	return nil
}

// readCloser is what is to be stored.
type readCloser interface {
	io.Reader
	CloseWithError(error) error
}

// untransformed is what is to be stored where it is what came.
type untransformed struct{ io.Reader }

func (untransformed) CloseWithError(error) error { return nil }

// transformed returns what is to be stored of src, and what waits for the
// transformation to end and returns its error.
func (g *Ingest) transformed(src io.Reader) (readCloser, func() error) {
	if g.config.Transform == nil {
		return untransformed{src}, func() error { return nil }
	}
	r, w := io.Pipe()
	var wg sync.WaitGroup
	var err error
	wg.Go(func() {
		err = g.config.Transform(w, src)
		if err == nil {
			_, err = io.Copy(io.Discard, src) // what follows counts for size and hash
		}
		w.CloseWithError(err)
	})
	return r, func() error {
		wg.Wait()
		if errors.Is(err, io.ErrClosedPipe) {
			return nil // the store gave up, and says why
		}
		return err
	}
}

// headerWalk reads the header of what is written to it.
type headerWalk struct {
	*io.PipeWriter
	wg     sync.WaitGroup
	header *dicom.Header
	err    error
}

// walkBuffer is how much of an instance the walk takes at a time.
const walkBuffer = 128 << 10

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, walkBuffer) }}

// readHeader walks an instance to its end.
func readHeader(r io.Reader) (*dicom.Header, error) {
	buffered := readers.Get().(*bufio.Reader)
	defer readers.Put(buffered)
	buffered.Reset(r)
	defer buffered.Reset(nil)
	return dicom.ReadHeader(buffered)
}

func walk() *headerWalk {
	r, w := io.Pipe()
	h := &headerWalk{PipeWriter: w}
	h.wg.Go(func() {
		h.header, h.err = readHeader(r)
		r.CloseWithError(h.err) // ends the upload of what is none
	})
	return h
}

// end tells the walk that no more comes, because of err or because that was all, and
// returns what it found. Its own error is nil where it is but that of the upload.
func (h *headerWalk) end(err error) (*dicom.Header, error) {
	h.CloseWithError(err)
	h.wg.Wait()
	if err != nil && errors.Is(h.err, err) {
		return h.header, nil
	}
	return h.header, h.err
}
