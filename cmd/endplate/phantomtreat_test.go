// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// What is done to a CT is what the pipeline then measures, here of a made CT in slices
// fine enough that reading it errs little.
func TestTreatedCTIsMeasuredAsTreated(t *testing.T) {
	if testing.Short() {
		t.Skip("measures three volumes")
	}
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := "phantom --levels T12-L2 --columns 120 --rows 120 --pixel-spacing 0.8 --spacing 1 --seed 3 --out " + dir
	if status := run(t.Context(), strings.Fields(args), &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	const within = 0.5 // mm
	for _, e := range changesOf(t, dir, "L1=wedge:40", false) {
		if !(math.Abs(e) <= within) {
			t.Errorf("a change is measured %+.2f mm too great, want within %g", e, within)
		}
	}
}

// A real CT in voxels of 3 mm, fractured and treated, is measured as such; how well it
// is read in another position is no matter of the treatment.
func TestTreatedRealCT(t *testing.T) {
	if testing.Short() {
		t.Skip("measures three volumes")
	}
	const within = 0.7 // mm, mean absolute
	errs := changesOf(t, shared(t, "ct", "ts3mm"), "L2=wedge:35", true)
	if mean, _ := errs.mean(); !(mean <= within) {
		t.Errorf("changes err by %+.2f mm, %.2f in the mean, want %g", []float64(errs), mean, within)
	}
}

// changesOf returns the errors of the measured changes of a CT that is fractured and
// treated.
func changesOf(t *testing.T, path, fracture string, still bool) changeErrors {
	t.Helper()
	stages := treatedStages(t, readPatient(t, path), fracture, still)
	var errs changeErrors
	for i := range 2 {
		a, b := stages[i].heights(), stages[i+1].heights()
		for h := range 3 {
			errs = append(errs, b[h]-a[h]-(stages[i+1].exact[h]-stages[i].exact[h]))
		}
	}
	return errs
}
