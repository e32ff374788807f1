// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/endplate/endplate/analysis/segmentation"
)

const (
	wallAngles = 60
	wallLayers = 8
	// hiddenReach, mm, is how near to the surface dense matter hides the cortex:
	// in the volume it was removed from, the outline is made up there.
	hiddenReach = haloReach + 2.0
	// hiddenMost is the share of the wall that may be hidden for the rest to tell
	// where it runs.
	hiddenMost = 0.6
	// wallChange, mm, is the most by which a hidden wall is moved.
	wallChange = 5.0
	// axisWeight is the weight, in places of a wall, of that a body's axis stands
	// midway between its walls: places within a tenth of the contour err alike, by half
	// of what the axis does.
	axisWeight = 0.1 * wallAngles / 4
	// wallRelaxations smooth it over a third of the contour.
	wallRelaxations = 200
)

// wall is a body's wall by direction and height, as Region.Radius tells it.
type wall struct {
	radius [wallLayers][wallAngles]float64
	hidden [wallLayers][wallAngles]bool // dense matter hides the cortex
	hides  int                          // how many
}

func newWall(r *segmentation.Region, hides func(s, a, l float64) bool) *wall {
	w := new(wall)
	for k := range w.radius {
		share := (float64(k) + 0.5) / wallLayers
		for n := range w.radius[k] {
			angle := 2 * math.Pi * float64(n) / wallAngles
			radius := r.Radius(angle*180/math.Pi, share)
			sin, cos := math.Sincos(angle)
			a, l := radius*cos, radius*sin
			top, bottom := r.Heights(a, l)
			w.radius[k][n] = radius
			if hides(bottom+share*(top-bottom), a, l) {
				w.hidden[k][n] = true
				w.hides++
			}
		}
	}
	return w
}

// carriedOn returns w with its hidden parts carried on from beside them: a leak
// all but touches the wall and would else pass for a bulge of it, and cement within
// for the bone behind it. What is carried on is how much w departs from like, the
// common shape of walls near by.
func (w *wall) carriedOn(like *wall) *wall {
	if w.hides == 0 || float64(w.hides) > hiddenMost*wallLayers*wallAngles {
		return w
	}
	expected := w.fitted(like)
	out, depart := *w, w.radius
	for k := range depart {
		for n := range depart[k] {
			depart[k][n] -= expected[k][n]
		}
	}
	w.relax(&depart)
	for k := range depart {
		for n := range depart[k] {
			change := expected[k][n] + depart[k][n] - w.radius[k][n]
			out.radius[k][n] += min(max(change, -wallChange), wallChange)
		}
	}
	return &out
}

// commonWall returns the mean shape of some walls where nothing hides them, of
// mean radius 1, and where all are hidden what joins the rest; zero of none.
func commonWall(walls []*wall) *wall {
	out := new(wall)
	var count [wallLayers][wallAngles]float64
	for _, w := range walls {
		size := w.size()
		for k := range w.radius {
			for n := range w.radius[k] {
				if !w.hidden[k][n] && size > 0 {
					out.radius[k][n] += w.radius[k][n] / size
					count[k][n]++
				}
			}
		}
	}
	for k := range count {
		for n, c := range count[k] {
			if c > 0 {
				out.radius[k][n] /= c
				continue
			}
			out.hidden[k][n] = true
			out.hides++
		}
	}
	if out.hides == wallLayers*wallAngles {
		return out
	}
	out.relax(&out.radius)
	return out
}

// depth returns the distance between the anterior and the posterior wall, mm.
func (w *wall) depth() float64 { return w.at(0, 0.5) + w.at(math.Pi, 0.5) }

// size returns the mean radius where nothing hides the wall, mm; 0 if all of it is
// hidden.
func (w *wall) size() float64 {
	sum, n := 0.0, 0.0
	for k := range w.radius {
		for i, r := range w.radius[k] {
			if !w.hidden[k][i] {
				sum, n = sum+r, n+1
			}
		}
	}
	return sum / max(n, 1)
}

// fitted returns the radii of like, in size and place fitted to what nothing hides of
// w: the axis of a body whose anterior wall was traced within cement stands too far
// behind.
func (w *wall) fitted(like *wall) (radius [wallLayers][wallAngles]float64) {
	basis := func(k, n int) [3]float64 {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / wallAngles)
		return [3]float64{like.radius[k][n], cos, sin}
	}
	h, g := mat.NewSymDense(3, nil), mat.NewVecDense(3, nil)
	for k := range w.radius {
		for n, r := range w.radius[k] {
			if w.hidden[k][n] {
				continue
			}
			b := basis(k, n)
			v := mat.NewVecDense(3, b[:])
			h.SymRankOne(h, 1, v)
			g.AddScaledVec(g, r, v)
		}
	}
	for axis := 1; axis < 3; axis++ {
		h.SetSym(axis, axis, h.At(axis, axis)+axisWeight)
	}
	var x mat.VecDense
	var chol mat.Cholesky
	if !chol.Factorize(h) || chol.SolveVecTo(&x, g) != nil {
		return radius
	}
	for k := range radius {
		for n := range radius[k] {
			b := basis(k, n)
			radius[k][n] = x.AtVec(0)*b[0] + x.AtVec(1)*b[1] + x.AtVec(2)*b[2]
		}
	}
	return radius
}

// relax replaces the values of hidden places by the smoothest that join the
// others.
func (w *wall) relax(v *[wallLayers][wallAngles]float64) {
	for range wallRelaxations {
		for k := range v {
			for n := range v[k] {
				if w.hidden[k][n] {
					beside := v[k][(n+1)%wallAngles] + v[k][(n+wallAngles-1)%wallAngles]
					over := v[max(k-1, 0)][n] + v[min(k+1, wallLayers-1)][n]
					v[k][n] = (beside + over) / 4
				}
			}
		}
	}
}

// at returns the radius at an angle, radians from anterior to left, and a share
// of the height.
func (w *wall) at(angle, share float64) float64 {
	x := angle / (2 * math.Pi) * wallAngles
	x -= wallAngles * math.Floor(x/wallAngles)
	i := int(x) % wallAngles
	x -= math.Floor(x)
	y := min(max(share*wallLayers-0.5, 0), wallLayers-1)
	k := min(int(y), wallLayers-2)
	y -= float64(k)
	j := (i + 1) % wallAngles
	p, q := &w.radius[k], &w.radius[k+1]
	low, high := p[i]+(p[j]-p[i])*x, q[i]+(q[j]-q[i])*x
	return low + (high-low)*y
}
