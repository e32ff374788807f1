// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// phantomFormats are the kinds of samples that CT and radiography bring.
var phantomFormats = []struct {
	name   string
	format pixel.Format
}{
	{"8 bits", gray(61, 83, 8)},
	{"12 bits", gray(61, 83, 12)},
	{"12 bits signed", signed(gray(61, 83, 12))},
	{"16 bits", gray(61, 83, 16)},
	{"16 bits signed", signed(gray(61, 83, 16))},
	{"8 bits colour", pixel.Format{
		Rows: 61, Columns: 83, SamplesPerPixel: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7,
		PhotometricInterpretation: "RGB",
	}},
}

// phantom draws a disc over a slope, with noise on half of it and flat areas
// for the run modes; its samples reach both ends of their range.
func phantom(f pixel.Format) []int32 {
	r := rand.New(rand.NewPCG(1, uint64(f.BitsStored)))
	low, high := 0.0, math.Exp2(float64(f.BitsStored))-1
	if f.Signed {
		low, high = -(high+1)/2, (high-1)/2
	}
	samples := make([]int32, 0, f.Rows*f.Columns*f.SamplesPerPixel)
	for y := range f.Rows {
		for x := range f.Columns {
			for c := range f.SamplesPerPixel {
				level := float64(x+3*c) / float64(f.Columns)
				switch {
				case math.Hypot(float64(x-30), float64(y-30)) < 15:
					level = 2 * float64(c%2) // beyond the range: its ends
				case y > 45:
					level = 0.25
				}
				if x > f.Columns/2 {
					level += 0.02 * r.NormFloat64()
				}
				samples = append(samples, int32(math.Round(min(max(low+level*(high-low), low), high))))
			}
		}
	}
	return samples
}

// encoders are other projects' tools that turn a DICOM file into one of the
// given transfer syntax. The tolerance is the largest allowed difference.
var encoders = []struct {
	name      string
	command   string
	tolerance int32
}{
	{"RLE", "dcmcrle", 0},
	{"JPEG lossless SV1", "dcmcjpeg +e1", 0},
	{"JPEG lossless predictor 1", "dcmcjpeg +el +sv 1", 0},
	{"JPEG lossless predictor 2", "dcmcjpeg +el +sv 2", 0},
	{"JPEG lossless predictor 3", "dcmcjpeg +el +sv 3", 0},
	{"JPEG lossless predictor 4", "dcmcjpeg +el +sv 4", 0},
	{"JPEG lossless predictor 5", "dcmcjpeg +el +sv 5", 0},
	{"JPEG lossless predictor 6", "dcmcjpeg +el +sv 6", 0},
	{"JPEG lossless predictor 7", "dcmcjpeg +el +sv 7", 0},
	{"JPEG lossless with point transform", "dcmcjpeg +el +sv 4 +pt 2", 3},
	{"JPEG-LS by line", "dcmcjpls +el +il", 0},
	{"JPEG-LS by sample", "dcmcjpls +el +is", 0},
	{"JPEG-LS by component", "dcmcjpls +el +in", 0},
	{"JPEG-LS near 3", "dcmcjpls +en +md 3", 3},
	{"JPEG 2000", "gdcmconv --j2k", 0},
}

func TestDecodeMatchesOtherEncoders(t *testing.T) {
	for _, f := range phantomFormats {
		samples := phantom(f.format)
		original := filepath.Join(t.TempDir(), "original.dcm")
		if err := os.WriteFile(original, part10(f.format, samples), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, e := range encoders {
			t.Run(f.name+"/"+e.name, func(t *testing.T) {
				if strings.Contains(e.command, "+en") && f.format.Signed {
					t.Skip("dcmcjpls codes signed samples losslessly only")
				}
				i := readInstance(t, encode(t, e.command, original))
				if i.transferSyntax == explicitLittleEndian {
					t.Skipf("%s left the samples native", e.command)
				}
				if worst := largestDifference(samples, decodeInstance(t, i)); worst > e.tolerance {
					t.Errorf("largest difference %d, want at most %d", worst, e.tolerance)
				}
			})
		}
	}
}

// encode runs an encoder on a DICOM file and returns its output's path.
func encode(t testing.TB, command, original string) string {
	t.Helper()
	words := strings.Fields(command)
	path, err := exec.LookPath(words[0])
	if err != nil {
		t.Skipf("%s is not installed", words[0])
	}
	encoded := filepath.Join(t.TempDir(), "encoded.dcm")
	out, err := exec.CommandContext(t.Context(), path, append(words[1:], original, encoded)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return encoded
}

// part10 writes samples as a secondary capture in explicit VR little endian.
func part10(f pixel.Format, samples []int32) []byte {
	native := make([]byte, 0, 4*len(samples))
	for _, s := range samples {
		if f.BitsAllocated == 8 {
			native = append(native, byte(s))
		} else {
			native = binary.LittleEndian.AppendUint16(native, uint16(s)&(1<<f.BitsStored-1))
		}
	}
	const secondaryCapture = "1.2.840.10008.5.1.4.1.1.7"
	representation := 0
	if f.Signed {
		representation = 1
	}
	meta := slicesOf(
		element(0x00020001, "OB", []byte{0, 1}),
		element(0x00020002, "UI", secondaryCapture),
		element(0x00020003, "UI", "1.2.3.4"),
		element(0x00020010, "UI", explicitLittleEndian),
		element(0x00020012, "UI", "1.2.3"),
	)
	return slicesOf(
		make([]byte, 128), []byte("DICM"),
		element(0x00020000, "UL", binary.LittleEndian.AppendUint32(nil, uint32(len(meta)))), meta,
		element(0x00080016, "UI", secondaryCapture),
		element(0x00080018, "UI", "1.2.3.4"),
		element(0x0020000D, "UI", "1.2.3.5"),
		element(0x0020000E, "UI", "1.2.3.6"),
		element(0x00280002, "US", f.SamplesPerPixel),
		element(0x00280004, "CS", f.PhotometricInterpretation),
		element(0x00280006, "US", 0),
		element(0x00280010, "US", f.Rows),
		element(0x00280011, "US", f.Columns),
		element(0x00280100, "US", f.BitsAllocated),
		element(0x00280101, "US", f.BitsStored),
		element(0x00280102, "US", f.HighBit),
		element(0x00280103, "US", representation),
		element(0x7FE00010, "OW", native),
	)
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// element writes a data element in explicit VR little endian.
func element(tag uint32, vr string, value any) []byte {
	var v []byte
	switch value := value.(type) {
	case []byte:
		v = value
	case string:
		v = []byte(value)
	case int:
		v = binary.LittleEndian.AppendUint16(nil, uint16(value))
	}
	if len(v)%2 == 1 {
		padding := byte(' ')
		if vr != "CS" {
			padding = 0
		}
		v = append(v, padding)
	}
	e := binary.LittleEndian.AppendUint16(nil, uint16(tag>>16))
	e = binary.LittleEndian.AppendUint16(e, uint16(tag))
	e = append(e, vr...)
	if vr == "OB" || vr == "OW" {
		e = binary.LittleEndian.AppendUint32(append(e, 0, 0), uint32(len(v)))
	} else {
		e = binary.LittleEndian.AppendUint16(e, uint16(len(v)))
	}
	return append(e, v...)
}

// Decoders of the DCT may differ by rounding: T.83 asks for no more than 1.
func TestDecodeMatchesDCMTKOnTheDCT(t *testing.T) {
	for _, tt := range []struct {
		format  pixel.Format
		command string
	}{
		{gray(61, 83, 8), "dcmcjpeg +eb"},
		{phantomFormats[5].format, "dcmcjpeg +eb +s4"},
		{gray(61, 83, 8), "dcmcjpeg +ee"},
		{gray(61, 83, 12), "dcmcjpeg +ee"},
		{gray(61, 83, 12), "dcmcjpeg +ee +q 30"},
	} {
		original := filepath.Join(t.TempDir(), "original.dcm")
		if err := os.WriteFile(original, part10(tt.format, phantom(tt.format)), 0o600); err != nil {
			t.Fatal(err)
		}
		checkDCT(t, encode(t, tt.command, original))
	}
	dir := filepath.Join(sharedData(t), "dicom")
	checkDCT(t, filepath.Join(dir, "odd", "JPGExtended.dcm"))
	const ct = "CTImage.dcm_JPEGProcess"
	checkDCT(t, filepath.Join(dir, "transfer-syntaxes", ct+"1TransferSyntax_1.2.840.10008.1.2.4.50.dcm"))
	checkDCT(t, filepath.Join(dir, "transfer-syntaxes", ct+"2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm"))
}

func checkDCT(t *testing.T, encoded string) {
	t.Helper()
	want := decodeInstance(t, readInstance(t, encode(t, "dcmdjpeg +cn", encoded)))
	if worst := largestDifference(want, decodeInstance(t, readInstance(t, encoded))); worst > 1 {
		t.Errorf("%s: largest difference %d, want at most 1", filepath.Base(encoded), worst)
	}
}

// jpeg2000Encoders make bare codestreams of 16-bit samples. RAW and CODED stand
// for the files.
var jpeg2000Encoders = []struct {
	name, transferSyntax, command string
	tolerance                     int32
}{
	{"tiles", jpeg2000Lossless, "opj_compress -i RAW -o CODED -F 83,61,1,16,u -n 3 -t 40,30", 0},
	{"offsets", jpeg2000Lossless, "opj_compress -i RAW -o CODED -F 83,61,1,16,u -n 3 -t 40,30 -d 5,7 -T 2,3", 0},
	{"small code blocks", jpeg2000Lossless, "opj_compress -i RAW -o CODED -F 83,61,1,16,u -b 8,16 -n 3 -p CPRL", 0},
	{"all code block styles", jpeg2000Lossless, "opj_compress -i RAW -o CODED -F 83,61,1,16,u -M 63", 0},
	{"layers and markers", jpeg2000Lossless, "opj_compress -i RAW -o CODED -F 83,61,1,16,u -r 20,5,1 -SOP -EPH -PLT", 0},
	// 90 dB below the peak of 65535 is an error of 2 in the mean square.
	{"irreversible", jpeg2000Lossless, "opj_compress -i RAW -o CODED -F 83,61,1,16,u -I -q 90", 10},
	{"HTJ2K", htj2kLossless, "ojph_compress -i RAW -o CODED -dims {83,61} -num_comps 1 " +
		"-signed false -bit_depth 16 -downsamp {1,1} -reversible true", 0},
	{"HTJ2K tiles", htj2kLossless, "ojph_compress -i RAW -o CODED -dims {83,61} -num_comps 1 " +
		"-signed false -bit_depth 16 -downsamp {1,1} -reversible true -tile_size {32,48} -prog_order LRCP", 0},
}

func TestDecodeMatchesJPEG2000Encoders(t *testing.T) {
	f := gray(61, 83, 16)
	samples := phantom(f)
	for _, e := range jpeg2000Encoders {
		t.Run(e.name, func(t *testing.T) {
			frame := encodeRaw(t, e.command, part10(f, samples)[len(part10(f, nil)):])
			got := make([]int32, len(samples))
			if err := pixel.Decode(t.Context(), e.transferSyntax, frame, f, got); err != nil {
				t.Fatal(err)
			}
			if worst := largestDifference(samples, got); worst > e.tolerance {
				t.Errorf("largest difference %d, want at most %d", worst, e.tolerance)
			}
		})
	}
}

const htj2kLossless = "1.2.840.10008.1.2.4.201"

// encodeRaw runs an encoder on little-endian samples and returns its output.
func encodeRaw(t testing.TB, command string, native []byte) []byte {
	t.Helper()
	words := strings.Fields(command)
	path, err := exec.LookPath(words[0])
	if err != nil {
		t.Skipf("%s is not installed", words[0])
	}
	// opj_compress knows little-endian samples by rawl, ojph_compress by yuv.
	raw, coded := filepath.Join(t.TempDir(), "samples.rawl"), filepath.Join(t.TempDir(), "samples.j2c")
	if words[0] == "ojph_compress" {
		raw = filepath.Join(t.TempDir(), "samples.yuv")
	}
	if err := os.WriteFile(raw, native, 0o600); err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(strings.NewReplacer("RAW", raw, "CODED", coded).Replace(strings.Join(words[1:], " ")))
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	frame, err := os.ReadFile(coded)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// The real series has no uncompressed original; OpenJPEG's own build stands in.
func TestDecodeMatchesNativeOpenJPEGOnARealSeries(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedData(t), "ct", "ts-j2k", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no series: %v", err)
	}
	tool, err := exec.LookPath("opj_decompress")
	if err != nil {
		t.Skip("opj_decompress is not installed")
	}
	for _, file := range files {
		i := readInstance(t, file)
		dir := t.TempDir()
		coded, raw := filepath.Join(dir, "frame.j2k"), filepath.Join(dir, "frame.rawl")
		if err := os.WriteFile(coded, i.frame, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), tool, "-i", coded, "-o", raw).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		native, err := os.ReadFile(raw)
		if err != nil {
			t.Fatal(err)
		}
		want := i.samples()
		if err := pixel.Decode(t.Context(), explicitLittleEndian, native, i.format, want); err != nil {
			t.Fatal(err)
		}
		if worst := largestDifference(want, decodeInstance(t, i)); worst > 0 {
			t.Errorf("%s: largest difference %d, want 0", filepath.Base(file), worst)
		}
	}
}
