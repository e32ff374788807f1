// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strings"
	"testing"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// worklistNumbers returns the numbers of the studies that a worklist holds, read in
// pages of two.
func worklistNumbers(t *testing.T, s *store.Store, f store.WorklistFilter) string {
	t.Helper()
	var numbers []string
	page := store.Page{Size: 2}
	for {
		studies, next, err := s.Worklist(t.Context(), f, page)
		if err != nil || len(numbers) > 20 {
			t.Fatalf("%+v: %v", f, err)
		}
		for _, x := range studies {
			numbers = append(numbers, strings.TrimPrefix(x.StudyInstanceUID, "1.2.3."))
		}
		if page.Token = next; next == "" {
			return strings.Join(numbers, " ")
		}
	}
}

func testWorklist(t *testing.T, s *store.Store) {
	for _, e := range examinations() { // one after another, so that each is received later
		Put(t, s, e)
	}
	reviewed, open := true, false
	failed := ended(t, s, "1.2.3.4.1", store.Failed)
	older := succeeded(t, s, "1.2.3.1.1") // of a set of instances that has grown since
	Put(t, s, Made(1, 1, 3))
	first := succeeded(t, s, "1.2.3.1.1")
	second := succeeded(t, s, "1.2.3.2.1")
	review(t, s, second, 0, false)
	review(t, s, second, 1, true)
	for _, tt := range []struct {
		filter store.WorklistFilter
		want   string
	}{
		{store.WorklistFilter{}, "1 5 4 3 2"},
		{store.WorklistFilter{Order: store.ByDate}, "4 3 2 1 5"},
		{store.WorklistFilter{Order: store.ByDateAscending}, "5 1 2 3 4"},
		{store.WorklistFilter{Modality: "CT"}, "1 5 2"},
		{store.WorklistFilter{FromDate: "20240301"}, "4 3 2"},
		{store.WorklistFilter{ToDate: "20240229"}, "1"},

		{store.WorklistFilter{Words: []string{"spine"}}, "1 5 4 3 2"},
		{store.WorklistFilter{Words: []string{"SPINE", "4"}}, "4"},
		{store.WorklistFilter{Words: []string{"2.3.5"}}, "5"},
		{store.WorklistFilter{Words: []string{"doe"}}, ""},
		{store.WorklistFilter{Words: []string{"doe"}, Identities: true}, "5 4"},
		{store.WorklistFilter{Words: []string{"jane", "DOE"}, Identities: true}, "4"},
		{store.WorklistFilter{Words: []string{"P3"}, Identities: true}, "3"},
		{store.WorklistFilter{Words: []string{"%"}, Identities: true}, "2"},
		{store.WorklistFilter{Words: []string{"_"}, Identities: true}, "3"},
		{store.WorklistFilter{Words: []string{`\`}, Identities: true}, "5"},
		{store.WorklistFilter{Words: []string{"太郎"}, Identities: true}, "1"},

		{store.WorklistFilter{States: []store.State{store.Failed}}, "4"},
		{store.WorklistFilter{States: []store.State{store.Succeeded}}, "1 2"},
		{store.WorklistFilter{Reviewed: &reviewed}, "2"},
		{store.WorklistFilter{Reviewed: &open}, "1"},
	} {
		if got := worklistNumbers(t, s, tt.filter); got != tt.want {
			t.Errorf("worklist of %+v: %s, want %s", tt.filter, got, tt.want)
		}
	}
	names := worklistNumbers(t, s, store.WorklistFilter{Order: store.ByName})
	backwards := strings.Fields(worklistNumbers(t, s, store.WorklistFilter{Order: store.ByNameDescending}))
	if strings.Index(names, "4") > strings.Index(names, "5") || backwards[0] != names[len(names)-1:] {
		t.Errorf("by name %s, the other way round %v", names, backwards)
	}
	wantNewest(t, s, failed, older, first, second)
	wantNoDeletedPage(t, s)
}

// ended makes an analysis that has ended without a result.
func ended(t *testing.T, s *store.Store, series string, state store.State) store.Analysis {
	t.Helper()
	a, _ := create(t, s, store.NewAnalysis{SeriesInstanceUID: series, Origin: store.Requested})
	write(t, s, func(tx *store.Tx) (err error) {
		a, err = tx.EndAnalysis(t.Context(), a.ID, state, "WHY", "because")
		return err
	})
	return a
}

// review adds a revision.
func review(t *testing.T, s *store.Store, a store.Analysis, base int, reviewed bool) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.AddRevision(t.Context(), base, store.Revision{AnalysisID: a.ID, Author: "reader", Reviewed: reviewed}, store.Request{})
		return err
	})
}

func wantNewest(t *testing.T, s *store.Store, failed, older, first, second store.Analysis) {
	t.Helper()
	studies, _, err := s.Worklist(t.Context(), store.WorklistFilter{}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	newest := must[map[string][]store.NewestAnalysis](t)(s.NewestAnalyses(t.Context(), studies))
	if len(newest) != 3 || older.ID == first.ID {
		t.Errorf("newest analyses of %d studies, want 3", len(newest))
	}
	if n := newest["1.2.3.1"]; len(n) != 1 || n[0].ID != first.ID || n[0].Revision == nil || n[0].Revision.Number != 0 || n[0].Revision.Reviewed ||
		*n[0].SeriesNumber != 1 || n[0].SeriesDescription != "Größe 1 mm" {
		t.Errorf("newest of study 1: %+v", n)
	}
	if n := newest["1.2.3.2"]; len(n) != 1 || n[0].ID != second.ID || n[0].Revision.Number != 2 || !n[0].Revision.Reviewed || n[0].Revision.Author != "reader" {
		t.Errorf("newest of study 2: %+v", n)
	}
	if n := newest["1.2.3.4"]; len(n) != 1 || n[0].ID != failed.ID || n[0].Revision != nil || n[0].Reason != "because" {
		t.Errorf("newest of study 4: %+v", n)
	}
}

// A page whose study is gone cannot be found again, which is said.
func wantNoDeletedPage(t *testing.T, s *store.Store) {
	t.Helper()
	studies, next, err := s.Worklist(t.Context(), store.WorklistFilter{Order: store.ByName}, store.Page{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.DeleteStudy(t.Context(), studies[0].StudyInstanceUID)
		return err
	})
	_, _, err = s.Worklist(t.Context(), store.WorklistFilter{Order: store.ByName}, store.Page{Size: 1, Token: next})
	wantKind(t, err, fault.Invalid, fault.InvalidField)
	if _, err := s.RemoveGarbage(t.Context()); err != nil {
		t.Error(err)
	}
}
