// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func point(x, y, z float64) landmark.Point {
	return landmark.Point{Position: r3.Vec{X: x, Y: y, Z: z}, SD: 0.25}
}

// full returns a report in which everything is present, much of it zero.
func full() *report.Report {
	l1 := analysis.Vertebra{
		Level: spine.L1, LevelProbability: 0.98, LevelAlternative: spine.T12,
		Status: analysis.Measured, Complete: true, Center: r3.Vec{X: 0, Y: -12.34567, Z: 100},
		Body: &segmentation.Body{Depth: 33, Width: 44},
		Landmarks: &landmark.Vertebra{
			Superior: landmark.Endplate{Anterior: point(0, -30, 112), Middle: point(0, -12, 111), Posterior: point(0, 3, 112), Direction: r3.Vec{Y: -1}},
			Inferior: landmark.Endplate{Anterior: point(0, -30, 88), Middle: point(0, -12, 89), Posterior: point(0, 3, 88)},
		},
		Heights:    &morphometry.Heights{Anterior: 24, Middle: 22, Posterior: 24, AnteriorSD: 0.3, MiddleSD: 0.4, PosteriorSD: 0.2},
		Expected:   &morphometry.Expected{Anterior: 24, Middle: 23, Posterior: 25, SD: 0.8, From: []spine.Level{spine.T12, spine.L2}},
		WedgeAngle: &analysis.Measurement{Value: 0, SD: 0.7},
		DiscHeight: &analysis.Measurement{Value: 8, SD: 0.3},
		Deformity:  &finding.Deformity{Assessed: true, WorstHeight: finding.MiddleHeight, Basis: finding.AdjacentLevels},
	}
	return &report.Report{
		Algorithm: "endplate", Version: "v0.1.0",
		Examinations: []report.Examination{{
			StudyInstanceUID: "1.2", SeriesInstanceUID: "1.2.3", FrameOfReferenceUID: "1.2.4", Modality: "CT", Path: "ct",
			Result: &analysis.Result{
				Vertebrae: []analysis.Vertebra{l1},
				Angles: []morphometry.Angle{{Name: "THORACIC_KYPHOSIS", Degrees: 0, SD: 1.5,
					From: morphometry.EndplateOf{Level: spine.T4, Endplate: spine.Superior},
					To:   morphometry.EndplateOf{Level: spine.T12, Endplate: spine.Inferior}}},
				Findings: []finding.Finding{{Code: "VERTEBRA_PLANA", Levels: []spine.Level{spine.L1}, Statement: "s", Criterion: "c", Source: "o"}},
				Warnings: []analysis.Warning{{Code: "LEVELS_GUESSED", Message: "m"}},
			},
		}},
		Skipped: []report.Skipped{{Path: "p", SeriesInstanceUID: "1.9", Code: "MALFORMED", Reason: "r"}},
	}
}

// The strings that users' scripts rely on.
// Reference: the output contract, as the README tells it.
const contract = `{"analyses":[{"study_instance_uid":"1.2","series_instance_uid":"1.2.3","frame_of_reference_uid":"1.2.4","modality":"CT","path":"ct",
"algorithm":{"name":"endplate","version":"v0.1.0"},
"vertebrae":[{"level":"L1","level_probability":0.98,"level_alternative":"T12","complete":true,"status":"MEASURED",
"center":{"x":0,"y":-12.3457,"z":100},
"landmarks":{"superior_anterior":{"x":0,"y":-30,"z":112,"sd_mm":0.25},"superior_middle":{"x":0,"y":-12,"z":111,"sd_mm":0.25},
"superior_posterior":{"x":0,"y":3,"z":112,"sd_mm":0.25},"inferior_anterior":{"x":0,"y":-30,"z":88,"sd_mm":0.25},
"inferior_middle":{"x":0,"y":-12,"z":89,"sd_mm":0.25},"inferior_posterior":{"x":0,"y":3,"z":88,"sd_mm":0.25},"superior_direction":{"x":0,"y":-1,"z":0}},
"heights":{"anterior_mm":24,"middle_mm":22,"posterior_mm":24,"sd_mm":0.4,"anterior_sd_mm":0.3,"middle_sd_mm":0.4,"posterior_sd_mm":0.2,
"expected_anterior_mm":24,"expected_middle_mm":23,"expected_posterior_mm":25,"expected_sd_mm":0.8,"expected_from":["T12","L2"]},
"wedge_angle_deg":0,"wedge_angle_sd_deg":0.7,"disc_height_below_mm":8,"disc_height_below_sd_mm":0.3,"depth_mm":33,"width_mm":44,
"deformity":{"genant_grade":0,"shape":"NONE","worst_loss_percent":0,"worst_loss_sd_percent":0,"worst_height":"MIDDLE","borderline":false,
"basis":"ADJACENT_LEVELS","severe":false,"vertebra_plana":false}}],
"angles":[{"name":"THORACIC_KYPHOSIS","from":"T4 superior","to":"T12 inferior","degrees":0,"sd_deg":1.5}],
"findings":[{"code":"VERTEBRA_PLANA","levels":["L1"],"statement":"s","criterion":"c","source":"o","borderline":false}],
"warnings":[{"code":"LEVELS_GUESSED","message":"m"}]}],
"skipped":[{"path":"p","series_instance_uid":"1.9","code":"MALFORMED","reason":"r"}]}`

func TestJSONIsTheContract(t *testing.T) {
	var b bytes.Buffer
	if err := convert.WriteJSON(&b, full()); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(contract), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestJSONReadsBack(t *testing.T) {
	var b bytes.Buffer
	if err := convert.WriteJSON(&b, full()); err != nil {
		t.Fatal(err)
	}
	got := &endplatev1.Report{}
	if err := protojson.Unmarshal(b.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(convert.Report(full()), got, protocmp.Transform()); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestTheUnmeasuredIsAbsent(t *testing.T) {
	nan := math.NaN()
	r := &report.Report{Examinations: []report.Examination{{Result: &analysis.Result{Vertebrae: []analysis.Vertebra{{
		Level: spine.S1, LevelProbability: 1, Status: analysis.NotMeasurable, Reason: "metal",
		Landmarks:  &landmark.Vertebra{Superior: landmark.Endplate{Anterior: point(1, 2, 3)}},
		WedgeAngle: &analysis.Measurement{Value: nan, SD: nan},
		Expected:   &morphometry.Expected{},
		Deformity:  &finding.Deformity{Reason: "no neighbour"},
	}}}}}}
	got := convert.Report(r).GetAnalyses()[0].GetVertebrae()[0]
	want := &endplatev1.Vertebra{}
	err := protojson.Unmarshal([]byte(`{"level":"S1","level_probability":1,"complete":false,"status":"NOT_MEASURABLE","status_reason":"metal",
		"center":{"x":0,"y":0,"z":0},"landmarks":{"superior_anterior":{"x":1,"y":2,"z":3,"sd_mm":0.25}},"deformity":{"reason":"no neighbour"}}`), want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("vertebra (-want +got):\n%s", diff)
	}
}

func TestEveryLevelKeepsItsName(t *testing.T) {
	for l := spine.C1; l <= spine.T13; l++ {
		got := endplatev1.Level(l).String()
		if want := strings.ToUpper(l.String()); got != want {
			t.Errorf("level %d = %s, want %s", l, got, want)
		}
	}
	if got, want := len(endplatev1.Level_name), int(spine.T13)+1; got != want {
		t.Errorf("levels = %d, want %d", got, want)
	}
}

func TestEveryValueHasAnEnum(t *testing.T) {
	for s := analysis.Measured; s <= analysis.NotMeasurable; s++ {
		v := first(&analysis.Vertebra{Status: s})
		if v.GetStatus() == endplatev1.Vertebra_STATUS_UNSPECIFIED {
			t.Errorf("status %d has no enum value", s)
		}
	}
	for s := finding.NoDeformity; s <= finding.Crush; s++ {
		if first(deformed(finding.Deformity{Shape: s})).GetDeformity().GetShape() == endplatev1.Deformity_SHAPE_UNSPECIFIED {
			t.Errorf("shape %d has no enum value", s)
		}
	}
	for h := finding.AnteriorHeight; h <= finding.PosteriorHeight; h++ {
		if first(deformed(finding.Deformity{WorstHeight: h})).GetDeformity().GetWorstHeight() == endplatev1.Deformity_HEIGHT_UNSPECIFIED {
			t.Errorf("height %d has no enum value", h)
		}
	}
	for b := finding.AdjacentLevels; b <= finding.OwnPosteriorHeight; b++ {
		if first(deformed(finding.Deformity{Basis: b})).GetDeformity().GetBasis() == endplatev1.Deformity_BASIS_UNSPECIFIED {
			t.Errorf("basis %d has no enum value", b)
		}
	}
}

func deformed(d finding.Deformity) *analysis.Vertebra {
	d.Assessed = true
	return &analysis.Vertebra{Deformity: &d}
}

func first(v *analysis.Vertebra) *endplatev1.Vertebra {
	r := &report.Report{Examinations: []report.Examination{{Result: &analysis.Result{Vertebrae: []analysis.Vertebra{*v}}}}}
	return convert.Report(r).GetAnalyses()[0].GetVertebrae()[0]
}

// derived are the columns that sum up what is repeated in the message.
func derived(name string) bool {
	return strings.HasPrefix(name, "cement_leaks_") || strings.HasPrefix(name, "findings_") || strings.HasPrefix(name, "film_") ||
		slices.Contains([]string{"fracture_candidates", "treatment_facts", "cement_doubts", "points_by_reader"}, name)
}

// The CSV's columns are the message's fields, flattened, in the same order, and
// none of what was there before canal, wall and bone is left out.
func TestCSVHasTheMessagesNames(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteCSV(&b, full()); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	analysisFields := (&endplatev1.Analysis{}).ProtoReflect().Descriptor().Fields()
	for i := range analysisFields.Len() {
		if f := analysisFields.Get(i); f.Kind() != protoreflect.MessageKind && f.Name() != "reason" {
			fields = append(fields, string(f.Name()))
		}
	}
	fields = append(fields, flatten("", (&endplatev1.Vertebra{}).ProtoReflect().Descriptor())...)
	// The points that a reader placed stand in one column, and what pictures are drawn by
	// is told in the message alone.
	fields = slices.DeleteFunc(fields, func(name string) bool {
		return strings.HasSuffix(name, "_set_by_reader") || strings.Contains(name, "_direction_")
	})
	columns := slices.DeleteFunc(slices.Clone(records[0]), derived)
	atLeast := slices.Index(fields, "deformity_reason") + 1
	if diff := cmp.Diff(fields[:atLeast], columns[:atLeast]); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	at := atLeast
	for _, name := range columns[atLeast:] {
		next := slices.Index(fields[at:], name)
		if next < 0 {
			t.Fatalf("%s is no field of the message after %s", name, fields[at-1])
		}
		at += next + 1
	}
	if got, want := len(slices.Compact(slices.Sorted(slices.Values(records[0])))), len(records[0]); got != want {
		t.Errorf("%d of %d columns have names of their own", got, want)
	}
	for name, value := range map[string]string{
		"level": "L1", "status": "MEASURED", "deformity_shape": "NONE", "deformity_worst_height": "MIDDLE",
		"deformity_basis": "ADJACENT_LEVELS", "heights_expected_from": "T12 L2",
	} {
		if got := records[1][slices.Index(records[0], name)]; got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
}

func flatten(prefix string, d protoreflect.MessageDescriptor) []string {
	var names []string
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		switch {
		case f.Kind() == protoreflect.MessageKind && f.IsList(): // no column of its own
		case f.Kind() == protoreflect.MessageKind:
			names = append(names, flatten(prefix+string(f.Name())+"_", f.Message())...)
		default:
			names = append(names, prefix+string(f.Name()))
		}
	}
	return names
}
