// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// Config says how jobs are done.
type Config struct {
	Store *store.Store
	// Do does a task in a child process, as measure.Runner.Do does.
	Do func(ctx context.Context, t *measure.Task, stage func(string, float64)) (*measure.Done, error)
	// Worker names this process among all that use the database; no other has ever
	// had its ID.
	Worker store.Worker
	// Workers is how many analyses and comparisons are done at a time; 0 leaves all
	// jobs to other processes.
	Workers int

	// Results are the kinds of DICOM objects that are made of every result; none: none.
	Results []string
	// Destinations are where they are sent.
	Destinations []destination.Destination
	// Serves tells that this process takes requests: its Results and Destinations hold
	// for all processes of the database. Of another they hold until a server was started.
	Serves      bool
	GiveUpAfter time.Duration // that a delivery is tried; 0: a week
	// Audit appends to the audit log in the transaction of a change; nil: nothing does.
	Audit func(ctx context.Context, tx *store.Tx, method string, objects ...string) error

	QuietTime  time.Duration // after the last instance until a series is analysed; 0: only when asked to
	QueueLimit int           // analyses that may wait; 0: no limit
	Grace      time.Duration // that jobs are given to finish when the process ends

	Scratch   string          // folder for what is copied from a bucket; empty: the system's
	CopyLimit int64           // bytes that are copied for one analysis at most; 0: 8 GiB
	Retention store.Retention // of studies
	SweepAge  time.Duration   // of blobs without rows; longer than an upload takes; 0: a day

	Observer Observer
	Logger   *slog.Logger // nil: none
	Timing   Timing
}

// Timing holds the times that a site has no reason to change, and tests do. Zero
// means the default.
type Timing struct {
	Poll      time.Duration // between two looks for jobs; 200 ms
	Heartbeat time.Duration // between two signs of life; 5 s
	Dead      time.Duration // without a sign of life until a worker is dead; 20 s
	Backoff   time.Duration // after a first crash; four times as long after the second; 10 s
	Wait      time.Duration // until a job that cannot be done yet is tried again; 5 s
	Upkeep    time.Duration // between two sweeps; 15 min

	Resend     time.Duration // after the first attempt at a delivery, twice as long after each more; 10 s
	ResendMost time.Duration // between two attempts; 15 min
}

func (t Timing) withDefaults() Timing {
	return Timing{
		Poll:      cmp.Or(t.Poll, 200*time.Millisecond),
		Heartbeat: cmp.Or(t.Heartbeat, 5*time.Second),
		Dead:      cmp.Or(t.Dead, 20*time.Second),
		Backoff:   cmp.Or(t.Backoff, 10*time.Second),
		Wait:      cmp.Or(t.Wait, 5*time.Second),
		Upkeep:    cmp.Or(t.Upkeep, 15*time.Minute),

		Resend:     cmp.Or(t.Resend, 10*time.Second),
		ResendMost: cmp.Or(t.ResendMost, 15*time.Minute),
	}
}

// Observer is told of the work, for metrics. What is nil is not.
type Observer struct {
	Analysis func(state string, waited, took time.Duration) // that has ended
	Stage    func(name string, took time.Duration)          // of an analysis

	Publication func(state string)                // that has ended
	Delivery    func(destination, outcome string) // that was attempted
}

// Queue queues jobs and, with workers, does them.
type Queue struct {
	Config
	client *river.Client[*sql.Tx]

	mu   sync.Mutex
	busy map[int64]bool // jobs that this process is at

	settling settling

	pauses pauses
	told   store.Publishing // by a server, as this process last looked

	stop func() // ends the heartbeat, and waits for it
}

// The queues of River. Analyses, which take processors and memory, do not hold up
// what takes none.
const (
	queueWork    = "work"
	queueUpkeep  = "upkeep"
	queueDeliver = "deliver"

	upkeepWorkers  = 2
	deliverWorkers = 4
)

// Priorities of River: what somebody waits for comes first.
const (
	priorityFirst     = 1
	priorityPublish   = 2
	priorityAutomatic = 3
)

// farAway is longer than any job runs: River's own rescue of jobs goes by that
// alone, and takes those of workers that live.
const farAway = 30 * 24 * time.Hour

// New returns a queue. Without Start it only takes jobs.
func New(c Config) (*Queue, error) {
	c.Timing = c.Timing.withDefaults()
	c.SweepAge = cmp.Or(c.SweepAge, 24*time.Hour)
	c.CopyLimit = cmp.Or(c.CopyLimit, 8<<30)
	c.GiveUpAfter = cmp.Or(c.GiveUpAfter, 7*24*time.Hour)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	q := &Queue{Config: c, busy: map[int64]bool{}, settling: settling{until: map[string]time.Time{}}}
	config := &river.Config{
		ID:                   c.Worker.ID,
		FetchCooldown:        min(50*time.Millisecond, c.Timing.Poll),
		FetchPollInterval:    c.Timing.Poll,
		JobTimeout:           -1, // children have limits of their own
		RescueStuckJobsAfter: farAway,
		SoftStopTimeout:      max(c.Grace, time.Millisecond),
		PollOnly:             true,
		Logger:               riverLog(c.Logger),
		Workers:              river.NewWorkers(),
	}
	river.AddWorker(config.Workers, &analyzer{q: q})
	river.AddWorker(config.Workers, &comparer{q: q})
	river.AddWorker(config.Workers, &publisher{q: q})
	river.AddWorker(config.Workers, &deliverer{q: q})
	river.AddWorker(config.Workers, &settler{q: q})
	river.AddWorker(config.Workers, &sweeper{q: q})
	river.AddWorker(config.Workers, &reindexer{q: q})
	if c.Workers > 0 {
		config.Queues = map[string]river.QueueConfig{
			queueWork:    {MaxWorkers: c.Workers},
			queueUpkeep:  {MaxWorkers: upkeepWorkers},
			queueDeliver: {MaxWorkers: deliverWorkers},
		}
		config.PeriodicJobs = q.periodic()
	}
	var err error
	q.client, err = river.NewClient(driver(c.Store), config)
	return q, err
}

// driver returns River's driver for the store's database.
func driver(s *store.Store) riverdriver.Driver[*sql.Tx] {
	if s.Dialect() == store.SQLite {
		return riversqlite.New(s.DB())
	}
	return riverdatabasesql.New(s.DB())
}

// EnqueueAnalysis queues an analysis that is new. [fault.Exhausted] tells that too
// many wait.
func (q *Queue) EnqueueAnalysis(ctx context.Context, tx *store.Tx, a store.Analysis) error {
	if q.QueueLimit > 0 {
		counts, err := tx.CountAnalyses(ctx)
		if err != nil {
			return err
		}
		if counts[store.Queued] > q.QueueLimit { // a is among them
			return fault.New(fault.Exhausted, fault.LimitExceeded, "%d analyses wait, and no more are taken", q.QueueLimit).
				WithRetry(retryFull)
		}
	}
	return q.insertAnalysis(ctx, tx, a, analyzeArgs{AnalysisID: a.ID}, time.Time{})
}

// retryFull is when a caller should try again whose analysis was one too many: the
// time that an analysis of a large series takes.
const retryFull = 30 * time.Second

func (q *Queue) insertAnalysis(ctx context.Context, tx *store.Tx, a store.Analysis, args analyzeArgs, at time.Time) error {
	opts := &river.InsertOpts{Queue: queueWork, Priority: priorityFirst, ScheduledAt: at}
	if a.Origin == store.Automatic {
		opts.Priority = priorityAutomatic
	}
	inserted, err := q.client.InsertTx(ctx, tx.SQL(), args, opts)
	if err != nil {
		return err
	}
	return tx.SetAnalysisJob(ctx, a.ID, inserted.Job.ID)
}

// EnqueueComparison queues a comparison that is new.
func (q *Queue) EnqueueComparison(ctx context.Context, tx *store.Tx, c store.Comparison) error {
	return q.insertComparison(ctx, tx, compareArgs{ComparisonID: c.ID}, time.Time{})
}

func (q *Queue) insertComparison(ctx context.Context, tx *store.Tx, args compareArgs, at time.Time) error {
	inserted, err := q.client.InsertTx(ctx, tx.SQL(), args, &river.InsertOpts{Queue: queueWork, Priority: priorityFirst, ScheduledAt: at})
	if err != nil {
		return err
	}
	return tx.SetComparisonJob(ctx, args.ComparisonID, inserted.Job.ID)
}

// CancelAnalysis stops an analysis, whichever process is at it, for a reason in words;
// one that has ended stays as it is. It returns the analysis as it is then.
func (q *Queue) CancelAnalysis(ctx context.Context, tx *store.Tx, id, reason string) (store.Analysis, error) {
	a, err := tx.EndAnalysis(ctx, id, store.Cancelled, codeCancelled, reason)
	if err != nil || a.State != store.Cancelled {
		return a, err
	}
	_, err = q.client.JobCancelTx(ctx, tx.SQL(), a.JobID)
	if errors.Is(err, rivertype.ErrNotFound) {
		return a, nil // it ended long ago
	}
	return a, err
}

// Waiting counts the analyses that have not ended, by state.
func (q *Queue) Waiting(ctx context.Context) (map[string]int, error) {
	counts, err := q.Store.CountAnalyses(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for state, n := range counts {
		out[string(state)] = n
	}
	return out, nil
}

// begin notes that this process is at a job; the function it returns, that it no
// longer is.
func (q *Queue) begin(job int64) (end func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy[job] = true
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.busy, job)
	}
}

func (q *Queue) isBusy(job int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy[job]
}

// setState ends or frees a running job in a transaction. One that does not run, as
// it was taken away, stays as it is.
func (q *Queue) setState(ctx context.Context, tx *store.Tx, p *riverdriver.JobSetStateIfRunningParams) error {
	_, err := q.client.Driver().UnwrapExecutor(tx.SQL()).JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID: []int64{p.ID}, Attempt: []*int{p.Attempt}, ErrData: [][]byte{p.ErrData}, FinalizedAt: []*time.Time{p.FinalizedAt},
		MetadataDoMerge: []bool{false}, MetadataUpdates: [][]byte{nil}, ScheduledAt: []*time.Time{p.ScheduledAt},
		State: []rivertype.JobState{p.State},
	})
	return err
}

// done ends a job that has done its work in the transaction that stores it.
func (q *Queue) done(ctx context.Context, tx *store.Tx, job int64) error {
	return q.setState(ctx, tx, riverdriver.JobSetStateCompleted(job, tx.Now(), nil))
}

// later snoozes a job for an error that will pass.
func (q *Queue) later(ctx context.Context, job *rivertype.JobRow, err error) error {
	q.Logger.WarnContext(ctx, "job waits", slog.String("kind", job.Kind), slog.Int64("job_id", job.ID), slog.Any("error", err))
	return river.JobSnooze(q.Timing.Wait)
}

// writeTimeout bounds a transaction that must be made although the job's time is
// over.
const writeTimeout = 10 * time.Second

// write makes a transaction although ctx may have ended.
func (q *Queue) write(ctx context.Context, f func(context.Context, *store.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return q.Store.Write(ctx, func(tx *store.Tx) error { return f(ctx, tx) })
}
