// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

func Example() {
	rng := rand.New(rand.NewPCG(1, 0))
	s := phantom.Random(rng, phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, 45)},
	})
	scan := s.Cover(spine.T12, spine.L2, 10, 100, 1, 2)
	scan.Noise = 15
	v := s.CT(scan)
	truth := s.Within(s.Truth(), v.Geometry)
	for _, m := range truth.Vertebrae {
		if m.Complete() {
			fmt.Println(m.Level, "Genant grade", m.Genant)
		}
	}
	// Output:
	// T12 Genant grade 0
	// L1 Genant grade 3
	// L2 Genant grade 0
}
