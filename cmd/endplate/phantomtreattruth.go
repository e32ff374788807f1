// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/spine"
)

// The truth of a treatment as JSON.
type (
	treatTruth struct {
		Analyses  []truthAnalysis `json:"analyses"`
		Treatment truthTreatment  `json:"treatment"`
	}
	truthTreatment struct {
		Level         string       `json:"level"`
		Loss          truthThree   `json:"loss_percent"` // asked for
		Restored      truthThree   `json:"restored_percent"`
		SuperiorShare float64      `json:"superior_share"`
		CementML      float64      `json:"cement_ml"` // asked for
		InjuryDate    string       `json:"injury_date"`
		Days          int          `json:"days_to_treated"`
		Change        *truthChange `json:"change,omitempty"`
	}
	// truthChange is what treatment changed at the level, from fractured to treated.
	truthChange struct {
		Heights  truthThree          `json:"height_mm"`
		Restored map[string]*float64 `json:"restored_percent"` // null where nothing was lost
		Wedge    float64             `json:"wedge_angle_deg"`
		Gardner  *float64            `json:"gardner_deg,omitempty"`
		Cobb     *float64            `json:"bisegmental_cobb_deg,omitempty"`
	}
	truthThree struct {
		Anterior  float64 `json:"anterior"`
		Middle    float64 `json:"middle"`
		Posterior float64 `json:"posterior"`
	}
	// truthMotion is how the patient lies: a point p of the stage's spine, as it would
	// lie without, is at center + shift + turn·(p - center).
	truthMotion struct {
		Turn   truthPoint `json:"turn_deg"`
		Center truthPoint `json:"center"`
		Shift  truthPoint `json:"shift_mm"`
	}
)

func vector(p r3.Vec) truthPoint { return *point(p) }

func motionTruth(m warp.Motion) *truthMotion {
	return &truthMotion{vector(m.Turn), vector(m.Center), vector(m.Shift)}
}

// truth tells what is asked for.
func (p *treatPlan) truth(level spine.Level) truthTreatment {
	d := p.deformity
	return truthTreatment{
		Level:         level.String(),
		Loss:          truthThree{100 * d.Anterior, 100 * d.Middle, 100 * d.Posterior},
		Restored:      truthThree{100 * p.restored[0], 100 * p.restored[1], 100 * p.restored[2]},
		SuperiorShare: d.SuperiorShare, CementML: p.cement,
		InjuryDate: p.date("fractured"), Days: p.days,
	}
}

// summarize tells what treatment changed, where both stages were written.
func (t *treatTruth) summarize(level spine.Level) {
	stage := func(name string) (*truthAnalysis, *truthVertebra) {
		for i := range t.Analyses {
			a := &t.Analyses[i]
			n := slices.IndexFunc(a.Vertebrae, func(v truthVertebra) bool { return v.Level == level.String() && v.Heights != nil })
			if a.Stage == name && n >= 0 {
				return a, &a.Vertebrae[n]
			}
		}
		return nil, nil
	}
	before, was := stage("fractured")
	after, is := stage("treated")
	if was == nil || is == nil {
		return
	}
	a, b := was.Heights, is.Heights
	c := &truthChange{
		Heights:  truthThree{b.Anterior - a.Anterior, b.Middle - a.Middle, b.Posterior - a.Posterior},
		Restored: map[string]*float64{},
		Wedge:    *is.WedgeAngle - *was.WedgeAngle,
		Gardner:  angleChange(before, after, "GARDNER", level),
		Cobb:     angleChange(before, after, "BISEGMENTAL_COBB", level),
	}
	for _, h := range []struct {
		name                string
		intact, before, now float64
	}{
		{"anterior", a.ExpectedAnterior, a.Anterior, b.Anterior},
		{"middle", a.ExpectedMiddle, a.Middle, b.Middle},
		{"posterior", a.ExpectedPosterior, a.Posterior, b.Posterior},
	} {
		c.Restored[h.name] = nil
		const nothing = 1e-6 // mm
		if lost := h.intact - h.before; math.Abs(lost) > nothing {
			percent := 100 * (h.now - h.before) / lost
			c.Restored[h.name] = &percent
		}
	}
	t.Treatment.Change = c
}

// angleChange returns the change of an angle that both tell, degrees; else nil.
func angleChange(before, after *truthAnalysis, name string, level spine.Level) *float64 {
	find := func(a *truthAnalysis) *float64 {
		for i := range a.Angles {
			if a.Angles[i].Name == name && a.Angles[i].Level == level.String() {
				return &a.Angles[i].Degrees
			}
		}
		return nil
	}
	was, is := find(before), find(after)
	if was == nil || is == nil {
		return nil
	}
	d := *is - *was
	return &d
}
