// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/endplate/endplate/api/internal/store"
)

// Start begins to do jobs, where there are workers. What SQLite's last process left
// is taken up first. It fails where a server has results sent to a destination that this
// process does not know.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.agree(ctx); err != nil {
		return err
	}
	if q.Workers == 0 {
		return nil
	}
	if err := q.removeScratch(); err != nil {
		q.Logger.WarnContext(ctx, "copies of ended processes not removed", slog.Any("error", err))
	}
	if q.Store.Dialect() == store.SQLite {
		if err := q.takeOver(ctx); err != nil {
			return err
		}
	}
	if err := q.heartbeat(ctx); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // Stop ends it
	if err := q.client.Start(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { q.stayAlive(ctx) })
	q.stop = func() { cancel(); wg.Wait() }
	return nil
}

// Stop leases no more jobs, waits until those that are done finish, for the grace
// period at most, and gives the others back. When ctx ends before, it gives them
// back at once.
func (q *Queue) Stop(ctx context.Context) error {
	if q.Workers == 0 || q.stop == nil {
		return nil
	}
	err := q.client.Stop(ctx)
	if err != nil {
		hurry, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		err = q.client.StopAndCancel(hurry)
	}
	q.stop()
	return errors.Join(err, q.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.RemoveWorker(ctx, q.Worker.ID)
	}))
}

// stayAlive signs life, and looks for jobs whose workers do not. Each has its time: a
// worker that waited, for a row that a paused process holds, without signing would
// count as dead itself.
func (q *Queue) stayAlive(ctx context.Context) {
	tick := time.NewTicker(q.Timing.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, f := range []func(context.Context) error{q.heartbeat, q.recover, q.forgetDead, q.compareSettings} {
			limited, cancel := context.WithTimeout(ctx, q.Timing.Dead/3)
			err := f(limited)
			cancel()
			if err != nil && ctx.Err() == nil {
				q.Logger.WarnContext(ctx, "workers not looked after", slog.Any("error", err))
			}
		}
	}
}

func (q *Queue) heartbeat(ctx context.Context) error {
	return q.Store.Write(ctx, func(tx *store.Tx) error { return tx.Heartbeat(ctx, q.Worker) })
}

// takeOver frees all jobs that are said to run: this process is alone, and has none.
func (q *Queue) takeOver(ctx context.Context) error {
	return q.Store.Write(ctx, func(tx *store.Tx) error {
		workers, err := tx.Workers(ctx)
		if err != nil {
			return err
		}
		for _, w := range workers {
			if err := tx.RemoveWorker(ctx, w.ID); err != nil {
				return err
			}
		}
		// A leader that died would be waited for.
		if _, err := tx.SQL().ExecContext(ctx, "DELETE FROM river_leader"); err != nil {
			return fmt.Errorf("leader: %w", err)
		}
		return q.free(ctx, tx, func(*rivertype.JobRow) bool { return true })
	})
}

// recover frees the jobs of workers that are dead, or that never signed, and those
// of this process that it is not at: their end could not be stored.
func (q *Queue) recover(ctx context.Context) error {
	jobs, err := q.client.JobList(ctx, running())
	if err != nil || len(jobs.Jobs) == 0 {
		return err
	}
	workers, err := q.Store.Workers(ctx)
	if err != nil {
		return err
	}
	dead, err := q.Store.DeadWorkers(ctx, q.Timing.Dead)
	if err != nil {
		return err
	}
	alive := slices.DeleteFunc(workers, func(w store.Worker) bool {
		return slices.ContainsFunc(dead, func(d store.Worker) bool { return d.ID == w.ID })
	})
	orphaned := func(job *rivertype.JobRow) bool { return q.orphaned(job, alive) }
	if !slices.ContainsFunc(jobs.Jobs, orphaned) {
		return nil
	}
	return q.Store.Write(ctx, func(tx *store.Tx) error { return q.free(ctx, tx, orphaned) })
}

// forgetDead removes the workers that are dead. That their jobs are freed does not
// depend on it: a paused process may hold its own row.
func (q *Queue) forgetDead(ctx context.Context) error {
	dead, err := q.Store.DeadWorkers(ctx, q.Timing.Dead)
	if err != nil || len(dead) == 0 {
		return err
	}
	return q.Store.Write(ctx, func(tx *store.Tx) error {
		for _, w := range dead {
			q.Logger.WarnContext(ctx, "worker is dead", slog.String("worker_id", w.ID), slog.Time("seen_at", w.SeenAt))
			if err := tx.RemoveWorker(ctx, w.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// orphaned tells whether nobody is at a running job.
func (q *Queue) orphaned(job *rivertype.JobRow, alive []store.Worker) bool {
	if job.AttemptedAt == nil || time.Since(*job.AttemptedAt) < q.Timing.Dead {
		return false // its worker may be about to begin, or to sign
	}
	by := worker(job)
	if by == q.Worker.ID {
		return !q.isBusy(job.ID)
	}
	return !slices.ContainsFunc(alive, func(w store.Worker) bool { return w.ID == by })
}

// worker returns the ID of the worker that fetched a job last.
func worker(job *rivertype.JobRow) string {
	if len(job.AttemptedBy) == 0 {
		return ""
	}
	return job.AttemptedBy[len(job.AttemptedBy)-1]
}

// mostRunning is more than there are jobs at work at a time; what exceeds it is found
// the next time.
const mostRunning = 1000

func running() *river.JobListParams {
	return river.NewJobListParams().States(rivertype.JobStateRunning).First(mostRunning)
}

// free has running jobs done again.
func (q *Queue) free(ctx context.Context, tx *store.Tx, orphaned func(*rivertype.JobRow) bool) error {
	jobs, err := q.client.JobListTx(ctx, tx.SQL(), running())
	if err != nil {
		return err
	}
	for _, job := range jobs.Jobs {
		if !orphaned(job) {
			continue
		}
		q.Logger.WarnContext(ctx, "job freed", slog.String("kind", job.Kind), slog.Int64("job_id", job.ID), slog.String("worker_id", worker(job)))
		switch job.Kind {
		case analyzeArgs{}.Kind():
			err = q.freeAnalysis(ctx, tx, job)
		case compareArgs{}.Kind():
			err = q.freeComparison(ctx, tx, job)
		case publishArgs{}.Kind():
			err = q.freePublication(ctx, tx, job)
		default: // done twice they do no harm
			err = q.setState(ctx, tx, riverdriver.JobSetStateInterrupted(job.ID, tx.Now(), max(job.Attempt-1, 0), nil))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxDeaths is how many workers may die at a job before it is parked. A worker is
// not what an image can end, so it is more than of children: machines are turned
// off.
const maxDeaths = 10

const reasonDeaths = "the process of the service ended each time it was at work"

// freeAnalysis gives an analysis to a new job: whatever the worker of the old one
// still does, should it live, is then in vain.
func (q *Queue) freeAnalysis(ctx context.Context, tx *store.Tx, job *rivertype.JobRow) error {
	var args analyzeArgs
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return err
	}
	if err := q.setState(ctx, tx, riverdriver.JobSetStateCancelled(job.ID, tx.Now(), []byte("{}"), nil)); err != nil {
		return err
	}
	a, err := tx.Analysis(ctx, args.AnalysisID)
	if err != nil || a.JobID != job.ID || a.State.Ended() {
		return gone(err)
	}
	if args.Deaths++; args.Deaths >= maxDeaths {
		_, err := tx.EndAnalysis(ctx, a.ID, store.Parked, codeCrashed, reasonDeaths)
		return err
	}
	if a.State == store.Running {
		if err := tx.RequeueAnalysis(ctx, a.ID, a.Attempt, "", ""); err != nil {
			return err
		}
	}
	return q.insertAnalysis(ctx, tx, a, args, time.Time{})
}

func (q *Queue) freeComparison(ctx context.Context, tx *store.Tx, job *rivertype.JobRow) error {
	var args compareArgs
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return err
	}
	if err := q.setState(ctx, tx, riverdriver.JobSetStateCancelled(job.ID, tx.Now(), []byte("{}"), nil)); err != nil {
		return err
	}
	c, err := tx.Comparison(ctx, args.ComparisonID)
	if err != nil || c.JobID != job.ID || c.State.Ended() {
		return gone(err)
	}
	if args.Deaths++; args.Deaths >= maxDeaths {
		_, err := tx.EndComparison(ctx, c.ID, store.Parked, codeCrashed, reasonDeaths)
		return err
	}
	if c.State == store.Running {
		if err := tx.RequeueComparison(ctx, c.ID, c.Attempt); err != nil {
			return err
		}
	}
	return q.insertComparison(ctx, tx, args, time.Time{})
}

func (q *Queue) freePublication(ctx context.Context, tx *store.Tx, job *rivertype.JobRow) error {
	var args publishArgs
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return err
	}
	if err := q.setState(ctx, tx, riverdriver.JobSetStateCancelled(job.ID, tx.Now(), []byte("{}"), nil)); err != nil {
		return err
	}
	p, err := tx.Publication(ctx, args.subject())
	if err != nil || p.JobID != job.ID || p.State.Ended() {
		return gone(err)
	}
	if args.Deaths++; args.Deaths >= maxDeaths {
		return tx.EndPublication(ctx, p.Subject, store.PublicationFinish{State: store.Parked, ReasonCode: codeCrashed, Reason: reasonDeaths})
	}
	if p.State == store.Running {
		if err := tx.RequeuePublication(ctx, p, "", ""); err != nil {
			return err
		}
	}
	return q.insertPublication(ctx, tx, args, time.Time{})
}
