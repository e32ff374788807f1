// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// said returns what a reader says of a film: the centres of two bodies of its truth.
func said(truth filmTruth, examination int) (args []string) {
	for _, n := range []int{0, 3} { // T12 and L3
		v := truth.Vertebrae[n]
		args = append(args, "--seed", fmt.Sprintf("%d:%s@%g,%g", examination, v.Level, v.Center.Col, v.Center.Row))
	}
	return args
}

// uncalibrated takes from a film what tells its magnification.
func uncalibrated(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, element := range []uint16{0x1110, 0x1111, 0x1114} { // distances, magnification factor
		at := bytes.Index(b, append(binary.LittleEndian.AppendUint16([]byte{0x18, 0x00}, element), 'D', 'S'))
		if at < 0 {
			t.Fatalf("no (0018,%04x)", element)
		}
		value := b[at+8:][:binary.LittleEndian.Uint16(b[at+6:])]
		copy(value, "0"+strings.Repeat(" ", len(value)-1))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func runCompare(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"compare", "--quiet"}, args...), &out, &errs)
	return out.String(), errs.String(), status
}

func comparedLevel(t *testing.T, raw string, l endplatev1.Level) (*endplatev1.Comparison, *endplatev1.VertebraChange) {
	t.Helper()
	var r endplatev1.ComparisonReport
	if err := protojson.Unmarshal([]byte(raw), &r); err != nil || len(r.GetComparisons()) == 0 {
		t.Fatalf("%v: %.500s", err, raw)
	}
	c := r.GetComparisons()[0]
	i := slices.IndexFunc(c.GetVertebrae(), func(v *endplatev1.VertebraChange) bool { return v.GetLevel() == l })
	if i < 0 {
		t.Fatalf("no %v", l)
	}
	return c, c.GetVertebrae()[i]
}

// A CT and a film of the spine later, without a calibration; and the film of another
// examination, on a page.
func TestCompareCTWithFilms(t *testing.T) {
	t.Parallel()
	ct := t.TempDir()
	var discarded, stderr bytes.Buffer
	args := "phantom --levels T12-L3 --fracture L1=wedge:45 --pixel-spacing 1.4 --spacing 3 --columns 90 --rows 110 --seed 3 --out " + ct
	if status := run(t.Context(), strings.Fields(args), &discarded, &stderr); status != exitOK {
		t.Fatal(stderr.String())
	}
	same, sameTruth := filmOf(t, "--film-gamma 3 --fracture L1=wedge:45 --seed 3")
	later, laterTruth := filmOf(t, "--film-gamma 3 --seed 3 --film-source-to-detector 1500 --film-side right")
	before, after := filepath.Join(same, "film.dcm"), filepath.Join(later, "film.dcm")
	uncalibrated(t, after)

	out, errs, status := runCompare(t, append([]string{ct, after, "--keep-order"}, said(laterTruth, 2)...)...)
	if status != exitOK {
		t.Fatalf("status %d: %s", status, errs)
	}
	c, l1 := comparedLevel(t, out, endplatev1.Level_L1)
	if l1.GetAnteriorHeightMm() != nil || !(l1.GetAnteriorOfExpectedPercent().GetChange() > 20) || !(l1.GetAnteriorToPosterior().GetChange() > 0.15) ||
		!(l1.GetAnteriorRestored().GetPercent() > 50) || len(l1.GetRelativeTo()) == 0 {
		t.Errorf("a film without mm: %v", l1)
	}
	if c.GetMatch().GetRegistration() != nil || c.GetAfter().GetCalibration().GetBasis() != endplatev1.Calibration_UNCALIBRATED || c.GetBefore().GetCalibration() != nil ||
		!slices.Contains(c.GetNotAssessableOnRadiograph(), "canal") || l1.GetCanalApMm() != nil || l1.GetBodyVolumeMl() != nil {
		t.Errorf("%v", c)
	}
	if !slices.ContainsFunc(c.GetFindings(), func(f *endplatev1.Finding) bool { return f.GetCode() == "POSTURE_DIFFERS" }) {
		t.Errorf("no word of postures: %v", c.GetFindings())
	}

	films := append(append([]string{before, after, "--keep-order", "--format", "html"}, said(sameTruth, 1)...), said(laterTruth, 2)...)
	out, errs, status = runCompare(t, films...)
	for _, want := range []string{"% of exp.", "data:image/png", "a film has a perspective of its own", "not assessable on radiograph: volume", "magnification factor", "no millimetres"} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("status %d, no %q: %s", status, want, errs)
		}
	}
	if strings.Contains(out, ">50 mm<") {
		t.Error("a scale beside films, of which the second has none")
	}
}

// What is said of films is checked before any is measured.
func TestWhatIsSaidOfFilms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.dcm")
	if err := os.WriteFile(path, []byte("no image"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{path, path, "--seed", "3:L1@1,2"}, exitUsage, "there are 2 examinations"},
		{[]string{path, path, "--level", "1:L1@1"}, exitUsage, "x,y,z"},
		{[]string{path, path, "--level", "X1@1,2"}, exitUsage, "--level X1@1,2"},
		{[]string{path, path, "--scale", "2:0@1,2-3,4"}, exitUsage, "--scale"},
		{[]string{path, path, "--anterior", "1:top"}, exitUsage, "want left or right"},
		{[]string{path, path}, exitNothing, "nothing could be measured"},
	} {
		_, errs, status := runCompare(t, tt.args...)
		if status != tt.status || !strings.Contains(errs, tt.want) {
			t.Errorf("%v: status %d, %s", tt.args, status, errs)
		}
	}
}
