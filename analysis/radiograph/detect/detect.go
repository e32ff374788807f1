// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
)

// Found is what was found on a film.
type Found struct {
	outline.Spine
	// Names says how sure the levels are; of a chain that a reader named, Probability is 1.
	Names Names
}

// Find finds the bodies T4 to L5 that a film shows. unit is the spacing of pixels, of which
// only the shape of a pixel matters. seeds are the centres of bodies that a reader points
// at, which name the others: none, one or more. side tells where anterior is; where it is
// unknown, the header is asked and then the film.
//
// The error is a *radiograph.Refusal where there are no seeds and the film shows no row of
// bodies, or is a frontal one; or it says what is wrong with the seeds, wraps outline.ErrSide, or is ctx's.
func Find(ctx context.Context, m *radiograph.Image, unit radiograph.Spacing, seeds []outline.Seed, side outline.Side) (*Found, error) {
	f := &film{m, unit}
	field := radiograph.FindField(m)
	l, err := f.bright(ctx, field, side, f.way(seeds))
	if err != nil {
		return nil, err
	}
	row, err := f.row(ctx, l)
	if err != nil {
		return nil, err
	}
	column, ok := f.named(row, seeds)
	if len(seeds) == 0 && !(ok && evident(row)) {
		if r := radiograph.Frontal(m, field); r != nil {
			return nil, r
		}
	}
	if !ok && len(seeds) > 1 && len(l.ridge) > 0 {
		if column, ok, err = f.anchored(ctx, l, row, seeds); err != nil {
			return nil, err
		}
	}
	if ok && len(seeds) > 1 {
		if err := f.reached(ctx, field, l, column); err != nil {
			return nil, err
		}
	}
	switch {
	case ok:
		column.Anterior, column.Told = l.side, l.told
		return f.place(ctx, field, column)
	case len(seeds) == 0:
		return nil, refuse(row)
	case len(seeds) == 1:
		return nil, fmt.Errorf("seeds: no row of bodies was found about %s; give two or more", seeds[0].Level)
	}
	return f.fromSeeds(ctx, seeds, l.side)
}

// lain is the line along which bodies lie, from superior to inferior; it is empty where a
// film shows no spine.
type lain struct {
	survey *survey
	ridge  []spot
	side   outline.Side // on which anterior lies
	told   bool         // by header or reader

	scatter float64 // mean logarithm of how sharply bodies are seen along it
}

func byLevel(a, b outline.Seed) int { return cmp.Compare(a.Level.Order(), b.Level.Order()) }

// way returns the way from the first of the seeds to the last; zero without two.
func (f *film) way(seeds []outline.Seed) r2.Vec {
	if len(seeds) < 2 {
		return r2.Vec{}
	}
	first, last := slices.MinFunc(seeds, byLevel), slices.MaxFunc(seeds, byLevel)
	return r2.Sub(f.position(last.Center), f.position(first.Center))
}

// brightScatter is below what is seen of bodies of dark bone: default, tried on the rendered
// films that the networks learnt from.
const brightScatter = -3.0

// bright returns how the spine lies, and exchanges dark and bright where bone is dark,
// whatever the header says: the second network, which learnt mostly of bright bone, sees
// bodies the sharper then. down is the way to inferior; zero where it is not known.
func (f *film) bright(ctx context.Context, field *radiograph.Field, side outline.Side, down r2.Vec) (*lain, error) {
	as, err := f.lain(ctx, field, side, down)
	if err != nil || as.scatter < brightScatter {
		return as, err
	}
	exchanged := &film{f.image.Inverted(), f.unit}
	other, err := exchanged.lain(ctx, field, side, down)
	if err != nil || len(other.ridge) == 0 || len(as.ridge) > 0 && as.scatter <= other.scatter {
		return as, err
	}
	f.image = exchanged.image
	return other, nil
}

func (f *film) lain(ctx context.Context, field *radiograph.Field, side outline.Side, down r2.Vec) (*lain, error) {
	s, err := f.survey(field)
	if err != nil {
		return nil, err
	}
	ridge := s.ridge()
	if len(ridge) == 0 {
		return &lain{survey: s, side: side, told: side != outline.UnknownSide}, nil
	}
	pitched(ridge)
	l, err := f.facing(ctx, ridge, side, down)
	if err != nil {
		return nil, err
	}
	l.survey = s
	return l, nil
}

// row finds the bodies along a line, from superior to inferior.
func (f *film) row(ctx context.Context, l *lain) ([]spot, error) {
	var longest []spot
	for _, scale := range scales {
		all, err := f.candidates(ctx, l.ridge, scale, l.side == outline.Right)
		if err != nil {
			return nil, err
		}
		row, err := f.grow(ctx, l.survey, thinned(chain(l.survey.spots(l.ridge, all, scale))), l.side == outline.Right)
		if err != nil {
			return nil, err
		}
		if row, err = f.filled(ctx, l.survey, row, l.side == outline.Right); err != nil {
			return nil, err
		}
		if len(row) > len(longest) {
			longest = row
		}
		if len(longest) > leastChain {
			break
		}
	}
	return longest, nil
}

// scales are how far bodies may lie apart, of what the spotter tells: it is no judge of
// distances.
var scales = []float64{1.1, 1.4, 0.85}

// leastChain is how many bodies a film of a spine shows, and leastSure how many of them
// beyond doubt. leastEvident are certain on a film that may be a frontal one.
const (
	leastChain = 3
	leastSure  = 2
	sure       = 0.8

	leastEvident = 4
	certain      = 0.98
)

// evident reports whether a row is long and well seen enough to be one from the side, however
// symmetric the film is: no frontal film of a made trunk shows the like.
func evident(row []spot) bool {
	clear := 0
	for _, s := range row {
		if s.probability >= certain {
			clear++
		}
	}
	return clear >= leastEvident
}

func refuse(found []spot) error {
	return &radiograph.Refusal{Code: radiograph.NotSpine, Reason: phrase.Of("no row of vertebral bodies was found on the film (%d that may be some): give seeds to measure it all the same", len(found))}
}

// column is a chain with its names.
type column struct {
	Found
	spots []spot
	first int // order of the first
}

// named names a chain: by its own looks, or by seeds. It reports whether it is one, and
// holds the seeds.
func (f *film) named(found []spot, seeds []outline.Seed) (*column, bool) {
	if len(seeds) == 0 {
		found = fitting(found)
	}
	certain := 0
	for _, s := range found {
		if s.probability >= sure {
			certain++
		}
	}
	if len(found) < leastChain || len(found) > orders || certain < leastSure {
		return nil, false
	}
	c := &column{spots: found}
	if len(seeds) == 0 {
		c.first, c.Names = name(found)
		return c, true
	}
	for n, s := range seeds {
		at := f.position(s.Center)
		i := nearest(found, at)
		const within = 0.55 // of the pitch
		if r2.Norm(r2.Sub(found[i].at, at)) > within*r2.Norm(found[i].axis) {
			return nil, false
		}
		first := orderOf(s.Level) - i
		if n > 0 && first != c.first {
			return nil, false
		}
		c.first = first
	}
	c.Names = Names{Probability: 1}
	return c, true
}

// fitting returns a row without what lies beyond the levels that there are: the less likely
// of its ends.
func fitting(found []spot) []spot {
	for len(found) > orders {
		if last := len(found) - 1; found[0].probability < found[last].probability {
			found = found[1:]
		} else {
			found = found[:last]
		}
	}
	return found
}

func nearest(found []spot, at r2.Vec) int {
	best := 0
	for i := range found {
		if r2.Norm2(r2.Sub(found[i].at, at)) < r2.Norm2(r2.Sub(found[best].at, at)) {
			best = i
		}
	}
	return best
}

// orderOf returns the order of a level, T1 being 0.
func orderOf(l spine.Level) int {
	if l == spine.S1 {
		return orders - 1
	}
	return int(l) - int(spine.T1)
}

// poses returns how the bodies at centres lie, given what is expected at the ends.
func poses(centers []r2.Vec, right bool) []pose {
	all := make([]pose, len(centers))
	for i := range all {
		low, high := max(i-1, 0), min(i+1, len(centers)-1)
		all[i] = pose{centers[i], r2.Scale(1/float64(high-low), r2.Sub(centers[high], centers[low])), right}
	}
	return all
}

// passes is how often the points are read: the second time about what the first found.
const passes = 2

// place reads the points of the bodies of a chain.
func (f *film) place(ctx context.Context, field *radiograph.Field, c *column) (*Found, error) {
	centers := make([]r2.Vec, len(c.spots))
	for i := range c.spots {
		centers[i] = c.spots[i].at
	}
	bodies, err := f.readAll(ctx, centers, c.Anterior == outline.Right)
	if err != nil {
		return nil, err
	}
	for i := range bodies {
		centers[i] = f.position(bodies[i].Center)
	}
	none := within(c.spots, centers)
	for i := range bodies {
		b := &bodies[i]
		b.Level, b.Strength = levelOf(c.first+i), c.spots[i].probability
		if none[i] {
			continue
		}
		if b.Level < spine.T4 || b.Level > spine.L5 {
			continue
		}
		if end := i == 0 || i == len(bodies)-1; end && (!f.shows(field, b) || b.Strength < leastEnd || f.drift(b, &c.spots[i]) > mostDrift) {
			continue
		}
		c.Bodies = append(c.Bodies, *b)
	}
	if len(c.Bodies) == 0 {
		return nil, refuse(nil)
	}
	return &c.Found, nil
}

// leastEnd is the probability that the first and the last body of a chain must have, and
// mostDrift how far from where they were looked for their points may lie, of the pitch: where
// the film shows no body, those of the neighbour are read.
const (
	leastEnd  = 0.45
	mostDrift = 0.25
)

// drift returns how far from its spot a body was read, of the pitch.
func (f *film) drift(b *outline.Body, s *spot) float64 {
	return r2.Norm(r2.Sub(f.position(b.Center), s.at)) / r2.Norm(s.axis)
}

// shows reports whether a film shows all the points of a body: those of one that the second
// network is sure of it does. Where its centre lies beside the field, bone is as bright as the
// blades and the field tells nothing.
func (f *film) shows(field *radiograph.Field, b *outline.Body) bool {
	beside := 0
	for _, p := range b.Points {
		if !f.holds(f.position(p)) {
			return false
		}
		if !field.Holds(p) {
			beside++
		}
	}
	return beside < 2 || b.Strength >= sure || !field.Holds(b.Center)
}

// readAll returns bodies without names of those at centres, which are two at least.
func (f *film) readAll(ctx context.Context, centers []r2.Vec, right bool) ([]outline.Body, error) {
	bodies := make([]outline.Body, len(centers))
	for pass := range passes {
		read := f.read
		if pass == passes-1 {
			read = f.average
		}
		all := poses(centers, right)
		centers = make([]r2.Vec, len(centers))
		for i := range all {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			points, err := read(&all[i])
			if err != nil {
				return nil, err
			}
			bodies[i], centers[i] = f.body(&all[i], points), middleOf(points)
		}
	}
	return bodies, nil
}

// fromSeeds finds bodies from a reader's seeds by the film's edges, and reads their points.
func (f *film) fromSeeds(ctx context.Context, seeds []outline.Seed, side outline.Side) (*Found, error) {
	s, err := outline.Fit(ctx, f.image, f.unit, seeds, side)
	if err != nil {
		return nil, err
	}
	centers := make([]r2.Vec, len(s.Bodies))
	for i := range s.Bodies {
		centers[i] = f.position(s.Bodies[i].Center)
	}
	bodies, err := f.readAll(ctx, centers, s.Anterior == outline.Right)
	if err != nil {
		return nil, err
	}
	for i := range bodies {
		b := &s.Bodies[i]
		bodies[i].Level, bodies[i].Strength, bodies[i].Seeded = b.Level, b.Strength, b.Seeded
		if !astrayFrom(&bodies[i], b) { // else the network saw another body, or none
			*b = bodies[i]
		}
	}
	return &Found{Spine: *s, Names: Names{Probability: 1}}, nil
}

// astrayFrom reports whether a body's points were read elsewhere than where its edges lie.
func astrayFrom(read, traced *outline.Body) bool {
	size := math.Sqrt(traced.Points[0].Distance(traced.Points[2]) * traced.Points[0].Distance(traced.Points[3]))
	return read.Center.Distance(traced.Center) > size/2
}
