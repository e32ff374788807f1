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
	// Bone is followed from rootMM, beside the facets, where neighbours are
	// apart, to farMM from the canal's middle. Transverse
	// processes end at some 25 to 55 mm, the first rib at 55 to 75 mm where the
	// thorax is narrow, the others go on; longMM and more is going on.
	rootMM = 30.0
	longMM = 84.0
	farMM  = 99.0
)

// reachModel is the distribution of reach at one kind of vertebra: bone that
// goes on (share long), that ends at about mean ± sd mm (share end), or
// anywhere (the rest: faint bone, contrast, scapula, a neighbour's rib).
type reachModel struct {
	long, end float64
	mean, sd  float64
}

// Where bone ends: half the breadth between the tips of the transverse
// processes, in adults some 35 mm at C7, 26 mm in the middle of the neck, 36 to
// 47 mm from L1 to L5, with 4 to 5 mm between people of one size; half the breadth of the
// upper aperture of the thorax for the first rib. The shares allow for ribs and
// processes that tracing misses or extends, about 1 in 5; those of the last rib
// for its varying length.
var (
	cervicalReach = [cervicalVertebrae]reachModel{
		{long: 0.1, end: 0.4, mean: 38, sd: 6},
		{long: 0.05, end: 0.6, mean: 27, sd: 6},
		{long: 0.03, end: 0.7, mean: 26, sd: 6},
		{long: 0.03, end: 0.7, mean: 26, sd: 6},
		{long: 0.03, end: 0.7, mean: 26, sd: 6},
		{long: 0.03, end: 0.7, mean: 28, sd: 6},
		{long: 0.03, end: 0.7, mean: 34, sd: 6},
	}
	firstRibReach  = reachModel{long: 0.15, end: 0.55, mean: 66, sd: 8}
	secondRibReach = reachModel{long: 0.60, end: 0.25, mean: 84, sd: 7}
	ribReach       = reachModel{long: 0.75, end: 0}
	// lastRibReach is that of the last rib where there are 11, 12, 13.
	lastRibReach = [...]reachModel{
		{long: 0.65, end: 0.25, mean: 60, sd: 12},
		{long: 0.55, end: 0.32, mean: 58, sd: 12},
		{long: 0.20, end: 0.50, mean: 50, sd: 12},
	}
	// lumbarReach holds L1 to L4, and last the lowest one, beside which the
	// ilium begins.
	lumbarReach = [...]reachModel{
		{long: 0.03, end: 0.80, mean: 36, sd: 4},
		{long: 0.03, end: 0.80, mean: 40, sd: 4},
		{long: 0.03, end: 0.80, mean: 45, sd: 5},
		{long: 0.04, end: 0.76, mean: 44, sd: 5},
		{long: 0.25, end: 0.40, mean: 46, sd: 8},
	}
	sacralReach = reachModel{long: 0.5}
)

// bodySizes are the patients' sizes over which reaches are weighed, relative to
// the average, with their log weights: 10 % between adults, processes of their
// own length included.
var bodySizes = [...]struct{ scale, logWeight float64 }{
	{0.8, math.Log(0.05)}, {0.9, math.Log(0.22)}, {1, math.Log(0.40)},
	{1.1, math.Log(0.22)}, {1.2, math.Log(0.08)}, {1.3, math.Log(0.03)},
}

// logLikelihood returns the log of the probability of r, to within
// reachResolution, under m in a patient of the given size; if r is open, of going
// at least so far.
func (m reachModel) logLikelihood(r reach, size float64) float64 {
	if !r.seen {
		return 0
	}
	m.mean *= size
	rest := 1 - m.long - m.end
	mm := min(max(r.mm, rootMM), longMM)
	if r.open || mm >= longMM {
		p := m.long + rest*(longMM-mm)/(longMM-rootMM)
		if m.end > 0 {
			p += m.end * 0.5 * math.Erfc((mm-m.mean)/(m.sd*math.Sqrt2))
		}
		return math.Log(p)
	}
	if mm <= rootMM { // it may have ended before
		p := rest * reachResolution / (longMM - rootMM)
		if m.end > 0 {
			p += m.end * 0.5 * math.Erfc((m.mean-mm)/(m.sd*math.Sqrt2))
		}
		return math.Log(p)
	}
	p := rest / (longMM - rootMM)
	if m.end > 0 {
		z := (mm - m.mean) / m.sd
		p += m.end * math.Exp(-z*z/2) / (m.sd * math.Sqrt(2*math.Pi))
	}
	return math.Log(p * reachResolution)
}

// reachResolution turns a density of reach into a probability: about the width
// within which two readings of one reach agree, mm.
const reachResolution = 6.0

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
