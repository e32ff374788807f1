// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Picture returns frame n, from 1, as it is to be looked at: an *image.Gray or an
// *image.RGBA. A window that is not nil stands instead of the image's own. It fails
// with errors.ErrUnsupported for colour that it does not know.
func (m *Image) Picture(ctx context.Context, n int, window *Window) (image.Image, error) {
	switch p := m.Native().PhotometricInterpretation; {
	case m.Format.SamplesPerPixel == 3 && (p == "RGB" || p == "YBR_FULL"):
		return m.colour(ctx, n, p)
	case m.Format.SamplesPerPixel == 1 && p == "PALETTE COLOR":
		return m.palette(ctx, n)
	case m.Format.SamplesPerPixel == 1:
		return m.grey(ctx, n, window)
	default:
		return nil, fmt.Errorf("photometric interpretation with %d samples: %w", m.Format.SamplesPerPixel, errors.ErrUnsupported)
	}
}

func (m *Image) bounds() image.Rectangle { return image.Rect(0, 0, m.Format.Columns, m.Format.Rows) }

// grey applies modality LUT, VOI LUT or window, and the presentation's polarity.
func (m *Image) grey(ctx context.Context, n int, window *Window) (image.Image, error) {
	samples, err := m.Decode(ctx, n)
	if err != nil {
		return nil, err
	}
	display := m.display(n, window, samples)
	picture := image.NewGray(m.bounds())
	for i, s := range samples {
		picture.Pix[i] = display(s)
	}
	return picture, nil
}

// display returns what makes a grey value of a sample. Values of up to 16 bits are
// looked up.
func (m *Image) display(n int, window *Window, samples []int32) func(int32) byte {
	modality := m.modality(n)
	voi := m.voi(n, window, modality, samples)
	invert := m.inverted()
	show := func(s int32) byte {
		grey := byte(math.Round(math.MaxUint8 * min(max(voi(modality(s)), 0), 1)))
		if invert {
			return math.MaxUint8 - grey
		}
		return grey
	}
	const tableBits = 16
	if m.Format.BitsStored > tableBits || len(samples) < 1<<12 {
		return show
	}
	var known [1 << tableBits]bool
	var table [1 << tableBits]byte
	return func(s int32) byte {
		i := uint16(s)
		if !known[i] {
			known[i], table[i] = true, show(s)
		}
		return table[i]
	}
}

// inverted reports whether small values are bright: PresentationLUTShape says so, or
// else MONOCHROME1.
func (m *Image) inverted() bool {
	switch m.attributes.Value(tag.PresentationLUTShape) {
	case "INVERSE":
		return true
	case "IDENTITY":
		return false
	}
	return m.Format.PhotometricInterpretation == "MONOCHROME1"
}

// colour returns a picture of three samples a pixel.
func (m *Image) colour(ctx context.Context, n int, interpretation string) (image.Image, error) {
	samples, err := m.Decode(ctx, n)
	if err != nil {
		return nil, err
	}
	full := float64(int64(1)<<m.Format.BitsStored - 1)
	picture := image.NewRGBA(m.bounds())
	for i := range len(samples) / 3 {
		a, b, c := float64(samples[3*i])/full, float64(samples[3*i+1])/full, float64(samples[3*i+2])/full
		if interpretation == "YBR_FULL" { // PS3.3 C.7.6.3.1.2
			b, c = b-(full+1)/2/full, c-(full+1)/2/full
			a, b, c = a+1.402*c, a-0.344136*b-0.714136*c, a+1.772*b
		}
		copy(picture.Pix[4*i:], []byte{eight(a), eight(b), eight(c), math.MaxUint8})
	}
	return picture, nil
}

// eight returns a value of [0, 1] in eight bits.
func eight(v float64) byte { return byte(math.Round(math.MaxUint8 * min(max(v, 0), 1))) }

// palette returns a picture whose samples are numbers of colours. PS3.3 C.7.9.
func (m *Image) palette(ctx context.Context, n int) (image.Image, error) {
	var tables [3]*lut
	for i, t := range [...][2]tag.Tag{
		{tag.RedPaletteColorLookupTableDescriptor, tag.RedPaletteColorLookupTableData},
		{tag.GreenPaletteColorLookupTableDescriptor, tag.GreenPaletteColorLookupTableData},
		{tag.BluePaletteColorLookupTableDescriptor, tag.BluePaletteColorLookupTableData},
	} {
		if tables[i] = m.lut(m.attributes, t[0], t[1]); tables[i] == nil {
			return nil, fmt.Errorf("palette: %w", errors.ErrUnsupported)
		}
	}
	samples, err := m.Decode(ctx, n)
	if err != nil {
		return nil, err
	}
	picture := image.NewRGBA(m.bounds())
	for i, s := range samples {
		for c, t := range tables {
			picture.Pix[4*i+c] = eight(t.at(float64(s)) / t.full)
		}
		picture.Pix[4*i+3] = math.MaxUint8
	}
	return picture, nil
}
