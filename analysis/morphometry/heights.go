// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
)

// HeightsOf returns the distances between the points of the two endplates, and
// false where an endplate is missing. The endplates' errors are taken as
// independent: they come from different parts of the image.
func HeightsOf(v *landmark.Vertebra) (Heights, bool) {
	if v == nil || !v.Superior.Found() || !v.Inferior.Found() {
		return Heights{}, false
	}
	var h Heights
	h.Anterior, h.AnteriorSD = distance(v.Superior.Anterior, v.Inferior.Anterior)
	h.Middle, h.MiddleSD = distance(v.Superior.Middle, v.Inferior.Middle)
	h.Posterior, h.PosteriorSD = distance(v.Superior.Posterior, v.Inferior.Posterior)
	return h, true
}

func distance(p, q landmark.Point) (mm, sd float64) {
	return r3.Norm(r3.Sub(p.Position, q.Position)), math.Hypot(p.SD, q.SD)
}

// WedgeAngle returns the angle between the lines of a body's endplates in its
// mid-sagittal plane, degrees, positive where the anterior side is lower, with
// its standard deviation; false where an endplate is missing.
func WedgeAngle(v *landmark.Vertebra) (degrees, sd float64, ok bool) {
	if v == nil || !v.Superior.Found() || !v.Inferior.Found() {
		return 0, 0, false
	}
	return kyphosis(v.Superior.Direction, v.Inferior.Direction, v.LeftAxis),
		math.Hypot(v.Superior.DirectionSD, v.Inferior.DirectionSD), true
}

// DiscHeight returns the height of the disc between two adjacent vertebrae, mm,
// with its standard deviation: the mean of the distances between anterior,
// middle and posterior points of the facing endplates, along the disc's axis,
// which is perpendicular to the mean of the endplates' lines in the sagittal
// plane. The three errors of an endplate are taken as fully correlated. It is
// false where an endplate is missing.
func DiscHeight(above, below *landmark.Vertebra) (mm, sd float64, ok bool) {
	if above == nil || below == nil || !above.Inferior.Found() || !below.Superior.Found() {
		return 0, 0, false
	}
	top, bottom := &above.Inferior, &below.Superior
	left := r3.Unit(r3.Add(above.LeftAxis, below.LeftAxis))
	axis := r3.Unit(r3.Cross(r3.Add(top.Direction, bottom.Direction), left))
	for _, p := range [][2]landmark.Point{
		{top.Anterior, bottom.Anterior}, {top.Middle, bottom.Middle}, {top.Posterior, bottom.Posterior},
	} {
		mm += r3.Dot(r3.Sub(p[0].Position, p[1].Position), axis) / 3
		sd += math.Hypot(p[0].SD, p[1].SD) / 3
	}
	return mm, sd, true
}

// kyphosis returns the angle in degrees, in (-180, 180], by which the upper
// endplate's line leans further to anterior-inferior than the lower one's, in
// the plane perpendicular to left. Both lines run from posterior to anterior.
func kyphosis(upper, lower, left r3.Vec) float64 {
	flatten := func(d r3.Vec) r3.Vec { return r3.Sub(d, r3.Scale(r3.Dot(d, left), left)) }
	u, l := flatten(upper), flatten(lower)
	return math.Atan2(r3.Dot(r3.Cross(l, u), left), r3.Dot(u, l)) * 180 / math.Pi
}
