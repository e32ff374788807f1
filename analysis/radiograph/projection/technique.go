// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/radiograph"
)

// Technique is how a film is exposed and what becomes of the exposure.
type Technique struct {
	Energy float64 // effective, keV, 30 to 150

	ScatterToPrimary float64 // mean ratio behind the grid
	ScatterSpread    float64 // sigma, at the detector, mm

	// Kerma is the air kerma at the detector in the field that the exposure is controlled
	// by, µGy, the middle of the film; Efficiency is the part of the quanta that counts.
	Kerma, Efficiency float64
	ElectronicNoise   float64 // sigma, quanta a pixel

	FocalSpot float64 // mm
	Blur      float64 // of the detector, sigma, mm

	GridPeriod, GridContrast float64 // of the lines that a grid leaves, mm and fraction; 0 none

	Collimation Collimation
	Markers     []Marker

	Seed uint64 // of the noise
}

// Lumbar is the technique of an adult's lateral lumbar film with digital detector: 85 to 95
// kV behind 3 mm of aluminium and the patient have an effective energy of about 60 keV.
// Grids of 10:1 and 12:1 leave about a third as much scatter as primary radiation of a
// lateral trunk's (about three times as much without).
func Lumbar() Technique {
	return Technique{
		Energy: 60, ScatterToPrimary: 0.6, ScatterSpread: 50,
		Kerma: 2.5, Efficiency: 0.55, ElectronicNoise: 3,
		FocalSpot: 1.2, Blur: 0.15,
	}
}

// quantaPerKerma is how many quanta a beam of RQA5 has a square millimetre and µGy:
// IEC 62220-1, table 2.
const quantaPerKerma = 30174.0

// leakage is what passes the collimator's blades.
const leakage = 0.002

// Exposure is what a detector recorded.
type Exposure struct {
	Geometry Geometry
	// Signal is the exposure of each pixel, row by row, 1 in the field that the exposure
	// is controlled by.
	Signal []float32
	// Field marks the pixels within the collimator's opening.
	Field []bool
}

// Expose makes an exposure of the paths along the rays of g. isocenter is the depth in
// which the focal spot's blur counts. The same arguments give the same exposure on any
// number of cores.
func (t *Technique) Expose(g *Geometry, paths []float32, isocenter r3.Vec) *Exposure {
	e := &Exposure{Geometry: *g, Signal: t.primary(paths), Field: t.Collimation.field(g)}
	for i, open := range e.Field {
		if !open {
			e.Signal[i] *= leakage
		}
	}
	rows, columns := g.ImagerPixelSpacing()
	image := plane{e.Signal, g.Columns, g.Rows}
	for _, m := range t.Markers {
		m.cover(image)
	}
	t.scatter(image, columns)
	mean := image.controlled()
	if mean > 0 {
		for i := range e.Signal {
			e.Signal[i] /= float32(mean)
		}
	}
	t.lines(image, columns)
	t.quanta(image, rows*columns)
	spot := t.FocalSpot / math.Sqrt(12) * (g.Magnification(isocenter) - 1) // sigma of a box
	image.smooth(math.Hypot(t.Blur, spot) / columns)
	t.electrons(image, rows*columns)
	return e
}

// primary returns the part of the beam that passes, for each path: Beer and Lambert's law.
func (t *Technique) primary(paths []float32) []float32 {
	mu := WaterAttenuation(t.Energy)
	signal := make([]float32, len(paths))
	for i, p := range paths {
		signal[i] = float32(math.Exp(-mu * float64(p)))
	}
	return signal
}

// scatter adds scattered radiation: the attenuated beam, blurred widely. What passes air
// alone scatters nowhere, so that only what passed tissue counts.
func (t *Technique) scatter(image plane, spacing float64) {
	if t.ScatterToPrimary <= 0 || t.ScatterSpread <= 0 {
		return
	}
	const openBeam = 0.5 // less attenuated than behind 34 mm of water at 60 keV
	coarse := max(int(t.ScatterSpread/spacing/4), 1)
	source := image.shrunk(coarse, func(v float32) float32 {
		if v > openBeam {
			return 0
		}
		return v
	})
	source.smooth(t.ScatterSpread / spacing / float64(coarse))
	source.addTo(image, coarse, float32(t.ScatterToPrimary))
}

// lines adds the shadow of a grid's lamellae, along columns.
func (t *Technique) lines(image plane, spacing float64) {
	if t.GridPeriod <= 0 || t.GridContrast <= 0 {
		return
	}
	for i := range image.v {
		x := float64(i%image.columns) * spacing / t.GridPeriod
		image.v[i] *= float32(1 + t.GridContrast*math.Cos(2*math.Pi*x))
	}
}

// quanta adds the noise of the quanta that are detected on a pixel of an area in mm²:
// Poisson's, as a normal distribution, which it is near to from some ten quanta on.
func (t *Technique) quanta(image plane, area float64) {
	n := quantaPerKerma * t.Kerma * t.Efficiency * area
	if !(n > 0) {
		return
	}
	noise(image, t.Seed, func(v float32) float64 { return math.Sqrt(max(float64(v), 0) / n) })
}

// electrons adds noise that does not depend on the signal.
func (t *Technique) electrons(image plane, area float64) {
	n := quantaPerKerma * t.Kerma * t.Efficiency * area
	if t.ElectronicNoise > 0 && n > 0 {
		noise(image, t.Seed+1, func(float32) float64 { return t.ElectronicNoise / n })
	}
	for i, v := range image.v {
		image.v[i] = max(v, 0)
	}
}

// noise adds normal noise of a deviation, each row from a seed of its own.
func noise(image plane, seed uint64, sd func(float32) float64) {
	image.eachRow(func(row int, v []float32) {
		rng := rand.New(rand.NewPCG(seed, uint64(row)))
		for i := range v {
			v[i] += float32(sd(v[i]) * rng.NormFloat64())
		}
	})
}

// controlled returns the mean of the field that the exposure is controlled by: the middle
// three tenths of the film.
func (p plane) controlled() float64 {
	const from, to = 0.35, 0.65
	var sum float64
	n := 0
	for row := int(from * float64(p.rows)); row <= int(to*float64(p.rows)) && row < p.rows; row++ {
		for col := int(from * float64(p.columns)); col <= int(to*float64(p.columns)) && col < p.columns; col++ {
			sum += float64(p.v[row*p.columns+col])
			n++
		}
	}
	return sum / float64(n)
}

// Collimation is the opening of the collimator: a rectangle on the film, turned about its
// middle. The zero value is open.
type Collimation struct {
	Center        radiograph.ImagePoint
	Width, Height float64 // pixels
	Turn          float64 // degrees, clockwise on the film
}

// field marks the pixels of the opening.
func (c Collimation) field(g *Geometry) []bool {
	open := make([]bool, g.Columns*g.Rows)
	sin, cos := math.Sincos(c.Turn * math.Pi / 180)
	for i := range open {
		x, y := float64(i%g.Columns)+0.5-c.Center.Col, float64(i/g.Columns)+0.5-c.Center.Row
		u, v := x*cos+y*sin, y*cos-x*sin
		open[i] = c.Width == 0 || math.Abs(u) <= c.Width/2 && math.Abs(v) <= c.Height/2
	}
	return open
}
