// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"testing"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// add adds instance i of a series and returns the outcome.
func add(t testing.TB, g *ingest.Ingest, i, pixels int) ingest.Outcome {
	t.Helper()
	return g.Add(t.Context(), ingest.Upload{}, bytes.NewReader(instanceOf(numbered(i), pixels)))
}

func wantStored(t testing.TB, o ingest.Outcome) {
	t.Helper()
	if o.State != ingest.Stored || o.Err != nil {
		t.Errorf("outcome %+v, want it stored", o)
	}
}

func wantReason(t testing.TB, o ingest.Outcome, kind fault.Kind, reason fault.Reason) {
	t.Helper()
	if o.State != ingest.Refused || fault.Of(o.Err) != kind || fault.Public(o.Err).Reason != reason {
		t.Errorf("outcome %+v, want it refused for %s", o, reason)
	}
}

func TestRoomIsLeft(t *testing.T) {
	config := storetest.Embedded(t)
	config.MinFree = 1 << 60
	g, s := open(t, ingest.Config{Store: storetest.Open(t, config)})
	wantReason(t, add(t, g, 1, 100), fault.Exhausted, fault.StorageFull)
	announced := int64(100)
	o := g.Add(t.Context(), ingest.Upload{SizeBytes: &announced}, bytes.NewReader(nil))
	wantReason(t, o, fault.Exhausted, fault.StorageFull)
	g.Close()
	wantEmpty(t, s)
}

func TestTheDatabaseGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	config := storetest.Embedded(t)
	config.Database = server.Database(t)
	g, s := open(t, ingest.Config{Store: storetest.Open(t, config)})
	wantStored(t, add(t, g, 1, 100))
	server.Down(t)
	for i := range 3 {
		wantReason(t, add(t, g, 10+i, 100), fault.Unavailable, fault.StorageUnavailable)
	}
	if _, err := s.Study(t.Context(), "1.2.3"); fault.Of(err) != fault.Unavailable {
		t.Errorf("Study: %v", err)
	}
	if err := s.Ping(t.Context()); fault.Of(err) != fault.Unavailable {
		t.Errorf("Ping: %v", err)
	}
	server.Up(t)
	for i := range 3 {
		wantStored(t, add(t, g, 10+i, 100))
	}
	g.Close()
	if _, err := s.Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
	if x, err := s.Series(t.Context(), "1.2.3.4"); err != nil || x.InstanceCount != 4 {
		t.Errorf("series %+v, %v, want 4 instances", x, err)
	}
}
