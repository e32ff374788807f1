// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// The start of a disc's fit: for strips across the disc, every pair of places
// of the two plates is tried, and the best path of pairs from posterior to
// anterior taken.
const (
	scanStep   = 0.5 // mm between samples along a strip and between places tried
	stripStep  = 3.0 // mm between strips
	stripReach = 9.0 // mm around localization's endplate where a plate may be
	// scanReach, mm, and scanShare, of a body's height, are how far strips reach
	// into the bodies: less than both, for the other endplate lies there.
	scanReach = 13.0
	scanShare = 0.75
	// leastScanNoise and mostScanNoise, HU, bound what a strip's samples are taken
	// to differ from three regions and two plates by.
	leastScanNoise = 20.0
	mostScanNoise  = 60.0
	// independentStep, mm, is the slice spacing from which on a strip's samples
	// tell less, being interpolated.
	independentStep = 1.0
	// scanSlope is the price of a step of a millimetre from strip to strip: the
	// spread of an endplate's slope.
	scanSlope = 0.3
	// discShare is the height of a disc in units of the distance between the
	// centres of the bodies beside it: 7.1 mm of 27.75 + 7.1 at L2 to L5 (Clouthier
	// 2023), less in the thorax. discShareSD is the spread of its logarithm:
	// vanished discs are two standard deviations away.
	discShare   = 0.2
	discShareSD = 0.5
	// unknownSD, HU, is the spread of what lies beyond the reach of an endplate
	// without a partner: any tissue.
	unknownSD = 200.0
)

// strips holds mean profiles across a disc: strip n, at a[n], sampled from lo
// by scanStep.
type strips struct {
	a        []float64
	lo       float64
	profiles []profile
}

// profile is a strip's samples, HU, of which the volume holds those from first up
// to end; the others continue them.
type profile struct {
	hu         []float64
	first, end int
}

// strips samples the disc at all strips between the walls.
func (im *reader) strips(d *discSpace, lo, hi float64) strips {
	st := strips{lo: lo}
	n := int((hi-lo)/scanStep) + 1
	margin := boneThickness + 1.3*d.wallSigma // clear of the cortex's blur
	width := d.basis.hi - d.basis.lo - 2*margin
	count := max(int(math.Round(width/stripStep)), 2)
	step := width / float64(count)
	for c := range count {
		a := d.basis.lo + margin + (float64(c)+0.5)*step
		p := profile{hu: make([]float64, n)}
		for r := range p.hu {
			s := lo + float64(r)*scanStep
			p.hu[r] = im.mean2(func(u, l float64) r3.Vec { return d.frame.Point(s, a+u, l) }, step/3)
		}
		p.first = slices.IndexFunc(p.hu, func(x float64) bool { return x > outside })
		for p.end = n; p.end > 0 && p.hu[p.end-1] <= outside; {
			p.end--
		}
		if !fillOutside(p.hu) {
			continue
		}
		st.a = append(st.a, a)
		st.profiles = append(st.profiles, p)
	}
	return st
}

// outside is the attenuation below which a sample near a body counts as lying
// beyond the volume, HU.
const outside = 0.75 * volume.OutsideHU

// fillOutside continues a profile beyond the volume with its outermost sample
// inside, so that the border is no edge; it returns false if all is outside.
func fillOutside(p []float64) bool {
	first := slices.IndexFunc(p, func(x float64) bool { return x > outside })
	if first < 0 {
		return false
	}
	for r := range p {
		switch {
		case r < first:
			p[r] = p[first]
		case p[r] <= outside:
			p[r] = p[r-1]
		}
	}
	return true
}

// mean2 averages over at(u, l) for three places along u and five along l, those
// beyond the volume left out. It returns volume.OutsideHU where most are.
func (im *reader) mean2(at func(u, l float64) r3.Vec, u float64) float64 {
	const least = 8 // of 15
	sum, n := 0.0, 0
	for i := -1.0; i <= 1; i++ {
		for l := -4.0; l <= 4; l += 2 {
			if x := im.sampler.At(at(i*u, l)); x > outside {
				sum += x
				n++
			}
		}
	}
	if n < least {
		return volume.OutsideHU
	}
	return sum / float64(n)
}

// candidate holds the shape of a plate at one place: the share of bone and the
// plate itself, along a strip.
type candidate struct {
	at          float64
	bone, plate []float64
	// from and to bound the samples of the strip that it says anything of.
	from, to int
}

func candidates(at, lo float64, n int, sigma, sign float64) []candidate {
	var out []candidate
	for d := -stripReach; d <= stripReach; d += scanStep {
		if s := at + d - lo; s < 2*sigma || s > float64(n)*scanStep-2*sigma {
			continue // not to be told from no plate
		}
		c := candidate{at: at + d, bone: make([]float64, n), plate: make([]float64, n), to: n}
		for r := range n {
			x := (lo + float64(r)*scanStep - c.at) / sigma
			step, density := normal(-sign * x)
			c.bone[r], c.plate[r] = step, density/sigma
		}
		out = append(out, c)
	}
	return out
}

// on returns the products of a candidate's shapes with a profile.
func (c *candidate) on(p []float64) [2]float64 {
	return [2]float64{floats.Dot(c.bone, p), floats.Dot(c.plate, p)}
}

// absent stands for a plate that there is not.
func absent(at float64, n int) []candidate {
	return []candidate{{at: at, bone: make([]float64, n), plate: make([]float64, n), to: n}}
}

// upTo keeps what the candidates of a plate without a partner say to reach mm
// beyond it, where its disc may end: the next endplate is not to be taken for it.
func upTo(cs []candidate, plate int, lo, reach float64) {
	for i := range cs {
		c := &cs[i]
		n := len(c.bone)
		if plate == lowerPlate {
			c.to = min(max(int((c.at+reach-lo)/scanStep)+1, 0), n)
		} else {
			c.from = min(max(int(math.Ceil((c.at-reach-lo)/scanStep)), 0), n)
		}
		for _, shape := range [][]float64{c.bone, c.plate} {
			clear(shape[:c.from])
			clear(shape[c.to:])
		}
	}
}

// findStart sets the disc's start from the best path of plates; it returns false
// where there is nothing to sample.
func (im *reader) findStart(d *discSpace, above, below *draft) bool {
	lowerAt, upperAt := d.place(below, lowerPlate), d.place(above, upperPlate)
	if d.moved {
		lowerAt, upperAt = lowerAt+d.shift, upperAt+d.shift
	}
	lo, hi := d.scanRange(above, below)
	st := im.strips(d, lo, hi)
	if len(st.a) < 2 {
		return false
	}
	n := len(st.profiles[0].hu)
	// The sampler's own linear interpolation widens the blur.
	_, _, dz := im.vol.Spacing()
	blur, _ := d.blurAt(0)
	sigma := math.Hypot(blur.total(), dz/math.Sqrt(6))
	lowers, uppers := absent(lo-50, n), absent(hi+50, n)
	if d.has[lowerPlate] {
		lowers = candidates(lowerAt, lo, n, sigma, 1)
	}
	if d.has[upperPlate] {
		uppers = candidates(upperAt, lo, n, sigma, -1)
	}
	if len(lowers) == 0 || len(uppers) == 0 {
		return false
	}
	if !d.has[upperPlate] {
		upTo(lowers, lowerPlate, lo, max(d.reach, 2*sigma))
	}
	if !d.has[lowerPlate] {
		upTo(uppers, upperPlate, lo, max(d.reach, 2*sigma))
	}
	if d.scanNoise == 0 {
		first := mostScanNoise
		if !d.has[lowerPlate] || !d.has[upperPlate] {
			first = leastScanNoise // noise taken too high passes an endplate over for the next
		}
		d.scanNoise = newScan(lowers, uppers, n, first).residual(st.profiles)
	}
	sc := newScan(lowers, uppers, n, d.scanNoise)
	sc.lowerAt, sc.upperAt, sc.gap, sc.weight = lowerAt, upperAt, d.gap, min(1, independentStep/dz)/2
	costs := make([][]float64, len(st.a))
	for i, p := range st.profiles {
		costs[i] = sc.costs(p)
	}
	sc.addPlaces(costs)
	path := sc.path(costs)
	d.start = sc.parameters(d, st, path)
	d.startCost = 0
	for c, pair := range path {
		p := st.profiles[c].hu
		total := floats.Dot(p, p) / (2 * d.scanNoise * d.scanNoise)
		d.startCost += (total*sc.weight + costs[c][pair] - sc.placeCost(pair)) / float64(len(path))
	}
	return true
}

func nanOr(x, other float64) float64 {
	if math.IsNaN(x) {
		return other
	}
	return x
}

// pairScan tries all pairs of a lower and an upper plate.
type pairScan struct {
	lowers, uppers   []candidate
	lowerAt, upperAt float64
	gap              float64         // expected between the plates, mm; 0 if not known
	noise            float64         // of a profile's samples, HU
	weight           float64         // of a profile, for its samples and its neighbours are correlated
	disc             [][]float64     // per pair, the share of disc
	inverse          []*mat.SymDense // per pair, of the penalized normal equations
}

// Order of a pair's coefficients.
const (
	coefLower = iota
	coefDisc
	coefUpper
	coefLowerMass
	coefUpperMass
	coefCount
)

// priorMean and priorSD regularize the coefficients of a strip, HU and HU·mm.
var (
	priorMean = [coefCount]float64{180, discHU, 180, plateMass, plateMass}
	priorSD   = [coefCount]float64{200, discHUSD, 200, plateMassSD, plateMassSD}
)

// newScan prepares the scan of profiles of n samples with the given noise.
func newScan(lowers, uppers []candidate, n int, noise float64) *pairScan {
	sc := &pairScan{lowers: lowers, uppers: uppers, noise: noise, weight: 1}
	sc.disc = make([][]float64, len(lowers)*len(uppers))
	sc.inverse = make([]*mat.SymDense, len(lowers)*len(uppers))
	for i, l := range lowers {
		for j, u := range uppers {
			if u.at-l.at < 1 {
				continue
			}
			disc := make([]float64, n)
			for r := max(l.from, u.from); r < min(l.to, u.to); r++ {
				disc[r] = 1 - l.bone[r] - u.bone[r]
			}
			basis := [coefCount][]float64{l.bone, disc, u.bone, l.plate, u.plate}
			m := mat.NewSymDense(coefCount, nil)
			for a := range coefCount {
				for b := a; b < coefCount; b++ {
					m.SetSym(a, b, floats.Dot(basis[a], basis[b])/(noise*noise))
				}
				m.SetSym(a, a, m.At(a, a)+1/(priorSD[a]*priorSD[a]))
			}
			var chol mat.Cholesky
			if !chol.Factorize(m) {
				continue
			}
			inverse := mat.NewSymDense(coefCount, nil)
			if chol.InverseTo(inverse) != nil {
				continue
			}
			sc.disc[i*len(uppers)+j], sc.inverse[i*len(uppers)+j] = disc, inverse
		}
	}
	return sc
}

// solve returns the coefficients of a pair on profile p, and half the weighted
// sum of squares left, priors counted in, up to a constant of the profile.
func (sc *pairScan) solve(pair int, p []float64, lower, upper [2]float64) (coef [coefCount]float64, cost float64) {
	inverse := sc.inverse[pair]
	w := 1 / (sc.noise * sc.noise)
	v := [coefCount]float64{lower[0], floats.Dot(sc.disc[pair], p), upper[0], lower[1], upper[1]}
	for a := range coefCount {
		v[a] = v[a]*w + priorMean[a]/(priorSD[a]*priorSD[a])
	}
	for a := range coefCount {
		for b := range coefCount {
			coef[a] += inverse.At(a, b) * v[b]
		}
		cost -= coef[a] * v[a] / 2
	}
	return coef, cost
}

// costs returns the cost of each pair on a profile.
func (sc *pairScan) costs(strip profile) []float64 {
	p := strip.hu
	out := make([]float64, len(sc.disc))
	dots := func(cs []candidate) [][2]float64 {
		d := make([][2]float64, len(cs))
		for i := range cs {
			d[i] = cs[i].on(p)
		}
		return d
	}
	lower, upper := dots(sc.lowers), dots(sc.uppers)
	for i, l := range sc.lowers {
		for j, u := range sc.uppers {
			pair := i*len(sc.uppers) + j
			if sc.inverse[pair] == nil {
				out[pair] = math.Inf(1)
				continue
			}
			coef, cost := sc.solve(pair, p, lower[i], upper[j])
			for _, mass := range coef[coefLowerMass:] {
				m := min(mass, 0) / plateMassSD
				cost += 4 * m * m
			}
			if sc.gap > 0 {
				cost += squared(math.Log((u.at-l.at)/sc.gap), discShareSD) / 2
			}
			cost += sc.unknown(strip, 0, max(l.from, u.from)) + sc.unknown(strip, min(l.to, u.to), len(p))
			out[pair] = cost * sc.weight
		}
	}
	return out
}

// unknown returns the cost of the samples from … to of which a pair says nothing,
// in the terms of solve: the spread of those in the volume is unknownSD, not the
// noise about a model.
func (sc *pairScan) unknown(p profile, from, to int) float64 {
	if from >= to {
		return 0
	}
	each := 0.5 + math.Log(max(unknownSD/sc.noise, 1))
	seen := max(min(to, p.end)-max(from, p.first), 0)
	return each*float64(seen) - floats.Dot(p.hu[from:to], p.hu[from:to])/(2*sc.noise*sc.noise)
}

// residual returns how far the profiles are from the pairs that fit them best,
// HU, within the bounds of the scan's noise.
func (sc *pairScan) residual(profiles []profile) float64 {
	var rms []float64
	for _, strip := range profiles {
		p, pair := strip.hu, floats.MinIdx(sc.costs(strip))
		if sc.inverse[pair] == nil {
			continue
		}
		l, u := sc.lowers[pair/len(sc.uppers)], sc.uppers[pair%len(sc.uppers)]
		coef, _ := sc.solve(pair, p, l.on(p), u.on(p))
		sum := 0.0
		from, to := max(l.from, u.from), min(l.to, u.to)
		for i := from; i < to; i++ {
			x := p[i]
			x -= coef[coefLower]*l.bone[i] + coef[coefDisc]*sc.disc[pair][i] + coef[coefUpper]*u.bone[i] +
				coef[coefLowerMass]*l.plate[i] + coef[coefUpperMass]*u.plate[i]
			sum += x * x
		}
		rms = append(rms, math.Sqrt(sum/float64(max(to-from, 1))))
	}
	if len(rms) == 0 {
		return mostScanNoise
	}
	return min(max(median(rms), leastScanNoise), mostScanNoise)
}

// placeCost is what the distance of a pair from localization's endplates costs.
func (sc *pairScan) placeCost(pair int) float64 {
	l, u := sc.lowers[pair/len(sc.uppers)].at-sc.lowerAt, sc.uppers[pair%len(sc.uppers)].at-sc.upperAt
	return (squared(l, placeSD) + squared(u, placeSD) + squared((l+u)/2, centerSD)) / 4
}

func (sc *pairScan) addPlaces(costs [][]float64) {
	for pair := range costs[0] {
		place := sc.placeCost(pair)
		for _, c := range costs {
			c[pair] += place
		}
	}
}

// squared returns (x/sd)², 0 where x is NaN.
func squared(x, sd float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x * x / (sd * sd)
}

// path returns the pair of each strip along the cheapest path.
func (sc *pairScan) path(costs [][]float64) []int {
	nl, nu := len(sc.lowers), len(sc.uppers)
	sum := append([]float64(nil), costs[0]...)
	back := make([][]int, len(costs))
	price := func(d int) float64 {
		x := float64(d) * scanStep / (scanSlope * stripStep)
		return min(x*x/2, 6)
	}
	const jump = 12
	for c := 1; c < len(costs); c++ {
		// The price is a sum over both plates: move one, then the other.
		half, from := make([]float64, nl*nu), make([]int, nl*nu)
		for i := range nl {
			for j := range nu {
				best, at := math.Inf(1), i*nu+j
				for d := max(i-jump, 0); d <= min(i+jump, nl-1); d++ {
					if v := sum[d*nu+j] + price(d-i); v < best {
						best, at = v, d*nu+j
					}
				}
				half[i*nu+j], from[i*nu+j] = best, at
			}
		}
		next := make([]float64, nl*nu)
		back[c] = make([]int, nl*nu)
		for i := range nl {
			for j := range nu {
				best, at := math.Inf(1), from[i*nu+j]
				for d := max(j-jump, 0); d <= min(j+jump, nu-1); d++ {
					if v := half[i*nu+d] + price(d-j); v < best {
						best, at = v, from[i*nu+d]
					}
				}
				next[i*nu+j], back[c][i*nu+j] = best+costs[c][i*nu+j], at
			}
		}
		sum = next
	}
	path := make([]int, len(costs))
	path[len(path)-1] = floats.MinIdx(sum)
	for c := len(costs) - 1; c > 0; c-- {
		path[c-1] = back[c][path[c]]
	}
	return path
}

// parameters turns a path into the parameters of the disc's model.
func (sc *pairScan) parameters(d *discSpace, st strips, path []int) []float64 {
	x := make([]float64, d.size())
	nu := len(sc.uppers)
	places := [2][]float64{}
	var mean [coefCount]float64
	for c, pair := range path {
		l, u := sc.lowers[pair/nu], sc.uppers[pair%nu]
		places[lowerPlate] = append(places[lowerPlate], l.at)
		places[upperPlate] = append(places[upperPlate], u.at)
		p := st.profiles[c].hu
		coef, _ := sc.solve(pair, p, l.on(p), u.on(p))
		for i, v := range coef {
			mean[i] += v / float64(len(path))
		}
	}
	for plate := range 2 {
		copy(x[d.surface(plate):], d.basis.through(st.a, places[plate]))
		x[d.dish(plate)] = concavity[plate]
		for i := range d.mass.n {
			x[d.masses(plate)+i] = max(mean[coefLowerMass+plate], 50)
		}
	}
	for i := d.walls(); i < d.rim(); i++ {
		x[i] = plateMass
	}
	at := d.levels()
	x[at], x[at+2], x[at+4] = mean[coefLower], mean[coefDisc], mean[coefUpper]
	return x
}
