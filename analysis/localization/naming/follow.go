// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"slices"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Follow names a chain anew, without its image, where link at is known to be level:
// the other names move along. What seemed to be missing between two links still
// does, and the sacrum stays the sacrum unless it is the one that is known. chain and
// its names so far go from superior to inferior; of the chain the centres and the
// marks of what is truncated or sacral are read.
//
// The names are those of the likeliest column that allows all this, by the shares of
// people who have it; each has the probability that the shares give it. The error
// tells that no column does.
func Follow(chain []localization.Vertebra, names []spine.Level, at int, level spine.Level) ([]Name, error) {
	steps := stepsOf(chain, names)
	cols := columns()
	var fits [][]spine.Level
	var shares []float64
	for c := range cols {
		if l, ok := cols[c].along(steps, at, level); ok && keepsSacrum(names, l, at) {
			fits, shares = append(fits, l), append(shares, variants[c].share)
		}
	}
	if len(fits) == 0 {
		return nil, &phrase.Failure{Kind: errFixedLevel, Text: phrase.Of("fixed level cannot hold: vertebra %d of %d as %s fits no spine", at+1, len(chain), level)}
	}
	out := weighed(fits, shares, len(chain))
	out[at] = Name{Level: level, Probability: 1}
	return out, nil
}

// keepsSacrum reports whether what was S1 still is, but for the link at.
func keepsSacrum(before, after []spine.Level, at int) bool {
	i := slices.Index(before, spine.S1)
	return i < 0 || i == at || after[i] == spine.S1
}

// weighed returns the names of the likeliest sequence of levels with their
// probabilities; shares are those of the sequences, of which some may be alike.
func weighed(sequences [][]spine.Level, shares []float64, n int) []Name {
	total, best, most := 0.0, 0, 0.0
	for i, s := range sequences {
		total += shares[i]
		share := 0.0
		for j, other := range sequences {
			if slices.Equal(s, other) {
				share += shares[j]
			}
		}
		if share > most {
			best, most = i, share
		}
	}
	names := make([]Name, n)
	for k := range names {
		var sums [spine.T13 + 1]float64
		for i, s := range sequences {
			sums[s[k]] += shares[i] / total
		}
		names[k] = named(sums[:], sequences[best][k])
	}
	return names
}

// along returns the levels of a chain with so many sites from each link to the next,
// where link at is level; false if the column does not reach so far.
func (c *column) along(steps []int, at int, level spine.Level) ([]spine.Level, bool) {
	site := slices.IndexFunc(c.sites, func(s site) bool { return s.level == level })
	if site < 0 {
		return nil, false
	}
	for _, n := range steps[:at] {
		site -= n
	}
	levels := make([]spine.Level, 0, len(steps)+1)
	for i := range len(steps) + 1 {
		if site < 0 || site >= len(c.sites) {
			return nil, false
		}
		levels = append(levels, c.sites[site].level)
		if i < len(steps) {
			site += steps[i]
		}
	}
	return levels, true
}

// stepsOf returns how many sites lie from each link of a chain to the next.
func stepsOf(chain []localization.Vertebra, names []spine.Level) []int {
	ratio := pitchRatios(pitches(chain))
	cols := columns()
	steps := make([]int, max(len(names)-1, 0))
	for i := range steps {
		for c := range cols {
			n := cols[c].siteOf(names[i+1]) - cols[c].siteOf(names[i])
			if cols[c].siteOf(names[i]) < 0 || n <= 0 {
				continue
			}
			// The first column that has both is the commonest. Another one that lacks
			// what would lie between, such as T12, is right where the step is no longer
			// than others.
			if steps[i] == 0 || n < steps[i] && ratio[i] < doublePitchRatio {
				steps[i] = n
			}
		}
		steps[i] = max(steps[i], 1)
	}
	return steps
}

// siteOf returns where a level stands in the column, -1 if it has none.
func (c *column) siteOf(l spine.Level) int {
	return slices.IndexFunc(c.sites, func(s site) bool { return s.level == l })
}

// Missed tells of steps so long that a crushed vertebra may lie between two names
// that follow each other, as the warnings of Levels do.
func Missed(chain []localization.Vertebra, names []spine.Level) []Warning {
	var out []Warning
	steps := stepsOf(chain, names)
	for i, r := range pitchRatios(pitches(chain)) {
		if r > oddPitchRatio && steps[i] == 1 && !rough(chain[i]) && !rough(chain[i+1]) {
			out = append(out, Warning{"VERTEBRA_MISSED", missedBetween(names[i], names[i+1], r)})
		}
	}
	return out
}

// Transitional returns the warning of names that assume another column than the
// normal one, false if they do not.
func Transitional(names []spine.Level) (Warning, bool) {
	cols := columns()
	for c := range cols {
		if !slices.ContainsFunc(names, func(l spine.Level) bool { return cols[c].siteOf(l) < 0 }) {
			return Warning{"LEVELS_TRANSITIONAL", phrase.Of("the level names assume %s", cols[c].text())}, c > 0
		}
	}
	return Warning{}, false
}
