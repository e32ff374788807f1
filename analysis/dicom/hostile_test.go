// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
)

// explicitElement writes an element with a length that need not be true.
func explicitElement(t tag.Tag, vr string, length uint32, content ...byte) []byte {
	return append(encoderOf(explicitLittle).header(nil, t, vr, length), content...)
}

// after puts bytes behind the meta information of a transfer syntax.
func after(syntax string, b ...[]byte) []byte {
	return append(meta(syntax), slices.Concat(b...)...)
}

var (
	privateTag  = tag.Tag{Group: 0x0009, Element: 0x1001}
	sequenceTag = tag.ReferencedStudySequence
)

// nested opens n sequences in each other.
func nested(n int) []byte {
	one := slices.Concat(
		explicitElement(sequenceTag, "SQ", 0xFFFFFFFF),
		[]byte{0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF},
	)
	return bytes.Repeat(one, n)
}

// deflate packs n zero bytes behind an element header that fits them.
func deflate(n int) []byte {
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, flate.BestSpeed)
	w.Write(explicitElement(privateTag, "OB", uint32(n)))
	zeros := make([]byte, 1<<16)
	for range n / len(zeros) {
		w.Write(zeros)
	}
	w.Close()
	return z.Bytes()
}

// bomb is a zip archive that claims, and has, n zero bytes.
func bomb(n int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("zeros")
	zeros := make([]byte, 1<<16)
	for range n / len(zeros) {
		w.Write(zeros)
	}
	z.Close()
	return b.Bytes()
}

// liar is a zip archive whose only member claims to unpack to n bytes.
func liar(n uint64, content []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestSpeed)
	w.Write(content)
	w.Close()
	raw, _ := z.CreateRaw(&zip.FileHeader{Name: "x", Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: n})
	raw.Write(packed.Bytes())
	z.Close()
	return b.Bytes()
}

// manyShared is an Enhanced CT of n frames of a pixel, with n shared attributes.
func manyShared(n int) []byte {
	d, _ := enhanced(1)
	one := encoderOf(explicitLittle).dataset(nil, dataset{tag.PixelMeasuresSequence: items(dataset{tag.SliceThickness: text("DS", "1")})})
	item := []byte{0xFE, 0xFF, 0x00, 0xE0}
	shared := bytes.Repeat(one, n)
	shared = append(binary.LittleEndian.AppendUint32(slices.Clone(item), uint32(len(shared))), shared...)
	perFrame := bytes.Repeat(append(item, 0, 0, 0, 0), n)
	d[tag.SharedFunctionalGroupsSequence] = value{"SQ", raw{uint32(len(shared)), shared}}
	d[tag.PerFrameFunctionalGroupsSequence] = value{"SQ", raw{uint32(len(perFrame)), perFrame}}
	d[tag.Rows], d[tag.Columns] = words(1), words(1)
	d[tag.NumberOfFrames] = text("IS", fmt.Sprint(n))
	d[tag.PixelData] = octets("OW", make([]byte, 2*n))
	return part10(explicitLittle, d)
}

// attack is a file that has been seen to bring down parsers, or is like one, and
// what is said of it. An empty code means that it reads well.
type attack struct {
	name string
	file []byte
	want dicom.Code
}

// floods are attacks by sheer number.
func floods() []attack {
	return []attack{
		{"a million nested sequences", after(explicitLittle, nested(1<<20)), dicom.CodeMalformed},
		{"a million empty items", after(explicitLittle, explicitElement(sequenceTag, "SQ", 0xFFFFFFFF), bytes.Repeat([]byte{0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0}, 1<<21)), dicom.CodeMalformed},
		{"one attribute 400000 times", after(explicitLittle, bytes.Repeat(explicitElement(tag.ImageType, "CS", 0), 400000), encoderOf(explicitLittle).dataset(nil, axial(0))), ""},
		{"frames times shared attributes", manyShared(20000), dicom.CodeMissingAttribute},
		{"deflated bomb", after(deflated, deflate(1<<28)), dicom.CodeTooLarge},
		{"zip bomb", bomb(1 << 28), dicom.CodeTooLarge},
	}
}

// attacks are the small ones.
func attacks() []attack {
	with := func(t tag.Tag, v value) []byte { return part10(explicitLittle, axial(0).with(t, v)) }
	noPixels := axial(0).with(tag.PixelData, value{})
	unknown := func(length uint32, content []byte) []byte {
		return part10(explicitLittle, axial(0).with(privateTag, value{"UN", raw{length, content}}))
	}
	implicitSQ := []byte{0xFE, 0xFF, 0x00, 0xE0, 0x0A, 0, 0, 0, 0x09, 0, 0x02, 0x10, 2, 0, 0, 0, 'h', 'i', 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0}
	return []attack{
		{"UR of 4 GB", after(explicitLittle, explicitElement(tag.RetrieveURL, "UR", 0xFFFFFFF0, 'x')), dicom.CodeTruncated},
		{"UN of 4 GB", after(explicitLittle, explicitElement(privateTag, "UN", 0xFFFFFFF0, 'x')), dicom.CodeTruncated},
		{"65535×65535, 2147483647 frames", part10(explicitLittle, axial(0).with(tag.Rows, words(65535)).with(tag.Columns, words(65535)).with(tag.NumberOfFrames, text("IS", "2147483647"))), dicom.CodeTruncated},
		{"signed Columns", part10(rleLossless, compressed(1)[0].with(tag.Columns, value{"SS", []uint16{0xFF30}})), dicom.CodeInvalidAttribute},
		{"Rows and Columns of 32 bits", part10(rleLossless, compressed(1)[0].with(tag.Rows, value{"UL", []byte{0, 0, 0, 0x80}}).with(tag.Columns, value{"UL", []byte{0, 0, 0, 0x80}})), dicom.CodeInvalidAttribute},
		{"65535×65535 RLE", part10(rleLossless, compressed(1)[0].with(tag.Rows, words(65535)).with(tag.Columns, words(65535))), dicom.CodeTooLarge},
		{"2147483647 RLE frames", part10(rleLossless, compressed(1)[0].with(tag.NumberOfFrames, text("IS", "2147483647"))), dicom.CodeTruncated},
		{"zip that lies", liar(20<<20, append(part10(explicitLittle, axial(0)), make([]byte, 80000)...)), ""},
		{"zip that lies of meta information", liar(20<<20, append(append(make([]byte, 128), "DICM"...), explicitElement(tag.Tag{Group: 2, Element: 1}, "OB", 90000, make([]byte, 80000)...)...)), dicom.CodeTruncated},
		{"zip that lies grossly", liar(1<<40, part10(explicitLittle, axial(0))), dicom.CodeTooLarge},
		{"Rows as LO", with(tag.Rows, text("LO", "6")), dicom.CodeInvalidAttribute},
		{"Rows empty", with(tag.Rows, words()), dicom.CodeMissingAttribute},
		{"Rows of one byte", with(tag.Rows, octets("US", []byte{6})), dicom.CodeInvalidAttribute},
		{"Rows zero", with(tag.Rows, words(0)), dicom.CodeInvalidAttribute},
		{"sequence of a plain element", with(tag.SharedFunctionalGroupsSequence, value{"SQ", raw{10, explicitElement(tag.Rows, "US", 2, 6, 0)}}), dicom.CodeMalformed},
		{"item beyond its sequence", with(tag.SharedFunctionalGroupsSequence, value{"SQ", raw{8, []byte{0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0, 0, 0}}}), dicom.CodeMalformed},
		{"truncated value", after(explicitLittle, encoderOf(explicitLittle).dataset(nil, noPixels), explicitElement(tag.PixelData, "OW", 60, 1, 2)), dicom.CodeTruncated},
		{"no PixelData", part10(explicitLittle, noPixels), dicom.CodeNoPixelData},
		{"HTJ2K without frame", part10(htj2k, compressed(1)[0].with(tag.PixelData, encapsulated(nil))), ""},
		{"private transfer syntax", part10("1.2.840.113619.5.2", axial(0)), dicom.CodeMalformed},
		{"private compression", part10("1.2.840.113619.5.3", compressed(1)[0]), dicom.CodeUnsupportedTransferSyntax},
		{"empty transfer syntax", part10("", axial(0)), ""},
		{"Thai", with(tag.SpecificCharacterSet, text("CS", "ISO_IR 166")), ""},
		{"unknown character set", with(tag.SpecificCharacterSet, text("CS", "ISO-IR 100")), ""},
		{"OV, UV and SV", part10(explicitLittle, axial(0).with(privateTag, octets("OV", make([]byte, 16))).with(tag.Tag{Group: 0x0009, Element: 0x1002}, octets("UV", make([]byte, 8)))), ""},
		{"UN of undefined length, implicit inside", unknown(0xFFFFFFFF, implicitSQ), ""},
		{"UN of undefined length, no items inside", unknown(0xFFFFFFFF, []byte("rubb\x00\x00\x00\x00")), dicom.CodeMalformed},
		{"NumberOfFrames blank", with(tag.NumberOfFrames, text("IS", " ")), ""},
		{"NumberOfFrames 1A", with(tag.NumberOfFrames, text("IS", "1A")), dicom.CodeInvalidAttribute},
		{"NumberOfFrames -1", with(tag.NumberOfFrames, text("IS", "-1")), dicom.CodeInvalidAttribute},
		{"PixelSpacing not a number", with(tag.PixelSpacing, text("DS", `NaN\1`)), dicom.CodeInvalidAttribute},
		{"PixelSpacing zero", with(tag.PixelSpacing, text("DS", `0\0`)), dicom.CodeInvalidAttribute},
		{"PixelSpacing of one value", with(tag.PixelSpacing, text("DS", `0.5`)), dicom.CodeInvalidAttribute},
		{"ImagePositionPatient infinite", with(tag.ImagePositionPatient, text("DS", `0\0\1e400`)), dicom.CodeInvalidAttribute},
		{"ImageOrientationPatient zero", with(tag.ImageOrientationPatient, text("DS", `0\0\0\0\0\0`)), dicom.CodeInvalidAttribute},
		{"RescaleSlope zero", with(tag.RescaleSlope, text("DS", "0")), dicom.CodeInvalidAttribute},
		{"no rescale, unsigned", part10(explicitLittle, axial(0).with(tag.RescaleSlope, value{}).with(tag.RescaleIntercept, value{})), dicom.CodeMissingAttribute},
		{"colour", with(tag.SamplesPerPixel, words(3)), dicom.CodeInvalidAttribute},
		{"32 bits", with(tag.BitsAllocated, words(32)), dicom.CodeInvalidAttribute},
		{"17 bits stored", with(tag.BitsStored, words(17)), dicom.CodeInvalidAttribute},
		{"native pixels in a compressed syntax", part10(rleLossless, axial(0)), dicom.CodeMalformed},
		{"fragments in a native syntax", part10(explicitLittle, compressed(1)[0]), dicom.CodeMalformed},
		{"preamble only", append(make([]byte, 128), "DICM"...), dicom.CodeMissingAttribute},
		{"nothing", nil, dicom.CodeNotDICOM},
		{"text", []byte(strings.Repeat("SECRET text file\n", 100)), dicom.CodeNotDICOM},
		{"zip of nothing", []byte("PK\x05\x06" + strings.Repeat("\x00", 18)), ""},
		{"half a zip", []byte("PK\x03\x04 and then something else"), dicom.CodeUnreadable},
	}
}

func TestHostile(t *testing.T) {
	for _, tt := range append(attacks(), floods()...) {
		t.Run(tt.name, func(t *testing.T) {
			s := memory("attack", tt.file)
			s.Named = true
			skipped := guarded(t, s, len(tt.file))
			var got dicom.Code
			if len(skipped) > 0 {
				got = skipped[0].Code
			}
			if tt.name == "HTJ2K without frame" { // whether or not HTJ2K is decoded
				if got != dicom.CodeUnsupportedTransferSyntax && got != dicom.CodeCorruptPixelData {
					t.Errorf("got %q: %+v", got, skipped)
				}
				return
			}
			if got != tt.want {
				t.Errorf("got %q, want %q: %+v", got, tt.want, skipped)
			}
			for _, s := range skipped {
				if strings.Contains(s.Reason, "SECRET") {
					t.Errorf("reason holds content of the file: %s", s.Reason)
				}
			}
		})
	}
}

// guarded reads one source and fails the test if that takes long or much memory.
func guarded(t testing.TB, s dicom.Source, size int) []dicom.Skipped {
	t.Helper()
	const (
		// Far more than any takes, on a busy machine and with the race detector.
		maxTime = 20 * time.Second
		// What was allocated in all, freed or not: the fixed tables and buffers
		// of the workers, and a multiple of the input.
		allowance = 24 << 20
		multiple  = 12
	)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, skipped, err := dicom.ReadSeries(t.Context(), each(s), dicom.Options{MinSlices: 1})
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > maxTime {
		t.Errorf("%s: took %v", s.Name, d)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > allowance+multiple*uint64(size) {
		t.Errorf("%s: allocated %d bytes for %d", s.Name, got, size)
	}
	return skipped
}

// TestCutAnywhere cuts files at random places. What is left is refused, or is
// whole but for padding behind the pixels.
func TestCutAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const cuts = 50
	multi, _ := enhanced(5)
	contents := map[string][]byte{
		"explicit":     part10(explicitLittle, axial(0)),
		"implicit":     part10(implicitLittle, axial(0)),
		"big endian":   part10(explicitBig, axial(0)),
		"deflated":     part10(deflated, axial(0)),
		"compressed":   part10(rleLossless, compressed(1)[0]),
		"enhanced":     part10(explicitLittle, multi),
		"archive":      bomb(1 << 20),
		"nested":       after(explicitLittle, nested(20)),
		"deflated big": after(deflated, deflate(1<<20)),
	}
	maps.Copy(contents, sharedContents(t))
	random := rand.New(rand.NewPCG(3, 4))
	for name, b := range contents {
		for range cuts {
			n := random.IntN(len(b))
			s := memory(fmt.Sprintf("%s cut at %d of %d", name, n, len(b)), b[:n])
			s.Named = true
			if skipped := guarded(t, s, len(b)); len(skipped) == 0 && len(b)-n > 1024 && name != "archive" {
				t.Errorf("%s: nothing was said of it", s.Name)
			}
		}
	}
}

// sharedContents returns the shared files worth cutting; none if there are none.
// Slow decoders are left to their own tests.
func sharedContents(t *testing.T) map[string][]byte {
	contents := map[string][]byte{}
	dir := filepath.Join("..", "..", "..", "shared", "data", "dicom")
	if d := os.Getenv("ENDPLATE_SHARED"); d != "" {
		dir = filepath.Join(d, "data", "dicom")
	}
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "tilt-") || strings.Contains(name, "J2K") || strings.Contains(name, "JPEG2000") || strings.Contains(name, "image_dfl") { // the last is a film
			return nil
		}
		if b, err := os.ReadFile(name); err == nil {
			contents[filepath.Base(name)] = b
		}
		return nil
	})
	if len(contents) == 0 {
		t.Log("without the shared data")
	}
	return contents
}

func FuzzRead(f *testing.F) {
	multi, _ := enhanced(2)
	for _, syntax := range []string{explicitLittle, implicitLittle, explicitBig, deflated} {
		f.Add(part10(syntax, axial(0)))
		f.Add(part10(syntax, multi))
		f.Add(encoderOf(syntax).dataset(nil, axial(0)))
	}
	f.Add(part10(rleLossless, compressed(1)[0]))
	f.Add(after(explicitLittle, nested(40)))
	f.Add(liar(1<<20, part10(explicitLittle, axial(0))))
	for _, a := range attacks() {
		if !strings.Contains(a.name, "HTJ2K") { // slow to set up
			f.Add(a.file)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		series, _, err := dicom.ReadSeries(t.Context(), each(memory("f", b)), dicom.Options{MinSlices: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range series {
			const most = 5 << 20 // bytes; see the bounds of the package
			if n := 2 * len(s.Volume.Samples); n > most+256*len(b) {
				t.Errorf("%d bytes of samples from %d", n, len(b))
			}
			if len(s.Slices) != s.Volume.Slices || len(s.Volume.Samples) != s.Volume.Rows*s.Volume.Columns*s.Volume.Slices {
				t.Errorf("sizes disagree: %+v", s.Volume.Geometry)
			}
		}
	})
}

// benchmarkSeries makes 300 slices of 512×512 in memory.
func benchmarkSeries() []dicom.Source {
	const rows, columns, n = 512, 512, 300
	random := rand.New(rand.NewPCG(5, 6))
	pixels := make([]byte, 2*rows*columns)
	for i := range rows * columns {
		binary.LittleEndian.PutUint16(pixels[2*i:], uint16(1024+random.NormFloat64()*60))
	}
	var sources []dicom.Source
	for k := range n {
		d := axial(k).with(tag.Rows, words(rows)).with(tag.Columns, words(columns)).with(tag.PixelData, octets("OW", pixels))
		sources = append(sources, memory(fmt.Sprint(k), part10(explicitLittle, d)))
	}
	return sources
}

func BenchmarkScan(b *testing.B) {
	sources := benchmarkSeries()
	b.ReportAllocs()
	for b.Loop() {
		catalog, err := dicom.Scan(b.Context(), each(sources...), dicom.Options{})
		if err != nil || len(catalog.Stacks) != 1 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(sources)), "µs/slice")
}

func BenchmarkReadSeries(b *testing.B) {
	sources := benchmarkSeries()
	b.SetBytes(300 * 512 * 512 * 2)
	b.ReportAllocs()
	for b.Loop() {
		series, _, err := dicom.ReadSeries(b.Context(), each(sources...), dicom.Options{})
		if err != nil || len(series) != 1 {
			b.Fatal(err)
		}
	}
}
