// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/network"
)

// What the spotter tells of each cell of its picture: the order in which train.py has it.
const (
	spotterSize = 192
	cellSize    = 4 // pixels

	centreAt  = 0
	downAt    = 3 // to the next body's centre, in eighths of a cell
	foreAt    = 5 // to the anterior wall, in quarters of a cell
	axisAt    = 7 // the way to the next body whichever it is, in eighths of a cell, at twice its angle
	levelAt   = 9 // T1 to L5, S1
	downScale = 8
	foreScale = 4
	orders    = 18
)

// spot is a place where a body's centre may be.
type spot struct {
	at   r2.Vec
	axis r2.Vec // to the centre of the body beside it, below or above
	down r2.Vec // to that of the body below
	fore r2.Vec // to the anterior wall

	probability float64
	level       [orders]float64 // logarithm of the probability of each level, T1 to L5 and S1
}

// survey is what the spotter tells of a film.
type survey struct {
	view  view
	cells *network.Tensor
}

func (f *film) survey(field *radiograph.Field) (*survey, error) {
	v := f.whole(field, spotterSize)
	y, err := network.Spotter().Run(input(f.cut(&v), spotterSize, spotterSize/32))
	if err != nil {
		return nil, err
	}
	return &survey{v, y}, nil
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// probability returns that of a centre at a place in cells, linear between their middles; 0
// beyond the border.
func (s *survey) probability(p r2.Vec) float64 {
	x, y := p.X-0.5, p.Y-0.5
	i, j := int(math.Floor(x)), int(math.Floor(y))
	at := func(row, col int) float64 {
		if row < 0 || col < 0 || row >= s.cells.Rows || col >= s.cells.Columns {
			return 0
		}
		return logistic(float64(s.cells.At(row, col)[centreAt]))
	}
	fx, fy := x-float64(i), y-float64(j)
	top := at(j, i) + fx*(at(j, i+1)-at(j, i))
	bottom := at(j+1, i) + fx*(at(j+1, i+1)-at(j+1, i))
	return top + fy*(bottom-top)
}

// spot returns what the cells about a place in cells tell, the likelier ones the more.
func (s *survey) spot(p r2.Vec) spot {
	out := spot{at: s.view.position(cellSize*p.X, cellSize*p.Y), probability: s.probability(p)}
	var double, down, fore r2.Vec
	var total float64
	var level [orders]float64
	for row := max(int(p.Y)-1, 0); row <= min(int(p.Y)+1, s.cells.Rows-1); row++ {
		for col := max(int(p.X)-1, 0); col <= min(int(p.X)+1, s.cells.Columns-1); col++ {
			c := s.cells.At(row, col)
			w := logistic(float64(c[centreAt])) + 1e-6
			vector := func(at int, scale float64) r2.Vec {
				return r2.Scale(w*scale, r2.Vec{X: float64(c[at]), Y: float64(c[at+1])})
			}
			double = r2.Add(double, vector(axisAt, downScale))
			down, fore = r2.Add(down, vector(downAt, downScale)), r2.Add(fore, vector(foreAt, foreScale))
			total += w
			for n, l := range logProbabilities(c[levelAt:]) {
				level[n] += w * l
			}
		}
	}
	if total == 0 {
		return out
	}
	sin, cos := math.Sincos(math.Atan2(double.Y, double.X) / 2)
	film := func(v r2.Vec) r2.Vec { return s.view.direction(r2.Scale(cellSize/total, v)) }
	out.axis = film(r2.Scale(r2.Norm(double), r2.Vec{X: cos, Y: sin}))
	out.down, out.fore = film(down), film(fore)
	for n := range level {
		out.level[n] = level[n] / total
	}
	return out
}

// cell returns where a point of the film lies, in cells.
func (s *survey) cell(p r2.Vec) r2.Vec {
	d := r2.Sub(p, s.view.corner) // rows and columns of the view lie as the film's do
	return r2.Vec{X: d.X / s.view.column.X / cellSize, Y: d.Y / s.view.row.Y / cellSize}
}

func logProbabilities(c []float32) [orders]float64 {
	var out [orders]float64
	var total float64
	for n := range out {
		total += math.Exp(float64(c[n]))
	}
	for n := range out {
		out[n] = float64(c[n]) - math.Log(total)
	}
	return out
}
