// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"math"
)

// tracer traces edges on the film in the frame of a body.
type tracer struct {
	film  *film
	frame frame
	sigma float64 // of the derivative of a Gaussian across an edge
	usual float64 // a usual millimetre
}

func (t *tracer) at(p place) float64 { return t.film.at(t.frame.point(p)) }

// endplate returns the endplate near the line from posterior to anterior, ordered by a. up is
// 1 for the superior one: bone lies below it.
func (t *tracer) endplate(posterior, anterior place, up float64) []place {
	const n = 41
	margin := 0.04 * (anterior.a - posterior.a)
	line := func(i int) place {
		f := float64(i) / (n - 1)
		a := posterior.a - margin + f*(anterior.a-posterior.a+2*margin)
		return place{posterior.s + (anterior.s-posterior.s)*(a-posterior.a)/(anterior.a-posterior.a), a}
	}
	offsets := t.trace(n, 4*t.usual, func(i int, d float64) float64 {
		p := line(i)
		return t.at(place{p.s - up*d, p.a}) // d into the body
	})
	out := make([]place, n)
	for i := range out {
		p := line(i)
		out[i] = place{p.s - up*offsets[i], p.a}
	}
	return out
}

// wall returns the wall near the line from superior to inferior; ahead is 1 for the anterior
// one: bone lies behind it.
func (t *tracer) wall(superior, inferior place, ahead, reach float64) []place {
	const n = 31
	line := func(i int) place {
		f := float64(i) / (n - 1)
		return place{superior.s + f*(inferior.s-superior.s), superior.a + f*(inferior.a-superior.a)}
	}
	offsets := t.trace(n, reach, func(i int, d float64) float64 {
		p := line(i)
		return t.at(place{p.s, p.a - ahead*d})
	})
	out := make([]place, n)
	for i := range out {
		p := line(i)
		out[i] = place{p.s, p.a - ahead*offsets[i]}
	}
	return out
}

// smoothness is what a step of an edge of one offset from one place to the next costs, of the
// strength of a usual edge, and a bend as much.
const smoothness = 0.25

// trace returns for n places along an edge how far into the bone it lies, within reach of
// where it is expected. brightness returns that of the film at place i and a distance into
// the bone. The edge is where the film brightens most, along the smoothest such line.
func (t *tracer) trace(n int, reach float64, brightness func(i int, d float64) float64) []float64 {
	const half = 24 // offsets to each side
	step := reach / half
	const width = 2*half + 1
	pad := int(math.Ceil(3*t.sigma/step)) + 1
	rows := make([][]float64, n)
	for i := range rows {
		v := make([]float64, width+2*pad)
		for k := range v {
			v[k] = brightness(i, float64(k-half-pad)*step)
		}
		d := slope(smooth(v, t.sigma/step))
		rows[i] = d[pad : pad+width]
	}
	rows = alongside(rows)
	var power float64
	for _, r := range rows {
		best := 0.0
		for _, v := range r {
			best = max(best, v)
		}
		power += best / float64(n)
	}
	cost := make([][]float64, n)
	from := make([][]int, n)
	for i, r := range rows {
		cost[i], from[i] = make([]float64, width), make([]int, width)
		for k := range r {
			off := float64(k-half) / half
			own := 0.6*off*off - r[k]/(power+1e-12)
			if i == 0 {
				cost[i][k] = own
				continue
			}
			best := math.Inf(1)
			const jump = 6
			for j := max(k-jump, 0); j <= min(k+jump, width-1); j++ {
				d := float64(k - j)
				if c := cost[i-1][j] + smoothness*d*d/4; c < best {
					best, from[i][k] = c, j
				}
			}
			cost[i][k] = own + best
		}
	}
	k := 0
	for j := range cost[n-1] {
		if cost[n-1][j] < cost[n-1][k] {
			k = j
		}
	}
	out := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		out[i] = (float64(k-half) + peak(rows[i], k)) * step
		k = from[i][k]
	}
	return smooth(out, 1.5)
}

// alongside returns the means of each row with its neighbours: an endplate is as smooth.
func alongside(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows))
	for i := range rows {
		out[i] = make([]float64, len(rows[i]))
		const reach = 2
		var n float64
		for j := max(i-reach, 0); j <= min(i+reach, len(rows)-1); j++ {
			for k, v := range rows[j] {
				out[i][k] += v
			}
			n++
		}
		for k := range out[i] {
			out[i][k] /= n
		}
	}
	return out
}

// peak returns how far from k the top of the parabola through r about k lies, within half a
// sample.
func peak(r []float64, k int) float64 {
	if k == 0 || k == len(r)-1 {
		return 0
	}
	a, b, c := r[k-1], r[k], r[k+1]
	if bend := a - 2*b + c; bend < 0 {
		return min(max((a-c)/(2*bend), -0.5), 0.5)
	}
	return 0
}
