// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// What made spines in 1 mm slices must show of canal and posterior wall, in the
// mean absolute error.
const (
	retropulsionMAE = 0.5 // mm
	canalAPMAE      = 0.5 // mm
	canalAreaMAE    = 5.0 // percent
)

// canalGroup is what was done to a level.
type canalGroup uint8

const (
	canalIntact    canalGroup = iota
	canalDisplaced            // a fragment of the posterior wall stands in the canal
	canalNarrowed             // the canal is narrow throughout
	canalGroups
)

func (g canalGroup) String() string { return [...]string{"intact", "displaced", "narrowed"}[g] }

// canalCase is a made spine, of which one level has a retropulsed wall or a narrow
// canal.
type canalCase struct {
	examination
	level spine.Level
	group canalGroup
	what  string
}

// The most that a canal is narrowed and a wall is driven back.
const (
	mostNarrowing    = 0.8  // of its area
	mostRetropulsion = 10.0 // mm
)

// drawCanal draws a spine and scans T11 to L3 of it. The canal of one level, T12
// to L2, is narrowed by up to 80 % by a fragment of the wall, by a short diameter
// or in all directions.
func drawCanal(seed uint64) canalCase {
	rng := newRand(seed + 1<<20)
	c := canalCase{level: spine.T12 + spine.Level(rng.IntN(3))}
	opt := phantom.Options{Osteoporosis: rng.Float64() < 0.4, Contrast: rng.Float64() < 0.3, Osteophytes: rng.Float64() < 0.3}
	if rng.Float64() < 0.2 {
		opt.Scoliosis = 20
	}
	p := phantom.RandomParams(rng, opt)
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level == c.level {
			c.spoil(rng, v)
		}
	}
	c.examination.name, c.seed, c.spine = fmt.Sprintf("seed %d", seed), seed, phantom.New(p)
	c.scan = c.spine.Cover(spine.T11, spine.L3, 14, 110, 0.6+0.2*rng.Float64(), 1)
	c.scan.Kernel = []phantom.Kernel{phantom.Soft, phantom.Standard, phantom.Sharp}[rng.IntN(3)]
	c.scan.Noise, c.scan.Seed = 8+12*rng.Float64(), seed
	return c
}

// spoil narrows the canal beside v.
func (c *canalCase) spoil(rng *rand.Rand, v *phantom.Vertebra) {
	switch kind := rng.IntN(4); kind {
	case 0, 1:
		c.group = canalDisplaced
		if shape := phantom.Shape(rng.IntN(4)); shape != phantom.NoDeformity {
			v.Deformity = phantom.Fracture(shape, 15+35*rng.Float64())
		}
		v.Deformity.Retropulsion = min(mostRetropulsion*rng.Float64(), mostNarrowing*v.CanalAP)
		v.Deformity.RetropulsedMiddle = kind == 1
		c.what = fmt.Sprintf("retropulsion %.1f mm, middle %t, %v", v.Deformity.Retropulsion, kind == 1, v.Deformity.Shape)
	case 2:
		c.group = canalNarrowed
		f := 1 - mostNarrowing*rng.Float64()
		v.CanalAP *= f
		c.what = fmt.Sprintf("diameter %.0f %%", 100*f)
	case 3:
		c.group = canalNarrowed
		f := math.Sqrt(1 - mostNarrowing*rng.Float64())
		v.CanalAP *= f
		v.CanalWidth *= f
		c.what = fmt.Sprintf("both diameters %.0f %%", 100*f)
	}
}

// canalErrors are the errors of one group of levels.
type canalErrors struct {
	levels, missed                       int
	retropulsion                         []float64 // mm
	ap, area, narrowestAP, narrowestArea []float64 // mm and percent
}

// add compares one level with its truth and returns its errors in words.
func (e *canalErrors) add(sp *phantom.Spine, p *pair) string {
	e.levels++
	if p.got == nil || p.got.Canal.Size == nil {
		e.missed++
		reason := p.reason
		if p.got != nil {
			reason = p.got.Canal.Reason.String()
		}
		return "missed: " + reason
	}
	want, _ := sp.Canal(p.truth.Level)
	got := p.got.Canal.Size
	ap, area := got.AP.Value-want.AP, 100*(got.Area.Value/want.Area-1)
	nap, narea := got.NarrowestAP.Value-want.NarrowestAP, 100*(got.NarrowestArea.Value/want.NarrowestArea-1)
	e.ap, e.area = append(e.ap, ap), append(e.area, area)
	e.narrowestAP, e.narrowestArea = append(e.narrowestAP, nap), append(e.narrowestArea, narea)
	text := fmt.Sprintf("AP %.1f%+.2f area %.0f%+.1f%% narrowest %.1f%+.2f %.0f%+.1f%%", want.AP, ap, want.Area, area, want.NarrowestAP, nap, want.NarrowestArea, narea)
	r := p.got.Wall.Measures.Retropulsion
	if r == nil {
		return text + " retropulsion not measured: " + p.got.Wall.Measures.RetropulsionReason.String()
	}
	d := r.Value - p.truth.Retropulsion
	e.retropulsion = append(e.retropulsion, d)
	return text + fmt.Sprintf(" retropulsion %.1f%+.2f±%.2f", p.truth.Retropulsion, d, r.SD)
}

func (e *canalErrors) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d levels, %d missed", e.levels, e.missed)
	for _, q := range []struct {
		name string
		x    []float64
	}{{"AP mm", e.ap}, {"area %", e.area}, {"narrowest AP mm", e.narrowestAP}, {"narrowest area %", e.narrowestArea}, {"retropulsion mm", e.retropulsion}} {
		if len(q.x) == 0 {
			continue
		}
		mae, p95 := absolute(q.x)
		fmt.Fprintf(&b, "\n  %-18s n %4d mean %+.2f absolute %.2f p95 %.2f most %.2f", q.name, len(q.x), stat.Mean(q.x, nil), mae, p95, max(slices.Max(q.x), -slices.Min(q.x)))
	}
	return b.String()
}

// canalTally sums up the errors of levels, by what was done to them and by the
// kernel of the scan.
type canalTally struct {
	groups [canalGroups]canalErrors
	kernel map[string]*canalErrors
}

// add measures c and compares its levels with their truth.
func (a *canalTally) add(t *testing.T, c canalCase) {
	t.Helper()
	truth, result, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kernel := c.scan.Kernel.String()
	if a.kernel[kernel] == nil {
		a.kernel[kernel] = &canalErrors{}
	}
	pairs, _ := matched(truth, result)
	for i := range pairs {
		p := &pairs[i]
		if p.truth.Margin < c.border() {
			continue
		}
		group := canalIntact
		if p.truth.Level == c.level {
			group = c.group
		}
		text := a.groups[group].add(c.spine, p)
		a.kernel[kernel].add(c.spine, p)
		t.Logf("%s %v %v %s %s: %s", c.name, p.truth.Level, group, kernel, c.what, text)
	}
}

// judge compares each group with what it must show.
func (a *canalTally) judge(t *testing.T) {
	t.Helper()
	for g := range a.groups {
		e := &a.groups[g]
		t.Logf("%v: %v", canalGroup(g), e)
		for _, q := range []struct {
			name  string
			x     []float64
			bound float64
		}{
			{"diameter, mm", e.ap, canalAPMAE}, {"narrowest diameter, mm", e.narrowestAP, canalAPMAE},
			{"area, %", e.area, canalAreaMAE}, {"narrowest area, %", e.narrowestArea, canalAreaMAE},
			{"retropulsion, mm", e.retropulsion, retropulsionMAE},
		} {
			if mae, _ := absolute(q.x); mae > q.bound {
				t.Errorf("%v: %s: mean absolute error %.2f, want at most %g", canalGroup(g), q.name, mae, q.bound)
			}
		}
	}
	for k, e := range a.kernel {
		t.Logf("%s: %v", k, e)
	}
}

// accuracySeed returns the first seed of an accuracy run.
func accuracySeed(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ENDPLATE_SEED")
	if text == "" {
		return 0
	}
	first, err := strconv.Atoi(text)
	if err != nil || first < 0 {
		t.Fatalf("ENDPLATE_SEED = %q, want a number", text)
	}
	return first
}

// TestCanalAccuracy measures ENDPLATE_ACCURACY spines from the seed ENDPLATE_SEED
// on.
func TestCanalAccuracy(t *testing.T) {
	n, first := accuracySpines(t), accuracySeed(t)
	a := canalTally{kernel: map[string]*canalErrors{}}
	for seed := first; seed < first+n; seed++ {
		a.add(t, drawCanal(uint64(seed)))
	}
	a.judge(t)
}
