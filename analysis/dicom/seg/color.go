// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"math"

	"github.com/endplate/endplate/analysis/spine"
)

// color is an sRGB colour, each part 0 to 1.
type color struct{ r, g, b float64 }

var (
	canalColor  = color{0.48, 0.85, 0.56}
	cementColor = color{1, 0.37, 0.82}
)

// bodyColor returns the colour of a level, always the same one: neighbours differ by
// the golden angle of hue, and in lightness.
func bodyColor(l spine.Level) color {
	const golden = 137.508 // degrees
	hue := math.Mod(float64(l)*golden, 360)
	value := 0.95
	if l%2 == 0 {
		value = 0.75
	}
	return fromHSV(hue, 0.6, value)
}

// fromHSV returns the colour of a hue, degrees, with a saturation and a value, 0 to 1.
func fromHSV(hue, saturation, value float64) color {
	part := func(n float64) float64 {
		k := math.Mod(n+hue/60, 6)
		return value * (1 - saturation*max(0, min(k, 4-k, 1)))
	}
	return color{part(5), part(3), part(1)}
}

// lab returns the colour as CIELab under D50, as RecommendedDisplayCIELabValue has it:
// L* from 0 to 100 and a*, b* from −128 to 127 each become 0 to 65535. PS3.3
// C.10.7.1.1.
//
// Reference: IEC 61966-2-1 for sRGB; the matrix, with Bradford's adaptation from D65
// to D50, is that of B. Lindbloom, RGB/XYZ matrices.
func (c color) lab() [3]int {
	linear := func(x float64) float64 {
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	root := func(t float64) float64 {
		const delta = 6.0 / 29
		if t > delta*delta*delta {
			return math.Cbrt(t)
		}
		return t/(3*delta*delta) + 4.0/29
	}
	x := root((0.4360747*r + 0.3850649*g + 0.1430804*b) / 0.96422)
	y := root(0.2225045*r + 0.7168786*g + 0.0606169*b)
	z := root((0.0139322*r + 0.0971045*g + 0.7141733*b) / 0.82521)
	encode := func(v, low, high float64) int {
		return int(math.Round(min(max((v-low)/(high-low), 0), 1) * math.MaxUint16))
	}
	return [3]int{encode(116*y-16, 0, 100), encode(500*(x-y), -128, 127), encode(200*(y-z), -128, 127)}
}
