// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// smallDisk mounts a disk of 4 MB, or skips the test.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("no disk of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no room on a disk, and returns what makes some again.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			break
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func testDiskFull(t *testing.T, config store.Config, disk string) {
	t.Helper()
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	g := ingest.New(t.Context(), ingest.Config{Store: s})
	defer g.Close()
	wantStored(t, add(t, g, 1, 10000))
	empty := fill(t, disk)
	stored := 1
	var o ingest.Outcome
	for i := range 1000 { // what is left in files that are there may hold some
		if o = add(t, g, 10+i, 10000); o.Err != nil {
			break
		}
		stored++
	}
	wantReason(t, o, fault.Exhausted, fault.StorageFull)
	wantReason(t, add(t, g, 2000, 10000), fault.Exhausted, fault.StorageFull)
	empty()
	wantStored(t, add(t, g, 3000, 10000))
	g.Close()
	if _, err := s.Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
	if x, err := s.Series(t.Context(), "1.2.3.4"); err != nil || x.InstanceCount != stored+1 {
		t.Errorf("series %+v, %v, want %d instances", x, err, stored+1)
	}
}

func TestTheDiskOfTheBlobsIsFull(t *testing.T) {
	disk := smallDisk(t)
	config := storetest.Embedded(t)
	config.Blobs = "file://" + disk
	testDiskFull(t, config, disk)
}

func TestTheDiskOfTheDatabaseIsFull(t *testing.T) {
	disk := smallDisk(t)
	config := storetest.Embedded(t)
	config.Database = "sqlite:" + filepath.Join(disk, "endplate.db")
	testDiskFull(t, config, disk)
}

// What is acknowledged stays in the journal while the disk of the blobs is full, and is
// stored when there is room. Whoever sends more meanwhile is refused.
func TestAcknowledgedWhileTheDiskOfTheBlobsIsFull(t *testing.T) {
	disk := smallDisk(t)
	config := storetest.Embedded(t)
	config.Blobs = "file://" + disk
	g, s := withJournal(t, ingest.Config{Store: storetest.Open(t, config)}, 8)
	wantStored(t, early(t, g, instanceOf(numbered(0), 10000)))
	end := busy(t, s)
	for i := 1; i < 5; i++ {
		wantStored(t, early(t, g, instanceOf(numbered(i), 10000)))
	}
	empty := fill(t, disk)
	end()
	g.Settle(t.Context())
	if _, err := s.Instance(t.Context(), "1.2.3.4.4"); fault.Of(err) != fault.NotExist {
		t.Errorf("stored on a disk that is full: %v", err)
	}
	wantReason(t, add(t, g, 8, 10000), fault.Exhausted, fault.StorageFull)
	wantReason(t, early(t, g, instanceOf(numbered(9), 10000)), fault.Exhausted, fault.StorageFull)
	empty()
	g.Settle(t.Context())
	for i := range 5 {
		if !bytes.Equal(stored(t, s, numbered(i)["SOPInstanceUID"]), instanceOf(numbered(i), 10000)) {
			t.Errorf("instance %d is stored with other bytes", i)
		}
	}
	wantStored(t, early(t, g, instanceOf(numbered(9), 10000)))
	g.Close()
	if _, err := s.Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	storetest.Whole(t, s)
}
