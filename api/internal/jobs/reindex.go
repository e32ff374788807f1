// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/riverqueue/river"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
)

// reindexArgs asks for the headers of what an earlier release stored to be read for
// what it did not keep of them.
type reindexArgs struct{}

func (reindexArgs) Kind() string { return "reindex" }

// reindexer reads them, a few between two transactions: one that is interrupted goes on
// where it was.
type reindexer struct {
	river.WorkerDefaults[reindexArgs]
	q *Queue
}

func (w *reindexer) Work(ctx context.Context, job *river.Job[reindexArgs]) error {
	defer w.q.begin(job.ID)()
	n, err := w.q.reindex(ctx)
	if n > 0 {
		w.q.Logger.InfoContext(ctx, "instances of an earlier release indexed", slog.Int("instances", n))
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return w.q.later(ctx, job.JobRow, err)
	}
	return nil
}

// reindexBatch is how many instances are indexed in one transaction.
const reindexBatch = 100

// reindex reads all there are, and returns how many it indexed. What cannot be read now
// is left for the next time.
func (q *Queue) reindex(ctx context.Context) (n int, err error) {
	after := ""
	for {
		batch, err := q.Store.Unindexed(ctx, after, reindexBatch)
		if err != nil || len(batch) == 0 {
			return n, err
		}
		after = batch[len(batch)-1].SOPInstanceUID
		says := map[string]store.Addition{}
		for _, i := range batch {
			if a, read := q.headers(ctx, i); read {
				says[i.SOPInstanceUID] = a
			}
		}
		if err := q.Store.Write(ctx, func(tx *store.Tx) error {
			for _, i := range batch {
				if a, read := says[i.SOPInstanceUID]; read {
					if err := tx.Reindex(ctx, i, a); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			return n, err
		}
		n += len(says)
	}
}

// headers returns what the headers of a stored instance say, which is nothing where its
// bytes are gone, or are not those of the instance any more: to read them again would
// not change that. It is false where the store does not answer.
func (q *Queue) headers(ctx context.Context, i store.Instance) (a store.Addition, read bool) {
	h, err := q.readHeader(ctx, i)
	if err == nil && h.SOPInstanceUID == i.SOPInstanceUID {
		return *ingest.Addition(h, i.Source), true
	}
	q.Logger.WarnContext(ctx, "a stored instance cannot be read", slog.String("sop_instance_uid", i.SOPInstanceUID), slog.Any("error", err))
	return a, err == nil || ctx.Err() == nil && !fault.Of(err).Temporary() && !errors.Is(err, dicom.ErrUnreadable)
}

// headBytes is more than nearly every header takes.
const headBytes = 256 << 10

// readHeader reads what precedes the pixels of a stored instance, or all of one without.
func (q *Queue) readHeader(ctx context.Context, i store.Instance) (*dicom.Header, error) {
	f, err := q.Store.OpenInstance(ctx, i)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := dicom.ReadHeader(io.LimitReader(f, headBytes))
	if errors.Is(err, dicom.ErrTruncated) && !h.PixelData {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		h, err = dicom.ReadHeader(f)
	}
	if h.PixelData {
		return h, nil // where the rest of it is cut off, its header is not
	}
	return h, err
}
