// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"time"
)

// SetClock gives the store another clock.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// ReadDB returns the connections that read.
func (s *Store) ReadDB() *sql.DB { return s.readDB }

// Path returns the file of a key.
func (s *Store) Path(key string) string { return s.blobs.path(key) }
