// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

const (
	plateStep = 2.0 // mm
	plateHalf = 13  // steps from the axis to the border of the grid
	plateSide = 2*plateHalf + 1
	// plateChange, mm, is the most by which a hidden endplate is moved.
	plateChange = 3.0
	// plateDoubt, mm, is how far below what is carried on a hidden endplate may be a dent
	// that nobody sees. A default of this program.
	plateDoubt = 1.2
	// plateTension is the weight of a slope against that of a bend.
	plateTension = 0.05
)

// plate is an endplate of a body as a height over the axial plane, mm, on a grid
// along A and L.
type plate struct {
	height [plateSide][plateSide]float64
	in     [plateSide][plateSide]bool // within the wall
	hidden [plateSide][plateSide]bool // dense matter hides the cortex
	size   int                        // places within the wall
	hides  int                        // how many of them are hidden

	outward float64 // +1 for a superior endplate, -1 for an inferior one
}

func newPlate(r *segmentation.Region, e spine.Endplate, hides func(s, a, l float64) bool) *plate {
	p := &plate{outward: 1}
	share := 1.0
	if e == spine.Inferior {
		p.outward, share = -1, 0
	}
	for i := range p.height {
		for j := range p.height[i] {
			a, l := float64(i-plateHalf)*plateStep, float64(j-plateHalf)*plateStep
			top, bottom := r.Heights(a, l)
			p.height[i][j] = top
			if e == spine.Inferior {
				p.height[i][j] = bottom
			}
			if math.Hypot(a, l) > r.Radius(math.Atan2(l, a)*180/math.Pi, share) {
				continue
			}
			p.in[i][j] = true
			p.size++
			if hides(p.height[i][j], a, l) {
				p.hidden[i][j] = true
				p.hides++
			}
		}
	}
	return p
}

// carriedOn is wall.carriedOn for an endplate. A leak passes for a bulge, and what was
// filled in for a dent: a hidden place stands neither above the surface that is carried
// on nor by more than plateDoubt below it, as a dent that nobody sees may.
func (p *plate) carriedOn(like *plate) *plate {
	if p.hides == 0 || float64(p.hides) > hiddenMost*float64(p.size) {
		return p
	}
	out, depart := *p, p.height
	for i := range depart {
		for j := range depart[i] {
			depart[i][j] -= like.height[i][j]
		}
	}
	p.relax(&depart)
	for i := range depart {
		for j := range depart[i] {
			change := (like.height[i][j] + depart[i][j] - p.height[i][j]) * p.outward
			if change > 0 {
				change = max(change-plateDoubt, 0)
			}
			out.height[i][j] += min(max(change, -plateChange), plateChange) * p.outward
		}
	}
	return &out
}

// commonPlate returns the mean shape of some endplates, about their mean height,
// where nothing hides them; 0 elsewhere.
func commonPlate(plates []*plate) *plate {
	out := new(plate)
	var count [plateSide][plateSide]float64
	for _, p := range plates {
		level := p.level()
		for i := range p.height {
			for j := range p.height[i] {
				if p.in[i][j] && !p.hidden[i][j] {
					out.height[i][j] += p.height[i][j] - level
					count[i][j]++
				}
			}
		}
	}
	for i := range count {
		for j, c := range count[i] {
			if c > 0 {
				out.height[i][j] /= c
			}
		}
	}
	return out
}

// level returns the mean height within the wall where nothing hides it.
func (p *plate) level() float64 {
	sum, n := 0.0, 0.0
	for i := range p.height {
		for j := range p.height[i] {
			if p.in[i][j] && !p.hidden[i][j] {
				sum, n = sum+p.height[i][j], n+1
			}
		}
	}
	return sum / max(n, 1)
}

// relax replaces the values of hidden places by those of the surface that bends least,
// under a little tension, from the others within the wall: what is seen of the slopes of
// a fracture's dent goes on beneath the cement.
func (p *plate) relax(v *[plateSide][plateSide]float64) {
	index, n := p.unknowns()
	h, g := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for i := range v {
		for j := range v[i] {
			for _, step := range [2][2]int{{0, 1}, {1, 0}} {
				places := [3][2]int{{i - step[0], j - step[1]}, {i, j}, {i + step[0], j + step[1]}}
				p.penalize(h, g, index, v, places[:], []float64{1, -2, 1}, 1)
				p.penalize(h, g, index, v, places[1:], []float64{1, -1}, plateTension)
			}
		}
	}
	var x mat.VecDense
	var chol mat.Cholesky
	if !chol.Factorize(h) || chol.SolveVecTo(&x, g) != nil {
		return // nothing about them is seen
	}
	for i := range v {
		for j := range v[i] {
			if at := index[i][j]; at >= 0 {
				v[i][j] = x.AtVec(at)
			}
		}
	}
}

// unknowns numbers the hidden places within the wall, from 0; -1 elsewhere.
func (p *plate) unknowns() (index [plateSide][plateSide]int, n int) {
	for i := range index {
		for j := range index[i] {
			index[i][j] = -1
			if p.hidden[i][j] {
				index[i][j] = n
				n++
			}
		}
	}
	return index, n
}

// penalize adds the weighted square of a combination of values to the normal equations,
// if all its places lie within the wall.
func (p *plate) penalize(h *mat.SymDense, g *mat.VecDense, index [plateSide][plateSide]int, v *[plateSide][plateSide]float64, places [][2]int, factor []float64, weight float64) {
	known := 0.0
	for n, o := range places {
		if min(o[0], o[1]) < 0 || max(o[0], o[1]) >= plateSide || !p.in[o[0]][o[1]] {
			return
		}
		if index[o[0]][o[1]] < 0 {
			known += factor[n] * v[o[0]][o[1]]
		}
	}
	for n, o := range places {
		at := index[o[0]][o[1]]
		if at < 0 {
			continue
		}
		g.SetVec(at, g.AtVec(at)-weight*factor[n]*known)
		for m, q := range places {
			if other := index[q[0]][q[1]]; other >= at {
				h.SetSym(at, other, h.At(at, other)+weight*factor[n]*factor[m])
			}
		}
	}
}

// at returns the height at (a, l), mm.
func (p *plate) at(a, l float64) float64 {
	const last = plateSide - 1
	x := min(max(a/plateStep+plateHalf, 0), last)
	y := min(max(l/plateStep+plateHalf, 0), last)
	i, j := min(int(x), last-1), min(int(y), last-1)
	x -= float64(i)
	y -= float64(j)
	low := p.height[i][j] + (p.height[i][j+1]-p.height[i][j])*y
	high := p.height[i+1][j] + (p.height[i+1][j+1]-p.height[i+1][j])*y
	return low + (high-low)*x
}
