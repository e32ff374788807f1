// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Retention says which studies are given up. The zero value keeps all.
type Retention struct {
	MaxAge   time.Duration // since the last instance; 0 for no limit
	MaxBytes int64         // of all instances; 0 for no limit
}

// aged is a study as far as a policy goes by it.
type aged struct {
	uid      string
	received int64
	size     int64
}

// Expired returns up to limit studies that are to be deleted by a policy, the one
// that received nothing for the longest time first.
func (r reader) Expired(ctx context.Context, policy Retention, now time.Time, limit int) ([]string, error) {
	expired, err := r.expired(ctx, policy, now, limit)
	var uids []string
	for _, s := range expired {
		uids = append(uids, s.uid)
	}
	return uids, err
}

func (r reader) expired(ctx context.Context, policy Retention, now time.Time, limit int) ([]aged, error) {
	var total int64
	if err := r.row(ctx, "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM studies").scan(&total); err != nil {
		return nil, err
	}
	oldest, err := collect(ctx, r, func(scan func(...any) error) (s aged, err error) {
		err = scan(&s.uid, &s.received, &s.size)
		return s, err
	}, "SELECT study_instance_uid, last_received_at, size_bytes FROM studies ORDER BY last_received_at, study_instance_uid LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	for i, s := range oldest {
		old := policy.MaxAge > 0 && s.received < now.Add(-policy.MaxAge).UnixMicro()
		much := policy.MaxBytes > 0 && total > policy.MaxBytes
		if !old && !much {
			return oldest[:i], nil
		}
		total -= s.size
	}
	return oldest, nil
}

// retained is how many studies are looked at between two looks at what is left.
const retained = 50

// Retain deletes what a policy gives up, and returns the studies deleted. A study
// that receives an instance meanwhile stays.
func (s *Store) Retain(ctx context.Context, policy Retention) (deleted []string, err error) {
	for {
		expired, err := s.expired(ctx, policy, s.now(), retained)
		if err != nil {
			return deleted, err
		}
		before := len(deleted)
		for _, study := range expired {
			gone, err := s.deleteUnchanged(ctx, study)
			if err != nil {
				return deleted, err
			}
			if gone {
				deleted = append(deleted, study.uid)
			}
		}
		if _, err := s.RemoveGarbage(ctx); err != nil || len(deleted) == before {
			return deleted, err
		}
	}
}

// deleteUnchanged deletes a study unless it has received something since it was
// looked at.
func (s *Store) deleteUnchanged(ctx context.Context, study aged) (gone bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		gone = false
		var now aged
		err := tx.row(ctx, "SELECT last_received_at, size_bytes FROM studies WHERE study_instance_uid = ?"+tx.dialect.forUpdate(),
			study.uid).scan(&now.received, &now.size)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil || now.received != study.received || now.size != study.size {
			return err
		}
		_, err = tx.DeleteStudy(ctx, study.uid)
		gone = err == nil
		return err
	})
	return gone, err
}
