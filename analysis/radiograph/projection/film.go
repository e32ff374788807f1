// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import "math"

// Processing makes stored values of an exposure.
type Processing struct {
	Bits int // stored, 8 to 16

	// Raw leaves the logarithm of the exposure as it is: Digital X-Ray Image For
	// Processing. The rest then says nothing.
	Raw bool

	Gamma float64 // slope of the curve where the exposure is the controlled one
	// Equalization is the part of wide differences of exposure that is taken out, so that
	// the lung is not black where the abdomen is white.
	Equalization float64
	// Shutter blackens what lies outside the collimator's opening.
	Shutter bool
	// Inverted stores small values where the film is bright: MONOCHROME1.
	Inverted bool
}

// Film is a stored radiograph.
type Film struct {
	Geometry Geometry
	Stored   []uint16 // row by row
	Bits     int
	// Inverted is set where small values are bright.
	Inverted bool
	Raw      bool
}

// Standard is the processing of a film to be looked at.
func Standard() Processing {
	return Processing{Bits: 12, Gamma: 1.6, Equalization: 0.5, Shutter: true}
}

// Decades below and above the controlled exposure that a detector and its logarithmic
// amplifier cover: the latitude of storage phosphors is four decades.
const latitude = 2.0

// Develop makes a film of an exposure. Of one to be looked at, bone is bright: the stored
// value is
//
//	full / (1 + E^γ)
//
// of the exposure E relative to the controlled one, the curve of a film with its toe and
// shoulder; of a raw one it is proportional to log E over four decades.
func (p Processing) Develop(e *Exposure) *Film {
	f := &Film{Geometry: e.Geometry, Bits: p.Bits, Inverted: p.Inverted && !p.Raw, Raw: p.Raw}
	log := plane{make([]float32, len(e.Signal)), e.Geometry.Columns, e.Geometry.Rows}
	log.eachRow(func(row int, v []float32) {
		for col := range v {
			s := float64(e.Signal[row*log.columns+col])
			v[col] = float32(min(max(math.Log10(max(s, math.Pow10(-int(latitude)))), -latitude), latitude))
		}
	})
	if !p.Raw && p.Equalization > 0 {
		p.equalize(log, e.Field)
	}
	f.Stored = make([]uint16, len(log.v))
	full := float64(int(1)<<p.Bits - 1)
	log.eachRow(func(row int, v []float32) {
		for col, l := range v {
			i := row*log.columns + col
			f.Stored[i] = uint16(math.Round(full * p.value(float64(l), e.Field[i])))
		}
	})
	return f
}

// value returns what is stored of the logarithm of an exposure, 0 to 1.
func (p Processing) value(log float64, open bool) float64 {
	if p.Raw {
		return (log + latitude) / (2 * latitude)
	}
	v := 1 / (1 + math.Pow(10, p.Gamma*log))
	if p.Shutter && !open {
		v = 0
	}
	if p.Inverted {
		return 1 - v
	}
	return v
}

// equalizeOver is the sigma of what counts as a wide difference of exposure, of the
// film's longer side.
const equalizeOver = 1.0 / 16

// equalize takes out wide differences within the opening.
func (p Processing) equalize(log plane, field []bool) {
	coarse := max(max(log.columns, log.rows)/128, 1)
	inside := plane{make([]float32, len(log.v)), log.columns, log.rows}
	masked := plane{make([]float32, len(log.v)), log.columns, log.rows}
	for i, open := range field {
		if open {
			inside.v[i], masked.v[i] = 1, log.v[i]
		}
	}
	same := func(v float32) float32 { return v }
	wide, weight := masked.shrunk(coarse, same), inside.shrunk(coarse, same)
	sigma := equalizeOver * float64(max(log.columns, log.rows)) / float64(coarse)
	wide.smooth(sigma)
	weight.smooth(sigma)
	for i := range wide.v {
		if weight.v[i] > 0 {
			wide.v[i] /= weight.v[i]
		}
	}
	wide.addTo(log, coarse, float32(-p.Equalization))
}
