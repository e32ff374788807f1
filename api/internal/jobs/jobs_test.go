// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// cases are what must hold on every database.
var cases = []struct {
	name string
	test func(*testing.T, store.Config)
}{
	{"spines are measured and compared", spinesAreMeasuredAndCompared},
	{"an unreadable series succeeds", anUnreadableSeriesSucceeds},
	{"crashes park", crashesPark},
	{"a queued analysis is cancelled", aQueuedAnalysisIsCancelled},
	{"a running analysis is cancelled from elsewhere", aRunningAnalysisIsCancelledFromElsewhere},
	{"an analysis ends with its study", anAnalysisEndsWithItsStudy},
	{"a full queue refuses", aFullQueueRefuses},
	{"stop gives back", stopGivesBack},
	{"stop waits", stopWaits},
	{"quiet series are analysed", quietSeriesAreAnalysed},
	{"retention", retention},
	{"killed workers", killedWorkers},
	{"results are stored and sent", resultsAreStoredAndSent},
	{"every revision is published", everyRevisionIsPublished},
	{"a conflict fails", aConflictFails},
	{"nothing to tell of", nothingToTellOf},
	{"an archive is away for an hour", anArchiveIsAwayForAnHour},
	{"an old delivery is given up", anOldDeliveryIsGivenUp},
	{"instances trickle in", instancesTrickleIn},
	{"killed after the acknowledgement", killedAfterTheAcknowledgement},
	{"comparisons are published", comparisonsArePublished},
	{"a comparison waits for the reports it refers to", aComparisonWaitsForReports},
	{"what the server was told holds", whatTheServerWasToldHolds},
	{"what was stored is indexed", whatWasStoredIsIndexed},
}

// eachOn runs the cases at the same time, as they wait for clocks and processes, and
// then what counts memory.
func eachOn(t *testing.T, config func(testing.TB) store.Config) {
	t.Helper()
	t.Run("at once", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.test(t, config(t))
			})
		}
	})
	t.Run("a long queue", func(t *testing.T) { aLongQueue(t, config(t)) })
}

func TestSQLite(t *testing.T) { eachOn(t, storetest.Embedded) }

func TestPostgreSQL(t *testing.T) {
	server := pgtest.Start(t)
	onPostgreSQL := func(t testing.TB) store.Config {
		config := storetest.Embedded(t)
		config.Database = server.Database(t)
		return config
	}
	eachOn(t, onPostgreSQL)
	t.Run("several processes", func(t *testing.T) { severalProcesses(t, onPostgreSQL(t)) })
	t.Run("a paused process", func(t *testing.T) { aPausedProcess(t, onPostgreSQL(t)) })
	t.Run("the database goes and comes back", func(t *testing.T) { theDatabaseGoes(t, server, onPostgreSQL(t)) })
}

// soon are times that a test can wait for.
var soon = jobs.Timing{
	Poll: 20 * time.Millisecond, Heartbeat: 50 * time.Millisecond, Dead: 500 * time.Millisecond,
	Backoff: 10 * time.Millisecond, Wait: 20 * time.Millisecond, Upkeep: time.Hour,
}

// child returns what does tasks in children of a mode.
func child(mode string, l measure.Limits) func(context.Context, *measure.Task, func(string, float64)) (*measure.Done, error) {
	return measure.Runner{Command: measure.Command{Env: append(os.Environ(), processMode+"="+mode)}, Limits: l}.Do
}

// here does tasks in this process.
func here(ctx context.Context, t *measure.Task, stage func(string, float64)) (*measure.Done, error) {
	return measure.Producer{Name: "endplate", Version: "test"}.Do(ctx, t, stage), nil
}

var workers struct {
	sync.Mutex
	n int
}

func newWorker() store.Worker {
	workers.Lock()
	defer workers.Unlock()
	workers.n++
	return store.Worker{ID: fmt.Sprintf("worker-%d-%d", os.Getpid(), workers.n), Host: "test", Version: "test"}
}

// start starts a queue that is stopped with the test.
func start(t testing.TB, c jobs.Config) *jobs.Queue {
	t.Helper()
	q := idle(t, c)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return q
}

// idle returns a queue that was not started.
func idle(t testing.TB, c jobs.Config) *jobs.Queue {
	t.Helper()
	c.Worker = newWorker()
	if c.Scratch == "" {
		c.Scratch = t.TempDir() // a queue removes what others of its process left
	}
	if c.Timing == (jobs.Timing{}) {
		c.Timing = soon
	}
	q, err := jobs.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// request makes an analysis and queues it.
func request(t testing.TB, q *jobs.Queue, series string) store.Analysis {
	t.Helper()
	a, err := tryRequest(t.Context(), q, series)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tryRequest(ctx context.Context, q *jobs.Queue, series string) (a store.Analysis, err error) {
	err = q.Store.Write(ctx, func(tx *store.Tx) error {
		var created bool
		a, created, err = tx.CreateAnalysis(ctx, store.NewAnalysis{SeriesInstanceUID: series, Origin: store.Requested})
		if err != nil || !created {
			return err
		}
		return q.EnqueueAnalysis(ctx, tx, a)
	})
	return a, err
}

// cancel cancels an analysis.
func cancel(t testing.TB, q *jobs.Queue, id string) (a store.Analysis, err error) {
	t.Helper()
	err = q.Store.Write(t.Context(), func(tx *store.Tx) (err error) {
		a, err = q.CancelAnalysis(t.Context(), tx, id, "no longer wanted")
		return err
	})
	return a, err
}

// patience is how long a test waits for what must come.
const patience = 5 * time.Minute

// until waits for a condition.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// ended waits for the end of an analysis.
func ended(t testing.TB, s *store.Store, id string) (a store.Analysis) {
	t.Helper()
	until(t, "the analysis has ended", func() bool {
		var err error
		if a, err = s.Analysis(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return a.State.Ended()
	})
	return a
}

func reaches(t testing.TB, s *store.Store, id string, state store.State) {
	t.Helper()
	until(t, "the analysis is "+string(state), func() bool {
		a, err := s.Analysis(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return a.State == state
	})
}

const made = "1.2.3.1.1" // the series that put makes

// put stores a series of three instances that are none: an analysis of it is done at
// once, and says so.
func put(t testing.TB, s *store.Store) {
	t.Helper()
	storetest.Put(t, s, storetest.Made(1, 1, 1), storetest.Made(1, 1, 2), storetest.Made(1, 1, 3))
}

// spineCT draws a CT of T12 to L2, whose L1 has lost a part of its height.
func spineCT(lossPercent float64) *volume.Volume {
	p := phantom.Random(rand.New(rand.NewPCG(1, 0)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, lossPercent)},
	})
	scan := p.Cover(spine.T12, spine.L2, 10, 100, 1.5, 3)
	scan.Noise = 15
	return p.CT(scan)
}

// putSpine stores such a CT and returns its series.
func putSpine(t testing.TB, s *store.Store, study int, patient string, lossPercent float64) string {
	t.Helper()
	var all []storetest.Content
	made := dicom.SyntheticCT{Study: fmt.Sprint(study), FrameOfReference: fmt.Sprint(study), PatientID: patient, Date: fmt.Sprintf("2020010%d", study)}
	_, err := dicom.WriteCT(spineCT(lossPercent), made, func(k int, instance []byte) error {
		c := storetest.Made(study, 1, k+1)
		c.Bytes = string(instance)
		all = append(all, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, s, all...)
	return all[0].Series.SeriesInstanceUID
}

func reportOf(t testing.TB, s *store.Store, id string) *endplatev1.Report {
	t.Helper()
	v, err := s.Revision(t.Context(), id, store.Latest, store.Whole)
	if err != nil {
		t.Fatal(err)
	}
	r := &endplatev1.Report{}
	if err := proto.Unmarshal(v.Result.Report, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func spinesAreMeasuredAndCompared(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	var observed struct {
		sync.Mutex
		states []string
		stages map[string]bool
	}
	observed.stages = map[string]bool{}
	c := jobs.Config{Store: s, Workers: 2, Do: child("child", measure.Limits{Memory: 4 << 30, Time: patience})}
	c.Observer.Analysis = func(state string, waited, took time.Duration) {
		observed.Lock()
		defer observed.Unlock()
		observed.states = append(observed.states, state)
	}
	c.Observer.Stage = func(name string, took time.Duration) {
		observed.Lock()
		defer observed.Unlock()
		observed.stages[name] = true
	}
	q := start(t, c)
	before, after, other := putSpine(t, s, 1, "A", 40), putSpine(t, s, 2, "A", 15), putSpine(t, s, 3, "B", 15)
	var ids []string
	for _, series := range []string{before, after, other} {
		ids = append(ids, request(t, q, series).ID)
	}
	compared := compare(t, q, ids[0], ids[1]) // waits for them
	refused := compare(t, q, ids[0], ids[2])
	for _, id := range ids {
		a := ended(t, s, id)
		if a.State != store.Succeeded || a.Attempt != 1 || a.Fraction != 1 || a.FinishedAt.Before(a.StartedAt) {
			t.Errorf("analysis = %+v", a)
		}
		r := reportOf(t, s, id)
		if len(r.GetAnalyses()) != 1 || len(r.GetAnalyses()[0].GetVertebrae()) < 3 || r.GetAnalyses()[0].GetPath() != "" {
			t.Errorf("report = %v", r)
		}
	}
	done := comparisonEnded(t, s, compared)
	r := &endplatev1.ComparisonReport{}
	if err := proto.Unmarshal(done.Report, r); err != nil {
		t.Fatal(err)
	}
	if done.State != store.Succeeded || len(r.GetComparisons()) != 1 || !cmp.Equal(done.Revisions, []int{0, 0}) {
		t.Errorf("comparison %s: %s %s, revisions %v", done.State, done.ReasonCode, done.Reason, done.Revisions)
	}
	if done := comparisonEnded(t, s, refused); done.State != store.Failed || done.ReasonCode != string(fault.OtherPatient) {
		t.Errorf("comparison of two patients: %s %s %s", done.State, done.ReasonCode, done.Reason)
	}
	observed.Lock()
	defer observed.Unlock()
	if len(observed.states) != 3 || !observed.stages["reading"] {
		t.Errorf("observed states %q, stages %v", observed.states, observed.stages)
	}
}

func compare(t testing.TB, q *jobs.Queue, ids ...string) string {
	t.Helper()
	var c store.Comparison
	err := q.Store.Write(t.Context(), func(tx *store.Tx) (err error) {
		if c, _, err = tx.CreateComparison(t.Context(), store.NewComparison{AnalysisIDs: ids}); err != nil {
			return err
		}
		return q.EnqueueComparison(t.Context(), tx, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func comparisonEnded(t testing.TB, s *store.Store, id string) (c store.Comparison) {
	t.Helper()
	until(t, "the comparison has ended", func() bool {
		var err error
		if c, err = s.Comparison(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return c.State.Ended()
	})
	return c
}

// What cannot be read is a result.
func anUnreadableSeriesSucceeds(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: child("child", measure.Limits{})})
	put(t, s)
	a := ended(t, s, request(t, q, made).ID)
	if r := reportOf(t, s, a.ID); a.State != store.Succeeded || len(r.GetAnalyses()) != 0 {
		t.Errorf("%s %s with %v", a.State, a.Reason, r)
	}
	// A comparison of it fails: there is nothing to compare.
	if c := comparisonEnded(t, s, compare(t, q, a.ID, a.ID)); c.State != store.Failed || c.ReasonCode != string(fault.AnalysisFailed) {
		t.Errorf("comparison: %s %s %s", c.State, c.ReasonCode, c.Reason)
	}
}

func crashesPark(t *testing.T, config store.Config) {
	modes := []struct {
		mode   string
		limits measure.Limits
		code   string
		reason string
	}{
		{"panic", measure.Limits{}, "CRASHED", "panic: on purpose"},
		{"hang", measure.Limits{Time: 50 * time.Millisecond}, "TIME_LIMIT", "longer"},
		{"hog", measure.Limits{Memory: 200 << 20}, "MEMORY_LIMIT", "memory"},
	}
	bySeries := map[string]func(context.Context, *measure.Task, func(string, float64)) (*measure.Done, error){}
	s := storetest.Open(t, config)
	q := start(t, jobs.Config{Store: s, Workers: 3, Do: func(ctx context.Context, task *measure.Task, stage func(string, float64)) (*measure.Done, error) {
		return bySeries[task.Measure.Files[0].SOPInstanceUID](ctx, task, stage)
	}})
	var ids []string
	for i, m := range modes {
		c := storetest.Made(1, i, 1)
		storetest.Put(t, s, c)
		bySeries[c.Instance.SOPInstanceUID] = child(m.mode, m.limits)
	}
	for i := range modes {
		ids = append(ids, request(t, q, storetest.Made(1, i, 1).Series.SeriesInstanceUID).ID)
	}
	for i, m := range modes {
		a := ended(t, s, ids[i])
		if a.State != store.Parked || a.Attempt != 3 || a.ReasonCode != m.code || !strings.Contains(a.Reason, m.reason) {
			t.Errorf("analysis = %+v, want it parked for %s", a, m.code)
		}
	}
	if again := request(t, q, storetest.Made(1, 0, 1).Series.SeriesInstanceUID); again.ID == ids[0] {
		t.Error("a parked analysis cannot be asked for again")
	}
}

func aQueuedAnalysisIsCancelled(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	q := idle(t, jobs.Config{Store: s})
	a := request(t, q, made)
	got, err := cancel(t, q, a.ID)
	if err != nil || got.State != store.Cancelled || got.ReasonCode == "" {
		t.Fatalf("cancel: %+v, %v", got, err)
	}
	if again, err := cancel(t, q, a.ID); err != nil || !again.FinishedAt.Equal(got.FinishedAt) {
		t.Errorf("cancelled again: %+v, %v", again, err)
	}
	w := start(t, jobs.Config{Store: s, Workers: 1, Do: here})
	b := ended(t, s, request(t, w, made).ID)
	if a, err := s.Analysis(t.Context(), a.ID); err != nil || a.State != store.Cancelled || a.Attempt != 0 || b.ID == a.ID {
		t.Errorf("cancelled analysis = %+v, %v", a, err)
	}
	if _, err := cancel(t, q, "none"); fault.Of(err) != fault.NotExist {
		t.Errorf("cancel of none: %v", err)
	}
}

// hanging does tasks that end with their context alone, and tells of both.
type hanging struct{ began, stopped chan struct{} }

func newHanging() hanging { return hanging{make(chan struct{}, 9), make(chan struct{}, 9)} }

func (h hanging) do(ctx context.Context, _ *measure.Task, stage func(string, float64)) (*measure.Done, error) {
	stage("hanging", 0.5)
	h.began <- struct{}{}
	<-ctx.Done()
	h.stopped <- struct{}{}
	return nil, context.Cause(ctx)
}

func aRunningAnalysisIsCancelledFromElsewhere(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	h := newHanging()
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: h.do})
	a := request(t, q, made)
	<-h.began
	until(t, "progress shows", func() bool {
		a, err := s.Analysis(t.Context(), a.ID)
		return err == nil && a.Stage == "hanging" && a.Fraction == 0.5
	})
	elsewhere := idle(t, jobs.Config{Store: s})
	if _, err := cancel(t, elsewhere, a.ID); err != nil {
		t.Fatal(err)
	}
	<-h.stopped
	if a := ended(t, s, a.ID); a.State != store.Cancelled {
		t.Errorf("analysis = %+v", a)
	}
}

func anAnalysisEndsWithItsStudy(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	h := newHanging()
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: h.do})
	request(t, q, made)
	<-h.began
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.DeleteStudy(t.Context(), "1.2.3.1")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	<-h.stopped
}

func TestChangedBytesFail(t *testing.T) {
	config := storetest.Embedded(t)
	s := storetest.Open(t, config)
	put(t, s)
	instances, err := s.Instances(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := s.LocalPath(instances[1])
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: child("child", measure.Limits{})})
	if a := ended(t, s, request(t, q, made).ID); a.State != store.Failed || a.ReasonCode != string(fault.StoredDataCorrupt) || a.Attempt != 1 {
		t.Errorf("analysis = %+v", a)
	}
}

// What is in a bucket is copied, and the copies are removed.
func TestBucket(t *testing.T) {
	config := storetest.Embedded(t)
	config.Blobs = "mem://"
	s := storetest.Open(t, config)
	series := putSpine(t, s, 1, "A", 40)
	scratch := t.TempDir()
	left := fmt.Sprintf("%s/endplate-scratch-%d-1", scratch, os.Getpid())
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	q := start(t, jobs.Config{Store: s, Workers: 1, Scratch: scratch, Do: child("child", measure.Limits{})})
	a := ended(t, s, request(t, q, series).ID)
	if r := reportOf(t, s, a.ID); len(r.GetAnalyses()) != 1 {
		t.Errorf("%s %s with %v", a.State, a.Reason, r)
	}
	until(t, "the copies are removed", func() bool {
		entries, err := os.ReadDir(scratch)
		return err == nil && len(entries) == 0
	})
}

func TestALargeSeriesIsNotCopied(t *testing.T) {
	config := storetest.Embedded(t)
	config.Blobs = "mem://"
	s := storetest.Open(t, config)
	put(t, s)
	q := start(t, jobs.Config{Store: s, Workers: 1, Scratch: t.TempDir(), CopyLimit: 20, Do: here})
	if a := ended(t, s, request(t, q, made).ID); a.State != store.Failed || a.ReasonCode != string(fault.LimitExceeded) || a.Attempt != 1 {
		t.Errorf("analysis = %+v", a)
	}
}

func aFullQueueRefuses(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	for series := range 3 {
		storetest.Put(t, s, storetest.Made(1, series, 1))
	}
	q := idle(t, jobs.Config{Store: s, QueueLimit: 2})
	for series := range 2 {
		request(t, q, fmt.Sprintf("1.2.3.1.%d", series))
	}
	_, err := tryRequest(t.Context(), q, "1.2.3.1.2")
	if fault.Of(err) != fault.Exhausted || fault.Public(err).RetryAfter == 0 {
		t.Errorf("error = %v, want one that says when to try again", err)
	}
	if n, err := q.Waiting(t.Context()); err != nil || n["QUEUED"] != 2 {
		t.Errorf("waiting = %v, %v", n, err)
	}
}

func stopGivesBack(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	h := newHanging()
	q := idle(t, jobs.Config{Store: s, Workers: 1, Do: h.do, Grace: 30 * time.Millisecond})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := request(t, q, made)
	<-h.began
	if err := q.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Analysis(t.Context(), a.ID)
	if err != nil || got.State != store.Queued || got.WorkerID != "" {
		t.Fatalf("analysis = %+v, %v", got, err)
	}
	if all, err := s.Workers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("workers = %v, %v", all, err)
	}
	start(t, jobs.Config{Store: s, Workers: 1, Do: here})
	if a := ended(t, s, a.ID); a.State != store.Succeeded {
		t.Errorf("analysis = %+v", a)
	}
}

// A process that is told to end lets its jobs finish.
func stopWaits(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	began, release := make(chan struct{}), make(chan struct{})
	q := idle(t, jobs.Config{Store: s, Workers: 1, Grace: time.Minute, Do: func(ctx context.Context, t *measure.Task, stage func(string, float64)) (*measure.Done, error) {
		close(began)
		<-release
		return here(ctx, t, stage)
	}})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := request(t, q, made)
	<-began
	stopped := make(chan error)
	go func() { stopped <- q.Stop(context.Background()) }()
	close(release)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if a, err := s.Analysis(t.Context(), a.ID); err != nil || a.State != store.Succeeded {
		t.Errorf("analysis = %+v, %v", a, err)
	}
}

// A worker that was taken for dead, and comes back after its job was done by another,
// stores nothing.
func TestTheDeadStoreNothing(t *testing.T) {
	s := storetest.Open(t, storetest.Embedded(t))
	put(t, s)
	began, release, returned := make(chan struct{}), make(chan struct{}), make(chan struct{})
	paused := idle(t, jobs.Config{Store: s, Workers: 1, Do: func(context.Context, *measure.Task, func(string, float64)) (*measure.Done, error) {
		close(began)
		<-release
		defer close(returned)
		return &measure.Done{Report: []byte("from the dead")}, nil
	}})
	if err := paused.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := request(t, paused, made)
	<-began
	// On SQLite, who starts takes every other worker for dead.
	start(t, jobs.Config{Store: s, Workers: 1, Do: here})
	done := ended(t, s, a.ID)
	close(release)
	<-returned
	if err := paused.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Analysis(t.Context(), a.ID)
	if err != nil || got.State != store.Succeeded || got.Attempt != 2 || !got.FinishedAt.Equal(done.FinishedAt) {
		t.Errorf("analysis = %+v, %v, want %+v", got, err, done)
	}
	v, err := s.Revision(t.Context(), a.ID, store.Latest, store.Report)
	if err != nil || string(v.Result.Report) == "from the dead" || v.Number != 0 {
		t.Errorf("revision = %+v, %v", v, err)
	}
}
