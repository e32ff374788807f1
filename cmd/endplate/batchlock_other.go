// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package main

import "os"

// lockFile locks nothing where there is no flock.
func lockFile(*os.File) error { return nil }
