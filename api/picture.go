// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/render"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// packedSamples returns the attenuation of a picture's pixels as
// RenderImageResponse.samples tells. The differences of neighbours compress better
// than what they are of, by a fifth, and in less time.
func packedSamples(scene *render.Scene, g *render.Geometry, thickness float64) ([]byte, error) {
	samples, err := scene.Samples(g, thickness)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, 2*len(samples))
	for row := range g.Rows {
		var left int16
		for _, hu := range samples[row*g.Columns:][:g.Columns] {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(hu-left))
			left = hu
		}
	}
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	err = z.Close()
	return packed.Bytes(), err
}

// outlines returns the outlines that lie over a picture.
func outlines(scene *render.Scene, g *render.Geometry, result *analysis.Result) (all []*endplatev1.Outline) {
	for _, shape := range scene.Overlay(g, render.LayersOf(render.Canal, render.Cement, render.Body)) {
		m := &endplatev1.Outline{Structure: structures[shape.Class], Closed: shape.Closed}
		if shape.Vertebra >= 0 {
			m.Level = endplatev1.Level(result.Vertebrae[shape.Vertebra].Level)
		}
		for _, p := range shape.Points {
			m.Columns = append(m.Columns, float32(p.Col-0.5))
			m.Rows = append(m.Rows, float32(p.Row-0.5))
		}
		all = append(all, m)
	}
	return all
}

var structures = map[render.Class]endplatev1.Outline_Structure{
	render.Canal:  endplatev1.Outline_CANAL,
	render.Cement: endplatev1.Outline_CEMENT,
	render.Body:   endplatev1.Outline_BODY,
}

// extent tells where the volume lies; nil where there is none.
func extent(scene *render.Scene) *endplatev1.Extent {
	low, high, spacing, ok := scene.Extent()
	if !ok {
		return nil
	}
	at := func(p r3.Vec) *endplatev1.Position { return xyz(p.X, p.Y, p.Z) }
	return &endplatev1.Extent{Low: at(low), High: at(high), Spacing: at(spacing)}
}
