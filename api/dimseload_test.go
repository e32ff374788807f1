// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
)

// noisyFiles writes a CT series of 512×512 pixels of noise to files and returns their
// folder.
func noisyFiles(t testing.TB, slices int, name string) string {
	t.Helper()
	v := volume.New(volume.Geometry{Columns: 512, Rows: 512, Slices: slices, Column: r3.Vec{X: .5}, Row: r3.Vec{Y: .5}, Slice: r3.Vec{Z: 1}})
	random := rand.New(rand.NewPCG(1, 1))
	for i := range v.Samples {
		v.Samples[i] = int16(random.IntN(4096) - 1024)
	}
	folder := t.TempDir()
	_, err := dicom.WriteCT(v, dicom.SyntheticCT{Study: name, FrameOfReference: name}, func(k int, b []byte) error {
		return os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.dcm", k)), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// dcmtk returns a command of dcmtk, or skips the test. Debian's waits 40 ms for each
// message unless it is told not to.
func dcmtk(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no dcmtk: %v", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	return cmd
}

// storescp starts dcmtk's SCP, which writes to a folder and does not sync.
func storescp(t *testing.T) (at string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(at)
	cmd := dcmtk(t, "storescp", "+B", "--fork", "-od", t.TempDir(), port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	until(t, "storescp listens", 10*time.Second, func() bool {
		conn, err := net.Dial("tcp", at)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return at
}

// storescu sends folders by dcmtk, each by a process of its own, and returns how long
// that took.
func storescu(t *testing.T, at string, folders ...string) time.Duration {
	t.Helper()
	host, port, _ := net.SplitHostPort(at)
	began := time.Now()
	var wg sync.WaitGroup
	for _, folder := range folders {
		cmd := dcmtk(t, "storescu", "-aec", "ENDPLATE", "-pdu", "131072", "+sd", host, port, folder)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("storescu: %v\n%.1000s", err, out)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// syncedCopy copies the files of folders with fsync, one after the other, and returns how
// long that took.
func syncedCopy(t *testing.T, folders ...string) time.Duration {
	t.Helper()
	to := t.TempDir()
	began := time.Now()
	for n, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(filepath.Join(to, fmt.Sprint(n, e.Name())))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(b); err != nil {
				t.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	return time.Since(began)
}

// dcmtk sends a CT to the server, which has everything on the disk before it answers,
// and to dcmtk's SCP, which does not: by one association, and by four at a time. What
// the disk takes for the files alone is measured beside it. The server's memory stays
// near what it needs when idle.
func TestDIMSEThroughput(t *testing.T) {
	n := many("ENDPLATE_DIMSE_SLICES", 0)
	if n == 0 {
		t.Skip("ENDPLATE_DIMSE_SLICES does not say how many slices to send; 300 are a CT")
	}
	c := apart(t)
	c.DIMSE.Addr = "127.0.0.1:0"
	c.DIMSE.Journal = 512 << 20
	c.Work.Workers = 0
	server, p := c.process(t)
	until(t, "the journal has its size", time.Minute, func() bool {
		journal, err := os.Stat(filepath.Join(c.Storage.Folder, "endplate.received"))
		return err == nil && journal.Size() == c.DIMSE.Journal
	})
	other := storescp(t)
	storescu(t, p.at.DIMSE, noisyFiles(t, 2, "warm"))
	idle := resident(server.cmd.Process.Pid)
	for _, associations := range []int{1, 4} {
		var ours, theirs, disk []time.Duration
		most := 0
		for round := range 5 {
			var folders []string
			for k := range associations {
				folders = append(folders, noisyFiles(t, n/associations, fmt.Sprint("CT ", associations, round, k)))
			}
			theirs = append(theirs, storescu(t, other, folders...))
			ours = append(ours, storescu(t, p.at.DIMSE, folders...))
			disk = append(disk, syncedCopy(t, folders...))
			most = max(most, resident(server.cmd.Process.Pid))
			for _, folder := range folders {
				os.RemoveAll(folder)
			}
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		slices.Sort(disk)
		t.Logf("%d associations, %d slices: %v with fsync, storescp %v without, files with fsync alone %v; %d MB above idle (%d MB); %s",
			associations, n, ours, theirs, disk, (most-idle)>>20, idle>>20, load())
		if above := most - idle; above > 30<<20 {
			t.Errorf("%d MB above idle", above>>20)
		}
	}
}
