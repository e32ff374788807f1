// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
)

// EndplateShape is the shape of one endplate beside that of the patient's
// undeformed levels.
type EndplateShape struct {
	// Sunk is how much deeper its concavity is than theirs, mm.
	Sunk, SunkSD float64
	// Tilted is how much lower its anterior corner stands than theirs against the
	// posterior wall, mm towards the body's middle.
	Tilted, TiltedSD float64
}

// EndplateShapes are the shapes of a body's two endplates, by spine.Endplate.
type EndplateShapes [2]EndplateShape

// OutlinedBody is a body whose endplates are compared.
type OutlinedBody struct {
	Outline   *segmentation.Body
	Landmarks *landmark.Vertebra // nil where it was not measured
	Deformed  bool
}

const (
	// The spread of undeformed endplates between the levels of one person: of the
	// concavity, mm, and of the angle to the posterior wall, degrees. The
	// concavity is 1.5 mm on the one side of a disc and 0.7 on the other (Wang 2012,
	// Eur Spine J, PMC3481085); angles to the wall scatter by some 4° between the
	// levels of people without fracture (unverified).
	sunkSpread = 0.6
	tiltSpread = 4.0
	// shapeReach is how many levels away those stand that tell what is expected.
	shapeReach = 3
)

// EndplateShapesOf compares the endplates of body i of a column with those of the
// undeformed bodies near it; nil where they cannot be compared.
func EndplateShapesOf(column []OutlinedBody, i int) *EndplateShapes {
	own, ok := outlineShape(&column[i])
	if !ok {
		return nil
	}
	var mean [2]endplateForm
	n := 0.0
	for j := max(i-shapeReach, 0); j <= min(i+shapeReach, len(column)-1); j++ {
		if j == i || column[j].Deformed {
			continue
		}
		if form, ok := outlineShape(&column[j]); ok {
			n++
			for e := range mean {
				mean[e].depth += form[e].depth
				mean[e].angle += form[e].angle
			}
		}
	}
	if n == 0 {
		return nil
	}
	var out EndplateShapes
	depth := column[i].Outline.Depth
	for e := range out {
		v := column[i].endplate(e)
		spread := math.Sqrt(1 + 1/n)
		out[e] = EndplateShape{
			Sunk: own[e].depth - mean[e].depth/n, SunkSD: math.Hypot(sunkSpread*spread, v.Middle.SD),
			Tilted:   depth * math.Tan((own[e].angle-mean[e].angle/n)*math.Pi/180),
			TiltedSD: math.Hypot(depth*math.Tan(tiltSpread*spread*math.Pi/180), v.Anterior.SD),
		}
	}
	return &out
}

// endplateForm is the depth of an endplate's concavity, mm, and the angle by which
// it falls to anterior, towards the body, against the posterior wall's normal,
// degrees.
type endplateForm struct{ depth, angle float64 }

func outlineShape(b *OutlinedBody) ([2]endplateForm, bool) {
	var out [2]endplateForm
	const leastPoints = 3
	if b.Landmarks == nil || b.Outline == nil || !b.Landmarks.Superior.Found() || !b.Landmarks.Inferior.Found() || len(b.Outline.Posterior.S) < leastPoints {
		return out, false
	}
	_, slope := stat.LinearRegression(b.Outline.Posterior.S, b.Outline.Posterior.A, nil, false)
	f := b.Outline.Frame
	across := r3.Sub(f.Anterior, r3.Scale(slope, f.Superior)) // the wall's normal
	for e := range out {
		plate := b.endplate(e)
		rise := math.Atan2(r3.Dot(plate.Direction, f.Superior), r3.Dot(plate.Direction, f.Anterior))
		level := math.Atan2(r3.Dot(across, f.Superior), r3.Dot(across, f.Anterior))
		angle := (level - rise) * 180 / math.Pi
		if e == 1 {
			angle = -angle
		}
		out[e] = endplateForm{plate.Depth, angle}
	}
	return out, true
}

// endplate returns the superior (0) or the inferior (1) endplate.
func (b *OutlinedBody) endplate(e int) *landmark.Endplate {
	if e == 0 {
		return &b.Landmarks.Superior
	}
	return &b.Landmarks.Inferior
}
