// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"errors"
	"fmt"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// segment is a segment that is written.
type segment struct {
	label, description      string
	category, kind, region  code.Code
	trackingID, trackingUID string
	color                   color
	outlined                bool // of what a label map outlines where there is one
}

// algorithmType returns SegmentAlgorithmType: a segment that was calculated from labels
// which the user gave, however these came about, was not found by the program alone.
// PS3.3 C.8.20.4.
func (s *segment) algorithmType(by dicom.Provenance) string {
	if s.outlined && by.Labelled {
		return "SEMIAUTOMATIC"
	}
	return "AUTOMATIC"
}

// certain is the probability from which on that of a level is not told.
const certain = 0.995

// collector gathers segments with their frames.
type collector struct {
	origin   *dicom.Origin
	grid     *grid
	segments []segment
	frames   []frame
}

// collect finds the pixels of everything that was outlined.
func collect(o *dicom.Origin, g *grid, r *analysis.Result) ([]segment, []frame, error) {
	c := collector{origin: o, grid: g}
	for i := range r.Vertebrae {
		if v := &r.Vertebrae[i]; v.Status == analysis.Measured && v.Surface != nil {
			c.add(c.body(v), func(emit func(int, []run)) { g.fill(v.Surface.Solid(), emit) })
		}
	}
	c.add(c.canal(), func(emit func(int, []run)) {
		for i := range r.Vertebrae {
			if outline := r.Vertebrae[i].Canal.Outline; outline != nil {
				g.fill(outline.Solid(), emit)
			}
		}
	})
	for i := range r.Vertebrae {
		if v := &r.Vertebrae[i]; v.Cement != nil {
			shares, err := cementOf(v, r.Grid)
			if err != nil {
				return nil, nil, err
			}
			c.add(c.cement(v), func(emit func(int, []run)) { g.sample(shares, emit) })
		}
	}
	return c.segments, c.frames, nil
}

// add adds a segment, unless there is no pixel of it.
func (c *collector) add(s segment, pixels func(emit func(image int, runs []run))) {
	byImage := make([][]run, len(c.grid.origins))
	pixels(func(image int, runs []run) { byImage[image] = append(byImage[image], runs...) })
	any := false
	for image, runs := range byImage {
		if len(runs) > 0 {
			any = true
			c.frames = append(c.frames, frame{segment: len(c.segments), image: image, runs: runs})
		}
	}
	if any {
		c.segments = append(c.segments, s)
	}
}

// cementOf returns the shares of the voxels that are a vertebra's cement.
func cementOf(v *analysis.Vertebra, grid volume.Geometry) (*volume.Volume, error) {
	if grid.Columns == 0 {
		return nil, errors.New("the result does not tell on which grid it found cement")
	}
	shares := v.Cement.Mask.Share(grid)
	if shares == nil {
		return nil, fmt.Errorf("the cement of %v has no voxels", v.Level)
	}
	return shares, nil
}

func (c *collector) body(v *analysis.Vertebra) segment {
	s := segment{
		label:    v.Level.String() + " vertebral body",
		category: code.AnatomicalStructure, kind: code.VertebralBody, region: regionOf(v.Level),
		color: bodyColor(v.Level), outlined: true,
		// As in the structured report, which tracks the same vertebra.
		trackingID: v.Level.String() + " vertebra", trackingUID: c.origin.TrackingUID(v.Level.String()),
	}
	if v.LevelProbability < certain {
		s.description = fmt.Sprintf("The level is %v with a probability of %.0f %%.", v.Level, 100*v.LevelProbability)
	}
	return s
}

func (c *collector) canal() segment {
	return segment{
		label:       "Vertebral canal",
		description: "Between the posterior corners of each body's endplates; not beside discs.",
		category:    code.AnatomicalStructure, kind: code.VertebralCanal, region: code.Spine,
		color: canalColor, outlined: true,
		trackingID: "Vertebral canal", trackingUID: c.origin.TrackingUID("canal"),
	}
}

func (c *collector) cement(v *analysis.Vertebra) segment {
	s := segment{
		label:       v.Level.String() + " bone cement",
		description: fmt.Sprintf("%.2f ml (SD %.2f) with partly filled voxels, leaks included.", v.Cement.Volume, v.Cement.VolumeSD),
		category:    code.PhysicalObject, kind: code.BoneCement, region: regionOf(v.Level),
		color:      cementColor,
		trackingID: v.Level.String() + " bone cement", trackingUID: c.origin.TrackingUID(v.Level.String(), "cement"),
	}
	return s
}

// regionOf returns the code of a vertebra, else that of the spine.
func regionOf(l spine.Level) code.Code {
	if c, ok := code.Level(l); ok {
		return c
	}
	return code.Spine
}
