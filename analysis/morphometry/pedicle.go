// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// PedicleStatus says what became of a pedicle.
type PedicleStatus uint8

// The statuses. PedicleNotAssessed is the zero value.
const (
	PedicleNotAssessed PedicleStatus = iota
	PediclePresent
	PedicleEroded // or lytic
)

// String returns the status in words.
func (s PedicleStatus) String() string {
	return [...]string{"not assessable", "present", "eroded or lytic"}[s]
}

// Pedicle is the state of one pedicle.
type Pedicle struct {
	Status PedicleStatus
	// HU is the mean attenuation of the pedicle's cross-section, cortex and marrow, over
	// the 3 mm of its length where that is least.
	HU float64
	// Expected is the upper quartile of the same of the other side and of the
	// pedicles up to two levels away, HU: half of them may be eroded as well.
	Expected float64
	Reason   phrase.Text
}

const (
	// pedicleStretch is over how many cross-sections a pedicle's least
	// attenuation is the mean, some 3 mm.
	pedicleStretch = 3
	// pedicleReach is how many levels away the pedicles stand that one is compared
	// with.
	pedicleReach = 2
	// A pedicle is eroded if what its bone adds to soft tissue, softHU, is below a
	// share of the expected, and present from another share on: default.
	erodedBelow, presentFrom = 0.30, 0.38
	// bonyHU is what soft tissue, enhanced or not, does not reach over a pedicle's
	// cross-section: there is bone, whatever the others are (unverified).
	bonyHU = 180
	// bonelessHU is what a cross-section with any cortex exceeds: there is none
	// (unverified).
	bonelessHU = 70
	// leastExpected is the least attenuation of the others that bears a
	// comparison, HU.
	leastExpected = 110
	// metalHU, HU, is beyond bone and cement: a screw.
	metalHU = 2500
	// outsideMean is below what tissue can have: the volume ends there, HU.
	outsideMean = -300
)

// addPedicles tells the state of the pedicles of a column.
func addPedicles(vol *volume.Volume, column []Body, out []Tissue) {
	regions := make([]*segmentation.Region, len(column))
	for i, b := range column {
		regions[i] = b.Region
	}
	least := make([][2]float64, len(column)) // NaN where there is none
	for i, sides := range segmentation.PediclesOf(vol, regions) {
		for side, p := range sides {
			var reason phrase.Text
			least[i][side], reason = leastAttenuation(p)
			target := out[i].pedicle(side)
			target.HU, target.Reason = least[i][side], reason
			if math.IsNaN(least[i][side]) {
				target.HU = 0
			}
		}
	}
	for i := range out {
		for side := range 2 {
			if !math.IsNaN(least[i][side]) {
				out[i].pedicle(side).judge(others(least, i, side))
			}
		}
	}
}

func (t *Tissue) pedicle(side int) *Pedicle {
	if side == segmentation.LeftSide {
		return &t.Left
	}
	return &t.Right
}

// leastAttenuation returns the least mean of neighbouring cross-sections, NaN
// with the reason if it cannot be told.
func leastAttenuation(p *segmentation.Pedicle) (hu float64, reason phrase.Text) {
	switch {
	case p == nil:
		return math.NaN(), "the body's outline is not known"
	case p.Brightest >= metalHU:
		return math.NaN(), "metal lies in it"
	}
	hu = math.Inf(1)
	for i := 0; i+pedicleStretch <= len(p.Mean); i++ {
		sum := 0.0
		for _, m := range p.Mean[i : i+pedicleStretch] {
			sum += m
		}
		hu = min(hu, sum/pedicleStretch)
	}
	if hu < outsideMean {
		return math.NaN(), "the volume ends there"
	}
	return hu, ""
}

// others returns the least attenuations of the pedicles with which one is
// compared, ascending.
func others(least [][2]float64, i, side int) []float64 {
	var x []float64
	for j := max(i-pedicleReach, 0); j <= min(i+pedicleReach, len(least)-1); j++ {
		for s, hu := range least[j] {
			if (j != i || s != side) && !math.IsNaN(hu) {
				x = append(x, hu)
			}
		}
	}
	slices.Sort(x)
	return x
}

// judge compares a pedicle with others.
func (p *Pedicle) judge(others []float64) {
	const leastOthers, upper = 3, 0.75
	if len(others) > 0 {
		p.Expected = quantile(others, upper)
	}
	switch {
	case p.HU >= bonyHU:
		p.Status = PediclePresent
		return
	case p.HU <= bonelessHU:
		p.Status = PedicleEroded
		return
	case len(others) < leastOthers:
		p.Reason = "too few other pedicles to compare with"
		return
	case p.Expected < leastExpected:
		p.Reason = phrase.Of("the others have %.0f HU, hardly more than soft tissue", p.Expected)
		return
	}
	switch share := (p.HU - softHU) / (p.Expected - softHU); {
	case share < erodedBelow:
		p.Status = PedicleEroded
	case share >= presentFrom:
		p.Status = PediclePresent
	default:
		p.Reason = phrase.Of("%.0f HU where %.0f are expected: between eroded and present", p.HU, p.Expected)
	}
}
