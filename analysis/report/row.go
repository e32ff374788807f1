// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// guessProbability is the probability below which a level's name is marked as
// doubtful for a reader: one name in ten would be wrong.
const guessProbability = 0.9

// tone says how much attention a row asks for.
type tone uint8

const (
	plain tone = iota
	faint
	doubtful
	deformed
)

// row is one vertebra as text for a reader; what was not measured is empty.
type row struct {
	Level       string
	Probability string // percent
	Ha, Hm, Hp  string // mm
	SD          string // mm
	ExpectedHa  string // mm
	ExpectedHm  string // mm
	ExpectedHp  string // mm
	From        string
	RatioA      string // Ha by Hp, of a film
	RatioM      string // Hm by Hp
	OfHa        string // percent of the expected one
	OfHm        string
	OfHp        string
	Loss        string // percent and the height it is of
	Wedge       string // degrees
	Gardner     string // degrees
	Cobb        string // degrees, bisegmental
	Disc        string // mm
	Grade       string
	Note        string

	Tone tone
}

func rows(r *analysis.Result) []row {
	out := make([]row, len(r.Vertebrae))
	for i := range r.Vertebrae {
		out[i] = newRow(&r.Vertebrae[i])
		out[i].Gardner = angleOf(r, "GARDNER", r.Vertebrae[i].Level)
		out[i].Cobb = angleOf(r, "BISEGMENTAL_COBB", r.Vertebrae[i].Level)
	}
	return out
}

// angleOf returns the named angle of one vertebra, degrees.
func angleOf(r *analysis.Result, name string, l spine.Level) string {
	for _, a := range r.Angles {
		if a.Name == name && a.Level == l {
			return fixed(a.Degrees, 1)
		}
	}
	return ""
}

// regional returns the angles that are not told of a single vertebra.
func regional(r *analysis.Result) []morphometry.Angle {
	var out []morphometry.Angle
	for _, a := range r.Angles {
		if a.Level == spine.Unknown {
			out = append(out, a)
		}
	}
	return out
}

func newRow(v *analysis.Vertebra) row {
	out := row{
		Level:       v.Level.String(),
		Probability: fixed(100*v.LevelProbability, 0),
		Tone:        toneOf(v),
	}
	if v.Level == spine.Unknown || v.LevelProbability < guessProbability {
		out.Level += "?"
	}
	if v.Heights != nil {
		out.Ha, out.Hm, out.Hp = fixed(v.Heights.Anterior, 1), fixed(v.Heights.Middle, 1), fixed(v.Heights.Posterior, 1)
		out.SD = fixed(heightSD(v), 1)
	}
	if hasExpected(v) {
		out.ExpectedHa = fixed(v.Expected.Anterior, 1)
		out.ExpectedHm = fixed(v.Expected.Middle, 1)
		out.ExpectedHp = fixed(v.Expected.Posterior, 1)
		out.From = levelNames(v.Expected.From)
	}
	out.addRatios(v.Ratios)
	if v.WedgeAngle != nil {
		out.Wedge = fixed(v.WedgeAngle.Value, 1)
	}
	if v.DiscHeight != nil {
		out.Disc = fixed(v.DiscHeight.Value, 1)
	}
	if v.Deformity != nil && v.Deformity.Assessed {
		out.Loss = loss(v.Deformity)
		out.Grade = grade(v.Deformity)
	}
	out.Note = note(v)
	return out
}

func toneOf(v *analysis.Vertebra) tone {
	d := v.Deformity
	switch {
	case v.Status != analysis.Measured:
		return faint
	case d != nil && d.Assessed && d.Grade > 0:
		return deformed
	case v.LevelProbability < guessProbability, d != nil && d.Assessed && d.Borderline:
		return doubtful
	}
	return plain
}

// grade returns the Genant grade, followed by "?" where it is borderline.
func grade(d *finding.Deformity) string {
	g := fmt.Sprint(d.Grade)
	if d.Borderline {
		g += "?"
	}
	return g
}

// loss returns the largest loss and its height, such as "31 % Ha". A height
// above the expected one has lost nothing.
func loss(d *finding.Deformity) string {
	names := map[finding.Height]string{
		finding.AnteriorHeight:  "Ha",
		finding.MiddleHeight:    "Hm",
		finding.PosteriorHeight: "Hp",
	}
	return fixed(math.Max(d.WorstLoss, 0), 0) + " % " + names[d.WorstHeight]
}

// note returns the remarks on a vertebra, joined by semicolons.
func note(v *analysis.Vertebra) string {
	var remarks []string
	if v.Status != analysis.Measured {
		remarks = append(remarks, words(statusNames[v.Status]))
	}
	if d := v.Deformity; d != nil && d.Assessed {
		if d.Shape != finding.NoDeformity {
			remarks = append(remarks, words(shapeNames[d.Shape]))
		}
		if d.VertebraPlana {
			remarks = append(remarks, "vertebra plana")
		}
		if d.Borderline {
			remarks = append(remarks, "borderline")
		}
	}
	if v.LevelProbability < guessProbability && v.LevelAlternative != 0 {
		remarks = append(remarks, "or "+v.LevelAlternative.String())
	}
	if v.Reason != "" {
		remarks = append(remarks, v.Reason.String())
	}
	if d := v.Deformity; d != nil && d.Reason != "" && d.Reason != v.Reason {
		remarks = append(remarks, d.Reason.String())
	}
	return strings.Join(append(remarks, readerNote(v)...), "; ")
}
