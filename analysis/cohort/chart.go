// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"fmt"
	"math"
	"strconv"
)

// chart is a plot as SVG, in px from its upper left corner.
type chart struct {
	Title, Note    string
	XLabel, YLabel string
	Alt            string
	Width, Height  float64
	Left, Right    float64 // of the plot in it
	Top, Bottom    float64

	XTicks, YTicks []tick
	Bars           []rect
	Points         []point
	Lines          []line
	Key            []key
	Empty          string // said where there is nothing to show
}

type tick struct {
	At    float64
	Label string
}

type rect struct {
	X, Y, W, H float64
	Class      string
	Title      string
}

type point struct {
	X, Y  float64
	Class string
	Title string
}

type line struct {
	X1, Y1, X2, Y2 float64
	Class          string
	Label          string
}

type key struct{ Class, Label string }

// Sizes of charts, px.
const (
	chartHeight = 260
	chartLeft   = 52
	chartRight  = 12
	chartTop    = 20
	chartBottom = 46
	barGap      = 1.5
)

func newChart(width float64, title, x, y string) *chart {
	return &chart{
		Title: title, XLabel: x, YLabel: y, Width: width, Height: chartHeight,
		Left: chartLeft, Right: width - chartRight, Top: chartTop, Bottom: chartHeight - chartBottom,
	}
}

// layer is one class of what is counted in a stacked chart.
type layer struct {
	class, label string
}

// stacked draws counts[i][k] of layer k at label i as bars on one another.
func (c *chart) stacked(labels []string, layers []layer, counts [][]int) {
	most := 0
	for _, at := range counts {
		most = max(most, sum(at))
	}
	if most == 0 {
		c.Empty = "nothing to show"
		return
	}
	y := c.countAxis(most)
	step := (c.Right - c.Left) / float64(len(labels))
	for i, label := range labels {
		x := c.Left + step*float64(i)
		c.XTicks = append(c.XTicks, tick{x + step/2, label})
		below := 0
		for k, n := range counts[i] {
			if n > 0 {
				c.Bars = append(c.Bars, rect{
					X: round(x + barGap), Y: round(y(below + n)), W: round(step - 2*barGap), H: round(y(below) - y(below+n)),
					Class: layers[k].class, Title: fmt.Sprintf("%s, %s: %d of %d", label, layers[k].label, n, sum(counts[i])),
				})
			}
			below += n
		}
	}
	c.keyOf(layers, counts)
}

// histogram draws counts[i][k] of layer k in bin i, whose edges are from+i·width
// and from+(i+1)·width.
func (c *chart) histogram(from, width float64, unit string, layers []layer, counts [][]int) {
	labels := make([]string, len(counts))
	for i := range labels {
		lo := from + width*float64(i)
		labels[i] = fmt.Sprintf("%g to %g %s", lo, lo+width, unit)
	}
	c.stacked(labels, layers, counts)
	c.XTicks = nil
	if c.Empty != "" {
		return
	}
	every := niceStep(width*float64(len(counts)), 8)
	x := c.scale(from, from+width*float64(len(counts)), c.Left, c.Right)
	for _, v := range multiples(every, from, from+width*float64(len(counts))) {
		c.XTicks = append(c.XTicks, tick{round(x(v)), number(v)})
	}
}

// keyOf adds those layers to the key of which there is something.
func (c *chart) keyOf(layers []layer, counts [][]int) {
	for k, l := range layers {
		n := 0
		for _, at := range counts {
			n += at[k]
		}
		if n > 0 {
			c.Key = append(c.Key, key{l.class, fmt.Sprintf("%s: %d", l.label, n)})
		}
	}
}

// countAxis draws the axis of counts from 0 and returns where a count stands.
func (c *chart) countAxis(most int) func(int) float64 {
	step := max(1, niceStep(float64(most), 5))
	top := step * math.Ceil(float64(most)/step)
	y := c.scale(0, top, c.Bottom, c.Top)
	for _, v := range multiples(step, 0, top) {
		c.YTicks = append(c.YTicks, tick{round(y(v)), number(v)})
	}
	return func(n int) float64 { return y(float64(n)) }
}

// axes draws both axes of a scatter plot and returns where a value stands.
func (c *chart) axes(x0, x1, y0, y1 float64) (x, y func(float64) float64) {
	x, y = c.scale(x0, x1, c.Left, c.Right), c.scale(y0, y1, c.Bottom, c.Top)
	for _, v := range multiples(niceStep(x1-x0, 7), x0, x1) {
		c.XTicks = append(c.XTicks, tick{round(x(v)), number(v)})
	}
	for _, v := range multiples(niceStep(y1-y0, 6), y0, y1) {
		c.YTicks = append(c.YTicks, tick{round(y(v)), number(v)})
	}
	return x, y
}

func (c *chart) scale(v0, v1, p0, p1 float64) func(float64) float64 {
	return func(v float64) float64 { return p0 + (v-v0)/(v1-v0)*(p1-p0) }
}

// multiples returns the multiples of step from a to b.
func multiples(step, a, b float64) []float64 {
	var all []float64
	for k := int(math.Ceil(a/step - 1e-9)); float64(k)*step <= b+1e-9*step; k++ {
		all = append(all, float64(k)*step)
	}
	return all
}

// niceStep returns 1, 2 or 5 times a power of ten that parts a span in at most so
// many steps.
func niceStep(span float64, most int) float64 {
	least := span / float64(most)
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= least*(1-1e-9) {
			return f * power
		}
	}
	return 10 * power
}

func sum(counts []int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// round keeps the page small, and the same on all machines.
func round(px float64) float64 { return math.Round(px*10) / 10 }

func number(v float64) string {
	return strconv.FormatFloat(v, 'g', 6, 64)
}
