// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// What made spines in 1 mm slices must show of the tissue of their bodies.
const (
	tissueRight  = 95.0 // percent of eroded, and of intact, pedicles; of bodies with and without cleft
	densityError = 3.0  // HU
	// leastLesion is the share of the body from which a lesion is a finding.
	leastLesion = 0.05
)

// drawTissue draws a spine with lesions, clefts, gas in discs, eroded pedicles and
// fractures, and scans five levels of it.
func drawTissue(seed uint64) examination {
	rng := newRand(seed + 1<<21)
	opt := phantom.Options{
		RandomFractures: 1, Osteoporosis: rng.Float64() < 0.4, Contrast: rng.Float64() < 0.3, Osteophytes: rng.Float64() < 0.3,
		Pathology: phantom.Pathology{Lytic: 0.08, Sclerotic: 0.08, Cleft: 0.15, DiscGas: 0.15, Erosion: 0.15},
	}
	if rng.Float64() < 0.2 {
		opt.Scoliosis = 20
	}
	first := spine.T4 + spine.Level(rng.IntN(int(spine.L1-spine.T4)+1))
	e := examination{name: fmt.Sprintf("seed %d", seed), seed: seed, spine: phantom.Random(rng, opt)}
	e.scan = e.spine.Cover(first, first+4, 14, 110, 0.6+0.2*rng.Float64(), 1)
	e.scan.Kernel = []phantom.Kernel{phantom.Soft, phantom.Standard, phantom.Sharp}[rng.IntN(3)]
	e.scan.Noise, e.scan.Seed = 8+12*rng.Float64(), seed
	return e
}

// detections counts what was found where it is, and where it is not.
type detections struct {
	present, found, missed     int // missed: said to be absent; the rest was not assessed
	absent, notFound, invented int // invented: said to be present; the rest was not assessed
}

func (d *detections) add(is bool, said answer) {
	if is {
		d.present++
		d.found += count(said == yes)
		d.missed += count(said == no)
		return
	}
	d.absent++
	d.notFound += count(said == no)
	d.invented += count(said == yes)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// answer is what a measurement says of what may be there.
type answer uint8

const (
	unsaid answer = iota
	no
	yes
)

func answerOf(assessed, is bool) answer {
	switch {
	case !assessed:
		return unsaid
	case is:
		return yes
	}
	return no
}

func pedicleAnswer(p morphometry.Pedicle) answer {
	return answerOf(p.Status != morphometry.PedicleNotAssessed, p.Status == morphometry.PedicleEroded)
}

func (d *detections) sensitivity() float64 { return share(d.found, d.present) }
func (d *detections) specificity() float64 { return share(d.notFound, d.absent) }

func (d *detections) String() string {
	return fmt.Sprintf("found %d of %d (%.1f %%), %d missed; absent %d of %d (%.1f %%), %d invented", d.found, d.present, d.sensitivity(), d.missed, d.notFound, d.absent, d.specificity(), d.invented)
}

// tissueTally sums up what was found of tissue.
type tissueTally struct {
	bodies, unmeasured                 int
	pedicles, clefts, lytic, sclerotic detections
	plain, altered                     []float64 // errors of attenuation, HU, in bodies without lesion or cleft and with
	unattenuated                       int
	cleftVolume                        []float64 // errors, percent
}

// add compares one result with its truth.
func (a *tissueTally) add(t *testing.T, e examination, truth phantom.Truth, result *analysis.Result) {
	t.Helper()
	pairs, _ := matched(truth, result)
	for i := range pairs {
		p := &pairs[i]
		if p.truth.Margin < e.border() {
			continue
		}
		a.bodies++
		if p.got == nil || p.got.Tissue == nil {
			a.unmeasured++
			t.Logf("%s %v not measured: %s", e.name, p.truth.Level, p.reason)
			continue
		}
		for _, text := range a.addBody(p) {
			t.Logf("%s %v %v: %s", e.name, p.truth.Level, e.scan.Kernel, text)
		}
	}
}

// addBody adds one body and returns what is wrong with it.
func (a *tissueTally) addBody(p *pair) (wrong []string) {
	want, got := &p.truth.Tissue, p.got.Tissue
	note := func(is bool, said answer, format string, args ...any) {
		if want := answerOf(true, is); said != want {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	for _, s := range []struct {
		extent float64
		got    morphometry.Pedicle
	}{{want.LeftErosion, got.Left}, {want.RightErosion, got.Right}} {
		a.pedicles.add(s.extent > 0, pedicleAnswer(s.got))
		note(s.extent > 0, pedicleAnswer(s.got), "pedicle eroded %.2f: %+v", s.extent, s.got)
	}
	cleft := answerOf(got.Cleft.Assessed, got.Cleft.Present())
	a.clefts.add(want.CleftVolume > 0, cleft)
	note(want.CleftVolume > 0, cleft, "cleft of %.3f ml: %+v", want.CleftVolume, got.Cleft)
	if want.CleftVolume > 0 && cleft == yes {
		a.cleftVolume = append(a.cleftVolume, 100*(got.Cleft.Volume/want.CleftVolume-1))
	}
	a.lytic.addLesion(want.LyticShare, got.Lesions.Lytic, note, "lytic")
	a.sclerotic.addLesion(want.ScleroticShare, got.Lesions.Sclerotic, note, "sclerotic")
	if !got.Attenuation.Measured() {
		a.unattenuated++
		return wrong
	}
	d := got.Attenuation.HU - p.truth.TrabecularHU
	if want.LyticShare+want.ScleroticShare+want.CleftVolume > 0 {
		a.altered = append(a.altered, d)
	} else {
		a.plain = append(a.plain, d)
	}
	if math.Abs(d) > densityError {
		wrong = append(wrong, fmt.Sprintf("attenuation %.0f%+.1f±%.1f (lytic %.2f sclerotic %.2f cleft %.2f %s)", p.truth.TrabecularHU, d, got.Attenuation.SD, want.LyticShare, want.ScleroticShare, want.CleftVolume, got.Attenuation.Reason))
	}
	return wrong
}

// addLesion adds a lesion of a share of a body; one too small to be a finding may be
// found or not.
func (d *detections) addLesion(share float64, got morphometry.Share, note func(bool, answer, string, ...any), name string) {
	said := answerOf(got.Assessed, got.Value >= leastLesion)
	if share > 0 && share < leastLesion {
		return
	}
	d.add(share > 0, said)
	note(share > 0, said, "%s share %.3f: %+v", name, share, got)
}

func (a *tissueTally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d bodies, %d not measured\npedicles: %v\nclefts: %v\nlytic: %v\nsclerotic: %v\n%d without attenuation", a.bodies, a.unmeasured, &a.pedicles, &a.clefts, &a.lytic, &a.sclerotic, a.unattenuated)
	for _, q := range []struct {
		name string
		x    []float64
	}{{"attenuation, plain, HU", a.plain}, {"attenuation, altered, HU", a.altered}, {"volume of clefts, %", a.cleftVolume}} {
		if len(q.x) == 0 {
			continue
		}
		mae, p95 := absolute(q.x)
		within := 0
		for _, d := range q.x {
			within += count(math.Abs(d) <= densityError)
		}
		fmt.Fprintf(&b, "\n  %-24s n %4d mean %+.2f absolute %.2f p95 %.2f most %.2f, within 3: %.1f %%", q.name, len(q.x), stat.Mean(q.x, nil), mae, p95, max(slices.Max(q.x), -slices.Min(q.x)), share(within, len(q.x)))
	}
	return b.String()
}

// TestTissueAccuracy measures ENDPLATE_ACCURACY spines from the seed ENDPLATE_SEED
// on.
func TestTissueAccuracy(t *testing.T) {
	n, first := accuracySpines(t), accuracySeed(t)
	var a tissueTally
	for seed := first; seed < first+n; seed++ {
		e := drawTissue(uint64(seed))
		truth, result, err := e.measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a.add(t, e, truth, result)
	}
	t.Log(a.String())
	for _, q := range []struct {
		name string
		d    *detections
	}{{"pedicles", &a.pedicles}, {"clefts", &a.clefts}} {
		if s, p := q.d.sensitivity(), q.d.specificity(); s < tissueRight || p < tissueRight {
			t.Errorf("%s: sensitivity %.1f %%, specificity %.1f %%, want at least %g", q.name, s, p, tissueRight)
		}
	}
	for _, x := range [][]float64{a.plain, a.altered} {
		if mae, _ := absolute(x); mae > densityError {
			t.Errorf("attenuation: mean absolute error %.2f HU, want at most %g", mae, densityError)
		}
	}
}
