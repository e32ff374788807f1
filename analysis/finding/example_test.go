// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// body is a vertebra of the given heights at z, mm.
func body(z, anterior, middle, posterior float64) *landmark.Vertebra {
	plate := func(up float64) landmark.Endplate {
		at := func(y, height float64) landmark.Point {
			return landmark.Point{Position: r3.Vec{Y: y, Z: z + up*height/2}, SD: 0.2}
		}
		e := landmark.Endplate{Anterior: at(-14, anterior), Middle: at(0, middle), Posterior: at(14, posterior)}
		e.Direction = r3.Unit(r3.Sub(e.Anterior.Position, e.Posterior.Position))
		return e
	}
	return &landmark.Vertebra{Superior: plate(1), Inferior: plate(-1), Center: r3.Vec{Z: z}, SuperiorAxis: r3.Vec{Z: 1}, LeftAxis: r3.Vec{X: 1}}
}

func ExampleAssess() {
	a := finding.Assess([]morphometry.Vertebra{
		{Level: spine.T12, Landmarks: body(70, 24, 23, 25.5)},
		{Level: spine.L1, Landmarks: body(35, 17, 20, 26)},
		{Level: spine.L2, Landmarks: body(0, 26.5, 25, 27)},
	})
	for _, f := range a.Findings {
		fmt.Println(f.Statement)
	}
	// Output: L1: Genant grade 2, wedge deformity, anterior height 34 ± 2 % below that expected from T12 and L2
}
