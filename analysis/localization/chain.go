// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
	"slices"
)

// The chain of bodies and discs, mm along the canal.
const (
	bodyMin, bodyMax = 3, 55 // the two endplates of a vertebra plana; a block vertebra of a tall man's loins
	// platesApart is how many slices the two endplates of a body lie apart at least: of
	// nearer ones a series shows one bright band, as it does of a single endplate.
	platesApart = 1.5
	// endBodyMin is the least height of a body of which an endplate alone is seen: the
	// blurred dish of a single endplate looks like a lower one.
	endBodyMin = 5
	// ownMin is the least height of a body that is not crushed: a child's neck.
	ownMin = 6
	// bodyByDepth is the height of an intact body by its depth, 0.65 (C5, L5) to
	// 0.75 (T1) of the means in Panjabi et al. (see depthByWidth), 0.6 to 0.8 in
	// the four series read. ownSpread is the standard deviation of that ratio's
	// logarithm, changeSpread of the height's from one vertebra to the next.
	bodyByDepth             = 0.7
	ownSpread, changeSpread = 0.22, 0.12
	ownWeight, changeWeight = 0.35, 0.25
	// Costs end here: walls may be misread, vertebrae be fused.
	ownCostMax, changeCostMax = 0.6, 0.5
	// outerCostMax holds for the two outermost vertebrae, which no neighbours on
	// both sides support.
	outerCostMax = 1.2
	// gapByDepth is the distance of a disc's endplates by the depth of the bodies,
	// 0.15 in the thorax to 0.35 at L4/L5, and gapSpread the standard deviation of
	// its logarithm.
	gapByDepth, gapSpread = 0.22, 0.35
	gapWeight, gapCostMax = 0.15, 0.4
	// crushCost is what a body must gain to be lower than it once was, and clearDisc
	// and clearEnd the least evidence of the discs beside it, and of an endplate alone
	// where the volume ends: a band of bright bone is no crushed body.
	crushCost           = 0.6
	clearDisc, clearEnd = 0.7, endWeight
	// superiorShare is the part of a crushed body's loss that its superior endplate
	// bears, which sinks beside the pedicle: of the loss at the posterior wall.
	superiorShare = 0.7
	// pedicleRoom is the least distance of the middles of a crushed body and the next,
	// in units of their heights before: their pedicles lie one above the other.
	pedicleRoom = 0.55
	// wallWeight is the weight of the lateral wall's signal against the disc's.
	wallWeight = 0.35
	// wallPart is the part of a body's height beside which its pedicle lies, at
	// the top, and the foramen, at the bottom.
	wallPart = 0.35
	// discCost is what each further disc must gain.
	discCost = 0.15
	// leastChain is the least score of a chain: half a clear disc.
	leastChain = 0.5
)

// owns is how many heights of intact bodies are tried.
const owns = bodyMax - ownMin + 1

// column is a chain of bodies and discs.
type column struct {
	discs []sign
	owns  []float64 // heights of the bodies between them before any fracture, mm
	// openTop is set where the first disc has no upper endplate in view,
	// openBottom where the last has no lower one.
	openTop, openBottom bool
}

// middles returns the cross-sections of the discs' middles.
func (c *column) middles() []int {
	out := make([]int, len(c.discs))
	for n, d := range c.discs {
		out[n] = int(math.Round((d.up + d.down) / 2))
	}
	return out
}

// slots counts the middles of bodies above each of n cross-sections.
func (c *column) slots(n int) []int {
	out := make([]int, n)
	body := 0
	for s := range out {
		for body < len(c.owns) && float64(s) > (c.discs[body].down+c.discs[body+1].up)/2 {
			body++
		}
		out[s] = body
	}
	return out
}

// findColumn returns the chain of bodies and discs with the greatest sum of
// evidence, and its score. The column is empty if the best chain shows no disc.
//
// A first search finds how many there are, and whether the volume ends within the
// outermost discs. There a body lower than its neighbours is dear. A second one
// finds their endplates, when a body known to be there may be as low as its
// endplates say.
func findColumn(sg *signals) (column, float64) {
	c := newChain(sg, rules{crush: crushCost, clear: clearDisc})
	c.search()
	if c.best < leastChain {
		return column{}, c.best
	}
	first := c.trace()
	if len(first.owns) == 0 {
		return first, c.best
	}
	refined := newChain(sg, rules{clear: absent, known: &first, slot: first.slots(len(sg.visible))})
	refined.search()
	return refined.trace(), c.best
}

// rules are what a search of chains keeps to.
type rules struct {
	crush float64 // cost of a crushed body
	clear float64 // least evidence of the discs beside one
	// known is the chain that is refined, nil if there is none: the new one is open
	// at the same ends. slot counts its bodies above each cross-section: a body then
	// holds the middle of one, and a disc of none.
	known *column
	slot  []int
}

// opens and closes report whether the chain may begin and end with an endplate
// alone, if open, or with a disc.
func (r *rules) opens(open bool) bool  { return r.known == nil || r.known.openTop == open }
func (r *rules) closes(open bool) bool { return r.known == nil || r.known.openBottom == open }

// bodies returns how many of the known bodies have their middles between s and
// at; -1 if none are known.
func (r *rules) bodies(s, at int) int {
	if r.slot == nil {
		return -1
	}
	return r.slot[at] - r.slot[s]
}

// ends reports whether an endplate alone may be a crushed body's: a part of one
// tells nothing of what is left of the body.
func (r *rules) ends(plate *sign) bool {
	return r.clear == absent || plate.whole && plate.gain >= clearEnd
}

// outermost reports whether s lies above the first known body, and below the
// last: always if none are known.
func (r *rules) outermost(s int) (first, last bool) {
	if r.slot == nil {
		return true, true
	}
	return r.slot[s] == 0, r.slot[s] == r.slot[len(r.slot)-1]
}

// chain is the dynamic programming of findColumn over bodies and discs in turn.
// A state is the place of an endplate, and the height that the body above it
// has, or had before it was crushed: that one, not what is left of it, resembles
// its neighbours'.
type chain struct {
	sg     *signals
	rules  rules
	walls  []float64 // running totals of the lateral wall's signal
	change [][]float64

	start []opening // of a chain at a superior endplate

	// Best chains that end with an endplate, [s*owns+x]: with a superior one, with
	// one below a clear disc, with an inferior one, with a crushed body's.
	superior, clear, inferior, crushed []link

	best    float64
	bestEnd ending
}

// link is the best chain to a state.
type link struct {
	total float64
	outer float64 // what it costs more if its last body is outermost
	// by is the gap or the body's height before the endplate, own the state
	// before; chainStart where the chain begins.
	by, own int8
	// crushed is set if the body before a disc is crushed.
	crushed bool
}

const chainStart = -1

// opening is the beginning of a chain at a superior endplate: with the disc
// above it, or with the endplate alone.
type opening struct {
	total float64
	gap   int  // 0 for the endplate alone
	clear bool // a crushed body may follow
}

// ending is where the best chain ends.
type ending struct {
	s, own   int
	single   bool // with its first disc
	inferior bool // at an inferior endplate alone, and whether of a crushed body
	crushed  bool
}

func newChain(sg *signals, rules rules) *chain {
	n := len(sg.visible)
	c := &chain{sg: sg, rules: rules, walls: sums(sg.wall), change: changeCosts(), start: make([]opening, n), best: absent}
	for _, l := range [...]*[]link{&c.superior, &c.clear, &c.inferior, &c.crushed} {
		*l = slices.Repeat([]link{{total: absent}}, n*owns)
	}
	return c
}

// search finds the best chain.
func (c *chain) search() {
	for s := range c.sg.visible {
		c.open(s)
		for gap := vanishedGap; gap < min(len(c.sg.discs[s]), s+1); gap++ {
			c.addDisc(s, gap)
		}
		_, last := c.rules.outermost(s)
		last = last && c.rules.closes(false)
		for x := range owns {
			l := &c.superior[s*owns+x]
			if t := l.total - l.outer + c.below(s); last && t > c.best {
				c.best, c.bestEnd = t, ending{s: s, own: x}
			}
		}
		for x := range owns {
			c.addBodies(s, x)
		}
	}
}

// open begins a chain with the superior endplate at s alone.
func (c *chain) open(s int) {
	c.start[s].total = absent
	if first, _ := c.rules.outermost(s); first && c.sg.visible[s] && c.rules.opens(true) {
		c.start[s] = opening{total: c.sg.superior[s].gain, clear: c.rules.ends(&c.sg.superior[s])}
	}
}

// addDisc goes on over a disc, whose lower endplate is at s, or begins with it.
func (c *chain) addDisc(s, gap int) {
	middle := s - (gap+1)/2
	if !c.sg.visible[middle] || c.rules.bodies(s-gap, s) > 0 {
		return
	}
	gain := c.sg.discs[s][gap].gain
	clear := c.rules.clear == absent || gap > vanishedGap && gain >= c.rules.clear
	if gap > vanishedGap {
		gain -= gapCost(gap, c.sg.anterior[middle]-c.sg.posterior[middle])
	}
	total := gain + c.above(s-gap)
	if first, _ := c.rules.outermost(s); first && total > c.start[s].total && c.rules.opens(false) {
		c.start[s] = opening{total, gap, clear}
		if t := total + c.below(s); c.rules.slot == nil && t > c.best {
			c.best, c.bestEnd = t, ending{s: s, single: true}
		}
	}
	for x := range owns {
		above, below := (s-gap)*owns+x, s*owns+x
		l := link{c.inferior[above].total + gain, c.inferior[above].outer, int8(gap), int8(x), false}
		c.superior[below].improve(l)
		if !clear {
			continue
		}
		c.clear[below].improve(l)
		crushed := &c.crushed[above]
		l = link{crushed.total + gain, crushed.outer, int8(gap), int8(x), true}
		if l.total == absent || !c.apart(s-gap, x, c.sg.discs[s][gap].slopeUp) {
			continue
		}
		c.superior[below].improve(l)
		if float64(crushed.by+bodyMin)/2+float64(gap) >= pedicleRoom*float64(x+ownMin) {
			c.clear[below].improve(l)
		}
	}
}

// improve replaces l by a better link.
func (l *link) improve(by link) {
	if by.total > l.total {
		*l = by
	}
}

// apart reports whether the endplates of the crushed body that ends at s, once x
// high, do not cross within its walls, given the lower one's slope.
func (c *chain) apart(s, x int, slope float64) bool {
	l := c.crushed[s*owns+x]
	top := s - int(l.by)
	upper := c.sg.superior[top].slopeDown
	if l.own != chainStart {
		upper = c.sg.discs[top][c.clear[top*owns+int(l.own)].by].slopeDown
	} else if gap := c.start[top].gap; gap > 0 {
		upper = c.sg.discs[top][gap].slopeDown
	}
	return math.Abs(upper-slope)*(c.sg.anterior[s]-c.sg.posterior[s])/2 <= float64(l.by)
}

// addBodies goes on from the superior endplates at s over a body of height x,
// or of what is left of it.
func (c *chain) addBodies(s, x int) {
	own := x + ownMin
	cost := ownCost(own, c.sg.anterior[s]-c.sg.posterior[s])
	capped := min(cost, ownCostMax)
	outer := min(cost, outerCostMax) - capped
	whole := link{total: c.start[s].total - outer, own: chainStart}
	crushed := link{total: absent, own: chainStart}
	if c.start[s].clear {
		crushed = whole
	}
	for y := range owns {
		if t := c.superior[s*owns+y].total - c.change[x][y]; t > whole.total {
			whole = link{total: t, own: int8(y)}
		}
		if t := c.clear[s*owns+y].total - c.change[x][y]; t > crushed.total {
			crushed = link{total: t, own: int8(y)}
		}
	}
	whole.total -= capped + discCost
	whole.outer, whole.by = outer, int8(own)
	c.addBody(s, x, c.inferior, whole)
	crushed.total -= capped + discCost + c.rules.crush
	crushed.outer = outer
	least := c.sg.leastBody
	if crushed.own == chainStart && c.start[s].gap == 0 {
		least = max(least, endBodyMin)
	}
	for height := least; height < own; height++ {
		crushed.by = int8(height)
		c.addBody(s, x, c.crushed, crushed)
	}
}

// addBody goes on from s over the body l to one of states, and ends the chain
// with its inferior endplate alone where that pays.
func (c *chain) addBody(s, x int, states []link, l link) {
	at := s + int(l.by)
	if at >= len(c.sg.visible) || l.total == absent {
		return
	}
	if n := c.rules.bodies(s, at); n != 1 && n != -1 {
		return
	}
	l.total += wallWeight * c.wall(s, at, x+ownMin)
	if l.total <= states[at*owns+x].total {
		return
	}
	states[at*owns+x] = l
	crushed := int(l.by) < x+ownMin
	if _, last := c.rules.outermost(at); !last || !c.sg.visible[at] || !c.rules.closes(true) || crushed && (l.by < endBodyMin || !c.rules.ends(&c.sg.inferior[at])) {
		return
	}
	if t := l.total + c.sg.inferior[at].gain - l.outer; t > c.best && (!crushed || c.apart(at, x, c.sg.inferior[at].slopeUp)) {
		c.best, c.bestEnd = t, ending{s: at, own: x, inferior: true, crushed: crushed}
	}
}

// wall returns how well the canal's lateral wall fits a body from s to at of a
// height before any fracture. The pedicle lies beside the upper part of what the
// body was, and keeps its height and place where it is crushed, and the foramen
// somewhere from the lower part to the upper half of the disc, in the thorax higher
// than in the loins.
func (c *chain) wall(s, at, own int) float64 {
	part := int(wallPart * float64(own))
	sunk := int(superiorShare * float64(max(own-(at-s), 0)))
	top, bottom := s-sunk, s-sunk+own
	lo := max(bottom-part, top+own/2)
	return meanOver(c.walls, max(top, 0), max(top+part, 0)) + c.foramen(lo, max(bottom+part/2, lo+part), part/2)
}

// foramen returns how clear the clearest foramen of a height is between lo and
// hi.
func (c *chain) foramen(lo, hi, height int) float64 {
	least := math.Inf(1)
	for s := max(lo, 0); s+height <= min(hi, len(c.sg.wall)-1); s++ {
		least = min(least, meanOver(c.walls, s, s+height))
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return -least
}

// above returns what the foramen above the first disc is worth, whose upper
// endplate is at s, and below what the pedicle below the last is.
func (c *chain) above(s int) float64 {
	part := c.usualPart(s)
	return wallWeight * c.foramen(s-part, s+part/2, part/2)
}

func (c *chain) below(s int) float64 {
	return wallWeight * meanOver(c.walls, s, min(s+c.usualPart(s), len(c.sg.wall)-1))
}

// usualPart is wallPart of the height that a body of the depth at s is expected
// to have.
func (c *chain) usualPart(s int) int {
	return int(wallPart * bodyByDepth * (c.sg.anterior[s] - c.sg.posterior[s]))
}

// trace returns the best chain, from superior to inferior.
func (c *chain) trace() column {
	s, x := c.bestEnd.s, c.bestEnd.own
	if c.bestEnd.single {
		return column{discs: []sign{c.sg.discs[s][c.start[s].gap]}}
	}
	var out column
	states, crushed := c.superior, c.bestEnd.crushed
	if c.bestEnd.inferior {
		states = nil
		out.discs, out.openBottom = append(out.discs, c.sg.inferior[s]), true
	}
	for x != chainStart {
		if states != nil {
			l := states[s*owns+x]
			out.discs = append(out.discs, c.sg.discs[s][l.by])
			s, crushed = s-int(l.by), l.crushed
		}
		out.owns = append(out.owns, float64(x+ownMin))
		body := c.inferior[s*owns+x]
		states = c.superior
		if crushed {
			body, states = c.crushed[s*owns+x], c.clear
		}
		s, x = s-int(body.by), int(body.own)
	}
	if gap := c.start[s].gap; gap > 0 {
		out.discs = append(out.discs, c.sg.discs[s][gap])
	} else {
		out.discs, out.openTop = append(out.discs, c.sg.superior[s]), true
	}
	slices.Reverse(out.discs)
	slices.Reverse(out.owns)
	return out
}

// ownCost is the cost of a body of this height before any fracture: log-normal
// about what its depth leads to expect.
func ownCost(own int, depth float64) float64 {
	t := math.Log(float64(own)/(bodyByDepth*depth)) / ownSpread
	return ownWeight * t * t
}

// gapCost is the cost of this distance of a disc's endplates: log-normal about
// what the depth of the bodies leads to expect.
func gapCost(gap int, depth float64) float64 {
	t := math.Log(float64(gap)/(gapByDepth*depth)) / gapSpread
	return min(gapWeight*t*t, gapCostMax)
}

// changeCosts tabulates the cost of a change of height.
func changeCosts() [][]float64 {
	out := make([][]float64, owns)
	for x := range out {
		out[x] = make([]float64, owns)
		for y := range out[x] {
			t := math.Log(float64(x+ownMin)/float64(y+ownMin)) / changeSpread
			out[x][y] = min(changeWeight*t*t, changeCostMax)
		}
	}
	return out
}

// sums returns the running totals of v: out[i] is the sum of v[:i].
func sums(v []float64) []float64 {
	out := make([]float64, len(v)+1)
	for i, x := range v {
		out[i+1] = out[i] + x
	}
	return out
}

// meanOver returns the mean of v[lo … hi] from its running totals.
func meanOver(totals []float64, lo, hi int) float64 {
	return (totals[hi+1] - totals[lo]) / float64(hi-lo+1)
}
