// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// boneRow is one vertebra's canal, posterior wall, bone and cement as text for a
// reader; what was not measured is empty.
type boneRow struct {
	Level string

	// How much attention canal and wall ask for, and the bone.
	CanalTone, BoneTone tone

	CanalAP, CanalArea         string // mm and mm², at the pedicles
	NarrowestAP, NarrowestArea string // the same at the narrowest
	CompromiseAP, Compromise   string // percent, of diameter and area
	CanalClass                 string
	Wall                       string
	Retropulsion               string // mm
	WallGap                    string // percent
	Angles                     string // superior / inferior, degrees
	PosteriorHeight            string // percent of the expected
	CanalNote                  string

	HU                string
	Lytic, Sclerotic  string // percent
	Cleft             string // ml
	Gaps              [len(cortexHeads)]string
	PedicleL          string
	PedicleR          string
	PedicleHU         string // left / right
	TissueNote        string
	Cement, CementIn  string // ml
	BodyShare         string // percent
	LeftShare         string // percent
	Contact           string
	Leaks             string
	CementHU          string
	Saturated         string // percent
	Confidence        string
	CementNote, Metal string
}

// cortexHeads are the headings of the faces, in the order of fiveFaces.
var cortexHeads = [...]string{"sup.", "inf.", "ant.", "left", "right"}

func boneRows(r *analysis.Result) []boneRow {
	out := make([]boneRow, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		row := &out[i]
		row.Level, row.CanalTone, row.BoneTone = newRow(v).Level, canalTone(v), boneTone(v)
		row.setCanal(&v.Canal)
		row.setWall(&v.Wall)
		if v.Tissue != nil {
			row.setTissue(v.Tissue)
		}
		if v.Cement != nil {
			row.setCement(v)
		}
		if v.Metal != nil {
			row.Metal = metalText(v.Metal)
		}
	}
	return out
}

// canalTone asks for attention where the canal is narrow or its wall involved.
func canalTone(v *analysis.Vertebra) tone {
	switch {
	case v.Status != analysis.Measured:
		return faint
	case v.Wall.State == finding.WallInvolved, v.Canal.Assessment.Class > finding.CanalMinimal:
		return deformed
	case v.Wall.State == finding.WallSuspect:
		return doubtful
	}
	return plain
}

// boneTone asks for attention where there is a finding about the bone.
func boneTone(v *analysis.Vertebra) tone {
	switch {
	case v.Status != analysis.Measured:
		return faint
	case v.Tissue != nil && len(finding.TissueFindings(v.Level, v.Tissue)) > 0:
		return deformed
	}
	return plain
}

func (r *boneRow) setCanal(c *analysis.Canal) {
	if s := c.Size; s != nil {
		r.CanalAP, r.CanalArea = within(s.AP, 1), within(s.Area, 0)
		r.NarrowestAP, r.NarrowestArea = within(s.NarrowestAP, 1), within(s.NarrowestArea, 0)
	}
	if m := c.Compromise; m != nil {
		r.CompromiseAP, r.Compromise = within(m.AP, 0), within(m.Area, 0)
	}
	if a := c.Assessment; a.Class != finding.CanalNotAssessed {
		r.CanalClass = a.Class.String()
		if a.Borderline {
			r.CanalClass += "?"
		}
	}
	r.CanalNote = canalReason(c)
}

func (r *boneRow) setWall(w *analysis.Wall) {
	if len(w.Criteria) == 0 {
		return
	}
	r.Wall = w.State.String()
	m := &w.Measures
	if m.Retropulsion != nil {
		r.Retropulsion = within(m.Retropulsion.Estimate, 1)
	}
	if m.Gap != nil {
		r.WallGap = fixed(100*m.Gap.Share, 0)
	}
	if m.Angles != nil {
		r.Angles = within(m.Angles.Superior, 0) + " / " + within(m.Angles.Inferior, 0)
	}
	if h := m.Heights.Expected; h != nil {
		r.PosteriorHeight = within(morphometry.Estimate{Value: 100 * h.Value, SD: 100 * h.SD}, 0)
	}
	r.CanalNote = joined("; ", r.CanalNote, w.Reason.String())
}

func (r *boneRow) setTissue(t *morphometry.Tissue) {
	if a := &t.Attenuation; a.Measured() {
		r.HU = within(morphometry.Estimate{Value: a.HU, SD: a.SD}, 0)
	}
	if t.Lesions.Lytic.Assessed {
		r.Lytic = fixed(100*t.Lesions.Lytic.Value, 0)
	}
	if t.Lesions.Sclerotic.Assessed {
		r.Sclerotic = fixed(100*t.Lesions.Sclerotic.Value, 0)
	}
	if t.Cleft.Present() {
		r.Cleft = within(morphometry.Estimate{Value: t.Cleft.Volume, SD: t.Cleft.SD}, 2)
	} else if t.Cleft.Assessed {
		r.Cleft = noCleft
	}
	for i, f := range fiveFaces {
		if g := t.Cortex.Gaps[f.face]; g.Assessed {
			r.Gaps[i] = fixed(100*g.Share, 0)
		}
	}
	r.PedicleL, r.PedicleR = t.Left.Status.String(), t.Right.Status.String()
	if t.Left.HU != 0 && t.Right.HU != 0 {
		r.PedicleHU = fixed(t.Left.HU, 0) + " / " + fixed(t.Right.HU, 0)
	}
	r.TissueNote = tissueNote(t)
}

// noCleft stands where there is no gas in a body.
const noCleft = "0"

// cleftSeen returns the volume of a cleft, empty where there is none.
func (r *boneRow) cleftSeen() string {
	if r.Cleft == noCleft {
		return ""
	}
	return r.Cleft
}

// tissueNote returns why parts of the bone were not assessed, each reason once.
func tissueNote(t *morphometry.Tissue) string {
	prefixed := func(what string, reason phrase.Text) string {
		if reason == "" {
			return ""
		}
		return what + ": " + reason.String()
	}
	if r := t.Attenuation.Reason; r != "" && r == t.Cleft.Reason { // all for one reason
		return r.String()
	}
	return joined("; ",
		t.Attenuation.Reason.String(),
		prefixed("lytic share", t.Lesions.Lytic.Reason), prefixed("lesions", t.Lesions.Reason),
		prefixed("cleft", t.Cleft.Reason), prefixed("cortex", t.Cortex.Reason),
		prefixed("left pedicle", t.Left.Reason), prefixed("right pedicle", t.Right.Reason))
}

func (r *boneRow) setCement(v *analysis.Vertebra) {
	t := v.Cement
	r.Cement = within(morphometry.Estimate{Value: t.Volume, SD: t.VolumeSD}, 2)
	r.CementIn = fixed(t.Inside, 2)
	r.CementHU, r.Saturated = fixed(t.Attenuation, 0), fixed(100*t.SaturatedShare, 0)
	r.Confidence = fixed(t.Confidence, 2)
	r.CementNote = doubts(t, "; ")
	if t.Inside > 0 {
		r.LeftShare = fixed(100*t.Left, 0)
	}
	if !hasCementInOutline(v) {
		return
	}
	r.BodyShare = fixed(100*t.BodyShare, 0)
	r.Contact = contactText(t)
	r.Leaks = leaksText(t)
}

func contactText(t *cement.Treated) string {
	side := func(e spine.Endplate) string {
		switch c := t.Contacts[e]; {
		case c == (cement.Contact{}): // not measured
			return ""
		case c.Touches:
			return fmt.Sprintf("%s %s mm²", e, fixed(c.Area, 0))
		default:
			return fmt.Sprintf("%s %s mm away", e, fixed(c.Gap, 1))
		}
	}
	return joined(", ", side(spine.Superior), side(spine.Inferior))
}

func leaksText(t *cement.Treated) string {
	if len(t.Leaks) == 0 {
		return "none"
	}
	all := make([]string, len(t.Leaks))
	for i, l := range t.Leaks {
		all[i] = fmt.Sprintf("%s %s ml to %s mm", l.Place, fixed(l.Volume, 2), fixed(l.Distance, 0))
	}
	return strings.Join(all, ", ")
}

func metalText(m *cement.Metal) string {
	if m.InBody {
		return fmt.Sprintf("metal in the body, %s ml with what is near by", fixed(m.Volume, 1))
	}
	return fmt.Sprintf("metal near by, %s ml", fixed(m.Volume, 1))
}

// plusMinus stands between a value and its standard deviation.
const plusMinus = " ± "

// within returns a value with its standard deviation, such as "4.2 ± 0.5"; empty
// if it is not finite.
func within(e morphometry.Estimate, decimals int) string {
	if fixed(e.Value, decimals) == "" {
		return ""
	}
	return fixed(e.Value, decimals) + plusMinus + fixed(e.SD, decimals)
}

// joined returns what is not empty, joined.
func joined(separator string, parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, separator)
}

// densityText says how the patient's cancellous bone was judged, with the voltage
// and what is known of contrast medium.
func densityText(d *finding.Density) string {
	said := d.Reason.String()
	if d.Band != finding.NotBanded {
		said = "L1 " + d.Band.String()
		if d.Borderline {
			said += " (borderline)"
		}
	}
	kvp := "the tube voltage is not known"
	if d.KVP > 0 {
		kvp = fixed(d.KVP, 0) + " kVp"
	}
	for _, more := range []string{kvp, d.Contrast.Statement.String()} {
		if !strings.Contains(said, more) {
			said = joined("; ", said, more)
		}
	}
	return said
}

// fractureText describes a fracture in a sentence: candidates only with what they
// rest on and what CT cannot tell.
func fractureText(v *analysis.Vertebra) string {
	f := v.Fracture
	s := fmt.Sprintf("%s: superior endplate %s, inferior endplate %s, posterior wall %s",
		v.Level, brokenText(f.Superior), brokenText(f.Inferior), f.Wall)
	if f.WallShare != nil {
		s += fmt.Sprintf(" (%s %% without cortical bone)", fixed(100**f.WallShare, 0))
	}
	if len(f.Candidates) == 0 {
		return s
	}
	names := make([]string, len(f.Candidates))
	for i, c := range f.Candidates {
		names[i] = c.Class
	}
	return s + "; candidates " + strings.Join(names, ", ")
}

func brokenText(e finding.EndplateState) string {
	word := map[finding.Answer]string{finding.Yes: "broken", finding.No: "not broken", finding.CannotTell: "cannot be told"}[e.Broken]
	if e.Because == "" {
		return word
	}
	return word + " (" + e.Because.String() + ")"
}

// openText says what CT cannot tell of the classes that may hold.
func openText(f *finding.Fracture) string {
	var open []phrase.Text
	for _, c := range f.Candidates {
		for _, o := range c.Open {
			if !slices.Contains(open, o) {
				open = append(open, o)
			}
		}
	}
	return phrase.Join("; ", open...).String()
}
