// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

func compare(t *testing.T, before, after *comparison.Examination) *comparison.Comparison {
	t.Helper()
	c, err := comparison.Compare(before, after, comparison.Options{KeepOrder: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pairOf(t *testing.T, c *comparison.Comparison, l spine.Level) *comparison.Pair {
	t.Helper()
	for i := range c.Vertebrae {
		if c.Vertebrae[i].Level == l {
			return &c.Vertebrae[i]
		}
	}
	t.Fatalf("no %s", l)
	return nil
}

func codes(c *comparison.Comparison, l spine.Level) []string {
	var out []string
	for _, f := range c.Findings {
		if f.Levels[0] == l {
			out = append(out, f.Code)
		}
	}
	return out
}

// collapsed returns the column with the heights of a level multiplied.
func collapsed(bodies []body, l spine.Level, anterior, middle, posterior float64) []body {
	out := slices.Clone(bodies)
	for i := range out {
		if b := &out[i]; b.level == l {
			b.anterior, b.middle, b.posterior = anterior*b.anterior, middle*b.middle, posterior*b.posterior
		}
	}
	return out
}

func cemented(bodies []body, l spine.Level, ml float64) []body {
	out := slices.Clone(bodies)
	for i := range out {
		if out[i].level == l {
			out[i].cement = ml
		}
	}
	return out
}

func TestRestoredIsTheShareOfTheLoss(t *testing.T) {
	intact := column(spine.T10, spine.L3, 1)
	c := compare(t, examine(collapsed(intact, spine.L1, 0.6, 0.7, 1), r3.Vec{}), examine(cemented(collapsed(intact, spine.L1, 0.8, 0.9, 1), spine.L1, 4), r3.Vec{}))
	p := pairOf(t, c, spine.L1)
	b := intact[slices.IndexFunc(intact, func(b body) bool { return b.level == spine.L1 })]
	for h, want := range []float64{0.2 * b.anterior, 0.2 * b.middle} {
		if got := p.Heights[h].Value; math.Abs(got-want) > 0.05 {
			t.Errorf("%s height changed by %.2f mm, want %.2f", finding.Height(h), got, want)
		}
		expected := [2]float64{p.Expected.Anterior, p.Expected.Middle}[h]
		q := p.Restored[h]
		if want := 100 * p.Heights[h].Value / (expected - p.Heights[h].Before.Value); !q.Defined || math.Abs(q.Value-want) > 0.1 {
			t.Errorf("%s height restored by %v, want %.1f %%", finding.Height(h), q, want)
		}
	}
	// The share is of what was lost: nothing was of the posterior height.
	if q := p.Restored[finding.PosteriorHeight]; q.Defined || q.Reason == "" {
		t.Errorf("posterior height restored by %v, want a reason", q)
	}
	if want := []spine.Level{spine.T12, spine.L2}; !slices.Equal(p.Expected.From, want) {
		t.Errorf("expected from %v, want %v", p.Expected.From, want)
	}
	for _, want := range []string{comparison.HeightRestored, comparison.NewCement, comparison.KyphosisCorrected} {
		if !slices.Contains(codes(c, spine.L1), want) {
			t.Errorf("findings %v, want %s among them", codes(c, spine.L1), want)
		}
	}
}

// The standard deviation of the share restored is that of draws from the three
// heights' own.
func TestRestoredErrorPropagates(t *testing.T) {
	intact := column(spine.T10, spine.L3, 2)
	c := compare(t, examine(collapsed(intact, spine.L1, 0.6, 0.8, 1), r3.Vec{}), examine(cemented(collapsed(intact, spine.L1, 0.8, 0.9, 1), spine.L1, 4), r3.Vec{}))
	p := pairOf(t, c, spine.L1)
	pre, post, e := p.Heights[0].Before, p.Heights[0].After, p.Expected
	const step = 1e-3
	share := func(a, b, e float64) float64 { return 100 * (b - a) / (e - a) }
	at := share(pre.Value, post.Value, e.Anterior)
	want := math.Sqrt(math.Pow((share(pre.Value+step, post.Value, e.Anterior)-at)/step*pre.SD, 2) +
		math.Pow((share(pre.Value, post.Value+step, e.Anterior)-at)/step*post.SD, 2) +
		math.Pow((share(pre.Value, post.Value, e.Anterior+step)-at)/step*e.AnteriorSD, 2))
	if got := p.Restored[0].SD; math.Abs(got-want) > 0.02*want {
		t.Errorf("sd %.2f points, want %.2f", got, want)
	}
}

func TestMotionChangesNothing(t *testing.T) {
	intact := column(spine.T10, spine.L4, 3)
	before := examine(collapsed(intact, spine.L1, 0.6, 0.8, 1), r3.Vec{})
	after := examine(collapsed(intact, spine.L1, 0.9, 0.9, 1), r3.Vec{X: 5})
	want := compare(t, before, after)
	got := compare(t, before, moved(after, 25, r3.Vec{X: 1, Y: 0.3, Z: -0.5}, r3.Vec{X: 40, Y: -200, Z: 700}))
	opt := cmp.Options{cmpopts.EquateApprox(0, 1e-6), cmpopts.IgnoreUnexported(comparison.Pair{})}
	if diff := cmp.Diff(want.Vertebrae, got.Vertebrae, opt); diff != "" {
		t.Errorf("after a motion (-want +got):\n%s", diff)
	}
	if math.Abs(want.Match.Registration.Residual-got.Match.Registration.Residual) > 1e-6 {
		t.Errorf("residual %.4f mm, want %.4f", got.Match.Registration.Residual, want.Match.Registration.Residual)
	}
	if s := compare(t, before, moved(before, 25, r3.Vec{Y: 1}, r3.Vec{Z: 9})); s.Match.Registration.Residual > 1e-6 || s.Match.Registration.Bend > 1e-6 {
		t.Errorf("of one column twice: residual %g mm, bend %g°", s.Match.Registration.Residual, s.Match.Registration.Bend)
	}
}

func TestSwapNegates(t *testing.T) {
	intact := column(spine.T10, spine.L4, 4)
	before, after := examine(collapsed(intact, spine.L1, 0.6, 0.8, 1), r3.Vec{}), examine(intact, r3.Vec{X: 5})
	there, back := compare(t, before, after), compare(t, after, before)
	for i := range there.Vertebrae {
		for h, c := range there.Vertebrae[i].Heights {
			d := back.Vertebrae[i].Heights[h]
			if math.Abs(c.Value+d.Value) > 1e-9 || c.LSC != d.LSC || c.Significant != d.Significant {
				t.Errorf("%s %s: %+.3f and back %+.3f", there.Vertebrae[i].Level, finding.Height(h), c.Value, d.Value)
			}
		}
	}
}

func TestNamesByShape(t *testing.T) {
	before := examine(column(spine.T10, spine.L4, 5), r3.Vec{})
	for offset := -2; offset <= 2; offset++ {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			after := moved(before, 10, r3.Vec{X: 1}, r3.Vec{Y: 30})
			for i := range after.Vertebrae {
				after.Vertebrae[i].Level = spine.Level(int(after.Vertebrae[i].Level) + offset)
				after.Vertebrae[i].Probability = 0.6
			}
			c := compare(t, before, after)
			state, want := c.Match.State, comparison.NamesCorrected
			if offset == 0 {
				want = comparison.NamesAgree
			}
			if state != want || c.Match.Offset != offset {
				t.Fatalf("%s by %d, want %s by %d", state, c.Match.Offset, want, offset)
			}
			warned := slices.ContainsFunc(c.Warnings, func(w analysis.Warning) bool { return w.Code == comparison.LevelsDisagree })
			if warned != (offset != 0) {
				t.Errorf("warnings %v", c.Warnings)
			}
			for _, p := range c.Vertebrae { // the first examination's names are the more probable
				if p.Level != p.LevelBefore || p.Heights[0] == nil || math.Abs(p.Heights[0].Value) > 1e-6 {
					t.Errorf("%s was %s and is %s", p.Level, p.LevelBefore, p.LevelAfter)
				}
			}
		})
	}
}

func TestOneCommonLevelIsCompared(t *testing.T) {
	all := column(spine.T10, spine.L4, 6)
	c := compare(t, examine(all[:4], r3.Vec{}), examine(all[3:], r3.Vec{}))
	if c.Match.State != comparison.NamesUnchecked {
		t.Errorf("%s, want it said that one level cannot tell", c.Match.State)
	}
	if p := pairOf(t, c, spine.T10); p.Reason == "" {
		t.Error("T10 is in one examination only, and no reason says so")
	}
}

func TestRefusals(t *testing.T) {
	all := column(spine.T10, spine.L4, 7)
	made := func() *comparison.Examination { return examine(all, r3.Vec{}) }
	other, later, empty, lower := made(), made(), &comparison.Examination{Reason: "no spine"}, examine(all[:2], r3.Vec{})
	first := made()
	first.Patient.Patient, other.Patient.Patient = "a", "b"
	first.Acquired, later.Acquired = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	upper := examine(all[5:], r3.Vec{})
	for _, tt := range []struct {
		name          string
		before, after *comparison.Examination
		opt           comparison.Options
		want          error
	}{
		{"other patient", first, other, comparison.Options{}, comparison.ErrOtherPatient},
		{"other patient, forced", first, other, comparison.Options{Force: true}, nil},
		{"reversed", later, first, comparison.Options{}, comparison.ErrReversed},
		{"reversed, as asked", later, first, comparison.Options{KeepOrder: true}, nil},
		{"no common level", lower, upper, comparison.Options{}, comparison.ErrNoCommonLevel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := comparison.Compare(tt.before, tt.after, tt.opt); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
	_, err := comparison.Compare(first, empty, comparison.Options{})
	if e, ok := errors.AsType[*comparison.NotMeasurableError](err); !ok || e.Before || e.Reason != "no spine" {
		t.Errorf("error %v, want that the second cannot be measured", err)
	}
}

func TestDoubts(t *testing.T) {
	before := examine(column(spine.T10, spine.L4, 8), r3.Vec{})
	after := moved(before, 5, r3.Vec{X: 1}, r3.Vec{})
	before.Posture, after.Posture = comparison.Supine, comparison.Standing
	after.SliceSpacing = 5
	after.Modality = "DX"
	before.Patient.Patient = "a"
	var got []string
	for _, w := range compare(t, before, after).Warnings {
		got = append(got, w.Code)
	}
	want := []string{comparison.PatientUnknown, comparison.DateUnknown, comparison.PostureDiffers, comparison.ModalityDiffers, comparison.SlicesDiffer}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestExaminationSurvivesJSON(t *testing.T) {
	before := examine(cemented(column(spine.T10, spine.L4, 9), spine.L1, 3), r3.Vec{})
	before.Acquired = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	raw, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	var again comparison.Examination
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, &again); diff != "" {
		t.Errorf("after JSON (-want +got):\n%s", diff)
	}
}

func TestCourse(t *testing.T) {
	intact := column(spine.T10, spine.L4, 10)
	day := func(bodies []body, n int) *comparison.Examination {
		e := examine(bodies, r3.Vec{})
		e.Name, e.Acquired = fmt.Sprint("day ", n), time.Date(2020, 1, 1+n, 0, 0, 0, 0, time.UTC)
		return e
	}
	fractured := day(collapsed(intact, spine.L1, 0.6, 0.8, 1), 0)
	treated := day(cemented(collapsed(intact, spine.L1, 0.9, 0.95, 1), spine.L1, 4), 10)
	again := day(cemented(collapsed(intact, spine.L1, 0.7, 0.8, 1), spine.L1, 4), 200)
	course, err := comparison.Course([]*comparison.Examination{again, fractured, treated}, comparison.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if course.Examinations[0] != fractured || course.Examinations[2] != again || course.FirstTreated != 1 {
		t.Errorf("order %v, first treated %d", []string{course.Examinations[0].Name, course.Examinations[1].Name}, course.FirstTreated)
	}
	if !slices.ContainsFunc(course.Findings, func(f finding.Finding) bool { return f.Code == comparison.Recollapse }) {
		t.Error("no recollapse since the first examination after treatment")
	}
	i := slices.IndexFunc(course.Levels, func(l comparison.LevelCourse) bool { return l.Level == spine.L1 })
	var values []float64
	for _, p := range course.Levels[i].Pairs {
		values = append(values, p.Heights[0].Later())
	}
	ha := treated.Vertebrae[3].Heights.Anterior
	if diff := cmp.Diff([]float64{ha, ha * 0.7 / 0.9}, values, cmpopts.EquateApprox(0, 0.05)); diff != "" {
		t.Errorf("L1's anterior height (-want +got):\n%s", diff)
	}
	if _, err := comparison.Course(course.Examinations[:2], comparison.Options{}); !errors.Is(err, comparison.ErrTooFew) {
		t.Errorf("of two: %v", err)
	}
}

// What one examination calls the sacrum may be a body in the other.
func TestSacrumAgainstBody(t *testing.T) {
	all := column(spine.T12, spine.L5, 11)
	before := examine(all, r3.Vec{})
	after := moved(before, 3, r3.Vec{X: 1}, r3.Vec{})
	last := &before.Vertebrae[len(before.Vertebrae)-1]
	last.Level, last.Status, last.Heights, last.Wedge, last.Deformity = spine.S1, analysis.NotMeasurable, nil, nil, nil
	sacral := *last.Landmarks
	sacral.Inferior = landmark.Endplate{}
	last.Landmarks = &sacral
	for _, e := range []*comparison.Examination{before, after} {
		for i := range e.Vertebrae {
			e.Vertebrae[i].Shape.Picture = &segmentation.Picture{S0: -40, A0: -40, Step: 0.8, Rows: 100, Columns: 100, Pixels: noise(100 * 100)}
		}
	}
	for _, c := range []*comparison.Comparison{compare(t, before, after), compare(t, after, before)} {
		if p := &c.Vertebrae[len(c.Vertebrae)-1]; p.Heights[0] != nil || p.Reason == "" {
			t.Errorf("%s: height changed by %v", p.Level, p.Heights[0])
		}
	}
}

// noise returns pixels of a picture that are alike only in their own place.
func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(1 + rng.IntN(255))
	}
	return out
}
