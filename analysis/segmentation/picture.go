// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"github.com/endplate/endplate/analysis/volume"
)

// Picture is a small picture of a body and what lies beside it in its mid-sagittal
// plane, the mean over ±5 mm across it: enough to see again whether an endplate
// moved.
type Picture struct {
	// S0 and A0 are where the first pixel lies superior and anterior of the frame's
	// origin, mm; Step is the distance of pixels.
	S0, A0, Step  float64
	Rows, Columns int // along s and along a
	// Pixels holds attenuation in steps of PictureStep from PictureLeast, HU, at
	// least 1; 0 is out of view. Index row*Columns+column.
	Pixels []byte
}

// The attenuation of a Picture's pixels.
const (
	PictureLeast = -200.0
	PictureStep  = 5.0
)

const (
	pictureStep = 0.8  // mm
	pictureMost = 70.0 // mm, of an outline that is one

	// What is shown beyond the outline, mm: above and below it more than a disc, for
	// the endplate may be there and not where it was outlined.
	pictureAbove  = 18.0
	pictureBefore = 6.0

	// What stands for the outline of a body that has none, mm: half of a thoracolumbar
	// one.
	usualHalfHeight = 12.0
	usualHalfDepth  = 16.0
)

// PictureOf returns the picture of a body in vol, which must be canonical; false
// without one. The sacrum's has no inferior endplate. Of a body that was found but not
// outlined it is that of what lies about its centre.
func PictureOf(vol *volume.Volume, b *Body) (*Picture, bool) {
	if b == nil || b.Frame == (volume.Frame{}) {
		return nil, false
	}
	low, high, back, front := -usualHalfHeight, usualHalfHeight, -usualHalfDepth, usualHalfDepth
	if len(b.Superior.S) > 0 {
		low, high = spanOf(b.Superior.S, b.Inferior.S)
		back, front = spanOf(b.Superior.A, b.Inferior.A)
	}
	if !(high-low < pictureMost) || !(front-back < pictureMost) {
		return nil, false
	}
	p := &Picture{
		S0: low - pictureAbove, A0: back - pictureBefore, Step: pictureStep,
		Rows:    int((high-low+2*pictureAbove)/pictureStep) + 1,
		Columns: int((front-back+2*pictureBefore)/pictureStep) + 1,
	}
	p.Pixels = make([]byte, p.Rows*p.Columns)
	sampler, indexer := vol.Sampler(), vol.Indexer()
	columns, rows, slices := float64(vol.Columns-1), float64(vol.Rows-1), float64(vol.Slices-1)
	for i := range p.Rows {
		for j := range p.Columns {
			s, a := p.S0+float64(i)*p.Step, p.A0+float64(j)*p.Step
			hu := acrossSlab(&sampler, b.Frame, s, a)
			if x, y, z := indexer.Index(b.Frame.Point(s, a, 0)); min(x, y, z) < 0 || x > columns || y > rows || z > slices {
				continue
			}
			p.Pixels[i*p.Columns+j] = byte(min(max(math.Round((hu-PictureLeast)/PictureStep), 1), math.MaxUint8))
		}
	}
	return p, true
}

// acrossSlab returns the mean attenuation across the slab that outlines are read
// from.
func acrossSlab(sampler *volume.Sampler, f volume.Frame, s, a float64) float64 {
	sum, n := 0.0, 0.0
	for l := -slabHalfWidth; l <= slabHalfWidth; l++ {
		sum, n = sum+sampler.At(f.Point(s, a, l)), n+1
	}
	return sum / n
}

// spanOf returns the least and the greatest of two curves' values.
func spanOf(x, y []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, curve := range [][]float64{x, y} {
		for _, v := range curve {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}
