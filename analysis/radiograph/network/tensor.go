// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

// Tensor is a picture of so many channels, with a border of one pixel of zeros, as the
// convolutions see beyond its edge.
type Tensor struct {
	Rows, Columns, Channels int

	v []float32 // index ((row+1)*(Columns+2)+col+1)*Channels+channel
}

// NewTensor returns a tensor of zeros.
func NewTensor(rows, columns, channels int) *Tensor {
	return &Tensor{rows, columns, channels, make([]float32, (rows+2)*(columns+2)*channels)}
}

// At returns the channels of a pixel, which the caller may change.
func (t *Tensor) At(row, col int) []float32 {
	i := ((row+1)*(t.Columns+2) + col + 1) * t.Channels
	return t.v[i : i+t.Channels : i+t.Channels]
}

// row returns the channels of a row's pixels from column -1 to Columns.
func (t *Tensor) row(row int) []float32 {
	n := (t.Columns + 2) * t.Channels
	return t.v[(row+1)*n : (row+2)*n]
}

// doubled returns t with each pixel four times.
func (t *Tensor) doubled() *Tensor {
	out := NewTensor(2*t.Rows, 2*t.Columns, t.Channels)
	for row := range out.Rows {
		for col := range out.Columns {
			copy(out.At(row, col), t.At(row/2, col/2))
		}
	}
	return out
}

// sum returns t + o, negative sums as zero.
func (t *Tensor) sum(o *Tensor) *Tensor {
	out := NewTensor(t.Rows, t.Columns, t.Channels)
	for i, v := range t.v {
		out.v[i] = max(v+o.v[i], 0)
	}
	return out
}
