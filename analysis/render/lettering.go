// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// Lettering writes beside pictures in the font in which they name things.
type Lettering struct{ face font.Face }

// NewLettering returns it at the size that it has in pictures. It may not be used by
// several at once.
func NewLettering() (*Lettering, error) {
	f, err := newFont()
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	face, err := newFace(f)
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	return &Lettering{face}, nil
}

// Width returns how wide a text is, pixels.
func (l *Lettering) Width(text string) int { return font.MeasureString(l.face, text).Ceil() }

// Write writes a text from x on, with its middle at y.
func (l *Lettering) Write(dst draw.Image, x, y int, text string, c color.Color) {
	m := l.face.Metrics()
	d := font.Drawer{
		Dst: dst, Src: image.NewUniform(c), Face: l.face,
		Dot: fixed.P(x, y+(m.Ascent.Round()-m.Descent.Round())/2),
	}
	d.DrawString(text)
}
