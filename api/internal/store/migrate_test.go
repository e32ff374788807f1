// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// -dump writes what a release leaves behind, for later ones to start from:
//
//	go test ./api/internal/store -run Released -dump v1
var dumpName = flag.String("dump", "", "write a store of this release to testdata/schema/*/`NAME`.sql")

// engine is what the two databases do differently in these tests.
type engine struct {
	database func(t testing.TB) (url string) // a new one
	driver   string
	dsn      func(url string) string // for driver, and several statements at a time
	dump     func(t testing.TB, url string, rows bool) string
}

func engines(t *testing.T) map[string]engine {
	t.Helper()
	server := pgtest.Start(t)
	return map[string]engine{
		"sqlite": {
			database: func(t testing.TB) string { return storetest.Embedded(t).Database },
			driver:   "sqlite",
			dsn:      func(url string) string { return strings.TrimPrefix(url, "sqlite:") },
			dump:     dumpSQLite,
		},
		"postgres": {
			database: func(t testing.TB) string { return server.Database(t) },
			driver:   "pgx",
			dsn:      func(url string) string { return url + "&default_query_exec_mode=simple_protocol" },
			dump: func(t testing.TB, url string, rows bool) string {
				if rows {
					return plain(server.Dump(t, url, "--inserts"))
				}
				return plain(server.Dump(t, url, "--schema-only"))
			},
		},
	}
}

// plain removes from what pg_dump wrote what is for psql, and comments, which tell
// versions.
func plain(dump string) string {
	return regexp.MustCompile(`(?m)^(\\.*|--.*)?\n`).ReplaceAllString(dump, "")
}

func dumpSQLite(t testing.TB, url string, rows bool) string {
	t.Helper()
	db := openDB(t, "sqlite", strings.TrimPrefix(url, "sqlite:"))
	lines := column(t, db, `SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
		ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name`)
	if rows {
		for _, table := range column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name") {
			columns := column(t, db, fmt.Sprintf("SELECT 'quote(' || name || ')' FROM pragma_table_info('%s')", table))
			lines = append(lines, column(t, db, fmt.Sprintf("SELECT 'INSERT INTO %s VALUES (' || %s || ');' FROM %[1]s",
				table, strings.Join(columns, " || ', ' || ")))...)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func openDB(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// column returns the only column of an answer.
func column(t testing.TB, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

// A store of every release is brought up to the schema of a new one, and keeps what
// it holds.
func TestEveryReleasedSchemaIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	for name, e := range engines(t) {
		fresh := e.database(t)
		closeStore(t, openWith(t, fresh))
		want := e.dump(t, fresh, false)
		if *dumpName != "" {
			writeDump(t, name, e)
		}
		files, err := filepath.Glob(filepath.Join("testdata", "schema", name, "*.sql"))
		if err != nil || len(files) == 0 {
			t.Errorf("no schema of %s: %v", name, err)
		}
		for _, file := range files {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				statements, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				url := e.database(t)
				db := openDB(t, e.driver, e.dsn(url))
				if _, err := db.ExecContext(t.Context(), string(statements)); err != nil {
					t.Fatal(err)
				}
				db.Close()
				s := openWith(t, url)
				wantRecords(t, s, strings.TrimSuffix(filepath.Base(file), ".sql"))
				storetest.Put(t, s, storetest.Made(2, 1, 1))
				wantRanked(t, s)
				closeStore(t, s)
				if diff := cmp.Diff(want, e.dump(t, url, false)); diff != "" {
					t.Errorf("schema (-new +brought up to date):\n%s", diff)
				}
			})
		}
	}
}

func openWith(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{
		Database: database, Blobs: "mem://", Severity: func(report []byte) int64 { return int64(len(report)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantRanked makes sure that the study with a result of an older release stands where it
// belongs beside one that came since and has none.
func wantRanked(t *testing.T, s *store.Store) {
	t.Helper()
	for _, o := range []store.Order{store.ByWorst, store.ByState, store.ByReview} {
		studies, _, err := s.Worklist(t.Context(), store.WorklistFilter{Order: o}, store.Page{})
		if err != nil || len(studies) != 2 || studies[0].StudyInstanceUID != "1.2.3.1" {
			t.Errorf("order %d: %+v, %v, want the one with a result first", o, studies, err)
		}
	}
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeDump dumps a store that holds something of everything.
func writeDump(t *testing.T, name string, e engine) {
	t.Helper()
	url := e.database(t)
	s := openWith(t, url)
	storetest.Put(t, s, storetest.Made(1, 1, 1))
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		a, _, err := tx.CreateAnalysis(t.Context(), store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1", Origin: store.Requested})
		if err != nil {
			return err
		}
		if a, err = tx.StartAnalysis(t.Context(), a.ID, "worker"); err != nil {
			return err
		}
		result := store.Result{Report: []byte("report")}
		if err := tx.FinishAnalysis(t.Context(), a.ID, a.Attempt, store.Finish{State: store.Succeeded, Result: &result}); err != nil {
			return err
		}
		if err := dumpOutbox(t, tx, a); err != nil {
			return err
		}
		if _, _, err := tx.CreateComparison(t.Context(), store.NewComparison{AnalysisIDs: []string{a.ID, a.ID}}); err != nil {
			return err
		}
		return tx.AppendAudit(t.Context(), store.AuditEntry{Method: "m", Objects: []string{"1.2.3.1"}})
	}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	path := filepath.Join("testdata", "schema", name, *dumpName+".sql")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(e.dump(t, url, true)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dumpOutbox has the only instance stand for one that was made of the result.
func dumpOutbox(t *testing.T, tx *store.Tx, a store.Analysis) error {
	if _, err := tx.CreatePublication(t.Context(), store.OfRevision(a.ID, 0)); err != nil {
		return err
	}
	p, err := tx.StartPublication(t.Context(), store.OfRevision(a.ID, 0))
	if err != nil {
		return err
	}
	uid := storetest.Made(1, 1, 1).Instance.SOPInstanceUID
	if err := tx.AddObjects(t.Context(), p.Subject, map[string]string{uid: "sr"}); err != nil {
		return err
	}
	return tx.AddDeliveries(t.Context(), "pacs", 1, []string{uid})
}

// wantRecords makes sure that what writeDump stored is there. The first release had no
// outbox, and the first three kept less of an instance than those after them.
func wantRecords(t *testing.T, s *store.Store, release string) {
	t.Helper()
	study, err := s.Study(t.Context(), "1.2.3.1")
	if want := storetest.Made(1, 1, 1).Study.Patient; err != nil || study.Patient != want || study.InstanceCount != 1 {
		t.Errorf("study %+v, %v", study, err)
	}
	analyses, _, err := s.ListAnalyses(t.Context(), store.AnalysisFilter{}, store.Page{})
	if err != nil || len(analyses) != 1 {
		t.Fatalf("analyses %+v, %v", analyses, err)
	}
	if v, err := s.Revision(t.Context(), analyses[0].ID, store.Latest, store.Report); err != nil || string(v.Result.Report) != "report" {
		t.Errorf("revision %+v, %v", v, err)
	}
	if c, _, err := s.ListComparisons(t.Context(), store.ComparisonFilter{}, store.Page{}); err != nil || len(c) != 1 || len(c[0].AnalysisIDs) != 2 {
		t.Errorf("comparisons %+v, %v", c, err)
	}
	deliveries := 1
	if release == "v1" {
		deliveries = 0
	}
	if d, _, err := s.ListDeliveries(t.Context(), store.DeliveryFilter{}, store.Page{}); err != nil || len(d) != deliveries {
		t.Errorf("deliveries %+v, %v", d, err)
	}
	unindexed := 0
	if slices.Contains([]string{"v1", "v2", "v3"}, release) {
		unindexed = 1
	}
	if i, err := s.Unindexed(t.Context(), "", 10); err != nil || len(i) != unindexed {
		t.Errorf("to be indexed %+v, %v", i, err)
	}
	if a, _, err := s.ListAudit(t.Context(), store.Page{}); err != nil || len(a) != 1 {
		t.Errorf("audit %+v, %v", a, err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for name, e := range engines(t) {
		url := e.database(t)
		closeStore(t, openWith(t, url))
		db := openDB(t, e.driver, e.dsn(url))
		if _, err := db.ExecContext(t.Context(), "INSERT INTO endplate_schema (version_id, is_applied) VALUES (1000, true)"); err != nil {
			t.Fatal(err)
		}
		db.Close()
		s, err := store.Open(t.Context(), store.Config{Database: url, Blobs: "mem://"})
		if fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "newer") {
			t.Errorf("%s: Open = %v, %v", name, s, err)
		}
	}
}
