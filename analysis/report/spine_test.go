// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// A made spine: bodies of 25 mm by 32 mm every 33 mm, standing on a kyphotic arc
// of radius 400 mm whose canal lies 24 mm behind the bodies' centres. Its third
// vertebra, L1, is wedged to 15 mm in front; its last is cut.
const (
	arcRadius  = 400.0
	pitch      = 33.0
	bodyHeight = 25.0
	bodyDepth  = 32.0
	toCanal    = 24.0
	levelCount = 6
	wedgedAt   = 2
	wedgedHa   = 15.0
)

// onArc returns the body's frame s mm down the arc of the bodies' centres.
func onArc(s float64) volume.Frame {
	t := (s - pitch*levelCount/2) / arcRadius
	center := r3.Vec{Y: arcRadius * (1 - math.Cos(t)), Z: -arcRadius * math.Sin(t)}
	return volume.NewFrame(center, r3.Vec{Y: -math.Sin(t), Z: math.Cos(t)}, r3.Vec{Y: -math.Cos(t), Z: -math.Sin(t)})
}

func madeExamination() report.Examination {
	return report.Examination{
		StudyInstanceUID:    "1.2.3",
		SeriesInstanceUID:   "1.2.3.4",
		FrameOfReferenceUID: "1.2.3.5",
		Modality:            "CT",
		Path:                "made",
		Result:              madeResult(),
	}
}

func madeResult() *analysis.Result {
	r := &analysis.Result{
		Angles: []morphometry.Angle{{
			Name: "THORACIC_KYPHOSIS", Degrees: 38.96, SD: 1.5,
			From: morphometry.EndplateOf{Level: spine.T4, Endplate: spine.Superior},
			To:   morphometry.EndplateOf{Level: spine.T12, Endplate: spine.Inferior},
		}, {
			Name: "GARDNER", Level: spine.L1, Degrees: 24.04, SD: 1.2,
			From: morphometry.EndplateOf{Level: spine.T12, Endplate: spine.Superior},
			To:   morphometry.EndplateOf{Level: spine.L1, Endplate: spine.Inferior},
		}},
		Findings: []finding.Finding{{
			Code: "VERTEBRAL_DEFORMITY", Levels: []spine.Level{spine.L1}, Statement: "L1: wedge deformity, Genant grade 2",
			Criterion: "loss of 25 to 40 % of the expected height", Source: "Genant 1993", Borderline: true,
		}},
		Warnings: []analysis.Warning{{Code: "LEVELS_GUESSED", Message: "no anchor in the field of view: <names> are a guess"}},
	}
	for s := -20.0; s < pitch*levelCount; s++ {
		f := onArc(s)
		r.Canal = append(r.Canal, localization.CanalPoint{Position: f.Point(0, -toCanal, 0), Superior: f.Superior, Anterior: f.Anterior})
	}
	levels := []spine.Level{spine.T11, spine.T12, spine.L1, spine.L2, spine.L2 + 1, spine.L2 + 2}
	for i, l := range levels {
		r.Vertebrae = append(r.Vertebrae, madeVertebra(i, l))
	}
	addBone(r)
	last := &r.Vertebrae[levelCount-1]
	*last = analysis.Vertebra{Level: last.Level, LevelProbability: 0.97, Status: analysis.Truncated, Reason: "cut by the field of view", Center: last.Center}
	return r
}

// addBone gives the made spine's bodies canal, wall and bone: the wedged L1 has a
// gap in its posterior wall and an eroded pedicle, L2 holds cement that leaked, L3
// a screw.
func addBone(r *analysis.Result) {
	at := func(value, sd float64) morphometry.Estimate { return morphometry.Estimate{Value: value, SD: sd} }
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		v.Canal.Size = &morphometry.Canal{AP: at(16, 0.4), Area: at(280, 8), NarrowestAP: at(15, 0.5), NarrowestArea: at(250, 9)}
		v.Canal.Compromise = &morphometry.Compromise{AP: at(2, 6), Area: at(3, 7), ExpectedAP: 15.3, ExpectedArea: 258, From: v.Expected.From}
		v.Wall.Measures = finding.WallMeasures{
			Retropulsion: &morphometry.Retropulsion{Estimate: at(0.3, 0.6), From: v.Expected.From},
			GapReason:    "the walls show too little cortical bone to tell a gap",
		}
		v.Tissue = &morphometry.Tissue{
			Attenuation: morphometry.Attenuation{HU: 131, SD: 3, Spread: 30, Volume: 5},
			Lesions:     morphometry.Lesions{Lytic: morphometry.Share{Assessed: true}, Sclerotic: morphometry.Share{Reason: "no reason"}, Reference: 131},
			Cleft:       morphometry.Gas{Assessed: true},
			Left:        morphometry.Pedicle{Status: morphometry.PediclePresent, HU: 300, Expected: 290},
			Right:       morphometry.Pedicle{Status: morphometry.PediclePresent, HU: 290, Expected: 300},
		}
	}
	broken, treated, screwed := &r.Vertebrae[wedgedAt], &r.Vertebrae[wedgedAt+1], &r.Vertebrae[wedgedAt+2]
	broken.Canal.Compromise.Area = at(31, 7)
	broken.Wall.Measures.Gap, broken.Wall.Measures.GapReason = &morphometry.WallGap{Share: 0.25, IntactSD: 0.02, Judged: 0.7, Levels: 3}, ""
	broken.Tissue.Left = morphometry.Pedicle{Status: morphometry.PedicleEroded, HU: 45, Expected: 290}
	broken.Tissue.Cleft = morphometry.Gas{Assessed: true, Volume: 0.4, SD: 0.05}
	treated.Cement = &cement.Treated{
		Volume: 4.2, VolumeSD: 0.1, Inside: 4, BodyShare: 0.16, Left: 0.4, Contacts: [2]cement.Contact{{Gap: -1, Area: 90, Touches: true}, {Gap: 3}},
		Leaks: []cement.Leak{{Place: cement.Canal, Volume: 0.2, Distance: 4.4}}, Attenuation: 1900, Confidence: 0.6, Doubts: []cement.Doubt{cement.DoubtMetal},
		Mask: madeMask(treated.Center),
	}
	screwed.Metal = &cement.Metal{Volume: 2, InBody: true}
	density := finding.AssessDensity(nil, 120, finding.AssessContrast("", morphometry.Aorta{HU: 210, Levels: 4, Sure: true, Enhanced: true}))
	r.Density = &density
	for i := range r.Vertebrae {
		judgeBone(&r.Vertebrae[i])
	}
}

// judgeBone judges what addBone gave.
func judgeBone(v *analysis.Vertebra) {
	v.Canal.Assessment = finding.AssessCanal(v.Canal.Compromise, "")
	v.Wall.PosteriorWall = finding.AssessPosteriorWall(v.Wall.Measures)
	in := finding.FractureInput{
		Level: v.Level, Deformity: v.Deformity, Tissue: v.Tissue, Wall: v.Wall.State,
		Endplates: &morphometry.EndplateShapes{{Sunk: 5, SunkSD: 0.5}, {}},
	}
	if gap := v.Wall.Measures.Gap; gap != nil {
		in.WallShare = &gap.Share
	}
	v.Fracture = finding.DescribeFracture(in)
	v.Treatment = finding.TreatmentFacts(finding.TreatmentInput{FractureInput: in, Fracture: v.Fracture})
}

// The ball of cement in the made spine, mm.
const ballRadius = 8.0

// madeMask is a ball of cement around a position, in the made volume.
func madeMask(center r3.Vec) cement.Mask {
	g := madeGeometry()
	i, j, k := g.Indexer().Index(center)
	half := [3]int{7, 8, 6} // voxels
	m := cement.Mask{Origin: [3]int{int(i) - half[0], int(j) - half[1], int(k) - half[2]}}
	for axis := range m.Size {
		m.Size[axis] = 2*half[axis] + 1
	}
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			for i := range m.Size[0] {
				p := g.Position(float64(m.Origin[0]+i), float64(m.Origin[1]+j), float64(m.Origin[2]+k))
				fraction := uint8(0)
				if r3.Norm(r3.Sub(p, center)) <= ballRadius {
					fraction = 255
				}
				m.Fraction = append(m.Fraction, fraction)
			}
		}
	}
	return m
}

func madeVertebra(i int, l spine.Level) analysis.Vertebra {
	f := onArc(pitch * float64(i))
	ha := bodyHeight
	if i == wedgedAt {
		ha = wedgedHa
	}
	body := &segmentation.Body{Frame: f, Depth: bodyDepth, Width: 44}
	for a := -bodyDepth / 2; a <= bodyDepth/2; a++ {
		half := halfHeight(a, ha)
		body.Superior.A, body.Superior.S = append(body.Superior.A, a), append(body.Superior.S, half)
		body.Inferior.A, body.Inferior.S = append(body.Inferior.A, a), append(body.Inferior.S, -half)
	}
	endplate := func(sign float64) landmark.Endplate {
		at := func(a float64) landmark.Point {
			return landmark.Point{Position: f.Point(sign*halfHeight(a, ha), a, 0), SD: 0.2}
		}
		corner := bodyDepth/2 - 1.5
		e := landmark.Endplate{Anterior: at(corner), Middle: at(0), Posterior: at(-corner)}
		e.Direction = r3.Unit(r3.Sub(e.Anterior.Position, e.Posterior.Position))
		return e
	}
	v := analysis.Vertebra{
		Level: l, LevelProbability: 0.97, LevelAlternative: l + 1, Status: analysis.Measured, Complete: true, Center: f.Origin,
		Body:       body,
		Landmarks:  &landmark.Vertebra{Superior: endplate(1), Inferior: endplate(-1), Center: f.Origin},
		Heights:    &morphometry.Heights{Anterior: ha, Middle: (ha + bodyHeight) / 2, Posterior: bodyHeight, AnteriorSD: 0.3, MiddleSD: 0.25, PosteriorSD: 0.2},
		Expected:   &morphometry.Expected{Anterior: bodyHeight, Middle: bodyHeight, Posterior: bodyHeight, SD: 0.8, From: []spine.Level{l - 1, l + 1}},
		WedgeAngle: &analysis.Measurement{Value: 0, SD: 0.9},
		DiscHeight: &analysis.Measurement{Value: pitch - bodyHeight, SD: 0.3},
		Deformity:  &finding.Deformity{Assessed: true, Basis: finding.AdjacentLevels, WorstHeight: finding.AnteriorHeight},
	}
	if i == wedgedAt {
		v.LevelProbability = 0.6
		v.WedgeAngle.Value = 17.35
		v.Deformity.Grade, v.Deformity.Shape, v.Deformity.Borderline = 2, finding.Wedge, true
		v.Deformity.WorstLoss, v.Deformity.WorstLossSD = 100*(1-wedgedHa/bodyHeight), 2
	}
	return v
}

// halfHeight returns half the body's height at a mm anterior of its centre.
func halfHeight(a, ha float64) float64 {
	return (bodyHeight + (ha-bodyHeight)*(a+bodyDepth/2)/bodyDepth) / 2
}

// madeVolume renders the spine: bone in the bodies, fat around, air outside.
func madeVolume() *volume.Volume {
	v := volume.New(madeGeometry())
	for k := range v.Slices {
		for j := range v.Rows {
			for i := range v.Columns {
				p := v.Position(float64(i), float64(j), float64(k))
				v.Samples[(k*v.Rows+j)*v.Columns+i] = madeHU(p)
			}
		}
	}
	return v
}

func madeGeometry() volume.Geometry {
	return volume.Geometry{
		Columns: 40, Rows: 160, Slices: 150,
		Origin: r3.Vec{X: -30, Y: -100, Z: -130},
		Column: r3.Vec{X: 1.5}, Row: r3.Vec{Y: 1.2}, Slice: r3.Vec{Z: 1.8},
	}
}

func madeHU(p r3.Vec) int16 {
	for i := range levelCount {
		s, a, l := onArc(pitch * float64(i)).Coordinates(p)
		ha := bodyHeight
		if i == wedgedAt {
			ha = wedgedHa
		}
		if math.Abs(a) <= bodyDepth/2 && math.Abs(l) < 22 && math.Abs(s) <= halfHeight(a, ha) {
			return 500
		}
	}
	return 20
}
