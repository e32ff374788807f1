// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Mimics are dense things near a spine that are not cement. Each attenuation is
// in HU; 0 leaves the thing out.
type Mimics struct {
	AorticChalkHU  float64 // plates of calcium in the wall of the aorta
	OralContrastHU float64 // in loops of bowel before the lumbar spine
}

func (s *Spine) addMimics() {
	m := s.params.Mimics
	if m.AorticChalkHU != 0 {
		s.addAorticChalk(m.AorticChalkHU)
	}
	if m.OralContrastHU != 0 {
		s.addOralContrast(m.OralContrastHU)
	}
}

// addAorticChalk lines the aorta, where vessels paints it, with plates.
func (s *Spine) addAorticChalk(hu float64) {
	const apart, thickness = 9.0, 0.9 // mm; half of the plate's thickness
	turn := 0.0
	for z := s.course.top; z > s.course.top-courseStep*float64(len(s.course.stations)); z -= apart {
		st := s.course.at(z)
		if st.lung >= 0.98 && st.trachea >= 4 {
			continue
		}
		left := 0.35 * st.width * min(1, 0.35+st.lung)
		front := -st.depth/2 - 10
		radius := 10.5 * s.params.Scale
		turn += 2.4 // radians: the golden angle spreads the plates
		sin, cos := math.Sincos(turn)
		at := r3.Vec{X: st.x + left + radius*cos, Y: st.y + front + radius*sin, Z: z}
		f := volume.NewFrame(at, r3.Vec{Z: 1}, r3.Vec{X: cos, Y: sin})
		s.addBlob(f, Blob{HalfS: 4, HalfA: thickness, HalfL: 3.5}, hu)
	}
}

// addOralContrast puts three loops of bowel before the lumbar spine.
func (s *Spine) addOralContrast(hu float64) {
	for i, b := range s.bodies {
		if b.Level != referenceLevel {
			continue
		}
		for n := range 3 {
			o := s.bodies[i-1+n].frame.Origin
			at := r3.Add(o, r3.Vec{X: 22 * float64(n-1), Y: -b.Depth/2 - 44})
			f := volume.NewFrame(at, r3.Vec{Z: 1}, r3.Vec{Y: -1})
			s.addBlob(f, Blob{HalfS: 12, HalfA: 11, HalfL: 16}, hu)
		}
	}
}

func (s *Spine) addBlob(f volume.Frame, e Blob, hu float64) {
	s.deposits = append(s.deposits, deposit{
		frame: f, hu: hu, outside: e.outside,
		lo: [3]float64{e.S - e.HalfS, e.A - e.HalfA, e.L - e.HalfL},
		hi: [3]float64{e.S + e.HalfS, e.A + e.HalfA, e.L + e.HalfL},
	})
}
