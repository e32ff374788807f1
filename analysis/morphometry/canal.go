// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// Estimate is a number with its standard deviation, both in the unit that the
// holder states.
type Estimate struct{ Value, SD float64 }

// Canal is the size of the bony canal beside one vertebra: its mid-sagittal
// diameter, mm, and its area across the canal, mm².
type Canal struct {
	AP, Area                   Estimate // median over the vertebra's ring, at its pedicles
	NarrowestAP, NarrowestArea Estimate // behind any part of the body
	// NarrowestAt is where the area is narrowest, 0 at the posterior corner of
	// the inferior and 1 at that of the superior endplate.
	NarrowestAt float64
	// OpenShare is the share of the outline that no bone bounds, 0 to 1.
	OpenShare float64
}

// Errors of neighbouring sections and rays are alike, over the width of the blur
// and along one bone: so many of each count as one.
const (
	alikeSections = 3.0
	alikeRays     = 9.0
)

// MeasureCanal measures a canal's sections; false if there are none.
//
// Reference: Keynan et al., Spine 2006;31:E156 (diameter and area of the canal
// as the measures of its compromise).
func MeasureCanal(c *segmentation.Canal) (Canal, bool) {
	n := len(c.Sections)
	if n < 3 {
		return Canal{}, false
	}
	ap, area := make([]Estimate, n), make([]Estimate, n)
	open := 0
	for i := range c.Sections {
		ap[i], area[i] = diameter(&c.Sections[i]), sectionArea(&c.Sections[i])
		for _, o := range c.Sections[i].Open {
			if o {
				open++
			}
		}
	}
	m := Canal{OpenShare: float64(open) / float64(n*segmentation.CanalRays)}
	m.NarrowestAP, _ = least(ap)
	var at int
	m.NarrowestArea, at = least(area)
	m.NarrowestAt = c.Along(c.Sections[at].S)
	var ringAP, ringArea []Estimate
	for i := range c.Sections {
		if t := c.Along(c.Sections[i].S); t >= segmentation.RingLow && t <= segmentation.RingHigh {
			ringAP, ringArea = append(ringAP, ap[i]), append(ringArea, area[i])
		}
	}
	if len(ringAP) == 0 {
		return Canal{}, false
	}
	m.AP, m.Area = middle(ringAP), middle(ringArea)
	return m, true
}

// junctionRays is how many rays to either side of the middle the junction of the
// laminae may lie: 15°, as much as the plane may be off.
const junctionRays = 3

// diameter returns the mid-sagittal diameter of a section, mm: from the wall to
// the junction of the laminae, their hindmost place near the middle.
func diameter(s *segmentation.CanalSection) Estimate {
	const back = segmentation.CanalRays / 2
	behind, at := 0.0, back
	for i := back - junctionRays; i <= back+junctionRays; i++ {
		if d := -s.Radius[i] * math.Cos(2*math.Pi*float64(i)/segmentation.CanalRays); d > behind {
			behind, at = d, i
		}
	}
	return Estimate{s.Radius[0] + behind, math.Hypot(s.SD[0], s.SD[at])}
}

// sectionArea returns the area of a section, mm².
func sectionArea(s *segmentation.CanalSection) Estimate {
	const step = 2 * math.Pi / segmentation.CanalRays
	var sum, variance float64
	for i, r := range s.Radius {
		next := (i + 1) % segmentation.CanalRays
		sum += r * s.Radius[next]
		d := step * r * s.SD[i]
		variance += alikeRays * d * d
	}
	return Estimate{sum / 2 * math.Sin(step), math.Sqrt(variance)}
}

// least returns the least of estimates along the canal, each averaged with its
// neighbours, and its index.
func least(x []Estimate) (Estimate, int) {
	best, at := Estimate{Value: math.Inf(1)}, 0
	for i := range x {
		before, after := x[max(i-1, 0)].Value, x[min(i+1, len(x)-1)].Value
		if v := (before + 2*x[i].Value + after) / 4; v < best.Value {
			best, at = Estimate{v, x[i].SD}, i
		}
	}
	return best, at
}

// middle returns the median of estimates along the canal.
func middle(x []Estimate) Estimate {
	values := make([]float64, len(x))
	sd := 0.0
	for i, e := range x {
		values[i] = e.Value
		sd += e.SD / float64(len(x))
	}
	slices.Sort(values)
	independent := max(float64(len(x))/alikeSections, 1)
	return Estimate{stat.Quantile(0.5, stat.LinInterp, values, nil), sd / math.Sqrt(independent)}
}

// LevelCanal is the canal beside a named vertebra; Canal is nil where it was not
// measured.
type LevelCanal struct {
	Level spine.Level
	Canal *Canal
}
