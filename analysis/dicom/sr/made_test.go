// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// originOf is that of a small series that was written as DICOM: one of these names is
// one examination of one patient.
func originOf(t testing.TB, name string) *dicom.Origin {
	t.Helper()
	v := &volume.Volume{
		Geometry: volume.Geometry{
			Columns: 4, Rows: 5, Slices: 6,
			Column: r3.Vec{X: 0.5}, Row: r3.Vec{Y: 0.5}, Slice: r3.Vec{Z: 2}, Origin: r3.Vec{X: -10, Y: -20, Z: -30},
		},
		Samples: make([]int16, 4*5*6),
	}
	var instances [][]byte
	if _, err := dicom.WriteCT(v, dicom.SyntheticCT{Study: name, FrameOfReference: name, PatientID: "P1", Description: name}, func(_ int, b []byte) error {
		instances = append(instances, bytes.Clone(b))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	catalog, err := dicom.Scan(t.Context(), func(yield func(dicom.Source, error) bool) {
		for _, b := range instances {
			if !yield(dicom.Source{Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}, nil) {
				return
			}
		}
	}, dicom.Options{})
	if err != nil || len(catalog.Stacks) != 1 {
		t.Fatalf("%v: %d stacks, skipped %+v", err, len(catalog.Stacks), catalog.Skipped)
	}
	o, err := catalog.Stacks[0].Origin()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func provenance() dicom.Provenance {
	return dicom.Provenance{Program: "endplate", Version: "1.0", Device: "test", ContentTime: time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)}
}

// measured is a result of three vertebrae, as it was stored, to which one was added
// that has all that a vertebra can have, and two that were not measured.
func measured(t testing.TB) *analysis.Result {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "result.1"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := analysis.DecodeResult(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	whole := broken(r.Vertebrae[1])
	whole.Level = 23 // L4
	r.Vertebrae = append(r.Vertebrae, whole, analysis.Vertebra{
		Level: spine.L5, Status: analysis.Truncated, Reason: "the volume ends at the body", LevelProbability: 0.9,
	}, analysis.Vertebra{
		Level: spine.S1, Status: analysis.NotMeasurable, Reason: "metal", LevelProbability: 0.9,
	})
	r.Warnings = append(r.Warnings, analysis.Warning{Code: "LEVELS_GUESSED", Message: "the levels are guessed: Wirbel nicht sicher benannt"})
	r.Findings = append(r.Findings, finding.Finding{
		Code: finding.VertebraPlanaCode, Levels: []spine.Level{23}, Statement: "L4: flat", Criterion: "rule", Source: "source",
		Verdict: finding.Rejected, VerdictReason: "not flat",
	})
	return r
}

// broken returns a vertebra with all that one can have.
func broken(v analysis.Vertebra) analysis.Vertebra {
	share := 0.3
	v.Deformity = &finding.Deformity{Assessed: true, Grade: 2, Shape: finding.Wedge, WorstLoss: 34, WorstLossSD: 2.5, Basis: finding.AdjacentLevels, Borderline: true}
	v.Wall.Measures = finding.WallMeasures{
		Retropulsion: &morphometry.Retropulsion{
			Estimate: morphometry.Estimate{Value: 4, SD: 0.5}, Along: 0.75, Left: -1.5, From: []spine.Level{spine.T12, spine.L2},
		},
		Gap:          &morphometry.WallGap{Share: share, IntactSD: 0.02, Cortex: 0.4, Intact: 0.8, Judged: 0.75, Levels: 3},
		Angles:       &morphometry.PosteriorAngles{Superior: morphometry.Estimate{Value: 108, SD: 2}, Inferior: morphometry.Estimate{Value: 90, SD: 2.25}},
		BesideAngles: &morphometry.PosteriorAngles{Superior: morphometry.Estimate{Value: 92, SD: 1}, Inferior: morphometry.Estimate{Value: 88, SD: 1}},
		Heights: morphometry.PosteriorHeights{
			Expected: &morphometry.Estimate{Value: 0.95, SD: 0.03}, Above: &morphometry.Estimate{Value: 1, SD: 0.02}, Below: &morphometry.Estimate{Value: 0.9, SD: 0.02},
		},
	}
	v.Wall.PosteriorWall = finding.AssessPosteriorWall(v.Wall.Measures)
	v.Canal.Compromise = &morphometry.Compromise{
		AP: morphometry.Estimate{Value: 20, SD: 6}, Area: morphometry.Estimate{Value: 30, SD: 7},
		ExpectedAP: 16, ExpectedArea: 300, From: []spine.Level{spine.T12, spine.L2},
	}
	v.Canal.Size = &morphometry.Canal{
		AP: morphometry.Estimate{Value: 15.5, SD: 0.4}, Area: morphometry.Estimate{Value: 290, SD: 9},
		NarrowestAP: morphometry.Estimate{Value: 12.8, SD: 0.45}, NarrowestArea: morphometry.Estimate{Value: 210, SD: 9.5}, NarrowestAt: 0.8, OpenShare: 0.1,
	}
	v.Canal.Assessment = finding.AssessCanal(v.Canal.Compromise, "")
	v.Tissue = &morphometry.Tissue{
		Attenuation: morphometry.Attenuation{HU: 92, SD: 3, Spread: 25, Volume: 4.5, Reason: "the body is deformed: impacted bone may raise it"},
		Lesions: morphometry.Lesions{
			Lytic: morphometry.Share{Assessed: true, Value: 0.125}, Sclerotic: morphometry.Share{Assessed: true}, Reference: 90,
		},
		Cleft: morphometry.Gas{Assessed: true, Volume: 0.4, SD: 0.05, Center: r3.Vec{X: 1, Y: -2, Z: 3}},
		Left:  morphometry.Pedicle{Status: morphometry.PediclePresent, HU: 320, Expected: 300},
		Right: morphometry.Pedicle{Status: morphometry.PedicleEroded, HU: 50, Expected: 310},
	}
	for f := range v.Tissue.Cortex.Gaps {
		v.Tissue.Cortex.Gaps[f] = morphometry.Gap{Assessed: true, Share: 0.1 + 0.01*float64(f), Usual: 0.05 + 0.01*float64(f)}
	}
	v.Cement = &cement.Treated{
		Volume: 4.2, VolumeSD: 0.1, Inside: 4, BodyShare: 0.15, Left: 0.4,
		Contacts: [2]cement.Contact{{Gap: 0.25, Area: 120, Touches: true}, {Gap: 3.5}},
		Leaks:    []cement.Leak{{Place: cement.Canal, Volume: 0.2, Distance: 4}, {Place: cement.InferiorDisc, Volume: 0.3, Distance: 5}},

		Attenuation: 1800, SaturatedShare: 0.02, Confidence: 0.6, Doubts: []cement.Doubt{cement.DoubtMetal},
	}
	v.Metal = &cement.Metal{Volume: 1.5, InBody: true}
	in := finding.FractureInput{
		Level: spine.L1, Deformity: v.Deformity, Tissue: v.Tissue, Wall: finding.WallInvolved, WallShare: &share,
		Endplates: &morphometry.EndplateShapes{{Sunk: 5, SunkSD: 0.5}, {}},
	}
	v.Fracture = finding.DescribeFracture(in)
	v.Treatment = finding.TreatmentFacts(finding.TreatmentInput{FractureInput: in, Fracture: v.Fracture})
	v.Reader = analysis.Reader{Named: true, Status: true}
	moved := *v.Landmarks
	moved.Point(landmark.SuperiorMiddle).ByReader = true
	v.Landmarks = &moved
	if v.Body == nil {
		v.Body = &segmentation.Body{}
	}
	return v
}

// writtenTo writes a data set to a file.
func writtenTo(t testing.TB, d *dataset.Dataset) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.dcm")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pydicom returns a Python that has it.
func pydicom(t testing.TB) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import pydicom").Run() == nil {
			return candidate
		}
	}
	t.Skip("without pydicom")
	return ""
}

// measuredNothing is a result without a vertebra.
func measuredNothing() *analysis.Result { return &analysis.Result{Reason: "no spine"} }

// plain is a data set that is no report.
func plain() *dataset.Dataset {
	d := &dataset.Dataset{}
	d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2")
	d.Text(tag.SOPInstanceUID, "UI", "1.2.3")
	return d
}
