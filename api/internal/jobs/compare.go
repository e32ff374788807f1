// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// compareArgs asks for a comparison to be done.
type compareArgs struct {
	ComparisonID string `json:"comparison_id"`
	Crashes      int    `json:"crashes,omitempty"`
	Deaths       int    `json:"deaths,omitempty"`
}

func (compareArgs) Kind() string { return "compare" }

// comparer does comparisons.
type comparer struct {
	river.WorkerDefaults[compareArgs]
	q *Queue
}

// comparing is a comparison at work.
type comparing struct {
	q   *Queue
	job *river.Job[compareArgs]
	c   store.Comparison
}

func (w *comparer) Work(ctx context.Context, job *river.Job[compareArgs]) error {
	defer w.q.begin(job.ID)()
	t := &comparing{q: w.q, job: job}
	ready, err := t.start(ctx)
	switch {
	case errors.Is(err, errOver):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return w.q.later(ctx, job.JobRow, err)
	case !ready:
		return river.JobSnooze(w.q.Timing.Wait)
	}
	return t.run(ctx)
}

// start begins an attempt once all analyses have ended.
func (t *comparing) start(ctx context.Context) (ready bool, err error) {
	err = t.q.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Comparison(ctx, t.job.Args.ComparisonID)
		if err != nil {
			return over(err)
		}
		if c.JobID != t.job.ID || c.State.Ended() {
			return errOver
		}
		for _, id := range c.AnalysisIDs {
			a, err := tx.Analysis(ctx, id)
			if err != nil {
				return over(err)
			}
			if ready = a.State.Ended(); !ready {
				return nil
			}
		}
		t.c, err = tx.StartComparison(ctx, c.ID)
		return over(err)
	})
	return ready, err
}

func (t *comparing) run(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = t.crashed(ctx, crash{codeCrashed, fmt.Sprintf("a bug: %v", v)})
		}
	}()
	examinations, revisions, err := t.examinations(ctx)
	var done *measure.Done
	if err == nil {
		task := &measure.Task{Compare: &measure.CompareTask{Examinations: examinations, Options: t.c.Options}}
		done, err = t.q.Do(ctx, task, func(string, float64) {})
	}
	switch {
	case err == nil && done.Reason == "":
		return t.finish(ctx, store.ComparisonFinish{State: store.Succeeded, Report: done.Report, Revisions: revisions})
	case err == nil:
		return t.finish(ctx, store.ComparisonFinish{State: store.Failed, ReasonCode: string(done.Reason), Reason: done.Text})
	case ctx.Err() != nil:
		t.requeue(ctx)
		return ctx.Err()
	}
	return t.failed(ctx, err)
}

// failed ends an attempt, or the comparison, for an error.
func (t *comparing) failed(ctx context.Context, err error) error {
	if c, ok := crashOf(err); ok {
		return t.crashed(ctx, c)
	}
	if lasting(err) {
		d := fault.Public(err)
		return t.finish(ctx, store.ComparisonFinish{State: store.Failed, ReasonCode: string(d.Reason), Reason: d.Text})
	}
	t.requeue(ctx)
	return t.q.later(ctx, t.job.JobRow, err)
}

// examinations reads the newest revisions of the analyses.
func (t *comparing) examinations(ctx context.Context) (all []measure.Stored, revisions []int, err error) {
	for _, id := range t.c.AnalysisIDs {
		v, err := t.q.Store.Revision(ctx, id, store.Latest, store.Whole)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, measure.Stored{Results: v.Result.Results, About: v.Result.About})
		revisions = append(revisions, v.Number)
	}
	return all, revisions, nil
}

// crashed has the comparison tried again by a new job, or parks it.
func (t *comparing) crashed(ctx context.Context, c crash) error {
	args := t.job.Args
	args.Crashes++
	t.q.Logger.WarnContext(ctx, "comparison crashed", slog.String("comparison_id", t.c.ID),
		slog.Int("crashes", args.Crashes), slog.String("code", c.code), slog.String("reason", c.reason))
	if args.Crashes >= maxCrashes {
		return t.finish(ctx, store.ComparisonFinish{State: store.Parked, ReasonCode: c.code, Reason: c.reason})
	}
	_, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RequeueComparison(ctx, t.c.ID, t.c.Attempt); err != nil {
			return err
		}
		return t.q.insertComparison(ctx, tx, args, tx.Now().Add(t.q.backoff(args.Crashes)))
	})
	return err
}

// finish ends the comparison.
func (t *comparing) finish(ctx context.Context, f store.ComparisonFinish) error {
	finished, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.FinishComparison(ctx, t.c.ID, t.c.Attempt, f); err != nil || f.State != store.Succeeded {
			return err
		}
		return t.q.publishComparison(ctx, tx, t.c, f.Revisions)
	})
	if finished {
		t.q.Logger.InfoContext(ctx, "comparison ended", slog.String("comparison_id", t.c.ID),
			slog.String("state", string(f.State)), slog.String("code", f.ReasonCode))
	}
	return err
}

// requeue has the comparison wait again.
func (t *comparing) requeue(ctx context.Context) {
	err := gone(t.q.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.RequeueComparison(ctx, t.c.ID, t.c.Attempt)
	}))
	if err != nil {
		t.q.Logger.WarnContext(ctx, "comparison not given back", slog.String("comparison_id", t.c.ID), slog.Any("error", err))
	}
}
