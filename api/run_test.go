// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"testing"

	"github.com/endplate/endplate/api"
)

// A server that is told to end before its listeners serve ends in order.
func TestEndsAsSoonAsItIsReady(t *testing.T) {
	t.Parallel()
	for range 10 {
		c := config(t)
		ctx, stop := context.WithCancel(t.Context())
		c.Ready = func(api.Addresses) { stop() }
		s, err := api.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
