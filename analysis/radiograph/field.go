// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package radiograph

import "math"

// Field marks the pixels that may show the patient: all but what hangs together with the
// film's border and is as even as only a shutter, a collimator's blade or air is.
type Field struct {
	Columns, Rows int
	Inside        []bool // row by row
	Share         float64
}

// evenWithin is how much neighbouring pixels of what is even differ, of the range of
// the film's brightness: the noise of a blade's shadow, less than tissue's slope.
const evenWithin = 0.02

// FindField finds the field of m. It floods from the border over pixels whose brightness is
// near that of the darkest or of the brightest parts of the film, where shutters, blades
// and unattenuated beam lie.
func FindField(m *Image) *Field {
	f := &Field{Columns: m.Columns, Rows: m.Rows, Inside: make([]bool, len(m.Samples))}
	for i := range f.Inside {
		f.Inside[i] = true
	}
	q := m.quantiles(nil, 0.001, 0.999)
	span := q[1] - q[0]
	if !(span > 0) {
		return f
	}
	for _, level := range q {
		f.flood(m, level, evenWithin*span)
	}
	inside := 0
	for _, in := range f.Inside {
		if in {
			inside++
		}
	}
	f.Share = float64(inside) / float64(len(f.Inside))
	return f
}

// flood takes away what hangs together with the border and is within a tolerance of a
// brightness.
func (f *Field) flood(m *Image, level, tolerance float64) {
	var stack []int
	push := func(i int) {
		if f.Inside[i] && math.Abs(float64(m.Samples[i])-level) < tolerance {
			f.Inside[i] = false
			stack = append(stack, i)
		}
	}
	for col := range m.Columns {
		push(col)
		push((m.Rows-1)*m.Columns + col)
	}
	for row := range m.Rows {
		push(row * m.Columns)
		push((row+1)*m.Columns - 1)
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if col := i % m.Columns; col > 0 {
			push(i - 1)
		}
		if i%m.Columns < m.Columns-1 {
			push(i + 1)
		}
		if i >= m.Columns {
			push(i - m.Columns)
		}
		if i+m.Columns < len(f.Inside) {
			push(i + m.Columns)
		}
	}
}

// Holds reports whether p lies in the field.
func (f *Field) Holds(p ImagePoint) bool {
	col, row := int(math.Floor(p.Col)), int(math.Floor(p.Row))
	return col >= 0 && row >= 0 && col < f.Columns && row < f.Rows && f.Inside[row*f.Columns+col]
}
