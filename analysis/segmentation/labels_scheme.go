// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// LabelScheme is a numbering of vertebrae in label maps.
type LabelScheme uint8

// The schemes.
const (
	// UnknownScheme is no known numbering.
	UnknownScheme LabelScheme = iota
	// VerSe numbers C1…C7 1…7, T1…T12 8…19, L1…L6 20…25, S1 26, the coccyx 27 and
	// T13 28, as spine.Level does.
	VerSe
	// TotalSegmentator numbers, in version 2 of its task "total", the sacrum 25,
	// S1 26 and L5…C1 27…50; its other labels are organs.
	TotalSegmentator
)

// String returns the name of the data set or program that the scheme is from.
func (s LabelScheme) String() string {
	switch s {
	case VerSe:
		return "VerSe"
	case TotalSegmentator:
		return "TotalSegmentator"
	}
	return "unknown"
}

// Labels of TotalSegmentator's task "total", version 2.
const (
	totalS1  = 26
	totalL5  = 27
	totalT12 = 32
	totalC7  = 44
	totalC1  = 50
)

// Level returns the level that a label stands for, spine.Unknown for none.
func (s LabelScheme) Level(label uint16) spine.Level {
	switch {
	case s == VerSe && label >= uint16(spine.C1) && label <= uint16(spine.T13):
		return spine.Level(label)
	case s != TotalSegmentator:
		return spine.Unknown
	case label == totalS1:
		return spine.S1
	case label >= totalL5 && label < totalT12:
		return spine.L5 - spine.Level(label-totalL5)
	case label >= totalT12 && label < totalC7:
		return spine.T12 - spine.Level(label-totalT12)
	case label >= totalC7 && label <= totalC1:
		return spine.C7 - spine.Level(label-totalC7)
	}
	return spine.Unknown
}

// DetectLabelScheme tells which numbering a label map uses. The numbers of
// VerSe grow downwards, TotalSegmentator's upwards, so it goes by where the
// labels lie in the patient. It returns UnknownScheme and a reason if neither
// fits, and VerSe if a single vertebra leaves the question open.
func DetectLabelScheme(m *volume.LabelMap) (LabelScheme, error) {
	heights := labelHeights(m)
	verse, total := orderOf(heights, VerSe), orderOf(heights, TotalSegmentator)
	switch {
	case verse.vertebrae == 0 && total.vertebrae == 0:
		return UnknownScheme, ErrNoLabels
	case total.vertebrae > 1 && total.descends && (!verse.descends || total.vertebrae > verse.vertebrae):
		return TotalSegmentator, nil
	case verse.vertebrae == 1 || verse.descends:
		return VerSe, nil
	case total.vertebrae == 1 && verse.vertebrae == 0:
		return TotalSegmentator, nil
	}
	return UnknownScheme, &phrase.Failure{Text: "the labels' numbers do not follow the column: neither VerSe nor TotalSegmentator numbering"}
}

// labelHeights returns the mean z of each label's voxels, LPS mm.
func labelHeights(m *volume.LabelMap) map[uint16]float64 {
	type sum struct{ z, n float64 }
	var sums [totalC1 + 1]sum
	at := 0
	for k := range m.Slices {
		for j := range m.Rows {
			z, dz := m.Position(0, float64(j), float64(k)).Z, m.Column.Z
			for i := range m.Columns {
				if l := m.Labels[at]; l != 0 && l <= totalC1 {
					sums[l].z += z + float64(i)*dz
					sums[l].n++
				}
				at++
			}
		}
	}
	heights := make(map[uint16]float64)
	for l, s := range sums {
		if s.n >= minLabelVoxels {
			heights[uint16(l)] = s.z / s.n
		}
	}
	return heights
}

// labelOrder says how well a scheme explains where labels lie.
type labelOrder struct {
	vertebrae int  // labels that the scheme names
	descends  bool // they descend in the patient as their names do
}

// minOrder is the correlation of level and height below which labels do not
// follow the column. A spine read in its own numbering reaches -0.99, a reversed
// one +0.99, organs' numbers stand in no order.
const minOrder = 0.95

func orderOf(heights map[uint16]float64, s LabelScheme) labelOrder {
	var order, z []float64
	for label := uint16(1); label <= totalC1; label++ {
		h, ok := heights[label]
		if level := s.Level(label); ok && level != spine.Unknown {
			order, z = append(order, level.Order()), append(z, h)
		}
	}
	return labelOrder{len(order), len(order) > 1 && stat.Correlation(order, z, nil) < -minOrder}
}

// LabelLevels returns the map with the numbers of scheme s changed to VerSe's;
// labels that name no vertebra become 0. The geometry is shared, the labels are
// not, unless s is VerSe: then it returns m itself.
func LabelLevels(m *volume.LabelMap, s LabelScheme) *volume.LabelMap {
	if s == VerSe {
		return m
	}
	var levels [1 << 16]uint16
	for label := range levels {
		levels[label] = uint16(s.Level(uint16(label)))
	}
	out := &volume.LabelMap{Geometry: m.Geometry, Labels: make([]uint16, len(m.Labels))}
	for i, l := range m.Labels {
		out.Labels[i] = levels[l]
	}
	return out
}
