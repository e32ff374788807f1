// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || arm64)

package store

import (
	"os"
	"syscall"
)

// beginWriting has the disk begin to write a part of a file, without waiting for it.
func beginWriting(f *os.File, at, n int64) {
	const write = 2                                      // SYNC_FILE_RANGE_WRITE of sync_file_range(2)
	_ = syscall.SyncFileRange(int(f.Fd()), at, n, write) // Sync does what this does not
}
