// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// create makes an analysis.
func create(t testing.TB, s *store.Store, n store.NewAnalysis) (a store.Analysis, created bool) {
	t.Helper()
	write(t, s, func(tx *store.Tx) (err error) {
		a, created, err = tx.CreateAnalysis(t.Context(), n)
		return err
	})
	return a, created
}

func start(t testing.TB, s *store.Store, id string) (a store.Analysis) {
	t.Helper()
	write(t, s, func(tx *store.Tx) (err error) {
		a, err = tx.StartAnalysis(t.Context(), id, "worker")
		return err
	})
	return a
}

var result = store.Result{Report: []byte("report"), Results: []byte("results"), About: []byte("about")}

// succeeded makes an analysis that has succeeded.
func succeeded(t testing.TB, s *store.Store, series string) store.Analysis {
	t.Helper()
	return succeededWith(t, s, series, result)
}

func succeededWith(t testing.TB, s *store.Store, series string, result store.Result) store.Analysis {
	t.Helper()
	a, _ := create(t, s, store.NewAnalysis{SeriesInstanceUID: series, Origin: store.Requested})
	a = start(t, s, a.ID)
	write(t, s, func(tx *store.Tx) error {
		return tx.FinishAnalysis(t.Context(), a.ID, a.Attempt, store.Finish{State: store.Succeeded, Result: &result})
	})
	return must[store.Analysis](t)(s.Analysis(t.Context(), a.ID))
}

func testAnalyses(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1), Made(1, 1, 2), Made(2, 1, 1))
	a, created := create(t, s, store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1", Options: []byte("o"), Origin: store.Requested, CreatedBy: "me"})
	if !created || a.State != store.Queued || a.SeriesRevision != 2 || a.StudyInstanceUID != "1.2.3.1" || a.OptionsHash != sha256.Sum256([]byte("o")) {
		t.Errorf("created %t: %+v", created, a)
	}
	if diff := cmp.Diff(a, must[store.Analysis](t)(s.Analysis(ctx, a.ID))); diff != "" {
		t.Errorf("Analysis (-created +read):\n%s", diff)
	}
	_, err := s.Revision(ctx, a.ID, store.Latest, store.Report)
	wantKind(t, err, fault.NotReady, fault.NotFinished)
	a = start(t, s, a.ID)
	write(t, s, func(tx *store.Tx) error { return tx.SetAnalysisJob(ctx, a.ID, 42) })
	write(t, s, func(tx *store.Tx) error { return tx.SetProgress(ctx, a.ID, a.Attempt, "localization", 0.25) })
	a = must[store.Analysis](t)(s.Analysis(ctx, a.ID))
	if a.State != store.Running || a.Attempt != 1 || a.WorkerID != "worker" || a.Stage != "localization" || a.Fraction != 0.25 || a.JobID != 42 || a.StartedAt.IsZero() {
		t.Errorf("running: %+v", a)
	}
	if running, err := s.RunningAnalyses(ctx, "worker"); err != nil || len(running) != 1 {
		t.Errorf("running analyses %v, %v", running, err)
	}
	write(t, s, func(tx *store.Tx) error {
		return tx.FinishAnalysis(ctx, a.ID, 1, store.Finish{State: store.Succeeded, Result: &result})
	})
	a = must[store.Analysis](t)(s.Analysis(ctx, a.ID))
	if a.State != store.Succeeded || a.Fraction != 1 || a.FinishedAt.IsZero() || a.LatestRevision != 0 {
		t.Errorf("succeeded: %+v", a)
	}
	v := must[store.Revision](t)(s.Revision(ctx, a.ID, store.Latest, store.Whole))
	if diff := cmp.Diff(result, v.Result); diff != "" || v.Number != 0 {
		t.Errorf("revision %d (-want +got):\n%s", v.Number, diff)
	}
	other := succeeded(t, s, "1.2.3.2.1")
	for _, tt := range []struct {
		filter store.AnalysisFilter
		want   []string
	}{
		{store.AnalysisFilter{}, []string{other.ID, a.ID}},
		{store.AnalysisFilter{StudyInstanceUID: "1.2.3.1"}, []string{a.ID}},
		{store.AnalysisFilter{SeriesInstanceUID: "1.2.3.2.1"}, []string{other.ID}},
		{store.AnalysisFilter{States: []store.State{store.Succeeded, store.Failed}}, []string{other.ID, a.ID}},
		{store.AnalysisFilter{States: []store.State{store.Queued}}, nil},
	} {
		var got []string
		page := store.Page{Size: 1}
		for {
			all, next, err := s.ListAnalyses(ctx, tt.filter, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range all {
				got = append(got, x.ID)
			}
			if page.Token = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ListAnalyses(%+v) (-want +got):\n%s", tt.filter, diff)
		}
	}
	_, err = s.Analysis(ctx, "nothing")
	wantKind(t, err, fault.NotExist, fault.NotFound)
}

func testOnce(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1))
	ask := store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1", Origin: store.Requested}
	automatic := ask
	automatic.Origin = store.Automatic
	first, _ := create(t, s, ask)
	end := func(state store.State) {
		write(t, s, func(tx *store.Tx) error {
			a, err := tx.EndAnalysis(ctx, first.ID, state, "X", "why")
			if err == nil && a.State != state {
				err = fmt.Errorf("state %s, want %s", a.State, state)
			}
			return err
		})
	}
	if again, created := create(t, s, ask); created || again.ID != first.ID {
		t.Errorf("made %s beside %s", again.ID, first.ID)
	}
	other := ask
	other.Options = []byte("else")
	if x, created := create(t, s, other); !created || x.ID == first.ID {
		t.Error("other options are the same analysis")
	}
	for _, state := range []store.State{store.Cancelled, store.Failed, store.Parked} {
		end(state)
		if again, created := create(t, s, automatic); created || again.ID != first.ID {
			t.Errorf("made anew by itself after %s", state)
		}
		again, created := create(t, s, ask)
		if !created {
			t.Errorf("not made anew on request after %s", state)
		}
		first = again
	}
	Put(t, s, Made(1, 1, 2))
	if _, created := create(t, s, automatic); !created {
		t.Error("not made for more instances")
	}
	err := s.Write(ctx, func(tx *store.Tx) error {
		_, _, err := tx.CreateAnalysis(ctx, store.NewAnalysis{SeriesInstanceUID: "1.9"})
		return err
	})
	wantKind(t, err, fault.NotExist, fault.NotFound)
}

func testRequests(t *testing.T, s *store.Store) {
	Put(t, s, Made(1, 1, 1))
	ask := store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1", Request: store.Request{Creator: "me", ID: "r", Hash: [32]byte{1}}}
	first, _ := create(t, s, ask)
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.EndAnalysis(t.Context(), first.ID, store.Cancelled, "", "")
		return err
	})
	if again, created := create(t, s, ask); created || again.ID != first.ID {
		t.Error("the same request made another analysis")
	}
	theirs := ask
	theirs.Request.Creator = "you"
	if again, created := create(t, s, theirs); !created || again.ID == first.ID {
		t.Error("another's request made nothing")
	}
	ask.Request.Hash[0]++
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.CreateAnalysis(t.Context(), ask)
		return err
	})
	wantKind(t, err, fault.Exist, fault.RequestIDReused)
}

func testFences(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1))
	a, _ := create(t, s, store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1"})
	old := start(t, s, a.ID)
	now := start(t, s, a.ID)
	if now.Attempt != old.Attempt+1 {
		t.Fatalf("attempts %d and %d", old.Attempt, now.Attempt)
	}
	done := store.Finish{State: store.Succeeded, Result: &result}
	for name, f := range map[string]func(tx *store.Tx, attempt int) error{
		"progress": func(tx *store.Tx, n int) error { return tx.SetProgress(ctx, a.ID, n, "x", 1) },
		"finish":   func(tx *store.Tx, n int) error { return tx.FinishAnalysis(ctx, a.ID, n, done) },
		"requeue":  func(tx *store.Tx, n int) error { return tx.RequeueAnalysis(ctx, a.ID, n, "", "") },
	} {
		if err := s.Write(ctx, func(tx *store.Tx) error { return f(tx, old.Attempt) }); fault.Of(err) != fault.Conflict {
			t.Errorf("%s of an attempt that is over: %v", name, err)
		}
	}
	write(t, s, func(tx *store.Tx) error { return tx.RequeueAnalysis(ctx, a.ID, now.Attempt, "CRASHED", "signal") })
	a = must[store.Analysis](t)(s.Analysis(ctx, a.ID))
	if a.State != store.Queued || a.ReasonCode != "CRASHED" || a.Attempt != 2 {
		t.Errorf("requeued: %+v", a)
	}
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.EndAnalysis(ctx, a.ID, store.Cancelled, "CANCELLED", "by me")
		return err
	})
	err := s.Write(ctx, func(tx *store.Tx) error { _, err := tx.StartAnalysis(ctx, a.ID, "worker"); return err })
	if fault.Of(err) != fault.Conflict {
		t.Errorf("start of a cancelled analysis: %v", err)
	}
	_, err = s.Revision(ctx, a.ID, store.Latest, store.Report)
	wantKind(t, err, fault.NotReady, fault.AnalysisFailed)
}

func testRevisions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1))
	a := succeeded(t, s, "1.2.3.1.1")
	add := func(base int, q store.Request) (n int, err error) {
		err = s.Write(ctx, func(tx *store.Tx) error {
			n, err = tx.AddRevision(ctx, base, store.Revision{AnalysisID: a.ID, Author: "reader", Comment: "ñ", Reviewed: true,
				Corrections: []byte("c"), Result: store.Result{Report: fmt.Appendf(nil, "after %d", base)}}, q)
			return err
		})
		return n, err
	}
	q := store.Request{Creator: "reader", ID: "1"}
	for range 2 {
		if n, err := add(0, q); n != 1 || err != nil {
			t.Errorf("revision %d, %v, want 1", n, err)
		}
	}
	_, err := add(0, store.Request{})
	wantKind(t, err, fault.Conflict, fault.StaleRevision)
	if n, err := add(1, store.Request{}); n != 2 || err != nil {
		t.Errorf("revision %d, %v, want 2", n, err)
	}
	all := must[[]store.Revision](t)(s.Revisions(ctx, a.ID))
	if len(all) != 3 || all[0].Number != 0 || all[0].Author != "" || all[1].Author != "reader" || !all[1].Reviewed ||
		all[1].Comment != "ñ" || string(all[1].Corrections) != "c" || all[1].Result.Report != nil {
		t.Errorf("revisions %+v", all)
	}
	if v := must[store.Revision](t)(s.Revision(ctx, a.ID, store.Latest, store.Report)); v.Number != 2 || string(v.Result.Report) != "after 1" || v.Result.Results != nil {
		t.Errorf("newest %+v", v)
	}
	if v := must[store.Revision](t)(s.Revision(ctx, a.ID, 0, store.Whole)); string(v.Result.Report) != "report" {
		t.Errorf("automatic %+v", v)
	}
	_, err = s.Revision(ctx, a.ID, 3, store.Report)
	wantKind(t, err, fault.NotExist, fault.NotFound)
	_, err = s.Revisions(ctx, "nothing")
	wantKind(t, err, fault.NotExist, fault.NotFound)
}

func testComparisons(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1), Made(2, 1, 1))
	a, b := succeeded(t, s, "1.2.3.1.1"), succeeded(t, s, "1.2.3.2.1")
	ask := store.NewComparison{AnalysisIDs: []string{b.ID, a.ID}, Options: []byte("o"), CreatedBy: "me", Request: store.Request{Creator: "me", ID: "q"}}
	var c store.Comparison
	var created bool
	make := func(tx *store.Tx) (err error) {
		c, created, err = tx.CreateComparison(ctx, ask)
		return err
	}
	write(t, s, make)
	first := c
	if write(t, s, make); created || c.ID != first.ID {
		t.Error("the same request made another comparison")
	}
	if diff := cmp.Diff(first, must[store.Comparison](t)(s.Comparison(ctx, c.ID))); diff != "" {
		t.Errorf("Comparison (-created +read):\n%s", diff)
	}
	attempt := func(tx *store.Tx) (err error) {
		c, err = tx.StartComparison(ctx, c.ID)
		return err
	}
	write(t, s, func(tx *store.Tx) error { return tx.SetComparisonJob(ctx, c.ID, 7) })
	write(t, s, attempt)
	write(t, s, func(tx *store.Tx) error { return tx.RequeueComparison(ctx, c.ID, c.Attempt) })
	write(t, s, attempt)
	done := store.ComparisonFinish{State: store.Succeeded, Report: []byte("report"), Revisions: []int{0, 3}}
	err := s.Write(ctx, func(tx *store.Tx) error { return tx.FinishComparison(ctx, c.ID, 1, done) })
	if fault.Of(err) != fault.Conflict {
		t.Errorf("finish of an attempt that is over: %v", err)
	}
	write(t, s, func(tx *store.Tx) error { return tx.FinishComparison(ctx, c.ID, 2, done) })
	c = must[store.Comparison](t)(s.Comparison(ctx, c.ID))
	if string(c.Report) != "report" || !cmp.Equal(c.Revisions, done.Revisions) || c.State != store.Succeeded || c.JobID != 7 || !cmp.Equal(c.AnalysisIDs, ask.AnalysisIDs) {
		t.Errorf("finished: %+v", c)
	}
	for _, study := range []string{"", "1.2.3.1", "1.2.3.2", "1.2.3.9"} {
		all, _, err := s.ListComparisons(ctx, store.ComparisonFilter{StudyInstanceUID: study}, store.Page{})
		if err != nil || len(all) != 1 && study != "1.2.3.9" || len(all) == 1 && (all[0].Report != nil || len(all[0].AnalysisIDs) != 2) {
			t.Errorf("comparisons of %q: %+v, %v", study, all, err)
		}
	}
	ask.AnalysisIDs[0], ask.Request.ID = "nothing", "n"
	wantKind(t, s.Write(ctx, make), fault.NotExist, fault.NotFound)
	write(t, s, func(tx *store.Tx) error { _, err := tx.EndComparison(ctx, first.ID, store.Failed, "", ""); return err })
	if c = must[store.Comparison](t)(s.Comparison(ctx, first.ID)); c.State != store.Succeeded {
		t.Errorf("ended twice: %s", c.State)
	}
}

func testAudit(t *testing.T, s *store.Store) {
	ctx := t.Context()
	e := store.AuditEntry{At: time.UnixMicro(1700000000000001).UTC(), RequestID: "r", Subject: "me", Peer: "::1", Method: "m", Outcome: "OK", Objects: []string{"1.2", "1.3"}}
	for range 3 {
		write(t, s, func(tx *store.Tx) error { return tx.AppendAudit(ctx, e) })
	}
	for _, statement := range []string{"DELETE FROM audit", "UPDATE audit SET subject = 'x'"} {
		err := s.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.SQL().ExecContext(ctx, statement)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	all, next, err := s.ListAudit(ctx, store.Page{Size: 2})
	if err != nil || len(all) != 2 || next == "" {
		t.Fatalf("audit %+v, %q, %v", all, next, err)
	}
	e.ID = all[0].ID
	if diff := cmp.Diff(e, all[0]); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if rest, next, err := s.ListAudit(ctx, store.Page{Size: 2, Token: next}); err != nil || len(rest) != 1 || next != "" {
		t.Errorf("second page %+v, %q, %v", rest, next, err)
	}
}

func testWorkers(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for range 2 {
		write(t, s, func(tx *store.Tx) error { return tx.Heartbeat(ctx, store.Worker{ID: "w", Host: "h", Version: "v"}) })
	}
	all := must[[]store.Worker](t)(s.Workers(ctx))
	if len(all) != 1 || all[0].Host != "h" || all[0].SeenAt.Before(all[0].StartedAt) || time.Since(all[0].SeenAt).Abs() > time.Minute {
		t.Errorf("workers %+v", all)
	}
	if dead, err := s.DeadWorkers(ctx, time.Minute); err != nil || len(dead) != 0 {
		t.Errorf("dead %+v, %v", dead, err)
	}
	if dead, err := s.DeadWorkers(ctx, -time.Minute); err != nil || len(dead) != 1 {
		t.Errorf("dead %+v, %v, want the one", dead, err)
	}
	write(t, s, func(tx *store.Tx) error { return tx.RemoveWorker(ctx, "w") })
	if all := must[[]store.Worker](t)(s.Workers(ctx)); len(all) != 0 {
		t.Errorf("workers %+v after removal", all)
	}
}

func testSweep(t *testing.T, s *store.Store) {
	ctx := t.Context()
	batch := must[*store.Batch](t)(s.NewBatch(ctx))
	for range 3 {
		if _, err := batch.Stage(ctx, strings.NewReader("left behind"), 100); err != nil {
			t.Fatal(err)
		}
	}
	Put(t, s, Made(1, 1, 1))
	if swept, err := s.Sweep(ctx, time.Hour); err != nil || swept != (store.Swept{}) {
		t.Errorf("swept %+v, %v of a batch that is not stale", swept, err)
	}
	if swept, err := s.Sweep(ctx, 0); err != nil || swept != (store.Swept{Batches: 1, Blobs: 3}) {
		t.Errorf("swept %+v, %v, want 3 blobs of 1 batch", swept, err)
	}
	if swept, err := s.Sweep(ctx, 0); err != nil || swept != (store.Swept{}) {
		t.Errorf("swept %+v, %v the second time", swept, err)
	}
}

// What a sweeper took for stale cannot be indexed any more, and what its process
// still writes is swept too.
func testGivenUp(t *testing.T, s *store.Store) {
	ctx := t.Context()
	batch := must[*store.Batch](t)(s.NewBatch(ctx))
	c := Made(1, 1, 1)
	st := must[*store.Staged](t)(batch.Stage(ctx, strings.NewReader(c.Bytes), 100))
	if err := s.Sync(ctx, []*store.Staged{st})[0]; err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sweep(ctx, -time.Hour); err != nil {
		t.Fatal(err)
	}
	err := s.Write(ctx, func(tx *store.Tx) error {
		_, _, err := tx.AddInstances(ctx, []store.Addition{{Staged: st, Study: c.Study, Series: c.Series, Instance: c.Instance}})
		return err
	})
	wantKind(t, err, fault.Unavailable, fault.StorageUnavailable)
	_, err = s.Instance(ctx, c.Instance.SOPInstanceUID)
	wantKind(t, err, fault.NotExist, fault.NotFound)
}

func testRetention(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for i := range 4 {
		Put(t, s, Made(i, 1, 1))
	}
	size := int64(len(Made(1, 1, 1).Bytes))
	now := time.Now()
	for _, tt := range []struct {
		policy store.Retention
		now    time.Time
		limit  int
		want   []string
	}{
		{store.Retention{}, now, 9, nil},
		{store.Retention{MaxAge: time.Hour, MaxBytes: 4 * size}, now, 9, nil},
		{store.Retention{MaxBytes: 2*size + 1}, now, 9, []string{"1.2.3.0", "1.2.3.1"}},
		{store.Retention{MaxBytes: 1}, now, 1, []string{"1.2.3.0"}},
		{store.Retention{MaxAge: time.Hour}, now.Add(2 * time.Hour), 3, []string{"1.2.3.0", "1.2.3.1", "1.2.3.2"}},
		{store.Retention{MaxAge: time.Hour}, now.Add(-2 * time.Hour), 3, nil}, // the clock ran backwards
	} {
		got, err := s.Expired(ctx, tt.policy, tt.now, tt.limit)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("Expired(%+v), %v (-want +got):\n%s", tt.policy, err, diff)
		}
	}
	deleted, err := s.Retain(ctx, store.Retention{MaxBytes: 2 * size})
	if diff := cmp.Diff([]string{"1.2.3.0", "1.2.3.1"}, deleted); err != nil || diff != "" {
		t.Errorf("Retain, %v (-want +got):\n%s", err, diff)
	}
	if deleted, err := s.Retain(ctx, store.Retention{MaxBytes: 2 * size, MaxAge: time.Hour}); err != nil || deleted != nil {
		t.Errorf("Retain = %v, %v the second time", deleted, err)
	}
	if rest, _, err := s.ListStudies(ctx, store.StudyFilter{}, store.Page{}); err != nil || len(rest) != 2 {
		t.Errorf("%d studies are left, %v", len(rest), err)
	}
}

func testSourceErrors(t *testing.T, s *store.Store) {
	ctx := t.Context()
	batch := must[*store.Batch](t)(s.NewBatch(ctx))
	gone := errors.New("caller gone")
	_, err := batch.Stage(ctx, iotest.ErrReader(gone), 100)
	if !errors.Is(err, gone) {
		t.Errorf("error %v, want the reader's", err)
	}
	_, err = batch.Stage(ctx, strings.NewReader("more than ten bytes"), 10)
	wantKind(t, err, fault.Exhausted, fault.LimitExceeded)
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	err = s.Write(canceled, func(*store.Tx) error { return nil })
	if fault.Of(err) != fault.Canceled {
		t.Errorf("write of a caller gone: %v", err)
	}
	if err := batch.Close(ctx); err != nil {
		t.Error(err)
	}
}

func testRollback(t *testing.T, s *store.Store) {
	refused := errors.New("no")
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.Heartbeat(t.Context(), store.Worker{ID: "w"}); err != nil {
			return err
		}
		return fault.Wrap(refused, fault.NotReady, fault.NotFinished, "no")
	})
	if !errors.Is(err, refused) || fault.Of(err) != fault.NotReady {
		t.Errorf("Write = %v, want what the function returned", err)
	}
	if all, err := s.Workers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("workers %v, %v after rollback", all, err)
	}
}
