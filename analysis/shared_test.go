// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// shared returns the path of a file or folder of the development data, beside
// the repository or where ENDPLATE_SHARED says. The test is skipped where it is
// absent.
func shared(t testing.TB, path string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path = filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("development data absent: %v", err)
	}
	return path
}

// readFolder reads the only CT of a folder, be it DICOM or NIfTI.
func readFolder(t testing.TB, dir string) *volume.Volume {
	t.Helper()
	images, err := filepath.Glob(filepath.Join(dir, "*.nii*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(images) == 1 {
		file, err := os.Open(images[0])
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		vol, err := nifti.ReadVolume(file)
		if err != nil {
			t.Fatal(err)
		}
		return vol
	}
	series, skipped, err := dicom.ReadSeries(t.Context(), dicom.Files(os.DirFS(dir), "."), dicom.Options{})
	if err != nil || len(series) != 1 {
		t.Fatalf("%d series, skipped %v, error %v", len(series), skipped, err)
	}
	return series[0].Volume
}

// reading is what a careful reader made of a series, positions in LPS mm.
type reading struct {
	Levels []struct {
		Label    string     `json:"label"`
		Certain  *bool      `json:"label_certain"`
		Complete *bool      `json:"complete"`
		Center   [3]float64 `json:"center"`
	} `json:"levels"`
}

func readReading(t *testing.T, name string) reading {
	t.Helper()
	b, err := os.ReadFile(shared(t, "annotations/"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r reading
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// realSeries are the real CTs of the development data.
var realSeries = []string{"colon", "lidc1", "petct2", "ts3mm"}

var realResults sync.Map // by name

// realResult measures a real CT once for all tests.
func realResult(t *testing.T, name string) *analysis.Result {
	t.Helper()
	if r, ok := realResults.Load(name); ok {
		return r.(*analysis.Result)
	}
	r := measureCT(t, readFolder(t, shared(t, "data/ct/"+name)))
	realResults.Store(name, r)
	return r
}

// TestRealSeries asks for what readings are sure of: that every whole vertebra
// is found and rightly named, and none is made up. How far the numbers agree is
// told by make score.
func TestRealSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds a series")
	}
	for _, name := range realSeries {
		t.Run(name, func(t *testing.T) {
			compareWithReading(t, readReading(t, name), realResult(t, name))
		})
	}
}

func compareWithReading(t *testing.T, read reading, result *analysis.Result) {
	t.Helper()
	const near = 12 // mm, as in score.py
	var free []*analysis.Vertebra
	for i := range result.Vertebrae {
		free = append(free, &result.Vertebrae[i])
	}
	top, bottom := read.Levels[0].Center[2], read.Levels[0].Center[2]
	for _, l := range read.Levels {
		top, bottom = max(top, l.Center[2]), min(bottom, l.Center[2])
		center := r3.Vec{X: l.Center[0], Y: l.Center[1], Z: l.Center[2]}
		n := slices.IndexFunc(free, func(v *analysis.Vertebra) bool { return r3.Norm(r3.Sub(v.Center, center)) <= near })
		isComplete := l.Complete == nil || *l.Complete
		isCertain := l.Certain == nil || *l.Certain
		if n < 0 {
			if isComplete {
				t.Errorf("%s not found", l.Label)
			}
			continue
		}
		v := free[n]
		free = slices.Delete(free, n, n+1)
		switch {
		case !isComplete:
		case v.Status == analysis.Truncated:
			t.Errorf("%s called truncated: %s", l.Label, v.Reason)
		case isCertain && v.Level.String() != l.Label:
			t.Errorf("%s called %v, probability %.2f", l.Label, v.Level, v.LevelProbability)
		}
		if v.Status == analysis.NotMeasurable {
			t.Logf("%s not measured: %s", l.Label, v.Reason)
		}
	}
	for _, v := range free {
		if v.Center.Z < top && v.Center.Z > bottom {
			t.Errorf("%v at %.0f is none of the reading's vertebrae", v.Level, v.Center)
		}
	}
}

// measureLabels measures a label map of the development data, by level.
func measureLabels(t *testing.T, path string) map[spine.Level]analysis.Vertebra {
	t.Helper()
	file, err := os.Open(shared(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	labels, err := nifti.ReadLabels(file)
	if err != nil {
		t.Fatal(err)
	}
	result, err := analysis.MeasureLabels(t.Context(), labels, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	byLevel := make(map[spine.Level]analysis.Vertebra)
	for _, v := range result.Vertebrae {
		byLevel[v.Level] = v
		if v.Deformity != nil {
			t.Logf("%-3v %v %+v", v.Level, v.Status, *v.Deformity)
		}
	}
	return byLevel
}

// Experts graded T9 2, T10 2, T11 0, T12 0, L1 3, L2 0 and L3 0. T9 is the top
// level, with one neighbour, which is fractured itself: its grade is not asked
// for, but its numbers and its doubt.
func TestGradesOfExperts(t *testing.T) {
	got := measureLabels(t, "data/masks/verse004/sub-verse004_seg-vert_msk.nii.gz")
	for _, tt := range []struct {
		level         spine.Level
		least, most   int
		numbersDoubts bool
	}{
		{level: spine.T10 - 1, most: 3, numbersDoubts: true},
		{level: spine.T10, least: 1, most: 3},
		{level: spine.T11},
		{level: spine.T12},
		{level: spine.L1, least: 3, most: 3},
		{level: spine.L2},
		{level: spine.L3},
	} {
		v := got[tt.level]
		if v.Status != analysis.Measured || v.Heights == nil || v.Deformity == nil {
			t.Errorf("%v: status %v (%s)", tt.level, v.Status, v.Reason)
			continue
		}
		d := v.Deformity
		if tt.numbersDoubts {
			if d.Assessed && !d.Borderline && d.Reason == "" {
				t.Errorf("%v is graded %d without a doubt", tt.level, d.Grade)
			}
			continue
		}
		if !d.Assessed || d.Grade < tt.least || d.Grade > tt.most {
			t.Errorf("%v: grade %d (assessed %t, loss %.1f %%), want %d to %d", tt.level, d.Grade, d.Assessed, d.WorstLoss, tt.least, tt.most)
		}
	}
}

func TestFishVertebrae(t *testing.T) {
	got := measureLabels(t, "data/masks/healthivert0007/0007_msk.nii.gz")
	for level := spine.L1; level <= spine.L4; level++ {
		if d := got[level].Deformity; d == nil || d.Shape != finding.Biconcave {
			t.Errorf("%v: %+v, want biconcave", level, d)
		}
	}
}
