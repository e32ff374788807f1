// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// Labels may be on another grid than the image, but not of another patient.
func TestLabelsBesideTheImage(t *testing.T) {
	s := phantom.Random(rand.New(rand.NewPCG(4, 0)), phantom.Options{})
	vol := s.CT(s.Cover(spine.L1, spine.L2, 10, 100, 2, 3))
	labels := s.Labels(s.Cover(spine.L1, spine.L2, 5, 90, 1, 1).Geometry())

	result, err := analysis.MeasureCT(t.Context(), vol, analysis.Options{Labels: labels})
	if err != nil || len(result.Vertebrae) == 0 {
		t.Fatalf("labels in the image: %v, %v", result, err)
	}
	labels.Origin = r3.Add(labels.Origin, r3.Vec{Z: 500})
	if _, err := analysis.MeasureCT(t.Context(), vol, analysis.Options{Labels: labels}); err == nil {
		t.Error("labels half a metre above the image: no error")
	}
}
