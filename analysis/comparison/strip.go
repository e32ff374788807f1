// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// The strip of an endplate that is looked for, mm.
const (
	stripHalf = 5.0 // to both sides of the endplate
	// nearDisc is how far it reaches into the disc where that has changed: a dent makes
	// it higher, and the next endplate does not move along.
	nearDisc  = 2.0
	stripStep = 1.0 // between its points
	localHalf = 6.0 // to both sides of a landmark, along the endplate
)

// reach is how far an endplate is looked for, mm and degrees, and the steps of the
// first search.
type reach struct {
	rise, slide, tilt, riseStep, slideStep, tiltStep float64
	// dent is how far the middle may have broken in, or been raised, against the
	// rims.
	dent float64
	// price is what each squared mm of rise away from the start takes from the
	// correlation, up to mostPrice: a part leaves the whole only for a better
	// likeness. tiltPrice is the same of a squared degree.
	price, tiltPrice float64
}

const mostPrice = 0.1

// dentPrice is the same of a squared mm of dent, up to mostDentPrice, and dentStep
// the step of the first search for one, mm.
const (
	dentPrice, mostDentPrice = 0.01, 0.03
	dentStep                 = 1.5
)

// An endplate may have moved far in its body's frame, which readings that went
// wrong move too; a part of it from where the whole was found, as far as endplates
// break in.
var (
	wholeReach = reach{rise: 10, slide: 3, tilt: 21, riseStep: 1, slideStep: 1.5, tiltStep: 3, dent: 9}
	nearReach  = reach{rise: 5, slide: 3, tilt: 12, riseStep: 1, slideStep: 1.5, tiltStep: 3, dent: 9, price: 0.003, tiltPrice: 0.0002} // of where its neighbours take it
	partReach  = reach{rise: 3, slide: 0.5, tilt: 6, riseStep: 1, slideStep: 0.5, tiltStep: 3, price: 0.06}
)

const fineSearch = 6 // halvings of the steps

// shift is how a strip moved from the frame of one body to that of another.
type shift struct {
	rise, slide float64 // to superior and anterior, mm
	tilt        float64 // degrees, anterior side up
	dent        float64 // of the middle against the rims, into the body, mm
	alike       float64 // correlation, -1 to 1
}

// strip is the picture of an endplate.
type strip struct {
	s, a   []float64 // where, in the body's frame, mm
	value  []float64
	s0, a0 float64 // about what it tilts
	// dented is how far the endplate's middle, half its length from its rims, goes
	// with a dent of 1 mm: down for a superior endplate.
	middle, half, dented float64
	bow                  []float64 // by point, for a dent of 1 mm
}

// bowAt returns by how much a dent of 1 mm raises what lies at a: a parabola from rim
// to rim.
func (t *strip) bowAt(a float64) float64 {
	u := (a - t.middle) / t.half
	return t.dented * max(1-u*u, 0)
}

// picture reads a segmentation.Picture between its pixels.
type picture struct{ *segmentation.Picture }

// at returns the attenuation at a place of the body's frame; false beyond the
// picture.
func (p picture) at(s, a float64) (float64, bool) {
	x, y := (s-p.S0)/p.Step, (a-p.A0)/p.Step
	i, j := int(math.Floor(x)), int(math.Floor(y))
	if i < 0 || j < 0 || i+1 >= p.Rows || j+1 >= p.Columns {
		return 0, false
	}
	x, y = x-float64(i), y-float64(j)
	q := p.Pixels[i*p.Columns+j:]
	if min(q[0], q[1], q[p.Columns], q[p.Columns+1]) == 0 {
		return 0, false
	}
	below := float64(q[0]) + (float64(q[1])-float64(q[0]))*y
	above := float64(q[p.Columns]) + (float64(q[p.Columns+1])-float64(q[p.Columns]))*y
	return below + (above-below)*x, true
}

// stripOf takes the strip along an endplate from wall to wall, or around one of its
// landmarks, and so many mm into the disc. up is 1 for a superior endplate and -1 for an
// inferior one.
func stripOf(p picture, f volume.Frame, e *landmark.Endplate, up, disc float64, at *landmark.Point) (strip, bool) {
	s1, a1, _ := f.Coordinates(e.Posterior.Position)
	s2, a2, _ := f.Coordinates(e.Middle.Position)
	s3, a3, _ := f.Coordinates(e.Anterior.Position)
	if !(a1 < a2) || !(a2 < a3) {
		return strip{}, false
	}
	out := strip{s0: s2, a0: a2, middle: (a1 + a3) / 2, half: (a3 - a1) / 2, dented: -up}
	from, to := a1, a3
	if at != nil {
		s, a, _ := f.Coordinates(at.Position)
		out.s0, out.a0, from, to = s, a, a-localHalf, a+localHalf
	}
	for a := from; a <= to; a += stripStep {
		// The parabola through the three points.
		curve := s1*(a-a2)*(a-a3)/((a1-a2)*(a1-a3)) + s2*(a-a1)*(a-a3)/((a2-a1)*(a2-a3)) + s3*(a-a1)*(a-a2)/((a3-a1)*(a3-a2))
		for d := -stripHalf; d <= disc; d += stripStep {
			if v, ok := p.at(curve+up*d, a); ok {
				out.s, out.a, out.value = append(out.s, curve+up*d), append(out.a, a), append(out.value, v)
				out.bow = append(out.bow, out.bowAt(a))
			}
		}
	}
	return out, len(out.value) > 0
}

// moved returns where a shift takes a place of the strip's frame.
func (t *strip) moved(m shift, s, a float64) (float64, float64) {
	sin, cos := math.Sincos(m.tilt * math.Pi / 180)
	ds, da := s-t.s0, a-t.a0
	return t.s0 + m.rise + cos*ds + sin*da + m.dent*t.bowAt(a), t.a0 + m.slide - sin*ds + cos*da
}

// leastSeen is the share of a strip that the other picture must show, and leastBone
// that which must be left of it without what is denser than bone: cement in one
// of the examinations says nothing of the endplate.
const (
	leastSeen = 0.85
	leastBone = 0.6
)

// denseHU is the attenuation from which a pixel, a mean over 10 mm, is not taken for
// bone: that from which cement is looked for (analysis/cement).
const denseHU = 1000.0

const densePixel = (denseHU - segmentation.PictureLeast) / segmentation.PictureStep

// correlate returns the correlation of the strip with what it covers in p.
func (t *strip) correlate(p picture, m shift) float64 {
	var seen, n, sx, sy, sxx, syy, sxy float64
	sin, cos := math.Sincos(m.tilt * math.Pi / 180)
	for i, x := range t.value {
		ds, da := t.s[i]-t.s0, t.a[i]-t.a0
		y, ok := p.at(t.s0+m.rise+cos*ds+sin*da+m.dent*t.bow[i], t.a0+m.slide-sin*ds+cos*da)
		if !ok {
			continue
		}
		if seen++; max(x, y) >= densePixel {
			continue
		}
		n++
		sx, sy, sxx, syy, sxy = sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
	}
	if all := float64(len(t.value)); seen < leastSeen*all || n < leastBone*all {
		return -1
	}
	vx, vy := sxx-sx*sx/n, syy-sy*sy/n
	if !(vx > 0) || !(vy > 0) {
		return -1
	}
	return (sxy - sx*sy/n) / math.Sqrt(vx*vy)
}

// thinned returns the strip with every other of its points.
func (t *strip) thinned() *strip {
	out := *t
	out.s, out.a, out.value, out.bow = nil, nil, nil, nil
	for i := 0; i < len(t.value); i += 2 {
		out.s, out.a = append(out.s, t.s[i]), append(out.a, t.a[i])
		out.value, out.bow = append(out.value, t.value[i]), append(out.bow, t.bow[i])
	}
	return &out
}

// find returns the shift within reach of start at which the strip correlates best
// with p: first of those with the dent of start, then with others; for these half of
// its points do.
func (t *strip) find(p picture, start shift, r reach) shift {
	q := quest{strip: t.thinned(), in: p, start: start, reach: r, best: shift{alike: -1}, most: math.Inf(-1)}
	for rise := -r.rise; rise <= r.rise; rise += r.riseStep {
		for tilt := -r.tilt; tilt <= r.tilt; tilt += r.tiltStep {
			for slide := -r.slide; slide <= r.slide; slide += r.slideStep {
				q.try(start.plus(shift{rise: rise, slide: slide, tilt: tilt}))
			}
		}
	}
	if r.dent > 0 {
		q.dents()
	}
	best := q.best
	q.strip, q.best, q.most = t, shift{alike: -1}, math.Inf(-1)
	q.try(best)
	q.refine()
	return q.best
}

// dents tries dents about the best place without.
func (q *quest) dents() {
	const rises = 4 // steps to each side
	flat, r := q.best, &q.reach
	for dent := -r.dent; dent <= r.dent; dent += dentStep {
		for rise := -rises * r.riseStep; rise <= rises*r.riseStep; rise += r.riseStep {
			for tilt := -r.tiltStep; tilt <= r.tiltStep; tilt += r.tiltStep {
				q.try(flat.plus(shift{rise: rise, tilt: tilt, dent: dent}))
			}
		}
	}
}

// plus returns the sum of two shifts.
func (m shift) plus(d shift) shift {
	return shift{rise: m.rise + d.rise, slide: m.slide + d.slide, tilt: m.tilt + d.tilt, dent: m.dent + d.dent}
}

// quest is a search for a strip.
type quest struct {
	strip *strip
	in    picture
	start shift
	reach reach

	best shift
	most float64 // what best is worth
}

// try keeps m if it lies within reach and is worth more than the best so far, and
// tells so.
func (q *quest) try(m shift) bool {
	r, d := &q.reach, shift{rise: m.rise - q.start.rise, slide: m.slide - q.start.slide, tilt: m.tilt - q.start.tilt, dent: m.dent - q.start.dent}
	if math.Abs(d.rise) > r.rise || math.Abs(d.slide) > r.slide || math.Abs(d.tilt) > r.tilt || math.Abs(d.dent) > r.dent {
		return false
	}
	m.alike = q.strip.correlate(q.in, m)
	worth := m.alike - min(r.price*d.rise*d.rise+r.tiltPrice*d.tilt*d.tilt, mostPrice) - min(dentPrice*d.dent*d.dent, mostDentPrice)
	if worth <= q.most {
		return false
	}
	q.best, q.most = m, worth
	return true
}

// refine goes on from the best by ever smaller steps.
func (q *quest) refine() {
	steps := []shift{{rise: q.reach.riseStep}, {slide: q.reach.slideStep}, {tilt: q.reach.tiltStep}, {dent: dentStep}}
	if q.reach.dent == 0 {
		steps = steps[:3]
	}
	scale := 0.5
	for range fineSearch {
		for improved := true; improved; {
			improved = false
			for _, d := range steps {
				for _, by := range []float64{scale, -scale} {
					improved = q.try(q.best.plus(d.times(by))) || improved
				}
			}
		}
		scale /= 2
	}
}

// times returns a shift so many times as far.
func (m shift) times(x float64) shift {
	return shift{rise: x * m.rise, slide: x * m.slide, tilt: x * m.tilt, dent: x * m.dent}
}
