// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// leastRight is how often the places of leaks must be right.
const leastRight = 0.95

// draw draws a spine from T4 to L5 of which, but in every fifth, one vertebra is
// treated: fractured or not, with a leak, with two or without; with screws, a
// chalky aorta and oral contrast by chance.
func draw(seed uint64) (examination, spine.Level) {
	rng := rand.New(rand.NewPCG(seed, 4711))
	p := phantom.RandomParams(rng, phantom.Options{Osteoporosis: rng.Float64() < 0.6, Contrast: rng.Float64() < 0.3, Osteophytes: rng.Float64() < 0.3})
	level := spine.T4 + 1 + spine.Level(rng.IntN(12))
	if rng.Float64() < 0.4 {
		p.Mimics = phantom.Mimics{AorticChalkHU: 700 + 800*rng.Float64(), OralContrastHU: 500 + 2000*rng.Float64()}
	}
	screws := rng.Float64() < 0.25
	for i := range p.Vertebrae {
		v := &p.Vertebrae[i]
		if v.Level == level && seed%5 != 4 {
			treat(rng, v)
		}
		if screws {
			screwsBeside(rng, v, level)
		}
	}
	e := examination{name: fmt.Sprintf("seed %d", seed), spine: phantom.New(p)}
	e.scan = e.spine.Cover(level-1, level+1, 14, 130, 0.7+0.1*rng.Float64(), 1)
	e.scan.Kernel = []phantom.Kernel{phantom.Soft, phantom.Standard, phantom.Sharp}[rng.IntN(3)]
	e.scan.Noise, e.scan.Seed = 8+12*rng.Float64(), seed
	return e, level
}

// treat fractures and treats a vertebra.
func treat(rng *rand.Rand, v *phantom.Vertebra) {
	if shape := phantom.Shape(rng.IntN(4)); shape != phantom.NoDeformity {
		v.Deformity = phantom.Fracture(shape, 15+30*rng.Float64())
	}
	var leaks []phantom.LeakPlace
	for _, n := range rng.Perm(5)[:[]int{0, 0, 0, 1, 1, 2}[rng.IntN(6)]] {
		leaks = append(leaks, phantom.LeakPlace(n+1))
	}
	height := (v.AnteriorHeight + v.PosteriorHeight) / 2 * (1 - v.Deformity.Middle)
	most := 0.3 * 0.8 * height * v.Depth * v.Width / 1000 // ml, 30 % of the body
	v.Cement = phantom.RandomCement(rng, *v, min(0.5+7.5*rng.Float64(), most), leaks...)
}

// tally counts what is right.
type tally struct {
	treated, missed, madeUp int
	volumeRight             int
	errors                  []float64 // of volumes, ml
	leaking, leakRight      int
	tight, invented         int
}

// number returns the number that an environment variable holds, and other if it is
// not set.
func number(t *testing.T, variable string, other int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return other
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s = %q, want a number", variable, text)
	}
	return n
}

// TestAccuracy measures ENDPLATE_ACCURACY spines from the seed ENDPLATE_SEED on.
func TestAccuracy(t *testing.T) {
	first, count := number(t, "ENDPLATE_SEED", 0), number(t, "ENDPLATE_ACCURACY", 0)
	if count == 0 {
		t.Skip("set ENDPLATE_ACCURACY to a number of spines")
	}
	var a tally
	for seed := first; seed < first+count; seed++ {
		e, level := draw(uint64(seed))
		a.add(t, e, level)
	}
	t.Log(a.String())
	if a.madeUp > 0 || a.invented > 0 || a.missed > 0 {
		t.Error("cement or leaks made up, or cement missed")
	}
	if a.volumeRight < a.treated || float64(a.leakRight) < leastRight*float64(a.leaking) {
		t.Error("volumes or places of leaks too often wrong")
	}
}

// add measures one examination and compares it with its truth.
func (a *tally) add(t *testing.T, e examination, level spine.Level) {
	t.Helper()
	f := examine(t, e.spine.CT(e.scan))
	want := e.spine.Cement(level)
	if want == nil {
		a.madeUp += len(f.finding.Treated)
		if len(f.finding.Treated) > 0 {
			t.Logf("%s: cement made up", e.name)
		}
		return
	}
	a.treated++
	got := f.nearest(want.Center)
	if got == nil {
		a.missed++
		t.Logf("%s: %.2f ml in %v missed", e.name, want.Volume, level)
		return
	}
	a.madeUp += len(f.finding.Treated) - 1
	a.compare(t, fmt.Sprintf("%s: %v", e.name, level), got, want)
}

// compare counts volume and leaks.
func (a *tally) compare(t *testing.T, name string, got *cement.Treated, want *phantom.MeasuredCement) {
	t.Helper()
	d := got.Volume - want.Volume
	a.errors = append(a.errors, d)
	if math.Abs(d) <= max(volumeShare*want.Volume, volumeLeast) {
		a.volumeRight++
	} else {
		t.Logf("%s holds %.2f ml, measured %.2f", name, want.Volume, got.Volume)
	}
	same := sameLeaks(got.Leaks, want.Leaks)
	if !same {
		t.Logf("%s leaks %v, measured %v; doubts %v", name, want.Leaks, got.Leaks, got.Doubts)
	}
	switch {
	case len(want.Leaks) > 0 && same:
		a.leaking++
		a.leakRight++
	case len(want.Leaks) > 0:
		a.leaking++
	case same:
		a.tight++
	default:
		a.tight++
		a.invented++
	}
}

func (a *tally) String() string {
	worst, sum := 0.0, 0.0
	for _, d := range a.errors {
		worst, sum = max(worst, math.Abs(d)), sum+math.Abs(d)
	}
	p95 := 0.0
	if n := len(a.errors); n > 0 {
		abs := make([]float64, n)
		for i, d := range a.errors {
			abs[i] = math.Abs(d)
		}
		slices.Sort(abs)
		p95 = abs[n*95/100]
	}
	return fmt.Sprintf("%d treated, %d missed, %d made up; volume right %d, mean error %.3f ml, 95th percentile %.3f, worst %.3f; leaks right %d of %d, invented %d of %d",
		a.treated, a.missed, a.madeUp, a.volumeRight, sum/max(float64(len(a.errors)), 1), p95, worst, a.leakRight, a.leaking, a.invented, a.tight)
}
