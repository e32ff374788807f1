// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/phrase"
)

// agreeDepths traces anew the walls of bodies much deeper or shallower than those
// beside them, where a vessel, a spur or the lung's border was taken for a wall.
func (im *reader) agreeDepths(drafts []draft) {
	usual, beside := make([]float64, len(drafts)), make([]int, len(drafts))
	for i := range drafts {
		usual[i], beside[i] = usualDepth(drafts, i)
	}
	for i := range drafts {
		d := &drafts[i]
		if d.found.Sacral || beside[i] < 2 || math.Abs(d.depth-usual[i]) < depthOdd*usual[i] {
			continue
		}
		im.traceWalls(d, usual[i])
	}
}

// usualDepth returns the depth to expect of a body by those beside it, mm, and how
// many tell it.
func usualDepth(drafts []draft, i int) (usual float64, beside int) {
	var depths []float64
	for k := max(i-2, 0); k <= min(i+2, len(drafts)-1); k++ {
		if v := &drafts[k]; k != i && v.depth > 0 && !v.found.Truncated && !v.lost {
			depths = append(depths, v.depth*math.Pow(1+depthGrowth, float64(i-k)))
		}
	}
	return median(depths), len(depths)
}

// traceWalls traces the walls of d anew, of a body of the given depth.
func (im *reader) traceWalls(d *draft, depth float64) {
	half := max(d.height/2-2, 2)
	d.posterior, d.anterior = im.walls(d.frame, -half, half, d.canal, d.farthest(), depth, depthAgreedSD)
	if len(d.posterior.A) > 0 {
		d.depth = median(d.anterior.A) - median(d.posterior.A)
	}
}

// dropImplausible takes back bodies that came out far taller than their
// neighbours.
func dropImplausible(drafts []draft, bodies []Body) {
	for i := range drafts {
		drafts[i].noteThickness(&bodies[i])
	}
	for i := range bodies {
		tallest, beside := 0.0, 0
		for k := max(i-besideReach, 0); k <= min(i+besideReach, len(drafts)-1); k++ {
			if k != i && len(bodies[k].Superior.S) > 0 && len(bodies[k].Inferior.S) > 0 {
				tallest = max(tallest, drafts[k].meanThickness()*math.Pow(1+HeightGrowth, float64(max(i-k, 0))))
				beside++
			}
		}
		height, most := drafts[i].meanThickness(), implausible
		if outermost(drafts, i) {
			most = implausibleEnd
		}
		if beside > 1 && bodies[i].Reason == "" && !drafts[i].found.Sacral && height > most*tallest {
			bodies[i] = Body{Frame: bodies[i].Frame, Reason: phrase.Of(
				"%.0f %% taller than the bodies beside it: an endplate was not found", 100*(height/tallest-1))}
		}
	}
}

// outermost reports whether a body is the first or last whole one of the chain.
func outermost(drafts []draft, i int) bool {
	whole := func(k int) bool { return k >= 0 && k < len(drafts) && !drafts[k].found.Truncated }
	return !whole(i-1) || !whole(i+1)
}

// noteThickness replaces a draft's thickness, which starts told, by the body's.
func (v *draft) noteThickness(b *Body) {
	if len(b.Superior.S) == 0 || len(b.Inferior.S) == 0 {
		return
	}
	height := median(b.Superior.S) - median(b.Inferior.S)
	for i := range v.thickness {
		v.thickness[i] = height
	}
}

// thicknessPlaces is at how many places from wall to wall a body's thickness is
// noted.
const thicknessPlaces = 7

// measureThickness notes how far the body's endplates are apart, from posterior
// to anterior, by the starts of the discs above and below.
func (v *draft) measureThickness(above, below *discSpace) {
	for i := range v.thickness {
		v.thickness[i] = v.height
		if above == nil || below == nil || !above.has[lowerPlate] || !below.has[upperPlate] {
			continue
		}
		f := (float64(i) + 0.5) / thicknessPlaces
		top, bottom := above.point(above.start, lowerPlate, f), below.point(below.start, upperPlate, f)
		v.thickness[i] = max(r3.Dot(r3.Sub(top, bottom), v.frame.Superior), minimumBody)
	}
}

// tall is how much taller than its neighbours a body may be before the discs
// beside it are looked for anew. Neighbours differ by 3 to 7 % (means of the level
// ratio), with standard deviations of 4 %.
const tall = 1.12

// HeightGrowth is by how much bodies grow taller from a level to the next below
// it: 0.8 mm a level in the thorax (Panjabi 1991), 3 to 7 % of the level ratio.
// Below L2 they grow no more, but none is far lower than the next above.
const HeightGrowth = 0.04

// implausible is how much taller than the tallest of the bodies beside it a body
// may be found before it is taken for not measured: neighbours differ by 7 % at
// most in the mean, with a standard deviation of 4 %, and the nearest of them may
// be crushed. At the end of the chain, where the disc is partly out of view,
// less is believed.
const (
	implausible    = 1.2
	implausibleEnd = 1.15
)

// besideReach is how many bodies on each side are looked at for that.
const besideReach = 2

// lowerTall looks anew for the discs beside a body that is taller than its
// neighbours: a body may be crushed, but none grows, so that a disc was missed
// by the height of its space. A new place counts if the image shows a disc there
// no worse.
func (im *reader) lowerTall(drafts []draft, spaces []*discSpace) {
	for i := range drafts {
		if drafts[i].found.Truncated || drafts[i].found.Sacral {
			continue
		}
		usual := usualThickness(drafts, i)
		excess := drafts[i].meanThickness() - usual
		if usual == 0 || excess < (tall-1)*usual {
			continue
		}
		im.lookAnew(drafts, spaces, i, -excess)
		im.lookAnew(drafts, spaces, i+1, excess)
	}
}

// crushedShare is the share of the next body's thickness below which a neighbour
// counts as crushed: a loss of Genant's grade 2.
const crushedShare = 0.75

// usualThickness returns the thickness to expect of a body by its whole
// neighbours, mm; 0 if it has none. On each side the body beyond a crushed one
// counts in its place, and where none is in view the other side alone.
func usualThickness(drafts []draft, i int) float64 {
	whole := func(k int) float64 {
		if k < 0 || k >= len(drafts) || drafts[k].found.Truncated || drafts[k].found.Sacral {
			return 0
		}
		return drafts[k].meanThickness()
	}
	beside := func(step int) float64 {
		near, far := whole(i+step), whole(i+2*step)
		if near < crushedShare*far {
			return far
		}
		return near
	}
	above, below := beside(-1), beside(1)
	if min(above, below) < crushedShare*max(above, below) {
		return max(above, below)
	}
	return (above + below) / 2
}

// lookAnew tries the disc at a place shifted along s, and keeps it there if the
// image, over the range of both places, shows it no worse.
func (im *reader) lookAnew(drafts []draft, spaces []*discSpace, disc int, shift float64) {
	if disc == 0 || disc == len(drafts) || spaces[disc] == nil {
		return
	}
	stay, move := *spaces[disc], *spaces[disc]
	stay.shift, move.shift, stay.moved, move.moved = shift, shift, false, true
	if !im.findStart(&stay, &drafts[disc-1], &drafts[disc]) || !im.findStart(&move, &drafts[disc-1], &drafts[disc]) ||
		move.startCost > stay.startCost {
		return
	}
	*spaces[disc] = move
	for _, k := range []int{disc - 1, disc} {
		drafts[k].measureThickness(spaces[k], spaces[k+1])
	}
}

// meanThickness returns the mean distance of the endplates' starts, mm.
func (v *draft) meanThickness() float64 { return stat.Mean(v.thickness[:], nil) }
