// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/stat"
)

// The line along which bodies lie is followed over the cells from the likeliest one on, in
// steps of half a cell, to where none is likely any more.
const (
	ridgeStep = 0.5 // cells
	across    = 2.5 // cells to each side that the line is looked for
	leastSpot = 0.1
)

// ridge returns spots along the line of the spine, half a cell apart, with axes that all run
// one way; none where the film shows no spine.
func (s *survey) ridge() []spot {
	start, best := r2.Vec{}, leastSpot
	for row := range s.cells.Rows {
		for col := range s.cells.Columns {
			if p := logistic(float64(s.cells.At(row, col)[centreAt])); p > best {
				start, best = r2.Vec{X: float64(col) + 0.5, Y: float64(row) + 0.5}, p
			}
		}
	}
	if best <= leastSpot {
		return nil
	}
	way := r2.Unit(s.spot(start).axis)
	back := s.follow(start, r2.Scale(-1, way))
	slices.Reverse(back)
	line := append(back, start)
	line = append(line, s.follow(start, way)...)
	out := make([]spot, len(line))
	for i, p := range line {
		out[i] = s.spot(p)
		along := r2.Sub(line[min(i+2, len(line)-1)], line[max(i-2, 0)])
		if r2.Dot(out[i].axis, along) < 0 {
			out[i].axis = r2.Scale(-1, out[i].axis)
		}
	}
	return out
}

// follow returns the line from a place on along a direction, both in cells.
func (s *survey) follow(p, way r2.Vec) []r2.Vec {
	var line []r2.Vec
	const most = 400
	for range most {
		field := s.spot(p).axis
		if r2.Dot(field, way) < 0 {
			field = r2.Scale(-1, field)
		}
		way = r2.Unit(r2.Add(way, r2.Scale(0.5, r2.Unit(field))))
		p = r2.Add(p, r2.Scale(ridgeStep, way))
		side := r2.Vec{X: -way.Y, Y: way.X}
		var sum, weight, top float64
		for a := -across; a <= across; a += ridgeStep {
			v := s.probability(r2.Add(p, r2.Scale(a, side)))
			top = max(top, v)
			sum += v * v * a
			weight += v * v
		}
		if !(top >= leastSpot) {
			break
		}
		p = r2.Add(p, r2.Scale(0.5*sum/weight, side))
		line = append(line, p)
	}
	return line
}

// pitched gives the axes of a ridge the length of the pitch as it changes along the spine by
// all of them together.
func pitched(ridge []spot) {
	var x, y, weight []float64
	for i, s := range ridge {
		if length := r2.Norm(s.axis); length > 0 {
			x, y, weight = append(x, float64(i)), append(y, math.Log(length)), append(weight, s.probability)
		}
	}
	if len(x) < 3 {
		return
	}
	alpha, beta := stat.LinearRegression(x, y, weight, false)
	for i := range ridge {
		ridge[i].axis = r2.Scale(math.Exp(alpha+beta*float64(i)), r2.Unit(ridge[i].axis))
	}
}

// upsideDown tells whether a ridge runs from inferior to superior: by where its spots expect
// the next body, and by the order of the levels that they look like. The size of vote says
// how clearly: 2 where all agree.
func upsideDown(ridge []spot) (vote float64) {
	var way, weight float64
	var at, order, weights []float64
	var s0 float64
	for i, s := range ridge {
		if i > 0 {
			s0 += r2.Norm(r2.Sub(s.at, ridge[i-1].at)) / r2.Norm(s.axis)
		}
		way += s.probability * min(max(r2.Dot(s.down, s.axis)/r2.Norm2(s.axis), -1), 1)
		weight += s.probability
		var mean float64
		for n, l := range s.level {
			mean += float64(n) * math.Exp(l)
		}
		at, order, weights = append(at, s0), append(order, mean), append(weights, s.probability)
	}
	if len(at) < 3 {
		return -way / weight
	}
	_, slope := stat.LinearRegression(at, order, weights, false)
	return -(way/weight + min(max(slope, -1), 1))
}

// turned returns a ridge from its other end.
func turned(ridge []spot) []spot {
	out := slices.Clone(ridge)
	slices.Reverse(out)
	for i := range out {
		out[i].axis = r2.Scale(-1, out[i].axis)
	}
	return out
}
