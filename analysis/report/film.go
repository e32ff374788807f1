// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/radiograph"
)

// filmNote is what a page tells of a film as a whole.
type filmNote struct{ View, Calibration, NotAssessable string }

func newFilmNote(f *analysis.Film) *filmNote {
	n := &filmNote{View: "lateral", Calibration: scaleText(f), NotAssessable: strings.Join(analysis.NotOnFilms, ", ")}
	if f.Refusal != "" {
		n.View = words(f.Refusal)
	}
	return n
}

// scaleText says what the millimetres of a film rest on.
func scaleText(f *analysis.Film) string {
	return calibrationText(&f.Calibration)
}

func calibrationText(c *radiograph.Calibration) string {
	if !c.Millimetres() {
		return "no millimetres, " + c.Reason.String()
	}
	return fmt.Sprintf("%s, any length ± %s %%", c.Reason.String(), fixed(100*c.RelativeSD, 1))
}

// addFilm fills in what the page tells of a film beyond heights and angles.
func (s *section) addFilm(r *analysis.Result) {
	s.Film = newFilmNote(r.Film)
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if len(v.Wall.Criteria) == 0 {
			continue
		}
		l := newLevelDetails(v)
		l.Summary = "posterior wall " + v.Wall.State.String()
		l.Open = v.Wall.State >= finding.WallSuspect
		s.Levels = append(s.Levels, l)
	}
}

// addRatios fills in what a film tells without millimetres.
func (r *row) addRatios(ratios *analysis.Ratios) {
	if ratios == nil {
		return
	}
	r.RatioA, r.RatioM = fixed(ratios.Anterior.Value, 2), fixed(ratios.Middle.Value, 2)
	for which, cell := range map[finding.Height]*string{finding.AnteriorHeight: &r.OfHa, finding.MiddleHeight: &r.OfHm, finding.PosteriorHeight: &r.OfHp} {
		if q := ratios.OfExpected[which]; q != nil {
			*cell = fixed(100*q.Value, 0)
		}
	}
	if r.From == "" {
		r.From = levelNames(ratios.ExpectedFrom)
	}
}

// filmFields are the columns that tell of the film itself; empty for a CT.
func filmFields() []field[*analysis.Film] {
	is := func(f *analysis.Film) bool { return f != nil }
	return []field[*analysis.Film]{
		text("film_sop_instance_uid", "SOPInstanceUID of the film; empty, as what follows, for a CT",
			func(f *analysis.Film) string { return f.SOPInstanceUID }, is),
		text("film_calibration_basis", "what millimetres rest on: UNCALIBRATED, PIXEL_SPACING_FIDUCIAL, PIXEL_SPACING_GEOMETRY, PIXEL_SPACING_CORRECTED, MAGNIFICATION_FACTOR, SOURCE_DISTANCES or READER",
			func(f *analysis.Film) string { return f.Calibration.Basis.String() }, is),
		number("film_calibration_relative_sd_percent", inPercent, "standard deviation of any length by the calibration alone",
			func(f *analysis.Film) float64 { return 100 * f.Calibration.RelativeSD },
			func(f *analysis.Film) bool { return f != nil && f.Calibration.Millimetres() }),
	}
}

func ratioFields() []field[*analysis.Vertebra] {
	has := func(v *analysis.Vertebra) bool { return v.Ratios != nil }
	all := []field[*analysis.Vertebra]{
		number("ratios_anterior_to_posterior", ofOne, "anterior by posterior height; of a film, as are the next",
			func(v *analysis.Vertebra) float64 { return v.Ratios.Anterior.Value }, has),
		number("ratios_anterior_to_posterior_sd", ofOne, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Ratios.Anterior.SD }, has),
		number("ratios_middle_to_posterior", ofOne, "middle by posterior height",
			func(v *analysis.Vertebra) float64 { return v.Ratios.Middle.Value }, has),
		number("ratios_middle_to_posterior_sd", ofOne, "its standard deviation",
			func(v *analysis.Vertebra) float64 { return v.Ratios.Middle.SD }, has),
	}
	for _, which := range []finding.Height{finding.AnteriorHeight, finding.MiddleHeight, finding.PosteriorHeight} {
		expected := func(v *analysis.Vertebra) bool { return v.Ratios != nil && v.Ratios.OfExpected[which] != nil }
		name := strings.ToLower(heightNames[which])
		all = append(all,
			number("ratios_"+name+"_of_expected_percent", inPercent, name+" height relative to that expected from unfractured neighbours",
				func(v *analysis.Vertebra) float64 { return 100 * v.Ratios.OfExpected[which].Value }, expected),
			number("ratios_"+name+"_of_expected_sd_percent", inPercent, "its standard deviation, percentage points",
				func(v *analysis.Vertebra) float64 { return 100 * v.Ratios.OfExpected[which].SD }, expected))
	}
	return append(all, text("ratios_expected_from", "the neighbours, separated by spaces",
		func(v *analysis.Vertebra) string { return levelNames(v.Ratios.ExpectedFrom) }, has))
}
