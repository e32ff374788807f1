// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/endplate/endplate/analysis"
)

// Sizes of the height profile, px.
const (
	profileColumn = 56.0
	profileHeight = 300.0
	profileLeft   = 44.0
	profileTop    = 28.0 // room for the unit
	profileBottom = 34.0
	profileOffset = 13.0 // between the three heights of a level
	profileDash   = 5.5  // half the dash at an expected height
	profileTick   = 5.0  // mm between grid lines
	profileMargin = 1.0  // mm above and below the data
)

// profile is the plot of heights against the expected ones, as SVG.
type profile struct {
	Width, Height coordinate
	Left, Right   coordinate
	Bottom        coordinate
	Ticks         []tick
	Series        []heightSeries
	Alt           string
}

// tick is a grid line or a level's name.
type tick struct {
	At    coordinate
	Label string
	Level bool
}

type heightSeries struct {
	Name, Class string
	Mark        string // path of the series' mark around its middle
	Bars        []bar
	Expected    string // points of a polyline through the expected heights
}

// bar is one measured height with two standard deviations up and down, and the
// expected height where there is one.
type bar struct {
	X, Y, Y1, Y2 coordinate
	Dash         *segment // at the expected height
	Title        string
}

// threeHeights are the heights of a vertebra, measured and expected.
var threeHeights = []struct {
	name, class string
	mark        string
	measured    func(*analysis.Vertebra) (mm, sd float64)
	expected    func(*analysis.Vertebra) float64
}{
	{"Ha, anterior", "ha", "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
		func(v *analysis.Vertebra) (float64, float64) { return v.Heights.Anterior, v.Heights.AnteriorSD },
		func(v *analysis.Vertebra) float64 { return v.Expected.Anterior }},
	{"Hm, middle", "hm", "M-3 -3h6v6h-6z",
		func(v *analysis.Vertebra) (float64, float64) { return v.Heights.Middle, v.Heights.MiddleSD },
		func(v *analysis.Vertebra) float64 { return v.Expected.Middle }},
	{"Hp, posterior", "hp", "M0 -4.2L4 3H-4z",
		func(v *analysis.Vertebra) (float64, float64) { return v.Heights.Posterior, v.Heights.PosteriorSD },
		func(v *analysis.Vertebra) float64 { return v.Expected.Posterior }},
}

// newProfile returns the plot, or nil where no height was measured.
func newProfile(result *analysis.Result) *profile {
	var shown []*analysis.Vertebra
	for i := range result.Vertebrae {
		if result.Vertebrae[i].Heights != nil {
			shown = append(shown, &result.Vertebrae[i])
		}
	}
	low, high := heightRange(shown)
	if !(low < high) {
		return nil
	}
	p := &profile{
		Left:   profileLeft,
		Right:  profileLeft + profileColumn*coordinate(len(shown)),
		Bottom: profileTop + profileHeight,
		Height: profileTop + profileHeight + profileBottom,
		Alt:    "Anterior, middle and posterior height by level with two standard deviations, and the expected heights; the numbers stand in the table.",
	}
	p.Width = p.Right + 8
	y := func(mm float64) coordinate { return p.Bottom - coordinate((mm-low)/(high-low)*profileHeight) }
	for mm := math.Ceil(low/profileTick) * profileTick; mm <= high; mm += profileTick {
		p.Ticks = append(p.Ticks, tick{At: y(mm), Label: fixed(mm, 0)})
	}
	for i, v := range shown {
		p.Ticks = append(p.Ticks, tick{At: columnMiddle(i), Label: newRow(v).Level, Level: true})
	}
	for n := range threeHeights {
		p.Series = append(p.Series, newSeries(n, shown, y))
	}
	return p
}

// columnMiddle returns the middle of the i-th level's column, px.
func columnMiddle(i int) coordinate { return profileLeft + profileColumn*(coordinate(i)+0.5) }

func newSeries(n int, shown []*analysis.Vertebra, y func(mm float64) coordinate) heightSeries {
	h := threeHeights[n]
	s := heightSeries{Name: h.name, Class: h.class, Mark: h.mark}
	var line []string
	for i, v := range shown {
		mm, sd := h.measured(v)
		if math.IsNaN(mm) {
			continue
		}
		x := columnMiddle(i) + coordinate(n-1)*profileOffset
		b := bar{X: x, Y: y(mm), Y1: y(mm + 2*sd), Y2: y(mm - 2*sd)}
		b.Title = fmt.Sprintf("%s %s %s mm, sd %s", v.Level, h.name, fixed(mm, 1), fixed(sd, 1))
		if hasExpected(v) {
			at := y(h.expected(v))
			b.Dash = &segment{x - profileDash, at, x + profileDash, at}
			b.Title += ", expected " + fixed(h.expected(v), 1)
			line = append(line, x.String()+","+at.String())
		}
		s.Bars = append(s.Bars, b)
	}
	s.Expected = strings.Join(line, " ")
	return s
}

// heightRange returns the range that holds all heights with their bars, mm.
func heightRange(shown []*analysis.Vertebra) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	include := func(mm float64) {
		if !math.IsNaN(mm) {
			low, high = min(low, mm-profileMargin), max(high, mm+profileMargin)
		}
	}
	for _, v := range shown {
		for _, h := range threeHeights {
			mm, sd := h.measured(v)
			include(mm - 2*sd)
			include(mm + 2*sd)
			if hasExpected(v) {
				include(h.expected(v))
			}
		}
	}
	return low, high
}
