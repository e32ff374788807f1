// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/spine"
)

func ExampleCompare() {
	intact := column(spine.T10, spine.L3, 1)
	before := examine(collapsed(intact, spine.L1, 0.6, 0.7, 1), r3.Vec{})
	after := examine(cemented(collapsed(intact, spine.L1, 0.8, 0.9, 1), spine.L1, 4), r3.Vec{})
	c, err := comparison.Compare(before, after, comparison.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range c.Vertebrae {
		if h := p.Heights[0]; h != nil && h.Significant {
			fmt.Printf("%s: anterior height %+.1f mm, %.0f %% of what was lost\n", p.Level, h.Value, p.Restored[0].Value)
		}
	}
	// Output: L1: anterior height +4.6 mm, 45 % of what was lost
}
