// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark_test

import (
	"fmt"

	"github.com/endplate/endplate/analysis/landmark"
)

// The corners of a body 30 mm deep stand 1.5 mm inside its walls.
func ExampleFromBody() {
	v, err := landmark.FromBody(box().body())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range []landmark.Point{v.Superior.Anterior, v.Superior.Posterior} {
		s, a, _ := frame.Coordinates(p.Position)
		fmt.Printf("%.1f mm superior, %.1f mm anterior of the centre\n", s, a)
	}
	// Output:
	// 12.5 mm superior, 13.5 mm anterior of the centre
	// 12.5 mm superior, -13.5 mm anterior of the centre
}
