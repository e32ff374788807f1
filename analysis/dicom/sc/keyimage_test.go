// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	"github.com/endplate/endplate/analysis/dicom/sc"
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

func keyImages(t *testing.T, p dicom.Provenance) []*dataset.Dataset {
	t.Helper()
	o, vol, r := examination(t)
	all, err := sc.KeyImages(o, vol, r, p)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func bytesOf(t *testing.T, d *dataset.Dataset) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Each picture is an object of its own in one series, in the images' study, with every
// image as its source, and without a name in its pixels.
func TestKeyImages(t *testing.T) {
	o, vol, r := examination(t)
	all, err := sc.KeyImages(o, vol, r, provenance)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 {
		t.Fatalf("%d objects, want 2", len(all))
	}
	seen := map[string]bool{}
	for n, d := range all {
		f, err := dataset.Read(bytes.NewReader(bytesOf(t, d)), -1, dataset.Options{Pixels: true})
		if err != nil {
			t.Fatal(err)
		}
		for keyword, pair := range map[string][2]string{
			"StudyInstanceUID":           {f.Value(tag.StudyInstanceUID), o.StudyInstanceUID},
			"SeriesInstanceUID":          {f.Value(tag.SeriesInstanceUID), all[0].Value(tag.SeriesInstanceUID)},
			"PatientID":                  {f.Value(tag.PatientID), "SECRET"},
			"BurnedInAnnotation":         {f.Value(tag.BurnedInAnnotation), "NO"},
			"RecognizableVisualFeatures": {f.Value(tag.RecognizableVisualFeatures), "NO"},
			"ImageComments":              {f.Value(tag.ImageComments), report.Disclaimer},
			"PhotometricInterpretation":  {f.Value(tag.PhotometricInterpretation), "RGB"},
		} {
			if pair[0] != pair[1] {
				t.Errorf("object %d: %s %q, want %q", n, keyword, pair[0], pair[1])
			}
		}
		sources := f.Items(tag.SourceImageSequence)
		if len(sources) != 40 || sources[7].Value(tag.ReferencedSOPInstanceUID) != o.Images[7].SOPInstanceUID {
			t.Errorf("object %d: %d sources", n, len(sources))
		}
		pixels, _ := f.Find(tag.PixelData)
		if want := 3 * f.Int(tag.Rows, 0) * f.Int(tag.Columns, 0); want == 0 || len(pixels.Value) != (want+1)/2*2 {
			t.Errorf("object %d: %d bytes of pixels, want %d", n, len(pixels.Value), want)
		}
		if _, spaced := f.Find(tag.PixelSpacing); spaced {
			t.Errorf("object %d: distances could be taken of a curved picture", n)
		}
		if uid := f.Value(tag.SOPInstanceUID); seen[uid] || f.Int(tag.InstanceNumber, 0) != n+1 {
			t.Errorf("object %d: %s, number %d", n, uid, f.Int(tag.InstanceNumber, 0))
		} else {
			seen[uid] = true
		}
	}
}

// The pixels depend on what was found alone: no attribute of the patient gets there.
func TestPixelsNameNoPatient(t *testing.T) {
	o, vol, r := examination(t)
	before, err := sc.KeyImages(o, vol, r, provenance)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []tag.Tag{tag.PatientName, tag.PatientID, tag.AccessionNumber, tag.StudyID} {
		found, _ := o.Identity.Find(e)
		found.Value = []byte("ANOTHER")
		o.Identity.Put(found)
	}
	later := provenance
	later.ContentTime = later.ContentTime.AddDate(3, 0, 0)
	after, err := sc.KeyImages(o, vol, r, later)
	if err != nil {
		t.Fatal(err)
	}
	for n := range before {
		p, _ := before[n].Find(tag.PixelData)
		q, _ := after[n].Find(tag.PixelData)
		if !bytes.Equal(p.Value, q.Value) {
			t.Errorf("object %d: the pixels of another patient differ", n)
		}
	}
}

func TestNamesDoNotDependOnTheTime(t *testing.T) {
	later := provenance
	later.ContentTime = later.ContentTime.AddDate(1, 0, 0)
	first, again, second := keyImages(t, provenance), keyImages(t, provenance), keyImages(t, later)
	for n := range first {
		if !bytes.Equal(bytesOf(t, first[n]), bytesOf(t, again[n])) {
			t.Errorf("object %d has other bytes the second time", n)
		}
		if a, b := first[n].Value(tag.SOPInstanceUID), second[n].Value(tag.SOPInstanceUID); a != b {
			t.Errorf("object %d is %s and at another time %s", n, a, b)
		}
	}
}

func TestNothingToShow(t *testing.T) {
	o, vol, _ := examination(t)
	if _, err := sc.KeyImages(o, vol, &analysis.Result{Reason: "no spine was found"}, provenance); !errors.Is(err, sc.ErrNothing) {
		t.Errorf("%v, want ErrNothing", err)
	}
}

// dciodvfy finds no error, and pydicom the very pixels.
func TestPeersReadKeyImages(t *testing.T) {
	all := keyImages(t, provenance)
	for n, d := range all {
		path := filepath.Join(t.TempDir(), "sc.dcm")
		if err := os.WriteFile(path, bytesOf(t, d), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := exec.LookPath("dciodvfy"); err != nil {
			t.Logf("without dciodvfy: %v", err)
		} else {
			out, _ := exec.CommandContext(t.Context(), "dciodvfy", "-new", path).CombinedOutput() // its status tells of warnings too
			if strings.Contains(string(out), "Error") || !strings.Contains(string(out), "SCImage") {
				t.Errorf("object %d: %s", n, out)
			}
		}
		const script = `import sys, hashlib, pydicom
print(hashlib.sha256(pydicom.dcmread(sys.argv[1]).pixel_array.tobytes()).hexdigest())`
		out, err := exec.CommandContext(t.Context(), pydicom(t), "-c", script, path).Output()
		if err != nil {
			t.Fatal(err)
		}
		pixels, _ := d.Find(tag.PixelData)
		sum := sha256.Sum256(pixels.Value[:3*d.Int(tag.Rows, 0)*d.Int(tag.Columns, 0)])
		if got := strings.TrimSpace(string(out)); got != hex.EncodeToString(sum[:]) {
			t.Errorf("object %d: pydicom reads other pixels", n)
		}
	}
}

func pydicom(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import pydicom, numpy").Run() == nil {
			return candidate
		}
	}
	t.Skip("without pydicom and numpy")
	return ""
}
