// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// walls traces the posterior and the anterior wall between the heights lo and
// hi of f. canal is where the canal's centre lies along a; depth and sd are the
// body's expected depth. What stands farther than farthest before the canal's centre
// is a posterior wall only if none stands nearer.
func (im *reader) walls(f volume.Frame, lo, hi, canal, farthest, depth, sd float64) (posterior, anterior Wall) {
	p := profiles{s0: lo, x0: canal - 4}
	length := canalRadius + 4 + depth + 3*sd
	for s := lo; s <= hi; s += wallRow {
		row := make([]float64, int(length/wallStep))
		for c := range row {
			a := p.position(float64(c))
			row[c] = im.mean(func(l, _ float64) r3.Vec { return f.Point(s, a, l) }, wallSlab, 0)
		}
		if !fillOutside(row) {
			continue
		}
		darkTo(row, leastOutsideHU)
		if len(p.rows) == 0 {
			p.s0 = s
		}
		p.rows = append(p.rows, row)
		if im.hides != nil {
			p.seen = append(p.seen, im.seen(len(row), func(c int, l float64) r3.Vec { return f.Point(s, p.position(float64(c)), l) }))
		}
	}
	if len(p.rows) == 0 {
		return Wall{}, Wall{}
	}
	sigma := im.blur.across(f.Anterior).total()
	var back, front tracedWall
	best := math.Inf(-1)
	for _, b := range p.backWalls(canal, farthest, depth, sd, sigma) {
		at, score := traceWithin(p, sigma, true, median(b.at)+depth, sd, depthMost*sd)
		if m := median(score); m > best {
			best, back, front = m, b, tracedWall{at, score}
		}
	}
	return wallOf(p, back.at, back.score, -boneThickness/2), wallOf(p, front.at, front.score, boneThickness/2)
}

// tracedWall is where a wall's plate lies in each row, and the score of the edge there.
type tracedWall struct{ at, score []float64 }

// backWalls traces the posterior wall, as walls tells. Where a wall has another one
// before it that stands too far from the canal, either may be it: a lamina, or a wall
// with a dense lesion behind it. The anterior wall tells.
func (p profiles) backWalls(canal, farthest, depth, sd, sigma float64) []tracedWall {
	at, score := trace(p, sigma, false, canal+canalRadius, canalRadiusSD)
	wall := tracedWall{at, score}
	if median(at)-canal > farthest {
		at, score := traceWithin(p, sigma, false, canal+canalRadius, canalRadiusSD, farthest-canalRadius)
		if median(score) >= leastWall {
			wall = tracedWall{at, score}
		}
	}
	before, score := p.wallBefore(wall.at, sigma)
	switch {
	case before == nil || !p.leavesBody(before, depth, sd, sigma):
		return []tracedWall{wall}
	case median(before)-canal > farthest:
		return []tracedWall{wall, {before, score}}
	}
	return []tracedWall{{before, score}}
}

// leavesBody reports whether a posterior wall leaves enough of a body of the expected
// depth before it. The rim of a deep dent looks like a wall with a canal behind it, but
// does not.
func (p profiles) leavesBody(back []float64, depth, sd, sigma float64) bool {
	front, _ := trace(p, sigma, true, median(back)+depth, sd)
	return median(front)-median(back) >= shallowest*depth
}

// wallOf makes a wall of traced plate centres, moved outwards to the face.
func wallOf(p profiles, at, score []float64, outwards float64) Wall {
	var w Wall
	for r := range at {
		w.S = append(w.S, p.s0+float64(r)*wallRow)
		w.A = append(w.A, at[r]+outwards)
		w.SD = append(w.SD, 0.3+1/(1+score[r]))
	}
	return w
}
