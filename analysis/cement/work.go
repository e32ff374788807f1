// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"
	"slices"
)

const (
	// leakReach, mm, is how far from a treated body its cement is looked for. No
	// published source found; default.
	leakReach = 15.0

	// strongLeast and strongMost bound the attenuation, half way between cement
	// and what surrounds it, from which a voxel is taken for cement outright:
	// the least is above that of cortical bone in millimetre voxels. Design values.
	strongLeast, strongMost = 850, 1000
	// openLeast is the least where there is no bone but the endplate beyond, and
	// cortexShare of which a voxel must exceed. Design values.
	openLeast, cortexShare = 650, 0.99
	// weakShare is how far from the surroundings to cement a voxel in the body
	// must read to belong to a vein filled with cement. A design value.
	weakShare = 0.35
	// weakDepth, mm, keeps veins off the cortex.
	weakDepth = 1.0

	// bridge is how far away, mm, what lies apart may be: a vein too thin to see, or
	// the crossing of the cortex, lies between. Beside and before the body there may be
	// calcium in vessels, and only what a vein joins that can be seen counts.
	bridge = 4.0
	// bridgeSure is how far away what is surely cement may lie: surePiece, mm³, of it
	// read as much as cement does at its surface, and more than bone.
	bridgeSure, surePiece = 9.0, 20.0
	// otherDepth, mm, is how deep in a body without cement of its own lies what is none
	// of its neighbour's: dense bone, or the tip of a screw.
	otherDepth = 1.0
	// leastPiece, mm³, is the least volume of what lies apart: a ball of 1.2 mm
	// radius would be 7.
	leastPiece = 6.0
)

// work is the segmentation of the cement of one vertebra.
type work struct {
	*crop
	d     *Dense
	sites []site
	i     int // of the vertebra
	metal metalSet

	inside []float32 // mm, of every voxel, negative outside
	mine   []bool    // the voxel is nearer to this vertebra than to another treated one, and in no other
	hu     float64   // of the cement's core
	bone   float64   // of what surrounds it in the body
	cortex float64   // what the body's surface elsewhere hardly exceeds
	mark   []bool    // cement
}

// newWork finds the voxels that hold the cement of vertebra i, from its seeds.
func (d *Dense) newWork(sites []site, i int, held [][]int, metal metalSet) *work {
	near := slices.Concat(held[i], sites[i].surface(d.vol))
	w := &work{crop: newCrop(d.vol, near, leakReach), d: d, sites: sites, i: i, metal: metal}
	w.locate(held)
	w.attenuation(held[i])
	w.mark = w.grown(w.marked(held[i]), w.level)
	w.mark = w.grown(w.mark, func(m int) float64 {
		if w.inside[m] < weakDepth {
			return math.Inf(1)
		}
		return w.weak()
	})
	w.bridge()
	return w
}

// level returns the attenuation from which a voxel is taken for cement outright:
// less in the canal and the discs, where there is no bone, more in the pedicles,
// which are all cortex.
func (w *work) level(m int) float64 {
	if w.inside[m] >= 0 {
		return w.strong()
	}
	switch p, _ := w.sites[w.i].place(w.d.position(w.index(m))); p {
	case Canal, SuperiorDisc, InferiorDisc:
		return min(max(w.half(), openLeast, w.cortex), strongMost)
	case 0:
		return strongMost
	}
	return w.strong()
}

// half returns the attenuation half way between the cement and what surrounds it.
func (w *work) half() float64 { return (w.hu + w.bone) / 2 }

// strong returns the attenuation from which a voxel is taken for cement outright.
func (w *work) strong() float64 { return min(max(w.half(), strongLeast), strongMost) }

// weak returns the attenuation from which a voxel off the cortex belongs to a vein
// filled with cement.
func (w *work) weak() float64 { return w.bone + weakShare*(w.hu-w.bone) }

// locate fills in inside and mine.
func (w *work) locate(held [][]int) {
	w.inside, w.mine = make([]float32, w.len()), make([]bool, w.len())
	w.each(func(m, at int) {
		p := w.d.position(at)
		w.inside[m] = float32(w.sites[w.i].inside(p))
		w.mine[m] = !w.metal.voxels[at]
		for n := max(w.i-1, 0); n <= min(w.i+1, len(w.sites)-1); n++ {
			if n == w.i {
				continue
			}
			least := float64(w.inside[m])
			if len(held[n]) == 0 {
				least = max(least, otherDepth)
			}
			if w.sites[n].inside(p) > least {
				w.mine[m] = false
			}
		}
	})
}

// attenuation finds what the cement's core and the bone around it read.
func (w *work) attenuation(seeds []int) {
	step := w.steps(coreReach)
	var core, all, bone, cortex []float64
	for _, at := range seeds {
		all = append(all, float64(w.samples[at]))
		if w.isCore(at, step) {
			core = append(core, float64(w.samples[at]))
		}
	}
	if len(core) == 0 {
		core = all
	}
	w.hu = median(core)
	halo := w.dilated(w.marked(seeds), 2*haloReach)
	w.each(func(m, at int) {
		switch in := w.inside[m]; {
		case halo[m] || !w.mine[m]:
		case in > seedDepth:
			bone = append(bone, float64(w.samples[at]))
		case in > -seedDepth:
			cortex = append(cortex, float64(w.samples[at]))
		}
	})
	if len(bone) > 0 {
		w.bone = median(bone)
	}
	if n := len(cortex); n > 0 {
		slices.Sort(cortex)
		w.cortex = cortex[int(cortexShare*float64(n-1))]
	}
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// grown returns from with what is connected with it by voxels of at least the level
// given.
func (w *work) grown(from []bool, level func(m int) float64) []bool {
	mark := slices.Clone(from)
	var front []int
	for m, set := range from {
		if set {
			front = append(front, m)
		}
	}
	for len(front) > 0 {
		m := front[len(front)-1]
		front = front[:len(front)-1]
		w.around(m, func(o int, _ float32) {
			if !mark[o] && w.isDenseEnough(o, level) {
				mark[o] = true
				front = append(front, o)
			}
		})
	}
	return mark
}

// isDenseEnough reports whether a voxel may hold cement of this vertebra and reads
// at least the level given.
func (w *work) isDenseEnough(m int, level func(m int) float64) bool {
	hu := float64(w.samples[w.index(m)])
	return hu >= openLeast*weakShare && w.mine[m] && hu >= level(m) && w.mayHold(m)
}

// mayHold reports whether cement of this vertebra may lie in a voxel: within its
// reach, and not behind the canal.
func (w *work) mayHold(m int) bool {
	if w.inside[m] >= 0 {
		return true
	}
	if w.inside[m] < -leakReach {
		return false
	}
	_, ok := w.sites[w.i].place(w.d.position(w.index(m)))
	return ok
}

// bridge marks the dense pieces that lie near what is marked, until there are no
// more.
func (w *work) bridge() {
	pieces := w.pieces()
	for found := true; found; {
		found = false
		near, joined, far := w.dilated(w.mark, bridge), w.joined(), w.dilated(w.mark, bridgeSure)
		for n, piece := range pieces {
			if piece == nil || !w.reaches(piece, near, joined) && !(w.isSure(piece) && w.reaches(piece, far, joined)) {
				continue
			}
			for _, m := range piece {
				w.mark[m] = true
			}
			pieces[n], found = nil, true
		}
	}
}

// joined marks what hangs together with what is marked by voxels that read as a vein
// filled with cement, and more than cortex.
func (w *work) joined() []bool {
	least := max(w.weak(), w.cortex)
	return w.grown(w.mark, func(int) float64 { return least })
}

// isSure reports whether a piece can be nothing but cement.
func (w *work) isSure(piece []int) bool {
	n := 0.0
	for _, m := range piece {
		if float64(w.samples[w.index(m)]) >= max(w.half(), strongMost) {
			n++
		}
	}
	return n*w.voxel() >= surePiece
}

// pieces returns the connected sets of unmarked dense voxels.
func (w *work) pieces() [][]int {
	return slices.DeleteFunc(w.parts(w.isPiece), func(p []int) bool { return float64(len(p))*w.voxel() < leastPiece })
}

// parts returns the sets of voxels connected by faces that have a property.
func (c *crop) parts(has func(m int) bool) [][]int {
	var parts [][]int
	seen := make([]bool, c.len())
	for m := range seen {
		if seen[m] || !has(m) {
			continue
		}
		seen[m] = true
		part := []int{m}
		for n := 0; n < len(part); n++ {
			c.around(part[n], func(o int, _ float32) {
				if !seen[o] && has(o) {
					seen[o] = true
					part = append(part, o)
				}
			})
		}
		parts = append(parts, part)
	}
	return parts
}

func (w *work) isPiece(m int) bool {
	return !w.mark[m] && w.samples[w.index(m)] >= openLeast && w.isDenseEnough(m, w.level)
}

// reaches reports whether a piece lies near enough to what is marked.
func (w *work) reaches(piece []int, near, joined []bool) bool {
	if slices.ContainsFunc(piece, func(m int) bool { return joined[m] }) {
		return true
	}
	return w.placeOf(piece) != Paravertebral && slices.ContainsFunc(piece, func(m int) bool { return near[m] && w.inside[m] < 0 })
}

// placeOf returns the place of most of a part's voxels outside the body.
func (w *work) placeOf(part []int) Place {
	var votes [InferiorDisc + 1]int
	for _, m := range part {
		if place, ok := w.sites[w.i].place(w.d.position(w.index(m))); ok {
			votes[place]++
		}
	}
	most := Place(0)
	for p, v := range votes {
		if v > votes[most] {
			most = Place(p)
		}
	}
	return most
}
