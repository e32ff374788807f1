// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

const (
	plateStep = 2.0 // mm
	plateHalf = 13  // steps from the axis to the border of the grid
	plateSide = 2*plateHalf + 1
	// plateChange, mm, is the most by which a hidden endplate is moved.
	plateChange = 3.0
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

// carriedOn is wall.carriedOn for an endplate. It moves inwards only: a leak passes
// for a bulge, and the dent of a fracture is none to be filled.
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
			change := like.height[i][j] + depart[i][j] - p.height[i][j]
			inwards := min(max(-change*p.outward, 0), plateChange)
			out.height[i][j] -= inwards * p.outward
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

// relax replaces the values of hidden places by the smoothest that join the
// others within the wall.
func (p *plate) relax(v *[plateSide][plateSide]float64) {
	for range wallRelaxations {
		for i := range v {
			for j := range v[i] {
				if !p.hidden[i][j] {
					continue
				}
				sum, n := 0.0, 0.0
				for _, o := range [4][2]int{{i - 1, j}, {i + 1, j}, {i, j - 1}, {i, j + 1}} {
					if o[0] >= 0 && o[1] >= 0 && o[0] < plateSide && o[1] < plateSide && p.in[o[0]][o[1]] {
						sum, n = sum+v[o[0]][o[1]], n+1
					}
				}
				if n > 0 {
					v[i][j] = sum / n
				}
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
