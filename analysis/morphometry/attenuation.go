// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// Attenuation is that of the cancellous bone of one body.
type Attenuation struct {
	HU     float64 // median
	SD     float64 // standard error of HU
	Spread float64 // standard deviation between voxels, HU
	Volume float64 // of what was measured, ml
	// Reason says why nothing was measured, or what makes it doubtful.
	Reason phrase.Text
}

// Measured reports whether there is a value.
func (a *Attenuation) Measured() bool { return a.Volume > 0 }

const (
	// coreDepth is how far from the faces cancellous bone is measured, mm, as
	// TotalSegmentator 2.18 erodes bodies in its spine report; in low bodies less
	// must do.
	coreDepth      = 4.0
	leastCoreDepth = 2.5
	coreVolume     = 0.5 // ml, that is asked for before the depth is lessened
	leastVolume    = 0.3 // ml

	// mostSpread, HU, is the greatest standard deviation between the voxels of
	// cancellous bone: in a sharp kernel's noise it is some 80 (unverified).
	mostSpread = 150

	// impactedDepth, mm, is how far from the endplates a deformed body is
	// measured: beyond the band of crushed trabeculae beside them (unverified).
	impactedDepth = 6.0

	// Gas, cement and metal are no bone, nor are the voxels beside them, HU and
	// mm. Cement usually has some 1000 to 3000 HU (unverified).
	gasHU       = -200
	cementHU    = 900
	foreignRim  = 3.0
	correlation = 2.0 // mm, over which the texture of cancellous bone is alike
)

// measureCore returns the median attenuation of a body's core without what is
// excluded.
func (c *crop) measureCore(vol *volume.Volume, excluded []bool, deformed bool) Attenuation {
	for depth := coreDepth; depth >= leastCoreDepth; depth -= 0.5 {
		var hu []float64
		for i, inside := range c.inside {
			if float64(inside) >= depth && !c.plexus[i] && !excluded[i] && (!deformed || c.fromPlates(vol, i) >= impactedDepth*depth/coreDepth) {
				hu = append(hu, float64(c.hu[i]))
			}
		}
		ml := float64(len(hu)) * c.ml
		if ml >= coreVolume || depth == leastCoreDepth && ml >= leastVolume {
			return c.summary(hu, deformed)
		}
	}
	return Attenuation{Reason: "too little cancellous bone is left to measure"}
}

func (c *crop) summary(hu []float64, deformed bool) Attenuation {
	hu = withoutOutliers(hu)
	a := Attenuation{HU: quantile(hu, 0.5), Volume: float64(len(hu)) * c.ml}
	a.Spread = (quantile(hu, 0.841) - quantile(hu, 0.159)) / 2
	if a.Spread > mostSpread {
		return Attenuation{Reason: "what is left is too uneven for cancellous bone"}
	}
	// The median of n independent values errs by 1.25 of their deviation over √n.
	const ofMedian = 1.2533
	cell := max(c.ml, correlation*correlation*correlation/1000)
	a.SD = ofMedian * a.Spread / math.Sqrt(max(a.Volume/cell, 1))
	if deformed {
		a.Reason = "the body is deformed: impacted bone may raise it"
	}
	return a
}

// outlierLimit is how many standard deviations from the median values still
// count: the edge of a cortex, of gas or of a lesion reaches the core of a low
// body.
const outlierLimit = 2.5

// withoutOutliers returns the values near their median, ascending.
func withoutOutliers(x []float64) []float64 {
	slices.Sort(x)
	for range 3 {
		middle := quantile(x, 0.5)
		reach := outlierLimit * (quantile(x, 0.841) - quantile(x, 0.159)) / 2
		from, _ := slices.BinarySearch(x, middle-reach)
		to, _ := slices.BinarySearch(x, middle+reach)
		if to-from < 2 {
			break
		}
		x = x[from:to]
	}
	return x
}

// quantile returns the quantile f of ascending values, linear between them.
func quantile(x []float64, f float64) float64 {
	at := f * float64(len(x)-1)
	i := min(int(at), len(x)-2)
	if i < 0 {
		return x[0]
	}
	return x[i] + (at-float64(i))*(x[i+1]-x[i])
}

// fromPlates returns how far a voxel lies from the nearer endplate, along the
// body's axis, mm.
func (c *crop) fromPlates(vol *volume.Volume, i int) float64 {
	s, a, l := c.coordinates(vol, i)
	top, bottom := c.region.Heights(a, l)
	return min(top-s, s-bottom)
}

// The basivertebral plexus: a wedge from the posterior wall to beyond the body's
// middle. The foramen is some 5 to 10 mm wide and half as high, and the veins fan
// out to either side (unverified).
const (
	plexusReach = 0.55 // of the depth
	plexusWidth = 5.0  // mm to each side at the wall
	plexusRise  = 4.0  // mm up and down at the wall
	plexusTip   = 0.3  // of these at the tip
)

// findPlexus marks the voxels of the basivertebral plexus.
func (c *crop) findPlexus(vol *volume.Volume) []bool {
	marked := make([]bool, len(c.hu))
	r := c.region
	back, front := r.Radius(180, 0.5), r.Radius(0, 0.5)
	for i, inside := range c.inside {
		if inside < 0 {
			continue
		}
		s, a, l := c.coordinates(vol, i)
		x := (a + back) / ((back + front) * plexusReach)
		if x > 1 {
			continue
		}
		narrow := 1 - (1-plexusTip)*max(x, 0)
		top, bottom := r.Heights(a, l)
		marked[i] = math.Abs(l) <= plexusWidth*narrow && math.Abs(s-(top+bottom)/2) <= plexusRise*narrow
	}
	return marked
}

// findForeign marks gas, cement and metal with a rim around them.
func (c *crop) findForeign() []bool {
	marked := make([]bool, len(c.hu))
	any := false
	dense := c.denseMeans()
	for i, hu := range c.hu {
		// The cortex may be as bright as cement, and farther out lie the lungs.
		if c.inside[i] >= -2 && hu <= gasHU || dense != nil && c.inside[i] >= lesionBox && dense[i] >= cementHU {
			marked[i], any = true, true
		}
	}
	if !any {
		return marked
	}
	return c.grown(marked, foreignRim)
}

// denseMeans returns the means over the cubes in which lesions are told, nil if no voxel
// within the body is as dense as cement: noise and grain carry voxels of a sclerotic
// lesion that far.
func (c *crop) denseMeans() []float32 {
	use, any := make([]bool, len(c.hu)), false
	for i, hu := range c.hu {
		use[i] = c.inside[i] >= lesionBox
		any = any || use[i] && hu >= cementHU
	}
	if !any {
		return nil
	}
	return c.smoothed(use, lesionBox)
}

// Body is a named body of a column whose tissue is to be measured.
type Body struct {
	Region *segmentation.Region // nil where there is none

	// Deformed is set for a body that lost height: it is no reference for others.
	Deformed bool
	// Treated is set for a body with cement or screws: it is left out.
	Treated bool
}

// Tissue is what the bone of one body is made of. Without a region, and in a
// treated body, all of it is not assessed.
type Tissue struct {
	Attenuation Attenuation
	Lesions     Lesions
	Cleft       Gas // in the body
	Cortex      Cortex
	Left, Right Pedicle
}

// Tissues measures the bodies of a column, from superior to inferior: each
// against the others.
func Tissues(vol *volume.Volume, column []Body) []Tissue {
	out := make([]Tissue, len(column))
	crops, cubes := make([]*crop, len(column)), make([]*means, len(column))
	each(len(column), func(i int) {
		switch b := column[i]; {
		case b.Region == nil:
			out[i] = notAssessed("the body's outline is not known")
		case b.Treated:
			out[i] = notAssessed("the body holds cement or metal")
		default:
			crops[i] = newCrop(vol, b.Region)
			cubes[i] = crops[i].newMeans()
			out[i].Attenuation = crops[i].measureCore(vol, crops[i].foreign, b.Deformed)
		}
	})
	expected, spread := references(column, out), usualSpread(cubes)
	each(len(column), func(i int) {
		if c := crops[i]; c != nil {
			out[i].Cleft = c.gas(vol, expected[i])
			lesions, lesion := c.lesions(cubes[i], expected[i], spread)
			out[i].Lesions = lesions
			if lesion != nil {
				out[i].Attenuation = c.measureWithout(vol, lesion, column[i].Deformed)
			}
		}
	})
	addCortex(vol, column, out)
	addPedicles(vol, column, out)
	return out
}

// measureWithout is measureCore without lesions, gas and what is foreign.
func (c *crop) measureWithout(vol *volume.Volume, lesion []bool, deformed bool) Attenuation {
	for i, is := range c.foreign {
		lesion[i] = lesion[i] || is
	}
	return c.measureCore(vol, lesion, deformed)
}

// each calls f for 0 … n-1 on all cores and waits. Each call must write only what
// is its own.
func each(n int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error { f(i); return nil })
	}
	_ = g.Wait() // no f fails
}

func notAssessed(reason phrase.Text) Tissue {
	return Tissue{
		Attenuation: Attenuation{Reason: reason},
		Lesions:     Lesions{Reason: reason},
		Cleft:       Gas{Reason: reason},
		Cortex:      Cortex{Reason: reason},
		Left:        Pedicle{Reason: reason},
		Right:       Pedicle{Reason: reason},
	}
}
