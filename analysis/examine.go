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

// examineCanal judges canals and posterior walls by their outlines.
func (r *Result) examineCanal() {
	excluded := r.unfit()
	levels := make([]finding.CanalLevel, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		levels[i] = finding.CanalLevel{
			Level: v.Level, Canal: v.Canal.Outline, Landmarks: v.Landmarks,
			Heights: v.Heights, Expected: v.Expected, Excluded: excluded[i],
		}
	}
	for i, a := range finding.AssessCanals(levels) {
		v := &r.Vertebrae[i]
		v.Canal = Canal{Outline: v.Canal.Outline, Size: a.Canal}
		if v.Canal.Outline != nil {
			v.Canal.Reason = v.Canal.Outline.Reason
		}
		v.Wall = Wall{}
		if f, ok := finding.SuspectedCanal(v.Level, v.Canal.Outline); ok {
			r.Findings = append(r.Findings, f)
		}
		if v.Status != Measured {
			continue
		}
		v.Canal.Compromise, v.Canal.Assessment = a.Compromise, a.Class
		if v.Canal.Reason == "" {
			v.Canal.Reason = a.Class.Reason
		}
		v.Wall = Wall{Measures: a.Measures, PosteriorWall: a.Wall}
		r.Findings = append(r.Findings, a.Findings...)
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

// examineTissue measures what the bodies are made of in vol. regions are the bodies'.
func (r *Result) examineTissue(vol *volume.Volume, regions []*segmentation.Region) {
	bodies := make([]morphometry.Body, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		bodies[i] = morphometry.Body{Region: regions[i], Deformed: v.deformed(), Treated: v.treated()}
	}
	tissues := morphometry.Tissues(vol, bodies)
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Landmarks != nil || v.Status == NotMeasurable {
			v.Picture, _ = segmentation.PictureOf(vol, v.Body)
		}
		if v.Status == Measured {
			if regions[i] != nil {
				surface := regions[i].Surface()
				v.Surface = &surface
			}
			v.Tissue = &tissues[i]
		}
	}
	contrast := finding.AssessContrast(vol.Acquisition.ContrastAgent, morphometry.FindAorta(vol, regions))
	r.Density = &finding.Density{KVP: vol.Acquisition.KVP, Contrast: contrast}
	r.judgeTissue()
}

// judgeTissue states what the tissue of the bodies shows, and judges the patient's
// bone by it, under the tube voltage and the contrast medium that r.Density holds.
func (r *Result) judgeTissue() {
	levels := make([]finding.LevelAttenuation, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		levels[i] = finding.LevelAttenuation{Level: v.Level, Deformed: v.deformed()}
		if v.Tissue != nil {
			levels[i].Attenuation = v.Tissue.Attenuation
			r.Findings = append(r.Findings, finding.TissueFindings(v.Level, v.Tissue)...)
		}
	}
	if r.Density == nil {
		return
	}
	density := finding.AssessDensity(levels, r.Density.KVP, r.Density.Contrast)
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
		v.Fracture, v.Treatment = nil, nil
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
