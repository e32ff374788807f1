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
	disc                []float64 // evidence of a disc: about 1 at a clear one
	plates              []pair    // the endplates of that disc
	wall                []float64 // lateral wall of the canal: positive at a pedicle, negative at a foramen
	visible             []bool    // there is a body, and it lies in the volume
}

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

// readSignals reads r, made at steps of 1 mm.
func readSignals(r *Straight) *signals {
	m := midSagittal(r)
	sg := &signals{wall: wallSignal(r)}
	smooth := smoothAlong(m, wallSpan)
	sg.posterior = posteriorWall(smooth, r.A0)
	sg.left, sg.right = lateralWalls(r, sg.posterior)
	sg.anterior = anteriorWall(smooth, r.A0, sg)
	sg.disc, sg.plates = discSignal(m, r.A0, sg)
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
// the ribs, within the smallest body.
const (
	lateralNear, lateralFar = 6, 34
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
// is in the mid-sagittal plane m, whichever is darker: osteophytes bridge discs
// before, veins pierce walls behind.
func shells(m [][]float64, a0 int, sg *signals) []float64 {
	out := make([]float64, len(m))
	for s := range m {
		cortex := func(at float64) float64 {
			best := math.Inf(-1)
			for d := -shellReach; d <= shellReach; d++ {
				best = max(best, m[s][min(max(a0+int(at)+d, 0), len(m[s])-1)])
			}
			return best
		}
		out[s] = min(cortex(sg.posterior[s]), cortex(sg.anterior[s]))
	}
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
	// most this fraction of the body's depth. Discs measure up to a third of it;
	// no body but a crushed one is so low.
	gapMin      = 3
	gapFraction = 0.4
	// tiltCost is what a step of tilt must gain, HU.
	tiltCost = 3.0
	// clearHU is the least contrast of a clear disc: that of an osteoporotic
	// endplate, 0.4 mm of 600 HU, in slices of 5 mm, half lost by tilt.
	clearHU = 25.0
	// shellWeight is the weight of bright walls between two ridges, which speak
	// for a crushed body.
	shellWeight = 0.5
	// ridgeWeight is the weight of a single bright ridge, a fused or vanished
	// disc, against that of a pair.
	ridgeWeight = 0.45
)

// discSignal returns the evidence of a disc at each s of the mid-sagittal plane
// m, in units of the clear discs around, and for discs its endplates.
func discSignal(m [][]float64, a0 int, sg *signals) ([]float64, []pair) {
	trend := smoothAlong(m, trendSpan)
	view := discView{
		middle: tiltedProfiles(m, trend, a0, sg, 0, 0.35),
		rims:   tiltedProfiles(m, trend, a0, sg, 0.25, 0.48),
		shell:  shells(m, a0, sg),
	}
	raw, pairs := make([]float64, len(m)), make([]float64, len(m))
	plates := make([]pair, len(m))
	each(len(m), func(s int) {
		gap := max(int(gapFraction*(sg.anterior[s]-sg.posterior[s])), gapMin+1)
		pairs[s], plates[s] = view.pairAt(s, gap)
		raw[s] = max(pairs[s], view.ridgeAt(s, gap))
	})
	disc := make([]float64, len(m))
	for s := range disc {
		around := slices.Clone(raw[max(s-levelSpan/2, 0):min(s+levelSpan/2+1, len(raw))])
		slices.Sort(around)
		disc[s] = min(max(raw[s]/max(around[len(around)*9/10], clearHU), -0.5), 1.5)
	}
	return disc, nearestPairs(raw, pairs, plates)
}

// Choice of the pair of endplates for a disc that is placed otherwise.
const (
	pairReach = 6 // mm
	// pairAway is what a pair must gain for each mm, HU.
	pairAway = 4.0
	// pairLeast is the least contrast of a pair by that of a single ridge.
	pairLeast = 0.25
	// pairBeyond is how far outside of the pair the disc may have been placed, mm.
	pairBeyond = 1.5
)

// nearestPairs returns for each s the best pair of endplates nearby, or a
// vanished disc's where there is none.
func nearestPairs(raw, pairs []float64, plates []pair) []pair {
	out := make([]pair, len(raw))
	for s := range out {
		best := pairLeast * raw[s]
		out[s] = pair{float64(s) - 1, float64(s) + 1, 0, 0}
		for q := max(s-pairReach, 0); q <= min(s+pairReach, len(raw)-1); q++ {
			p := plates[q]
			c := pairs[q] - pairAway*math.Abs(float64(q-s))
			if c > best && float64(s) >= p.up-pairBeyond && float64(s) <= p.down+pairBeyond {
				best, out[s] = c, p
			}
		}
	}
	return out
}

// discView is what discs are looked for in: the profiles along tilted lines of
// the middle of the bodies and of their rims, which stay where endplates are
// deeply concave, and the walls.
type discView struct {
	middle, rims [][]float64
	shell        []float64
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

// pairAt returns the greatest contrast, HU, of two bright ridges up to gapMax
// apart about a darker gap centred at s, and where they lie.
func (d *discView) pairAt(s, gapMax int) (contrast float64, plates pair) {
	contrast = -clipMaxHU
	slope := func(t int) float64 { return float64(t-tiltSteps) * tiltStep }
	for _, q := range [2][][]float64{d.middle, d.rims} {
		for t := range q {
			for u := max(t-wedgeSteps, 0); u <= min(t+wedgeSteps, len(q)-1); u++ {
				c, up, down := d.gapAt(q, t, u, s, gapMax)
				c -= tiltCost / 2 * (math.Abs(float64(t-tiltSteps)) + math.Abs(float64(u-tiltSteps)))
				if c > contrast {
					contrast, plates = c, pair{float64(up), float64(down), slope(t), slope(u)}
				}
			}
		}
	}
	return contrast, plates
}

// gapAt is pairAt for endplates of tilts t and u.
func (d *discView) gapAt(q [][]float64, t, u, s, gapMax int) (contrast float64, up, down int) {
	contrast = -clipMaxHU
	inside := q[(t+u)/2]
	for gap := gapMin; gap <= gapMax; gap++ {
		i, j := s-gap/2, s+gap-gap/2
		if i < 0 || j >= len(inside) {
			break
		}
		dark := meanBetween(inside, i+2, j-2)
		walls := meanBetween(d.shell, i+2, j-2)
		c := min(crest(q[t], i, -1), crest(q[u], j, 1)) - dark - shellWeight*max(walls-dark, 0)
		if c > contrast {
			contrast, up, down = c, i, j
		}
	}
	return contrast, up, down
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
