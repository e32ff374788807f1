// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
)

// What a body beyond the end of a row may be like where its level is known: it is there, seen
// well or not.
const (
	faintest                    = 0.3 // probability
	nearestFaint, farthestFaint = 0.75, 1.3
	faintBendsBy                = 20.0 // degrees
)

// Of the pitch: how far from a seed its body's centre may be seen, and how far apart squares
// between two seeds lie.
const (
	beside    = 0.4
	betweenBy = 1.0 / 6
)

// anchored returns the chain that holds the seeds, two or more, with as many bodies between
// them as their levels say, and those of a row that goes on from them; false where two seeds
// are one.
func (f *film) anchored(ctx context.Context, l *lain, row []spot, seeds []outline.Seed) (*column, bool, error) {
	right := l.side == outline.Right
	seeds = slices.SortedFunc(slices.Values(seeds), byLevel)
	var all []spot
	for n := range len(seeds) - 1 {
		part, err := f.span(ctx, l.survey, &seeds[n], &seeds[n+1], right)
		if err != nil || part == nil {
			return nil, false, err
		}
		all = append(all[:max(len(all)-1, 0)], part...)
	}
	first := all[0].at
	all = joined(row, all)
	all, err := f.grow(ctx, l.survey, all, right)
	if err != nil {
		return nil, false, err
	}
	above := slices.IndexFunc(all, func(s spot) bool { return s.at == first })
	c := &column{spots: all, first: orderOf(seeds[0].Level) - above}
	c.Names = Names{Probability: 1}
	return c, true, nil
}

// joined returns bodies with those of a row that lie beyond their ends, where the row holds
// the first or the last of them.
func joined(row, all []spot) []spot {
	holds := func(s *spot) (int, bool) {
		if len(row) == 0 {
			return 0, false
		}
		i := nearest(row, s.at)
		return i, r2.Norm(r2.Sub(row[i].at, s.at)) <= beside*r2.Norm(s.axis)
	}
	first, above := holds(&all[0])
	last, below := holds(&all[len(all)-1])
	if below {
		all = slices.Concat(all, row[last+1:])
	}
	if above {
		all = slices.Concat(row[:first], all)
	}
	return all
}

// reached adds to a row whose levels a reader told the bodies T4 to L5 that the second network
// hardly sees, where the first one does. One that it sees elsewhere than the row leads to is
// read there.
func (f *film) reached(ctx context.Context, field *radiograph.Field, l *lain, c *column) error {
	right := l.side == outline.Right
	for _, up := range []bool{false, true} {
		for {
			next := levelOf(c.first + len(c.spots))
			if up {
				next = levelOf(c.first - 1)
			}
			if next < spine.T4 || next > spine.L5 {
				break
			}
			s, ok, err := f.faint(ctx, l.survey, c.spots, up, right)
			if err != nil {
				return err
			}
			if !ok || !f.holds(s.at) || !field.Holds(f.point(s.at)) {
				break
			}
			if up {
				c.spots, c.first = slices.Insert(c.spots, 0, s), c.first-1
			} else {
				c.spots = append(c.spots, s)
			}
		}
	}
	return nil
}

// faint returns the body that a row leads to, and whether anything is seen there.
func (f *film) faint(ctx context.Context, s *survey, row []spot, up, right bool) (spot, bool, error) {
	if err := ctx.Err(); err != nil {
		return spot{}, false, err
	}
	last, step := endOf(row, up)
	expected := r2.Add(last, step)
	at, how, err := f.settle(expected, step, up, right)
	if err != nil {
		return spot{}, false, err
	}
	way := r2.Sub(at, last)
	if far := r2.Norm(way) / r2.Norm(step); far < nearestFaint || far > farthestFaint || angle(way, step) > faintBendsBy {
		at = expected
	}
	likely := s.likely(at, how)
	return s.seen(at, r2.Sub(at, last), up, max(likely, leastEnd)), likely >= faintest, nil
}

// span returns the bodies from one seed to the next, which are not of one level; nil if they
// lie at one place.
func (f *film) span(ctx context.Context, s *survey, a, b *outline.Seed, right bool) ([]spot, error) {
	steps := orderOf(b.Level) - orderOf(a.Level)
	way := r2.Sub(f.position(b.Center), f.position(a.Center))
	if steps < 1 || r2.Norm(way) == 0 {
		return nil, nil
	}
	axis := r2.Scale(1/float64(steps), way)
	ends := make([]spot, 2)
	for n, seed := range []*outline.Seed{a, b} {
		var err error
		if ends[n], err = f.seed(s, f.position(seed.Center), axis, right); err != nil {
			return nil, err
		}
	}
	if steps == 1 {
		return ends, nil
	}
	var line []spot
	for n := 1; n < steps*int(1/betweenBy); n++ {
		at := r2.Add(ends[0].at, r2.Scale(float64(n)*betweenBy, axis))
		one := s.spot(s.cell(at))
		one.at, one.axis = at, axis
		line = append(line, one)
	}
	seen, err := f.candidates(ctx, line, 1, right)
	if err != nil {
		return nil, err
	}
	return chainBetween(&ends[0], &ends[1], s.spots(line, seen, 1), steps), nil
}

// seed returns the body that a reader points at: where the second network sees it, if that is
// near.
func (f *film) seed(s *survey, at, axis r2.Vec, right bool) (spot, error) {
	settled, how, err := f.settle(at, axis, false, right)
	if err != nil {
		return spot{}, err
	}
	if r2.Norm(r2.Sub(settled, at)) > beside*r2.Norm(axis) {
		settled = at
	}
	return s.seen(settled, axis, false, max(s.likely(settled, how), leastGrown)), nil
}

// chainBetween returns the best row of bodies among spots, ordered from a to b, with steps
// from a to b; those that no spot shows stand in.
func chainBetween(a, b *spot, spots []spot, steps int) []spot {
	nodes := slices.Concat([]spot{*a}, spots, []spot{*b})
	type place struct {
		score float64
		from  int
	}
	best := make([][]place, len(nodes)) // by node and the steps from a
	for i := range nodes {
		best[i] = slices.Repeat([]place{{math.Inf(-1), -1}}, steps+1)
	}
	best[0][0].score = 0
	last := len(nodes) - 1
	for i := 1; i <= last; i++ {
		for at := 1; at <= steps; at++ {
			if (i == last) != (at == steps) {
				continue
			}
			for j := range i {
				for k := range at {
					score := best[j][k].score - linkBy(&nodes[j], &nodes[i], at-k) + worth(&nodes[i])
					if score > best[i][at].score {
						best[i][at] = place{score, j*(steps+1) + k}
					}
				}
			}
		}
	}
	found := []spot{*b}
	for i, at := last, steps; at > 0; {
		from := best[i][at].from
		j, k := from/(steps+1), from%(steps+1)
		for n := at - k - 1; n > 0; n-- {
			found = append(found, partWay(&nodes[j], &nodes[i], n, at-k))
		}
		found = append(found, nodes[j])
		i, at = j, k
	}
	slices.Reverse(found)
	return found
}
