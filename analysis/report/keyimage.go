// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/volume"
)

// KeyImage is a picture of an examination with all that was found in it: outlines,
// points, levels and, beside each body, its heights and its grade. It names no patient.
type KeyImage struct {
	Name    string // "sagittal", "straightened" or "film"
	Title   string
	Picture *image.RGBA
	View    image.Image // the part of Picture without its words beside
}

// What a key image shows.
const (
	keyPixelMM = 0.5 // size of pixels, unless the picture would have more rows than keyRows
	keyRows    = 900
	keySlabMM  = 6.0 // of which a pixel is the mean, as in figures
)

// KeyImages returns the sagittal picture that follows the bodies from side to side, and
// the one straightened along the canal where there is one; of a film the film. by names the program. They
// are none where nothing can be drawn.
func KeyImages(vol *volume.Volume, result *analysis.Result, by string) ([]KeyImage, error) {
	if vol == nil || len(result.Vertebrae) == 0 || len(render.SpinePath(result)) == 0 {
		return nil, nil
	}
	scene, err := render.New(vol, result)
	if err != nil {
		return nil, fmt.Errorf("key image: %w", err)
	}
	field := render.Field{PixelSize: keyPixelMM, MaxRows: keyRows}
	views := []struct {
		name, title string
		view        func() (render.Geometry, error)
	}{
		{"sagittal", "Sagittal, following the vertebral bodies from side to side", func() (render.Geometry, error) { return alongBodies(result, field) }},
		{"straightened", "Sagittal, straightened along the canal", func() (render.Geometry, error) { return scene.Straightened(render.Sagittal, 0, field) }},
	}
	opt := render.Options{Thickness: keySlabMM, Layers: render.AllLayers}
	switch {
	case result.Film != nil:
		views = views[:1]
		views[0].name, views[0].title = "film", "The film"
		views[0].view = func() (render.Geometry, error) {
			return scene.Plane(render.Sagittal, 0, render.Field{Whole: true, PixelSize: filmPixelMM, MaxRows: keyRows})
		}
		opt = render.Options{Window: filmWindow, Layers: render.AllLayers}
	case len(result.Canal) < 2:
		views = views[:1]
	}
	var all []KeyImage
	for _, v := range views {
		g, err := v.view()
		if err != nil {
			return nil, fmt.Errorf("key image: %w", err)
		}
		picture, err := scene.Render(&g, opt)
		if err != nil {
			return nil, fmt.Errorf("key image: %w", err)
		}
		page, err := newKeyPage(&g, picture, result)
		if err != nil {
			return nil, fmt.Errorf("key image: %w", err)
		}
		all = append(all, KeyImage{v.name, v.title, page.finish(v.title, by+". "+Disclaimer), picture})
	}
	return all, nil
}

// bodyToCanal, mm, is about how far behind the middle of a body its canal runs.
const bodyToCanal = 25.0

// alongBodies returns the sagittal picture through the middles of the bodies, in which
// those of a scoliotic spine lie too, where the canal runs beside them.
func alongBodies(result *analysis.Result, f render.Field) (render.Geometry, error) {
	var path []r3.Vec
	for i := range result.Vertebrae {
		if v := &result.Vertebrae[i]; v.Landmarks != nil && v.Status == analysis.Measured {
			path = append(path, v.Center)
		}
	}
	m := render.AroundSpine()
	m.Anterior, m.Posterior = m.Anterior-bodyToCanal, m.Posterior+bodyToCanal
	m.Ends *= 3 // the path ends in the outermost bodies
	if len(path) == 0 {
		path, m = render.SpinePath(result), render.AroundSpine()
	}
	return render.AlongPath(path, 0, m, f)
}

// Sizes of a key image's text, pixels.
const (
	keyLine   = 18 // height of a line
	keyStrip  = 24 // of a line above and below the picture
	keyMargin = 8
)

// The table's columns: where each ends, from the picture's right border, pixels. Levels
// and remarks begin where they stand.
var keyColumns = [...]struct {
	title string
	right int
}{{"Ha", 88}, {"Hm", 128}, {"Hp", 168}, {"± SD", 204}, {"mm", 232}, {"Genant", 288}}

// keyRemark is where remarks begin, keyInstead those on a body without numbers.
const keyRemark, keyInstead = 300, 52

// keyPage is a key image in the making: the picture, and a table on its right with a
// line beside each body.
type keyPage struct {
	letters *render.Lettering
	picture image.Image
	lines   []keyText // of the table
	width   int       // of the table
}

// keyText is a line of the table.
type keyText struct {
	y      int // of its middle, in the picture
	cells  [len(keyColumns)]string
	level  string
	remark string
	color  color.RGBA
}

var keyColors = map[tone]color.RGBA{
	plain:    {0xf2, 0xf4, 0xf6, 0xff},
	faint:    {0xa8, 0xb2, 0xbc, 0xff},
	doubtful: {0xff, 0xd9, 0x7a, 0xff},
	deformed: {0xff, 0x8a, 0x80, 0xff},
}

func newKeyPage(g *render.Geometry, picture image.Image, result *analysis.Result) (*keyPage, error) {
	letters, err := render.NewLettering()
	if err != nil {
		return nil, err
	}
	p := &keyPage{letters: letters, picture: picture, width: keyRemark}
	for i := range result.Vertebrae {
		v := &result.Vertebrae[i]
		at, _ := g.ImagePoint(v.Center)
		r := newRow(v)
		t := keyText{y: int(min(max(at.Row, 0), float64(g.Rows))), level: r.Level, remark: keyRemarks(v), color: keyColors[r.Tone]}
		t.cells = [...]string{r.Ha, r.Hm, r.Hp, r.SD, "", r.Grade}
		p.lines = append(p.lines, t)
		p.width = max(p.width, t.remarkAt()+p.letters.Width(t.remark))
	}
	p.width += keyMargin
	p.spread(g.Rows)
	return p, nil
}

// spread moves lines down where they would stand on the one above, and up again from
// the lower border.
func (p *keyPage) spread(rows int) {
	for i := range p.lines {
		least := keyLine / 2
		if i > 0 {
			least = p.lines[i-1].y + keyLine
		}
		p.lines[i].y = max(p.lines[i].y, least)
	}
	most := max(rows, len(p.lines)*keyLine) - keyLine/2
	for i := len(p.lines) - 1; i >= 0; i-- {
		p.lines[i].y = min(p.lines[i].y, most)
		most = p.lines[i].y - keyLine
	}
}

// keyRemarks is what is said of a vertebra beside its numbers.
func keyRemarks(v *analysis.Vertebra) string {
	var remarks []string
	if v.Status != analysis.Measured {
		remarks = append(remarks, words(statusNames[v.Status]))
	}
	if d := v.Deformity; d != nil && d.Assessed {
		if d.Grade > 0 {
			remarks = append(remarks, words(shapeNames[d.Shape]))
		}
		if d.VertebraPlana {
			remarks = append(remarks, "vertebra plana")
		}
	}
	if c := v.Cement; c != nil {
		remarks = append(remarks, fmt.Sprintf("cement %.1f ± %.1f ml%s", c.Volume, c.VolumeSD, keyLeaks(c.Leaks)))
	}
	if v.Metal != nil {
		remarks = append(remarks, "metal")
	}
	return strings.Join(remarks, ", ")
}

func keyLeaks(leaks []cement.Leak) string {
	if len(leaks) == 0 {
		return ""
	}
	names := make([]string, len(leaks))
	for i, l := range leaks {
		names[i] = l.Place.String()
	}
	return " (leak: " + strings.Join(names, ", ") + ")"
}

// remarkAt returns where the remark of a line begins, from the picture's border.
func (t *keyText) remarkAt() int {
	if t.cells == [len(keyColumns)]string{} {
		return keyInstead
	}
	return keyRemark
}

// finish draws the page, with a line above and one below.
func (p *keyPage) finish(above, below string) *image.RGBA {
	b := p.picture.Bounds()
	table := max(b.Dx(), keyMargin+p.letters.Width(above)) + keyMargin
	width := max(table+p.width, p.letters.Width(below)+2*keyMargin)
	height := max(b.Dy(), len(p.lines)*keyLine)
	page := image.NewRGBA(image.Rect(0, 0, width, height+2*keyStrip))
	draw.Draw(page, page.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(page, b.Sub(b.Min).Add(image.Pt(0, keyStrip)), p.picture, b.Min, draw.Src)
	p.letters.Write(page, keyMargin, keyStrip/2, above, keyColors[plain])
	p.letters.Write(page, keyMargin, page.Rect.Dy()-keyStrip/2, below, keyColors[faint])
	for _, c := range keyColumns {
		p.letters.Write(page, table+c.right-p.letters.Width(c.title), keyStrip/2, c.title, keyColors[faint])
	}
	for _, t := range p.lines {
		y := keyStrip + t.y
		p.letters.Write(page, table, y, t.level, t.color)
		for n, cell := range t.cells {
			p.letters.Write(page, table+keyColumns[n].right-p.letters.Width(cell), y, cell, t.color)
		}
		p.letters.Write(page, table+t.remarkAt(), y, t.remark, t.color)
	}
	return page
}
