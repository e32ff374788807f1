// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"math/rand/v2"
	"testing"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// BenchmarkCT renders what tests of the pipeline render: T10–L4 around the
// spine in 1 mm slices, and a whole trunk of 300 slices.
func BenchmarkCT(b *testing.B) {
	s := phantom.Random(rand.New(rand.NewPCG(1, 1)), phantom.Options{})
	small := s.Cover(spine.T10, spine.L4, 15, 180, 0.7, 1)
	large := s.Cover(spine.T10, spine.S1, 0, 360, 0.7, 1)
	large.Columns, large.Rows, large.Slices = 512, 512, 300
	for _, bb := range []struct {
		name string
		scan phantom.Scan
	}{{"spine", small}, {"trunk", large}} {
		b.Run(bb.name, func(b *testing.B) {
			bb.scan.Noise = 15
			b.SetBytes(int64(2 * bb.scan.Columns * bb.scan.Rows * bb.scan.Slices))
			for b.Loop() {
				s.CT(bb.scan)
			}
		})
	}
}
