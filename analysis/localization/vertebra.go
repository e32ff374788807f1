// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// plate is an endplate in the straightened spine: the cross-section at which
// it meets the body's middle line, and its rise towards superior per mm
// anterior and per mm left.
type plate struct {
	s, anterior, left float64
}

// The fit of an endplate to the bright ridge of its bone.
const (
	plateDepth     = 0.35 // of the body's depth, to each side of its middle
	plateHalfWidth = 10   // mm to each side
	plateShift     = 2.0  // mm along the canal that the fit may move the ridge
	plateTurn      = 0.1  // change of the sagittal slope
	plateLeftMax   = 0.36 // coronal slope: 20°
	// plateLeftCost is what the steepest coronal slope must gain, HU.
	plateLeftCost = 40.0
)

// fitPlate returns the plane near (s, slope) along which the ridge is
// brightest.
func fitPlate(r *Straight, sg *signals, s, slope float64) plate {
	best, at := math.Inf(-1), plate{s: s, anterior: slope}
	try := func(p plate) {
		t := p.left / plateLeftMax
		if b := ridge(r, sg, p) - plateLeftCost*t*t; b > best {
			best, at = b, p
		}
	}
	for left := -plateLeftMax; left <= plateLeftMax+1e-9; left += plateLeftMax / 8 {
		for shift := -plateShift; shift <= plateShift; shift++ {
			try(plate{s + shift, slope, left})
		}
	}
	start := at
	for turn := -plateTurn; turn <= plateTurn+1e-9; turn += plateTurn / 4 {
		for shift := -1.0; shift <= 1; shift += 0.5 {
			try(plate{start.s + shift, start.anterior + turn, start.left})
		}
	}
	return at
}

// ridge returns the mean attenuation on the plane p within the body, HU.
func ridge(r *Straight, sg *signals, p plate) float64 {
	n := min(max(int(math.Round(p.s)), 0), len(r.Canal)-1)
	mid, half := (sg.anterior[n]+sg.posterior[n])/2, plateDepth*(sg.anterior[n]-sg.posterior[n])
	side := (sg.left[n] - sg.right[n]) / 2
	var sum, count float64
	for a := -half; a <= half; a += 2 {
		for l := -plateHalfWidth; l <= plateHalfWidth; l += 2 {
			y := p.s - p.anterior*a - p.left*float64(l)
			i := int(math.Floor(y))
			h, k := r.At(i, mid+a, side+float64(l)), r.At(i+1, mid+a, side+float64(l))
			if h != Outside && k != Outside {
				sum += float64(h) + (y-float64(i))*(float64(k)-float64(h))
				count++
			}
		}
	}
	return sum / max(count, 1)
}

// centre returns the middle of an endplate, LPS mm, and its normal towards
// superior.
func (p plate) centre(r *Straight, sg *signals) (centre, normal r3.Vec) {
	n := min(max(int(math.Round(p.s)), 0), len(r.Canal)-1)
	f := frameAt(r.Canal, p.s)
	centre = f.Point(0, (sg.anterior[n]+sg.posterior[n])/2, (sg.left[n]-sg.right[n])/2)
	normal = r3.Sub(f.Superior, r3.Add(r3.Scale(p.anterior, f.Anterior), r3.Scale(p.left, f.Left)))
	return centre, r3.Unit(normal)
}

// builder makes vertebrae of the discs found.
type builder struct {
	v  *volume.Volume
	r  *Straight
	sg *signals
	column
}

// vertebrae returns the links of the chain, and what of the vertebrae before
// the first and beyond the last disc can be seen.
func (b *builder) vertebrae(sacral int) []Vertebra {
	var out []Vertebra
	if len(b.discs) == 0 {
		return nil
	}
	above := make([]plate, len(b.discs)) // inferior endplates
	below := make([]plate, len(b.discs)) // superior endplates
	each(len(b.discs), func(n int) {
		p := b.discs[n]
		above[n] = fitPlate(b.r, b.sg, p.up, p.slopeUp)
		below[n] = fitPlate(b.r, b.sg, p.down, p.slopeDown)
	})
	if top, ok := b.top(above[0]); ok {
		out = append(out, top)
	}
	for n := 1; n < len(b.discs) && n-1 != sacral; n++ {
		out = append(out, b.between(below[n-1], above[n]))
	}
	if sacral >= 0 {
		return append(out, b.sacrum(below[sacral]))
	}
	if bottom, ok := b.bottom(below[len(below)-1]); ok {
		out = append(out, bottom)
	}
	return out
}

// between makes the vertebra between two endplates.
func (b *builder) between(superior, inferior plate) Vertebra {
	cs, ns := superior.centre(b.r, b.sg)
	ci, ni := inferior.centre(b.r, b.sg)
	v := b.place(r3.Scale(0.5, r3.Add(cs, ci)), r3.Add(ns, ni), (superior.s+inferior.s)/2)
	v.SuperiorEndplate, v.InferiorEndplate = cs, ci
	b.checkField(&v, r3.Norm(r3.Sub(cs, ci)))
	return v
}

// place makes a vertebra at a centre with an axis, whose middle lies in
// cross-section s. It moves the centre sideways between the body's lateral
// walls there.
func (b *builder) place(centre, axis r3.Vec, s float64) Vertebra {
	n := min(max(int(math.Round(s)), 0), len(b.r.Canal)-1)
	left, right := waist(b.r, b.sg, n, waistSpan)
	f := volume.NewFrame(centre, axis, frameAt(b.r.Canal, s).Anterior)
	f.Origin = f.Point(0, 0, (left-right)/2-(b.sg.left[n]-b.sg.right[n])/2)
	canal := b.canalBeside(f)
	f = volume.NewFrame(f.Origin, f.Superior, r3.Add(f.Anterior, r3.Unit(r3.Sub(f.Origin, canal))))
	return Vertebra{
		Center: f.Origin, Canal: canal,
		Superior: f.Superior, Anterior: f.Anterior,
		Depth: b.sg.anterior[n] - b.sg.posterior[n],
		Width: left + right,
	}
}

// waistSpan is how far from mid-height a body's width is read, mm: its waist,
// away from the ribs' heads.
const waistSpan = 4

// canalBeside returns where the canal crosses the transverse plane of f nearest
// to its origin, or would if it ran on straight beyond its nearer end.
func (b *builder) canalBeside(f volume.Frame) r3.Vec {
	best, at := math.Inf(1), b.canalBeyond(f)
	for n := 1; n < len(b.r.Canal); n++ {
		p, q := b.r.Canal[n-1].Position, b.r.Canal[n].Position
		h, _, _ := f.Coordinates(p)
		k, _, _ := f.Coordinates(q)
		if h < 0 || k > 0 || h == k {
			continue
		}
		x := r3.Add(p, r3.Scale(h/(h-k), r3.Sub(q, p)))
		if d := r3.Norm(r3.Sub(x, f.Origin)); d < best {
			best, at = d, x
		}
	}
	return at
}

// canalBeyond returns where the canal, carried on straight from the end that lies
// nearer to the transverse plane of f, crosses that plane.
func (b *builder) canalBeyond(f volume.Frame) r3.Vec {
	end := b.r.Canal[0]
	h, _, _ := f.Coordinates(end.Position)
	last := b.r.Canal[len(b.r.Canal)-1]
	if k, _, _ := f.Coordinates(last.Position); math.Abs(k) < math.Abs(h) {
		end, h = last, k
	}
	along := max(r3.Dot(end.Superior, f.Superior), 0.5) // at most 60° across
	return r3.Sub(end.Position, r3.Scale(h/along, end.Superior))
}

// Parts of the body that must lie in the volume.
const (
	fieldHalfWidth = 0.35 // of its width, to each side: the slab measured and a margin
	fieldDepth     = 0.5  // of its depth, before and behind the centre
	// fieldMargin and plateMargin are by how much, mm, a body may leave the volume at
	// its walls and at its endplates: the uncertainty of their places, to which a
	// dent and a slope misread add.
	fieldMargin, plateMargin = 2.0, 4.0
)

// checkField marks v truncated if the volume surely does not hold a body of this
// height. Near the border only the outlined endplates tell: where little of a disc
// is seen, the slope of the one found here means little.
func (b *builder) checkField(v *Vertebra, height float64) {
	f := volume.NewFrame(v.Center, v.Superior, v.Anterior)
	half := max(height/2-plateMargin, 0)
	a := max(fieldDepth*v.Depth-fieldMargin, 0)
	l := max(fieldHalfWidth*v.Width-fieldMargin, 0)
	ix := b.v.Indexer()
	for corner := range 8 {
		sign := func(bit int) float64 { return float64(corner>>bit&1)*2 - 1 }
		x, y, z := ix.Index(f.Point(sign(0)*half, sign(1)*a, sign(2)*l))
		if side := b.v.SideBeyond(x, y, z); side != "" {
			v.Truncated, v.Reason = true, truncatedAt(side)
			return
		}
	}
}

func truncatedAt(side phrase.Text) phrase.Text {
	return phrase.Of("the volume ends at the body's %s side", side)
}
