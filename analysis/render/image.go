// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"github.com/endplate/endplate/analysis/volume"
)

// Options say how a picture looks.
type Options struct {
	Window    Window  // Spine if zero
	Thickness float64 // of the slab that the picture is the mean of, mm; 0 is none
	Layers    Layers  // that are drawn over the picture
}

// Render makes a picture: an *image.Gray without layers, an *image.RGBA with any.
// Where there is no image it is black.
func (s *Scene) Render(g *Geometry, opt Options) (image.Image, error) {
	if g.Rows == 0 {
		return nil, fmt.Errorf("picture without pixels: %w", ErrInvalid)
	}
	grey, err := s.grey(g, opt)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	if opt.Layers == 0 {
		return grey, nil
	}
	picture := colored(grey)
	s.draw(picture, s.Overlay(g, opt.Layers), g.PixelSize)
	return picture, nil
}

func (s *Scene) grey(g *Geometry, opt Options) (*image.Gray, error) {
	w := opt.Window
	if w == (Window{}) {
		w = Spine
	}
	if s.canonical == nil {
		return image.NewGray(image.Rect(0, 0, g.Columns, g.Rows)), w.check()
	}
	vol, offsets, err := s.sampled(g, opt.Thickness)
	if err != nil {
		return nil, err
	}
	return Grey(vol, g, offsets, w)
}

// Samples returns the attenuation of each pixel of a picture, HU, rows from the top:
// the mean over a slab of the given thickness, mm, 0 for none. It returns an error
// where there is no image.
func (s *Scene) Samples(g *Geometry, thickness float64) ([]int16, error) {
	if g.Rows == 0 {
		return nil, fmt.Errorf("picture without pixels: %w", ErrInvalid)
	}
	if s.canonical == nil {
		return nil, fmt.Errorf("picture: %w", ErrNoImage)
	}
	vol, offsets, err := s.sampled(g, thickness)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	samples, err := attenuation(vol, g, offsets)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return samples, nil
}

// sampled returns the volume that a picture is sampled from, and the offsets across
// it of which each pixel is the mean.
func (s *Scene) sampled(g *Geometry, thickness float64) (*volume.Volume, []float64, error) {
	offsets, err := Slab(s.canonical, g, thickness)
	if err != nil {
		return nil, nil, err
	}
	if g.native != nil && len(offsets) == 1 {
		return s.single(*g.native), offsets, nil
	}
	return s.canonical, offsets, nil
}

// single returns one slice as it was acquired.
func (s *Scene) single(slice int) *volume.Volume {
	v := *s.acquired
	v.Origin = v.Position(0, 0, float64(slice))
	v.Slices, v.SliceOffsets = 1, nil
	v.Samples = v.Samples[slice*v.Columns*v.Rows:][:v.Columns*v.Rows]
	return &v
}

func colored(grey *image.Gray) *image.RGBA {
	picture := image.NewRGBA(grey.Rect)
	for y := range grey.Rect.Dy() {
		to := picture.Pix[y*picture.Stride:]
		for x, v := range grey.Pix[y*grey.Stride:][:grey.Rect.Dx()] {
			at := to[4*x:][:4:4]
			at[0], at[1], at[2], at[3] = v, v, v, 0xff
		}
	}
	return picture
}

// WritePNG writes a picture as PNG, made for speed rather than size. One of grey is
// written with a palette of greys: the encoder filters the rows of every other kind,
// which takes most of its time and makes the noise of a CT little smaller.
func WritePNG(w io.Writer, picture image.Image) error {
	if grey, ok := picture.(*image.Gray); ok {
		picture = &image.Paletted{Pix: grey.Pix, Stride: grey.Stride, Rect: grey.Rect, Palette: greys()}
	}
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(w, picture); err != nil {
		return fmt.Errorf("png: %w", err)
	}
	return nil
}

func greys() color.Palette {
	p := make(color.Palette, math.MaxUint8+1)
	for i := range p {
		p[i] = color.Gray{uint8(i)}
	}
	return p
}
