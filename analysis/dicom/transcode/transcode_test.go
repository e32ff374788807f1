// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package transcode_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/frame"
	"github.com/endplate/endplate/analysis/dicom/metadata"
	"github.com/endplate/endplate/analysis/dicom/transcode"
)

// files returns the DICOM files of a folder of the development data that are read, or
// skips the test.
func files(t *testing.T, folder string) (paths []string) {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	err := filepath.WalkDir(filepath.Join(root, "data", "dicom", folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if h, err := dicom.ReadHeader(bytes.NewReader(b)); err == nil && dicom.TransferSyntaxReadable(h.TransferSyntaxUID) && h.SOPInstanceUID != "" {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Skipf("no development data: %v", err)
	}
	return paths
}

func transcoded(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := transcode.Write(t.Context(), &out, bytes.NewReader(content), int64(len(content))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func attributes(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := metadata.Write(metadata.NewJSON(&out), bytes.NewReader(content), metadata.Options{BulkData: func(p string) string { return p }}); err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// pixels returns the frames of an instance, uncompressed; none if it has none.
func pixels(t *testing.T, content []byte) (all [][]byte, err error) {
	t.Helper()
	m, err := frame.Open(bytes.NewReader(content), int64(len(content)))
	if errors.Is(err, frame.ErrNoPixelData) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for n := range m.Frames {
		b, err := m.Uncompressed(t.Context(), n+1)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// An instance of any transfer syntax has the same attributes and the same pixels in
// the one that is written, and dcmtk reads it without a complaint. It says the same of
// its attributes as of the original's.
func TestInstancesStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	dcmtk, noDCMTK := exec.LookPath("dcmftest")
	all := slices.Concat(files(t, "transfer-syntaxes"), files(t, "nema-ct"), files(t, "odd"), files(t, "enhanced"))
	if len(all) < 30 {
		t.Fatalf("%d files", len(all))
	}
	for _, path := range all {
		t.Run(filepath.Base(path), func(t *testing.T) {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wanted, err := pixels(t, before)
			if err != nil { // damaged, or coded in a way that is not read
				if transcode.Write(t.Context(), io.Discard, bytes.NewReader(before), int64(len(before))) == nil {
					t.Errorf("written, although %v", err)
				}
				return
			}
			after := transcoded(t, before)
			h, err := dicom.ReadHeader(bytes.NewReader(after))
			if err != nil || h.TransferSyntaxUID != transcode.ExplicitVRLittleEndian {
				t.Fatalf("transfer syntax %s, %v", h.TransferSyntaxUID, err)
			}
			if h.MediaStorageSOPInstanceUID == "" {
				t.Error("no instance in the file meta information")
			}
			want, got := attributes(t, before), attributes(t, after)
			for _, described := range []string{"00280004", "00280006", "00280102", "7FE00010"} {
				delete(want, described)
				delete(got, described)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("attributes (-before +after):\n%s", diff)
			}
			if is, err := pixels(t, after); err != nil || !same(is, wanted) {
				t.Errorf("the pixels are others: %v", err)
			}
			if noDCMTK == nil {
				readByDCMTK(t, dcmtk, after)
			}
			if again := transcoded(t, after); !bytes.Equal(again, after) {
				t.Error("it changes what it wrote itself")
			}
		})
	}
}

func readByDCMTK(t *testing.T, dcmtk string, content []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "after.dcm")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), dcmtk, file).CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "yes") {
		t.Errorf("dcmftest: %v, %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "dcmdump", "-ll", "warn", file).CombinedOutput(); err != nil || strings.Contains(string(out), "\nE: ") {
		t.Errorf("dcmdump: %v, %s", err, out)
	}
}

// What dcmtk decompresses to is what we do.
func TestPixelsAreThoseOfDCMTK(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, path := range slices.Concat(files(t, "transfer-syntaxes"), files(t, "nema-ct")) {
		for _, program := range []string{"dcmdjpeg", "dcmdjpls", "dcmdrle", "dcmconv"} {
			tool, err := exec.LookPath(program)
			if err != nil {
				t.Skipf("no %s: %v", program, err)
			}
			out := filepath.Join(t.TempDir(), "native.dcm")
			if exec.CommandContext(t.Context(), tool, "+te", path, out).Run() != nil {
				continue
			}
			theirs, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wanted, err := pixels(t, before)
			if err != nil {
				break
			}
			lossless := !strings.Contains(path, "JPEGProcess1T") && !strings.Contains(path, "2_4") && !strings.Contains(path, "baseline")
			if is, err := pixels(t, theirs); lossless && (err != nil || !same(is, wanted)) {
				t.Errorf("%s: %s makes other pixels: %v", filepath.Base(path), program, err)
			}
			compared++
			break
		}
	}
	if compared < 15 {
		t.Errorf("%d files compared", compared)
	}
}

// Whatever comes, what is written can be read.
func FuzzWrite(f *testing.F) {
	f.Add([]byte{})
	if folder := os.Getenv("ENDPLATE_SHARED"); folder != "" {
		odd, _ := os.ReadDir(folder + "/data/dicom/odd")
		for _, e := range odd {
			if b, err := os.ReadFile(folder + "/data/dicom/odd/" + e.Name()); err == nil && len(b) < 10_000 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		if transcode.Write(t.Context(), &out, bytes.NewReader(b), int64(len(b))) != nil {
			return
		}
		if _, err := dicom.ReadHeader(bytes.NewReader(out.Bytes())); err != nil {
			t.Error(err)
		}
	})
}
