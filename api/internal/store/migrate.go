// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/endplate/endplate/api/internal/fault"
)

// migrations holds a folder of migrations for each dialect. A released one is never
// changed; testdata/schema holds what each release left behind.
//
//go:embed migrations
var migrations embed.FS

// versionTable is where goose notes which migrations were made.
const versionTable = "endplate_schema"

// migrateLock is the advisory lock under which the schema of a PostgreSQL changes:
// any number will do that all servers share.
const migrateLock = 0x656e64706c617465

// migrate brings the schema up to date, ours and River's. Servers that start at
// once on one PostgreSQL wait for each other.
func (s *Store) migrate(ctx context.Context, logger *slog.Logger) (err error) {
	if s.dialect == PostgreSQL {
		unlock, err := advisoryLock(ctx, s.db)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := s.migrateOwn(ctx, logger); err != nil {
		return err
	}
	if s.dialect == PostgreSQL {
		return migrateRiver(ctx, riverdatabasesql.New(s.db), logger)
	}
	return migrateRiver(ctx, riversqlite.New(s.db), logger)
}

// advisoryLock waits for the lock and returns what releases it. The lock ends with
// its connection too.
func advisoryLock(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrateLock)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() {
		// A connection whose lock cannot be released must not live on.
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrateLock))
		if err != nil {
			_ = conn.Raw(func(any) error { return sql.ErrConnDone }) // which closes it
		}
		conn.Close()
	}, nil
}

func (s *Store) migrateOwn(ctx context.Context, logger *slog.Logger) error {
	folder, err := fs.Sub(migrations, "migrations/"+s.dialect.String())
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if s.dialect == PostgreSQL {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, s.db, folder,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithSlog(logger))
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if current > target {
		return fault.New(fault.Unavailable, fault.StorageUnavailable,
			"the database has schema %d of a newer endplate; this one knows %d", current, target)
	}
	_, err = p.Up(ctx)
	return err
}

// migrateRiver tells in one line what River would tell in one for each step.
func migrateRiver[TTx any](ctx context.Context, driver riverdriver.Driver[TTx], logger *slog.Logger) error {
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	made, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err == nil && len(made.Versions) > 0 {
		logger.LogAttrs(ctx, slog.LevelInfo, "queue migrated", slog.Int("version", made.Versions[len(made.Versions)-1].Version))
	}
	return err
}
