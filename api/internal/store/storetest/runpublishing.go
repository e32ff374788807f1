// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// comparedOf makes a comparison of revisions of two analyses.
func comparedOf(t testing.TB, s *store.Store, a, b store.Analysis, revisions ...int) (c store.Comparison) {
	t.Helper()
	ctx := t.Context()
	write(t, s, func(tx *store.Tx) (err error) {
		if c, _, err = tx.CreateComparison(ctx, store.NewComparison{AnalysisIDs: []string{a.ID, b.ID}}); err != nil {
			return err
		}
		if c, err = tx.StartComparison(ctx, c.ID); err != nil {
			return err
		}
		return tx.FinishComparison(ctx, c.ID, c.Attempt, store.ComparisonFinish{State: store.Succeeded, Report: []byte("report"), Revisions: revisions})
	})
	return must[store.Comparison](t)(s.Comparison(ctx, c.ID))
}

// The report of a comparison belongs to the later study, and is still sent when the
// earlier one is deleted and the comparison with it.
func testPublicationsOfComparisons(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1), Made(2, 1, 1), Made(2, 9, 1))
	c := comparedOf(t, s, succeeded(t, s, "1.2.3.1.1"), succeeded(t, s, "1.2.3.2.1"), 0, 0)
	of, uid := store.OfComparison(c.ID), Made(2, 9, 1).Instance.SOPInstanceUID
	_, err := s.Publication(ctx, of)
	wantKind(t, err, fault.NotExist, fault.NotFound)
	var p store.Publication
	write(t, s, func(tx *store.Tx) (err error) {
		for _, want := range []bool{true, false} {
			if created, err := tx.CreatePublication(ctx, of); err != nil || created != want {
				t.Errorf("created %t, %v", created, err)
			}
		}
		p, err = tx.StartPublication(ctx, of)
		return err
	})
	write(t, s, func(tx *store.Tx) error {
		if err := tx.FinishPublication(ctx, p, store.PublicationFinish{State: store.Succeeded}); err != nil {
			return err
		}
		return tx.AddObjects(ctx, of, map[string]string{uid: "sr"})
	})
	if p := must[store.Publication](t)(s.Publication(ctx, of)); p.Subject != of || p.State != store.Succeeded || p.Attempt != 1 {
		t.Errorf("publication %+v", p)
	}
	deliver(t, s, "pacs", 5, uid)
	waiting := must[[]store.Delivery](t)(s.DeliveriesOf(ctx, 5))
	if len(waiting) != 1 || waiting[0].Subject != of || waiting[0].StudyInstanceUID != "1.2.3.2" {
		t.Fatalf("waiting %+v", waiting)
	}
	listed, _, err := s.ListDeliveries(ctx, store.DeliveryFilter{ComparisonID: c.ID}, store.Page{})
	if diff := cmp.Diff(waiting, listed); err != nil || diff != "" {
		t.Errorf("listed (-waiting +got), %v:\n%s", err, diff)
	}
	write(t, s, func(tx *store.Tx) error { _, err := tx.DeleteStudy(ctx, "1.2.3.1"); return err })
	_, err = s.Publication(ctx, of)
	wantKind(t, err, fault.NotExist, fault.NotFound)
	left := must[[]store.Delivery](t)(s.DeliveriesOf(ctx, 5))
	if len(left) != 1 || left[0].Subject != (store.Subject{}) || left[0].StudyInstanceUID != "1.2.3.2" {
		t.Errorf("left after the earlier study was deleted: %+v", left)
	}
	write(t, s, func(tx *store.Tx) error { _, err := tx.DeleteStudy(ctx, "1.2.3.2"); return err })
	if left := must[[]store.Delivery](t)(s.DeliveriesOf(ctx, 5)); len(left) != 0 {
		t.Errorf("left after its study was deleted: %+v", left)
	}
	if _, err := s.RemoveGarbage(ctx); err != nil {
		t.Error(err)
	}
}

// What the publication of a comparison still brings does not make anew a study that was
// deleted meanwhile, the earlier or the later.
func testPublicationOfAComparisonOfADeletedStudy(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for gone := range 2 {
		Put(t, s, Made(1, 1, 1), Made(2, 1, 1))
		c := comparedOf(t, s, succeeded(t, s, "1.2.3.1.1"), succeeded(t, s, "1.2.3.2.1"), 0, 0)
		var p store.Publication
		write(t, s, func(tx *store.Tx) (err error) {
			if _, err = tx.CreatePublication(ctx, store.OfComparison(c.ID)); err == nil {
				p, err = tx.StartPublication(ctx, store.OfComparison(c.ID))
			}
			return err
		})
		write(t, s, func(tx *store.Tx) error {
			_, err := tx.DeleteStudy(ctx, Made(gone+1, 1, 1).Study.StudyInstanceUID)
			return err
		})
		err := s.Write(ctx, func(tx *store.Tx) error {
			return tx.FinishPublication(ctx, p, store.PublicationFinish{State: store.Succeeded})
		})
		wantKind(t, err, fault.NotExist, fault.NotFound)
		for study := range 2 {
			write(t, s, func(tx *store.Tx) error {
				_, err := tx.DeleteStudy(ctx, Made(study+1, 1, 1).Study.StudyInstanceUID)
				return err
			})
		}
		if _, err := s.RemoveGarbage(ctx); err != nil {
			t.Error(err)
		}
	}
}

func testEarlierComparisons(t *testing.T, s *store.Store) {
	Put(t, s, Made(1, 1, 1), Made(2, 1, 1))
	a, b := succeeded(t, s, "1.2.3.1.1"), succeeded(t, s, "1.2.3.2.1")
	first := comparedOf(t, s, a, b, 0, 0)
	comparedOf(t, s, b, a, 0, 0) // in another order
	second := comparedOf(t, s, a, b, 1, 0)
	comparedOf(t, s, a, b, 0, 2) // with a later revision
	third := comparedOf(t, s, a, b, 1, 1)
	var ids []string
	for _, c := range must[[]store.Comparison](t)(s.EarlierComparisons(t.Context(), third)) {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{second.ID, first.ID}, ids); diff != "" {
		t.Errorf("earlier comparisons (-want +got):\n%s", diff)
	}
}

func testPublishing(t *testing.T, s *store.Store) {
	ctx := t.Context()
	if p, said, err := s.Publishing(ctx); said || err != nil {
		t.Errorf("before it was said: %+v, %v", p, err)
	}
	for _, want := range []store.Publishing{
		{Kinds: []string{"sr", "seg"}, Destinations: []store.Target{{Name: "pacs"}, {Name: "archive", Kinds: []string{"sr"}}}},
		{},
	} {
		write(t, s, func(tx *store.Tx) error { return tx.SetPublishing(ctx, want) })
		got, said, err := s.Publishing(ctx)
		if diff := cmp.Diff(want, got); diff != "" || !said || err != nil {
			t.Errorf("said %t, %v (-want +got):\n%s", said, err, diff)
		}
	}
}
