// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phrase_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/phrase"
)

type level string

func (l level) String() string { return string(l) }

// fmt is the peer: a text reads as the same template and values do there.
func TestTextReadsAsFmtWritesIt(t *testing.T) {
	for _, tt := range []struct {
		template string
		values   []any
	}{
		{"%s: Genant grade %d, %s deformity", []any{level("L1"), 2, phrase.Text("wedge")}},
		{"loss of %.0f ± %.1f %%, at least %g %% and %.3g mm", []any{39.5, 2.25, 20.0, 1.23456}},
		{"%+.1f ± %.1f mm", []any{-0.04, 1e-9}},
		{"%+.1f mm, %.2f ml, %g", []any{3.0, 1e6, 0.3333333333333333}},
		{"%+d, %+d and %d", []any{3, -2, 0}},
		{"\"%s\" <&> \\ \n %s", []any{`["quoted"]`, "é"}},
		{"%.1f and %.0f", []any{math.NaN(), math.Inf(1)}},
		{"no verb, 100 %%", []any{}},
	} {
		if got, want := phrase.Of(tt.template, tt.values...).String(), fmt.Sprintf(tt.template, tt.values...); got != want {
			t.Errorf("%q of %v = %q, want %q", tt.template, tt.values, got, want)
		}
	}
}

func TestPartsAreTemplateAndValues(t *testing.T) {
	inner := phrase.Of("worst height %.0f %% of the expected", 61.4)
	text := phrase.Of("%s: %s, and %s, by %+.1f mm in %d", level("T12"), inner, phrase.Text("wedge"), 2.0, 3)
	template, values := text.Parts()
	want := []phrase.Value{{Name: "T12"}, {Text: inner}, {Text: "wedge"}, {Number: "+2.0"}, {Number: "3"}}
	if template != "%s: %s, and %s, by %+.1f mm in %d" || !slices.Equal(values, want) {
		t.Errorf("parts are %q and %v, want %v", template, values, want)
	}
	if template, values := phrase.Text("100 % of it").Parts(); template != "100 % of it" || values != nil {
		t.Errorf("a constant has the parts %q and %v", template, values)
	}
}

func TestJoinLeavesOutWhatSaysNothing(t *testing.T) {
	for want, texts := range map[string][]phrase.Text{
		"":        {"", ""},
		"a":       {"", "a", ""},
		"a; b; c": {"a", "", "b", phrase.Of("%s", "c")},
	} {
		if got := phrase.Join("; ", texts...).String(); got != want {
			t.Errorf("%q joined = %q, want %q", texts, got, want)
		}
	}
	if got := phrase.Names(" and ", []level{"T12", "L2"}).String(); got != "T12 and L2" {
		t.Errorf("names joined = %q", got)
	}
}

func TestFailuresKeepKindAndWords(t *testing.T) {
	kind := errors.New("wall not found")
	err := fmt.Errorf("outline: %w", phrase.At("anterior", &phrase.Failure{Kind: kind, Text: phrase.Of("wall not found: %.1f mm", 2.0)}))
	if !errors.Is(err, kind) || err.Error() != "outline: anterior: wall not found: 2.0 mm" {
		t.Errorf("%v is not told of its kind", err)
	}
	if got := phrase.Why(err).String(); got != "anterior: wall not found: 2.0 mm" {
		t.Errorf("why = %q", got)
	}
	if got := phrase.Why(kind).String(); got != "wall not found" {
		t.Errorf("why = %q", got)
	}
}

func TestInFindsTheTextsOfAResult(t *testing.T) {
	type vertebra struct {
		Reason phrase.Text
		Next   *vertebra2
	}
	a, b := phrase.Of("%d", 1), phrase.Of("%d", 2)
	held := []vertebra{{Reason: a}, {Reason: "constant"}, {Reason: a, Next: &vertebra2{Doubts: []phrase.Text{b}, Numbers: make([]float64, 3)}}}
	if got := phrase.In(held); !slices.Equal(got, []phrase.Text{a, b}) {
		t.Errorf("found %q", got)
	}
}

type vertebra2 struct {
	Numbers []float64
	Doubts  []phrase.Text
}

// Stored results may be damaged, or hostile.
func FuzzDamagedText(f *testing.F) {
	f.Add(string(phrase.Of("%s: %.1f mm, %d of %s", level("L1"), 2.5, 3, phrase.Of("%g", 1.0))))
	f.Add(`["%s`)
	f.Add(`["%.9f %.9g %+.3d", "x", [], {}]`)
	f.Add(`["%s", ["%s", ["%s", ["deep"]]]]`)
	f.Add(`[" %d %f", 1e999, null]`)
	f.Fuzz(func(t *testing.T, s string) {
		text := phrase.Text(s)
		if got := text.String(); len(got) > 400*(len(s)+1) || strings.Contains(got, "%!") && !strings.Contains(s, "%!") {
			t.Errorf("%q reads %q", s, got)
		}
		text.Parts()
		phrase.In([]phrase.Text{text})
	})
}
