// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// Margins say how far a picture reaches beyond the canal or the path that it
// shows, mm.
type Margins struct {
	Anterior, Posterior, Lateral float64
	Ends                         float64 // superior of the first and inferior of the last point
}

// What a picture shows around the canal, mm: a lumbar body is some 35 mm deep and
// 55 mm wide, a spinous process some 50 mm long.
const (
	MarginAnterior  = 75.0
	MarginPosterior = 55.0
	MarginLateral   = 65.0
	MarginEnds      = 12.0
)

// AroundSpine returns the margins of a picture of a whole spine.
func AroundSpine() Margins {
	return Margins{Anterior: MarginAnterior, Posterior: MarginPosterior, Lateral: MarginLateral, Ends: MarginEnds}
}

// AlongCanal returns a picture in which the canal, ordered from superior to
// inferior, is a straight line and every row perpendicular to it: a sagittal one
// at offset mm to the left of the canal, or a coronal one at offset mm anterior
// of it. f.PixelSize must be set; f.Whole says nothing.
func AlongCanal(canal []localization.CanalPoint, o Orientation, offset float64, m Margins, f Field) (Geometry, error) {
	if len(canal) < 2 {
		return Geometry{}, fmt.Errorf("straightened picture: %w", ErrNoSpine)
	}
	if math.IsNaN(offset) || math.IsInf(offset, 0) {
		return Geometry{}, fmt.Errorf("straightened picture at %g mm: %w", offset, ErrInvalid)
	}
	along := arcLengths(canal)
	s := sheet{height: along[len(along)-1] + 2*m.Ends}
	switch o {
	case Sagittal:
		s.width, s.axis = m.Anterior+m.Posterior, m.Anterior
		s.line = func(y float64) Line {
			at := canalFrame(canal, along, y-m.Ends)
			return Line{at.Point(0, m.Anterior, offset), r3.Scale(-1, at.Anterior), r3.Scale(-1, at.Superior), at.Left}
		}
	case Coronal:
		s.width, s.axis = 2*m.Lateral, m.Lateral
		s.line = func(y float64) Line {
			at := canalFrame(canal, along, y-m.Ends)
			return Line{at.Point(0, offset, -m.Lateral), at.Left, r3.Scale(-1, at.Superior), at.Anterior}
		}
	default:
		return Geometry{}, fmt.Errorf("straightened picture of orientation %v: %w", o, ErrInvalid)
	}
	g, err := s.geometry(f, f.PixelSize)
	if err != nil {
		return Geometry{}, fmt.Errorf("straightened picture: %w", err)
	}
	return g, nil
}

// AlongPath returns a sagittal picture that is not straightened but follows a path
// from side to side, so that a scoliotic spine stays in it, at offset mm to the
// left of the path. The path runs from superior to inferior or back. f.PixelSize
// must be set; f.Whole says nothing.
func AlongPath(path []r3.Vec, offset float64, m Margins, f Field) (Geometry, error) {
	if len(path) == 0 {
		return Geometry{}, fmt.Errorf("sagittal picture along the spine: %w", ErrNoSpine)
	}
	if math.IsNaN(offset) || math.IsInf(offset, 0) {
		return Geometry{}, fmt.Errorf("sagittal picture along the spine at %g mm: %w", offset, ErrInvalid)
	}
	path = slices.Clone(path)
	slices.SortFunc(path, func(p, q r3.Vec) int { return cmp.Compare(q.Z, p.Z) })
	anterior, posterior := path[0].Y, path[0].Y
	for _, p := range path {
		anterior, posterior = min(anterior, p.Y), max(posterior, p.Y)
	}
	anterior -= m.Anterior
	posterior += m.Posterior
	top := path[0].Z + m.Ends
	s := sheet{
		width: posterior - anterior, height: top - path[len(path)-1].Z + m.Ends,
		line: func(y float64) Line {
			at := r3.Vec{X: lateral(path, top-y) + offset, Y: anterior, Z: top - y}
			return Line{at, r3.Vec{Y: 1}, r3.Vec{Z: -1}, r3.Vec{X: 1}}
		},
	}
	g, err := s.geometry(f, f.PixelSize)
	if err != nil {
		return Geometry{}, fmt.Errorf("sagittal picture along the spine: %w", err)
	}
	return g, nil
}

// lateral returns the x of a path, ordered by descending z, at the given z.
func lateral(path []r3.Vec, z float64) float64 {
	i := sort.Search(len(path), func(i int) bool { return path[i].Z <= z })
	if i == 0 {
		return path[0].X
	}
	if i == len(path) {
		return path[i-1].X
	}
	p, q := path[i-1], path[i]
	return q.X + (p.X-q.X)*(z-q.Z)/(p.Z-q.Z)
}

// arcLengths returns the distance of each canal point from the first along the
// canal, mm.
func arcLengths(canal []localization.CanalPoint) []float64 {
	along := make([]float64, len(canal))
	for i := 1; i < len(canal); i++ {
		along[i] = along[i-1] + r3.Norm(r3.Sub(canal[i].Position, canal[i-1].Position))
	}
	return along
}

// canalFrame returns the canal's frame at s mm from its superior end,
// extrapolated straight beyond either end.
func canalFrame(canal []localization.CanalPoint, along []float64, s float64) volume.Frame {
	last := len(canal) - 1
	if s < 0 || s > along[last] {
		end, beyond := canal[0], -s
		if s > 0 {
			end, beyond = canal[last], along[last]-s
		}
		frame := volume.NewFrame(end.Position, end.Superior, end.Anterior)
		frame.Origin = frame.Point(beyond, 0, 0)
		return frame
	}
	i := min(max(sort.SearchFloat64s(along, s)-1, 0), last-1)
	f := 0.0
	if along[i+1] > along[i] {
		f = (s - along[i]) / (along[i+1] - along[i])
	}
	p, q := canal[i], canal[i+1]
	mix := func(a, b r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-f, a), r3.Scale(f, b)) }
	return volume.NewFrame(mix(p.Position, q.Position), mix(p.Superior, q.Superior), mix(p.Anterior, q.Anterior))
}
