// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
)

// Seed is the centre of a vertebral body that a reader points at.
type Seed struct {
	Level  spine.Level
	Center radiograph.ImagePoint
}

// Side says where anterior is on a film whose superior side is up.
type Side uint8

// The sides.
const (
	UnknownSide Side = iota
	Right
	Left
)

// Body is a vertebral body that was found on a film.
type Body struct {
	Level  spine.Level
	Center radiograph.ImagePoint
	// Points are the six points, by their landmark.Name.
	Points [landmark.NumPoints]radiograph.ImagePoint
	// SD is the standard deviation of each point across its endplate, in the units of
	// Fit's spacing.
	SD [landmark.NumPoints]float64
	// Superior and Inferior are the lines of the endplates.
	Superior, Inferior Line

	// Strength is how clear the endplates' edges are: 1 is as clear as the film's usual
	// ones.
	Strength float64
	Seeded   bool // a reader pointed at it
}

// Line is the least-squares line of an endplate.
type Line struct {
	// Direction is from posterior to anterior, a unit vector in units in which pixels are
	// square.
	Direction r2.Vec
	SD        float64 // degrees
	// Depth is the greatest distance of the endplate towards the body's middle from the
	// chord of its corners, in the same units; negative if it bulges.
	Depth float64
}

// Spine is what was found along a film.
type Spine struct {
	Bodies []Body // from superior to inferior
	// Anterior is the side on which anterior lies where superior is up, and Told whether
	// header or reader said so; else it was seen.
	Anterior Side
	Told     bool
}

// ErrSide is wrapped where nothing tells which side of a film is anterior.
var ErrSide = errors.New("nothing tells which side of the film is anterior")

// mostBeside is how many bodies are looked for above the first seed and below the last.
const mostBeside = 4

// leastStrength is the strength of edges from which on a body beside the seeds counts as
// shown: default, tried on the rendered films that the method was made with.
const leastStrength = 0.75

// Fit finds the bodies between the seeds and beside them. unit is the spacing of pixels, of
// which only the shape of a pixel matters to what is found. side tells where anterior is;
// where it is unknown, the header is asked and then the film. The error says what is wrong
// with the seeds, or wraps ErrSide, or is ctx's.
func Fit(ctx context.Context, m *radiograph.Image, unit radiograph.Spacing, seeds []Seed, side Side) (*Spine, error) {
	f := &film{m, unit}
	seeds = slices.Clone(seeds)
	if err := check(m, seeds); err != nil {
		return nil, err
	}
	s := newSearch(f, seeds)
	out := &Spine{Anterior: side, Told: true}
	if side == UnknownSide {
		if out.Anterior, out.Told = s.side(); out.Anterior == UnknownSide {
			return nil, ErrSide
		}
	}
	s.right = out.Anterior == Right
	if err := s.bow(ctx); err != nil {
		return nil, err
	}
	for _, up := range []bool{false, true} {
		for range mostBeside {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if !s.extend(up) {
				break
			}
		}
	}
	s.pass()
	for i := range s.at {
		out.Bodies = append(out.Bodies, s.body(i))
	}
	return out, nil
}

// check sorts the seeds by their levels and refuses those that no spine has.
func check(m *radiograph.Image, seeds []Seed) error {
	if len(seeds) < 2 {
		return errors.New("seeds: at least two vertebrae are needed")
	}
	slices.SortFunc(seeds, func(a, b Seed) int { return usualIndex(a.Level) - usualIndex(b.Level) })
	for i, s := range seeds {
		switch {
		case usualIndex(s.Level) < 0:
			return fmt.Errorf("seeds: %s is none of T4 to L5", s.Level)
		case i > 0 && s.Level == seeds[i-1].Level:
			return fmt.Errorf("seeds: %s is there twice", s.Level)
		case !(s.Center.Col >= 0 && s.Center.Row >= 0 && s.Center.Col <= float64(m.Columns) && s.Center.Row <= float64(m.Rows)):
			return fmt.Errorf("seeds: %s lies beside the film", s.Level)
		}
	}
	for i := 2; i < len(seeds); i++ {
		a, b, c := seeds[i-2].Center, seeds[i-1].Center, seeds[i].Center
		if (b.Col-a.Col)*(c.Col-b.Col)+(b.Row-a.Row)*(c.Row-b.Row) <= 0 {
			return fmt.Errorf("seeds: %s does not lie between %s and %s", seeds[i-1].Level, seeds[i-2].Level, seeds[i].Level)
		}
	}
	const least = 12 // pixels from body to body, below which no endplate can be seen
	for i := 1; i < len(seeds); i++ {
		if n := usualIndex(seeds[i].Level) - usualIndex(seeds[i-1].Level); seeds[i].Center.Distance(seeds[i-1].Center) < least*float64(n) {
			return fmt.Errorf("seeds: %s and %s lie too near to each other", seeds[i-1].Level, seeds[i].Level)
		}
	}
	return nil
}

// search is the state of a fit: the bodies that are looked for and what was found of them.
type search struct {
	film  *film
	field *radiograph.Field
	right bool
	scale float64 // units of a film's millimetre in the patient, by the usual sizes
	step  float64 // of the strip

	level  []int // in usuals
	at     []r2.Vec
	seed   []*r2.Vec // nil where none
	curve  *curve
	plates [][2]plate
	walls  []walls
	power  []float64
	cost   float64
	strip  *strip
}

// newSearch places the bodies between the seeds at their usual distances.
func newSearch(f *film, seeds []Seed) *search {
	s := &search{film: f, field: radiograph.FindField(f.image)}
	var length, usualLength float64
	for i := range seeds {
		at := f.position(seeds[i].Center)
		first := usualIndex(seeds[i].Level)
		if i > 0 {
			from, to := usualIndex(seeds[i-1].Level), first
			previous := f.position(seeds[i-1].Center)
			var whole, part float64
			for l := from; l < to; l++ {
				whole += pitch(l)
			}
			length += r2.Norm(r2.Sub(at, previous))
			usualLength += whole
			for l := from; l < to-1; l++ {
				part += pitch(l)
				s.level = append(s.level, l+1)
				s.at = append(s.at, r2.Add(previous, r2.Scale(part/whole, r2.Sub(at, previous))))
				s.seed = append(s.seed, nil)
			}
		}
		s.level, s.at, s.seed = append(s.level, first), append(s.at, at), append(s.seed, &at)
	}
	s.scale = length / usualLength
	const samples = 52 // of a usual lumbar pitch
	s.step = 34 * s.scale / samples
	return s
}

// bows are how much a spine may bend between two seeds, of the usual. Two seeds tell nothing
// of it.
var bows = []float64{1, 0, 2, -1, 3}

// bow finds the bodies between the seeds from the curve that suits the film best.
func (s *search) bow(ctx context.Context) error {
	const passes = 2
	var best *search
	start := slices.Clone(s.at)
	for _, b := range bows {
		if best != nil && len(s.at) < 4 {
			break // the bodies between are as good as seeded
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		try := *s
		try.at = slices.Clone(start)
		try.bend(b)
		for range passes {
			try.pass()
		}
		if best == nil || try.cost < best.cost {
			best = &try
		}
	}
	*s = *best
	return nil
}

// bend places the bodies between seeds along a chain that turns at each by a part of the
// usual bend.
func (s *search) bend(part float64) {
	first := 0
	for i := range s.at {
		if s.seed[i] == nil || i == first {
			continue
		}
		// Along the chord and to anterior of it, as real and imaginary parts.
		chain := []complex128{0}
		direction := 0.0
		for k := first; k < i; k++ {
			step := complex(pitch(s.level[k]), 0) * cmplx.Rect(1, direction)
			chain = append(chain, chain[len(chain)-1]+step)
			direction += part * usuals[s.level[k+1]].bend * math.Pi / 180
		}
		chord := r2.Sub(s.at[i], s.at[first])
		across := r2.Vec{X: chord.Y, Y: -chord.X}
		if !s.right {
			across = r2.Scale(-1, across)
		}
		whole, origin := chain[len(chain)-1], s.at[first]
		for k := first + 1; k < i; k++ {
			z := chain[k-first] / whole
			s.at[k] = r2.Add(origin, r2.Add(r2.Scale(real(z), chord), r2.Scale(imag(z), across)))
		}
		first = i
	}
}

// pass straightens the film along what is known of the spine and finds the bodies anew.
func (s *search) pass() {
	const beyond = 40 // usual mm
	s.curve = newCurve(s.at, s.step, beyond*s.scale)
	deepest := 0.0
	links := make([]link, len(s.level))
	samples := s.scale / s.step
	for i, l := range s.level {
		u := usuals[l]
		deepest = max(deepest, u.depth*samples)
		links[i] = link{
			center: (s.curve.knots[i] - s.curve.origin) / s.step, seeded: s.seed[i] != nil,
			height: u.height * samples, disc: u.disc * samples, depth: waist * u.depth * samples,
		}
		if u.level.Region() == spine.Lumbar { // ribs and lung hide the others'
			links[i].back = 0.6
		}
		if s.seed[i] != nil {
			links[i].center, links[i].across = s.curve.nearest(*s.seed[i], s.right)
		}
	}
	s.strip = s.film.straighten(s.curve, int(1.1*deepest), s.right)
	s.strip.flatten(34 * samples)
	between := func(k int) float64 {
		best := 0
		for i := range links {
			if math.Abs(links[i].center-float64(k)) < math.Abs(links[best].center-float64(k)) {
				best = i
			}
		}
		return links[best].depth
	}
	e := findEdges(s.strip, between, 34*samples)
	var plates, walls float64
	s.plates, s.power, plates = chain(e, links)
	s.walls, walls = findWalls(s.strip, s.plates, links)
	s.cost = plates + walls
	for i, p := range s.plates {
		middle := (s.walls[i].posterior + s.walls[i].anterior) / 2
		s.at[i] = s.place(p, 0.5, middle)
	}
}

// waist is the depth of a body between its walls, of that of its endplates.
const waist = 0.91

// nearest returns which sample of the curve lies nearest to p, and how many samples to
// anterior of it p lies.
func (c *curve) nearest(p r2.Vec, right bool) (along, across float64) {
	best := 0
	for k := range c.points {
		if r2.Norm2(r2.Sub(c.points[k], p)) < r2.Norm2(r2.Sub(c.points[best], p)) {
			best = k
		}
	}
	at, _, side := c.frame(c.origin+float64(best)*c.step, right)
	return float64(best), r2.Dot(r2.Sub(p, at), side) / c.step
}

// place returns the point of a body at a part f of its height from superior to inferior and
// a samples to anterior of the curve.
func (s *search) place(p [2]plate, f, a float64) r2.Vec {
	k := [2]float64{}
	for n, q := range p {
		k[n] = float64(q.at) + a*math.Tan(tiltAt(q.tilt)*math.Pi/180)
	}
	at := k[0] + f*(k[1]-k[0])
	at = min(max(at, 0), float64(s.strip.n-1))
	origin, _, across := s.curve.frame(s.curve.origin+at*s.step, s.right)
	return r2.Add(origin, r2.Scale(a*s.step, across))
}

// extend adds a body above the first or below the last, and reports whether the film shows
// one there.
func (s *search) extend(up bool) bool {
	n := len(s.level)
	end, inner, level := n-1, n-2, s.level[n-1]+1
	if up {
		end, inner, level = 0, 1, s.level[0]-1
	}
	if level < 0 || level >= len(usuals) {
		return false
	}
	before := *s
	before.level, before.at, before.seed = slices.Clone(s.level), slices.Clone(s.at), slices.Clone(s.seed)
	last := r2.Unit(r2.Sub(s.at[end], s.at[inner]))
	next := r2.Add(s.at[end], r2.Scale(s.scale*pitch(min(level, s.level[end])), s.turned(last, up)))
	if !s.film.holds(next, 0.6*s.scale*usuals[level].height) {
		return false
	}
	at := n
	if up {
		at = 0
	}
	s.level, s.at, s.seed = slices.Insert(s.level, at, level), slices.Insert(s.at, at, next), slices.Insert(s.seed, at, nil)
	s.pass()
	if s.power[at] < leastStrength || !s.whole(at) || !s.likely(at) {
		*s = before
		s.pass()
		return false
	}
	return true
}

// turned returns the direction to the body beyond the last at an end: as usual at its level.
func (s *search) turned(last r2.Vec, up bool) r2.Vec {
	end := s.level[len(s.level)-1]
	if up {
		end = s.level[0]
	}
	bend := usuals[end].bend * math.Pi / 180
	if up == s.right { // anterior is to the left of who goes down, or to the right of who goes up
		bend = -bend
	}
	sin, cos := math.Sincos(-bend)
	return r2.Vec{X: cos*last.X - sin*last.Y, Y: sin*last.X + cos*last.Y}
}

// whole reports whether body i lies on the film with all its corners.
func (s *search) whole(i int) bool {
	for _, a := range []float64{s.walls[i].posterior, s.walls[i].anterior} {
		for _, f := range []float64{0, 1} {
			p := s.place(s.plates[i], f, a)
			if !s.film.holds(p, s.step) || !s.field.Holds(s.film.point(p)) {
				return false
			}
		}
	}
	return true
}

// The heights that a body beside the seeds may have, of the usual: lower ones are crushed
// or none, higher ones two bodies or none.
const (
	lowestBeside  = 0.4
	highestBeside = 1.35
)

// likely reports whether body i is as high as one can be.
func (s *search) likely(i int) bool {
	h := float64(s.plates[i][1].at-s.plates[i][0].at) * s.step / (s.scale * usuals[s.level[i]].height)
	return h >= lowestBeside && h <= highestBeside
}
