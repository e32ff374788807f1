// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package warp

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Change is what happens to a body.
type Change struct {
	// Loss is what each height loses, mm, by Height; negative where it gains.
	Loss [3]float64
	// SuperiorShare is the part of the dent in the middle, beyond what the corners
	// lose, that the superior endplate bears, 0 to 1.
	SuperiorShare float64
	// Bulge and Retropulsion are how far the anterior wall is driven forward at
	// mid-height and the posterior wall back in its upper half, mm.
	Bulge, Retropulsion float64
}

// Deformation is a change of a body with what it entails in all of space: what lies
// below stays, what lies above moves rigidly as the corners of the superior endplate
// do, the body between is compressed, the discs make room for dents. Away from the
// spine the zone between what stays and what moves widens. It is continuous with its
// slopes and has an inverse.
type Deformation struct {
	body  Body
	frame volume.Frame

	superior, inferior plate
	above              rigid
	dent               [2]float64 // of the superior endplate downwards and the inferior upwards, mm
	bulge, retro       float64
	room               [2]float64 // for the dents in the discs, mm
	inset              float64    // mm inside the endplates at which the compression begins
	rounded            float64    // of the compression
	halfDepth, halfWid float64    // of the column that the zone does not widen in, mm
}

// thinnest is the least part to which any small volume may be compressed: less is
// numerically no map any more.
const thinnest = 0.03

// New returns the deformation that changes b as c says. It returns an error where no
// smooth deformation does.
func New(b Body, c Change) (*Deformation, error) {
	for i, h := range b.Heights() {
		if !(c.Loss[i] < h) || !(h > 0) {
			return nil, fmt.Errorf("a height of %.1f mm cannot lose %.1f mm", h, c.Loss[i])
		}
	}
	f := b.Frame()
	d := &Deformation{body: b, frame: f, bulge: c.Bulge, retro: c.Retropulsion}
	d.superior, d.inferior = newPlate(f, b.Superior, b.Width), newPlate(f, b.Inferior, b.Width)
	d.halfDepth = max(d.superior.front.a, d.inferior.front.a) + aroundBody
	d.halfWid = b.Width/2 + aroundBody
	d.room = [2]float64{max(b.DiscAbove, leastDisc), max(b.DiscBelow, leastDisc)}
	if err := d.compression(c.Loss); err != nil {
		return nil, err
	}
	var ok bool
	if d.above, ok = d.moved(c.Loss); !ok {
		return nil, fmt.Errorf("losses of %.1f mm in front and %.1f mm at the back do not go with a superior endplate that keeps its length", c.Loss[Anterior], c.Loss[Posterior])
	}
	d.setDent(b.Heights()[Middle]-c.Loss[Middle], c.SuperiorShare)
	if least := d.leastVolume(); least < thinnest {
		return nil, fmt.Errorf("losses of %.1f, %.1f and %.1f mm leave no room between the endplates", c.Loss[0], c.Loss[1], c.Loss[2])
	}
	return d, nil
}

const (
	aroundBody = 2.5 // mm around the corners: walls and rims
	leastDisc  = 2.0 // mm
)

// compression sets where in the body height is lost: between what moves with the
// endplates, whose thickness and blur they keep, as evenly as the loss demands.
func (d *Deformation) compression(loss [3]float64) error {
	const (
		inset, insetShare = 1.5, 0.08 // mm, share of the height
		softest, hardest  = 0.35, 0.1 // share of the zone over which the compression sets in
		gentle            = 0.6       // compression that is not exceeded where this can be had
		densest           = 0.92      // and by no means
	)
	h := d.body.Heights()
	d.inset, d.rounded = inset, softest
	for i := range h {
		d.inset = min(d.inset, insetShare*h[i])
	}
	// In front of the anterior corner, up to where the zone widens, more is lost.
	steep := (loss[Anterior] - loss[Posterior]) / (d.superior.front.a - d.superior.back.a)
	most := loss
	most[Anterior] += max(steep, 0) * 2 * aroundBody
	most[Posterior] += max(-steep, 0) * 2 * aroundBody
	full := false
	for i := range h {
		taken := most[i] / (h[i] - 2*d.inset)
		d.rounded = min(d.rounded, max(1-taken/gentle, hardest))
		full = full || taken/(1-hardest) > densest
	}
	if full {
		return fmt.Errorf("losses of %.1f, %.1f and %.1f mm of heights of %.1f, %.1f and %.1f mm leave too little", loss[0], loss[1], loss[2], h[0], h[1], h[2])
	}
	return nil
}

// rigid is a motion in the sagittal plane of a frame, in its coordinates: a turn from
// anterior to superior and what it takes the origin to, with the velocity that
// reaches it in unit time.
type rigid struct {
	turn     float64 // radians
	vs, va   float64 // mm
	sin, cos float64 // of turn
}

// part returns where a part w of the motion takes (s, a).
func (r *rigid) part(w, s, a float64) (float64, float64) {
	phi := w * r.turn
	sin, cos := w*r.sin, r.cos
	if w != 1 && w != -1 {
		sin, cos = math.Sincos(phi)
	}
	along, across := w, w*phi/2 // of the velocity
	if math.Abs(phi) > 1e-6 {
		along, across = w*sin/phi, w*(1-cos)/phi
	}
	return cos*s + sin*a + along*r.vs + across*r.va,
		cos*a - sin*s + along*r.va - across*r.vs
}

// moved returns the motion that takes the corners of the superior endplate to where
// the corner heights are as wanted: the posterior corner along the posterior wall,
// the anterior one at its distance from it.
func (d *Deformation) moved(loss [3]float64) (rigid, bool) {
	h := d.body.Heights()
	sup, inf := &d.superior, &d.inferior
	keep := 1 - loss[Posterior]/h[Posterior]
	back := place{s: inf.back.s + keep*(sup.back.s-inf.back.s), a: inf.back.a + keep*(sup.back.a-inf.back.a)}
	// The corners may lie at different distances left of the plane.
	flat := func(length, aside float64) float64 { return math.Sqrt(max(length*length-aside*aside, 0)) }
	if aside := sup.back.l - inf.back.l; aside != 0 {
		before := math.Hypot(sup.back.s-inf.back.s, sup.back.a-inf.back.a)
		keep = flat(h[Posterior]-loss[Posterior], aside) / before
		back = place{s: inf.back.s + keep*(sup.back.s-inf.back.s), a: inf.back.a + keep*(sup.back.a-inf.back.a)}
	}
	long := math.Hypot(sup.front.s-sup.back.s, sup.front.a-sup.back.a)
	high := flat(h[Anterior]-loss[Anterior], sup.front.l-inf.front.l)
	front, ok := triangle(back, inf.front, long, high)
	if !ok {
		return rigid{}, false
	}
	turn := math.Atan2(front.s-back.s, front.a-back.a) - math.Atan2(sup.front.s-sup.back.s, sup.front.a-sup.back.a)
	turn = math.Remainder(turn, 2*math.Pi)
	r := rigid{turn: turn}
	r.sin, r.cos = math.Sincos(turn)
	s, a := r.part(1, sup.back.s, sup.back.a)
	r.vs, r.va = velocity(turn, back.s-s, back.a-a)
	return r, true
}

// velocity returns that which, with a turn, moves the origin by (s, a) in unit time.
func velocity(turn, s, a float64) (vs, va float64) {
	if math.Abs(turn) < 1e-9 {
		return s, a
	}
	p, q := math.Sin(turn)/turn, (1-math.Cos(turn))/turn
	n := p*p + q*q
	return (p*s - q*a) / n, (p*a + q*s) / n
}

// triangle returns the point at distance p from b and q from c, on the superior side.
func triangle(b, c place, p, q float64) (place, bool) {
	ds, da := c.s-b.s, c.a-b.a
	between := math.Hypot(ds, da)
	x := (p*p - q*q + between*between) / (2 * between)
	y := p*p - x*x
	if y < 0 {
		return place{}, false
	}
	us, ua := ds/between, da/between
	y = math.Sqrt(y)
	// The perpendicular that points up: the base runs forward.
	return place{s: b.s + x*us + y*ua, a: b.a + x*ua - y*us}, true
}

// setDent sets the dents so that the middle height becomes the one wanted, mm.
func (d *Deformation) setDent(want, superiorShare float64) {
	share := [2]float64{superiorShare, 1 - superiorShare}
	dent := 0.0
	for range 20 {
		d.dent = [2]float64{share[0] * dent, share[1] * dent}
		have := r3.Norm(r3.Sub(d.Forward(d.body.Superior[Middle]), d.Forward(d.body.Inferior[Middle])))
		dent += have - want
	}
}

// zone returns the place of (s, a, l) in the zone that is compressed, 0 at its lower
// and 1 at its upper end.
func (d *Deformation) zone(s, a, l float64) float64 {
	low, high := d.inferior.at(a, l)+d.inset, d.superior.at(a, l)-d.inset
	wide := d.widening(a, l)
	if wide > 0 {
		low, high = low-wide, high+wide
		// Behind the canal the arches above reach down over those below.
		const canal, slope, soft = 14, 0.4, 10 // mm behind the body, slope, mm
		shift := slope * onset(-a-d.halfDepth-canal, soft)
		low, high = low-shift, high-shift
	}
	return (s - low) / (high - low)
}

// widening returns by how much the zone is wider, to each side, at (a, l) beside the
// body, mm.
func (d *Deformation) widening(a, l float64) float64 {
	// mm of widening per mm: in front more is compressed; behind, arches lie close.
	const behind, inFront, soft = 0.6, 1.1, 4 // the last in mm
	x, y := a/d.halfDepth, l/d.halfWid
	if e := x*x + y*y; e > 1 {
		slope := behind + (inFront-behind)*step(x, -1, 1)
		return slope * onset((math.Sqrt(e)-1)*min(d.halfDepth, d.halfWid), soft)
	}
	return 0
}

// Forward returns where the deformation takes p.
func (d *Deformation) Forward(p r3.Vec) r3.Vec {
	s, a, l := d.frame.Coordinates(p)
	x, y := d.forward(s, a, l)
	return d.shifted(p, x-s, y-a)
}

// shifted returns p moved in the sagittal plane: p itself where it is not.
func (d *Deformation) shifted(p r3.Vec, s, a float64) r3.Vec {
	return r3.Add(p, r3.Add(r3.Scale(s, d.frame.Superior), r3.Scale(a, d.frame.Anterior)))
}

func (d *Deformation) forward(s, a, l float64) (float64, float64) {
	t := d.zone(s, a, l)
	w := ramp(t, d.rounded)
	s += d.dented(s, a, l, w)
	a += d.pushed(t, a, l)
	if w == 0 {
		return s, a
	}
	return d.above.part(w, s, a)
}

// dented returns how far (s, a, l) moves along the body's axis with the dents of the
// endplates, mm; w is how much of the motion above it takes part in.
func (d *Deformation) dented(s, a, l, w float64) float64 {
	sup := d.superior.dish(a, l)
	inf := d.inferior.dish(a, l)
	if sup == 0 && inf == 0 {
		return 0
	}
	fade := func(beyond, room float64) float64 {
		end := min(1, room/6)
		return 1 - step(beyond, end, room-end)
	}
	return -d.dent[0]*sup*w*fade(s-d.superior.at(a, l), d.room[0]) +
		d.dent[1]*inf*(1-w)*fade(d.inferior.at(a, l)-s, d.room[1])
}

// pushed returns how far a point at t of the zone is driven forward with the walls, mm.
func (d *Deformation) pushed(t, a, l float64) float64 {
	if t <= 0 || t >= 1 || d.bulge == 0 && d.retro == 0 {
		return 0
	}
	// From the middle of the body to its wall, and from there outwards.
	const before, behind = 18, 13 // mm in which soft tissue and canal give way
	wall := d.halfDepth - 1
	across := 1 - step(math.Abs(l), 0.2*d.body.Width, 0.6*d.body.Width)
	var sum float64
	if a > 0 {
		sum += d.bulge * 16 * t * t * (1 - t) * (1 - t) * step(a, 0.2*wall, wall) * (1 - step(a, wall, wall+before))
	} else {
		up := max(2*t-1, 0)
		sum -= d.retro * 16 * up * up * (1 - up) * (1 - up) * step(-a, 0.2*wall, wall) * (1 - step(-a, wall, wall+behind))
	}
	return sum * across
}

// Inverse returns what the deformation takes to p, within 1e-6 mm.
func (d *Deformation) Inverse(p r3.Vec) r3.Vec {
	s, a, l := d.frame.Coordinates(p)
	x, y := d.inverse(s, a, l, s, a, 1e-8)
	return d.shifted(p, x-s, y-a)
}

// inverse looks for what is taken to (s, a, l) within tolerance, mm, from a guess on.
func (d *Deformation) inverse(s, a, l, guessS, guessA, tolerance float64) (float64, float64) {
	if x, y := d.forward(s, a, l); x == s && y == a {
		return s, a // below
	}
	if x, y := d.above.part(-1, s, a); d.zone(x, y, l) >= 1 && d.dented(x, y, l, 1) == 0 {
		return x, y
	}
	const (
		h    = 1e-5 // mm
		most = 60
	)
	x, y := guessS, guessA
	fs, fa := d.forward(x, y, l)
	rs, ra := s-fs, a-fa
	for range most {
		if math.Abs(rs)+math.Abs(ra) < tolerance {
			break
		}
		ss, as := d.forward(x+h, y, l)
		sa, aa := d.forward(x, y+h, l)
		ss, as, sa, aa = (ss-fs)/h, (as-fa)/h, (sa-fs)/h, (aa-fa)/h
		det := ss*aa - sa*as
		dx, dy := (aa*rs-sa*ra)/det, (ss*ra-as*rs)/det
		// A step that does not lead nearer is halved.
		for part := 1.0; part > 1e-3; part /= 2 {
			gs, ga := d.forward(x+part*dx, y+part*dy, l)
			if math.Abs(s-gs)+math.Abs(a-ga) < math.Abs(rs)+math.Abs(ra) || part < 2e-3 {
				x, y, fs, fa = x+part*dx, y+part*dy, gs, ga
				rs, ra = s-fs, a-fa
				break
			}
		}
	}
	return x, y
}

// Map returns the inverse for lines of points, within 1e-4 mm.
func (d *Deformation) Map() Map {
	return func(line []r3.Vec) {
		// How far the last point moved, and how much farther than the one before.
		var ds, da, moreS, moreA float64
		for i, p := range line {
			s, a, l := d.frame.Coordinates(p)
			x, y := d.inverse(s, a, l, s+ds+moreS, a+da+moreA, 1e-5)
			moreS, moreA = x-s-ds, y-a-da
			ds, da = x-s, y-a
			line[i] = d.shifted(p, ds, da)
		}
	}
}

// Volume returns by which factor a small volume at p grows.
func (d *Deformation) Volume(p r3.Vec) float64 {
	s, a, l := d.frame.Coordinates(p)
	return d.factor(s, a, l)
}

// factor is Volume in the frame. The map leaves l alone, so that the determinant is
// that of the sagittal plane.
func (d *Deformation) factor(s, a, l float64) float64 {
	const h = 1e-4 // mm
	s1, a1 := d.forward(s+h, a, l)
	s0, a0 := d.forward(s-h, a, l)
	s3, a3 := d.forward(s, a+h, l)
	s2, a2 := d.forward(s, a-h, l)
	return ((s1-s0)*(a3-a2) - (s3-s2)*(a1-a0)) / (4 * h * h)
}

// leastVolume returns the least factor in the body, its discs and, more coarsely, all
// around.
func (d *Deformation) leastVolume() float64 {
	least := math.Inf(1)
	scan := func(reachS, reachA, reachL, step float64) {
		for l := -reachL; l <= reachL; l += step {
			for a := -reachA; a <= reachA; a += step {
				for s := -reachS; s <= reachS; s += step {
					least = min(least, d.factor(s, a, l))
				}
			}
		}
	}
	h := d.body.Heights()
	tall := max(h[0], h[1], h[2])/2 + max(d.room[0], d.room[1])
	const near, far = 1.0, 10.0 // mm between points
	scan(tall, d.halfDepth+20, d.halfWid, near)
	scan(250, 250, 250, far)
	return least
}

// Turn returns by how many degrees what lies above bends forward: kyphosis positive.
func (d *Deformation) Turn() float64 { return -d.above.turn * 180 / math.Pi }
