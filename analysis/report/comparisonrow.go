// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
)

// significantMark stands behind a change that exceeds its least significant one.
const significantMark = "*"

// changeRow is one level as text for a reader; what was not compared is empty.
type changeRow struct {
	Level                      string
	Grade                      string // before → after
	Ha, Hm, Hp                 delta
	OfHa, OfHm, OfHp           delta // percent of the expected heights; of films
	RatioA, RatioM             delta
	Wedge, Gardner, Cobb, Disc delta
	Volume, CanalAP, CanalArea delta
	Retropulsion, Cement       delta
	Note                       string
	Compared                   bool

	Tone tone
}

// delta is a change as text.
type delta struct {
	Before, After string
	Change, SD    string
	LSC           string
	Later         string // Before and Change together
	Restored      string // of a height, percent ± sd
	Reason        string
	Tracked       bool
	Significant   bool
}

// String returns the first value and the change, marked where that is significant.
func (d delta) String() string {
	if d.Before == "" {
		return ""
	}
	s := d.Before + " " + d.Change
	if d.Significant {
		return s + significantMark
	}
	return s
}

func newDelta(c *comparison.Change, decimals int) delta {
	if c == nil {
		return delta{}
	}
	return delta{
		Before: minus(fixed(c.Before.Value, decimals)), After: minus(fixed(c.After.Value, decimals)),
		Change: signed(c.Value, decimals), SD: fixed(c.SD, decimals), LSC: fixed(c.LSC, decimals),
		Later: minus(fixed(c.Later(), decimals)), Tracked: c.Tracked, Significant: c.Significant, Reason: c.Reason.String(),
	}
}

// minus sets a true minus before a negative number.
func minus(s string) string {
	if strings.HasPrefix(s, "-") {
		return "−" + s[1:]
	}
	return s
}

// signed returns x with its sign and a true minus.
func signed(x float64, decimals int) string {
	s := fixed(x, decimals)
	if strings.HasPrefix(s, "-") || strings.Trim(s, "0.") == "" {
		return minus(s)
	}
	return "+" + s
}

func changeRows(c *comparison.Comparison) []changeRow {
	out := make([]changeRow, len(c.Vertebrae))
	for i := range c.Vertebrae {
		out[i] = newChangeRow(&c.Vertebrae[i])
		out[i].Gardner = newDelta(angleChange(c, morphometry.Gardner, c.Vertebrae[i].Level), 1)
		out[i].Cobb = newDelta(angleChange(c, morphometry.BisegmentalCobb, c.Vertebrae[i].Level), 1)
		out[i].Tone = changeTone(&c.Vertebrae[i], c.Findings)
	}
	return out
}

func newChangeRow(p *comparison.Pair) changeRow {
	r := changeRow{
		Level: p.Level.String(), Grade: grades(p),
		Ha: newDelta(p.Heights[0], 1), Hm: newDelta(p.Heights[1], 1), Hp: newDelta(p.Heights[2], 1),
		Wedge: newDelta(p.Wedge, 1), Disc: newDelta(p.DiscHeight, 1), Volume: newDelta(p.Volume, 1),
		OfHa: newDelta(p.OfExpected[0], 0), OfHm: newDelta(p.OfExpected[1], 0), OfHp: newDelta(p.OfExpected[2], 0),
		RatioA: newDelta(p.Ratios[comparison.AnteriorToPosterior], 2), RatioM: newDelta(p.Ratios[comparison.MiddleToPosterior], 2),
		CanalAP: newDelta(p.CanalAP, 1), CanalArea: newDelta(p.CanalArea, 0), Retropulsion: newDelta(p.Retropulsion, 1),
	}
	restored := []*delta{&r.Ha, &r.Hm, &r.Hp}
	if len(p.RelativeTo) > 0 {
		restored = []*delta{&r.OfHa, &r.OfHm, &r.OfHp}
	}
	for h, d := range restored {
		d.Restored = quotient(p.Restored[h])
	}
	if p.Cement != nil {
		r.Cement = newDelta(p.Cement.Volume, 1)
	}
	r.Note, r.Compared = changeNote(p), p.Reason == "" || p.Heights[0] != nil
	return r
}

func grades(p *comparison.Pair) string {
	if p.GradeBefore == nil || p.GradeAfter == nil {
		return ""
	}
	return strconv.Itoa(*p.GradeBefore) + "→" + strconv.Itoa(*p.GradeAfter)
}

func quotient(q comparison.Quotient) string {
	if !q.Defined {
		return ""
	}
	return fixed(q.Value, 0) + plusMinus + fixed(q.SD, 0)
}

// changeNote says what is special about a level.
func changeNote(p *comparison.Pair) string {
	var notes []string
	if p.LevelBefore != p.LevelAfter && p.LevelBefore != spine.Unknown && p.LevelAfter != spine.Unknown {
		notes = append(notes, fmt.Sprintf("named %s before and %s after", p.LevelBefore, p.LevelAfter))
	}
	switch {
	case p.TreatedBefore && p.Treated:
		notes = append(notes, "treated in both")
	case p.Treated:
		notes = append(notes, "treated")
	}
	if p.Reason != "" {
		notes = append(notes, p.Reason.String())
	}
	return strings.Join(notes, "; ")
}

// angleChange returns the change of an angle told of a level; nil without one.
func angleChange(c *comparison.Comparison, name string, l spine.Level) *comparison.Change {
	for i := range c.Angles {
		if c.Angles[i].Name == name && c.Angles[i].Level == l {
			return c.Angles[i].Change
		}
	}
	return nil
}

// changeTone marks what a reader looks for: new fractures and losses, then what was
// treated, restored or changed.
func changeTone(p *comparison.Pair, findings []finding.Finding) tone {
	t := plain
	if p.Reason != "" {
		t = faint
	}
	for _, f := range findings {
		if len(f.Levels) == 0 || f.Levels[0] != p.Level {
			continue
		}
		switch f.Code {
		case comparison.NewFracture, comparison.NewAdjacent, comparison.NewRemote, comparison.Recollapse, comparison.HeightLost:
			t = max(t, deformed)
		case comparison.HeightUnchanged:
		default:
			t = max(t, doubtful)
		}
	}
	return t
}

// heightName returns the short name of a height.
func heightName(h finding.Height) string { return [...]string{"Ha", "Hm", "Hp"}[h] }
