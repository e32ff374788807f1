// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
)

// nested is a data set with values of odd lengths, and items in items, one empty.
func nested() *dataset.Dataset {
	code := &dataset.Dataset{}
	code.Text(tag.CodeValue, "SH", "121207")
	code.Text(tag.CodeMeaning, "LO", "Höhe 高さ")
	content := &dataset.Dataset{}
	content.Sequence(tag.ConceptNameCodeSequence, code)
	content.Sequence(tag.ContentSequence)
	d := &dataset.Dataset{}
	d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.88.34")
	d.Text(tag.SOPInstanceUID, "UI", "2.25.1")
	d.Text(tag.PatientID, "LO", "odd")
	d.Ints(tag.Rows, "US", 512)
	d.Floats(tag.GraphicData, "FL", 0.5, -2)
	d.Sequence(tag.ContentSequence, content, &dataset.Dataset{})
	return d
}

func TestDataSetsComeBack(t *testing.T) {
	want, err := dimse.EncodeDataSet(nested(), dimse.ExplicitVRLittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	for _, syntax := range []string{dimse.ImplicitVRLittleEndian, dimse.ExplicitVRLittleEndian} {
		b, err := dimse.EncodeDataSet(nested(), syntax)
		if err != nil {
			t.Fatal(err)
		}
		d, err := dimse.DecodeDataSet(bytes.NewReader(b), syntax, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		d.Remove(tag.SpecificCharacterSet)
		if got, err := dimse.EncodeDataSet(d, dimse.ExplicitVRLittleEndian); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n%s", syntax, err, cmp.Diff(want, got))
		}
	}
	if _, err := dimse.EncodeDataSet(nested(), "1.2.840.10008.1.2.2"); err == nil {
		t.Error("big endian was written")
	}
}

// What has no text says nothing of its characters.
func TestUIDsNeedNoCharacterSet(t *testing.T) {
	d := &dataset.Dataset{}
	d.Text(tag.TransactionUID, "UI", "1.2.3")
	b, err := dimse.EncodeDataSet(d, dimse.ImplicitVRLittleEndian)
	if want := "\x08\x00\x95\x11\x06\x00\x00\x001.2.3\x00"; err != nil || string(b) != want {
		t.Errorf("%q, %v, want %q", b, err, want)
	}
}

func TestEncapsulatedPixelsStayExplicit(t *testing.T) {
	d := nested()
	d.Put(dataset.Element{Tag: tag.PixelData, VR: "OB", Fragments: [][]byte{nil, {1, 2}}})
	if _, err := dimse.EncodeDataSet(d, dimse.ImplicitVRLittleEndian); err == nil {
		t.Error("encapsulated pixel data was written in implicit VR")
	}
}

// dcmtk makes the same bytes of a data set in implicit VR.
func TestDcmconvWritesTheSame(t *testing.T) {
	dcmconv, err := exec.LookPath("dcmconv")
	if err != nil {
		t.Skip("without dcmconv")
	}
	var file bytes.Buffer
	if err := nested().WriteFile(&file); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(dcmconv, "+ti", "+e", "-g", in, out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, data, err := dicom.ReadFileMeta(f)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if _, err := want.ReadFrom(data); err != nil {
		t.Fatal(err)
	}
	got, err := dimse.EncodeDataSet(nested(), dimse.ImplicitVRLittleEndian)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%v\n%s", err, cmp.Diff(want.Bytes(), got))
	}
}
