// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/deidentify"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/volume"
)

// memory is a source that holds its bytes.
func memory(name string, b []byte) dicom.Source {
	return dicom.Source{Name: name, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(b), io.NopCloser(nil)}, nil
	}}
}

// contents yields the bytes of a folder's files as sources, after change.
func contents(t *testing.T, fsys fs.FS, change func([]byte) []byte) iter.Seq2[dicom.Source, error] {
	return func(yield func(dicom.Source, error) bool) {
		for s, err := range dicom.Files(fsys, ".") {
			if err != nil {
				t.Fatal(err)
			}
			b, err := fs.ReadFile(fsys, s.Name)
			if err != nil {
				t.Fatal(err)
			}
			if b = change(b); b != nil && !yield(memory(s.Name, b), nil) {
				return
			}
		}
	}
}

// sameSeries de-identifies a folder and wants the same volume of it: what is
// measured of it, is.
func sameSeries(t *testing.T, fsys fs.FS, minSlices int) {
	t.Helper()
	opt := dicom.Options{MinSlices: minSlices}
	read := func(change func([]byte) []byte) []*dicom.Series {
		series, _, err := dicom.ReadSeries(t.Context(), contents(t, fsys, change), opt)
		if err != nil {
			t.Fatal(err)
		}
		return series
	}
	p := profile(t, deidentify.Options{Dates: deidentify.ShiftDates})
	before := read(func(b []byte) []byte { return b })
	after := read(func(b []byte) []byte {
		var out bytes.Buffer
		if _, err := p.Instance(&out, bytes.NewReader(b)); err != nil {
			refused, _ := errors.AsType[*deidentify.RefusedError](err)
			if !errors.Is(err, dicom.ErrNotDICOM) && (refused == nil || refused.Reason != deidentify.ReasonDirectory) {
				t.Error(err)
			}
			return nil
		}
		return out.Bytes()
	})
	if len(before) != len(after) || len(before) == 0 {
		t.Fatalf("%d series before, %d after", len(before), len(after))
	}
	uids := map[string]*dicom.Series{}
	for _, s := range after {
		uids[s.SeriesInstanceUID] = s
	}
	for _, b := range before {
		a := uids[p.UID(b.SeriesInstanceUID)]
		if a == nil {
			t.Errorf("series %s is gone", b.SeriesInstanceUID)
			continue
		}
		if !slices.Equal(a.Volume.Samples, b.Volume.Samples) {
			t.Errorf("series %s: other samples", b.SeriesInstanceUID)
		}
		if diff := cmp.Diff(b.Volume.Geometry, a.Volume.Geometry); diff != "" {
			t.Errorf("series %s (-want +got):\n%s", b.SeriesInstanceUID, diff)
		}
		// Of the agent no more than that there was one.
		want, got := b.Volume.Acquisition, a.Volume.Acquisition
		if finding.NamesAgent(want.ContrastAgent) != finding.NamesAgent(got.ContrastAgent) {
			t.Errorf("series %s: contrast agent %q", b.SeriesInstanceUID, got.ContrastAgent)
		}
		want.ContrastAgent = got.ContrastAgent
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("series %s (-want +got):\n%s", b.SeriesInstanceUID, diff)
		}
	}
}

func TestPhantomStaysTheSame(t *testing.T) {
	const columns, rows, slices = 32, 24, 4
	v := &volume.Volume{
		Geometry: volume.Geometry{
			Columns: columns, Rows: rows, Slices: slices,
			Origin: r3.Vec{X: -10, Y: 20, Z: 30}, Column: r3.Vec{X: 0.7}, Row: r3.Vec{Y: 0.7}, Slice: r3.Vec{Z: 2},
		},
		Samples:     make([]int16, columns*rows*slices),
		Acquisition: volume.Acquisition{KVP: 120, ConvolutionKernel: "B60s", Manufacturer: "Acme", SliceThickness: 2, ContrastAgent: "Ultravist"},
	}
	for i := range v.Samples {
		v.Samples[i] = int16(i % 1500)
	}
	fsys := fstest.MapFS{}
	if _, err := dicom.WriteCT(v, dicom.SyntheticCT{}, func(k int, instance []byte) error {
		fsys[fmt.Sprint(k)] = &fstest.MapFile{Data: bytes.Clone(instance)}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	sameSeries(t, fsys, 3)
}

func TestRealSeriesStayTheSame(t *testing.T) {
	if shared() == "" {
		t.Skip("needs the development data")
	}
	for _, folder := range []string{"ct/petct2", "dicom/tilt-philips-18.5", "dicom/tilt-ge-variable", "dicom/nema-ct", "dicom/enhanced"} {
		t.Run(folder, func(t *testing.T) {
			if testing.Short() && folder == "ct/petct2" {
				t.Skip("takes some seconds")
			}
			sameSeries(t, os.DirFS(filepath.Join(shared(), folder)), 1)
		})
	}
}

// Every file of the development data: what comes out is no worse than what went
// in for programs that are not ours.
func TestPeersFindNothingNew(t *testing.T) {
	if shared() == "" {
		t.Skip("needs the development data")
	}
	dir := t.TempDir()
	p := profile(t, deidentify.Options{})
	written := 0
	for _, folder := range []string{"dicom/odd", "dicom/nema-ct", "dicom/enhanced", "dicom/transfer-syntaxes"} {
		for name, b := range sharedFiles(folder) {
			var out bytes.Buffer
			if _, err := p.Instance(&out, bytes.NewReader(b)); err != nil {
				continue // each is told of; see TestOddFiles
			}
			written++
			path := filepath.Join(dir, filepath.Base(name))
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			newComplaints(t, "dciodvfy", name, path, "Error")
			newComplaints(t, "dcmdump", name, path, "E:", "W:")
		}
	}
	const least = 20
	if written < least {
		t.Errorf("%d files came out, want %d", written, least)
	}
	readByPydicom(t, dir)
}

// newComplaints runs a program over a file before and after, and reports the lines
// that begin with a word and are new.
func newComplaints(t *testing.T, program, before, after string, words ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		return
	}
	complaints := func(path string) []string {
		b, _ := exec.Command(program, path).CombinedOutput() // complains by its status too
		var lines []string
		for line := range strings.Lines(string(b)) {
			if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(line, w) }) {
				lines = append(lines, valueless(line))
			}
		}
		return lines
	}
	old := complaints(before)
	for _, c := range complaints(after) {
		if !slices.Contains(old, c) {
			t.Errorf("%s: %s: %s", filepath.Base(before), program, c)
		}
	}
}

// valueless returns a line without the values in angle brackets, which differ.
func valueless(line string) string {
	head, _, _ := strings.Cut(line, "<")
	return strings.TrimSpace(head)
}

// readByPydicom reads all files of a folder in full, down to every element.
func readByPydicom(t *testing.T, dir string) {
	t.Helper()
	const script = `
import os, sys, pydicom
for name in sorted(os.listdir(sys.argv[1])):
    d = pydicom.dcmread(os.path.join(sys.argv[1], name))
    n = sum(1 for _ in d.iterall())
    assert d.PatientIdentityRemoved == "YES" and n > 5, name
    assert d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID, name
    assert not any(e.tag.is_private for e in d.iterall()), name
`
	python := ""
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import pydicom").Run() == nil {
			python = candidate
		}
	}
	if python == "" {
		t.Log("without pydicom")
		return
	}
	if b, err := exec.Command(python, "-c", script, dir).CombinedOutput(); err != nil {
		t.Errorf("pydicom: %v\n%s", err, b)
	}
}

// TestOddFiles has what becomes of pydicom's collection of odd files; an empty code
// means that it comes out.
func TestOddFiles(t *testing.T) {
	const refused = dicom.Code("REFUSED")
	if shared() == "" {
		t.Skip("needs the development data")
	}
	for name, want := range map[string]dicom.Code{
		"CT_small.dcm":                             "",
		"ExplVR_BigEnd.dcm":                        "",
		"ExplVR_BigEndNoMeta.dcm":                  "",
		"ExplVR_LitEndNoMeta.dcm":                  "",
		"J2K_pixelrep_mismatch.dcm":                "",
		"JPEG2000.dcm":                             refused, // secondary captures
		"JPEG2000-embedded-sequence-delimiter.dcm": refused,
		"JPEG-lossy.dcm":                           refused,
		"JPGExtended.dcm":                          refused,
		"image_dfl.dcm":                            refused,
		"reportsi.dcm":                             refused, // SR
		"test-SR.dcm":                              refused,
		"MR_truncated.dcm":                         dicom.CodeTruncated,
		"rtplan_truncated.dcm":                     dicom.CodeTruncated,
		"UN_sequence.dcm":                          dicom.CodeMissingAttribute,
		"empty_charset_LEI.dcm":                    dicom.CodeMissingAttribute,
		"meta_missing_tsyntax.dcm":                 dicom.CodeMissingAttribute,
		"nested_priv_SQ.dcm":                       dicom.CodeMissingAttribute,
		"no_meta_group_length.dcm":                 dicom.CodeMissingAttribute,
		"no_meta.dcm":                              dicom.CodeNotDICOM,
		"badVR.dcm":                                "",
		"liver_1frame.dcm":                         "",
	} {
		b, err := os.ReadFile(filepath.Join(shared(), "dicom", "odd", name))
		if err != nil {
			t.Fatal(err)
		}
		var got dicom.Code
		if _, err := profile(t, deidentify.Options{}).Instance(io.Discard, bytes.NewReader(b)); err != nil {
			got = dicom.CodeOf(err)
			if _, ok := errors.AsType[*deidentify.RefusedError](err); ok {
				got = refused
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Names that real files hold are gone.
func TestRealIdentifiersAreGone(t *testing.T) {
	for name, b := range sharedFiles("dicom") {
		var out bytes.Buffer
		if _, err := profile(t, deidentify.Options{}).Instance(&out, bytes.NewReader(b)); err != nil {
			continue
		}
		before := parsed(t, b)
		for _, a := range []tag.Tag{tag.PatientName, tag.PatientID, tag.InstitutionName, tag.ReferringPhysicianName, tag.AccessionNumber, tag.StudyInstanceUID, tag.SOPInstanceUID, tag.StationName} {
			v := value(before, a)
			const telling = 5 // characters; shorter ones occur by chance
			// The manufacturer stays, and dates are said to be removed.
			if len(v) >= telling && v != value(before, tag.Manufacturer) && v != "REMOVED" && bytes.Contains(out.Bytes(), []byte(v)) {
				t.Errorf("%s: the value of %v survives", filepath.Base(name), a)
			}
		}
	}
	if shared() == "" {
		t.Skip("needs the development data")
	}
}
