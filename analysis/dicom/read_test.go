// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
)

// wantSamples is what axials(n) hold, HU.
func wantSamples(n int) []int16 {
	var s []int16
	for k := range n {
		for i := range testRows * testColumns {
			s = append(s, int16(1000+100*k+i-1024))
		}
	}
	return s
}

func TestReadSeries(t *testing.T) {
	for _, syntax := range []string{implicitLittle, explicitLittle, explicitBig, deflated} {
		t.Run(syntax, func(t *testing.T) {
			got := one(t, files(syntax, axials(4)...), dicom.Options{})
			want := &dicom.Series{
				Description: dicom.Description{
					StudyInstanceUID:    "1.2",
					SeriesInstanceUID:   "1.2.3",
					FrameOfReferenceUID: "1.2.4",
					Modality:            "CT",
					Slices: []dicom.Slice{
						{ctClass, "1.2.3.1", 0}, {ctClass, "1.2.3.2", 0}, {ctClass, "1.2.3.3", 0}, {ctClass, "1.2.3.4", 0},
					},
				},
				Volume: &volume.Volume{
					Geometry: volume.Geometry{
						Columns: testColumns, Rows: testRows, Slices: 4,
						Origin: r3.Vec{X: 10, Y: 20, Z: 30},
						Column: r3.Vec{X: 0.5}, Row: r3.Vec{Y: 0.75}, Slice: r3.Vec{Z: 2},
					},
					Samples:     wantSamples(4),
					Acquisition: volume.Acquisition{SliceThickness: 2, KVP: 120, Manufacturer: "Acme"},
				},
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrderAndNamesChangeNothing(t *testing.T) {
	want := one(t, files(explicitLittle, axials(9)...), dicom.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		d := axials(9)
		random.Shuffle(len(d), func(i, j int) { d[i], d[j] = d[j], d[i] })
		got := one(t, files(implicitLittle, d...), dicom.Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// TestWithoutMeta reads data sets that begin without preamble and meta
// information, and files whose meta information names no transfer syntax.
func TestWithoutMeta(t *testing.T) {
	for _, syntax := range []string{implicitLittle, explicitLittle, explicitBig} {
		bare := encoderOf(syntax).dataset(nil, axial(0))
		headed := append(append(make([]byte, 128), "DICM"...), encoderOf(explicitLittle).dataset(nil, dataset{
			tag.MediaStorageSOPClassUID: text("UI", ctClass),
		})...)
		headed = append(headed, bare...)
		for name, b := range map[string][]byte{"bare": bare, "headed": headed} {
			got := one(t, []dicom.Source{memory(name, b)}, dicom.Options{MinSlices: 1})
			if diff := cmp.Diff(wantSamples(1), got.Volume.Samples); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, syntax, diff)
			}
		}
	}
}

// TestHounsfield has the stored words and the HU that PS3.3 C.7.6.3.1 and
// C.11.1.1.2 make of them.
func TestHounsfield(t *testing.T) {
	const fill = 0x0400
	for _, tt := range []struct {
		name   string
		change map[tag.Tag]value
		word   uint16
		want   int16
	}{
		{"unsigned", nil, 1064, 40},
		{"signed", map[tag.Tag]value{tag.PixelRepresentation: words(1), tag.RescaleIntercept: text("DS", "0")}, 0xFFD8, -40},
		{"12 bits signed", map[tag.Tag]value{tag.PixelRepresentation: words(1), tag.BitsStored: words(12), tag.HighBit: words(11), tag.RescaleIntercept: text("DS", "0")}, 0x0FD8, -40},
		{"overlay in the high bits", map[tag.Tag]value{tag.BitsStored: words(12), tag.HighBit: words(11)}, 0xF428, 1064 - 1024},
		{"high bit 15 of 12", map[tag.Tag]value{tag.BitsStored: words(12), tag.HighBit: words(15)}, 0x4280, 0x428 - 1024},
		{"slope", map[tag.Tag]value{tag.RescaleSlope: text("DS", "2.5")}, 101, -772}, // -771.5, half rounded away from zero
		{"clamped above", map[tag.Tag]value{tag.RescaleSlope: text("DS", "10")}, 60000, 32767},
		{"clamped below", map[tag.Tag]value{tag.RescaleSlope: text("DS", "-10")}, 60000, -32768},
		{"padding", map[tag.Tag]value{tag.PixelPaddingValue: words(63)}, 63, volume.OutsideHU},
		{"signed padding as US", map[tag.Tag]value{tag.PixelRepresentation: words(1), tag.PixelPaddingValue: words(63536)}, 63536, volume.OutsideHU},
		{"signed padding as SS", map[tag.Tag]value{tag.PixelRepresentation: words(1), tag.PixelPaddingValue: {"SS", []uint16{63536}}}, 63536, volume.OutsideHU},
		{"padding range", map[tag.Tag]value{tag.PixelPaddingValue: words(4000), tag.PixelPaddingRangeLimit: words(4095)}, 4050, volume.OutsideHU},
		{"beside the padding range", map[tag.Tag]value{tag.PixelPaddingValue: words(4000), tag.PixelPaddingRangeLimit: words(4095)}, 4096, 3072},
		{"MONOCHROME1 changes the display only", map[tag.Tag]value{tag.PhotometricInterpretation: text("CS", "MONOCHROME1")}, 1064, 40},
	} {
		for _, size := range []struct {
			syntax string
			side   int // a small image is converted word by word, a large one by a table
		}{{explicitLittle, 6}, {explicitLittle, 128}, {explicitBig, 6}, {explicitBig, 128}, {rleLossless, 6}, {rleLossless, 128}} {
			syntax, side := size.syntax, size.side
			t.Run(fmt.Sprint(tt.name, syntax, side), func(t *testing.T) {
				d := axial(0).with(tag.Rows, words(uint16(side))).with(tag.Columns, words(uint16(side)))
				maps.Copy(d, tt.change)
				pixels := slices.Repeat([]uint16{fill}, side*side)
				pixels[7] = tt.word
				d[tag.PixelData] = value{"OW", pixels}
				if syntax == rleLossless {
					d[tag.PixelData] = encapsulated(nil, rle(pixels))
				}
				got := one(t, files(syntax, d), dicom.Options{MinSlices: 1}).Volume.Samples[7]
				if got != tt.want {
					t.Errorf("stored %#x gives %d HU, want %d", tt.word, got, tt.want)
				}
			})
		}
	}
}

func TestEightBits(t *testing.T) {
	octet := make([]byte, testRows*testColumns)
	for i := range octet {
		octet[i] = byte(i)
	}
	swapped := slices.Clone(octet)
	for i := 0; i < len(swapped); i += 2 {
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
	}
	for _, tt := range []struct {
		syntax, vr string
		pixels     []byte
	}{{explicitLittle, "OB", octet}, {explicitLittle, "OW", octet}, {explicitBig, "OB", octet}, {explicitBig, "OW", swapped}} {
		d := axial(0).with(tag.BitsAllocated, words(8)).with(tag.BitsStored, words(8)).with(tag.HighBit, words(7)).
			with(tag.PixelData, octets(tt.vr, tt.pixels))
		got := one(t, files(tt.syntax, d), dicom.Options{MinSlices: 1}).Volume.Samples
		for i, hu := range got {
			if hu != int16(i)-1024 {
				t.Errorf("%s %s: sample %d is %d HU, want %d", tt.syntax, tt.vr, i, hu, i-1024)
				break
			}
		}
	}
}

// at returns slice k at another position.
func at(k int, x, y, z float64) dataset {
	return axial(k).with(tag.ImagePositionPatient, text("DS", fmt.Sprintf(`%g\%g\%g`, x, y, z)))
}

// codes lists the codes of warnings or skipped entries.
func codes(s *dicom.Series) []dicom.Code {
	var c []dicom.Code
	for _, w := range s.Warnings {
		c = append(c, w.Code)
	}
	return c
}

func skippedCodes(skipped []dicom.Skipped) []dicom.Code {
	var c []dicom.Code
	for _, s := range skipped {
		c = append(c, s.Code)
	}
	return c
}

// TestGeometry compares where the volume puts each slice with the
// ImagePositionPatient that was written.
func TestGeometry(t *testing.T) {
	const tan15 = 0.2679491924311227
	for _, tt := range []struct {
		name      string
		positions []r3.Vec
		want      []dicom.Code
		offsets   []float64
	}{
		{"even", []r3.Vec{{Z: 0}, {Z: 2}, {Z: 4}, {Z: 6}}, nil, nil},
		{"written to a tenth", []r3.Vec{{Z: 0}, {Z: 0.6}, {Z: 1.3}, {Z: 1.9}, {Z: 2.5}}, nil, nil},
		{"tilted", []r3.Vec{{Z: 0}, {Y: 2 * tan15, Z: 2}, {Y: 4 * tan15, Z: 4}}, []dicom.Code{dicom.CodeGantryTilt}, nil},
		{"uneven", []r3.Vec{{Z: 0}, {Z: 2}, {Z: 4}, {Z: 6.8}, {Z: 9.6}}, []dicom.Code{dicom.CodeUnevenSlices}, []float64{0, 2 / 2.4, 4 / 2.4, 6.8 / 2.4, 4}},
		{"one missing", []r3.Vec{{Z: 0}, {Z: 2}, {Z: 4}, {Z: 8}, {Z: 10}}, []dicom.Code{dicom.CodeUnevenSlices, dicom.CodeSliceGap}, []float64{0, 0.8, 1.6, 3.2, 4}},
		{"one beside the line", []r3.Vec{{Z: 0}, {Z: 2}, {Z: 4}, {X: 90, Z: 5}, {Z: 6}, {Z: 8}}, []dicom.Code{dicom.CodeBadSlice}, nil},
		{"one twice", []r3.Vec{{Z: 0}, {Z: 2}, {Z: 4}, {Z: 4}, {Z: 6}}, []dicom.Code{dicom.CodeDuplicatePosition}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d []dataset
			for k, p := range tt.positions {
				d = append(d, at(k, p.X, p.Y, p.Z))
			}
			got := one(t, files(explicitLittle, d...), dicom.Options{})
			if diff := cmp.Diff(tt.want, codes(got)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s%v", diff, got.Warnings)
			}
			if diff := cmp.Diff(tt.offsets, got.Volume.SliceOffsets, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("offsets (-want +got):\n%s", diff)
			}
			for k, s := range got.Slices {
				var i int
				fmt.Sscanf(s.SOPInstanceUID, "1.2.3.%d", &i)
				want := tt.positions[i-1]
				const rounding = 0.06 // mm, of positions written to a tenth
				if d := r3.Norm(r3.Sub(want, got.Volume.Position(0, 0, float64(k)))); d > rounding {
					t.Errorf("slice %d is %.3f mm off %v", k, d, want)
				}
			}
		})
	}
}

// TestOrientation turns the patient: feet first, prone, sagittal. Slices go along
// row × column direction whatever that is.
func TestOrientation(t *testing.T) {
	for _, tt := range []struct {
		orientation string
		step, want  r3.Vec
	}{
		{`1\0\0\0\1\0`, r3.Vec{Z: -3}, r3.Vec{Z: 3}},
		{`-1\0\0\0\1\0`, r3.Vec{Z: 3}, r3.Vec{Z: -3}},
		{`-1\0\0\0\-1\0`, r3.Vec{Z: 3}, r3.Vec{Z: 3}},
		{`0\1\0\0\0\-1`, r3.Vec{X: 3}, r3.Vec{X: -3}},
	} {
		var d []dataset
		for k := range 4 {
			p := r3.Scale(float64(k), tt.step)
			d = append(d, at(k, p.X, p.Y, p.Z).with(tag.ImageOrientationPatient, text("DS", tt.orientation)))
		}
		g := one(t, files(explicitLittle, d...), dicom.Options{}).Volume.Geometry
		if d := r3.Norm(r3.Sub(g.Slice, tt.want)); d > 1e-9 {
			t.Errorf("%s: slice step %v, want %v", tt.orientation, g.Slice, tt.want)
		}
		if r3.Dot(g.Slice, r3.Cross(g.Column, g.Row)) <= 0 {
			t.Errorf("%s: left-handed grid", tt.orientation)
		}
	}
}

// TestSplit has series that hold more than one stack or something beside it.
func TestSplit(t *testing.T) {
	add := func(d []dataset, from int, change func(k int, d dataset) dataset) []dataset {
		for k := range 4 {
			s := change(k, axial(k))
			d = append(d, s.with(tag.SOPInstanceUID, text("UI", fmt.Sprintf("1.2.3.%d", from+k))))
		}
		return d
	}
	for _, tt := range []struct {
		name    string
		sets    []dataset
		want    []int // slices of each stack
		skipped []dicom.Code
	}{
		{"localizer", append(axials(4), axial(9).with(tag.ImageType, text("CS", `ORIGINAL\PRIMARY\LOCALIZER`)).with(tag.PixelSpacing, value{})), []int{4}, []dicom.Code{dicom.CodeLocalizer}},
		{"localizer that does not say so", append(axials(4), axial(9).with(tag.ImageOrientationPatient, text("DS", `1\0\0\0\0\-1`))), []int{4}, []dicom.Code{dicom.CodeTooFewSlices}},
		{"two phases", add(axials(4), 20, func(k int, d dataset) dataset { return d.with(tag.AcquisitionNumber, text("IS", "2")) }), []int{4, 4}, nil},
		{"two kernels", add(axials(4), 20, func(k int, d dataset) dataset { return d.with(tag.ConvolutionKernel, text("SH", "B70f")) }), []int{4, 4}, nil},
		{"two matrices", add(axials(4), 20, func(k int, d dataset) dataset {
			return d.with(tag.Rows, words(testColumns)).with(tag.Columns, words(testRows))
		}), []int{4, 4}, nil},
		{"two frames of reference", add(axials(4), 20, func(k int, d dataset) dataset { return d.with(tag.FrameOfReferenceUID, text("UI", "1.2.5")) }), []int{4, 4}, nil},
		{"two orientations", add(axials(4), 20, func(k int, d dataset) dataset {
			return at(k, 3*float64(k), 0, 0).with(tag.ImageOrientationPatient, text("DS", `0\1\0\0\0\-1`))
		}), []int{4, 4}, nil},
		{"far apart", add(axials(4), 20, func(k int, d dataset) dataset { return at(k, 10, 20, 100+2*float64(k)) }), []int{4, 4}, nil},
		{"twice the same", add(axials(4), 20, func(k int, d dataset) dataset { return d }), []int{4}, nil},
		{"two slices", axials(2), nil, []dicom.Code{dicom.CodeTooFewSlices}},
		{"PET beside it", append(axials(4), axial(8).with(tag.Modality, text("CS", "PT")), axial(9).with(tag.Modality, text("CS", "PT"))), []int{4}, []dicom.Code{dicom.CodeUnsupportedObject}},
		{"secondary capture", append(axials(4), axial(8).with(tag.SOPClassUID, text("UI", "1.2.840.10008.5.1.4.1.1.7"))), []int{4}, []dicom.Code{dicom.CodeUnsupportedObject}},
		{"no pixel spacing", append(axials(4), axial(4).with(tag.PixelSpacing, value{})), []int{4}, []dicom.Code{dicom.CodeMissingAttribute}},
		{"all over the place", []dataset{at(0, 0, 0, 0), at(1, 9, 0, 2), at(2, 0, 7, 4), at(3, 50, 0, 6), at(4, 0, -30, 8)}, nil, []dicom.Code{dicom.CodeInconsistentPositions}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			series, skipped := read(t, files(explicitLittle, tt.sets...), dicom.Options{})
			var got []int
			for _, s := range series {
				got = append(got, s.Volume.Slices)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("slices (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.skipped, skippedCodes(skipped)); diff != "" {
				t.Errorf("skipped (-want +got):\n%s%v", diff, skipped)
			}
		})
	}
}

func TestMixedOrientationIsReported(t *testing.T) {
	d := axials(4)
	for k := range 4 {
		d = append(d, at(10+k, 3*float64(k), 0, 0).with(tag.ImageOrientationPatient, text("DS", `0\1\0\0\0\-1`)))
	}
	series, _ := read(t, files(explicitLittle, d...), dicom.Options{})
	for _, s := range series {
		if want := []dicom.Code{dicom.CodeMixedOrientation, dicom.CodeSeveralStacks}; !slices.Equal(codes(s), want) {
			t.Errorf("warnings %v, want %v", codes(s), want)
		}
	}
}

// TestBadSlice has one bad slice among good ones: found by its header, or only
// when its pixels are decoded.
func TestBadSlice(t *testing.T) {
	const n, bad = 11, 3
	whole := files(rleLossless, compressed(n)...)
	cut := slices.Clone(whole)
	b := part10(rleLossless, compressed(n)[bad])
	cut[bad] = memory("cut", b[:len(b)-20])
	broken := compressed(n)
	broken[bad][tag.PixelData] = encapsulated(nil, []byte("no RLE header"))
	short := files(explicitLittle, axials(n)...)
	b = part10(explicitLittle, axial(bad))
	short[bad] = memory("cut", b[:len(b)-2])
	panicking := files(explicitLittle, axials(n)...)
	b = part10(explicitLittle, axial(bad))
	panicking[bad].Open = func() (io.ReadCloser, error) { return panickingFile{bytes.NewReader(b)}, nil }
	misscaled := axials(n)
	misscaled[bad][tag.RescaleIntercept] = text("DS", "-5000")
	for name, sources := range map[string][]dicom.Source{
		"misscaled":     files(explicitLittle, misscaled...),
		"cut fragments": cut,
		"not RLE":       files(rleLossless, broken...),
		"cut pixels":    short,
		"panic":         panicking,
	} {
		t.Run(name, func(t *testing.T) {
			got := one(t, sources, dicom.Options{})
			want := wantSamples(n)
			slice := testRows * testColumns
			want = slices.Delete(want, bad*slice, (bad+1)*slice)
			if diff := cmp.Diff(want, got.Volume.Samples); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if c := codes(got); !slices.Contains(c, dicom.CodeBadSlice) || !slices.Contains(c, dicom.CodeSliceGap) {
				t.Errorf("warnings %v", got.Warnings)
			}
			if !slices.ContainsFunc(got.Warnings, func(w dicom.Warning) bool { return strings.Contains(w.Message.String(), "1.2.3.4") }) {
				t.Errorf("no warning names the instance: %v", got.Warnings)
			}
			if got.Volume.SliceOffsets == nil || got.Volume.Slices != n-1 || len(got.Slices) != n-1 {
				t.Errorf("%d slices, offsets %v", got.Volume.Slices, got.Volume.SliceOffsets)
			}
		})
	}
}

// A slice may be stored with a rescale of its own, so long as its values go on
// from slice to slice.
func TestRescaleOfASliceAlone(t *testing.T) {
	const n, own = 12, 5
	series := axials(n)
	pixels := slices.Clone(series[own][tag.PixelData].v.([]uint16))
	for i := range pixels {
		pixels[i] += 500
	}
	series[own][tag.PixelData] = value{"OW", pixels}
	series[own][tag.RescaleIntercept] = text("DS", "-1524")
	got := one(t, files(explicitLittle, series...), dicom.Options{})
	if diff := cmp.Diff(wantSamples(n), got.Volume.Samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// panickingFile shows its header, and panics where its pixels are read.
type panickingFile struct{ *bytes.Reader }

func (panickingFile) ReadAt([]byte, int64) (int, error) { panic("no pixels") }

func (panickingFile) Close() error { return nil }

// compressed is axials(n) with RLE pixels.
func compressed(n int) []dataset {
	d := axials(n)
	for k := range d {
		d[k][tag.PixelData] = encapsulated(nil, rle(d[k][tag.PixelData].v.([]uint16)))
	}
	return d
}

// rle encodes 16-bit pixels as literal runs, high bytes first. PS3.5 annex G.
func rle(pixels []uint16) []byte {
	header := make([]byte, 64)
	var body []byte
	binary.LittleEndian.PutUint32(header, 2)
	for segment, shift := range []int{8, 0} {
		binary.LittleEndian.PutUint32(header[4+4*segment:], uint32(64+len(body)))
		for run := range slices.Chunk(pixels, 128) {
			body = append(body, byte(len(run)-1))
			for _, p := range run {
				body = append(body, byte(p>>shift))
			}
		}
		if len(body)%2 == 1 {
			body = append(body, 0x80)
		}
	}
	return append(header, body...)
}

// encapsulated is PixelData with a basic offset table and fragments.
func encapsulated(table []uint32, fragments ...[]byte) value {
	item := func(b, content []byte) []byte {
		b = binary.LittleEndian.AppendUint16(b, 0xFFFE)
		b = binary.LittleEndian.AppendUint16(b, 0xE000)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(content)))
		return append(b, content...)
	}
	var offsets []byte
	for _, o := range table {
		offsets = binary.LittleEndian.AppendUint32(offsets, o)
	}
	b := item(nil, offsets)
	for _, f := range fragments {
		b = item(b, f)
	}
	b = append(b, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0)
	return value{"OB", raw{0xFFFFFFFF, b}}
}

// enhanced is axials(n) as one Enhanced CT instance. The frames stand in reverse
// order, the rescale intercept of frame i is -1024-i.
func enhanced(n int) (d dataset, frames [][]uint16) {
	d = axial(0).with(tag.SOPClassUID, text("UI", enhancedClass)).with(tag.NumberOfFrames, text("IS", fmt.Sprint(n)))
	var perFrame []dataset
	var pixels []uint16
	for i := range n {
		k := n - 1 - i
		frame := axial(k)[tag.PixelData].v.([]uint16)
		frames = append(frames, frame)
		pixels = append(pixels, frame...)
		perFrame = append(perFrame, dataset{
			tag.PlanePositionSequence: items(dataset{tag.ImagePositionPatient: axial(k)[tag.ImagePositionPatient]}),
			tag.PixelValueTransformationSequence: items(dataset{
				tag.RescaleIntercept: text("DS", fmt.Sprint(-1024-i)), tag.RescaleSlope: text("DS", "1"), tag.RescaleType: text("LO", "HU"),
			}),
		})
	}
	d[tag.SharedFunctionalGroupsSequence] = items(dataset{
		tag.PlaneOrientationSequence: items(dataset{tag.ImageOrientationPatient: d[tag.ImageOrientationPatient]}),
		tag.PixelMeasuresSequence:    items(dataset{tag.PixelSpacing: d[tag.PixelSpacing], tag.SliceThickness: text("DS", "3")}),
	})
	d[tag.PerFrameFunctionalGroupsSequence] = items(perFrame...)
	d[tag.PixelData] = value{"OW", pixels}
	for _, t := range []tag.Tag{tag.ImagePositionPatient, tag.ImageOrientationPatient, tag.PixelSpacing, tag.RescaleIntercept, tag.RescaleSlope, tag.SliceThickness} {
		delete(d, t)
	}
	return d, frames
}

// TestMultiframe reads one Enhanced CT in the ways in which its frames can be
// stored. PS3.5 A.4 and PS3.3 C.7.6.3.1.8.
func TestMultiframe(t *testing.T) {
	const n = 40 // more than one worker's share
	d, frames := enhanced(n)
	var encoded, pieces [][]byte
	var starts []uint32
	var offsets, lengths []byte
	at, whole := 0, 0
	for _, f := range frames {
		e := rle(f)
		encoded = append(encoded, e)
		offsets = binary.LittleEndian.AppendUint64(offsets, uint64(whole))
		lengths = binary.LittleEndian.AppendUint64(lengths, uint64(len(e)))
		whole += 8 + len(e)
		starts = append(starts, uint32(at))
		pieces = append(pieces, e[:70], e[70:])
		at += 16 + len(e)
	}
	var want []int16
	for k := range n {
		for i := range testRows * testColumns {
			want = append(want, int16(1000+100*k+i-1024-(n-1-k)))
		}
	}
	for _, tt := range []struct {
		name, syntax string
		d            dataset
	}{
		{"explicit", explicitLittle, d},
		{"implicit", implicitLittle, d},
		{"big endian", explicitBig, d},
		{"deflated", deflated, d},
		{"a fragment a frame", rleLossless, d.with(tag.PixelData, encapsulated(nil, encoded...))},
		{"basic offset table", rleLossless, d.with(tag.PixelData, encapsulated(starts, pieces...))},
		{"extended offset table", rleLossless, d.with(tag.PixelData, encapsulated(nil, encoded...)).
			with(tag.ExtendedOffsetTable, octets("OV", offsets)).with(tag.ExtendedOffsetTableLengths, octets("OV", lengths))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := one(t, files(tt.syntax, tt.d), dicom.Options{})
			if diff := cmp.Diff(want, got.Volume.Samples); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if g := got.Volume.Geometry; g.Origin != (r3.Vec{X: 10, Y: 20, Z: 30}) || g.Slice != (r3.Vec{Z: 2}) {
				t.Errorf("geometry %+v", g)
			}
			if got.Volume.Acquisition.SliceThickness != 3 || got.Slices[0].FrameNumber != n {
				t.Errorf("thickness %v, first slice %+v", got.Volume.Acquisition.SliceThickness, got.Slices[0])
			}
		})
	}
	if _, skipped := read(t, files(rleLossless, d.with(tag.PixelData, encapsulated(nil, pieces...))), dicom.Options{}); len(skipped) != 1 || skipped[0].Code != dicom.CodeMalformed {
		t.Errorf("fragments without a table: %+v", skipped)
	}
}

func TestSources(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for k := range 4 {
		w, err := z.Create(fmt.Sprintf("a/b/%d", k))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(part10(explicitLittle, axial(k)))
	}
	w, _ := z.Create("readme.txt")
	w.Write([]byte("hello"))
	z.Close()
	fsys := fstest.MapFS{
		"disc/DICOMDIR": {Data: append(append(make([]byte, 128), "DICM"...), encoderOf(explicitLittle).dataset(nil, dataset{
			tag.MediaStorageSOPClassUID: text("UI", "1.2.840.10008.1.3.10"), tag.TransferSyntaxUID: text("UI", explicitLittle),
		})...)},
		"disc/IMAGES/x.zip": {Data: archive.Bytes()},
		"disc/notes.pdf":    {Data: []byte("%PDF-1.4 and so on")},
		"disc/empty":        {},
	}
	catalog, err := dicom.Scan(t.Context(), dicom.Files(fsys, "."), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer catalog.Close()
	if len(catalog.Stacks) != 1 || len(catalog.Skipped) != 0 || catalog.NotDICOM != 4 {
		t.Fatalf("%d stacks, skipped %v, %d not DICOM", len(catalog.Stacks), catalog.Skipped, catalog.NotDICOM)
	}
	s, err := catalog.Stacks[0].Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantSamples(4), s.Volume.Samples); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNamedSourceThatIsNotDICOM(t *testing.T) {
	s := memory("notes.txt", []byte("these are notes"))
	s.Named = true
	_, skipped := read(t, []dicom.Source{s}, dicom.Options{})
	if len(skipped) != 1 || skipped[0].Code != dicom.CodeNotDICOM || skipped[0].Name != "notes.txt" {
		t.Errorf("skipped %+v", skipped)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	catalog, err := dicom.Scan(ctx, each(files(explicitLittle, axials(4)...)...), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := catalog.Stacks[0].Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	if _, err := dicom.Scan(ctx, each(), dicom.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Scan: %v", err)
	}
}

func TestProgress(t *testing.T) {
	var last dicom.Progress
	opt := dicom.Options{Progress: func(p dicom.Progress) { last = p }}
	one(t, files(explicitLittle, axials(5)...), opt)
	if want := (dicom.Progress{Reading: true, Done: 5, Total: 5}); last != want {
		t.Errorf("last progress %+v, want %+v", last, want)
	}
}
