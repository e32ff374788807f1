// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
)

//go:embed page.html.tmpl
var pageSource string

// styleSource holds the template "style", which all pages share.
//
//go:embed style.html.tmpl
var styleSource string

// page is what the template shows.
type page struct {
	Algorithm, Version string
	Disclaimer         string
	Sections           []section
	Skipped            []Skipped
	Review             *Review
}

// section is one examination of the page.
type section struct {
	Examination *Examination
	Title       string
	Rows        []row
	Bone        []boneRow
	CortexHeads []string
	SharedNote  string // on the walls of many levels
	Rules       []Rule // of canal and bone; those of a wall stand with its level
	Density     string
	DensityRule Rule
	HasCement   bool // or metal
	Levels      []levelDetails
	Angles      []angleRow
	Findings    []finding.Finding
	Criteria    []string // what the findings rest on
	Pictures    []picture
	Profile     *profile
	Film        *filmNote // nil for a CT
}

type angleRow struct{ Name, From, To, Degrees, SD string }

// levelDetails are what one vertebra's fracture, wall and facts rest on.
type levelDetails struct {
	Level    string
	Summary  string
	Open     bool // shown at once
	Fracture *finding.Fracture
	Wall     []criterionRow
	Facts    []finding.TreatmentFact
}

// criterionRow is one criterion of a posterior wall for a reader.
type criterionRow struct{ Name, Value, Met, Implies, Rule, Source string }

// WriteHTML writes one self-contained page: it asks for nothing from elsewhere.
func WriteHTML(w io.Writer, r *Report) error {
	tmpl, err := template.New("page").Funcs(template.FuncMap{"verdict": verdict}).Parse(pageSource + styleSource)
	if err != nil {
		return fmt.Errorf("html: %w", err)
	}
	p := page{Algorithm: r.Algorithm, Version: r.Version, Disclaimer: Disclaimer, Skipped: r.Skipped, Review: r.Review}
	for i := range r.Examinations {
		p.Sections = append(p.Sections, newSection(&r.Examinations[i]))
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, p); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return nil
}

func newSection(e *Examination) section {
	s := section{
		Examination: e,
		Title:       e.title(),
		Rows:        rows(e.Result),
		Findings:    e.Result.Findings,
		Criteria:    criteria(e.Result.Findings),
		Profile:     newProfile(e.Result),
	}
	if e.Result.Film != nil {
		s.addFilm(e.Result)
	} else {
		s.addBone(e.Result)
	}
	for _, a := range regional(e.Result) {
		s.Angles = append(s.Angles, angleRow{angleName(a.Name), a.From.String(), a.To.String(), fixed(a.Degrees, 1), fixed(a.SD, 1)})
	}
	if e.Figures != nil {
		for i := range e.Figures.views {
			s.Pictures = append(s.Pictures, newPicture(&e.Figures.views[i], e.Result))
		}
	}
	return s
}

// addBone fills in what the page tells beyond heights and angles.
func (s *section) addBone(r *analysis.Result) {
	s.Bone, s.CortexHeads = boneRows(r), cortexHeads[:]
	s.SharedNote = takeSharedNote(s.Bone)
	codes := []string{finding.CanalCompromise}
	if d := r.Density; d != nil {
		codes = append(codes, finding.LyticLesionCode, finding.ScleroticLesionCode,
			finding.VacuumCleftCode, finding.CorticalGapCode, finding.PedicleErosionCode)
		s.Density, s.DensityRule = densityText(d), Rule{d.Criterion, d.Source}
	}
	for _, code := range codes {
		s.Rules = append(s.Rules, RuleOf(code))
	}
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		s.HasCement = s.HasCement || v.Cement != nil || v.Metal != nil
		if len(v.Treatment) > 0 || v.Fracture != nil {
			s.Levels = append(s.Levels, newLevelDetails(v))
		}
	}
}

// takeSharedNote takes the note on canal and wall that most rows share out of
// them and returns it with their levels; empty if there is none.
func takeSharedNote(rows []boneRow) string {
	levels := map[string][]string{}
	for i := range rows {
		if n := rows[i].CanalNote; n != "" {
			levels[n] = append(levels[n], rows[i].Level)
		}
	}
	for note, shared := range levels {
		if 2*len(shared) <= len(rows) || len(shared) < 3 {
			continue
		}
		for i := range rows {
			if rows[i].CanalNote == note {
				rows[i].CanalNote = ""
			}
		}
		return strings.Join(shared, ", ") + ": " + note
	}
	return ""
}

func newLevelDetails(v *analysis.Vertebra) levelDetails {
	out := levelDetails{
		Level: newRow(v).Level, Summary: "no fracture described; posterior wall " + v.Wall.State.String(),
		Fracture: v.Fracture, Facts: v.Treatment,
	}
	if v.Fracture != nil {
		_, out.Summary, _ = strings.Cut(fractureText(v), ": ")
		out.Open = true
	}
	for i := range v.Wall.Criteria {
		out.Wall = append(out.Wall, newCriterionRow(&v.Wall.Criteria[i]))
	}
	return out
}

func newCriterionRow(c *finding.WallCriterion) criterionRow {
	out := criterionRow{Name: words(c.Name), Implies: c.Implies.String(), Rule: c.Rule.String(), Source: c.Source.String()}
	if c.Reason != "" {
		out.Value, out.Met = c.Reason.String(), finding.CannotTell.String()
		return out
	}
	decimals := map[string]int{"mm": 1, "1": 2}[c.Unit]
	out.Value = within(morphometry.Estimate{Value: c.Value, SD: c.SD}, decimals)
	if c.Unit != "1" {
		out.Value += " " + c.Unit
	}
	out.Met = finding.No.String()
	if c.Met {
		out.Met = finding.Yes.String()
	}
	if c.Borderline {
		out.Met += " (borderline)"
	}
	return out
}
