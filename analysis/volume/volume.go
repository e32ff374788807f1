// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package volume holds CT volumes: attenuation samples and where they lie in
// the patient. Positions are LPS millimetres (x to the patient's left, y to
// posterior, z to superior), attenuation is in Hounsfield units.
package volume

import (
	"gonum.org/v1/gonum/spatial/r3"
)

// OutsideHU is the attenuation that sampling returns outside the volume: air.
const OutsideHU = -1024

// Volume is a CT volume.
type Volume struct {
	Geometry

	// Samples holds HU; index (k*Rows+j)*Columns+i, with i along a row.
	Samples []int16

	// Acquisition says how the samples were made, as far as it is known.
	Acquisition Acquisition
}

// Acquisition describes how a CT was acquired and reconstructed. A zero or
// empty field means that it is not known.
type Acquisition struct {
	SliceThickness    float64 // mm, the nominal width of the slice profile
	KVP               float64 // kV
	ConvolutionKernel string
	ContrastAgent     string
	PatientPosition   string // HFS, FFP, …
	BodyPart          string
	Manufacturer      string
}

// New returns a volume of the given geometry filled with OutsideHU.
func New(g Geometry) *Volume {
	v := &Volume{Geometry: g, Samples: make([]int16, g.Columns*g.Rows*g.Slices)}
	for i := range v.Samples {
		v.Samples[i] = OutsideHU
	}
	return v
}

// LabelMap is a volume of labels: VerSe level numbers for whole vertebrae, 0
// for background.
type LabelMap struct {
	Geometry

	// Labels has the index order of Volume.Samples.
	Labels []uint16
}

// Sampler reads a volume between its voxels. It is cheap to make, may be
// copied, and is safe for concurrent use.
type Sampler struct {
	ix      Indexer
	samples []int16
	ni      int
	nj      int
	nk      int
}

// Sampler returns a trilinear sampler of v.
func (v *Volume) Sampler() Sampler {
	return Sampler{ix: v.Indexer(), samples: v.Samples, ni: v.Columns, nj: v.Rows, nk: v.Slices}
}

// At returns the attenuation at p by trilinear interpolation, HU, and
// OutsideHU where p is not between voxel centres (or within half a voxel of
// the outermost ones, where the nearest counts).
func (s *Sampler) At(p r3.Vec) float64 {
	x, y, z := s.ix.Index(p)
	i, fx, ok := split(x, s.ni)
	if !ok {
		return OutsideHU
	}
	j, fy, ok := split(y, s.nj)
	if !ok {
		return OutsideHU
	}
	k, fz, ok := split(z, s.nk)
	if !ok {
		return OutsideHU
	}
	// A neighbour with no weight may not exist; it is then the voxel itself.
	di, dj, dk := 1, s.ni, s.ni*s.nj
	if fx == 0 {
		di = 0
	}
	if fy == 0 {
		dj = 0
	}
	if fz == 0 {
		dk = 0
	}
	c := s.samples[(k*s.nj+j)*s.ni+i:]
	a := lerp(lerp(c[0], c[di], fx), lerp(c[dj], c[dj+di], fx), fy)
	b := lerp(lerp(c[dk], c[dk+di], fx), lerp(c[dk+dj], c[dk+dj+di], fx), fy)
	return a + (b-a)*fz
}

func lerp[T int16 | float64](a, b T, f float64) float64 {
	return float64(a) + (float64(b)-float64(a))*f
}

// split returns the lower neighbour of index x in [0, n), and the fraction of
// the way to the next.
func split(x float64, n int) (i int, f float64, ok bool) {
	if !(x >= -0.5 && x <= float64(n)-0.5) {
		return 0, 0, false
	}
	x = min(max(x, 0), float64(n-1))
	i = min(int(x), max(n-2, 0))
	return i, x - float64(i), true
}
