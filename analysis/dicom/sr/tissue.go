// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr

import (
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
)

// tissue is what the image tells of the body's bone. The rules by which it becomes a
// finding stand with the findings.
func (d *document) tissue(t *morphometry.Tissue) []*item {
	if t == nil {
		return nil
	}
	all := attenuation(&t.Attenuation)
	all = append(all, lesions(&t.Lesions)...)
	all = append(all, d.cleft(&t.Cleft)...)
	all = append(all, cortex(&t.Cortex)...)
	return append(all, append(pedicle(&t.Left, code.Left, "left"), pedicle(&t.Right, code.Right, "right")...)...)
}

func attenuation(a *morphometry.Attenuation) []*item {
	q := quantity{concept: code.Attenuation, name: "attenuation of cancellous bone", value: a.HU, sd: a.SD, unit: code.Hounsfield}
	where := site(code.VertebralBody)
	if !a.Measured() {
		if a.Reason == "" {
			return nil
		}
		return []*item{q.unmeasured(code.Failure, a.Reason.String()).add(where)}
	}
	return []*item{
		q.item(where, derived(code.Median)).add(because(a.Reason.String())),
		quantity{concept: code.Spread, name: "spread of attenuation between voxels", value: a.Spread, unit: code.Hounsfield}.item(where),
		quantity{concept: code.Volume, name: "volume of cancellous bone measured", value: a.Volume, unit: code.Millilitre}.item(where),
	}
}

func lesions(l *morphometry.Lesions) []*item {
	all := []*item{
		lesion(code.LyticShare, "lytic part of the body", &l.Lytic, l.Reason.String()),
		lesion(code.ScleroticShare, "sclerotic part of the body", &l.Sclerotic, l.Reason.String()),
	}
	if l.Reason == "" {
		q := quantity{concept: code.ExpectedBone, name: "expected attenuation of cancellous bone", value: l.Reference, unit: code.Hounsfield}
		all = append(all, q.item(site(code.VertebralBody)))
	}
	return all
}

func lesion(concept code.Code, name string, s *morphometry.Share, reason string) *item {
	q := share(concept, name, s.Value)
	where := site(code.VertebralBody)
	if s.Assessed {
		return q.item(where)
	}
	if s.Reason != "" {
		reason = s.Reason.String()
	}
	return q.unmeasured(code.Failure, reason).add(where)
}

// cleft is the gas within the body.
func (d *document) cleft(g *morphometry.Gas) []*item {
	q := quantity{concept: code.Volume, name: "volume of gas in the body", value: g.Volume, sd: g.SD, unit: code.Millilitre}
	if !g.Assessed {
		return []*item{q.unmeasured(code.Failure, g.Reason.String()).add(method(code.OfGas))}
	}
	all := []*item{
		q.item(site(code.VertebralBody), method(code.OfGas)),
		yesNo(code.VacuumCleft, g.Present()),
	}
	if g.Present() {
		all = append(all, d.points(contains, code.GasCenter, "POINT", g.Center))
	}
	return all
}

// faces are the faces of a body, without the posterior wall.
var faces = []struct {
	face segmentation.Face
	name string
	site func() *item
}{
	{segmentation.SuperiorFace, "superior endplate", func() *item { return site(code.EndplateSite, code.SuperiorAspect) }},
	{segmentation.InferiorFace, "inferior endplate", func() *item { return site(code.EndplateSite, code.InferiorAspect) }},
	{segmentation.AnteriorFace, "anterior wall", func() *item { return site(code.AnteriorWall) }},
	{segmentation.LeftFace, "left wall", func() *item { return onSide(code.LateralWall, code.Left) }},
	{segmentation.RightFace, "right wall", func() *item { return onSide(code.LateralWall, code.Right) }},
}

func cortex(c *morphometry.Cortex) []*item {
	var all []*item
	for _, f := range faces {
		g := c.Gaps[f.face]
		if !g.Assessed {
			continue
		}
		all = append(all,
			share(code.CortexGap, f.name+" without cortex", g.Share).item(f.site()),
			share(code.CortexGap, f.name+" without cortex, undeformed levels", g.Usual).item(f.site(), method(code.OfIntact)),
		)
	}
	if len(all) == 0 && c.Reason != "" {
		all = append(all, share(code.CortexGap, "faces without cortex", 0).unmeasured(code.Failure, c.Reason.String()))
	}
	return all
}

var pedicleCodes = map[morphometry.PedicleStatus]code.Code{
	morphometry.PedicleNotAssessed: code.PedicleUnknown, morphometry.PediclePresent: code.PediclePresent, morphometry.PedicleEroded: code.PedicleEroded,
}

func pedicle(p *morphometry.Pedicle, side code.Code, name string) []*item {
	all := []*item{coded(contains, code.PedicleState, pedicleCodes[p.Status]).add(onSide(code.Pedicle, side), because(p.Reason.String()))}
	if p.HU != 0 { // 0 where it could not be read
		all = append(all, quantity{concept: code.Attenuation, name: "attenuation of the " + name + " pedicle", value: p.HU, unit: code.Hounsfield}.item(onSide(code.Pedicle, side)))
	}
	if p.Expected != 0 { // 0 where there was nothing to expect it from
		all = append(all, quantity{concept: code.ExpectedBone, name: "expected attenuation of the " + name + " pedicle", value: p.Expected, unit: code.Hounsfield}.item(onSide(code.Pedicle, side)))
	}
	return all
}

var (
	bandCodes = map[finding.DensityBand]code.Code{
		finding.NotBanded: code.BoneUnknown, finding.BandTo110: code.Bone110, finding.BandTo135: code.Bone135,
		finding.BandTo160: code.Bone160, finding.BandAbove160: code.BoneOver160,
	}
	contrastCodes = map[finding.ContrastState]code.Code{
		finding.ContrastUnknown: code.ContrastUnknown, finding.ContrastAbsent: code.ContrastAbsent, finding.ContrastPresent: code.ContrastPresent,
	}
)

// density is the group of the patient's bone, judged; nil without an image.
func (d *document) density(b *finding.Density) *item {
	if b == nil {
		return nil
	}
	g := d.group("cancellous bone", "bone").add(coded(contains, code.Finding, code.Spine), site(code.Spine))
	band := coded(contains, code.Bone, bandCodes[b.Band]).add(because(b.Reason.String())).add(rule(b.Criterion.String(), b.Source.String())...)
	if b.Band != finding.NotBanded {
		band.add(coded(hasProperties, code.Borderline, yes(b.Borderline)))
	}
	g.add(band, coded(contains, code.Contrast, contrastCodes[b.Contrast.State]).add(because(b.Contrast.Statement.String())))
	if b.KVP > 0 {
		g.add(quantity{concept: code.TubeVoltage, name: "tube voltage", value: b.KVP, unit: code.Kilovolt}.item())
	}
	return g
}
