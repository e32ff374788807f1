// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
)

// CountAnalyses counts the analyses that have not ended, by state.
func (r reader) CountAnalyses(ctx context.Context) (map[State]int, error) {
	type count struct {
		state State
		n     int
	}
	counts, err := collect(ctx, r, func(scan func(...any) error) (c count, err error) {
		err = scan(&c.state, &c.n)
		return c, err
	}, "SELECT state, COUNT(*) FROM analyses WHERE state IN ('QUEUED', 'RUNNING') GROUP BY state")
	all := map[State]int{Queued: 0, Running: 0}
	for _, c := range counts {
		all[c.state] = c.n
	}
	return all, err
}

// LockSeries returns a series to which nothing is added until the transaction ends.
func (tx *Tx) LockSeries(ctx context.Context, seriesUID string) (Series, error) {
	s, err := scanSeries(tx.row(ctx, "SELECT "+seriesColumns+" FROM series WHERE series_instance_uid = ?"+tx.dialect.forUpdate(), seriesUID).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("series", "series_instance_uid", seriesUID)
	}
	return s, err
}
