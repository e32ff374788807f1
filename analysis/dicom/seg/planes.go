// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Tolerances of where frames stand, mm.
const (
	samePosition   = 0.05 // of frames of one plane
	strayTolerance = 0.5  // beside the line of the others
	onImage        = 0.2  // from the image that a frame is of, which stands on a grid made even
	// evenTolerance is how far planes may stand from an even grid, on thick slices
	// evenFraction of their distance: as for CT slices.
	evenTolerance = 0.06
	evenFraction  = 0.02
	// sparseRatio is the multiple of the least distance above which planes are taken
	// to be missing between two.
	sparseRatio = 1.5
)

// planes are where the frames lie, and the slices of a grid that they become.
type planes struct {
	places []r3.Vec  // ascending along the normal, each once
	depths []float64 // along the normal, mm from the first place
	of     []int     // the plane of each frame
	slices []span    // the slices that each plane becomes

	// Whether images lie below the first plane and above the last.
	below, above bool
}

// planes sorts the frames into planes. images are the places of the images that they
// are of, if known: those are the planes where every frame stands on one of them.
func (s *Segmentation) planes(images []r3.Vec) (*planes, error) {
	normal := r3.Unit(r3.Cross(s.Column, s.Row))
	frames := make([]r3.Vec, len(s.Frames))
	for i, f := range s.Frames {
		frames[i] = f.Position
	}
	if len(images) > 0 {
		p := newPlanes(images, normal)
		if p.hold(frames, normal) {
			return p, p.check()
		}
	}
	p := newPlanes(frames, normal)
	p.below, p.above = s.beyond(p)
	return p, p.check()
}

// hold finds the planes on which places stand, and reports whether each stands on one.
func (p *planes) hold(frames []r3.Vec, normal r3.Vec) bool {
	first := r3.Dot(p.places[0], normal)
	p.of = make([]int, len(frames))
	for i, at := range frames {
		k, _ := slices.BinarySearch(p.depths, r3.Dot(at, normal)-first)
		nearest := min(k, len(p.places)-1)
		if k > 0 && r3.Norm(r3.Sub(at, p.places[k-1])) < r3.Norm(r3.Sub(at, p.places[nearest])) {
			nearest = k - 1
		}
		if r3.Norm(r3.Sub(at, p.places[nearest])) > onImage {
			return false
		}
		p.of[i] = nearest
	}
	return true
}

// newPlanes sorts places along the normal.
func newPlanes(all []r3.Vec, normal r3.Vec) *planes {
	order := make([]int, len(all))
	depth := make([]float64, len(all))
	for i, p := range all {
		order[i], depth[i] = i, r3.Dot(p, normal)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(depth[a], depth[b]) })
	p := &planes{of: make([]int, len(all))}
	first := depth[order[0]]
	for _, i := range order {
		if d := depth[i] - first; len(p.depths) == 0 || d-p.depths[len(p.depths)-1] > samePosition {
			p.places, p.depths = append(p.places, all[i]), append(p.depths, d)
		}
		p.of[i] = len(p.places) - 1
	}
	return p
}

// beyond reports whether there are images below the first plane and above the last, by
// the order in which the images are listed: it must follow the planes, up or down.
func (s *Segmentation) beyond(p *planes) (below, above bool) {
	place := make(map[string]int, len(s.sources))
	for i, uid := range s.sources {
		place[uid] = i
	}
	at := make([]int, len(p.places))
	for i := range at {
		at[i] = -1
	}
	for i, f := range s.Frames {
		n, ok := place[f.Source]
		if !ok || at[p.of[i]] >= 0 && at[p.of[i]] != n {
			return false, false
		}
		at[p.of[i]] = n
	}
	last := len(s.sources) - 1
	ascends, descends := len(at) > 1, len(at) > 1
	for i := 1; i < len(at); i++ {
		ascends, descends = ascends && at[i] > at[i-1], descends && at[i] < at[i-1]
	}
	lowest, highest := at[0], at[len(at)-1]
	switch {
	case ascends:
		return lowest > 0, highest < last
	case descends:
		return lowest < last, highest > 0
	}
	return false, false
}

// check returns an error if the planes stand on no line.
func (p *planes) check() error {
	last := len(p.places) - 1
	if last < 1 {
		return nil
	}
	way := r3.Scale(1/p.depths[last], r3.Sub(p.places[last], p.places[0]))
	for i, at := range p.places {
		if r3.Norm(r3.Sub(at, r3.Add(p.places[0], r3.Scale(p.depths[i], way)))) > strayTolerance {
			return invalid("ImagePositionPatient", "frames are not on one line")
		}
	}
	return nil
}

// geometry returns the grid of the label map, and finds the slices of the planes.
func (p *planes) geometry(s *Segmentation) (volume.Geometry, error) {
	step, even := p.step(s.spacings)
	last := len(p.depths) - 1
	g := volume.Geometry{
		Columns: s.Columns, Rows: s.Rows, Origin: p.places[0], Column: s.Column, Row: s.Row,
		Slice: r3.Scale(step, r3.Unit(r3.Cross(s.Column, s.Row))),
	}
	total := p.depths[last]
	if err := s.affordable(total/step + 3); err != nil {
		return g, err
	}
	if last > 0 {
		g.Slice = r3.Scale(step/total, r3.Sub(p.places[last], p.places[0]))
	}
	g.Slices = int(math.Round(total/step)) + 1
	p.slices = make([]span, len(p.places))
	for i, d := range p.depths {
		if even {
			k := int(math.Round(d / step))
			p.slices[i] = span{k, k + 1}
			continue
		}
		below, above := p.reach(i)
		p.slices[i] = span{clampSlice((d-below)/step, g.Slices), clampSlice((d+above)/step, g.Slices)}
	}
	p.pad(&g)
	return g, nil
}

// pad adds a slice without labels where images go on beyond the frames.
func (p *planes) pad(g *volume.Geometry) {
	if p.below {
		g.Origin = r3.Sub(g.Origin, g.Slice)
		g.Slices++
		for i := range p.slices {
			p.slices[i].from++
			p.slices[i].to++
		}
	}
	if p.above {
		g.Slices++
	}
}

// step returns the distance of slices, mm, and whether the planes stand on an even
// grid of it, where some may be missing. spacings are what the frames say; they count
// where there is but one plane.
func (p *planes) step(spacings []float64) (step float64, even bool) {
	last := len(p.depths) - 1
	if last < 1 {
		return append(spacings, 1)[0], true
	}
	least := math.Inf(1)
	for i := range last {
		least = min(least, p.depths[i+1]-p.depths[i])
	}
	sum, n := 0.0, 0.0
	for i := range last {
		if d := p.depths[i+1] - p.depths[i]; d < sparseRatio*least {
			sum, n = sum+d, n+1
		}
	}
	step = p.depths[last] / math.Round(p.depths[last]*n/sum)
	tolerance := max(evenTolerance, evenFraction*step)
	for _, d := range p.depths {
		if math.Abs(d-step*math.Round(d/step)) > tolerance {
			return least, false
		}
	}
	return step, true
}

// reach returns how far below and above a plane its slices go: half the way to the
// next, unless that is so far that planes are missing between.
func (p *planes) reach(i int) (below, above float64) {
	last := len(p.depths) - 1
	below, above = math.Inf(1), math.Inf(1)
	if i > 0 {
		below = p.depths[i] - p.depths[i-1]
	}
	if i < last {
		above = p.depths[i+1] - p.depths[i]
	}
	const missing = 2
	near := min(below, above)
	within := func(d float64) float64 {
		if d > missing*near {
			return near / 2
		}
		return d / 2
	}
	return within(below), within(above)
}
