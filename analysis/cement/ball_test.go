// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// ball is cement in bone of 100 HU, the middle of whose vertebra is the origin.
type ball struct {
	center r3.Vec
	radius float64 // mm
	hu     float64
}

// milliliters returns 4/3·π·r³.
func (b ball) milliliters() float64 { return 4.0 / 3 * math.Pi * math.Pow(b.radius, 3) / 1000 }

// ct draws the ball in voxels that average over themselves, limited to 12 bits.
func (b ball) ct(slice float64) *volume.Volume {
	const (
		pixel = 0.8
		side  = 64.0 // mm
		parts = 6    // points a voxel's edge
		bone  = 100
	)
	g := volume.Geometry{
		Columns: side / pixel, Rows: side / pixel, Slices: int(side / slice),
		Column: r3.Vec{X: pixel}, Row: r3.Vec{Y: pixel}, Slice: r3.Vec{Z: slice},
	}
	g.Origin = r3.Scale(-1, g.Position(float64(g.Columns-1)/2, float64(g.Rows-1)/2, float64(g.Slices-1)/2))
	v := volume.New(g)
	for n := range v.Samples {
		i, j, k := float64(n%g.Columns), float64(n/g.Columns%g.Rows), float64(n/(g.Columns*g.Rows))
		cover := 0.0
		if r3.Norm(r3.Sub(g.Position(i, j, k), b.center)) < b.radius+slice {
			for p := range parts * parts * parts {
				offset := func(q int) float64 { return (float64(q%parts)+0.5)/parts - 0.5 }
				at := g.Position(i+offset(p), j+offset(p/parts), k+offset(p/(parts*parts)))
				if r3.Norm(r3.Sub(at, b.center)) < b.radius {
					cover += 1.0 / (parts * parts * parts)
				}
			}
		}
		v.Samples[n] = int16(math.Round(min(bone+(b.hu-bone)*cover, 3071)))
	}
	return v
}

// find looks for cement in a volume of one lumbar vertebra about the origin.
func find(t *testing.T, vol *volume.Volume) []cement.Treated {
	t.Helper()
	up, front := r3.Vec{Z: 1}, r3.Vec{Y: -1}
	s := &localization.Spine{Vertebrae: []localization.Vertebra{{
		Canal: r3.Vec{Y: 26}, Superior: up, Anterior: front,
		SuperiorEndplate: r3.Vec{Z: 14}, InferiorEndplate: r3.Vec{Z: -14}, Depth: 34, Width: 46,
	}}}
	for z := 30.0; z >= -30; z-- {
		s.Canal = append(s.Canal, localization.CanalPoint{Position: r3.Vec{Y: 26, Z: z}, Superior: up, Anterior: front})
	}
	dense, err := cement.Search(t.Context(), vol, s.Canal)
	if err != nil {
		t.Fatal(err)
	}
	f, err := dense.Find(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Treated
}

func TestVolumeDoesNotDependOnSliceThickness(t *testing.T) {
	for _, radius := range []float64{5, 9} {
		for _, slice := range []float64{0.6, 1, 2, 3} {
			t.Run(fmt.Sprintf("%g mm ball, %g mm slices", radius, slice), func(t *testing.T) {
				b := ball{r3.Vec{X: 3.3, Y: -2.1, Z: 0.7}, radius, 1800}
				got := find(t, b.ct(slice))
				if len(got) != 1 {
					t.Fatalf("%d treated, want 1", len(got))
				}
				const tolerance = 0.03
				if want := b.milliliters(); math.Abs(got[0].Volume-want) > tolerance*want {
					t.Errorf("volume %.3f ml, want %.3f", got[0].Volume, want)
				}
			})
		}
	}
}

func TestSaturatedCementKeepsItsVolumeAndSaysSo(t *testing.T) {
	b := ball{radius: 9, hu: 3600}
	got := find(t, b.ct(1))
	if len(got) != 1 {
		t.Fatalf("%d treated, want 1", len(got))
	}
	// At the ceiling the surface lies where 3071 HU would have it, at most a
	// tenth of a voxel too far out.
	const tolerance = 0.05
	if want := b.milliliters(); math.Abs(got[0].Volume-want) > tolerance*want {
		t.Errorf("volume %.3f ml, want %.3f", got[0].Volume, want)
	}
	if !slices.Contains(got[0].Doubts, cement.DoubtSaturated) || got[0].SaturatedShare < 0.9 {
		t.Errorf("doubts %q, %.2f saturated; want both", got[0].Doubts, got[0].SaturatedShare)
	}
}

func TestDenseBoneIsNotCement(t *testing.T) {
	if got := find(t, ball{radius: 8, hu: 950}.ct(1)); len(got) != 0 {
		t.Errorf("sclerosis of 950 HU taken for %.2f ml of cement", got[0].Volume)
	}
	// A bone island may read more; then the doubt is stated.
	got := find(t, ball{radius: 4, hu: 1150}.ct(1))
	if len(got) != 1 || !slices.Contains(got[0].Doubts, cement.DoubtFaint) {
		t.Errorf("1150 HU: %d treated, want one that is doubted for its attenuation", len(got))
	}
}

func TestLeftIsThePatientsLeft(t *testing.T) {
	for _, x := range []float64{8, -8} { // LPS: X runs to the left
		got := find(t, ball{r3.Vec{X: x}, 6, 2000}.ct(1))
		if len(got) != 1 {
			t.Fatalf("%d treated, want 1", len(got))
		}
		want := 0.0
		if x > 0 {
			want = 1
		}
		if math.Abs(got[0].Left-want) > 0.02 {
			t.Errorf("at x = %g mm %.2f lies left, want %g", x, got[0].Left, want)
		}
	}
}

// Laplace's equation is solved by any linear field.
func TestRemovedContinuesWhatIsAround(t *testing.T) {
	b := ball{r3.Vec{X: 2}, 6, 2500}
	vol := b.ct(1)
	clear := volume.New(vol.Geometry)
	for n := range vol.Samples {
		i, j, k := n%vol.Columns, n/vol.Columns%vol.Rows, n/(vol.Columns*vol.Rows)
		clear.Samples[n] = int16(2*i + 3*j - k)
		vol.Samples[n] += clear.Samples[n]
	}
	dense, err := cement.Search(t.Context(), vol, nil)
	if err != nil {
		t.Fatal(err)
	}
	const tolerance = 4 // HU, of the relaxation and of rounding
	for n, hu := range dense.Removed().Samples {
		if d := int(hu) - int(clear.Samples[n]) - 100; d < -tolerance || d > tolerance {
			t.Fatalf("voxel %d differs by %d HU from the field without the ball", n, d)
		}
	}
}

func TestSearchReturnsTheVolumeWhereThereIsNothingDense(t *testing.T) {
	vol := ball{radius: 5, hu: 700}.ct(1)
	dense, err := cement.Search(t.Context(), vol, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !dense.Empty() || dense.Removed() != vol {
		t.Error("a volume without dense matter was copied")
	}
}
