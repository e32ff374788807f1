// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/volume"
)

// shared returns the folder of data that is not part of the repository, and
// skips the test where it is absent.
func shared(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("ENDPLATE_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if s := filepath.Join(dir, "shared", "annotations"); exists(s) {
			return filepath.Dir(s)
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("no folder shared/annotations beside the repository")
	return ""
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func readCT(t *testing.T, path string) *volume.Volume {
	t.Helper()
	if name := filepath.Join(path, "ct.nii.gz"); exists(name) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		v, err := nifti.ReadVolume(f)
		if err != nil {
			t.Fatal(err)
		}
		return v.Canonical()
	}
	series, skipped, err := dicom.ReadSeries(t.Context(), dicom.Files(os.DirFS(path), "."), dicom.Options{})
	if err != nil || len(series) != 1 {
		t.Fatalf("%d series, skipped %v: %v", len(series), skipped, err)
	}
	return series[0].Volume.Canonical()
}

// TestRealSeries compares with the reference readings, whose own uncertainty is
// 1 to 3 mm, and of cut vertebrae more.
func TestRealSeries(t *testing.T) {
	for _, tt := range []struct {
		name   string
		sacrum bool
	}{{"lidc1", false}, {"colon", false}, {"petct2", true}, {"ts3mm", true}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := shared(t)
			b, err := os.ReadFile(filepath.Join(dir, "annotations", tt.name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var reading struct {
				Levels []struct {
					Label    string
					Complete bool
					Center   [3]float64
				}
			}
			if err := json.Unmarshal(b, &reading); err != nil {
				t.Fatal(err)
			}
			s, err := localization.Find(t.Context(), readCT(t, filepath.Join(dir, "data", "ct", tt.name)))
			if err != nil {
				t.Fatal(err)
			}
			var want []place
			for _, l := range reading.Levels {
				want = append(want, place{l.Label, l.Complete, r3.Vec{X: l.Center[0], Y: l.Center[1], Z: l.Center[2]}})
			}
			compare(t, s.Vertebrae, want)
			last := s.Vertebrae[len(s.Vertebrae)-1]
			if last.Sacral != tt.sacrum {
				t.Errorf("the last vertebra is sacral: %t, want %t", last.Sacral, tt.sacrum)
			}
		})
	}
}

// place is where a vertebra is known to be.
type place struct {
	label    string
	complete bool
	center   r3.Vec
}

// compare reports complete vertebrae that were not found within completeWithin,
// and found ones that are none.
func compare(t *testing.T, got []localization.Vertebra, want []place) {
	t.Helper()
	const completeWithin, cutWithin = 6.5, 16.0 // mm
	taken := map[int]bool{}
	for _, cut := range []bool{false, true} {
		for _, w := range want {
			if w.complete == cut {
				continue
			}
			best, at := 1e9, -1
			for i, v := range got {
				if d := r3.Norm(r3.Sub(v.Center, w.center)); d < best && !taken[i] {
					best, at = d, i
				}
			}
			if cut {
				taken[at] = taken[at] || best < cutWithin
				continue
			}
			taken[at] = true
			if best > completeWithin || got[at].Truncated {
				t.Errorf("%s: %.1f mm off, truncated %t", w.label, best, at >= 0 && got[at].Truncated)
			}
		}
	}
	for i, v := range got {
		if !taken[i] && !v.Truncated && !v.Sacral {
			t.Errorf("vertebra %d of %d at %.0f is none", i, len(got), v.Center)
		}
	}
}
