// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/network"
)

// A map of a normal distribution has its mean and its deviation, wherever that lies between
// the cells.
func TestMeanOfAMap(t *testing.T) {
	for _, want := range []struct{ col, row, sd float64 }{{10.5, 20.5, 2}, {15.2, 13.8, 1.5}, {20.9, 9.1, 3}} {
		y := network.NewTensor(32, 32, 2)
		for r := range y.Rows {
			for c := range y.Columns {
				dc, dr := float64(c)+0.5-want.col, float64(r)+0.5-want.row
				y.At(r, c)[1] = float32(-(dc*dc + dr*dr) / (2 * want.sd * want.sd))
			}
		}
		col, row, sd := mean(y, 1)
		expected := math.Sqrt(want.sd*want.sd - shared)
		if math.Abs(col-want.col) > 0.02 || math.Abs(row-want.row) > 0.02 || math.Abs(sd-expected) > 0.03 {
			t.Errorf("%.2f %.2f ± %.2f, want %.2f %.2f ± %.2f", col, row, sd, want.col, want.row, expected)
		}
	}
}

// The picture of a body has superior up and anterior to the right, however the film lies.
func TestViewOfABody(t *testing.T) {
	for _, right := range []bool{false, true} {
		for turn := 0.0; turn < 6; turn++ {
			sin, cos := math.Sincos(turn)
			down := r2.Vec{X: -30 * sin, Y: 30 * cos}
			fore := r2.Vec{X: down.Y, Y: -down.X} // to the right of a spine that runs down
			if !right {
				fore = r2.Scale(-1, fore)
			}
			p := pose{center: r2.Vec{X: 100, Y: 200}, down: down, right: right}
			v := p.view()
			middle := v.position(patchSize/2, patchSize/2)
			below, before := r2.Sub(v.position(patchSize/2, patchSize), middle), r2.Sub(v.position(patchSize, patchSize/2), middle)
			if r2.Norm(r2.Sub(middle, p.center)) > 1e-9 || r2.Norm(r2.Sub(below, r2.Scale(patchSpan/2, down))) > 1e-9 || r2.Norm(r2.Sub(before, r2.Scale(patchSpan/2, fore))) > 1e-9 {
				t.Errorf("turned by %g, right %v: middle %v, below %v, before %v", turn, right, middle, below, before)
			}
		}
	}
}

// Cells are where the picture of the whole film has them, and pixels are the means of what
// they cover, also where a film's pixels are not square.
func TestViewOfAFilm(t *testing.T) {
	m := &radiograph.Image{Columns: 300, Rows: 200, Samples: make([]float32, 300*200)}
	for i := range m.Samples {
		m.Samples[i] = float32(i%300) / 300
	}
	field := &radiograph.Field{Columns: 300, Rows: 200, Inside: make([]bool, len(m.Samples))}
	for i := range field.Inside {
		field.Inside[i] = true
	}
	f := &film{m, radiograph.Spacing{Rows: 1.5, Columns: 1}}
	v := f.whole(field, spotterSize)
	s := survey{view: v}
	p := f.position(radiograph.ImagePoint{Col: 75, Row: 50})
	if at := s.cell(p); math.Abs(at.X-12) > 1e-9 || math.Abs(at.Y-12) > 1e-9 { // of 48 over 300 columns or 200 rows of 1.5
		t.Errorf("a quarter of the film is cell %v", at)
	}
	pixels := f.cut(&v)
	for _, col := range []int{20, 100, 170} {
		want := (float64(col)+0.5)*300/spotterSize/300 - 0.5/300
		if got := pixels[90*spotterSize+col]; math.Abs(got-want) > 1e-3 {
			t.Errorf("column %d is %.4f bright, want %.4f", col, got, want)
		}
	}
}
