// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

func ExampleMeasureCT() {
	s := phantom.Random(rand.New(rand.NewPCG(3, 0)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L2: phantom.Fracture(phantom.Wedge, 35)},
	})
	scan := s.Cover(spine.T12, spine.L4, 20, 115, 0.9, 2)
	scan.Noise = 15
	vol := s.CT(scan)

	result, err := analysis.MeasureCT(context.Background(), vol, analysis.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range result.Vertebrae {
		if v.Deformity != nil && v.Deformity.Grade > 0 {
			fmt.Printf("%v: Genant grade %d, %v\n", v.Level, v.Deformity.Grade, v.Deformity.Shape)
		}
	}
	// Output: L2: Genant grade 2, wedge
}
