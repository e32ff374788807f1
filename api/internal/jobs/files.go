// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// fetching is the stage before those of the child.
const fetching phrase.Text = "fetching"

// files returns files that hold the instances of an analysis. Those of a bucket are
// copied, until remove is called.
func (q *Queue) files(ctx context.Context, a store.Analysis, stage func(string, float64)) (files []measure.InstanceFile, remove func(), err error) {
	instances, err := q.Store.InstancesOf(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	folder, left := "", q.CopyLimit
	remove = func() {
		if folder != "" {
			_ = os.RemoveAll(folder) // else when the next process starts
		}
	}
	for k, i := range instances {
		path, local := q.Store.LocalPath(i)
		file := measure.InstanceFile{SOPInstanceUID: i.SOPInstanceUID, Path: path, SHA256: i.SHA256[:]}
		if !local {
			stage(fetching.String(), float64(k)/float64(len(instances)))
			if left -= i.Size; left < 0 {
				err = errTooLarge
			}
			if err == nil && folder == "" {
				folder, err = q.scratch()
			}
			if err == nil {
				file, err = q.fetch(ctx, filepath.Join(folder, strconv.Itoa(k)), i)
			}
			if err != nil {
				remove()
				return nil, nil, err
			}
		}
		files = append(files, file)
	}
	return files, remove, nil
}

var errTooLarge = fault.New(fault.Unsupported, fault.LimitExceeded, "the series has more bytes than are copied for an analysis")

// fetch copies an instance; what it copies is verified.
func (q *Queue) fetch(ctx context.Context, path string, i store.Instance) (measure.InstanceFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return measure.InstanceFile{}, err
	}
	err = errors.Join(q.Store.CopyInstance(ctx, f, i), f.Close())
	return measure.InstanceFile{SOPInstanceUID: i.SOPInstanceUID, Path: path}, err
}

// scratchPrefix begins the names of folders for copies, before the number of the
// process.
const scratchPrefix = "endplate-scratch-"

func (q *Queue) scratch() (string, error) {
	return os.MkdirTemp(q.Scratch, scratchPrefix+strconv.Itoa(os.Getpid())+"-")
}

// removeScratch removes the copies of processes that were killed.
func (q *Queue) removeScratch() error {
	folder := cmp.Or(q.Scratch, os.TempDir())
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the folder for copies cannot be read")
	}
	var errs []error
	for _, e := range entries {
		var pid int
		if n, _ := fmt.Sscanf(e.Name(), scratchPrefix+"%d-", &pid); n == 1 && !lives(pid) {
			errs = append(errs, os.RemoveAll(filepath.Join(folder, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// lives reports whether there is another process of that number.
func lives(pid int) bool {
	if pid == os.Getpid() {
		return false // it has only begun, and copied nothing
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }() // there is nothing more to do with it
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
