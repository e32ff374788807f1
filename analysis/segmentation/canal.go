// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// CanalRays is the number of directions in which a canal's outline is told.
const CanalRays = 72

// Canal is the bony vertebral canal beside one vertebral body, and the body's
// posterior wall that bounds it to anterior. Coordinates are those of Frame,
// whose superior axis runs along the canal and whose origin lies in the canal:
// s superior, a anterior and l left, mm.
type Canal struct {
	Frame volume.Frame

	// Low and High are the heights of the posterior corners of the body's
	// inferior and superior endplate.
	Low, High float64

	Wall     PosteriorWall
	Sections []CanalSection // ascending, from Low to High

	// Reason says why there is no section, or what makes them doubtful.
	Reason phrase.Text

	// Lateral is how far to the left and to the right of the axis the pedicles
	// stand, mm; +Inf where they do not bound the canal.
	Lateral [2]float64

	// Behind is that of the body: how far behind its posterior wall bone stands where
	// no more is known of the canal, mm; 0 elsewhere.
	Behind float64
}

// CanalSection is the canal's outline in a plane across it: where soft tissue
// meets bone. Where no bone bounds the canal, at foramina and between laminae,
// the outline of the vertebra's ring closes it.
type CanalSection struct {
	S float64

	// Radius is the distance of the outline from the point (S, 0, 0), the first
	// to anterior, going round to the left.
	Radius [CanalRays]float64
	SD     [CanalRays]float64
	Open   [CanalRays]bool // closed by the ring
}

// The extent of what is read, mm.
const (
	canalRow       = 1.0 // between sections
	canalInset     = 1.5 // of the outermost sections from the endplates' corners
	canalRayStep   = 0.5
	canalRayLength = 24.0 // more than half the width of any lumbar canal
	canalAxisReach = 25.0 // to either side, of the line that the axis follows
	// leastSections is the number of slices that a body must span for its canal
	// to be told.
	leastSections = 3.0
)

// A vertebra's ring is read between these parts of the body's height, at its
// pedicles; its outline is the median there. So many of its rays must meet bone.
const (
	RingLow       = 0.4
	RingHigh      = 0.8
	ringLeastBone = 0.6
)

// canalBone is by how many HU bone stands out of what the canal holds, at its
// densest place after the blur. Discs, vessels and ligaments do not.
const canalBone = 180.0

// CanalFromImage outlines the canal and the posterior wall beside each of
// bodies, as FromImage found them for the vertebrae of s in vol, which must be
// canonical. One that cannot be outlined says why.
//
// The wall is traced as a surface, strip by strip from the middle; the rest of
// the outline is the first bone that rays from the canal's middle meet. The face
// of the bone is fitted with its blur taken into account.
func CanalFromImage(ctx context.Context, vol *volume.Volume, s *localization.Spine, bodies []Body) ([]Canal, error) {
	im := &reader{sampler: vol.Sampler(), vol: vol, blur: blurOf(vol, sliceProfiles[0])}
	im.chooseKernel(s, bodies)
	canals := make([]Canal, len(bodies))
	parallel(len(bodies), func(i int) {
		if ctx.Err() == nil {
			canals[i] = im.canal(s.Canal, &s.Vertebrae[i], &bodies[i])
		}
	})
	return canals, ctx.Err()
}

// canal outlines the canal beside one body.
func (im *reader) canal(path []localization.CanalPoint, v *localization.Vertebra, b *Body) Canal {
	switch {
	case v.Sacral:
		return Canal{Frame: b.Frame, Reason: "the sacral canal is not measured"}
	case v.Truncated:
		return Canal{Frame: b.Frame, Reason: "the border of the volume cuts the vertebra"}
	case b.Behind > 0:
		return Canal{Frame: b.Frame, Reason: b.Reason, Behind: b.Behind}
	case !hasCanalBounds(b):
		return Canal{Frame: b.Frame, Reason: "the body could not be outlined"}
	}
	c := Canal{Frame: canalFrame(path, v, b)}
	c.setEnds(b)
	if !(c.High-c.Low >= leastSections*im.rowLength(c.Frame)) {
		c.Reason = "slices too thick for the height of the body"
		return c
	}
	w := newWallReader(im, &c, b)
	if c.straighten(w.rows, w.middle) {
		w = newWallReader(im, &c, b)
	}
	w.followFragments()
	rays := canalReader{im: im, canal: &c, wall: w}
	if !rays.center() {
		c.Reason = "no canal with bone behind it and pedicles beside it"
		return c
	}
	rays.read()
	// The outline follows the wall as far as the pedicles; what lies beside the
	// free canal is no longer judged as wall.
	c.Wall = w.surface(c.pedicleHalf())
	rays.close()
	c.Wall = c.Wall.within(rays.halfWidth())
	return c
}

// rowLength returns how far apart independent sections lie, mm.
func (im *reader) rowLength(f volume.Frame) float64 {
	return im.blur.width * math.Abs(r3.Dot(f.Superior, im.blur.axes[im.blur.slice]))
}

// canalFrame returns the frame of a canal: along the path of the canal, in the
// body's mid-sagittal plane.
func canalFrame(path []localization.CanalPoint, v *localization.Vertebra, b *Body) volume.Frame {
	axis := b.Frame.Superior
	if len(path) > 1 {
		at := nearestOnPath(path, v.Canal)
		from, to := at, at
		for from > 0 && r3.Norm(r3.Sub(path[from].Position, v.Canal)) < canalAxisReach {
			from--
		}
		for to < len(path)-1 && r3.Norm(r3.Sub(path[to].Position, v.Canal)) < canalAxisReach {
			to++
		}
		if d := r3.Sub(path[from].Position, path[to].Position); r3.Norm(d) > canalAxisReach {
			axis = d
		}
	}
	// The axis lies in the body's mid-sagittal plane.
	axis = r3.Sub(axis, r3.Scale(r3.Dot(axis, b.Frame.Left), b.Frame.Left))
	_, a, _ := b.Frame.Coordinates(v.Canal)
	return volume.NewFrame(b.Frame.Point(0, a, 0), axis, b.Frame.Anterior)
}

func nearestOnPath(path []localization.CanalPoint, p r3.Vec) int {
	distance := make([]float64, len(path))
	for i := range path {
		distance[i] = r3.Norm(r3.Sub(path[i].Position, p))
	}
	return floats.MinIdx(distance)
}

// cornerInset, mm, is how far before the wall an endplate's corner is read.
const cornerInset = 1.5

// setEnds finds the posterior corners of the endplates.
func (c *Canal) setEnds(b *Body) {
	corner := func(p Plate, sign float64) float64 {
		// A fragment driven back does not carry the endplate with it.
		wall := max(b.Posterior.near(sign, endReach), median(b.Posterior.A))
		i := floats.NearestIdx(p.A, wall+cornerInset)
		s, _, _ := c.Frame.Coordinates(b.Frame.Point(p.S[i], p.A[i], 0))
		return s
	}
	c.Low, c.High = corner(b.Inferior, -1), corner(b.Superior, 1)
}

// heights returns the heights of the sections.
func (c *Canal) heights() []float64 {
	n := max(int((c.High-c.Low-2*canalInset)/canalRow)+1, 2)
	h := make([]float64, n)
	floats.Span(h, c.Low+canalInset, c.High-canalInset)
	return h
}

// Along returns where the height s lies between the posterior corners of the
// body: 0 at the inferior, 1 at the superior.
func (c *Canal) Along(s float64) float64 { return (s - c.Low) / (c.High - c.Low) }

// inRing reports whether the height s belongs to the vertebra's ring.
func (c *Canal) inRing(s float64) bool {
	t := c.Along(s)
	return t >= RingLow && t <= RingHigh
}

// straighten turns the axis to run along the posterior wall, whose middle stands
// at the places of middle in rows, as far as the wall is straight. It reports
// whether it did.
func (c *Canal) straighten(rows, middle []float64) bool {
	const (
		rounds = 10
		scale  = 0.7  // mm, beyond which a row counts for little: a fragment
		most   = 0.15 // of the slope
		least  = 0.01
	)
	offset, slope := median(middle), 0.0
	for range rounds {
		var n, s, a, ss, sa float64
		for i, at := range rows {
			d := (middle[i] - offset - slope*at) / scale
			k := 1 / ((1 + d*d) * (1 + d*d))
			n, s, a, ss, sa = n+k, s+k*at, a+k*middle[i], ss+k*at*at, sa+k*at*middle[i]
		}
		slope = (n*sa - s*a) / (n*ss - s*s)
		offset = (a - slope*s) / n
	}
	if !(math.Abs(slope) > least && math.Abs(slope) < most) {
		return false
	}
	f := c.Frame
	low, high := f.Point(c.Low, 0, 0), f.Point(c.High, 0, 0)
	c.Frame = volume.NewFrame(f.Origin, r3.Add(f.Superior, r3.Scale(slope, f.Anterior)), f.Anterior)
	c.Low, _, _ = c.Frame.Coordinates(low)
	c.High, _, _ = c.Frame.Coordinates(high)
	return true
}
