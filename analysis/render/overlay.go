// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"math"

	"golang.org/x/image/font"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
)

// Class says what a Shape stands for.
type Class uint8

// The classes, in the order in which they are drawn.
const (
	Canal     Class = iota // outline of the bony canal, else its middle
	Cement                 // outline of bone cement
	Body                   // outline of a vertebral body
	Endplate               // least-squares line of an endplate, a little longer than the body
	Point                  // a landmark; Text is its name, such as "superior anterior"
	Label                  // name of a level with its probability, if that is below 100 %
	Direction              // letters of the direction in the patient at a border
	Scale                  // a bar and its length
	classes                // how many there are
)

// String returns the class's name, such as "endplate".
func (c Class) String() string {
	if c >= classes {
		return "unknown"
	}
	return [...]string{"canal", "cement", "body", "endplate", "point", "label", "direction", "scale"}[c]
}

// Layers is a set of classes. The zero value is none.
type Layers uint16

// AllLayers holds every class.
const AllLayers = Layers(1<<classes - 1)

// LayersOf returns the set of the given classes.
func LayersOf(all ...Class) Layers {
	var l Layers
	for _, c := range all {
		l |= 1 << c
	}
	return l
}

// Has reports whether the set holds c.
func (l Layers) Has(c Class) bool { return l>>c&1 == 1 }

// Shape is something that lies over a picture. Its places may be beyond the
// picture's border.
type Shape struct {
	Class    Class
	Vertebra int // index among those of the result; -1 if it belongs to none

	// Points are those of a polyline, or the one of a Point. Text that is drawn
	// fills the box between two points, its upper left and lower right corner.
	Points []ImagePoint
	Closed bool // the last point joins the first
	Text   string
}

// What is drawn of a vertebra depends on how far it is from the picture, mm.
const (
	// slabHalf is half the slab that outline and points are the mean of: a sagittal
	// picture within it shows them, another the section of the body's surface.
	slabHalf = 5.0
	// pointDepth is how far a point may be off a picture that is not sagittal.
	pointDepth = 2.0
	// labelDepth is how far the centre of a body without outline may be off a picture
	// that names it.
	labelDepth = 12.0
	// canalDepth is how far the middle of a canal without outline may be.
	canalDepth = 8.0
	// cementReach is the half of a slab in which cement is seen.
	cementReach = 1.0
	// sideways is the cosine up to which a picture counts as sagittal.
	sideways = 0.7
)

// Overlay returns what lies over a picture, of the classes in layers, in the order
// in which it is drawn. Landmarks, endplate lines and outlines are shown where the
// picture passes through them; the outline in a body's mid-sagittal plane is the one
// that its points are taken from, elsewhere it is the section of its surface.
func (s *Scene) Overlay(g *Geometry, layers Layers) []Shape {
	if g.Rows == 0 {
		return nil
	}
	face := s.face()
	defer face.Close()
	o := overlay{scene: s, g: g, face: face, marks: make([]outlined, len(s.result.Vertebrae))}
	byClass := [classes]func(){
		Canal: o.canals, Cement: o.cement, Body: o.bodies, Endplate: o.endplates, Point: o.points,
		Label: o.labels, Direction: o.directions, Scale: o.scale,
	}
	if layers.Has(Label) {
		o.outline()
	}
	for c, add := range byClass {
		if layers.Has(Class(c)) {
			add()
		}
	}
	return o.shapes
}

// overlay collects shapes.
type overlay struct {
	scene  *Scene
	g      *Geometry
	face   font.Face
	shapes []Shape
	marks  []outlined // the bodies' outlines in the picture, once made
	made   bool
	taken  []box // by text, of which none may stand on another
}

// outlined is what a picture shows of one body's outline.
type outlined struct {
	lines []line
	bound bounds // of the lines and landmarks, pixels
}

func (o *overlay) vertebrae() []analysis.Vertebra { return o.scene.result.Vertebrae }

// add adds a shape, unless it has a place that is none.
func (o *overlay) add(s Shape) {
	for _, p := range s.Points {
		if sum := p.Col + p.Row; math.IsNaN(sum) || math.IsInf(sum, 0) {
			return
		}
	}
	if len(s.Points) > 0 {
		o.shapes = append(o.shapes, s)
	}
}

// outline finds the outlines of bodies.
func (o *overlay) outline() {
	if o.made {
		return
	}
	o.made = true
	for n := range o.vertebrae() {
		m := outlined{lines: o.outlineOf(&o.vertebrae()[n]), bound: noBounds()}
		for _, l := range m.lines {
			for _, p := range l.points {
				m.bound.include(p.Col, p.Row)
			}
		}
		for _, p := range o.around(&o.vertebrae()[n]) {
			m.bound.include(p.Col, p.Row)
		}
		o.marks[n] = m
	}
}

// around returns the landmarks that the name of a vertebra stands clear of.
func (o *overlay) around(v *analysis.Vertebra) (all []ImagePoint) {
	if v.Landmarks == nil || !o.isSagittal(v.Landmarks.LeftAxis) {
		return nil
	}
	var points []r3.Vec
	for n := range landmark.Name(landmark.NumPoints) {
		if p := v.Landmarks.Point(n); *p != (landmark.Point{}) {
			points = append(points, p.Position)
		}
	}
	if lines, near := o.projected([][]r3.Vec{points}, labelDepth); near {
		return lines[0].points
	}
	return nil
}

// outlineOf returns the outline of a vertebra in the picture.
func (o *overlay) outlineOf(v *analysis.Vertebra) []line {
	if v.Body != nil && o.isSagittal(v.Body.Frame.Left) {
		if lines, near := o.projected(BodyOutline(v.Body), slabHalf); near {
			return lines
		}
	}
	if v.Body == nil && v.Landmarks != nil && o.isSagittal(v.Landmarks.LeftAxis) {
		if points := PointsOutline(v.Landmarks); points != nil {
			lines, _ := o.projected([][]r3.Vec{points}, slabHalf)
			return lines
		}
	}
	if v.Surface == nil {
		return nil
	}
	return cut(v.Surface.Tube(), o.g)
}

// isSagittal reports whether the picture is looked at along an axis to the left.
func (o *overlay) isSagittal(left r3.Vec) bool {
	return math.Abs(r3.Dot(o.g.across(), left)) > sideways
}

// projected returns curves as they lie in the picture, and whether all of them are
// within depth mm of it.
func (o *overlay) projected(curves [][]r3.Vec, depth float64) (lines []line, near bool) {
	f := finder{g: o.g, row: -1}
	for _, c := range curves {
		if len(c) == 0 {
			continue
		}
		l := line{}
		for _, p := range c {
			at, d := f.place(p)
			if !(math.Abs(d) <= depth) {
				return nil, false
			}
			l.points = append(l.points, at)
		}
		lines = append(lines, l)
	}
	return lines, len(lines) > 0
}

func (o *overlay) bodies() {
	o.outline()
	for n, m := range o.marks {
		for _, l := range m.lines {
			o.add(Shape{Class: Body, Vertebra: n, Points: l.points, Closed: l.closed})
		}
	}
}

func (o *overlay) endplates() {
	for n := range o.vertebrae() {
		v := &o.vertebrae()[n]
		if v.Landmarks == nil || !o.isSagittal(v.Landmarks.LeftAxis) {
			continue
		}
		for _, ends := range EndplateLines(v.Body, v.Landmarks) {
			if lines, near := o.projected([][]r3.Vec{ends[:]}, slabHalf); near {
				o.add(Shape{Class: Endplate, Vertebra: n, Points: lines[0].points})
			}
		}
	}
}

func (o *overlay) points() {
	for n := range o.vertebrae() {
		for _, p := range o.pointsOf(&o.vertebrae()[n]) {
			o.add(Shape{Class: Point, Vertebra: n, Points: []ImagePoint{p.at}, Text: p.name.String()})
		}
	}
}

// namedPoint is a landmark in the picture.
type namedPoint struct {
	name landmark.Name
	at   ImagePoint
}

// pointsOf returns the landmarks that the picture shows of a vertebra.
func (o *overlay) pointsOf(v *analysis.Vertebra) []namedPoint {
	if v.Landmarks == nil {
		return nil
	}
	depth := pointDepth
	if o.isSagittal(v.Landmarks.LeftAxis) {
		depth = slabHalf
	}
	var found []namedPoint
	for n := range landmark.Name(landmark.NumPoints) {
		p := v.Landmarks.Point(n)
		if *p == (landmark.Point{}) {
			continue
		}
		if lines, near := o.projected([][]r3.Vec{{p.Position}}, depth); near {
			found = append(found, namedPoint{n, lines[0].points[0]})
		}
	}
	return found
}

// canals shows the outlines of canals, or the canal's middle where none was
// outlined.
func (o *overlay) canals() {
	any := false
	for n := range o.vertebrae() {
		c := o.vertebrae()[n].Canal.Outline
		if c == nil || len(c.Sections) == 0 {
			continue
		}
		any = true
		for _, l := range cut(c.Tube(), o.g) {
			o.add(Shape{Class: Canal, Vertebra: n, Points: l.points, Closed: l.closed})
		}
	}
	if any {
		return
	}
	f := finder{g: o.g, row: -1}
	var run []ImagePoint
	for _, c := range o.scene.canal {
		at, depth := f.place(c.Position)
		if math.Abs(depth) <= canalDepth {
			run = append(run, at)
			continue
		}
		o.addRun(run)
		run = nil
	}
	o.addRun(run)
}

func (o *overlay) addRun(run []ImagePoint) {
	if len(run) > 1 {
		o.add(Shape{Class: Canal, Vertebra: -1, Points: run})
	}
}

func (o *overlay) cement() {
	for i := range o.scene.cement {
		c := &o.scene.cement[i]
		for _, l := range c.outline(o.g, cementReach) {
			o.add(Shape{Class: Cement, Vertebra: c.vertebra, Points: l.points, Closed: l.closed})
		}
	}
}

// BodyOutline returns the four parts of a body's outline in its mid-sagittal plane:
// superior and inferior endplate, anterior and posterior wall; LPS mm.
func BodyOutline(b *segmentation.Body) [][]r3.Vec {
	curve := func(s, a []float64) []r3.Vec {
		var points []r3.Vec
		for i := range min(len(s), len(a)) {
			points = append(points, b.Frame.Point(s[i], a[i], 0))
		}
		return points
	}
	return [][]r3.Vec{
		curve(b.Superior.S, b.Superior.A),
		curve(b.Inferior.S, b.Inferior.A),
		curve(b.Anterior.S, b.Anterior.A),
		curve(b.Posterior.S, b.Posterior.A),
	}
}

// PointsOutline returns the closed line through the six points of a body of which nothing
// else was outlined, as on a film; nil where an endplate is missing.
func PointsOutline(l *landmark.Vertebra) []r3.Vec {
	if l == nil || !l.Superior.Found() || !l.Inferior.Found() {
		return nil
	}
	s, i := &l.Superior, &l.Inferior
	return []r3.Vec{
		s.Anterior.Position, s.Middle.Position, s.Posterior.Position,
		i.Posterior.Position, i.Middle.Position, i.Anterior.Position, s.Anterior.Position,
	}
}

// overhang is how far an endplate's line is drawn beyond the body, mm.
const overhang = 4.0

// EndplateLines returns the ends, anterior and posterior, of the least-squares lines
// of the endplates that were found, through the mean of each endplate's points; LPS
// mm. The body may be nil.
func EndplateLines(b *segmentation.Body, l *landmark.Vertebra) [][2]r3.Vec {
	var lines [][2]r3.Vec
	for i, e := range []landmark.Endplate{l.Superior, l.Inferior} {
		if e.Direction == (r3.Vec{}) || e.Middle == (landmark.Point{}) {
			continue
		}
		half := r3.Norm(r3.Sub(e.Anterior.Position, e.Posterior.Position))/2 + overhang
		center := e.Middle.Position
		if b != nil {
			if points := BodyOutline(b)[i]; len(points) > 0 {
				center = centroid(points)
			}
		}
		along := r3.Scale(half, e.Direction)
		lines = append(lines, [2]r3.Vec{r3.Add(center, along), r3.Sub(center, along)})
	}
	return lines
}

func centroid(points []r3.Vec) r3.Vec {
	var sum r3.Vec
	for _, p := range points {
		sum = r3.Add(sum, p)
	}
	return r3.Scale(1/float64(len(points)), sum)
}
