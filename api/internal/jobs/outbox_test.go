// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
	"github.com/endplate/endplate/api/measure"
)

// archive takes objects by STOW-RS.
type archive struct {
	*httptest.Server

	mu     sync.Mutex
	down   bool
	posts  int
	copies map[string][]byte // by SOPInstanceUID
	came   map[string]int
}

func newArchive(t testing.TB) *archive {
	a := &archive{copies: map[string][]byte{}, came: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.stow))
	t.Cleanup(a.Close)
	return a
}

func (a *archive) stow(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posts++
	if a.down {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.URL.Path != "/dicom-web/studies" {
		http.Error(w, "no STOW-RS request", http.StatusBadRequest)
		return
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for part, err := parts.NextPart(); err == nil; part, err = parts.NextPart() {
		b, _ := io.ReadAll(part)
		h, err := dicom.ReadHeader(bytes.NewReader(b))
		if err != nil {
			http.Error(w, "no DICOM", http.StatusConflict)
			return
		}
		a.came[h.SOPInstanceUID]++
		a.copies[h.SOPInstanceUID] = b
	}
}

func (a *archive) setDown(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
}

func (a *archive) holds() (copies, came, posts int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.came {
		came += n
	}
	return len(a.copies), came, a.posts
}

// to returns the archive as a destination of all kinds but those named otherwise.
func (a *archive) to(t testing.TB, kinds string) destination.Destination {
	t.Helper()
	d, err := destination.Parse("archive=" + a.URL + "/dicom-web?kinds=" + kinds)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// publishing does tasks in this process, and writes an image, the same for the same
// task, as each kind of object: what they show is not what is tested here.
func publishing(ctx context.Context, t *measure.Task, stage func(string, float64)) (*measure.Done, error) {
	if t.Publish == nil {
		return here(ctx, t, stage)
	}
	done := &measure.Done{}
	for _, kind := range t.Publish.Kinds {
		vol := &volume.Volume{Geometry: volume.Geometry{Columns: 8, Rows: 8, Slices: 1}, Samples: make([]int16, 64)}
		vol.Column.X, vol.Row.Y, vol.Slice.Z = 1, 1, 1
		as := dicom.SyntheticCT{Study: fmt.Sprint(kind, len(t.Publish.Revisions)), FrameOfReference: "1", PatientID: "P"}
		_, err := dicom.WriteCT(vol, as, func(_ int, instance []byte) error {
			path := filepath.Join(t.Publish.Folder, kind)
			done.Objects = append(done.Objects, measure.ObjectFile{Kind: kind, Path: path})
			return os.WriteFile(path, instance, 0o600)
		})
		if err != nil {
			return nil, err
		}
	}
	return done, nil
}

// published waits for the end of a publication.
func published(t testing.TB, s *store.Store, analysis string, revision int) (p store.Publication) {
	t.Helper()
	until(t, "the publication has ended", func() bool {
		var err error
		p, err = s.Publication(t.Context(), store.OfRevision(analysis, revision))
		if err != nil && fault.Of(err) != fault.NotExist {
			t.Fatal(err)
		}
		return err == nil && p.State.Ended()
	})
	return p
}

// deliveries waits until all deliveries, of which there are n, are as wanted.
func deliveries(t testing.TB, s *store.Store, n int, what string, wanted func(store.Delivery) bool) (all []store.Delivery) {
	t.Helper()
	until(t, "deliveries are "+what, func() bool {
		var err error
		if all, _, err = s.ListDeliveries(t.Context(), store.DeliveryFilter{}, store.Page{}); err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			if !wanted(d) {
				return false
			}
		}
		return len(all) == n
	})
	return all
}

func inState(state store.DeliveryState) func(store.Delivery) bool {
	return func(d store.Delivery) bool { return d.State == state }
}

func resultsAreStoredAndSent(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	a := newArchive(t)
	var audited sync.Map
	q := start(t, jobs.Config{
		Store: s, Workers: 1, Do: publishing, Results: []string{"sr", "sc"},
		Destinations: []destination.Destination{a.to(t, "sr,seg"), {Name: "all", Sender: a.to(t, "").Sender}},
		QuietTime:    time.Millisecond,
		Audit: func(ctx context.Context, tx *store.Tx, method string, objects ...string) error {
			audited.Store(method+" "+objects[1]+" "+objects[2], true)
			return nil
		},
	})
	put(t, s)
	id := request(t, q, made).ID
	ended(t, s, id)
	if p := published(t, s, id, 0); p.State != store.Succeeded || p.Attempt != 1 {
		t.Errorf("publication %+v", p)
	}
	objects, err := s.Objects(t.Context(), store.OfRevision(id, 0))
	if err != nil || len(objects) != 2 || objects[0].Source != store.SourceEndplate || objects[0].Kind == objects[1].Kind {
		t.Errorf("objects %+v, %v", objects, err)
	}
	for _, d := range deliveries(t, s, 3, "made", inState(store.Delivered)) {
		if d.Attempts != 1 || d.Reason != "" || d.DeliveredAt.IsZero() {
			t.Errorf("delivery %+v", d)
		}
		if _, ok := audited.Load("Deliver " + d.SOPInstanceUID + " destination " + d.Destination); !ok {
			t.Errorf("delivery of %s to %s is not audited", d.SOPInstanceUID, d.Destination)
		}
	}
	if copies, came, _ := a.holds(); copies != 2 || came != 3 {
		t.Errorf("the archive has %d objects and got %d", copies, came)
	}
	// Nothing is published twice, and what was made is not analysed by itself.
	write(t, s, func(tx *store.Tx) error { return q.Publish(t.Context(), tx, id, 0) })
	if all, _, err := s.ListAnalyses(t.Context(), store.AnalysisFilter{}, store.Page{}); err != nil || len(all) != 1 {
		t.Errorf("%d analyses, %v", len(all), err)
	}
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.DeleteStudy(t.Context(), objects[0].StudyInstanceUID)
		return err
	})
	if _, err := s.Instance(t.Context(), objects[0].SOPInstanceUID); fault.Of(err) != fault.NotExist {
		t.Errorf("an object of a deleted study: %v", err)
	}
	if _, err := s.RemoveGarbage(t.Context()); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
}

func write(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// A revision by a reader is published beside the automatic one.
func everyRevisionIsPublished(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	a := newArchive(t)
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: publishing, Results: []string{"sr"}, Destinations: []destination.Destination{a.to(t, "")}})
	put(t, s)
	id := request(t, q, made).ID
	ended(t, s, id)
	for range 2 { // the request comes twice
		write(t, s, func(tx *store.Tx) error {
			n, err := tx.AddRevision(t.Context(), 0, store.Revision{AnalysisID: id, Author: "me"}, store.Request{ID: "once"})
			if err != nil {
				return err
			}
			return q.Publish(t.Context(), tx, id, n)
		})
	}
	if p := published(t, s, id, 1); p.State != store.Succeeded {
		t.Errorf("publication %+v", p)
	}
	both := deliveries(t, s, 2, "made", inState(store.Delivered))
	if both[0].Revision != 1 || both[1].Revision != 0 || both[0].SOPInstanceUID == both[1].SOPInstanceUID {
		t.Errorf("deliveries %+v", both)
	}
}

// An object whose UID is that of another instance is not stored, and nothing else of
// its publication is.
func aConflictFails(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: publishing, Results: []string{"sr", "sc"}})
	put(t, s)
	folder := t.TempDir()
	done, err := publishing(t.Context(), &measure.Task{Publish: &measure.PublishTask{Kinds: []string{"sc"}, Folder: folder, Revisions: make([]measure.Revision, 1)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(done.Objects[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := dicom.ReadHeader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	planted := storetest.Made(1, 7, 1)
	planted.Instance.SOPInstanceUID = h.SOPInstanceUID
	storetest.Put(t, s, planted)
	id := request(t, q, made).ID
	if p := published(t, s, id, 0); p.State != store.Failed || p.ReasonCode != string(fault.InstanceConflict) {
		t.Errorf("publication %+v", p)
	}
	if objects, err := s.Objects(t.Context(), store.OfRevision(id, 0)); err != nil || len(objects) != 0 {
		t.Errorf("objects %+v, %v", objects, err)
	}
	storetest.Whole(t, s)
}

// Of a series that could not be read there is nothing to tell, which is no failure.
func nothingToTellOf(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	a := newArchive(t)
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: here, Results: measure.Kinds(), Destinations: []destination.Destination{a.to(t, "")}})
	put(t, s)
	id := request(t, q, made).ID
	if p := published(t, s, id, 0); p.State != store.Succeeded {
		t.Errorf("publication %+v", p)
	}
	if objects, err := s.Objects(t.Context(), store.OfRevision(id, 0)); err != nil || len(objects) != 0 {
		t.Errorf("objects %+v, %v", objects, err)
	}
	deliveries(t, s, 0, "none", func(store.Delivery) bool { return false })
}

// simulated returns what has time pass for the outbox until the next attempt at its only
// delivery, wanting the wait that follows n attempts.
func simulated(t *testing.T, s *store.Store, q *jobs.Queue, n int) (wait time.Duration, d store.Delivery) {
	t.Helper()
	d = deliveries(t, s, 1, fmt.Sprintf("attempted %d times", n), func(d store.Delivery) bool { return d.Attempts >= n })[0]
	if d.State != store.Waiting {
		return 0, d
	}
	wait = d.NextAttemptAt.Sub(d.AttemptedAt)
	full := min(10*time.Second<<(n-1), 15*time.Minute)
	if wait < full-full/4 || wait > full+full/4+time.Second || !strings.Contains(d.Reason, "cannot be reached") {
		t.Errorf("after attempt %d a wait of %v, want some %v: %q", n, wait, full, d.Reason)
	}
	if err := q.Pass(t.Context(), wait); err != nil {
		t.Fatal(err)
	}
	return wait, d
}

func anArchiveIsAwayForAnHour(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	a := newArchive(t)
	a.setDown(true)
	timing := soon
	timing.Resend, timing.ResendMost = 10*time.Second, 15*time.Minute
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: publishing, Results: []string{"sr"}, Timing: timing, Destinations: []destination.Destination{a.to(t, "")}})
	put(t, s)
	request(t, q, made)
	var away time.Duration
	attempts := 0
	for away < time.Hour {
		attempts++
		wait, d := simulated(t, s, q, attempts)
		if d.State != store.Waiting {
			t.Fatalf("after %v: %+v", away, d)
		}
		if away += wait; away >= time.Hour {
			break
		}
	}
	a.setDown(false)
	// The attempt that Pass began may have come before.
	for deadline := time.Now().Add(patience); ; {
		d := deliveries(t, s, 1, "there", func(store.Delivery) bool { return true })[0]
		if d.State == store.Delivered {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("delivery %+v", d)
		}
		if d.Attempts > attempts {
			attempts = d.Attempts
			simulated(t, s, q, attempts)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if copies, came, _ := a.holds(); copies != 1 || came != 1 {
		t.Errorf("the archive has %d copies of what came %d times", copies, came)
	}
	if attempts > 15 {
		t.Errorf("%d attempts in an hour", attempts)
	}
}

func anOldDeliveryIsGivenUp(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	a := newArchive(t)
	a.setDown(true)
	timing := soon
	timing.Resend, timing.ResendMost = 10*time.Second, 15*time.Minute
	q := start(t, jobs.Config{
		Store: s, Workers: 1, Do: publishing, Results: []string{"sr"}, Timing: timing,
		Destinations: []destination.Destination{a.to(t, "")}, GiveUpAfter: time.Hour,
	})
	put(t, s)
	request(t, q, made)
	var d store.Delivery
	var away time.Duration
	for n := 1; d.State != store.GivenUp && n < 20; n++ {
		var wait time.Duration
		wait, d = simulated(t, s, q, n)
		away += wait
	}
	if d.State != store.GivenUp || away < time.Hour || away > 2*time.Hour {
		t.Fatalf("after %v: %+v", away, d)
	}
	a.setDown(false)
	write(t, s, func(tx *store.Tx) error {
		again, err := q.RetryDelivery(t.Context(), tx, d.ID)
		if again.State != store.Waiting {
			t.Errorf("tried again: %+v", again)
		}
		return err
	})
	deliveries(t, s, 1, "made", inState(store.Delivered))
	write(t, s, func(tx *store.Tx) error {
		again, err := q.RetryDelivery(t.Context(), tx, d.ID)
		if again.State != store.Delivered {
			t.Errorf("tried again after it was made: %+v", again)
		}
		return err
	})
	if copies, came, _ := a.holds(); copies != 1 || came != 1 {
		t.Errorf("the archive has %d copies of what came %d times", copies, came)
	}
}

// A process that is killed after the archive has acknowledged and before it could note
// so leaves a delivery that another makes again: the archive has one copy, and the
// delivery is made once.
func killedAfterTheAcknowledgement(t *testing.T, config store.Config) {
	a := newArchive(t)
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s)
	id := request(t, idle(t, jobs.Config{Store: s}), made).ID
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	work := task{Config: config, Workers: 1, Destination: "archive=" + a.URL + "/dicom-web", Kill: true}
	first := startWorker(t, work)
	_ = first.Wait() // it ends itself
	if code := first.ProcessState.ExitCode(); code != -1 {
		t.Fatalf("the first worker ended with %d", code)
	}
	if copies, came, _ := a.holds(); copies != 1 || came != 1 {
		t.Fatalf("the archive has %d copies of what came %d times", copies, came)
	}
	work.Kill = false
	second := startWorker(t, work)
	until(t, "the object has come again", func() bool { _, came, _ := a.holds(); return came == 2 })
	kill(second)
	s = storetest.Open(t, config)
	start(t, jobs.Config{Store: s, Workers: 1, Do: publishing, Results: []string{"sr"}, Destinations: []destination.Destination{a.to(t, "")}})
	d := deliveries(t, s, 1, "made", inState(store.Delivered))[0]
	if d.AnalysisID != id || d.Attempts != 1 {
		t.Errorf("delivery %+v", d)
	}
	if copies, _, _ := a.holds(); copies != 1 {
		t.Errorf("the archive has %d copies", copies)
	}
}
