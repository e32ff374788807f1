// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// AuditEntry says who did what to which objects, and when. Entries are only ever
// added: the database refuses to change or delete one, and they outlive what they
// are about.
type AuditEntry struct {
	ID        int64 // given by the store
	At        time.Time
	RequestID string
	Subject   string
	Peer      string
	Method    string
	Outcome   string   // such as a gRPC code
	Objects   []string // UIDs and identifiers
}

// AppendAudit appends an entry, at the time of the transaction if it has none.
func (tx *Tx) AppendAudit(ctx context.Context, e AuditEntry) error {
	if e.At.IsZero() {
		e.At = tx.now
	}
	objects, err := json.Marshal(e.Objects)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO audit (at, request_id, subject, peer, method, outcome, objects) VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.At.UnixMicro(), e.RequestID, e.Subject, e.Peer, e.Method, e.Outcome, string(objects))
	return err
}

// ListAudit returns a page of entries, the newest first.
func (r reader) ListAudit(ctx context.Context, page Page) (entries []AuditEntry, next string, err error) {
	after, err := page.start("audit", nil)
	if err != nil {
		return nil, "", err
	}
	var w where
	if after != nil {
		w.add("audit_id < ?", after.Number)
	}
	entries, err = collect(ctx, r, scanAudit, "SELECT audit_id, at, request_id, subject, peer, method, outcome, objects FROM audit"+
		w.String()+" ORDER BY audit_id DESC LIMIT ?", append(w.args, page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	entries, next = cut(page, entries, "audit", nil, func(e AuditEntry) cursor { return cursor{e.ID, strconv.FormatInt(e.ID, 10)} })
	return entries, next, nil
}

func scanAudit(scan func(...any) error) (e AuditEntry, err error) {
	var objects []byte
	if err := scan(&e.ID, moment{&e.At}, &e.RequestID, &e.Subject, &e.Peer, &e.Method, &e.Outcome, &objects); err != nil {
		return e, err
	}
	return e, json.Unmarshal(objects, &e.Objects)
}
