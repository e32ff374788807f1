// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// between stands between the entries of a cell that holds several.
const between = ";"

func canalColumns() []column {
	size := func(decimals int, value func(*morphometry.Canal) float64) func(*Examination, *analysis.Vertebra) string {
		return number(decimals, func(v *analysis.Vertebra) float64 { return value(v.Canal.Size) }, hasCanal)
	}
	compared := func(value func(*morphometry.Compromise) float64) func(*Examination, *analysis.Vertebra) string {
		return number(decimalsPercent, func(v *analysis.Vertebra) float64 { return value(v.Canal.Compromise) }, hasCompromise)
	}
	classed := func(v *analysis.Vertebra) bool { return v.Canal.Assessment.Class != finding.CanalNotAssessed }
	return []column{
		{"canal_ap_mm", size(decimalsMM, func(c *morphometry.Canal) float64 { return c.AP.Value })},
		{"canal_ap_sd_mm", size(decimalsMM, func(c *morphometry.Canal) float64 { return c.AP.SD })},
		{"canal_area_mm2", size(decimalsMM2, func(c *morphometry.Canal) float64 { return c.Area.Value })},
		{"canal_area_sd_mm2", size(decimalsMM2, func(c *morphometry.Canal) float64 { return c.Area.SD })},
		{"canal_narrowest_ap_mm", size(decimalsMM, func(c *morphometry.Canal) float64 { return c.NarrowestAP.Value })},
		{"canal_narrowest_ap_sd_mm", size(decimalsMM, func(c *morphometry.Canal) float64 { return c.NarrowestAP.SD })},
		{"canal_narrowest_area_mm2", size(decimalsMM2, func(c *morphometry.Canal) float64 { return c.NarrowestArea.Value })},
		{"canal_narrowest_area_sd_mm2", size(decimalsMM2, func(c *morphometry.Canal) float64 { return c.NarrowestArea.SD })},
		{"canal_ap_compromise_percent", compared(func(c *morphometry.Compromise) float64 { return c.AP.Value })},
		{"canal_ap_compromise_sd_percent", compared(func(c *morphometry.Compromise) float64 { return c.AP.SD })},
		{"canal_area_compromise_percent", compared(func(c *morphometry.Compromise) float64 { return c.Area.Value })},
		{"canal_area_compromise_sd_percent", compared(func(c *morphometry.Compromise) float64 { return c.Area.SD })},
		{"canal_compromise_class", text(func(v *analysis.Vertebra) string { return canalNames[v.Canal.Assessment.Class] }, classed)},
		{"canal_borderline", text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Canal.Assessment.Borderline) }, classed)},
		{"canal_reason", text(func(v *analysis.Vertebra) string { return canalReason(&v.Canal) })},
	}
}

func wallColumns() []column {
	assessed := func(v *analysis.Vertebra) bool { return len(v.Wall.Criteria) > 0 }
	hasRetropulsion := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Retropulsion != nil }
	hasGap := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Gap != nil }
	hasAngles := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Angles != nil }
	hasHeight := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Heights.Expected != nil }
	return []column{
		{"posterior_wall_state", text(func(v *analysis.Vertebra) string { return wallNames[v.Wall.State] }, assessed)},
		{"posterior_wall_reason", text(func(v *analysis.Vertebra) string { return v.Wall.Reason }, assessed)},
		{"posterior_wall_retropulsion_mm", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Retropulsion.Value }, hasRetropulsion)},
		{"posterior_wall_retropulsion_sd_mm", number(decimalsMM, func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Retropulsion.SD }, hasRetropulsion)},
		{"posterior_wall_gap_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Gap.Share }, hasGap)},
		{"posterior_wall_intact_gap_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Gap.IntactSD }, hasGap)},
		{"posterior_wall_superior_angle_deg", number(decimalsDegrees, func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Superior.Value }, hasAngles)},
		{"posterior_wall_superior_angle_sd_deg", number(decimalsDegrees, func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Superior.SD }, hasAngles)},
		{"posterior_wall_inferior_angle_deg", number(decimalsDegrees, func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Inferior.Value }, hasAngles)},
		{"posterior_wall_inferior_angle_sd_deg", number(decimalsDegrees, func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Inferior.SD }, hasAngles)},
		{"posterior_wall_height_of_expected_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Heights.Expected.Value }, hasHeight)},
		{"posterior_wall_height_of_expected_sd_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Heights.Expected.SD }, hasHeight)},
	}
}

func tissueColumns() []column {
	measured := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Attenuation.Measured() }
	lytic := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Lesions.Lytic.Assessed }
	sclerotic := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Lesions.Sclerotic.Assessed }
	gas := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Cleft.Assessed }
	all := []column{
		{"attenuation_median_hu", number(decimalsHU, func(v *analysis.Vertebra) float64 { return v.Tissue.Attenuation.HU }, measured)},
		{"attenuation_sd_hu", number(decimalsHU, func(v *analysis.Vertebra) float64 { return v.Tissue.Attenuation.SD }, measured)},
		{"attenuation_volume_ml", number(decimalsML, func(v *analysis.Vertebra) float64 { return v.Tissue.Attenuation.Volume }, measured)},
		{"attenuation_reason", text(func(v *analysis.Vertebra) string { return v.Tissue.Attenuation.Reason }, hasTissue)},
		{"lesions_lytic_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Tissue.Lesions.Lytic.Value }, lytic)},
		{"lesions_sclerotic_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Tissue.Lesions.Sclerotic.Value }, sclerotic)},
		{"vacuum_cleft_volume_ml", number(decimalsML, func(v *analysis.Vertebra) float64 { return v.Tissue.Cleft.Volume }, gas)},
		{"vacuum_cleft_volume_sd_ml", number(decimalsML, func(v *analysis.Vertebra) float64 { return v.Tissue.Cleft.SD }, gas)},
	}
	for _, f := range fiveFaces {
		seen := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Cortex.Gaps[f.face].Assessed }
		all = append(all, column{"cortex_" + f.name + "_gap_percent", number(decimalsPercent,
			func(v *analysis.Vertebra) float64 { return 100 * v.Tissue.Cortex.Gaps[f.face].Share }, seen)})
	}
	for _, s := range twoSides {
		seen := func(v *analysis.Vertebra) bool { return v.Tissue != nil && s.of(v.Tissue).HU != 0 } // 0 where it could not be read
		all = append(all,
			column{"pedicles_" + s.name + "_status", text(func(v *analysis.Vertebra) string { return pedicleNames[s.of(v.Tissue).Status] }, hasTissue)},
			column{"pedicles_" + s.name + "_attenuation_hu", number(decimalsHU, func(v *analysis.Vertebra) float64 { return s.of(v.Tissue).HU }, seen)})
	}
	return all
}

func cementColumns() []column {
	ml := func(value func(*cement.Treated) float64) func(*Examination, *analysis.Vertebra) string {
		return number(decimalsML, func(v *analysis.Vertebra) float64 { return value(v.Cement) }, hasCement)
	}
	inside := func(v *analysis.Vertebra) bool { return hasCement(v) && v.Cement.Inside > 0 }
	hasMetal := func(v *analysis.Vertebra) bool { return v.Metal != nil }
	all := []column{
		{"cement_volume_ml", ml(func(t *cement.Treated) float64 { return t.Volume })},
		{"cement_volume_sd_ml", ml(func(t *cement.Treated) float64 { return t.VolumeSD })},
		{"cement_inside_ml", ml(func(t *cement.Treated) float64 { return t.Inside })},
		{"cement_body_share_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Cement.BodyShare }, hasCementInOutline)},
		{"cement_left_share_percent", number(decimalsPercent, func(v *analysis.Vertebra) float64 { return 100 * v.Cement.Left }, inside)},
	}
	for e, name := range [2]string{spine.Superior: "superior", spine.Inferior: "inferior"} {
		measured := func(v *analysis.Vertebra) bool { return hasCement(v) && v.Cement.Contacts[e] != cement.Contact{} }
		all = append(all, column{"cement_" + name + "_contact_touches",
			text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Cement.Contacts[e].Touches) }, measured)})
	}
	for _, p := range leakPlaces {
		all = append(all, column{"cement_leaks_" + strings.ToLower(p.name) + "_ml",
			number(decimalsML, func(v *analysis.Vertebra) float64 { return leaked(v.Cement, p.place).Volume }, hasCementInOutline)})
	}
	return append(all,
		column{"cement_attenuation_hu", number(decimalsHU, func(v *analysis.Vertebra) float64 { return v.Cement.Attenuation }, hasCement)},
		column{"cement_confidence", number(decimalsProbability, func(v *analysis.Vertebra) float64 { return v.Cement.Confidence }, hasCement)},
		column{"cement_doubts", text(func(v *analysis.Vertebra) string { return doubts(v.Cement, between) }, hasCement)},
		column{"metal_volume_ml", number(decimalsML, func(v *analysis.Vertebra) float64 { return v.Metal.Volume }, hasMetal)},
		column{"metal_in_body", text(func(v *analysis.Vertebra) string { return strconv.FormatBool(v.Metal.InBody) }, hasMetal)})
}

func fractureColumns() []column {
	has := func(v *analysis.Vertebra) bool { return v.Fracture != nil }
	return []column{
		{"fracture_superior_endplate_broken", text(func(v *analysis.Vertebra) string { return answerNames[v.Fracture.Superior.Broken] }, has)},
		{"fracture_inferior_endplate_broken", text(func(v *analysis.Vertebra) string { return answerNames[v.Fracture.Inferior.Broken] }, has)},
		{"fracture_candidates", text(func(v *analysis.Vertebra) string { return candidates(v.Fracture, between) }, has)},
		{"treatment_facts", text(func(v *analysis.Vertebra) string { return facts(v.Treatment) })},
	}
}

func hasCanal(v *analysis.Vertebra) bool      { return v.Canal.Size != nil }
func hasCompromise(v *analysis.Vertebra) bool { return v.Canal.Compromise != nil }
func hasTissue(v *analysis.Vertebra) bool     { return v.Tissue != nil }
func hasCement(v *analysis.Vertebra) bool     { return v.Cement != nil }

// hasCementInOutline reports whether there is cement in a body whose outline is
// known: shares, contacts and leaks are relative to it.
func hasCementInOutline(v *analysis.Vertebra) bool {
	return v.Cement != nil && !slices.Contains(v.Cement.Doubts, cement.DoubtOutline)
}

// canalReason returns why a canal was not measured or judged, or what makes it
// doubtful.
func canalReason(c *analysis.Canal) string {
	if c.Reason != "" {
		return c.Reason
	}
	return c.Assessment.Reason
}

// leaked returns the leak to a place, the zero Leak if there is none.
func leaked(t *cement.Treated, p cement.Place) cement.Leak {
	for _, l := range t.Leaks {
		if l.Place == p {
			return l
		}
	}
	return cement.Leak{}
}

func doubts(t *cement.Treated, separator string) string {
	all := make([]string, len(t.Doubts))
	for i, d := range t.Doubts {
		all[i] = string(d)
	}
	return strings.Join(all, separator)
}

func candidates(f *finding.Fracture, separator string) string {
	all := make([]string, len(f.Candidates))
	for i, c := range f.Candidates {
		all[i] = c.Class
	}
	return strings.Join(all, separator)
}

// facts returns the answers by their codes, such as "STABLE_WEDGE_A1=NO".
func facts(all []finding.TreatmentFact) string {
	answers := make([]string, len(all))
	for i, f := range all {
		answers[i] = f.Code + "=" + answerNames[f.Answer]
	}
	return strings.Join(answers, between)
}

// fiveFaces are the faces of a body and their names in the contract.
var fiveFaces = []struct {
	name string
	face segmentation.Face
}{
	{"superior_endplate", segmentation.SuperiorFace},
	{"inferior_endplate", segmentation.InferiorFace},
	{"anterior_wall", segmentation.AnteriorFace},
	{"left_wall", segmentation.LeftFace},
	{"right_wall", segmentation.RightFace},
}

var twoSides = []struct {
	name string
	of   func(*morphometry.Tissue) *morphometry.Pedicle
}{
	{"left", func(t *morphometry.Tissue) *morphometry.Pedicle { return &t.Left }},
	{"right", func(t *morphometry.Tissue) *morphometry.Pedicle { return &t.Right }},
}

// leakPlaces are the places of leaks and their names in the contract.
var leakPlaces = []struct {
	name  string
	place cement.Place
}{
	{"CANAL", cement.Canal},
	{"FORAMEN", cement.Foramen},
	{"PARAVERTEBRAL", cement.Paravertebral},
	{"SUPERIOR_DISC", cement.SuperiorDisc},
	{"INFERIOR_DISC", cement.InferiorDisc},
}
