// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/endplate/endplate/analysis"
)

// Sizes of what is drawn, pixels.
const (
	textSizePx  = 13.0
	textPadding = 3.0
	rimWidth    = 1.0 // of the dark rim around a point
)

// The radius of a point: large enough to be found, small enough not to hide what it
// is on.
const (
	pointRadiusMM                = 1.1
	leastPointRadius, mostRadius = 1.6, 3.0 // pixels
)

// newFont returns the font of names: Go Bold, which is narrow and clear when small.
func newFont() (*opentype.Font, error) {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, err
	}
	face, err := newFace(f)
	if err != nil {
		return nil, err
	}
	return f, face.Close()
}

func newFace(f *opentype.Font) (font.Face, error) {
	return opentype.NewFace(f, &opentype.FaceOptions{Size: textSizePx, DPI: 72, Hinting: font.HintingFull})
}

// face returns the font at its size, which is not safe for concurrent use.
func (s *Scene) face() font.Face {
	face, err := newFace(s.font)
	if err != nil {
		panic("render: " + err.Error()) // newFont has made one
	}
	return face
}

// Colours. They differ in lightness too, for those who do not tell them apart by hue.
var (
	canalColor    = color.RGBA{0x7b, 0xd8, 0x8f, 0xff}
	cementColor   = color.RGBA{0xff, 0x5f, 0xd2, 0xff}
	bodyColor     = color.RGBA{0x4f, 0xd1, 0xff, 0xff}
	deformedColor = color.RGBA{0xff, 0x8a, 0x80, 0xff}
	faintColor    = color.RGBA{0xa8, 0xb2, 0xbc, 0xff}
	endplateColor = color.RGBA{0xff, 0xb4, 0x54, 0xff}
	pointColor    = color.RGBA{0xff, 0xe7, 0x5c, 0xff}
	textColor     = color.RGBA{0xf2, 0xf4, 0xf6, 0xff}
	rimColor      = color.RGBA{0x00, 0x00, 0x00, 0xff}
	textGround    = color.RGBA{0x00, 0x00, 0x00, 0x90}
)

// colorOf returns what a shape of a vertebra is drawn in: a deformed body and one
// that was not measured stand out from the others.
func (s *Scene) colorOf(shape *Shape) color.RGBA {
	plain := [classes]color.RGBA{canalColor, cementColor, bodyColor, endplateColor, pointColor, textColor, textColor, textColor}[shape.Class]
	if shape.Vertebra < 0 || shape.Class != Body && shape.Class != Label {
		return plain
	}
	v := &s.result.Vertebrae[shape.Vertebra]
	switch d := v.Deformity; {
	case v.Status != analysis.Measured:
		return faintColor
	case d != nil && d.Assessed && d.Grade > 0:
		return deformedColor
	}
	return plain
}

// lineWidth is that of the lines of each class, pixels.
var lineWidth = [classes]float64{Canal: 1.2, Cement: 1.5, Body: 1.4, Endplate: 1.2, Scale: 2}

// draw draws shapes over a picture with pixels of the given size, mm.
func (s *Scene) draw(picture *image.RGBA, shapes []Shape, pixel float64) {
	face := s.face()
	defer face.Close()
	p := painter{picture: picture, cover: make([]uint8, picture.Rect.Dx()*picture.Rect.Dy())}
	radius := min(max(pointRadiusMM/pixel, leastPointRadius), mostRadius)
	for i := range shapes {
		shape := &shapes[i]
		c := s.colorOf(shape)
		switch {
		case shape.Class == Point:
			p.stroke(shape.Points, false, 2*(radius+rimWidth), rimColor)
			p.stroke(shape.Points, false, 2*radius, c)
		case shape.Text != "":
			drawText(picture, face, shape, c)
		default:
			p.stroke(shape.Points, shape.Closed, lineWidth[shape.Class], c)
		}
	}
}

// drawText writes a shape's text into its box.
func drawText(picture *image.RGBA, face font.Face, s *Shape, c color.RGBA) {
	if len(s.Points) < 2 {
		return
	}
	x, y := int(math.Round(s.Points[0].Col)), int(math.Round(s.Points[0].Row))
	right, bottom := int(math.Round(s.Points[1].Col)), int(math.Round(s.Points[1].Row))
	draw.Draw(picture, image.Rect(x, y, right, bottom), image.NewUniform(textGround), image.Point{}, draw.Over)
	d := font.Drawer{
		Dst: picture, Src: image.NewUniform(c), Face: face,
		Dot: fixed.P(x+textPadding, y+face.Metrics().Ascent.Round()),
	}
	d.DrawString(s.Text)
}

// painter draws lines.
type painter struct {
	picture *image.RGBA
	cover   []uint8 // of a line's pixels, 255 is all; zero between lines
}

// stroke draws a polyline of the given width with round ends, or a dot if it is one
// point. A pixel is covered by as much as the line's border lies beyond its centre,
// so that lines are smooth.
func (p *painter) stroke(points []ImagePoint, closed bool, width float64, c color.RGBA) {
	radius := width / 2
	touched := image.Rectangle{}
	last := len(points) - 1
	if closed {
		touched = touched.Union(p.segment(points[last], points[0], radius))
	}
	for i := range max(last, 1) {
		touched = touched.Union(p.segment(points[i], points[min(i+1, last)], radius))
	}
	stride := p.picture.Rect.Dx()
	for y := touched.Min.Y; y < touched.Max.Y; y++ {
		cover := p.cover[y*stride:][:stride]
		pixels := p.picture.Pix[y*p.picture.Stride:]
		for x := touched.Min.X; x < touched.Max.X; x++ {
			if a := int(cover[x]); a > 0 {
				at := pixels[4*x:][:3:3]
				at[0] = over(at[0], c.R, a)
				at[1] = over(at[1], c.G, a)
				at[2] = over(at[2], c.B, a)
				cover[x] = 0
			}
		}
	}
}

func over(below, above uint8, cover int) uint8 {
	return uint8((int(below)*(math.MaxUint8-cover) + int(above)*cover + math.MaxUint8/2) / math.MaxUint8)
}

// segment covers the pixels within radius of a segment and returns where they lie.
func (p *painter) segment(from, to ImagePoint, radius float64) image.Rectangle {
	reach := radius + 1
	part := p.clip(min(from.Col, to.Col)-reach, min(from.Row, to.Row)-reach, max(from.Col, to.Col)+reach, max(from.Row, to.Row)+reach)
	dx, dy := to.Col-from.Col, to.Row-from.Row
	length := dx*dx + dy*dy
	stride := p.picture.Rect.Dx()
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			px, py := float64(x)+0.5-from.Col, float64(y)+0.5-from.Row
			t := 0.0
			if length > 0 {
				t = min(max((px*dx+py*dy)/length, 0), 1)
			}
			px, py = px-t*dx, py-t*dy
			a := min(radius+0.5-math.Sqrt(px*px+py*py), 1)
			if at := &p.cover[y*stride+x]; a > 0 {
				*at = max(*at, uint8(a*math.MaxUint8+0.5))
			}
		}
	}
	return part
}

// clip returns the pixels of a box that lie in the picture.
func (p *painter) clip(left, top, right, bottom float64) image.Rectangle {
	limit := func(x float64, size int) int { return int(min(max(x, 0), float64(size))) }
	size := p.picture.Rect.Size()
	return image.Rect(limit(left, size.X), limit(top, size.Y), limit(right+1, size.X), limit(bottom+1, size.Y))
}
