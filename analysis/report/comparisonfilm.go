// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
)

// filmLines say what the films of a comparison tell lengths by, and what they do not tell.
func filmLines(c *comparison.Comparison) []string {
	var out []string
	for _, e := range []*comparison.Examination{c.Before, c.After} {
		if e.Film != nil {
			out = append(out, fmt.Sprintf("%s: film, %s", examinationName(e), calibrationText(&e.Film.Calibration)))
		}
	}
	if len(c.NotAssessable) > 0 {
		out = append(out, "not assessable on radiograph: "+strings.Join(c.NotAssessable, ", "))
	}
	return out
}

// calibrationField is the column of a film's calibration.
func calibrationField(name, which string, of func(*comparison.Comparison) *comparison.Examination) field[*comparison.Comparison] {
	return text(name, "what millimetres of the "+which+" examination rest on, as film_calibration_basis; empty for a CT",
		func(c *comparison.Comparison) string { return of(c).Film.Calibration.Basis.String() },
		func(c *comparison.Comparison) bool { return of(c).Film != nil })
}

// filmQuantities are those of a pair of which one is on a film.
func filmQuantities() []pairQuantity {
	all := []pairQuantity{
		{"anterior_to_posterior", ofOne, "anterior by posterior height, of a comparison with a film, as are the next", func(p *comparedPair) *comparison.Change {
			return p.Ratios[comparison.AnteriorToPosterior]
		}},
		{"middle_to_posterior", ofOne, "middle by posterior height", func(p *comparedPair) *comparison.Change {
			return p.Ratios[comparison.MiddleToPosterior]
		}},
	}
	for h := range finding.PosteriorHeight + 1 {
		all = append(all, pairQuantity{h.String() + "_of_expected", inPercent, h.String() + " height relative to that expected from the levels of relative_to", func(p *comparedPair) *comparison.Change {
			return p.OfExpected[h]
		}})
	}
	return all
}

// suffix is the end of a column's name that says its unit.
func (q quantity) suffix() string {
	switch q.unit {
	case "1":
		return ""
	case "%":
		return "_percent"
	}
	return "_" + q.unit
}
