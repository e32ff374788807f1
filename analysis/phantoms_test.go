// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	// matchMM is how near a measured vertebra's centre must be to the true one:
	// half the height of the lowest body that is not crushed.
	matchMM = 10.0

	// borderMM is how far inside the volume a body must lie to be counted as
	// whole, and outside to be counted as cut: two voxels of the volumes here.
	// Between the two, either answer is right.
	borderMM = 2.0

	// gradeMargin is how far from a cut, in percent, a true loss must lie for its
	// grade to be demanded.
	gradeMargin = 2.0
)

// Cuts of Genant's grades, percent. Genant et al., J Bone Miner Res 1993;8:1137.
var genantCuts = []float64{20, 25, 40}

// examination is a made spine and how it is scanned.
type examination struct {
	seed  uint64
	spine *phantom.Spine
	scan  phantom.Scan
}

// draw draws a spine from T4 to L5 with any mixture of fractures, osteoporosis,
// osteophytes, contrast agent and scoliosis, and a window on some of its levels
// in 1 mm slices.
func draw(seed uint64) examination {
	rng := newRand(seed)
	opt := phantom.Options{
		RandomFractures: 2.5,
		Osteoporosis:    rng.Float64() < 0.4,
		Contrast:        rng.Float64() < 0.3,
		Osteophytes:     rng.Float64() < 0.4,
	}
	if rng.Float64() < 0.3 {
		opt.Scoliosis = 25
	}
	const shortest, longest = 5, 8 // levels
	count := shortest + rng.IntN(longest-shortest+1)
	first := spine.T4 + spine.Level(rng.IntN(int(spine.L5-spine.T4)+2-count))
	last := first + spine.Level(count-1)
	width, pixel := 140+40*rng.Float64(), 0.6+0.2*rng.Float64()
	margin := 5 + 20*rng.Float64()
	kernel := []phantom.Kernel{phantom.Soft, phantom.Standard, phantom.Sharp}[rng.IntN(3)]
	noise := 8 + 12*rng.Float64()
	e := examination{seed: seed, spine: phantom.Random(rng, opt)}
	e.scan = e.spine.Cover(first, last, margin, width, pixel, 1)
	e.scan.Kernel, e.scan.Noise, e.scan.Seed = kernel, noise, seed
	return e
}

// truth returns what a perfect reader would measure in a volume of geometry g.
func (e examination) truth(g volume.Geometry) phantom.Truth {
	return e.spine.Within(e.spine.Truth(), g)
}

func measureCT(t testing.TB, vol *volume.Volume) *analysis.Result {
	t.Helper()
	result, err := analysis.MeasureCT(t.Context(), vol, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// pair is a true vertebra with what was measured of it.
type pair struct {
	truth phantom.Measured
	got   *analysis.Vertebra // nil if it was not found
}

// matched pairs every true vertebra but S1 with the measured one nearest to it,
// and returns the measured ones that are left.
func matched(truth phantom.Truth, result *analysis.Result) (pairs []pair, extra []*analysis.Vertebra) {
	for _, m := range truth.Vertebrae {
		if m.Level != spine.S1 {
			pairs = append(pairs, pair{truth: m})
		}
	}
	for i := range result.Vertebrae {
		v := &result.Vertebrae[i]
		if v.Status != analysis.Measured {
			continue
		}
		n := nearest(pairs, v.Center)
		if d := r3.Norm(r3.Sub(pairs[n].truth.Frame.Origin, v.Center)); d > matchMM || pairs[n].got != nil {
			extra = append(extra, v)
			continue
		}
		pairs[n].got = v
	}
	return pairs, extra
}

func nearest(pairs []pair, p r3.Vec) int {
	best, n := math.Inf(1), 0
	for i := range pairs {
		if d := r3.Norm2(r3.Sub(pairs[i].truth.Frame.Origin, p)); d < best {
			best, n = d, i
		}
	}
	return n
}

// heights returns the anterior, middle and posterior heights, mm.
func (p *pair) heights() (got, want, sd [3]float64) {
	h, m := p.got.Heights, &p.truth
	return [3]float64{h.Anterior, h.Middle, h.Posterior},
		[3]float64{m.AnteriorHeight, m.MiddleHeight, m.PosteriorHeight},
		[3]float64{h.AnteriorSD, h.MiddleSD, h.PosteriorSD}
}

// gradeDemanded reports whether the true loss is far enough from every cut.
func (p *pair) gradeDemanded() bool {
	loss, _ := p.truth.WorstLoss()
	return !slices.ContainsFunc(genantCuts, func(c float64) bool { return math.Abs(loss-c) <= gradeMargin })
}

// anchored reports whether a volume shows what names levels: the sacrum, or the
// last rib with the first vertebra below it.
func anchored(truth phantom.Truth) bool {
	complete := map[spine.Level]bool{}
	for _, m := range truth.Vertebrae {
		complete[m.Level] = m.Margin >= borderMM
	}
	return complete[spine.S1] || complete[spine.T12] && complete[spine.L1]
}

// tally sums up measured examinations against their truth.
type tally struct {
	spines, whole, found, extra, cut int

	named, anchored int // of the found where an anchor is in view
	graded, demand  int // right and demanded grades
	unassessed      int // demanded, but not assessed

	height, wedge            []float64 // differences from the truth, mm and degrees
	heightWithin, wedgeCover int       // within two standard deviations

	misses []string // what went wrong, for a person to look at
}

func (a *tally) miss(e examination, format string, args ...any) {
	a.misses = append(a.misses, fmt.Sprintf("seed %d: ", e.seed)+fmt.Sprintf(format, args...))
}

// add compares one result with its truth.
func (a *tally) add(e examination, truth phantom.Truth, result *analysis.Result) {
	a.spines++
	pairs, extra := matched(truth, result)
	a.extra += len(extra)
	for _, v := range extra {
		a.miss(e, "extra %v at %.0f", v.Level, v.Center)
	}
	hasAnchor := anchored(truth)
	for i := range pairs {
		p := &pairs[i]
		switch {
		case p.truth.Margin >= borderMM:
			a.compare(e, p, hasAnchor)
		case p.got != nil && p.truth.Margin < -borderMM:
			a.cut++
			a.miss(e, "%v measured though cut by %.1f mm", p.truth.Level, -p.truth.Margin)
		}
	}
}

// compare adds a vertebra that is whole in the volume.
func (a *tally) compare(e examination, p *pair, hasAnchor bool) {
	a.whole++
	level := p.truth.Level
	if p.got == nil {
		a.miss(e, "%v not measured", level)
		return
	}
	a.found++
	if hasAnchor {
		a.anchored++
		if p.got.Level == level {
			a.named++
		} else {
			a.miss(e, "%v called %v (probability %.2f)", level, p.got.Level, p.got.LevelProbability)
		}
	}
	a.compareHeights(e, p)
	a.compareGrade(e, p)
}

// Differences that a person should look at.
const (
	remarkableMM  = 1.0
	remarkableDeg = 3.0
)

func (a *tally) compareHeights(e examination, p *pair) {
	got, want, sd := p.heights()
	for i, name := range []string{"anterior", "middle", "posterior"} {
		d := got[i] - want[i]
		a.height = append(a.height, d)
		if math.Abs(d) <= 2*sd[i] {
			a.heightWithin++
		}
		if math.Abs(d) > remarkableMM {
			a.miss(e, "%v %s height %.2f, want %.2f (sd %.2f)", p.truth.Level, name, got[i], want[i], sd[i])
		}
	}
	d := p.got.WedgeAngle.Value - p.truth.WedgeAngle
	a.wedge = append(a.wedge, d)
	if math.Abs(d) <= 2*p.got.WedgeAngle.SD {
		a.wedgeCover++
	}
	if math.Abs(d) > remarkableDeg {
		a.miss(e, "%v wedge angle %.1f, want %.1f", p.truth.Level, p.got.WedgeAngle.Value, p.truth.WedgeAngle)
	}
}

func (a *tally) compareGrade(e examination, p *pair) {
	if !p.gradeDemanded() {
		return
	}
	a.demand++
	loss, _ := p.truth.WorstLoss()
	switch d := p.got.Deformity; {
	case d == nil || !d.Assessed:
		a.unassessed++
		a.miss(e, "%v not graded", p.truth.Level)
	case d.Grade != p.truth.Genant:
		a.miss(e, "%v grade %d (loss %.1f %%, sd %.1f, borderline %t), want %d (%.1f %%)",
			p.truth.Level, d.Grade, d.WorstLoss, d.WorstLossSD, d.Borderline, p.truth.Genant, loss)
	default:
		a.graded++
	}
}

// absolute returns the mean and the 95th percentile of the absolute values.
func absolute(d []float64) (mean, p95 float64) {
	if len(d) == 0 {
		return math.NaN(), math.NaN()
	}
	a := make([]float64, len(d))
	for i, x := range d {
		a[i] = math.Abs(x)
	}
	slices.Sort(a)
	return stat.Mean(a, nil), stat.Quantile(0.95, stat.Empirical, a, nil)
}

func share(n, of int) float64 { return 100 * float64(n) / float64(of) }

// tallyHead is the head of the table whose rows are String's.
const tallyHead = "  spines  found      extra cut  named      height MAE p95   bias   2 sd %  wedge MAE p95   2 sd %  grade"

func (a *tally) String() string {
	h, h95 := absolute(a.height)
	w, w95 := absolute(a.wedge)
	return fmt.Sprintf("%7d %5d/%-5d %4d %4d %5d/%-5d %8.3f %6.2f %+6.3f %6.1f %9.2f %6.2f %6.1f %5d/%d (%d not graded)",
		a.spines, a.found, a.whole, a.extra, a.cut, a.named, a.anchored,
		h, h95, stat.Mean(a.height, nil), share(a.heightWithin, len(a.height)),
		w, w95, share(a.wedgeCover, len(a.wedge)), a.graded, a.demand, a.unassessed)
}

// merge adds b to a.
func (a *tally) merge(b *tally) {
	a.spines += b.spines
	a.whole += b.whole
	a.found += b.found
	a.extra += b.extra
	a.cut += b.cut
	a.named += b.named
	a.anchored += b.anchored
	a.graded += b.graded
	a.demand += b.demand
	a.unassessed += b.unassessed
	a.height = append(a.height, b.height...)
	a.wedge = append(a.wedge, b.wedge...)
	a.heightWithin += b.heightWithin
	a.wedgeCover += b.wedgeCover
	a.misses = append(a.misses, b.misses...)
}

func (a *tally) report() string {
	return tallyHead + "\n" + a.String() + "\n" + strings.Join(a.misses, "\n")
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
