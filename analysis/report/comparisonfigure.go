// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/base64"
	"fmt"
	"html/template"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// ComparisonFigures are the pictures of one comparison, both in one frame and of one size:
// the second examination's, and with a film that of comparison.Plane.
type ComparisonFigures struct{ before, after view }

// Room around the compared bodies' centres, mm: for the body in front, for canal and
// arch behind.
const (
	comparedAnterior  = 45.0
	comparedPosterior = 60.0
	comparedEnds      = 30.0
)

// DrawComparison draws the sagittal pictures of both examinations side by side. That of a
// film is analysis.FilmVolume as its result has it placed. A volume may be nil: its outlines are then all there is. It returns nil where
// nothing is compared.
func DrawComparison(before, after *volume.Volume, c *comparison.Comparison) (*ComparisonFigures, error) {
	path := comparedPath(c)
	if len(path) == 0 {
		return nil, nil
	}
	margins := render.Margins{Anterior: comparedAnterior, Posterior: comparedPosterior, Ends: comparedEnds}
	g, err := render.AlongPath(path, 0, margins, render.Field{PixelSize: pixelMM})
	if err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	out := &ComparisonFigures{
		before: view{title: "Before: " + examinationName(c.Before), geometry: g},
		after:  view{title: "After: " + examinationName(c.After), geometry: g},
	}
	toBefore, toAfter := c.Match.Registration.Views()
	if err := out.before.draw(before, c.Before, toBefore); err != nil {
		return nil, err
	}
	return out, out.after.draw(after, c.After, toAfter)
}

// draw fills the view with the picture of an examination that to brings into its frame;
// nothing without a volume.
func (v *view) draw(vol *volume.Volume, e *comparison.Examination, to comparison.Similarity) error {
	if vol == nil {
		return nil
	}
	back := to.Inverse()
	g := v.geometry.Moved(back.Rigid.Apply, back.Rotate).Enlarged(back.Scale)
	if e.Film == nil {
		return v.fill(vol.Canonical(), &g)
	}
	picture, err := render.Grey(vol.Canonical(), &g, []float64{0}, filmWindow)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return v.encode(picture)
}

// comparedPath returns the centres of the bodies in the frame of both, from superior to
// inferior.
func comparedPath(c *comparison.Comparison) []r3.Vec {
	var path []r3.Vec
	_, to := c.Match.Registration.Views()
	for i, p := range c.Vertebrae {
		switch {
		case p.AfterIndex >= 0:
			path = append(path, to.Apply(c.After.Vertebrae[p.AfterIndex].Center))
		case p.BeforeIndex >= 0:
			path = append(path, c.Match.Registration.Piece(i).Apply(c.Before.Vertebrae[p.BeforeIndex].Center))
		}
	}
	return path
}

// comparedPicture is one of the two pictures as SVG.
type comparedPicture struct {
	Title, Alt     string
	Class          string // before or after
	Width, Height  coordinate
	FullSpan       coordinate
	PNG            template.URL
	Bodies         []outline
	Ghosts         []string // contours of the first examination, on the second's picture
	Scale          *segment // nil where nothing tells the scale
	ScaleMM        int
	DisplayWidthPx int
}

// comparedNamesMM is the room beside a picture for the names of the levels, mm.
const comparedNamesMM = 22.0

// comparedPictures returns both pictures.
func comparedPictures(f *ComparisonFigures, c *comparison.Comparison) []comparedPicture {
	toBefore, toAfter := c.Match.Registration.Views()
	scaled := c.Before.Film == nil || c.After.Millimetres()
	before := newComparedPicture(&f.before, "before", scaled)
	after := newComparedPicture(&f.after, "after", scaled)
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		tone := changeTone(p, c.Findings)
		if p.BeforeIndex >= 0 {
			v := &c.Before.Vertebrae[p.BeforeIndex]
			before.Bodies = append(before.Bodies, f.before.compared(v, p.Level, tone, toBefore.Apply))
			if contour := f.after.contour(v, c.Match.Registration.Piece(i).Apply); contour != "" {
				after.Ghosts = append(after.Ghosts, contour)
			}
		}
		if p.AfterIndex >= 0 {
			v := &c.After.Vertebrae[p.AfterIndex]
			after.Bodies = append(after.Bodies, f.after.compared(v, p.Level, tone, toAfter.Apply))
		}
	}
	spreadLabels(before.Bodies)
	spreadLabels(after.Bodies)
	return []comparedPicture{before, after}
}

func newComparedPicture(v *view, class string, scaled bool) comparedPicture {
	width, height := v.size()
	p := comparedPicture{
		Title: v.title, Class: class, Alt: v.title + ": sagittal picture with the bodies' outlines",
		Width: coordinate(width), Height: coordinate(height), FullSpan: coordinate(width + comparedNamesMM),
		ScaleMM: scaleMM,
	}
	if scaled {
		p.Scale = new(v.scale())
	}
	p.DisplayWidthPx = int(p.FullSpan * pxPerMM)
	if v.png != nil {
		p.PNG = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(v.png))
	}
	return p
}

// compared returns the outline, points and name of a vertebra, moved into the
// picture's frame.
func (v *view) compared(body *comparison.Vertebra, l spine.Level, t tone, move func(r3.Vec) r3.Vec) outline {
	_, y := v.place(move(body.Center))
	out := outline{Level: l.String(), Label: l.String(), LabelY: coordinate(y)}
	if t >= doubtful {
		out.Tone = "marked"
	}
	if contour := v.contour(body, move); contour != "" {
		out.Contours = append(out.Contours, contour)
	}
	if body.Landmarks == nil {
		return out
	}
	for _, e := range []struct {
		name string
		at   [3]r3.Vec
		has  bool
	}{
		{"superior", [3]r3.Vec{body.Landmarks.Superior.Anterior.Position, body.Landmarks.Superior.Middle.Position, body.Landmarks.Superior.Posterior.Position}, body.Landmarks.Superior.Found()},
		{"inferior", [3]r3.Vec{body.Landmarks.Inferior.Anterior.Position, body.Landmarks.Inferior.Middle.Position, body.Landmarks.Inferior.Posterior.Position}, body.Landmarks.Inferior.Found()},
	} {
		for n, where := range [...]string{"anterior", "middle", "posterior"} {
			if e.has {
				x, y := v.place(move(e.at[n]))
				out.Points = append(out.Points, mark{coordinate(x), coordinate(y), fmt.Sprintf("%s %s %s", l, e.name, where)})
			}
		}
	}
	return out
}

// contour returns the closed outline of a body as points of a polyline: on a film, where
// there is none, that of its six points.
func (v *view) contour(body *comparison.Vertebra, move func(r3.Vec) r3.Vec) string {
	if body.Shape == nil || len(body.Shape.Outline) == 0 {
		return v.hexagon(body.Landmarks, move)
	}
	var points []r3.Vec
	for _, p := range body.Shape.Outline {
		points = append(points, move(body.Shape.Frame.Point(p[0], p[1], 0)))
	}
	return v.polyline(append(points, points[0]))
}

// hexagon returns the outline of a body's six points; empty where they are not all there.
func (v *view) hexagon(l *landmark.Vertebra, move func(r3.Vec) r3.Vec) string {
	if l == nil || !l.Superior.Found() || !l.Inferior.Found() {
		return ""
	}
	var points []r3.Vec
	for _, n := range []landmark.Name{
		landmark.SuperiorPosterior, landmark.SuperiorMiddle, landmark.SuperiorAnterior,
		landmark.InferiorAnterior, landmark.InferiorMiddle, landmark.InferiorPosterior, landmark.SuperiorPosterior,
	} {
		points = append(points, move(l.Point(n).Position))
	}
	return v.polyline(points)
}
