// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
)

// filming says how a made column comes to lie on a film.
type filming struct {
	scale     float64 // of positions; lengths in mm are told by it where calibrated
	right     bool    // anterior is to the right
	down      bool    // the film is upside down
	mm        bool
	guess     float64 // probability of the names; 0: a reader gave them
	turn      float64 // degrees
	deviation float64 // of points, mm of the film's plane
}

// filmed returns what a perfect reader sees of a column on a film: its sagittal plane, of
// another scale and side.
func filmed(bodies []body, f filming) *comparison.Examination {
	e := examine(bodies, r3.Vec{})
	e.Modality, e.SliceSpacing, e.Film = "DX", 0, &comparison.Film{}
	scale := f.scale
	if f.mm {
		scale = 1
		e.Film.Calibration = radiograph.Calibration{Basis: radiograph.ByReader, Spacing: radiograph.Spacing{Rows: 0.2, Columns: 0.2}, RelativeSD: 0.02}
	} else {
		e.Film.Calibration.Reason = "nothing tells"
	}
	sin, cos := math.Sincos(f.turn * math.Pi / 180)
	direction := func(p r3.Vec) r3.Vec {
		if f.right {
			p.Y = -p.Y
		}
		if f.down {
			p.Y, p.Z = -p.Y, -p.Z
		}
		return r3.Vec{Y: cos*p.Y - sin*p.Z, Z: sin*p.Y + cos*p.Z}
	}
	point := func(p r3.Vec) r3.Vec { return r3.Add(r3.Scale(scale, direction(p)), r3.Vec{Y: 120, Z: -300}) }
	for i := range e.Vertebrae {
		v := &e.Vertebrae[i]
		v.Probability = 1
		if f.guess > 0 {
			v.Probability = f.guess
		}
		l := *v.Landmarks
		for n := range landmark.Name(landmark.NumPoints) {
			p := l.Point(n)
			p.Position = point(p.Position)
			p.SD *= scale
			if f.deviation > 0 {
				p.SD = f.deviation
			}
		}
		l.Superior.Direction, l.Inferior.Direction = direction(l.Superior.Direction), direction(l.Inferior.Direction)
		l.Center, l.SuperiorAxis, l.LeftAxis = point(l.Center), direction(l.SuperiorAxis), r3.Vec{X: 1}
		if f.right {
			l.LeftAxis.X = -1
		}
		v.Landmarks, v.Center, v.Shape, v.Cement = &l, l.Center, nil, nil
	}
	grade(e)
	for i := range e.Vertebrae {
		v := &e.Vertebrae[i]
		if !f.mm {
			v.Heights, v.Expected, v.DiscHeight = nil, nil, nil
			continue
		}
		h := v.Heights
		for _, one := range []struct{ mm, sd *float64 }{{&h.Anterior, &h.AnteriorSD}, {&h.Middle, &h.MiddleSD}, {&h.Posterior, &h.PosteriorSD}} {
			*one.sd = math.Hypot(*one.sd, e.Film.Calibration.RelativeSD**one.mm)
		}
	}
	return e
}

// wedged returns the column with parts of one body's heights.
func wedged(bodies []body, level spine.Level, anterior, middle float64) []body {
	out := slices.Clone(bodies)
	for i := range out {
		if b := &out[i]; b.level == level {
			b.anterior, b.middle = anterior*b.anterior, middle*b.middle
		}
	}
	return out
}

func compared(t *testing.T, before, after *comparison.Examination, opt comparison.Options) *comparison.Comparison {
	t.Helper()
	c, err := comparison.Compare(before, after, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func codesOf(findings []finding.Finding) (codes []string) {
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.4f, want %.4f within %g", what, got, want, within)
	}
}

// A film without a calibration tells ratios and percent, whatever its scale, side and turn;
// of what was lost of a height, that which came back is told without a millimetre.
func TestAFilmOfAnotherScaleTellsRatios(t *testing.T) {
	spineOf := column(spine.T10, spine.L4, 1)
	before, after := wedged(spineOf, spine.L1, 0.5, 0.7), wedged(spineOf, spine.L1, 0.75, 0.85)
	for name, f := range map[string]filming{
		"half the size":    {scale: 0.5},
		"anterior right":   {scale: 1.3, right: true},
		"upside down":      {scale: 1.1, down: true, turn: 8},
		"turned, mirrored": {scale: 2, right: true, turn: -15},
	} {
		t.Run(name, func(t *testing.T) {
			c := compared(t, examine(before, r3.Vec{X: 7, Y: -100, Z: 40}), filmed(after, f), comparison.Options{})
			p := pairOf(t, c, spine.L1)
			if p.Heights[0] != nil || p.DiscHeight != nil || p.Volume != nil || p.Expected != nil {
				t.Errorf("millimetres of a film without any: %+v", p)
			}
			k := slices.IndexFunc(spineOf, func(b body) bool { return b.level == spine.L1 })
			whole := spineOf[k].anterior / spineOf[k].posterior
			a := p.Ratios[comparison.AnteriorToPosterior]
			near(t, "Ha/Hp before", a.Before.Value, 0.5*whole, 0.02)
			near(t, "its change", a.Value, 0.25*whole, 0.02)
			// The angles that points make with an axis turn heights by little.
			of := p.OfExpected[finding.AnteriorHeight]
			near(t, "anterior height, of the expected before to after", of.Later()/of.Before.Value, 1.5, 0.03)
			q := p.Restored[finding.AnteriorHeight]
			near(t, "restored", q.Value, 50, 3*q.SD)
			if !of.Significant || !slices.Contains(codesOf(c.Findings), comparison.HeightRestored) {
				t.Errorf("not restored: %+v, %v", of, codesOf(c.Findings))
			}
			if q := p.Restored[finding.PosteriorHeight]; q.Defined || !strings.HasPrefix(q.Reason.String(), "no height was lost: ") {
				t.Errorf("posterior height restored: %+v", q)
			}
			if diff := cmp.Diff(comparison.NotOnFilms, c.NotAssessable); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The scale of a film is no change, and where nothing else changed nothing is called so.
func TestTwoFilmsOfOnePatientAreAlike(t *testing.T) {
	for seed := range uint64(20) {
		bodies := wedged(column(spine.T10, spine.L4, seed), spine.L1, 0.7, 0.8)
		c := compared(t, filmed(bodies, filming{scale: 1.2, deviation: 0.4}), filmed(bodies, filming{scale: 0.7, right: true, turn: 5, deviation: 0.3}), comparison.Options{})
		for i := range c.Vertebrae {
			p := &c.Vertebrae[i]
			for _, x := range append(append(p.Ratios[:], p.OfExpected[:]...), p.Wedge) {
				if x == nil || math.Abs(x.Value) > 1e-6*max(math.Abs(x.Before.Value), 1) || x.Significant || !(x.LSC > 0) {
					t.Errorf("seed %d, %s: %+v", seed, p.Level, x)
				}
			}
		}
		if got := codesOf(c.Findings); !slices.Equal(got, []string{comparison.PostureDiffers, comparison.HeightUnchanged}) {
			t.Errorf("seed %d: %v", seed, got)
		}
		if c.Match.State != comparison.NamesAgree || c.Match.Registration.Plane.Residual > 1e-6 {
			t.Errorf("seed %d: %+v", seed, c.Match)
		}
	}
}

// Millimetres are told where both have them, with what the calibration leaves uncertain.
func TestACalibratedFilmTellsMillimetres(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 2)
	c := compared(t, examine(wedged(bodies, spine.L1, 0.5, 0.7), r3.Vec{}), filmed(wedged(bodies, spine.L1, 0.8, 0.9), filming{mm: true}), comparison.Options{})
	p := pairOf(t, c, spine.L1)
	k := slices.IndexFunc(bodies, func(b body) bool { return b.level == spine.L1 })
	h := p.Heights[finding.AnteriorHeight]
	near(t, "anterior height's change", h.Value, 0.3*bodies[k].anterior, 0.3)
	if least := 0.02 * h.After.Value; h.SD < least || p.Expected == nil || p.DiscHeight == nil {
		t.Errorf("%+v, expected %+v: want a deviation of %.2f mm and more", h, p.Expected, least)
	}
	// A film that is calibrated and a film that is not: none.
	c = compared(t, filmed(bodies, filming{mm: true}), filmed(bodies, filming{scale: 1}), comparison.Options{})
	if p := pairOf(t, c, spine.L1); p.Heights[0] != nil || p.OfExpected[0] == nil {
		t.Errorf("%+v", p)
	}
}

// Names that nobody gave are a guess. Where shape tells better it decides; where it cannot,
// that is said.
func TestGuessedNamesOfAFilm(t *testing.T) {
	bodies := column(spine.T10-1, spine.L4, 4)
	off := slices.Clone(bodies)
	for i := range off {
		off[i].level = shifted(off[i].level, 1)
	}
	ct := examine(bodies, r3.Vec{})
	warned := func(c *comparison.Comparison, code string) string {
		for _, w := range c.Warnings {
			if w.Code == code {
				return w.Message.String()
			}
		}
		return ""
	}
	c := compared(t, ct, filmed(bodies, filming{scale: 1, guess: 0.6}), comparison.Options{})
	if said := warned(c, comparison.LevelsGuessed); c.Match.State != comparison.NamesAgree || !strings.Contains(said, "second examination, a film, are a guess (probability 0.60); the shape of ") {
		t.Errorf("%+v: %q", c.Match, said)
	}
	c = compared(t, ct, filmed(off, filming{scale: 1, guess: 0.6}), comparison.Options{})
	if p := pairOf(t, c, spine.L1); c.Match.State != comparison.NamesCorrected || c.Match.Offset != 1 || p.LevelAfter != spine.L1 || math.Abs(p.OfExpected[0].Value) > 1 {
		t.Errorf("%+v: %+v", c.Match, p)
	}
	if warned(c, comparison.LevelsDisagree) == "" {
		t.Error("corrected, and not said")
	}
	alike := examine(bodies[3:5], r3.Vec{})
	c = compared(t, alike, filmed(bodies[3:5], filming{scale: 1, guess: 0.6, deviation: 2}), comparison.Options{})
	if said := warned(c, comparison.LevelsGuessed); c.Match.State != comparison.NamesUnchecked || !strings.Contains(said, "fix one level") {
		t.Errorf("%+v: %q", c.Match, said)
	}
	c = compared(t, ct, filmed(bodies, filming{scale: 1}), comparison.Options{})
	if said := warned(c, comparison.LevelsGuessed); said != "" {
		t.Errorf("names that a reader gave: %q", said)
	}
}

// A posture that differs or is not told is a finding; one and the same is none.
func TestPostureOfFilms(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 5)
	for _, tt := range []struct {
		before, after comparison.Posture
		warned, said  string
	}{
		{comparison.Supine, comparison.Standing, comparison.PostureDiffers, "CT (supine) against film (standing)"},
		{comparison.Supine, "", comparison.PostureUnknown, "CT (supine) against film (posture not told, mostly standing)"},
		{comparison.Supine, comparison.Supine, "", ""},
	} {
		ct, film := examine(bodies, r3.Vec{}), filmed(bodies, filming{scale: 1})
		ct.Posture, film.Posture = tt.before, tt.after
		c := compared(t, ct, film, comparison.Options{})
		var warnings, said []string
		for _, w := range c.Warnings {
			if strings.HasPrefix(w.Code, "POSTURE") {
				warnings = append(warnings, w.Code)
			}
		}
		for _, f := range c.Findings {
			if f.Code == comparison.PostureDiffers {
				said = append(said, f.Statement.String())
			}
		}
		if strings.Join(warnings, " ") != tt.warned || (len(said) > 0) != (tt.said != "") || !strings.Contains(strings.Join(said, " "), tt.said) {
			t.Errorf("%s against %s: warnings %v, findings %q", tt.before, tt.after, warnings, said)
		}
	}
}

// A new fracture is told by relative heights; its mm are those of whichever examination has
// some, and without any it is borderline.
func TestNewFracturesOnFilms(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 6)
	broken := wedged(bodies, spine.L2, 0.6, 0.75)
	ct := examine(bodies, r3.Vec{})
	cemented := slices.Clone(bodies)
	cemented[3].cement = 4 // L1
	for _, tt := range []struct {
		name          string
		before, after *comparison.Examination
		code          string
		borderline    bool
	}{
		{"a CT's mm", ct, filmed(broken, filming{scale: 0.8}), comparison.NewFracture, false},
		{"the film's mm", filmed(bodies, filming{scale: 0.8}), filmed(broken, filming{mm: true}), comparison.NewFracture, false},
		{"no mm", filmed(bodies, filming{scale: 1}), filmed(broken, filming{scale: 1}), comparison.NewFracture, true},
		{"beside cement that the film does not show", examine(cemented, r3.Vec{}), filmed(broken, filming{scale: 1.2}), comparison.NewAdjacent, false},
	} {
		c := compared(t, tt.before, tt.after, comparison.Options{})
		i := slices.IndexFunc(c.Findings, func(f finding.Finding) bool { return f.Code == tt.code })
		if i < 0 || c.Findings[i].Levels[0] != spine.L2 || c.Findings[i].Borderline != tt.borderline {
			t.Errorf("%s: %v", tt.name, c.Findings)
		}
	}
	c := compared(t, examine(cemented, r3.Vec{}), filmed(wedged(bodies, spine.L1, 0.7, 1), filming{scale: 1.2}), comparison.Options{})
	if p := pairOf(t, c, spine.L1); !p.Treated || p.Cement != nil || !slices.Contains(codesOf(c.Findings), comparison.Recollapse) {
		t.Errorf("treated before: %+v, %v", p, c.Findings)
	}
}

// Each case that is refused says why.
func TestFilmsThatCannotBeCompared(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 7)
	ct, film := examine(bodies, r3.Vec{}), filmed(bodies, filming{scale: 1})
	other := *film
	other.Patient.Patient, ct.Patient.Patient = "a", "b"
	if _, err := comparison.Compare(ct, &other, comparison.Options{}); !errors.Is(err, comparison.ErrOtherPatient) {
		t.Errorf("another patient: %v", err)
	}
	low := filmed(column(spine.L3, spine.L5, 7), filming{scale: 1})
	high := examine(column(spine.T10-2, spine.T12, 7), r3.Vec{})
	if _, err := comparison.Compare(high, low, comparison.Options{}); !errors.Is(err, comparison.ErrNoCommonLevel) {
		t.Errorf("no level in common: %v", err)
	}
	refused := comparison.NewExamination(&analysis.Result{Film: &analysis.Film{Refusal: "NOT_LATERAL"}, Reason: "a frontal film"}, comparison.About{Name: "ap", Modality: "DX"})
	_, err := comparison.Compare(ct, refused, comparison.Options{})
	if e, ok := errors.AsType[*comparison.NotMeasurableError](err); !ok || e.Before || !strings.Contains(err.Error(), "a frontal film") {
		t.Errorf("a frontal film: %v", err)
	}
	// No level is unaffected: ratios of own heights are told, and why no more is.
	all := slices.Clone(bodies)
	for i := range all {
		all[i].cement = 3
	}
	c := compared(t, examine(all, r3.Vec{}), film, comparison.Options{Force: true})
	p := pairOf(t, c, spine.L1)
	if p.Ratios[0] == nil || p.OfExpected[0] != nil || p.Restored[0].Defined || !strings.Contains(p.Restored[0].Reason.String(), "no unfractured, untreated level") {
		t.Errorf("%+v", p)
	}
}

// Positions are brought into the frame of the CT, wherever it stands, and those of two films
// into that of the second one.
func TestFilmsAreLaidOnTheCT(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 8)
	ct := examine(bodies, r3.Vec{X: 12, Y: -160, Z: -400})
	film := filmed(bodies, filming{scale: 0.8, right: true, turn: 10})
	for _, pair := range [][2]*comparison.Examination{{ct, film}, {film, ct}} {
		c := compared(t, pair[0], pair[1], comparison.Options{})
		before, after := c.Match.Registration.Views()
		for i := range bodies {
			b, a := before.Apply(pair[0].Vertebrae[i].Center), after.Apply(pair[1].Vertebrae[i].Center)
			if d := r3.Norm(r3.Sub(b, a)); d > 1e-6 || r3.Norm(r3.Sub(b, ct.Vertebrae[i].Center)) > 1e-6 {
				t.Errorf("%s: %v and %v, %.2g apart; in the CT %v", bodies[i].level, b, a, d, ct.Vertebrae[i].Center)
			}
			piece := c.Match.Registration.Piece(i).Apply(pair[0].Vertebrae[i].Center)
			if d := r3.Norm(r3.Sub(piece, b)); d > 1e-6 {
				t.Errorf("%s: its piece is %.2g off", bodies[i].level, d)
			}
			back := before.Inverse().Apply(b)
			if d := r3.Norm(r3.Sub(back, pair[0].Vertebrae[i].Center)); d > 1e-6 {
				t.Errorf("%s: there and back is %.2g off", bodies[i].level, d)
			}
		}
	}
	c := compared(t, film, filmed(bodies, filming{scale: 1.5, right: true, down: true}), comparison.Options{})
	_, after := c.Match.Registration.Views()
	first, last := after.Apply(c.After.Vertebrae[0].Landmarks.Superior.Anterior.Position), after.Apply(c.After.Vertebrae[len(bodies)-1].Landmarks.Inferior.Posterior.Position)
	if first.Z < last.Z || first.Y > last.Y {
		t.Errorf("not upright: %v, %v", first, last)
	}
}

// Examinations are kept as JSON between runs.
func TestFilmExaminationsAreKept(t *testing.T) {
	film := filmed(column(spine.T10, spine.L2, 9), filming{mm: true})
	raw, err := json.Marshal(film)
	if err != nil {
		t.Fatal(err)
	}
	var back comparison.Examination
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(film, &back); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A course of a CT and two films keeps to what each pair of them tells.
func TestACourseWithFilms(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 10)
	all := []*comparison.Examination{
		examine(wedged(bodies, spine.L1, 0.5, 0.7), r3.Vec{}),
		filmed(wedged(bodies, spine.L1, 0.9, 0.9), filming{scale: 0.7}),
		filmed(wedged(bodies, spine.L1, 0.6, 0.7), filming{mm: true}),
	}
	course, err := comparison.Course(all, comparison.Options{Treated: []spine.Level{spine.L1}})
	if err != nil {
		t.Fatal(err)
	}
	var l1 *comparison.LevelCourse
	for i := range course.Levels {
		if course.Levels[i].Level == spine.L1 {
			l1 = &course.Levels[i]
		}
	}
	if l1 == nil || l1.Pairs[0].Heights[0] != nil || l1.Pairs[1].Heights[0] == nil || !l1.Pairs[0].OfExpected[0].Significant {
		t.Errorf("%+v", l1)
	}
}

// How deep endplates are, films do not tell surely: the middle height of a body that is
// biconcave in the CT is shown and not judged.
func TestBiconcaveBodiesOnFilms(t *testing.T) {
	bodies := column(spine.T10, spine.L4, 11)
	c := compared(t, examine(wedged(bodies, spine.L1, 1, 0.6), r3.Vec{}), filmed(bodies, filming{scale: 1}), comparison.Options{})
	p := pairOf(t, c, spine.L1)
	middle := p.OfExpected[finding.MiddleHeight]
	if middle.Significant || !strings.HasPrefix(middle.Reason.String(), "biconcave") || p.Restored[finding.MiddleHeight].Defined || p.Ratios[comparison.MiddleToPosterior].Reason == "" {
		t.Errorf("%+v, restored %+v", middle, p.Restored[finding.MiddleHeight])
	}
	if anterior := p.OfExpected[finding.AnteriorHeight]; anterior.Reason != "" {
		t.Errorf("%+v", anterior)
	}
	for _, f := range c.Findings {
		if strings.Contains(f.Statement.String(), "middle") {
			t.Errorf("%s", f.Statement)
		}
	}
}

// Names of the CT that a reader moved downwards leave none for the last bodies of a longer
// film: they are left out, and the others are compared.
func TestNamesBeyondTheColumn(t *testing.T) {
	bodies := column(spine.T10, spine.L5, 12)
	short := slices.Clone(bodies[:6]) // to L3
	for i := range short {
		short[i].level = shifted(short[i].level, 2)
	}
	ct, film := examine(short, r3.Vec{}), filmed(bodies, filming{scale: 1, guess: 0.6})
	for _, pair := range [][2]*comparison.Examination{{ct, film}, {film, ct}} {
		c := compared(t, pair[0], pair[1], comparison.Options{})
		if c.Match.State != comparison.NamesCorrected {
			t.Fatalf("%+v", c.Match)
		}
		for i := range c.Vertebrae {
			if p := &c.Vertebrae[i]; p.BeforeIndex >= 0 && p.AfterIndex >= 0 && (p.LevelBefore != p.LevelAfter || math.Abs(p.Ratios[0].Value) > 1e-6) {
				t.Errorf("%s: %s and %s, %+v", p.Level, p.LevelBefore, p.LevelAfter, p.Ratios[0])
			}
		}
	}
}
