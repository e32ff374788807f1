// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"testing"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

func TestEmbedded(t *testing.T) { storetest.Run(t, storetest.Embedded) }

func TestMemoryBlobs(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Config {
		config := storetest.Embedded(t)
		config.Blobs = "mem://"
		return config
	})
}

func TestPostgreSQL(t *testing.T) {
	server := pgtest.Start(t)
	storetest.Run(t, func(t testing.TB) store.Config {
		config := storetest.Embedded(t)
		config.Database = server.Database(t)
		return config
	})
}

func TestASecondProcessIsRefused(t *testing.T) {
	config := storetest.Embedded(t)
	storetest.Open(t, config)
	if s, err := store.Open(t.Context(), config); fault.Of(err) != fault.Unavailable {
		t.Errorf("a second store opened the database: %v, %v", s, err)
	}
}
