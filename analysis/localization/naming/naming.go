// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Fixed is a level that the caller knows: the vertebra whose centre is nearest
// to Position (LPS mm) is Level.
type Fixed struct {
	Level    spine.Level
	Position r3.Vec
}

// Name is the level of one vertebra.
type Name struct {
	// Level is Unknown for what seems to be no vertebra above the second sacral
	// segment.
	Level       spine.Level
	Probability float64 // of Level, 0 to 1

	// Alternative is the runner-up, Unknown if there is none.
	Alternative            spine.Level
	AlternativeProbability float64
}

// Naming holds the names of a chain.
type Naming struct {
	Names []Name // one for each vertebra of the chain

	// Anchors tells what the names rest on: "fixed", "first rib", "last rib",
	// "sacrum", or, where they are sure without one of these, "ribs and
	// proportions". Without any they are a guess.
	Anchors []string
	Guess   bool

	// Hypothesis is the column that the names assume, such as "12 ribs, 5
	// lumbar".
	Hypothesis phrase.Text

	Warnings []Warning
}

// Warning tells of something that makes the names doubtful.
type Warning struct {
	Code    string // LEVELS_GUESSED, LEVELS_TRANSITIONAL, …
	Message phrase.Text
}

// Levels names the vertebrae of s, found in vol, which must be canonical. It
// returns an error if ctx ends, or if fixed cannot hold: no vertebra is near its
// position, or the chain has more vertebrae on one side of it than a spine.
func Levels(ctx context.Context, vol *volume.Volume, s *localization.Spine, fixed *Fixed) (Naming, error) {
	if len(s.Vertebrae) == 0 {
		return Naming{}, nil
	}
	seen, err := observe(ctx, vol, s.Vertebrae)
	if err != nil {
		return Naming{}, fmt.Errorf("naming levels: %w", err)
	}
	hypotheses := enumerate(s.Vertebrae, seen.geometry)
	if fixed != nil {
		n, err := nameFixed(hypotheses, seen, *fixed)
		if err != nil {
			return Naming{}, fmt.Errorf("naming levels: %w", err)
		}
		return n, nil
	}
	if len(hypotheses) == 0 {
		return tooLong(len(s.Vertebrae)), nil
	}
	return conclude(hypotheses, weigh(hypotheses, seen), seen, nil), nil
}

// nameFixed names the chain with one level fixed, and warns if the image speaks
// against it.
func nameFixed(hs []hypothesis, seen *observation, fixed Fixed) (Naming, error) {
	agree, nearest, err := restrict(hs, seen.vertebrae, fixed)
	if err != nil {
		return Naming{}, err
	}
	own := marginal(hs, weigh(hs, seen), nearest, fixed.Level)
	n := conclude(agree, weigh(agree, seen), seen, []string{"fixed"})
	if own.Probability < contradicted {
		n.Warnings = append(n.Warnings, Warning{"LEVELS_INCONSISTENT", phrase.Of("the image speaks for %s (%.0f %%) where %s was given",
			own.Alternative, 100*own.AlternativeProbability, fixed.Level)})
	}
	return n, nil
}

// contradicted is the probability below which a given level is called into doubt.
const contradicted = 0.05

// tooLong is the naming of a chain that has more vertebrae than a spine.
func tooLong(n int) Naming {
	return Naming{
		Names: make([]Name, n),
		Guess: true,
		Warnings: []Warning{{
			Code:    "LEVELS_INCONSISTENT",
			Message: phrase.Of("the chain of %d vertebrae fits no spine", n),
		}},
	}
}

// fixedMM is how far from the nearest centre a fixed position may lie: within
// that vertebra, its processes included.
const fixedMM = 60.0

var errFixedLevel = errors.New("fixed level cannot hold")

// restrict returns the hypotheses that agree with fixed, and the link of the
// chain that it fixes.
func restrict(hs []hypothesis, chain []localization.Vertebra, fixed Fixed) (agree []hypothesis, nearest int, err error) {
	least := math.Inf(1)
	for i, v := range chain {
		if d := r3.Norm(r3.Sub(v.Center, fixed.Position)); d < least {
			nearest, least = i, d
		}
	}
	if !(least <= fixedMM) {
		return nil, 0, fmt.Errorf("%w: %v is %.0f mm from the nearest vertebra", errFixedLevel, fixed.Level, least)
	}
	for _, h := range hs {
		if fixed.Level != spine.Unknown && h.level(nearest) == fixed.Level {
			agree = append(agree, h)
		}
	}
	if len(agree) == 0 {
		return nil, 0, fmt.Errorf("%w: vertebra %d of %d as %v fits no spine", errFixedLevel, nearest+1, len(chain), fixed.Level)
	}
	return agree, nearest, nil
}

// weigh returns the posterior probability of each hypothesis.
func weigh(hs []hypothesis, seen *observation) []float64 {
	p, geo := make([]float64, len(hs)), make([]float64, len(hs))
	for i, h := range hs {
		p[i] = h.logPrior(seen.geometry) + seen.logLikelihood(h)
		geo[i] = seen.geometry.logLikelihood(h)
	}
	most := slices.Max(geo)
	for i := range p {
		p[i] += math.Log(math.Exp(geo[i]-most) + geometryFloor)
	}
	sum := floats.LogSumExp(p)
	for i := range p {
		p[i] = math.Exp(p[i] - sum)
	}
	return p
}

// conclude turns the posterior into names: those of the likeliest sequence of
// levels, each with its marginal probability. given are anchors from outside the
// image.
func conclude(hs []hypothesis, p []float64, seen *observation, given []string) Naming {
	n := len(seen.vertebrae)
	best := likeliest(hs, p, n)
	out := Naming{Hypothesis: best.column.text()}
	for i := range n {
		out.Names = append(out.Names, marginal(hs, p, i, best.level(i)))
	}
	out.Anchors = append(given, seen.anchors(best, out.Names)...)
	if out.Guess = len(out.Anchors) == 0; out.Guess {
		for i := range out.Names {
			out.Names[i].Probability *= guessTrust
			out.Names[i].AlternativeProbability *= guessTrust
		}
	}
	out.Warnings = warnings(&out, best, seen)
	return out
}

// guessTrust is how far the hypotheses are trusted to hold the truth where
// nothing anchors it: among guesses stated above 0.8 for chains found in phantoms
// 1 in 5 was wrong, by faults of the chain that no hypothesis covers.
const guessTrust = 0.85

// likeliest returns the likeliest hypothesis among those with the likeliest
// sequence of levels.
func likeliest(hs []hypothesis, p []float64, n int) hypothesis {
	type group struct {
		total, top float64
		h          hypothesis
	}
	groups := map[string]*group{}
	best := (*group)(nil)
	for i, h := range hs {
		key := make([]byte, n)
		for k := range n {
			key[k] = byte(h.level(k))
		}
		g := groups[string(key)]
		if g == nil {
			g = &group{}
			groups[string(key)] = g
		}
		g.total += p[i]
		if p[i] > g.top {
			g.top, g.h = p[i], h
		}
		if best == nil || g.total > best.total {
			best = g
		}
	}
	return best.h
}

// marginal returns the probability of level for vertebra i, and the runner-up.
func marginal(hs []hypothesis, p []float64, i int, level spine.Level) Name {
	var sums [spine.T13 + 1]float64
	for k, h := range hs {
		sums[h.level(i)] += p[k]
	}
	return named(sums[:], level)
}

// named returns the name of a vertebra that is each level with the probability of
// sums, by level.
func named(sums []float64, level spine.Level) Name {
	out := Name{Level: level, Probability: min(sums[level], 1)}
	for l, sum := range sums {
		if spine.Level(l) != level && sum > out.AlternativeProbability {
			out.Alternative, out.AlternativeProbability = spine.Level(l), sum
		}
	}
	return out
}

// doubtful is the probability below which a name is warned of.
const doubtful = 0.9

// leastSure returns the name with the lowest probability.
func leastSure(names []Name) Name {
	return slices.MinFunc(names, func(a, b Name) int { return cmp.Compare(a.Probability, b.Probability) })
}

// missed tells of steps so long that a crushed vertebra may lie between two names
// that follow each other.
func missed(best hypothesis, seen *observation) []phrase.Text {
	var out []phrase.Text
	for i, r := range seen.geometry.ratio {
		if r <= oddPitchRatio || i == best.skip || rough(seen.vertebrae[i]) || rough(seen.vertebrae[i+1]) {
			continue
		}
		out = append(out, missedBetween(best.level(i), best.level(i+1), r))
	}
	return out
}

func missedBetween(upper, lower spine.Level, ratio float64) phrase.Text {
	return phrase.Of("%s and %s lie %.1f times as far apart as their neighbours: a crushed vertebra between them may have been missed",
		upper, lower, ratio)
}

func warnings(n *Naming, best hypothesis, seen *observation) []Warning {
	var out []Warning
	if n.Guess {
		out = append(out, Warning{"LEVELS_GUESSED", "neither the ribs' ends nor the sacrum anchor the level names: they are a guess"})
	}
	if best.column.thoracic != normalThoracic || best.column.lumbar != normalLumbar {
		out = append(out, Warning{"LEVELS_TRANSITIONAL", phrase.Of("the level names assume %s", n.Hypothesis)})
	}
	for _, message := range missed(best, seen) {
		out = append(out, Warning{"VERTEBRA_MISSED", message})
	}
	for _, message := range best.inconsistencies(seen.vertebrae) {
		out = append(out, Warning{"LEVELS_INCONSISTENT", message})
	}
	if least := leastSure(n.Names); !n.Guess && least.Probability < doubtful {
		out = append(out, Warning{"LEVELS_INCONSISTENT", phrase.Of("the cues to the level names disagree: %s might be %s (%.0f %%)",
			least.Level, least.Alternative, 100*least.AlternativeProbability)})
	}
	return out
}
