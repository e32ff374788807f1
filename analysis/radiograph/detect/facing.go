// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/endplate/endplate/analysis/radiograph/outline"
)

// Which end of a ridge is superior and on which side anterior lies, the spotter tells by
// votes; where they are not clear, the second network tells, which has never seen a body
// that lies otherwise than upright with anterior to the right: the points of one that lies
// so are the surer.
const (
	clearWay     = 1.7 // of the 2 of all votes
	clearFacing  = 0.9 // of the 1 of all votes
	glances      = 7   // bodies that are looked at
	closeGlances = 25  // where two ways are nearly as likely

	close     = 0.2  // logarithm of the scatter
	voteWorth = 0.04 // of all votes, in logarithms of the scatter
)

// lie is a way in which a spine may lie on a film.
type lie struct {
	turned bool // the ridge runs from inferior to superior
	side   outline.Side
}

// facing returns how the spine lies. down is the way from one seed to one below; zero where
// there are none.
func (f *film) facing(ctx context.Context, ridge []spot, side outline.Side, down r2.Vec) (*lain, error) {
	vote := upsideDown(ridge)
	if along := r2.Dot(down, r2.Sub(ridge[len(ridge)-1].at, ridge[0].at)); along != 0 {
		vote = math.Copysign(2, -along)
	}
	out := &lain{side: side, told: side != outline.UnknownSide}
	all := f.lies(ridge, vote, side)
	if len(all) == 0 { // no vote is a number
		all = []votedLie{{}}
	}
	if err := f.weigh(ctx, ridge, all, glances); err != nil {
		return nil, err
	}
	if len(all) > 1 && all[1].cost()-all[0].cost() < close {
		all = all[:2]
		if err := f.weigh(ctx, ridge, all, closeGlances); err != nil {
			return nil, err
		}
	}
	best := all[0].lie
	out.scatter = all[0].scatter
	if !out.told {
		out.side, out.told = best.side, f.header(ridge, best.turned) != outline.UnknownSide
	}
	if out.ridge = ridge; best.turned {
		out.ridge = turned(ridge)
	}
	return out, nil
}

// votedLie is a lie with the votes for it, and how sharply bodies are seen if it is true.
type votedLie struct {
	lie
	votes, scatter float64
}

func (l *votedLie) cost() float64 { return l.scatter - voteWorth*l.votes }

// weigh looks at so many bodies along a ridge in each of the ways in which it may lie, and
// puts the likeliest first.
func (f *film) weigh(ctx context.Context, ridge []spot, all []votedLie, glances int) error {
	for i := range all {
		var err error
		if all[i].scatter, err = f.scatter(ctx, ridge, all[i].lie, glances); err != nil {
			return err
		}
	}
	slices.SortStableFunc(all, func(a, b votedLie) int { return cmp.Compare(a.cost(), b.cost()) })
	return nil
}

// lies returns the ways in which the spine may lie as far as votes, header and reader leave
// them open.
func (f *film) lies(ridge []spot, vote float64, side outline.Side) []votedLie {
	var all []votedLie
	for _, t := range []bool{false, true} {
		way := vote
		if !t {
			way = -vote
		}
		if way < -clearWay {
			continue
		}
		told := side
		if told == outline.UnknownSide {
			told = f.header(ridge, t)
		}
		right := facingRight(ridge)
		if t {
			right = -right // who goes the other way has it on the other hand
		}
		for _, s := range []outline.Side{outline.Left, outline.Right} {
			votes := right
			if s == outline.Left {
				votes = -right
			}
			if told == s || told == outline.UnknownSide && votes >= -clearFacing {
				all = append(all, votedLie{lie: lie{t, s}, votes: way + votes})
			}
		}
	}
	return all
}

// header returns the side that the header tells.
func (f *film) header(ridge []spot, turned bool) outline.Side {
	var down r2.Vec
	for _, s := range ridge {
		down = r2.Add(down, s.axis)
	}
	if turned {
		down = r2.Scale(-1, down)
	}
	return outline.SideByHeader(&f.image.Header, down)
}

// halfDepth is that of a body, of the distance of bodies: about.
const halfDepth = 0.5

// facingRight returns the votes that anterior lies to the right where a ridge runs down: 1 if
// all say so, -1 if all say the contrary.
func facingRight(ridge []spot) float64 {
	var turn, weight float64
	for _, s := range ridge {
		turn -= s.probability * r2.Cross(r2.Unit(s.axis), s.fore) // rows run down
		weight += s.probability * halfDepth * r2.Norm(s.axis)
	}
	return min(max(turn/weight, -1), 1)
}

// scatter returns the mean logarithm of how sharply bodies are seen along a ridge if it lies
// in a way, by so many glances.
func (f *film) scatter(ctx context.Context, ridge []spot, l lie, glances int) (float64, error) {
	if l.turned {
		ridge = turned(ridge)
	}
	var sum float64
	for n := range glances {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		s := &ridge[(2*n+1)*len(ridge)/(2*glances)]
		at, _, err := f.glance(&pose{s.at, s.axis, l.side == outline.Right})
		if err != nil {
			return 0, err
		}
		_, sharp, err := f.glance(&pose{at, s.axis, l.side == outline.Right})
		if err != nil {
			return 0, err
		}
		sum += math.Log(float64(sharp)) / float64(glances)
	}
	return sum, nil
}
