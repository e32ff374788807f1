// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package summary tells a report in the few numbers that lists show and are ordered by.
package summary

import (
	"cmp"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/finding"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// Of returns a report in a few numbers. Findings that the reader has rejected do not
// count.
func Of(r *endplatev1.Report) *endplatev1.ResultSummary {
	m := &endplatev1.ResultSummary{}
	for _, a := range r.GetAnalyses() {
		if m.GetReason() == "" {
			m.Reason = a.GetReason()
		}
		deformed := map[endplatev1.Level]bool{} // true where it is sure
		for _, f := range a.GetFindings() {
			if f.GetVerdict() == endplatev1.Finding_REJECTED {
				continue
			}
			if !slices.Contains(m.FindingCodes, f.GetCode()) {
				m.FindingCodes = append(m.FindingCodes, f.GetCode())
			}
			if sure := f.GetCode() == finding.VertebralDeformity; sure || f.GetCode() == finding.SuspectedVertebralDeformity {
				for _, l := range f.GetLevels() {
					deformed[l] = sure
				}
			}
		}
		for _, v := range a.GetVertebrae() {
			add(m, v, deformed)
		}
	}
	return m
}

// add counts a vertebra in, whose level may be among the deformed ones.
func add(m *endplatev1.ResultSummary, v *endplatev1.Vertebra, deformed map[endplatev1.Level]bool) {
	if v.GetStatus() == endplatev1.Vertebra_MEASURED {
		m.Measured++
	}
	sure, found := deformed[v.GetLevel()]
	if !found {
		return
	}
	if sure {
		m.Deformed++
	}
	d := v.GetDeformity()
	if m.Worst == nil || cmp.Or(cmp.Compare(d.GetGenantGrade(), m.Worst.GetGenantGrade()),
		cmp.Compare(d.GetWorstLossPercent(), m.Worst.GetWorstLossPercent())) > 0 {
		m.WorstLevel, m.Worst = v.GetLevel(), d
	}
}

// A grade outweighs every loss, which are thousandths of a percent.
const (
	perGrade   = 1_000_000
	perPercent = 1000
)

// Severity returns a number by which results are ordered: a greater grade makes it
// greater and, of the same grade, a greater loss. 0 is no deformity.
func Severity(m *endplatev1.ResultSummary) int64 {
	if m.GetWorst() == nil {
		return 0
	}
	loss := m.GetWorst().GetWorstLossPercent()
	if math.IsNaN(loss) {
		loss = 0
	}
	loss = min(max(loss, 0), perGrade/perPercent-2)
	return 1 + int64(m.GetWorst().GetGenantGrade())*perGrade + int64(math.Round(loss*perPercent))
}

// SeverityOf returns the severity of the bytes of a report; 0 where they are none, which
// whoever reads the report is told of.
func SeverityOf(report []byte) int64 {
	r := &endplatev1.Report{}
	if proto.Unmarshal(report, r) != nil {
		return 0
	}
	return Severity(Of(r))
}
