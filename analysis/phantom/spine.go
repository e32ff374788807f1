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

// Spine is a synthetic spine in the patient's coordinates. It is not changed by
// its methods, and safe for concurrent use.
type Spine struct {
	params Params
	bodies []*body // from superior to inferior, S2 to S5 last
	bars   []bar
	canal  []canalPoint // from superior to inferior
	course course

	deposits []deposit
}

// New builds the spine that p describes. It panics if p.Vertebrae lacks L3, or S1
// where p has a base.
func New(p Params) *Spine {
	s := stacked(p)
	s.canal = canalPath(s.bodies)
	for i, b := range s.bodies {
		s.addArch(b, i >= len(p.Vertebrae))
	}
	s.addRibs()
	s.addPelvis()
	s.course = newCourse(s)
	s.addDeposits()
	return s
}

// stacked returns the spine's bodies alone, each in its place.
func stacked(p Params) *Spine {
	s := &Spine{params: p}
	for _, v := range p.Vertebrae {
		s.bodies = append(s.bodies, newBody(v))
	}
	for _, v := range p.Sacrum {
		s.bodies = append(s.bodies, newBody(v))
	}
	s.chain()
	return s
}

// chain places the bodies, from the base or the reference level up and down.
func (s *Spine) chain() {
	level, first := referenceLevel, tilt(volume.NewFrame(s.params.Position, r3.Vec{Z: 1}, r3.Vec{Y: -1}), s.params.Tilt)
	if s.params.Base != nil {
		level, first = spine.S1, *s.params.Base
	}
	ref := slices.IndexFunc(s.bodies, func(b *body) bool { return b.Level == level })
	if ref < 0 {
		panic("phantom: no " + level.String() + " among the vertebrae")
	}
	s.bodies[ref].frame = first
	for i := ref - 1; i >= 0; i-- {
		s.bodies[i].frame = above(s.bodies[i], s.bodies[i+1])
	}
	for i := ref + 1; i < len(s.bodies); i++ {
		s.bodies[i].frame = below(s.bodies[i], s.bodies[i-1])
	}
}

// rims returns where the chords through the rims of the endplates cross the
// axis of b, mm, and by how many degrees their normals lean to anterior.
func (b *body) rims() (superior, inferior, superiorTilt, inferiorTilt float64) {
	d := b.Deformity
	anterior, posterior := d.Anterior*b.AnteriorHeight, d.Posterior*b.PosteriorHeight
	taken := (anterior + posterior) / 2
	superior = b.chord(0) - d.SuperiorShare*taken
	inferior = -b.chord(0) + (1-d.SuperiorShare)*taken
	slope := (b.AnteriorHeight - b.PosteriorHeight) / 2
	degrees := func(rise float64) float64 { return -math.Atan(rise/b.Depth) * 180 / math.Pi }
	superiorTilt = degrees(slope - d.SuperiorShare*(anterior-posterior))
	inferiorTilt = degrees(-slope + (1-d.SuperiorShare)*(anterior-posterior))
	return superior, inferior, superiorTilt, inferiorTilt
}

// above returns the frame of upper over lower, whose frame is known.
func above(upper, lower *body) volume.Frame {
	top, _, topTilt, _ := lower.rims()
	_, bottom, _, bottomTilt := upper.rims()
	f := lower.frame
	f.Origin = f.Point(top, 0, 0)
	f = tilt(f, topTilt+upper.DiscAngle/2)
	f.Origin = f.Point(upper.DiscHeight, posteriorAlignment(upper, lower), 0)
	f = tilt(f, upper.DiscAngle/2)
	f = twist(lean(f, -upper.DiscCoronal), -upper.DiscAxial)
	f = tilt(f, -bottomTilt)
	f.Origin = f.Point(-bottom, 0, 0)
	return f
}

// below returns the frame of lower under upper, whose frame is known.
func below(lower, upper *body) volume.Frame {
	_, bottom, _, bottomTilt := upper.rims()
	top, _, topTilt, _ := lower.rims()
	f := upper.frame
	f.Origin = f.Point(bottom, 0, 0)
	f = tilt(f, bottomTilt)
	f = lean(twist(f, upper.DiscAxial), upper.DiscCoronal)
	f = tilt(f, -upper.DiscAngle/2)
	f.Origin = f.Point(-upper.DiscHeight, -posteriorAlignment(upper, lower), 0)
	f = tilt(f, -upper.DiscAngle/2-topTilt)
	f.Origin = f.Point(-top, 0, 0)
	return f
}

// posteriorAlignment returns how far upper's centre lies before lower's if their
// posterior walls are in line, mm.
func posteriorAlignment(upper, lower *body) float64 { return (upper.Depth - lower.Depth) / 2 }

// posteriorWall returns where the posterior wall stands at mid-height in the
// mid-sagittal plane, in the frame of b.
func (b *Vertebra) posteriorWall() float64 {
	return -b.Depth/2 + b.PosteriorConcavity + b.Waist
}

// canalPoint is the canal at one place along the spine.
type canalPoint struct {
	center   r3.Vec
	ap, wide float64 // diameters, mm
	slant    float64 // cosine of the canal's angle to the z axis
	left     r3.Vec
}

// canalPoints is how many points of the canal canalPath gives each body.
const canalPoints = 3

func canalPath(bodies []*body) []canalPoint {
	var path []canalPoint
	for _, b := range bodies {
		back := -b.Depth/2 + b.PosteriorConcavity/2 - b.CanalAP/2
		for _, t := range [canalPoints]float64{0.45, 0, -0.45} {
			path = append(path, canalPoint{
				center: b.frame.Point(t*(b.AnteriorHeight+b.PosteriorHeight)/2, back, 0),
				ap:     b.CanalAP, wide: b.CanalWidth,
				slant: max(b.frame.Superior.Z, 0.35),
				left:  b.frame.Left,
			})
		}
	}
	return path
}

// find returns the body of a level, the first for S1, or nil.
func (s *Spine) find(l spine.Level) *body {
	for _, b := range s.bodies {
		if b.Level == l {
			return b
		}
	}
	return nil
}

// chord returns how far the line from L5 to T1 leans to anterior, radians.
func (s *Spine) chord() float64 {
	at := func(l spine.Level) r3.Vec {
		return s.bodies[slices.IndexFunc(s.bodies, func(b *body) bool { return b.Level == l })].frame.Origin
	}
	d := r3.Sub(at(spine.T1), at(spine.L5))
	return math.Atan2(-d.Y, d.Z)
}
