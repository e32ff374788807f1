// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"

	"github.com/endplate/endplate/analysis/spine"
)

// Names says which levels the bodies of a chain are.
type Names struct {
	// Probability is that of the chain's names, Shifted that of the next likeliest, which
	// are so many levels lower: negative if higher.
	Probability float64
	Shifted     int
	// Sacrum is set where S1 is part of the chain.
	Sacrum bool
}

// SureNames is the probability from which on the names of a film's levels are no guess.
const SureNames = 0.9

// mostSure bounds the probability of names that no reader gave: of the made films without
// part in training on which the networks were surest, 353 of 473 were named right.
const mostSure = 0.75

// together is how much what single bodies tell of their levels counts when they tell it
// together: they see the same film and err alike. Default, tried on the rendered films that
// the networks learnt from.
const together = 0.4

// name returns the order of the first spot of a chain, T1 being 0, and what it rests on.
func name(found []spot) (first int, n Names) {
	score := scores(found)
	for o := range score {
		if score[o] > score[first] {
			first = o
		}
	}
	var total, second float64
	for o := range score {
		p := math.Exp(score[o] - score[first])
		total += p
		if o != first && p > second {
			second, n.Shifted = p, o-first
		}
	}
	n.Probability = min(1/total, mostSure)
	n.Sacrum = first+len(found) == orders
	return first, n
}

// scores returns how well a chain suits each order that its first body may have: the
// logarithm of a probability but for a constant.
func scores(found []spot) []float64 {
	var score []float64
	for o := 0; o+len(found) <= orders; o++ {
		var sum float64
		for i := range found {
			sum += found[i].level[o+i]
		}
		score = append(score, together*sum)
	}
	return score
}

// levelOf returns the level of an order.
func levelOf(order int) spine.Level {
	if order == orders-1 {
		return spine.S1
	}
	return spine.T1 + spine.Level(order)
}
