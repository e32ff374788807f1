// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	pixelMM = 0.6 // of a figure, mm: about a CT's own pixels

	// Grey runs over this window, which shows bone and still tells disc from fat.
	windowCenter = 300.0  // HU
	windowWidth  = 1000.0 // HU

	// What a figure shows around the canal: a lumbar body is some 35 mm deep and
	// a spinous process some 50 mm long.
	marginAnterior  = 75.0 // mm
	marginPosterior = 55.0 // mm
	marginEnds      = 12.0 // mm above and below the canal's ends
)

// slab are the offsets across the plane that a pixel is the mean of, mm: the
// body's outline is of ±5 mm, a little less keeps the picture crisp.
var slab = [...]float64{-3, -1.5, 0, 1.5, 3}

// Figures are the pictures of one examination.
type Figures struct {
	views []view
}

// view is a picture in which every position has a place. Places are mm from the
// picture's upper left corner, to the right and downwards; anterior is left.
type view struct {
	title         string
	png           []byte // nil where there is no image
	width, height float64
	place         func(r3.Vec) (x, y float64)

	// at tells where a place lies in the patient, and which direction runs across
	// the picture there; nil where there is no image.
	at     func(x, y float64) (position, across r3.Vec)
	cement string // outline of bone cement, as the path of an SVG
}

// Draw draws the straightened and the sagittal picture of result. The volume
// may be nil: the outlines are then all there is. It returns nil where nothing
// can be drawn.
func Draw(vol *volume.Volume, result *analysis.Result) (*Figures, error) {
	path := spinePath(result)
	if len(path) == 0 {
		return nil, nil
	}
	if vol != nil && vol.SliceOffsets != nil {
		vol = vol.Canonical()
	}
	f := &Figures{}
	if vol != nil && len(result.Canal) > 1 {
		v, err := straightened(vol, result.Canal)
		if err != nil {
			return nil, err
		}
		f.views = append(f.views, v)
	}
	v, err := sagittal(vol, path)
	if err != nil {
		return nil, err
	}
	f.views = append(f.views, v)
	if vol != nil {
		outlineCement(vol, result, f.views)
	}
	return f, nil
}

// spinePath returns points along the spine from superior to inferior: the
// canal, else the bodies' centres.
func spinePath(result *analysis.Result) []r3.Vec {
	var path []r3.Vec
	for _, p := range result.Canal {
		path = append(path, p.Position)
	}
	if len(path) > 0 {
		return path
	}
	for i := range result.Vertebrae {
		path = append(path, result.Vertebrae[i].Center)
	}
	return path
}

// straightened samples vol along the canal: a row of the picture is
// perpendicular to the canal, the canal itself a straight line.
func straightened(vol *volume.Volume, canal []localization.CanalPoint) (view, error) {
	along := arcLengths(canal)
	length := along[len(along)-1]
	v := view{
		title:  "Straightened along the canal",
		width:  marginAnterior + marginPosterior,
		height: length + 2*marginEnds,
		place: func(p r3.Vec) (x, y float64) {
			s, a := canalCoordinates(canal, along, p)
			return marginAnterior - a, s + marginEnds
		},
	}
	err := v.sample(vol, func(x, y float64) (r3.Vec, r3.Vec) {
		f := canalFrame(canal, along, y-marginEnds)
		return f.Point(0, marginAnterior-x, 0), f.Left
	})
	return v, err
}

// sagittal samples vol in the sagittal direction, without straightening, and
// follows the spine sideways, so that a scoliotic spine stays in the picture.
func sagittal(vol *volume.Volume, path []r3.Vec) (view, error) {
	path = slices.Clone(path)
	slices.SortFunc(path, func(p, q r3.Vec) int { return cmp.Compare(q.Z, p.Z) })
	anterior, posterior := path[0].Y, path[0].Y
	for _, p := range path {
		anterior, posterior = min(anterior, p.Y), max(posterior, p.Y)
	}
	anterior -= marginAnterior
	posterior += marginPosterior
	ends := marginEnds
	if vol == nil {
		ends *= 3 // the path ends at the centres of the outermost bodies
	}
	top := path[0].Z + ends
	v := view{
		title:  "Sagittal, curved to follow the spine from side to side",
		width:  posterior - anterior,
		height: top - path[len(path)-1].Z + ends,
		place:  func(p r3.Vec) (x, y float64) { return p.Y - anterior, top - p.Z },
	}
	if vol == nil {
		return v, nil
	}
	err := v.sample(vol, func(x, y float64) (r3.Vec, r3.Vec) {
		z := top - y
		return r3.Vec{X: lateral(path, z), Y: anterior + x, Z: z}, r3.Vec{X: 1}
	})
	return v, err
}

// lateral returns the x of a path, ordered by descending z, at the given z.
func lateral(path []r3.Vec, z float64) float64 {
	i := sort.Search(len(path), func(i int) bool { return path[i].Z <= z })
	if i == 0 {
		return path[0].X
	}
	if i == len(path) {
		return path[i-1].X
	}
	p, q := path[i-1], path[i]
	return q.X + (p.X-q.X)*(z-q.Z)/(p.Z-q.Z)
}

// sample fills the picture, and sets at.
func (v *view) sample(vol *volume.Volume, at func(x, y float64) (position, across r3.Vec)) error {
	v.at = at
	columns, rows := int(math.Ceil(v.width/pixelMM)), int(math.Ceil(v.height/pixelMM))
	v.width, v.height = float64(columns)*pixelMM, float64(rows)*pixelMM
	picture := image.NewGray(image.Rect(0, 0, columns, rows))
	sampler := vol.Sampler()
	for j := range rows {
		for i := range columns {
			p, across := at((float64(i)+0.5)*pixelMM, (float64(j)+0.5)*pixelMM)
			sum := 0.0
			for _, l := range slab {
				sum += sampler.At(r3.Add(p, r3.Scale(l, across)))
			}
			picture.Pix[j*picture.Stride+i] = grey(sum / float64(len(slab)))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	v.png = b.Bytes()
	return nil
}

func grey(hu float64) uint8 {
	x := (hu - windowCenter + windowWidth/2) / windowWidth
	return uint8(math.Round(255 * min(max(x, 0), 1)))
}

// arcLengths returns the distance of each canal point from the first along the
// canal, mm.
func arcLengths(canal []localization.CanalPoint) []float64 {
	along := make([]float64, len(canal))
	for i := 1; i < len(canal); i++ {
		along[i] = along[i-1] + r3.Norm(r3.Sub(canal[i].Position, canal[i-1].Position))
	}
	return along
}

// canalFrame returns the canal's frame at s mm from its superior end,
// extrapolated straight beyond either end.
func canalFrame(canal []localization.CanalPoint, along []float64, s float64) volume.Frame {
	last := len(canal) - 1
	i := min(max(sort.SearchFloat64s(along, s)-1, 0), last-1)
	f := (s - along[i]) / (along[i+1] - along[i])
	p, q := canal[i], canal[i+1]
	if f < 0 || f > 1 {
		end := p
		beyond := along[i] - s
		if f > 1 {
			end, beyond = q, along[i+1]-s
		}
		frame := volume.NewFrame(end.Position, end.Superior, end.Anterior)
		frame.Origin = frame.Point(beyond, 0, 0)
		return frame
	}
	mix := func(a, b r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-f, a), r3.Scale(f, b)) }
	return volume.NewFrame(mix(p.Position, q.Position), mix(p.Superior, q.Superior), mix(p.Anterior, q.Anterior))
}

// canalCoordinates returns how far p lies along the canal from its superior end
// and how far anterior of it, mm: the inverse of canalFrame. Of several planes
// through p, as behind a kyphosis, the nearest counts.
func canalCoordinates(canal []localization.CanalPoint, along []float64, p r3.Vec) (s, a float64) {
	above := func(i int) float64 { return r3.Dot(r3.Sub(p, canal[i].Position), canal[i].Superior) }
	distance := func(i int) float64 { return r3.Norm(r3.Sub(p, canal[i].Position)) }
	last := len(canal) - 1
	found, best := false, math.Inf(1)
	upper := above(0)
	for i := range last {
		lower := above(i + 1)
		if upper <= 0 && lower >= 0 && distance(i) < best {
			found, best = true, distance(i)
			f := 0.0
			if lower > upper {
				f = -upper / (lower - upper)
			}
			s = along[i] + f*(along[i+1]-along[i])
		}
		upper = lower
	}
	if !found {
		end := 0
		if distance(last) < distance(0) {
			end = last
		}
		s = along[end] - above(end)
	}
	frame := canalFrame(canal, along, s)
	_, a, _ = frame.Coordinates(p)
	return s, a
}
