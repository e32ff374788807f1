// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps statements of SQLite, for which to prepare one takes longer than to
// execute it. The driver of PostgreSQL does as much by itself: there it has no db.
type prepared struct {
	db    *sql.DB
	mu    sync.Mutex
	stmts map[string]*sql.Stmt // by their text; nil: to be prepared
}

// in returns the transaction with what is kept.
func (p *prepared) in(tx *sql.Tx) querier {
	if p.db == nil {
		return tx
	}
	return kept{tx: tx, p: p}
}

// of returns a statement; nil if it is not prepared yet.
func (p *prepared) of(query string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	stmt, ok := p.stmts[query]
	if !ok {
		p.stmts[query] = nil
	}
	return stmt
}

// wanted returns what is to be prepared.
func (p *prepared) wanted() (queries []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for query, stmt := range p.stmts {
		if stmt == nil {
			queries = append(queries, query)
		}
	}
	return queries
}

// prepare prepares what was asked for. It takes the connection that writes, and so is
// called between transactions. What cannot be prepared is executed as it is.
func (p *prepared) prepare(ctx context.Context) {
	for _, query := range p.wanted() {
		stmt, err := p.db.PrepareContext(ctx, query)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.stmts[query] = stmt
		p.mu.Unlock()
	}
}

// kept is a transaction whose statements are kept prepared. It is for those that are
// executed again and again, whose texts are few.
type kept struct {
	tx *sql.Tx
	p  *prepared
}

func (k kept) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := k.p.of(query); stmt != nil {
		return k.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return k.tx.QueryContext(ctx, query, args...)
}

func (k kept) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := k.p.of(query); stmt != nil {
		return k.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	return k.tx.ExecContext(ctx, query, args...)
}
