// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

const (
	// A rib or process leaves the spine above the body's centre: the lumbar
	// processes and the last ribs at the height of the pedicle, the others, whose
	// heads lie at the disc, up to half a pitch above. In units of the pitch.
	rootAbove = 0.2
	rootSD    = 0.2
	// rootBend is the standard deviation of its change to the next vertebra.
	rootBend = 0.15
	// rootApart is the least distance between the roots of neighbours.
	rootApart = 0.6
	// rootMost bounds, in deviations, how far a root may be from where it is
	// expected.
	rootMost = 2.5
	// rootUnseen is the score of a vertebra without bone beside it, less than that
	// of little bone in the usual place.
	rootUnseen = -3.0
	// rootWorth is what a root's bone is worth at most, against the squares of
	// these deviations: that of a process. A long rib is no better a root.
	rootWorth = 4.0

	// The bones of the two sides leave within rowsApart of their common row.
	rowsApart = 2

	// Per column of stepMM a path climbs at most one row and falls at most two:
	// upper ribs run level, the twelfth at 45 degrees and more.
	maxRise, maxFall = 1, 2
	// bendCost is charged for each row that a path climbs or falls on bone,
	// gapBendCost off it: what follows a gap must lie straight ahead.
	bendCost, gapBendCost = 0.04, 0.3

	// A column of sure bone pays boneGain, one without costs noBoneCost, each
	// column farther out onward as much as the one before: a path crosses a gap of
	// at most ln(2/3)/ln(onward) columns, 7 mm, and near bone counts more.
	boneGain, noBoneCost = 0.5, 1.0
	onward               = 0.92

	// Paths closer than this many rows, half a rib's height, have merged.
	mergedRows = 4
	// mergeSupport columns before the merger say whose the bone is; there a row
	// climbed or fallen costs mergeBend.
	mergeSupport = 8
	mergeBend    = 0.1
	// From freeColumn on, beyond facets and pedicles, bones of neighbours do not
	// touch.
	freeColumn = 3

	// Where the field of view hides the root, a path may begin up to this many
	// columns farther out.
	lateStart = 14
	// A root is hidden if the volume lacks the expected place or those rootHidden
	// deviations from it; a path of ribColumns, longer than any process, needs no
	// root.
	rootHidden = 2.0
	ribColumns = int((54.0-rootMM)/stepMM) + 1
	// rootShown is the sum of gains from which a bone that begins in view is what
	// leaves the vertebra: 6 mm of sure bone, as short processes have beyond rootMM.
	rootShown = 2.0
)

// trace is the bone followed sideways from one vertebra: a row for each column
// from first on.
type trace struct {
	first int
	rows  []int
	gains []float64
	seen  bool
	open  bool // bone goes on beyond the map or the volume
}

// tracer holds, for each pixel of a bone map, the gain of being there and the
// most that a path can still gain from there on, discounted, index row*mapColumns+column.
type tracer struct {
	rows          int
	gain, outlook []float64
}

func newTracer(m *boneMap) *tracer {
	t := &tracer{rows: m.rows, gain: m.contrast()}
	for i, v := range t.gain {
		t.gain[i] = min(2*noBoneCost*v-noBoneCost, boneGain) // NaN stays NaN
	}
	t.outlook = make([]float64, len(t.gain))
	for c := mapColumns - 1; c >= 0; c-- {
		for r := range t.rows {
			on, _ := t.next(r, c)
			t.outlook[r*mapColumns+c] = max(t.gain[r*mapColumns+c]+onward*on, 0)
		}
	}
	return t
}

// next returns the best outlook one column on from (r, c), and the fall to it;
// 0 where the map ends. An outlook that is not positive means to stop.
func (t *tracer) next(r, c int) (outlook float64, fall int) {
	if c+1 >= mapColumns {
		return 0, 0
	}
	for d := -maxRise; d <= maxFall; d++ {
		k := r + d
		if k < 0 || k >= t.rows {
			continue
		}
		cost := bendCost
		if min(t.gain[r*mapColumns+c], t.gain[k*mapColumns+c+1]) < 0 {
			cost = gapBendCost
		}
		// Comparison with NaN, outside the volume, is false.
		if v := t.outlook[k*mapColumns+c+1] - cost*math.Abs(float64(d)); v > outlook {
			outlook, fall = v, d
		}
	}
	return outlook, fall
}

// start returns the first column of row r inside the volume, -1 if it lies
// farther out than a path may begin.
func (t *tracer) start(r int) int {
	for c := range lateStart {
		if !math.IsNaN(t.gain[r*mapColumns+c]) {
			return c
		}
	}
	return -1
}

// follow returns the best path that begins at row r.
func (t *tracer) follow(r int) trace {
	out := trace{first: t.start(r), seen: true}
	for c := out.first; t.outlook[r*mapColumns+c] > 0; c++ {
		out.rows = append(out.rows, r)
		out.gains = append(out.gains, t.gain[r*mapColumns+c])
		on, fall := t.next(r, c)
		if on <= 0 {
			out.open = t.goesOut(r, c)
			break
		}
		r += fall
	}
	return out
}

// goesOut reports whether the map ends at column c or the volume beside it.
func (t *tracer) goesOut(r, c int) bool {
	if c == mapColumns-1 {
		return true
	}
	for d := -maxRise; d <= maxFall; d++ {
		if k := r + d; k >= 0 && k < t.rows && math.IsNaN(t.gain[k*mapColumns+c+1]) {
			return true
		}
	}
	return false
}

// ready returns how much bone leaves from row r or from rowsApart above or
// below, and that row; the row is -1 if the volume hides them all.
func (t *tracer) ready(r int) (worth float64, row int) {
	row = -1
	for k := max(r-rowsApart, 0); k <= min(r+rowsApart, t.rows-1); k++ {
		c := t.start(k)
		if c < 0 {
			continue
		}
		if v := t.outlook[k*mapColumns+c]; row < 0 || v > worth {
			worth, row = v, k
		}
	}
	return min(worth, rootWorth), row
}

// root is one place where the bones of a vertebra may leave.
type root struct {
	row   int     // -1 if hidden
	above float64 // of the vertebra's centre, in pitches
	score float64
	from  int // the root of the vertebra above that goes with it
}

// after returns the score of coming to r from the best of the roots above it,
// and that root; least is the smallest distance, in rows.
func (r root) after(above []root, least float64) (score float64, from int) {
	score = math.Inf(-1)
	for k, u := range above {
		v := u.score
		if u.row >= 0 && r.row >= 0 {
			if float64(r.row-u.row) < least {
				continue
			}
			d := (u.above - r.above) / rootBend
			v -= d * d / 2
		}
		if v > score {
			score, from = v, k
		}
	}
	return score, from
}

// roots returns the row at which the bones of each vertebra leave to both
// sides, for all vertebrae at once: the most bone at places that are usual,
// change little along the chain and keep neighbours apart. It is -1 where the
// volume hides it. center and pitch are in rows.
func roots(l, r *tracer, center, pitch []float64) []int {
	all := make([][]root, len(center))
	for i := range center {
		all[i] = candidates(l, r, center[i], pitch[i])
		if i == 0 {
			continue
		}
		least := rootApart * min(pitch[i], pitch[i-1])
		for k := range all[i] {
			score, from := all[i][k].after(all[i-1], least)
			all[i][k].score += score
			all[i][k].from = from
		}
	}
	rows := make([]int, len(center))
	at := 0
	for k, c := range all[len(all)-1] {
		if c.score > all[len(all)-1][at].score {
			at = k
		}
	}
	for i := len(all) - 1; i >= 0; i-- {
		rows[i], at = all[i][at].row, all[i][at].from
	}
	return rows
}

// candidates returns the roots that a vertebra may have.
func candidates(l, r *tracer, center, pitch float64) []root {
	if c := min(max(int(math.Round(center)), 0), l.rows-1); l.start(c) != 0 && r.start(c) != 0 {
		return []root{{row: -1}} // the volume ends short of the vertebra
	}
	out := []root{{row: -1, score: rootUnseen}}
	for row := range l.rows {
		above := (center - float64(row)) / pitch
		z := (above - rootAbove) / rootSD
		if math.Abs(z) > rootMost {
			continue
		}
		wl, rl := l.ready(row)
		wr, rr := r.ready(row)
		if rl >= 0 || rr >= 0 {
			out = append(out, root{row: row, above: above, score: wl + wr - z*z/2})
		}
	}
	return out
}

// separate cuts one of two traces that merge: the one that comes to the place
// where they meet with less bone or at the sharper angle.
func (t *tracer) separate(a, b *trace) {
	for c := max(a.first, b.first); c < min(a.end(), b.end()); c++ {
		upper, lower := a.rows[c-a.first], b.rows[c-b.first]
		if lower-upper >= mergedRows && !(c >= freeColumn && t.joined(upper, lower, c)) {
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

// end returns the column after the last.
func (t *trace) end() int { return t.first + len(t.rows) }

// joined reports whether all between two rows of column c is bone.
func (t *tracer) joined(upper, lower, c int) bool {
	for r := upper; r <= lower; r++ {
		if !(t.gain[r*mapColumns+c] > 0) {
			return false
		}
	}
	return true
}

// support returns the mean gain before column c, less for the rows climbed or
// fallen.
func (t *trace) support(c int) float64 {
	sum, n := 0.0, 0
	for k := max(c-t.first-mergeSupport, 0); k < c-t.first; k++ {
		sum += t.gains[k] - mergeBend*math.Abs(float64(t.rows[k+1]-t.rows[k]))
		n++
	}
	if n == 0 {
		return t.gains[0]
	}
	return sum / float64(n)
}

// cut ends t before column c, where it pays best.
func (t *trace) cut(c int) {
	best, end, sum := 0.0, 0, 0.0
	for k := range c - t.first {
		if sum += t.gains[k]; sum > best {
			best, end = sum, k+1
		}
	}
	t.rows, t.gains, t.open = t.rows[:end], t.gains[:end], false
}

// reach returns how far t goes.
func (t *trace) reach() reach {
	return reach{mm: rootMM + stepMM*float64(max(t.end()-1, 0)), open: t.open, seen: t.seen}
}

// hidden reports whether the volume leaves out part of where the root of a
// vertebra at row center may be.
func (t *tracer) hidden(center, pitch float64) bool {
	for z := -rootHidden; z <= rootHidden; z += rootHidden {
		r := int(math.Round(center - pitch*(rootAbove+z*rootSD)))
		if r < 0 || r >= t.rows || math.IsNaN(t.gain[r*mapColumns]) {
			return true
		}
	}
	return false
}

// follow returns the bone followed to both sides from each vertebra, and from one
// above and one below, so that their bones are not taken for the chain's own.
// center and pitch are the vertebrae's rows and their spacing in rows.
func follow(l, r *boneMap, center, pitch []float64) (leftward, rightward []trace) {
	center, pitch = flank(center, pitch)
	tl, tr := newTracer(l), newTracer(r)
	rows := roots(tl, tr, center, pitch)
	return tl.followAll(rows, center, pitch), tr.followAll(rows, center, pitch)
}

// flank adds a vertebra above and one below.
func flank(center, pitch []float64) (flankedCenter, flankedPitch []float64) {
	last := len(center) - 1
	flankedCenter = append(append([]float64{center[0] - pitch[0]}, center...), center[last]+pitch[last])
	flankedPitch = append(append([]float64{pitch[0]}, pitch...), pitch[last])
	return flankedCenter, flankedPitch
}

// followAll returns the bone followed from the given common rows.
func (t *tracer) followAll(rows []int, center, pitch []float64) []trace {
	traces := make([]trace, len(rows))
	for i, r := range rows {
		if r < 0 {
			continue
		}
		if _, own := t.ready(r); own >= 0 {
			traces[i] = t.follow(own)
		}
	}
	for i := range len(traces) - 1 {
		if traces[i].seen && traces[i+1].seen {
			t.separate(&traces[i], &traces[i+1])
		}
	}
	for i := range traces { // short for want of a root says nothing
		if traces[i].end() < ribColumns && !traces[i].rooted() && t.hidden(center[i], pitch[i]) {
			traces[i].seen = false
		}
	}
	return traces
}

// rooted reports whether t holds bone from its root on: it then is what leaves the
// vertebra, even if another place where it might leave lies beyond the volume.
func (t *trace) rooted() bool {
	return t.first == 0 && floats.Sum(t.gains) >= rootShown
}
