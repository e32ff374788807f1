// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/measure"
)

func TestGather(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, path := range []string{"ct/1", "ct/deep/2.dcm", "ct/map.nii.gz", "b.zip"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := measure.Gather([]string{"ct", "b.zip", filepath.Join(dir, "ct", "1"), "./ct/"})
	var got []string
	for _, s := range in.DICOM {
		got = append(got, s.Name)
		f, err := s.Open()
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		f.Close()
		if want := s.Name == "b.zip"; s.Named != want {
			t.Errorf("%s: named = %t, want %t", s.Name, s.Named, want)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"b.zip", filepath.Join("ct", "1"), filepath.Join("ct", "deep", "2.dcm")}, got); diff != "" {
		t.Errorf("DICOM (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{filepath.Join("ct", "map.nii.gz")}, in.NIfTI); diff != "" {
		t.Errorf("NIfTI (-want +got):\n%s", diff)
	}
}

func TestGiven(t *testing.T) {
	tests := []struct {
		paths  []string
		source string
		want   string
	}{
		{[]string{"ct/a", "ct/ab"}, "ct/ab/1.dcm", "ct/ab"},
		{[]string{"ct", "ct/a/"}, "ct/a/1.dcm", "ct/a/"},
		{[]string{"x.zip"}, "x.zip/in/1.dcm", "x.zip"},
		{[]string{"."}, "in/1.dcm", "."},
		{[]string{"/"}, "/in/1.dcm", "/"},
		{[]string{"b"}, "a/1.dcm", "a/1.dcm"},
	}
	for _, tt := range tests {
		if got := measure.Given(tt.paths, tt.source); got != tt.want {
			t.Errorf("given(%q, %q) = %q, want %q", tt.paths, tt.source, got, tt.want)
		}
	}
}

func TestWhatLiesBesideASeriesIsNoFailure(t *testing.T) {
	skipped := []report.Skipped{
		{Path: "ct/LOCALIZER", Code: "LOCALIZER"},
		{Path: "ct/SR", Code: "UNSUPPORTED_OBJECT"},
		{Path: "ct/bad", Code: "MALFORMED"},
		{Path: "asked.sr", Code: "UNSUPPORTED_OBJECT"},
	}
	want := []report.Skipped{skipped[2], skipped[3]}
	if diff := cmp.Diff(want, measure.Failed(skipped, []string{"ct", "asked.sr"})); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}
