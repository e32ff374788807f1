// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

func TestEmbedded(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Embedded)
}

func TestMemoryBlobs(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) store.Config {
		config := storetest.Embedded(t)
		config.Blobs = "mem://"
		return config
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	storetest.Run(t, func(t testing.TB) store.Config {
		config := storetest.Embedded(t)
		config.Database = server.Database(t)
		return config
	})
}

// Stores share the bucket, each below a prefix of its own.
func TestBucket(t *testing.T) {
	t.Parallel()
	bucket := storetest.NewBucket(t)
	var n atomic.Int64
	storetest.Run(t, func(t testing.TB) store.Config {
		config := storetest.Embedded(t)
		config.Blobs = bucket.URL("site" + strconv.FormatInt(n.Add(1), 10))
		return config
	})
}

func TestABucketThatFails(t *testing.T) {
	t.Parallel()
	bucket := storetest.NewBucket(t)
	config := storetest.Embedded(t)
	config.Blobs = bucket.URL("")
	s := storetest.Open(t, config)
	storetest.Put(t, s, storetest.Made(1, 1, 1))
	bucket.Break(true)
	if _, err := storetest.TryPut(t, s, storetest.Made(1, 1, 2)); fault.Of(err) != fault.Unavailable {
		t.Errorf("upload: %v", err)
	}
	if err := s.Ping(t.Context()); fault.Of(err) != fault.Unavailable {
		t.Errorf("Ping: %v", err)
	}
	i, err := s.Instance(t.Context(), "1.2.3.1.1.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenInstance(t.Context(), i); fault.Of(err) != fault.Unavailable {
		t.Errorf("OpenInstance: %v", err)
	}
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.DeleteStudy(t.Context(), "1.2.3.1")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RemoveGarbage(t.Context()); fault.Of(err) != fault.Unavailable {
		t.Errorf("RemoveGarbage: %v", err)
	}
	bucket.Break(false)
	storetest.Put(t, s, storetest.Made(1, 1, 1), storetest.Made(1, 1, 2))
	if _, err := s.Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
}

func TestASecondProcessIsRefused(t *testing.T) {
	config := storetest.Embedded(t)
	storetest.Open(t, config)
	if s, err := store.Open(t.Context(), config); fault.Of(err) != fault.Unavailable {
		t.Errorf("a second store opened the database: %v, %v", s, err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	good := storetest.Embedded(t)
	for _, tt := range []struct{ database, blobs string }{
		{"", good.Blobs}, {"mysql://x", good.Blobs}, {"sqlite:", good.Blobs}, {"postgres://%zz", good.Blobs},
		{good.Database, ""}, {good.Database, "blobs"}, {good.Database, "ftp://x"}, {good.Database, "%zz"},
	} {
		s, err := store.Open(t.Context(), store.Config{Database: tt.database, Blobs: tt.blobs})
		if fault.Of(err) != fault.Invalid {
			t.Errorf("Open(%q, %q) = %v, %v", tt.database, tt.blobs, s, err)
		}
	}
}

// Power may fail: these settings are what durability rests on.
func TestSQLiteSyncs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder? 100%#", "deeper")
	s := storetest.Open(t, store.Config{Database: "sqlite:" + filepath.Join(dir, "x.db"), Blobs: "mem://"})
	if _, err := os.Stat(filepath.Join(dir, "x.db")); err != nil {
		t.Error(err)
	}
	for name, db := range map[string]*sql.DB{"write": s.DB(), "read": s.ReadDB()} {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: PRAGMA %s = %s, %v, want %s", name, pragma, got, err, want)
			}
		}
	}
	if _, err := s.ReadDB().ExecContext(t.Context(), "DELETE FROM studies"); err == nil {
		t.Error("a connection that reads can write")
	}
}

// Two servers on one PostgreSQL and one folder take in the same instances, delete
// and sweep.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	config := storetest.Embedded(t)
	config.Database = pgtest.Start(t).Database(t)
	stores := make([]*store.Store, 2)
	var wg sync.WaitGroup
	for i := range stores { // they migrate at once
		wg.Go(func() { stores[i], _ = store.Open(t.Context(), config) })
	}
	wg.Wait()
	for i, s := range stores {
		if s == nil {
			t.Fatalf("store %d did not open", i)
		}
		t.Cleanup(func() { s.Close() })
	}
	const rounds, studies = 15, 3
	for round := range rounds {
		for _, s := range stores {
			wg.Go(func() {
				var all []storetest.Content
				for i := range studies {
					all = append(all, storetest.Made(i, 1, round), storetest.Made(i, 2, round))
				}
				if _, err := storetest.TryPut(t, s, all...); err != nil {
					t.Errorf("upload: %v", err)
				}
			})
			wg.Go(func() {
				if err := s.Write(t.Context(), func(tx *store.Tx) error {
					_, err := tx.DeleteStudy(t.Context(), fmt.Sprintf("1.2.3.%d", round%studies))
					return err
				}); err != nil {
					t.Errorf("deletion: %v", err)
				}
				if _, err := s.RemoveGarbage(t.Context()); err != nil {
					t.Errorf("garbage: %v", err)
				}
			})
		}
		wg.Wait()
	}
	if _, err := stores[1].Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, stores[0])
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	s := storetest.Open(t, storetest.Embedded(t))
	storetest.Put(t, s, storetest.Made(1, 1, 1), storetest.Made(1, 1, 2), storetest.Made(1, 1, 3), storetest.Made(2, 1, 1))
	path := func(sopUID string) string {
		i, err := s.Instance(t.Context(), sopUID)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := s.LocalPath(i)
		return p
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Remove(path("1.2.3.1.1.1")))
	must(os.WriteFile(path("1.2.3.1.1.2"), []byte("short"), 0o600))
	changed := bytes.Repeat([]byte("x"), len(storetest.Made(1, 1, 3).Bytes))
	must(os.WriteFile(path("1.2.3.1.1.3"), changed, 0o600))
	must(os.MkdirAll(s.Path("zz/zzbatch"), 0o700))
	must(os.WriteFile(s.Path("zz/zzbatch/1"), changed, 0o600))
	must(os.WriteFile(s.Path("foreign"), changed, 0o600))
	must(s.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SQL().ExecContext(t.Context(), "UPDATE studies SET instance_count = 7 WHERE study_instance_uid = '1.2.3.2'")
		return err
	}))
	got := map[string]store.ProblemCode{}
	must(s.Check(t.Context(), true, func(p store.Problem) { got[p.Object] = p.Code }))
	for object, want := range map[string]store.ProblemCode{
		"1.2.3.1.1.1": store.BlobMissing, "1.2.3.1.1.2": store.BlobChanged, "1.2.3.1.1.3": store.BlobChanged,
		"zz/zzbatch/1": store.BlobOrphan, "foreign": store.BlobOrphan, "1.2.3.2": store.CountWrong,
	} {
		if got[object] != want {
			t.Errorf("%s: %q, want %s", object, got[object], want)
		}
		delete(got, object)
	}
	if len(got) != 0 {
		t.Errorf("too many problems: %v", got)
	}
	i, _ := s.Instance(t.Context(), "1.2.3.1.1.3")
	if err := s.CopyInstance(t.Context(), new(strings.Builder), i); fault.Public(err).Reason != fault.StoredDataCorrupt {
		t.Errorf("copy of changed bytes: %v", err)
	}
}

func TestTheClockJumps(t *testing.T) {
	s := storetest.Open(t, storetest.Embedded(t))
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	storetest.Put(t, s, storetest.Made(1, 1, 1))
	now = now.AddDate(-10, 0, 0)
	storetest.Put(t, s, storetest.Made(1, 1, 2), storetest.Made(2, 1, 1))
	study, err := s.Study(t.Context(), "1.2.3.1")
	if err != nil || study.LastReceivedAt.Year() != 2026 || study.InstanceCount != 2 {
		t.Errorf("study %+v, %v, want it received in 2026", study, err)
	}
	batch, err := s.NewBatch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := batch.Stage(t.Context(), strings.NewReader("x"), 9); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(20, 0, 0)
	if _, err := s.Sweep(t.Context(), time.Hour); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
	storetest.Put(t, s, storetest.Made(1, 1, 3))
	storetest.Whole(t, s)
}
