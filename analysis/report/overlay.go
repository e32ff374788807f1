// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/render"
)

// Room beside a picture for the numbers of a vertebra and for its name, mm.
const (
	numbersMM = 42.0
	namesMM   = 62.0
)

const (
	scaleMM    = 50  // length of the bar that shows the scale, mm
	scaleInset = 6.0 // of the bar from the picture's edges, mm
	labelStep  = 6.0 // least distance of labels, a line of their script, mm
)

// picture is a view as SVG; lengths are mm.
type picture struct {
	Title, Alt     string
	Width, Height  coordinate
	Left, FullSpan coordinate // of the view box: the picture with room for text on both sides
	PNG            template.URL
	Canal          string // points of a polyline
	Cement         string // path
	Bodies         []outline
	Scale          *segment // a bar of ScaleMM; nil where nothing tells the scale
	ScaleMM        int
	LeftSide       string // of the patient, as are the next: A or P
	RightSide      string
	DisplayWidthPx int
}

// outline is what is drawn of one vertebra.
type outline struct {
	Level    string
	Tone     string
	Contours []string // points of polylines
	Lines    []segment
	Points   []mark
	LabelY   coordinate
	Label    string // level, probability, grade
	Numbers  string // heights
}

type segment struct{ X1, Y1, X2, Y2 coordinate }

// coordinate is a place in an SVG; it prints with two decimals.
type coordinate float64

// String returns c as SVG writes it.
func (c coordinate) String() string { return fixed(float64(c), 2) }

type mark struct {
	X, Y  coordinate
	Title string
}

// pxPerMM is the size at which pictures are shown: a vertebra of 25 mm is 75 px
// high.
const pxPerMM = 3.0

func newPicture(v *view, result *analysis.Result) picture {
	width, height := v.size()
	p := picture{
		Title:    v.title,
		Alt:      fmt.Sprintf("%s: %d vertebrae with outlines and six points each", v.title, len(result.Vertebrae)),
		Width:    coordinate(width),
		Height:   coordinate(height),
		Left:     -numbersMM,
		FullSpan: coordinate(numbersMM + width + namesMM),
		ScaleMM:  scaleMM,
		LeftSide: "A", RightSide: "P",
	}
	calibrated := result.Film == nil || result.Film.Calibration.Millimetres()
	if calibrated {
		p.Scale = new(v.scale())
	}
	if result.Film != nil {
		p.LeftSide, p.RightSide = sidesOf(result)
	}
	p.DisplayWidthPx = int(p.FullSpan * pxPerMM)
	if v.png != nil {
		p.PNG = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(v.png))
	}
	var canal []r3.Vec
	for _, c := range result.Canal {
		canal = append(canal, c.Position)
	}
	p.Canal, p.Cement = v.polyline(canal), v.cement
	for i := range result.Vertebrae {
		p.Bodies = append(p.Bodies, v.outline(&result.Vertebrae[i], calibrated))
	}
	spreadLabels(p.Bodies)
	return p
}

// sidesOf returns what of the patient lies to the left and to the right of a film; the
// letters of PatientOrientation, empty where that is not known or the film stands on end.
func sidesOf(result *analysis.Result) (left, right string) {
	const mainly = 0.5 // of a unit vector
	for i := range result.Vertebrae {
		l := result.Vertebrae[i].Landmarks
		switch {
		case l == nil:
			continue
		case l.Superior.Direction.Y < -mainly:
			return "A", "P"
		case l.Superior.Direction.Y > mainly:
			return "P", "A"
		}
		break
	}
	return "", ""
}

// scale returns a bar in the lower right corner.
func (v *view) scale() segment {
	width, height := v.size()
	x, y := coordinate(width-scaleInset), coordinate(height-scaleInset)
	return segment{x - scaleMM, y, x, y}
}

// spreadLabels moves labels down where they would stand on the one above.
func spreadLabels(bodies []outline) {
	for i := 1; i < len(bodies); i++ {
		bodies[i].LabelY = max(bodies[i].LabelY, bodies[i-1].LabelY+labelStep)
	}
}

func (v *view) outline(vertebra *analysis.Vertebra, calibrated bool) outline {
	r := newRow(vertebra)
	_, y := v.place(vertebra.Center)
	out := outline{Level: r.Level, Tone: r.Tone.String(), LabelY: coordinate(y), Label: label(&r), Numbers: numbers(&r)}
	if b := vertebra.Body; b != nil {
		for _, c := range render.BodyOutline(b) {
			out.Contours = append(out.Contours, v.polyline(c))
		}
	}
	if vertebra.Body == nil {
		if c := render.PointsOutline(vertebra.Landmarks); c != nil {
			out.Contours = append(out.Contours, v.polyline(c))
		}
	}
	if l := vertebra.Landmarks; l != nil {
		for _, ends := range render.EndplateLines(vertebra.Body, l) {
			x1, y1 := v.place(ends[0])
			x2, y2 := v.place(ends[1])
			out.Lines = append(out.Lines, segment{coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2)})
		}
		for n := range landmark.Name(landmark.NumPoints) {
			p := l.Point(n)
			if *p == (landmark.Point{}) {
				continue
			}
			x, y := v.place(p.Position)
			title := fmt.Sprintf("%s %s", r.Level, n)
			if calibrated {
				title += fmt.Sprintf(", sd %s mm", fixed(p.SD, 2))
			}
			out.Points = append(out.Points, mark{coordinate(x), coordinate(y), title})
		}
	}
	return out
}

// label returns a vertebra's name with what a reader looks for first.
func label(r *row) string {
	s := r.Level
	if r.Probability != "" {
		s += " " + r.Probability + " %"
	}
	if r.Grade != "" && r.Tone != plain {
		s += ", Genant " + r.Grade
	}
	return s
}

func numbers(r *row) string {
	if r.Ha == "" {
		return ""
	}
	return r.Ha + " / " + r.Hm + " / " + r.Hp
}

// String returns the tone's name in the style sheet.
func (t tone) String() string {
	return [...]string{plain: "plain", faint: "faint", doubtful: "doubtful", deformed: "deformed"}[t]
}

// polyline returns the places of points as SVG writes them.
func (v *view) polyline(points []r3.Vec) string {
	var b strings.Builder
	for i, p := range points {
		if i > 0 {
			b.WriteByte(' ')
		}
		x, y := v.place(p)
		fmt.Fprintf(&b, "%s,%s", coordinate(x), coordinate(y))
	}
	return b.String()
}

// svgPath returns a polyline of a picture as the path of an SVG.
func svgPath(points []render.ImagePoint) string {
	var path strings.Builder
	command := "M"
	for _, p := range points {
		fmt.Fprintf(&path, "%s%s %s", command, coordinate(p.Col*pixelMM), coordinate(p.Row*pixelMM))
		command = "L"
	}
	return path.String()
}
