// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// broken returns a fractured vertebra of which everything beyond heights was
// measured, some of it zero, with cement and metal.
func broken() analysis.Vertebra {
	share := 0.3
	deformity := &finding.Deformity{Assessed: true, Grade: 2, Shape: finding.Wedge, WorstLoss: 34, Basis: finding.AdjacentLevels}
	tissue := brokenTissue()
	measures := finding.WallMeasures{
		Retropulsion: &morphometry.Retropulsion{
			Estimate: morphometry.Estimate{Value: 4, SD: 0.5}, Along: 0.75, Left: 0, From: []spine.Level{spine.T12, spine.L2},
		},
		Gap:          &morphometry.WallGap{Share: share, IntactSD: 0.02, Cortex: 0.4, Intact: 0.8, Judged: 0.75, Levels: 3},
		Angles:       &morphometry.PosteriorAngles{Superior: morphometry.Estimate{Value: 108, SD: 2}, Inferior: morphometry.Estimate{Value: 90, SD: 2}},
		BesideAngles: &morphometry.PosteriorAngles{Superior: morphometry.Estimate{Value: 92, SD: 1}, Inferior: morphometry.Estimate{Value: 88, SD: 1}},
		Heights: morphometry.PosteriorHeights{
			Expected: &morphometry.Estimate{Value: 0.95, SD: 0.03}, Above: &morphometry.Estimate{Value: 1, SD: 0.02}, Below: &morphometry.Estimate{Value: 0.9, SD: 0.02},
		},
	}
	compromise := &morphometry.Compromise{
		AP: morphometry.Estimate{Value: 20, SD: 6}, Area: morphometry.Estimate{Value: 30, SD: 7},
		ExpectedAP: 16, ExpectedArea: 300, From: []spine.Level{spine.T12, spine.L2},
	}
	in := finding.FractureInput{
		Level: spine.L1, Deformity: deformity, Tissue: tissue, Wall: finding.WallInvolved, WallShare: &share,
		Endplates: &morphometry.EndplateShapes{{Sunk: 5, SunkSD: 0.5}, {}},
	}
	fracture := finding.DescribeFracture(in)
	return analysis.Vertebra{
		Level: spine.L1, LevelProbability: 1, Status: analysis.Measured, Complete: true, Deformity: deformity,
		Canal: analysis.Canal{
			Size: &morphometry.Canal{
				AP: morphometry.Estimate{Value: 15.5, SD: 0.4}, Area: morphometry.Estimate{Value: 290, SD: 9},
				NarrowestAP: morphometry.Estimate{Value: 12.8, SD: 0.4}, NarrowestArea: morphometry.Estimate{Value: 210, SD: 9}, NarrowestAt: 0.8,
			},
			Compromise: compromise, Assessment: finding.AssessCanal(compromise, ""),
		},
		Wall:      analysis.Wall{Measures: measures, PosteriorWall: finding.AssessPosteriorWall(measures)},
		Tissue:    tissue,
		Cement:    brokenCement(),
		Metal:     &cement.Metal{Volume: 1.5, InBody: true},
		Fracture:  fracture,
		Treatment: finding.TreatmentFacts(finding.TreatmentInput{FractureInput: in, Fracture: fracture}),
	}
}

func brokenTissue() *morphometry.Tissue {
	t := &morphometry.Tissue{
		Attenuation: morphometry.Attenuation{HU: 92, SD: 3, Spread: 25, Volume: 4.5, Reason: "the body is deformed: impacted bone may raise it"},
		Lesions: morphometry.Lesions{
			Lytic: morphometry.Share{Reason: "its cancellous bone is hardly denser than soft tissue"}, Sclerotic: morphometry.Share{Assessed: true}, Reference: 90,
		},
		Cleft: morphometry.Gas{Assessed: true, Volume: 0.4, SD: 0.05, Center: r3.Vec{X: 1, Y: -2, Z: 3}},
		Left:  morphometry.Pedicle{Status: morphometry.PediclePresent, HU: 320, Expected: 300},
		Right: morphometry.Pedicle{Reason: "metal lies in it"},
	}
	for f := range t.Cortex.Gaps {
		t.Cortex.Gaps[f] = morphometry.Gap{Assessed: segmentation.Face(f) != segmentation.LeftFace, Share: 0.1, Usual: 0.05}
	}
	return t
}

func brokenCement() *cement.Treated {
	return &cement.Treated{
		Volume: 4.2, VolumeSD: 0.1, Inside: 4, BodyShare: 0.15, Left: 0,
		Contacts: [2]cement.Contact{{Gap: 0, Area: 120, Touches: true}, {Gap: 3.5}},
		Leaks:    []cement.Leak{{Place: cement.Canal, Volume: 0.2, Distance: 4}},

		Attenuation: 1800, Confidence: 0.6, Doubts: []cement.Doubt{cement.DoubtMetal},
	}
}

func brokenReport() *report.Report {
	contrast := finding.AssessContrast("", morphometry.Aorta{HU: 40, Levels: 5, Sure: true})
	density := finding.AssessDensity([]finding.LevelAttenuation{{Level: spine.L1, Attenuation: morphometry.Attenuation{HU: 112, SD: 3, Volume: 4}}}, 120, contrast)
	return &report.Report{Examinations: []report.Examination{{
		Modality: "CT", Path: "ct",
		Result: &analysis.Result{Vertebrae: []analysis.Vertebra{broken()}, Density: &density},
	}}}
}

// The golden file was read against the values above when it was written. What
// rules say is theirs to test: here they only have to be there.
func TestJSONOfABrokenVertebra(t *testing.T) {
	got := convert.Report(brokenReport())
	each(got.ProtoReflect(), func(m protoreflect.Message) {
		m.Range(func(d protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if name := string(d.Name()); isRule(name) || name == "because" || name == "statement" {
				m.Set(d, protoreflect.ValueOfString("…"))
			}
			return true
		})
	})
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil { // protojson varies its white space
		t.Fatal(err)
	}
	b.WriteByte('\n')
	path := filepath.Join("testdata", "broken.golden")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestABrokenVertebraReadsBack(t *testing.T) {
	var b bytes.Buffer
	if err := convert.WriteJSON(&b, brokenReport()); err != nil {
		t.Fatal(err)
	}
	got := &endplatev1.Report{}
	if err := protojson.Unmarshal(b.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(convert.Report(brokenReport()), got, protocmp.Transform()); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// isRule reports whether a field holds a rule or where that is from.
func isRule(name string) bool {
	return name == "source" || name == "rule" || name == "criterion" || strings.HasSuffix(name, "_criterion")
}

// What was not measured is absent, and its reason stands there.
func TestTheUnmeasuredBoneIsAbsent(t *testing.T) {
	got := first(&analysis.Vertebra{
		Level: spine.T12, Status: analysis.Measured,
		Canal: analysis.Canal{Reason: "no bone behind the canal", Assessment: finding.AssessCanal(nil, "the canal was not outlined")},
		Wall: analysis.Wall{PosteriorWall: finding.AssessPosteriorWall(finding.WallMeasures{
			RetropulsionReason: "the posterior wall was not outlined", GapReason: "fewer than two intact walls to compare with",
		})},
		Tissue: &morphometry.Tissue{
			Attenuation: morphometry.Attenuation{Reason: "r1"}, Lesions: morphometry.Lesions{Reason: "r2"}, Cleft: morphometry.Gas{Reason: "r3"},
			Cortex: morphometry.Cortex{Reason: "r4"}, Left: morphometry.Pedicle{Reason: "r5"}, Right: morphometry.Pedicle{Reason: "r5"},
		},
		Cement: &cement.Treated{Volume: 1, Doubts: []cement.Doubt{cement.DoubtOutline}},
	})
	each(got.ProtoReflect(), func(m protoreflect.Message) {
		m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if f.Kind() != protoreflect.DoubleKind {
				return true
			}
			switch name := string(f.FullName()); name {
			case "endplate.v1.WallCriterion.cut", "endplate.v1.Vertebra.level_probability":
			case "endplate.v1.Position.x", "endplate.v1.Position.y", "endplate.v1.Position.z": // its centre
			default:
				if !strings.HasPrefix(name, "endplate.v1.Cement.") {
					t.Errorf("%s is there", name)
				}
			}
			return true
		})
	})
	for name, reason := range map[string]string{
		got.GetCanal().GetReason(): "no bone behind the canal", got.GetPosteriorWall().GetReason(): "the posterior wall was not outlined",
		got.GetAttenuation().GetReason(): "r1", got.GetLesions().GetReason(): "r2", got.GetVacuumCleft().GetReason(): "r3",
		got.GetCortex().GetReason(): "r4", got.GetPedicles().GetLeft().GetReason(): "r5",
	} {
		if name != reason {
			t.Errorf("reason = %q, want %q", name, reason)
		}
	}
	if c := got.GetCement(); c.BodySharePercent != nil || c.GetSuperiorContact() != nil {
		t.Errorf("cement of a body without outline = %v", c)
	}
	if got.GetMetal() != nil || got.GetFracture() != nil {
		t.Errorf("metal %v, fracture %v, want none", got.GetMetal(), got.GetFracture())
	}
}

// each calls f for m and every message in it.
func each(m protoreflect.Message, f func(protoreflect.Message)) {
	f(m)
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case d.Kind() != protoreflect.MessageKind:
		case d.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				each(v.Message(), f)
				return true
			})
		case d.IsList():
			for i := range v.List().Len() {
				each(v.List().Get(i).Message(), f)
			}
		default:
			each(v.Message(), f)
		}
		return true
	})
}

// checkSources wants a rule with its source in every message that has room for
// one. A canal has one where its compromise is classed.
func checkSources(t *testing.T, r *endplatev1.Report) {
	t.Helper()
	each(r.ProtoReflect(), func(m protoreflect.Message) {
		d := m.Descriptor()
		c, isCanal := m.Interface().(*endplatev1.Canal)
		if isCanal && c.GetCompromiseClass() == endplatev1.Canal_CLASS_UNSPECIFIED {
			return
		}
		for i := range d.Fields().Len() {
			if f := d.Fields().Get(i); isRule(string(f.Name())) && m.Get(f).String() == "" {
				t.Errorf("%s has no %s: %v", d.Name(), f.Name(), m)
			}
		}
	})
}

func TestEveryRuleHasASource(t *testing.T) { checkSources(t, convert.Report(brokenReport())) }

func TestEveryValueOfBoneHasAnEnum(t *testing.T) {
	for c := finding.CanalMinimal; c <= finding.CanalCritical; c++ {
		v := first(&analysis.Vertebra{Canal: analysis.Canal{Size: &morphometry.Canal{}, Assessment: finding.Canal{Class: c}}})
		if got, want := v.GetCanal().GetCompromiseClass().String(), strings.ToUpper(c.String()); got != want {
			t.Errorf("canal's class = %s, want %s", got, want)
		}
	}
	for s := finding.WallNotAssessable; s <= finding.WallInvolved; s++ {
		v := first(&analysis.Vertebra{Wall: analysis.Wall{PosteriorWall: finding.PosteriorWall{State: s, Reason: "r"}}})
		if got, want := v.GetPosteriorWall().GetState().String(), upper(s.String()); got != want {
			t.Errorf("wall's state = %s, want %s", got, want)
		}
	}
	for s := morphometry.PedicleNotAssessed; s <= morphometry.PedicleEroded; s++ {
		v := first(&analysis.Vertebra{Tissue: &morphometry.Tissue{Left: morphometry.Pedicle{Status: s}}})
		if got, want := v.GetPedicles().GetLeft().GetStatus().String(), upper(s.String()); got != want {
			t.Errorf("pedicle's status = %s, want %s", got, want)
		}
	}
	for p := cement.Canal; p <= cement.InferiorDisc; p++ {
		v := first(&analysis.Vertebra{Cement: &cement.Treated{Leaks: []cement.Leak{{Place: p}}}})
		if v.GetCement().GetLeaks()[0].GetPlace() == endplatev1.CementLeak_PLACE_UNSPECIFIED {
			t.Errorf("place %d has no enum value", p)
		}
	}
	for a, want := range map[finding.Answer]endplatev1.Answer{finding.CannotTell: endplatev1.Answer_CANNOT_TELL, finding.Yes: endplatev1.Answer_YES, finding.No: endplatev1.Answer_NO} {
		v := first(&analysis.Vertebra{Treatment: []finding.TreatmentFact{{Answer: a}}})
		if got := v.GetTreatmentFacts()[0].GetAnswer(); got != want {
			t.Errorf("answer = %s, want %s", got, want)
		}
	}
	for b := finding.NotBanded; b <= finding.BandAbove160; b++ {
		for c := finding.ContrastUnknown; c <= finding.ContrastPresent; c++ {
			r := &report.Report{Examinations: []report.Examination{{Result: &analysis.Result{Density: &finding.Density{Band: b, Contrast: finding.Contrast{State: c}}}}}}
			d := convert.Report(r).GetAnalyses()[0].GetDensity()
			if d.GetBand() == endplatev1.Density_BAND_UNSPECIFIED || d.GetContrast().GetState() == endplatev1.Contrast_STATE_UNSPECIFIED {
				t.Errorf("band %d, contrast %d: %v", b, c, d)
			}
		}
	}
}

func upper(words string) string { return strings.ToUpper(strings.ReplaceAll(words, " ", "_")) }

// The CSV says the same as the message, in its words.
func TestCSVOfABrokenVertebra(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteCSV(&b, brokenReport()); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	v := convert.Report(brokenReport()).GetAnalyses()[0].GetVertebrae()[0]
	for name, want := range map[string]string{
		"canal_ap_mm": "15.50", "canal_area_compromise_percent": "30.0", "canal_compromise_class": v.GetCanal().GetCompromiseClass().String(),
		"posterior_wall_state": v.GetPosteriorWall().GetState().String(), "posterior_wall_retropulsion_mm": "4.00", "posterior_wall_gap_percent": "30.0",
		"attenuation_median_hu": "92.0", "lesions_lytic_percent": "", "lesions_sclerotic_percent": "0.0", "vacuum_cleft_volume_ml": "0.400",
		"cortex_left_wall_gap_percent": "", "cortex_right_wall_gap_percent": "10.0",
		"pedicles_left_status": v.GetPedicles().GetLeft().GetStatus().String(), "pedicles_right_status": v.GetPedicles().GetRight().GetStatus().String(),
		"pedicles_right_attenuation_hu": "", "cement_volume_ml": "4.200", "cement_left_share_percent": "0.0",
		"cement_leaks_canal_ml": "0.200", "cement_leaks_foramen_ml": "0.000", "cement_superior_contact_touches": "true",
		"metal_in_body": "true", "fracture_superior_endplate_broken": v.GetFracture().GetSuperiorEndplate().GetBroken().String(),
		"fracture_candidates": "A3;OF3",
		"treatment_facts":     "LEVEL_WITHIN_PVP_RANGE=YES;LEVEL_WITHIN_BKP_RANGE=YES;SEVERE_COLLAPSE=NO;POSTERIOR_WALL_OR_CORTICAL_FRACTURE=YES;STABLE_WEDGE_A1=NO",
	} {
		at := slices.Index(records[0], name)
		if at < 0 {
			t.Errorf("no column %s", name)
		} else if got := records[1][at]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
