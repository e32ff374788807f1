// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package convert_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

var verbs = regexp.MustCompile(`%(s|\+?d|\+?(?:\.\d)?[gf]|%)`)

// said says in English what a phrase is made of, with nothing but what is on the wire.
func said(p *endplatev1.Phrase) string {
	if len(p.GetValues()) == 0 {
		return p.GetTemplate()
	}
	values := p.GetValues()
	return verbs.ReplaceAllStringFunc(p.GetTemplate(), func(v string) string {
		if v == "%%" {
			return "%"
		}
		value := values[0]
		values = values[1:]
		if value.GetPhrase() != nil {
			return said(value.GetPhrase())
		}
		return value.GetNumber() + value.GetName()
	})
}

func TestPhrasesSayTheSentencesOfTheReport(t *testing.T) {
	r := convert.Report(brokenReport())
	if len(r.GetPhrases()) < 5 {
		t.Fatalf("%d phrases, want those of the sentences with values", len(r.GetPhrases()))
	}
	text := r.GetAnalyses()[0].String()
	for sentence, p := range r.GetPhrases() {
		if got := said(p); got != sentence {
			t.Errorf("%q is told as made of what says %q", sentence, got)
		}
		if !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), sentence) {
			t.Errorf("%q is nowhere in the report", sentence)
		}
	}
}
