// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// small is a mask of two levels in a few voxels.
func small(t testing.TB, how stored) []byte {
	t.Helper()
	m := &volume.LabelMap{Geometry: geometries()["plain"]}
	m.Columns, m.Rows, m.Slices = 9, 7, 4
	m.Labels = make([]uint16, 9*7*4)
	for n := range m.Labels {
		m.Labels[n] = []uint16{0, uint16(spine.L1), uint16(spine.L2)}[n%3]
	}
	return masked(t, m, how)
}

// changed returns an object with some of its elements replaced.
func changed(t testing.TB, b []byte, change func(*dataset.Dataset)) []byte {
	t.Helper()
	f, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{Pixels: true})
	if err != nil {
		t.Fatal(err)
	}
	change(&f.Dataset)
	return written(t, &f.Dataset, nil)
}

// What lies about itself is refused, by the attribute, without much memory.
func TestHostile(t *testing.T) {
	sound := small(t, stored{Binary, 1, "", false})
	frame := func(d *dataset.Dataset, n int) *dataset.Dataset {
		return d.Items(tag.PerFrameFunctionalGroupsSequence)[n]
	}
	at := func(d *dataset.Dataset, n int, z float64) {
		frame(d, n).Item(tag.PlanePositionSequence).Floats(tag.ImagePositionPatient, "DS", -38.2, -51.3, z)
	}
	for _, tt := range []struct {
		name   string
		change func(*dataset.Dataset)
		want   string // in the error
	}{
		{"more frames than there are", func(d *dataset.Dataset) { d.Ints(tag.NumberOfFrames, "IS", 100000) }, "PerFrameFunctionalGroupsSequence"},
		{"billions of frames", func(d *dataset.Dataset) { d.Ints(tag.NumberOfFrames, "IS", 2147483647) }, "NumberOfFrames"},
		{"no frames", func(d *dataset.Dataset) { d.Ints(tag.NumberOfFrames, "IS", 0) }, "NumberOfFrames"},
		{"minus frames", func(d *dataset.Dataset) { d.Ints(tag.NumberOfFrames, "IS", -4) }, "NumberOfFrames"},
		{"rows that are not there", func(d *dataset.Dataset) { d.Ints(tag.Rows, "US", 4000) }, "PixelData"},
		{"the largest of frames", func(d *dataset.Dataset) { d.Ints(tag.Rows, "US", 65535); d.Ints(tag.Columns, "US", 65535) }, "65535"},
		{"no rows", func(d *dataset.Dataset) { d.Remove(tag.Rows) }, "Rows"},
		{"no columns", func(d *dataset.Dataset) { d.Ints(tag.Columns, "US", 0) }, "Columns"},
		{"colour", func(d *dataset.Dataset) { d.Ints(tag.SamplesPerPixel, "US", 3) }, "SamplesPerPixel"},
		{"signed", func(d *dataset.Dataset) { d.Ints(tag.PixelRepresentation, "US", 1) }, "PixelRepresentation"},
		{"bits of another kind", func(d *dataset.Dataset) { d.Ints(tag.BitsAllocated, "US", 16) }, "BitsAllocated"},
		{"no kind", func(d *dataset.Dataset) { d.Remove(tag.SegmentationType) }, "SegmentationType"},
		{"another kind", func(d *dataset.Dataset) { d.Text(tag.SegmentationType, "CS", "SURFACE") }, "SegmentationType"},
		{"fractions of nothing", func(d *dataset.Dataset) {
			d.Text(tag.SegmentationType, "CS", "FRACTIONAL")
			d.Ints(tag.BitsAllocated, "US", 8)
			d.Ints(tag.MaximumFractionalValue, "US", 0)
		}, "MaximumFractionalValue"},
		{"no segments", func(d *dataset.Dataset) { d.Remove(tag.SegmentSequence) }, "SegmentSequence"},
		{"a segment twice", func(d *dataset.Dataset) { d.Items(tag.SegmentSequence)[3].Ints(tag.SegmentNumber, "US", 1) }, "SegmentNumber"},
		{"segment 0", func(d *dataset.Dataset) { d.Items(tag.SegmentSequence)[3].Ints(tag.SegmentNumber, "US", 0) }, "SegmentNumber"},
		{"frames of no segment", func(d *dataset.Dataset) {
			frame(d, 2).Item(tag.SegmentIdentificationSequence).Ints(tag.ReferencedSegmentNumber, "US", 99)
		}, "frame 3: invalid ReferencedSegmentNumber"},
		{"no functional groups", func(d *dataset.Dataset) { d.Remove(tag.PerFrameFunctionalGroupsSequence) }, "PerFrameFunctionalGroupsSequence"},
		{"no shared groups", func(d *dataset.Dataset) { d.Remove(tag.SharedFunctionalGroupsSequence) }, "ImageOrientationPatient"},
		{"no position", func(d *dataset.Dataset) { frame(d, 1).Remove(tag.PlanePositionSequence) }, "frame 2: missing ImagePositionPatient"},
		{"a place beyond all", func(d *dataset.Dataset) { at(d, 1, 1e9) }, "ImagePositionPatient"},
		{"no spacing", func(d *dataset.Dataset) {
			d.Item(tag.SharedFunctionalGroupsSequence).Item(tag.PixelMeasuresSequence).Floats(tag.PixelSpacing, "DS", 0, 0)
		}, "PixelSpacing"},
		{"directions that are none", func(d *dataset.Dataset) {
			d.Item(tag.SharedFunctionalGroupsSequence).Item(tag.PlaneOrientationSequence).Floats(tag.ImageOrientationPatient, "DS", 1, 0, 0, 1, 0, 0)
		}, "ImageOrientationPatient"},
		{"no pixels", func(d *dataset.Dataset) { d.Remove(tag.PixelData) }, "PixelData"},
		{"too few pixels", func(d *dataset.Dataset) { d.Bytes(tag.PixelData, "OB", make([]byte, 10)) }, "PixelData"},
		{"no fragments", func(d *dataset.Dataset) {
			d.Put(dataset.Element{Tag: tag.PixelData, VR: "OB", Fragments: [][]byte{}})
		}, "transfer syntax"},
		{"a grid of a kilometre", func(d *dataset.Dataset) { at(d, 0, -43.7+0.06); at(d, 3, 999999) }, "voxels"},
		{"frames that stand askew", func(d *dataset.Dataset) {
			frame(d, 1).Item(tag.PlanePositionSequence).Floats(tag.ImagePositionPatient, "DS", 0, 0, -40)
		}, "one line"},
		{"an image", func(d *dataset.Dataset) { d.Text(tag.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.2") }, "no Segmentation"},
	} {
		b := changed(t, sound, tt.change)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := tryAll(t, b)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error of %q", tt.name, err, tt.want)
		}
		const most = 16 << 20
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("%s: %d bytes taken", tt.name, n)
		}
	}
}

// tryAll reads what there is to read.
func tryAll(t testing.TB, b []byte) error {
	t.Helper()
	s, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	_, err = s.LabelMap(t.Context(), nil)
	return err
}

// What ends early is refused, wherever it ends.
func TestTruncated(t *testing.T) {
	b := small(t, stored{Binary, 1, "", false})
	for n := 0; n < len(b); n += 7 {
		if _, err := Read(bytes.NewReader(b[:n]), int64(n)); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(b))
		}
	}
}

// FuzzRead reads what is almost a Segmentation. What is read has a label map of
// bounded size, or an error.
func FuzzRead(f *testing.F) {
	const rle = "1.2.840.10008.1.2.5"
	for _, how := range []stored{{Binary, 1, "", false}, {Binary, 1, "", true}, {Fractional, 8, rle, true}, {LabelMap, 16, "", false}} {
		f.Add(small(f, how))
	}
	g := geometries()["uneven"]
	g.Columns, g.Rows, g.Slices, g.SliceOffsets = 21, 23, 4, g.SliceOffsets[:4]
	g.Origin = r3.Vec{X: -10, Y: -30, Z: -4}
	d, err := New(origin(f, g), column(), provenance)
	f.Add(written(f, d, err))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		m, err := s.LabelMap(t.Context(), nil)
		switch {
		case err != nil:
			if errors.Is(err, dicom.ErrUnreadable) {
				t.Errorf("an error of reading from memory: %v", err)
			}
		case len(m.Labels) != m.Columns*m.Rows*m.Slices || len(m.Labels) > voxelAllowance+voxelsPerByte*len(b):
			t.Errorf("%d labels on %d × %d × %d, of %d bytes", len(m.Labels), m.Columns, m.Rows, m.Slices, len(b))
		}
	})
}
