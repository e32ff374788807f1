// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"maps"
	"slices"
	"sync"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Rule is what a statement rests on.
type Rule struct {
	Criterion phrase.Text // the rule, with its numbers
	Source    phrase.Text // where the rule is from
}

// RuleOf returns the rule behind findings of a code about canal or tissue, also
// where nothing was found by it. An unknown code has the zero Rule.
func RuleOf(code string) Rule { return rulesByCode()[code] }

// Rules returns the rules that RuleOf knows, in no order.
func Rules() []Rule { return slices.Collect(maps.Values(rulesByCode())) }

// rulesByCode holds the rules that findings state, by their code. They are told by
// the findings of a body that meets all of them, so that each rule has one home.
var rulesByCode = sync.OnceValue(func() map[string]Rule {
	rules := map[string]Rule{}
	add := func(found ...finding.Finding) {
		for _, f := range found {
			rules[f.Code] = Rule{f.Criterion, f.Source}
		}
	}
	add(finding.TissueFindings(spine.L1, worstTissue())...)
	narrow := finding.Canal{Class: finding.CanalCritical}
	if f, ok := finding.CanalStatement(spine.L1, &morphometry.Canal{}, &morphometry.Compromise{}, narrow); ok {
		add(f)
	}
	return rules
})

// worstTissue is a body that meets every rule about tissue.
func worstTissue() *morphometry.Tissue {
	t := &morphometry.Tissue{
		Lesions: morphometry.Lesions{
			Lytic:     morphometry.Share{Assessed: true, Value: 1},
			Sclerotic: morphometry.Share{Assessed: true, Value: 1},
		},
		Cleft: morphometry.Gas{Assessed: true, Volume: 1},
		Left:  morphometry.Pedicle{Status: morphometry.PedicleEroded},
	}
	for f := range t.Cortex.Gaps {
		t.Cortex.Gaps[f] = morphometry.Gap{Assessed: true, Share: 1}
	}
	return t
}
