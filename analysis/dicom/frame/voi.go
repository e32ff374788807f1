// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// Function is how grey values follow from a window. PS3.3 C.11.2.1.3.
type Function string

// The functions.
const (
	Linear      Function = "LINEAR"
	LinearExact Function = "LINEAR_EXACT"
	Sigmoid     Function = "SIGMOID"
)

// Window is a range of values, after the modality LUT, that is shown.
type Window struct {
	Center, Width float64
	Function      Function // Linear if empty
}

// Valid reports whether the window can be used.
func (w Window) Valid() bool {
	finite := !math.IsNaN(w.Center) && !math.IsInf(w.Center, 0) && !math.IsInf(w.Width, 0)
	switch w.Function {
	case "", Linear:
		return finite && w.Width >= 1
	case LinearExact, Sigmoid:
		return finite && w.Width > 0
	}
	return false
}

// grey returns the brightness of a value, in [0, 1] but for what lies outside the
// window.
func (w Window) grey(v float64) float64 {
	switch w.Function {
	case Sigmoid:
		return 1 / (1 + math.Exp(-4*(v-w.Center)/w.Width))
	case LinearExact:
		return (v-w.Center)/w.Width + 0.5
	}
	if w.Width <= 1 { // a threshold: below it black
		if v <= w.Center-0.5 {
			return 0
		}
		return 1
	}
	return (v-(w.Center-0.5))/(w.Width-1) + 0.5
}

// groups returns the data sets that may say something of frame n, the most particular
// first: its functional groups, the shared ones, the image. PS3.3 C.7.6.16.
func (m *Image) groups(n int, sequence tag.Tag) []*dataset.Dataset {
	var all []*dataset.Dataset
	if items := m.attributes.Items(tag.PerFrameFunctionalGroupsSequence); n <= len(items) {
		all = append(all, items[n-1].Item(sequence))
	}
	return append(all, m.attributes.Item(tag.SharedFunctionalGroupsSequence).Item(sequence), m.attributes)
}

// modality returns what makes a value of a sample. PS3.3 C.11.1.
func (m *Image) modality(n int) func(int32) float64 {
	if table := m.lut(m.attributes.Item(tag.ModalityLUTSequence), tag.LUTDescriptor, tag.LUTData); table != nil {
		return func(s int32) float64 { return table.at(float64(s)) }
	}
	for _, s := range m.groups(n, tag.PixelValueTransformationSequence) {
		slope, scaled := s.Number(tag.RescaleSlope)
		intercept, shifted := s.Number(tag.RescaleIntercept)
		if scaled && shifted && slope != 0 {
			return func(s int32) float64 { return slope*float64(s) + intercept }
		}
	}
	return func(s int32) float64 { return float64(s) }
}

// voi returns what makes a brightness of a value: the window that is asked for, the
// image's first, its VOI LUT, or else all that the frame holds.
func (m *Image) voi(n int, asked *Window, modality func(int32) float64, samples []int32) func(float64) float64 {
	if asked != nil {
		return asked.grey
	}
	for _, s := range m.groups(n, tag.FrameVOILUTSequence) {
		center, a := s.Number(tag.WindowCenter)
		width, b := s.Number(tag.WindowWidth)
		if w := (Window{center, width, Function(s.Value(tag.VOILUTFunction))}); a && b && w.Valid() {
			return w.grey
		}
	}
	if table := m.lut(m.attributes.Item(tag.VOILUTSequence), tag.LUTDescriptor, tag.LUTData); table != nil {
		return func(v float64) float64 { return table.at(v) / table.full }
	}
	low, high := modality(slices.Min(samples)), modality(slices.Max(samples))
	low, high = min(low, high), max(low, high)
	if low == high {
		return func(float64) float64 { return 0 }
	}
	return func(v float64) float64 { return (v - low) / (high - low) }
}

// lut is a lookup table. PS3.3 C.11.1.1.1.
type lut struct {
	first  float64
	values []uint16
	full   float64 // the greatest value that there can be
}

// at returns what stands for a value; the ends stand for what lies beyond them.
func (l *lut) at(v float64) float64 {
	i := int(min(max(math.Round(v)-l.first, 0), float64(len(l.values)-1)))
	return float64(l.values[i])
}

// lut reads a lookup table; nil if there is none of whole values.
func (m *Image) lut(d *dataset.Dataset, descriptor, data tag.Tag) *lut {
	about, _ := d.Find(descriptor)
	values, _ := d.Find(data)
	const words, tableEntries = 6, 1 << 16
	if len(about.Value) != words {
		return nil
	}
	order := binary.LittleEndian
	n := int(order.Uint16(about.Value))
	if n == 0 {
		n = tableEntries
	}
	l := &lut{first: float64(order.Uint16(about.Value[2:]))}
	if m.Format.Signed {
		l.first = float64(int16(order.Uint16(about.Value[2:])))
	}
	bits := int(order.Uint16(about.Value[4:]))
	if bits < 1 || bits > 16 {
		return nil
	}
	l.full = float64(int(1)<<bits - 1)
	switch b := values.Value; {
	case len(b) >= 2*n:
		for i := range n {
			l.values = append(l.values, order.Uint16(b[2*i:]))
		}
	case bits == 8 && len(b) >= n: // packed, as C.7.6.3.1.6 allows
		for _, v := range b[:n] {
			l.values = append(l.values, uint16(v))
		}
	default:
		return nil
	}
	return l
}
