// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/endplate/endplate/api/internal/store"
)

// Pass has so much time pass for the outbox: what was is longer ago, and what is to come
// comes sooner.
func (q *Queue) Pass(ctx context.Context, d time.Duration) error {
	q.pauses.mu.Lock()
	for name, until := range q.pauses.until {
		q.pauses.until[name] = until.Add(-d)
	}
	q.pauses.mu.Unlock()
	return q.Store.Write(ctx, func(tx *store.Tx) error {
		for _, column := range []string{"created_at", "queued_at", "attempted_at", "next_attempt_at"} {
			if _, err := tx.SQL().ExecContext(ctx, fmt.Sprintf("UPDATE deliveries SET %s = %[1]s - %d", column, d.Microseconds())); err != nil {
				return err
			}
		}
		waiting, _, err := tx.ListDeliveries(ctx, store.DeliveryFilter{States: []store.DeliveryState{store.Waiting}}, store.Page{Size: 500})
		if err != nil {
			return err
		}
		for _, w := range waiting {
			if w.NextAttemptAt.After(tx.Now()) {
				continue
			}
			if _, err := q.client.JobRetryTx(ctx, tx.SQL(), w.JobID); err != nil {
				return err
			}
		}
		return nil
	})
}
