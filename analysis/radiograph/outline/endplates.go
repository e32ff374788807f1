// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"cmp"
	"math"
	"slices"
)

// tilts are the angles of endplates against the curve's normal that are tried, degrees,
// positive where the anterior end lies lower on the film.
const (
	tiltStep = 4.0
	mostTilt = 28.0
	numTilts = 2*int(mostTilt/tiltStep) + 1
)

func tiltAt(i int) float64 { return tiltStep*float64(i) - mostTilt }

// edges holds for each place along a strip and each tilt how much brighter the film gets
// downwards, averaged over the core of the bodies, relative to how it varies nearby.
type edges struct {
	v []float64 // index k*numTilts+tilt
	n int
}

// coreShare is the part of the depth, to each side, over which an endplate is averaged: the
// corners are rounded and the vertebral arch covers the posterior ones.
const coreShare = 0.36

// findEdges returns the edges of s about the middle of bodies of a depth, samples. unit is
// the number of samples of a pitch.
func findEdges(s *strip, depth func(k int) float64, unit float64) *edges {
	e := &edges{make([]float64, s.n*numTilts), s.n}
	column := make([]float64, s.n)
	for k := range column {
		column[k] = s.v[k*s.width+s.half]
	}
	down := make([][]float64, s.width)
	for a := range down {
		for k := range column {
			column[k] = s.v[k*s.width+a]
		}
		down[a] = slope(smooth(column, 0.022*unit))
	}
	for tilt := range numTilts {
		rise := math.Tan(tiltAt(tilt) * math.Pi / 180)
		for k := range s.n {
			core := min(int(coreShare*depth(k)), s.half)
			var sum float64
			for a := -core; a <= core; a++ {
				at := min(max(int(math.Round(float64(k)+rise*float64(a))), 0), s.n-1)
				sum += down[s.half+a][at]
			}
			e.v[k*numTilts+tilt] = sum / float64(2*core+1)
		}
	}
	e.normalize(unit)
	return e
}

// normalize divides by the root mean square of the best tilts over a pitch to each side, so
// that the lung counts as much as the abdomen.
func (e *edges) normalize(unit float64) {
	power := make([]float64, e.n)
	for k := range e.n {
		for tilt := range numTilts {
			power[k] = max(power[k], e.v[k*numTilts+tilt]*e.v[k*numTilts+tilt])
		}
	}
	power = smooth(power, unit)
	for k := range e.n {
		for tilt := range numTilts {
			e.v[k*numTilts+tilt] /= math.Sqrt(power[k]) + 1e-12
		}
	}
}

// plate is an endplate on the strip: where it crosses the curve, samples, and its tilt.
type plate struct {
	at, tilt int
}

// link is one vertebra of the chain that is looked for, in samples of the strip.
type link struct {
	center       float64 // expected
	height, disc float64 // usual: of the body and of the disc below
	depth        float64 // usual
	back         float64 // what a posterior wall is worth, of an anterior one
	across       float64 // of the centre expected, to anterior of the curve
	seeded       bool    // a reader put its centre there
}

// evidence is what an edge as strong as usual is worth, against the costs of the prior.
const evidence = 3.2

// chain returns superior and inferior endplates of the links that suit edges and prior best,
// and the mean strength of the edges of each.
func chain(e *edges, links []link) (plates [][2]plate, strength []float64, cost float64) {
	var layers []layer
	for _, l := range links {
		layers = append(layers, newLayer(e, l, -0.5, 1), newLayer(e, l, 0.5, -1))
	}
	for i := 1; i < len(layers); i++ {
		l := links[i/2]
		if i%2 == 1 {
			layers[i].follow(&layers[i-1], newTransition(2, l.height, heightSpread, wedgeSpread))
			layers[i].hold(l)
		} else {
			layers[i].follow(&layers[i-1], newTransition(1, links[i/2-1].disc, discSpread, discTilt))
		}
	}
	found, cost := backtrack(layers)
	plates, strength = make([][2]plate, len(links)), make([]float64, len(links))
	for i := range links {
		plates[i] = [2]plate{found[2*i], found[2*i+1]}
		strength[i] = (e.v[found[2*i].at*numTilts+found[2*i].tilt] - e.v[found[2*i+1].at*numTilts+found[2*i+1].tilt]) / 2
	}
	return plates, strength, cost
}

// layer holds the places that one endplate may take.
type layer struct {
	states []plate
	cost   []float64 // of the best chain that ends there
	from   []int
	// before holds the states of the layer before by which those were reached.
	before *layer
}

// searchShare is how far from its expected place an endplate may lie, of a body's height.
const searchShare = 0.62

func newLayer(e *edges, l link, side, sign float64) layer {
	var y layer
	middle, reach := l.center+side*l.height, searchShare*l.height
	for k := int(middle - reach); k <= int(middle+reach); k++ {
		if k < 0 || k >= e.n {
			continue
		}
		for tilt := range numTilts {
			y.states = append(y.states, plate{k, tilt})
			lean := tiltAt(tilt) / tiltSpread
			y.cost = append(y.cost, lean*lean/2-evidence*sign*e.v[k*numTilts+tilt])
		}
	}
	y.from = make([]int, len(y.states))
	return y
}

// transition holds the costs of a step from one endplate to the next by the samples between
// them and the difference of their tilts.
type transition struct{ length, tilt []float64 }

func newTransition(weight, usual, spread, tilt float64) transition {
	t := transition{make([]float64, 256), make([]float64, 2*numTilts-1)}
	for d := range t.length {
		t.length[d] = weight * cauchy(math.Log(max(float64(d), 1)/usual)/spread)
	}
	for d := range t.tilt {
		t.tilt[d] = cauchy(tiltStep * float64(d-numTilts+1) / tilt)
	}
	return t
}

// follow adds to each state the best way to it from the layer before.
func (y *layer) follow(before *layer, t transition) {
	y.before = before
	order := make([]int, len(before.states)) // the cheapest first, so that most need no look
	for j := range order {
		order[j] = j
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(before.cost[a], before.cost[b]) })
	for i, to := range y.states {
		best, from := math.Inf(1), 0
		for _, j := range order {
			if before.cost[j] >= best {
				break
			}
			s := before.states[j]
			d := to.at - s.at
			if d <= 0 || d >= len(t.length) {
				continue
			}
			if c := before.cost[j] + t.length[d] + t.tilt[to.tilt-s.tilt+numTilts-1]; c < best {
				best, from = c, j
			}
		}
		y.cost[i] += best
		y.from[i] = from
	}
}

// hold adds what it costs that the body, of which y is the inferior endplate, has its centre
// beside where it is expected.
func (y *layer) hold(l link) {
	sd := 0.35 // of a height
	if l.seeded {
		sd = 0.12
	}
	for i, to := range y.states {
		if len(y.before.states) == 0 {
			return
		}
		top := y.before.states[y.from[i]]
		off := (float64(to.at+top.at)/2 - l.center) / l.height / sd
		y.cost[i] += off * off / 2
	}
}

func backtrack(layers []layer) ([]plate, float64) {
	found := make([]plate, len(layers))
	last := layers[len(layers)-1]
	best := 0
	for i := range last.cost {
		if last.cost[i] < last.cost[best] {
			best = i
		}
	}
	cost := math.Inf(1)
	if len(last.cost) > 0 {
		cost = last.cost[best]
	}
	for i := len(layers) - 1; i >= 0; i-- {
		if len(layers[i].states) == 0 {
			continue
		}
		found[i] = layers[i].states[best]
		best = layers[i].from[best]
	}
	return found, cost
}

// cauchy is the cost of a difference of so many spreads.
func cauchy(x float64) float64 { return math.Log1p(x * x / 2) }
