// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// shared returns the path of a file of the shared data, beside the repository
// or where ENDPLATE_SHARED says. The test is skipped where it is absent.
func shared(t *testing.T, path string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	path = filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data absent: %v", err)
	}
	return path
}

// measured is a label map's assessment with the bodies it came from.
type measured struct {
	levels     *volume.LabelMap // the map in VerSe's numbers
	bodies     []segmentation.LabelBody
	column     []morphometry.Vertebra
	assessment finding.Assessment
}

// measureLabels does what the pipeline does with a label map.
func measureLabels(t *testing.T, path string) measured {
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
	var m measured
	scheme, err := segmentation.DetectLabelScheme(labels)
	if err != nil {
		t.Fatal(err)
	}
	m.levels = segmentation.LabelLevels(labels, scheme)
	if m.bodies, err = segmentation.FromLabels(t.Context(), m.levels); err != nil {
		t.Fatal(err)
	}
	for _, b := range m.bodies {
		v := morphometry.Vertebra{Level: b.Level}
		place := landmark.FromBody
		if b.Level == spine.S1 {
			place = landmark.SacrumFromBody
		}
		if b.Body != nil {
			if v.Landmarks, err = place(b.Body); err != nil {
				t.Errorf("%v: %v", b.Level, err)
			}
		}
		m.column = append(m.column, v)
	}
	m.assessment = finding.Assess(m.column)
	return m
}

func (m measured) at(t *testing.T, l spine.Level) finding.Vertebra {
	t.Helper()
	for _, v := range m.assessment.Vertebrae {
		if v.Level == l {
			return v
		}
	}
	t.Fatalf("%v not found", l)
	return finding.Vertebra{}
}

// Experts graded L1 3, T9 and T10 2, T11, T12, L2 and L3 0. T9, at the top and
// beside a fracture, must show its doubt.
// Reference: VerSe sub-verse004; Löffler 2020, grades by HealthiVert-GAN.
func TestVerSe004(t *testing.T) {
	m := measureLabels(t, "data/masks/verse004/sub-verse004_seg-vert_msk.nii.gz")
	for _, tt := range []struct {
		level    spine.Level
		low, top int
	}{
		{spine.T10, 1, 2}, {spine.T11, 0, 0}, {spine.T12, 0, 0}, {spine.L1, 3, 3}, {spine.L2, 0, 0}, {spine.L3, 0, 0},
	} {
		if d := m.at(t, tt.level).Deformity; d.Grade < tt.low || d.Grade > tt.top {
			t.Errorf("%v: grade %d (%.0f %%), want %d to %d", tt.level, d.Grade, d.WorstLoss, tt.low, tt.top)
		}
	}
	d := m.at(t, spine.T10-1).Deformity
	if d.WorstLoss < 15 || !d.Borderline && d.Grade == 0 || d.Reason == "" {
		t.Errorf("T9: grade %d, %.0f %%, borderline %v, reason %q; want a loss with its doubt", d.Grade, d.WorstLoss, d.Borderline, d.Reason)
	}
	for _, b := range m.bodies {
		if !b.CanalKnown || b.Truncated {
			t.Errorf("%v: canal known %v, truncated %v", b.Level, b.CanalKnown, b.Truncated)
		}
	}
}

// L1 to L4 are biconcave, though each has deformed neighbours.
func TestHealthiVert0007(t *testing.T) {
	m := measureLabels(t, "data/masks/healthivert0007/0007_msk.nii.gz")
	for l := spine.L1; l <= spine.L4; l++ {
		if d := m.at(t, l).Deformity; d.Shape != finding.Biconcave || d.Grade == 0 {
			t.Errorf("%v: grade %d %v, want biconcave", l, d.Grade, d.Shape)
		}
	}
	if v := m.at(t, spine.T10); v.Heights != nil || !m.bodies[1].Truncated {
		t.Errorf("T10: heights %v, truncated %v; want cut by the volume", v.Heights, m.bodies[1].Truncated)
	}
}

// reading is a part of the reference readings.
type reading struct {
	Levels []struct {
		Label    string
		Center   [3]float64
		Complete bool
		Heights  map[string]float64 `json:"heights_mm"`
	}
}

// Heights and centres from TotalSegmentator's labels agree with the readings
// within their uncertainty and a voxel; no level read as normal is graded without
// being said to be borderline. The labels are a model's, not an expert's.
func TestAgainstReadings(t *testing.T) {
	for _, tt := range []struct {
		name, labels string
		height       float64 // mean absolute difference, mm
		first, last  spine.Level
	}{
		{"lidc1", "data/ct/lidc1-labels.nii.gz", 1.6, spine.T1, spine.L2},
		{"ts3mm", "data/masks/ts3mm/labels.nii.gz", 2.2, spine.L1, spine.L5},
		{"ts3mm", "data/masks/ts3mm/bodies.nii.gz", 2.2, spine.L1, spine.L5},
	} {
		t.Run(tt.labels, func(t *testing.T) {
			raw, err := os.ReadFile(shared(t, "annotations/"+tt.name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var r reading
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			m := measureLabels(t, tt.labels)
			var differences, signed []float64
			for _, want := range r.Levels {
				l, err := spine.ParseLevel(want.Label)
				if err != nil || l < tt.first || l > tt.last {
					continue
				}
				v := m.at(t, l)
				if v.Heights == nil {
					t.Errorf("%v not measured", l)
					continue
				}
				for _, h := range [][2]float64{
					{v.Heights.Anterior, want.Heights["anterior"]}, {v.Heights.Middle, want.Heights["middle"]}, {v.Heights.Posterior, want.Heights["posterior"]},
				} {
					signed = append(signed, h[0]-h[1])
					differences = append(differences, math.Abs(h[0]-h[1]))
				}
				for _, b := range m.bodies {
					if c := (r3.Vec{X: want.Center[0], Y: want.Center[1], Z: want.Center[2]}); b.Level == l && r3.Norm(r3.Sub(b.Center, c)) > 5 {
						t.Errorf("%v: centre %.1f mm from the reading's", l, r3.Norm(r3.Sub(b.Center, c)))
					}
				}
				if v.Deformity.Grade != 0 && !v.Deformity.Borderline {
					t.Errorf("%v: grade %d at %.0f %%, read as normal", l, v.Deformity.Grade, v.Deformity.WorstLoss)
				}
			}
			mean := stat.Mean(differences, nil)
			t.Logf("%d heights: mean difference %.2f, signed %+.2f mm", len(differences), mean, stat.Mean(signed, nil))
			if mean > tt.height {
				t.Errorf("mean difference of heights %.2f mm, want at most %g", mean, tt.height)
			}
		})
	}
}

// An L3 whole in its crop is measured, its cut neighbours are not.
func TestTPTBoxL3(t *testing.T) {
	m := measureLabels(t, "data/masks/tptbox-l3/sub-ct_seg-vert_label-22_msk.nii.gz")
	var got []bool
	for _, b := range m.bodies {
		got = append(got, b.Truncated)
	}
	if d := cmp.Diff([]bool{true, false, true}, got); d != "" {
		t.Errorf("truncated (-want +got):\n%s", d)
	}
	if h := m.at(t, spine.L3).Heights; h == nil || h.Posterior < 24 || h.Posterior > 30 {
		t.Errorf("heights %v, want a normal L3", h)
	}
}

// Lordosis from L1 to S1 agrees with the reading's -59.6° within the labels'
// 3 mm voxels.
func TestLordosisOfTS3mm(t *testing.T) {
	m := measureLabels(t, "data/masks/ts3mm/labels.nii.gz")
	for _, a := range m.assessment.Angles {
		if a.Name == morphometry.LumbarLordosis {
			if math.Abs(a.Degrees+59.6) > 6 {
				t.Errorf("lordosis %.1f°, want -59.6 ± 6", a.Degrees)
			}
			return
		}
	}
	t.Error("no lordosis")
}

// truthOf turns a phantom's truth into landmarks.
func truthOf(m *phantom.Measured) morphometry.Vertebra {
	plate := func(p phantom.Plate) landmark.Endplate {
		at := func(v r3.Vec) landmark.Point { return landmark.Point{Position: v, SD: 0.1} }
		return landmark.Endplate{Anterior: at(p.Anterior), Middle: at(p.Middle), Posterior: at(p.Posterior), Direction: p.Direction, DirectionSD: 0.3}
	}
	return morphometry.Vertebra{Level: m.Level, Landmarks: &landmark.Vertebra{
		Superior: plate(m.Superior), Inferior: plate(m.Inferior),
		Center: m.Frame.Origin, SuperiorAxis: m.Frame.Superior, LeftAxis: m.Frame.Left,
	}}
}

// From the true points of random spines with fractures, grades are right where
// the loss is more than 2 points from a cut, but for the few that the scatter
// of normal neighbours decides; angles are the truth's.
func TestGradesOfPhantoms(t *testing.T) {
	wrong, n := 0, 0
	for seed := range uint64(6) {
		s := phantom.Random(rand.New(rand.NewPCG(seed, 7)), phantom.Options{RandomFractures: 2, Scoliosis: 20})
		truth := s.Truth()
		var c []morphometry.Vertebra
		for i := range truth.Vertebrae {
			if truth.Vertebrae[i].Level >= spine.T1 {
				c = append(c, truthOf(&truth.Vertebrae[i]))
			}
		}
		a := finding.Assess(c)
		for i, v := range a.Vertebrae {
			want := truth.Vertebrae[len(truth.Vertebrae)-len(c)+i]
			loss, _ := want.WorstLoss()
			if v.Deformity == nil || nearCut(loss) {
				continue
			}
			n++
			if v.Deformity.Grade != want.Genant {
				wrong++
				t.Logf("seed %d %v: grade %d at %.0f %%, want %d at %.0f %%", seed, v.Level, v.Deformity.Grade, v.Deformity.WorstLoss, want.Genant, loss)
			}
		}
		compareAngles(t, a.Angles, truth.Angles)
	}
	if wrong*100 > n {
		t.Errorf("%d of %d grades wrong, want at most 1 %%", wrong, n)
	}
}

func nearCut(loss float64) bool {
	for _, cut := range []float64{finding.MildLoss, finding.ModerateLoss, finding.SevereLoss} {
		if math.Abs(loss-cut) < 2 {
			return true
		}
	}
	return false
}

func compareAngles(t *testing.T, got []morphometry.Angle, truth []phantom.Angle) {
	t.Helper()
	want := make(map[string]float64)
	for _, a := range truth {
		want[a.Name+" "+a.Level.String()] = a.Degrees
	}
	for _, a := range got {
		w, ok := want[a.Name+" "+a.Level.String()]
		if ok && math.Abs(a.Degrees-w) > 0.5 {
			t.Errorf("%s %v = %.1f°, want %.1f°", a.Name, a.Level, a.Degrees, w)
		}
	}
}
