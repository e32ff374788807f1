// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
)

func TestParseDateTime(t *testing.T) {
	for dt, want := range map[string]time.Time{
		"20200102":                   time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		"20200102030405":             time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		"20200102030405.123456":      time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		"20200102030405.123456+0100": time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
		"202001020304":               time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC),
	} {
		if got, ok := parseDateTime(dt); !ok || !got.Equal(want) {
			t.Errorf("parseDateTime(%q) = %v, %v, want %v", dt, got, ok, want)
		}
	}
	for _, dt := range []string{"", "2020", "20201302", "yesterday"} {
		if got, ok := parseDateTime(dt); ok {
			t.Errorf("parseDateTime(%q) = %v", dt, got)
		}
	}
}

// Reference: DICOM PS3.3 C.7.3.1.1.2.
func TestPostureOf(t *testing.T) {
	for position, want := range map[string]comparison.Posture{
		"HFS": comparison.Supine, "FFS": comparison.Supine, "HFP": comparison.Prone, "FFP": comparison.Prone,
		"HFDL": comparison.LeftDecubitus, "FFDR": comparison.RightDecubitus, "": "", "SITTING": "",
	} {
		if got := postureOf(position); got != want {
			t.Errorf("postureOf(%q) = %q, want %q", position, got, want)
		}
	}
}

// Reference: DICOM PS3.16 CID 19 and 20.
func TestPostureOnFilm(t *testing.T) {
	for _, tt := range []struct {
		position string
		gravity  []string
		want     comparison.Posture
	}{
		{"", nil, ""},
		{"HFS", nil, comparison.Supine},
		{"", []string{"C86043"}, comparison.Standing},
		{"", []string{"C86043", "10904000"}, comparison.Standing},
		{"", []string{"C86043", "33586001"}, comparison.Sitting},
		{"HFS", []string{"102538003", "1240000"}, comparison.Prone},
		{"", []string{"102538003", "F-10319"}, comparison.LeftDecubitus},
		{"", []string{"102538003"}, ""},
	} {
		if got := postureOnFilm(&dicom.Radiograph{PatientPosition: tt.position, Gravity: tt.gravity}); got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.position, tt.gravity, got, tt.want)
		}
	}
}
