// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// deposit is something foreign that lies in or beside bone: cement, metal, chalk,
// contrast medium. Unlike bone it may be small beside the point spread function,
// so that its coverage is convolved and not taken from its distance.
type deposit struct {
	frame    volume.Frame
	lo, hi   [3]float64 // a box in the frame that holds it: S, A, L
	outside  func(s, a, l float64) float64
	hu       float64
	grain    float64 // standard deviation of its texture as a part of hu
	isMetal  bool
	seed     float64 // mm by which its texture is moved
	platters []platter
}

// platter is a place of a deposit from which streaks run.
type platter struct {
	at     r3.Vec
	radius float64
}

// grainScale is the distance of the lattice points of cement's texture, mm:
// barium sulphate lies in it in clots of about a millimetre.
const grainScale = 1.2

// addDeposits collects what is foreign from the parameters.
func (s *Spine) addDeposits() {
	s.addLesions()
	for _, b := range s.bodies {
		if b.Cement == nil {
			continue
		}
		lo, hi := b.Cement.box()
		s.deposits = append(s.deposits, deposit{
			frame: b.frame, lo: lo, hi: hi, outside: b.cement,
			hu: b.Cement.HU, grain: b.Cement.Grain, seed: 7 * float64(b.Level),
		})
	}
	s.addMetal()
	s.addMimics()
}

// paintDeposits lays what is foreign over the layer.
func (l *layer) paintDeposits() {
	for i := range l.spine.deposits {
		l.paintDeposit(&l.spine.deposits[i])
	}
}

func (l *layer) paintDeposit(d *deposit) {
	margin := 3*l.plane.sigma + 1
	mid := [3]float64{}
	half := [3]float64{}
	for i := range mid {
		mid[i], half[i] = (d.lo[i]+d.hi[i])/2, (d.hi[i]-d.lo[i])/2
	}
	f := d.frame
	f.Origin = f.Point(mid[0], mid[1], mid[2])
	c, ok := l.nearFrame(f, 0, half[0]+margin, half[1]+margin, half[2]+margin)
	if !ok {
		return
	}
	cover := l.convolved(c.rect, func(p r3.Vec) float64 { return d.outside(d.frame.Coordinates(p)) })
	if cover == nil {
		return
	}
	width := c.i1 - c.i0
	for j := c.j0; j < c.j1; j++ {
		l.touch(j, c.i0, c.i1)
		for i := c.i0; i < c.i1; i++ {
			v := float64(cover[(j-c.j0)*width+i-c.i0])
			if v < 1e-4 {
				continue
			}
			hu := d.hu
			if d.grain > 0 {
				p := l.plane.at(float64(i), float64(j))
				p.X += d.seed
				hu *= 1 + d.grain*l.tex.at(p, grainScale)
			}
			l.over(j*l.columns+i, hu, v)
		}
	}
}

// at returns the position of a pixel.
func (p *plane) at(i, j float64) r3.Vec {
	return r3.Add(p.origin, r3.Add(r3.Scale(i, p.column), r3.Scale(j, p.row)))
}

// convolved returns the coverage, convolved in the plane, of the pixels in r by a
// solid whose distance is given; nil if the plane misses it. The solid is sampled
// at fine points at most finest mm apart.
func (l *layer) convolved(r rect, outside func(r3.Vec) float64) []float32 {
	const finest = 0.27 // mm
	p := &l.plane
	parts := int(math.Ceil(p.pixel / finest))
	step := p.pixel / float64(parts)
	t := taps(p.sigma / step)
	reach := len(t) - 1
	width, height := r.i1-r.i0, r.j1-r.j0
	columns, rows := (width-1)*parts+1+2*reach, (height-1)*parts+1+2*reach
	fine, hit := make([]float32, columns*rows), false
	for j := range rows {
		y := float64(r.j0) + float64(j-reach)/float64(parts)
		for i := 0; i < columns; i++ {
			d := outside(p.at(float64(r.i0)+float64(i-reach)/float64(parts), y))
			if c := covered(d, step); c > 0 {
				fine[j*columns+i], hit = float32(c), true
			}
			i += max(int(d/step/2), 0) // nothing begins before half the distance
		}
	}
	if !hit {
		return nil
	}
	return thinned(fine, columns, rows, parts, reach, t)
}

// thinned convolves the columns by rows of fine with t and keeps every parts-th
// of both, from reach on.
func thinned(fine []float32, columns, rows, parts, reach int, t []float32) []float32 {
	width, height := (columns-1-2*reach)/parts+1, (rows-1-2*reach)/parts+1
	lines := make([]float32, width*rows)
	for j := range rows {
		row := fine[j*columns : (j+1)*columns]
		for i := range width {
			at := i*parts + reach
			sum := t[0] * row[at]
			for m := 1; m <= reach; m++ {
				sum += t[m] * (row[at-m] + row[at+m])
			}
			lines[j*width+i] = sum
		}
	}
	out := make([]float32, width*height)
	for j := range height {
		at := j*parts + reach
		for i := range width {
			sum := t[0] * lines[at*width+i]
			for m := 1; m <= reach; m++ {
				sum += t[m] * (lines[(at-m)*width+i] + lines[(at+m)*width+i])
			}
			out[j*width+i] = sum
		}
	}
	return out
}
