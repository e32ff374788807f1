// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// 0–10 % minimal, 10–25 mild, 25–40 moderate, more than 40 severe, more than 50
// critical.
//
// Reference: spinebase.org, a textbook's classes.
func TestClassesOfCanalCompromise(t *testing.T) {
	for _, tt := range []struct {
		percent float64
		want    finding.CanalClass
	}{
		{-12, finding.CanalMinimal}, {0, finding.CanalMinimal}, {9.9, finding.CanalMinimal},
		{10, finding.CanalMild}, {24.9, finding.CanalMild}, {25, finding.CanalModerate}, {40, finding.CanalModerate},
		{40.1, finding.CanalSevere}, {50, finding.CanalSevere}, {50.1, finding.CanalCritical}, {80, finding.CanalCritical},
	} {
		if got := finding.ClassOfCanal(tt.percent); got != tt.want {
			t.Errorf("class of %g %% = %v, want %v", tt.percent, got, tt.want)
		}
	}
}

// What normal levels differ by is no compromise.
func TestCanalWithinTheSpreadIsMinimal(t *testing.T) {
	for _, tt := range []struct {
		area, sd   float64
		class      finding.CanalClass
		borderline bool
		stated     bool
	}{
		{3, 6, finding.CanalMinimal, false, false},
		{14, 6, finding.CanalMinimal, true, false},
		{20, 6, finding.CanalMild, true, true},
		{33, 6, finding.CanalModerate, false, true},
		{60, 5, finding.CanalCritical, false, true},
	} {
		c := &morphometry.Compromise{Area: morphometry.Estimate{Value: tt.area, SD: tt.sd}, From: []spine.Level{spine.T12, spine.L2}}
		a := finding.AssessCanal(c, "")
		if a.Class != tt.class || a.Borderline != tt.borderline {
			t.Errorf("%g ± %g %%: %v, borderline %v, want %v, %v", tt.area, tt.sd, a.Class, a.Borderline, tt.class, tt.borderline)
		}
		f, ok := finding.CanalStatement(spine.L1, &morphometry.Canal{}, c, a)
		if ok != tt.stated {
			t.Errorf("%g ± %g %%: stated %v, want %v", tt.area, tt.sd, ok, tt.stated)
		}
		if ok && (!strings.Contains(f.Statement.String(), a.Class.String()) || f.Criterion == "" || f.Source == "") {
			t.Errorf("finding %+v", f)
		}
	}
	if a := finding.AssessCanal(nil, "no canal"); a.Class != finding.CanalNotAssessed || a.Reason != "no canal" {
		t.Errorf("without a compromise: %+v", a)
	}
}

// Where the canal could not be followed, bone near behind the wall is suspected of a
// narrowing, and bone as far as a normal lamina is not.
//
// Reference: canals of T12 to L5 measure 14 to 19 mm (Griffith 2016; Abbas 2021); that
// half of it is suspect is a default.
func TestSuspectedCanal(t *testing.T) {
	for _, tt := range []struct {
		behind float64 // mm
		want   bool
	}{{0, false}, {4, true}, {finding.SuspectCanal, true}, {14, false}} {
		f, ok := finding.SuspectedCanal(spine.L2, &segmentation.Canal{Behind: tt.behind})
		if ok != tt.want {
			t.Errorf("bone %g mm behind the wall: suspected %t, want %t", tt.behind, ok, tt.want)
		}
		if ok && (f.Code != finding.CanalCompromise || !f.Borderline || f.Criterion == "" || f.Source == "") {
			t.Errorf("finding %+v", f)
		}
	}
	if _, ok := finding.SuspectedCanal(spine.L2, nil); ok {
		t.Error("suspected without an outline")
	}
}
