// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"context"
	"errors"
	"iter"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Region is a vertebral body as a solid: two endplates, as height fields over
// the axial plane of its frame, and a wall, as a distance from the frame's
// superior axis. The pedicles are cut off where the wall would run without them.
// Its faces are the outer faces of the cortex. A Region is not changed by its
// methods, and safe for concurrent use.
type Region struct {
	Frame volume.Frame

	superior, inferior heightField
	wall               wallField

	reach         float64   // no point of the solid is farther from the origin, mm
	lo, hi        [3]int    // voxels around the solid, both included
	columns, rows int       // of the volume
	inside        []float32 // mm, of the voxels from lo to hi
	volume        float64   // mm³
}

// ErrNoRegion is returned for a body of which an endplate or a wall is missing.
var ErrNoRegion = errors.New("an endplate or a wall of the body is missing")

// regionMargin, mm, is how far beyond the faces Voxels knows distances.
const regionMargin = 6.0

// RegionOf traces the body's walls around its axis and its endplates to both
// sides of the mid-sagittal plane in vol, which must be canonical. It starts from
// the outline b in the mid-sagittal plane and goes where the image shows cortex;
// where it shows none, as at the pedicles or in a lesion, a superellipse of the
// body's depth and width is kept.
func RegionOf(vol *volume.Volume, b *Body) (*Region, error) {
	if b == nil || len(b.Superior.S) == 0 || len(b.Inferior.S) == 0 || len(b.Anterior.S) == 0 || len(b.Posterior.S) == 0 || !(b.Depth > 0) {
		return nil, ErrNoRegion
	}
	t := newTracer(vol, b)
	r := &Region{Frame: b.Frame, columns: vol.Columns, rows: vol.Rows}
	r.wall = t.traceWall()
	r.superior, r.inferior = t.tracePlate(b.Superior, 1, r.wall), t.tracePlate(b.Inferior, -1, r.wall)
	separate(&r.superior, &r.inferior)
	r.reach = math.Hypot(r.wall.outermost(), max(r.superior.farthest(), r.inferior.farthest()))
	if !r.scan(vol) {
		return nil, ErrNoRegion
	}
	return r, nil
}

// RegionsOf returns the region of each body of a column, nil where it cannot be
// had.
func RegionsOf(ctx context.Context, vol *volume.Volume, bodies []*Body) ([]*Region, error) {
	regions := make([]*Region, len(bodies))
	parallel(len(bodies), func(i int) {
		if ctx.Err() == nil {
			regions[i], _ = RegionOf(vol, bodies[i])
		}
	})
	return regions, ctx.Err()
}

// Inside returns how far p lies inside the body, mm, negative outside: the least
// of the distances to the planes that touch the wall and the endplates at the
// radius and at the column of p.
func (r *Region) Inside(p r3.Vec) float64 {
	s, a, l := r.Frame.Coordinates(p)
	return r.inFrame(s, a, l)
}

// inFrame is Inside of a point in the body's frame.
func (r *Region) inFrame(s, a, l float64) float64 {
	top, topSlope := r.superior.at(a, l)
	bottom, bottomSlope := r.inferior.at(a, l)
	height := max(top-bottom, leastHeight)
	wall, wallSlope := r.wall.at(math.Atan2(l, a), (s-bottom)/height)
	return min((top-s)*topSlope, (s-bottom)*bottomSlope, (wall-math.Hypot(a, l))*wallSlope)
}

// Heights returns where the endplates lie along the superior axis of the frame
// at a anterior and l left of its origin, mm.
func (r *Region) Heights(a, l float64) (superior, inferior float64) {
	superior, _ = r.superior.at(a, l)
	inferior, _ = r.inferior.at(a, l)
	return superior, inferior
}

// Radius returns how far from the superior axis of the frame the wall stands in
// the direction angle, degrees from anterior towards left, at the share t of the
// way from the inferior to the superior endplate, mm.
func (r *Region) Radius(angle, t float64) float64 {
	radius, _ := r.wall.at(angle*math.Pi/180, t)
	return radius
}

// Volume returns the volume of the body, mm³.
func (r *Region) Volume() float64 { return r.volume }

// Bounds returns the voxels between which the body lies with a margin of 6 mm,
// both included and within the volume.
func (r *Region) Bounds() (lo, hi [3]int) { return r.lo, r.hi }

// Voxel is a voxel in or near a body.
type Voxel struct {
	I, J, K int
	Index   int     // in Volume.Samples
	Inside  float64 // mm, of its centre
}

// Voxels yields the voxels that lie at least so far inside the body, mm, in the
// order of the volume's samples. It knows those up to 6 mm outside.
func (r *Region) Voxels(atLeast float64) iter.Seq[Voxel] {
	return func(yield func(Voxel) bool) {
		n := 0
		for k := r.lo[2]; k <= r.hi[2]; k++ {
			for j := r.lo[1]; j <= r.hi[1]; j++ {
				for i := r.lo[0]; i <= r.hi[0]; i++ {
					inside := float64(r.inside[n])
					n++
					if inside >= atLeast && !yield(Voxel{i, j, k, (k*r.rows+j)*r.columns + i, inside}) {
						return
					}
				}
			}
		}
	}
}

// scan finds the bounds, the distances of the voxels and the volume; false if
// the body lies outside vol.
func (r *Region) scan(vol *volume.Volume) bool {
	ix := vol.Indexer()
	size := [3]int{vol.Columns, vol.Rows, vol.Slices}
	oi, oj, ok := ix.Index(r.Frame.Origin)
	di, dj, dk := vol.Spacing()
	for n, x := range [3][2]float64{{oi, di}, {oj, dj}, {ok, dk}} {
		r.lo[n] = max(int(math.Floor(x[0]-r.extent(vol, n)/x[1])), 0)
		r.hi[n] = min(int(math.Ceil(x[0]+r.extent(vol, n)/x[1])), size[n]-1)
		if r.lo[n] > r.hi[n] {
			return false
		}
	}
	r.inside = make([]float32, 0, (r.hi[0]-r.lo[0]+1)*(r.hi[1]-r.lo[1]+1)*(r.hi[2]-r.lo[2]+1))
	voxel := math.Cbrt(di * dj * dk)
	covered := 0.0
	for k := r.lo[2]; k <= r.hi[2]; k++ {
		for j := r.lo[1]; j <= r.hi[1]; j++ {
			p := vol.Position(float64(r.lo[0]), float64(j), float64(k))
			s, a, l := r.Frame.Coordinates(p)
			ds, da, dl := r3.Dot(vol.Column, r.Frame.Superior), r3.Dot(vol.Column, r.Frame.Anterior), r3.Dot(vol.Column, r.Frame.Left)
			for i := r.lo[0]; i <= r.hi[0]; i++ {
				inside := r.nearby(s, a, l)
				r.inside = append(r.inside, float32(inside))
				covered += min(max(0.5+inside/voxel, 0), 1)
				s, a, l = s+ds, a+da, l+dl
			}
		}
	}
	r.volume = covered * di * dj * dk
	return covered > 0
}

// extent returns how far the body reaches from its origin along the volume's
// axis n, with the margin, mm.
func (r *Region) extent(vol *volume.Volume, n int) float64 {
	d := r3.Unit([3]r3.Vec{vol.Column, vol.Row, vol.Slice}[n])
	s := math.Abs(r3.Dot(d, r.Frame.Superior))
	return s*max(r.superior.farthest(), r.inferior.farthest()) + math.Sqrt(max(1-s*s, 0))*r.wall.outermost() + regionMargin
}

// nearby is inFrame, or -regionMargin where that is far away.
func (r *Region) nearby(s, a, l float64) float64 {
	if far := r.reach + regionMargin; s*s+a*a+l*l > far*far {
		return -regionMargin
	}
	return max(r.inFrame(s, a, l), -regionMargin)
}
