// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package summary_test

import (
	"math"
	"testing"

	"github.com/endplate/endplate/api/summary"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// report is of L1 with a deformity, which a finding tells of.
func report(code string, grade int32, loss float64) *endplatev1.Report {
	return &endplatev1.Report{Analyses: []*endplatev1.Analysis{{
		Findings: []*endplatev1.Finding{{Code: code, Levels: []endplatev1.Level{endplatev1.Level_L1}}},
		Vertebrae: []*endplatev1.Vertebra{{
			Level: endplatev1.Level_L1, Status: endplatev1.Vertebra_MEASURED,
			Deformity: &endplatev1.Deformity{GenantGrade: &grade, WorstLossPercent: &loss},
		}},
	}}}
}

// Genant 3 is worse than any loss of a lower grade, and a suspicion worse than nothing.
func TestSeverityGoesByGradeThenLoss(t *testing.T) {
	const sure, suspected = "VERTEBRAL_DEFORMITY", "SUSPECTED_VERTEBRAL_DEFORMITY"
	ordered := []*endplatev1.Report{
		report("CEMENT", 0, 3),
		report(suspected, 0, math.NaN()),
		report(suspected, 0, 12),
		report(sure, 1, 20),
		report(sure, 1, 1e9),
		report(sure, 2, 26),
		report(sure, 2, 26.01),
		report(sure, 3, -5),
		report(sure, 3, 90),
	}
	last := int64(-1)
	for i, r := range ordered {
		got := summary.Severity(summary.Of(r))
		if got <= last {
			t.Errorf("severity of report %d is %d, that of the one before %d", i, got, last)
		}
		last = got
	}
	if got := summary.Severity(summary.Of(&endplatev1.Report{})); got != 0 {
		t.Errorf("severity of nothing is %d, want 0", got)
	}
	rejected := report(sure, 3, 90)
	rejected.Analyses[0].Findings[0].Verdict = endplatev1.Finding_REJECTED
	if got := summary.Severity(summary.Of(rejected)); got != 0 {
		t.Errorf("severity of a finding that was rejected is %d, want 0", got)
	}
}
