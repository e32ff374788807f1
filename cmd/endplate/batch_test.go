// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// makeCohort writes two small examinations of one subject, the second with some of
// L1's height given back, one of another, and what cannot be measured. It makes
// their folder the current one.
func makeCohort(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	makeStudy(t, "cohort/a/before", "--seed", "1", "--fracture", "L1=wedge:45")
	makeStudy(t, "cohort/a/after", "--seed", "1", "--fracture", "L1=wedge:20")
	makeStudy(t, "cohort/b", "--seed", "3")
	for _, empty := range []string{"cohort/empty", "cohort/other"} {
		if err := os.MkdirAll(empty, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("cohort/other/notes.txt", []byte("nothing to see"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func makeStudy(t *testing.T, dir string, args ...string) {
	t.Helper()
	small := strings.Fields("phantom --levels T12-L2 --columns 48 --rows 64 --pixel-spacing 1.8 --spacing 3 --out " + dir)
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), append(small, args...), &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
}

// runBatch runs endplate batch as a process and returns what it said.
func runBatch(ctx context.Context, t *testing.T, args ...string) (stderr string, status int) {
	t.Helper()
	var b bytes.Buffer
	cmd := exec.CommandContext(ctx, name, append([]string{"batch"}, args...)...)
	cmd.Stderr = &b
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return b.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), 0
}

// outputsOf reads what a batch wrote, by the names of the files.
func outputsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(b)
	}
	return found
}

// sameOutputs compares the bytes of two batches.
func sameOutputs(t *testing.T, want, got string) {
	t.Helper()
	a, b := outputsOf(t, want), outputsOf(t, got)
	for _, file := range []string{"vertebrae.csv", "vertebrae.parquet", "comparisons.csv", "comparisons.parquet", "failures.csv", "summary.html"} {
		switch {
		case a[file] == "":
			t.Errorf("%s: no %s", want, file)
		case a[file] != b[file]:
			t.Errorf("%s differs between %s and %s", file, want, got)
		}
	}
	if len(a) != len(b) {
		t.Errorf("%s has %d files, %s has %d", want, len(a), got, len(b))
	}
}

func TestBatch(t *testing.T) {
	makeCohort(t)
	start := time.Now()
	if stderr, status := runBatch(t.Context(), t, "cohort", "--out", "calm", "--jobs", "1"); status != exitPartial {
		t.Fatalf("status %d: %s", status, stderr)
	}
	took := time.Since(start)
	tables := outputsOf(t, "calm")
	for _, want := range []string{",,cohort/empty,,,,NO_IMAGE,no file", ",,cohort/other,,,,NO_IMAGE,no CT image and no film among its files"} {
		if !strings.Contains(tables["failures.csv"], want) {
			t.Errorf("failures.csv lacks %s:\n%s", want, tables["failures.csv"])
		}
	}
	for _, id := range []string{"PHANTOM-", "SPINE"} {
		for file, content := range tables {
			if strings.Contains(content, id) {
				t.Errorf("%s holds the patient's %s", file, id)
			}
		}
	}

	// That four at a time write the same as one is shown along with it. TestCohort is
	// killed in the midst of more studies.
	t.Run("killed again and again", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 1))
		killed := 0
		for range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Float64()*float64(took)/3))
			_, status := runBatch(ctx, t, "cohort", "--out", "killed", "--jobs", "2")
			cancel()
			if status == -1 {
				killed++
			}
		}
		stderr, status := runBatch(t.Context(), t, "cohort", "--out", "killed", "--jobs", "4")
		if status != exitPartial {
			t.Fatalf("status %d: %s", status, stderr)
		}
		t.Logf("killed %d times; then: %s", killed, stderr)
		sameOutputs(t, "calm", "killed")
	})
	t.Run("interrupted, and then a worker is killed", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(took/4, cancel)
		var b bytes.Buffer
		cmd := exec.CommandContext(ctx, name, "batch", "cohort", "--out", "interrupted", "--jobs", "2")
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.Stderr = &b
		_ = cmd.Run() // its status is looked at
		if got := cmd.ProcessState.ExitCode(); got != exitInterrupted {
			t.Fatalf("status %d, want %d: %s", got, exitInterrupted, b.String())
		}
		if !strings.Contains(b.String(), "the same command goes on from there") {
			t.Errorf("stderr = %q", b.String())
		}
		if left, _ := filepath.Glob("interrupted/.work/*" + startedEnding); len(left) > 0 {
			t.Errorf("an interrupt counts against %v", left)
		}
		killAWorker(t, "interrupted")
		sameOutputs(t, "calm", "interrupted")
	})
	t.Run("in use", func(t *testing.T) {
		w, err := openWork("calm")
		if err != nil {
			t.Fatal(err)
		}
		defer w.close()
		if stderr, status := runBatch(t.Context(), t, "cohort", "--out", "calm"); status != exitNothing || !strings.Contains(stderr, "another run is writing") {
			t.Errorf("status %d: %s", status, stderr)
		}
	})
	t.Run("a deadly study is given up", func(t *testing.T) {
		if err := os.CopyFS("deadly", os.DirFS("calm")); err != nil {
			t.Fatal(err)
		}
		w, err := openWork("deadly")
		if err != nil {
			t.Fatal(err)
		}
		units, err := find(t.Context(), []string{"cohort"}, nil, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		u := &units[slices.IndexFunc(units, func(u unit) bool { return u.Path == "cohort/a/before" })]
		u.record = w.recordOf(u)
		if err := errors.Join(os.Remove("deadly/.work/"+u.record+recordEnding), w.start(u, maxDeaths)); err != nil {
			t.Fatal(err)
		}
		w.close()
		runBatch(t.Context(), t, "cohort", "--out", "deadly")
		if got := outputsOf(t, "deadly")["failures.csv"]; !strings.Contains(got, "cohort/a/before,,,,CRASHED,the run ended 10 times while it measured this study alone") {
			t.Errorf("failures:\n%s", got)
		}
		runBatch(t.Context(), t, "cohort", "--out", "deadly", "--retry-failed")
		sameOutputs(t, "calm", "deadly")
	})
	t.Run("a damaged record is measured again", func(t *testing.T) {
		if err := os.CopyFS("damaged", os.DirFS("calm")); err != nil {
			t.Fatal(err)
		}
		records, _ := filepath.Glob("damaged/.work/*" + recordEnding)
		if err := os.Truncate(records[0], 20); err != nil {
			t.Fatal(err)
		}
		if stderr, status := runBatch(t.Context(), t, "cohort", "--out", "damaged"); status != exitNothing || !strings.Contains(stderr, "start again") {
			t.Errorf("status %d: %s", status, stderr)
		}
		runBatch(t.Context(), t, "cohort", "--out", "damaged")
		sameOutputs(t, "calm", "damaged")
	})
	t.Run("DuckDB", func(t *testing.T) { checkByDuckDB(t, "calm") })
}

// killAWorker kills one of the processes that measure, as a system without memory
// does.
func killAWorker(t *testing.T, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, "batch", "cohort", "--out", out, "--jobs", "2")
	var b bytes.Buffer
	cmd.Stderr = &b
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if len(childrenOf(os.Getpid())) == 0 {
		_ = cmd.Wait()
		t.Skip("the children of a process are not listed here")
	}
	var children []int
	for end := time.Now().Add(time.Minute); len(children) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		children = childrenOf(cmd.Process.Pid)
	}
	for _, pid := range children[:min(1, len(children))] {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // had it ended, the test would test less
		}
	}
	_ = cmd.Wait() // its status is that of what failed
	if strings.Contains(b.String(), codeCrashed) {
		t.Errorf("stderr: %s", b.String())
	}
}

// childrenOf lists the children of a process: proc(5), task/…/children.
func childrenOf(pid int) []int {
	var all []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list) // gone: none
		for child := range strings.FieldsSeq(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				all = append(all, id)
			}
		}
	}
	return all
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	study := func(dir string, name int) {
		t.Helper()
		v := &volume.Volume{Geometry: volume.Geometry{
			Columns: 2, Rows: 2, Slices: 3, Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1},
		}, Samples: make([]int16, 12)}
		_, err := dicom.WriteCT(v, dicom.SyntheticCT{Study: fmt.Sprint(name), Description: dir}, func(k int, instance []byte) error {
			return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, fmt.Sprint(k)), instance, 0o600))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	film := func(path, name string) {
		t.Helper()
		g, err := projection.NewGeometry(projection.Setup{
			Toward: projection.LeftLateral, Up: r3.Vec{Z: 1}, SourceToIsocenter: 900, SourceToDetector: 1150, Columns: 4, Rows: 5, ImagerPixelSpacing: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		file, _, err := dicom.WriteFilm(&projection.Film{Geometry: g, Stored: make([]uint16, 4*5), Bits: 12}, dicom.SyntheticFilm{Study: name})
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, file, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	study("in/one", 1)
	study("in/two/a", 2) // two series of one study
	study("in/two/b", 2)
	study("in/far/x", 3) // a study of which another lies between
	study("in/far/y/z", 4)
	study("in/far/y/x", 3)
	study("mixed4", 5)
	study("mixed5", 6)
	for i, from := range []string{"mixed4", "mixed5"} {
		files, _ := filepath.Glob(from + "/*")
		for _, f := range files {
			to := filepath.Join("in/mixed", fmt.Sprint(i)+filepath.Base(f))
			if err := errors.Join(os.MkdirAll("in/mixed", 0o755), os.Rename(f, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	film("in/films/one", "7") // beside a folder with another
	film("in/films/more/two", "8")
	write("in/volumes/v.nii.gz")
	write("in/volumes/a.ZIP")
	write("in/README")
	write("in/only/text/README")
	write("in/tables/.work/x")
	if err := errors.Join(os.MkdirAll("in/empty", 0o755), os.Symlink("one", "in/again"), os.Symlink("..", "in/only/up")); err != nil {
		t.Fatal(err)
	}
	out, err := os.Stat("in/tables")
	if err != nil {
		t.Fatal(err)
	}
	units, err := find(t.Context(), []string{"in", "./in/one"}, out, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range units {
		files := 0
		for _, err := range u.sources() {
			if err != nil {
				t.Errorf("%s: %v", u.Path, err)
			}
			files++
		}
		got = append(got, fmt.Sprintf("%s %d", u.Path, files))
	}
	want := []string{
		"in/again 3", "in/empty 0", "in/far/x 6", "in/far/y/z 3", "in/films 1", "in/films/more 1", "in/mixed/00 3", "in/mixed/10 3",
		"in/only/text 1", "in/two 6", "in/volumes/a.ZIP 1", "in/volumes/v.nii.gz 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("units and their files (-want +got):\n%s", diff)
	}
}

func TestManifestOrdersTimepoints(t *testing.T) {
	t.Chdir(t.TempDir())
	lines := []string{"\ufeffPath,Subject,Timepoint,Treated Levels"}
	for i, l := range []string{"A,12,", "A,1.5,", "A,-1,L1 L2", "B,2020-02-01,", "B,2019-12-31,", "C,pre,T12", "C,post,t12;L1", "C,12,"} {
		dir := fmt.Sprintf("d%d", i)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, dir+"/,"+l)
	}
	if err := os.WriteFile("m.csv", []byte(strings.Join(lines, "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := readManifest("m.csv")
	if err != nil {
		t.Fatal(err)
	}
	var got []cohort.Origin
	for _, u := range m.units {
		got = append(got, u.origin)
	}
	origin := func(subject, timepoint string, order int, treated ...spine.Level) cohort.Origin {
		return cohort.Origin{Subject: subject, Timepoint: timepoint, Order: order, Treated: treated, TreatedKnown: true}
	}
	want := []cohort.Origin{
		origin("A", "12", 2), origin("A", "1.5", 1), origin("A", "-1", 0, spine.L1, spine.L2),
		origin("B", "2020-02-01", 1), origin("B", "2019-12-31", 0),
		origin("C", "pre", 0, spine.T12), origin("C", "post", 1, spine.T12, spine.L1), origin("C", "12", 2),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if m.units[0].Path != "d0" || m.units[0].Tree != "d0" {
		t.Errorf("unit = %+v", m.units[0])
	}
}

func TestARecordIsThereWholeOrNotAtAll(t *testing.T) {
	w, err := openWork(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	u := &unit{Path: "p", record: "r"}
	if err := w.finish(u, &cohort.Study{}); err != nil {
		t.Fatal(err)
	}
	part, err := os.CreateTemp(w.dir, partPrefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.settle(part, filepath.Join(w.dir, "full"), errors.New("disk full")); err == nil {
		t.Error("a part that could not be written became a file")
	}
	var names []string
	err = fs.WalkDir(os.DirFS(w.dir), ".", func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if diff := cmp.Diff([]string{".", "key", "lock", "r.json.gz"}, names); diff != "" || err != nil {
		t.Errorf("left (-want +got):\n%s%v", diff, err)
	}
}
