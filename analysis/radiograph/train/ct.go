// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package train

import (
	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// FromCT returns the patient of a CT with what was measured in it, which is not the truth.
func FromCT(name string, v *volume.Volume, r *analysis.Result) *Patient {
	p := &Patient{Name: name, Volume: v}
	for i := range r.Vertebrae {
		m := &r.Vertebrae[i]
		if m.Status != analysis.Measured || m.Level < spine.T1 || m.Level > spine.L5 {
			p.Unsure = append(p.Unsure, m.Center)
			continue
		}
		k := Known{Level: m.Level, Center: m.Center}
		k.Slopes[0], k.Slopes[1] = m.Landmarks.Superior.Direction, m.Landmarks.Inferior.Direction
		for n := range landmark.Name(landmark.NumPoints) {
			k.Points[n] = m.Landmarks.Point(n).Position
		}
		if m.Deformity != nil {
			k.Genant = int(m.Deformity.Grade)
		}
		p.Column = append(p.Column, k)
	}
	return p
}
