// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest holds what every store must do, whatever its database and its
// blobs are, and makes stores for the tests of other packages.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
)

// Embedded returns the configuration of an SQLite database and a folder of blobs
// in a folder of the test.
func Embedded(t testing.TB) store.Config {
	dir := t.TempDir()
	return store.Config{
		Database: "sqlite:" + filepath.Join(dir, "endplate.db"),
		Blobs:    "file://" + filepath.ToSlash(filepath.Join(dir, "blobs")),
	}
}

// Open opens a store that is closed with the test.
func Open(t testing.TB, config store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Put stores instances as ingest does, and returns the outcome of each.
func Put(t testing.TB, s *store.Store, instances ...Content) []store.Settlement {
	t.Helper()
	settled, err := TryPut(t, s, instances...)
	if err != nil {
		t.Fatal(err)
	}
	return settled
}
