// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// PosteriorWall is the outer face of a body's posterior wall as a surface: rows
// along the canal, columns across it, in the frame of the canal.
type PosteriorWall struct {
	S, L  []float64    // ascending, mm
	Cells [][]WallCell // [row][column]
}

// WallCell is one place of a posterior wall.
type WallCell struct {
	A, SD  float64 // of the outer face, mm
	Cortex float64 // thickness of the cortical bone, mm of corticalHU; 0 in a label map
	Found  bool
	Vague  bool // neither cortex nor contrast shows where the face is
}

// The posterior wall's surface, mm.
const (
	// WallReach is how far to each side of the mid-sagittal plane the wall is
	// read, at most: farther out are the pedicles.
	WallReach       = 10.0
	wallColumn      = 2.0 // between columns
	wallPedicle     = 2.0 // that the wall ends before the canal's lateral bounds
	wallStrip       = 3.0 // half width of the first strip
	posteriorSearch = 5.0 // that the first strip may lie off the body's outline
	wallFollow      = 3.5 // that a strip may lie off its neighbour
	wallFollowSD    = 1.2
	wallMiddleSD    = 1.5
	wallFaceSD      = 0.8  // of the face about the traced path
	wallFaceBlur    = 1.3  // the same, in units of the blur
	vagueShare      = 0.65 // of it that is left where the image does not show the face
	wallSoftInside  = 4.0  // of soft tissue that a profile shows
)

// wallReader traces a posterior wall.
type wallReader struct {
	im     *reader
	canal  *Canal
	rows   []float64
	middle []float64 // of the plate in the middle strip
	narrow bool      // the laminae stand so near that they are to be told from the wall
}

// newWallReader traces the wall's middle strip near the body's own outline.
func newWallReader(im *reader, c *Canal, b *Body) *wallReader {
	w := &wallReader{im: im, canal: c, rows: c.heights()}
	var s, a []float64
	for i := range b.Posterior.S {
		ps, pa, _ := c.Frame.Coordinates(b.Frame.Point(b.Posterior.S[i], b.Posterior.A[i], 0))
		s, a = append(s, ps), append(a, pa)
	}
	prior := make([]float64, len(w.rows))
	for i, at := range w.rows {
		prior[i] = a[floats.NearestIdx(s, at)]
	}
	w.narrow = true // until the middle strip tells
	w.middle, w.narrow = w.strip(prior, 0, wallStrip, posteriorSearch, wallMiddleSD)
	return w
}

// followFragments traces the middle strip anew where it runs through a fragment.
func (w *wallReader) followFragments() {
	p := w.newPassage()
	if behind := p.fragments(w.middle); behind != nil {
		w.middle, _ = w.strip(behind, 0, wallStrip, fragmentReach, fragmentSD)
	}
}

// strip traces the wall in the strip of half width half about l: its plate's
// place along a for each row. In a narrow canal it is not that of a lamina, and
// lamina reports whether one had been taken for it; elsewhere pedicles, farther
// aside, would look like one.
func (w *wallReader) strip(prior []float64, l, half, reach, sd float64) (at []float64, lamina bool) {
	// Rows begin each at their own prior: a step of the path is one of the
	// displacement from it.
	p := profiles{s0: w.rows[0], x0: -reach - wallSoftInside}
	n := int(2*(reach+wallSoftInside)/wallStep) + 1
	for i, s := range w.rows {
		row := make([]float64, n)
		for c := range row {
			a := prior[i] + p.position(float64(c))
			row[c] = w.im.mean(func(u, _ float64) r3.Vec { return w.canal.Frame.Point(s, a, l+u) }, half, 0)
		}
		fillOutside(row)
		p.rows = append(p.rows, row)
	}
	sigma := w.im.blur.across(w.canal.Frame.Anterior).total()
	at, _ = trace(p, sigma, false, 0, sd)
	if w.narrow {
		if before, _ := p.wallBefore(at, sigma); before != nil {
			at, lamina = before, true
		}
	}
	for i := range at {
		at[i] += prior[i]
	}
	return at, lamina
}

// surface traces the wall to both sides, as far as half, the half width of the
// canal, allows, and fits its face.
func (w *wallReader) surface(half float64) PosteriorWall {
	n := wallColumns(half)
	wall := PosteriorWall{S: w.rows, Cells: make([][]WallCell, len(w.rows))}
	paths := make([][]float64, 2*n+1)
	paths[n] = w.middle
	for _, side := range []int{-1, 1} {
		for k := 1; k <= n; k++ {
			l := float64(side*k) * wallColumn
			paths[n+side*k], _ = w.strip(paths[n+side*(k-1)], l, wallColumn/2, wallFollow, wallFollowSD)
		}
	}
	for k := -n; k <= n; k++ {
		wall.L = append(wall.L, float64(k)*wallColumn)
	}
	for i := range wall.Cells {
		wall.Cells[i] = make([]WallCell, len(wall.L))
		for j := range wall.L {
			wall.Cells[i][j] = w.cell(paths, i, j, wall.L[j])
		}
	}
	return wall
}

// wallColumns returns how many columns to each side a wall has in a canal of the
// given half width.
func wallColumns(half float64) int {
	return max(int(min(WallReach, half-wallPedicle)/wallColumn), 0)
}

// within returns the part of w that a canal of the given half width has.
func (w PosteriorWall) within(half float64) PosteriorWall {
	n := len(w.L) / 2
	keep := min(wallColumns(half), n)
	out := PosteriorWall{S: w.S, L: w.L[n-keep : n+keep+1], Cells: make([][]WallCell, len(w.Cells))}
	for i, row := range w.Cells {
		out.Cells[i] = row[n-keep : n+keep+1]
	}
	return out
}

// cell fits the face of the wall at one place of the traced paths.
func (w *wallReader) cell(paths [][]float64, i, j int, l float64) WallCell {
	slope := func(lo, hi, span float64) float64 { return (hi - lo) / max(span, 1e-9) }
	up, down := min(i+1, len(w.rows)-1), max(i-1, 0)
	right, left := max(j-1, 0), min(j+1, len(paths)-1)
	f := w.canal.Frame
	ds := slope(paths[j][down], paths[j][up], w.rows[up]-w.rows[down])
	dl := 0.0
	if left > right {
		dl = slope(paths[right][i], paths[left][i], float64(left-right)*wallColumn)
	}
	normal := r3.Unit(r3.Sub(f.Anterior, r3.Add(r3.Scale(ds, f.Superior), r3.Scale(dl, f.Left))))
	center := f.Point(w.rows[i], paths[j][i], l)
	p := w.acrossWall(center, normal)
	if p == nil {
		return WallCell{}
	}
	sigma := w.im.blur.across(normal).bare()
	start := max(wallFaceSD, wallFaceBlur*sigma)
	got, ok := fitFace(p, wallStep, faceReach-boneThickness/2, start, sigma, contentOf(p), bodyShell)
	if !ok {
		return WallCell{}
	}
	// The normal may lean: the face moves along it, the surface along a.
	return WallCell{A: paths[j][i] + (got.at-faceReach)/r3.Dot(normal, f.Anterior), SD: got.sd, Cortex: got.cortex, Found: true, Vague: got.sd > vagueShare*start}
}

// contentOf returns what a profile across the wall shows of the canal, HU.
func contentOf(p []float64) float64 { return median(p[:len(p)/3]) }

// beyondVolume is the mean attenuation up to which a profile has left the volume,
// HU.
const beyondVolume = 0.75 * volume.OutsideHU

// bare returns the standard deviation of k without the thickness of bone that
// psf.across counts in, mm.
func (k kernel) bare() float64 {
	return math.Sqrt(max(k.total()*k.total()-boneThickness*boneThickness/12, 0.01))
}

// At returns the place of the wall at a height and l, and its standard deviation,
// linear between cells, and false beyond its ends and where it is vague.
func (w *PosteriorWall) At(s, l float64) (a, sd float64, ok bool) {
	a, sd, vague, ok := w.at(s, l)
	return a, sd, ok && !vague
}

// at is At with the vague places too.
func (w *PosteriorWall) at(s, l float64) (a, sd float64, vague, ok bool) {
	if len(w.S) < 2 || len(w.L) < 2 || s < w.S[0]-canalRow || s > w.S[len(w.S)-1]+canalRow || l < w.L[0] || l > w.L[len(w.L)-1] {
		return 0, 0, false, false
	}
	i, y := cellOf(w.S, s)
	j, x := cellOf(w.L, l)
	for di, wi := range [2]float64{1 - y, y} {
		for dj, wj := range [2]float64{1 - x, x} {
			c := w.Cells[i+di][j+dj]
			if !c.Found {
				return 0, 0, false, false
			}
			vague = vague || c.Vague
			a += wi * wj * c.A
			sd += wi * wj * c.SD
		}
	}
	return a, sd, vague, true
}

// cellOf returns the index below at in ascending x, and how far on it lies; the
// outermost cells go on beyond the ends by nothing.
func cellOf(x []float64, at float64) (int, float64) {
	i, _ := slices.BinarySearch(x, at)
	i = min(max(i-1, 0), len(x)-2)
	return i, min(max((at-x[i])/(x[i+1]-x[i]), 0), 1)
}

// CortexAt returns the thickness of the wall's cortical bone around a place, mm,
// and false beyond its ends or where most of it is not known: the mean of the
// nearest cell and those beside it.
func (w *PosteriorWall) CortexAt(s, l float64) (float64, bool) {
	if len(w.S) == 0 || len(w.L) == 0 || s < w.S[0]-canalRow || s > w.S[len(w.S)-1]+canalRow || l < w.L[0] || l > w.L[len(w.L)-1] {
		return 0, false
	}
	i, j := floats.NearestIdx(w.S, s), floats.NearestIdx(w.L, l)
	if !w.Cells[i][j].Found {
		return 0, false
	}
	sum, n := 0.0, 0.0
	for k := max(i-1, 0); k <= min(i+1, len(w.S)-1); k++ {
		for m := max(j-1, 0); m <= min(j+1, len(w.L)-1); m++ {
			if c := w.Cells[k][m]; c.Found {
				sum, n = sum+c.Cortex, n+1
			}
		}
	}
	return sum / n, true
}
