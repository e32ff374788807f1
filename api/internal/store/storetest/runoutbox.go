// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// published makes a publication of the automatic result of an analysis that has the
// objects named, stored as series 9 of their study.
func published(t testing.TB, s *store.Store, study int, kinds ...string) (a store.Analysis, uids []string) {
	t.Helper()
	Put(t, s, Made(study, 1, 1))
	a = succeeded(t, s, Made(study, 1, 1).Series.SeriesInstanceUID)
	made := map[string]string{}
	for i, kind := range kinds {
		c := Made(study, 9, i+1)
		Put(t, s, c)
		made[c.Instance.SOPInstanceUID] = kind
		uids = append(uids, c.Instance.SOPInstanceUID)
	}
	write(t, s, func(tx *store.Tx) error {
		ctx := t.Context()
		if _, err := tx.CreatePublication(ctx, store.OfRevision(a.ID, 0)); err != nil {
			return err
		}
		p, err := tx.StartPublication(ctx, store.OfRevision(a.ID, 0))
		if err != nil {
			return err
		}
		if err := tx.FinishPublication(ctx, p, store.PublicationFinish{State: store.Succeeded}); err != nil {
			return err
		}
		return tx.AddObjects(ctx, p.Subject, made)
	})
	return a, uids
}

func testPublications(t *testing.T, s *store.Store) {
	ctx := t.Context()
	Put(t, s, Made(1, 1, 1))
	a := succeeded(t, s, "1.2.3.1.1")
	_, err := s.Publication(ctx, store.OfRevision(a.ID, 0))
	wantKind(t, err, fault.NotExist, fault.NotFound)
	for _, want := range []bool{true, false} {
		write(t, s, func(tx *store.Tx) error {
			created, err := tx.CreatePublication(ctx, store.OfRevision(a.ID, 0))
			if created != want {
				t.Errorf("created %t, want %t", created, want)
			}
			return err
		})
	}
	write(t, s, func(tx *store.Tx) error { return tx.SetPublicationJob(ctx, store.OfRevision(a.ID, 0), 42) })
	var first, second store.Publication
	for _, p := range []*store.Publication{&first, &second} {
		write(t, s, func(tx *store.Tx) (err error) {
			*p, err = tx.StartPublication(ctx, store.OfRevision(a.ID, 0))
			return err
		})
	}
	if second.State != store.Running || second.Attempt != 2 || second.JobID != 42 || second.CreatedAt.IsZero() {
		t.Errorf("second attempt: %+v", second)
	}
	// The first attempt was taken over, and can do nothing more.
	done := store.PublicationFinish{State: store.Succeeded}
	for _, f := range []func(tx *store.Tx) error{
		func(tx *store.Tx) error { return tx.FinishPublication(ctx, first, done) },
		func(tx *store.Tx) error { return tx.RequeuePublication(ctx, first, "", "") },
	} {
		wantKind(t, s.Write(ctx, f), fault.Conflict, "")
	}
	write(t, s, func(tx *store.Tx) error { return tx.RequeuePublication(ctx, second, "CRASHED", "why") })
	if p := must[store.Publication](t)(s.Publication(ctx, store.OfRevision(a.ID, 0))); p.State != store.Queued || p.ReasonCode != "CRASHED" {
		t.Errorf("requeued: %+v", p)
	}
	write(t, s, func(tx *store.Tx) error {
		return tx.EndPublication(ctx, store.OfRevision(a.ID, 0), store.PublicationFinish{State: store.Parked, ReasonCode: "X", Reason: "why"})
	})
	if p := must[store.Publication](t)(s.Publication(ctx, store.OfRevision(a.ID, 0))); p.State != store.Parked || p.Reason != "why" || p.FinishedAt.IsZero() {
		t.Errorf("parked: %+v", p)
	}
	err = s.Write(ctx, func(tx *store.Tx) error { _, err := tx.StartPublication(ctx, store.OfRevision(a.ID, 0)); return err })
	wantKind(t, err, fault.Conflict, "")
	other, uids := published(t, s, 2, "sr", "seg")
	objects, err := s.Objects(ctx, store.OfRevision(other.ID, 0))
	if err != nil || len(objects) != 2 || objects[0].Kind != "sr" || objects[0].SOPInstanceUID != uids[0] || objects[1].StudyInstanceUID != "1.2.3.2" {
		t.Errorf("objects %+v, %v", objects, err)
	}
}

// What a deleted study's publication still brings does not make the study anew.
func testPublicationOfADeletedStudy(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a, _ := published(t, s, 1, "sr")
	Put(t, s, Made(2, 1, 1))
	gone := succeeded(t, s, "1.2.3.2.1")
	var p store.Publication
	write(t, s, func(tx *store.Tx) (err error) {
		if _, err = tx.CreatePublication(ctx, store.OfRevision(gone.ID, 0)); err == nil {
			p, err = tx.StartPublication(ctx, store.OfRevision(gone.ID, 0))
		}
		return err
	})
	for _, study := range []string{"1.2.3.1", "1.2.3.2"} {
		write(t, s, func(tx *store.Tx) error { _, err := tx.DeleteStudy(ctx, study); return err })
	}
	err := s.Write(ctx, func(tx *store.Tx) error {
		return tx.FinishPublication(ctx, p, store.PublicationFinish{State: store.Succeeded})
	})
	wantKind(t, err, fault.NotExist, fault.NotFound)
	_, err = s.Publication(ctx, store.OfRevision(a.ID, 0))
	wantKind(t, err, fault.NotExist, fault.NotFound)
	if _, err := s.RemoveGarbage(ctx); err != nil {
		t.Error(err)
	}
}

// deliver has objects sent to a destination by a job.
func deliver(t testing.TB, s *store.Store, destination string, job int64, uids ...string) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error { return tx.AddDeliveries(t.Context(), destination, job, uids) })
}

func testOutbox(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a, uids := published(t, s, 1, "sr", "seg")
	deliver(t, s, "pacs", 7, uids...)
	deliver(t, s, "pacs", 8, uids...) // a second time
	waiting := must[[]store.Delivery](t)(s.DeliveriesOf(ctx, 7))
	if len(waiting) != 2 || waiting[0].SOPInstanceUID != uids[0] || waiting[0].Kind != "sr" || waiting[0].StudyInstanceUID != "1.2.3.1" ||
		waiting[0].AnalysisID != a.ID || waiting[0].State != store.Waiting || waiting[0].NextAttemptAt.IsZero() {
		t.Fatalf("job 7 has %+v", waiting)
	}
	if of8 := must[[]store.Delivery](t)(s.DeliveriesOf(ctx, 8)); len(of8) != 0 {
		t.Errorf("sent twice: %+v", of8)
	}
	next := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	write(t, s, func(tx *store.Tx) error {
		if first, err := tx.SetDelivered(ctx, waiting[0].ID); err != nil || !first {
			t.Errorf("delivered: %t, %v", first, err)
		}
		return tx.PostponeDelivery(ctx, waiting[1], "refused", 9, next)
	})
	write(t, s, func(tx *store.Tx) error {
		if first, err := tx.SetDelivered(ctx, waiting[0].ID); err != nil || first {
			t.Errorf("delivered a second time: %t, %v", first, err)
		}
		// The job before has nothing more to say.
		if parked, err := tx.ParkDelivery(ctx, waiting[1], "old"); err != nil || parked {
			t.Errorf("parked by a job that it is not: %t, %v", parked, err)
		}
		return tx.PostponeDelivery(ctx, waiting[1], "old", 7, next)
	})
	if d := must[store.Delivery](t)(s.Delivery(ctx, waiting[0].ID)); d.State != store.Delivered || d.Attempts != 1 || d.DeliveredAt.IsZero() || !d.NextAttemptAt.IsZero() {
		t.Errorf("delivered: %+v", d)
	}
	d := must[store.Delivery](t)(s.Delivery(ctx, waiting[1].ID))
	if d.State != store.Waiting || d.Attempts != 1 || d.Reason != "refused" || d.JobID != 9 || !d.NextAttemptAt.Equal(next) {
		t.Errorf("postponed: %+v", d)
	}
	write(t, s, func(tx *store.Tx) error {
		if parked, err := tx.ParkDelivery(ctx, d, "too old"); err != nil || !parked {
			t.Errorf("parked: %t, %v", parked, err)
		}
		return nil
	})
	testRetries(t, s, waiting)
}

// testRetries has one delivery that was made and one that was given up tried again.
func testRetries(t *testing.T, s *store.Store, ds []store.Delivery) {
	ctx := t.Context()
	counts := must[[]store.DeliveryCount](t)(s.CountDeliveries(ctx))
	if len(counts) != 1 || counts[0].State != store.GivenUp || counts[0].N != 1 || counts[0].Oldest.IsZero() {
		t.Errorf("counts %+v", counts)
	}
	for i, want := range []store.DeliveryState{store.Delivered, store.Waiting} {
		write(t, s, func(tx *store.Tx) error {
			d, err := tx.RetryDelivery(ctx, ds[i].ID, 10)
			if d.State != want {
				t.Errorf("tried again: %+v, want %s", d, want)
			}
			return err
		})
	}
	of10 := must[[]store.Delivery](t)(s.DeliveriesOf(ctx, 10))
	if len(of10) != 1 || of10[0].ID != ds[1].ID || of10[0].QueuedAt.Before(of10[0].CreatedAt) || of10[0].Attempts != 2 {
		t.Errorf("job 10 has %+v", of10)
	}
	_, err := s.Delivery(ctx, "nothing")
	wantKind(t, err, fault.NotExist, fault.NotFound)
	err = s.Write(ctx, func(tx *store.Tx) error { _, err := tx.RetryDelivery(ctx, "nothing", 1); return err })
	wantKind(t, err, fault.NotExist, fault.NotFound)
}

func testDeliveryLists(t *testing.T, s *store.Store) {
	ctx := t.Context()
	first, uids := published(t, s, 1, "sr", "seg")
	_, others := published(t, s, 2, "sr")
	deliver(t, s, "pacs", 1, uids[0])
	deliver(t, s, "archive", 2, uids[1])
	deliver(t, s, "pacs", 3, others...)
	write(t, s, func(tx *store.Tx) error {
		of3, err := tx.DeliveriesOf(ctx, 3)
		if err != nil {
			return err
		}
		_, err = tx.SetDelivered(ctx, of3[0].ID)
		return err
	})
	for _, tt := range []struct {
		filter store.DeliveryFilter
		want   []string
	}{
		{store.DeliveryFilter{}, []string{others[0], uids[1], uids[0]}},
		{store.DeliveryFilter{AnalysisID: first.ID}, []string{uids[1], uids[0]}},
		{store.DeliveryFilter{StudyInstanceUID: "1.2.3.2"}, others},
		{store.DeliveryFilter{Destination: "archive"}, uids[1:]},
		{store.DeliveryFilter{States: []store.DeliveryState{store.Waiting}}, []string{uids[1], uids[0]}},
		{store.DeliveryFilter{States: []store.DeliveryState{store.GivenUp}}, nil},
	} {
		var got []string
		page := store.Page{Size: 1}
		for {
			all, next, err := s.ListDeliveries(ctx, tt.filter, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				got = append(got, d.SOPInstanceUID)
			}
			if page.Token = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ListDeliveries(%+v) (-want +got):\n%s", tt.filter, diff)
		}
	}
	write(t, s, func(tx *store.Tx) error { _, err := tx.DeleteStudy(ctx, "1.2.3.1"); return err })
	if left, _, err := s.ListDeliveries(ctx, store.DeliveryFilter{}, store.Page{}); err != nil || len(left) != 1 {
		t.Errorf("%d deliveries are left of a deleted study, %v", len(left)-1, err)
	}
	if _, err := s.RemoveGarbage(ctx); err != nil {
		t.Error(err)
	}
}
