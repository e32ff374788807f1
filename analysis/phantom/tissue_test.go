// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// bent returns a spine with so many more degrees of kyphosis in each thoracic disc,
// and as much scoliosis as the phantom is asked for in the project's tests.
func bent(degrees float64) *phantom.Spine {
	p := phantom.RandomParams(rand.New(rand.NewPCG(11, 1)), phantom.Options{Scoliosis: 25})
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level.Region() == spine.Thoracic {
			v.DiscAngle += degrees
		}
	}
	return phantom.New(p)
}

// However far a person bends, up to a head below the chest, soft tissue fills the
// canal and lies behind it.
func TestTrunkHoldsTheSpine(t *testing.T) {
	const (
		air    = -500.0 // HU; fat is above -120
		behind = 12.0   // mm: half a canal and some tissue
		beyond = 400.0  // mm, by which there must be air
	)
	for _, degrees := range []float64{0, 2, 4, 6, 8} {
		t.Run(fmt.Sprintf("%g degrees a disc", degrees), func(t *testing.T) {
			s := bent(degrees)
			scan := s.Cover(spine.C2+1, spine.S1, 80, 1000, 3, 3)
			scan.Columns, scan.Kernel = 48, phantom.Soft
			at := s.CT(scan).Sampler()
			for _, m := range s.Truth().Vertebrae {
				back := r3.Scale(-1, m.Frame.Anterior)
				first := 0.0
				for first < beyond && at.At(r3.Add(m.Canal, r3.Scale(first, back))) > air {
					first++
				}
				if first < behind {
					t.Errorf("%v: air %.0f mm behind the middle of the canal", m.Level, first)
				}
			}
		})
	}
}
