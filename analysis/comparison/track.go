// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// A reading can go wrong: an endplate is taken for another edge, and a body seems
// to have changed that did not. So the picture of each endplate is looked for in
// the other examination. Where it is found again, its place there tells by how
// much the endplate moved, whatever was read.

// The strip of an endplate that is looked for, mm.
const (
	stripHalf = 5.0 // to both sides of the endplate
	stripStep = 1.0 // between its points
	localHalf = 6.0 // to both sides of a landmark, along the endplate
)

// reach is how far an endplate is looked for, mm and degrees, and the steps of the
// first search.
type reach struct {
	rise, slide, tilt, riseStep, slideStep, tiltStep float64
	// price is what each squared mm of rise away from the start takes from the
	// correlation, up to mostPrice: a part leaves the whole only for a better
	// likeness.
	price float64
}

const mostPrice = 0.1

// An endplate may have moved far in its body's frame, which readings that went
// wrong move too; a part of it from where the whole was found, as far as endplates
// break in.
var (
	wholeReach = reach{rise: 10, slide: 3, tilt: 15, riseStep: 1, slideStep: 1.5, tiltStep: 3}
	nearReach  = reach{rise: 5, slide: 3, tilt: 12, riseStep: 1, slideStep: 1.5, tiltStep: 3} // of where its neighbours take it
	partReach  = reach{rise: 3, slide: 0.5, tilt: 6, riseStep: 1, slideStep: 0.5, tiltStep: 3, price: 0.06}
)

const fineSearch = 6 // halvings of the steps

// foundAgain is the least correlation of an endplate's picture with what it is
// found in, from which it counts as found: default of this program. Pictures of
// one endplate in repositioned series correlate by 0.92 and more.
const foundAgain = 0.85

// shift is how a strip moved from the frame of one body to that of another.
type shift struct {
	rise, slide float64 // to superior and anterior, mm
	tilt        float64 // degrees, anterior side up
	alike       float64 // correlation, -1 to 1
}

// strip is the picture of an endplate.
type strip struct {
	s, a   []float64 // where, in the body's frame, mm
	value  []float64
	s0, a0 float64 // about what it tilts
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
// landmarks.
func stripOf(p picture, f volume.Frame, e *landmark.Endplate, at *landmark.Point) (strip, bool) {
	s1, a1, _ := f.Coordinates(e.Posterior.Position)
	s2, a2, _ := f.Coordinates(e.Middle.Position)
	s3, a3, _ := f.Coordinates(e.Anterior.Position)
	if !(a1 < a2) || !(a2 < a3) {
		return strip{}, false
	}
	out := strip{s0: s2, a0: a2}
	from, to := a1, a3
	if at != nil {
		s, a, _ := f.Coordinates(at.Position)
		out.s0, out.a0, from, to = s, a, a-localHalf, a+localHalf
	}
	for a := from; a <= to; a += stripStep {
		// The parabola through the three points.
		curve := s1*(a-a2)*(a-a3)/((a1-a2)*(a1-a3)) + s2*(a-a1)*(a-a3)/((a2-a1)*(a2-a3)) + s3*(a-a1)*(a-a2)/((a3-a1)*(a3-a2))
		for d := -stripHalf; d <= stripHalf; d += stripStep {
			if v, ok := p.at(curve+d, a); ok {
				out.s, out.a, out.value = append(out.s, curve+d), append(out.a, a), append(out.value, v)
			}
		}
	}
	return out, len(out.value) > 0
}

// moved returns where a shift takes a place of the strip's frame.
func (t *strip) moved(m shift, s, a float64) (float64, float64) {
	sin, cos := math.Sincos(m.tilt * math.Pi / 180)
	ds, da := s-t.s0, a-t.a0
	return t.s0 + m.rise + cos*ds + sin*da, t.a0 + m.slide - sin*ds + cos*da
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
		y, ok := p.at(t.s0+m.rise+cos*ds+sin*da, t.a0+m.slide-sin*ds+cos*da)
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

// find returns the shift within reach of start at which the strip correlates best
// with p.
func (t *strip) find(p picture, start shift, r reach) shift {
	best, most := shift{alike: -1}, math.Inf(-1)
	try := func(m shift) bool {
		if math.Abs(m.rise-start.rise) > r.rise || math.Abs(m.slide-start.slide) > r.slide || math.Abs(m.tilt-start.tilt) > r.tilt {
			return false
		}
		m.alike = t.correlate(p, m)
		worth := m.alike - min(r.price*(m.rise-start.rise)*(m.rise-start.rise), mostPrice)
		if worth <= most {
			return false
		}
		best, most = m, worth
		return true
	}
	for rise := -r.rise; rise <= r.rise; rise += r.riseStep {
		for tilt := -r.tilt; tilt <= r.tilt; tilt += r.tiltStep {
			for slide := -r.slide; slide <= r.slide; slide += r.slideStep {
				try(shift{rise: start.rise + rise, slide: start.slide + slide, tilt: start.tilt + tilt})
			}
		}
	}
	scale := 0.5
	for range fineSearch {
		for improved := true; improved; {
			improved = false
			for _, sign := range []float64{scale, -scale} {
				improved = try(shift{rise: best.rise + sign*r.riseStep, slide: best.slide, tilt: best.tilt}) || improved
				improved = try(shift{rise: best.rise, slide: best.slide + sign*r.slideStep, tilt: best.tilt}) || improved
				improved = try(shift{rise: best.rise, slide: best.slide, tilt: best.tilt + sign*r.tiltStep}) || improved
			}
		}
		scale /= 2
	}
	return best
}

// tracked is where the endplates of one examination's body are found in another.
type tracked struct {
	landmarks landmark.Vertebra
	alike     float64 // the least correlation of what was looked for
}

// sight is a picture of the other examination in which an endplate may be found.
type sight struct {
	shape  *Shape
	within reach
	// motion takes positions to where they are looked for first; nil for the same
	// place of the body's frame.
	motion *Rigid
}

// start returns where an endplate of before is looked for first.
func (g sight) start(before *Shape, e *landmark.Endplate) shift {
	if g.motion == nil {
		return shift{}
	}
	s, a, _ := before.Frame.Coordinates(e.Middle.Position)
	s1, a1, _ := g.shape.Frame.Coordinates(g.motion.Apply(e.Middle.Position))
	slope := func(f volume.Frame, d r3.Vec) float64 {
		return math.Atan2(r3.Dot(d, f.Superior), r3.Dot(d, f.Anterior))
	}
	tilt := slope(g.shape.Frame, g.motion.Rotate(e.Direction)) - slope(before.Frame, e.Direction)
	return shift{rise: s1 - s, slide: a1 - a, tilt: tilt * 180 / math.Pi}
}

// track looks for the endplates of before's body in the sights of after's, the
// sacrum's superior one alone: each as a whole, then from there its three landmarks
// by themselves, for an endplate may have broken in. False where one of them is not
// found.
func track(before, after *Vertebra, sights []sight, sacrum bool) (tracked, bool) {
	if !pictured(before) || after.Landmarks == nil || !sacrum && corners(before.Landmarks) == nil {
		return tracked{}, false
	}
	out := tracked{landmarks: *after.Landmarks, alike: 1}
	out.landmarks.Inferior = landmark.Endplate{}
	plates := []struct{ from, to *landmark.Endplate }{
		{&before.Landmarks.Superior, &out.landmarks.Superior}, {&before.Landmarks.Inferior, &out.landmarks.Inferior},
	}
	if sacrum {
		plates = plates[:1]
	}
	for _, e := range plates {
		plate, alike := trackIn(before.Shape, sights, e.from)
		if alike < foundAgain {
			return tracked{}, false
		}
		*e.to = plate
		out.alike = min(out.alike, alike)
	}
	return out, true
}

// trackIn returns an endplate in the first of the sights in which it is found.
func trackIn(before *Shape, sights []sight, e *landmark.Endplate) (landmark.Endplate, float64) {
	for _, g := range sights {
		if plate, alike := trackPlate(before, g, e); alike >= foundAgain {
			return plate, alike
		}
	}
	return landmark.Endplate{}, -1
}

// pictured reports whether a vertebra has a picture and a superior endplate in it.
func pictured(v *Vertebra) bool {
	return v.Shape != nil && v.Shape.Picture != nil && v.Landmarks != nil && v.Landmarks.Superior.Found()
}

// departure is the standard deviation of a landmark as a part of how far it was
// found from where the whole endplate takes it: an endplate breaks in, but a part of
// it is also more easily mistaken than the whole.
const departure = 0.5

// trackPlate looks for one endplate, and returns it in the other examination with
// the least of the correlations of its parts.
func trackPlate(before *Shape, g sight, e *landmark.Endplate) (landmark.Endplate, float64) {
	after := g.shape
	from, to := picture{before.Picture}, picture{after.Picture}
	whole, ok := stripOf(from, before.Frame, e, nil)
	if !ok {
		return landmark.Endplate{}, -1
	}
	all := whole.find(to, g.start(before, e), g.within)
	alike := all.alike
	out := *e
	var rises, places []float64
	for _, p := range []struct{ of, to *landmark.Point }{
		{&e.Anterior, &out.Anterior}, {&e.Middle, &out.Middle}, {&e.Posterior, &out.Posterior},
	} {
		part, ok := stripOf(from, before.Frame, e, p.of)
		if !ok || alike < foundAgain {
			return landmark.Endplate{}, -1
		}
		s, a, l := before.Frame.Coordinates(p.of.Position)
		s1, a1 := whole.moved(all, s, a)
		m := part.find(to, shift{rise: s1 - s, slide: a1 - a, tilt: all.tilt}, partReach)
		alike = min(alike, m.alike)
		s2, a2 := part.moved(m, s, a)
		p.to.Position, p.to.SD = after.Frame.Point(s2, a2, l), departure*math.Abs(s2-s1)
		rises, places = append(rises, s2-s1), append(places, a2)
	}
	_, slope := stat.LinearRegression(places, rises, nil, false)
	out.DirectionSD = departure * math.Abs(math.Atan(slope)) * 180 / math.Pi
	sin, cos := math.Sincos(all.tilt*math.Pi/180 + math.Atan(slope))
	s, a := r3.Dot(e.Direction, before.Frame.Superior), r3.Dot(e.Direction, before.Frame.Anterior)
	out.Direction = r3.Unit(r3.Add(r3.Scale(cos*s+sin*a, after.Frame.Superior), r3.Scale(-sin*s+cos*a, after.Frame.Anterior)))
	return out, alike
}
