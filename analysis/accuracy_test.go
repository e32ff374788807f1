// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// What phantoms in 1 mm slices must show.
const (
	heightMAE   = 0.2 // mm
	heightP95   = 0.5 // mm
	wedgeMAE    = 1.0 // degrees
	leastCover  = 90  // percent of true values within two standard deviations
	mostCover   = 99
	sliceShift  = 0.3 // mm, mean shift of heights against 1 mm slices
	thickMAE    = 0.5 // mm, in slices of up to thickMAESlice
	thickSlices = 3.0 // mm
)

// examine renders and measures every examination, as many at a time as there are
// cores, and adds them up in order. It tells visit, which may be nil, of each,
// from several goroutines.
func examine(t *testing.T, es []examination, visit func(n int, truth phantom.Truth, result *analysis.Result)) *tally {
	t.Helper()
	tallies := make([]tally, len(es))
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(runtime.GOMAXPROCS(0))
	for n, e := range es {
		g.Go(func() error {
			truth, result, err := e.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			tallies[n].add(e, truth, result)
			if visit != nil {
				visit(n, truth, result)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	var sum tally
	for n := range tallies {
		sum.merge(&tallies[n])
	}
	return &sum
}

// measure renders and measures e.
func (e examination) measure(ctx context.Context) (phantom.Truth, *analysis.Result, error) {
	vol := e.spine.CT(e.scan)
	result, err := analysis.MeasureCT(ctx, vol, analysis.Options{})
	return e.truth(vol.Geometry), result, err
}

// scene is a small made examination.
type scene struct {
	seed        uint64
	first, last spine.Level
	opt         phantom.Options
}

func (s scene) examination() examination {
	e := examination{name: fmt.Sprintf("scene %d", s.seed), seed: s.seed, spine: phantom.Random(newRand(s.seed), s.opt)}
	e.scan = e.spine.Cover(s.first, s.last, 14, 140, 0.8, 1)
	e.scan.Noise, e.scan.Seed = 12, s.seed
	return e
}

func fracture(level spine.Level, shape phantom.Shape, loss float64) map[spine.Level]phantom.Deformity {
	return map[spine.Level]phantom.Deformity{level: phantom.Fracture(shape, loss)}
}

// scenes are measured at every run of the tests.
var scenes = []scene{
	{11, spine.T11, spine.L1, phantom.Options{}},
	{13, spine.T10, spine.T12, phantom.Options{Osteoporosis: true, Fractures: fracture(spine.T11, phantom.Wedge, 33)}},
	{16, spine.T12, spine.L2, phantom.Options{Scoliosis: 25}},
}

// hardScenes add to the accuracy run what spoils the level at the end of the
// window: osteophytes, a fractured neighbour.
var hardScenes = []scene{
	{14, spine.L1, spine.L3, phantom.Options{Contrast: true, Osteophytes: true}},
	{15, spine.L1, spine.L4, phantom.Options{Osteophytes: true, Fractures: fracture(spine.L2, phantom.Biconcave, 33)}},
	{17, spine.T12, spine.L2, phantom.Options{Fractures: fracture(spine.L1, phantom.Crush, 50)}},
	{18, spine.T12, spine.L3, phantom.Options{Contrast: true, Fractures: fracture(spine.L2, phantom.Crush, 50)}},
}

// TestMeasuresPhantoms is a sample too small for the bounds proper, which
// TestAccuracy holds a large one to: heights must keep to the 95th percentile in
// their mean.
func TestMeasuresPhantoms(t *testing.T) {
	var es []examination
	for _, s := range scenes {
		es = append(es, s.examination())
	}
	a := examine(t, es, nil)
	t.Log("\n" + a.report())
	a.judgeFound(t)
	all := &a.groups[allLevels]
	if mae, _ := absolute(all.height); mae > heightP95 {
		t.Errorf("heights: mean absolute error %.3f mm, want at most %.1f", mae, heightP95)
	}
	if mae, _ := absolute(all.wedge); mae > wedgeMAE {
		t.Errorf("wedge angles: mean absolute error %.2f°, want at most %.1f", mae, wedgeMAE)
	}
	if all.graded < all.demand {
		t.Errorf("%d of %d grades right", all.graded, all.demand)
	}
}

// accuracySpines returns how many spines the accuracy run is to measure. The
// run takes minutes a hundred and is not part of the tests.
func accuracySpines(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ENDPLATE_ACCURACY")
	if text == "" {
		t.Skip("set ENDPLATE_ACCURACY to a number of spines, or run make accuracy")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("ENDPLATE_ACCURACY = %q, want a number of spines", text)
	}
	return n
}

func TestAccuracy(t *testing.T) {
	n := accuracySpines(t)
	var es []examination
	for seed := range uint64(n) {
		es = append(es, draw(seed))
	}
	for _, s := range hardScenes {
		es = append(es, s.examination())
	}
	a := examine(t, es, nil)
	t.Log("phantoms, 1 mm slices\n" + a.report())
	a.judge(t)
}

// judge compares a large sample in 1 mm slices with what it must show.
func (a *tally) judge(t *testing.T) {
	t.Helper()
	a.judgeFound(t)
	all := &a.groups[allLevels]
	if mae, p95 := absolute(all.height); mae > heightMAE || p95 > heightP95 {
		t.Errorf("heights: mean absolute error %.3f mm, 95th percentile %.2f; want %.1f, %.1f", mae, p95, heightMAE, heightP95)
	}
	if mae, _ := absolute(all.wedge); mae > wedgeMAE {
		t.Errorf("wedge angles: mean absolute error %.2f°, want %.1f", mae, wedgeMAE)
	}
	if c := share(all.heightWithin, len(all.height)); c < leastCover || c > mostCover {
		t.Errorf("%.1f %% of heights within 2 sd, want %d to %d", c, leastCover, mostCover)
	}
	if all.graded < all.demand {
		t.Errorf("%d of %d grades right", all.graded, all.demand)
	}
}

// judgeFound asks that all is found and rightly named, and nothing made up.
func (a *tally) judgeFound(t *testing.T) {
	t.Helper()
	if a.found < a.whole || a.extra > 0 || a.cut > 0 {
		t.Errorf("found %d of %d, extra %d, cut %d; want all and none", a.found, a.whole, a.extra, a.cut)
	}
	if a.named < a.anchored {
		t.Errorf("names: %d of %d right where an anchor is in view", a.named, a.anchored)
	}
}

// acquisition is one way to scan and reconstruct.
type acquisition struct {
	slice  float64 // spacing and thickness, mm
	kernel phantom.Kernel
}

func (a acquisition) String() string { return fmt.Sprintf("%.1f mm %-8v", a.slice, a.kernel) }

// noise returns the noise of an acquisition whose like in 1 mm slices and the
// standard kernel has 12 HU: it falls with the square root of the thickness,
// and grows with the kernel's sharpness.
func (a acquisition) noise() float64 {
	const standard = 12
	factor := map[phantom.Kernel]float64{phantom.Soft: 0.7, phantom.Standard: 1, phantom.Sharp: 1.8}[a.kernel]
	return standard * factor / math.Sqrt(a.slice)
}

// scanned returns e scanned in another way, with the same field of view.
func (e examination) scanned(a acquisition) examination {
	length := float64(e.scan.Slices) * e.scan.SliceSpacing
	e.scan.SliceSpacing, e.scan.SliceThickness = a.slice, 0
	e.scan.Slices = int(math.Ceil(length / a.slice))
	e.scan.Kernel, e.scan.Noise = a.kernel, a.noise()
	return e
}

// measuredHeights are heights in mm by seed, level and place.
type measuredHeights map[heightKey]float64

type heightKey struct {
	seed  uint64
	level spine.Level
	place int // 0 anterior, 1 middle, 2 posterior
}

// shifts returns by how much heights differ from base where both were measured.
func (m measuredHeights) shifts(base measuredHeights) []float64 {
	var d []float64
	for k, h := range m {
		if b, ok := base[k]; ok {
			d = append(d, h-b)
		}
	}
	return d
}

func TestAccuracyInOtherSlices(t *testing.T) {
	const most = 40 // spines
	n := min(accuracySpines(t), most)
	t.Logf("%d spines in other slices and kernels; shift of heights against 1 mm and STANDARD\n%18smean  median  absolute  %s", n, "", sampleHead)
	var base measuredHeights
	for _, kernel := range []phantom.Kernel{phantom.Standard, phantom.Sharp, phantom.Soft} {
		for _, slice := range []float64{1, 0.6, 2, 3, 5} {
			if kernel == phantom.Standard && slice != 1 {
				continue
			}
			a := acquisition{slice, kernel}
			sum, heights := examineAs(t, n, a)
			if base == nil {
				base = heights
			}
			d := heights.shifts(base)
			mean, _ := absolute(d)
			t.Logf("%v %+6.3f %+6.3f %8.3f %v\n%v", a, stat.Mean(d, nil), median(d), mean, &sum.groups[allLevels], sum)
			if s := stat.Mean(d, nil); math.Abs(s) > sliceShift {
				t.Errorf("%v: heights shift by %+.3f mm, want at most %.1f", a, s, sliceShift)
			}
			if mae, _ := absolute(sum.groups[allLevels].height); slice <= thickSlices && mae > thickMAE {
				t.Errorf("%v: mean absolute error %.3f mm, want at most %.1f", a, mae, thickMAE)
			}
		}
	}
}

// examineAs measures the first n spines that draw draws, scanned as a.
func examineAs(t *testing.T, n int, a acquisition) (*tally, measuredHeights) {
	t.Helper()
	var es []examination
	for seed := range uint64(n) {
		es = append(es, draw(seed).scanned(a))
	}
	each := make([]measuredHeights, n)
	sum := examine(t, es, func(n int, truth phantom.Truth, result *analysis.Result) {
		each[n] = measuredHeights{}
		pairs, _ := matched(truth, result)
		for _, p := range pairs {
			if p.got == nil || p.truth.Margin < es[n].border() {
				continue
			}
			got, _, _ := p.heights()
			for place, h := range got {
				each[n][heightKey{es[n].seed, p.truth.Level, place}] = h
			}
		}
	})
	all := measuredHeights{}
	for _, m := range each {
		maps.Copy(all, m)
	}
	return sum, all
}
