// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/image/font"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
)

// Places of text, pixels.
const (
	labelGap   = 6.0 // between a body's outline and its name
	edgeGap    = 4.0 // between the picture's border and text
	barGap     = 14.0
	bodyHalfMM = 22.0 // where a body without outline is taken to end, from its centre
)

// certain is the probability from which on that of a level is not shown: it would
// round to 100 %.
const certain = 0.995

// box is a box of text.
type box struct {
	x, y, width, height float64
	text                string
	vertebra            int
}

func (b *box) shape(c Class) Shape {
	return Shape{
		Class: c, Vertebra: b.vertebra, Text: b.text,
		Points: []ImagePoint{{b.x, b.y}, {b.x + b.width, b.y + b.height}},
	}
}

// labels names the vertebrae: to the left of their bodies, below each other, or
// above the body in an axial picture.
func (o *overlay) labels() {
	vertical := math.Abs(r3.Dot(o.g.lines[o.g.Rows/2].Down, r3.Vec{Z: 1})) > sideways
	var boxes []box
	for n := range o.vertebrae() {
		b := box{text: levelText(&o.vertebrae()[n]), vertebra: n}
		b.width, b.height = textSize(o.face, b.text)
		if o.put(&b, vertical) {
			boxes = append(boxes, b)
		}
	}
	if vertical {
		spread(boxes, float64(o.g.Rows))
		o.clear(boxes)
	} else {
		boxes = boxes[:min(len(boxes), mostAxial)]
		stack(boxes)
	}
	for i := range boxes {
		o.addText(boxes[i], Label)
	}
}

// clear moves boxes to the left off the landmarks that the picture shows.
func (o *overlay) clear(boxes []box) {
	var points []ImagePoint
	for n := range o.vertebrae() {
		for _, p := range o.pointsOf(&o.vertebrae()[n]) {
			points = append(points, p.at)
		}
	}
	slices.SortFunc(points, func(p, q ImagePoint) int { return cmp.Compare(q.Col, p.Col) })
	for i := range boxes {
		b := &boxes[i]
		for _, p := range points { // from right to left, as the box moves
			near := box{x: p.Col - labelGap/2, y: p.Row - labelGap/2, width: labelGap, height: labelGap}
			if b.meets(near) {
				b.x = max(near.x-b.width, 0)
			}
		}
	}
}

// addText adds a box of text where it stands.
func (o *overlay) addText(b box, c Class) {
	o.taken = append(o.taken, b)
	o.add(b.shape(c))
}

// mostMoves is how often text is moved out of the way of other text.
const mostMoves = 12

// free returns b, moved by whole steps to one and the other side until it stands
// on no other text; false if there is no such place near in the picture.
func (o *overlay) free(b box, stepX, stepY float64) (box, bool) {
	for n := range mostMoves {
		moved, by := b, float64((n+1)/2)
		if n%2 == 0 {
			by = -by
		}
		moved.x, moved.y = b.x+by*stepX, b.y+by*stepY
		within := moved.x >= 0 && moved.y >= 0 && moved.x+b.width <= float64(o.g.Columns) && moved.y+b.height <= float64(o.g.Rows)
		if within && !slices.ContainsFunc(o.taken, moved.meets) {
			return moved, true
		}
	}
	return b, false
}

// meets reports whether two boxes have a place in common.
func (b box) meets(c box) bool {
	return b.x < c.x+c.width && c.x < b.x+b.width && b.y < c.y+c.height && c.y < b.y+b.height
}

// mostAxial is the number of levels that an axial picture may name: it passes
// through no more bodies, however tilted.
const mostAxial = 3

func levelText(v *analysis.Vertebra) string {
	text := v.Level.String()
	if text == "" {
		text = "?"
	}
	if v.LevelProbability < certain {
		text += fmt.Sprintf(" %.0f %%", 100*v.LevelProbability)
	}
	return text
}

// put gives a label its place by the body that it names; false if the picture does
// not show that.
func (o *overlay) put(b *box, vertical bool) bool {
	bound := o.marks[b.vertebra].bound
	if !(bound.left <= bound.right) {
		f := finder{g: o.g, row: -1}
		at, depth := f.place(o.vertebrae()[b.vertebra].Center)
		if !(math.Abs(depth) <= labelDepth) {
			return false
		}
		half := bodyHalfMM / o.g.PixelSize
		bound = bounds{at.Col - half, at.Row - half, at.Col + half, at.Row + half}
	}
	x, y := (bound.left+bound.right)/2, (bound.top+bound.bottom)/2
	columns, rows := float64(o.g.Columns), float64(o.g.Rows)
	if !(x >= 0 && x < columns && y >= 0 && y < rows) {
		return false
	}
	if vertical {
		b.x, b.y = bound.left-labelGap-b.width, y-b.height/2
	} else {
		b.x, b.y = x-b.width/2, bound.top-labelGap-b.height
	}
	b.x = max(min(b.x, columns-b.width), 0)
	b.y = max(min(b.y, rows-b.height), 0)
	return true
}

// spread moves boxes up and down, as little as it takes, so that none stands on the
// next and all are above bottom: pooling of neighbours that want the same place.
func spread(boxes []box, bottom float64) {
	if len(boxes) == 0 {
		return
	}
	slices.SortStableFunc(boxes, func(a, b box) int { return cmp.Compare(a.y, b.y) })
	height := boxes[0].height
	type pool struct {
		sum   float64 // of the places wanted, less what stands above in the pool
		count int
	}
	var pools []pool
	for i := range boxes {
		pools = append(pools, pool{boxes[i].y - float64(i)*height, 1})
		for n := len(pools); n > 1; n = len(pools) {
			above, last := pools[n-2], pools[n-1]
			if above.sum/float64(above.count) <= last.sum/float64(last.count) {
				break
			}
			pools = append(pools[:n-2], pool{above.sum + last.sum, above.count + last.count})
		}
	}
	most := bottom - float64(len(boxes))*height
	i := 0
	for _, p := range pools {
		for range p.count {
			boxes[i].y = max(min(p.sum/float64(p.count), most), 0) + float64(i)*height
			i++
		}
	}
}

// stack moves boxes upwards off those before them.
func stack(boxes []box) {
	for i := 1; i < len(boxes); i++ {
		boxes[i].y = min(boxes[i].y, boxes[i-1].y-boxes[i].height)
	}
}

// directions tells at each border what lies in that direction.
func (o *overlay) directions() {
	l := o.g.lines[o.g.Rows/2]
	columns, rows := float64(o.g.Columns), float64(o.g.Rows)
	right := r3.Unit(l.Step)
	for _, edge := range []struct {
		towards r3.Vec
		x, y    float64 // of the box, as parts of the free room
	}{
		{r3.Scale(-1, right), 0, 0.5}, {right, 1, 0.5}, {r3.Scale(-1, l.Down), 0.5, 0}, {l.Down, 0.5, 1},
	} {
		b := box{text: letters(edge.towards), vertebra: -1}
		b.width, b.height = textSize(o.face, b.text)
		b.x = edgeGap + edge.x*(columns-b.width-2*edgeGap)
		b.y = edgeGap + edge.y*(rows-b.height-2*edgeGap)
		stepX, stepY := 0.0, b.height
		if edge.x == 0.5 {
			stepX, stepY = b.width, 0
		}
		if b, ok := o.free(b, stepX, stepY); ok {
			o.addText(b, Direction)
		}
	}
}

// oblique is the part of a direction from which on it is told.
const oblique = 0.35

// letters returns the letters of a direction in the patient, that of its largest
// part first: PS3.3 C.7.6.1.1.1.
func letters(d r3.Vec) string {
	type part struct {
		size                float64
		forwards, backwards string
	}
	parts := []part{{d.X, "L", "R"}, {d.Y, "P", "A"}, {d.Z, "S", "I"}}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(math.Abs(b.size), math.Abs(a.size)) })
	var text strings.Builder
	for _, p := range parts {
		switch {
		case p.size > oblique:
			text.WriteString(p.forwards)
		case p.size < -oblique:
			text.WriteString(p.backwards)
		}
	}
	return text.String()
}

// The lengths of the bar, mm: the first that fits into a part of the width is shown,
// or none.
var barLengths = [...]float64{50, 20, 10, 5, 1}

const barPart = 0.4

// barCorners are the corners that the bar may stand in, in the order in which they are
// tried: in a sagittal picture there is least to see in the lower right one.
var barCorners = [...]struct{ right, bottom bool }{{true, true}, {true, false}, {false, true}, {false, false}}

// scale adds a bar with its length to the left, in a corner where neither lies over a
// body or on other text. Where there is none for a long bar, a shorter one may fit.
func (o *overlay) scale() {
	columns, rows := float64(o.g.Columns), float64(o.g.Rows)
	others := append(o.bodyBoxes(), o.taken...)
	for _, mm := range barLengths {
		length := mm / o.g.PixelSize
		if length > barPart*columns {
			continue
		}
		text := box{text: fmt.Sprintf("%.0f mm", mm), vertebra: -1}
		text.width, text.height = textSize(o.face, text.text)
		for _, corner := range barCorners {
			both := box{x: edgeGap, y: edgeGap, width: text.width + labelGap + length, height: text.height}
			stepY := both.height
			if corner.right {
				both.x = columns - edgeGap - barGap - both.width
			}
			if corner.bottom {
				both.y, stepY = rows-barGap-edgeGap-both.height/2, -both.height
			}
			if both, ok := unobstructed(both, others, stepY, rows); ok {
				text.x, text.y = both.x, both.y
				right, y := both.x+both.width, both.y+both.height/2
				o.add(Shape{Class: Scale, Vertebra: -1, Points: []ImagePoint{{right - length, y}, {right, y}}})
				o.addText(text, Scale)
				return
			}
		}
	}
}

// barMoves is how often the bar is moved out of the way before another corner is
// tried.
const barMoves = 3

// unobstructed returns b, moved by steps down until it meets none of the others; false if
// there is no such place near in a picture of so many rows.
func unobstructed(b box, others []box, step, rows float64) (box, bool) {
	for range barMoves {
		if b.x >= 0 && b.y >= 0 && b.y+b.height <= rows && !slices.ContainsFunc(others, b.meets) {
			return b, true
		}
		b.y += step
	}
	return b, false
}

// bodyBoxes returns a box around what the picture shows of each body, with room for its
// line.
func (o *overlay) bodyBoxes() []box {
	o.outline()
	var boxes []box
	for _, m := range o.marks {
		if b := m.bound; b.left <= b.right {
			boxes = append(boxes, box{
				x: b.left - textPadding, y: b.top - textPadding,
				width: b.right - b.left + 2*textPadding, height: b.bottom - b.top + 2*textPadding,
			})
		}
	}
	return boxes
}

// textSize returns the size of a box that holds text, pixels.
func textSize(face font.Face, text string) (width, height float64) {
	m := face.Metrics()
	return math.Ceil(float64(font.MeasureString(face, text))/64) + 2*textPadding, float64((m.Ascent + m.Descent).Ceil())
}
