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
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	// matchMM is how near a measured vertebra's centre must be to the true one:
	// half the height of the lowest body that is not crushed.
	matchMM = 10.0

	// leastBorderMM is the least that border returns.
	leastBorderMM = 2.0

	// gradeMargin is how far from a cut, in percent, a true loss must lie for its
	// grade to be demanded.
	gradeMargin = 2.0

	// Deviations given to true points: as small as anybody's.
	exactMM, exactDeg = 0.01, 0.01
)

// Cuts of Genant's grades, percent. Genant et al., J Bone Miner Res 1993;8:1137.
var genantCuts = []float64{20, 25, 40}

// examination is a made spine and how it is scanned.
type examination struct {
	name  string // in messages
	seed  uint64
	spine *phantom.Spine
	scan  phantom.Scan
}

// window is what is drawn of an examination before its spine.
type window struct {
	options      phantom.Options
	first, last  spine.Level
	width, pixel float64 // mm
	margin       float64 // beyond first and last, mm
	kernel       phantom.Kernel
	noise        float64 // HU
}

// drawWindow draws any mixture of fractures, osteoporosis, osteophytes, contrast
// agent and scoliosis, and a window on some of the levels from T4 to L5.
func drawWindow(rng *rand.Rand) window {
	w := window{options: phantom.Options{
		RandomFractures: 2.5,
		Osteoporosis:    rng.Float64() < 0.4,
		Contrast:        rng.Float64() < 0.3,
		Osteophytes:     rng.Float64() < 0.4,
	}}
	if rng.Float64() < 0.3 {
		w.options.Scoliosis = 25
	}
	const shortest, longest = 5, 8 // levels
	count := shortest + rng.IntN(longest-shortest+1)
	w.first = spine.T4 + spine.Level(rng.IntN(int(spine.L5-spine.T4)+2-count))
	w.last = w.first + spine.Level(count-1)
	w.width, w.pixel = 140+40*rng.Float64(), 0.6+0.2*rng.Float64()
	w.margin = 5 + 20*rng.Float64()
	w.kernel = []phantom.Kernel{phantom.Soft, phantom.Standard, phantom.Sharp}[rng.IntN(3)]
	w.noise = 8 + 12*rng.Float64()
	return w
}

// examination draws the spine that is seen through w, in 1 mm slices.
func (w window) examination(rng *rand.Rand, seed uint64, name string) examination {
	e := examination{name: name, seed: seed, spine: phantom.Random(rng, w.options)}
	e.scan = e.spine.Cover(w.first, w.last, w.margin, w.width, w.pixel, 1)
	e.scan.Kernel, e.scan.Noise, e.scan.Seed = w.kernel, w.noise, seed
	return e
}

// draw draws a spine from T4 to L5 and a window on it.
func draw(seed uint64) examination {
	rng := newRand(seed)
	return drawWindow(rng).examination(rng, seed, fmt.Sprintf("seed %d", seed))
}

// border returns how far inside the volume a body must lie to be counted as whole,
// and outside to be counted as cut, mm: the width of a slice. Between the two,
// either answer is right.
func (e examination) border() float64 { return max(leastBorderMM, e.scan.SliceSpacing) }

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
	// exact is what the true points of all whole vertebrae in view come to: the
	// loss against the levels beside it, as it is defined. Loss of truth is
	// against the body's own height before. The two differ by the scatter of
	// normal neighbours, which no reading can know.
	exact  *finding.Deformity
	got    *analysis.Vertebra // nil if it was not measured
	reason string             // why not, where it was found at least
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
		n := nearest(pairs, v.Center)
		if v.Status != analysis.Measured {
			pairs[n].reason = v.Reason.String()
			continue
		}
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
	return p.exact != nil && p.exact.Assessed && farFromCuts(p.exact.WorstLoss)
}

func farFromCuts(loss float64) bool {
	return !slices.ContainsFunc(genantCuts, func(c float64) bool { return math.Abs(loss-c) <= gradeMargin })
}

// exactly grades the whole vertebrae of truth by their true points.
func (e examination) exactly(truth phantom.Truth) map[spine.Level]*finding.Deformity {
	var column []morphometry.Vertebra
	for i := range truth.Vertebrae {
		if m := &truth.Vertebrae[i]; m.Level != spine.S1 && m.Margin >= e.border() {
			column = append(column, exactPoints(m))
		}
	}
	byLevel := map[spine.Level]*finding.Deformity{}
	for _, v := range finding.Assess(column).Vertebrae {
		byLevel[v.Level] = v.Deformity
	}
	return byLevel
}

func exactPoints(m *phantom.Measured) morphometry.Vertebra {
	plate := func(p phantom.Plate) landmark.Endplate {
		at := func(v r3.Vec) landmark.Point { return landmark.Point{Position: v, SD: exactMM} }
		return landmark.Endplate{
			Anterior: at(p.Anterior), Middle: at(p.Middle), Posterior: at(p.Posterior),
			Direction: p.Direction, DirectionSD: exactDeg,
		}
	}
	return morphometry.Vertebra{Level: m.Level, Landmarks: &landmark.Vertebra{
		Superior: plate(m.Superior), Inferior: plate(m.Inferior),
		Center: m.Frame.Origin, SuperiorAxis: m.Frame.Superior, LeftAxis: m.Frame.Left,
	}}
}

// anchored reports whether a volume shows what names levels: the sacrum, or the
// last rib with the first vertebra below it.
func (e examination) anchored(truth phantom.Truth) bool {
	complete := map[spine.Level]bool{}
	for _, m := range truth.Vertebrae {
		complete[m.Level] = m.Margin >= e.border()
	}
	return complete[spine.S1] || complete[spine.T12] && complete[spine.L1]
}

// sample is how a set of vertebrae compares with its truth.
type sample struct {
	height, wedge             []float64 // differences from the truth, mm and degrees
	heightWithin, wedgeWithin int       // within two standard deviations
	graded, demand            int       // right and demanded grades, by definition
	intactGraded, intactOf    int       // against the bodies' own heights before
	unassessed                int       // demanded, but not assessed
}

// The groups of vertebrae that a report tells apart: something may go wrong beside
// the border of the volume, or in the crushed.
const (
	allLevels = iota
	innerLevels
	endLevels
	thoracicLevels
	lumbarLevels
	intactLevels
	fracturedLevels
	numGroups
)

var groupNames = [numGroups]string{"all", "inner levels", "end levels", "thoracic", "lumbar", "intact", "fractured"}

// tally sums up measured examinations against their truth.
type tally struct {
	spines, whole, found, extra, cut int

	named, anchored int // of the found where an anchor is in view

	groups [numGroups]sample
	misses []string // what went wrong, for a person to look at
}

func (a *tally) miss(e examination, format string, args ...any) {
	a.misses = append(a.misses, e.name+": "+fmt.Sprintf(format, args...))
}

// add compares one result with its truth.
func (a *tally) add(e examination, truth phantom.Truth, result *analysis.Result) {
	a.spines++
	pairs, extra := matched(truth, result)
	a.extra += len(extra)
	for _, v := range extra {
		a.miss(e, "extra %v at %.0f", v.Level, v.Center)
	}
	hasAnchor, exact := e.anchored(truth), e.exactly(truth)
	for i := range pairs {
		p := &pairs[i]
		p.exact = exact[p.truth.Level]
		switch {
		case p.truth.Margin >= e.border():
			a.addWhole(e, p, hasAnchor, e.groups(truth, i))
		case p.got != nil && p.truth.Margin < -e.border():
			a.cut++
			a.miss(e, "%v measured though cut by %.1f mm", p.truth.Level, -p.truth.Margin)
		}
	}
}

// groups returns the groups that vertebra i of truth belongs to.
func (e examination) groups(truth phantom.Truth, i int) []int {
	vs := truth.Vertebrae
	groups := []int{allLevels, endLevels, thoracicLevels, intactLevels}
	if i > 0 && i+1 < len(vs) && min(vs[i-1].Margin, vs[i+1].Margin) >= e.border() {
		groups[1] = innerLevels
	}
	if vs[i].Level.Region() == spine.Lumbar {
		groups[2] = lumbarLevels
	}
	if vs[i].Shape != phantom.NoDeformity {
		groups[3] = fracturedLevels
	}
	return groups
}

// addWhole adds a vertebra that is whole in the volume.
func (a *tally) addWhole(e examination, p *pair, hasAnchor bool, groups []int) {
	a.whole++
	if p.got == nil {
		a.miss(e, "%v not measured: %s", p.truth.Level, p.reason)
		return
	}
	a.found++
	if hasAnchor {
		a.anchored++
		if p.got.Level == p.truth.Level {
			a.named++
		} else {
			a.miss(e, "%v called %v (probability %.2f)", p.truth.Level, p.got.Level, p.got.LevelProbability)
		}
	}
	for _, g := range groups {
		a.groups[g].add(p)
	}
	for _, m := range p.remarks() {
		a.miss(e, "%s (%s)", m, groupNames[groups[1]])
	}
}

// Differences that a person should look at.
const (
	remarkableMM  = 1.0
	remarkableDeg = 3.0
)

// add adds a vertebra that was measured.
func (s *sample) add(p *pair) {
	got, want, sd := p.heights()
	for i := range got {
		d := got[i] - want[i]
		s.height = append(s.height, d)
		if math.Abs(d) <= 2*sd[i] {
			s.heightWithin++
		}
	}
	d := p.got.WedgeAngle.Value - p.truth.WedgeAngle
	s.wedge = append(s.wedge, d)
	if math.Abs(d) <= 2*p.got.WedgeAngle.SD {
		s.wedgeWithin++
	}
	f := p.got.Deformity
	assessed := f != nil && f.Assessed
	if loss, _ := p.truth.WorstLoss(); farFromCuts(loss) && assessed {
		s.intactOf++
		if f.Grade == p.truth.Genant {
			s.intactGraded++
		}
	}
	if !p.gradeDemanded() {
		return
	}
	s.demand++
	switch {
	case !assessed:
		s.unassessed++
	case f.Grade == p.exact.Grade:
		s.graded++
	}
}

// remarks returns what a person should look at in a measured vertebra.
func (p *pair) remarks() []string {
	var out []string
	remark := func(format string, args ...any) {
		out = append(out, p.truth.Level.String()+" "+fmt.Sprintf(format, args...))
	}
	got, want, sd := p.heights()
	for i, name := range []string{"anterior", "middle", "posterior"} {
		if math.Abs(got[i]-want[i]) > remarkableMM {
			remark("%s height %.2f, want %.2f, sd %.2f", name, got[i], want[i], sd[i])
		}
	}
	if w := p.got.WedgeAngle.Value; math.Abs(w-p.truth.WedgeAngle) > remarkableDeg {
		remark("wedge angle %.1f, want %.1f", w, p.truth.WedgeAngle)
	}
	if !p.gradeDemanded() {
		return out
	}
	switch d := p.got.Deformity; {
	case d == nil || !d.Assessed:
		remark("not graded")
	case d.Grade != p.exact.Grade:
		remark("grade %d, loss %.1f %%, sd %.1f, borderline %t, want %d, %.1f %%",
			d.Grade, d.WorstLoss, d.WorstLossSD, d.Borderline, p.exact.Grade, p.exact.WorstLoss)
	}
	return out
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

func median(d []float64) float64 {
	if len(d) == 0 {
		return math.NaN()
	}
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(d)), nil)
}

func share(n, of int) float64 { return 100 * float64(n) / float64(of) }

// String tells what was found.
func (a *tally) String() string {
	return fmt.Sprintf("%d spines: found %d of %d, extra %d, cut but measured %d, named %d of %d",
		a.spines, a.found, a.whole, a.extra, a.cut, a.named, a.anchored)
}

// sampleHead is the head of the table whose rows are String's.
const sampleHead = "vertebrae   height: mean abs, p95,  bias, median, % in 2 sd   wedge: mean abs,  p95, % in 2 sd   grades right, of heights before"

func (s *sample) String() string {
	h, h95 := absolute(s.height)
	w, w95 := absolute(s.wedge)
	return fmt.Sprintf("%9d %16.3f %6.2f %+6.3f %+6.3f %8.1f %16.2f %7.2f %8.1f %9d/%d, %d not graded, %d/%d",
		len(s.wedge), h, h95, stat.Mean(s.height, nil), median(s.height), share(s.heightWithin, len(s.height)),
		w, w95, share(s.wedgeWithin, len(s.wedge)), s.graded, s.demand, s.unassessed, s.intactGraded, s.intactOf)
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
	for g := range a.groups {
		a.groups[g].merge(&b.groups[g])
	}
	a.misses = append(a.misses, b.misses...)
}

func (s *sample) merge(b *sample) {
	s.height = append(s.height, b.height...)
	s.wedge = append(s.wedge, b.wedge...)
	s.heightWithin += b.heightWithin
	s.wedgeWithin += b.wedgeWithin
	s.graded += b.graded
	s.demand += b.demand
	s.intactGraded += b.intactGraded
	s.intactOf += b.intactOf
	s.unassessed += b.unassessed
}

// report returns a table by groups and what a person should look at.
func (a *tally) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n%-14s%s\n", a, "", sampleHead)
	for g := range a.groups {
		fmt.Fprintf(&b, "%-14s%v\n", groupNames[g], &a.groups[g])
	}
	b.WriteString(strings.Join(a.misses, "\n"))
	return b.String()
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
