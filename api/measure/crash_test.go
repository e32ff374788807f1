// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A process that ends without an answer says why.
func TestCrashesAreTold(t *testing.T) {
	said := &tail{}
	fmt.Fprintf(said, "x\npanic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\n%s", strings.Repeat("main.f()\n", 1000))
	crash := crashOf(said.String(), errors.New("exit status 2"))
	if crash.Killed || crash.Reason != "panic: runtime error: index out of range [5] with length 3" {
		t.Errorf("crash = %+v", crash)
	}
	if crash = crashOf("", errors.New("signal: killed")); !crash.Killed {
		t.Errorf("crash = %+v, want one by a signal", crash)
	}
}
