// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
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

func canalFields() []field[*analysis.Vertebra] {
	size := func(name string, q quantity, meaning string, value func(*morphometry.Canal) float64) field[*analysis.Vertebra] {
		return number(name, q, meaning, func(v *analysis.Vertebra) float64 { return value(v.Canal.Size) }, hasCanal)
	}
	compared := func(name, meaning string, value func(*morphometry.Compromise) float64) field[*analysis.Vertebra] {
		return number(name, inPercent, meaning, func(v *analysis.Vertebra) float64 { return value(v.Canal.Compromise) }, hasCompromise)
	}
	classed := func(v *analysis.Vertebra) bool { return v.Canal.Assessment.Class != finding.CanalNotAssessed }
	return []field[*analysis.Vertebra]{
		size("canal_ap_mm", inMM, "mid-sagittal diameter of the bony canal at the pedicles, median",
			func(c *morphometry.Canal) float64 { return c.AP.Value }),
		size("canal_ap_sd_mm", inMM, "its standard deviation",
			func(c *morphometry.Canal) float64 { return c.AP.SD }),
		size("canal_area_mm2", inMM2, "area of the bony canal at the pedicles, median",
			func(c *morphometry.Canal) float64 { return c.Area.Value }),
		size("canal_area_sd_mm2", inMM2, "its standard deviation",
			func(c *morphometry.Canal) float64 { return c.Area.SD }),
		size("canal_narrowest_ap_mm", inMM, "least mid-sagittal diameter behind the body",
			func(c *morphometry.Canal) float64 { return c.NarrowestAP.Value }),
		size("canal_narrowest_ap_sd_mm", inMM, "its standard deviation",
			func(c *morphometry.Canal) float64 { return c.NarrowestAP.SD }),
		size("canal_narrowest_area_mm2", inMM2, "least area behind the body",
			func(c *morphometry.Canal) float64 { return c.NarrowestArea.Value }),
		size("canal_narrowest_area_sd_mm2", inMM2, "its standard deviation",
			func(c *morphometry.Canal) float64 { return c.NarrowestArea.SD }),
		compared("canal_ap_compromise_percent", "by how much the least diameter is below that of the adjacent levels",
			func(c *morphometry.Compromise) float64 { return c.AP.Value }),
		compared("canal_ap_compromise_sd_percent", "its standard deviation, percentage points",
			func(c *morphometry.Compromise) float64 { return c.AP.SD }),
		compared("canal_area_compromise_percent", "by how much the least area is below that of the adjacent levels",
			func(c *morphometry.Compromise) float64 { return c.Area.Value }),
		compared("canal_area_compromise_sd_percent", "its standard deviation, percentage points",
			func(c *morphometry.Compromise) float64 { return c.Area.SD }),
		text("canal_compromise_class", "MINIMAL, MILD, MODERATE, SEVERE or CRITICAL, by the area",
			func(v *analysis.Vertebra) string { return canalNames[v.Canal.Assessment.Class] }, classed),
		boolean("canal_borderline", "close enough to a cut that the class may be the next one",
			func(v *analysis.Vertebra) bool { return v.Canal.Assessment.Borderline }, classed),
		text("canal_reason", "why the canal was not measured or judged, or what makes it doubtful",
			func(v *analysis.Vertebra) string { return canalReason(&v.Canal) }),
	}
}

func wallFields() []field[*analysis.Vertebra] {
	assessed := func(v *analysis.Vertebra) bool { return len(v.Wall.Criteria) > 0 }
	hasRetropulsion := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Retropulsion != nil }
	hasGap := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Gap != nil }
	hasAngles := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Angles != nil }
	hasHeight := func(v *analysis.Vertebra) bool { return v.Wall.Measures.Heights.Expected != nil }
	return []field[*analysis.Vertebra]{
		text("posterior_wall_state", "INTACT, SUSPECT, INVOLVED or NOT_ASSESSABLE",
			func(v *analysis.Vertebra) string { return wallNames[v.Wall.State] }, assessed),
		text("posterior_wall_reason", "what of the wall was not judged, and why",
			func(v *analysis.Vertebra) string { return v.Wall.Reason.String() }, assessed),
		number("posterior_wall_retropulsion_mm", inMM, "farthest that the wall stands behind the line expected from intact walls beside it",
			func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Retropulsion.Value }, hasRetropulsion),
		number("posterior_wall_retropulsion_sd_mm", inMM, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Retropulsion.SD }, hasRetropulsion),
		number("posterior_wall_gap_percent", inPercent, "share of the wall's area with cortex thinner than half that of the intact levels",
			func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Gap.Share }, hasGap),
		number("posterior_wall_intact_gap_percent", inPercent, "root mean square of that share at the intact levels",
			func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Gap.IntactSD }, hasGap),
		number("posterior_wall_superior_angle_deg", inDegrees, "angle between the wall and the superior endplate",
			func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Superior.Value }, hasAngles),
		number("posterior_wall_superior_angle_sd_deg", inDegrees, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Superior.SD }, hasAngles),
		number("posterior_wall_inferior_angle_deg", inDegrees, "angle between the wall and the inferior endplate",
			func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Inferior.Value }, hasAngles),
		number("posterior_wall_inferior_angle_sd_deg", inDegrees, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Wall.Measures.Angles.Inferior.SD }, hasAngles),
		number("posterior_wall_height_of_expected_percent", inPercent, "posterior height against the expected one",
			func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Heights.Expected.Value }, hasHeight),
		number("posterior_wall_height_of_expected_sd_percent", inPercent, "its standard deviation, percentage points",
			func(v *analysis.Vertebra) float64 { return 100 * v.Wall.Measures.Heights.Expected.SD }, hasHeight),
	}
}

func tissueFields() []field[*analysis.Vertebra] {
	measured := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Attenuation.Measured() }
	lytic := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Lesions.Lytic.Assessed }
	sclerotic := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Lesions.Sclerotic.Assessed }
	gas := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Cleft.Assessed }
	all := []field[*analysis.Vertebra]{
		number("attenuation_median_hu", inHU, "median attenuation of the body's cancellous bone; no bone mineral density",
			func(v *analysis.Vertebra) float64 { return v.Tissue.Attenuation.HU }, measured),
		number("attenuation_sd_hu", inHU, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Tissue.Attenuation.SD }, measured),
		number("attenuation_volume_ml", inML, "volume of bone that it is the median of",
			func(v *analysis.Vertebra) float64 { return v.Tissue.Attenuation.Volume }, measured),
		text("attenuation_reason", "why it was not measured, or what makes it doubtful",
			func(v *analysis.Vertebra) string { return v.Tissue.Attenuation.Reason.String() }, hasTissue),
		number("lesions_lytic_percent", inPercent, "lytic share of the body",
			func(v *analysis.Vertebra) float64 { return 100 * v.Tissue.Lesions.Lytic.Value }, lytic),
		number("lesions_sclerotic_percent", inPercent, "sclerotic share of the body",
			func(v *analysis.Vertebra) float64 { return 100 * v.Tissue.Lesions.Sclerotic.Value }, sclerotic),
		number("vacuum_cleft_volume_ml", inML, "gas in the body",
			func(v *analysis.Vertebra) float64 { return v.Tissue.Cleft.Volume }, gas),
		number("vacuum_cleft_volume_sd_ml", inML, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Tissue.Cleft.SD }, gas),
	}
	for _, f := range fiveFaces {
		seen := func(v *analysis.Vertebra) bool { return v.Tissue != nil && v.Tissue.Cortex.Gaps[f.face].Assessed }
		all = append(all, number("cortex_"+f.name+"_gap_percent", inPercent, "share of the "+strings.ReplaceAll(f.name, "_", " ")+" without cortex",
			func(v *analysis.Vertebra) float64 { return 100 * v.Tissue.Cortex.Gaps[f.face].Share }, seen))
	}
	for _, s := range twoSides {
		seen := func(v *analysis.Vertebra) bool { return v.Tissue != nil && s.of(v.Tissue).HU != 0 } // 0 where it could not be read
		all = append(all,
			text("pedicles_"+s.name+"_status", "PRESENT, ERODED_OR_LYTIC or NOT_ASSESSABLE: the patient's "+s.name+" pedicle",
				func(v *analysis.Vertebra) string { return pedicleNames[s.of(v.Tissue).Status] }, hasTissue),
			number("pedicles_"+s.name+"_attenuation_hu", inHU, "least attenuation along the "+s.name+" pedicle",
				func(v *analysis.Vertebra) float64 { return s.of(v.Tissue).HU }, seen))
	}
	return all
}

func cementFields() []field[*analysis.Vertebra] {
	ml := func(name, meaning string, value func(*cement.Treated) float64) field[*analysis.Vertebra] {
		return number(name, inML, meaning, func(v *analysis.Vertebra) float64 { return value(v.Cement) }, hasCement)
	}
	inside := func(v *analysis.Vertebra) bool { return hasCement(v) && v.Cement.Inside > 0 }
	hasMetal := func(v *analysis.Vertebra) bool { return v.Metal != nil }
	all := []field[*analysis.Vertebra]{
		ml("cement_volume_ml", "bone cement of this vertebra, leaks included",
			func(t *cement.Treated) float64 { return t.Volume }),
		ml("cement_volume_sd_ml", "its standard deviation",
			func(t *cement.Treated) float64 { return t.VolumeSD }),
		ml("cement_inside_ml", "cement within the body",
			func(t *cement.Treated) float64 { return t.Inside }),
		number("cement_body_share_percent", inPercent, "share of the body that is cement",
			func(v *analysis.Vertebra) float64 { return 100 * v.Cement.BodyShare }, hasCementInOutline),
		number("cement_left_share_percent", inPercent, "share of the cement in the body's left half",
			func(v *analysis.Vertebra) float64 { return 100 * v.Cement.Left }, inside),
	}
	for e, name := range [2]string{spine.Superior: "superior", spine.Inferior: "inferior"} {
		measured := func(v *analysis.Vertebra) bool { return hasCement(v) && v.Cement.Contacts[e] != cement.Contact{} }
		all = append(all, boolean("cement_"+name+"_contact_touches", "cement reaches the "+name+" endplate",
			func(v *analysis.Vertebra) bool { return v.Cement.Contacts[e].Touches }, measured))
	}
	for _, p := range leakPlaces {
		place := strings.ToLower(p.name)
		all = append(all, number("cement_leaks_"+place+"_ml", inML, "cement beyond the body's surface: "+strings.ReplaceAll(place, "_", " "),
			func(v *analysis.Vertebra) float64 { return leaked(v.Cement, p.place).Volume }, hasCementInOutline))
	}
	return append(all,
		number("cement_attenuation_hu", inHU, "attenuation of the cement's core",
			func(v *analysis.Vertebra) float64 { return v.Cement.Attenuation }, hasCement),
		number("cement_confidence", ofOne, "score that it is cement, 0 to 1; no probability",
			func(v *analysis.Vertebra) float64 { return v.Cement.Confidence }, hasCement),
		text("cement_doubts", "what lowers the score, separated by semicolons",
			func(v *analysis.Vertebra) string { return doubts(v.Cement, between) }, hasCement),
		number("metal_volume_ml", inML, "metal at this level",
			func(v *analysis.Vertebra) float64 { return v.Metal.Volume }, hasMetal),
		boolean("metal_in_body", "some of it in the body",
			func(v *analysis.Vertebra) bool { return v.Metal.InBody }, hasMetal))
}

func fractureFields() []field[*analysis.Vertebra] {
	has := func(v *analysis.Vertebra) bool { return v.Fracture != nil }
	return []field[*analysis.Vertebra]{
		text("fracture_superior_endplate_broken", "YES, NO or CANNOT_TELL; empty where no fracture is described",
			func(v *analysis.Vertebra) string { return answerNames[v.Fracture.Superior.Broken] }, has),
		text("fracture_inferior_endplate_broken", "the same of the inferior endplate",
			func(v *analysis.Vertebra) string { return answerNames[v.Fracture.Inferior.Broken] }, has),
		text("fracture_candidates", "classes of AO Spine and OF that nothing seen speaks against, separated by semicolons",
			func(v *analysis.Vertebra) string { return candidates(v.Fracture, between) }, has),
		text("treatment_facts", "facts for treatment as CODE=YES, NO or CANNOT_TELL, separated by semicolons",
			func(v *analysis.Vertebra) string { return facts(v.Treatment) }),
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
		return c.Reason.String()
	}
	return c.Assessment.Reason.String()
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
		all[i] = d.String()
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
