// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/pdf"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// examination is a series of a few images, and a spine of three levels in it.
func examination(t *testing.T) (*dicom.Origin, *volume.Volume, *analysis.Result) {
	t.Helper()
	vol := volume.New(volume.Geometry{
		Columns: 40, Rows: 60, Slices: 40, Origin: r3.Vec{X: -40, Y: -60, Z: -60},
		Column: r3.Vec{X: 2}, Row: r3.Vec{Y: 2}, Slice: r3.Vec{Z: 3},
	})
	for n := range vol.Samples {
		vol.Samples[n] = int16(n % 700)
	}
	r := &analysis.Result{Grid: vol.Geometry}
	for i := range 3 {
		r.Vertebrae = append(r.Vertebrae, analysis.Vertebra{
			Level: spine.T12 + spine.Level(i), LevelProbability: 1, Status: analysis.Truncated, Center: r3.Vec{Z: 30 - 30*float64(i)},
		})
	}
	for z := 45.0; z >= -45; z -= 5 {
		r.Canal = append(r.Canal, localization.CanalPoint{Position: r3.Vec{Y: 25, Z: z}, Superior: r3.Vec{Z: 1}, Anterior: r3.Vec{Y: -1}})
	}
	return originOf(t, vol), vol, r
}

func originOf(t *testing.T, vol *volume.Volume) *dicom.Origin {
	t.Helper()
	var sources []dicom.Source
	_, err := dicom.WriteCT(vol, dicom.SyntheticCT{Study: "test", PatientID: "SECRET"}, func(_ int, instance []byte) error {
		b := bytes.Clone(instance)
		sources = append(sources, dicom.Source{
			Name: "image", Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := dicom.Scan(t.Context(), func(yield func(dicom.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}, dicom.Options{})
	if err != nil || len(catalog.Stacks) != 1 {
		t.Fatalf("%v, skipped %+v", err, catalog.Skipped)
	}
	o, err := catalog.Stacks[0].Origin()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var provenance = dicom.Provenance{Program: "endplate", Version: "1.2.3", ContentTime: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}

func made(t *testing.T, p dicom.Provenance) (*dataset.Dataset, []byte) {
	t.Helper()
	o, vol, r := examination(t)
	d, err := pdf.Report(o, vol, r, p)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	return d, b.Bytes()
}

func TestReport(t *testing.T) {
	d, b := made(t, provenance)
	document, _ := d.Find(tag.EncapsulatedDocument)
	if !bytes.HasPrefix(document.Value, []byte("%PDF-1.")) || d.Int(tag.EncapsulatedDocumentLength, 0) != len(document.Value) {
		t.Errorf("%d bytes of document, begins %.8q", len(document.Value), document.Value)
	}
	if n := len(d.Items(tag.SourceInstanceSequence)); n != 40 {
		t.Errorf("%d sources, want 40", n)
	}
	if _, again := made(t, provenance); !bytes.Equal(b, again) {
		t.Error("other bytes the second time")
	}
	later := provenance
	later.ContentTime = later.ContentTime.AddDate(1, 0, 0)
	if other, _ := made(t, later); other.Value(tag.SOPInstanceUID) != d.Value(tag.SOPInstanceUID) {
		t.Error("another name at another time")
	}
}

func TestReportOfNothing(t *testing.T) {
	o, vol, _ := examination(t)
	d, err := pdf.Report(o, vol, &analysis.Result{Reason: "no spine was found"}, provenance)
	if err != nil {
		t.Fatal(err)
	}
	if text := textOf(t, d); !strings.Contains(text, "no vertebra: no spine was found") {
		t.Errorf("the document says\n%s", text)
	}
}

// textOf returns the text of the pages, by Ghostscript.
func textOf(t *testing.T, d *dataset.Dataset) string {
	t.Helper()
	gs, err := exec.LookPath("gs")
	if err != nil {
		t.Skip("without Ghostscript: ", err)
	}
	document, _ := d.Find(tag.EncapsulatedDocument)
	path := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(path, document.Value, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), gs, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=txtwrite", "-sOutputFile=-", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Another program reads the pages: the levels with their numbers, what they are not
// for, and no word of the patient.
func TestPagesSayWhatWasMeasured(t *testing.T) {
	d, _ := made(t, provenance)
	text := textOf(t, d)
	for _, want := range []string{"T12", "L1", "L2", "truncated", "endplate 1.2.3. " + report.Disclaimer, "page 2 of 2", "straightened"} {
		if !strings.Contains(text, want) {
			t.Errorf("the pages do not say %q", want)
		}
	}
	if strings.Contains(text, "SECRET") || strings.Contains(text, "PHANTOM") {
		t.Error("the pages name the patient")
	}
}

func TestValidatorFindsNoError(t *testing.T) {
	if _, err := exec.LookPath("dciodvfy"); err != nil {
		t.Skip("without dciodvfy: ", err)
	}
	_, b := made(t, provenance)
	path := filepath.Join(t.TempDir(), "pdf.dcm")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.CommandContext(t.Context(), "dciodvfy", "-new", path).CombinedOutput() // its status tells of warnings too
	if strings.Contains(string(out), "Error") || !strings.Contains(string(out), "EncapsulatedPDF") {
		t.Errorf("%s", out)
	}
}
