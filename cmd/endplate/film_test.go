// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// filmOf runs endplate phantom --film in coarse voxels and pixels.
func filmOf(t *testing.T, arguments string) (dir string, truth filmTruth) {
	t.Helper()
	dir = t.TempDir()
	args := strings.Fields("phantom --film --levels T12-L3 --pixel-spacing 3 --spacing 3 --film-columns 200 --film-rows 240 --film-pixel-spacing 1.5 --out " + dir + " " + arguments)
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), args, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file filmTruthFile
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return dir, file.Analyses[0]
}

// Heights on the film, through the magnification of the body's centre, are those in the
// patient.
func TestFilmOfAPhantom(t *testing.T) {
	t.Parallel()
	for _, arguments := range []string{"", "--film-side right --film-turn 180 --film-raw --fracture L1=wedge:40", "--film-inverted --film-bits 8 --film-marker L --film-gas 3 --film-arms --film-grid-lines --film-collimate 20"} {
		dir, truth := filmOf(t, arguments)
		if len(truth.Vertebrae) != 4 {
			t.Fatalf("%s: %d vertebrae on the film, want 4", arguments, len(truth.Vertebrae))
		}
		for _, v := range truth.Vertebrae {
			top, bottom := v.Landmarks["superior_anterior"], v.Landmarks["inferior_anterior"]
			got := math.Hypot(top.Col-bottom.Col, top.Row-bottom.Row) * truth.ImagerPixelSpacing[0] / v.Magnification
			if math.Abs(got-v.Heights.Anterior) > 0.01*v.Heights.Anterior {
				t.Errorf("%s: %s is %.2f mm high on the film and %.2f mm in the patient", arguments, v.Level, got, v.Heights.Anterior)
			}
			if right := strings.Contains(arguments, "right"); !v.Complete || (top.Row > bottom.Row) != right {
				t.Errorf("%s: %s from %v to %v", arguments, v.Level, top, bottom)
			}
		}
		valid(t, filepath.Join(dir, "film.dcm"))
	}
}

// valid runs dicom3tools' validator.
func valid(t *testing.T, file string) {
	t.Helper()
	path, err := exec.LookPath("dciodvfy")
	if err != nil {
		t.Logf("no dciodvfy: %v", err)
		return
	}
	out, _ := exec.CommandContext(t.Context(), path, file).CombinedOutput()
	if bytes.Contains(out, []byte("Error")) || !bytes.Contains(out, []byte("DXImageFor")) {
		t.Errorf("%s", out)
	}
}

func TestFilmsThatAreNotTaken(t *testing.T) {
	for _, tt := range []struct{ arguments, want string }{
		{"phantom --film --out x --film-side top", "--film-side top"},
		{"phantom --film --out x --film-source-to-spine 2000", "--film-source-to-spine 2000"},
		{"phantom --film --out x --film-bits 20", "--film-bits 20"},
		{"phantom --film --out x --film-marker Q", "--film-marker Q"},
		{"film x", "--out"},
		{"film --out y x --gamma NaN", "--gamma NaN"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), strings.Fields(tt.arguments), &stdout, &stderr); status != exitUsage || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: status %d, %s", tt.arguments, status, stderr.String())
		}
	}
}

// A film is measured from a reader's two points: in mm with the header's magnification, and
// without it in ratios and degrees alone.
func TestMeasureFilm(t *testing.T) {
	t.Parallel()
	dir, truth := filmOf(t, "--film-gamma 3")
	args := []string{"measure", filepath.Join(dir, "film.dcm")}
	for _, n := range []int{0, 3} { // T12 and L3
		v := truth.Vertebrae[n]
		args = append(args, "--seed", fmt.Sprintf("%s@%g,%g", v.Level, v.Center.Col, v.Center.Row))
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), args, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	var file endplatev1.Report
	if err := protojson.Unmarshal(stdout.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	a := file.GetAnalyses()[0]
	if a.GetFilm().GetCalibration().GetBasis() != endplatev1.Calibration_MAGNIFICATION_FACTOR || len(a.GetFilm().GetNotAssessableOnRadiograph()) == 0 {
		t.Errorf("film %v", a.GetFilm())
	}
	for _, want := range truth.Vertebrae {
		i := slices.IndexFunc(a.Vertebrae, func(v *endplatev1.Vertebra) bool { return v.GetLevel().String() == want.Level })
		if i < 0 {
			t.Errorf("%s is not there", want.Level)
			continue
		}
		got := a.Vertebrae[i]
		if h := got.GetHeights(); h == nil || math.Abs(h.GetPosteriorMm()-want.Heights.Posterior) > 5*h.GetSdMm() {
			t.Errorf("%s: heights %v, want %+v", want.Level, h, want.Heights)
		}
		if p := got.GetLandmarks().GetSuperiorAnterior(); p.Column == nil || p.SdPixels == nil || p.X != nil || got.GetRatios().AnteriorToPosterior == nil || got.WedgeAngleDeg == nil {
			t.Errorf("%s: %v", want.Level, got)
		}
	}
}

func TestFilmsThatAreNotMeasured(t *testing.T) {
	for _, tt := range []struct{ arguments, want string }{
		{"measure ../../README.md --seed L1@1,2 --level L1@1,2,3", "for CT"},
		{"measure ../../README.md --corners ../../README.md", "--corners"},
		{"measure a --seed L1", "--seed L1"},
		{"measure a --seed L1@1", "no point"},
		{"measure a --seed L1@1,2 --anterior up", "--anterior up"},
		{"measure a --seed L1@1,2 --scale 20", "--scale 20"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), strings.Fields(tt.arguments), &stdout, &stderr); status != exitUsage || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: status %d, %s", tt.arguments, status, stderr.String())
		}
	}
}

// shiftPoints moves the points of a concept in a report.
func shiftPoints(t *testing.T, report string, concept code.Code, columns, rows float64) {
	t.Helper()
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var shift func(*dataset.Dataset)
	shift = func(d *dataset.Dataset) {
		for _, item := range d.Items(tag.ContentSequence) {
			if item.Value(tag.GraphicType) == "POINT" && code.Of(item, tag.ConceptNameCodeSequence).Is(concept) {
				at := item.Numbers(tag.GraphicData)
				item.Floats(tag.GraphicData, "FL", at[0]+columns, at[1]+rows)
			}
			shift(item)
		}
	}
	shift(&d.Dataset)
	var w bytes.Buffer
	if err := d.WriteFile(&w); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(report, w.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What a report says of the points of a film is read back on it: a reader's points, where
// they were; on another film, or on a CT, they are refused.
func TestLandmarksOfAFilmAreReadBack(t *testing.T) {
	t.Parallel()
	dir, truth := filmOf(t, "--film-gamma 3")
	film, report := filepath.Join(dir, "film.dcm"), filepath.Join(dir, "report.dcm")
	first, last := truth.Vertebrae[0], truth.Vertebrae[3]
	seeds := []string{"--seed", fmt.Sprintf("%s@%g,%g", first.Level, first.Center.Col, first.Center.Row), "--seed", fmt.Sprintf("%s@%g,%g", last.Level, last.Center.Col, last.Center.Row)}
	measured := func(args ...string) map[string]*endplatev1.Vertebra {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), append([]string{"measure", film}, args...), &stdout, &stderr); status != exitOK {
			t.Fatalf("%v: status %d: %s", args, status, stderr.String())
		}
		var file endplatev1.Report
		if err := protojson.Unmarshal(stdout.Bytes(), &file); err != nil {
			t.Fatal(err)
		}
		all := map[string]*endplatev1.Vertebra{}
		for _, v := range file.GetAnalyses()[0].Vertebrae {
			all[v.GetLevel().String()] = v
		}
		return all
	}
	want := measured(seeds...)
	var stderr bytes.Buffer
	if status := run(t.Context(), append([]string{"measure", film, "--format", "sr", "--out", report}, seeds...), io.Discard, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	shiftPoints(t, report, code.SuperiorAnterior, 2.5, -1.5)
	got := measured("--landmarks", report)
	for level, v := range want {
		w, g := v.GetLandmarks(), got[level].GetLandmarks()
		if w == nil {
			continue
		}
		for name, p := range map[string][2]*endplatev1.Landmark{
			"superior anterior": {w.GetSuperiorAnterior(), g.GetSuperiorAnterior()}, "superior middle": {w.GetSuperiorMiddle(), g.GetSuperiorMiddle()},
			"inferior posterior": {w.GetInferiorPosterior(), g.GetInferiorPosterior()}, "inferior middle": {w.GetInferiorMiddle(), g.GetInferiorMiddle()},
		} {
			column, row := p[0].GetColumn(), p[0].GetRow()
			if name == "superior anterior" {
				column, row = column+2.5, row-1.5
			}
			if d := math.Hypot(column-p[1].GetColumn(), row-p[1].GetRow()); d > 0.001 {
				t.Errorf("%s: the %s point is %g pixels away", level, name, d)
			}
		}
	}
	if len(want) < 4 {
		t.Errorf("%d vertebrae", len(want))
	}
	b, err := os.ReadFile(film)
	if err != nil {
		t.Fatal(err)
	}
	meta, _, err := dicom.ReadFileMeta(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	uid := []byte(meta.SOPInstanceUID)
	renamed := slices.Clone(uid)
	renamed[len(renamed)-1] ^= 1 // another digit
	other := filepath.Join(dir, "other.dcm")
	if err := os.WriteFile(other, bytes.ReplaceAll(b, uid, renamed), 0o600); err != nil {
		t.Fatal(err)
	}
	if status := run(t.Context(), []string{"measure", other, "--landmarks", report}, io.Discard, &stderr); status == exitOK || !strings.Contains(stderr.String(), "another image") {
		t.Errorf("on another film: status %d: %s", status, stderr.String())
	}
}

// Of the six points a reader places those that he sees: four corners tell where a body is
// looked for, and the points that are found stand beside those that were placed.
func TestMeasureFilmFromCorners(t *testing.T) {
	t.Parallel()
	dir, truth := filmOf(t, "--film-gamma 3")
	placed := []string{"superior_anterior", "superior_posterior", "inferior_anterior", "inferior_posterior"}
	a := &endplatev1.Analysis{}
	for _, n := range []int{0, 3} { // T12 and L3
		v := truth.Vertebrae[n]
		at := func(name string) *endplatev1.Landmark {
			return &endplatev1.Landmark{Column: new(v.Landmarks[name].Col), Row: new(v.Landmarks[name].Row)}
		}
		a.Vertebrae = append(a.Vertebrae, &endplatev1.Vertebra{Level: endplatev1.Level(endplatev1.Level_value[v.Level]), Landmarks: &endplatev1.Landmarks{
			SuperiorAnterior: at(placed[0]), SuperiorPosterior: at(placed[1]), InferiorAnterior: at(placed[2]), InferiorPosterior: at(placed[3]),
		}})
	}
	a.Vertebrae = append(a.Vertebrae, &endplatev1.Vertebra{Level: endplatev1.Level_L1}) // without points: passed over
	b, err := protojson.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	corners := filepath.Join(dir, "corners.json")
	if err := os.WriteFile(corners, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"measure", "--corners", corners, filepath.Join(dir, "film.dcm")}, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	var file endplatev1.Report
	if err := protojson.Unmarshal(stdout.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	all := file.GetAnalyses()[0].GetVertebrae()
	if len(all) < len(truth.Vertebrae) {
		t.Errorf("%d vertebrae, want those between too", len(all))
	}
	for _, want := range a.GetVertebrae()[:2] {
		i := slices.IndexFunc(all, func(v *endplatev1.Vertebra) bool { return v.GetLevel() == want.GetLevel() })
		if i < 0 {
			t.Errorf("%v is not there", want.GetLevel())
			continue
		}
		got, put := all[i].GetLandmarks().GetInferiorPosterior(), want.GetLandmarks().GetInferiorPosterior()
		if math.Hypot(got.GetColumn()-put.GetColumn(), got.GetRow()-put.GetRow()) > 1e-3 || all[i].GetLandmarks().GetSuperiorMiddle() == nil || all[i].GetHeights() == nil {
			t.Errorf("%v: %v, want the corner at %v", want.GetLevel(), all[i].GetLandmarks(), put)
		}
	}
}
