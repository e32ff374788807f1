// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"errors"
	"testing"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
)

// A film lies in a plane of its own, and shows another posture: it is not silently taken
// for a CT.
func TestFilmsAreNotCompared(t *testing.T) {
	film := comparison.NewExamination(&analysis.Result{Film: &analysis.Film{}}, comparison.About{Modality: "DX"})
	ct := comparison.NewExamination(&analysis.Result{}, comparison.About{Modality: "CT"})
	for _, pair := range [][2]*comparison.Examination{{film, ct}, {ct, film}, {film, film}} {
		if _, err := comparison.Compare(pair[0], pair[1], comparison.Options{}); !errors.Is(err, comparison.ErrFilm) {
			t.Errorf("%s and %s: %v", pair[0].Modality, pair[1].Modality, err)
		}
	}
}
