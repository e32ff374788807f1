// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// What pairs of made spines in 1 mm slices must show.
const (
	changeMAE     = 0.3 // mm, of heights
	restoredMAE   = 3.0 // percentage points, where deepLoss was lost
	deepLoss      = 5.0 // mm
	correctionMAE = 1.0 // degrees, of the Gardner angle
	judgedRight   = 95  // percent of changes
)

// twice is one made spine examined twice: fractured, and later with some of the
// height given back, mostly with cement in it, lying otherwise on the table.
type twice struct {
	level         spine.Level // fractured, and treated
	before, after *phantom.Spine
	truth         [2]phantom.Truth
	measured      [2]*comparison.Examination
}

// drawTwice draws a spine and what became of it.
func drawTwice(seed uint64) (before, after phantom.Params, level spine.Level) {
	rng := rand.New(rand.NewPCG(seed, 0x636f6d70))
	level = spine.Level(int(spine.T1) + 8 + rng.IntN(8)) // T9 to L4
	shape := []phantom.Shape{phantom.Wedge, phantom.Biconcave, phantom.Crush}[rng.IntN(3)]
	loss := 22 + 35*rng.Float64()
	before = phantom.RandomParams(rng, phantom.Options{
		Fractures:    map[spine.Level]phantom.Deformity{level: phantom.Fracture(shape, loss)},
		Osteoporosis: rng.Float64() < 0.5, Osteophytes: rng.Float64() < 0.3,
	})
	after = before
	after.Vertebrae = slices.Clone(before.Vertebrae)
	after.Position = r3.Add(before.Position, r3.Vec{X: 20 * rng.Float64(), Y: 20 * rng.Float64(), Z: 300 * rng.Float64()})
	after.Tilt += 4 * rng.NormFloat64()
	given := 1 - 0.9*rng.Float64() // of the loss that stays
	for i := range after.Vertebrae {
		v := &after.Vertebrae[i]
		v.DiscAngle += rng.NormFloat64() // posture
		switch {
		case v.Level == level:
			share := v.Deformity.SuperiorShare
			v.Deformity = phantom.Fracture(shape, given*loss)
			v.Deformity.SuperiorShare = share
			if rng.Float64() < 0.8 {
				v.Cement = phantom.RandomCement(rng, *v, 2+3*rng.Float64())
			}
		case v.Level == level+1 && rng.Float64() < 0.25: // a new fracture beside
			v.Deformity = phantom.Fracture(phantom.Wedge, 25+25*rng.Float64())
		}
	}
	return before, after, level
}

// examineTwice renders and measures both.
func examineTwice(ctx context.Context, seed uint64) (*twice, error) {
	before, after, level := drawTwice(seed)
	w := &twice{level: level, before: phantom.New(before), after: phantom.New(after)}
	for n, s := range []*phantom.Spine{w.before, w.after} {
		scan := s.Cover(level-3+spine.Level(n), min(level+2, spine.L5), 14, 120, 0.75, 1)
		scan.Noise, scan.Seed = 12, seed+uint64(n)
		vol := s.CT(scan)
		w.truth[n] = s.Within(s.Truth(), vol.Geometry)
		e, err := measured(ctx, vol, fmt.Sprint(seed, n))
		if err != nil {
			return nil, err
		}
		w.measured[n] = e
	}
	return w, nil
}

func measured(ctx context.Context, vol *volume.Volume, name string) (*comparison.Examination, error) {
	result, err := analysis.MeasureCT(ctx, vol, analysis.Options{})
	if err != nil {
		return nil, err
	}
	pixel, _, slice := vol.Spacing()
	return comparison.NewExamination(result, comparison.About{Name: name, Modality: "CT", SliceSpacing: slice, PixelSpacing: pixel}), nil
}

// tally collects errors over pairs.
type tally struct {
	mu                    sync.Mutex
	change, affected      []float64 // mm
	restored, correction  []float64 // points, degrees
	judged, right         int
	failed                []string
	unread                []float64 // mm, of the fractured level where one examination did not measure it
	untold                int       // such levels that the pictures told nothing of
	relabelled, noticed   int
	unchecked             int // relabelled, but too few unfractured levels are whole in both, and that is said
	pairs, tracked, known int
	covered               int
}

func (y *tally) add(w *twice, seed uint64) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.pairs++
	c, err := comparison.Compare(w.measured[0], w.measured[1], comparison.Options{})
	if err != nil {
		y.failed = append(y.failed, fmt.Sprintf("%d: %v", seed, err))
		return
	}
	expected := w.expected()
	names := make(map[spine.Level]spine.Level) // true ones, by those given
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		if p.Heights[0] == nil {
			continue
		}
		b, a, ok := w.truthOf(c, p)
		if !ok {
			y.failed = append(y.failed, fmt.Sprintf("%d %s: no such vertebra", seed, p.Level))
			continue
		}
		names[p.Level] = b.Level
		y.addHeights(w, seed, p, b, a, expected[b.Level])
	}
	for _, a := range c.Angles {
		if a.Name != morphometry.Gardner {
			continue
		}
		want, ok := w.gardner(names[a.Level])
		if !ok {
			continue
		}
		y.judge(seed, fmt.Sprint(a.Level, " Gardner"), a.Change, want)
		if names[a.Level] == w.level {
			y.correction = append(y.correction, a.Value-want)
		}
	}
	y.relabel(w, seed, c.Match.Offset)
	y.unmeasure(w, c)
}

// unmeasure takes the reading of the fractured level from one examination and then from
// the other, and looks what the pictures tell of it.
func (y *tally) unmeasure(w *twice, c *comparison.Comparison) {
	i := slices.IndexFunc(c.Vertebrae, func(p comparison.Pair) bool {
		if p.Heights[0] == nil {
			return false
		}
		b, _, ok := w.truthOf(c, &p)
		return ok && b.Level == w.level
	})
	if i < 0 {
		return
	}
	was := &c.Vertebrae[i]
	b, a, _ := w.truthOf(c, was)
	want := [3]float64{a.AnteriorHeight - b.AnteriorHeight, a.MiddleHeight - b.MiddleHeight, a.PosteriorHeight - b.PosteriorHeight}
	for n, index := range [2]int{was.BeforeIndex, was.AfterIndex} {
		both := w.measured
		e := *both[n]
		e.Vertebrae = slices.Clone(e.Vertebrae)
		v := &e.Vertebrae[index]
		v.Status, v.Reason, v.Landmarks, v.Heights, v.Wedge = analysis.NotMeasurable, "an endplate was not found", nil, nil, nil
		v.Shape = &comparison.Shape{Frame: v.Shape.Frame, Picture: v.Shape.Picture}
		both[n] = &e
		again, err := comparison.Compare(both[0], both[1], comparison.Options{})
		if err != nil {
			y.untold++
			continue
		}
		k := slices.IndexFunc(again.Vertebrae, func(p comparison.Pair) bool {
			return p.BeforeIndex == was.BeforeIndex && p.AfterIndex == was.AfterIndex
		})
		if k < 0 || again.Vertebrae[k].Heights[0] == nil {
			y.untold++
			continue
		}
		for h, change := range again.Vertebrae[k].Heights {
			y.unread = append(y.unread, change.Value-want[h])
		}
	}
}

// addHeights adds the heights of one pair, of which b and a are true.
func (y *tally) addHeights(w *twice, seed uint64, p *comparison.Pair, b, a *phantom.Measured, expected *morphometry.Expected) {
	y.known++
	if p.Alike > 0 {
		y.tracked++
	}
	before := [3]float64{b.AnteriorHeight, b.MiddleHeight, b.PosteriorHeight}
	after := [3]float64{a.AnteriorHeight, a.MiddleHeight, a.PosteriorHeight}
	for h, change := range p.Heights {
		want := after[h] - before[h]
		y.change = append(y.change, change.Value-want)
		if math.Abs(change.Value-want) <= 2*change.SD {
			y.covered++
		}
		y.judge(seed, fmt.Sprintf("%s %s", p.Level, finding.Height(h)), change, want)
		if b.Level != w.level {
			continue
		}
		y.affected = append(y.affected, change.Value-want)
		if expected == nil {
			continue
		}
		full := [3]float64{expected.Anterior, expected.Middle, expected.Posterior}[h]
		if q := p.Restored[h]; q.Defined && full-before[h] >= deepLoss {
			y.restored = append(y.restored, q.Value-100*want/(full-before[h]))
		}
	}
}

// judge counts whether a change is rightly called significant: where the truth
// exceeds the least significant change, and not where nothing changed. Within two
// standard deviations of the least significant change either will do.
func (y *tally) judge(seed uint64, what string, c *comparison.Change, want float64) {
	if c.Reason != "" || math.Abs(math.Abs(want)-c.LSC) < 2*c.SD {
		return
	}
	y.judged++
	if c.Significant == (math.Abs(want) > c.LSC) {
		y.right++
		return
	}
	y.failed = append(y.failed, fmt.Sprintf("%d %s: change %.2f (LSC %.2f, tracked %v, readings %.1f %.1f), truly %.2f", seed, what, c.Value, c.LSC, c.Tracked, c.Before.Value, c.After.Value, want))
}

// relabel names the second examination's vertebrae a level off, and looks whether
// that is noticed. own is by how much its names are off from the start.
func (y *tally) relabel(w *twice, seed uint64, own int) {
	for _, by := range []int{-1, 1} {
		if own+by == 0 {
			continue
		}
		wrong := *w.measured[1]
		wrong.Vertebrae = slices.Clone(wrong.Vertebrae)
		for i := range wrong.Vertebrae {
			wrong.Vertebrae[i].Level = shifted(wrong.Vertebrae[i].Level, by)
		}
		y.relabelled++
		c, err := comparison.Compare(w.measured[0], &wrong, comparison.Options{})
		if err == nil && slices.ContainsFunc(c.Warnings, func(w analysis.Warning) bool { return w.Code == comparison.LevelsDisagree }) {
			y.noticed++
			continue
		}
		if err == nil && c.Match.State == comparison.NamesUnchecked {
			y.relabelled--
			y.unchecked++
			continue
		}
		said := fmt.Sprint(err)
		if err == nil {
			said = fmt.Sprintf("%s by %d, %.3f on %d", c.Match.State, c.Match.Offset, c.Match.Probability, c.Match.Levels)
		}
		y.failed = append(y.failed, fmt.Sprintf("%d: relabelled by %d: %s", seed, by, said))
	}
}

// shifted names the level so many below l; those at the ends of the column fall
// together, which no examination of these shows.
func shifted(l spine.Level, by int) spine.Level {
	if l == spine.S1 {
		l = spine.L6
	}
	l = spine.Level(int(l) + by)
	if l == spine.L6 {
		return spine.S1
	}
	return l
}

// truthOf returns the true vertebrae that a pair is of: those nearest to where it
// was found.
func (w *twice) truthOf(c *comparison.Comparison, p *comparison.Pair) (before, after *phantom.Measured, ok bool) {
	b := nearest(w.truth[0], c.Before.Vertebrae[p.BeforeIndex].Center)
	a := nearest(w.truth[1], c.After.Vertebrae[p.AfterIndex].Center)
	return b, a, b != nil && a != nil && b.Level == a.Level
}

func nearest(t phantom.Truth, p r3.Vec) *phantom.Measured {
	var best *phantom.Measured
	for i := range t.Vertebrae {
		m := &t.Vertebrae[i]
		if d := r3.Norm(r3.Sub(m.Frame.Origin, p)); d < 10 && (best == nil || d < r3.Norm(r3.Sub(best.Frame.Origin, p))) {
			best = m
		}
	}
	return best
}

// expected returns the heights that truly unaffected neighbours lead one to
// expect.
func (w *twice) expected() map[spine.Level]*morphometry.Expected {
	var column []morphometry.LevelHeights
	var excluded []bool
	for i := range w.truth[0].Vertebrae {
		b, a := &w.truth[0].Vertebrae[i], &w.truth[1].Vertebrae[i]
		if b.Level == spine.S1 || b.Margin < 2 || a.Margin < 2 {
			continue
		}
		column = append(column, morphometry.LevelHeights{Level: b.Level, Heights: &morphometry.Heights{
			Anterior: b.AnteriorHeight, Middle: b.MiddleHeight, Posterior: b.PosteriorHeight,
			AnteriorSD: 0.2, MiddleSD: 0.2, PosteriorSD: 0.2,
		}})
		excluded = append(excluded, b.Genant > 0 || a.Genant > 0 || a.Cement != nil)
	}
	out := make(map[spine.Level]*morphometry.Expected)
	for i := range column {
		if e := morphometry.Expect(column, i, excluded); len(e.From) > 0 {
			out[column[i].Level] = &e
		}
	}
	return out
}

// gardner returns the true change of a level's Gardner angle.
func (w *twice) gardner(l spine.Level) (change float64, ok bool) {
	var d [2]float64
	for n := range w.truth {
		i := slices.IndexFunc(w.truth[n].Angles, func(a phantom.Angle) bool { return a.Name == morphometry.Gardner && a.Level == l })
		if i < 0 {
			return 0, false
		}
		d[n] = w.truth[n].Angles[i].Degrees
	}
	return d[1] - d[0], true
}

func (y *tally) done() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.pairs
}

func (y *tally) report() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	var b strings.Builder
	say := func(what string, x []float64) {
		if len(x) == 0 {
			return
		}
		mae, p95 := absolute(x)
		fmt.Fprintf(&b, "%-28s n %4d  mean absolute %.2f  bias %+.2f  95th percentile %.2f\n", what, len(x), mae, stat.Mean(x, nil), p95)
	}
	fmt.Fprintf(&b, "%d pairs, %d vertebrae, endplates found again in %d\n", y.pairs, y.known, y.tracked)
	say("height change, mm", y.change)
	say("… of the fractured level", y.affected)
	say("… that one did not measure", y.unread)
	say("restored, points", y.restored)
	say("Gardner correction, degrees", y.correction)
	fmt.Fprintf(&b, "significance right %d of %d; within two sd %d of %d\n", y.right, y.judged, y.covered, len(y.change))
	fmt.Fprintf(&b, "levels that one did not measure, and the pictures did not tell: %d\n", y.untold)
	fmt.Fprintf(&b, "relabelled noticed %d of %d; too few levels to tell by %d\n", y.noticed, y.relabelled, y.unchecked)
	slices.Sort(y.failed)
	fmt.Fprintln(&b, strings.Join(y.failed, "\n"))
	return b.String()
}

func absolute(x []float64) (mean, p95 float64) {
	a := make([]float64, len(x))
	for i := range x {
		a[i] = math.Abs(x[i])
	}
	slices.Sort(a)
	return stat.Mean(a, nil), stat.Quantile(0.95, stat.Empirical, a, nil)
}

// TestPairs compares a made pair, or as many as ENDPLATE_ACCURACY says, from the seed
// ENDPLATE_SEED on, 1 without.
func TestPairs(t *testing.T) {
	if testing.Short() && os.Getenv("ENDPLATE_ACCURACY") == "" {
		t.Skip("renders spines")
	}
	n, first := given(t, "ENDPLATE_ACCURACY"), uint64(given(t, "ENDPLATE_SEED"))
	var y tally
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(runtime.GOMAXPROCS(0))
	for seed := first; seed < first+uint64(n); seed++ {
		g.Go(func() error {
			w, err := examineTwice(ctx, seed)
			if err != nil {
				return fmt.Errorf("%d: %w", seed, err)
			}
			y.add(w, seed)
			if done := y.done(); done%10 == 0 && done < n {
				t.Logf("%d of %d pairs:\n%s", done, n, y.report())
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + y.report())
	y.hold(t, n)
}

// given returns the number that an environment variable holds, 1 where it is not set.
func given(t *testing.T, name string) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s = %q, want a number", name, text)
	}
	return n
}

// hold compares n pairs with what they must show. The means of a few may be
// twice as far off.
func (y *tally) hold(t *testing.T, n int) {
	t.Helper()
	const few = 20
	slack := 1.0
	if n < few {
		slack = 2
	}
	for _, m := range []struct {
		what   string
		errors []float64
		most   float64
	}{
		{"height change, mm", y.change, changeMAE},
		{"restored, points", y.restored, restoredMAE},
		{"Gardner correction, degrees", y.correction, correctionMAE},
	} {
		if mae, _ := absolute(m.errors); len(m.errors) > 0 && mae > slack*m.most {
			t.Errorf("%s: mean absolute error %.2f, want at most %g", m.what, mae, slack*m.most)
		}
	}
	if 100*y.right < judgedRight*y.judged {
		t.Errorf("%d of %d changes rightly judged, want %d %%", y.right, y.judged, judgedRight)
	}
	if y.noticed < y.relabelled {
		t.Errorf("%d of %d relabelled examinations noticed", y.noticed, y.relabelled)
	}
}
