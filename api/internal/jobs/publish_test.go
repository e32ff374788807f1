// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
	"github.com/endplate/endplate/api/measure"
)

// comparisonPublished waits for the end of the publication of a comparison, and returns
// the report that was made.
func comparisonPublished(t testing.TB, s *store.Store, a *archive, id string) (store.Object, *dataset.File) {
	t.Helper()
	of := store.OfComparison(id)
	until(t, "the comparison is published", func() bool {
		p, err := s.Publication(t.Context(), of)
		if err != nil && fault.Of(err) != fault.NotExist || err == nil && p.State.Ended() && p.State != store.Succeeded {
			t.Fatal(p, err)
		}
		return err == nil && p.State.Ended()
	})
	objects, err := s.Objects(t.Context(), of)
	if err != nil || len(objects) != 1 {
		t.Fatalf("objects %+v, %v", objects, err)
	}
	var report *dataset.File
	until(t, "the archive has the report", func() bool {
		a.mu.Lock()
		b := a.copies[objects[0].SOPInstanceUID]
		a.mu.Unlock()
		if b == nil {
			return false
		}
		if report, err = dataset.Read(bytes.NewReader(b), -1, dataset.Options{}); err != nil {
			t.Fatal(err)
		}
		return true
	})
	return objects[0], report
}

// reportMade returns the UID of the report of a revision.
func reportMade(t testing.TB, s *store.Store, id string, revision int) string {
	t.Helper()
	objects, err := s.Objects(t.Context(), store.OfRevision(id, revision))
	if err != nil || len(objects) != 1 {
		t.Fatalf("objects %+v, %v", objects, err)
	}
	return objects[0].SOPInstanceUID
}

// previousReports returns what a report names as the one that the comparison is with.
func previousReports(d *dataset.File) string {
	for _, study := range d.Items(tag.PertinentOtherEvidenceSequence) {
		for _, series := range study.Items(tag.ReferencedSeriesSequence) {
			for _, one := range series.Items(tag.ReferencedSOPSequence) {
				if one.Value(tag.ReferencedSOPClassUID) == "1.2.840.10008.5.1.4.1.1.88.34" {
					return one.Value(tag.ReferencedSOPInstanceUID)
				}
			}
		}
	}
	return ""
}

// A comparison has a report in the later study, which is sent as those of analyses are
// and refers to that of the earlier one; of the same comparison asked for again there is
// no twin, and after a correction one that takes the place of the first.
func comparisonsArePublished(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	a := newArchive(t)
	c := jobs.Config{Store: s, Workers: 1, Do: child("child", measure.Limits{Memory: 4 << 30, Time: patience})}
	before, after := putSpine(t, s, 1, "A", 40), putSpine(t, s, 2, "A", 15)
	// The analyses, and one comparison, are of before results were published.
	first := idle(t, c)
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := []string{request(t, first, before).ID, request(t, first, after).ID}
	for _, id := range ids {
		ended(t, s, id)
	}
	old := compare(t, first, ids...)
	comparisonEnded(t, s, old)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Results, c.Destinations = []string{"sr"}, []destination.Destination{a.to(t, "sr")}
	q := start(t, c)
	object, report := comparisonPublished(t, s, a, compare(t, q, ids...))
	earlier := report.Item(tag.PertinentOtherEvidenceSequence).Value(tag.StudyInstanceUID)
	if object.StudyInstanceUID != report.Value(tag.StudyInstanceUID) || object.StudyInstanceUID == earlier || object.Source != store.SourceEndplate {
		t.Errorf("the report %+v, of %s, is no instance of the later study", object, report.Value(tag.StudyInstanceUID))
	}
	if got := previousReports(report); got != reportMade(t, s, ids[0], 0) {
		t.Errorf("it is compared with %q", got)
	}
	again := compare(t, q, ids...)
	until(t, "the second comparison is published", func() bool {
		p, err := s.Publication(t.Context(), store.OfComparison(again))
		return err == nil && p.State == store.Succeeded
	})
	write(t, s, func(tx *store.Tx) error {
		v, err := tx.Revision(t.Context(), ids[0], 0, store.Whole)
		if err != nil {
			return err
		}
		n, err := tx.AddRevision(t.Context(), 0, store.Revision{AnalysisID: ids[0], Author: "reader", Corrections: []byte("c"), Result: v.Result}, store.Request{ID: "once"})
		if err != nil {
			return err
		}
		return q.Publish(t.Context(), tx, ids[0], n)
	})
	corrected, report := comparisonPublished(t, s, a, compare(t, q, ids...))
	if corrected.SeriesInstanceUID != object.SeriesInstanceUID || corrected.SOPInstanceUID == object.SOPInstanceUID {
		t.Errorf("after the correction there is %+v beside %+v", corrected, object)
	}
	if got := previousReports(report); got != reportMade(t, s, ids[0], 1) {
		t.Errorf("after the correction it is compared with %q", got)
	}
	replaced := report.Item(tag.PredecessorDocumentsSequence).Item(tag.ReferencedSeriesSequence).Item(tag.ReferencedSOPSequence)
	if got := replaced.Value(tag.ReferencedSOPInstanceUID); got != object.SOPInstanceUID {
		t.Errorf("it takes the place of %q, want %s", got, object.SOPInstanceUID)
	}
	// Three reports of revisions and two of comparisons, each once.
	deliveries(t, s, 5, "made", inState(store.Delivered))
	if copies, came, _ := a.holds(); copies != 5 || came != 5 {
		t.Errorf("the archive has %d objects of what came %d times", copies, came)
	}
	if p, err := s.Publication(t.Context(), store.OfComparison(old)); fault.Of(err) != fault.NotExist || err == nil {
		t.Errorf("what was compared before is published unasked: %+v, %v", p, err)
	}
	storetest.Whole(t, s)
}

// The reports that a comparison refers to are made before its own is.
func aComparisonWaitsForReports(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	before, after := putSpine(t, s, 1, "A", 40), putSpine(t, s, 2, "A", 15)
	release := make(chan struct{})
	var reports sync.Map
	// Two may be held up by the reports before there is a comparison.
	q := start(t, jobs.Config{Store: s, Workers: 3, Results: []string{"sr"}, Do: func(ctx context.Context, task *measure.Task, stage func(string, float64)) (*measure.Done, error) {
		switch {
		case task.Publish != nil:
			select {
			case <-release:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case task.PublishComparison != nil:
			for i, a := range task.PublishComparison.Analyses {
				reports.Store(i, len(a.Reports))
			}
		}
		return here(ctx, task, stage)
	}})
	ids := []string{request(t, q, before).ID, request(t, q, after).ID}
	id := compare(t, q, ids...)
	comparisonEnded(t, s, id)
	until(t, "the first report is being made", func() bool {
		p, err := s.Publication(t.Context(), store.OfRevision(ids[0], 0))
		return err == nil && p.State == store.Running
	})
	if p, err := s.Publication(t.Context(), store.OfComparison(id)); err != nil || p.State != store.Queued {
		t.Errorf("the publication of the comparison is %+v, %v", p, err)
	}
	close(release)
	until(t, "the comparison is published", func() bool {
		p, err := s.Publication(t.Context(), store.OfComparison(id))
		return err == nil && p.State == store.Succeeded
	})
	for i := range ids {
		if n, _ := reports.Load(i); n != 1 {
			t.Errorf("%v reports of analysis %d were there", n, i)
		}
	}
}

// logged is a log that can be looked at.
type logged struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) holds(text string) bool {
	l.Lock()
	defer l.Unlock()
	return strings.Contains(l.String(), text)
}

// Workers make and send what the server was told, whatever they were told themselves; one
// that could not send it does not start, and one that runs says so.
func whatTheServerWasToldHolds(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	a := newArchive(t)
	here, elsewhere := a.to(t, ""), a.to(t, "sr")
	elsewhere.Name = "elsewhere"
	serve := func(kinds []string, to ...destination.Destination) {
		start(t, jobs.Config{Store: s, Serves: true, Results: kinds, Destinations: to})
	}
	serve([]string{"sr", "sc"}, here)

	refused := idle(t, jobs.Config{Store: s, Workers: 1, Do: publishing, Results: []string{"sr"}})
	if err := refused.Start(t.Context()); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "archive") {
		t.Errorf("a worker without the destination: %v", err)
	}
	log := &logged{}
	q := start(t, jobs.Config{
		Store: s, Workers: 1, Do: publishing, Destinations: []destination.Destination{here},
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if !log.holds("settings of results hold") {
		t.Errorf("a worker without results says nothing: %s", log.String())
	}
	id := request(t, q, made).ID
	published(t, s, id, 0)
	kinds := map[string]bool{}
	for _, d := range deliveries(t, s, 2, "made", inState(store.Delivered)) {
		kinds[d.Kind] = true
	}
	if !kinds["sr"] || !kinds["sc"] {
		t.Errorf("kinds %v", kinds)
	}

	// The server is started again with a destination of which the worker does not know.
	serve([]string{"sr"}, elsewhere)
	until(t, "the worker says so", func() bool { return log.holds("another server was started with other settings") })
	write(t, s, func(tx *store.Tx) error {
		n, err := tx.AddRevision(t.Context(), 0, store.Revision{AnalysisID: id, Author: "me"}, store.Request{ID: "once"})
		if err != nil {
			return err
		}
		return q.Publish(t.Context(), tx, id, n)
	})
	published(t, s, id, 1)
	until(t, "the worker has looked at what it cannot deliver", func() bool {
		var n int
		write(t, s, func(tx *store.Tx) error {
			return tx.SQL().QueryRowContext(t.Context(),
				"SELECT COUNT(*) FROM river_job WHERE kind = 'deliver' AND state IN ('available', 'scheduled') AND attempted_at IS NOT NULL").Scan(&n)
		})
		return n > 0
	})
	all, _, err := s.ListDeliveries(t.Context(), store.DeliveryFilter{Destination: "elsewhere"}, store.Page{})
	if err != nil || len(all) != 1 || all[0].State != store.Waiting || all[0].Attempts != 0 {
		t.Errorf("what the worker cannot deliver: %+v, %v", all, err)
	}
	start(t, jobs.Config{Store: s, Workers: 1, Do: publishing, Results: []string{"sr"}, Destinations: []destination.Destination{elsewhere}})
	deliveries(t, s, 3, "made by the other worker", inState(store.Delivered))
	if names := slices.Sorted(func(yield func(string) bool) {
		for _, d := range deliveries(t, s, 3, "made", inState(store.Delivered)) {
			if !yield(d.Destination) {
				return
			}
		}
	}); !slices.Equal(names, []string{"archive", "archive", "elsewhere"}) {
		t.Errorf("sent to %q", names)
	}
}
