// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func TestReasonsAreThoseOfTheInterface(t *testing.T) {
	listed := map[string]bool{endplatev1.ErrorReason_ERROR_REASON_UNSPECIFIED.String(): true}
	for _, r := range fault.Reasons() {
		if _, ok := endplatev1.ErrorReason_value[string(r)]; !ok {
			t.Errorf("%s is no ErrorReason", r)
		}
		listed[string(r)] = true
	}
	for name := range endplatev1.ErrorReason_value {
		if !listed[name] {
			t.Errorf("%s has no fault.Reason", name)
		}
	}
}
