// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	plateStep     = 0.5 // mm between the points of a reported plate
	plateOverhang = 2.0 // mm that a reported plate goes on beyond the wall lines
)

// body puts a vertebra together: its frame from the fitted endplates, the walls
// traced anew between them.
func (im *reader) body(d *draft, above, below *discFit) Body {
	if d.found.Sacral {
		return sacrum(d, above)
	}
	hasSuperior := above != nil && above.space.has[lowerPlate]
	hasInferior := below != nil && below.space.has[upperPlate]
	switch {
	case d.lost && !d.regained:
		return Body{Frame: d.frame, Reason: "the path along the canal has left it beside this vertebra", Behind: d.behind}
	case !hasSuperior && !hasInferior:
		return Body{Frame: d.frame, Reason: "no endplate found"}
	case !hasSuperior:
		return Body{Frame: d.frame, Reason: "superior endplate not found"}
	case !hasInferior:
		return Body{Frame: d.frame, Reason: "inferior endplate not found"}
	}
	b := Body{Frame: bodyFrame(above, below, d)}
	lo, hi := plateEnds(b.Frame, above, below)
	if !(hi-lo >= minimumBody) {
		b.Reason = "endplates meet"
		return b
	}
	_, canal, _ := b.Frame.Coordinates(d.middle)
	b.Posterior, b.Anterior = im.walls(b.Frame, lo, hi, canal, d.farthest(), d.depth, depthAgreedSD)
	b.Width = d.width
	post, ant := median(b.Posterior.A), median(b.Anterior.A)
	b.Depth = ant - post
	// The frame's origin goes to the middle between the walls.
	shift := (post + ant) / 2
	b.Frame.Origin = b.Frame.Point(0, shift, 0)
	for i := range b.Posterior.A {
		b.Posterior.A[i] -= shift
		b.Anterior.A[i] -= shift
	}
	from, to := b.Posterior.beside(1), b.Anterior.near(1, endReach)
	b.Superior = plateIn(b.Frame, above, lowerPlate, from, to)
	from, to = b.Posterior.beside(-1), b.Anterior.near(-1, endReach)
	b.Inferior = plateIn(b.Frame, below, upperPlate, from, to)
	if side := cmp.Or(im.cutSide(above, lowerPlate, b.Width), im.cutSide(below, upperPlate, b.Width)); side != "" {
		b.Truncated, b.Reason = true, phrase.Of("the volume ends at the body's %s side", side)
	}
	return b
}

// discSeen, mm, is how much of the disc must be seen all along an endplate's rim:
// where bone goes on to the border, nothing tells where it ends.
const discSeen = 1.5

// cutSide names the side on which the volume ends at an outlined endplate of a body
// of the given width; it is empty if the volume goes on for discSeen.
func (im *reader) cutSide(f *discFit, plate int, width float64) phrase.Text {
	beyond := discSeen
	if plate == upperPlate {
		beyond = -beyond
	}
	d, ix := f.space, im.vol.Indexer()
	tilt := f.tilt(plate)
	middle, half := (d.ends[plate][0]+d.ends[plate][1])/2, (d.ends[plate][1]-d.ends[plate][0])/2
	for _, at := range rimPlaces {
		a, l := middle+at[0]*half, at[1]*max(width/2, profileReach)
		s, _ := f.outer(plate, a, 0)
		if side := im.vol.SideBeyond(ix.Index(d.frame.Point(s+tilt*l+beyond, a, l))); side != "" {
			return side
		}
	}
	return ""
}

// rimPlaces are places on an endplate's rim, anterior and left, in units of half
// its depth and width: a body's outline lies between an ellipse and a box.
var rimPlaces = [...][2]float64{
	{1, 0}, {0.75, 0.75}, {0, 1}, {-0.75, 0.75}, {-1, 0}, {-0.75, -0.75}, {0, -1}, {0.75, -0.75},
}

// sacrum puts the first sacral segment together: its superior endplate, between
// the walls of the body above carried on. The sacrum's own are oblique and partly
// alae.
func sacrum(d *draft, above *discFit) Body {
	if above == nil || !above.space.has[lowerPlate] {
		return Body{Frame: d.frame, Reason: "superior endplate not found"}
	}
	space := above.space
	b := Body{Frame: endFrame(above, lowerPlate, d)}
	b.Superior = plateIn(b.Frame, above, lowerPlate, space.basis.lo, space.basis.hi)
	ends := space.ends[lowerPlate]
	b.Posterior, b.Anterior = carriedWall(b.Frame, space.frame, ends[0]), carriedWall(b.Frame, space.frame, ends[1])
	return b
}

// carriedWall is the wall at a of a disc's frame, carried on below the endplate
// of the frame f.
func carriedWall(f, disc volume.Frame, a float64) Wall {
	const depth, sd = 6.0, 1.5 // mm
	at, _, _ := offsets(disc, f, a)
	var w Wall
	for s := -depth; s <= 0; s += wallRow {
		w.S, w.A, w.SD = append(w.S, s), append(w.A, at), append(w.SD, sd)
	}
	return w
}

// minimumBody, mm, is the least distance between the endplates of a body.
const minimumBody = 2.0

// plane returns the centre of a plate and its normal, towards superior.
func (f *discFit) plane(plate int, lo, hi float64) (center, normal r3.Vec) {
	d := f.space
	var n, sum, sumA, sumAA, sumAS float64
	for a := lo; a <= hi; a += plateStep {
		s, _ := f.outer(plate, a, 0)
		n++
		sum += s
		sumA += a
		sumAA += a * a
		sumAS += a * s
	}
	slope := (sumAS - sumA*sum/n) / (sumAA - sumA*sumA/n)
	tilt := f.tilt(plate)
	normal = r3.Sub(r3.Sub(d.frame.Superior, r3.Scale(slope, d.frame.Anterior)), r3.Scale(tilt, d.frame.Left))
	return d.frame.Point(sum/n, sumA/n, 0), r3.Unit(normal)
}

// bodyFrame returns the frame whose superior axis is the mean normal of both
// endplates and whose mid-sagittal plane passes through the centres of canal
// and body.
func bodyFrame(above, below *discFit, d *draft) volume.Frame {
	top, up := above.plane(lowerPlate, above.space.basis.lo, above.space.basis.hi)
	bottom, down := below.plane(upperPlate, below.space.basis.lo, below.space.basis.hi)
	axis := r3.Add(up, down)
	// Across the plane the middle of the waist counts, along it the endplates'.
	center := r3.Scale(0.5, r3.Add(top, bottom))
	side := r3.Dot(r3.Sub(d.frame.Origin, center), d.frame.Left)
	center = r3.Add(center, r3.Scale(side, d.frame.Left))
	return volume.NewFrame(center, axis, r3.Sub(center, d.middle))
}

// endFrame is bodyFrame for a vertebra with one endplate.
func endFrame(f *discFit, plate int, d *draft) volume.Frame {
	center, normal := f.plane(plate, f.space.basis.lo, f.space.basis.hi)
	return volume.NewFrame(center, normal, d.frame.Anterior)
}

// plateEnds returns the heights between which the walls are traced: nearly to
// the outermost places of the endplates; NaN where an endplate has none in this frame.
func plateEnds(f volume.Frame, above, below *discFit) (lo, hi float64) {
	top := plateIn(f, above, lowerPlate, above.space.basis.lo, above.space.basis.hi)
	bottom := plateIn(f, below, upperPlate, below.space.basis.lo, below.space.basis.hi)
	if len(top.S) == 0 || len(bottom.S) == 0 {
		return math.NaN(), math.NaN()
	}
	return slices.Min(bottom.S) + 1, slices.Max(top.S) - 1
}

// plateIn expresses a fitted plate in the body's mid-sagittal plane, between
// two positions along a.
func plateIn(f volume.Frame, fit *discFit, plate int, from, to float64) Plate {
	var p Plate
	d := fit.space
	lo, _, _ := offsets(f, d.frame, from-plateOverhang)
	hi, _, _ := offsets(f, d.frame, to+plateOverhang)
	along := d.blur.width * math.Abs(r3.Dot(d.frame.Superior, d.blur.axes[d.blur.slice]))
	fixed := math.Hypot(modelSD, sliceSD*max(along-sampledSlice, 0))
	for a := lo; a <= hi; a += plateStep {
		l := 0.0
		var s, sd float64
		var at r3.Vec
		for range 3 {
			s, sd = fit.outer(plate, a, l)
			at = d.frame.Point(s, a, l)
			_, _, across := f.Coordinates(at)
			l -= across
		}
		sBody, aBody, _ := f.Coordinates(at)
		p.A = append(p.A, aBody)
		p.S = append(p.S, sBody)
		p.SD = append(p.SD, math.Hypot(sd, fixed))
	}
	return p
}

// modelSD, mm, is what the model itself may be off at one endplate: the
// thickness of the plate is taken, not measured.
const modelSD = 0.07

// sliceSD, in units of the slice thickness beyond sampledSlice, is what a slice
// leaves open of a plate's place. A thin plate may lie anywhere within a slice
// that it crosses level, 1/√12 = 0.29; where it is tilted, its way from slice to
// slice tells more. Two thirds of that cover the errors on phantoms with slices of
// 2 to 5 mm. Slices of up to sampledSlice, mm, sample the in-plane blur, and leave
// nothing open.
const (
	sliceSD      = 0.2
	sampledSlice = 1.0
)

// offsets returns where the point at a of one frame lies in another.
func offsets(from, to volume.Frame, a float64) (ta, ts, tl float64) {
	ts, ta, tl = to.Coordinates(from.Point(0, a, 0))
	return ta, ts, tl
}
