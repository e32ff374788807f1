// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// The development data's README states how far each file may be from its
// reference: lossless syntaxes not at all. CT1_JLSN and CT2_JLSN are coded with
// NEAR 4.
var conformanceFiles = []struct {
	file, reference string
	tolerance       int32
}{
	{"transfer-syntaxes/CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm", "transfer-syntaxes/CTImage.dcm", 1},
	{"nema-ct/CT1_JLSL", "nema-ct/CT1_UNC", 0},
	{"nema-ct/CT2_JLSL", "nema-ct/CT2_UNC", 0},
	{"nema-ct/CT1_JLSN", "nema-ct/CT1_UNC", 4},
	{"nema-ct/CT2_JLSN", "nema-ct/CT2_UNC", 4},
	{"transfer-syntaxes/CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm", "transfer-syntaxes/CTImage.dcm", 0},
	{"transfer-syntaxes/CTImage.dcm_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm", "transfer-syntaxes/CTImage.dcm", 5},
	{"nema-ct/CT1_J2KR", "nema-ct/CT1_UNC", 0},
	{"nema-ct/CT2_J2KR", "nema-ct/CT2_UNC", 0},
	{"nema-ct/CT1_RLE", "nema-ct/CT1_UNC", 0},
	{"nema-ct/CT1_JPLL", "nema-ct/CT1_UNC", 0},
	{"nema-ct/CT2_RLE", "nema-ct/CT2_UNC", 0},
	{"nema-ct/CT2_JPLL", "nema-ct/CT2_UNC", 0},
}

func TestDecodeMatchesTheUncompressedOriginal(t *testing.T) {
	dir := filepath.Join(sharedData(t), "dicom")
	for _, tt := range conformanceFiles {
		t.Run(tt.file, func(t *testing.T) {
			want := decodeInstance(t, readInstance(t, filepath.Join(dir, tt.reference)))
			got := decodeInstance(t, readInstance(t, filepath.Join(dir, tt.file)))
			if worst := largestDifference(want, got); worst > tt.tolerance {
				t.Errorf("largest difference %d, want at most %d", worst, tt.tolerance)
			}
		})
	}
}

func decodeInstance(t testing.TB, i *instance) []int32 {
	t.Helper()
	dst := i.samples()
	if err := pixel.Decode(t.Context(), i.transferSyntax, i.frame, i.format, dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

func largestDifference(a, b []int32) int32 {
	if len(a) != len(b) {
		return 1<<31 - 1
	}
	worst := int32(0)
	for i := range a {
		worst = max(worst, a[i]-b[i], b[i]-a[i])
	}
	return worst
}

// A frame cut anywhere before its last sample must not decode.
func TestDecodeRefusesTruncatedFrames(t *testing.T) {
	dir := filepath.Join(sharedData(t), "dicom")
	r := rand.New(rand.NewPCG(1, 1))
	files := []string{
		"transfer-syntaxes/CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm",
		"transfer-syntaxes/CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
	}
	for _, tt := range conformanceFiles {
		files = append(files, tt.file)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			i := readInstance(t, filepath.Join(dir, file))
			last := len(i.frame) - 1 // the last byte may be padding
			if end := bytes.LastIndex(i.frame, []byte{0xFF, 0xD9}); end > last-4 {
				last = end
			}
			cuts := []int{0, 1, 2, last / 2, last - 3, last - 2, last - 1}
			for range 6 {
				cuts = append(cuts, r.IntN(last))
			}
			for _, n := range cuts {
				err := pixel.Decode(t.Context(), i.transferSyntax, i.frame[:n:n], i.format, i.samples())
				if !errors.Is(err, pixel.ErrCorrupt) {
					t.Errorf("Decode of %d bytes of %d = %v, want ErrCorrupt", n, len(i.frame), err)
				}
			}
		})
	}
}

func TestDecodeNamesTheTransferSyntaxItCannotRead(t *testing.T) {
	const mpeg2 = "1.2.840.10008.1.2.4.100"
	err := pixel.Decode(t.Context(), mpeg2, nil, pixel.Format{}, nil)
	unsupported, ok := errors.AsType[*pixel.UnsupportedTransferSyntaxError](err)
	if !ok || unsupported.UID != mpeg2 || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Decode of %s = %v, want an UnsupportedTransferSyntaxError", mpeg2, err)
	}
	if pixel.Supported(mpeg2) {
		t.Errorf("Supported(%s) = true", mpeg2)
	}
}

// A countdown is a context that is cancelled when it has been asked so often.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestDecodeEndsWithItsContext(t *testing.T) {
	dir := filepath.Join(sharedData(t), "dicom", "nema-ct")
	for _, tt := range []struct {
		file  string
		after int // questions: at the start, then in the middle of the frame
	}{
		{"CT1_UNC", 0},
		{"CT1_RLE", 2},
		{"CT1_JPLL", 100},
		{"CT1_JLSL", 100},
		{"CT1_J2KR", 100},
	} {
		t.Run(tt.file, func(t *testing.T) {
			i := readInstance(t, filepath.Join(dir, tt.file))
			ctx := &countdown{t.Context(), tt.after}
			err := pixel.Decode(ctx, i.transferSyntax, i.frame, i.format, i.samples())
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Decode = %v, want context.Canceled", err)
			}
		})
	}
}

// gray returns the format of unsigned monochrome samples that fill their cells.
func gray(rows, columns, bits int) pixel.Format {
	return pixel.Format{
		Rows: rows, Columns: columns, SamplesPerPixel: 1,
		BitsAllocated: (bits + 7) / 8 * 8, BitsStored: bits, HighBit: bits - 1,
		PhotometricInterpretation: "MONOCHROME2",
	}
}
