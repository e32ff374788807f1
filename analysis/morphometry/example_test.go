// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry_test

import (
	"fmt"

	"github.com/endplate/endplate/analysis/morphometry"
)

func ExampleHeightsOf() {
	v := vertebra(upright(0, 0), 20, 26) // anterior and posterior height
	h, _ := morphometry.HeightsOf(v)
	wedge, _, _ := morphometry.WedgeAngle(v)
	fmt.Printf("Ha %.1f, Hm %.1f, Hp %.1f mm, wedge %.1f degrees\n", h.Anterior, h.Middle, h.Posterior, wedge)
	// Output: Ha 20.0, Hm 23.0, Hp 26.0 mm, wedge 12.7 degrees
}
