// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"github.com/endplate/endplate/analysis/spine"
)

const (
	// blurReach, mm, is how far beyond its voxels cement's blur is summed.
	blurReach = 2.2
	// localReach, mm, is over how wide a neighbourhood the attenuation of cement
	// and of its surroundings is taken for a voxel at the surface.
	localReach = 4.0

	// fractionSlack is how far beyond 0 and 1 noise may carry the share of a
	// voxel without being cut off, which would bias the sum.
	fractionSlack = 0.3

	// leakDepth, mm, is how far beyond the body's surface a voxel must lie to
	// belong to a leak, and leakLeast how far its farthest: the outline of the wall
	// is good to about a millimetre. Endplates are better known.
	leakDepth, leakLeast           = 1.0, 1.5
	plateLeakDepth, plateLeakLeast = 0.7, 1.2
	// leastLeak, mm³, is the least volume of the leaks to a place: a ball of 1.7 mm
	// radius, less than which errors of the outline come to. A design value.
	leastLeak = 20.0
	// contactGap, mm, is how near cement lies to the outer face of an endplate
	// that it touches: the thickness of the endplate and half a voxel.
	contactGap = 1.5
)

// treated measures what is marked.
func (w *work) treated(atMetal bool) Treated {
	fraction := w.fractions()
	leaks, leaked := w.leaks(fraction)
	t := Treated{Vertebra: w.i, Attenuation: w.hu}
	sum, left, leakedSum := 0.0, 0.0, 0.0
	edge := math.Cbrt(w.voxel())
	w.each(func(m, at int) {
		f := float64(fraction[m])
		sum += f
		if leaked[m] > 0 {
			leakedSum += f
			return
		}
		if f != 0 {
			_, _, l := w.sites[w.i].frame.Coordinates(w.d.position(at))
			left += f * min(max(0.5+l/edge, 0), 1)
		}
	})
	ml := w.voxel() / 1000
	t.Volume, t.Inside = sum*ml, (sum-leakedSum)*ml
	if sum > leakedSum {
		t.Left = min(max(left/(sum-leakedSum), 0), 1)
	}
	s := &w.sites[w.i]
	if s.outlined {
		t.Leaks = leaks
		t.Contacts = w.contacts(leaked)
		t.BodyShare = min(t.Inside*1000/s.volume, 1)
	}
	t.SaturatedShare = w.saturated()
	t.judge(w, atMetal)
	t.Mask = w.mask(fraction)
	return t
}

// fractions returns the share of each voxel that is cement: 1 deep inside; at
// the surface and in what is thin by the attenuation between the surroundings and
// the core near by.
func (w *work) fractions() []float32 {
	core := w.eroded(w.mark)
	support := w.dilated(w.mark, blurReach)
	inner := w.localMean(core, localReach)
	around := w.surroundings(support)
	out := make([]float32, w.len())
	w.each(func(m, at int) {
		switch {
		case core[m]:
			out[m] = 1
		case support[m] && w.mine[m]:
			c := inner[m]
			if math.IsNaN(c) {
				c = w.hu
			}
			b := around(m)
			out[m] = float32(min(max((float64(w.samples[at])-b)/max(c-b, 1), -fractionSlack), 1+fractionSlack))
		}
	})
	return out
}

// surroundings returns what a voxel would read without the cement. In the body
// and at its surface that is what the body reads elsewhere at the same depth, so
// that cortex beside cement does not count as cement; outside, what is near.
func (w *work) surroundings(support []bool) func(m int) float64 {
	byDepth := w.byDepth(support)
	ring := w.dilated(support, blurReach)
	for m := range ring {
		ring[m] = ring[m] && !support[m] && w.inside[m] < shellOuter && !w.metal.voxels[w.index(m)]
	}
	outer := w.localMean(ring, localReach)
	return func(m int) float64 {
		if w.inside[m] >= shellOuter {
			return byDepth[shellBin(w.inside[m])]
		}
		if math.IsNaN(outer[m]) {
			return byDepth[0]
		}
		return outer[m]
	}
}

// The depths, mm, between which attenuation is told apart by depth: from what
// the cortex blurs outwards to the cancellous bone.
const (
	shellOuter, shellInner = -1.0, 2.0
	shellStep              = 0.5
	shellBins              = 7
)

func shellBin(inside float32) int {
	return min(max(int((float64(inside)-shellOuter)/shellStep), 0), shellBins-1)
}

// byDepth returns the median attenuation of the body away from cement by depth.
// Where too little of the body is left it is that of a vertebra beside it.
func (w *work) byDepth(support []bool) [shellBins]float64 {
	own, count := w.shellMedians(func(m, at int) (float32, bool) { return w.inside[m], !support[m] && w.mine[m] })
	own[shellBins-1] = w.bone
	if count[shellBins-1] < enoughBone {
		if j := w.untreatedBeside(); j >= 0 {
			own, count = w.beside(j)
		}
	}
	for b := range own {
		if count[b] == 0 {
			own[b] = w.bone
		}
	}
	return own
}

// enoughBone is the least number of voxels of cancellous bone that tell what it
// reads.
const enoughBone = 500

// untreatedBeside returns an outlined vertebra next to this one in which there is
// no cement, -1 if there is none.
func (w *work) untreatedBeside() int {
	for _, j := range []int{w.i + 1, w.i - 1} {
		if j >= 0 && j < len(w.sites) && w.sites[j].outlined && !w.sites[j].treated {
			return j
		}
	}
	return -1
}

// beside is byDepth of vertebra j.
func (w *work) beside(j int) (medians [shellBins]float64, count [shellBins]int) {
	const reach = 28.0 // mm from the centre: half of the width of a large body
	s := &w.sites[j]
	i0, j0, k0 := w.d.vol.Indexer().Index(s.frame.Origin)
	c := &crop{grid: w.grid}
	at := [3]int{int(i0), int(j0), int(k0)}
	c.bound(at, at, reach)
	o := &work{crop: c}
	return o.shellMedians(func(_, at int) (float32, bool) {
		return float32(s.inside(w.d.position(at))), !w.metal.voxels[at] && w.samples[at] < denseHU
	})
}

// shellMedians returns the medians, by depth, of the voxels for which of returns
// a depth, and how many there are.
func (w *work) shellMedians(of func(m, at int) (inside float32, ok bool)) (medians [shellBins]float64, count [shellBins]int) {
	var at [shellBins][]float64
	w.each(func(m, n int) {
		if inside, ok := of(m, n); ok && inside >= shellOuter {
			b := shellBin(inside)
			at[b] = append(at[b], float64(w.samples[n]))
		}
	})
	for b := range at {
		if count[b] = len(at[b]); count[b] > 0 {
			medians[b] = median(at[b])
		}
	}
	return medians, count
}

// eroded returns the marked voxels that lie at least coreReach from the surface
// and read as cement.
func (w *work) eroded(mark []bool) []bool {
	half := w.half()
	rim := make([]bool, len(mark))
	for m, set := range mark {
		rim[m] = !set || float64(w.samples[w.index(m)]) < half
	}
	out := w.dilated(rim, coreReach)
	for m := range out {
		out[m] = !out[m]
	}
	return out
}

// localMean returns the mean attenuation of the voxels of set within about reach,
// mm, of every voxel; NaN where there is none.
func (w *work) localMean(set []bool, reach float64) []float64 {
	sum, n := make([]float64, w.len()), make([]float64, w.len())
	w.each(func(m, at int) {
		if set[m] {
			sum[m], n[m] = float64(w.samples[at]), 1
		}
	})
	w.boxSum(sum, reach)
	w.boxSum(n, reach)
	for m := range sum {
		if n[m] < 0.5 {
			sum[m] = math.NaN()
			continue
		}
		sum[m] /= n[m]
	}
	return sum
}

// boxSum replaces each value by the sum over a box of half width reach.
func (c *crop) boxSum(v []float64, reach float64) {
	stride := 1
	for axis, step := range [3]float64{c.stepI, c.stepJ, c.dz} {
		half := max(int(reach/step+0.5), 1)
		n := c.n[axis]
		line := make([]float64, n+1)
		for start := range v {
			if start/stride%n != 0 {
				continue
			}
			for x := range n {
				line[x+1] = line[x] + v[start+x*stride]
			}
			for x := range n {
				v[start+x*stride] = line[min(x+half+1, n)] - line[max(x-half, 0)]
			}
		}
		stride *= n
	}
}

// leaks returns the leaks, by place, and for each voxel the place it leaked to.
func (w *work) leaks(fraction []float32) ([]Leak, []Place) {
	leaked := make([]Place, w.len())
	if !w.sites[w.i].outlined {
		return nil, leaked
	}
	var byPlace [InferiorDisc + 1]Leak
	for _, part := range w.parts(func(m int) bool {
		return w.mark[m] && w.isBeyond(m) && float64(w.samples[w.index(m)]) >= w.level(m)
	}) {
		w.addLeak(part, fraction, leaked, &byPlace)
	}
	var out []Leak
	var is [InferiorDisc + 1]bool
	for place, l := range byPlace {
		least := leakLeast
		if Place(place).isDisc() {
			least = plateLeakLeast
		}
		if place > 0 && l.Distance >= least && l.Volume*1000 >= leastLeak {
			out = append(out, l)
			is[place] = true
		}
	}
	for m, place := range leaked {
		if !is[place] {
			leaked[m] = 0
		}
	}
	return out, leaked
}

// isBeyond reports whether a voxel lies farther outside the body than its outline
// is uncertain.
func (w *work) isBeyond(m int) bool {
	out := -float64(w.inside[m])
	if out <= plateLeakDepth {
		return false
	}
	p, _ := w.sites[w.i].place(w.d.position(w.index(m)))
	return out > leakDepth || p.isDisc()
}

// addLeak adds a connected part outside the body to its place.
func (w *work) addLeak(part []int, fraction []float32, leaked []Place, byPlace *[InferiorDisc + 1]Leak) {
	place := w.placeOf(part)
	if place == 0 {
		return // in a pedicle
	}
	s := &w.sites[w.i]
	distance := 0.0
	for _, m := range part {
		p := w.d.position(w.index(m))
		above, below, out, _ := s.beyond(p)
		distance = max(distance, math.Hypot(max(above, below, 0), max(out, 0))+math.Cbrt(w.voxel())/2)
	}
	l := &byPlace[place]
	l.Place = place
	l.Distance = max(l.Distance, distance)
	mark := make([]bool, w.len())
	for _, m := range part {
		mark[m] = true
	}
	for m, near := range w.dilated(mark, blurReach) {
		if near && leaked[m] == 0 && w.inside[m] < 0 {
			leaked[m] = place
			l.Volume += float64(fraction[m]) * w.voxel() / 1000
		}
	}
}

// contacts measures how the cement in the body lies to both endplates.
func (w *work) contacts(leaked []Place) [2]Contact {
	var gaps [2][plateSide][plateSide]float64
	for e := range gaps {
		for i := range gaps[e] {
			for j := range gaps[e][i] {
				gaps[e][i][j] = math.Inf(1)
			}
		}
	}
	s := &w.sites[w.i]
	strong := w.strong()
	w.each(func(m, at int) {
		if !w.mark[m] || leaked[m] > 0 || float64(w.samples[at]) < strong {
			return
		}
		up, a, l := s.frame.Coordinates(w.d.position(at))
		i, j := int(math.Round(a/plateStep))+plateHalf, int(math.Round(l/plateStep))+plateHalf
		if min(i, j) < 0 || max(i, j) >= plateSide {
			return
		}
		top, bottom := s.traced(a, l)
		for e, depth := range [2]float64{spine.Superior: top - up, spine.Inferior: up - bottom} {
			gaps[e][i][j] = min(gaps[e][i][j], depth-w.dz/2)
		}
	})
	return [2]Contact{contactOf(&gaps[0]), contactOf(&gaps[1])}
}

// contactOf sums up the gaps of an endplate's places.
func contactOf(gaps *[plateSide][plateSide]float64) Contact {
	c := Contact{Gap: math.Inf(1)}
	for i := range gaps {
		for _, gap := range gaps[i] {
			c.Gap = min(c.Gap, gap)
			if gap <= contactGap {
				c.Area += plateStep * plateStep
			}
		}
	}
	c.Touches = c.Gap <= contactGap
	if math.IsInf(c.Gap, 1) {
		return Contact{}
	}
	return c
}

// saturated returns the share of the core's voxels at the scanner's ceiling.
func (w *work) saturated() float64 {
	step := w.steps(coreReach)
	n, full := 0, 0
	w.each(func(m, at int) {
		if w.mark[m] && w.samples[at] >= denseHU && w.isCore(at, step) {
			n++
			if w.samples[at] >= ceilingHU {
				full++
			}
		}
	})
	if n == 0 {
		return 0
	}
	return float64(full) / float64(n)
}

// mask returns the shares of the voxels, cut to those that hold cement.
func (w *work) mask(fraction []float32) Mask {
	const least = 0.5 / 255
	lo, hi := w.n, [3]int{-1, -1, -1}
	for n, f := range fraction {
		if f >= least {
			for axis, x := range w.place(n) {
				lo[axis], hi[axis] = min(lo[axis], x), max(hi[axis], x)
			}
		}
	}
	var m Mask
	for axis := range lo {
		m.Origin[axis], m.Size[axis] = w.lo[axis]+lo[axis], max(hi[axis]-lo[axis]+1, 0)
	}
	for n, f := range fraction {
		p := w.place(n)
		if min(p[0]-lo[0], p[1]-lo[1], p[2]-lo[2], hi[0]-p[0], hi[1]-p[1], hi[2]-p[2]) >= 0 {
			m.Fraction = append(m.Fraction, uint8(math.Round(255*float64(min(max(f, 0), 1)))))
		}
	}
	return m
}
