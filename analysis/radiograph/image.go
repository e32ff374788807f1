// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph

import "slices"

// Image is a radiograph as it is to be looked at: bone bright.
type Image struct {
	Columns, Rows int

	// Samples is the brightness of each pixel, row by row: 0 to 1, and beyond where a
	// window cuts what is stored.
	Samples []float32

	Header Header
}

// Header is what is known of a film beside its pixels.
type Header struct {
	StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID string

	Modality string // CR, DX, RF or OT
	Scale    Scale

	// What says which view of which part it is, as the attributes have it.
	ViewPosition, BodyPartExamined string
	PatientOrientation             [2]string // of rows and of columns
	BurnedInAnnotation             string
}

// At returns the brightness at p, linear between pixels' centres; beyond the border it is
// that of the border.
func (m *Image) At(p ImagePoint) float64 {
	x := min(max(p.Col-0.5, 0), float64(m.Columns-1))
	y := min(max(p.Row-0.5, 0), float64(m.Rows-1))
	i, j := min(int(x), max(m.Columns-2, 0)), min(int(y), max(m.Rows-2, 0))
	fx, fy := x-float64(i), y-float64(j)
	right, down := min(1, m.Columns-1), min(1, m.Rows-1)*m.Columns
	c := m.Samples[j*m.Columns+i:]
	a, b := float64(c[0])+fx*float64(c[right]-c[0]), float64(c[down])+fx*float64(c[down+right]-c[down])
	return a + fy*(b-a)
}

// Inverted returns m with dark and bright exchanged.
func (m *Image) Inverted() *Image {
	out := *m
	out.Samples = make([]float32, len(m.Samples))
	for i, v := range m.Samples {
		out.Samples[i] = 1 - v
	}
	return &out
}

// quantiles returns the brightness below which the given parts of the marked pixels lie;
// all pixels count where mark is nil. It is nil where none is marked.
func (m *Image) quantiles(mark []bool, parts ...float64) []float64 {
	const most = 1 << 16 // so many pixels tell as much as all
	step := max(len(m.Samples)/most, 1)
	var v []float32
	for i := 0; i < len(m.Samples); i += step {
		if mark == nil || mark[i] {
			v = append(v, m.Samples[i])
		}
	}
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	out := make([]float64, len(parts))
	for n, p := range parts {
		out[n] = float64(v[int(p*float64(len(v)-1))])
	}
	return out
}
