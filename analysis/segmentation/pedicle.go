// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Pedicle is the place where a pedicle runs from the body to the arch, whether
// bone is seen there or not, and the attenuation along it.
type Pedicle struct {
	Center r3.Vec // half way along, LPS mm
	Axis   r3.Vec // unit, from the body to posterior

	// Mean holds the mean attenuation of cross-sections from the posterior wall
	// backwards, HU, pedicleStep apart.
	Mean []float64
	// Brightest is the greatest attenuation in it, HU.
	Brightest float64
}

const (
	pedicleStep = 1.0 // mm between cross-sections
	// A pedicle is followed over the part of its length that no body and no
	// articular process takes part in, mm behind the posterior wall.
	pedicleFrom, pedicleTo = 1.0, 8.0

	// Half axes of a pedicle's cross-section with its cortex, as shares of the
	// body's width and height: 5 mm of 28 across at T6 and 9 of 44 at L1, and over
	// half of the height (Panjabi 1991 and 1992; unverified).
	pedicleHalfWidth  = 0.09
	pedicleHalfHeight = 0.25

	// Where a pedicle is looked for: as a share of half of the body's width from
	// its middle, and of its height above its middle.
	pedicleAside, pedicleAsideSD = 0.75, 0.13
	pedicleRise, pedicleRiseSD   = 0.20, 0.08
	// pedicleAgree is how far, in the same shares, the others' places bind one.
	pedicleAgree = 0.06

	// pedicleShift is how far the middle of a body moves against its pedicles, as a
	// share of the height that it lost: half of it at most.
	pedicleShift = 0.25

	pedicleBone = 100.0 // HU per standard deviation that a place costs
	// pedicleSoft and pedicleDense bound what counts when a pedicle is looked for.
	pedicleSoft, pedicleDense = 0, 700
)

// Sides of the patient, as indices.
const (
	LeftSide = iota
	RightSide
)

// PediclesOf finds the left and the right pedicle of each region of a column,
// from superior to inferior; nil where there is no region. A pedicle in which no
// bone is seen is placed where the others of the column lead one to expect it.
func PediclesOf(vol *volume.Volume, column []*Region) [][2]*Pedicle {
	out := make([][2]*Pedicle, len(column))
	places := make([][2]pediclePlace, len(column))
	searches := newPedicleSearches(vol, column)
	parallel(len(column), func(i int) {
		for side := range 2 {
			if x := searches[i][side]; x != nil {
				places[i][side] = x.best(pediclePlace{aside: pedicleAside, rise: pedicleRise}, pedicleAsideSD, pedicleRiseSD)
			}
		}
	})
	parallel(len(column), func(i int) {
		expected := agreed(places, i)
		for side := range 2 {
			if x := searches[i][side]; x != nil {
				out[i][side] = x.measure(x.best(expected, pedicleAgree, pedicleAgree))
			}
		}
	})
	return out
}

// pediclePlace is where a pedicle lies in its body, in shares of half of
// its width and of its height, how far it leans to lateral, and its mean
// attenuation.
type pediclePlace struct{ aside, rise, lean, mean float64 }

// pedicleLeans are the slopes to lateral that are tried: pedicles run straight to
// posterior at T12 and up to 30° out of it at T1 and L5.
var pedicleLeans = []float64{-0.25, 0, 0.25, 0.5}

// agreed returns where the pedicles of body i are expected from all within two
// levels whose bone is seen well.
func agreed(places [][2]pediclePlace, i int) pediclePlace {
	var asides, rises, means []float64
	lo, hi := max(i-pedicleNear, 0), min(i+pedicleNear, len(places)-1)
	for _, p := range places[lo : hi+1] {
		for side := range 2 {
			if p[side].mean > 0 {
				means = append(means, p[side].mean)
			}
		}
	}
	least := 0.75 * median(means)
	for _, p := range places[lo : hi+1] {
		for side := range 2 {
			if p[side].mean > 0 && p[side].mean >= least {
				asides, rises = append(asides, p[side].aside), append(rises, p[side].rise)
			}
		}
	}
	if len(asides) == 0 {
		return pediclePlace{aside: pedicleAside, rise: pedicleRise}
	}
	return pediclePlace{aside: median(asides), rise: median(rises)}
}

// pedicleSearch looks for one pedicle of one body.
type pedicleSearch struct {
	sampler volume.Sampler
	region  *Region
	side    int

	half   float64 // of the body's width, mm
	height float64 // of the body at its posterior wall, before it lost any, mm
	lost   float64 // share of that which it lost
	middle float64 // of its height there, along the superior axis of the frame, mm
	wall   float64 // where the posterior wall stood along the anterior axis, mm
}

// newPedicleSearches measures the bodies. One lower than most within two levels
// had their height, and one whose wall stands farther back had it where they have
// theirs: its pedicles still do.
func newPedicleSearches(vol *volume.Volume, column []*Region) [][2]*pedicleSearch {
	out := make([][2]*pedicleSearch, len(column))
	heights, walls := make([]float64, len(column)), make([]float64, len(column))
	for i, r := range column {
		if r == nil {
			continue
		}
		x := pedicleSearch{sampler: vol.Sampler(), region: r}
		x.half = (r.Radius(90, 0.5) + r.Radius(270, 0.5)) / 2
		x.wall = -r.Radius(180, 0.5)
		top, bottom := r.Heights(x.wall+2, 0)
		x.height, x.middle = top-bottom, (top+bottom)/2
		heights[i], walls[i] = x.height, -x.wall
		left, right := x, x
		right.side = RightSide
		out[i] = [2]*pedicleSearch{&left, &right}
	}
	for i := range out {
		height, wall := usual(heights, i), usual(walls, i)
		for _, x := range out[i] {
			if x != nil {
				own := x.height
				x.height, x.wall = max(own, height), -min(-x.wall, wall)
				x.lost = 1 - own/x.height
			}
		}
	}
	return out
}

// usual returns the median of a length over the bodies within two levels of body
// i that have it.
func usual(mm []float64, i int) float64 {
	var near []float64
	for _, x := range mm[max(i-pedicleNear, 0):min(i+pedicleNear+1, len(mm))] {
		if x > 0 {
			near = append(near, x)
		}
	}
	return median(near)
}

// pedicleNear is how many levels away pedicles and bodies stand that tell of one.
const pedicleNear = 2

// at returns the point of a pedicle's axis behind the posterior wall, mm.
func (x *pedicleSearch) at(p pediclePlace, behind float64) r3.Vec {
	sign := 1.0
	if x.side == RightSide {
		sign = -1
	}
	aside := p.aside*x.half + p.lean*(behind-(pedicleFrom+pedicleTo)/2)
	return x.region.Frame.Point(x.middle+p.rise*x.height, x.wall-behind, sign*aside)
}

// section returns the mean and the greatest attenuation of a cross-section.
func (x *pedicleSearch) section(p pediclePlace, behind, low, high float64) (mean, brightest float64) {
	const points = 2 // to each side of the middle
	origin := x.at(p, behind)
	u, v := pedicleHalfWidth*2*x.half/(points+0.5), pedicleHalfHeight*x.height/(points+0.5)
	n := 0.0
	brightest = math.Inf(-1)
	for i := -points; i <= points; i++ {
		for j := -points; j <= points; j++ {
			if i*i+j*j > points*points+1 {
				continue
			}
			q := r3.Add(origin, r3.Add(r3.Scale(float64(i)*u, x.region.Frame.Left), r3.Scale(float64(j)*v, x.region.Frame.Superior)))
			hu := x.sampler.At(q)
			mean += min(max(hu, low), high)
			brightest = max(brightest, hu)
			n++
		}
	}
	return mean / n, brightest
}

// best returns the place near the expected one where most bone is seen.
func (x *pedicleSearch) best(expected pediclePlace, asideSD, riseSD float64) pediclePlace {
	const steps, width = 4, 0.5 // to each side, in standard deviations
	// Which endplate gave way moves the middle of what is left.
	riseSD = math.Hypot(riseSD, pedicleShift*x.lost)
	best, score := expected, math.Inf(-1)
	for i := -steps; i <= steps; i++ {
		for j := -steps; j <= steps; j++ {
			for _, lean := range pedicleLeans {
				du, dv := width*float64(i), width*float64(j)
				p := pediclePlace{aside: expected.aside + du*asideSD, rise: expected.rise + dv*riseSD, lean: lean}
				n := 0.0
				for behind := pedicleFrom; behind <= pedicleTo; behind += 2 * pedicleStep {
					mean, _ := x.section(p, behind, pedicleSoft, pedicleDense)
					p.mean += mean
					n++
				}
				p.mean /= n
				if s := p.mean/pedicleBone - (du*du+dv*dv)/2; s > score {
					best, score = p, s
				}
			}
		}
	}
	return best
}

// measure reads the attenuation along a place.
func (x *pedicleSearch) measure(p pediclePlace) *Pedicle {
	out := &Pedicle{Brightest: math.Inf(-1)}
	for behind := pedicleFrom; behind <= pedicleTo; behind += pedicleStep {
		mean, brightest := x.section(p, behind, volume.OutsideHU, math.Inf(1))
		out.Mean = append(out.Mean, mean)
		out.Brightest = max(out.Brightest, brightest)
	}
	out.Center = x.at(p, (pedicleFrom+pedicleTo)/2)
	out.Axis = r3.Unit(r3.Sub(x.at(p, pedicleTo), x.at(p, pedicleFrom)))
	return out
}
