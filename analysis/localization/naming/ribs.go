// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// The posterior chest wall is looked at from behind, straightened along the
// canal: each pixel of the map is the brightest bone along the anterior axis.
const (
	stepMM = 1.5 // between rows (along the canal) and between columns (sideways)

	// The map's depth about the canal's middle: from behind the transverse
	// processes and the angles of the ribs to the posterior half of the body.
	behindMM  = 40.0
	beforeMM  = 14.0
	depthStep = 2.0

	// extendMM of canal are added above and below the chain.
	extendMM = 30.0

	mapColumns = int((farMM-rootMM)/stepMM) + 1
)

// side is the patient's side: +1 left, -1 right.
type side int

const (
	left  side = 1
	right side = -1
)

// path is the canal along the chain with its frame.
type path struct {
	at     []float64 // arc length at each vertebra, mm
	frames []volume.Frame
}

// newPath returns the path through the canal points of the chain, one row each
// stepMM, from extendMM above the first to extendMM below the last.
func newPath(chain []localization.Vertebra) *path {
	p := &path{at: make([]float64, len(chain))}
	for i := 1; i < len(chain); i++ {
		p.at[i] = p.at[i-1] + max(r3.Norm(r3.Sub(chain[i].Canal, chain[i-1].Canal)), stepMM)
	}
	tangents := make([]r3.Vec, len(chain)) // towards inferior
	for i := range chain {
		above, below := chain[max(i-1, 0)], chain[min(i+1, len(chain)-1)]
		tangents[i] = r3.Unit(r3.Sub(below.Canal, above.Canal))
		if len(chain) == 1 {
			tangents[i] = r3.Scale(-1, chain[i].Superior)
		}
	}
	last := p.at[len(chain)-1]
	for i, s := 0, -extendMM; s <= last+extendMM; s += stepMM {
		for i < len(chain)-2 && s > p.at[i+1] {
			i++
		}
		j := min(i+1, len(chain)-1)
		p.frames = append(p.frames, frameAt(chain[i], chain[j], tangents[i], tangents[j], p.at[i], p.at[j], s))
	}
	return p
}

// frameAt returns the frame at arc length s on the cubic from a, at sa, to b, at
// sb; beyond them it goes straight on.
func frameAt(a, b localization.Vertebra, ta, tb r3.Vec, sa, sb, s float64) volume.Frame {
	h := sb - sa
	f := 0.0
	if h > 0 {
		f = min(max((s-sa)/h, 0), 1)
	}
	c := r3.Add(r3.Scale(1-f, a.Canal), r3.Scale(f, b.Canal))
	if h > 0 { // cubic Hermite, written as its difference from the chord
		chord := r3.Scale(1/h, r3.Sub(b.Canal, a.Canal))
		c = r3.Add(c, r3.Scale(h*f*(1-f)*(1-f), r3.Sub(ta, chord)))
		c = r3.Sub(c, r3.Scale(h*f*f*(1-f), r3.Sub(tb, chord)))
	}
	t := r3.Unit(r3.Add(r3.Scale(1-f, ta), r3.Scale(f, tb)))
	c = r3.Add(c, r3.Scale(s-(sa+f*h), t))
	return volume.NewFrame(c, r3.Scale(-1, t), r3.Add(r3.Scale(1-f, a.Anterior), r3.Scale(f, b.Anterior)))
}

// row returns the row of arc length s.
func (p *path) row(s float64) float64 { return (s + extendMM) / stepMM }

// boneMap is one side of the map. values holds HU, index row*mapColumns+column,
// NaN where the volume does not reach; column c lies rootMM + c·stepMM from the
// canal's middle.
type boneMap struct {
	rows   int
	values []float64
}

// newBoneMap projects the volume beside the path.
func newBoneMap(ctx context.Context, vol *volume.Volume, p *path, sd side) (*boneMap, error) {
	m := &boneMap{rows: len(p.frames), values: make([]float64, len(p.frames)*mapColumns)}
	sampler, inside := vol.Sampler(), extentOf(vol)
	for r, f := range p.frames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for c := range mapColumns {
			m.values[r*mapColumns+c] = project(&sampler, inside, f, float64(sd)*(rootMM+float64(c)*stepMM))
		}
	}
	m.smooth()
	return m, nil
}

// project returns the highest mean of three neighbouring samples along the
// anterior axis at lateral l, or NaN if the middle of that line is outside the
// volume.
func project(s *volume.Sampler, inside extent, f volume.Frame, l float64) float64 {
	if !inside.holds(f.Point(0, -behindMM/4, l)) {
		return math.NaN()
	}
	p, step := f.Point(0, -behindMM, l), r3.Scale(depthStep, f.Anterior)
	var a, b float64 = volume.OutsideHU, volume.OutsideHU
	best := math.Inf(-1)
	for x := -behindMM; x <= beforeMM; x += depthStep {
		v := s.At(p)
		best = max(best, a+b+v)
		a, b = b, v
		p = r3.Add(p, step)
	}
	return best / 3
}

// extent says which positions a volume covers.
type extent struct {
	ix         volume.Indexer
	ni, nj, nk float64
}

func extentOf(v *volume.Volume) extent {
	return extent{v.Indexer(), float64(v.Columns) - 0.5, float64(v.Rows) - 0.5, float64(v.Slices) - 0.5}
}

func (e extent) holds(p r3.Vec) bool {
	i, j, k := e.ix.Index(p)
	return i >= -0.5 && i <= e.ni && j >= -0.5 && j <= e.nj && k >= -0.5 && k <= e.nk
}

// smooth averages over three columns: along the ribs.
func (m *boneMap) smooth() {
	var buf [mapColumns]float64
	for r := range m.rows {
		row := m.values[r*mapColumns : (r+1)*mapColumns]
		copy(buf[:], row)
		for c := 1; c < mapColumns-1; c++ {
			if v := (buf[c-1] + 2*buf[c] + buf[c+1]) / 4; !math.IsNaN(v) {
				row[c] = v
			}
		}
	}
}

const (
	// The background of a pixel is the lower quartile of its column within
	// backgroundMM above and below: past the rib's own height, short of the next
	// two.
	backgroundMM = 13.5
	// Bone begins boneHU above the background and is sure at sureHU: thin
	// cortex in slices of 5 mm, and old ribs, are hardly brighter.
	boneHU = 50.0
	sureHU = 200.0
)

// contrast returns, for each pixel, how surely it is bone that stands out
// from what is above and below it, 0 to 1; NaN where the map is.
func (m *boneMap) contrast() []float64 {
	out := make([]float64, len(m.values))
	half := int(backgroundMM / stepMM)
	var near []float64
	for c := range mapColumns {
		for r := range m.rows {
			near = near[:0]
			for k := max(r-half, 0); k <= min(r+half, m.rows-1); k++ {
				if v := m.values[k*mapColumns+c]; !math.IsNaN(v) {
					near = append(near, v)
				}
			}
			i := r*mapColumns + c
			if math.IsNaN(m.values[i]) {
				out[i] = math.NaN()
				continue
			}
			slices.Sort(near)
			background := max(near[len(near)/4], 0) // lung is no darker than soft tissue here
			out[i] = min(max((m.values[i]-background-boneHU)/(sureHU-boneHU), 0), 1)
		}
	}
	return out
}
