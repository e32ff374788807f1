// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sc"
	"github.com/endplate/endplate/analysis/dicom/seg"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/measure"
)

// TestObjectsOfRealSeries makes every object of every real series, and of a made one
// that is tilted and treated: validators find no error in any, nor between them and the
// images, and a Segmentation has the bodies' volumes. Set ENDPLATE_OBJECTS to run it;
// it takes minutes. With a folder in it, the objects are left there.
func TestObjectsOfRealSeries(t *testing.T) {
	keep := os.Getenv("ENDPLATE_OBJECTS")
	if keep == "" {
		t.Skip("measures every real series: ENDPLATE_OBJECTS is not set")
	}
	made := filepath.Join(t.TempDir(), "made")
	if status := run(t.Context(), []string{
		"phantom", "--out", made, "--levels", "T11-L4", "--tilt", "15", "--spacing", "2", "--position", "FFP",
		"--fracture", "L1=crush:40", "--cement", "L2=3:superior-disc", "--seed", "9",
	}, io.Discard, os.Stderr); status != 0 {
		t.Fatalf("phantom: status %d", status)
	}
	folders := []string{made}
	for _, name := range []string{"ct/lidc1", "ct/petct2", "ct/colon", "dicom/tilt-philips-18.5", "dicom/tilt-ge-variable"} {
		folders = append(folders, shared(t, filepath.FromSlash(name)))
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			out := t.TempDir()
			if info, err := os.Stat(keep); err == nil && info.IsDir() {
				out = filepath.Join(keep, filepath.Base(folder))
				if err := os.MkdirAll(out, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			objectsOf(t, folder, out)
		})
	}
}

// objectsOf makes and checks the objects of the series in a folder.
func objectsOf(t *testing.T, folder, out string) {
	by := dicom.Provenance{Program: name, Version: "test", ContentTime: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	r := measure.Request{Paths: []string{folder}, Jobs: 1, Observer: measure.Observer{
		Scanned: func(int) {}, Stage: func(string, string, float64) {}, Measured: func(string, time.Duration) {},
	}}
	var paths []string
	r.Derive = func(o *dicom.Origin, vol *volume.Volume, result *analysis.Result) ([]*dataset.Dataset, error) {
		for _, f := range measure.Kinds() {
			objects, err := measure.DeriverOf(f, by)(o, vol, result)
			if errors.Is(err, seg.ErrNothing) || errors.Is(err, sc.ErrNothing) {
				t.Logf("%s: %v", f, err)
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", f, err)
				continue
			}
			for n, d := range objects {
				path := filepath.Join(out, fmt.Sprintf("%s-%d.dcm", f, n))
				paths = append(paths, path)
				check(t, d, path)
			}
			if f == "seg" {
				checkVolumes(t, objects[0], o, result)
			}
		}
		return nil, nil
	}
	if _, err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkTogether(t, folder, paths)
}

// check writes an object and has dciodvfy look for errors in it.
func check(t *testing.T, d *dataset.Dataset, path string) {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, complaint := range validate(t, "dciodvfy", "-new", path) {
		t.Errorf("%s: %s", filepath.Base(path), complaint)
	}
}

// checkTogether has dcentvfy compare the objects with the images.
func checkTogether(t *testing.T, folder string, paths []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if path := filepath.Join(folder, e.Name()); isDICOM(path) {
			paths = append(paths, path)
		}
	}
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte(strings.Join(paths, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, complaint := range validate(t, "dcentvfy", "-f", list) {
		t.Error(complaint)
	}
}

func isDICOM(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 132)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head[128:]) == "DICM"
}

// validate returns the errors that a program of dicom3tools finds.
func validate(t *testing.T, program string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("without %s: %v", program, err)
	}
	out, _ := exec.CommandContext(t.Context(), program, args...).CombinedOutput() // its status tells of warnings too
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// checkVolumes compares the volume of each segment that is a body with that of the
// body's surface: they differ by no more than half of the voxels at its border, and on
// average by little.
func checkVolumes(t *testing.T, d *dataset.Dataset, o *dicom.Origin, r *analysis.Result) {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	s, err := seg.Read(&b, -1)
	if err != nil {
		t.Fatal(err)
	}
	column, row, _ := o.Geometry.Spacing()
	thickness, _ := d.Item(tag.SharedFunctionalGroupsSequence).Item(tag.PixelMeasuresSequence).Number(tag.SliceThickness)
	voxel := column * row * thickness
	places := make([]r3.Vec, len(o.Images))
	for k, m := range o.Images {
		places[k] = m.Position
	}
	m, err := s.LabelMap(t.Context(), places)
	if err != nil {
		t.Fatal(err)
	}
	inside, border := borders(m)
	sum, n := 0.0, 0.0
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Surface == nil || v.Status != analysis.Measured {
			continue
		}
		got := float64(inside[v.Level]) * voxel
		if off, most := math.Abs(got-v.Surface.Volume), float64(border[v.Level])*voxel/2; off > most {
			t.Errorf("%v: %.0f mm³, and the surface has %.0f; want within %.0f", v.Level, got, v.Surface.Volume, most)
		}
		sum, n = sum+got/v.Surface.Volume-1, n+1
	}
	// Either end of a body lies anywhere within a slice: an SD of thickness/√12 each. Bodies
	// are 25 mm high or so; three SD of the mean of n.
	if most := 3 * thickness * math.Sqrt(2.0/12) / 25 / math.Sqrt(n); math.Abs(sum/n) > most {
		t.Errorf("%.0f bodies are %.1f %% too large on average, want at most %.1f", n, 100*sum/n, 100*most)
	}
	t.Logf("%.0f bodies, on average %.2f %% larger than their surfaces", n, 100*sum/n)
}

// borders counts the voxels of each level, and those of them with another beside them.
func borders(m *volume.LabelMap) (inside, border map[spine.Level]int) {
	inside, border = map[spine.Level]int{}, map[spine.Level]int{}
	strides := [3]int{1, m.Columns, m.Columns * m.Rows}
	for n, l := range m.Labels {
		if l == 0 {
			continue
		}
		inside[spine.Level(l)]++
		for _, stride := range strides {
			if n < stride || n+stride >= len(m.Labels) || m.Labels[n-stride] != l || m.Labels[n+stride] != l {
				border[spine.Level(l)]++
				break
			}
		}
	}
	return inside, border
}
