// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Publishing says which DICOM objects are made of every result and where they go, as
// the server was told. Workers take it from here: of two processes that are told
// otherwise, one would leave out what the other makes.
type Publishing struct {
	Kinds        []string
	Destinations []Target
}

// Target is a destination as far as the processes share what they know of it.
type Target struct {
	Name  string
	Kinds []string `json:",omitempty"` // of objects that it gets; none: all
}

// Wants tells whether the destination gets objects of a kind.
func (t *Target) Wants(kind string) bool { return len(t.Kinds) == 0 || slices.Contains(t.Kinds, kind) }

// Publishing returns what a server has said last; false where none has yet.
func (r reader) Publishing(ctx context.Context) (p Publishing, said bool, err error) {
	var settings string
	err = r.row(ctx, "SELECT settings FROM publishing").scan(&settings)
	if errors.Is(err, sql.ErrNoRows) {
		return Publishing{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(settings), &p)
	}
	if err != nil {
		err = fmt.Errorf("what is published: %w", err)
	}
	return p, true, err
}

// SetPublishing says it, for all processes.
func (tx *Tx) SetPublishing(ctx context.Context, p Publishing) error {
	settings, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO publishing (id, settings, changed_at) VALUES (1, ?, ?)
		ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, changed_at = excluded.changed_at`, string(settings), tx.now.UnixMicro())
	return err
}
