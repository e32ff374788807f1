// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
)

// Points may be missing, and what is no point is passed over or told of.
func TestParseCorners(t *testing.T) {
	got, err := convert.ParseCorners([]byte(`{"analyses":[{"vertebrae":[
		{"level":"T12","status":"NOT_MEASURABLE"},
		{"level":"L1","landmarks":{"superior_anterior":{"column":10,"row":20},"inferior_posterior":{"column":30.5,"row":40},"superior_direction":{"column":1,"row":0}}}
	]}],"another":1}`))
	want := analysis.PlacedOnFilm{Level: spine.L1}
	for n := range want.Missing {
		want.Missing[n] = true
	}
	for n, p := range map[landmark.Name]radiograph.ImagePoint{landmark.SuperiorAnterior: {Col: 10, Row: 20}, landmark.InferiorPosterior: {Col: 30.5, Row: 40}} {
		want.Points[n], want.Missing[n] = p, false
	}
	if diff := cmp.Diff([]analysis.PlacedOnFilm{want}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for text, says := range map[string]string{
		`{`: "EOF", `{"analyses":[{},{}]}`: "2 analyses", `{"vertebrae":[{"level":"L1"}]}`: "no vertebra with landmarks",
		`{"vertebrae":[{"level":"L1","landmarks":{"superior_direction":{"column":1}}}]}`:       "none of the six points",
		`{"vertebrae":[{"level":"L1","landmarks":{"superior_anterior":{"x":1,"y":2,"z":3}}}]}`: "L1: its superior anterior point has no column and row",
		`{"vertebrae":[{"landmarks":{"superior_anterior":{"column":1,"row":2}}}]}`:             "no level",
	} {
		if _, err := convert.ParseCorners([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
