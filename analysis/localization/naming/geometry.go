// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
)

// The spread of log pitch and of inclination about the medians of table.go:
// a part that is common to the whole spine, one that changes slowly along it,
// one of each step's own, and the chain's error in placing a body. The first
// three follow the covariances of the same data by lag: of log pitch 0.0062,
// 0.0044, 0.0043 … 0.0033 at lags 0, 1, 2 … 9, of inclination 60, 47, 39 … 0
// square degrees. The common part of log pitch is wider, so that patients 15 %
// larger or smaller stay within two standard deviations; inclination is twice as
// wide, for the hyperkyphosis of collapsed vertebrae, which those data hardly
// have.
var (
	pitchSpread       = spread{common: 0.0056, slow: 0.0022, length: 5, own: 0.0018, place: 0.0008}
	inclinationSpread = spread{common: 18, slow: 90, length: 4.5, own: 12, place: 6}
)

const (
	// geometryFloor bounds what geometry says between any two names: beyond it
	// fractures, fusions and posture explain more than another name does. With it
	// the stated probabilities of windows of 4 to 9 vertebrae stay below their
	// frequency of being right (TestGeometryIsNotOverconfident).
	geometryFloor = 0.02

	// Steps whose pitch differs by more than this factor from the median of
	// their neighbours are left out: a crushed body or a missed one.
	oddPitchRatio = 1.35
	// neighbourSteps on either side make that median.
	neighbourSteps = 3
)

// spread is a covariance along the chain.
type spread struct {
	common, slow, length, own, place float64
}

func (s spread) at(lag int) float64 {
	c := s.common + s.slow*math.Exp(-float64(lag)/s.length)
	switch lag {
	case 0:
		c += s.own + 2*s.place
	case 1:
		c -= s.place // a body placed too low lengthens one step and shortens the next
	}
	return c
}

// geometry holds the steps from each vertebra of the chain to the next.
type geometry struct {
	pitch []float64 // mm
	// ratio is each pitch over the median of its neighbours, 1 if unknown.
	ratio []float64

	used []int // steps that take part in the likelihood

	logPitch, inclination []float64 // of the used steps
	pitchCov, inclineCov  mat.Cholesky
}

// sagittalInclination returns the direction of d in the sagittal plane, degrees
// from inferior towards posterior.
func sagittalInclination(d r3.Vec) float64 {
	return math.Atan2(d.Y, -d.Z) * 180 / math.Pi
}

func newGeometry(chain []localization.Vertebra) *geometry {
	g := &geometry{pitch: pitches(chain)}
	g.ratio = pitchRatios(g.pitch)
	for i := range g.pitch {
		if rough(chain[i]) || rough(chain[i+1]) || g.ratio[i] > oddPitchRatio || g.ratio[i] < 1/oddPitchRatio {
			continue
		}
		g.used = append(g.used, i)
		g.logPitch = append(g.logPitch, math.Log(g.pitch[i]))
		g.inclination = append(g.inclination, sagittalInclination(r3.Sub(chain[i+1].Center, chain[i].Center)))
	}
	g.factorize()
	return g
}

// pitches returns the lengths of the steps from each link to the next, mm.
func pitches(chain []localization.Vertebra) []float64 {
	var out []float64
	for i := range len(chain) - 1 {
		out = append(out, r3.Norm(r3.Sub(chain[i+1].Center, chain[i].Center)))
	}
	return out
}

// pitchRatios returns each pitch over the median of its neighbours.
func pitchRatios(pitch []float64) []float64 {
	var out []float64
	for i := range pitch {
		out = append(out, pitch[i]/neighbourPitch(pitch, i))
	}
	return out
}

// together returns the steps to and from link i in units of their neighbours'
// median, infinity if there are none: about 1 if the link is no vertebra.
func (g *geometry) together(i int) float64 {
	var near []float64
	for k := max(i-1-neighbourSteps, 0); k <= min(i+neighbourSteps, len(g.pitch)-1); k++ {
		if k < i-1 || k > i {
			near = append(near, g.pitch[k])
		}
	}
	if len(near) == 0 {
		return math.Inf(1)
	}
	return (g.pitch[i-1] + g.pitch[i]) / median(near)
}

// rough reports whether v's centre is not that of a whole body.
func rough(v localization.Vertebra) bool { return v.Truncated || v.Sacral }

// neighbourPitch returns the median pitch of the steps near step i, without
// itself; its own pitch if there is none.
func neighbourPitch(pitch []float64, i int) float64 {
	var near []float64
	for k := max(i-neighbourSteps, 0); k <= min(i+neighbourSteps, len(pitch)-1); k++ {
		if k != i {
			near = append(near, pitch[k])
		}
	}
	if len(near) == 0 {
		return pitch[i]
	}
	return median(near)
}

// median returns the median of x, which it sorts.
func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func (g *geometry) factorize() {
	n := len(g.used)
	if n == 0 {
		return
	}
	p, a := mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			lag := g.used[j] - g.used[i]
			p.SetSym(i, j, pitchSpread.at(lag))
			a.SetSym(i, j, inclinationSpread.at(lag))
		}
	}
	if !g.pitchCov.Factorize(p) || !g.inclineCov.Factorize(a) {
		panic("naming: covariance along the chain is not positive definite")
	}
}

// logLikelihood returns the log-likelihood of the chain's steps if h holds, up
// to a constant that is the same for all hypotheses.
func (g *geometry) logLikelihood(h hypothesis) float64 {
	n := len(g.used)
	if n == 0 {
		return 0
	}
	p, a := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	var dp, da float64 // where a step has no median, the step above's deviation stands in
	for k, i := range g.used {
		if row := h.gap(i); row >= 0 {
			dp = g.logPitch[k] - math.Log(between(pitchMedian[:], row))
			da = g.inclination[k] - between(inclinationMedian[:], row)
		}
		p.SetVec(k, dp)
		a.SetVec(k, da)
	}
	return -halfSquare(&g.pitchCov, p) - halfSquare(&g.inclineCov, a)
}

// between returns the value of rows at a place between them.
func between(rows []float64, at float64) float64 {
	i := min(int(at), len(rows)-2)
	return rows[i] + (at-float64(i))*(rows[i+1]-rows[i])
}

// halfSquare returns half the squared Mahalanobis length of x.
func halfSquare(c *mat.Cholesky, x *mat.VecDense) float64 {
	var y mat.VecDense
	if err := c.SolveVecTo(&y, x); err != nil {
		panic("naming: " + err.Error())
	}
	return mat.Dot(x, &y) / 2
}
