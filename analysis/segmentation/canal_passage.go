// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"
)

// A trace of the wall is near the outline of the body and of bounded slope. A thin
// fragment far behind it is neither, and the trace runs through it. So the free canal
// is followed beside it, from the disc above to the disc below, and what stands
// before it, as seen from there, is the wall. The limits are defaults of this
// program, with made fragments in view.
const (
	passageBeyond = 5    // rows beyond either end of the wall, where a disc leaves the canal free
	passageDeep   = 22.0 // mm behind the wall, as deep as canals are
	passageHalf   = 2.0  // mm, half width of the strip that is looked at
	passageClear  = 1.0  // mm behind the traced wall, where its light has faded
	// passageRoom, mm, is the room to either side that a passage wants; where there is
	// as much it keeps to anterior, at passagePull a millimetre: behind laminae there is
	// more.
	passageRoom = 1.5
	passagePull = 0.03
	// passageSoft, HU, is how far above what the canal holds soft tissue may be; what
	// is denser costs as many rows' gain as it is times that above it, up to
	// passageBlock.
	passageSoft  = 60.0
	passageBlock = 4.0
	passageTurn  = 0.05
	passageStep  = 3 // samples from a row to the next, at most
	// fragmentStands, mm, is how far a fragment stands behind the traced wall that the
	// trace has lost, in at least fragmentRows neighbouring rows: less it follows.
	fragmentStands = 3.0
	fragmentRows   = 2
	// fragmentReach and its spread, mm, are where a fragment's face is traced about
	// where it is met.
	fragmentReach = 2.0
	fragmentSD    = 0.8
)

// passage is the free canal beside a wall: a grid of places in the mid-sagittal
// plane, of which row r is at height s[r] and sample c at front - c·wallStep.
type passage struct {
	s     []float64
	front float64
	dense [][]float64 // times passageSoft above what the canal holds
	path  []int       // sample of each row
}

// newPassage finds the way of the free canal behind the wall's middle strip.
func (w *wallReader) newPassage() *passage {
	p := &passage{front: slices.Max(w.middle)}
	for i := -passageBeyond; i < len(w.rows)+passageBeyond; i++ {
		p.s = append(p.s, w.rows[0]+float64(i)*(w.rows[1]-w.rows[0]))
	}
	n := int((p.front-slices.Min(w.middle)+passageDeep)/wallStep) + 1
	var beside []float64
	for r, s := range p.s {
		row := make([]float64, n)
		for c := range row {
			row[c] = w.densest(s, p.at(c))
			if d := w.behind(r-passageBeyond, p.at(c)); d > passageClear && d < 4*passageClear {
				beside = append(beside, row[c])
			}
		}
		p.dense = append(p.dense, row)
	}
	slices.Sort(beside)
	content := max(stat.Quantile(0.25, stat.Empirical, beside, nil), leastOutsideHU)
	gain := make([][]float64, len(p.s))
	for r, row := range p.dense {
		for c := range row {
			row[c] = (row[c] - content) / passageSoft
		}
		gain[r] = p.gains(r)
		for c := range row {
			if w.behind(r-passageBeyond, p.at(c)) < passageClear {
				gain[r][c] = nowhere
			}
		}
	}
	p.path = bestPath(gain, passageStep, passageTurn)
	return p
}

// behind returns how far behind the wall's middle strip, in row i, a is, mm; +Inf
// beyond the strip's ends.
func (w *wallReader) behind(i int, a float64) float64 {
	if i < 0 || i >= len(w.middle) {
		return math.Inf(1)
	}
	return w.middle[i] - a
}

// densest returns the attenuation at a place, HU: the greatest over the height of a
// row, between two of which a thin plate would be lost.
func (w *wallReader) densest(s, a float64) float64 {
	x := math.Inf(-1)
	for _, d := range [...]float64{-canalRow / 3, 0, canalRow / 3} {
		x = max(x, w.im.mean(func(u, _ float64) r3.Vec { return w.canal.Frame.Point(s+d, a, u) }, passageHalf, 0))
	}
	return x
}

func (p *passage) at(c int) float64 { return p.front - float64(c)*wallStep }

// gains returns what the places of a row are worth to a passage.
func (p *passage) gains(r int) []float64 {
	row := p.dense[r]
	out := make([]float64, len(row))
	most := int(passageRoom / wallStep)
	for c := range row {
		if row[c] > 1 {
			out[c] = -min(row[c], passageBlock)
			continue
		}
		room := 0
		for room < most && !p.isDense(r, c-room-1) && !p.isDense(r, c+room+1) {
			room++
		}
		out[c] = float64(room)/float64(most) - passagePull*float64(c)*wallStep
	}
	return out
}

func (p *passage) isDense(r, c int) bool {
	return c < 0 || c >= len(p.dense[r]) || p.dense[r][c] > 1
}

// first returns where bone is met to anterior of the passage in row r; +Inf if none is.
func (p *passage) first(r int) float64 {
	for c := p.path[r]; c >= 0; c-- {
		if p.dense[r][c] > canalBone/passageSoft {
			return p.at(c)
		}
	}
	return math.Inf(1)
}

// fragments returns the wall's middle strip with what stands behind it where the
// trace runs through a fragment; nil if it does nowhere.
func (p *passage) fragments(middle []float64) []float64 {
	out := slices.Clone(middle)
	found, run := false, 0
	for i := range middle {
		if middle[i]-p.first(i+passageBeyond) < fragmentStands {
			run = 0
			continue
		}
		run++
		if run < fragmentRows {
			continue
		}
		for k := i - run + 1; k <= i; k++ {
			out[k] = p.first(k+passageBeyond) + boneThickness/2
		}
		found = true
	}
	if !found {
		return nil
	}
	return out
}
