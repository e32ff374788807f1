// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/dicom"
	data "github.com/endplate/endplate/analysis/dicom/dataset" // a function of these tests has its name
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
)

// exposed is an exposure of a wedge with a step, 120 by 100 pixels.
func exposed(t testing.TB) *projection.Exposure {
	t.Helper()
	g, err := projection.NewGeometry(projection.Setup{
		Toward: projection.LeftLateral, Up: r3.Vec{Z: 1}, SourceToIsocenter: 800, SourceToDetector: 1000, Columns: 120, Rows: 100, ImagerPixelSpacing: 0.5,
	})
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]float32, 120*100)
	for i := range paths {
		paths[i] = 150 + float32(i%120)
		if i/120 > 60 {
			paths[i] += 30
		}
	}
	technique := projection.Technique{Energy: 60}
	return technique.Expose(&g, paths, r3.Vec{})
}

func film(t testing.TB, p projection.Processing) []byte {
	t.Helper()
	p.Gamma = 1.5
	b, _, err := dicom.WriteFilm(p.Develop(exposed(t)), dicom.SyntheticFilm{Study: "s", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readFilm(t testing.TB, b []byte) *radiograph.Image {
	t.Helper()
	m, err := dicom.ReadRadiograph(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func correlation(a, b *radiograph.Image) float64 {
	x, y := make([]float64, len(a.Samples)), make([]float64, len(b.Samples))
	for i := range x {
		x[i], y[i] = float64(a.Samples[i]), float64(b.Samples[i])
	}
	return stat.Correlation(x, y, nil)
}

// However a film is stored, more tissue is brighter and the picture is the same.
func TestReadRadiographInAnyForm(t *testing.T) {
	want := readFilm(t, film(t, projection.Processing{Bits: 12}))
	if want.Columns != 120 || want.Rows != 100 || !(want.Samples[50*120+110] > want.Samples[50*120+10]) || !(want.Samples[80*120+50] > want.Samples[40*120+50]) {
		t.Fatal("more tissue is not brighter")
	}
	for _, bits := range []int{8, 10, 14, 16} {
		for _, inverted := range []bool{false, true} {
			got := readFilm(t, film(t, projection.Processing{Bits: bits, Inverted: inverted}))
			for i := range got.Samples {
				if math.Abs(float64(got.Samples[i]-want.Samples[i])) > 0.01 {
					t.Fatalf("%d bits, inverted %t: pixel %d is %g, want %g", bits, inverted, i, got.Samples[i], want.Samples[i])
				}
			}
		}
	}
	raw := readFilm(t, film(t, projection.Processing{Bits: 14, Raw: true}))
	if c := correlation(raw, want); c < 0.98 {
		t.Errorf("for processing: correlation %.3f with the film for presentation", c)
	}
}

// changed reads a film after a change of its data set.
func changed(t testing.TB, b []byte, change func(*data.Dataset)) (*radiograph.Image, error) {
	t.Helper()
	file, err := data.Read(bytes.NewReader(b), int64(len(b)), data.Options{Pixels: true})
	if err != nil {
		t.Fatal(err)
	}
	change(&file.Dataset)
	var out bytes.Buffer
	if err := file.WriteFile(&out); err != nil {
		t.Fatal(err)
	}
	return dicom.ReadRadiograph(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()))
}

// Windows, sigmoid windows and VOI LUTs show the same tissue in the same order.
func TestReadRadiographThroughVOI(t *testing.T) {
	b := film(t, projection.Processing{Bits: 12})
	want := readFilm(t, b)
	for name, change := range map[string]func(*data.Dataset){
		"a narrow window goes on beyond its ends": func(d *data.Dataset) {
			d.Floats(tag.WindowCenter, "DS", 2000)
			d.Floats(tag.WindowWidth, "DS", 300)
		},
		"sigmoid": func(d *data.Dataset) {
			d.Floats(tag.WindowCenter, "DS", 2048)
			d.Floats(tag.WindowWidth, "DS", 4096)
			d.Text(tag.VOILUTFunction, "CS", "SIGMOID")
		},
		"VOI LUT": func(d *data.Dataset) {
			d.Remove(tag.WindowCenter)
			d.Remove(tag.WindowWidth)
			var words []byte
			for i := range 4096 {
				words = binary.LittleEndian.AppendUint16(words, uint16(1023*math.Sqrt(float64(i)/4095)))
			}
			item := &data.Dataset{}
			item.Ints(tag.LUTDescriptor, "US", 4096, 0, 10)
			item.Bytes(tag.LUTData, "OW", words)
			d.Sequence(tag.VOILUTSequence, item)
		},
	} {
		got, err := changed(t, b, change)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c := correlation(got, want); c < 0.97 {
			t.Errorf("%s: correlation %.3f", name, c)
		}
	}
}

// What a header says of lengths and views comes through, and what it cannot mean does not.
func TestReadRadiographHeader(t *testing.T) {
	b := film(t, projection.Processing{Bits: 12})
	h := readFilm(t, b).Header
	if c := h.Scale.Calibrate(); c.Basis != radiograph.Magnification || math.Abs(c.Spacing.Rows-0.4) > 1e-9 {
		t.Errorf("calibration %+v, want 0.5 mm over 1.25", c)
	}
	if h.Modality != "DX" || h.ViewPosition != "LL" || h.PatientOrientation != [2]string{"A", "F"} {
		t.Errorf("header %+v", h)
	}
	m, err := changed(t, b, func(d *data.Dataset) {
		d.Text(tag.ImagerPixelSpacing, "DS", "0", "-1")
		d.Text(tag.DistanceSourceToPatient, "DS", "")
		d.Remove(tag.EstimatedRadiographicMagnificationFactor)
		d.Ints(tag.PixelAspectRatio, "IS", 6, 5)
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Header.Scale.Calibrate(); c.Millimetres() || c.Spacing.Rows != 1.2 {
		t.Errorf("calibration %+v", c)
	}
}

// CT is no radiograph; broken films tell what is wrong.
func TestReadRadiographRefuses(t *testing.T) {
	b := film(t, projection.Processing{Bits: 12})
	_, err := changed(t, b, func(d *data.Dataset) { d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2") })
	if _, ok := errors.AsType[*dicom.NotRadiographError](err); !ok {
		t.Errorf("a CT image: %v", err)
	}
	_, err = changed(t, b, func(d *data.Dataset) { d.Remove(tag.Rows) })
	if e, ok := errors.AsType[*dicom.MissingAttributeError](err); !ok || e.Keyword != "Rows" {
		t.Errorf("no Rows: %v", err)
	}
	_, err = changed(t, b, func(d *data.Dataset) { d.Ints(tag.Rows, "US", 60000) })
	if !errors.Is(err, dicom.ErrTruncated) {
		t.Errorf("too many Rows: %v", err)
	}
	for n := 0; n < len(b); n += 97 {
		if _, err := dicom.ReadRadiograph(t.Context(), bytes.NewReader(b[:n]), int64(n)); err == nil {
			t.Fatalf("cut after %d of %d bytes: no error", n, len(b))
		}
	}
}

func FuzzReadRadiograph(f *testing.F) {
	f.Add(film(f, projection.Processing{Bits: 12}))
	f.Add(film(f, projection.Processing{Bits: 14, Raw: true}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dicom.ReadRadiograph(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if len(m.Samples) != m.Columns*m.Rows {
			t.Errorf("%d samples of %d × %d", len(m.Samples), m.Columns, m.Rows)
		}
		radiograph.Recognize(m, radiograph.FindField(m), false)
	})
}

// Compressed by dcmtk, the picture is the same.
func TestReadRadiographCompressedByDCMTK(t *testing.T) {
	b := film(t, projection.Processing{Bits: 12})
	want := readFilm(t, b)
	in := filepath.Join(t.TempDir(), "film.dcm")
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"dcmcjpeg", "dcmcjpls", "dcmcrle"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Skipf("no %s: %v", tool, err)
		}
		out := in + "." + tool
		if text, err := exec.CommandContext(t.Context(), path, in, out).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, text)
		}
		packed, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		got := readFilm(t, packed)
		for i := range got.Samples {
			if got.Samples[i] != want.Samples[i] {
				t.Fatalf("%s: pixel %d is %g, want %g", tool, i, got.Samples[i], want.Samples[i])
			}
		}
	}
}
