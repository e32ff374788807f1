// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/store/pgtest"
)

// Jobs that ended long ago are forgotten, so that the tables of the queue do not grow.

func TestOldJobsAreForgottenOnSQLite(t *testing.T) {
	forgotten(t, apart(t), `'2020' || SUBSTR(finalized_at, 5)`)
}

func TestOldJobsAreForgottenOnPostgreSQL(t *testing.T) {
	c := apart(t)
	c.Storage.Database = pgtest.Start(t).Database(t)
	forgotten(t, c, `finalized_at - INTERVAL '2 years'`)
}

func forgotten(t *testing.T, c served, longAgo string) {
	t.Parallel()
	server, p := c.process(t)
	l := newLedger()
	if _, err := l.send(t.Context(), p, small(t, 16, 4, 1)); err != nil {
		t.Fatal(err)
	}
	l.verify(t, p)
	server.stop(t, c.Config)
	s := c.openStore(t)
	r, err := s.DB().ExecContext(t.Context(), `UPDATE river_job SET finalized_at = `+longAgo+` WHERE kind = 'analyze'`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); n != 1 || err != nil {
		t.Fatalf("%d jobs, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	server, _ = c.process(t)
	from := c.looking(t)
	until(t, "the job is forgotten", 2*time.Minute, func() bool {
		var left int
		if err := from.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM river_job WHERE kind = 'analyze'`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		return left == 0
	})
	server.stop(t, c.Config)
}

// looking opens the database of a server that runs, for reading.
func (c served) looking(t testing.TB) *sql.DB {
	t.Helper()
	driver, source := "pgx", c.Storage.DatabaseURL()
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?mode=ro"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
