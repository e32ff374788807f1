// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"testing"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
)

// L1 of sub-verse004 is the one severe collapse of its column (grade 3 of the
// experts). Its upper posterior corner juts out behind the walls of T12 and L2 by
// some 4 mm in the mask; no other wall does.
func TestPosteriorWallOfVerSe004(t *testing.T) {
	m := measureLabels(t, "data/masks/verse004/sub-verse004_seg-vert_msk.nii.gz")
	canals, err := segmentation.CanalFromLabels(t.Context(), m.levels, m.bodies)
	if err != nil {
		t.Fatal(err)
	}
	levels := make([]finding.CanalLevel, len(canals))
	for i, v := range m.assessment.Vertebrae {
		levels[i] = finding.CanalLevel{
			Level: v.Level, Canal: &canals[i], Landmarks: m.column[i].Landmarks, Heights: v.Heights, Expected: v.Expected,
			Excluded: v.Deformity != nil && v.Deformity.Grade > 0,
		}
	}
	for _, a := range finding.AssessCanals(levels) {
		if a.Canal == nil || a.Canal.AP.Value < 10 || a.Canal.AP.Value > 22 {
			t.Errorf("%v: canal %+v", a.Level, a.Canal)
		}
		if (a.Wall.State == finding.WallInvolved) != (a.Level == spine.L1) {
			t.Errorf("%v: posterior wall %v, %+v", a.Level, a.Wall.State, a.Measures.Retropulsion)
		}
		if a.Level == spine.L1 {
			if mm := a.Measures.Retropulsion.Value; mm < 2.5 || mm > 5.5 {
				t.Errorf("L1: retropulsion %.1f mm", mm)
			}
			if a.Class.Class < finding.CanalMild {
				t.Errorf("L1: canal %v", a.Class.Class)
			}
		}
	}
}
