// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Screw is a pedicle screw: a straight rod of metal from behind the facet joint
// through the pedicle into the body.
type Screw struct {
	Left      float64 // +1 through the left pedicle, -1 through the right
	Diameter  float64 // mm
	Length    float64 // mm, of the shaft
	Medial    float64 // degrees that it runs towards the midline
	HeadWidth float64 // diameter of the head, mm
}

// metalHU is what titanium would read without the limit of 12 bits.
const metalHU = 7000

// screwSpan returns the tip and the head of a screw.
func (b *body) screwSpan(s Screw) (tip, head r3.Vec) {
	h := arch{b, (b.AnteriorHeight + b.PosteriorHeight) / 2, s.Left}
	middle := h.at(0.18*h.height, 0.25*h.CanalAP, (h.CanalWidth+h.PedicleWidth)/2)
	sin, cos := math.Sincos(s.Medial * math.Pi / 180)
	along := r3.Sub(r3.Scale(cos, b.frame.Anterior), r3.Scale(s.Left*sin, b.frame.Left))
	behind := 0.25*h.CanalAP + 12
	head = r3.Sub(middle, r3.Scale(behind, along))
	return r3.Add(head, r3.Scale(s.Length, along)), head
}

// addMetal adds the screws, and a rod between the heads of each side.
func (s *Spine) addMetal() {
	heads := map[float64][]r3.Vec{}
	for _, b := range s.bodies {
		for _, screw := range b.Screws {
			tip, head := b.screwSpan(screw)
			s.addRod(tip, head, screw.Diameter/2)
			s.addRod(head, r3.Add(head, r3.Scale(0.01, b.frame.Superior)), screw.HeadWidth/2)
			heads[screw.Left] = append(heads[screw.Left], head)
		}
	}
	const rodRadius = 2.75 // mm
	for _, side := range []float64{1, -1} {
		for i := 1; i < len(heads[side]); i++ {
			s.addRod(heads[side][i-1], heads[side][i], rodRadius)
		}
	}
}

// addRod adds a capsule of metal.
func (s *Spine) addRod(p, q r3.Vec, radius float64) {
	d := r3.Sub(q, p)
	length := r3.Norm(d)
	across := r3.Vec{X: 0.31, Y: 0.21, Z: 0.93}
	f := volume.NewFrame(p, d, across)
	m := deposit{
		frame: f, hu: metalHU, isMetal: true,
		lo: [3]float64{-radius, -radius, -radius}, hi: [3]float64{length + radius, radius, radius},
		outside: func(s, a, l float64) float64 {
			s -= min(max(s, 0), length)
			return math.Sqrt(s*s+a*a+l*l) - radius
		},
	}
	const apart = 6 // mm
	n := int(length/apart) + 1
	for i := range n + 1 {
		m.platters = append(m.platters, platter{r3.Add(p, r3.Scale(float64(i)/float64(n), d)), radius})
	}
	s.deposits = append(s.deposits, m)
}

// streaks adds the streaks of the metal that slice k cuts: rays from each place,
// bright and dark by turns, that fade with distance, and a dark band between
// places. It is a sketch of beam hardening and photon starvation.
func (r *renderer) streaks(k int) {
	p := r.plane(float64(k))
	var cut []platter
	for i := range r.spine.deposits {
		for _, m := range r.spine.deposits[i].platters {
			if math.Abs(r3.Dot(r3.Sub(m.at, p.origin), p.normal)) < m.radius {
				cut = append(cut, m)
			}
		}
	}
	if len(cut) == 0 {
		return
	}
	const (
		rays     = 7    // bright ones
		strength = 350  // HU at the metal's surface
		fade     = 14.0 // mm
		reach    = 60.0 // mm
	)
	share := strength / math.Sqrt(float64(len(cut)))
	for _, m := range cut {
		l := r.layer
		box := l.aroundIn(&p, m.at, reach)
		for j := box.j0; j < box.j1; j++ {
			for i := box.i0; i < box.i1; i++ {
				d := r3.Sub(p.at(float64(i), float64(j)), m.at)
				u, v := r3.Dot(d, p.column)/p.pixel, r3.Dot(d, p.row)/p.pixel
				away := math.Hypot(u, v) - m.radius
				if away < 0 || away > reach {
					continue
				}
				ray := math.Cos(rays*math.Atan2(v, u)) - 0.2
				r.base[j*l.columns+i] += float32(share * ray * math.Exp(-away/fade))
			}
		}
	}
}

// aroundIn is around for another plane than the layer's own.
func (l *layer) aroundIn(p *plane, at r3.Vec, reach float64) rect {
	own := l.plane
	l.plane = *p
	r := l.around(at, reach, reach)
	l.plane = own
	return r
}
