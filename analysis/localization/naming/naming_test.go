// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	c3 = spine.C2 + 1
	t8 = spine.T1 + 7
)

// subject is a CT with its chain of vertebrae and their true levels.
type subject struct {
	vol    *volume.Volume
	spine  *localization.Spine
	levels []spine.Level
}

// cutMM is the distance from the volume's border within which a body is cut.
const cutMM = 12.0

// draw renders levels first to last of a random spine, with the true chain.
func draw(seed uint64, opt phantom.Options, first, last spine.Level) subject {
	s := phantom.Random(rand.New(rand.NewPCG(seed, 7)), opt)
	scan := s.Cover(first, last, 8, 220, 1.5, 3)
	scan.Noise = 15
	out := subject{vol: s.CT(scan), spine: &localization.Spine{}}
	for _, m := range s.Truth().Vertebrae {
		out.spine.Vertebrae = append(out.spine.Vertebrae, localization.Vertebra{
			Center: m.Frame.Origin, Canal: m.Canal, Superior: m.Frame.Superior, Anterior: m.Frame.Anterior,
			Sacral: m.Level == spine.S1,
		})
		out.levels = append(out.levels, m.Level)
	}
	return out.crop(0, out.vol.Slices)
}

// crop returns the slices [from, to) with the vertebrae whose centres they
// hold.
func (s subject) crop(from, to int) subject {
	g := s.vol.Geometry
	g.Origin, g.Slices = g.Position(0, 0, float64(from)), to-from
	n := g.Rows * g.Columns
	out := subject{vol: &volume.Volume{Geometry: g, Samples: s.vol.Samples[from*n : to*n]}, spine: &localization.Spine{}}
	low, high := g.Origin.Z, g.Origin.Z+float64(g.Slices-1)*g.Slice.Z
	for i, v := range s.spine.Vertebrae {
		inside := min(v.Center.Z-low, high-v.Center.Z)
		if inside < 0 {
			continue
		}
		v.Truncated = v.Truncated || inside < cutMM
		out.spine.Vertebrae = append(out.spine.Vertebrae, v)
		out.levels = append(out.levels, s.levels[i])
	}
	return out
}

func (s subject) name(t *testing.T, fixed *naming.Fixed) naming.Naming {
	t.Helper()
	n, err := naming.Levels(t.Context(), s.vol, s.spine, fixed)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func levelsOf(n naming.Naming) []spine.Level {
	var out []spine.Level
	for _, m := range n.Names {
		out = append(out, m.Level)
	}
	return out
}

func leastProbability(n naming.Naming) float64 {
	least := 1.0
	for _, m := range n.Names {
		least = min(least, m.Probability)
	}
	return least
}

func warned(n naming.Naming, code string) bool {
	return slices.ContainsFunc(n.Warnings, func(w naming.Warning) bool { return w.Code == code })
}

// anchored is the least probability of a name that rests on an anchor.
const anchored = 0.9

func TestAnchorsNameThePhantom(t *testing.T) {
	tests := []struct {
		name        string
		first, last spine.Level
		opt         phantom.Options
		anchors     []string
	}{
		{"T1–S1", spine.T1, spine.S1, phantom.Options{}, []string{"sacrum"}},
		{"T8–L5", t8, spine.L5, phantom.Options{Osteoporosis: true}, []string{"last rib"}},
		{"T10–S1", spine.T10, spine.S1, phantom.Options{Contrast: true}, []string{"last rib", "sacrum"}},
		{"L3–S1", spine.L3, spine.S1, phantom.Options{}, []string{"sacrum"}},
		{"C3–T4", c3, spine.T4, phantom.Options{}, []string{"first rib"}},
		{"T8–L3, scoliosis", t8, spine.L3, phantom.Options{Scoliosis: 40}, []string{"last rib"}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := draw(uint64(i), tt.opt, tt.first, tt.last)
			n := s.name(t, nil)
			if diff := cmp.Diff(s.levels, levelsOf(n)); diff != "" {
				t.Errorf("levels (-want +got):\n%s", diff)
			}
			for _, a := range tt.anchors {
				if !slices.Contains(n.Anchors, a) {
					t.Errorf("anchors = %v, want %s among them", n.Anchors, a)
				}
			}
			if p := leastProbability(n); n.Guess || p < anchored {
				t.Errorf("guess = %v, least probability = %.2f, want no guess and at least %.2f", n.Guess, p, anchored)
			}
			if n.Hypothesis.String() != "12 ribs, 5 lumbar" {
				t.Errorf("hypothesis = %q, want the normal one", n.Hypothesis)
			}
		})
	}
}

func TestWithoutAnchorTheNamesAreAGuess(t *testing.T) {
	tests := []struct {
		name        string
		first, last spine.Level
	}{
		{"L1–L4", spine.L1, spine.L4},
		{"T4–T10", spine.T4, spine.T10},
		{"T8–T11", t8, spine.T11},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := draw(uint64(20+i), phantom.Options{}, tt.first, tt.last).name(t, nil)
			if !n.Guess || !warned(n, "LEVELS_GUESSED") || len(n.Anchors) > 0 {
				t.Errorf("guess = %v, anchors = %v, warnings = %v, want a guess and its warning", n.Guess, n.Anchors, n.Warnings)
			}
			if p := leastProbability(n); p >= anchored {
				t.Errorf("least probability = %.2f, want below %.2f", p, anchored)
			}
		})
	}
}

func TestFixedLevelNamesTheRest(t *testing.T) {
	t.Parallel()
	s := draw(20, phantom.Options{}, spine.L1, spine.L4)
	at := slices.Index(s.levels, spine.L2)
	near := r3.Add(s.spine.Vertebrae[at].Center, r3.Vec{X: 4, Y: 5, Z: 6})
	n := s.name(t, &naming.Fixed{Level: spine.L2, Position: near})
	if diff := cmp.Diff(s.levels, levelsOf(n)); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	if p := n.Names[at].Probability; math.Abs(p-1) > 1e-9 || n.Guess {
		t.Errorf("probability of the fixed level = %v, guess = %v, want 1 and no guess", p, n.Guess)
	}
}

// A given level wins over the image, but not in silence.
func TestFixedLevelAgainstTheImage(t *testing.T) {
	t.Parallel()
	s := draw(2, phantom.Options{}, spine.T10, spine.S1)
	at := slices.Index(s.levels, spine.L1)
	n := s.name(t, &naming.Fixed{Level: spine.L2, Position: s.spine.Vertebrae[at].Center})
	if got := n.Names[at].Level; got != spine.L2 {
		t.Errorf("level = %v, want L2 as given", got)
	}
	if !warned(n, "LEVELS_INCONSISTENT") {
		t.Errorf("warnings = %v, want LEVELS_INCONSISTENT", n.Warnings)
	}
}

func TestFixedLevelThatCannotHold(t *testing.T) {
	t.Parallel()
	s := draw(20, phantom.Options{}, spine.L1, spine.L4)
	first, last := s.spine.Vertebrae[0].Center, s.spine.Vertebrae[len(s.spine.Vertebrae)-1].Center
	tests := []struct {
		name  string
		fixed naming.Fixed
	}{
		{"far away", naming.Fixed{Level: spine.L1, Position: r3.Add(first, r3.Vec{X: 200})}},
		{"no room above", naming.Fixed{Level: spine.C1, Position: last}},
		{"no level", naming.Fixed{Position: first}},
		{"no position", naming.Fixed{Level: spine.L1, Position: r3.Vec{X: math.NaN()}}},
	}
	for _, tt := range tests {
		if _, err := naming.Levels(t.Context(), s.vol, s.spine, &tt.fixed); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

// A vertebra that the chain misses leaves a long step. The names beyond it may
// not silently shift.
func TestMissedVertebra(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		s := draw(30+seed, phantom.Options{}, t8, spine.S1)
		missed := slices.Index(s.levels, spine.L2)
		s.spine.Vertebrae = slices.Delete(s.spine.Vertebrae, missed, missed+1)
		s.levels = slices.Delete(s.levels, missed, missed+1)
		n := s.name(t, nil)
		if !warned(n, "LEVELS_INCONSISTENT") {
			t.Errorf("seed %d: warnings = %v, want LEVELS_INCONSISTENT", seed, n.Warnings)
		}
		for i, name := range n.Names {
			if name.Level != s.levels[i] && name.Probability > anchored {
				t.Errorf("seed %d: %v named %v with probability %.2f", seed, s.levels[i], name.Level, name.Probability)
			}
		}
	}
}

// The sacrum's mark on L5 contradicts the last rib.
func TestMarkedTooHigh(t *testing.T) {
	t.Parallel()
	s := draw(3, phantom.Options{}, spine.T10, spine.L5)
	last := slices.Index(s.levels, spine.L5)
	s.spine.Vertebrae = s.spine.Vertebrae[:last+1]
	s.spine.Vertebrae[last].Sacral = true
	n := s.name(t, nil)
	if !warned(n, "LEVELS_INCONSISTENT") && !warned(n, "LEVELS_TRANSITIONAL") {
		t.Errorf("levels = %v, warnings = %v, want one", levelsOf(n), n.Warnings)
	}
}

// Mirroring the patient changes no name, and moves no probability.
func TestMirrorKeepsNames(t *testing.T) {
	t.Parallel()
	s := draw(5, phantom.Options{Scoliosis: 20}, spine.T10, spine.L4)
	want := s.name(t, nil)
	got := mirror(s).name(t, nil)
	if diff := cmp.Diff(levelsOf(want), levelsOf(got)); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	for i := range want.Names {
		if d := got.Names[i].Probability - want.Names[i].Probability; math.Abs(d) > 1e-3 {
			t.Errorf("%v: probability moves by %v", want.Names[i].Level, d)
		}
	}
}

// mirror returns s with left and right exchanged.
func mirror(s subject) subject {
	flip := func(p r3.Vec) r3.Vec { p.X = -p.X; return p }
	g := s.vol.Geometry
	g.Origin.X = -g.Position(float64(g.Columns-1), 0, 0).X
	vol := volume.New(g)
	for row := range g.Rows * g.Slices {
		line := vol.Samples[row*g.Columns : (row+1)*g.Columns]
		copy(line, s.vol.Samples[row*g.Columns:])
		slices.Reverse(line)
	}
	out := subject{vol: vol, spine: &localization.Spine{}, levels: s.levels}
	for _, v := range s.spine.Vertebrae {
		v.Center, v.Canal, v.Superior, v.Anterior = flip(v.Center), flip(v.Canal), flip(v.Superior), flip(v.Anterior)
		out.spine.Vertebrae = append(out.spine.Vertebrae, v)
	}
	return out
}

// A patient 15 % larger or smaller keeps his names.
func TestSizeKeepsNames(t *testing.T) {
	t.Parallel()
	s := draw(6, phantom.Options{}, spine.T10, spine.L4)
	for _, scale := range []float64{0.85, 1.15} {
		g := s.vol.Geometry
		g.Origin, g.Column, g.Row, g.Slice = r3.Scale(scale, g.Origin), r3.Scale(scale, g.Column), r3.Scale(scale, g.Row), r3.Scale(scale, g.Slice)
		scaled := subject{vol: &volume.Volume{Geometry: g, Samples: s.vol.Samples}, spine: &localization.Spine{}}
		for _, v := range s.spine.Vertebrae {
			v.Center, v.Canal = r3.Scale(scale, v.Center), r3.Scale(scale, v.Canal)
			scaled.spine.Vertebrae = append(scaled.spine.Vertebrae, v)
		}
		if diff := cmp.Diff(s.levels, levelsOf(scaled.name(t, nil))); diff != "" {
			t.Errorf("scale %v: levels (-want +got):\n%s", scale, diff)
		}
	}
}

// Centres that are 2 mm off change no name.
func TestRoughCentresKeepNames(t *testing.T) {
	t.Parallel()
	s := draw(7, phantom.Options{}, spine.T10, spine.L4)
	rng := rand.New(rand.NewPCG(8, 9))
	off := func() r3.Vec {
		return r3.Vec{X: 2 * rng.NormFloat64(), Y: 2 * rng.NormFloat64(), Z: 2 * rng.NormFloat64()}
	}
	for range 5 {
		rough := subject{vol: s.vol, spine: &localization.Spine{}}
		for _, v := range s.spine.Vertebrae {
			v.Center, v.Canal = r3.Add(v.Center, off()), r3.Add(v.Canal, off())
			rough.spine.Vertebrae = append(rough.spine.Vertebrae, v)
		}
		if diff := cmp.Diff(s.levels, levelsOf(rough.name(t, nil))); diff != "" {
			t.Errorf("levels (-want +got):\n%s", diff)
		}
	}
}

func TestOddChains(t *testing.T) {
	t.Parallel()
	s := draw(9, phantom.Options{}, spine.L1, spine.L3)
	if n := (subject{vol: s.vol, spine: &localization.Spine{}}).name(t, nil); len(n.Names) > 0 {
		t.Errorf("names of an empty chain = %v", n.Names)
	}
	one := subject{vol: s.vol, spine: &localization.Spine{Vertebrae: s.spine.Vertebrae[1:2]}}
	if n := one.name(t, nil); len(n.Names) != 1 || !n.Guess {
		t.Errorf("naming of one vertebra = %+v, want one guess", n)
	}
	long := subject{vol: s.vol, spine: &localization.Spine{}}
	for i := range 40 {
		v := s.spine.Vertebrae[1]
		v.Center.Z -= 25 * float64(i)
		v.Canal.Z -= 25 * float64(i)
		long.spine.Vertebrae = append(long.spine.Vertebrae, v)
	}
	if n := long.name(t, nil); len(n.Names) != 40 || !warned(n, "LEVELS_INCONSISTENT") {
		t.Errorf("naming of 40 vertebrae: %d names, warnings %v", len(n.Names), n.Warnings)
	}
}

func TestLevelsStopsWithItsContext(t *testing.T) {
	t.Parallel()
	s := draw(9, phantom.Options{}, spine.L1, spine.L3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := naming.Levels(ctx, s.vol, s.spine, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func ExampleLevels() {
	s := phantom.Random(rand.New(rand.NewPCG(1, 7)), phantom.Options{})
	vol := s.CT(s.Cover(spine.T11, spine.L3, 8, 220, 2, 3))
	found, err := localization.Find(context.Background(), vol)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := naming.Levels(context.Background(), vol, found, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n.Anchors, n.Hypothesis)
	// Output: [last rib] 12 ribs, 5 lumbar
}

func BenchmarkLevels(b *testing.B) {
	s := draw(1, phantom.Options{}, spine.T1, spine.S1)
	for b.Loop() {
		if _, err := naming.Levels(b.Context(), s.vol, s.spine, nil); err != nil {
			b.Fatal(err)
		}
	}
}
