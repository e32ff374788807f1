// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
)

// Cement is the PMMA of a vertebroplasty or kyphoplasty: a fill inside the body
// and what leaked from it.
type Cement struct {
	HU    float64
	Grain float64 // standard deviation of the opacifier's texture as a part of HU
	Inset float64 // mm that the fill keeps inside the body's outer surface
	Fill  []Blob  // its union, cut off at Inset, is the fill
	Leaks []Leak
}

// Blob is an ellipsoid along a body's axes, mm from the body's centre.
type Blob struct {
	S, A, L             float64
	HalfS, HalfA, HalfL float64
}

// LeakPlace is where cement leaked to.
type LeakPlace uint8

// The places.
const (
	CanalLeak         LeakPlace = iota + 1 // along the basivertebral vein into the epidural space
	ForaminalLeak                          // through the wall below the pedicle into the foramen
	ParavertebralLeak                      // along a segmental vein beside or before the body
	SuperiorDiscLeak                       // through the superior endplate
	InferiorDiscLeak
)

// Leak is a blob beyond the body's surface with the straight vessel or cleft that
// leads to it.
type Leak struct {
	Place LeakPlace
	Blob  Blob
	From  [3]float64 // where the vessel begins: S, A, L
	Bore  float64    // radius of the vessel, mm
}

// MeasuredCement is the truth of the cement of one vertebra.
type MeasuredCement struct {
	Volume float64 // all of it, ml
	Inside float64 // within the body's outer surface, ml
	Left   float64 // share of Inside left of the mid-sagittal plane, 0 to 1
	Center r3.Vec  // of Inside, LPS mm
	// SuperiorGap and InferiorGap are the least distances of the fill to the
	// outer faces of the endplates, mm; a leak through one is no part of the fill.
	SuperiorGap, InferiorGap float64
	Leaks                    []MeasuredLeak
}

// MeasuredLeak is the truth of one leak.
type MeasuredLeak struct {
	Place    LeakPlace
	Volume   float64 // beyond the body's outer surface, ml
	Distance float64 // of its farthest point from that surface, mm
}

// outside returns the distance of a point to the surface, mm, negative inside.
// It is exact to first order at the surface.
func (e *Blob) outside(s, a, l float64) float64 {
	s, a, l = s-e.S, a-e.A, l-e.L
	x, y, z := s/e.HalfS, a/e.HalfA, l/e.HalfL
	k := math.Sqrt(x*x + y*y + z*z)
	if k < 1e-3 {
		return -min(e.HalfS, e.HalfA, e.HalfL)
	}
	x, y, z = x/e.HalfS, y/e.HalfA, z/e.HalfL
	return k * (k - 1) / math.Sqrt(x*x+y*y+z*z)
}

// outside is that of Blob for blob and vessel.
func (k *Leak) outside(s, a, l float64) float64 {
	return min(k.Blob.outside(s, a, l), k.vessel(s, a, l))
}

func (k *Leak) vessel(s, a, l float64) float64 {
	ds, da, dl := k.Blob.S-k.From[0], k.Blob.A-k.From[1], k.Blob.L-k.From[2]
	ps, pa, pl := s-k.From[0], a-k.From[1], l-k.From[2]
	t := within1((ds*ps + da*pa + dl*pl) / (ds*ds + da*da + dl*dl))
	ps, pa, pl = ps-t*ds, pa-t*da, pl-t*dl
	return math.Sqrt(ps*ps+pa*pa+pl*pl) - k.Bore
}

// inside returns how far inside the body's outer surface a point lies, mm: exact
// inside and beyond one face, and for the outside of an edge the distance to it.
func (b *body) inside(s, a, l float64) float64 {
	f, ok := b.table.lookup(a, l)
	if !ok { // beyond the table the body is as good as a prism
		beyond := max(math.Abs(s)-max(b.AnteriorHeight, b.PosteriorHeight)/2, 0)
		return -math.Hypot(b.outline.inside(a, l), beyond)
	}
	wall, _ := b.wall(s, a, &f)
	plate := min(f.superior-s, s-f.inferior)
	if wall < 0 && plate < 0 {
		return -math.Hypot(wall, plate)
	}
	return min(wall, plate)
}

// fill returns the distance of a point to the fill's surface, negative inside.
func (b *body) fill(s, a, l float64) float64 {
	c := b.Cement
	d := far * 1.0
	for i := range c.Fill {
		d = min(d, c.Fill[i].outside(s, a, l))
	}
	if d > 1 {
		return d
	}
	return max(d, c.Inset-b.inside(s, a, l))
}

// cement returns the distance of a point to the surface of all the cement.
func (b *body) cement(s, a, l float64) float64 {
	d := b.fill(s, a, l)
	for i := range b.Cement.Leaks {
		d = min(d, b.Cement.Leaks[i].outside(s, a, l))
	}
	return d
}

// box returns the corners of a box, S, A, L, that holds all the cement.
func (c *Cement) box() (lo, hi [3]float64) {
	lo, hi = [3]float64{far, far, far}, [3]float64{-far, -far, -far}
	hold := func(s, a, l, rs, ra, rl float64) {
		lo = [3]float64{min(lo[0], s-rs), min(lo[1], a-ra), min(lo[2], l-rl)}
		hi = [3]float64{max(hi[0], s+rs), max(hi[1], a+ra), max(hi[2], l+rl)}
	}
	for _, e := range c.Fill {
		hold(e.S, e.A, e.L, e.HalfS, e.HalfA, e.HalfL)
	}
	for _, k := range c.Leaks {
		e := k.Blob
		hold(e.S, e.A, e.L, max(e.HalfS, k.Bore), max(e.HalfA, k.Bore), max(e.HalfL, k.Bore))
		hold(k.From[0], k.From[1], k.From[2], k.Bore, k.Bore, k.Bore)
	}
	return lo, hi
}

// Cement returns the truth of the cement of a level, as Truth does; nil if there is
// none.
func (s *Spine) Cement(l spine.Level) *MeasuredCement {
	b := s.find(l)
	if b == nil {
		return nil
	}
	return b.measureCement(cementStep)
}

// cementStep is the edge of the cubes of the truth, mm: for a blob of 0.5 ml they
// err by less than 0.1 %.
const cementStep = 0.2

// measureCement sums the cement of b over a grid of cubes of the given edge, mm;
// a cube that the surface cuts counts in part.
func (b *body) measureCement(step float64) *MeasuredCement {
	if b.Cement == nil {
		return nil
	}
	m := &MeasuredCement{SuperiorGap: far, InferiorGap: far}
	for _, k := range b.Cement.Leaks {
		m.Leaks = append(m.Leaks, MeasuredLeak{Place: k.Place})
	}
	ml := step * step * step / 1000
	lo, hi := b.Cement.box()
	for s := lo[0] + step/2; s < hi[0]; s += step {
		for a := lo[1] + step/2; a < hi[1]; a += step {
			for l := lo[2] + step/2; l < hi[2]; l += step {
				if part := covered(b.cement(s, a, l), step); part > 0 {
					m.add(b, s, a, l, part*ml, step)
				}
			}
		}
	}
	if m.Inside > 0 {
		m.Left /= m.Inside
		m.Center = r3.Scale(1/m.Inside, m.Center)
	}
	return m
}

// covered returns how much of a cube of the given edge lies below a surface at
// distance d.
func covered(d, edge float64) float64 { return within1(0.5 - d/edge) }

// add takes in a cube at (s, a, l) that holds the given volume, ml.
func (m *MeasuredCement) add(b *body, s, a, l, volume, step float64) {
	in := b.inside(s, a, l)
	within := covered(-in, step) * volume
	m.Volume += volume
	m.Inside += within
	m.Left += within * covered(-l, step)
	m.Center = r3.Add(m.Center, r3.Scale(within, b.frame.Point(s, a, l)))
	if f, ok := b.table.lookup(a, l); ok && b.fill(s, a, l) <= 0 {
		m.SuperiorGap = min(m.SuperiorGap, f.superior-s-step/2)
		m.InferiorGap = min(m.InferiorGap, s-f.inferior-step/2)
	}
	if within >= volume {
		return
	}
	best, n := math.Inf(1), -1
	for i := range b.Cement.Leaks {
		if d := b.Cement.Leaks[i].outside(s, a, l); d < best {
			best, n = d, i
		}
	}
	if n >= 0 {
		m.Leaks[n].Volume += volume - within
		if volume > 0 && best <= 0 {
			m.Leaks[n].Distance = max(m.Leaks[n].Distance, -in)
		}
	}
}
