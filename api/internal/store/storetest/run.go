// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// Run runs what every store must do. config makes a new, empty store's
// configuration; several may be open at once, and are: what they wait for is the disk.
func Run(t *testing.T, config func(t testing.TB) store.Config) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, *store.Store)
	}{
		{"instances", testInstances},
		{"conflicts", testConflicts},
		{"studies", testStudies},
		{"pages", testPages},
		{"find", testFind},
		{"worklist", testWorklist},
		{"orders of the worklist", testWorklistOrders},
		{"analyses of a study that end at once", testRankedAtOnce},
		{"deletion", testDeletion},
		{"sweep", testSweep},
		{"batches given up", testGivenUp},
		{"retention", testRetention},
		{"source errors", testSourceErrors},
		{"analyses", testAnalyses},
		{"analyses made once", testOnce},
		{"request ids", testRequests},
		{"fences", testFences},
		{"revisions", testRevisions},
		{"comparisons", testComparisons},
		{"publications", testPublications},
		{"publication of a deleted study", testPublicationOfADeletedStudy},
		{"publications of comparisons", testPublicationsOfComparisons},
		{"publication of a comparison of a deleted study", testPublicationOfAComparisonOfADeletedStudy},
		{"earlier comparisons", testEarlierComparisons},
		{"what is published", testPublishing},
		{"outbox", testOutbox},
		{"lists of deliveries", testDeliveryLists},
		{"audit", testAudit},
		{"workers", testWorkers},
		{"rollback", testRollback},
		{"concurrent uploads", testConcurrentUploads},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := config(t)
			c.Severity = severity
			s := Open(t, c)
			tt.test(t, s)
			Whole(t, s)
		})
	}
	t.Run("opened again", func(t *testing.T) {
		t.Parallel()
		testReopen(t, config(t))
	})
}

// Whole checks that rows and blobs agree.
func Whole(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Check(t.Context(), true, func(p store.Problem) { t.Errorf("check: %v", p) }); err != nil {
		t.Errorf("check: %v", err)
	}
}

// wantKind checks the kind of an error and its reason.
func wantKind(t testing.TB, err error, kind fault.Kind, reason fault.Reason) {
	t.Helper()
	if err == nil || fault.Of(err) != kind || fault.Public(err).Reason != reason {
		t.Errorf("error %v of kind %v, want one of %v for %s", err, fault.Of(err), kind, reason)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// write writes or ends the test.
func write(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func outcomes(settled []store.Settlement) []store.Outcome {
	var all []store.Outcome
	for _, s := range settled {
		all = append(all, s.Outcome)
	}
	return all
}

func wantOutcomes(t testing.TB, settled []store.Settlement, want ...store.Outcome) {
	t.Helper()
	if got := outcomes(settled); !slices.Equal(got, want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
}

func testInstances(t *testing.T, s *store.Store) {
	ctx := t.Context()
	before := time.Now().Add(-time.Minute)
	first, second := Made(1, 1, 2), Made(1, 1, 1)
	wantOutcomes(t, Put(t, s, first, second), store.Added, store.Added)
	wantOutcomes(t, Put(t, s, first), store.Same)

	all := must[[]store.Instance](t)(s.Instances(ctx, first.Series.SeriesInstanceUID))
	if len(all) != 2 || all[0].SOPInstanceUID != second.Instance.SOPInstanceUID {
		t.Fatalf("instances %+v, want two, by UID", all)
	}
	got := must[store.Instance](t)(s.Instance(ctx, first.Instance.SOPInstanceUID))
	if got != all[1] && !cmp.Equal(got.InstanceNumber, all[1].InstanceNumber) {
		t.Errorf("Instance = %+v, Instances has %+v", got, all[1])
	}
	if got.Size != int64(len(first.Bytes)) || got.StudyInstanceUID != first.Study.StudyInstanceUID ||
		got.Source != "test" || *got.InstanceNumber != 2 || got.ReceivedAt.Before(before) {
		t.Errorf("instance %+v of %+v", got, first)
	}
	var b bytes.Buffer
	if err := s.CopyInstance(ctx, &b, got); err != nil || b.String() != first.Bytes {
		t.Errorf("copy %q, %v, want %q", b.String(), err, first.Bytes)
	}
	f := must[io.ReadSeekCloser](t)(s.OpenInstance(ctx, got))
	defer f.Close()
	if _, err := f.Seek(9, io.SeekStart); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(f); err != nil || string(rest) != first.Bytes[9:] {
		t.Errorf("rest %q, %v, want %q", rest, err, first.Bytes[9:])
	}
	_, err := s.Instance(ctx, "1.2.3")
	wantKind(t, err, fault.NotExist, fault.NotFound)
	if none, err := s.Instances(ctx, "1.2.3"); len(none) != 0 || err != nil {
		t.Errorf("instances of an unknown series: %v, %v", none, err)
	}
}

func testConflicts(t *testing.T, s *store.Store) {
	first := Made(1, 1, 1)
	other := first
	other.Bytes = "other"
	stray := Made(1, 1, 2)
	stray.Study.StudyInstanceUID = "1.9"
	settled := Put(t, s, first, other, first, stray)
	wantOutcomes(t, settled, store.Added, store.Conflict, store.Same, store.Conflict)
	wantKind(t, settled[1].Err, fault.Exist, fault.InstanceConflict)
	wantKind(t, settled[3].Err, fault.Exist, fault.InstanceConflict)
	wantOutcomes(t, Put(t, s, other, stray), store.Conflict, store.Conflict)

	var b bytes.Buffer
	i := must[store.Instance](t)(s.Instance(t.Context(), first.Instance.SOPInstanceUID))
	if err := s.CopyInstance(t.Context(), &b, i); err != nil || b.String() != first.Bytes {
		t.Errorf("the first bytes are %q, %v, want %q", b.String(), err, first.Bytes)
	}
	_, err := s.Study(t.Context(), "1.9")
	wantKind(t, err, fault.NotExist, fault.NotFound)
}

func testStudies(t *testing.T, s *store.Store) {
	ctx := t.Context()
	mr := Made(1, 2, 1)
	mr.Series.Modality, mr.Series.SeriesNumber = "MR", nil
	Put(t, s, mr, Made(1, 3, 1), Made(1, 1, 1), Made(1, 1, 2))
	Put(t, s, Made(2, 1, 1))

	got := must[store.Study](t)(s.Study(ctx, "1.2.3.1"))
	want := mr.Study
	want.Modalities, want.SeriesCount, want.InstanceCount = []string{"CT", "MR"}, 3, 4
	want.SizeBytes = int64(4 * len(mr.Bytes))
	want.CreatedAt, want.LastReceivedAt = got.CreatedAt, got.LastReceivedAt
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Study (-want +got):\n%s", diff)
	}
	series, next, err := s.ListSeries(ctx, "1.2.3.1", store.Page{})
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	var uids []string
	for _, x := range series {
		uids = append(uids, x.SeriesInstanceUID)
	}
	if want := []string{"1.2.3.1.1", "1.2.3.1.3", "1.2.3.1.2"}; !slices.Equal(uids, want) {
		t.Errorf("series %v, want %v: by number, those without at last", uids, want)
	}
	if x := series[0]; x.InstanceCount != 2 || x.Revision() != 2 || x.SeriesDescription != "Größe 1 mm" || *x.SeriesNumber != 1 {
		t.Errorf("series %+v", x)
	}
	_, err = s.Study(ctx, "1.2.3.9")
	wantKind(t, err, fault.NotExist, fault.NotFound)
	_, err = s.Series(ctx, "1.2.3.9")
	wantKind(t, err, fault.NotExist, fault.NotFound)
	_, _, err = s.ListSeries(ctx, "1.2.3.9", store.Page{})
	wantKind(t, err, fault.NotExist, fault.NotFound)
	for _, tt := range []struct {
		filter store.StudyFilter
		want   int
	}{{store.StudyFilter{}, 2}, {store.StudyFilter{Modality: "MR"}, 1}, {store.StudyFilter{PatientID: "P2"}, 1},
		{store.StudyFilter{PatientID: "P2", Modality: "MR"}, 0}} {
		if all, _, err := s.ListStudies(ctx, tt.filter, store.Page{}); err != nil || len(all) != tt.want {
			t.Errorf("ListStudies(%+v) = %d, %v, want %d", tt.filter, len(all), err, tt.want)
		}
	}
}

func testPages(t *testing.T, s *store.Store) {
	ctx := t.Context()
	const n = 7
	for i := range n {
		Put(t, s, Made(i, 1, 1), Made(i, 2, 1))
	}
	var seen []string
	page := store.Page{Size: 3}
	for pages := 0; ; pages++ {
		studies, next, err := s.ListStudies(ctx, store.StudyFilter{Modality: "CT"}, page)
		if err != nil || pages > n {
			t.Fatal(pages, err)
		}
		for _, x := range studies {
			seen = append(seen, x.StudyInstanceUID)
		}
		if page.Token = next; next == "" {
			break
		}
	}
	slices.Reverse(seen)
	for i, uid := range seen {
		if uid != "1.2.3."+strconv.Itoa(i) || len(seen) != n {
			t.Fatalf("studies %v, want %d from the newest to the oldest", seen, n)
		}
	}
	_, token, err := s.ListSeries(ctx, "1.2.3.1", store.Page{Size: 1})
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	rest, last, err := s.ListSeries(ctx, "1.2.3.1", store.Page{Size: 1, Token: token})
	if err != nil || last != "" || len(rest) != 1 || rest[0].SeriesInstanceUID != "1.2.3.1.2" {
		t.Errorf("second page %+v, %q, %v", rest, last, err)
	}
	for _, bad := range []string{"x", "!", token[1:], token + "A", strings.Repeat("A", 4000), token} {
		_, _, err := s.ListStudies(ctx, store.StudyFilter{}, store.Page{Token: bad})
		wantKind(t, err, fault.Invalid, fault.InvalidField)
	}
	_, _, err = s.ListSeries(ctx, "1.2.3.2", store.Page{Token: token})
	wantKind(t, err, fault.Invalid, fault.InvalidField)
}

func testDeletion(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1), Made(1, 2, 1), Made(2, 1, 1))
	a, b := succeeded(t, s, "1.2.3.1.1"), succeeded(t, s, "1.2.3.2.1")
	var c store.Comparison
	write(t, s, func(tx *store.Tx) (err error) {
		c, _, err = tx.CreateComparison(ctx, store.NewComparison{AnalysisIDs: []string{a.ID, b.ID},
			Request: store.Request{Creator: "x", ID: "c"}})
		return err
	})
	var n int
	remove := func(tx *store.Tx) (err error) {
		n, err = tx.DeleteStudy(ctx, "1.2.3.1")
		return err
	}
	write(t, s, remove)
	if n != 2 {
		t.Errorf("%d instances deleted, want 2", n)
	}
	write(t, s, remove)
	if n != 0 {
		t.Errorf("%d instances deleted the second time, want 0", n)
	}
	if removed, err := s.RemoveGarbage(ctx); removed != 2 || err != nil {
		t.Errorf("%d blobs removed, %v, want 2", removed, err)
	}
	_, err := s.Analysis(ctx, a.ID)
	wantKind(t, err, fault.NotExist, fault.NotFound)
	_, err = s.Comparison(ctx, c.ID)
	wantKind(t, err, fault.NotExist, fault.NotFound)
	if _, err := s.Analysis(ctx, b.ID); err != nil {
		t.Error(err)
	}
	wantOutcomes(t, Put(t, s, Made(1, 1, 1)), store.Added)
}

func testReopen(t *testing.T, config store.Config) {
	if strings.HasPrefix(config.Blobs, "mem:") {
		config.Blobs = "file://" + t.TempDir()
	}
	s := must[*store.Store](t)(store.Open(t.Context(), config))
	Put(t, s, Made(1, 1, 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := Open(t, config)
	if err := again.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	wantOutcomes(t, Put(t, again, Made(1, 1, 1)), store.Same)
	Whole(t, again)
}

func testConcurrentUploads(t *testing.T, s *store.Store) {
	const callers, instances = 8, 6
	var mu sync.Mutex
	var added, same int
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range instances {
				settled, err := TryPut(t, s, Made(1, 1, i), Made(2, 1, i))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, x := range settled {
					switch x.Outcome {
					case store.Added:
						added++
					case store.Same:
						same++
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if added != 2*instances || same != 2*instances*(callers-1) {
		t.Errorf("%d added and %d the same, want %d and %d", added, same, 2*instances, 2*instances*(callers-1))
	}
}
