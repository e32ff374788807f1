// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
	"slices"
)

// The path through the enclosure scores.
const (
	// scoreSigma is the width along the slices' normal over which scores are
	// averaged, mm: more than half a foramen's height.
	scoreSigma = 4.0
	// unexplained is the enclosure (0 to 1) below which a slice costs rather
	// than pays. Between the pedicles a canal has some 0.9, at a foramen 0.5,
	// averaged 0.6 and more; soft tissue beside bone 0.3.
	unexplained = 0.4
	// slopeCost is the enclosure that a slope of 1 (45°) against the slices'
	// normal must gain.
	slopeCost = 0.05
	// maxSlope limits the canal's tilt against the slices' normal: 63°.
	maxSlope = 2.0
	// maxReach is what fits into a byte's backward step.
	maxReach = 7
)

// pathPoint is a point of a path, in coarse voxels of slice k.
type pathPoint struct{ i, j, k int }

// smoothScores returns the enclosure averaged over neighbouring slices and
// voxels.
func smoothScores(g *grid, score []uint8) []uint8 {
	n := g.ni * g.nj
	reach := int(1.5 * scoreSigma / g.dk)
	weight := make([]float32, reach+1)
	for d := range weight {
		z := float64(d) * g.dk / scoreSigma
		weight[d] = float32(math.Exp(-z * z / 2))
	}
	out := make([]uint8, len(score))
	each(g.nk, func(k int) {
		sum := make([]float32, n)
		var total float32
		for d := -reach; d <= reach; d++ {
			w := weight[max(d, -d)]
			if k+d < 0 || k+d >= g.nk {
				continue
			}
			total += w
			for p, h := range score[(k+d)*n:][:n] {
				if h > 0 {
					sum[p] += w * float32(h)
				}
			}
		}
		blur(out[k*n:][:n], sum, g.ni, g.nj, 1/total)
	})
	return out
}

// A cavity of bone with another such cavity behind it is a vertebral body (of
// thin trabecular bone), and the other the canal.
const (
	// The canal's centre lies behind what of a body's middle could be taken for
	// it by so much, mm.
	behindNear, behindFar = 12.0, 34.0
	behindHalfWidth       = 4.0
	// The scores, of 255, of the cavity behind from which and up to which the
	// one before loses, and the fraction it keeps.
	behindFrom, behindFull = 150, 200
	behindKeeps            = 0.25
)

// dropBodies returns score without the cavities that have another behind.
func dropBodies(g *grid, score []uint8) []uint8 {
	out := make([]uint8, len(score))
	n := g.ni * g.nj
	near, far, half := int(behindNear/g.dj), int(behindFar/g.dj), int(behindHalfWidth/g.di)
	each(g.nk, func(k int) {
		src, dst := score[k*n:][:n], out[k*n:][:n]
		wide := widened(src, g.ni, half)
		for p, v := range src {
			if v == 0 {
				continue
			}
			var behind uint8
			for d := near; d <= far && p+d*g.ni < n; d++ {
				behind = max(behind, wide[p+d*g.ni])
			}
			t := min(max((float64(behind)-behindFrom)/(behindFull-behindFrom), 0), 1)
			dst[p] = uint8(float64(v) * (1 - t*(1-behindKeeps)))
		}
	})
	return out
}

// widened returns the running maximum of rows of ni over ±half.
func widened(src []uint8, ni, half int) []uint8 {
	out := make([]uint8, len(src))
	for j := 0; j < len(src); j += ni {
		row := src[j : j+ni]
		for i := range row {
			for _, v := range row[max(i-half, 0):min(i+half+1, ni)] {
				out[j+i] = max(out[j+i], v)
			}
		}
	}
	return out
}

// blur writes scale times the 3 × 3 binomial mean of src to dst; the border is
// left 0.
func blur(dst []uint8, src []float32, ni, nj int, scale float32) {
	for j := 1; j < nj-1; j++ {
		for i := 1; i < ni-1; i++ {
			p := j*ni + i
			if src[p] == 0 {
				continue
			}
			row := func(q int) float32 { return src[q-1] + 2*src[q] + src[q+1] }
			dst[p] = uint8(scale/16*(row(p-ni)+2*row(p)+row(p+ni)) + 0.5)
		}
	}
}

// Vessels full of contrast agent enclose, with the bodies' anterior walls, tissue
// as a canal's walls do, at discs too.
const (
	// The canal then lies behind by so much, mm: up to the deepest body's depth
	// and its distance from the canal, and aside where the spine is turned by
	// some 20°.
	rearFar, rearAside = posteriorFar + depthMax, 25.0
	// rearShare is the gain of a path behind by that of the one before from which
	// the one behind is the canal.
	rearShare = 0.5
)

// canalPath returns bestPath, but the path behind it if there is one that gains
// nearly as much.
func canalPath(g *grid, score []uint8) ([]pathPoint, float64) {
	path, gain := bestPath(g, score)
	if len(path) == 0 {
		return nil, 0
	}
	near, far, aside := int(behindFar/g.dj), int(rearFar/g.dj), int(rearAside/g.di)
	rear, rest := make([]uint8, len(score)), slices.Clone(score)
	for _, p := range path {
		for j := range g.nj {
			from, row := g.index(0, j, p.k), score[g.index(0, j, p.k):][:g.ni]
			if j < p.j+near {
				clear(rest[from:][:g.ni])
			} else if j <= p.j+far {
				lo, hi := max(p.i-aside, 0), min(p.i+aside+1, g.ni)
				copy(rear[from+lo:from+hi], row[lo:hi])
			}
		}
	}
	if _, behind := bestPath(g, rear); behind < rearShare*gain {
		return path, gain
	}
	return bestPath(g, rest)
}

// bestPath returns the path of greatest gain through consecutive slices, from
// the lowest to the highest, and its gain in mm. It starts and ends where it
// pays; the path is empty if nothing does.
//
// The gain is the sum over slices of dk · (score - unexplained - slopeCost ·
// slope²).
func bestPath(g *grid, score []uint8) ([]pathPoint, float64) {
	s := newSearch(g, score)
	if s.w <= 0 || s.h <= 0 {
		return nil, 0
	}
	best, at := float32(0), pathPoint{k: -1}
	for k := range g.nk {
		s.advance(k)
		for p, f := range s.total {
			if f > best {
				best, at = f, pathPoint{p%s.w + s.i0, p/s.w + s.j0, k}
			}
		}
	}
	if at.k < 0 {
		return nil, 0
	}
	return s.trace(at), float64(best)
}

// search is the dynamic programming of bestPath within the box that holds any
// score.
type search struct {
	g      *grid
	score  []uint8
	i0, j0 int // of the box
	w, h   int
	reach  int
	costI  []float32 // of a step of -reach … reach, along i
	costJ  []float32

	total     []float32 // best gain of a path that ends here
	best, tmp []float32
	argI      []int8
	back      []uint8 // per voxel of the box and slice: the step before; pathStart for none
}

const pathStart = 255

func newSearch(g *grid, score []uint8) *search {
	s := &search{g: g, score: score}
	s.box()
	s.reach = min(int(math.Ceil(maxSlope*g.dk/math.Min(g.di, g.dj))), maxReach)
	for d := -s.reach; d <= s.reach; d++ {
		slope := func(step float64) float32 {
			t := float64(d) * step / g.dk
			return float32(slopeCost * t * t * g.dk)
		}
		s.costI, s.costJ = append(s.costI, slope(g.di)), append(s.costJ, slope(g.dj))
	}
	n := max(s.w*s.h, 0)
	s.total, s.best, s.tmp = make([]float32, n), make([]float32, n), make([]float32, n)
	s.argI = make([]int8, n)
	s.back = make([]uint8, n*g.nk)
	return s
}

// box finds the columns and rows that hold a score which pays.
func (s *search) box() {
	pays := uint8(math.Floor(unexplained * 255))
	lo, hi := pathPoint{i: s.g.ni, j: s.g.nj}, pathPoint{i: -1, j: -1}
	for k := range s.g.nk {
		for j := range s.g.nj {
			for i, v := range s.score[s.g.index(0, j, k):][:s.g.ni] {
				if v > pays {
					lo.i, lo.j = min(lo.i, i), min(lo.j, j)
					hi.i, hi.j = max(hi.i, i), max(hi.j, j)
				}
			}
		}
	}
	s.i0, s.j0, s.w, s.h = lo.i, lo.j, hi.i-lo.i+1, hi.j-lo.j+1
}

// advance goes on to slice k.
func (s *search) advance(k int) {
	s.spreadI()
	back := s.back[k*s.w*s.h:][:s.w*s.h]
	s.spreadJ(back)
	dk := float32(s.g.dk)
	for y := range s.h {
		row := s.score[s.g.index(s.i0, s.j0+y, k):][:s.w]
		for x, v := range row {
			p := y*s.w + x
			gain := (float32(v)/255 - unexplained) * dk
			if k == 0 || s.best[p] <= 0 {
				s.total[p], back[p] = gain, pathStart
				continue
			}
			s.total[p] = s.best[p] + gain
		}
	}
}

// spreadI sets tmp to the best of total within reach along i, less the cost.
func (s *search) spreadI() {
	for y := range s.h {
		row, out, arg := s.total[y*s.w:][:s.w], s.tmp[y*s.w:][:s.w], s.argI[y*s.w:][:s.w]
		for x := range row {
			best, step := row[x], 0
			for d := max(-s.reach, -x); d <= min(s.reach, s.w-1-x); d++ {
				if f := row[x+d] - s.costI[d+s.reach]; f > best {
					best, step = f, d
				}
			}
			out[x], arg[x] = best, int8(step)
		}
	}
}

// spreadJ sets best to the best of tmp within reach along j, less the cost, and
// back to the two steps.
func (s *search) spreadJ(back []uint8) {
	side := 2*s.reach + 1
	for y := range s.h {
		for x := range s.w {
			p := y*s.w + x
			best, step := s.tmp[p], 0
			for d := max(-s.reach, -y); d <= min(s.reach, s.h-1-y); d++ {
				if f := s.tmp[p+d*s.w] - s.costJ[d+s.reach]; f > best {
					best, step = f, d
				}
			}
			s.best[p] = best
			back[p] = uint8((step+s.reach)*side + int(s.argI[p+step*s.w]) + s.reach)
		}
	}
}

// trace follows the steps back from at; the result ascends.
func (s *search) trace(at pathPoint) []pathPoint {
	side := 2*s.reach + 1
	var path []pathPoint
	for {
		path = append(path, at)
		b := int(s.back[(at.k*s.h+at.j-s.j0)*s.w+at.i-s.i0])
		if b == pathStart {
			break
		}
		at = pathPoint{at.i + b%side - s.reach, at.j + b/side - s.reach, at.k - 1}
	}
	slices.Reverse(path)
	return path
}
