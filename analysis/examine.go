// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"context"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// examineCanal judges canal and posterior wall by their outlines.
func (r *Result) examineCanal(canals []segmentation.Canal) {
	excluded := r.unfit()
	widths := make([]morphometry.LevelCanal, len(r.Vertebrae))
	walls := make([]morphometry.LevelWall, len(r.Vertebrae))
	heights := make([]morphometry.LevelHeights, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		v.Canal.Reason = canals[i].Reason
		if size, ok := morphometry.MeasureCanal(&canals[i]); ok {
			v.Canal.Size = &size
		}
		widths[i] = morphometry.LevelCanal{Level: v.Level, Canal: v.Canal.Size}
		walls[i] = morphometry.LevelWall{Level: v.Level, Canal: &canals[i], Landmarks: v.Landmarks}
		heights[i] = morphometry.LevelHeights{Level: v.Level, Heights: v.Heights}
	}
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Status != Measured {
			continue
		}
		v.Canal.judge(widths, i, excluded)
		v.Wall.judge(walls, i, excluded)
		v.Wall.Measures.Heights = morphometry.MeasurePosteriorHeights(heights, i, v.Expected)
		v.Wall.PosteriorWall = finding.AssessPosteriorWall(v.Wall.Measures)
		if f, ok := finding.CanalStatement(v.Level, v.Canal.Size, v.Canal.Compromise, v.Canal.Assessment); ok {
			r.Findings = append(r.Findings, f)
		}
		if f, ok := finding.WallStatement(v.Level, v.Wall.PosteriorWall); ok {
			r.Findings = append(r.Findings, f)
		}
	}
}

// unfit marks the vertebrae that others are not compared with: those that lost
// height or hold cement, and the sacrum.
func (r *Result) unfit() []bool {
	marked := make([]bool, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		marked[i] = v.deformed() || v.treated() || v.Level == spine.S1
	}
	return marked
}

func (v *Vertebra) deformed() bool { return v.Deformity != nil && v.Deformity.Grade > 0 }

// treated reports whether the vertebra holds cement or metal.
func (v *Vertebra) treated() bool { return v.Cement != nil || v.Metal != nil }

// judge compares the canal of vertebra i with those of its neighbours.
func (c *Canal) judge(column []morphometry.LevelCanal, i int, excluded []bool) {
	compromise, reason := morphometry.MeasureCompromise(column, i, excluded)
	if reason == "" {
		c.Compromise = &compromise
	} else if c.Reason == "" {
		c.Reason = reason
	}
	c.Assessment = finding.AssessCanal(c.Compromise, reason)
}

// judge measures the posterior wall of vertebra i against its neighbours'.
func (w *Wall) judge(column []morphometry.LevelWall, i int, excluded []bool) {
	m := &w.Measures
	if retropulsion, reason := morphometry.MeasureRetropulsion(column, i, excluded); reason == "" {
		m.Retropulsion = &retropulsion
	} else {
		m.RetropulsionReason = reason
	}
	if gap, reason := morphometry.MeasureWallGap(column, i, excluded); reason == "" {
		m.Gap = &gap
	} else {
		m.GapReason = reason
	}
	if angles, ok := morphometry.MeasurePosteriorAngles(&column[i]); ok {
		m.Angles = &angles
	}
	if angles, ok := morphometry.BesidePosteriorAngles(column, i, excluded); ok {
		m.BesideAngles = &angles
	}
}

// examineTissue measures what the bodies are made of in vol, and judges the
// patient's bone by it. regions are the bodies'.
func (r *Result) examineTissue(vol *volume.Volume, regions []*segmentation.Region) {
	bodies := make([]morphometry.Body, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		bodies[i] = morphometry.Body{Region: regions[i], Deformed: v.deformed(), Treated: v.treated()}
	}
	tissues := morphometry.Tissues(vol, bodies)
	levels := make([]finding.LevelAttenuation, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		levels[i] = finding.LevelAttenuation{Level: v.Level, Attenuation: tissues[i].Attenuation, Deformed: v.deformed()}
		if v.Status == Measured {
			v.Tissue = &tissues[i]
			r.Findings = append(r.Findings, finding.TissueFindings(v.Level, v.Tissue)...)
		}
	}
	contrast := finding.AssessContrast(vol.Acquisition.ContrastAgent, morphometry.FindAorta(vol, regions))
	density := finding.AssessDensity(levels, vol.Acquisition.KVP, contrast)
	r.Density = &density
	for _, l := range levels {
		if l.Level == spine.L1 {
			r.Findings = append(r.Findings, density.Findings(l.Attenuation)...)
		}
	}
}

// describe describes fractures and answers what a treating team asks of each
// measured vertebra. It comes last.
func (r *Result) describe() {
	column := make([]morphometry.OutlinedBody, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		column[i] = morphometry.OutlinedBody{Outline: v.Body, Landmarks: v.Landmarks, Deformed: v.deformed() || v.treated()}
	}
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Status != Measured {
			continue
		}
		in := finding.FractureInput{
			Level: v.Level, Deformity: v.Deformity, Tissue: v.Tissue, Wall: v.Wall.State,
			Endplates: morphometry.EndplateShapesOf(column, i),
		}
		if gap := v.Wall.Measures.Gap; gap != nil {
			in.WallShare = &gap.Share
		}
		v.Fracture = finding.DescribeFracture(in)
		v.Treatment = finding.TreatmentFacts(finding.TreatmentInput{FractureInput: in, Fracture: v.Fracture})
	}
}

// findCement looks for cement and metal in the vertebrae of found, of which
// r.Vertebrae[n] is the one at index[n].
func (r *Result) findCement(ctx context.Context, dense *cement.Dense, found *localization.Spine, regions []*segmentation.Region, index []int) error {
	if dense.Empty() {
		return nil
	}
	f, err := dense.Find(ctx, found, regions)
	if err != nil {
		return err
	}
	for n, i := range index {
		v := &r.Vertebrae[n]
		for t := range f.Treated {
			if f.Treated[t].Vertebra == i {
				v.Cement = &f.Treated[t]
			}
		}
		for m := range f.Metal {
			if f.Metal[m].Vertebra == i {
				v.Metal = &f.Metal[m]
			}
		}
	}
	return nil
}
