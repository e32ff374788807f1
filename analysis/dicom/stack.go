// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// Description identifies a stack of slices.
type Description struct {
	StudyInstanceUID    string
	SeriesInstanceUID   string
	FrameOfReferenceUID string
	Modality            string // CT
	AcquisitionDateTime string // of the first slice, as DT: YYYYMMDDHHMMSS.FFFFFF; may be empty
	SeriesDateTime      string // of the series, or else of the study, as DT; may be empty
	Patient             Patient
	Slices              []Slice
	Warnings            []Warning
}

// Slice names the image that a slice was read from.
type Slice struct {
	SOPClassUID    string
	SOPInstanceUID string
	FrameNumber    int // from 1; 0 for an instance with a single frame
}

// Stack is a set of slices that make up one volume, by their headers.
type Stack struct {
	Description
	Geometry    volume.Geometry
	Acquisition volume.Acquisition // of the first slice

	images   []image
	progress *progress
}

// Name returns the name of the first slice's source.
func (s *Stack) Name() string { return s.images[0].in.content.source.Name }

// image is one frame and where it lies along the normal of its stack.
type image struct {
	in    *instance
	index int // of the frame in the instance
	depth float64
}

func (m image) frame() *frame { return &m.in.frames[m.index] }

func (m image) slice() Slice {
	s := Slice{SOPClassUID: m.in.sopClassUID, SOPInstanceUID: m.in.sopUID}
	if len(m.in.frames) > 1 {
		s.FrameNumber = m.index + 1
	}
	return s
}

// normal returns the direction in which slices are counted: the cross product of
// row and column direction, which is superior for an axial image as a radiologist
// sees it.
func (f *frame) normal() r3.Vec { return r3.Cross(f.along, f.down) }

// Tolerances within which slices are of one stack.
const (
	// orientationTolerance bounds the difference of direction cosines: 0.1°,
	// which moves the edge of a 500 mm image by less than a millimetre.
	orientationTolerance = 2e-3
	// spacingTolerance is relative; 1e-3 of 500 mm is half a millimetre.
	spacingTolerance = 1e-3
	// samePosition is the distance below which slices are at one position, mm;
	// no CT is reconstructed at a tenth of a millimetre.
	samePosition = 0.05
	// strayTolerance is how far a slice may lie beside the line of the others, mm.
	strayTolerance = 0.5
	// maxGroups bounds the stacks sought in a series.
	maxGroups = 256
)

// fits reports whether two frames can belong to one stack.
func (m image) fits(o image) bool { return m.apart(o) == "" }

// apart returns the keyword of an attribute that keeps two frames from being of
// one stack, or an empty string.
func (m image) apart(o image) string {
	a, b := m.frame(), o.frame()
	switch {
	case m.in.format.Rows != o.in.format.Rows:
		return name(tag.Rows)
	case m.in.format.Columns != o.in.format.Columns:
		return name(tag.Columns)
	case m.in.frameOfReferenceUID != o.in.frameOfReferenceUID:
		return name(tag.FrameOfReferenceUID)
	case !near(a.along, b.along) || !near(a.down, b.down):
		return name(tag.ImageOrientationPatient)
	case math.Abs(a.rowStep-b.rowStep) > spacingTolerance*a.rowStep || math.Abs(a.columnStep-b.columnStep) > spacingTolerance*a.columnStep:
		return name(tag.PixelSpacing)
	}
	return ""
}

// near reports whether two unit vectors are of one orientation.
func near(a, b r3.Vec) bool {
	d := r3.Sub(a, b)
	return max(math.Abs(d.X), math.Abs(d.Y), math.Abs(d.Z)) <= orientationTolerance
}

// assemble sorts the instances of one series into stacks of at least minSlices.
// The order of the instances does not matter.
func assemble(series []*instance, minSlices int) (stacks []*Stack, skipped []Skipped) {
	first := series[0]
	skip := func(code Code, images []image, format string, args ...any) {
		skipped = append(skipped, Skipped{
			Name:              images[0].in.content.source.Name,
			StudyInstanceUID:  first.studyUID,
			SeriesInstanceUID: first.seriesUID,
			SOPInstanceUID:    images[0].in.sopUID,
			Instances:         len(images),
			Code:              code,
			Reason:            fmt.Sprintf(format, args...),
		})
	}
	images, localizers := imagesOf(series)
	if len(localizers) > 0 {
		skip(CodeLocalizer, localizers, "localizer")
	}
	var few []image
	groups := group(images)
	for _, g := range groups {
		for _, part := range splitAcquisitions(g, minSlices) {
			runs, warnings, err := arrange(part)
			if err != nil {
				skip(CodeInconsistentPositions, part, "%v", err)
				continue
			}
			for _, run := range runs {
				if len(run) < minSlices {
					few = append(few, run...)
					continue
				}
				stacks = append(stacks, newStack(run, warnings))
			}
		}
	}
	if len(few) > 0 {
		skip(CodeTooFewSlices, few, "slices that make no volume of at least %d: %d%s", minSlices, len(few), oddOnesOut(few, stacks))
	}
	describeSiblings(stacks, groups)
	return stacks, skipped
}

// oddOnesOut says what sets images apart from the largest stack of their series.
func oddOnesOut(few []image, stacks []*Stack) string {
	if len(stacks) == 0 {
		return ""
	}
	largest := slices.MaxFunc(stacks, func(a, b *Stack) int { return cmp.Compare(len(a.images), len(b.images)) })
	if keyword := few[0].apart(largest.images[0]); keyword != "" {
		return ", unlike the others by " + keyword
	}
	return ", apart from the others by ImagePositionPatient"
}

// imagesOf lists the frames in an order that depends on nothing but them.
func imagesOf(series []*instance) (images, localizers []image) {
	slices.SortFunc(series, func(a, b *instance) int {
		return cmp.Or(strings.Compare(a.sopUID, b.sopUID), strings.Compare(a.content.source.Name, b.content.source.Name))
	})
	for _, in := range series {
		for i := range in.frames {
			m := image{in: in, index: i}
			if m.frame().localizer {
				localizers = append(localizers, m)
			} else {
				images = append(images, m)
			}
		}
	}
	return images, localizers
}

// group puts together what can belong to one stack.
func group(images []image) [][]image {
	var groups [][]image
	for _, m := range images {
		i := slices.IndexFunc(groups, func(g []image) bool { return g[0].fits(m) })
		switch {
		case i >= 0:
			groups[i] = append(groups[i], m)
		case len(groups) < maxGroups:
			groups = append(groups, []image{m})
		default:
			last := len(groups) - 1 // too mixed to make sense of; none of it will be a stack
			groups[last] = append(groups[last], m)
		}
	}
	for _, g := range groups {
		sortByDepth(g)
	}
	return groups
}

func sortByDepth(images []image) {
	normal := images[0].frame().normal()
	for i := range images {
		images[i].depth = r3.Dot(images[i].frame().position, normal)
	}
	slices.SortStableFunc(images, func(a, b image) int { return cmp.Compare(a.depth, b.depth) })
}

// splitAcquisitions separates acquisitions that cover the same region, such as the
// phases of a contrast study: where positions repeat, or where acquisitions
// interleave, it looks for an attribute that takes them apart.
func splitAcquisitions(images []image, minSlices int) [][]image {
	keys := []func(*frame) string{
		func(f *frame) string { return f.acquisitionNumber },
		func(f *frame) string { return f.temporalPosition },
		func(f *frame) string { return f.imageType },
		func(f *frame) string { return f.acquisition.ConvolutionKernel },
		func(f *frame) string { return f.dateTime },
	}
	if !hasDuplicates(images) {
		keys = keys[:1]
		if !interleaved(images, keys[0]) {
			return [][]image{images}
		}
	}
	for _, key := range keys {
		parts := split(images, key)
		whole := !slices.ContainsFunc(parts, func(p []image) bool { return hasDuplicates(p) || len(p) < minSlices })
		if len(parts) > 1 && whole {
			return parts
		}
	}
	return [][]image{images}
}

// hasDuplicates reports whether sorted images hold two at one position.
func hasDuplicates(images []image) bool {
	for i := 1; i < len(images); i++ {
		if images[i].depth-images[i-1].depth < samePosition {
			return true
		}
	}
	return false
}

// interleaved reports whether sorted images change between the values of key more
// often than blocks of them one after another would.
func interleaved(images []image, key func(*frame) string) bool {
	const perValue = 4 // a helical scan in two overlapping parts changes twice each
	values := map[string]bool{key(images[0].frame()): true}
	changes := 0
	for i := 1; i < len(images); i++ {
		k := key(images[i].frame())
		values[k] = true
		if k != key(images[i-1].frame()) {
			changes++
		}
	}
	return len(values) > 1 && changes > perValue*len(values)
}

// split parts images by the value of key, in the order of first appearance.
func split(images []image, key func(*frame) string) [][]image {
	var parts [][]image
	index := map[string]int{}
	for _, m := range images {
		k := key(m.frame())
		i, ok := index[k]
		if !ok {
			i = len(parts)
			index[k] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], m)
	}
	return parts
}

// newStack describes sorted images on one line.
func newStack(images []image, warnings []Warning) *Stack {
	first := images[0]
	s := &Stack{
		Description: Description{
			StudyInstanceUID:    first.in.studyUID,
			SeriesInstanceUID:   first.in.seriesUID,
			FrameOfReferenceUID: first.in.frameOfReferenceUID,
			Modality:            "CT",
			AcquisitionDateTime: first.frame().dateTime,
			SeriesDateTime:      first.in.dateTime,
			Patient:             first.in.patient,
			Slices:              make([]Slice, len(images)),
			Warnings:            slices.Clone(warnings),
		},
		Acquisition: first.frame().acquisition,
		images:      images,
	}
	for i, m := range images {
		s.Slices[i] = m.slice()
	}
	var more []Warning
	s.Geometry, more = geometry(images)
	s.Warnings = append(s.Warnings, more...)
	s.Warnings = append(s.Warnings, headerWarnings(images)...)
	return s
}

// headerWarnings tells of a series that does not say which it is, and of values
// that may not be HU.
func headerWarnings(images []image) []Warning {
	var warnings []Warning
	if images[0].in.seriesUID == "" {
		warnings = append(warnings, Warning{CodeMissingAttribute, "no SeriesInstanceUID; slices put together by their geometry alone"})
	}
	if slices.ContainsFunc(images, func(m image) bool { return m.in.assumedHU }) {
		warnings = append(warnings, Warning{CodeAssumedRescale, "no RescaleSlope and RescaleIntercept; stored values taken as Hounsfield units"})
	}
	switch t := images[0].in.rescaleType; t {
	case "", "HU", "US": // US, unspecified, is what many scanners write for HU
	default:
		warnings = append(warnings, Warning{CodeRescaleType, phrase.Of("RescaleType is %s, not HU", t)})
	}
	return warnings
}

// ofImages reports whether newStack derives warnings of this code from its images.
func ofImages(c Code) bool {
	switch c {
	case CodeGantryTilt, CodeUnevenSlices, CodeSliceGap, CodeAssumedRescale, CodeRescaleType, CodeMissingAttribute:
		return true
	}
	return false
}

// describeSiblings warns in each stack of a series that it is not the only one.
func describeSiblings(stacks []*Stack, groups [][]image) {
	orientations := 0
	for i, g := range groups {
		if !slices.ContainsFunc(groups[:i], func(o []image) bool {
			return near(o[0].frame().along, g[0].frame().along) &&
				near(o[0].frame().down, g[0].frame().down)
		}) {
			orientations++
		}
	}
	for _, s := range stacks {
		if orientations > 1 {
			s.Warnings = append(s.Warnings, Warning{CodeMixedOrientation, phrase.Of("the series has slices of %d orientations", orientations)})
		}
		if len(stacks) > 1 {
			s.Warnings = append(s.Warnings, Warning{CodeSeveralStacks, phrase.Of("one of %d stacks of the series", len(stacks))})
		}
	}
}
