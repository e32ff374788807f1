// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert_test

import (
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// What a reader did is told of what it was done to, and of nothing else.
func TestAReadersMarksArrive(t *testing.T) {
	r := full()
	v := &r.Examinations[0].Result.Vertebrae[0]
	untouched := convert.Report(r).Analyses[0]
	v.Reader = analysis.Reader{Added: true, Named: true, Status: true}
	v.Landmarks.Superior.Middle.ByReader = true
	f := &r.Examinations[0].Result.Findings[0]
	f.Verdict, f.VerdictReason = finding.Rejected, "an old one"
	touched := convert.Report(r).Analyses[0]
	for _, tt := range []struct {
		a    *endplatev1.Analysis
		want bool
	}{{untouched, false}, {touched, true}} {
		v, f := tt.a.Vertebrae[0], tt.a.Findings[0]
		for name, got := range map[string]*bool{
			"added": v.AddedByReader, "level": v.LevelByReader, "status": v.StatusByReader, "point": v.Landmarks.SuperiorMiddle.SetByReader,
		} {
			if (got != nil) != tt.want || got != nil && !*got {
				t.Errorf("%s: %v, want it set %t", name, got, tt.want)
			}
		}
		if v.Landmarks.SuperiorAnterior.SetByReader != nil {
			t.Error("a point that was not moved is marked")
		}
		if (f.Verdict == endplatev1.Finding_REJECTED) != tt.want || (f.VerdictReason == "an old one") != tt.want {
			t.Errorf("verdict %v, %q", f.Verdict, f.VerdictReason)
		}
	}
}
