// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// journalOf opens the journal of a store, and waits until it has its size.
func journalOf(t testing.TB, s *store.Store, size int64) (*store.Journal, []*store.Entry) {
	t.Helper()
	j, left, err := s.OpenJournal(size)
	if err != nil {
		t.Fatal(err)
	}
	j.Grown()
	return j, left
}

// entered writes an entry.
func entered(t testing.TB, j *store.Journal, data string) *store.Entry {
	t.Helper()
	e := j.Begin()
	if e == nil {
		t.Fatal("no room in the journal")
	}
	if _, err := io.Copy(e, strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return e
}

func committed(t testing.TB, j *store.Journal, data string) *store.Entry {
	t.Helper()
	e := entered(t, j, data)
	if err := e.Commit(); err != nil {
		t.Fatal(err)
	}
	return e
}

// contents returns what entries hold.
func contents(t testing.TB, left []*store.Entry) (all []string) {
	t.Helper()
	for _, e := range left {
		b, err := io.ReadAll(e.Written())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}

func TestTheJournalKeepsWhatIsCommitted(t *testing.T) {
	config := storetest.Embedded(t)
	s := storetest.Open(t, config)
	j, left := journalOf(t, s, 6<<20)
	if len(left) != 0 {
		t.Errorf("a new journal has %d entries", len(left))
	}
	long := strings.Repeat("long ", 200_000)
	committed(t, j, "first")
	forgotten := committed(t, j, "forgotten")
	entered(t, j, "not committed")
	if err := j.Forget(forgotten); err != nil {
		t.Fatal(err)
	}
	committed(t, j, long)
	committed(t, j, "last")
	if j.Crowded() {
		t.Error("crowded with 4 of 6 slots in use")
	}
	committed(t, j, "one more")
	if !j.Crowded() {
		t.Error("not crowded with 5 of 6 slots in use")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, left = journalOf(t, s, 0) // of what is left it lets go of nothing
	if got := contents(t, left); fmt.Sprint(got) != fmt.Sprint([]string{"first", long, "last", "one more"}) {
		t.Errorf("%.100q are left", got)
	}
	if err := j.Forget(left...); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; j.Begin() != nil; n++ {
	}
	if n != 6 {
		t.Errorf("%d slots are free, want 6", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, left, err := s.OpenJournal(0); j != nil || len(left) > 0 || err != nil {
		t.Errorf("a journal that is not wanted: %v, %v, %v", j, left, err)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(pathOf(config)), "*.received")); len(files) > 0 {
		t.Errorf("%v is left", files)
	}
}

// pathOf returns the file of an SQLite database.
func pathOf(c store.Config) string { return strings.TrimPrefix(c.Database, "sqlite:") }

func TestAnEntryHasItsBounds(t *testing.T) {
	s := storetest.Open(t, storetest.Embedded(t))
	j, _ := journalOf(t, s, 2<<20)
	defer j.Close()
	data := make([]byte, store.EntrySize+12345)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	e := j.Begin()
	n, err := io.CopyBuffer(struct{ io.Writer }{e}, bytes.NewReader(data[:store.EntrySize]), make([]byte, 100_000))
	if err != nil || n != store.EntrySize || e.Full() || e.Size() != n {
		t.Fatalf("%d of %d bytes, %v, full: %t", n, store.EntrySize, err, e.Full())
	}
	if _, err := e.Write(data[store.EntrySize:]); err == nil || !e.Full() {
		t.Errorf("more was written: %v", err)
	}
	if got, err := io.ReadAll(e.Written()); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v, want all %d", len(got), err, len(data))
	}
	if j.Begin() == nil || j.Begin() != nil {
		t.Error("want one slot more, and no third")
	}
}

// Whatever a crash has made of the file, nothing is told to be there that was not
// committed, and what was committed is there unless its own bytes are damaged.
func TestADamagedJournal(t *testing.T) {
	config := storetest.Embedded(t)
	s := storetest.Open(t, config)
	path := filepath.Join(filepath.Dir(pathOf(config)), "endplate.received")
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 24 {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		j, _ := journalOf(t, s, 3<<20)
		want := map[string]bool{}
		for i := range 3 {
			data := strings.Repeat(fmt.Sprint(round, i, " "), 1+random.IntN(100_000))
			committed(t, j, data)
			want[data] = true
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		damage(t, random, path, round%2 == 1)
		j, left := journalOf(t, s, 3<<20)
		for _, data := range contents(t, left) {
			if !want[data] {
				t.Errorf("round %d: an entry that was not committed", round)
			}
		}
		if len(left) < 2 && round%2 == 0 {
			t.Errorf("round %d: %d entries are left of 3, of which one is damaged", round, len(left))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// damage writes over some bytes of a file that has slots of 1 MiB, or cuts it off.
func damage(t testing.TB, random *rand.Rand, path string, cut bool) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := random.Int64N(3 << 20)
	if random.IntN(2) == 0 {
		at = at>>20<<20 + random.Int64N(36) // of a head
	}
	junk := make([]byte, 1+random.IntN(10))
	for i := range junk {
		junk[i] = byte(random.Uint32())
	}
	if _, err := f.WriteAt(junk, at); err != nil {
		t.Fatal(err)
	}
	if cut {
		if err := f.Truncate(at); err != nil {
			t.Fatal(err)
		}
	}
}
