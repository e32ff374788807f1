// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Treatment is a fracture of one level and what is done about it.
type Treatment struct {
	Level    spine.Level
	Fracture Deformity
	// Restored is the share of the lost anterior, middle and posterior height that
	// treatment gives back, 0 to 1.
	Restored [3]float64
	Cement   float64 // ml; 0 for none
	Leaks    []LeakPlace
	Seed     uint64 // of the cement
}

// Stages are one patient before a fracture, after it, and treated. S1 lies in the
// same place in all.
type Stages struct {
	Intact, Fractured, Treated Params
}

// Course returns what a fracture and its treatment make of the patient p, whose own
// deformity and cement at the level are taken away.
func Course(p Params, t Treatment) (Stages, error) {
	i := slices.IndexFunc(p.Vertebrae, func(v Vertebra) bool { return v.Level == t.Level })
	if i < 0 || t.Level == spine.S1 {
		return Stages{}, fmt.Errorf("%v cannot be fractured and treated", t.Level)
	}
	for _, r := range t.Restored {
		if !(r >= 0 && r <= 1) {
			return Stages{}, fmt.Errorf("restored %g of a height, want 0 to 1", r)
		}
	}
	p.Vertebrae = slices.Clone(p.Vertebrae)
	p.Vertebrae[i].Deformity, p.Vertebrae[i].Cement = Deformity{}, nil
	base := New(p).find(spine.S1).frame
	p.Base = &base
	stages := Stages{Intact: p, Fractured: p, Treated: p}
	stages.Fractured.Vertebrae = slices.Clone(p.Vertebrae)
	stages.Fractured.Vertebrae[i].Deformity = t.Fracture
	stages.Treated.Vertebrae = slices.Clone(p.Vertebrae)
	v := &stages.Treated.Vertebrae[i]
	v.Deformity = t.Fracture.restored(t.Restored)
	if t.Cement > 0 {
		v.Cement = RandomCement(rand.New(rand.NewPCG(t.Seed, 0)), *v, t.Cement, t.Leaks...)
	}
	return stages, nil
}

// restored returns what is left of d when shares of its losses are given back. The
// walls stay where the fracture drove them.
func (d Deformity) restored(share [3]float64) Deformity {
	d.Anterior *= 1 - share[AnteriorHeight]
	d.Middle *= 1 - share[MiddleHeight]
	d.Posterior *= 1 - share[PosteriorHeight]
	return d
}

// Moved returns p with the spine moved by m. Soft tissue follows the spine; what is
// drawn in space, as textures are, stays.
func (p Params) Moved(m warp.Motion) Params {
	f := New(p).find(spine.S1).frame
	forth, turn := m.Map(), m.Directions()
	p.Base = &volume.Frame{Origin: forth(f.Origin), Superior: turn(f.Superior), Anterior: turn(f.Anterior), Left: turn(f.Left)}
	return p
}
