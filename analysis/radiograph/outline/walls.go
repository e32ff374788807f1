// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import "math"

// walls are where the walls of a body cross its middle height, samples to anterior of the
// curve.
type walls struct{ posterior, anterior float64 }

// wallEvidence is what a wall as clear as usual is worth: less than an endplate, as aorta,
// diaphragm and arches run along the spine too.
const (
	wallEvidence  = 0.8
	plateEvidence = 8.0
)

// acrossSD is how far the middle of a body lies from where the curve runs, of its depth.
func (l *link) acrossSD() float64 {
	if l.seeded {
		return 0.06
	}
	return 0.1
}

// findWalls returns the walls of bodies whose endplates are known: where the film gets
// brighter to anterior at the back of a body and darker at its front, for depths near the
// usual and middles that change smoothly along the spine.
func findWalls(s *strip, plates [][2]plate, links []link) ([]walls, float64) {
	const step = 2 // samples
	type state struct {
		w    walls
		cost float64
		from int
	}
	layers := make([][]state, len(plates))
	for i, p := range plates {
		rise, shared := s.acrossSlope(p), s.endplateShare(p, links[i].depth)
		reach := int(0.42 * links[i].depth)
		for middle := -reach; middle <= reach; middle += step {
			for half := int(0.38 * links[i].depth); half <= int(0.64*links[i].depth); half += step / 2 {
				back, front := s.half+middle-half, s.half+middle+half
				if back < 0 || front >= s.width {
					continue
				}
				size := math.Log(2*float64(half)/links[i].depth) / depthSpread
				off := (float64(middle) - links[i].across) / (links[i].acrossSD() * links[i].depth)
				layers[i] = append(layers[i], state{
					walls{float64(middle - half), float64(middle + half)},
					size*size/2 + off*off/2 - wallEvidence*(links[i].back*rise[back]-rise[front]) - plateEvidence*(shared[front]-shared[back]), 0,
				})
			}
		}
	}
	for i := 1; i < len(layers); i++ {
		for n := range layers[i] {
			to := &layers[i][n]
			best := math.Inf(1)
			for j, from := range layers[i-1] {
				if from.cost >= best {
					continue
				}
				shift := (to.w.posterior + to.w.anterior - from.w.posterior - from.w.anterior) / 2 / (0.06 * links[i].depth)
				grow := math.Log((to.w.anterior-to.w.posterior)/links[i].depth*links[i-1].depth/(from.w.anterior-from.w.posterior)) / 0.04
				if c := from.cost + shift*shift/2 + grow*grow/2; c < best {
					best, to.from = c, j
				}
			}
			to.cost += best
		}
	}
	found := make([]walls, len(plates))
	best, cost := 0, 0.0
	for i := len(layers) - 1; i >= 0; i-- {
		if len(layers[i]) == 0 {
			found[i] = walls{-links[i].depth / 2, links[i].depth / 2}
			continue
		}
		if i == len(layers)-1 {
			for n := range layers[i] {
				if layers[i][n].cost < layers[i][best].cost {
					best = n
				}
			}
			cost = layers[i][best].cost
		}
		found[i] = layers[i][best].w
		best = layers[i][best].from
	}
	return found, cost
}

// acrossSlope returns how the film brightens to anterior, averaged over the middle of a
// body's height along its own tilt, relative to how it varies.
func (s *strip) acrossSlope(p [2]plate) []float64 {
	mean := make([]float64, s.width)
	rise := math.Tan((tiltAt(p[0].tilt) + tiltAt(p[1].tilt)) / 2 * math.Pi / 180)
	from, to := 0.25, 0.75
	const rows = 12
	for a := range mean {
		for r := range rows {
			f := from + (to-from)*float64(r)/(rows-1)
			k := float64(p[0].at) + f*float64(p[1].at-p[0].at) + rise*float64(a-s.half)
			mean[a] += s.v[min(max(int(math.Round(k)), 0), s.n-1)*s.width+a] / rows
		}
	}
	height := float64(p[1].at - p[0].at)
	d := slope(smooth(mean, max(0.035*height, 1)))
	var power float64
	for _, v := range d {
		power += v * v / float64(len(d))
	}
	for i := range d {
		d[i] /= math.Sqrt(power) + 1e-12
	}
	return d
}

// endplateShare returns, summed from posterior on, how much of the endplates' edges there is
// across the strip, less half of what there is about the middle: the sum between two walls is
// greatest where all of the endplates lies between them and nothing else. A usual depth of
// usual edges is 0.5.
func (s *strip) endplateShare(p [2]plate, depth float64) []float64 {
	edge := make([]float64, s.width)
	const reach = 2 // samples to each side of an endplate
	at := func(q plate, a, d int) float64 {
		k := float64(q.at+d) + math.Tan(tiltAt(q.tilt)*math.Pi/180)*float64(a-s.half)
		return s.v[min(max(int(math.Round(k)), 0), s.n-1)*s.width+a]
	}
	for a := range edge {
		for d := 1; d <= reach; d++ {
			edge[a] += at(p[0], a, d) - at(p[0], a, -d) + at(p[1], a, -d) - at(p[1], a, d)
		}
	}
	edge = smooth(edge, 0.06*depth)
	var usual float64
	core := int(coreShare * depth)
	for a := s.half - core; a <= s.half+core; a++ {
		usual += max(edge[a], 0) / float64(2*core+1)
	}
	sum := make([]float64, s.width)
	for a := 1; a < s.width; a++ {
		sum[a] = sum[a-1] + (min(edge[a]/(usual+1e-9), 1.5)-0.5)/depth
	}
	return sum
}
