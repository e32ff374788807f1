// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Params describe a spine and the body around it.
type Params struct {
	Vertebrae []Vertebra // C3 to L5 and S1, from superior to inferior, none left out
	Sacrum    []Vertebra // S2 to S5

	Position r3.Vec  // centre of L3, LPS mm
	Tilt     float64 // of L3's superior axis to anterior, degrees
	// Base is the frame of S1. If it is not nil, the spine is built up from there,
	// and Position and Tilt say nothing.
	Base *volume.Frame
	Seed uint64 // of the textures of bone and soft tissue

	// Scale is the size relative to the average of the sexes. It sizes chest
	// and soft tissue; vertebrae have their own sizes.
	Scale float64
	// FatThickness is that of the subcutaneous fat, mm.
	FatThickness float64

	TissueHU float64 // of muscle
	FatHU    float64
	// VesselHU is the attenuation of aorta and vena cava: about 40 without and
	// 150 to 350 with contrast agent.
	VesselHU float64

	Mimics Mimics
}

// Vertebra describes one vertebra and the disc below it, mm, degrees and HU.
type Vertebra struct {
	Level spine.Level

	// The body as it was before any deformity.
	AnteriorHeight, PosteriorHeight float64 // between the rims
	Depth, Width                    float64 // of the endplates
	SuperiorConcavity               float64 // greatest depth of the dish below the rim
	InferiorConcavity               float64
	Waist                           float64 // how far the walls stand in at mid-height
	PosteriorConcavity              float64 // of the posterior wall in the axial plane
	Taper                           float64 // how much less the inferior endplate extends on each side
	LateralWedge                    float64 // degrees, left side higher
	RimRadius                       float64 // width over which the rim is rounded

	EndplateThickness, WallThickness float64
	EndplateHU, WallHU, TrabecularHU float64

	Deformity   Deformity
	Osteophytes []Osteophyte
	WallGaps    []WallGap
	Lesions     []Lesion
	Clefts      []Blob // gas in the body
	DiscGas     []Blob // gas in the disc below, in the frame of the body
	Erosions    []Erosion
	Cement      *Cement // nil if untreated
	Screws      []Screw

	DiscHeight  float64 // between the rims, at the centre line
	DiscAngle   float64 // kyphosis positive
	DiscCoronal float64 // left side higher
	DiscAxial   float64 // rotation of the vertebra below against this one, counter-clockwise from above
	DiscHU      float64

	CanalAP, CanalWidth         float64
	PedicleWidth, PedicleHeight float64
	SpinousLength, SpinousSlope float64
	TransverseLength            float64
	ChestWidth, ChestDepth      float64
	RibSweep                    float64
}

// Shape is the shape of a deformity, by the height that lost most.
type Shape uint8

// The shapes.
const (
	NoDeformity Shape = iota
	Wedge
	Biconcave
	Crush
)

// Height names one of the three heights of a body.
type Height uint8

// The heights.
const (
	AnteriorHeight Height = iota
	MiddleHeight
	PosteriorHeight
)

// Deformity is a loss of height. Its losses are fractions of the undeformed
// heights, 0 to 1.
type Deformity struct {
	Shape                       Shape
	Anterior, Middle, Posterior float64

	// SuperiorShare is the part of the loss that the superior endplate bears.
	SuperiorShare float64
	// Retropulsion and AnteriorBulge are how far the upper half of the posterior
	// wall and the anterior wall are driven out, mm.
	Retropulsion, AnteriorBulge float64
	// RetropulsedMiddle moves the retropulsion to the middle of the wall.
	RetropulsedMiddle bool
}

// Osteophyte is a spur at the anterior rim of an endplate.
type Osteophyte struct {
	Endplate spine.Endplate
	Length   float64 // beyond the wall, mm
	Left     float64 // where its middle lies, mm to the left
	Width    float64
}

// Fracture returns the deformity of a shape with a loss in percent of the
// height that the shape concerns most; a crush deformity loses as much of all.
func Fracture(shape Shape, lossPercent float64) Deformity {
	f := lossPercent / 100
	d := Deformity{Shape: shape, SuperiorShare: 0.75}
	switch shape {
	case Wedge:
		d.Anterior, d.Middle, d.Posterior = f, 0.6*f, 0.06*f
		d.AnteriorBulge = 2 * f
	case Biconcave:
		d.Anterior, d.Middle, d.Posterior = 0.15*f, f, 0.08*f
		d.SuperiorShare = 0.55
	case Crush:
		d.Anterior, d.Middle, d.Posterior = f, f, 0.97*f
		d.AnteriorBulge, d.Retropulsion = 2*f, 3*f
	}
	return d
}

// Options steer what Random draws. The zero value draws a spine without
// fractures, of any density.
type Options struct {
	Fractures map[spine.Level]Deformity

	// RandomFractures is the mean number of further fractures from T4 to L5,
	// at least two levels apart, of all shapes and 15 to 75 % loss.
	RandomFractures float64

	Osteoporosis bool // trabecular bone of 20 to 75 HU and thin shells
	Contrast     bool
	Osteophytes  bool
	Pathology    Pathology
	// Scoliosis is the largest coronal Cobb angle drawn, degrees.
	Scoliosis float64
}

// The spread between people and between the levels of one person. Heights of
// neighbours scatter by 2.5 to 4 % about their expected ratio
// (CTSpinoPelvic1K, 802 people), half of which is measurement.
const (
	heightScatter = 0.018
	sizeScatter   = 0.02
	wedgeScatter  = 0.012 // of a height, anterior against posterior
	discScatter   = 0.10

	coronalScatter = 0.6 // degrees a level, of straight spines

	// chordScatter is that of the line from T1 to L5 in people who lie on their
	// back, about the table's direction, degrees, however round they are (VID
	// training set, 91 spines: -0.3 ± 2.6°).
	chordScatter = 2.6
)

// RandomParams draws a realistic spine.
func RandomParams(rng *rand.Rand, opt Options) Params {
	chord := chordScatter * rng.NormFloat64()
	p := Params{
		Position:     r3.Vec{X: 12 * rng.NormFloat64(), Y: -170 + 30*rng.NormFloat64(), Z: -900 + 800*rng.Float64()},
		Seed:         rng.Uint64(),
		Scale:        within(rng, 0.88, 1.12),
		FatThickness: within(rng, 10, 28),
		TissueHU:     within(rng, 45, 62),
		FatHU:        within(rng, -110, -95),
		VesselHU:     within(rng, 35, 45),
	}
	if opt.Contrast {
		p.VesselHU = within(rng, 160, 340)
	}
	person := drawPerson(rng, opt, p.Scale)
	for i := range norms {
		p.Vertebrae = append(p.Vertebrae, person.vertebra(rng, norms[i]))
	}
	for i := range lowerSacrum {
		p.Sacrum = append(p.Sacrum, person.vertebra(rng, lowerSacrum[i]))
	}
	addFractures(rng, p.Vertebrae, opt)
	addPathology(rng, p.Vertebrae, opt.Pathology)
	if opt.Osteophytes {
		addOsteophytes(rng, p.Vertebrae)
	}
	p.Tilt = chord - stacked(p).chord()*180/math.Pi
	return p
}

// Random draws a realistic spine.
func Random(rng *rand.Rand, opt Options) *Spine { return New(RandomParams(rng, opt)) }

func within(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

// person holds what all levels of one spine share.
type person struct {
	scale, height, disc float64 // factors
	kyphosis, lordosis  float64 // factors on the angles
	trabecular, discHU  float64
	thickness           float64 // of endplates, mm
	cortical            float64 // HU
	apex, cobb          float64 // of the scoliosis: order of level, degrees
}

func drawPerson(rng *rand.Rand, opt Options, scale float64) person {
	q := person{
		scale:      scale,
		height:     1 + 0.03*rng.NormFloat64(),
		disc:       within(rng, 0.75, 1.15),
		kyphosis:   within(rng, 0.6, 1.4),
		lordosis:   within(rng, 0.7, 1.2),
		trabecular: within(rng, 80, 240),
		discHU:     within(rng, 60, 100),
		thickness:  within(rng, 0.5, 0.75),
		cortical:   within(rng, 600, 850),
		apex:       within(rng, float64(spine.T4)+2, float64(spine.L3)),
		cobb:       opt.Scoliosis * (2*rng.Float64() - 1),
	}
	if opt.Osteoporosis {
		q.trabecular = within(rng, 20, 75)
		q.thickness = within(rng, 0.4, 0.55)
		q.cortical = within(rng, 500, 700)
	}
	return q
}

func (q person) vertebra(rng *rand.Rand, n norm) Vertebra {
	h := q.scale * q.height * (1 + heightScatter*rng.NormFloat64())
	w := wedgeScatter * rng.NormFloat64()
	size := q.scale * (1 + sizeScatter*rng.NormFloat64())
	v := Vertebra{
		Level:              n.level,
		AnteriorHeight:     n.anterior * h * (1 - w),
		PosteriorHeight:    n.posterior * h * (1 + w),
		Depth:              n.depth * size,
		Width:              n.width * size,
		SuperiorConcavity:  within(rng, 0.5, 0.95),
		InferiorConcavity:  within(rng, 1.1, 1.9),
		Waist:              within(rng, 0.035, 0.06) * n.depth,
		PosteriorConcavity: 0.05 * n.depth,
		LateralWedge:       0.5 * rng.NormFloat64(),
		RimRadius:          within(rng, 1.2, 2.2),
		EndplateThickness:  q.thickness * within(rng, 0.9, 1.1),
		WallThickness:      q.thickness * within(rng, 0.9, 1.2),
		EndplateHU:         q.cortical * within(rng, 0.95, 1.05),
		WallHU:             q.cortical * within(rng, 0.95, 1.05),
		TrabecularHU:       q.trabecular + 8*rng.NormFloat64(),
		DiscHeight:         n.disc * q.scale * q.disc * (1 + discScatter*rng.NormFloat64()),
		DiscAngle:          n.discAngle + rng.NormFloat64(),
		DiscCoronal:        coronalScatter * rng.NormFloat64(),
		DiscAxial:          coronalScatter * rng.NormFloat64(),
		DiscHU:             q.discHU + 6*rng.NormFloat64(),
		CanalAP:            n.canalAP * size * within(rng, 0.95, 1.1),
		CanalWidth:         n.canalWidth * size,
		PedicleWidth:       n.pedicleWidth * size,
		PedicleHeight:      n.pedicleHeight * size,
		SpinousLength:      n.spinousLength * size * within(rng, 0.9, 1.1),
		SpinousSlope:       n.spinousSlope + 4*rng.NormFloat64(),
		TransverseLength:   n.transverse * size * within(rng, 0.9, 1.1),
		ChestWidth:         n.chestWidth * q.scale,
		ChestDepth:         n.chestDepth * q.scale,
		RibSweep:           n.ribSweep,
	}
	q.curve(&v, n)
	if n.level == spine.S1 {
		v.Taper = 0.13 * v.Width
		v.Waist, v.PosteriorConcavity = 0.5, 0.5
	}
	return v
}

// curve sets the part of the spine's curvature that v and its disc carry.
func (q person) curve(v *Vertebra, n norm) {
	switch n.level.Region() {
	case spine.Thoracic:
		v.DiscAngle += 1.8*(q.kyphosis-1) - 0.7
	case spine.Lumbar:
		v.DiscAngle = n.discAngle*(q.lordosis-1) + v.DiscAngle
	}
	if n.level == spine.S1 {
		v.DiscAngle = n.discAngle
		return
	}
	// The tilt of a curve of Cobb angle c runs as c/2·sin over some eight levels.
	const halfLength = 4
	x := (float64(n.level) + 0.5 - q.apex) / halfLength
	v.DiscCoronal += q.cobb / 2 / halfLength * math.Pi / 2 * math.Cos(x*math.Pi/2) * math.Exp(-x*x/4)
	v.DiscAxial += 0.2 * q.cobb / halfLength * math.Sin(x*math.Pi/2) * math.Exp(-x*x/4)
}

func addFractures(rng *rand.Rand, vs []Vertebra, opt Options) {
	for i := range vs {
		if d, ok := opt.Fractures[vs[i].Level]; ok {
			vs[i].Deformity = d
		}
	}
	const candidates = 14 // T4 to L5
	gap := 0
	for i := range vs {
		gap++
		if vs[i].Deformity != (Deformity{}) {
			gap = 0
			continue
		}
		if vs[i].Level < spine.T4 || vs[i].Level > spine.L5 || gap < 3 {
			continue
		}
		if rng.Float64() < opt.RandomFractures/candidates*1.6 {
			vs[i].Deformity = randomFracture(rng)
			gap = 0
		}
	}
}

func randomFracture(rng *rand.Rand) Deformity {
	shape := []Shape{Wedge, Biconcave, Crush}[rng.IntN(3)]
	loss := within(rng, 15, 60)
	if shape == Crush {
		loss = within(rng, 15, 75)
	}
	d := Fracture(shape, loss)
	d.SuperiorShare = within(rng, 0.45, 0.95)
	return d
}

func addOsteophytes(rng *rand.Rand, vs []Vertebra) {
	for i := range vs {
		v := &vs[i]
		if v.Level < spine.T4 || v.Level > spine.L5 {
			continue
		}
		for _, e := range []spine.Endplate{spine.Superior, spine.Inferior} {
			if rng.Float64() < 0.35 {
				v.Osteophytes = append(v.Osteophytes, Osteophyte{
					Endplate: e,
					Length:   within(rng, 1.5, 5),
					Left:     within(rng, -0.3, 0.3) * v.Width,
					Width:    within(rng, 6, 16),
				})
			}
		}
	}
}
