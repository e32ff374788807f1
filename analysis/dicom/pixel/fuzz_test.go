// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

const (
	jpegExtended     = "1.2.840.10008.1.2.4.51"
	jpegLSLossless   = "1.2.840.10008.1.2.4.80"
	jpeg2000Lossless = "1.2.840.10008.1.2.4.90"
)

// fuzzTime is far more than a frame of fuzzFormat takes, sanitizers and a busy
// machine included.
const fuzzTime = 30 * time.Second

func FuzzDecodeRLE(f *testing.F) {
	f.Add(rleFrame([]byte{1, 1, 2, 128, 254, 9}, []byte{252, 7}), uint8(1), uint8(5), uint8(16), true, false)
	fuzzDecode(f, rleLossless)
}

func FuzzDecodeJPEGLossless(f *testing.F) {
	for predictor := 1; predictor <= 7; predictor++ {
		format := gray(8, 8, 12)
		e := losslessEncoder{format, predictor, predictor % 2, predictor % 3, [][]int{{0}}}
		f.Add(e.encode(phantom(format)), uint8(8), uint8(8), uint8(12), true, false)
	}
	format := phantomFormats[5].format
	format.Rows, format.Columns = 8, 8
	e := losslessEncoder{format, 7, 0, 0, [][]int{{0}, {1, 2}}}
	f.Add(e.encode(phantom(format)), uint8(8), uint8(8), uint8(8), false, true)
	fuzzDecode(f, jpegLossless)
}

func FuzzDecodeJPEG(f *testing.F) {
	addStreams(f, "*.jpg")
	fuzzDecode(f, jpegExtended)
}

func FuzzDecodeJPEGLS(f *testing.F) {
	addStreams(f, "*.jls")
	fuzzDecode(f, jpegLSLossless)
}

func FuzzDecodeJPEG2000(f *testing.F) {
	addStreams(f, "*.j2k")
	fuzzDecode(f, jpeg2000Lossless)
}

// addStreams adds the streams of 16×16 samples in testdata, whose name tells
// what they hold.
func addStreams(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds in testdata: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		colour := filepath.Base(file)[0] == 'c'
		bits := uint8(16)
		switch {
		case colour:
			bits = 8
		case filepath.Ext(file) == ".jpg":
			bits = 12
		}
		f.Add(data, uint8(16), uint8(16), bits, false, colour)
	}
}

// fuzzDecode checks that a frame decodes, or is refused for its own fault,
// within its time.
func fuzzDecode(f *testing.F, transferSyntax string) {
	f.Helper()
	f.Fuzz(func(t *testing.T, frame []byte, rows, columns, bits uint8, signed, colour bool) {
		format := gray(int(rows), int(columns), int(bits))
		format.Signed = signed
		if colour {
			format.SamplesPerPixel = 3
		}
		ctx, cancel := context.WithTimeout(t.Context(), fuzzTime)
		defer cancel()
		dst := make([]int32, format.Rows*format.Columns*format.SamplesPerPixel)
		err := pixel.Decode(ctx, transferSyntax, frame, format, dst)
		if err != nil && !errors.Is(err, pixel.ErrCorrupt) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Decode = %v", err)
		}
	})
}
