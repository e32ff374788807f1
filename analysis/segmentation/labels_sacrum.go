// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// The search for the superior endplate of the sacrum, mm.
const (
	sacralReach     = 30.0 // on either side of the axis of the vertebra above
	sacralGap       = 25.0 // below that vertebra's inferior endplate, at most
	sacralFall      = 3.0  // below the plane from which a column has left the endplate
	sacralHalfWidth = 8.0  // across the mid-sagittal plane, between the articular processes
	sacralWalls     = 12.0 // of walls below the endplate
	minSacralDepth  = 15.0
	sacralSeed      = 8.0 // half the length of plate that is fitted first
)

// outlineSacrum outlines the superior endplate of the sacrum with the walls
// below it, in the mid-sagittal plane of the vertebra above. The label may be
// S1's or the whole sacrum's.
func outlineSacrum(column []labelVertebra, i int, b LabelBody) LabelBody {
	if i == 0 {
		b.Reason = "the sacrum needs the vertebra above it"
		return b
	}
	if column[i].mask.oversized() || column[i-1].mask.oversized() {
		b.Reason = "a label is larger than a vertebra"
		return b
	}
	above, ok := findLabelFrame(&column[i-1], labelAnterior(column, i-1))
	if !ok {
		b.Reason = "the sacrum needs the vertebra above it, which has no two endplates"
		return b
	}
	m := column[i].mask
	f, back, front, ok := m.sacralFrame(above)
	if !ok || front-back < minSacralDepth {
		b.Reason = "the sacrum's endplate was not found"
		return b
	}
	b.Center, b.Canal, b.CanalKnown = f.Origin, f.Point(0, back-meanCanalDepth/2, 0), false
	b.Body = m.sacralOutline(f, back, front)
	if len(b.Body.Superior.A) == 0 || len(b.Body.Anterior.S) == 0 || len(b.Body.Posterior.S) == 0 {
		b.Body.Reason = "the sacrum's endplate or a wall is missing in the mid-sagittal plane"
	}
	b.Reason = b.Body.Reason
	return b
}

// sacralFrame turns the frame of the vertebra above to the sacrum's endplate
// and centres it there. It returns where the endplate ends, mm anterior.
func (c *labelMask) sacralFrame(above labelFrame) (f volume.Frame, back, front float64, ok bool) {
	f = volume.NewFrame(above.Point(-above.height/2, 0, 0), above.Superior, above.Anterior)
	back, front = -sacralSeed, sacralSeed
	for range frameRounds {
		var at [][2]float64
		var top []float64
		for a := back; a <= front; a++ {
			for l := -sacralHalfWidth; l <= sacralHalfWidth; l++ {
				if s, ok := c.sacralTop(f, a, l); ok {
					at, top = append(at, [2]float64{a, l}), append(top, s)
				}
			}
		}
		if len(at) < minPlanePoints {
			return f, 0, 0, false
		}
		p, ok := fitPlane(at, top)
		if !ok {
			return f, 0, 0, false
		}
		f = volume.NewFrame(f.Point(p.offset, 0, 0), p.normal(f), f.Anterior)
		back, front = c.sacralEnds(f)
		middle := (back + front) / 2
		f.Origin = f.Point(0, middle, 0)
		back, front = back-middle, front-middle
	}
	return f, back, front, true
}

// sacralTop returns the height of the first face below the frame's origin.
func (c *labelMask) sacralTop(f volume.Frame, a, l float64) (float64, bool) {
	const above = 8.0 // mm: rims rise above the plane
	depth, ok := c.enter(f.Point(above, a, l), r3.Scale(-1, f.Superior), above+sacralGap)
	return above - depth, ok
}

// sacralEnds returns how far the endplate reaches from the origin on the
// midline: to the first column that falls from it or misses the sacrum.
func (c *labelMask) sacralEnds(f volume.Frame) (back, front float64) {
	reach := func(step float64) float64 {
		a := 0.0
		for math.Abs(a) < sacralReach {
			if s, ok := c.sacralTop(f, a+step, 0); !ok || s < -sacralFall {
				break
			}
			a += step
		}
		return a
	}
	return reach(-outlineStep), reach(outlineStep)
}

// sacralOutline draws the superior endplate and the walls below.
func (c *labelMask) sacralOutline(f volume.Frame, back, front float64) *Body {
	b := &Body{Frame: f, Depth: front - back}
	var plate, rear, fore labelProfile
	for a := outlineStep * math.Ceil(back/outlineStep); a <= front; a += outlineStep {
		var top []float64
		for l := -plateHalfWidth; l <= plateHalfWidth; l++ {
			if s, ok := c.sacralTop(f, a, l); ok && s > -2*sacralFall {
				top = append(top, s)
			}
		}
		if float64(len(top)) >= minColumns*(2*plateHalfWidth+1) {
			plate.add(a, top)
		}
	}
	for s := -sacralWalls; s < 0; s += outlineStep {
		c.sacralWall(&rear, f, s, back, -1)
		c.sacralWall(&fore, f, s, front, 1)
	}
	b.Superior = plate.plate(-1, c.noise(f.Superior, f.Left, f.Anterior, plateHalfWidth))
	noise := c.noise(f.Anterior, f.Left, f.Superior, wallHalfWidth)
	b.Posterior, b.Anterior = rear.wall(noise), fore.wall(noise)
	return b
}

// sacralWall adds the first face in front of (forwards 1) or behind (-1) the
// axis at height s, no further out than the end of the endplate by more than a
// rim: where the label fills the sacral canal there is no posterior wall.
func (c *labelMask) sacralWall(w *labelProfile, f volume.Frame, s, end, forwards float64) {
	const step = 1.25 // mm between lines across the plane
	var faces []float64
	for l := -wallHalfWidth; l <= wallHalfWidth; l += step {
		if d, ok := c.exit(f.Point(s, 0, l), r3.Scale(forwards, f.Anterior), forwards*end+sacralFall); ok {
			faces = append(faces, forwards*d)
		}
	}
	if float64(len(faces)) >= minColumns*(2*wallHalfWidth/step+1) {
		w.add(s, faces)
	}
}
