// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// readSeries returns the one CT volume of a shared folder, in canonical order.
func readSeries(t *testing.T, name string) *volume.Volume {
	t.Helper()
	dir := shared(t, filepath.Join("data", "ct", name))
	if f, err := os.Open(filepath.Join(dir, "ct.nii.gz")); err == nil {
		defer f.Close()
		v, err := nifti.ReadVolume(f)
		if err != nil {
			t.Fatal(err)
		}
		return v.Canonical()
	}
	series, _, err := dicom.ReadSeries(t.Context(), dicom.Files(os.DirFS(dir), "."), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(series) != 1 {
		t.Fatalf("%s: %d series, want 1", name, len(series))
	}
	return series[0].Volume.Canonical()
}

// reading is one vertebra of a reference reading.
type reading struct {
	level  spine.Level
	center r3.Vec
}

func readReadings(t *testing.T, name string) []reading {
	t.Helper()
	raw, err := os.ReadFile(shared(t, filepath.Join("annotations", name+".json")))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Levels []struct {
			Label  string
			Center [3]float64
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var out []reading
	for _, l := range file.Levels {
		level, err := spine.ParseLevel(l.Label)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, reading{level, r3.Vec{X: l.Center[0], Y: l.Center[1], Z: l.Center[2]}})
	}
	return out
}

// readMM is how near the reading's centre a vertebra must be to be the same, as
// for the scores of the readings.
const readMM = 12.0

// known returns the level that the readings give to the vertebra at p, Unknown
// if none is there.
func known(readings []reading, p r3.Vec) spine.Level {
	for _, r := range readings {
		if r3.Norm(r3.Sub(r.center, p)) < readMM {
			return r.level
		}
	}
	return spine.Unknown
}

// leastStated is the least probability of a whole series' names: the colon series
// shows the first rib alone, and is stated at 0.83 when its vertebrae are given
// where the readings put them.
const leastStated = 0.8

// The whole of each series is named as it was read, on the anchors that it
// shows. In windows of it the names are right or a guess, and what is stated with
// a probability is right about as often, over all series.
func TestSeries(t *testing.T) {
	var all tally
	for _, s := range []struct {
		name    string
		anchors []string
	}{
		{"lidc1", []string{"last rib"}},
		{"colon", []string{"first rib"}},
		{"petct2", []string{"last rib", "sacrum"}},
		{"ts3mm", []string{"last rib", "sacrum"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			vol, readings := readSeries(t, s.name), readReadings(t, s.name)
			found, err := localization.Find(t.Context(), vol)
			if err != nil {
				t.Fatal(err)
			}
			var whole tally
			n := whole.add(t, vol, found, readings)
			for _, a := range s.anchors {
				if !slices.Contains(n.Anchors, a) {
					t.Errorf("anchors = %v, want %s among them", n.Anchors, a)
				}
			}
			if whole.right < whole.names || whole.stated < leastStated*whole.names {
				t.Errorf("of %.0f names %.0f right, stated %.2f", whole.names, whole.right, whole.stated/whole.names)
			}
			for _, mm := range []float64{90, 150} {
				height := int(mm / vol.Slice.Z)
				for from := 0; from+height <= vol.Slices; from += int(35 / vol.Slice.Z) {
					v, chain := cut(vol, found, from, from+height)
					all.add(t, v, chain, readings)
				}
			}
		})
	}
	if all.names == 0 {
		t.Skip("no series to read")
	}
	t.Logf("%.0f names in windows: right %.3f, stated %.3f", all.names, all.right/all.names, all.stated/all.names)
	if all.stated > all.right+overstated*all.names {
		t.Errorf("right %.3f of the names, stated %.3f", all.right/all.names, all.stated/all.names)
	}
}

// overstated is by how much the stated probability of the windows' names may
// exceed their frequency of being right: the windows of four people overlap.
const overstated = 0.05

// tally counts the names of known vertebrae, those that are right, and their
// stated probabilities.
type tally struct{ names, right, stated float64 }

// add names the chain and counts the names. A wrong one that is no guess fails.
func (a *tally) add(t *testing.T, vol *volume.Volume, chain *localization.Spine, readings []reading) Naming {
	t.Helper()
	got, err := Levels(t.Context(), vol, chain, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range got.Names {
		want := known(readings, chain.Vertebrae[i].Center)
		if want == spine.Unknown {
			continue
		}
		a.names, a.stated = a.names+1, a.stated+name.Probability
		if name.Level == want {
			a.right++
		} else if !got.Guess {
			t.Errorf("%v at z = %.0f mm named %v with probability %.2f on %v",
				want, chain.Vertebrae[i].Center.Z, name.Level, name.Probability, got.Anchors)
		}
	}
	return got
}

// cut returns the slices [from, to) of vol and the links of the chain whose
// centres they hold; bodies at the border are truncated.
func cut(vol *volume.Volume, s *localization.Spine, from, to int) (*volume.Volume, *localization.Spine) {
	const bodyMM = 12 // half a body
	g := vol.Geometry
	g.Origin, g.Slices = g.Position(0, 0, float64(from)), to-from
	n := g.Rows * g.Columns
	out := &volume.Volume{Geometry: g, Samples: vol.Samples[from*n : to*n]}
	low, high := g.Origin.Z, g.Origin.Z+float64(g.Slices-1)*g.Slice.Z
	chain := &localization.Spine{Vertebrae: slices.Clone(s.Vertebrae)}
	for i := range chain.Vertebrae {
		v := &chain.Vertebrae[i]
		v.Truncated = v.Truncated || min(v.Center.Z-low, high-v.Center.Z) < bodyMM
	}
	chain.Vertebrae = slices.DeleteFunc(chain.Vertebrae, func(v localization.Vertebra) bool {
		return min(v.Center.Z-low, high-v.Center.Z) < 0
	})
	return out, chain
}
