// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// The centreline of the canal, mm.
const (
	// centroidRadius bounds the part of a slice that recentres the path.
	centroidRadius = 8.0
	// Widths of the local lines that smooth position and direction. At a radius
	// of curvature of 100 mm (the sharpest adult lordosis) the first displaces
	// the line by 0.3 mm.
	positionSigma, directionSigma = 8.0, 14.0
	// The line goes on straight where the volume ends, as far as a disc tilted
	// by 45° reaches, and a little where the canal ends.
	extendAtEdge, extendAtEnd = 30.0, 15.0
	// edgeMargin is how near to the first or last slice a path counts as cut.
	edgeMargin = 12.0
	// canalStep is the distance of CanalPoints.
	canalStep = 1.0
)

// centreline returns the smoothed canal through path, in v.
func centreline(v *volume.Volume, g *grid, score []uint8, path []pathPoint) []CanalPoint {
	pts := make([]r3.Vec, len(path)) // i, j, k scaled to mm
	for n, p := range path {
		i, j := recentre(g, score, p)
		pts[n] = r3.Vec{X: i * g.di, Y: j * g.dj, Z: float64(p.k) * g.dk}
	}
	lo, hi := pts[0].Z, pts[len(pts)-1].Z
	from, to := lo-extendAtEnd, hi+extendAtEnd
	if lo < edgeMargin {
		from = lo - extendAtEdge
	}
	if float64(g.nk-1)*g.dk-hi < edgeMargin {
		to = hi + extendAtEdge
	}
	var canal []CanalPoint
	for z := to; z >= from; {
		p, d := localPoint(pts, min(max(z, lo), hi))
		p = r3.Add(p, r3.Scale(z-p.Z, r3.Vec{X: d.X, Y: d.Y, Z: 1}))
		canal = append(canal, g.canalPoint(v, p, r3.Vec{X: d.X, Y: d.Y, Z: 1}))
		z -= canalStep / math.Sqrt(1+d.X*d.X+d.Y*d.Y)
	}
	return canal
}

// recentre returns the centre of what around p scores more than half as well,
// in coarse voxels.
func recentre(g *grid, score []uint8, p pathPoint) (i, j float64) {
	ri, rj := int(centroidRadius/g.di), int(centroidRadius/g.dj)
	floor := float64(score[g.index(p.i, p.j, p.k)]) / 2
	var w, si, sj float64
	for y := max(p.j-rj, 0); y <= min(p.j+rj, g.nj-1); y++ {
		for x := max(p.i-ri, 0); x <= min(p.i+ri, g.ni-1); x++ {
			if s := float64(score[g.index(x, y, p.k)]) - floor; s > 0 {
				w += s
				si += s * float64(x)
				sj += s * float64(y)
			}
		}
	}
	if w <= 0 {
		return float64(p.i), float64(p.j)
	}
	return si / w, sj / w
}

// localPoint fits lines to pts around height z, one narrow for the position at
// z and one wide for the direction there (dx/dz, dy/dz, 1).
func localPoint(pts []r3.Vec, z float64) (position, direction r3.Vec) {
	position, _ = localLine(pts, z, positionSigma)
	_, direction = localLine(pts, z, directionSigma)
	return position, direction
}

// localLine returns the line fitted to pts with Gaussian weights about z: its
// point at z, and its slope by z. With fewer than two points about z the slope
// is 0.
func localLine(pts []r3.Vec, z, sigma float64) (at, slope r3.Vec) {
	var w float64
	var mean r3.Vec
	weight := func(p r3.Vec) float64 {
		t := (p.Z - z) / sigma
		return math.Exp(-t * t / 2)
	}
	for _, p := range pts {
		mean = r3.Add(mean, r3.Scale(weight(p), p))
		w += weight(p)
	}
	mean = r3.Scale(1/w, mean)
	var zz, xz, yz float64
	for _, p := range pts {
		d := r3.Sub(p, mean)
		zz += weight(p) * d.Z * d.Z
		xz += weight(p) * d.X * d.Z
		yz += weight(p) * d.Y * d.Z
	}
	if zz > 0 {
		slope = r3.Vec{X: xz / zz, Y: yz / zz}
	}
	at = r3.Add(mean, r3.Scale(z-mean.Z, slope))
	at.Z = z
	slope.Z = 1
	return at, slope
}

// canalPoint places p (coarse voxels scaled to mm) in the patient. Its anterior
// axis lies as nearly against the rows as its tangent allows.
func (g *grid) canalPoint(v *volume.Volume, p, tangent r3.Vec) CanalPoint {
	x, y, z := g.voxel(p.X/g.di, p.Y/g.dj, p.Z/g.dk)
	t := r3.Add(r3.Scale(tangent.X, r3.Unit(v.Column)), r3.Scale(tangent.Y, r3.Unit(v.Row)))
	t = r3.Add(t, r3.Scale(tangent.Z, r3.Unit(v.Slice)))
	f := volume.NewFrame(v.Position(x, y, z), t, r3.Scale(-1, v.Row))
	return CanalPoint{Position: f.Origin, Superior: f.Superior, Anterior: f.Anterior}
}
