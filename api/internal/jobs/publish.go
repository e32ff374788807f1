// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// publishArgs asks for the DICOM objects of a revision or of a comparison.
type publishArgs struct {
	AnalysisID   string `json:"analysis_id,omitempty"`
	Revision     int    `json:"revision"`
	ComparisonID string `json:"comparison_id,omitempty"`
	Crashes      int    `json:"crashes,omitempty"`
	Deaths       int    `json:"deaths,omitempty"`
}

func (publishArgs) Kind() string { return "publish" }

// subject returns what the objects tell of.
func (a publishArgs) subject() store.Subject {
	return store.Subject{AnalysisID: a.AnalysisID, Revision: a.Revision, ComparisonID: a.ComparisonID}
}

// Publish has the DICOM objects of a revision made, stored and sent to the destinations,
// once. It goes into the transaction that adds the revision. Without kinds of objects it
// does nothing.
func (q *Queue) Publish(ctx context.Context, tx *store.Tx, analysisID string, revision int) error {
	p, err := q.publishing(ctx, tx)
	if err != nil || len(p.Kinds) == 0 {
		return err
	}
	return q.publish(ctx, tx, store.OfRevision(analysisID, revision))
}

// publishComparison has the report of a comparison made, as Publish does. It refers to
// the reports of the revisions compared, which are made too where they were not, as
// those of before the server made any. What was finished before then is not published
// by itself: nothing old is to appear in an archive that nobody asked for.
func (q *Queue) publishComparison(ctx context.Context, tx *store.Tx, c store.Comparison, revisions []int) error {
	p, err := q.publishing(ctx, tx)
	if err != nil || !slices.Contains(p.Kinds, measure.KindOfComparisons) {
		return err
	}
	for i, id := range c.AnalysisIDs {
		if err := q.publish(ctx, tx, store.OfRevision(id, revisions[i])); err != nil {
			return err
		}
	}
	return q.publish(ctx, tx, store.OfComparison(c.ID))
}

func (q *Queue) publish(ctx context.Context, tx *store.Tx, of store.Subject) error {
	created, err := tx.CreatePublication(ctx, of)
	if err != nil || !created {
		return err
	}
	return q.insertPublication(ctx, tx, publishArgs{AnalysisID: of.AnalysisID, Revision: of.Revision, ComparisonID: of.ComparisonID}, time.Time{})
}

func (q *Queue) insertPublication(ctx context.Context, tx *store.Tx, args publishArgs, at time.Time) error {
	inserted, err := q.client.InsertTx(ctx, tx.SQL(), args, &river.InsertOpts{Queue: queueWork, Priority: priorityPublish, ScheduledAt: at})
	if err != nil {
		return err
	}
	return tx.SetPublicationJob(ctx, args.subject(), inserted.Job.ID)
}

// publisher makes DICOM objects.
type publisher struct {
	river.WorkerDefaults[publishArgs]
	q *Queue
}

// publishing is a publication at work.
type publishing struct {
	q   *Queue
	job *river.Job[publishArgs]
	p   store.Publication
}

func (w *publisher) Work(ctx context.Context, job *river.Job[publishArgs]) error {
	defer w.q.begin(job.ID)()
	t := &publishing{q: w.q, job: job}
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

// start begins an attempt, at a comparison once the reports to which its own refers have
// been made.
func (t *publishing) start(ctx context.Context) (ready bool, err error) {
	err = t.q.Store.Write(ctx, func(tx *store.Tx) error {
		p, err := tx.Publication(ctx, t.job.Args.subject())
		if err != nil {
			return over(err)
		}
		if p.JobID != t.job.ID {
			return errOver
		}
		if ready, err = reportsMade(ctx, tx, p.Subject); err != nil || !ready {
			return over(err)
		}
		t.p, err = tx.StartPublication(ctx, p.Subject)
		return over(err)
	})
	return ready, err
}

// reportsMade tells whether the publications of the revisions that a comparison compared
// have ended; of a revision there are none to wait for.
func reportsMade(ctx context.Context, tx *store.Tx, of store.Subject) (bool, error) {
	if of.ComparisonID == "" {
		return true, nil
	}
	c, err := tx.Comparison(ctx, of.ComparisonID)
	if err != nil {
		return false, err
	}
	for i, id := range c.AnalysisIDs {
		p, err := tx.Publication(ctx, store.OfRevision(id, c.Revisions[i]))
		if err != nil || !p.State.Ended() {
			return false, err
		}
	}
	return true, nil
}

func (t *publishing) run(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = t.crashed(ctx, crash{codeCrashed, fmt.Sprintf("a bug: %v", v)})
		}
	}()
	folder, err := t.q.scratch()
	if err != nil {
		return t.failed(ctx, fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "no folder for the objects"))
	}
	defer func() { _ = os.RemoveAll(folder) }() // else when the next process starts
	p, err := t.q.publishing(ctx, t.q.Store)
	if err != nil {
		return t.failed(ctx, err)
	}
	done, err := t.q.make(ctx, t.p.Subject, p.Kinds, folder)
	switch {
	case err == nil && done.Reason == "":
		return t.store(ctx, done.Objects, store.PublicationFinish{State: store.Succeeded})
	case err == nil: // some may have been made
		return t.store(ctx, done.Objects, store.PublicationFinish{State: store.Failed, ReasonCode: string(done.Reason), Reason: done.Text})
	case ctx.Err() != nil:
		t.requeue(ctx)
		return ctx.Err()
	}
	return t.failed(ctx, err)
}

// store stores the objects, ends the publication and has them sent, in one
// transaction.
func (t *publishing) store(ctx context.Context, files []measure.ObjectFile, f store.PublicationFinish) error {
	made, err := t.q.stage(ctx, files)
	if err != nil {
		return t.failed(ctx, err)
	}
	var settled []store.Settlement
	stored, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) (err error) {
		settled, err = t.add(ctx, tx, made, f)
		return err
	})
	switch {
	case stored:
		t.tell(ctx, f)
		made.settle(ctx, settled)
		return nil
	case err == nil: // nobody wants them any more, or they cannot be stored
		made.discard(ctx)
		return t.conflict(ctx, settled)
	}
	return err // it may have been committed: what is left is for the sweeper
}

// add adds what was made to the study, and to the outbox.
func (t *publishing) add(ctx context.Context, tx *store.Tx, made *staged, f store.PublicationFinish) ([]store.Settlement, error) {
	if err := tx.FinishPublication(ctx, t.p, f); err != nil {
		return nil, err
	}
	settled, _, err := tx.AddInstances(ctx, made.additions)
	if err != nil {
		return nil, err
	}
	for _, s := range settled {
		if s.Outcome == store.Conflict {
			return settled, errOver
		}
	}
	if err := tx.AddObjects(ctx, t.p.Subject, made.kinds); err != nil {
		return nil, err
	}
	return settled, t.q.send(ctx, tx, made.kinds)
}

// conflict ends a publication one of whose objects has the UID of an instance that is
// stored and is another.
func (t *publishing) conflict(ctx context.Context, settled []store.Settlement) error {
	for _, s := range settled {
		if s.Outcome == store.Conflict {
			d := fault.Public(s.Err)
			return t.finish(ctx, store.PublicationFinish{State: store.Failed, ReasonCode: string(d.Reason), Reason: d.Text})
		}
	}
	return nil
}

// failed ends an attempt, or the publication, for an error.
func (t *publishing) failed(ctx context.Context, err error) error {
	if c, ok := crashOf(err); ok {
		return t.crashed(ctx, c)
	}
	if lasting(err) {
		d := fault.Public(err)
		return t.finish(ctx, store.PublicationFinish{State: store.Failed, ReasonCode: string(d.Reason), Reason: d.Text})
	}
	t.requeue(ctx)
	return t.q.later(ctx, t.job.JobRow, err)
}

// crashed has the objects made again by a new job, or parks the publication.
func (t *publishing) crashed(ctx context.Context, c crash) error {
	args := t.job.Args
	args.Crashes++
	t.q.Logger.WarnContext(ctx, "publication crashed", slog.String("subject", t.p.Subject.String()),
		slog.Int("crashes", args.Crashes), slog.String("code", c.code), slog.String("reason", c.reason))
	if args.Crashes >= maxCrashes {
		return t.finish(ctx, store.PublicationFinish{State: store.Parked, ReasonCode: c.code, Reason: c.reason})
	}
	_, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RequeuePublication(ctx, t.p, c.code, c.reason); err != nil {
			return err
		}
		return t.q.insertPublication(ctx, tx, args, tx.Now().Add(t.q.backoff(args.Crashes)))
	})
	return err
}

// finish ends the publication without objects.
func (t *publishing) finish(ctx context.Context, f store.PublicationFinish) error {
	finished, err := t.q.commit(ctx, t.job.JobRow, func(ctx context.Context, tx *store.Tx) error {
		return tx.FinishPublication(ctx, t.p, f)
	})
	if finished {
		t.tell(ctx, f)
	}
	return err
}

// tell logs and counts a publication that ended.
func (t *publishing) tell(ctx context.Context, f store.PublicationFinish) {
	level := slog.LevelInfo
	if f.State != store.Succeeded {
		level = slog.LevelWarn
	}
	t.q.Logger.Log(ctx, level, "publication ended", slog.String("subject", t.p.Subject.String()),
		slog.String("state", string(f.State)), slog.String("code", f.ReasonCode), slog.String("reason", f.Reason))
	if observe := t.q.Observer.Publication; observe != nil {
		observe(string(f.State))
	}
}

// requeue has the publication wait again.
func (t *publishing) requeue(ctx context.Context) {
	err := gone(t.q.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.RequeuePublication(ctx, t.p, "", "")
	}))
	if err != nil {
		t.q.Logger.WarnContext(ctx, "publication not given back", slog.String("subject", t.p.Subject.String()), slog.Any("error", err))
	}
}
