// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/volume"
)

// Slices returns how many slices Slice knows: those acquired in their own
// orientation, columns or rows in the others. It is 0 where there is no image.
func (s *Scene) Slices(o Orientation) int {
	if s.acquired == nil || o > Coronal {
		return 0
	}
	g := s.stackOf(o).Geometry
	return [...]int{g.Columns, g.Rows, g.Slices}[axesOf(g)[normalAxis[o]].grid]
}

// Slice returns the picture of one slice, along the volume's own axes: n counts
// from the patient's right, from anterior or from inferior. In the orientation in
// which the volume was acquired it is one of the slices acquired, tilted as they
// are.
func (s *Scene) Slice(o Orientation, n int, f Field) (Geometry, error) {
	if s.acquired == nil {
		return Geometry{}, fmt.Errorf("%v slice: %w", o, ErrNoImage)
	}
	if count := s.Slices(o); n < 0 || n >= count {
		return Geometry{}, fmt.Errorf("%v slice %d of %d: %w", o, n, count, ErrOutside)
	}
	stack := s.stackOf(o)
	g := stack.Geometry
	axes := axesOf(g)
	normal, right, down := axes[normalAxis[o]], axes[rightAxis[o]], axes[downAxis[o]]
	if normal.reverse {
		n = [...]int{g.Columns, g.Rows, g.Slices}[normal.grid] - 1 - n
	}
	at := [3]float64{}
	at[normal.grid] = float64(n)
	p := plane{origin: g.Position(at[0], at[1], at[2]), right: right.unit, down: r3.Scale(downSign[o], down.unit)}
	part := noBounds()
	for corner := range 4 {
		size := [3]float64{float64(g.Columns), float64(g.Rows), float64(g.Slices)}
		at[right.grid] = float64(corner%2)*size[right.grid] - 0.5
		at[down.grid] = float64(corner/2)*size[down.grid] - 0.5
		part.include(p.coordinates(g.Position(at[0], at[1], at[2])))
	}
	if normal.grid == 2 && stack != s.canonical {
		p.native = &n
	}
	picture, err := s.cut(p, part, f)
	if err != nil {
		return Geometry{}, fmt.Errorf("%v slice: %w", o, err)
	}
	return picture, nil
}

// Plane returns the picture of a plane that is perpendicular to an axis of LPS: x,
// y or z of a sagittal, coronal or axial one is at, mm.
func (s *Scene) Plane(o Orientation, at float64, f Field) (Geometry, error) {
	if o > Coronal {
		return Geometry{}, fmt.Errorf("%v: %w", o, ErrInvalid)
	}
	if math.IsNaN(at) || math.IsInf(at, 0) {
		return Geometry{}, fmt.Errorf("%v plane at %g mm: %w", o, at, ErrInvalid)
	}
	p := plane{
		origin: r3.Scale(at, unitOf(normalAxis[o])),
		right:  unitOf(rightAxis[o]),
		down:   r3.Scale(downSign[o], unitOf(downAxis[o])),
	}
	g, err := s.cut(p, s.section(p), f)
	if err != nil {
		return Geometry{}, fmt.Errorf("%v plane at %.4g mm: %w", o, at, err)
	}
	return g, nil
}

// VertebraPlane is a plane through a vertebral body, in its own frame.
type VertebraPlane uint8

// The planes. An axial plane along an endplate is parallel to its least-squares
// line and holds the endplate's middle.
const (
	MidSagittal VertebraPlane = iota
	MidAxial
	MidCoronal
	AlongSuperior
	AlongInferior
)

// Around a single vertebra a picture shows its neighbours and its processes, mm.
const (
	vertebraAnterior  = 45.0
	vertebraPosterior = 75.0
	vertebraLateral   = 60.0
	vertebraEnds      = 60.0
)

// Vertebra returns a picture of the n-th vertebra of the result in its own frame,
// offset mm to the left of, superior of or anterior of the plane.
func (s *Scene) Vertebra(n int, which VertebraPlane, offset float64, f Field) (Geometry, error) {
	if n < 0 || n >= len(s.result.Vertebrae) {
		return Geometry{}, fmt.Errorf("vertebra %d of %d: %w", n, len(s.result.Vertebrae), ErrOutside)
	}
	v := &s.result.Vertebrae[n]
	if math.IsNaN(offset) || math.IsInf(offset, 0) {
		return Geometry{}, fmt.Errorf("plane of %v at %g mm: %w", v.Level, offset, ErrInvalid)
	}
	frame, err := frameOf(v, which)
	if err != nil {
		return Geometry{}, fmt.Errorf("plane of %v: %w", v.Level, err)
	}
	var p plane
	switch which {
	case MidSagittal:
		p = plane{frame.Point(0, 0, offset), r3.Scale(-1, frame.Anterior), r3.Scale(-1, frame.Superior), nil}
	case MidCoronal:
		p = plane{frame.Point(0, offset, 0), frame.Left, r3.Scale(-1, frame.Superior), nil}
	default:
		p = plane{frame.Point(offset, 0, 0), frame.Left, r3.Scale(-1, frame.Anterior), nil}
	}
	part := s.section(p)
	if !f.Whole {
		part = part.intersect(p.around(frame, Margins{vertebraAnterior, vertebraPosterior, vertebraLateral, vertebraEnds}))
	}
	f.Whole = true // around the vertebra is not around the spine
	g, err := s.cut(p, part, f)
	if err != nil {
		return Geometry{}, fmt.Errorf("plane of %v at %.4g mm: %w", v.Level, offset, err)
	}
	return g, nil
}

// frameOf returns the frame that a plane of a vertebra lies in.
func frameOf(v *analysis.Vertebra, which VertebraPlane) (volume.Frame, error) {
	if which > AlongInferior {
		return volume.Frame{}, fmt.Errorf("plane %d: %w", which, ErrInvalid)
	}
	if l := v.Landmarks; l != nil && which >= AlongSuperior {
		e := [...]landmark.Endplate{l.Superior, l.Inferior}[which-AlongSuperior]
		if e.Direction != (r3.Vec{}) && e.Middle != (landmark.Point{}) {
			superior := r3.Sub(l.SuperiorAxis, r3.Scale(r3.Dot(l.SuperiorAxis, e.Direction), e.Direction))
			return checked(volume.NewFrame(e.Middle.Position, superior, e.Direction))
		}
	}
	if which >= AlongSuperior {
		return volume.Frame{}, fmt.Errorf("the endplate was not found: %w", ErrOutside)
	}
	if v.Body == nil {
		return volume.Frame{}, fmt.Errorf("the body was not outlined: %w", ErrOutside)
	}
	return checked(v.Body.Frame)
}

// checked returns an error if f is no frame.
func checked(f volume.Frame) (volume.Frame, error) {
	if !finite(f.Origin) || !finite(f.Superior) || !finite(f.Anterior) || !(math.Abs(r3.Dot(f.Left, r3.Cross(f.Superior, f.Anterior))) > 0.5) {
		return f, fmt.Errorf("frame of the body: %w", ErrInvalid)
	}
	return f, nil
}

// plane is a plane with the directions of a picture in it.
type plane struct {
	origin, right, down r3.Vec
	native              *int
}

// bounds are a part of a plane, mm from its origin.
type bounds struct{ left, top, right, bottom float64 }

func noBounds() bounds {
	return bounds{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
}

func (b *bounds) include(x, y float64) {
	b.left, b.right = min(b.left, x), max(b.right, x)
	b.top, b.bottom = min(b.top, y), max(b.bottom, y)
}

func (b bounds) intersect(c bounds) bounds {
	return bounds{max(b.left, c.left), max(b.top, c.top), min(b.right, c.right), min(b.bottom, c.bottom)}
}

func (p plane) coordinates(at r3.Vec) (x, y float64) {
	d := r3.Sub(at, p.origin)
	return r3.Dot(d, p.right), r3.Dot(d, p.down)
}

// around returns what lies within margins of a frame's origin.
func (p plane) around(f volume.Frame, m Margins) bounds {
	b := noBounds()
	for corner := range 8 {
		s, a, l := -m.Ends, -m.Posterior, -m.Lateral
		if corner&1 > 0 {
			s = m.Ends
		}
		if corner&2 > 0 {
			a = m.Anterior
		}
		if corner&4 > 0 {
			l = m.Lateral
		}
		b.include(p.coordinates(f.Point(s, a, l)))
	}
	return b
}

// cut returns the picture of a part of a plane, or of what of it lies around the
// spine.
func (s *Scene) cut(p plane, part bounds, f Field) (Geometry, error) {
	if !f.Whole && len(s.path) > 0 {
		spine := noBounds()
		for _, at := range s.path {
			b := p.around(volume.Frame{Origin: at, Superior: r3.Vec{Z: 1}, Anterior: r3.Vec{Y: -1}, Left: r3.Vec{X: 1}}, AroundSpine())
			spine.include(b.left, b.top)
			spine.include(b.right, b.bottom)
		}
		part = part.intersect(spine)
	}
	across := r3.Cross(p.down, p.right)
	sh := sheet{
		width: part.right - part.left, height: part.bottom - part.top, planar: true, native: p.native,
		line: func(y float64) Line {
			at := r3.Add(p.origin, r3.Add(r3.Scale(part.left, p.right), r3.Scale(part.top+y, p.down)))
			return Line{at, p.right, p.down, across}
		},
	}
	return sh.geometry(f, s.pixel())
}

// section returns the part of a plane that lies in the volume; where there is none,
// all of it.
func (s *Scene) section(p plane) bounds {
	if s.canonical == nil {
		return bounds{math.Inf(-1), math.Inf(-1), math.Inf(1), math.Inf(1)}
	}
	g := s.canonical.Geometry
	normal := r3.Cross(p.down, p.right)
	size := [3]float64{float64(g.Columns), float64(g.Rows), float64(g.Slices)}
	var corners [8]r3.Vec
	var height [8]float64
	for n := range corners {
		corners[n] = g.Position(float64(n&1)*size[0]-0.5, float64(n>>1&1)*size[1]-0.5, float64(n>>2)*size[2]-0.5)
		height[n] = r3.Dot(r3.Sub(corners[n], p.origin), normal)
	}
	b := noBounds()
	for n := range corners {
		for bit := 1; bit < len(corners); bit <<= 1 {
			to := n | bit
			if to == n || (height[n] > 0) == (height[to] > 0) {
				continue
			}
			t := height[n] / (height[n] - height[to])
			b.include(p.coordinates(r3.Add(r3.Scale(1-t, corners[n]), r3.Scale(t, corners[to]))))
		}
	}
	return b
}

// gridAxis is an axis of a grid: 0 of its columns, 1 of its rows, 2 of its slices.
type gridAxis struct {
	grid    int
	reverse bool   // it runs against the axis of LPS that it is nearest to
	unit    r3.Vec // along that axis
}

// axesOf returns the grid's axes that are nearest to those of LPS.
func axesOf(g volume.Geometry) [3]gridAxis {
	nearest, reverse := g.Orientation()
	var out [3]gridAxis
	for d := range out {
		unit := r3.Unit([...]r3.Vec{g.Column, g.Row, g.Slice}[nearest[d]])
		if reverse[d] {
			unit = r3.Scale(-1, unit)
		}
		out[d] = gridAxis{nearest[d], reverse[d], unit}
	}
	return out
}

// stackOf returns the volume whose slices are shown in an orientation: as acquired
// where it was acquired so.
func (s *Scene) stackOf(o Orientation) *volume.Volume {
	if axesOf(s.acquired.Geometry)[normalAxis[o]].grid == 2 {
		return s.acquired
	}
	return s.canonical
}

func unitOf(axis int) r3.Vec {
	return [...]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}[axis]
}
