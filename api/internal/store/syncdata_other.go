// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package store

import "os"

// syncData has what was written on the disk.
func syncData(f *os.File) error { return f.Sync() }
