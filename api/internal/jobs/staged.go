// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// staged are objects that are on the disk and not yet indexed.
type staged struct {
	q         *Queue
	batch     *store.Batch
	additions []store.Addition
	kinds     map[string]string // by SOPInstanceUID
}

// mostObject bounds an object, bytes: a segmentation of a whole body takes some ten
// megabytes.
const mostObject = 1 << 30

// stage has files that were made stored. They do not come by the door that others use:
// what they are derived from has passed it, and nothing is to be taken out of them.
func (q *Queue) stage(ctx context.Context, files []measure.ObjectFile) (*staged, error) {
	batch, err := q.Store.NewBatch(ctx)
	if err != nil {
		return nil, err
	}
	s := &staged{q: q, batch: batch, kinds: map[string]string{}}
	var written []*store.Staged
	for _, f := range files {
		a, err := s.one(ctx, f)
		if err != nil {
			s.discard(ctx)
			return nil, err
		}
		written = append(written, a.Staged)
	}
	if err := errors.Join(q.Store.Sync(ctx, written)...); err != nil {
		s.discard(ctx)
		return nil, err
	}
	return s, nil
}

func (s *staged) one(ctx context.Context, file measure.ObjectFile) (*store.Addition, error) {
	f, err := os.Open(file.Path)
	if err != nil {
		return nil, errObject(err)
	}
	defer f.Close()
	h, err := dicom.ReadHeader(f)
	if err != nil {
		return nil, errObject(err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, errObject(err)
	}
	st, err := s.batch.Stage(ctx, f, mostObject)
	if err != nil {
		return nil, err
	}
	a := ingest.Addition(h, store.SourceEndplate)
	a.Staged = st
	s.additions = append(s.additions, *a)
	s.kinds[h.SOPInstanceUID] = file.Kind
	return a, nil
}

// errObject says that an object that was just made cannot be read, which is a bug or a
// broken disk.
func errObject(err error) error {
	return fault.Wrap(err, fault.Corrupt, fault.Bug, "an object that was made cannot be read")
}

// settle ends the batch after its transaction.
func (s *staged) settle(ctx context.Context, settled []store.Settlement) {
	ctx = context.WithoutCancel(ctx)
	s.left(ctx, errors.Join(s.q.Store.Settled(ctx, s.additions, settled), s.batch.Close(ctx)))
}

// discard removes what is not to be stored.
func (s *staged) discard(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, a := range s.additions {
		errs = append(errs, a.Staged.Discard(ctx))
	}
	s.left(ctx, errors.Join(append(errs, s.batch.Close(ctx))...))
}

// left tells of blobs that could not be removed.
func (s *staged) left(ctx context.Context, err error) {
	if err != nil {
		s.q.Logger.WarnContext(ctx, "blobs are left to the sweeper", slog.Any("error", err))
	}
}
