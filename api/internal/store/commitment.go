// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"time"
)

// Commitment is the promise to tell a DICOM application which instances are kept.
type Commitment struct {
	ID             string
	TransactionUID string
	AETitle        string // of whom is to be told
	Instances      []InstanceReference
	Attempts       int
	CreatedAt      time.Time
}

// InstanceReference names an instance.
type InstanceReference struct {
	SOPClassUID    string `json:"class"`
	SOPInstanceUID string `json:"instance"`
}

// AddCommitment notes a promise, and returns it with its ID. It is due after a while, so
// that who makes it can keep it first.
func (tx *Tx) AddCommitment(ctx context.Context, c Commitment, after time.Duration) (Commitment, error) {
	instances, err := json.Marshal(c.Instances)
	if err != nil {
		return c, err
	}
	c.ID, c.CreatedAt = newID(), tx.now
	_, err = tx.exec(ctx, `INSERT INTO commitments (commitment_id, transaction_uid, ae_title, instances, attempts, created_at, due_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, c.ID, c.TransactionUID, c.AETitle, instances, c.Attempts, tx.now.UnixMicro(), tx.now.Add(after).UnixMicro())
	return c, err
}

// Commitments returns promises to an application that are due, the oldest first, at
// most n.
func (r reader) Commitments(ctx context.Context, aeTitle string, now time.Time, n int) ([]Commitment, error) {
	return collect(ctx, r, scanCommitment, `SELECT commitment_id, transaction_uid, ae_title, instances, attempts, created_at
		FROM commitments WHERE ae_title = ? AND due_at <= ? ORDER BY created_at, commitment_id LIMIT ?`, aeTitle, now.UnixMicro(), n)
}

func scanCommitment(scan func(...any) error) (c Commitment, err error) {
	var instances []byte
	if err := scan(&c.ID, &c.TransactionUID, &c.AETitle, &instances, &c.Attempts, moment{&c.CreatedAt}); err != nil {
		return c, err
	}
	return c, json.Unmarshal(instances, &c.Instances)
}

// TakeCommitment counts an attempt at keeping a promise, which is due again after a
// while, and reports whether it was the caller's to make: another server may have taken
// it since it was read.
func (tx *Tx) TakeCommitment(ctx context.Context, c Commitment, again time.Duration) (bool, error) {
	n, err := tx.exec(ctx, "UPDATE commitments SET attempts = attempts + 1, due_at = ? WHERE commitment_id = ? AND attempts = ?",
		tx.now.Add(again).UnixMicro(), c.ID, c.Attempts)
	return n > 0, err
}

// RemoveCommitment forgets a promise that was kept, or was given up.
func (tx *Tx) RemoveCommitment(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "DELETE FROM commitments WHERE commitment_id = ?", id)
	return err
}
