// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/volume"
)

// A reading can go wrong: an endplate is taken for another edge, and a body seems
// to have changed that did not. So the picture of each endplate is looked for in
// the other examination. Where it is found again, its place there tells by how
// much the endplate moved, whatever was read.

// foundAgain is the least correlation of an endplate's picture with what it is
// found in, from which it counts as found, and surelyFound that from which no other
// picture is looked at: defaults of this program. Pictures of one endplate in
// repositioned series correlate by 0.92 and more.
//
// Where a whole endplate is found by wholeFound, a part of it that is not found by itself
// is where the whole takes it, as unsure as what is just found.
const (
	foundAgain  = 0.85
	wholeFound  = 0.93
	surelyFound = 0.97
)

// tracked is where the endplates of one examination's body are found in another.
type tracked struct {
	landmarks landmark.Vertebra
	alike     float64 // the least correlation of what was looked for
}

// sight is a picture of the other examination in which an endplate may be found.
type sight struct {
	shape  *Shape
	within reach
	disc   float64 // how far into the disc the endplate's strip reaches, mm
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

// sights are where the superior and the inferior endplate may be found.
type sights struct{ superior, inferior []sight }

// track looks for the endplates of before's body in the sights, the sacrum's superior
// one alone: each as a whole, then from there its three landmarks by themselves, for an
// endplate may have broken in. is is the body as the other examination has it, at
// least with its axes. False where one of them is not found.
func track(before *Vertebra, is landmark.Vertebra, in sights, sacrum bool) (tracked, bool) {
	if !pictured(before) || !sacrum && corners(before.Landmarks) == nil {
		return tracked{}, false
	}
	out := tracked{landmarks: is, alike: 1}
	out.landmarks.Inferior = landmark.Endplate{}
	plates := []struct {
		from, to *landmark.Endplate
		up       float64
		in       []sight
	}{
		{&before.Landmarks.Superior, &out.landmarks.Superior, 1, in.superior},
		{&before.Landmarks.Inferior, &out.landmarks.Inferior, -1, in.inferior},
	}
	if sacrum {
		plates = plates[:1]
	}
	for _, e := range plates {
		plate, alike := trackIn(before.Shape, e.in, e.from, e.up)
		if alike < foundAgain {
			return tracked{}, false
		}
		*e.to = plate
		out.alike = min(out.alike, alike)
	}
	return out, true
}

// trackIn returns an endplate where the sights show what is most like it.
func trackIn(before *Shape, in []sight, e *landmark.Endplate, up float64) (best landmark.Endplate, most float64) {
	most = -1
	for _, g := range in {
		if plate, alike := trackPlate(before, g, e, up); alike > most {
			best, most = plate, alike
		}
		if most >= surelyFound {
			break
		}
	}
	return best, most
}

// pictured reports whether a vertebra has a picture and a superior endplate in it.
func pictured(v *Vertebra) bool {
	return v.Shape != nil && v.Shape.Picture != nil && v.Landmarks != nil && v.Landmarks.Superior.Found()
}

// departure is the standard deviation of a landmark as a part of how far it was
// found from where the whole endplate takes it: an endplate breaks in, but a part of
// it is also more easily mistaken than the whole. dentDeparture is that of a dent, in
// which all of it takes part.
const (
	departure     = 0.5
	dentDeparture = 0.15
)

// trackPlate looks for one endplate, and returns it in the other examination with
// the least of the correlations of its parts. up is 1 for a superior one, else -1.
func trackPlate(before *Shape, g sight, e *landmark.Endplate, up float64) (landmark.Endplate, float64) {
	after := g.shape
	from, to := picture{before.Picture}, picture{after.Picture}
	whole, ok := stripOf(from, before.Frame, e, up, g.disc, nil)
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
		part, ok := stripOf(from, before.Frame, e, up, g.disc, p.of)
		if !ok || alike < foundAgain {
			return landmark.Endplate{}, -1
		}
		s, a, l := before.Frame.Coordinates(p.of.Position)
		s1, a1 := whole.moved(all, s, a)
		bow := all.dent * part.bowAt(a)
		start := shift{rise: s1 - bow - s, slide: a1 - a, tilt: all.tilt, dent: all.dent}
		m := part.find(to, start, partReach)
		if m.alike < foundAgain && all.alike >= wholeFound {
			m = start
			m.alike = foundAgain
		}
		alike = min(alike, m.alike)
		s2, a2 := part.moved(m, s, a)
		p.to.Position, p.to.SD = after.Frame.Point(s2, a2, l), math.Hypot(departure*(s2-s1), dentDeparture*bow)
		rises, places = append(rises, s2-s1), append(places, a2)
	}
	_, slope := stat.LinearRegression(places, rises, nil, false)
	out.DirectionSD = departure * math.Abs(math.Atan(slope)) * 180 / math.Pi
	sin, cos := math.Sincos(all.tilt*math.Pi/180 + math.Atan(slope))
	s, a := r3.Dot(e.Direction, before.Frame.Superior), r3.Dot(e.Direction, before.Frame.Anterior)
	out.Direction = r3.Unit(r3.Add(r3.Scale(cos*s+sin*a, after.Frame.Superior), r3.Scale(-sin*s+cos*a, after.Frame.Anterior)))
	return out, alike
}
