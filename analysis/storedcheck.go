// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"slices"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// mostVertebrae is more than any spine has, and any label map names.
const mostVertebrae = 64

// check returns an error for a result that no analysis gives and that its readers
// would stumble over: parts of unequal length, and values without a name.
func (r *Result) check() error {
	if len(r.Vertebrae) > mostVertebrae {
		return fmt.Errorf("%d vertebrae", len(r.Vertebrae))
	}
	for i := range r.Vertebrae {
		if part := r.Vertebrae[i].broken(); part != "" {
			return fmt.Errorf("vertebra %d: %s", i+1, part)
		}
	}
	for _, a := range r.Angles {
		if !known(a.Level, spine.T13) || !known(a.From.Level, spine.T13) || !known(a.To.Level, spine.T13) ||
			!known(a.From.Endplate, spine.Inferior) || !known(a.To.Endplate, spine.Inferior) {
			return fmt.Errorf("angle %s", a.Name)
		}
	}
	for i := range r.Findings {
		if !knownLevels(r.Findings[i].Levels) || !known(r.Findings[i].Verdict, finding.Rejected) {
			return fmt.Errorf("finding %d", i+1)
		}
	}
	if d := r.Density; d != nil && !(known(d.Band, finding.BandAbove160) && known(d.Contrast.State, finding.ContrastPresent)) {
		return fmt.Errorf("density")
	}
	return nil
}

// known reports whether a value is at most the last that has a name.
func known[T ~uint8](x, last T) bool { return x <= last }

func knownLevels(levels []spine.Level) bool {
	return !slices.ContainsFunc(levels, func(l spine.Level) bool { return !known(l, spine.T13) })
}

// broken names the part of a vertebra that cannot be, "" if there is none.
func (v *Vertebra) broken() string {
	for _, part := range []struct {
		name  string
		whole bool
	}{
		{"level", known(v.Level, spine.T13) && known(v.LevelAlternative, spine.T13)},
		{"status", known(v.Status, NotMeasurable)},
		{"body", v.Body == nil || wholeBody(v.Body)},
		{"surface", v.Surface == nil || len(v.Surface.Points) == 2+segmentation.SurfaceRings*segmentation.SurfaceAngles},
		{"picture", v.Picture == nil || wholePicture(v.Picture)},
		{"expected heights", v.Expected == nil || knownLevels(v.Expected.From)},
		{"deformity", v.Deformity == nil || wholeDeformity(v)},
		{"canal", v.Canal.whole()},
		{"posterior wall", v.Wall.whole()},
		{"tissue", wholeTissue(v.Tissue) && (v.Withdrawn == nil || wholeTissue(v.Withdrawn.Tissue))},
		{"cement", v.Cement == nil || wholeCement(v.Cement)},
		{"fracture", v.Fracture == nil || wholeFracture(v.Fracture)},
		{"facts", !slices.ContainsFunc(v.Treatment, func(f finding.TreatmentFact) bool { return !known(f.Answer, finding.No) })},
	} {
		if !part.whole {
			return part.name
		}
	}
	return ""
}

func wholeBody(b *segmentation.Body) bool {
	alike := func(x, y, z []float64) bool { return len(x) == len(y) && len(y) == len(z) }
	return alike(b.Superior.A, b.Superior.S, b.Superior.SD) && alike(b.Inferior.A, b.Inferior.S, b.Inferior.SD) &&
		alike(b.Anterior.A, b.Anterior.S, b.Anterior.SD) && alike(b.Posterior.A, b.Posterior.S, b.Posterior.SD)
}

func wholePicture(p *segmentation.Picture) bool {
	return min(p.Rows, p.Columns) > 0 && p.Rows <= len(p.Pixels) && p.Columns <= len(p.Pixels) && p.Rows*p.Columns == len(p.Pixels)
}

// wholeDeformity reports whether the grade of v is one, and stands on something.
func wholeDeformity(v *Vertebra) bool {
	d := v.Deformity
	return known(d.Shape, finding.Crush) && known(d.WorstHeight, finding.PosteriorHeight) && known(d.Basis, finding.OwnPosteriorHeight) &&
		d.Grade >= 0 && d.Grade <= 3
}

func (c *Canal) whole() bool {
	if c.Compromise != nil && !knownLevels(c.Compromise.From) || !known(c.Assessment.Class, finding.CanalCritical) {
		return false
	}
	if c.Outline == nil {
		return true
	}
	w := &c.Outline.Wall
	return len(w.Cells) == len(w.S) &&
		!slices.ContainsFunc(w.Cells, func(row []segmentation.WallCell) bool { return len(row) != len(w.L) })
}

func (w *Wall) whole() bool {
	if r := w.Measures.Retropulsion; r != nil && !knownLevels(r.From) || !known(w.State, finding.WallInvolved) {
		return false
	}
	return !slices.ContainsFunc(w.Criteria, func(c finding.WallCriterion) bool { return !known(c.Implies, finding.WallInvolved) })
}

func wholeTissue(t *morphometry.Tissue) bool {
	return t == nil || known(t.Left.Status, morphometry.PedicleEroded) && known(t.Right.Status, morphometry.PedicleEroded)
}

func wholeCement(t *cement.Treated) bool {
	voxels := len(t.Mask.Fraction)
	product := 1
	for _, n := range t.Mask.Size {
		if n < 0 || n > voxels {
			return false
		}
		if product *= n; product > voxels {
			return false
		}
	}
	return product == voxels && !slices.ContainsFunc(t.Leaks, func(l cement.Leak) bool { return !known(l.Place, cement.InferiorDisc) })
}

func wholeFracture(f *finding.Fracture) bool {
	if !known(f.Superior.Broken, finding.No) || !known(f.Inferior.Broken, finding.No) || !known(f.Wall, finding.WallInvolved) {
		return false
	}
	return !slices.ContainsFunc(f.Candidates, func(c finding.Candidate) bool {
		return slices.ContainsFunc(c.Criteria, func(q finding.ClassCriterion) bool { return !known(q.Answer, finding.No) })
	})
}
