// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import "math"

const (
	// A rib or process leaves at the height of the pedicle: about rootAbove of
	// the pitch above the body's centre, give or take rootSD of it.
	rootAbove = 0.22
	rootSD    = 0.22
	// rootCost scales the squared deviation; one standard deviation costs as
	// much as a column without bone.
	rootCost = 0.5

	// Per column of stepMM a path climbs at most one row and falls at most two:
	// upper ribs run level, the twelfth at 45 degrees and more.
	maxRise, maxFall = 1, 2
	// bendCost is charged for each row that a path climbs or falls.
	bendCost = 0.04

	// halfSure is the contrast above which following on pays.
	halfSure = 0.5
	// Paths closer than this many rows have merged.
	mergedRows = 3
	// mergeSupport columns before the merger say whose the bone is.
	mergeSupport = 8
)

// trace is the bone followed sideways from one vertebra: a row per column up to
// the best end.
type trace struct {
	rows   []int
	values []float64 // contrast along it
	seen   bool
	open   bool // the last column, or the next is outside the volume
}

// follow returns the path of bone that begins near row root and pays best.
func follow(contrast []float64, rows int, root, pitchRows float64) trace {
	lo := max(int(root-pitchRows), 0)
	hi := min(int(root+2*pitchRows)+mapColumns, rows-1)
	n := hi - lo + 1
	if n <= 0 {
		return trace{}
	}
	score, from := make([]float64, mapColumns*n), make([]int8, mapColumns*n)
	seen := false
	bestC, bestR, best := 0, -1, math.Inf(-1)
	for c := range mapColumns {
		for r := range n {
			v := contrast[(lo+r)*mapColumns+c]
			s, d := math.Inf(-1), 0
			if c == 0 {
				s = startScore(float64(lo+r)-root, pitchRows)
				seen = seen || (!math.IsNaN(v) && !math.IsInf(s, -1))
			} else {
				s, d = bestStep(score[(c-1)*n:c*n], r)
			}
			if math.IsNaN(v) {
				s = math.Inf(-1)
			}
			s += v - halfSure
			if math.IsNaN(s) {
				s = math.Inf(-1)
			}
			score[c*n+r], from[c*n+r] = s, int8(d)
			if s > best {
				best, bestC, bestR = s, c, r
			}
		}
	}
	if !seen || bestR < 0 {
		return trace{}
	}
	t := trace{seen: true, rows: make([]int, bestC+1), values: make([]float64, bestC+1)}
	for c, r := bestC, bestR; c >= 0; c-- {
		t.rows[c], t.values[c] = lo+r, contrast[(lo+r)*mapColumns+c]
		r -= int(from[c*n+r])
	}
	t.open = bestC == mapColumns-1 || endsOutside(contrast, rows, t.rows[bestC], bestC)
	return t
}

// startScore returns the cost of leaving the given rows below the vertebra's
// centre, minus infinity beyond its own stretch.
func startScore(below, pitchRows float64) float64 {
	z := (below/pitchRows + rootAbove) / rootSD
	if math.Abs(z) > 2 {
		return math.Inf(-1)
	}
	return -rootCost * z * z
}

// bestStep returns the best score in the column before from which row r can be
// reached, and the fall to r.
func bestStep(before []float64, r int) (score float64, fall int) {
	score = math.Inf(-1)
	for d := -maxRise; d <= maxFall; d++ {
		if k := r - d; k >= 0 && k < len(before) {
			if s := before[k] - bendCost*math.Abs(float64(d)); s > score {
				score, fall = s, d
			}
		}
	}
	return score, fall
}

// endsOutside reports whether the pixels beside the path's end are outside the
// volume.
func endsOutside(contrast []float64, rows, r, c int) bool {
	for d := -maxRise; d <= maxFall; d++ {
		if k := r + d; k < 0 || k >= rows || math.IsNaN(contrast[k*mapColumns+c+1]) {
			return true
		}
	}
	return false
}

// separate cuts one of two traces that have merged: the one with less bone
// before the place where they meet.
func separate(a, b *trace) {
	for c := range min(len(a.rows), len(b.rows)) {
		if d := b.rows[c] - a.rows[c]; d >= mergedRows || d <= -mergedRows {
			continue
		}
		if a.support(c) < b.support(c) {
			a.cut(c)
		} else {
			b.cut(c)
		}
		return
	}
}

// support returns the mean contrast before column c.
func (t *trace) support(c int) float64 {
	sum, n := 0.0, 0
	for k := max(c-mergeSupport, 0); k < c; k++ {
		sum += t.values[k]
		n++
	}
	if n == 0 {
		return t.values[c]
	}
	return sum / float64(n)
}

// cut ends t before column c, where it pays best.
func (t *trace) cut(c int) {
	best, end, sum := 0.0, 0, 0.0
	for k := range c {
		if sum += t.values[k] - halfSure; sum > best {
			best, end = sum, k+1
		}
	}
	t.rows, t.values, t.open = t.rows[:end], t.values[:end], false
}

// reach returns how far t goes.
func (t *trace) reach() reach {
	if !t.seen {
		return reach{}
	}
	return reach{mm: rootMM + stepMM*float64(max(len(t.rows)-1, 0)), open: t.open, seen: true}
}

// reaches returns the reach of each vertebra on one side. root and pitch are the
// arc lengths of the vertebrae and their spacing, in rows.
func reaches(m *boneMap, root, pitch []float64) []reach {
	contrast := m.contrast()
	traces := make([]trace, len(root))
	for i := range root {
		traces[i] = follow(contrast, m.rows, root[i], pitch[i])
	}
	for i := range len(traces) - 1 {
		separate(&traces[i], &traces[i+1])
	}
	out := make([]reach, len(traces))
	for i := range traces {
		out[i] = traces[i].reach()
	}
	return out
}
