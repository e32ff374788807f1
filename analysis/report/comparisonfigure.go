// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/base64"
	"fmt"
	"html/template"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// ComparisonFigures are the pictures of one comparison, both in the second
// examination's frame and of one size.
type ComparisonFigures struct{ before, after view }

// Room around the compared bodies' centres, mm: for the body in front, for canal and
// arch behind.
const (
	comparedAnterior  = 45.0
	comparedPosterior = 60.0
	comparedEnds      = 30.0
)

// DrawComparison draws the sagittal pictures of both examinations side by side. A
// volume may be nil: its outlines are then all there is. It returns nil where
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
	if before != nil {
		back := c.Match.Registration.Global.Inverse()
		was := g.Moved(back.Apply, back.Rotate)
		if err := out.before.fill(before.Canonical(), &was); err != nil {
			return nil, err
		}
	}
	if after != nil {
		if err := out.after.fill(after.Canonical(), &g); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// comparedPath returns the centres of the bodies in the second examination's
// frame, from superior to inferior.
func comparedPath(c *comparison.Comparison) []r3.Vec {
	var path []r3.Vec
	for i, p := range c.Vertebrae {
		switch {
		case p.AfterIndex >= 0:
			path = append(path, c.After.Vertebrae[p.AfterIndex].Center)
		case p.BeforeIndex >= 0:
			path = append(path, c.Match.Registration.Pieces[i].Apply(c.Before.Vertebrae[p.BeforeIndex].Center))
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
	Scale          segment
	ScaleMM        int
	DisplayWidthPx int
}

// comparedNamesMM is the room beside a picture for the names of the levels, mm.
const comparedNamesMM = 22.0

// comparedPictures returns both pictures.
func comparedPictures(f *ComparisonFigures, c *comparison.Comparison) []comparedPicture {
	g := c.Match.Registration.Global
	before := newComparedPicture(&f.before, "before")
	after := newComparedPicture(&f.after, "after")
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		tone := changeTone(p, c.Findings)
		if p.BeforeIndex >= 0 {
			v := &c.Before.Vertebrae[p.BeforeIndex]
			before.Bodies = append(before.Bodies, f.before.compared(v, p.Level, tone, g.Apply))
			if contour := f.after.contour(v, c.Match.Registration.Pieces[i].Apply); contour != "" {
				after.Ghosts = append(after.Ghosts, contour)
			}
		}
		if p.AfterIndex >= 0 {
			v := &c.After.Vertebrae[p.AfterIndex]
			after.Bodies = append(after.Bodies, f.after.compared(v, p.Level, tone, func(p r3.Vec) r3.Vec { return p }))
		}
	}
	spreadLabels(before.Bodies)
	spreadLabels(after.Bodies)
	return []comparedPicture{before, after}
}

func newComparedPicture(v *view, class string) comparedPicture {
	width, height := v.size()
	p := comparedPicture{
		Title: v.title, Class: class, Alt: v.title + ": sagittal picture with the bodies' outlines",
		Width: coordinate(width), Height: coordinate(height), FullSpan: coordinate(width + comparedNamesMM),
		Scale: v.scale(), ScaleMM: scaleMM,
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

// contour returns the closed outline of a body as points of a polyline.
func (v *view) contour(body *comparison.Vertebra, move func(r3.Vec) r3.Vec) string {
	if body.Shape == nil || len(body.Shape.Outline) == 0 {
		return ""
	}
	var points []r3.Vec
	for _, p := range body.Shape.Outline {
		points = append(points, move(body.Shape.Frame.Point(p[0], p[1], 0)))
	}
	return v.polyline(append(points, points[0]))
}
