// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package pgtest

import "testing"

type process struct{}

func initialize(t testing.TB) string {
	t.Skip("PostgreSQL is started for tests on Linux alone")
	return ""
}

func start(testing.TB, string) *process { return nil }

func (*process) stop(testing.TB) {}

func dump(testing.TB, []string) string { return "" }
