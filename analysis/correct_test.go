// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/spine"
)

// corrected applies corrections and asserts that the original stays as it was.
func corrected(t *testing.T, r *analysis.Result, corrections ...analysis.Correction) *analysis.Result {
	t.Helper()
	before := encode(t, r)
	got, err := analysis.Correct(r, corrections)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, encode(t, r)) {
		t.Fatal("the original changed")
	}
	return got
}

func at(t *testing.T, r *analysis.Result, l spine.Level) *analysis.Vertebra {
	t.Helper()
	i := slices.IndexFunc(r.Vertebrae, func(v analysis.Vertebra) bool { return v.Level == l })
	if i < 0 {
		t.Fatalf("no %v", l)
	}
	return &r.Vertebrae[i]
}

// points returns the six points of a vertebra.
func points(v *landmark.Vertebra) (p [landmark.NumPoints]r3.Vec) {
	for n := range p {
		p[n] = v.Point(landmark.Name(n)).Position
	}
	return p
}

// moves places all six points of a vertebra.
func moves(l spine.Level, to [landmark.NumPoints]r3.Vec) []analysis.Correction {
	var out []analysis.Correction
	for n, p := range to {
		out = append(out, analysis.MoveLandmark{Level: l, Point: landmark.Name(n), Position: p})
	}
	return out
}

// noMoves "moves" every point of a result to where it stands, to the digit to which
// results are written.
func noMoves(r *analysis.Result) []analysis.Correction {
	var out []analysis.Correction
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		for n := landmark.Name(0); v.Landmarks != nil && n < landmark.NumPoints; n++ {
			if v.Landmarks.Endplate(n.Endplate()).Found() {
				p := v.Landmarks.Point(n).Position
				round := func(x float64) float64 { return math.Round(x*1e4) / 1e4 }
				out = append(out, analysis.MoveLandmark{Level: v.Level, Point: n, Position: r3.Vec{X: round(p.X), Y: round(p.Y), Z: round(p.Z)}})
			}
		}
	}
	return out
}

func checkUnchanged(t *testing.T, r *analysis.Result) {
	t.Helper()
	want := encode(t, r)
	begin := time.Now()
	got := corrected(t, r, noMoves(r)...)
	t.Logf("%d vertebrae told anew in %v", len(r.Vertebrae), time.Since(begin).Round(time.Millisecond/10))
	if !bytes.Equal(encode(t, got), want) {
		t.Error("moves to where the points stand changed the result")
	}
}

func TestMovesToWherePointsStandChangeNothing(t *testing.T) { checkUnchanged(t, lumbarResult(t)) }

func TestMovesToWherePointsStandChangeNoRealSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds a series")
	}
	for _, name := range realSeries {
		t.Run(name, func(t *testing.T) { checkUnchanged(t, realResult(t, name)) })
	}
}

func TestAPointMovedAlongAHeightChangesItByAsMuch(t *testing.T) {
	r := lumbarResult(t)
	for n := range landmark.Name(landmark.NumPoints) {
		before := at(t, r, spine.L2)
		p, q := before.Landmarks.Point(n).Position, before.Landmarks.Point((n+3)%landmark.NumPoints).Position
		for _, d := range []float64{-1.25, 0.4, 2} {
			to := r3.Add(p, r3.Scale(d, r3.Unit(r3.Sub(p, q))))
			after := at(t, corrected(t, r, analysis.MoveLandmark{Level: spine.L2, Point: n, Position: to}), spine.L2)
			for k, got := range heightDifferences(before, after) {
				want := 0.0
				if k == int(n%3) {
					want = d
				}
				if math.Abs(got-want) > 1e-9 {
					t.Errorf("%v by %g mm: height %d changes by %g, want %g", n, d, k, got, want)
				}
			}
			moved := after.Landmarks.Point(n)
			if !moved.ByReader || moved.SD != landmark.ReaderSD || before.Landmarks.Point(n).ByReader {
				t.Errorf("%v: %+v", n, moved)
			}
		}
	}
}

// An endplate moved along the body's axis, and less moved by one degree about it.
func TestWedgeAngleFollowsTheEndplate(t *testing.T) {
	r := lumbarResult(t)
	v := at(t, r, spine.L2)
	anterior := r3.Cross(v.Landmarks.LeftAxis, v.Landmarks.SuperiorAxis)
	for _, tt := range []struct {
		name          string
		lift, degrees float64
	}{{"as a whole", 1.5, 0}, {"turned", 0, -4}, {"lifted and turned", -1, 3}} {
		to := points(v.Landmarks)
		for n := landmark.SuperiorAnterior; n <= landmark.SuperiorPosterior; n++ {
			a := r3.Dot(r3.Sub(to[n], to[landmark.SuperiorMiddle]), anterior)
			to[n] = r3.Add(to[n], r3.Scale(tt.lift+a*math.Tan(tt.degrees*math.Pi/180), v.Landmarks.SuperiorAxis))
		}
		// While one point is as measured the line turns with the three; once all
		// are placed they alone tell it: near enough to the curve's for a sound
		// endplate.
		got := at(t, corrected(t, r, moves(spine.L2, to)[:3]...), spine.L2)
		if want := v.WedgeAngle.Value - tt.degrees; math.Abs(got.WedgeAngle.Value-want) > 1.5 {
			t.Errorf("%s: wedge angle %.2f, want %.2f", tt.name, got.WedgeAngle.Value, want)
		}
		if got.WedgeAngle.SD <= v.WedgeAngle.SD/2 {
			t.Errorf("%s: wedge angle is known to %.2f°, before to %.2f°", tt.name, got.WedgeAngle.SD, v.WedgeAngle.SD)
		}
	}
}

// unnamed is a result without what tells how it got its names.
func unnamed(r *analysis.Result) *analysis.Result {
	out := *r
	out.Warnings, out.Vertebrae = nil, slices.Clone(r.Vertebrae)
	for i := range out.Vertebrae {
		v := &out.Vertebrae[i]
		v.LevelProbability, v.LevelAlternative, v.Reader = 0, 0, analysis.Reader{}
	}
	return &out
}

// A level that is known from the beginning, and one that a reader corrects, give the
// same.
func TestRenamingWithTheOthersIsMeasuringWithAFixedLevel(t *testing.T) {
	r := lumbarResult(t)
	for _, to := range []spine.Level{spine.T12, spine.L2, spine.L1} {
		fixed, err := analysis.MeasureCT(t.Context(), lumbarCT(), analysis.Options{Fixed: &naming.Fixed{Level: to, Position: at(t, r, spine.L1).Center}})
		if err != nil {
			t.Fatal(err)
		}
		got := corrected(t, r, analysis.RenameLevel{From: spine.L1, To: to, OthersFollow: true})
		if !bytes.Equal(encode(t, unnamed(got)), encode(t, unnamed(fixed))) {
			t.Errorf("L1 renamed %v is not what is measured with it fixed:\n%s\nwant\n%s", to, write(t, unnamed(got)).Table, write(t, unnamed(fixed)).Table)
		}
		v := at(t, got, to)
		if v.LevelProbability != 1 || !v.Reader.Named {
			t.Errorf("%v has probability %g, by a reader %t", to, v.LevelProbability, v.Reader.Named)
		}
		back := corrected(t, got, analysis.RenameLevel{From: to, To: spine.L1, OthersFollow: true})
		if !bytes.Equal(encode(t, unnamed(back)), encode(t, unnamed(r))) {
			t.Errorf("L1 renamed %v and back is not the same", to)
		}
	}
}

// Of the sacrum only the superior endplate counts; it can turn out to be none.
func TestAVertebraCalledTheSacrumAndBack(t *testing.T) {
	r := lumbarResult(t)
	var below []analysis.Correction
	for i := range r.Vertebrae {
		if l := r.Vertebrae[i].Level; l > spine.L2 {
			below = append(below, analysis.RemoveVertebra{Level: l})
		}
	}
	r = corrected(t, r, below...)
	got := corrected(t, r, analysis.RenameLevel{From: spine.L2, To: spine.S1, OthersFollow: true})
	s1, l5 := at(t, got, spine.S1), at(t, got, spine.L5)
	if s1.Status != analysis.NotMeasurable || s1.Heights != nil || !s1.Landmarks.Superior.Found() || s1.Landmarks.Inferior.Found() {
		t.Errorf("S1: %+v", s1)
	}
	if l5.DiscHeight == nil || l5.Expected != nil && slices.Contains(l5.Expected.From, spine.S1) {
		t.Errorf("L5: %+v", l5)
	}
	back := corrected(t, got, analysis.RenameLevel{From: spine.S1, To: spine.L2, OthersFollow: true})
	if !bytes.Equal(encode(t, unnamed(back)), encode(t, unnamed(r))) {
		t.Error("renamed back it is not the same")
	}
}

func TestAVertebraRemovedAndAddedMeasuresTheSame(t *testing.T) {
	r := lumbarResult(t)
	without := corrected(t, r, analysis.RemoveVertebra{Level: spine.L1})
	if len(without.Vertebrae) != len(r.Vertebrae)-1 || slices.ContainsFunc(without.Findings, func(f finding.Finding) bool { return slices.Contains(f.Levels, spine.L1) }) {
		t.Fatal("L1 was not removed")
	}
	want := at(t, r, spine.L1)
	got := at(t, corrected(t, without, analysis.AddVertebra{Level: spine.L1, Landmarks: points(want.Landmarks)}), spine.L1)
	for k, d := range heightDifferences(want, got) {
		if math.Abs(d) > 1e-9 {
			t.Errorf("height %d differs by %g mm", k, d)
		}
	}
	if got.Deformity.Grade != want.Deformity.Grade || got.Deformity.Shape != want.Deformity.Shape || !got.Reader.Added {
		t.Errorf("%+v, want %+v", got.Deformity, want.Deformity)
	}
	// The points lie in the body's mid-sagittal plane: their axes are nearly its.
	if angle := math.Acos(r3.Dot(got.Landmarks.LeftAxis, want.Landmarks.LeftAxis)) * 180 / math.Pi; angle > 0.5 {
		t.Errorf("the left axis is %.2f° off", angle)
	}
	if d := math.Abs(got.WedgeAngle.Value - want.WedgeAngle.Value); d > 2 {
		t.Errorf("wedge angle %.1f, want %.1f", got.WedgeAngle.Value, want.WedgeAngle.Value)
	}
}

func TestMarkedNotMeasurableAndBackIsTheSame(t *testing.T) {
	r := lumbarResult(t)
	marked := corrected(t, r, analysis.MarkMeasurable{Level: spine.L2, Reason: "streaks across it"})
	if v := at(t, marked, spine.L2); v.Status != analysis.NotMeasurable || v.Reason.String() != "streaks across it" || v.Heights != nil || v.Tissue != nil {
		t.Errorf("%+v", v)
	}
	if e := at(t, marked, spine.L1).Expected; e == nil || slices.Contains(e.From, spine.L2) {
		t.Errorf("L1 is expected from %+v", e)
	}
	back := corrected(t, marked, analysis.MarkMeasurable{Level: spine.L2, Measurable: true})
	if !bytes.Equal(encode(t, unnamed(back)), encode(t, unnamed(r))) {
		t.Error("marked measurable again it is not the same")
	}
}

// Corrections of different vertebrae do not ask for an order.
func TestIndependentCorrectionsCommute(t *testing.T) {
	r := lumbarResult(t)
	lift := func(l spine.Level, n landmark.Name, mm float64) analysis.Correction {
		p := at(t, r, l).Landmarks.Point(n).Position
		return analysis.MoveLandmark{Level: l, Point: n, Position: r3.Add(p, r3.Vec{Z: mm})}
	}
	some := []analysis.Correction{
		lift(spine.L1, landmark.SuperiorAnterior, -2), lift(spine.L1, landmark.InferiorMiddle, 0.7),
		lift(spine.L1, landmark.SuperiorMiddle, 1), lift(spine.T12, landmark.InferiorPosterior, -0.8),
		analysis.MarkMeasurable{Level: spine.L2, Reason: "streaks"},
		analysis.RenameLevel{From: spine.T12, To: spine.T12},
	}
	want := encode(t, corrected(t, r, some...))
	rng := newRand(1)
	for range 20 {
		rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		if !bytes.Equal(encode(t, corrected(t, r, some...)), want) {
			t.Fatalf("another result in the order %+v", some)
		}
	}
	one := r
	for _, c := range some {
		one = corrected(t, one, c)
	}
	if !bytes.Equal(encode(t, one), want) {
		t.Error("another result one by one than all at once")
	}
}

// A reading that is spoiled, and then set to the truth, grades as the truth does.
func TestASpoiledReadingCorrectedToTheTruthHasItsGrade(t *testing.T) {
	e, r := lumbar(), lumbarResult(t)
	truth := e.truth(lumbarCT().Geometry)
	graded := e.exactly(truth)
	pairs, _ := matched(truth, r)
	rng := newRand(3)
	var spoil, correct []analysis.Correction
	for i := range pairs {
		p := &pairs[i]
		if p.got == nil || p.got.Status != analysis.Measured {
			continue
		}
		for n, q := range points(p.got.Landmarks) {
			up := r3.Scale(4*rng.Float64()-2, p.got.Landmarks.SuperiorAxis)
			spoil = append(spoil, analysis.MoveLandmark{Level: p.got.Level, Point: landmark.Name(n), Position: r3.Add(q, up)})
		}
		correct = append(correct, moves(p.got.Level, points(exactPoints(&p.truth).Landmarks))...)
	}
	// The anterior height of L2 as if it were broken.
	l2 := at(t, r, spine.L2).Landmarks
	spoil = append(spoil, analysis.MoveLandmark{Level: spine.L2, Point: landmark.SuperiorAnterior,
		Position: r3.Add(l2.Superior.Anterior.Position, r3.Scale(-10, l2.SuperiorAxis))})
	spoiled := corrected(t, r, spoil...)
	if d := at(t, spoiled, spine.L2).Deformity; d.Grade == 0 {
		t.Errorf("spoiled, L2 is graded %+v", d)
	}
	got := corrected(t, spoiled, correct...)
	for l, want := range graded {
		v := at(t, got, l)
		if v.Status != analysis.Measured {
			continue
		}
		if d := v.Deformity; d.Grade != want.Grade || math.Abs(d.WorstLoss-want.WorstLoss) > 0.5 {
			t.Errorf("%v: grade %d, loss %.1f %%, in truth %d, %.1f %%", l, d.Grade, d.WorstLoss, want.Grade, want.WorstLoss)
		}
	}
	if d := at(t, got, spine.L1).Deformity; d.Grade == 0 || d.Shape != finding.Wedge {
		t.Errorf("L1: %+v, want the wedge fracture", d)
	}
}

func TestVerdictsHoldForTheStatement(t *testing.T) {
	r := lumbarResult(t)
	judge := analysis.JudgeFinding{Code: finding.VertebralDeformity, Levels: []spine.Level{spine.L1}, Reason: "an old one"}
	verdict := func(r *analysis.Result) finding.Verdict {
		for _, f := range r.Findings {
			if f.Code == judge.Code && slices.Equal(f.Levels, judge.Levels) {
				return f.Verdict
			}
		}
		t.Fatal("L1 has no deformity")
		return 0
	}
	rejected := corrected(t, r, judge)
	if got := verdict(rejected); got != finding.Rejected {
		t.Errorf("verdict %d", got)
	}
	judge.Accepted, judge.Reason = true, ""
	if got := verdict(corrected(t, rejected, judge)); got != finding.Accepted {
		t.Errorf("verdict %d", got)
	}
	elsewhere := analysis.MarkMeasurable{Level: spine.T12, Reason: "streaks"}
	middle := at(t, r, spine.L1).Landmarks.Superior.Middle.Position
	here := analysis.MoveLandmark{Level: spine.L1, Point: landmark.SuperiorMiddle, Position: r3.Add(middle, r3.Vec{Z: 0.5})}
	if got := verdict(corrected(t, rejected, here)); got != finding.Rejected {
		t.Errorf("verdict %d after a move that leaves the statement", got)
	}
	if got := verdict(corrected(t, rejected, elsewhere)); got != finding.NoVerdict {
		t.Errorf("verdict %d though the loss is another", got)
	}
}

func TestCorrectionsThatCannotHoldAreRefused(t *testing.T) {
	r := lumbarResult(t)
	l1 := at(t, r, spine.L1).Landmarks
	to := func(n landmark.Name, s, a, l float64) analysis.MoveLandmark {
		anterior := r3.Cross(l1.LeftAxis, l1.SuperiorAxis)
		p := r3.Add(r3.Add(l1.Point(n).Position, r3.Scale(s, l1.SuperiorAxis)), r3.Add(r3.Scale(a, anterior), r3.Scale(l, l1.LeftAxis)))
		return analysis.MoveLandmark{Level: spine.L1, Point: n, Position: p}
	}
	upside := points(l1)
	slices.Reverse(upside[:])
	mirrored := points(l1)
	mirrored[0], mirrored[2], mirrored[3], mirrored[5] = mirrored[2], mirrored[0], mirrored[5], mirrored[3]
	judge := func(reason string) analysis.JudgeFinding {
		return analysis.JudgeFinding{Code: finding.VertebralDeformity, Levels: []spine.Level{spine.L1}, Reason: reason}
	}
	nan := to(landmark.SuperiorMiddle, 0, 0, 0)
	nan.Position.Y = math.NaN()
	remove := analysis.RemoveVertebra{Level: spine.L1}
	for _, tt := range []struct {
		name        string
		corrections []analysis.Correction
		index       int
		field       string
	}{
		{"no such vertebra", []analysis.Correction{remove, remove}, 1, "level"},
		{"a level that is none", []analysis.Correction{analysis.RemoveVertebra{Level: 99}}, 0, "level"},
		{"no such point", []analysis.Correction{analysis.MoveLandmark{Level: spine.L1, Point: 6}}, 0, "point"},
		{"not a number", []analysis.Correction{nan}, 0, "position"},
		{"far away", []analysis.Correction{to(landmark.SuperiorMiddle, 60, 0, 0)}, 0, "position"},
		{"beside the plane", []analysis.Correction{to(landmark.SuperiorMiddle, 0, 0, 20)}, 0, "position"},
		{"below the other endplate", []analysis.Correction{analysis.RenameLevel{From: spine.L1, To: spine.L1}, to(landmark.SuperiorMiddle, -26, 0, 0)}, 1, "position"},
		{"behind the middle", []analysis.Correction{to(landmark.SuperiorAnterior, 0, -20, 0)}, 0, "position"},
		{"taller than any body", []analysis.Correction{to(landmark.SuperiorPosterior, 12, 0, 0)}, 0, "position"},
		{"a name that is taken", []analysis.Correction{analysis.RenameLevel{From: spine.L1, To: spine.L2}}, 0, "to"},
		{"out of order", []analysis.Correction{analysis.RenameLevel{From: spine.L1, To: spine.L5}}, 0, "to"},
		{"the coccyx", []analysis.Correction{analysis.RenameLevel{From: spine.L1, To: spine.Coccyx}}, 0, "to"},
		{"a spine that ends above", []analysis.Correction{analysis.RenameLevel{From: spine.L1, To: spine.C1, OthersFollow: true}}, 0, "to"},
		{"a vertebra twice", []analysis.Correction{analysis.AddVertebra{Level: spine.L1, Landmarks: points(l1)}}, 0, "level"},
		{"another vertebra's place", []analysis.Correction{analysis.AddVertebra{Level: spine.L5, Landmarks: points(l1)}}, 0, "landmarks"},
		{"upside down", []analysis.Correction{remove, analysis.AddVertebra{Level: spine.L1, Landmarks: upside}}, 1, "landmarks"},
		{"mirrored", []analysis.Correction{remove, analysis.AddVertebra{Level: spine.L1, Landmarks: mirrored}}, 1, "landmarks"},
		{"no points", []analysis.Correction{remove, analysis.AddVertebra{Level: spine.L1}}, 1, "landmarks"},
		{"a sacrum", []analysis.Correction{analysis.AddVertebra{Level: spine.S1, Landmarks: points(l1)}}, 0, "level"},
		{"measured already", []analysis.Correction{analysis.MarkMeasurable{Level: spine.L1, Measurable: true}}, 0, "measurable"},
		{"no reason", []analysis.Correction{analysis.MarkMeasurable{Level: spine.L1, Reason: " "}}, 0, "reason"},
		{"no such finding", []analysis.Correction{analysis.JudgeFinding{Code: "NONE", Accepted: true}}, 0, "code"},
		{"rejected without a reason", []analysis.Correction{judge("")}, 0, "reason"},
		{"a reason of a book", []analysis.Correction{judge(strings.Repeat("x", 1001))}, 0, "reason"},
		{"control characters", []analysis.Correction{judge("a\x00b")}, 0, "reason"},
	} {
		_, err := analysis.Correct(r, tt.corrections)
		e, ok := errors.AsType[*analysis.CorrectionError](err)
		if !ok || e.Index != tt.index || e.Field != tt.field || e.Reason == "" {
			t.Errorf("%s: %v, want correction %d, field %s", tt.name, err, tt.index+1, tt.field)
			continue
		}
		t.Logf("%s: %v", tt.name, err)
	}
}
