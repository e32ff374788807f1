// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package spine_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/endplate/endplate/analysis/spine"
)

func ExampleParseLevel() {
	var column []spine.Level
	for _, name := range []string{"L1", "T13", "C7", "T12"} {
		l, err := spine.ParseLevel(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		column = append(column, l)
	}
	slices.SortFunc(column, func(a, b spine.Level) int { return cmp.Compare(a.Order(), b.Order()) })
	for _, l := range column {
		fmt.Println(l, "is number", int(l), "in VerSe")
	}
	// Output:
	// C7 is number 7 in VerSe
	// T12 is number 19 in VerSe
	// T13 is number 28 in VerSe
	// L1 is number 20 in VerSe
}
