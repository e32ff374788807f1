// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dul

import (
	"fmt"
	"strings"
	"testing"
)

// table is PS3.8 table 9-10 as it is printed: a row an event, a column a state.
const table = `
        Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10 Sta11 Sta12 Sta13
Evt1    AE-1  -     -     -     -     -     -     -     -     -     -     -     -
Evt2    -     -     -     AE-2  -     -     -     -     -     -     -     -     -
Evt3    -     AA-1  AA-8  -     AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt4    -     AA-1  AA-8  -     AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt5    AE-5  -     -     -     -     -     -     -     -     -     -     -     -
Evt6    -     AE-6  AA-8  -     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
Evt7    -     -     AE-7  -     -     -     -     -     -     -     -     -     -
Evt8    -     -     AE-8  -     -     -     -     -     -     -     -     -     -
Evt9    -     -     -     -     -     DT-1  -     AR-7  -     -     -     -     -
Evt10   -     AA-1  AA-8  -     AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt11   -     -     -     -     -     AR-1  -     -     -     -     -     -     -
Evt12   -     AA-1  AA-8  -     AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt13   -     AA-1  AA-8  -     AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6
Evt14   -     -     -     -     -     -     -     AR-4  AR-9  -     -     AR-4  -
Evt15   -     -     AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  -
Evt16   -     AA-2  AA-3  -     AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2
Evt17   -     AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5
Evt18   -     AA-2  -     -     -     -     -     -     -     -     -     -     AA-2
Evt19   -     AA-1  AA-8  -     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
`

var actionNames = map[string]Action{
	"-": 0, "AE-1": AE1, "AE-2": AE2, "AE-3": AE3, "AE-4": AE4, "AE-5": AE5, "AE-6": AE6, "AE-7": AE7, "AE-8": AE8,
	"DT-1": DT1, "DT-2": DT2, "AR-1": AR1, "AR-2": AR2, "AR-3": AR3, "AR-4": AR4, "AR-5": AR5, "AR-6": AR6, "AR-7": AR7,
	"AR-8": AR8, "AR-9": AR9, "AR-10": AR10, "AA-1": AA1, "AA-2": AA2, "AA-3": AA3, "AA-4": AA4, "AA-5": AA5, "AA-6": AA6,
	"AA-7": AA7, "AA-8": AA8,
}

func TestTransitionsAreThoseOfTheStandard(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) != int(events) {
		t.Fatalf("%d rows", len(rows))
	}
	for e, row := range rows[1:] {
		cells := strings.Fields(row)
		if len(cells) != int(states) || cells[0] != fmt.Sprint("Evt", e+1) {
			t.Fatalf("row %q", row)
		}
		for s, name := range cells[1:] {
			want, known := actionNames[name]
			if !known {
				t.Fatalf("action %q", name)
			}
			if got := transitions[e+1][s+1]; got != want {
				t.Errorf("Evt%d in Sta%d: action %d, want %s", e+1, s+1, got, name)
			}
		}
	}
}

// Reference: PS3.8 tables 9-6 to 9-9.
func TestStatesThatFollow(t *testing.T) {
	for _, tt := range []struct {
		state     State
		event     Event
		requestor bool
		want      State
	}{
		{Sta1, Evt1, true, Sta4},
		{Sta4, Evt2, true, Sta5},
		{Sta5, Evt3, true, Sta6},
		{Sta5, Evt4, true, Sta1},
		{Sta1, Evt5, false, Sta2},
		{Sta2, Evt6, false, Sta3},
		{Sta3, Evt7, false, Sta6},
		{Sta3, Evt8, false, Sta13},
		{Sta6, Evt9, false, Sta6},
		{Sta8, Evt9, false, Sta8},
		{Sta6, Evt10, false, Sta6},
		{Sta7, Evt10, false, Sta7},
		{Sta6, Evt11, true, Sta7},
		{Sta6, Evt12, false, Sta8},
		{Sta7, Evt13, true, Sta1},
		{Sta8, Evt14, false, Sta13},
		{Sta7, Evt12, true, Sta9},
		{Sta7, Evt12, false, Sta10},
		{Sta9, Evt14, true, Sta11},
		{Sta10, Evt13, false, Sta12},
		{Sta11, Evt13, true, Sta1},
		{Sta12, Evt14, false, Sta13},
		{Sta6, Evt15, true, Sta13},
		{Sta4, Evt15, true, Sta1},
		{Sta6, Evt16, true, Sta1},
		{Sta6, Evt17, true, Sta1},
		{Sta13, Evt17, true, Sta1},
		{Sta13, Evt18, true, Sta1},
		{Sta2, Evt18, false, Sta1},
		{Sta6, Evt19, false, Sta13},
		{Sta13, Evt19, false, Sta13},
	} {
		if _, got := act(tt.state, tt.event, tt.requestor); got != tt.want {
			t.Errorf("Evt%d in Sta%d, requestor %t: Sta%d, want Sta%d", tt.event, tt.state, tt.requestor, got, tt.want)
		}
	}
}
