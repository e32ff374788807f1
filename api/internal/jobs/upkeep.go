// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"github.com/endplate/endplate/api/internal/store"
)

// sweepArgs asks for what is no longer needed to be removed.
type sweepArgs struct{}

func (sweepArgs) Kind() string { return "sweep" }

// periodic lists what the leader of all workers queues again and again.
func (q *Queue) periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{q.upkeep(sweepArgs{}), q.upkeep(reindexArgs{})}
}

func (q *Queue) upkeep(args river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(
		river.PeriodicInterval(q.Timing.Upkeep),
		func() (river.JobArgs, *river.InsertOpts) {
			return args, &river.InsertOpts{Queue: queueUpkeep, UniqueOpts: river.UniqueOpts{ByState: unfinished}}
		},
		&river.PeriodicJobOpts{ID: args.Kind(), RunOnStart: true},
	)
}

// sweeper removes studies that are not kept any longer, and what crashes left.
type sweeper struct {
	river.WorkerDefaults[sweepArgs]
	q *Queue
}

func (w *sweeper) Work(ctx context.Context, job *river.Job[sweepArgs]) error {
	defer w.q.begin(job.ID)()
	deleted, err := w.q.Store.Retain(ctx, w.q.Retention)
	for _, uid := range deleted {
		w.q.Logger.InfoContext(ctx, "study deleted by retention", slog.String("study_instance_uid", uid))
	}
	if err == nil {
		var swept store.Swept
		swept, err = w.q.Store.Sweep(ctx, w.q.SweepAge)
		if swept != (store.Swept{}) {
			w.q.Logger.InfoContext(ctx, "swept", slog.Int("batches", swept.Batches), slog.Int("blobs", swept.Blobs))
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return w.q.later(ctx, job.JobRow, err)
	}
	return nil
}
