// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// CanalTruth is the bony canal beside one vertebra, in planes perpendicular to
// the posterior wall between the posterior corners of the endplates.
//
// Diameters and areas reach from bone to bone. Where no bone bounds the canal,
// at the foramina and between laminae, its ring closes it: the outline at the
// height of the pedicles, carried along the canal.
type CanalTruth struct {
	Frame volume.Frame // origin: the middle of the narrowest place; superior along the posterior wall

	// AP and Area are the medians over the ring, from 40 to 80 % of the body's
	// height; the narrowest are behind any part of the body. mm and mm².
	AP, NarrowestAP     float64
	Area, NarrowestArea float64

	// Heights are those of the planes, and Radii the distances in each from
	// (height, 0, 0) to the outline, at even angles: the first to anterior,
	// going round to the left.
	Heights []float64
	Radii   [][]float64
}

// The planes and rays by which the canal is read.
const (
	canalPlane      = 0.5 // mm between planes
	canalRays       = 144
	ringLow         = 0.4 // of the body's height
	ringHigh        = 0.8
	canalEnd        = 0.05 // of the body's height, left out at either end
	anteriorSector  = math.Pi / 4
	canalRayLength  = 26.0 // mm; beyond, a ray has left the canal
	canalNeighbours = 45.0 // mm, of the bones that can bound it
)

// Canal measures the canal beside the vertebra of level l; ok is false if there
// is none, or if no closed ring of bone bounds it, as at C3 to C6.
func (s *Spine) Canal(l spine.Level) (c CanalTruth, ok bool) {
	b := s.find(l)
	if b == nil {
		return CanalTruth{}, false
	}
	in := s.cavityOf(b)
	lo, hi := b.posteriorEnds()
	var heights []float64
	for t := canalEnd; t <= 1-canalEnd; t += canalPlane / (hi - lo) {
		heights = append(heights, lo+t*(hi-lo))
	}
	middle, ok := in.narrowest(heights)
	if !ok {
		return CanalTruth{}, false
	}
	in.frame.Origin = in.frame.Point(0, middle, 0)
	radii := make([][]float64, len(heights))
	for i, at := range heights {
		radii[i] = in.radii(at)
	}
	ring := ringOf(radii, heights, lo, hi)
	if math.IsInf(slices.Max(ring), 1) {
		return CanalTruth{}, false
	}
	c.Frame = in.frame
	c.NarrowestAP, c.NarrowestArea = math.Inf(1), math.Inf(1)
	var aps, areas []float64
	for i, at := range heights {
		closeRing(radii[i], ring)
		ap, area := radii[i][0]+radii[i][canalRays/2], polarArea(radii[i])
		c.NarrowestAP, c.NarrowestArea = min(c.NarrowestAP, ap), min(c.NarrowestArea, area)
		if t := (at - lo) / (hi - lo); t >= ringLow && t <= ringHigh {
			aps, areas = append(aps, ap), append(areas, area)
		}
	}
	c.AP, c.Area = medianOf(aps), medianOf(areas)
	c.Heights, c.Radii = heights, radii
	return c, true
}

// posteriorEnds returns the heights of the endplates' posterior corners.
func (b *body) posteriorEnds() (lo, hi float64) {
	f, _ := b.table.lookup(b.posteriorWall()-b.Waist+cornerInset, 0)
	return f.inferior, f.superior
}

// cavityOf collects the bones around the canal beside b.
func (s *Spine) cavityOf(b *body) cavity {
	c := cavity{frame: b.frame}
	c.frame.Origin = b.frame.Point(0, -b.Depth/2+b.PosteriorConcavity/2-b.CanalAP/2, 0)
	for i := range s.bars {
		q := &s.bars[i]
		if r3.Norm(r3.Sub(q.center, c.frame.Origin)) < canalNeighbours+r3.Norm(r3.Vec{X: q.half[0], Y: q.half[1], Z: q.half[2]}) {
			c.bars = append(c.bars, q)
		}
	}
	for _, q := range s.bodies {
		if r3.Norm(r3.Sub(q.frame.Origin, c.frame.Origin)) < canalNeighbours+b.Depth {
			c.bodies = append(c.bodies, q)
		}
	}
	return c
}

// cavity is the free space of the canal within the bones around it.
type cavity struct {
	frame  volume.Frame
	bars   []*bar
	bodies []*body
}

// free returns a distance that the nearest bone keeps from p at least, mm,
// negative inside.
func (c *cavity) free(p r3.Vec) float64 {
	nearest := 5.0
	for _, b := range c.bars {
		d := r3.Sub(p, b.center)
		nearest = min(nearest, b.outside(r3.Dot(d, b.axes[0]), r3.Dot(d, b.axes[1]), r3.Dot(d, b.axes[2])))
	}
	for _, b := range c.bodies {
		s, a, l := b.frame.Coordinates(p)
		f, ok := b.table.lookup(a, l)
		if !ok {
			continue // farther than the table's margin, 5 mm
		}
		side, _ := b.wall(s, a, &f)
		nearest = min(nearest, -min(side, f.superior-s, s-f.inferior))
	}
	return nearest
}

// ray returns how far it is from p in the unit direction d to the first bone,
// mm; +Inf where there is none within canalRayLength.
func (c *cavity) ray(p, d r3.Vec) float64 {
	const safety, least = 0.7, 0.02 // distances to a body are those along its own axes
	x := 0.0
	for x < canalRayLength {
		gap := c.free(r3.Add(p, r3.Scale(x, d)))
		if gap <= 0 {
			return x
		}
		x += max(safety*gap, least)
	}
	return math.Inf(1)
}

// narrowest returns the place along the anterior axis of the middle of the
// narrowest mid-sagittal section.
func (c *cavity) narrowest(heights []float64) (middle float64, ok bool) {
	least := math.Inf(1)
	for _, s := range heights {
		p := c.frame.Point(s, 0, 0)
		// A fragment may cover the place where the canal's middle was.
		start := 0.0
		for c.free(p) <= 0 && start > -canalRayLength {
			start -= 0.25
			p = c.frame.Point(s, start, 0)
		}
		front, back := c.ray(p, c.frame.Anterior), c.ray(p, r3.Scale(-1, c.frame.Anterior))
		if front+back < least {
			least, middle = front+back, start+(front-back)/2
		}
	}
	return middle, !math.IsInf(least, 1)
}

// radii returns the canal's radii at one height, the first to anterior, going
// round to the left.
func (c *cavity) radii(s float64) []float64 {
	r := make([]float64, canalRays)
	p := c.frame.Point(s, 0, 0)
	for i := range r {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / canalRays)
		r[i] = c.ray(p, r3.Add(r3.Scale(cos, c.frame.Anterior), r3.Scale(sin, c.frame.Left)))
	}
	return r
}

// ringOf returns the radii of the canal's ring: the medians at the height of
// the pedicles.
func ringOf(radii [][]float64, heights []float64, lo, hi float64) []float64 {
	ring := make([]float64, canalRays)
	for i := range ring {
		var at []float64
		for j, r := range radii {
			if t := (heights[j] - lo) / (hi - lo); t >= ringLow && t <= ringHigh {
				at = append(at, r[i])
			}
		}
		ring[i] = medianOf(at)
	}
	return ring
}

// closeRing closes an outline by the ring, but for what the vertebral body
// bounds.
func closeRing(radii, ring []float64) {
	for i := range radii {
		angle := 2 * math.Pi * float64(i) / canalRays
		if min(angle, 2*math.Pi-angle) > anteriorSector {
			radii[i] = min(radii[i], ring[i])
		}
	}
}

// polarArea returns the area of the polygon with the given radii at even angles.
func polarArea(r []float64) float64 {
	sum := 0.0
	for i := range r {
		sum += r[i] * r[(i+1)%len(r)]
	}
	return sum / 2 * math.Sin(2*math.Pi/float64(len(r)))
}

func medianOf(x []float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	return (y[(len(y)-1)/2] + y[len(y)/2]) / 2
}
