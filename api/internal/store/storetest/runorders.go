// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strings"
	"sync"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
)

// severity is that of the reports of these tests: the digit that they begin with.
func severity(report []byte) int64 {
	if len(report) == 0 || report[0] < '0' || report[0] > '9' {
		return 0
	}
	return int64(report[0] - '0')
}

// asBad is a result of a severity.
func asBad(digit string) store.Result { return store.Result{Report: []byte(digit)} }

func testWorklistOrders(t *testing.T, s *store.Store) {
	for _, e := range examinations() { // one after another, so that each is stored later
		Put(t, s, e)
	}
	order := func(o store.Order) string { return worklistNumbers(t, s, store.WorklistFilter{Order: o}) }
	want := func(o, reversed store.Order, want string) {
		t.Helper()
		if got := order(o); got != want {
			t.Errorf("order %d: %s, want %s", o, got, want)
		}
		if got := order(reversed); got != backwards(want) {
			t.Errorf("order %d: %s, want %s", reversed, got, backwards(want))
		}
	}
	want(store.ByReceived, store.ByReceivedAscending, "1 5 4 3 2")
	want(store.ByModalityDescending, store.ByModality, "3 4 1 5 2") // SEG, DX, CT and SR, CT, CT
	for _, o := range []store.Order{store.ByWorst, store.ByState, store.ByReview} {
		want(o, o+1, "5 4 3 2 1") // nothing was measured yet
	}

	succeededWith(t, s, "1.2.3.1.1", asBad("9")) // of a set of instances that has grown since
	Put(t, s, Made(1, 1, 3))
	succeededWith(t, s, "1.2.3.1.1", asBad("3"))
	second := succeededWith(t, s, "1.2.3.2.1", asBad("3"))
	review(t, s, second, 0, true)
	third := succeededWith(t, s, "1.2.3.3.1", asBad("0"))
	ended(t, s, "1.2.3.4.1", store.Failed)
	want(store.ByWorst, store.ByWorstReversed, "1 3 2 5 4") // the revision of 2 has no deformity any more
	want(store.ByState, store.ByStateReversed, "4 3 2 1 5")
	want(store.ByReview, store.ByReviewReversed, "3 1 2 5 4")

	write(t, s, func(tx *store.Tx) error {
		_, err := tx.AddRevision(t.Context(), 0, store.Revision{AnalysisID: third.ID, Author: "reader", Result: asBad("5")}, store.Request{})
		return err
	})
	want(store.ByWorst, store.ByWorstReversed, "3 1 2 5 4")
	wantPlaceKept(t, s)
}

func backwards(numbers string) string {
	all := strings.Fields(numbers)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return strings.Join(all, " ")
}

// wantPlaceKept has the study that the first page ends with move to the end: the next
// page begins where it was.
func wantPlaceKept(t *testing.T, s *store.Store) {
	t.Helper()
	filter := store.WorklistFilter{Order: store.ByWorst}
	studies, next, err := s.Worklist(t.Context(), filter, store.Page{Size: 2})
	if err != nil || len(studies) != 2 || studies[1].StudyInstanceUID != "1.2.3.1" {
		t.Fatalf("first page %+v, %v", studies, err)
	}
	Put(t, s, Made(1, 1, 4))
	a, _ := create(t, s, store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1", Origin: store.Requested})
	start(t, s, a.ID)
	studies, _, err = s.Worklist(t.Context(), filter, store.Page{Size: 9, Token: next})
	var got []string
	for _, x := range studies {
		got = append(got, strings.TrimPrefix(x.StudyInstanceUID, "1.2.3."))
	}
	if err != nil || strings.Join(got, " ") != "2 5 4 1" {
		t.Errorf("second page %v, %v, want 2 5 4 1", got, err)
	}
	write(t, s, func(tx *store.Tx) error { return tx.RequeueAnalysis(t.Context(), a.ID, 1, "WHY", "because") })
	if got := worklistNumbers(t, s, store.WorklistFilter{Order: store.ByState}); got != "4 1 3 2 5" {
		t.Errorf("with an analysis that waits again: %s, want 4 1 3 2 5", got)
	}
}

// Of two analyses of a study that end at once, both count.
func testRankedAtOnce(t *testing.T, s *store.Store) {
	Put(t, s, Made(1, 1, 1), Made(1, 2, 1), Made(2, 1, 1))
	succeededWith(t, s, "1.2.3.2.1", asBad("4"))
	var all [2]store.Analysis
	for i, series := range []string{"1.2.3.1.1", "1.2.3.1.2"} {
		a, _ := create(t, s, store.NewAnalysis{SeriesInstanceUID: series, Origin: store.Requested})
		all[i] = start(t, s, a.ID)
	}
	finish := func(tx *store.Tx, a store.Analysis, digit string) error {
		r := asBad(digit)
		return tx.FinishAnalysis(t.Context(), a.ID, a.Attempt, store.Finish{State: store.Succeeded, Result: &r})
	}
	var wg sync.WaitGroup
	var once sync.Once
	write(t, s, func(tx *store.Tx) error {
		err := finish(tx, all[0], "7")
		once.Do(func() {
			wg.Go(func() { // begins before this one is committed
				if err := s.Write(t.Context(), func(tx *store.Tx) error { return finish(tx, all[1], "2") }); err != nil {
					t.Error(err)
				}
			})
		})
		return err
	})
	wg.Wait()
	if got := worklistNumbers(t, s, store.WorklistFilter{Order: store.ByWorst}); got != "1 2" {
		t.Errorf("worst first: %s, want 1 2", got)
	}
}
