// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
)

// Sizes of the panels of heights, px.
const (
	panelColumn = 34.0
	panelHeight = 230.0
	panelApart  = 7.0 // half the distance of before and after
)

// heightPanel is the plot of one of the three heights, before and after and as
// expected, as SVG.
type heightPanel struct {
	Title         string
	Width, Height coordinate
	Left, Right   coordinate
	Bottom        coordinate
	Ticks         []tick
	Levels        []panelLevel
	Expected      string // points of a polyline
	Band          string // points of a polygon: one standard deviation about it
	Alt           string
}

// panelLevel is one level of a panel.
type panelLevel struct {
	At            coordinate
	Label         string
	Affected      bool
	Before, After *bar
	Link          *segment
	Significant   bool
}

// heightPanels returns a panel for each height; none where no level was measured
// twice.
func heightPanels(c *comparison.Comparison) []heightPanel {
	var shown []*comparison.Pair
	for i := range c.Vertebrae {
		if c.Vertebrae[i].Heights[0] != nil {
			shown = append(shown, &c.Vertebrae[i])
		}
	}
	low, high := panelRange(shown)
	if !(low < high) {
		return nil
	}
	var out []heightPanel
	for h := range finding.PosteriorHeight + 1 {
		out = append(out, newHeightPanel(h, shown, low, high))
	}
	return out
}

func newHeightPanel(h finding.Height, shown []*comparison.Pair, low, high float64) heightPanel {
	p := heightPanel{
		Title: heightName(h) + ", " + h.String() + " height",
		Left:  profileLeft, Right: profileLeft + panelColumn*coordinate(len(shown)),
		Bottom: profileTop + panelHeight, Height: profileTop + panelHeight + profileBottom,
		Alt: h.String() + " height by level before and after, and as expected; the numbers stand in the table",
	}
	p.Width = p.Right + 8
	y := func(mm float64) coordinate { return p.Bottom - coordinate((mm-low)/(high-low)*panelHeight) }
	for mm := math.Ceil(low/profileTick) * profileTick; mm <= high; mm += profileTick {
		p.Ticks = append(p.Ticks, tick{At: y(mm), Label: fixed(mm, 0)})
	}
	var line, upper, lower []string
	for i, pair := range shown {
		x := profileLeft + panelColumn*(coordinate(i)+0.5)
		p.Levels = append(p.Levels, newPanelLevel(pair, h, x, y))
		if pair.Expected == nil {
			continue
		}
		e := expectedEstimate(pair.Expected, h)
		at := func(mm float64) string { return x.String() + "," + y(mm).String() }
		line = append(line, at(e.Value))
		upper = append(upper, at(e.Value+e.SD))
		lower = append([]string{at(e.Value - e.SD)}, lower...)
	}
	p.Expected, p.Band = strings.Join(line, " "), strings.Join(append(upper, lower...), " ")
	return p
}

func newPanelLevel(pair *comparison.Pair, h finding.Height, x coordinate, y func(float64) coordinate) panelLevel {
	change := pair.Heights[h]
	at := func(x coordinate, mm, sd float64, when string) *bar {
		return &bar{X: x, Y: y(mm), Y1: y(mm + 2*sd), Y2: y(mm - 2*sd),
			Title: fmt.Sprintf("%s %s %s %s mm, sd %s", pair.Level, heightName(h), when, fixed(mm, 1), fixed(sd, 1))}
	}
	l := panelLevel{
		At: x, Label: pair.Level.String(), Affected: !pair.Unaffected, Significant: change.Significant,
		Before: at(x-panelApart, change.Before.Value, change.Before.SD, "before"),
		After:  at(x+panelApart, change.Later(), change.SD, "after, by the change"),
	}
	l.Link = &segment{l.Before.X, l.Before.Y, l.After.X, l.After.Y}
	return l
}

func expectedEstimate(e *morphometry.Expected, h finding.Height) morphometry.Estimate {
	return [...]morphometry.Estimate{
		{Value: e.Anterior, SD: e.AnteriorSD}, {Value: e.Middle, SD: e.MiddleSD}, {Value: e.Posterior, SD: e.PosteriorSD},
	}[h]
}

// panelRange returns the range that holds all heights, mm.
func panelRange(shown []*comparison.Pair) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	include := func(mm float64) { low, high = min(low, mm-profileMargin), max(high, mm+profileMargin) }
	for _, p := range shown {
		for h := range finding.PosteriorHeight + 1 {
			c := p.Heights[h]
			include(c.Before.Value - 2*c.Before.SD)
			include(c.Before.Value + 2*c.Before.SD)
			include(c.Later() - 2*c.SD)
			include(c.Later() + 2*c.SD)
			if p.Expected != nil {
				include(expectedEstimate(p.Expected, h).Value)
			}
		}
	}
	return low, high
}
