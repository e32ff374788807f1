// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/nifti"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// places returns where the images of an origin lie.
func places(o *dicom.Origin) []r3.Vec {
	var all []r3.Vec
	for _, m := range o.Images {
		all = append(all, m.Position)
	}
	return all
}

// The label map has the level of a body at every pixel of it, on the slices of the
// images, and nothing elsewhere.
func TestLabelMapOfWritten(t *testing.T) {
	for name, g := range geometries() {
		o, r := origin(t, g), column()
		d, err := New(o, r, provenance)
		s := read(t, written(t, d, err))
		m, err := s.LabelMap(t.Context(), places(o))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		segments, frames, err := collect(o, gridOf(o), r)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[uint16]int{}
		for _, l := range m.Labels {
			counts[l]++
		}
		want := map[uint16]int{}
		ix := m.Indexer()
		for _, f := range frames {
			level := uint16(levelOf(&Segment{Label: segments[f.segment].label, Type: segments[f.segment].kind, Region: segments[f.segment].region}))
			if level == 0 {
				continue
			}
			for _, run := range f.runs {
				want[level] += run.to - run.from
				for at := run.from; at < run.to && g.SliceOffsets == nil; at++ {
					p := r3.Add(o.Images[f.image].Position, r3.Add(r3.Scale(float64(at%g.Columns), g.Column), r3.Scale(float64(at/g.Columns), g.Row)))
					i, j, k := ix.Index(p)
					n := (int(math.Round(k))*m.Rows+int(math.Round(j)))*m.Columns + int(math.Round(i))
					if m.Labels[n] != level {
						t.Fatalf("%s: label %d at %v, want %d", name, m.Labels[n], p, level)
					}
				}
			}
		}
		if g.SliceOffsets != nil {
			if m.Slices < len(o.Images) || m.SliceOffsets != nil {
				t.Errorf("%s: %d slices of %d images, offsets %v", name, m.Slices, len(o.Images), m.SliceOffsets)
			}
			for level, n := range want {
				_, _, step := m.Spacing()
				// A body has some nine images; one more or less is what resampling may do.
				if got, want := float64(counts[level])*step, float64(n)*3; math.Abs(got/want-1) > 0.12 {
					t.Errorf("%s: %v has %.0f, want %.0f pixels × mm", name, spine.Level(level), got, want)
				}
			}
			continue
		}
		if m.Slices != len(o.Images) {
			t.Errorf("%s: %d slices of %d images", name, m.Slices, len(o.Images))
		}
		for level, n := range want {
			if counts[level] != n {
				t.Errorf("%s: %d voxels of %v, want %d", name, counts[level], spine.Level(level), n)
			}
		}
	}
}

// Without the images, the list of them tells whether there are more beyond the frames.
func TestLabelMapTellsWhereImagesEnd(t *testing.T) {
	g := geometries()["plain"]
	o := origin(t, g)
	d, err := New(o, column(), provenance)
	s := read(t, written(t, d, err))
	bare := func(s *Segmentation) *volume.LabelMap {
		m, err := s.LabelMap(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, last := g.Slices, 0
	for _, f := range s.Frames {
		k := o.Nearest(f.Position)
		first, last = min(first, k), max(last, k)
	}
	if first == 0 || last == g.Slices-1 {
		t.Fatal("the bodies reach the outermost images")
	}
	if m := bare(s); m.Slices != last-first+3 || r3.Norm(r3.Sub(m.Origin, o.Images[first-1].Position)) > 1e-6 {
		t.Errorf("%d slices from %v, want %d from %v", m.Slices, m.Origin, last-first+3, o.Images[first-1].Position)
	}
	// The list ends with the last frame's image: there the vertebra may be cut.
	s.sources = s.sources[:last+1]
	if m := bare(s); m.Slices != last-first+2 {
		t.Errorf("%d slices, want %d", m.Slices, last-first+2)
	}
	s.sources = nil
	if m := bare(s); m.Slices != last-first+1 {
		t.Errorf("%d slices without a list, want %d", m.Slices, last-first+1)
	}
}

func TestNoVertebra(t *testing.T) {
	r := column()
	for i := range r.Vertebrae {
		r.Vertebrae[i].Surface = nil
	}
	d, err := New(origin(t, geometries()["plain"]), r, provenance)
	s := read(t, written(t, d, err))
	if _, err := s.LabelMap(t.Context(), nil); !errors.Is(err, ErrNoVertebra) {
		t.Errorf("%v, want ErrNoVertebra", err)
	}
}

// stored is a way to store a mask.
type stored struct {
	kind   Kind
	bits   int
	syntax string
	sparse bool // frames without a pixel left out
}

// masked writes a label map as others do: a segment a label, told by its name alone,
// without sources or indices.
func masked(t testing.TB, m *volume.LabelMap, how stored) []byte {
	t.Helper()
	d := &dataset.Dataset{}
	d.Text(tag.SOPClassUID, "UI", map[Kind]string{Binary: segmentationStorage, Fractional: segmentationStorage, LabelMap: labelMapSegmentationStorage}[how.kind])
	d.Text(tag.SOPInstanceUID, "UI", "1.2.3")
	d.Text(tag.SegmentationType, "CS", string(how.kind))
	d.Ints(tag.Rows, "US", m.Rows)
	d.Ints(tag.Columns, "US", m.Columns)
	d.Ints(tag.BitsAllocated, "US", how.bits)
	d.Ints(tag.BitsStored, "US", how.bits)
	d.Ints(tag.HighBit, "US", how.bits-1)
	d.Ints(tag.MaximumFractionalValue, "US", 200)
	d.Ints(tag.PixelRepresentation, "US", 0)
	d.Ints(tag.SamplesPerPixel, "US", 1)
	var segments []*dataset.Dataset
	number := map[uint16]int{}
	for l := spine.C1; l <= spine.T13; l++ {
		item := &dataset.Dataset{}
		item.Ints(tag.SegmentNumber, "US", len(segments)+1)
		item.Text(tag.SegmentLabel, "LO", "vertebrae_"+l.String())
		segments = append(segments, item)
		number[uint16(l)] = len(segments)
	}
	d.Sequence(tag.SegmentSequence, segments...)
	d.Sequence(tag.SharedFunctionalGroupsSequence, sharedGroups(m.Geometry))
	frames, pixels := maskFrames(m, how, number)
	d.Ints(tag.NumberOfFrames, "IS", len(frames))
	d.Sequence(tag.PerFrameFunctionalGroupsSequence, frames...)
	return encoded(t, d, how, pixels)
}

func sharedGroups(g volume.Geometry) *dataset.Dataset {
	orientation, measures, shared := &dataset.Dataset{}, &dataset.Dataset{}, &dataset.Dataset{}
	c, r := r3.Unit(g.Column), r3.Unit(g.Row)
	orientation.Floats(tag.ImageOrientationPatient, "DS", c.X, c.Y, c.Z, r.X, r.Y, r.Z)
	measures.Floats(tag.PixelSpacing, "DS", r3.Norm(g.Row), r3.Norm(g.Column))
	shared.Sequence(tag.PlaneOrientationSequence, orientation)
	shared.Sequence(tag.PixelMeasuresSequence, measures)
	return shared
}

// maskFrames returns the functional groups and the values of all frames.
func maskFrames(m *volume.LabelMap, how stored, number map[uint16]int) (groups []*dataset.Dataset, pixels [][]int) {
	size := m.Rows * m.Columns
	labels := []uint16{0} // of which each gets frames of its own
	if how.kind != LabelMap {
		labels = nil
		for l := uint16(1); l <= uint16(spine.T13); l++ {
			labels = append(labels, l)
		}
	}
	for _, l := range labels {
		for k := range m.Slices {
			values := make([]int, size)
			any := false
			for n, x := range m.Labels[k*size : (k+1)*size] {
				switch {
				case how.kind == LabelMap:
					values[n] = number[x]
				case x == l && how.kind == Fractional:
					values[n] = 100 + n%101 // from a half on
				case x == l:
					values[n] = 1
				case how.kind == Fractional:
					values[n] = n % 100 // less than a half
				}
				any = any || x != 0 && (how.kind == LabelMap || x == l)
			}
			if how.sparse && !any {
				continue
			}
			p := m.Position(0, 0, float64(k))
			position, own := &dataset.Dataset{}, &dataset.Dataset{}
			position.Floats(tag.ImagePositionPatient, "DS", p.X, p.Y, p.Z)
			own.Sequence(tag.PlanePositionSequence, position)
			if how.kind != LabelMap {
				identification := &dataset.Dataset{}
				identification.Ints(tag.ReferencedSegmentNumber, "US", number[l])
				own.Sequence(tag.SegmentIdentificationSequence, identification)
			}
			groups, pixels = append(groups, own), append(pixels, values)
		}
	}
	return groups, pixels
}

// encoded puts the pixels into the data set and writes it.
func encoded(t testing.TB, d *dataset.Dataset, how stored, pixels [][]int) []byte {
	t.Helper()
	var native []byte
	fragments := [][]byte{nil}
	at := 0
	for _, values := range pixels {
		var planes [2][]byte
		for _, x := range values {
			switch {
			case how.bits == 1:
				if at%8 == 0 {
					native = append(native, 0)
				}
				native[at/8] |= byte(x) << (at % 8)
				at++
			case how.bits == 8:
				native = append(native, byte(x))
			default:
				native = append(native, byte(x), byte(x>>8))
			}
			planes[0], planes[1] = append(planes[0], byte(x>>8)), append(planes[1], byte(x))
		}
		fragments = append(fragments, packed(planes[2-max(how.bits/8, 1):]))
	}
	const rle = "1.2.840.10008.1.2.5"
	if how.syntax == rle {
		d.Put(dataset.Element{Tag: tag.PixelData, VR: "OB", Fragments: fragments})
	} else {
		d.Put(dataset.Element{Tag: tag.PixelData, VR: "OB", Value: native})
	}
	b := written(t, d, nil)
	if how.syntax == rle {
		// The meta information is of explicit little endian, whose UID is longer.
		b = bytes.Replace(b, []byte("1.2.840.10008.1.2.1\x00"), []byte(rle+"\x00"), 1)
	}
	return b
}

// packed returns planes of bytes in DICOM's RLE, without any run. PS3.5 annex G.
func packed(planes [][]byte) []byte {
	head := make([]byte, 64)
	head[0] = byte(len(planes))
	var body []byte
	for n, plane := range planes {
		offset := 64 + len(body)
		head[4+4*n], head[5+4*n], head[6+4*n] = byte(offset), byte(offset>>8), byte(offset>>16)
		for len(plane) > 0 {
			k := min(len(plane), 128)
			body = append(append(body, byte(k-1)), plane[:k]...)
			plane = plane[k:]
		}
		if len(body)%2 == 1 {
			body = append(body, 0x80)
		}
	}
	return append(head, body...)
}

// A mask gives the same label map however it is stored.
func TestMasksOfManyKinds(t *testing.T) {
	m := &volume.LabelMap{Geometry: geometries()["tilted"]}
	m.Labels = make([]uint16, m.Columns*m.Rows*m.Slices)
	for n := range m.Labels {
		k, j, i := n/(m.Columns*m.Rows), n/m.Columns%m.Rows, n%m.Columns
		if k >= 3 && k < 27 && k%8 > 1 && math.Hypot(float64(i-40), float64(j-40)) < 20 {
			m.Labels[n] = uint16(spine.T12) + uint16(k/8)
		}
	}
	const rle = "1.2.840.10008.1.2.5"
	for name, how := range map[string]stored{
		"bits":                     {Binary, 1, "", false},
		"bits, sparse":             {Binary, 1, "", true},
		"binary bytes in RLE":      {Binary, 8, rle, true},
		"fractions":                {Fractional, 8, "", false},
		"fractions in RLE":         {Fractional, 8, rle, true},
		"label map":                {LabelMap, 8, "", true},
		"label map of 16 bits":     {LabelMap, 16, "", false},
		"label map of 16 bits RLE": {LabelMap, 16, rle, true},
	} {
		s := read(t, masked(t, m, how))
		got, err := s.LabelMap(t.Context(), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ix := got.Indexer()
		wrong, labelled := 0, 0
		for n, want := range m.Labels {
			i, j, k := ix.Index(m.Position(float64(n%m.Columns), float64(n/m.Columns%m.Rows), float64(n/(m.Columns*m.Rows))))
			have := uint16(0)
			if kk := int(math.Round(k)); kk >= 0 && kk < got.Slices {
				have = got.Labels[(kk*got.Rows+int(math.Round(j)))*got.Columns+int(math.Round(i))]
			}
			if have != want {
				wrong++
			}
			if have != 0 {
				labelled++
			}
		}
		if wrong > 0 || labelled < 10000 {
			t.Errorf("%s: %d of %d voxels differ, %d are labelled", name, wrong, len(m.Labels), labelled)
		}
	}
}

// An expert's mask gives the same numbers as Segmentation as it gives as NIfTI.
func TestSameNumbersAsFromNIfTI(t *testing.T) {
	path := shared(t, "data/masks/verse004")
	files, err := filepath.Glob(filepath.Join(path, "*.nii.gz"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: %q", err, files)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := nifti.ReadLabels(f)
	if err != nil {
		t.Fatal(err)
	}
	want, err := analysis.MeasureLabels(t.Context(), m, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := read(t, masked(t, m, stored{Binary, 1, "", true}))
	images := make([]r3.Vec, m.Slices)
	for k := range images {
		images[k] = m.Position(0, 0, float64(k))
	}
	labels, err := s.LabelMap(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	got, err := analysis.MeasureLabels(t.Context(), labels, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Vertebrae) != len(want.Vertebrae) || len(want.Vertebrae) < 7 {
		t.Fatalf("%d vertebrae, want %d", len(got.Vertebrae), len(want.Vertebrae))
	}
	for i := range want.Vertebrae {
		g, w := &got.Vertebrae[i], &want.Vertebrae[i]
		if g.Level != w.Level || g.Status != w.Status || (g.Heights == nil) != (w.Heights == nil) {
			t.Errorf("%v %v, want %v %v", g.Level, g.Status, w.Level, w.Status)
			continue
		}
		if w.Heights == nil {
			continue
		}
		const rounding = 1e-4 // mm; a DS has at most 16 characters
		off := max(math.Abs(g.Heights.Anterior-w.Heights.Anterior), math.Abs(g.Heights.Middle-w.Heights.Middle), math.Abs(g.Heights.Posterior-w.Heights.Posterior))
		if off > rounding || g.Deformity.Grade != w.Deformity.Grade {
			t.Errorf("%v: heights differ by %.2g mm, grade %d, want %d", w.Level, off, g.Deformity.Grade, w.Deformity.Grade)
		}
	}
}

// A liver that 3D Slicer wrote with dcmqi, from which all frames but one were taken and
// not what stands of them: what belongs to what is not known.
func TestRefusesFramesWithoutPixels(t *testing.T) {
	b, err := os.ReadFile(shared(t, "data/dicom/odd/liver_1frame.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Read(bytes.NewReader(b), int64(len(b)))
	if e, ok := errors.AsType[*dicom.InvalidAttributeError](err); !ok || e.Keyword != "PerFrameFunctionalGroupsSequence" {
		t.Errorf("%v, want an invalid PerFrameFunctionalGroupsSequence", err)
	}
}

// shared returns the path of development data, or skips.
func shared(t testing.TB, path string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	path = filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("development data absent: %v", err)
	}
	return path
}
