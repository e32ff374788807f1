// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"strings"
	"time"
)

// querier is a pool of connections or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// reader holds the methods that read, for [Store] and [Tx] alike.
type reader struct {
	q       querier
	dialect Dialect
}

// exec executes a statement and returns how many rows it changed.
func (r reader) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := r.q.ExecContext(ctx, r.dialect.rebind(query), args...)
	if err != nil {
		return 0, r.dialect.classify(ctx, err)
	}
	return result.RowsAffected()
}

// row is the only row of an answer.
type row struct {
	rows *sql.Rows
	err  error
	r    reader
	ctx  context.Context // of the call that scan is the end of
}

func (r reader) row(ctx context.Context, query string, args ...any) row {
	rows, err := r.q.QueryContext(ctx, r.dialect.rebind(query), args...)
	return row{rows, err, r, ctx}
}

// scan reads the row. It returns sql.ErrNoRows if there is none.
func (w row) scan(dest ...any) error {
	if w.err != nil {
		return w.r.dialect.classify(w.ctx, w.err)
	}
	defer w.rows.Close()
	if !w.rows.Next() {
		if err := w.rows.Err(); err != nil {
			return w.r.dialect.classify(w.ctx, err)
		}
		return sql.ErrNoRows
	}
	if err := w.rows.Scan(dest...); err != nil {
		return w.r.dialect.classify(w.ctx, err)
	}
	return w.r.dialect.classify(w.ctx, w.rows.Close())
}

// collect reads all rows of an answer. It is a function because methods have no
// type parameters.
func collect[T any](ctx context.Context, r reader, scan func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.q.QueryContext(ctx, r.dialect.rebind(query), args...)
	if err != nil {
		return nil, r.dialect.classify(ctx, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, r.dialect.classify(ctx, err)
		}
		all = append(all, v)
	}
	return all, r.dialect.classify(ctx, rows.Err())
}

// text scans a row of one text.
func text(scan func(...any) error) (s string, err error) {
	err = scan(&s)
	return s, err
}

// placeholders returns n parameters, separated by commas.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func anys[T any](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// moment reads and writes a time that may be absent; the zero time is then.
type moment struct{ t *time.Time }

func (m moment) Scan(v any) error {
	var n sql.NullInt64
	if err := n.Scan(v); err != nil {
		return err
	}
	*m.t = time.Time{}
	if n.Valid {
		*m.t = timeOf(n.Int64)
	}
	return nil
}

// newID returns an identifier that nobody can guess.
func newID() string { return strings.ToLower(rand.Text()) }
