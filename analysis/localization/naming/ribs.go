// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

// The posterior chest wall is looked at from behind, straightened along the
// canal: each pixel of the map is the brightest bone along the anterior axis.
const (
	stepMM = 1.5 // between rows (along the canal) and between columns (sideways)

	// The map's depth about the canal's middle: from behind the transverse
	// processes and the angles of the ribs to beforeMM in front of the middle,
	// short of the aorta and most of the kidneys; but where the spine leans
	// forwards as between T1 and T4 (table.go), by firstRibSlope more for each
	// millimetre sideways from rootMM, for the first rib.
	behindMM      = 40.0
	beforeMM      = 4.0
	firstRibSlope = 0.35
	depthStep     = 2.0

	// Processes and necks of ribs lie about here behind the canal's middle; the
	// first rib runs forward by boneSlope.
	boneBehindMM = -20.0
	boneSlope    = 0.6

	// extendMM of canal are added above and below the chain: the bones of the
	// vertebra next to it.
	extendMM = 60.0
	// longestMM bounds the way from one link of the chain to the next.
	longestMM = 150.0

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
	frames []volume.Frame // one each stepMM, from superior to inferior
	center []float64      // row of each vertebra's centre
}

// newPath returns the path through the canal points of the chain, one row each
// stepMM, from extendMM above the first to extendMM below the last.
func newPath(chain []localization.Vertebra) *path {
	knots := make([]float64, len(chain))
	for i := 1; i < len(chain); i++ {
		d := r3.Norm(r3.Sub(chain[i].Canal, chain[i-1].Canal))
		if !(d > stepMM) { // NaN included
			d = stepMM
		}
		knots[i] = knots[i-1] + min(d, longestMM)
	}
	tangents := make([]r3.Vec, len(chain)) // towards inferior
	for i := range chain {
		above, below := chain[max(i-1, 0)], chain[min(i+1, len(chain)-1)]
		tangents[i] = r3.Unit(r3.Sub(below.Canal, above.Canal))
		if len(chain) == 1 {
			tangents[i] = r3.Scale(-1, chain[i].Superior)
		}
	}
	p := &path{}
	for i, s := 0, -extendMM; s <= knots[len(knots)-1]+extendMM; s += stepMM {
		for i < len(chain)-2 && s > knots[i+1] {
			i++
		}
		j := min(i+1, len(chain)-1)
		p.frames = append(p.frames, frameAt(chain[i], chain[j], tangents[i], tangents[j], knots[i], knots[j], s))
	}
	for i, v := range chain {
		p.center = append(p.center, p.level(v.Center, (knots[i]+extendMM)/stepMM))
	}
	return p
}

// level returns the row, with its fraction, whose plane holds q, searched from
// row near on.
func (p *path) level(q r3.Vec, near float64) float64 {
	r := near
	for range levelSteps {
		k := min(max(int(math.Round(r)), 0), len(p.frames)-1)
		above, _, _ := p.frames[k].Coordinates(q)
		r = min(max(float64(k)-above/stepMM, 0), float64(len(p.frames)-1))
	}
	return r
}

// levelSteps of the search for a plane are enough: the planes turn by a few
// degrees within a vertebra.
const levelSteps = 4

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
// anterior axis at lateral l, or NaN if the volume leaves out the place on that
// line where bone is likeliest.
func project(s *volume.Sampler, inside extent, f volume.Frame, l float64) float64 {
	if !inside.holds(f.Point(0, min(boneBehindMM+boneSlope*(math.Abs(l)-rootMM), 0), l)) {
		return math.NaN()
	}
	p, step := f.Point(0, -behindMM, l), r3.Scale(depthStep, f.Anterior)
	front := beforeMM + frontSlope(f)*(math.Abs(l)-rootMM)
	var a, b float64 = volume.OutsideHU, volume.OutsideHU
	best := math.Inf(-1)
	for x := -behindMM; x <= front; x += depthStep {
		v := s.At(p)
		best = max(best, a+b+v)
		a, b = b, v
		p = r3.Add(p, step)
	}
	return best / 3
}

// The lean of the spine, degrees, from which on the map begins to reach forwards
// for the first rib, and at which it does so in full.
const leanBegins, leanFull = 8.0, 20.0

// frontSlope returns by how much the map's depth grows with the distance from
// the canal at f.
func frontSlope(f volume.Frame) float64 {
	lean := sagittalInclination(r3.Scale(-1, f.Superior))
	return firstRibSlope * min(max((lean-leanBegins)/(leanFull-leanBegins), 0), 1)
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
	// The background of a pixel is the lower of its neighbours above, or that of
	// its neighbours below if it is higher, within backgroundMM: more than the
	// height of a rib at its steepest. So the edge of a kidney is no rib.
	backgroundMM = 16.5
	// The background counts as at least 0 HU, where it is lung, and at most softHU,
	// enhanced kidney or noise, where bone surrounds the pixel.
	softHU = 200.0
	// Bone begins boneHU above the background and is sure at sureHU: thin
	// cortex in slices of 5 mm, and old ribs, are hardly brighter.
	boneHU = 40.0
	sureHU = 160.0
)

// contrast returns, for each pixel, how surely it is bone that stands out
// from what is above and below it, 0 to 1; NaN where the map is.
func (m *boneMap) contrast() []float64 {
	out := make([]float64, len(m.values))
	for c := range mapColumns {
		for r := range m.rows {
			i := r*mapColumns + c
			background := min(max(m.floor(r, c, -1), m.floor(r, c, 1), 0), softHU)
			out[i] = min(max((m.values[i]-background-boneHU)/(sureHU-boneHU), 0), 1) // NaN stays NaN
		}
	}
	return out
}

// floor returns the second lowest value of column c within backgroundMM of row r
// above (step -1) or below (step 1) it, minus infinity if the volume ends
// within half of that.
func (m *boneMap) floor(r, c, step int) float64 {
	lowest, second := math.Inf(1), math.Inf(1)
	n := 0
	for k := r + step; k >= 0 && k < m.rows && n < int(backgroundMM/stepMM); k += step {
		v := m.values[k*mapColumns+c]
		if math.IsNaN(v) {
			break
		}
		n++
		if v < lowest {
			lowest, second = v, lowest
		} else {
			second = min(second, v)
		}
	}
	if 2*n < int(backgroundMM/stepMM) {
		return math.Inf(-1)
	}
	return second
}
