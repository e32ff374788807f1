// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify_test

import (
	"bytes"
	"fmt"

	"github.com/endplate/endplate/analysis/dicom/deidentify"
)

func ExampleProfile_Instance() {
	profile, err := deidentify.New([]byte("the site's secret key"), deidentify.Options{Dates: deidentify.ShiftDates})
	if err != nil {
		fmt.Println(err)
		return
	}
	instance := part10(explicitLittle, append(slice(explicitLittle), at(0x0010, 0x0010, "PN", "DOE^JANE")))

	var out bytes.Buffer
	outcome, err := profile.Instance(&out, bytes.NewReader(instance))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome.SOPInstanceUID)
	fmt.Println(bytes.Contains(out.Bytes(), []byte("DOE")))
	// Output:
	// 2.25.206472856172922915282594919948114425367
	// false
}
