// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// full returns a data set with an element of nearly every VR, and nested ones.
func full() *dataset.Dataset {
	inner := &dataset.Dataset{}
	inner.Text(tag.CodeValue, "SH", "121207")
	inner.Text(tag.CodeMeaning, "LO", "Höhe 高さ")
	outer := &dataset.Dataset{}
	outer.Sequence(tag.ConceptNameCodeSequence, inner)
	outer.Sequence(tag.ContentSequence)
	outer.Text(tag.TextValue, "UT", "two\r\nlines \\ one value")
	outer.Tags(tag.DimensionIndexPointer, tag.ImagePositionPatient)

	d := &dataset.Dataset{}
	d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.88.34")
	d.Text(tag.SOPInstanceUID, "UI", "2.25.1")
	d.Text(tag.StudyDate, "DA", "20240229")
	d.Text(tag.StudyTime, "TM", "101112.5")
	d.Text(tag.AcquisitionDateTime, "DT", "20240229101112.25+0100")
	d.Text(tag.PatientAge, "AS", "071Y")
	d.Text(tag.PatientName, "PN", "Yamada^Tarou=山田^太郎=やまだ^たろう")
	d.Text(tag.AccessionNumber, "SH", "")
	d.Text(tag.ImageType, "CS", "DERIVED", "PRIMARY")
	d.Text(tag.RetrieveAETitle, "AE", "endplate")
	d.Text(tag.DerivationDescription, "ST", "some text")
	d.Text(tag.PatientComments, "LT", strings.Repeat("ü", 5000))
	d.Text(tag.RetrieveURL, "UR", "https://a.example/b")
	d.Text(tag.LongCodeValue, "UC", "a long code")
	d.Ints(tag.SeriesNumber, "IS", -7)
	d.Ints(tag.Rows, "US", 65535)
	d.Ints(tag.ReferencedFrameNumber, "IS", 1, 2, 3)
	d.Ints(tag.ReferencePixelX0, "SL", -5)
	d.Ints(tag.SelectorULValue, "UL", math.MaxUint32)
	d.Ints(tag.SelectorSSValue, "SS", -1, 1)
	d.Ints(tag.SelectorSVValue, "SV", math.MinInt64)
	d.Ints(tag.SelectorUVValue, "UV", math.MaxInt64)
	d.Floats(tag.ImagePositionPatient, "DS", -1.0/3, 1e-9, 123456789.123456789)
	d.Floats(tag.FloatingPointValue, "FD", math.Pi)
	d.Floats(tag.GraphicData, "FL", 0.5, -2)
	d.Bytes(tag.RedPaletteColorLookupTableData, "OW", []byte{1, 2, 3, 4})
	d.Bytes(tag.PixelData, "OB", []byte{1, 2, 3})
	d.Text(tag.Tag{Group: 0x0099, Element: 0x0010}, "LO", "ENDPLATE")
	d.Sequence(tag.ContentSequence, outer, &dataset.Dataset{})
	return d
}

func written(t testing.TB, d *dataset.Dataset) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	first := written(t, full())
	f, err := dataset.Read(bytes.NewReader(first), int64(len(first)), dataset.Options{Pixels: true})
	if err != nil {
		t.Fatal(err)
	}
	if second := written(t, &f.Dataset); !bytes.Equal(first, second) {
		t.Errorf("%d bytes were written, then %d others", len(first), len(second))
	}
	if got, want := f.Numbers(tag.ImagePositionPatient), []float64{-1.0 / 3, 1e-9, 123456789.123456789}; !cmp.Equal(got, want, nearly(1e-10)) {
		t.Errorf("ImagePositionPatient = %v, want %v", got, want)
	}
	item := f.Item(tag.ContentSequence)
	if got := item.Value(tag.TextValue); got != "two\r\nlines \\ one value" {
		t.Errorf("TextValue = %q", got)
	}
	if got := item.Item(tag.ConceptNameCodeSequence).Value(tag.CodeMeaning); got != "Höhe 高さ" {
		t.Errorf("CodeMeaning = %q", got)
	}
	if got := f.Values(tag.ImageType); !cmp.Equal(got, []string{"DERIVED", "PRIMARY"}) {
		t.Errorf("ImageType = %q", got)
	}
	if got := f.Numbers(tag.SelectorSVValue); len(got) != 1 || got[0] != math.MinInt64 {
		t.Errorf("SelectorSVValue = %v", got)
	}
}

func nearly(relative float64) cmp.Option {
	return cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b)) })
}

func TestWhatCannotStandIsRefused(t *testing.T) {
	for name, set := range map[string]func(*dataset.Dataset){
		"a lower-case CS":        func(d *dataset.Dataset) { d.Text(tag.Modality, "CS", "ct") },
		"a month 13":             func(d *dataset.Dataset) { d.Text(tag.StudyDate, "DA", "20241301") },
		"a clock of colons":      func(d *dataset.Dataset) { d.Text(tag.StudyTime, "TM", "10:11:12") },
		"a long LO":              func(d *dataset.Dataset) { d.Text(tag.PatientID, "LO", strings.Repeat("x", 65)) },
		"a long name":            func(d *dataset.Dataset) { d.Text(tag.PatientName, "PN", "a="+strings.Repeat("x", 65)) },
		"a long LT":              func(d *dataset.Dataset) { d.Text(tag.PatientComments, "LT", strings.Repeat("x", 70000)) },
		"a UID of letters":       func(d *dataset.Dataset) { d.Text(tag.StudyInstanceUID, "UI", "1.2.a") },
		"a UID of 65 characters": func(d *dataset.Dataset) { d.Text(tag.StudyInstanceUID, "UI", "1."+strings.Repeat("2", 63)) },
		"an empty part of a UID": func(d *dataset.Dataset) { d.Text(tag.StudyInstanceUID, "UI", "1..2") },
		"a backslash in an LO":   func(d *dataset.Dataset) { d.Text(tag.PatientID, "LO", `a\b`) },
		"a control character":    func(d *dataset.Dataset) { d.Text(tag.PatientID, "LO", "a\x1bb") },
		"no UTF-8":               func(d *dataset.Dataset) { d.Text(tag.PatientID, "LO", "a\xffb") },
		"another VR":             func(d *dataset.Dataset) { d.Text(tag.PatientID, "SH", "a") },
		"numbers as text":        func(d *dataset.Dataset) { d.Text(tag.Rows, "US", "1") },
		"a US of 65536":          func(d *dataset.Dataset) { d.Ints(tag.Rows, "US", 65536) },
		"a negative US":          func(d *dataset.Dataset) { d.Ints(tag.Rows, "US", -1) },
		"a large IS":             func(d *dataset.Dataset) { d.Ints(tag.SeriesNumber, "IS", 1<<31) },
		"not a number":           func(d *dataset.Dataset) { d.Floats(tag.FloatingPointValue, "FD", math.NaN()) },
		"infinity":               func(d *dataset.Dataset) { d.Floats(tag.ImagePositionPatient, "DS", math.Inf(1)) },
		"half a word":            func(d *dataset.Dataset) { d.Bytes(tag.PixelData, "OW", []byte{1}) },
		"66 kB of FL":            func(d *dataset.Dataset) { d.Floats(tag.GraphicData, "FL", make([]float64, 16384)...) },
		"no attribute":           func(d *dataset.Dataset) { d.Text(tag.Tag{Group: 0x0008, Element: 0x0003}, "LO", "a") },
		"a file meta element":    func(d *dataset.Dataset) { d.Text(tag.TransferSyntaxUID, "UI", "1.2") },
		"a bad value in an item": func(d *dataset.Dataset) {
			i := &dataset.Dataset{}
			i.Ints(tag.Rows, "US", -1)
			d.Sequence(tag.ContentSequence, i)
		},
		"no instance": func(d *dataset.Dataset) { d.Remove(tag.SOPInstanceUID) },
		"what was read and grew": func(d *dataset.Dataset) {
			d.Put(dataset.Element{Tag: tag.PatientComments, VR: "LT", Value: make([]byte, 65536)})
		},
		"there is no such VR as XX": func(d *dataset.Dataset) { d.Text(tag.Tag{Group: 0x0099, Element: 0x1001}, "XX", "a") },
	} {
		d := full()
		set(d)
		var b bytes.Buffer
		if err := d.WriteFile(&b); err == nil {
			t.Errorf("%s: was written", name)
		} else if strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: the error tells the value: %v", name, err)
		}
	}
}

// The numbers of a DS have 16 characters. PS3.5 table 6.2-1.
func TestDecimal(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", -1e-20: "0", 1: "1", -1.0 / 3: "-0.3333333333333", 1e300: "1e+300", -1.2345678901234567e-5: "-1.23456789e-05",
	} {
		if got := dataset.Decimal(x); got != want {
			t.Errorf("Decimal(%g) = %q, want %q", x, got, want)
		}
	}
}

// pydicom reads every element with the value that it was given.
func TestPydicomReadsWhatIsWritten(t *testing.T) {
	python := pydicom(t)
	path := filepath.Join(t.TempDir(), "full.dcm")
	if err := os.WriteFile(path, written(t, full()), 0o600); err != nil {
		t.Fatal(err)
	}
	const script = `
import sys, json, pydicom
pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
d = pydicom.dcmread(sys.argv[1])
inner = d.ContentSequence[0]
print(json.dumps({
  "name": str(d.PatientName), "age": d.PatientAge, "comments": len(d.PatientComments), "rows": d.Rows,
  "position": [float(x) for x in d.ImagePositionPatient], "pi": d.FloatingPointValue, "sv": str(d.SelectorSVValue),
  "frames": [int(x) for x in d.ReferencedFrameNumber], "text": inner.TextValue, "pointer": str(inner.DimensionIndexPointer),
  "meaning": inner.ConceptNameCodeSequence[0].CodeMeaning, "empty": len(d.ContentSequence[1]), "items": len(d.ContentSequence),
  "pixels": list(d.PixelData), "charset": d.SpecificCharacterSet, "syntax": d.file_meta.TransferSyntaxUID,
  "private": d[0x00990010].value, "accession": d.AccessionNumber}))
`
	out, err := exec.Command(python, "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := map[string]any{
		"name": "Yamada^Tarou=山田^太郎=やまだ^たろう", "age": "071Y", "comments": 5000.0, "rows": 65535.0,
		"position": []any{-1.0 / 3, 1e-9, 123456789.123456789}, "pi": math.Pi, "sv": "-9223372036854775808",
		"frames": []any{1.0, 2.0, 3.0}, "text": "two\r\nlines \\ one value", "pointer": "(0020, 0032)",
		"meaning": "Höhe 高さ", "empty": 0.0, "items": 2.0, "pixels": []any{1.0, 2.0, 3.0, 0.0},
		"charset": "ISO_IR 192", "syntax": "1.2.840.10008.1.2.1", "private": "ENDPLATE", "accession": "",
	}
	if diff := cmp.Diff(want, got, nearly(1e-10)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// pydicom returns a Python that has it.
func pydicom(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import pydicom").Run() == nil {
			return candidate
		}
	}
	t.Skip("without pydicom")
	return ""
}
