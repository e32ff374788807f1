// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"os"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
)

func ExampleWriteTable() {
	r := &report.Report{Examinations: []report.Examination{{
		Modality: "CT", Path: "ct",
		Result: &analysis.Result{Vertebrae: []analysis.Vertebra{
			{
				Level: spine.L1, LevelProbability: 0.98, Status: analysis.Measured, Complete: true,
				Heights:    &morphometry.Heights{Anterior: 16.2, Middle: 19.8, Posterior: 25.4, AnteriorSD: 0.3, MiddleSD: 0.2, PosteriorSD: 0.3},
				WedgeAngle: &analysis.Measurement{Value: 18.4, SD: 0.6},
				Deformity:  &finding.Deformity{Assessed: true, Grade: 2, Shape: finding.Wedge, WorstLoss: 36, WorstHeight: finding.AnteriorHeight},
			},
			{Level: spine.L2, LevelProbability: 0.98, Status: analysis.Truncated, Reason: "the volume ends at the body's inferior side"},
		}},
	}}}
	if err := report.WriteTable(os.Stdout, r, report.Colors{}); err != nil {
		panic(err)
	}
	// Output:
	// ct: CT, 1 vertebra measured
	//
	// level  prob    Ha    Hm    Hp   sd  exp Ha  exp Hm  exp Hp     loss  Genant  wedge  Gardner  Cobb  disc below  note
	//           %    mm    mm    mm   mm      mm      mm      mm              0-3    deg      deg   deg          mm
	// L1       98  16.2  19.8  25.4  0.3                          36 % Ha       2   18.4                             wedge
	// L2       98                                                                                                    truncated; the volume ends at the body's inferior side
	//
	// Not a medical device: for research, not for diagnosis.
}
