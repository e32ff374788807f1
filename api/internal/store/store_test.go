// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"testing"

	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

func TestASecondProcessIsRefused(t *testing.T) {
	config := storetest.Embedded(t)
	s := storetest.Open(t, config)
	storetest.Put(t, s, storetest.Made(1, 1, 1), storetest.Made(1, 1, 2), storetest.Made(1, 1, 1))
	if _, err := store.Open(t.Context(), config); err == nil {
		t.Error("a second store opened the database")
	}
	if err := s.Check(t.Context(), true, func(p store.Problem) { t.Error(p) }); err != nil {
		t.Error(err)
	}
}
