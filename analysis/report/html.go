// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/endplate/endplate/analysis/finding"
)

//go:embed page.html.tmpl
var pageSource string

// page is what the template shows.
type page struct {
	Algorithm, Version string
	Disclaimer         string
	Sections           []section
	Skipped            []Skipped
}

// section is one examination of the page.
type section struct {
	Examination *Examination
	Title       string
	Rows        []row
	Angles      []angleRow
	Findings    []finding.Finding
	Criteria    []string // what the findings rest on
	Pictures    []picture
	Profile     *profile
}

type angleRow struct{ Name, From, To, Degrees, SD string }

// WriteHTML writes one self-contained page: it asks for nothing from elsewhere.
func WriteHTML(w io.Writer, r *Report) error {
	tmpl, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("html: %w", err)
	}
	p := page{Algorithm: r.Algorithm, Version: r.Version, Disclaimer: Disclaimer, Skipped: r.Skipped}
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
