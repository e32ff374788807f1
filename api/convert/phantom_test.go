// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert_test

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// measuredPhantom is a made spine in which L1 is broken with a cleft and driven
// into the canal and L3 holds cement that leaked there, measured.
func measuredPhantom(t *testing.T) *report.Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 0))
	p := phantom.RandomParams(rng, phantom.Options{})
	for i := range p.Vertebrae {
		switch v := &p.Vertebrae[i]; v.Level {
		case spine.L1:
			v.Deformity = phantom.Fracture(phantom.Crush, 40)
			v.Deformity.Retropulsion = 6
			v.Clefts = []phantom.Blob{{A: 3, HalfS: 2, HalfA: 6, HalfL: 8}}
		case spine.L3:
			v.Cement = phantom.RandomCement(rng, *v, 3, phantom.CanalLeak)
		}
	}
	s := phantom.New(p)
	scan := s.Cover(spine.T11, spine.L4, 8, 110, 0.9, 1.2)
	scan.Noise = 10
	result, err := analysis.MeasureCT(t.Context(), s.CT(scan), analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &report.Report{Algorithm: "endplate", Version: "test", Examinations: []report.Examination{{Modality: "CT", Path: "phantom", Result: result}}}
}

// What the pipeline finds goes the whole way to the message, each judgement with
// its rule and source and none with advice.
func TestThePipelinesResultArrives(t *testing.T) {
	r := measuredPhantom(t)
	got := convert.Report(r)
	checkSources(t, got)
	var seen []*endplatev1.Vertebra
	for _, v := range got.GetAnalyses()[0].GetVertebrae() {
		if v.GetStatus() != endplatev1.Vertebra_MEASURED {
			continue
		}
		seen = append(seen, v)
		if v.GetCanal().ApMm == nil || len(v.GetPosteriorWall().GetCriteria()) == 0 || v.GetPedicles() == nil || len(v.GetTreatmentFacts()) == 0 {
			t.Errorf("%s: canal %v, wall %v, pedicles %v, %d facts", v.GetLevel(), v.GetCanal(), v.GetPosteriorWall(), v.GetPedicles(), len(v.GetTreatmentFacts()))
		}
		switch v.GetLevel() {
		case endplatev1.Level_L1:
			if v.GetPosteriorWall().GetState() != endplatev1.PosteriorWall_INVOLVED || !v.GetVacuumCleft().GetPresent() || len(v.GetFracture().GetCandidates()) == 0 {
				t.Errorf("L1: wall %v, cleft %v, fracture %v", v.GetPosteriorWall(), v.GetVacuumCleft(), v.GetFracture())
			}
		case endplatev1.Level_L3:
			if v.GetCement().GetVolumeMl() < 2.5 || len(v.GetCement().GetLeaks()) != 1 || v.GetAttenuation().MedianHu != nil {
				t.Errorf("L3: cement %v, attenuation %v", v.GetCement(), v.GetAttenuation())
			}
		}
	}
	if len(seen) < 4 {
		t.Errorf("%d vertebrae measured", len(seen))
	}
	if got.GetAnalyses()[0].GetDensity() == nil {
		t.Error("no density")
	}
	var b bytes.Buffer
	for _, write := range []func() error{
		func() error { return convert.WriteJSON(&b, r) },
		func() error { return report.WriteCSV(&b, r) },
		func() error { return report.WriteTable(&b, r, report.Colors{}) },
		func() error { return report.WriteHTML(&b, r) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	if found := regexp.MustCompile(`(?i)\w*recommend\w*`).FindString(b.String()); found != "" {
		t.Errorf("the output holds %q", found)
	}
}
