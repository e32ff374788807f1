// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// settleArgs asks for a series to be analysed once it is quiet. There is one job for
// a series at a time, however many instances come.
type settleArgs struct {
	SeriesInstanceUID string `json:"series_instance_uid"`
}

func (settleArgs) Kind() string { return "settle" }

// Settle has a series analysed once it has received nothing more for the quiet time.
// It goes into the transaction that adds instances.
func (q *Queue) Settle(ctx context.Context, tx *store.Tx, s store.Series) error {
	if q.QuietTime <= 0 || !analyzable(s) {
		return nil
	}
	// The time is not the transaction's: by now it has the lock of the series.
	if q.settling.has(s.SeriesInstanceUID, time.Now()) {
		return nil
	}
	_, err := q.client.InsertTx(ctx, tx.SQL(), settleArgs{SeriesInstanceUID: s.SeriesInstanceUID}, &river.InsertOpts{
		Queue:       queueUpkeep,
		ScheduledAt: tx.Now().Add(q.QuietTime),
		UniqueOpts:  river.UniqueOpts{ByArgs: true, ByState: unfinished},
	})
	if err == nil {
		tx.OnCommit(func() { q.settling.queued(s.SeriesInstanceUID, tx.Now(), q.QuietTime/2) })
	}
	return err
}

// settling notes the series for which a job is queued, so that not every instance asks
// for one. A job does nothing before the quiet time has passed, and then waits for the
// lock of the series, which those who add to it hold. That it is queued counts for half of
// that time, since the clocks of the processes that work may differ.
type settling struct {
	mu    sync.Mutex
	until map[string]time.Time // by SeriesInstanceUID
}

// mostSettling is how many series are noted before those are forgotten whose time is over.
const mostSettling = 1024

func (s *settling) has(uid string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.until[uid])
}

func (s *settling) queued(uid string, at time.Time, holds time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.until) >= mostSettling {
		maps.DeleteFunc(s.until, func(_ string, until time.Time) bool { return until.Before(at) })
	}
	s.until[uid] = at.Add(holds)
}

// unfinished are the states of jobs that still do something.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// settler has quiet series analysed.
type settler struct {
	river.WorkerDefaults[settleArgs]
	q *Queue
}

// analyzable tells whether a series may show a spine, as far as its headers say.
// Which of its images do is for the analysis to find out.
func analyzable(s store.Series) bool {
	return s.Modality == "CT" || slices.Contains(filmModalities, s.Modality)
}

// filmModalities are those of series that may hold lateral films. Secondary captures of
// other modalities, such as the program's own, are analysed only where somebody asks.
var filmModalities = []string{"CR", "DX", "RF", "RG"}

// SOP classes of CT images that hold a volume. DICOM PS3.4 B.5.
const (
	classCT        = "1.2.840.10008.5.1.4.1.1.2"
	classEnhanced  = "1.2.840.10008.5.1.4.1.1.2.1"
	classConverted = "1.2.840.10008.5.1.4.1.1.2.2"
)

// leastSlices is the least number of single slices that dicom.Scan takes for a
// volume.
const leastSlices = 3

// showsSpine tells whether instances may make a volume, or be films: scout views and dose
// reports, which are series of CT too, are neither.
func showsSpine(instances []store.Instance) bool {
	single := 0
	for _, i := range instances {
		switch i.SOPClassUID {
		case classEnhanced, classConverted:
			return true
		case classCT:
			single++
		default:
			if dicom.IsRadiograph(i.SOPClassUID) {
				return true
			}
		}
	}
	return single >= leastSlices
}

func (w *settler) Work(ctx context.Context, job *river.Job[settleArgs]) error {
	defer w.q.begin(job.ID)()
	var wait time.Duration
	err := w.q.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if wait, err = w.q.settle(ctx, tx, job.Args.SeriesInstanceUID); err != nil || wait > 0 {
			return err
		}
		return w.q.done(ctx, tx, job.ID)
	})
	switch {
	case fault.Of(err) == fault.NotExist && err != nil:
		return nil // it was deleted
	case fault.Of(err) == fault.Exhausted && err != nil:
		return river.JobSnooze(retryFull)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return w.q.later(ctx, job.JobRow, err)
	case wait > 0:
		return river.JobSnooze(wait)
	}
	return nil
}

// settle queues an analysis of a series that is quiet, or returns how long it is to
// be waited for. The series is locked: an instance that is being added either makes
// it unquiet here, or finds this job at its end and queues another.
func (q *Queue) settle(ctx context.Context, tx *store.Tx, uid string) (wait time.Duration, err error) {
	s, err := tx.LockSeries(ctx, uid)
	if err != nil {
		return 0, err
	}
	quiet := tx.Now().Sub(s.LastReceivedAt)
	if quiet < 0 {
		quiet = q.QuietTime // the clock was set back; the job's own time has passed
	}
	if quiet < q.QuietTime {
		return q.QuietTime - quiet, nil
	}
	instances, err := tx.Instances(ctx, uid)
	if err != nil || !showsSpine(instances) {
		return 0, err
	}
	a, created, err := tx.CreateAnalysis(ctx, store.NewAnalysis{SeriesInstanceUID: uid, Origin: store.Automatic})
	if err != nil || !created {
		return 0, err
	}
	q.Logger.InfoContext(ctx, "series analysed by itself", slog.String("analysis_id", a.ID))
	return 0, q.EnqueueAnalysis(ctx, tx, a)
}
