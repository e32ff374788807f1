// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph/network"
	"github.com/endplate/endplate/analysis/radiograph/outline"
)

// What the second network sees and tells: a body in the middle of a square, and for each of
// its points how likely it lies in each cell. The first six are those of landmark.Name; of
// each endplate's line two follow, the anterior one first. As train.py has it.
const (
	patchSize = 64
	patchCell = 2   // pixels
	patchSpan = 2.2 // of the pitch

	linesAt = landmark.NumPoints
)

// pose is where a body lies and how.
type pose struct {
	center r2.Vec
	down   r2.Vec // to the body below, as long as the pitch there
	right  bool   // anterior is to the right of a film whose up is superior
}

// view returns the picture of a body that the network sees: superior up, anterior right.
func (p *pose) view() view {
	step := patchSpan / patchSize
	down := r2.Scale(step, p.down)
	across := r2.Vec{X: down.Y, Y: -down.X}
	if !p.right {
		across = r2.Scale(-1, across)
	}
	v := view{column: across, row: down, size: patchSize}
	v.corner = r2.Sub(p.center, v.direction(r2.Vec{X: patchSize / 2, Y: patchSize / 2}))
	return v
}

// reading is where one map says that its point lies.
type reading struct {
	at r2.Vec
	sd float64 // along the spine's axis, in units of the film
}

// read returns the points of a body that lies as p says.
func (f *film) read(p *pose) ([]reading, error) {
	v := p.view()
	y, err := network.Corners().Run(input(f.cut(&v), patchSize, patchSize/8))
	if err != nil {
		return nil, err
	}
	out := make([]reading, y.Channels)
	for n := range out {
		col, row, sd := mean(y, n)
		out[n] = reading{v.position(patchCell*col, patchCell*row), sd * patchCell * r2.Norm(v.row)}
	}
	return out, nil
}

// looks are how a body is read at last, closer and turned; what it is read as is their mean.
var looks = []struct {
	scale float64
	turn  float64 // degrees
}{
	{scale: 0.85}, {scale: 0.92}, {scale: 1}, {scale: 1.08}, {scale: 1.16},
	{1, -7}, {1, 7}, {0.95, -3.5}, {0.95, 3.5},
}

// average returns the means of what is read of a body in several ways.
func (f *film) average(p *pose) ([]reading, error) {
	var sum []reading
	for _, l := range looks {
		other := *p
		other.down = r2.Rotate(r2.Scale(l.scale, p.down), l.turn*math.Pi/180, r2.Vec{})
		read, err := f.read(&other)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]reading, len(read))
		}
		for n, r := range read {
			part := 1 / float64(len(looks))
			sum[n].at = r2.Add(sum[n].at, r2.Scale(part, r.at))
			sum[n].sd += part * r.sd // they err alike
		}
	}
	return sum, nil
}

// shared is the variance, in cells, that a point has in its map by being shared out to the
// four cells about it.
const shared = 1.0 / 6

// mean returns the mean of a map in cells, and the standard deviation along rows.
func mean(y *network.Tensor, channel int) (col, row, sd float64) {
	top := math.Inf(-1)
	for r := range y.Rows {
		for c := range y.Columns {
			top = max(top, float64(y.At(r, c)[channel]))
		}
	}
	var total, square float64
	for r := range y.Rows {
		for c := range y.Columns {
			p := math.Exp(float64(y.At(r, c)[channel]) - top)
			at := float64(r) + 0.5
			total += p
			col += p * (float64(c) + 0.5)
			row += p * at
			square += p * at * at
		}
	}
	col, row, square = col/total, row/total, square/total
	const least = 0.01
	return col, row, math.Sqrt(max(square-row*row-shared, least))
}

// spread is by how much what was read scatters more than the maps say: on the films of the
// README's table.
const spread = 1.0

// body makes a body of what was read.
func (f *film) body(p *pose, all []reading) outline.Body {
	var b outline.Body
	for n := range b.Points {
		b.Points[n] = f.point(all[n].at)
		b.SD[n] = spread * all[n].sd
	}
	b.Center = f.point(middleOf(all))
	down := r2.Unit(p.down)
	for n, line := range []*outline.Line{&b.Superior, &b.Inferior} {
		fore, rear := all[linesAt+2*n], all[linesAt+2*n+1]
		way := r2.Sub(fore.at, rear.at)
		line.Direction = r2.Unit(way)
		line.SD = spread * math.Atan(math.Hypot(fore.sd, rear.sd)/r2.Norm(way)) * 180 / math.Pi
		anterior, middle, posterior := all[3*n].at, all[3*n+1].at, all[3*n+2].at
		line.Depth = r2.Dot(r2.Sub(middle, r2.Scale(0.5, r2.Add(anterior, posterior))), down)
		if n == 1 {
			line.Depth = -line.Depth
		}
	}
	return b
}

// middleOf returns the mean of the corners.
func middleOf(all []reading) r2.Vec {
	var sum r2.Vec
	for _, n := range []landmark.Name{landmark.SuperiorAnterior, landmark.SuperiorPosterior, landmark.InferiorAnterior, landmark.InferiorPosterior} {
		sum = r2.Add(sum, all[n].at)
	}
	return r2.Scale(0.25, sum)
}
