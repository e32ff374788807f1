// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
)

// Film is a rendered film with where the known points lie on it.
type Film struct {
	Image *radiograph.Image
	// Unit is the spacing of pixels at the depth of the spine, mm.
	Unit   float64
	Right  bool // anterior is to the right where superior is up
	Turn   float64
	Column []Shown
	// Unsure are centres of bodies that the film shows in part or of which nothing is known.
	Unsure []radiograph.ImagePoint
	// Note says what stands in the way: GAS, MARKER, ARMS, FRONTAL, HAND.
	Note []string
}

// Shown is a vertebra that lies on a film with all its points.
type Shown struct {
	Level  spine.Level
	Center radiograph.ImagePoint
	Points [landmark.NumPoints]radiograph.ImagePoint
	Slopes [2]radiograph.ImagePoint // unit vectors of the endplates' lines to anterior

	SuperiorOnly, Treated bool
	Genant                int
}

// Style bounds what is drawn of films.
type Style struct {
	Columns, Rows            int
	FinestPixel, WidestPixel float64 // ImagerPixelSpacing, mm
	MostTurn                 float64 // degrees to each side
	UpsideDown               bool    // one film in six
	Blur                     float64 // of the detector, sigma, mm

	Exposure      float64 // factor on the kerma; 0 is 1
	MarkerOnSpine bool
}

// draws holds what one film is drawn from.
type draws struct{ *rand.Rand }

func (d draws) between(low, high float64) float64 { return low + (high-low)*d.Float64() }

// one reports true once in n times.
func (d draws) one(n int) bool { return d.IntN(n) == 0 }

// Film renders p with a geometry and a technique that seed draws. A frontal film has an
// empty column.
func (p *Patient) Film(seed uint64, style Style, frontal bool) *Film {
	rng := draws{rand.New(rand.NewPCG(seed, 21))}
	axis := r3.Vec{X: 1 - 2*float64(rng.IntN(2))}
	if frontal {
		axis = r3.Vec{Y: axis.X}
	}
	turn := rng.between(-style.MostTurn, style.MostTurn)
	if style.UpsideDown && rng.one(6) {
		turn += 180
	}
	middle := p.middle(rng)
	toward := r3.NewRotation(rng.between(-6, 6)*math.Pi/180, r3.Vec{Z: 1}).Rotate(axis)
	lean := r3.NewRotation(rng.between(-4, 4)*math.Pi/180, r3.Vec{Y: 1})
	toward = lean.Rotate(toward)
	up := r3.NewRotation(turn*math.Pi/180, toward).Rotate(r3.Vec{Z: 1})
	detector := rng.between(1000, 1800)
	spot := detector / rng.between(1.15, 1.42)
	g, err := projection.NewGeometry(projection.Setup{
		Toward: toward, Up: up, Isocenter: r3.Add(middle, r3.Vec{Y: rng.between(-50, 20), Z: rng.between(-25, 25)}),
		SourceToIsocenter: spot, SourceToDetector: detector,
		Columns: style.Columns, Rows: style.Rows, ImagerPixelSpacing: rng.between(style.FinestPixel, style.WidestPixel),
	})
	if err != nil {
		panic(err) // the ranges above are those of a film
	}
	_, pixel := g.ImagerPixelSpacing()
	f := &Film{Unit: pixel * spot / detector, Right: axis.X > 0, Turn: turn}
	t := technique(rng, &g, style, seed)
	shadows := f.cover(rng, p, &g, &t, middle)
	if style.MarkerOnSpine {
		at, _ := g.Project(middle)
		t.Markers = []projection.Marker{{Letter: projection.LetterL, At: at, Height: 20 / f.Unit}}
	}
	f.Image = develop(rng, t.Expose(&g, p.body(axis).Paths(&g, shadows), middle))
	if frontal {
		f.Note = append(f.Note, "FRONTAL")
		return f
	}
	f.project(p, &g, &t.Collimation)
	return f
}

// middle draws the body that the film is centred at: seldom one that the shoulders hide.
func (p *Patient) middle(rng draws) r3.Vec {
	first := 0
	for first < len(p.Column)-2 && p.Column[first].Level < spine.T4+2 && !rng.one(20) {
		first++
	}
	return p.Column[first+rng.IntN(len(p.Column)-first)].Center
}

// technique draws exposure and collimation.
func technique(rng draws, g *projection.Geometry, style Style, seed uint64) projection.Technique {
	t := projection.Lumbar()
	t.Energy, t.Kerma, t.ScatterToPrimary, t.Seed = rng.between(48, 85), math.Exp(rng.between(math.Log(0.5), math.Log(5))), rng.between(0.2, 1.4), seed
	t.Blur = style.Blur * rng.between(0.8, 2)
	if style.Exposure > 0 {
		t.Kerma *= style.Exposure
	}
	columns, rows := float64(g.Columns), float64(g.Rows)
	if rng.one(2) {
		t.Collimation = projection.Collimation{
			Center: radiograph.ImagePoint{Col: columns * rng.between(0.45, 0.55), Row: rows * rng.between(0.47, 0.53)},
			Width:  columns * rng.between(0.4, 0.95), Height: rows * rng.between(0.75, 1), Turn: rng.between(-5, 5),
		}
	}
	return t
}

// cover draws markers, gas and arms.
func (f *Film) cover(rng draws, p *Patient, g *projection.Geometry, t *projection.Technique, middle r3.Vec) []projection.Shadow {
	if rng.one(2) {
		at, _ := g.Project(middle)
		letter := []projection.Letter{projection.LetterL, projection.LetterR}[rng.IntN(2)]
		reach := 110 / f.Unit
		t.Markers = []projection.Marker{{
			Letter: letter, Height: rng.between(12, 25) / f.Unit, Mirrored: rng.one(3),
			At: radiograph.ImagePoint{Col: at.Col + rng.between(-reach, reach), Row: at.Row + rng.between(-1.5*reach, 1.5*reach)},
		}}
		f.Note = append(f.Note, "MARKER")
	}
	var all []projection.Shadow
	if rng.one(2) {
		all = projection.BowelGas(middle, 1+rng.IntN(10), rng.Uint64())
		f.Note = append(f.Note, "GAS")
	}
	if top := &p.Column[0]; top.Level <= spine.T4 && rng.one(3) {
		for _, side := range []float64{-1, 1} {
			shoulder := r3.Add(top.Center, r3.Vec{X: 180 * side, Y: -20})
			all = append(all, projection.Arm(shoulder, r3.Vec{Y: -1, Z: rng.between(-0.3, 0.8)})...)
		}
		f.Note = append(f.Note, "ARMS")
	}
	return all
}

// develop draws a detector's response.
func develop(rng draws, e *projection.Exposure) *radiograph.Image {
	process := projection.Processing{Bits: 12, Gamma: rng.between(1.2, 3.5), Equalization: rng.between(0.1, 0.8), Shutter: rng.one(2)}
	stored := process.Develop(e)
	m := &radiograph.Image{Columns: e.Geometry.Columns, Rows: e.Geometry.Rows, Samples: make([]float32, len(stored.Stored))}
	for i, s := range stored.Stored {
		m.Samples[i] = float32(s) / 4095
	}
	return m
}

// project keeps what lies on the film.
func (f *Film) project(p *Patient, g *projection.Geometry, c *projection.Collimation) {
	for i := range p.Column {
		v, whole := shownOf(g, c, &p.Column[i])
		if whole {
			f.Column = append(f.Column, v)
		} else if g.Holds(v.Center) {
			f.Unsure = append(f.Unsure, v.Center)
		}
	}
	for _, q := range p.Unsure {
		if at, ok := g.Project(q); ok && g.Holds(at) {
			f.Unsure = append(f.Unsure, at)
		}
	}
}

func shownOf(g *projection.Geometry, c *projection.Collimation, k *Known) (v Shown, whole bool) {
	v.Level, v.Genant, v.SuperiorOnly, v.Treated = k.Level, k.Genant, k.SuperiorOnly, k.Treated
	v.Center, whole = g.Project(k.Center)
	for n, q := range k.Points {
		if k.SuperiorOnly && n >= landmark.NumPoints/2 {
			break
		}
		at, ok := g.Project(q)
		v.Points[n] = at
		whole = whole && ok && g.Holds(at) && opens(c, at)
	}
	for n, d := range k.Slopes {
		if k.SuperiorOnly && n > 0 {
			break
		}
		a, _ := g.Project(k.Points[3*n+1])
		b, _ := g.Project(r3.Add(k.Points[3*n+1], d))
		length := a.Distance(b)
		v.Slopes[n] = radiograph.ImagePoint{Col: (b.Col - a.Col) / length, Row: (b.Row - a.Row) / length}
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
