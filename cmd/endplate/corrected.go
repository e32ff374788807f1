// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// writeCorrected says what a revision changed: a row for each vertebra that is another
// one now, or reads otherwise, and the findings that came and went.
func writeCorrected(out io.Writer, before, after *endplatev1.AnalysisRun, index int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "analysis %s: revision %d → %d\n", after.GetAnalysisId(), before.GetRevision().GetNumber(), after.GetRevision().GetNumber())
	if before, after := before.GetReport().GetAnalyses(), after.GetReport().GetAnalyses(); index < len(before) && index < len(after) {
		writeVertebrae(&b, before[index].GetVertebrae(), after[index].GetVertebrae())
		writeFindings(&b, before[index].GetFindings(), after[index].GetFindings())
	}
	_, err := out.Write(b.Bytes())
	return err
}

func writeVertebrae(b *bytes.Buffer, before, after []*endplatev1.Vertebra) {
	pairs := samePlace(before, after)
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	headed := false
	for _, p := range pairs {
		row := p.row()
		if row == "" {
			continue
		}
		if !headed {
			fmt.Fprintln(w, "level\tHa mm\tHm mm\tHp mm\twedge deg\tGenant\t")
			headed = true
		}
		fmt.Fprintln(w, row)
	}
	_ = w.Flush() // a buffer takes all
	if !headed {
		fmt.Fprintln(b, "no vertebra reads otherwise")
	}
}

// vertebraPair is a vertebra before and after a correction; nil where it is not there.
type vertebraPair struct{ before, after *endplatev1.Vertebra }

// samePlace pairs vertebrae that are each other's nearest: names may have changed.
// They come in the order of after, those that are gone last.
func samePlace(before, after []*endplatev1.Vertebra) []vertebraPair {
	nearest := func(v *endplatev1.Vertebra, among []*endplatev1.Vertebra) int {
		best, least := -1, math.Inf(1)
		for i, other := range among {
			if d := distance(v, other); d < least {
				best, least = i, d
			}
		}
		return best
	}
	var pairs []vertebraPair
	met := make([]bool, len(before))
	for i, v := range after {
		p := vertebraPair{after: v}
		if j := nearest(v, before); j >= 0 && nearest(before[j], after) == i {
			p.before, met[j] = before[j], true
		}
		pairs = append(pairs, p)
	}
	for j, v := range before {
		if !met[j] {
			pairs = append(pairs, vertebraPair{before: v})
		}
	}
	return pairs
}

// distance returns the distance of two vertebrae's centres, mm; infinite where one is
// not known.
func distance(a, b *endplatev1.Vertebra) float64 {
	p, q := a.GetCenter(), b.GetCenter()
	if p == nil || q == nil {
		return math.Inf(1)
	}
	return math.Hypot(p.GetX()-q.GetX(), math.Hypot(p.GetY()-q.GetY(), p.GetZ()-q.GetZ()))
}

// row returns what changed, empty if nothing did.
func (p vertebraPair) row() string {
	switch {
	case p.before == nil:
		return p.after.GetLevel().String() + "\t" + strings.Join(cells(p.after), "\t") + "\tadded"
	case p.after == nil:
		return p.before.GetLevel().String() + "\t" + strings.Join(cells(p.before), "\t") + "\tremoved"
	}
	was := append([]string{p.before.GetLevel().String()}, cells(p.before)...)
	is := append([]string{p.after.GetLevel().String()}, cells(p.after)...)
	if slices.Equal(was, is) {
		return ""
	}
	for i := range is {
		if was[i] != is[i] {
			is[i] = was[i] + " → " + is[i]
		}
	}
	return strings.Join(is, "\t") + "\t"
}

// cells returns the numbers of a vertebra that readers look at first.
func cells(v *endplatev1.Vertebra) []string {
	number := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return fmt.Sprintf("%.1f", *x)
	}
	h := v.GetHeights()
	if h == nil {
		h = &endplatev1.Heights{}
	}
	grade := "–"
	if d := v.GetDeformity(); d != nil && d.GenantGrade != nil {
		grade = fmt.Sprint(d.GetGenantGrade())
	}
	return []string{number(h.AnteriorMm), number(h.MiddleMm), number(h.PosteriorMm), number(v.WedgeAngleDeg), grade}
}

// writeFindings says which findings came, went and were judged.
func writeFindings(b *bytes.Buffer, before, after []*endplatev1.Finding) {
	was, is := findingTexts(before), findingTexts(after)
	for _, text := range was {
		if !slices.Contains(is, text) {
			fmt.Fprintf(b, "- %s\n", text)
		}
	}
	for _, text := range is {
		if !slices.Contains(was, text) {
			fmt.Fprintf(b, "+ %s\n", text)
		}
	}
}

func findingTexts(all []*endplatev1.Finding) (texts []string) {
	for _, f := range all {
		text := "finding " + f.GetStatement()
		if v := f.GetVerdict(); v != endplatev1.Finding_VERDICT_UNSPECIFIED {
			text += " [" + strings.ToLower(v.String())
			if f.GetVerdictReason() != "" {
				text += ": " + f.GetVerdictReason()
			}
			text += "]"
		}
		texts = append(texts, text)
	}
	return texts
}
