// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// The names in these tables are those of the output contract (endplate.v1).
var (
	statusNames = map[analysis.Status]string{
		analysis.Measured:      "MEASURED",
		analysis.Truncated:     "TRUNCATED",
		analysis.NotMeasurable: "NOT_MEASURABLE",
	}
	shapeNames = map[finding.Shape]string{
		finding.NoDeformity: "NONE",
		finding.Wedge:       "WEDGE",
		finding.Biconcave:   "BICONCAVE",
		finding.Crush:       "CRUSH",
	}
	heightNames = map[finding.Height]string{
		finding.AnteriorHeight:  "ANTERIOR",
		finding.MiddleHeight:    "MIDDLE",
		finding.PosteriorHeight: "POSTERIOR",
	}
	basisNames = map[finding.Basis]string{
		finding.AdjacentLevels:     "ADJACENT_LEVELS",
		finding.OneAdjacentLevel:   "ONE_ADJACENT_LEVEL",
		finding.OwnPosteriorHeight: "OWN_POSTERIOR_HEIGHT",
	}
	canalNames = map[finding.CanalClass]string{
		finding.CanalMinimal:  "MINIMAL",
		finding.CanalMild:     "MILD",
		finding.CanalModerate: "MODERATE",
		finding.CanalSevere:   "SEVERE",
		finding.CanalCritical: "CRITICAL",
	}
	wallNames = map[finding.WallState]string{
		finding.WallNotAssessable: "NOT_ASSESSABLE",
		finding.WallIntact:        "INTACT",
		finding.WallSuspect:       "SUSPECT",
		finding.WallInvolved:      "INVOLVED",
	}
	pedicleNames = map[morphometry.PedicleStatus]string{
		morphometry.PedicleNotAssessed: "NOT_ASSESSABLE",
		morphometry.PediclePresent:     "PRESENT",
		morphometry.PedicleEroded:      "ERODED_OR_LYTIC",
	}
	answerNames = map[finding.Answer]string{
		finding.CannotTell: "CANNOT_TELL",
		finding.Yes:        "YES",
		finding.No:         "NO",
	}
	angleNames = map[string]string{
		"THORACIC_KYPHOSIS": "thoracic kyphosis",
		"LUMBAR_LORDOSIS":   "lumbar lordosis",
	}
)

// angleName returns the usual name of an angle, or its code in lower case.
func angleName(code string) string {
	if name, ok := angleNames[code]; ok {
		return name
	}
	return words(code)
}

// words turns a code such as NOT_MEASURABLE into words.
func words(code string) string {
	return strings.ToLower(strings.ReplaceAll(code, "_", " "))
}

func levelNames(levels []spine.Level) string {
	names := make([]string, len(levels))
	for i, l := range levels {
		names[i] = l.String()
	}
	return strings.Join(names, " ")
}

// fixed returns x with the given number of decimals, never "-0", and an empty
// string for a number that is not finite.
func fixed(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.HasPrefix(s, "-") && strings.Trim(s, "-0.") == "" {
		return s[1:]
	}
	return s
}

// criteria returns what the findings rest on, each criterion once.
func criteria(findings []finding.Finding) []string {
	var out []string
	for _, f := range findings {
		if c := f.Criterion.String() + " [" + f.Source.String() + "]"; !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}
