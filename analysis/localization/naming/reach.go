// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import "math"

// reach is how far from the canal's middle, sideways, bone can be followed from
// one side of a vertebra.
type reach struct {
	mm float64
	// open means that the bone goes on, beyond the map or the field of view.
	open bool
	// seen is false where the field of view hides the root; mm then says nothing.
	seen bool
}

const (
	// Bone is followed from rootMM to farMM from the canal's middle. Transverse
	// processes end at some 25 to 55 mm, ribs go on.
	rootMM = 22.5
	farMM  = 75.0
	// longMM and more is a rib.
	longMM = 66.0
)

// reachModel is the distribution of reach at one kind of vertebra: a rib that
// goes on (share long), a process that ends at about mean ± sd mm (share
// process), or anything (the rest: faint bone, contrast, a neighbour's rib).
type reachModel struct {
	long, process float64
	mean, sd      float64
}

// Where processes end: half the breadth between the tips of the transverse
// processes, in adults some 36 mm at C7 and T1, 26 mm in the middle of the neck,
// 36 to 47 mm from L1 to L5, with 5 to 6 mm between people. The shares allow for
// ribs and processes that tracing misses or extends, about 1 in 10; those of the
// twelfth rib for its varying length.
var (
	cervicalReach = [cervicalVertebrae]reachModel{
		{long: 0.1, process: 0.4, mean: 38, sd: 6},
		{long: 0.05, process: 0.6, mean: 27, sd: 6},
		{long: 0.04, process: 0.7, mean: 26, sd: 6},
		{long: 0.04, process: 0.7, mean: 26, sd: 6},
		{long: 0.04, process: 0.7, mean: 26, sd: 6},
		{long: 0.04, process: 0.7, mean: 28, sd: 6},
		{long: 0.04, process: 0.7, mean: 34, sd: 6},
	}
	firstRibReach = reachModel{long: 0.60, process: 0.15, mean: 45, sd: 8}
	ribReach      = reachModel{long: 0.90, process: 0.04, mean: 35, sd: 8}
	// lastRibReach is that of the last rib where there are 11, 12, 13.
	lastRibReach = [...]reachModel{
		{long: 0.80, process: 0.08, mean: 45, sd: 8},
		{long: 0.70, process: 0.12, mean: 45, sd: 8},
		{long: 0.35, process: 0.25, mean: 45, sd: 8},
	}
	// lumbarReach holds L1 to L4, and last the lowest one, beside which the
	// ilium begins.
	lumbarReach = [...]reachModel{
		{long: 0.03, process: 0.80, mean: 36, sd: 5},
		{long: 0.03, process: 0.80, mean: 40, sd: 5},
		{long: 0.03, process: 0.80, mean: 45, sd: 6},
		{long: 0.04, process: 0.76, mean: 43, sd: 6},
		{long: 0.25, process: 0.40, mean: 46, sd: 8},
	}
	sacralReach = reachModel{long: 0.5}
)

// logLikelihood returns the log of the density of r under m, or of the
// probability of going at least so far if r is open; the two have one scale
// because a reach of longMM or more counts as open.
func (m reachModel) logLikelihood(r reach) float64 {
	if !r.seen {
		return 0
	}
	rest := 1 - m.long - m.process
	mm := min(max(r.mm, rootMM), longMM)
	if r.open || mm >= longMM {
		tail := rest * (farMM - mm) / (farMM - rootMM)
		if m.process > 0 {
			tail += m.process * 0.5 * math.Erfc((mm-m.mean)/(m.sd*math.Sqrt2))
		}
		return math.Log(m.long + tail)
	}
	p := rest / (farMM - rootMM)
	if m.process > 0 {
		// What ends before rootMM is seen as ending there.
		z := (max(mm, rootMM) - m.mean) / m.sd
		p += m.process * math.Exp(-z*z/2) / (m.sd * math.Sqrt(2*math.Pi))
	}
	return math.Log(p * reachResolution)
}

// reachResolution turns a density of reach into a probability: about the width
// within which two readings of one reach agree, mm.
const reachResolution = 6

// Lung beside the vertebra: the probability by level, estimates for quiet
// inspiration in supine CT (posterior recess to about L1).
const (
	lungNever    = 0.03
	lungCervical = 0.08
)

var (
	lungThoracic = [...]float64{0.35, 0.8, 0.95, 0.97, 0.97, 0.97, 0.97, 0.97, 0.95, 0.9, 0.75, 0.5, 0.25}
	lungLumbar   = [...]float64{0.15, 0.05, lungNever}
)
