// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Face is a part of a body's surface.
type Face uint8

// The faces. The posterior wall is none of them: it is a measure of its own.
const (
	SuperiorFace Face = iota
	InferiorFace
	AnteriorFace
	LeftFace
	RightFace
	NumFaces
)

// Patch is a small part of a body's surface.
type Patch struct {
	Face     Face
	Position r3.Vec // LPS mm
	Area     float64
	// Mass is the attenuation of the cortex above what lies at its two sides,
	// integrated across it, HU·mm: the blur of the acquisition does not change
	// it. A cortex of 0.5 mm and 700 HU over 100 HU has 300.
	Mass float64
	// Outside is the attenuation beyond it, HU.
	Outside float64
}

const (
	patchStep = 2.0 // mm
	// rimWidth is how far from the wall endplates begin: at the rim their cortex
	// cannot be told from the wall's.
	rimWidth = 3.0 // mm
	// wallEnd is the share of the height at each end that no wall is read on.
	wallEnd = 0.18
	// The anterior wall reaches this far to both sides, the lateral walls from
	// there on to before the pedicles, degrees from anterior.
	anteriorReach, lateralReach = 45.0, 105.0
	// plateSlack is how far the cortex may lie from the region's face, mm.
	plateSlack = 2.0

	// Beyond these attenuations what lies beside the cortex counts no more, HU.
	patchDarkest, patchBrightest = -150, 1500
)

// Cortex measures the cortex of a body in vol all over its faces.
func (r *Region) Cortex(vol *volume.Volume) []Patch {
	c := cortexReader{r: r, t: &tracer{sampler: vol.Sampler(), blur: blurOf(vol, sliceProfiles[0])}}
	c.plates()
	c.walls()
	return c.patches
}

type cortexReader struct {
	r       *Region
	t       *tracer
	patches []Patch
}

// plates reads both endplates.
func (c *cortexReader) plates() {
	reach := c.r.wall.outermost()
	for face := SuperiorFace; face <= InferiorFace; face++ {
		field, sign := &c.r.superior, 1.0
		if face == InferiorFace {
			field, sign = &c.r.inferior, -1
		}
		for a := -reach; a <= reach; a += patchStep {
			for l := -reach; l <= reach; l += patchStep {
				s, slope := field.at(a, l)
				if wall, cosine := c.r.wall.at(math.Atan2(l, a), 0.5+sign/2); (wall-math.Hypot(a, l))*cosine < rimWidth {
					continue
				}
				sa, _ := field.at(a+1, l)
				sl, _ := field.at(a, l+1)
				f := c.r.Frame
				normal := r3.Sub(r3.Sub(f.Superior, r3.Scale(sa-s, f.Anterior)), r3.Scale(sl-s, f.Left))
				c.read(face, f.Point(s, a, l), r3.Unit(r3.Scale(sign, normal)), patchStep*patchStep/slope)
			}
		}
	}
}

// walls reads the anterior and the lateral walls.
func (c *cortexReader) walls() {
	for share := wallEnd; share <= 1-wallEnd; {
		top, bottom := c.r.Heights(0, 0)
		height := max(top-bottom, leastHeight)
		for angle := -lateralReach; angle <= lateralReach; angle += 360 / wallAngles {
			face := AnteriorFace
			switch {
			case angle > anteriorReach:
				face = LeftFace
			case angle < -anteriorReach:
				face = RightFace
			}
			c.wall(face, angle*math.Pi/180, share, height)
		}
		share += patchStep / height
	}
}

func (c *cortexReader) wall(face Face, angle, share, height float64) {
	const turn = 0.05 // radians, over which the slope is taken
	radius, cosine := c.r.wall.at(angle, share)
	next, _ := c.r.wall.at(angle+turn, share)
	sin, cos := math.Sincos(angle)
	f := c.r.Frame
	out := r3.Add(r3.Scale(cos, f.Anterior), r3.Scale(sin, f.Left))
	along := r3.Sub(r3.Scale(cos, f.Left), r3.Scale(sin, f.Anterior))
	normal := r3.Unit(r3.Sub(out, r3.Scale((next-radius)/(turn*radius), along)))
	a, l := radius*cos, radius*sin
	top, bottom := c.r.Heights(a, l)
	c.read(face, f.Point(bottom+share*(top-bottom), a, l), normal, patchStep*radius*2*math.Pi/wallAngles/cosine*(top-bottom)/height)
}

// read measures the cortex at a place of the surface with an outward normal.
func (c *cortexReader) read(face Face, at, normal r3.Vec, area float64) {
	filter := newEdgeFilter(c.t.blur.across(normal).total())
	half := int(plateSlack / wallStep)
	n := half + filter.reach()
	p := make([]float64, 2*n+1)
	for i := range p {
		hu := c.t.sampler.At(r3.Add(at, r3.Scale(float64(i-n)*wallStep-boneThickness/2, normal)))
		if hu <= volume.OutsideHU {
			return
		}
		p[i] = min(max(hu, patchDarkest), patchBrightest)
	}
	mass := 0.0
	for i := range 2*half + 1 {
		mass = max(mass, filter.plate(p, i+filter.reach()))
	}
	const beyond = 3 // samples
	outside := 0.0
	for _, hu := range p[len(p)-half-beyond : len(p)-half] {
		outside += hu / beyond
	}
	c.patches = append(c.patches, Patch{face, at, area, mass, outside})
}

// plate returns the mass, HU·mm, of a plate at sample c of p between two sides
// that differ.
func (f *edgeFilter) plate(p []float64, c int) float64 {
	var v [3]float64
	sum2 := 0.0
	for i, b := range f.basis {
		x := p[c-f.reach()+i]
		v[0] += x
		v[1] += b[1] * x
		v[2] += b[2] * x
		sum2 += x * x
	}
	_, plate, _, ok := solveEdge(f.m, v, sum2, [2]bool{true, true})
	if !ok {
		return 0
	}
	return max(plate, 0)
}
