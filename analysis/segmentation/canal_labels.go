// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// CanalFromLabels outlines the canal and the posterior wall beside each of
// bodies, as FromLabels found them in m. One that cannot be outlined says why: a
// map of bodies alone shows no canal.
//
// The canal is the hole of the ring that body and arch form, the wall the body's
// first voxel face before it. Thickness of cortex is not known.
func CanalFromLabels(ctx context.Context, m *volume.LabelMap, bodies []LabelBody) ([]Canal, error) {
	if m.SliceOffsets != nil {
		return nil, ErrUnevenGrid
	}
	masks := map[spine.Level]*labelMask{}
	for _, mask := range labelMasks(m) {
		masks[mask.level] = mask
	}
	canals := make([]Canal, len(bodies))
	for i := range bodies {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		canals[i] = labelCanalOf(bodies, i, masks)
	}
	return canals, nil
}

// labelCanal reads the canal of one labelled vertebra.
type labelCanal struct {
	canal *Canal
	own   *labelMask
	ring  []*labelMask // all that may bound the canal
}

// labelCanalOf outlines the canal beside body i.
func labelCanalOf(bodies []LabelBody, i int, masks map[spine.Level]*labelMask) Canal {
	b := &bodies[i]
	switch {
	case b.Body == nil || len(b.Body.Posterior.S) == 0 || len(b.Body.Superior.A) == 0 || len(b.Body.Inferior.A) == 0:
		c := Canal{Reason: b.Reason}
		if c.Reason == "" {
			c.Reason = "the body could not be outlined"
		}
		return c
	case b.Level == spine.S1:
		return Canal{Frame: b.Body.Frame, Reason: "the sacral canal is not measured"}
	case !b.CanalKnown:
		return Canal{Frame: b.Body.Frame, Reason: "no arch is labelled around the canal"}
	}
	c := Canal{Frame: labelCanalFrame(bodies, i)}
	r := labelCanal{canal: &c, own: masks[b.Level], ring: []*labelMask{masks[b.Level]}}
	for _, j := range []int{i - 1, i + 1} {
		if j >= 0 && j < len(bodies) && masks[bodies[j].Level] != nil {
			r.ring = append(r.ring, masks[bodies[j].Level])
		}
	}
	c.setEnds(b.Body)
	if !(c.High-c.Low >= leastSections*r.own.extent(c.Frame.Superior)) {
		c.Reason = "slices too thick for the height of the body"
		return c
	}
	if rows, middle := r.middle(); c.straighten(rows, middle) {
		c.setEnds(b.Body)
	}
	if !r.center() {
		c.Reason = "no bone behind the canal"
		return c
	}
	c.Wall = r.wall()
	c.closeSections(r.sections())
	return c
}

// labelCanalFrame returns the frame of a canal: along the line through the
// neighbours' canals, in the body's mid-sagittal plane.
func labelCanalFrame(bodies []LabelBody, i int) volume.Frame {
	b := bodies[i].Body
	above, below := i, i
	if i > 0 && bodies[i-1].CanalKnown {
		above--
	}
	if i+1 < len(bodies) && bodies[i+1].CanalKnown {
		below++
	}
	axis := r3.Sub(bodies[above].Canal, bodies[below].Canal)
	if r3.Norm(axis) < canalAxisReach/2 || r3.Dot(axis, b.Frame.Superior) < 0.5*r3.Norm(axis) {
		axis = b.Frame.Superior
	}
	axis = r3.Sub(axis, r3.Scale(r3.Dot(axis, b.Frame.Left), b.Frame.Left))
	_, a, _ := b.Frame.Coordinates(bodies[i].Canal)
	return volume.NewFrame(b.Frame.Point(0, a, 0), axis, b.Frame.Anterior)
}

// labelFree is how far behind the canal's middle a ray may start where a
// fragment covers it, mm.
const labelFree = 12.0

// front returns where the wall stands at (s, l): the first face of the own label
// before the canal, mm.
func (r *labelCanal) front(s, l float64) (float64, bool) {
	f := r.canal.Frame
	for start := 0.0; start > -labelFree; start -= lineStep {
		p := f.Point(s, start, l)
		if !r.inside(p) {
			at, ok := r.own.enter(p, f.Anterior, canalRayLength)
			return start + at, ok
		}
	}
	return 0, false
}

// inside reports whether p lies in any label of the ring.
func (r *labelCanal) inside(p r3.Vec) bool {
	for _, m := range r.ring {
		if x, y, z := m.index.Index(p); m.occupancy(x, y, z) >= 0.5 {
			return true
		}
	}
	return false
}

// ray returns how far it is from p in the direction d to the first label of the
// ring, mm; +Inf if there is none.
func (r *labelCanal) ray(p, d r3.Vec) float64 {
	nearest := math.Inf(1)
	for _, m := range r.ring {
		if at, ok := m.enter(p, d, canalRayLength); ok {
			nearest = min(nearest, at)
		}
	}
	return nearest
}

// middle returns the wall's middle for the heights where it was found.
func (r *labelCanal) middle() (rows, middle []float64) {
	for _, s := range r.canal.heights() {
		if a, ok := r.front(s, 0); ok {
			rows, middle = append(rows, s), append(middle, a)
		}
	}
	return rows, middle
}

// center moves the origin to the middle of the canal's narrowest place and
// between the pedicles, and reports whether bone was found behind it.
func (r *labelCanal) center() bool {
	f := &r.canal.Frame
	back, right := r3.Scale(-1, f.Anterior), r3.Scale(-1, f.Left)
	least, middle := math.Inf(1), 0.0
	for _, s := range r.canal.heights() {
		front, ok := r.front(s, 0)
		if !ok {
			continue
		}
		start := min(0, front-lineStep)
		if at := r.ray(f.Point(s, start, 0), back); front-start+at < least {
			least, middle = front-start+at, (front+start-at)/2
		}
	}
	if math.IsInf(least, 1) {
		return false
	}
	f.Origin = f.Point(0, middle, 0)
	narrowest, aside := math.Inf(1), 0.0
	for _, s := range r.canal.heights() {
		p := f.Point(s, 0, 0)
		l, w := r.ray(p, f.Left), 0.0
		if w = l + r.ray(p, right); w < narrowest && l < w {
			narrowest, aside = w, l-w/2
		}
	}
	if math.Abs(aside) <= canalAside {
		f.Origin = f.Point(0, 0, aside)
	}
	return true
}

// sd returns the standard deviation of a face across d, mm: it lies anywhere
// within a voxel.
func (r *labelCanal) sd(d r3.Vec) float64 { return r.own.extent(d) / math.Sqrt(12) }

// wall reads the posterior wall.
func (r *labelCanal) wall() PosteriorWall {
	f := r.canal.Frame
	rows, middle := r.middle()
	r.canal.pedicles(rows, middle, r.ray)
	var lateral []float64
	for _, s := range r.canal.heights() {
		p := f.Point(s, 0, 0)
		if l := min(r.ray(p, f.Left), r.ray(p, r3.Scale(-1, f.Left))); r.canal.inRing(s) && !math.IsInf(l, 1) {
			lateral = append(lateral, l)
		}
	}
	half := defaultHalfWidth
	if len(lateral) > 0 {
		half = median(lateral)
	}
	n := wallColumns(half)
	w := PosteriorWall{S: r.canal.heights()}
	for k := -n; k <= n; k++ {
		w.L = append(w.L, float64(k)*wallColumn)
	}
	sd := r.sd(f.Anterior)
	for _, s := range w.S {
		row := make([]WallCell, len(w.L))
		for j, l := range w.L {
			if a, ok := r.front(s, l); ok {
				row[j] = WallCell{A: a, SD: sd, Found: true}
			}
		}
		w.Cells = append(w.Cells, row)
	}
	return w
}

// sections casts the rays of all sections.
func (r *labelCanal) sections() []CanalSection {
	f := r.canal.Frame
	var out []CanalSection
	for _, s := range r.canal.heights() {
		section := CanalSection{S: s}
		for j := range CanalRays {
			d := rayDirection(r.canal, j)
			section.Radius[j], section.SD[j] = r.ray(f.Point(s, 0, 0), d), r.sd(d)
		}
		out = append(out, section)
	}
	dropOutliers(out)
	return out
}
