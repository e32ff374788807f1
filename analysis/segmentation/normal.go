// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import "math"

// A fit asks for the normal distribution millions of times. Between nodes it is the
// Taylor series about the nearest, whose coefficients are Hermite polynomials.
const (
	normalReach = 7    // beyond it the distribution is 0 or 1, within 2e-12
	normalNodes = 32   // to a unit
	normalError = 4e-9 // of the distribution and of the density, at most
)

// normalNode holds the distribution and the density at a node.
type normalNode struct{ step, density float64 }

var normalTable = func() (t [2*normalReach*normalNodes + 1]normalNode) {
	for i := range t {
		x := float64(i)/normalNodes - normalReach
		t[i] = normalNode{0.5 * math.Erfc(-x/math.Sqrt2), math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)}
	}
	return t
}()

// normal returns the standard normal distribution function and its density, within
// normalError. NaN gives NaN.
func normal(x float64) (step, density float64) {
	if !(math.Abs(x) < normalReach) {
		switch {
		case x > 0:
			return 1, 0
		case x < 0:
			return 0, 0
		}
		return x, x
	}
	i := int((x+normalReach)*normalNodes + 0.5)
	node := &normalTable[i]
	at := float64(i)/normalNodes - normalReach
	d, second := x-at, at*at-1
	third := at * (2 - second) // 3·at - at³
	step = node.step + node.density*d*(1+d*(-at/2+d*(second/6+d*third/24)))
	return step, node.density * (1 + d*(-at+d*(second/2+d*third/6)))
}

// gauss is the standard normal density, within normalError.
func gauss(x float64) float64 {
	_, density := normal(x)
	return density
}

// gaussStep is the standard normal distribution function, within normalError.
func gaussStep(x float64) float64 {
	step, _ := normal(x)
	return step
}
