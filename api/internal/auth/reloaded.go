// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// lookAgain is how long a file is taken to be as it was.
const lookAgain = time.Second

// reloaded is a value that is made from files, and made anew when they change. While
// they cannot be read, or hold nonsense, the value before stays: a slip of an
// editor must not lock everybody out.
type reloaded[T any] struct {
	load  func() (T, error)
	paths []string
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	stamps []stamp
	looked time.Time
}

// stamp is by what a changed file is known.
type stamp struct {
	size     int64
	modified time.Time
	inode    os.FileInfo // for os.SameFile: a file may be replaced within the clock's tick
}

func (s stamp) equal(t stamp) bool {
	if (s.inode == nil) != (t.inode == nil) {
		return false
	}
	return s.size == t.size && s.modified.Equal(t.modified) && (s.inode == nil || os.SameFile(s.inode, t.inode))
}

// newReloaded returns the value that load makes of the files at paths.
func newReloaded[T any](log *slog.Logger, load func() (T, error), paths ...string) (*reloaded[T], error) {
	r := &reloaded[T]{load: load, paths: paths, log: log, stamps: stampsOf(paths), looked: time.Now()}
	var err error
	r.value, err = load()
	return r, err
}

func stampsOf(paths []string) []stamp {
	stamps := make([]stamp, len(paths))
	for i, p := range paths {
		if info, err := os.Stat(p); err == nil {
			stamps[i] = stamp{info.Size(), info.ModTime(), info}
		}
	}
	return stamps
}

// get returns the value, after a look at the files where the last one is a while
// ago.
func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.looked) >= lookAgain {
		r.looked = now
		if stamps := stampsOf(r.paths); !slices.EqualFunc(stamps, r.stamps, stamp.equal) {
			r.stamps = stamps
			r.reload()
		}
	}
	return r.value
}

// now looks at the files whatever their stamps say.
func (r *reloaded[T]) now() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stamps, r.looked = stampsOf(r.paths), time.Now()
	r.reload()
}

func (r *reloaded[T]) reload() {
	value, err := r.load()
	if err != nil {
		r.log.LogAttrs(context.Background(), slog.LevelError, "changed file not taken; what it held before is in force",
			slog.Any("paths", r.paths), slog.Any("error", err))
		return
	}
	r.value = value
	r.log.LogAttrs(context.Background(), slog.LevelInfo, "file reloaded", slog.Any("paths", r.paths))
}
