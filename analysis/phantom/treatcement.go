// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// PaintCement lays the cement of v, a body in frame f, over vol, whose slices must be
// even, as a scanner of vol's slice thickness and the given kernel sees it. seed is
// that of the cement's texture. It returns the truth of the cement: of its volume
// exactly; of what is inside and what leaked against the body that v describes. It is
// nil without cement.
func PaintCement(vol *volume.Volume, v Vertebra, f volume.Frame, k Kernel, seed uint64) *MeasuredCement {
	if v.Cement == nil {
		return nil
	}
	b := newBody(v)
	b.frame = f
	s := &Spine{bodies: []*body{b}}
	s.addDeposits()
	p := cementPainter{
		vol: vol, kernel: k, layer: newLayer(s, vol.Columns, vol.Rows, newTexture(seed)),
		normal:    r3.Unit(r3.Cross(vol.Column, vol.Row)),
		thickness: vol.Acquisition.SliceThickness,
	}
	p.pitch = r3.Dot(p.normal, vol.Slice)
	if p.thickness <= 0 {
		p.thickness = math.Abs(p.pitch)
	}
	first, last := p.slices(b)
	for k := first; k <= last; k++ {
		p.slice(k)
	}
	return b.measureCement(cementStep)
}

// cementPainter paints the deposits of its layer over a volume.
type cementPainter struct {
	vol       *volume.Volume
	kernel    Kernel
	layer     *layer
	normal    r3.Vec  // unit, of the slices
	thickness float64 // of the slices, mm
	pitch     float64 // from one slice to the next along normal, mm
}

// slices returns the range of slices that b's cement reaches.
func (p *cementPainter) slices(b *body) (first, last int) {
	lo, hi := b.Cement.box()
	var at []float64
	for i := range 8 {
		corner := [3]float64{lo[0], lo[1], lo[2]}
		for axis := range corner {
			if i>>axis&1 == 1 {
				corner[axis] = hi[axis]
			}
		}
		d := r3.Sub(b.frame.Point(corner[0], corner[1], corner[2]), p.vol.Origin)
		at = append(at, r3.Dot(d, p.normal)/p.pitch)
	}
	reach := (p.thickness/2 + 1) / math.Abs(p.pitch)
	return max(int(math.Floor(slices.Min(at)-reach)), 0), min(int(math.Ceil(slices.Max(at)+reach)), p.vol.Slices-1)
}

// slice averages the deposits over the profile of slice k and lays them over it.
func (p *cementPainter) slice(k int) {
	n := p.vol.Columns * p.vol.Rows
	value, cover := make([]float32, n), make([]float32, n)
	step, sigma := subslice(p.thickness)
	parts := max(int(math.Round(p.thickness/step)), 1)
	for i := range parts {
		offset := p.thickness * ((float64(i)+0.5)/float64(parts) - 0.5)
		l := p.layer
		l.plane = plane{
			origin: r3.Add(p.vol.Position(0, 0, float64(k)), r3.Scale(offset, p.normal)),
			column: p.vol.Column, row: p.vol.Row, normal: p.normal, pixel: r3.Norm(p.vol.Column),
			sigma: p.kernel.Sigma, sigmaCross: sigma,
		}
		l.clear()
		l.paintDeposits()
		for x := range value {
			value[x] += l.value[x] / float32(parts)
			cover[x] += l.cover[x] / float32(parts)
		}
	}
	row := p.vol.Samples[k*n : (k+1)*n]
	for x, c := range cover {
		if c > 0 {
			row[x] = stored(float32(row[x])*(1-c) + value[x])
		}
	}
}

// BodyVolume returns the volume of v's body, mm³.
func BodyVolume(v Vertebra) float64 { return newBody(v).volume() }

// GenantGrade returns the grade of a loss of height, percent.
func GenantGrade(loss float64) int { return genant(loss) }
