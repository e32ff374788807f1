// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"time"
)

// Retention says which studies are given up. The zero value keeps all.
type Retention struct {
	MaxAge   time.Duration // since the last instance; 0 for no limit
	MaxBytes int64         // of all instances; 0 for no limit
}

// Expired returns up to limit studies that are to be deleted by a policy, the one
// that received nothing for the longest time first.
func (r reader) Expired(ctx context.Context, policy Retention, now time.Time, limit int) ([]string, error) {
	type study struct {
		uid      string
		received int64
		size     int64
	}
	var total int64
	if err := r.row(ctx, "SELECT COALESCE(SUM(size_bytes), 0) FROM studies").scan(&total); err != nil {
		return nil, err
	}
	oldest, err := collect(ctx, r, func(scan func(...any) error) (s study, err error) {
		err = scan(&s.uid, &s.received, &s.size)
		return s, err
	}, "SELECT study_instance_uid, last_received_at, size_bytes FROM studies ORDER BY last_received_at, study_instance_uid LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	var expired []string
	for _, s := range oldest {
		old := policy.MaxAge > 0 && s.received < now.Add(-policy.MaxAge).UnixMicro()
		much := policy.MaxBytes > 0 && total > policy.MaxBytes
		if !old && !much {
			break
		}
		expired = append(expired, s.uid)
		total -= s.size
	}
	return expired, nil
}
