// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// labelFrame is a body's frame with what was measured to find it.
type labelFrame struct {
	volume.Frame // origin: the body's centre

	height, depth, width float64 // at the centre, mm

	canal      r3.Vec // LPS mm
	canalKnown bool
	arch       bool // the label holds an arch behind the body
}

// frameRounds is how often frame and outline are improved by each other; the
// third round moves the phantoms' corners by less than 0.02 mm.
const frameRounds = 3

// maxAxisTurn bounds how far the endplates may turn the axis from that of the
// neighbours, degrees: more is a misread outline. L5 alone stands up to 35° off
// the patient's axis.
const maxAxisTurn = 45

// findLabelFrame places the body's frame: the superior axis between the normals
// of the endplates, the mid-sagittal plane through the centres of canal and
// body. It returns false where the label has no two endplates.
func findLabelFrame(v *labelVertebra, anterior r3.Vec) (labelFrame, bool) {
	f := labelFrame{Frame: volume.NewFrame(v.core.center, v.superior, anterior), arch: v.anterior != (r3.Vec{})}
	for range frameRounds {
		superior, inferior, ok := v.mask.platePlanes(f.Frame, v.core.radius)
		if !ok {
			return f, false
		}
		axis := r3.Unit(r3.Add(superior.normal(f.Frame), inferior.normal(f.Frame)))
		if r3.Dot(axis, v.superior) < math.Cos(maxAxisTurn*math.Pi/180) {
			axis = v.superior
		}
		f.height = superior.offset - inferior.offset
		f.Frame = volume.NewFrame(f.Point((superior.offset+inferior.offset)/2, 0, 0), axis, f.Anterior)
		if !v.mask.center(&f, v.core.radius) {
			return f, false
		}
		f.findCanal(v.mask, anterior)
		f.Frame = volume.NewFrame(f.Origin, axis, r3.Sub(f.Origin, f.canal))
	}
	return f, true
}

// plane is s = offset + a·slopeA + l·slopeL in a frame.
type plane struct{ offset, slopeA, slopeL float64 }

// normal returns the plane's unit normal towards superior, LPS.
func (p plane) normal(f volume.Frame) r3.Vec {
	return r3.Unit(r3.Sub(f.Superior, r3.Add(r3.Scale(p.slopeA, f.Anterior), r3.Scale(p.slopeL, f.Left))))
}

// plateFraction is the radius of the disc in which the endplate planes are
// fitted, relative to the inscribed radius: inside the rims.
const plateFraction = 0.75

// platePlanes fits planes to the upper and lower ends of the columns around
// the frame's axis.
func (c *labelMask) platePlanes(f volume.Frame, radius float64) (superior, inferior plane, ok bool) {
	const step = 1.5 // mm
	lo, hi := c.along(f.Origin, f.Superior)
	n := int(plateFraction * radius / step)
	var at [][2]float64
	var top, bottom []float64
	for i := -n; i <= n; i++ {
		for j := -n; j <= n; j++ {
			a, l := step*float64(i), step*float64(j)
			if math.Hypot(a, l) > plateFraction*radius {
				continue
			}
			if b, t, ok := c.span(f.Point(lo, a, l), f.Superior, hi-lo); ok {
				at = append(at, [2]float64{a, l})
				bottom, top = append(bottom, lo+b), append(top, lo+t)
			}
		}
	}
	if len(at) < minPlanePoints {
		return plane{}, plane{}, false
	}
	superior, okSuperior := fitPlane(at, top)
	inferior, okInferior := fitPlane(at, bottom)
	return superior, inferior, okSuperior && okInferior
}

// minPlanePoints is the least number of columns that carry a plane.
const minPlanePoints = 9

func fitPlane(at [][2]float64, s []float64) (plane, bool) {
	m := mat.NewDense(len(at), 3, nil)
	for i, p := range at {
		m.SetRow(i, []float64{1, p[0], p[1]})
	}
	var x mat.VecDense
	if err := x.SolveVec(m, mat.NewVecDense(len(s), s)); err != nil {
		return plane{}, false
	}
	return plane{offset: x.AtVec(0), slopeA: x.AtVec(1), slopeL: x.AtVec(2)}, true
}

// along returns how far the crop extends from p along the unit direction d,
// mm.
func (c *labelMask) along(p, d r3.Vec) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for corner := range 8 {
		q := c.grid.Position(
			float64(corner&1*(c.grid.Columns-1)), float64(corner>>1&1*(c.grid.Rows-1)), float64(corner>>2&1*(c.grid.Slices-1)))
		x := r3.Dot(r3.Sub(q, p), d)
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

// lineStep is the spacing of samples along a line, mm. Between them the
// occupancy is interpolated: on a grid of 1 mm it is piecewise linear.
const lineStep = 0.5

// span returns where the line from p in the unit direction d first enters the
// label and last leaves it, mm from p. A line that starts or ends inside, or
// meets nothing, has no span.
func (c *labelMask) span(p, d r3.Vec, length float64) (first, last float64, ok bool) {
	n := int(length/lineStep) + 1
	if n < 2 {
		return 0, 0, false
	}
	o := make([]float64, n)
	c.line(o, p, r3.Scale(lineStep, d))
	i, j := 0, n-1
	for i < n && o[i] < 0.5 {
		i++
	}
	for j >= 0 && o[j] < 0.5 {
		j--
	}
	if i == 0 || i == n || j == n-1 {
		return 0, 0, false
	}
	first = float64(i) - (o[i]-0.5)/(o[i]-o[i-1])
	last = float64(j) + (o[j]-0.5)/(o[j]-o[j+1])
	return lineStep * first, lineStep * last, true
}

// exit returns where the line from p, inside the label, in direction d first
// leaves it, mm from p.
func (c *labelMask) exit(p, d r3.Vec, length float64) (float64, bool) {
	o := make([]float64, max(int(length/lineStep)+1, 1))
	c.line(o, p, r3.Scale(lineStep, d))
	for i := range o {
		if o[i] >= 0.5 {
			continue
		}
		if i == 0 {
			return 0, false
		}
		return lineStep * (float64(i) - (0.5-o[i])/(o[i-1]-o[i])), true
	}
	return 0, false
}

// enter returns where the line from p, outside the label, in direction d first
// enters it, mm from p.
func (c *labelMask) enter(p, d r3.Vec, length float64) (float64, bool) {
	o := make([]float64, max(int(length/lineStep)+1, 1))
	c.line(o, p, r3.Scale(lineStep, d))
	for i := range o {
		if o[i] < 0.5 {
			continue
		}
		if i == 0 {
			return 0, false
		}
		return lineStep * (float64(i) - (o[i]-0.5)/(o[i]-o[i-1])), true
	}
	return 0, false
}

// Waist of the body, where its lateral walls and depth are read: this fraction
// of the height and of the inscribed radius on either side of the centre.
const (
	waistHeight = 0.15
	waistRadius = 0.4
)

// center moves the frame's origin to the middle between the walls at the waist
// and notes width and depth. It returns false where the origin is not inside.
func (c *labelMask) center(f *labelFrame, radius float64) bool {
	width, left, ok := c.waist(f.Frame, f.Left, f.Anterior, waistHeight*f.height, waistRadius*radius)
	if !ok {
		return false
	}
	f.Origin = f.Point(0, 0, left)
	depth, anterior, ok := c.waist(f.Frame, f.Anterior, f.Left, waistHeight*f.height, wallHalfWidth)
	if !ok {
		return false
	}
	f.Origin = f.Point(0, anterior, 0)
	f.width, f.depth = width, depth
	return true
}

// waist returns the mean length inside the label along d, and where its middle
// lies, over lines at ±height along the axis and ±side along across.
func (c *labelMask) waist(f volume.Frame, d, across r3.Vec, height, side float64) (length, middle float64, ok bool) {
	const lines = 2 // on either side of the centre
	_, reach := c.along(f.Origin, d)
	back, _ := c.along(f.Origin, d)
	n := 0.0
	for i := -lines; i <= lines; i++ {
		for j := -lines; j <= lines; j++ {
			p := r3.Add(f.Origin, r3.Add(r3.Scale(height*float64(i)/lines, f.Superior), r3.Scale(side*float64(j)/lines, across)))
			plus, okPlus := c.exit(p, d, reach+lineStep)
			minus, okMinus := c.exit(p, r3.Scale(-1, d), lineStep-back)
			if okPlus && okMinus {
				length += plus + minus
				middle += (plus - minus) / 2
				n++
			}
		}
	}
	if n == 0 {
		return 0, 0, false
	}
	return length / n, middle / n, true
}
