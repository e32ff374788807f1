// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline_test

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// known is a vertebra whose points in the patient are known.
type known struct {
	level  spine.Level
	center r3.Vec
	points [landmark.NumPoints]r3.Vec
	slopes [2]r3.Vec // of the endplates' lines, from posterior to anterior
	left   r3.Vec
}

// patient is a volume with what is known of it.
type patient struct {
	name   string
	volume *volume.Volume
	column []known
	middle r3.Vec
}

// phantomPatient draws a patient from T8, T9 or T10 to the sacrum, in voxels of a size and as
// wide as width, mm.
func phantomPatient(seed uint64, pixel, slice, width float64) patient {
	rng := rand.New(rand.NewPCG(seed, 20))
	opt := phantom.Options{
		RandomFractures: 1.5 * rng.Float64(), Osteoporosis: rng.IntN(2) == 0, Osteophytes: rng.IntN(2) == 0,
		Scoliosis: 12 * rng.Float64(), Contrast: rng.IntN(4) == 0,
	}
	s := phantom.Random(rng, opt)
	first := spine.Level(15 + rng.IntN(3)) // T8 to T10
	c := s.Cover(first, spine.S1, 45, width, pixel, slice)
	c.Center.Y -= 45
	p := patient{volume: s.CT(c)}
	for _, m := range s.Truth().Vertebrae {
		if m.Level < first || m.Level > spine.L5 {
			continue
		}
		p.column = append(p.column, known{
			m.Level, m.Frame.Origin,
			[6]r3.Vec{m.Superior.Anterior, m.Superior.Middle, m.Superior.Posterior, m.Inferior.Anterior, m.Inferior.Middle, m.Inferior.Posterior},
			[2]r3.Vec{m.Superior.Direction, m.Inferior.Direction}, m.Frame.Left,
		})
	}
	p.middle = p.column[len(p.column)/2].center
	return p
}

// filmed is a film with where the known points lie on it.
type filmed struct {
	image *radiograph.Image
	// unit is the spacing of pixels at the depth of the spine, mm.
	unit   float64
	column []shown
	right  bool // anterior is to the right where superior is up
}

// shown is a vertebra that lies on a film with all its points.
type shown struct {
	level  spine.Level
	center radiograph.ImagePoint
	points [landmark.NumPoints]radiograph.ImagePoint
	slopes [2]float64 // of the endplates on the film, degrees, clockwise from posterior to anterior
}

// film renders p with a technique that seed draws.
func (p *patient) film(seed uint64, body map[float64]*projection.Body) filmed {
	rng := rand.New(rand.NewPCG(seed, 21))
	between := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	side := 1 - 2*float64(rng.IntN(2))
	turn := between(-20, 20)
	if rng.IntN(6) == 0 {
		turn += 180
	}
	toward := r3.NewRotation(between(-5, 5)*math.Pi/180, r3.Vec{Z: 1}).Rotate(r3.Vec{X: side})
	up := r3.NewRotation(turn*math.Pi/180, toward).Rotate(r3.Vec{Z: 1})
	const detector = 1150
	spot := between(820, 960)
	g, err := projection.NewGeometry(projection.Setup{
		Toward: toward, Up: up, Isocenter: p.middle, SourceToIsocenter: spot, SourceToDetector: detector,
		Columns: 1000, Rows: 1250, ImagerPixelSpacing: 0.36,
	})
	if err != nil {
		panic(err)
	}
	if body[side] == nil {
		body[side] = projection.NewBody(p.volume, r3.Vec{X: side})
	}
	t := projection.Lumbar()
	t.Energy, t.Kerma, t.ScatterToPrimary, t.Seed = between(50, 75), between(0.8, 4), between(0.3, 1.2), seed
	if rng.IntN(2) == 0 {
		t.Collimation = projection.Collimation{Center: radiograph.ImagePoint{Col: 500, Row: 625}, Width: between(450, 900), Height: between(1000, 1240), Turn: between(-4, 4)}
	}
	if rng.IntN(2) == 0 {
		at, _ := g.Project(p.middle)
		t.Markers = []projection.Marker{{Letter: projection.LetterR, At: radiograph.ImagePoint{Col: at.Col + between(-120, 120), Row: at.Row + between(-300, 300)}, Height: 60}}
	}
	gas := projection.BowelGas(p.middle, rng.IntN(10), seed)
	process := projection.Processing{Bits: 12, Gamma: between(1.5, 3.5), Equalization: between(0.2, 0.7), Shutter: rng.IntN(2) == 0}
	f := process.Develop(t.Expose(&g, body[side].Paths(&g, gas), p.middle))
	out := filmed{unit: 0.36 * spot / detector, right: side > 0, image: &radiograph.Image{Columns: g.Columns, Rows: g.Rows, Samples: make([]float32, len(f.Stored))}}
	for i, s := range f.Stored {
		out.image.Samples[i] = float32(s) / 4095
	}
	for _, k := range p.column {
		if v, ok := project(&g, &t.Collimation, k); ok {
			out.column = append(out.column, v)
		}
	}
	return out
}

func project(g *projection.Geometry, c *projection.Collimation, k known) (v shown, whole bool) {
	v.level = k.level
	v.center, whole = g.Project(k.center)
	for n, q := range k.points {
		at, ok := g.Project(q)
		v.points[n] = at
		whole = whole && ok && g.Holds(at) && opens(c, at)
	}
	for n, d := range k.slopes {
		a, _ := g.Project(k.points[3*n+1])
		b, _ := g.Project(r3.Add(k.points[3*n+1], d))
		v.slopes[n] = math.Atan2(b.Row-a.Row, b.Col-a.Col) * 180 / math.Pi
	}
	return v, whole
}

func opens(c *projection.Collimation, p radiograph.ImagePoint) bool {
	if c.Width == 0 {
		return true
	}
	sin, cos := math.Sincos(c.Turn * math.Pi / 180)
	x, y := p.Col-c.Center.Col, p.Row-c.Center.Row
	return math.Abs(x*cos+y*sin) < c.Width/2 && math.Abs(y*cos-x*sin) < c.Height/2
}
