// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Where a canal is too narrow for its path to be followed, localization's runs
// behind the laminae, beside the spinous processes: bone then stands between it
// and the posterior wall. The limits are defaults of this program: a judgement, with
// narrow canals of phantoms in view, that no reference gives.
const (
	// canalFarthest, mm, is how far behind the wall the middle of a canal may lie: half
	// of the widest, 25 mm. Fragments and cement in the canal lie before its path.
	canalFarthest = 13.0

	// laminaTurn, degrees, is by how much a vertebra's plane is turned against the mean
	// of those beside it, at least, where the path has left the canal to one side;
	// turnMost is more than any vertebra turns: on four real series 7°.
	laminaTurn = 9.0
	turnMost   = 12.0

	laminaHU    = 250.0 // of that bone, beyond any ligament and most vessels
	laminaClear = 1.5   // mm behind a wall, where its light has faded
	laminaSlab  = 2.0   // mm, half width of the strip that is looked at
	laminaStep  = 0.5   // mm
	laminaRows  = 6     // of those a millimetre apart that must show it, and half of them
)

// laminaBehind returns how far behind the wall of d bone stands before the canal's
// centre, mm; false if none does, as beside all canals whose path has not left them.
func (im *reader) laminaBehind(d *draft) (gap float64, ok bool) {
	var gaps []float64
	for i, s := range d.posterior.S {
		a := d.posterior.A[i] - laminaClear
		at := func(u, _ float64) r3.Vec { return d.frame.Point(s, a, u) }
		for a > d.canal && im.mean(at, laminaSlab, 0) < laminaHU {
			a -= laminaStep
		}
		if a > d.canal {
			gaps = append(gaps, d.posterior.A[i]-a)
		}
	}
	if 2*len(gaps) < len(d.posterior.S) || len(gaps) < laminaRows {
		return 0, false
	}
	return median(gaps), true
}

// findLost finds the canal beside vertebrae at which localization's path has left
// it. With the path the mid-sagittal plane is lost, and the depth: those of the
// vertebrae beside count. Without them on both sides nothing tells where discs and
// endplates are, which were read along the path, and the vertebra stays lost.
func (im *reader) findLost(drafts []draft) {
	im.markTurned(drafts)
	im.spreadLost(drafts)
	for i := range drafts {
		d := &drafts[i]
		depth, beside := usualDepth(drafts, i)
		if !d.lost || beside == 0 || !held(drafts, i-1) || !held(drafts, i+1) {
			continue
		}
		anterior := r3.Add(drafts[i-1].frame.Anterior, drafts[i+1].frame.Anterior)
		wall := d.frame.Point(0, median(d.posterior.A), 0)
		d.frame = volume.NewFrame(d.frame.Origin, d.frame.Superior, anterior)
		_, a, _ := d.frame.Coordinates(wall)
		d.canal = a - canalRadius
		im.traceWalls(d, depth)
		half := canalRadius
		if gap, ok := im.laminaBehind(d); ok {
			half = gap / 2
		}
		d.canal = median(d.posterior.A) - half
		d.middle = d.frame.Point(0, d.canal, 0)
		d.regained = true
	}
}

// markTurned marks as lost the vertebrae whose plane, which runs through the path, is
// turned against those on both sides, with bone before the path or so far that a
// lamina may have been taken for the wall: the path runs on one side of the spinous
// process. Fragments stand before it too, but do not move it aside.
func (im *reader) markTurned(drafts []draft) {
	for i := range drafts {
		d := &drafts[i]
		if d.lost || d.found.Sacral || !held(drafts, i-1) || !held(drafts, i+1) {
			continue
		}
		beside := r3.Unit(r3.Add(drafts[i-1].frame.Anterior, drafts[i+1].frame.Anterior))
		across := r3.Unit(r3.Add(drafts[i-1].frame.Left, drafts[i+1].frame.Left))
		turn := math.Atan2(r3.Dot(d.frame.Anterior, across), r3.Dot(d.frame.Anterior, beside))
		degrees := math.Abs(turn) * 180 / math.Pi
		if degrees < laminaTurn {
			continue
		}
		gap, ok := im.laminaBehind(d)
		if ok || degrees >= turnMost {
			d.lost, d.behind = true, gap
		}
	}
}

// spreadLost marks the vertebrae beside a lost one at which bone stands before the path
// too, nearer to what was taken for their wall than canalFarthest. How near it stands
// tells nothing there.
func (im *reader) spreadLost(drafts []draft) {
	lost := func(i int) bool { return i >= 0 && i < len(drafts) && drafts[i].lost }
	var also []int
	for i := range drafts {
		d := &drafts[i]
		if d.lost || d.found.Sacral || !lost(i-1) && !lost(i+1) {
			continue
		}
		if _, ok := im.laminaBehind(d); ok {
			also = append(also, i)
		}
	}
	for _, i := range also {
		drafts[i].lost = true
	}
}

// farthest returns how far before the canal's centre the posterior wall stands at
// most, mm: behind the laminae, where the path lies once it has left the canal, that
// tells nothing.
func (d *draft) farthest() float64 {
	if d.lost {
		return math.Inf(1)
	}
	return canalFarthest
}

// held reports whether the path lies in the canal beside vertebra i.
func held(drafts []draft, i int) bool {
	return i >= 0 && i < len(drafts) && !drafts[i].lost && !drafts[i].found.Sacral
}
