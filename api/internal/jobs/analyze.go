// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// analyzeArgs asks for an analysis to be done.
type analyzeArgs struct {
	AnalysisID string `json:"analysis_id"`
	Crashes    int    `json:"crashes,omitempty"` // of its child process so far
	Deaths     int    `json:"deaths,omitempty"`  // of workers that were at it
}

func (analyzeArgs) Kind() string { return "analyze" }

// analyzer does analyses.
type analyzer struct {
	river.WorkerDefaults[analyzeArgs]
	q *Queue
}

// attempt is an analysis at work.
type attempt struct {
	q    *Queue
	job  *river.Job[analyzeArgs]
	a    store.Analysis
	wait time.Duration // before it began
}

func (w *analyzer) Work(ctx context.Context, job *river.Job[analyzeArgs]) error {
	defer w.q.begin(job.ID)()
	t, err := w.q.start(ctx, job)
	switch {
	case errors.Is(err, errOver):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return w.q.later(ctx, job.JobRow, err)
	}
	return t.run(ctx)
}

// start begins an attempt, unless the analysis is another job's by now.
func (q *Queue) start(ctx context.Context, job *river.Job[analyzeArgs]) (*attempt, error) {
	t := &attempt{q: q, job: job}
	err := q.Store.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Analysis(ctx, job.Args.AnalysisID)
		if err != nil {
			return over(err)
		}
		if a.JobID != job.ID {
			return errOver
		}
		t.a, err = tx.StartAnalysis(ctx, a.ID, q.Worker.ID)
		return over(err)
	})
	t.wait = t.a.StartedAt.Sub(t.a.CreatedAt)
	return t, err
}

// run measures and stores what comes of it.
func (t *attempt) run(ctx context.Context) (err error) {
	defer func() {
		// A bug of ours must not have River try again without an end.
		if v := recover(); v != nil {
			err = t.crashed(ctx, crash{codeCrashed, fmt.Sprintf("a bug: %v", v)})
		}
	}()
	watched, progress, stop := t.watch(ctx)
	done, err := t.measure(watched, progress)
	stop()
	switch {
	case errors.Is(context.Cause(watched), errOver):
		return nil
	case err == nil && done.Reason == "":
		return t.finish(ctx, store.Finish{State: store.Succeeded, Result: &store.Result{
			Report: done.Report, Results: done.Stored.Results, About: done.Stored.About,
		}})
	case err == nil:
		return t.finish(ctx, store.Finish{State: store.Failed, ReasonCode: string(done.Reason), Reason: done.Text})
	case ctx.Err() != nil:
		return t.interrupted(ctx)
	}
	return t.failed(ctx, err)
}

// measure has a child measure the instances that the series had when the analysis
// was asked for.
func (t *attempt) measure(ctx context.Context, stage func(string, float64)) (*measure.Done, error) {
	files, remove, err := t.q.files(ctx, t.a, stage)
	if err != nil {
		return nil, err
	}
	defer remove()
	return t.q.Do(ctx, &measure.Task{Measure: &measure.MeasureTask{Files: files, Options: t.a.Options}}, stage)
}

// failed ends an attempt, or the analysis, for an error.
func (t *attempt) failed(ctx context.Context, err error) error {
	if c, ok := crashOf(err); ok {
		return t.crashed(ctx, c)
	}
	if lasting(err) {
		d := fault.Public(err)
		return t.finish(ctx, store.Finish{State: store.Failed, ReasonCode: string(d.Reason), Reason: d.Text})
	}
	return t.q.later(ctx, t.job.JobRow, errors.Join(err, t.requeue(ctx)))
}

// crashed has the analysis tried again by a new job, or parks it.
func (t *attempt) crashed(ctx context.Context, c crash) error {
	args := t.job.Args
	args.Crashes++
	t.q.Logger.WarnContext(ctx, "analysis crashed", slog.String("analysis_id", t.a.ID),
		slog.Int("crashes", args.Crashes), slog.String("code", c.code), slog.String("reason", c.reason))
	if args.Crashes >= maxCrashes {
		return t.finish(ctx, store.Finish{State: store.Parked, ReasonCode: c.code, Reason: c.reason})
	}
	_, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RequeueAnalysis(ctx, t.a.ID, t.a.Attempt, c.code, c.reason); err != nil {
			return err
		}
		return t.q.insertAnalysis(ctx, tx, t.a, args, tx.Now().Add(t.q.backoff(args.Crashes)))
	})
	return err
}

// finish ends the analysis.
func (t *attempt) finish(ctx context.Context, f store.Finish) error {
	finished, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.FinishAnalysis(ctx, t.a.ID, t.a.Attempt, f); err != nil || f.State != store.Succeeded {
			return err
		}
		return t.q.Publish(ctx, tx, t.a.ID, 0)
	})
	if finished {
		t.tell(ctx, f)
	}
	return err
}

// tell logs and counts an analysis that ended.
func (t *attempt) tell(ctx context.Context, f store.Finish) {
	took := time.Since(t.a.StartedAt)
	t.q.Logger.InfoContext(ctx, "analysis ended", slog.String("analysis_id", t.a.ID), slog.String("state", string(f.State)),
		slog.String("code", f.ReasonCode), slog.Int("attempt", t.a.Attempt),
		slog.Int64("waited_ms", t.wait.Milliseconds()), slog.Int64("took_ms", took.Milliseconds()))
	if observe := t.q.Observer.Analysis; observe != nil {
		observe(string(f.State), t.wait, took)
	}
}

// interrupted gives the analysis back because this process ends: River makes the job
// available again.
func (t *attempt) interrupted(ctx context.Context) error {
	if err := t.requeue(ctx); err != nil {
		t.q.Logger.WarnContext(ctx, "analysis not given back", slog.String("analysis_id", t.a.ID), slog.Any("error", err))
	}
	return ctx.Err()
}

// requeue has the analysis wait again, unless the attempt is over.
func (t *attempt) requeue(ctx context.Context) error {
	return gone(t.q.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.RequeueAnalysis(ctx, t.a.ID, t.a.Attempt, "", "")
	}))
}
