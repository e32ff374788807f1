// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// ComparisonFigures are the pictures of one comparison, both in the second
// examination's frame and of one size.
type ComparisonFigures struct{ before, after view }

// Room above and below the compared bodies' centres, mm.
const comparedEnds = 30.0

// DrawComparison draws the sagittal pictures of both examinations side by side. A
// volume may be nil: its outlines are then all there is. It returns nil where
// nothing is compared.
func DrawComparison(before, after *volume.Volume, c *comparison.Comparison) (*ComparisonFigures, error) {
	path := comparedPath(c)
	if len(path) == 0 {
		return nil, nil
	}
	frame := sagittalFrame(path)
	back := c.Match.Registration.Global.Inverse()
	out := &ComparisonFigures{before: frame, after: frame}
	out.before.title, out.after.title = "Before: "+examinationName(c.Before), "After: "+examinationName(c.After)
	if before != nil {
		if err := out.before.sample(before.Canonical(), func(x, y float64) (r3.Vec, r3.Vec) {
			p, across := frame.at(x, y)
			return back.Apply(p), back.Rotate(across)
		}); err != nil {
			return nil, err
		}
	}
	if after != nil {
		if err := out.after.sample(after.Canonical(), frame.at); err != nil {
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

// sagittalFrame returns a picture without an image that follows a path from side to
// side.
func sagittalFrame(path []r3.Vec) view {
	anterior, posterior := math.Inf(1), math.Inf(-1)
	for _, p := range path {
		anterior, posterior = min(anterior, p.Y), max(posterior, p.Y)
	}
	const inFront, behind = 45.0, 60.0 // mm of the centres: the body, and canal and arch
	anterior -= inFront
	posterior += behind
	path = slices.Clone(path)
	slices.SortFunc(path, func(p, q r3.Vec) int {
		if p.Z > q.Z {
			return -1
		}
		return 1
	})
	top := path[0].Z + comparedEnds
	return view{
		width: posterior - anterior, height: top - path[len(path)-1].Z + comparedEnds,
		place: func(p r3.Vec) (x, y float64) { return p.Y - anterior, top - p.Z },
		at: func(x, y float64) (r3.Vec, r3.Vec) {
			z := top - y
			return r3.Vec{X: lateral(path, z), Y: anterior + x, Z: z}, r3.Vec{X: 1}
		},
	}
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
	p := comparedPicture{
		Title: v.title, Class: class, Alt: v.title + ": sagittal picture with the bodies' outlines",
		Width: coordinate(v.width), Height: coordinate(v.height), FullSpan: coordinate(v.width + comparedNamesMM),
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
