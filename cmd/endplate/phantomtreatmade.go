// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// digest names an identity in 12 characters.
func digest(identity string) string {
	sum := sha256.Sum256([]byte(identity))
	return hex.EncodeToString(sum[:6])
}

// madePatient is a synthetic patient.
type madePatient struct {
	flags  *treatFlags
	plan   *treatPlan
	stages phantom.Stages
}

// prepare draws the patient and the course.
func (m *madePatient) prepare(context.Context, *progress) (spine.Level, string, error) {
	level := m.plan.level
	if level == spine.Unknown {
		level = spine.L1
	}
	if !slices.Contains(phantom.Levels(), level) {
		return level, "", usagef("--level: the phantom has no %v", level)
	}
	opt, err := m.flags.options()
	if err != nil {
		return level, "", err
	}
	p, err := m.flags.params(opt)
	if err != nil {
		return level, "", err
	}
	first, last, err := parseLevels(m.flags.levels)
	if err == nil && (level < first || level > last) {
		return level, "", usagef("%v is not among --levels %s", level, m.flags.levels)
	}
	m.stages, err = phantom.Course(p, phantom.Treatment{
		Level: level, Fracture: m.plan.deformity, Restored: m.plan.restored,
		Cement: m.plan.cement, Leaks: m.plan.leaks, Seed: m.plan.seed,
	})
	if err != nil {
		return level, "", usagef("%w", err)
	}
	for _, v := range m.stages.Treated.Vertebrae {
		if v.Level == level && v.Cement != nil {
			if err := fits(level, phantom.CementIn(v), m.plan.cement); err != nil {
				return level, "", usagef("--cement: %w", err)
			}
		}
	}
	return level, fmt.Sprintf("%d %+v %q %+v", m.flags.seed, opt, m.flags.changes, m.plan.truth(level)), nil
}

// stage renders one of the patient's examinations.
func (m *madePatient) stage(_ context.Context, name string) (*volume.Volume, func(dicom.UIDs) truthAnalysis, error) {
	i := slices.Index(stageNames, name)
	p := [...]phantom.Params{m.stages.Intact, m.stages.Fractured, m.stages.Treated}[i]
	motion := m.plan.motion(name, p.Base.Origin)
	p = p.Moved(motion)
	s := phantom.New(p)
	flags := m.flags.phantomFlags
	if name == "treated" && m.plan.spacing > 0 {
		flags.spacing, flags.thickness = m.plan.spacing, 0
	}
	scan, err := flags.scan(s)
	if err != nil {
		return nil, nil, err
	}
	scan.Seed = m.plan.seed*uint64(len(stageNames)) + uint64(i) // each has its own noise
	vol := s.CT(scan)
	return vol, func(uids dicom.UIDs) truthAnalysis {
		a := truthOfSpine(s, p, vol.Geometry, uids)
		a.Motion = motionTruth(motion)
		return a
	}, nil
}
