// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/dicom/deidentify"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// withJournal opens a door to a store with a journal of so many MB.
func withJournal(t testing.TB, config ingest.Config, size int64) (*ingest.Ingest, *store.Store) {
	t.Helper()
	if config.Store == nil {
		config.Store = storetest.Open(t, storetest.Embedded(t))
	}
	j, left, err := config.Store.OpenJournal(size << 20)
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	j.Grown()
	config.Journal = j
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return open(t, config)
}

// early adds an instance that may be acknowledged early.
func early(t testing.TB, g *ingest.Ingest, b []byte) ingest.Outcome {
	t.Helper()
	return g.Add(t.Context(), ingest.Upload{Source: "dimse", Early: true}, bytes.NewReader(b))
}

// busy keeps the database from being written to until it is told to end.
func busy(t testing.TB, s *store.Store) (end func()) {
	t.Helper()
	begun, ended := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Write(t.Context(), func(*store.Tx) error {
			close(begun)
			<-ended
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-begun
	return func() {
		close(ended)
		wg.Wait()
	}
}

// What may be acknowledged early does not wait for the database, and is there for whoever
// waits for it.
func TestWhatIsInTheJournalIsStored(t *testing.T) {
	g, s := withJournal(t, ingest.Config{}, 8)
	wantStored(t, early(t, g, ctInstance(numbered(0))))
	if _, err := s.Instance(t.Context(), "1.2.3.4.0"); err != nil {
		t.Errorf("the first of a series was acknowledged before it was indexed: %v", err)
	}
	const n = 30 // of which the journal holds 8
	end := busy(t, s)
	for i := 1; i <= 5; i++ {
		wantStored(t, early(t, g, ctInstance(numbered(i))))
	}
	if _, err := s.Instance(t.Context(), "1.2.3.4.5"); fault.Of(err) != fault.NotExist {
		t.Errorf("indexed by a database that is busy: %v", err)
	}
	end()
	for i := 6; i < n; i++ {
		wantStored(t, early(t, g, ctInstance(numbered(i))))
	}
	g.Settle(t.Context())
	for i := range n {
		want := ctInstance(numbered(i))
		if got := stored(t, s, numbered(i)["SOPInstanceUID"]); !bytes.Equal(got, want) {
			t.Errorf("instance %d is stored with other bytes", i)
		}
	}
	wantStored(t, early(t, g, ctInstance(numbered(n))))
	g.Close()
	if x, err := s.Series(t.Context(), "1.2.3.4"); err != nil || x.InstanceCount != n+1 {
		t.Errorf("after Close, series %+v, %v", x, err)
	}
	storetest.Whole(t, s)
	if swept, err := s.Sweep(t.Context(), 0); err != nil || swept.Blobs != 0 {
		t.Errorf("left behind: %+v, %v", swept, err)
	}
}

// What is acknowledged keeps its UID: others that come with it while the database is busy
// wait, and are told what they would be told otherwise.
func TestAnAcknowledgedInstanceKeepsItsUID(t *testing.T) {
	g, s := withJournal(t, ingest.Config{}, 8)
	wantStored(t, early(t, g, ctInstance(numbered(0))))
	end := busy(t, s)
	wantStored(t, early(t, g, ctInstance(numbered(1))))
	outcomes := make(chan ingest.Outcome, 4)
	for k := range 4 {
		b := ctInstance(numbered(1))
		if k%2 == 1 {
			b = instanceOf(numbered(1), 102)
		}
		go func() {
			outcomes <- g.Add(t.Context(), ingest.Upload{Early: k < 2}, bytes.NewReader(b))
		}()
	}
	select {
	case o := <-outcomes:
		t.Errorf("%+v before it could be known", o)
	case <-time.After(50 * time.Millisecond):
	}
	end()
	counts := map[ingest.State]int{}
	for range 4 {
		o := <-outcomes
		counts[o.State]++
		if o.State == ingest.Refused {
			wantReason(t, o, fault.Exist, fault.InstanceConflict)
		}
	}
	if counts[ingest.AlreadyStored] != 2 || counts[ingest.Refused] != 2 {
		t.Errorf("outcomes %v", counts)
	}
	if got := stored(t, s, "1.2.3.4.1"); !bytes.Equal(got, ctInstance(numbered(1))) {
		t.Error("other bytes are stored than were acknowledged")
	}
	g.Close()
	storetest.Whole(t, s)
}

// What is acknowledged stays in the journal while it cannot be indexed, also beyond the
// end of the process. Whoever sends it anew meanwhile is told to try again, and nothing
// more is acknowledged early.
func TestAcknowledgedWhileTheIndexFails(t *testing.T) {
	var down atomic.Bool
	touched := func(context.Context, *store.Tx, []store.Series) error {
		if down.Load() {
			return fault.New(fault.Unavailable, fault.StorageUnavailable, "down")
		}
		return nil
	}
	g, s := withJournal(t, ingest.Config{Touched: touched}, 8)
	wantStored(t, early(t, g, ctInstance(numbered(0))))
	down.Store(true)
	for i := 1; i < 4; i++ {
		wantStored(t, early(t, g, ctInstance(numbered(i))))
	}
	g.Settle(t.Context())
	for _, i := range []int{3, 5} {
		wantReason(t, early(t, g, ctInstance(numbered(i))), fault.Unavailable, fault.StorageUnavailable)
		wantReason(t, add(t, g, i, 100), fault.Unavailable, fault.StorageUnavailable)
	}
	if x, err := s.Series(t.Context(), "1.2.3.4"); err != nil || x.InstanceCount != 1 {
		t.Errorf("series %+v, %v", x, err)
	}
	g.Close()
	recoverAll(t, s)
	if x, err := s.Series(t.Context(), "1.2.3.4"); err != nil || x.InstanceCount != 4 {
		t.Errorf("after all, series %+v, %v", x, err)
	}
	for i := range 4 {
		if !bytes.Equal(stored(t, s, numbered(i)["SOPInstanceUID"]), ctInstance(numbered(i))) {
			t.Errorf("instance %d is stored with other bytes", i)
		}
	}
	if _, err := s.Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
}

func TestWhatTheJournalDoesNotTake(t *testing.T) {
	g, s := withJournal(t, ingest.Config{SOPClasses: []string{"1.2.840.10008.5.1.4.1.1.88.67"}}, 4)
	for i := range 3 {
		wantStored(t, early(t, g, ctInstance(numbered(i))))
	}
	g.Settle(t.Context())
	otherSeries := numbered(8)
	otherSeries["StudyInstanceUID"] = "1.2.9"
	for name, tt := range map[string]struct {
		b      []byte
		state  ingest.State
		reason fault.Reason
	}{
		"large":                       {instanceOf(numbered(3), 3<<20), ingest.Stored, ""},
		"just too large":              {instanceOf(numbered(4), store.EntrySize), ingest.Stored, ""},
		"as large as may be":          {largest(5), ingest.Stored, ""},
		"the same again":              {ctInstance(numbered(1)), ingest.AlreadyStored, ""},
		"the UID with other bytes":    {instanceOf(numbered(1), 200), ingest.Refused, fault.InstanceConflict},
		"the series in another study": {ctInstance(otherSeries), ingest.Refused, fault.InstanceConflict},
		"truncated":                   {ctInstance(numbered(6))[:400], ingest.Refused, fault.MalformedInstance},
		"truncated beyond the slot":   {instanceOf(numbered(7), 2<<20)[:3<<19], ingest.Refused, fault.MalformedInstance},
	} {
		t.Run(name, func(t *testing.T) {
			o := early(t, g, tt.b)
			if o.State != tt.state || o.SizeBytes > int64(len(tt.b)) || tt.reason != "" && fault.Public(o.Err).Reason != tt.reason {
				t.Fatalf("outcome %+v, want state %d for %q", o, tt.state, tt.reason)
			}
			g.Settle(t.Context())
			if o.State == ingest.Stored && !bytes.Equal(stored(t, s, o.SOPInstanceUID), tt.b) {
				t.Error("other bytes are stored")
			}
		})
	}
	g.Close()
	storetest.Whole(t, s)
	if swept, err := s.Sweep(t.Context(), 0); err != nil || swept.Blobs != 0 {
		t.Errorf("left behind: %+v, %v", swept, err)
	}
}

// largest returns instance i, as large as the journal takes.
func largest(i int) []byte {
	head := len(instanceOf(numbered(i), 0))
	return instanceOf(numbered(i), (store.EntrySize-head)&^1)
}

func TestATransformationIsStoredFromTheJournal(t *testing.T) {
	profile, err := deidentify.New([]byte("a secret of thirty-two bytes ..."), deidentify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, s := withJournal(t, ingest.Config{Transform: func(dst io.Writer, src io.Reader) error {
		_, err := profile.Instance(dst, src)
		return err
	}}, 4)
	for i := range 3 {
		wantStored(t, early(t, g, ctInstance(numbered(i))))
	}
	g.Settle(t.Context())
	for i := range 3 {
		if kept := stored(t, s, profile.UID(numbered(i)["SOPInstanceUID"])); bytes.Contains(kept, []byte("Doe")) {
			t.Errorf("an identity is kept of instance %d", i)
		}
	}
}
