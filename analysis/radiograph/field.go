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

// leastBorder is how much of the film's border blades, a shutter or air take up, if any does: a
// blade at one end of it takes up a fifth. Less is tissue as bright as any.
const leastBorder = 0.15

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
	border := f.border()
	for _, level := range q {
		near := func(i int) bool { return math.Abs(float64(m.Samples[i])-level) < evenWithin*span }
		if share := shareOf(border, near); share >= leastBorder {
			f.flood(border, near)
		}
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

// border returns the pixels at the film's border.
func (f *Field) border() []int {
	var all []int
	for col := range f.Columns {
		all = append(all, col, (f.Rows-1)*f.Columns+col)
	}
	for row := range f.Rows {
		all = append(all, row*f.Columns, (row+1)*f.Columns-1)
	}
	return all
}

func shareOf(pixels []int, is func(i int) bool) float64 {
	n := 0
	for _, i := range pixels {
		if is(i) {
			n++
		}
	}
	return float64(n) / float64(len(pixels))
}

// flood takes away what hangs together with the border and is near a brightness.
func (f *Field) flood(border []int, near func(i int) bool) {
	var stack []int
	push := func(i int) {
		if f.Inside[i] && near(i) {
			f.Inside[i] = false
			stack = append(stack, i)
		}
	}
	for _, i := range border {
		push(i)
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if col := i % f.Columns; col > 0 {
			push(i - 1)
		}
		if i%f.Columns < f.Columns-1 {
			push(i + 1)
		}
		if i >= f.Columns {
			push(i - f.Columns)
		}
		if i+f.Columns < len(f.Inside) {
			push(i + f.Columns)
		}
	}
}

// Holds reports whether p lies in the field.
func (f *Field) Holds(p ImagePoint) bool {
	col, row := int(math.Floor(p.Col)), int(math.Floor(p.Row))
	return col >= 0 && row >= 0 && col < f.Columns && row < f.Rows && f.Inside[row*f.Columns+col]
}
