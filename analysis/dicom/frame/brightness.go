// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"context"
	"image"
	"math"
)

// Brightness returns frame n, from 1, as it is to be looked at, row by row, in all the
// steps that are stored: 0 is black and 1 white. Where a linear window cuts, values go on
// beyond 0 and 1. Colour is taken as its luma.
func (m *Image) Brightness(ctx context.Context, n int) ([]float32, error) {
	if m.Format.SamplesPerPixel != 1 || m.Format.PhotometricInterpretation == "PALETTE COLOR" {
		return m.luma(ctx, n)
	}
	samples, err := m.Decode(ctx, n)
	if err != nil {
		return nil, err
	}
	modality := m.modality(n)
	voi := m.voi(n, nil, modality, samples)
	invert := m.inverted()
	known := make(map[int32]float32)
	out := make([]float32, len(samples))
	for i, s := range samples {
		v, ok := known[s]
		if !ok {
			if v = float32(voi(modality(s))); math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				v = 0
			}
			if invert {
				v = 1 - v
			}
			known[s] = v
		}
		out[i] = v
	}
	return out, nil
}

// luma returns the brightness of a picture in colour.
func (m *Image) luma(ctx context.Context, n int) ([]float32, error) {
	picture, err := m.Picture(ctx, n, nil)
	if err != nil {
		return nil, err
	}
	out := make([]float32, m.Format.Rows*m.Format.Columns)
	rgba, ok := picture.(*image.RGBA)
	if !ok {
		return out, nil
	}
	for i := range out {
		p := rgba.Pix[4*i:]
		const red, green, blue = 0.299, 0.587, 0.114 // ITU-R BT.601, as PS3.3 C.7.6.3.1.2 has it
		out[i] = (red*float32(p[0]) + green*float32(p[1]) + blue*float32(p[2])) / math.MaxUint8
	}
	return out, nil
}
