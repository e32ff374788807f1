// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"math"
	"strings"

	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// ContrastState says whether contrast medium was in the blood.
type ContrastState uint8

// The states.
const (
	ContrastUnknown ContrastState = iota
	ContrastAbsent
	ContrastPresent
)

// Contrast is what header and image say of contrast medium.
type Contrast struct {
	State     ContrastState
	Statement phrase.Text // what the header says and what the aorta shows
}

// AssessContrast puts together the agent that the header names, empty if none,
// and the aorta. The image counts for more: headers name oral agents and are
// silent about intravenous ones.
func AssessContrast(agent string, aorta morphometry.Aorta) Contrast {
	header := phrase.Text("the header names no contrast agent")
	if NamesAgent(agent) {
		header = "the header names a contrast agent"
	}
	c := Contrast{Statement: phrase.Join("; ", header, aortaStatement(aorta))}
	switch {
	case aorta.Sure && aorta.Enhanced:
		c.State = ContrastPresent
	case aorta.Sure:
		c.State = ContrastAbsent
	case NamesAgent(agent) || aorta.Enhanced:
		c.State = ContrastPresent
	}
	return c
}

func aortaStatement(a morphometry.Aorta) phrase.Text {
	switch {
	case a.Levels == 0:
		return "the aorta was not found"
	case !a.Sure:
		return phrase.Of("what may be the aorta has %.0f HU (%s)", a.HU, a.Reason)
	case a.Enhanced:
		return phrase.Of("the aorta has %.0f HU at %d levels: enhanced", a.HU, a.Levels)
	}
	return phrase.Of("the aorta has %.0f HU at %d levels: not enhanced", a.HU, a.Levels)
}

// NamesAgent reports whether the text of ContrastBolusAgent names an agent, and
// not that there was none.
func NamesAgent(text string) bool {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "", "NONE", "NO", "N", "NO CONTRAST", "WITHOUT", "N/A", "NA", "0":
		return false
	}
	return true
}

// DensityBand is a range of attenuation of L1, without contrast medium at 120 kVp.
type DensityBand uint8

// The bands, from the least attenuation.
const (
	NotBanded DensityBand = iota
	BandTo110
	BandTo135
	BandTo160
	BandAbove160
)

// Cuts of the bands, HU: more than 90 % specific for osteoporosis, balanced, and
// 90 % sensitive. An attenuation at a cut belongs to the lower band.
//
// Reference: Pickhardt et al., Ann Intern Med 2013;158:588.
const (
	SpecificHU  = 110.0
	BalancedHU  = 135.0
	SensitiveHU = 160.0
)

// bandKVP is the tube voltage at which the cuts hold, kV: at 140 and at 100 bone
// reads some 10 HU less and more (131.3 and 148.1 HU against 140.9 in 16,747 CTs;
// "Normalization of Trabecular Bone Attenuation across Kvp Values", poster, AAPM
// 2026).
const bandKVP = 120.0

const densitySource phrase.Text = "Pickhardt 2013, Ann Intern Med 158:588 (L1, 120 kVp, unenhanced; n = 1867)"

var densityCriterion = phrase.Of("median attenuation of the cancellous bone of L1 at most %g (over 90 %% specific), %g (balanced) or %g HU (90 %% sensitive for osteoporosis)", SpecificHU, BalancedHU, SensitiveHU)

// Text returns the band in HU.
func (b DensityBand) Text() phrase.Text {
	return [...]phrase.Text{"not banded", "at most 110 HU", "over 110 to 135 HU", "over 135 to 160 HU", "over 160 HU"}[b]
}

func (b DensityBand) String() string { return b.Text().String() }

// Density is the attenuation of the patient's cancellous bone, as far as the
// acquisition lets it be judged. It is no bone mineral density.
type Density struct {
	Band       DensityBand
	Borderline bool        // a cut lies within two standard errors
	Reason     phrase.Text // why it is not banded
	Contrast   Contrast
	KVP        float64 // 0 if not known
	Criterion  phrase.Text
	Source     phrase.Text
}

// LevelAttenuation is the attenuation of one named body.
type LevelAttenuation struct {
	Level       spine.Level
	Attenuation morphometry.Attenuation
	Deformed    bool
}

// AssessDensity bands L1. It holds the reason where that cannot be done: then
// the attenuations are numbers only.
func AssessDensity(column []LevelAttenuation, kvp float64, c Contrast) Density {
	d := Density{Contrast: c, KVP: kvp, Criterion: densityCriterion, Source: densitySource}
	var l1 *LevelAttenuation
	for i := range column {
		if column[i].Level == spine.L1 {
			l1 = &column[i]
		}
	}
	switch {
	case c.State == ContrastPresent:
		d.Reason = phrase.Of("HU only, not banded: contrast medium (%s)", c.Statement)
	case c.State == ContrastUnknown:
		d.Reason = phrase.Of("HU only, not banded: whether there is contrast medium is not known (%s)", c.Statement)
	case kvp == 0:
		d.Reason = "HU only, not banded: the tube voltage is not known"
	case math.Abs(kvp-bandKVP) > 0.5:
		d.Reason = phrase.Of("HU only, not banded: %g kVp, the cuts hold at %g", kvp, bandKVP)
	case l1 == nil || !l1.Attenuation.Measured():
		d.Reason = "HU only, not banded: L1 was not measured"
	case l1.Deformed:
		d.Reason = "HU only, not banded: L1 is deformed"
	default:
		d.band(l1.Attenuation)
	}
	return d
}

func (d *Density) band(a morphometry.Attenuation) {
	d.Band = BandAbove160
	for i, cut := range []float64{SpecificHU, BalancedHU, SensitiveHU} {
		d.Borderline = d.Borderline || math.Abs(a.HU-cut) <= 2*a.SD
		if a.HU <= cut {
			d.Band = min(d.Band, BandTo110+DensityBand(i))
		}
	}
}

// DensityCode is the code of the finding about L1.
const DensityCode = "ATTENUATION_BAND"

// Findings returns the band as a finding; none where it is not banded or over
// 160 HU.
func (d *Density) Findings(l1 morphometry.Attenuation) []Finding {
	if d.Band == NotBanded || d.Band == BandAbove160 {
		return nil
	}
	return []Finding{{
		Code: DensityCode, Levels: []spine.Level{spine.L1}, Borderline: d.Borderline,
		Statement: phrase.Of("L1: cancellous bone %.0f ± %.0f HU, %s (%s)", l1.HU, l1.SD, d.Band.Text(), d.Contrast.Statement),
		Criterion: d.Criterion, Source: d.Source,
	}}
}
