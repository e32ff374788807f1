// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
	"slices"
)

// Parts of a cross-section that the signals read, mm from the canal's centre.
const (
	midHalfWidth = 8 // the slab about the mid-sagittal plane

	// The canal's lateral wall: the pedicle at some heights, the foramen at
	// the others.
	wallPosterior, wallAnterior = 1, 9
	wallNear, wallFar           = 9, 18

	// The vertebral body's posterior and anterior walls, and its depth, from a
	// child's neck to a tall man's loins.
	posteriorNear, posteriorFar = 3, 16
	depthMin, depthMax          = 11, 48
)

// The clip of attenuation before averaging: marrow fat and dense cortex.
const clipMinHU, clipMaxHU = -100, 700

// signals are what is read along the straightened spine, one value a
// cross-section (a millimetre).
type signals struct {
	posterior, anterior []float64 // walls of the body, mm anterior of the canal's centre
	left, right         []float64 // lateral walls, mm to each side of the canal's centre
	wall                []float64 // lateral wall of the canal: positive at a pedicle, negative at a foramen
	visible             []bool    // there is a body, and it lies in the volume
	leastBody           int       // height of a crushed body that can be told, mm

	discs [][]sign // of a disc whose lower endplate lies at [s], by the gap between its endplates, mm
	// Of an endplate that lies so near to where the volume ends that the disc's
	// other one may be missing.
	superior, inferior []sign
}

// sign is the evidence of a disc or an endplate: about 1 at a clear disc,
// absent where nothing is seen. Of an endplate alone only its own half of pair
// counts.
type sign struct {
	pair
	gain float64
	// whole is set where an endplate alone is seen from wall to wall.
	whole bool
}

// absent is the gain of what cannot be there.
var absent = math.Inf(-1)

// pair is the place of a disc's two endplates at the body's mid-depth, as
// cross-sections, and their slopes: rise towards superior per mm anterior.
type pair struct {
	up, down           float64 // inferior endplate above the disc, superior one below it
	slopeUp, slopeDown float64
}

// midSagittal returns the mean over the mid-sagittal slab, clipped, as [s][a]
// with a in samples of r; NaN where more than half lies outside the volume.
func midSagittal(r *Straight) [][]float64 {
	m := make([][]float64, len(r.Canal))
	each(len(m), func(s int) {
		m[s] = make([]float64, r.A)
		for a := range m[s] {
			m[s][a] = meanOf(r, s, float64(a-r.A0), -midHalfWidth, midHalfWidth, clipMinHU, clipMaxHU)
		}
	})
	return m
}

// meanOf returns the mean of samples l0 … l1 mm left of the canal, clipped; NaN
// where more than half lies outside the volume. Step is 1 mm.
func meanOf(r *Straight, s int, a float64, l0, l1 int, lo, hi int16) float64 {
	var sum, n float64
	for l := l0; l <= l1; l++ {
		if h := r.At(s, a, float64(l)); h != Outside {
			sum += float64(min(max(h, lo), hi))
			n++
		}
	}
	if n < float64(l1-l0+1)/2 {
		return math.NaN()
	}
	return sum / n
}

// readSignals reads r, made at steps of 1 mm of slices that lie slice mm apart.
func readSignals(r *Straight, slice float64) *signals {
	m := midSagittal(r)
	sg := &signals{wall: wallSignal(r), leastBody: max(bodyMin, int(math.Ceil(platesApart*slice)))}
	smooth := smoothAlong(m, wallSpan)
	sg.posterior = posteriorWall(smooth, r.A0)
	sg.left, sg.right = lateralWalls(r, sg.posterior)
	sg.anterior = anteriorWall(smooth, r.A0, sg)
	readDiscs(m, r.A0, sg, max(endVisible, int(math.Ceil(slice+1))))
	sg.visible = make([]bool, len(m))
	for s := range m {
		mid := r.A0 + int((sg.posterior[s]+sg.anterior[s])/2)
		sg.visible[s] = sg.plausible(s) && !math.IsNaN(m[s][min(mid, r.A-1)])
	}
	return sg
}

// plausible reports whether the walls found at s can be a body's: lines at
// their inner limits have found none.
func (sg *signals) plausible(s int) bool {
	return sg.anterior[s]-sg.posterior[s] > depthMin && sg.left[s]+sg.right[s] > 2*lateralNear+2
}

// Spans of averaging along the canal, mm.
const (
	wallSpan  = 15 // half a vertebra: bridges discs and basivertebral veins
	trendSpan = 45 // one and a half vertebrae, whose mean has no period
	levelSpan = 81 // three vertebrae
)

// posteriorWall finds the bodies' posterior wall in the mid-sagittal plane, mm
// anterior of sample a0.
func posteriorWall(smooth [][]float64, a0 int) []float64 {
	return bestLine(len(smooth), posteriorNear, posteriorFar, func(s, a int) float64 {
		return edge(smooth[s], a0+a, 1)
	})
}

// Depth of a body by its width: 0.65 (C5) to 0.95 (T8) of the means in Panjabi
// et al., Spine 1991;16:888 and 1992;17:299, and in Panjabi's cervical series
// 1991;16:861; the spread is that of the logarithm, with the width's own error.
const (
	depthByWidth     = 0.8
	depthSpread      = 0.2
	depthPriorWeight = 0.3
	// risingWeight is the weight of an edge that rises to anterior: an
	// osteoporotic body's cortex, or a vessel full of contrast agent on it.
	risingWeight = 0.8
)

// anteriorWall finds the bodies' anterior wall in the mid-sagittal plane, mm
// anterior of sample a0.
func anteriorWall(smooth [][]float64, a0 int, sg *signals) []float64 {
	return bestLine(len(smooth), posteriorNear+depthMin, posteriorFar+depthMax, func(s, a int) float64 {
		depth := float64(a) - sg.posterior[s]
		if depth < depthMin || depth > depthMax {
			return -1
		}
		t := math.Log(depth/(depthByWidth*(sg.left[s]+sg.right[s]))) / depthSpread
		wall := max(edge(smooth[s], a0+a, -1), risingWeight*edge(smooth[s], a0+a, 1))
		return wall - nearerIsBetter*depth - depthPriorWeight*t*t
	})
}

// The bodies' lateral walls, mm from the canal's centre line, are looked for
// from bodyFront to bodyMiddle mm before the posterior wall: before the heads of
// the ribs, within the smallest body. The farthest is that of a tall man's L5, half
// of 60 mm, which a scoliosis has moved aside of the canal's smoothed line.
const (
	lateralNear, lateralFar = 6, 38
	bodyFront, bodyMiddle   = 5, 14
)

// lateralWalls finds the bodies' walls to the left and to the right.
func lateralWalls(r *Straight, posterior []float64) (left, right []float64) {
	m := make([][]float64, len(r.Canal))
	each(len(m), func(s int) {
		m[s] = make([]float64, r.L)
		for l := range m[s] {
			m[s][l] = coronalMean(r, s, posterior[s]+bodyFront, posterior[s]+bodyMiddle, float64(l-r.L0))
		}
	})
	smooth := smoothAlong(m, wallSpan)
	side := func(sign int) []float64 {
		return bestLine(len(m), lateralNear, lateralFar, func(s, l int) float64 {
			return edge(smooth[s], r.L0+sign*l, -float64(sign)) - nearerIsBetter*float64(l)
		})
	}
	return side(1), side(-1)
}

// waist returns the lateral walls of one body, mm to each side, from the
// cross-sections within ±reach of s.
func waist(r *Straight, sg *signals, s, reach int) (left, right float64) {
	row := make([]float64, r.L)
	for l := range row {
		var sum, n float64
		for q := max(s-reach, 0); q <= min(s+reach, len(r.Canal)-1); q++ {
			if h := coronalMean(r, q, sg.posterior[q]+bodyFront, sg.posterior[q]+bodyMiddle, float64(l-r.L0)); !math.IsNaN(h) {
				sum += h
				n++
			}
		}
		row[l] = sum / n
	}
	side := func(sign int, about float64) float64 {
		best, at := math.Inf(-1), about
		for l := max(lateralNear, int(about)-waistReach); l <= min(lateralFar, int(about)+waistReach); l++ {
			if e := edge(row, r.L0+sign*l, -float64(sign)) - nearerIsBetter*float64(l); e > best {
				best, at = e, float64(l)
			}
		}
		return at
	}
	return side(1, sg.left[s]), side(-1, sg.right[s])
}

// waistReach is how far a body's lateral wall may lie from the smoothed line, mm.
const waistReach = 6

// coronalMean returns the mean from a0 to a1 mm anterior at l mm left, clipped;
// NaN outside the volume.
func coronalMean(r *Straight, s int, a0, a1, l float64) float64 {
	var sum, n float64
	for a := a0; a <= a1; a++ {
		if h := r.At(s, a, l); h != Outside {
			sum += float64(min(max(h, clipMinHU), clipMaxHU))
			n++
		}
	}
	return sum / n
}

const (
	// edgeFullHU is the step of attenuation, over edgeWidth mm, that counts as a
	// full edge: bone against soft tissue. Stronger ones (contrast against lung)
	// count no more.
	edgeFullHU, edgeWidth = 150.0, 3
	// nearerIsBetter is what a millimetre of depth must gain: the nearest of
	// equal edges is the body's, the next a vessel's.
	nearerIsBetter = 0.008
	// lineStiffness is the cost of a shift by one millimetre from one
	// cross-section to the next.
	lineStiffness = 0.35
)

// edge returns how strongly row rises (sign 1) or falls (-1) at index a, 0 to 1.
func edge(row []float64, a int, sign float64) float64 {
	if a < 2 || a+2 >= len(row) {
		return 0
	}
	floor := func(h float64) float64 { return max(h, 0) }
	d := sign * (floor(row[a+1]) + floor(row[a+2]) - floor(row[a-1]) - floor(row[a-2])) / 2
	if math.IsNaN(d) {
		return 0
	}
	return min(max(d/edgeFullHU, 0), 1)
}

// bestLine returns for each s in [0, n) the a in [lo, hi] of the line with the
// greatest sum of gain(s, a) less lineStiffness times each shift.
func bestLine(n, lo, hi int, gain func(s, a int) float64) []float64 {
	width := hi - lo + 1
	total, next := make([]float64, width), make([]float64, width)
	back := make([]int8, n*width)
	for s := range n {
		for x := range width {
			best, from := total[x], 0
			for d := -1; d <= 1; d += 2 {
				if x+d >= 0 && x+d < width && total[x+d]-lineStiffness > best {
					best, from = total[x+d]-lineStiffness, d
				}
			}
			next[x] = best + gain(s, lo+x)
			back[s*width+x] = int8(from)
		}
		total, next = next, total
	}
	x := 0
	for y := range total {
		if total[y] > total[x] {
			x = y
		}
	}
	out := make([]float64, n)
	for s := n - 1; s >= 0; s-- {
		out[s] = float64(lo + x)
		x += int(back[s*width+x])
	}
	return out
}

// smoothAlong returns the running mean of m over span rows, ignoring NaN.
func smoothAlong(m [][]float64, span int) [][]float64 {
	out := make([][]float64, len(m))
	each(len(m), func(s int) {
		out[s] = make([]float64, len(m[s]))
		for a := range out[s] {
			var sum, n float64
			for q := max(s-span/2, 0); q <= min(s+span/2, len(m)-1); q++ {
				if h := m[q][a]; !math.IsNaN(h) {
					sum += h
					n++
				}
			}
			out[s][a] = sum / n
		}
	})
	return out
}

// wallSignal returns the attenuation of the canal's lateral walls, less its
// trend, in units of its mean amplitude around; 0 where it lies outside.
func wallSignal(r *Straight) []float64 {
	p := make([]float64, len(r.Canal))
	each(len(p), func(s int) {
		var sum, n float64
		for a := wallPosterior; a <= wallAnterior; a++ {
			for _, side := range [2][2]int{{-wallFar, -wallNear}, {wallNear, wallFar}} {
				if h := meanOf(r, s, float64(a), side[0], side[1], clipMinHU, 500); !math.IsNaN(h) {
					sum += h
					n++
				}
			}
		}
		p[s] = sum / n
	})
	return periodic(p)
}

// shellReach is how far from a wall's line its cortex is looked for, mm.
const shellReach = 3

// shells returns how bright the cortex of the body's anterior or posterior wall
// is in the mid-sagittal plane m along lines of each tilt, as [tilt][s],
// whichever is darker: osteophytes bridge discs before, veins pierce walls
// behind.
func shells(m [][]float64, a0 int, sg *signals) [][]float64 {
	cortex := func(s int, at float64) float64 {
		s = min(max(s, 0), len(m)-1)
		best := math.Inf(-1)
		for d := -shellReach; d <= shellReach; d++ {
			best = max(best, m[s][min(max(a0+int(at)+d, 0), len(m[s])-1)])
		}
		return best
	}
	out := make([][]float64, 2*tiltSteps+1)
	each(len(out), func(t int) {
		out[t] = make([]float64, len(m))
		for s := range m {
			rise := int(math.Round(float64(t-tiltSteps) * tiltStep * (sg.anterior[s] - sg.posterior[s]) / 2))
			out[t][s] = min(cortex(s+rise, sg.posterior[s]), cortex(s-rise, sg.anterior[s]))
		}
	})
	return out
}

// clearWallHU is the least amplitude of the lateral wall's signal that counts in
// full: a fraction of that between a pedicle and the fat of a foramen.
const clearWallHU = 20

// periodic returns p less its trend, in units of its mean amplitude around; 0
// where it is not known.
func periodic(p []float64) []float64 {
	trend := runningMean(p, trendSpan)
	for s := range p {
		p[s] -= trend[s]
	}
	size := make([]float64, len(p))
	for s := range p {
		size[s] = math.Abs(p[s])
	}
	size = runningMean(size, levelSpan)
	for s := range p {
		if p[s] = min(max(p[s]/max(size[s], clearWallHU), -2), 2); math.IsNaN(p[s]) {
			p[s] = 0
		}
	}
	return p
}

// runningMean returns the mean of the values of v within span about each,
// ignoring NaN.
func runningMean(v []float64, span int) []float64 {
	out := make([]float64, len(v))
	for s := range v {
		var sum, n float64
		for _, x := range v[max(s-span/2, 0):min(s+span/2+1, len(v))] {
			if !math.IsNaN(x) {
				sum += x
				n++
			}
		}
		out[s] = sum / n
	}
	return out
}

// Tilts and gaps of discs.
const (
	tiltSteps = 6    // to each side
	tiltStep  = 0.09 // slope; ±6 steps are ±28°
	// wedgeSteps is how many steps of tilt a disc's endplates may differ by: 20°.
	wedgeSteps = 4
	// The gap between a disc's endplates: at least the width of two ridges, at
	// most this fraction of the body's depth. Discs measure up to a third of it,
	// more beside a fractured endplate.
	gapMin      = 3
	gapFraction = 0.5
	// tiltCost is what a step of tilt must gain, HU.
	tiltCost = 3.0
	// endTiltCost is the same of an endplate alone, without another to tell.
	endTiltCost = 2 * tiltCost
	// clearHU is the least contrast of a clear disc: that of an osteoporotic
	// endplate, 0.4 mm of 600 HU, in slices of 5 mm, half lost by tilt.
	clearHU = 25.0
	// shellWeight is the weight of bright walls between two ridges, which speak
	// for a crushed body.
	shellWeight = 0.5
	// ridgeWeight is the weight of a single bright ridge, a fused or vanished
	// disc, against that of a pair.
	ridgeWeight = 0.45
	vanishedGap = 2 // mm, between its two sides
	// ridgeReach is how far a ridge may lie from an endplate that it is part of, mm.
	ridgeReach = 2
	// endWeight is the weight of an endplate whose disc's other one the volume
	// does not hold, and endClear its least contrast by that of a clear disc. Of
	// that disc endVisible mm and a slice must be seen, and endDark are looked at.
	endWeight  = 0.6
	endClear   = 0.5
	endDark    = 5
	endVisible = 2
)

// readDiscs reads the evidence of discs and endplates from the mid-sagittal
// plane m, in units of the clear discs around. An endplate alone must be seen
// with endGap mm of the disc beyond it.
func readDiscs(m [][]float64, a0 int, sg *signals, endGap int) {
	trend := smoothAlong(m, trendSpan)
	view := discView{
		middle: tiltedProfiles(m, trend, a0, sg, 0, 0.35),
		rims:   tiltedProfiles(m, trend, a0, sg, 0.25, 0.48),
		shell:  shells(m, a0, sg),
	}
	n := len(m)
	found := make([][]sign, n) // by the disc's middle and gap
	sg.superior, sg.inferior = make([]sign, n), make([]sign, n)
	each(n, func(s int) {
		most := max(int(gapFraction*(sg.anterior[s]-sg.posterior[s])), gapMin+1)
		found[s] = view.discsAt(s, most)
		sg.superior[s] = view.endAt(s, -1, endGap, most)
		sg.inferior[s] = view.endAt(s, 1, endGap, most)
		sg.superior[s].whole = sg.seen(m, a0, s-endGap, sg.superior[s].slopeDown)
		sg.inferior[s].whole = sg.seen(m, a0, s+endGap, sg.inferior[s].slopeUp)
	})
	clear := clearContrast(found)
	sg.discs = make([][]sign, n)
	for s := range n {
		for gap, d := range found[s] {
			lower := s + gap - gap/2
			if lower >= n {
				break
			}
			for len(sg.discs[lower]) <= gap {
				sg.discs[lower] = append(sg.discs[lower], sign{gain: absent})
			}
			sg.discs[lower][gap] = sign{pair: d.pair, gain: unit(d.gain / clear[s])}
		}
		sg.superior[s].gain = endUnit(sg.superior[s].gain / clear[s])
		sg.inferior[s].gain = endUnit(sg.inferior[s].gain / clear[s])
	}
	sg.explainRidges()
}

// seenDepth is the part of the body's depth, to each side of its middle, over which
// an endplate must be seen to be whole.
const seenDepth = 0.45

// seen reports whether the line of a slope through the body's middle at s lies in m.
func (sg *signals) seen(m [][]float64, a0, s int, slope float64) bool {
	if s < 0 || s >= len(m) {
		return false
	}
	depth, middle := sg.anterior[s]-sg.posterior[s], a0+int((sg.anterior[s]+sg.posterior[s])/2)
	for _, d := range [...]float64{-seenDepth * depth, 0, seenDepth * depth} {
		if math.IsNaN(between(m, float64(s)-slope*d, middle+int(d))) {
			return false
		}
	}
	return true
}

// clearContrast returns the contrast of a clear disc around each cross-section.
func clearContrast(found [][]sign) []float64 {
	best, out := make([]float64, len(found)), make([]float64, len(found))
	for s := range found {
		best[s] = absent
		for _, d := range found[s] {
			best[s] = max(best[s], d.gain)
		}
	}
	for s := range out {
		around := slices.Clone(best[max(s-levelSpan/2, 0):min(s+levelSpan/2+1, len(best))])
		slices.Sort(around)
		out[s] = max(around[len(around)*9/10], clearHU)
	}
	return out
}

// endUnit is unit for an endplate alone, which must be clear.
func endUnit(x float64) float64 {
	if x < endClear {
		return absent
	}
	return endWeight * unit(x)
}

// explainRidges takes from the evidence of each vanished disc that of the clearest
// disc which the ridge may be an endplate of.
func (sg *signals) explainRidges() {
	clearest := make([]float64, len(sg.discs)) // by endplate
	for s, discs := range sg.discs {
		for gap := gapMin; gap < len(discs); gap++ {
			for d := -ridgeReach; d <= ridgeReach; d++ {
				for _, at := range [2]int{s + d, s - gap + d} {
					if at >= 0 && at < len(clearest) {
						clearest[at] = max(clearest[at], discs[gap].gain)
					}
				}
			}
		}
	}
	for s, discs := range sg.discs {
		if len(discs) > vanishedGap {
			discs[vanishedGap].gain -= clearest[s-vanishedGap/2]
		}
	}
}

// unit returns evidence in units of a clear disc, which more than that adds
// less and less to.
func unit(x float64) float64 {
	const least, excess = -0.5, 0.5
	switch {
	case x == absent:
		return absent
	case x <= 1:
		return max(x, least)
	}
	return 1 + excess*(1-math.Exp((1-x)/excess))
}

// discView is what discs are looked for in: the profiles along tilted lines of
// the middle of the bodies and of their rims, which stay where endplates are
// deeply concave, and the walls.
type discView struct {
	middle, rims [][]float64
	shell        [][]float64
}

// tiltedProfiles returns the mean of m, whose trend along s is given, along lines of each tilt, over the parts
// of the body from inner to outer, as fractions of its depth from its middle, as
// [tilt][s]; NaN where half of a line lies outside the volume. What lies outside is
// taken to be as its surroundings along the spine.
func tiltedProfiles(m, trend [][]float64, a0 int, sg *signals, inner, outer float64) [][]float64 {
	q := make([][]float64, 2*tiltSteps+1)
	each(len(q), func(t int) {
		slope := float64(t-tiltSteps) * tiltStep
		q[t] = make([]float64, len(m))
		for s := range m {
			depth := sg.anterior[s] - sg.posterior[s]
			mid := (sg.anterior[s] + sg.posterior[s]) / 2
			near, far := int(math.Ceil(inner*depth)), int(outer*depth)
			var sum, n, base, bases float64
			for d := -far; d <= far; d++ {
				if d > -near && d < near {
					continue
				}
				a := a0 + int(mid) + d
				if a < len(trend[s]) && !math.IsNaN(trend[s][a]) {
					base += trend[s][a]
					bases++
				}
				y := float64(s) - slope*float64(d)
				if h := between(m, y, a); !math.IsNaN(h) {
					sum += h - trend[int(y)][a]
					n++
				}
			}
			q[t][s] = sum/n + base/bases
			if n < float64(far-near) {
				q[t][s] = math.NaN()
			}
		}
	})
	return q
}

// between interpolates column a of m at row y; NaN outside.
func between(m [][]float64, y float64, a int) float64 {
	if !(y >= 0 && y <= float64(len(m)-1)) || a < 0 || a >= len(m[0]) {
		return math.NaN()
	}
	i := min(int(y), max(len(m)-2, 0))
	f := y - float64(i)
	if f == 0 {
		return m[i][a]
	}
	return m[i][a] + f*(m[i+1][a]-m[i][a])
}

// ridgeAt returns the contrast, HU, of a single bright ridge at s against the
// bodies gap mm away.
func (d *discView) ridgeAt(s, gap int) float64 {
	best := float64(-clipMaxHU)
	for t, q := range d.middle {
		if s >= gap && s < len(q)-gap {
			c := ridgeWeight*(q[s]-(q[s-gap]+q[s+gap])/2) - tiltCost*math.Abs(float64(t-tiltSteps))
			if c > best {
				best = c
			}
		}
	}
	return best
}

// discsAt returns by gap the contrast, HU, of two bright ridges about a darker
// gap centred at s; at vanishedGap that of a single ridge, a vanished disc's.
func (d *discView) discsAt(s, gapMax int) []sign {
	out := make([]sign, gapMax+1)
	for gap := range out {
		out[gap].gain = absent
	}
	out[vanishedGap] = sign{pair: pair{up: float64(s) - 1, down: float64(s) + 1}, gain: d.ridgeAt(s, gapMax)}
	slope := func(t int) float64 { return float64(t-tiltSteps) * tiltStep }
	for gap := gapMin; gap <= gapMax; gap++ {
		i, j := s-gap/2, s+gap-gap/2
		if i < 0 || j >= len(d.middle[0]) {
			break
		}
		for _, q := range [2][][]float64{d.middle, d.rims} {
			for t := range q {
				for u := max(t-wedgeSteps, 0); u <= min(t+wedgeSteps, len(q)-1); u++ {
					dark, walls := meanBetween(q[(t+u)/2], i+2, j-2), meanBetween(d.shell[(t+u)/2], i+2, j-2)
					c := min(crest(q[t], i, -1), crest(q[u], j, 1)) - dark - shellWeight*max(walls-dark, 0)
					c -= tiltCost / 2 * (math.Abs(float64(t-tiltSteps)) + math.Abs(float64(u-tiltSteps)))
					if c > out[gap].gain {
						out[gap] = sign{pair: pair{float64(i), float64(j), slope(t), slope(u)}, gain: c}
					}
				}
			}
		}
	}
	return out
}

// endAt returns the contrast, HU, of an endplate at s against what is visible of
// the disc beyond it in direction dir, where the volume ends beyond least and
// within gapMax mm.
func (d *discView) endAt(s, dir, least, gapMax int) sign {
	best := sign{gain: absent}
	for _, q := range [2][][]float64{d.middle, d.rims} {
		for t := range q {
			last := visibleBeyond(q[t], s, gapMax, dir)
			if last < least {
				continue
			}
			last = min(last, max(least, endDark))
			lo, hi := min(s+dir*endVisible, s+dir*last), max(s+dir*endVisible, s+dir*last)
			dark, walls := meanBetween(q[t], lo, hi), meanBetween(d.shell[t], lo, hi)
			c := crest(q[t], s, -dir) - dark - endTiltCost*math.Abs(float64(t-tiltSteps))
			if !math.IsNaN(walls) { // they may lie outside the volume
				c -= shellWeight * max(walls-dark, 0)
			}
			if c > best.gain {
				slope := float64(t-tiltSteps) * tiltStep
				best = sign{pair: pair{float64(s), float64(s), slope, slope}, gain: c}
			}
		}
	}
	return best
}

// visibleBeyond returns how far beyond s q is known in direction dir, or -1
// where that is gapMax or more or where q ends for another reason than the
// volume.
func visibleBeyond(q []float64, s, gapMax, dir int) int {
	for d := range gapMax + 1 {
		at := s + dir*d
		if at < 0 || at >= len(q) {
			return -1
		}
		if math.IsNaN(q[at]) {
			return d - 1
		}
	}
	return -1
}

// crest returns q at i, less what it still rises beyond i in direction dir: an
// endplate is a ridge, or the shoulder of an equally bright body.
func crest(q []float64, i, dir int) float64 {
	next := i + 2*dir
	if next < 0 || next >= len(q) || math.IsNaN(q[next]) {
		return q[i]
	}
	return q[i] - max(q[next]-q[i], 0)
}

// meanBetween returns the mean of v[lo … hi], or v halfway where that is empty.
func meanBetween(v []float64, lo, hi int) float64 {
	if hi < lo {
		return (v[(lo+hi)/2] + v[(lo+hi+1)/2]) / 2
	}
	var sum float64
	for _, x := range v[lo : hi+1] {
		sum += x
	}
	return sum / float64(hi-lo+1)
}
