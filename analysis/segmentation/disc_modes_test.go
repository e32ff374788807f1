// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// TestFitLeavesAWrongStart starts with an end of both plates in the next body.
func TestFitLeavesAWrongStart(t *testing.T) {
	for _, dip := range []float64{-4, 4} {
		d := flatDisc()
		truth := d.madePlates()
		d.draw(rand.New(rand.NewPCG(5, 6)), truth)
		f := &discFit{space: d}
		fit := d.fit(f.dipped(mode{x: truth}, dip).x)
		for _, a := range []float64{-7, 0, 7} {
			for plate := range 2 {
				m := mode{x: truth, cov: fit.modes[0].cov}
				s, sd := fit.outer(plate, a, 0)
				if want, _ := m.outer(d, plate, a, 0); math.Abs(s-want) > 0.25 || sd > 0.5 {
					t.Errorf("dip %.0f, plate %d at %.0f: %.2f ± %.2f, want %.2f", dip, plate, a, s, sd, want)
				}
			}
		}
	}
}

// TestSDTellsOfModes: where two modes are as likely, the endplate is said to lie
// between them, with a standard deviation of half their distance.
func TestSDTellsOfModes(t *testing.T) {
	_, discs := column(1)
	f := discs[0]
	f.modes[0].cov = mat.NewSymDense(f.space.size(), nil)
	f.modes = append(f.modes, f.dipped(f.modes[0], 6))
	f.modes[0].weight, f.modes[1].weight = 0.5, 0.5
	end := f.space.basis.hi
	_, there := f.outer(lowerPlate, end, 0)
	s, sd := f.modes[0].outer(f.space, lowerPlate, end, 0)
	dipped, _ := f.modes[1].outer(f.space, lowerPlate, end, 0)
	if got, _ := f.outer(lowerPlate, end, 0); math.Abs(got-(s+dipped)/2) > 1e-9 {
		t.Errorf("endplate at %.2f between %.2f and %.2f", got, s, dipped)
	}
	if want := math.Abs(s-dipped) / 2; math.Abs(there-want) > 1e-6 || want < 2 {
		t.Errorf("standard deviation %.2f, want %.2f", there, want)
	}
	if _, here := f.outer(lowerPlate, -end, 0); here > sd+0.2 {
		t.Errorf("standard deviation %.2f where the modes agree", here)
	}
}

// column is a straight column of bodies 20 mm high with discs of 5 mm.
func column(bodies int) ([]draft, []*discFit) {
	const height, gap = 20, 5
	drafts := make([]draft, bodies)
	discs := make([]*discFit, bodies+1)
	for i := range discs {
		d := flatDisc()
		d.frame = volume.NewFrame(r3.Vec{Z: -float64(i) * (height + gap)}, r3.Vec{Z: 1}, r3.Vec{Y: -1})
		x := make([]float64, d.size())
		for k := range d.basis.n {
			x[d.surface(lowerPlate)+k], x[d.surface(upperPlate)+k] = -gap/2.0, gap/2.0
		}
		discs[i] = &discFit{space: d, modes: []mode{{x: x, weight: 1}}}
		if i < bodies {
			drafts[i] = draft{found: &localization.Vertebra{}, frame: d.frame}
		}
	}
	return drafts, discs
}

// dipped returns a mode with both plates of m turned down by the given length, mm, at
// the anterior wall.
func (f *discFit) dipped(m mode, by float64) mode {
	m.x = slices.Clone(m.x)
	for plate := range 2 {
		for k := range f.space.basis.n {
			m.x[f.space.surface(plate)+k] -= by * max(f.space.coefficientAt(k)/f.space.basis.hi, 0)
		}
	}
	return m
}

// A disc that dips by a quarter of a body's height makes the body above too tall: as
// likely by its own voxels, it is not by its neighbours.
func TestBodiesDecideBetweenModes(t *testing.T) {
	drafts, discs := column(6)
	f := discs[3]
	f.modes = []mode{f.modes[0], f.dipped(f.modes[0], 6)}
	f.modes[0].weight, f.modes[1].weight = 0.5, 0.5
	agree(drafts, discs)
	if w := f.modes[1].weight; w > 0.02 {
		t.Errorf("the dipping mode has a weight of %.3f, want next to nothing", w)
	}
}

// What the voxels are sure of stands, however unlikely among neighbours: a wedge
// fracture.
func TestNeighboursLeaveFracturesAlone(t *testing.T) {
	drafts, discs := column(6)
	f := discs[3] // above the fractured body
	for k := range f.space.basis.n {
		f.modes[0].x[f.space.surface(lowerPlate)+k] -= 8 * max(f.space.coefficientAt(k)/f.space.basis.hi, 0)
	}
	intact := f.modes[0]
	intact.x = slices.Clone(intact.x)
	for k := range f.space.basis.n {
		intact.x[f.space.surface(lowerPlate)+k] = -2.5
	}
	// 0.2 % of the voxels' own weight is where modes end.
	f.modes = append(f.modes, intact)
	f.modes[0].weight, f.modes[1].weight = 0.998, 0.002
	agree(drafts, discs)
	if w := f.modes[0].weight; w < 0.75 {
		t.Errorf("the fracture has a weight of %.2f left", w)
	}
}
