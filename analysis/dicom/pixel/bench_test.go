// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"path/filepath"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// BenchmarkDecode gives the rate in bytes of uncompressed frame.
func BenchmarkDecode(b *testing.B) {
	const ct = "transfer-syntaxes/CTImage.dcm"
	for _, bm := range []struct{ name, file string }{
		{"ExplicitLittleEndian", ct + "_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm"},
		{"RLE", ct + "_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm"},
		{"JPEGBaseline", ct + "_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm"},
		{"JPEGExtended", ct + "_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm"},
		{"JPEGLossless", ct + "_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm"},
		{"JPEGLosslessSV1", ct + "_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm"},
		{"JPEGLSLossless", ct + "_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm"},
		{"JPEGLSNearLossless", ct + "_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm"},
		{"JPEG2000Lossless", ct + "_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm"},
		{"JPEG2000", ct + "_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			i := readInstance(b, filepath.Join(sharedData(b), "dicom", bm.file))
			dst := i.samples()
			b.SetBytes(int64(len(dst) * i.format.BitsAllocated / 8))
			b.ReportAllocs()
			for b.Loop() {
				if err := pixel.Decode(b.Context(), i.transferSyntax, i.frame, i.format, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
