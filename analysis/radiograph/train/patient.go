// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Known is a vertebra whose points in the patient are known, LPS mm.
type Known struct {
	Level  spine.Level
	Center r3.Vec
	Points [landmark.NumPoints]r3.Vec
	Slopes [2]r3.Vec // of the endplates' lines, from posterior to anterior, unit vectors

	// SuperiorOnly is set of S1, the inferior points of which mean nothing.
	SuperiorOnly bool
	Treated      bool // with cement or screws
	Genant       int  // grade by the truth; of made spines alone
}

// Patient is a volume with what is known of it.
type Patient struct {
	Name   string
	Volume *volume.Volume
	Column []Known // from superior to inferior
	// Unsure are centres of bodies that the volume may show and that were not measured, or
	// that are cervical.
	Unsure []r3.Vec

	bodies map[r3.Vec]*projection.Body
}

// Phantom draws a made patient of which much of the trunk is shown, in voxels of a size in
// mm: fractures, osteoporosis, osteophytes, scoliosis, contrast agent, cement and screws.
func Phantom(seed uint64, pixel, slice float64) *Patient {
	rng := rand.New(rand.NewPCG(seed, 20))
	opt := phantom.Options{
		RandomFractures: 2 * rng.Float64(), Osteoporosis: rng.IntN(2) == 0, Osteophytes: rng.IntN(2) == 0,
		Scoliosis: 15 * rng.Float64(), Contrast: rng.IntN(4) == 0,
	}
	if rng.IntN(3) == 0 {
		opt.Pathology = phantom.Pathology{Lytic: 0.05, Sclerotic: 0.05, Cleft: 0.05, DiscGas: 0.08}
	}
	params := phantom.RandomParams(rng, opt)
	if rng.IntN(4) == 0 {
		treat(rng, params.Vertebrae)
	}
	treated := map[spine.Level]bool{}
	for _, v := range params.Vertebrae {
		treated[v.Level] = v.Cement != nil || v.Screws != nil
	}
	s := phantom.New(params)
	first, margin := spine.T1, 90.0
	if rng.IntN(4) == 0 {
		first, margin = spine.T4+spine.Level(rng.IntN(6)), 40
	}
	c := s.Cover(first, spine.S1, margin, 430, pixel, slice)
	c.Center.Y -= 45
	p := &Patient{Name: "phantom", Volume: s.CT(c)}
	for _, m := range s.Within(s.Truth(), p.Volume.Geometry).Vertebrae {
		switch {
		case m.Level > spine.S1 || !m.Visible:
		case m.Level < spine.T1 || !m.Complete():
			p.Unsure = append(p.Unsure, m.Frame.Origin)
		default:
			k := knownOf(&m)
			k.Treated = treated[m.Level]
			p.Column = append(p.Column, k)
		}
	}
	return p
}

func knownOf(m *phantom.Measured) Known {
	return Known{
		Level: m.Level, Center: m.Frame.Origin,
		Points: [landmark.NumPoints]r3.Vec{
			m.Superior.Anterior, m.Superior.Middle, m.Superior.Posterior,
			m.Inferior.Anterior, m.Inferior.Middle, m.Inferior.Posterior,
		},
		Slopes:       [2]r3.Vec{m.Superior.Direction, m.Inferior.Direction},
		SuperiorOnly: m.Level == spine.S1,
		Genant:       m.Genant,
	}
}

// treat puts cement into some bodies and screws into others.
func treat(rng *rand.Rand, vs []phantom.Vertebra) {
	for i := range vs {
		if v := &vs[i]; v.Level >= spine.T4+3 && v.Level <= spine.L5 && rng.IntN(6) == 0 {
			if rng.IntN(3) == 0 {
				v.Screws = phantom.RandomScrews(rng, *v)
			} else {
				v.Cement = phantom.RandomCement(rng, *v, 2+5*rng.Float64())
			}
		}
	}
}

// body returns the volume prepared for films along a direction.
func (p *Patient) body(toward r3.Vec) *projection.Body {
	if p.bodies[toward] == nil {
		p.bodies = map[r3.Vec]*projection.Body{toward: projection.NewBody(p.Volume, toward)} // one at a time: they are large
	}
	return p.bodies[toward]
}
