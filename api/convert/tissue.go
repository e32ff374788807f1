// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/segmentation"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var pedicleStates = map[morphometry.PedicleStatus]endplatev1.Pedicle_Status{
	morphometry.PedicleNotAssessed: endplatev1.Pedicle_NOT_ASSESSABLE,
	morphometry.PediclePresent:     endplatev1.Pedicle_PRESENT,
	morphometry.PedicleEroded:      endplatev1.Pedicle_ERODED_OR_LYTIC,
}

var densityBands = map[finding.DensityBand]endplatev1.Density_Band{
	finding.NotBanded:    endplatev1.Density_NOT_BANDED,
	finding.BandTo110:    endplatev1.Density_AT_MOST_110_HU,
	finding.BandTo135:    endplatev1.Density_AT_MOST_135_HU,
	finding.BandTo160:    endplatev1.Density_AT_MOST_160_HU,
	finding.BandAbove160: endplatev1.Density_OVER_160_HU,
}

var contrastStates = map[finding.ContrastState]endplatev1.Contrast_State{
	finding.ContrastUnknown: endplatev1.Contrast_UNKNOWN,
	finding.ContrastAbsent:  endplatev1.Contrast_ABSENT,
	finding.ContrastPresent: endplatev1.Contrast_PRESENT,
}

// addTissue fills in what the image tells of the body's bone.
func addTissue(out *endplatev1.Vertebra, t *morphometry.Tissue) {
	if t == nil {
		return
	}
	out.Attenuation = attenuation(&t.Attenuation)
	out.Lesions = lesions(&t.Lesions)
	out.VacuumCleft = cleft(&t.Cleft)
	out.Cortex = cortex(&t.Cortex)
	rule := report.RuleOf(finding.PedicleErosionCode)
	out.Pedicles = &endplatev1.Pedicles{
		Left: pedicle(&t.Left), Right: pedicle(&t.Right), Criterion: rule.Criterion.String(), Source: rule.Source.String(),
	}
}

func attenuation(a *morphometry.Attenuation) *endplatev1.Attenuation {
	out := &endplatev1.Attenuation{Reason: a.Reason.String()}
	if a.Measured() {
		out.MedianHu, out.SdHu, out.SpreadHu = number(a.HU), number(a.SD), number(a.Spread)
		out.VolumeMl = number(a.Volume)
	}
	return out
}

func lesions(l *morphometry.Lesions) *endplatev1.Lesions {
	lytic, sclerotic := report.RuleOf(finding.LyticLesionCode), report.RuleOf(finding.ScleroticLesionCode)
	out := &endplatev1.Lesions{
		LyticReason: l.Lytic.Reason.String(), ScleroticReason: l.Sclerotic.Reason.String(), Reason: l.Reason.String(),
		LyticCriterion: lytic.Criterion.String(), ScleroticCriterion: sclerotic.Criterion.String(), Source: lytic.Source.String(),
	}
	if l.Lytic.Assessed {
		out.LyticPercent = percent(l.Lytic.Value)
	}
	if l.Sclerotic.Assessed {
		out.ScleroticPercent = percent(l.Sclerotic.Value)
	}
	if l.Reason == "" {
		out.ReferenceHu = number(l.Reference)
	}
	return out
}

func cleft(g *morphometry.Gas) *endplatev1.VacuumCleft {
	rule := report.RuleOf(finding.VacuumCleftCode)
	out := &endplatev1.VacuumCleft{Criterion: rule.Criterion.String(), Source: rule.Source.String(), Reason: g.Reason.String()}
	if g.Assessed {
		out.Present = new(g.Present())
		out.VolumeMl, out.VolumeSdMl = number(g.Volume), number(g.SD)
	}
	if g.Present() {
		out.Center = position(g.Center)
	}
	return out
}

func cortex(c *morphometry.Cortex) *endplatev1.Cortex {
	rule := report.RuleOf(finding.CorticalGapCode)
	face := func(f segmentation.Face) *endplatev1.CortexFace {
		g := c.Gaps[f]
		if !g.Assessed {
			return nil
		}
		return &endplatev1.CortexFace{GapPercent: percent(g.Share), UsualGapPercent: percent(g.Usual)}
	}
	return &endplatev1.Cortex{
		SuperiorEndplate: face(segmentation.SuperiorFace),
		InferiorEndplate: face(segmentation.InferiorFace),
		AnteriorWall:     face(segmentation.AnteriorFace),
		LeftWall:         face(segmentation.LeftFace),
		RightWall:        face(segmentation.RightFace),
		Criterion:        rule.Criterion.String(),
		Source:           rule.Source.String(),
		Reason:           c.Reason.String(),
	}
}

func pedicle(p *morphometry.Pedicle) *endplatev1.Pedicle {
	out := &endplatev1.Pedicle{Status: pedicleStates[p.Status], Reason: p.Reason.String()}
	if p.HU != 0 { // 0 where it could not be read
		out.AttenuationHu = number(p.HU)
	}
	if p.Expected != 0 { // 0 where there was nothing to expect it from
		out.ExpectedHu = number(p.Expected)
	}
	return out
}

// density returns nil where there was no image.
func density(d *finding.Density) *endplatev1.Density {
	if d == nil {
		return nil
	}
	out := &endplatev1.Density{
		Band: densityBands[d.Band], Reason: d.Reason.String(), Criterion: d.Criterion.String(), Source: d.Source.String(),
		Contrast: &endplatev1.Contrast{State: contrastStates[d.Contrast.State], Statement: d.Contrast.Statement.String()},
	}
	if d.Band != finding.NotBanded {
		out.Borderline = new(d.Borderline)
	}
	if d.KVP > 0 {
		out.Kvp = number(d.KVP)
	}
	return out
}
