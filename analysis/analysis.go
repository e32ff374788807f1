// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Options steer an analysis. The zero value is the default.
type Options struct {
	// Fixed is a level that the caller knows; the others follow from it.
	Fixed *naming.Fixed

	// Labels outlines the vertebrae in the place of the image's own
	// segmentation, and names them.
	Labels *volume.LabelMap

	// Progress is told of each stage as it begins, with the fraction done.
	Progress func(stage string, fraction float64)
}

func (o Options) progress(stage phrase.Text, fraction float64) {
	if o.Progress != nil {
		o.Progress(stage.String(), fraction)
	}
}

// MeasureCT measures every vertebra that vol shows. A volume without a spine
// gives a result with a reason, not an error; an error is returned if ctx ends,
// if opt.Fixed cannot hold, or if opt.Labels lies beside the image.
func MeasureCT(ctx context.Context, vol *volume.Volume, opt Options) (*Result, error) {
	opt.progress("orienting", 0)
	vol = vol.Canonical()
	opt.progress("finding the spine", 0.05)
	found, err := localization.Find(ctx, vol)
	if err != nil {
		return nil, fmt.Errorf("localization: %w", err)
	}
	if opt.Labels != nil {
		return measureLabelled(ctx, vol, found, opt)
	}
	if len(found.Vertebrae) == 0 {
		return &Result{Canal: found.Canal, Grid: vol.Geometry, Reason: found.Reason}, nil
	}
	dense, found, err := withoutCement(ctx, vol, found)
	if err != nil {
		return nil, err
	}
	bone := dense.Removed()
	opt.progress("naming levels", 0.3)
	names, err := naming.Levels(ctx, bone, found, opt.Fixed)
	if err != nil {
		return nil, err
	}
	opt.progress("outlining bodies", 0.4)
	solid := segmentation.WithoutGas(bone, found)
	bodies, err := segmentation.FromPartOf(ctx, solid, found, dense.Hides())
	if err != nil {
		return nil, fmt.Errorf("segmentation: %w", err)
	}
	opt.progress("outlining canal and walls", 0.8)
	canals, err := segmentation.CanalFromImage(ctx, bone, found, bodies)
	if err != nil {
		return nil, fmt.Errorf("segmentation of the canal: %w", err)
	}
	result := &Result{Canal: found.Canal, Grid: vol.Geometry}
	for _, w := range names.Warnings {
		result.Warnings = append(result.Warnings, Warning(w))
	}
	var index []int // of the result's vertebrae in found
	for i := range found.Vertebrae {
		if names.Names[i].Level == spine.Unknown {
			continue // no vertebra, or below S1: a warning tells of it
		}
		result.Vertebrae = append(result.Vertebrae, vertebra(&found.Vertebrae[i], names.Names[i], &bodies[i]))
		index = append(index, i)
	}
	result.dropImplausible()
	opt.progress("measuring", 0.85)
	if err := result.finish(ctx, images{vol, solid, dense}, found, bodies, canals, index); err != nil {
		return nil, err
	}
	opt.progress("measured", 1)
	return result, nil
}

// sameCanal, mm, is how far the canal found without cement may lie from the one
// found before.
const sameCanal = 10.0

// withoutCement looks for lumps denser than bone in vol. Where there are any, the
// spine is found anew without them, unless the streaks of metal lead that search
// astray.
func withoutCement(ctx context.Context, vol *volume.Volume, found *localization.Spine) (*cement.Dense, *localization.Spine, error) {
	dense, err := cement.Search(ctx, vol, found.Canal)
	if err != nil || dense.Empty() {
		return dense, found, err
	}
	again, err := localization.Find(ctx, dense.Removed())
	if err != nil {
		return nil, nil, fmt.Errorf("localization: %w", err)
	}
	if len(again.Vertebrae) == 0 || !passes(again.Canal, found.Canal[len(found.Canal)/2].Position) {
		again = found
	}
	return dense, again, nil
}

// passes reports whether a canal passes near p.
func passes(canal []localization.CanalPoint, p r3.Vec) bool {
	return slices.ContainsFunc(canal, func(c localization.CanalPoint) bool {
		return r3.Norm(r3.Sub(c.Position, p)) < sameCanal
	})
}

// images is an image as it is, and as the stages that look for bone see it.
type images struct {
	vol   *volume.Volume
	solid *volume.Volume // without cement, metal and gas
	dense *cement.Dense  // what was taken out
}

// finish measures and judges what has been outlined: bodies and canals of the
// vertebrae of found, those of the result at index.
func (r *Result) finish(ctx context.Context, im images, found *localization.Spine,
	bodies []segmentation.Body, canals []segmentation.Canal, index []int,
) error {
	outlined := make([]*segmentation.Body, len(bodies))
	for _, i := range index {
		if bodies[i].Reason == "" {
			outlined[i] = &bodies[i]
		}
	}
	all, err := segmentation.RegionsOf(ctx, im.solid, outlined)
	if err != nil {
		return fmt.Errorf("segmentation of regions: %w", err)
	}
	if err := r.findCement(ctx, im.dense, found, all, index); err != nil {
		return fmt.Errorf("cement: %w", err)
	}
	regions := make([]*segmentation.Region, len(index))
	for n, i := range index {
		r.Vertebrae[n].Canal.Outline, regions[n] = &canals[i], all[i]
	}
	r.assess()
	r.examineCanal()
	r.examineTissue(im.vol, regions)
	r.describe()
	return nil
}

// measureLabelled measures the vertebrae that opt.Labels outlines, and their bone
// in vol, in which found was found.
func measureLabelled(ctx context.Context, vol *volume.Volume, found *localization.Spine, opt Options) (*Result, error) {
	result, err := outlineLabels(ctx, opt.Labels)
	if err != nil {
		return nil, err
	}
	result.Canal, result.Grid = found.Canal, vol.Geometry
	if err := result.within(vol); err != nil {
		return nil, err
	}
	outlined := make([]*segmentation.Body, len(result.Vertebrae))
	for i := range result.Vertebrae {
		if v := &result.Vertebrae[i]; v.Status == Measured {
			outlined[i] = v.Body
		}
	}
	regions, err := segmentation.RegionsOf(ctx, vol, outlined)
	if err != nil {
		return nil, fmt.Errorf("segmentation of regions: %w", err)
	}
	result.examineTissue(vol, regions)
	result.describe()
	return result, nil
}

// MeasureLabels measures every vertebra that a label map outlines. Label values
// are VerSe's or TotalSegmentator's, told apart by the values present. A map
// without a vertebra gives a result with a reason.
func MeasureLabels(ctx context.Context, labels *volume.LabelMap, opt Options) (*Result, error) {
	result, err := outlineLabels(ctx, labels)
	if err != nil {
		return nil, err
	}
	result.describe()
	return result, nil
}

// outlineLabels is MeasureLabels up to what an image adds to.
func outlineLabels(ctx context.Context, labels *volume.LabelMap) (*Result, error) {
	scheme, err := segmentation.DetectLabelScheme(labels)
	if errors.Is(err, segmentation.ErrNoLabels) {
		return &Result{Reason: "no vertebra is labelled"}, nil
	}
	if err != nil {
		return &Result{Reason: phrase.Of("label values: %s", phrase.Why(err))}, nil //nolint:nilerr // a map that is not understood is a result
	}
	levels := segmentation.LabelLevels(labels, scheme)
	bodies, err := segmentation.FromLabels(ctx, levels)
	if errors.Is(err, segmentation.ErrNoLabels) {
		return &Result{Reason: "no vertebra is labelled"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("label map: %w", err)
	}
	canals, err := segmentation.CanalFromLabels(ctx, levels, bodies)
	if err != nil {
		return nil, fmt.Errorf("label map's canal: %w", err)
	}
	result := &Result{}
	for i, b := range bodies {
		v := labelled(b)
		v.Canal.Outline = &canals[i]
		result.Vertebrae = append(result.Vertebrae, v)
	}
	result.assess()
	result.examineCanal()
	return result, nil
}

// within returns an error if none of the vertebrae lies in vol: the label map is
// then of something else.
func (r *Result) within(vol *volume.Volume) error {
	indexer := vol.Indexer()
	for _, v := range r.Vertebrae {
		i, j, k := indexer.Index(v.Center)
		if min(i, j, k) >= 0 && i < float64(vol.Columns) && j < float64(vol.Rows) && k < float64(vol.Slices) {
			return nil
		}
	}
	if len(r.Vertebrae) == 0 {
		return nil
	}
	return errors.New("label map: none of its vertebrae lies in the image")
}

// vertebra puts together what localization, naming and segmentation say of one
// vertebra, up to its landmarks.
func vertebra(found *localization.Vertebra, name naming.Name, body *segmentation.Body) Vertebra {
	v := Vertebra{
		Level:            name.Level,
		LevelProbability: name.Probability,
		LevelAlternative: name.Alternative,
		Center:           found.Center,
		Complete:         !found.Truncated && !found.Sacral,
	}
	switch {
	case found.Truncated:
		v.Status, v.Reason = Truncated, found.Reason
	case found.Sacral || name.Level == spine.S1:
		v.sacrum(body)
	default:
		v.measure(body)
	}
	return v
}

// labelled is vertebra for a label map, whose names are given.
func labelled(b segmentation.LabelBody) Vertebra {
	v := Vertebra{Level: b.Level, LevelProbability: 1, Center: b.Center, Complete: !b.Truncated && b.Level != spine.S1}
	switch {
	case b.Truncated:
		v.Status, v.Reason = Truncated, b.Reason
	case b.Body == nil:
		v.Status, v.Reason = NotMeasurable, b.Reason
	case b.Level == spine.S1:
		v.sacrum(b.Body)
	default:
		v.measure(b.Body)
		if v.Reason == "" {
			v.Reason = b.Reason
		}
	}
	return v
}

// measure places the landmarks on a body.
func (v *Vertebra) measure(b *segmentation.Body) {
	v.Body = b
	switch {
	case b.Truncated:
		v.Status, v.Reason, v.Complete = Truncated, b.Reason, false
		return
	case b.Reason != "":
		v.Status, v.Reason = NotMeasurable, b.Reason
		return
	}
	points, err := landmark.FromBody(b)
	if err != nil {
		v.Status, v.Reason = NotMeasurable, phrase.Why(err)
		return
	}
	v.Status, v.Landmarks, v.Center = Measured, points, points.Center
}

const sacrumReason phrase.Text = "of the sacrum only the superior endplate is measured"

// sacrum places the landmarks on the first sacral segment's superior endplate,
// which serves angles and the lumbosacral disc alone.
func (v *Vertebra) sacrum(b *segmentation.Body) {
	v.Status, v.Reason = NotMeasurable, sacrumReason
	v.Body = b
	points, err := landmark.SacrumFromBody(b)
	if err != nil {
		v.Reason = phrase.Why(err)
		return
	}
	v.Landmarks = points
}

// assess fills in heights, angles and findings.
func (r *Result) assess() {
	column := make([]morphometry.Vertebra, len(r.Vertebrae))
	for i, v := range r.Vertebrae {
		column[i] = morphometry.Vertebra{Level: v.Level, Landmarks: v.Landmarks, Treated: v.treated()}
	}
	a := finding.Assess(column)
	for i, assessed := range a.Vertebrae {
		v := &r.Vertebrae[i]
		v.Heights, v.Expected, v.Deformity = assessed.Heights, assessed.Expected, assessed.Deformity
		v.WedgeAngle, v.DiscHeight = (*Measurement)(assessed.WedgeAngle), (*Measurement)(assessed.DiscHeight)
	}
	r.Angles, r.Findings = a.Angles, a.Findings
}
