// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/pixel"
	"github.com/endplate/endplate/analysis/volume"
)

// rescale maps stored values to HU: slope*stored + intercept. PS3.3 C.11.1.1.2.
type rescale struct {
	slope, intercept float64
}

// paddingRange is the range of stored values that mean "no image here".
// PS3.3 C.7.5.1.1.2.
type paddingRange struct {
	present   bool
	low, high int
}

func readPadding(r record, signed bool) paddingRange {
	value, ok, err := r.integer(tag.PixelPaddingValue)
	if !ok || err != nil {
		return paddingRange{}
	}
	limit, ok, err := r.integer(tag.PixelPaddingRangeLimit)
	if !ok || err != nil {
		limit = value
	}
	value, limit = sixteenBits(value, signed), sixteenBits(limit, signed)
	return paddingRange{present: true, low: min(value, limit), high: max(value, limit)}
}

// sixteenBits reinterprets the low 16 bits of v: the VR of padding values is
// wrong as often as right.
func sixteenBits(v int, signed bool) int {
	if signed {
		return int(int16(v))
	}
	return int(uint16(v))
}

func (p paddingRange) contains(v int) bool { return p.present && v >= p.low && v <= p.high }

// conversion is all that the way from a stored word to HU depends on.
type conversion struct {
	rescale    rescale
	padding    paddingRange
	bitsStored int
	shift      int // HighBit + 1 - BitsStored
	signed     bool
	swapped    bool // the word's bytes are in big-endian order
}

// conversionOf returns the conversion of native words of frame f. Decoded
// samples, which pixel.Decode has shifted and sign-extended, differ only in that.
func (in *instance) conversionOf(f *frame) conversion {
	c := conversion{
		rescale:    f.rescale,
		padding:    in.padding,
		bitsStored: in.format.BitsStored,
		signed:     in.format.Signed,
	}
	if !in.pixels.encapsulated {
		c.shift = in.format.HighBit + 1 - in.format.BitsStored
		c.swapped = in.transferSyntaxUID == explicitVRBigEndian && in.format.BitsAllocated == 16
	}
	return c
}

// table converts words to HU by looking them up.
type table struct {
	conversion
	filled bool
	hus    [1 << 16]int16
}

// prepare makes t ready to convert frames of the given number of pixels. Small
// frames are not worth a table of all words.
func (t *table) prepare(c conversion, pixels int) {
	const worthwhile = len(t.hus) / 8
	if t.conversion != c {
		t.conversion, t.filled = c, false
	}
	if t.filled || pixels < worthwhile {
		return
	}
	for i := range t.hus {
		t.hus[i] = c.hu(uint16(i))
	}
	t.filled = true
}

// hu returns the attenuation of one word, clamped to 16 bits, OutsideHU for
// padding.
func (c conversion) hu(word uint16) int16 {
	if c.swapped {
		word = bits.ReverseBytes16(word)
	}
	v := c.stored(word)
	if c.padding.contains(v) || c.padding.contains(sixteenBits(int(word), c.signed)) {
		return volume.OutsideHU
	}
	// No fused multiply-add, so that all machines round alike.
	hu := math.Round(float64(c.rescale.slope*float64(v)) + c.rescale.intercept)
	return int16(min(max(hu, math.MinInt16), math.MaxInt16))
}

// stored returns the stored value in a word: its BitsStored bits, without what
// may lie above or below them.
func (c conversion) stored(word uint16) int {
	unused := 16 - c.bitsStored
	v := word >> c.shift << unused
	if c.signed {
		return int(int16(v) >> unused)
	}
	return int(v >> unused)
}

// words converts native 16-bit words in the byte order that t was prepared for.
// It panics if src is shorter than 2*len(dst).
func (t *table) words(dst []int16, src []byte) {
	src = src[:2*len(dst)]
	if !t.filled {
		t.each(dst, func(i int) uint16 { return binary.LittleEndian.Uint16(src[2*i:]) })
		return
	}
	for i := range dst {
		dst[i] = t.hus[uint16(src[2*i])|uint16(src[2*i+1])<<8]
	}
}

// octets converts native 8-bit values. It panics if src is shorter than dst.
func (t *table) octets(dst []int16, src []byte) {
	t.each(dst, func(i int) uint16 { return uint16(src[i]) })
}

// samples converts samples of pixel.Decode.
func (t *table) samples(dst []int16, src []int32) {
	t.each(dst, func(i int) uint16 { return uint16(src[i]) })
}

func (t *table) each(dst []int16, word func(i int) uint16) {
	for i := range dst {
		if t.filled {
			dst[i] = t.hus[word(i)]
		} else {
			dst[i] = t.hu(word(i))
		}
	}
}

// native converts one native frame.
func (t *table) native(dst []int16, src []byte, f pixel.Format) {
	if f.BitsAllocated == 8 {
		t.octets(dst, src)
		return
	}
	t.words(dst, src)
}
