// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"math"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	made "github.com/endplate/endplate/analysis/dicom/dataset"
)

// What is derived from images that were compressed with loss says so, and how.
func TestLossyCompressionIsTold(t *testing.T) {
	lossy := func(k int) dataset {
		return identified(k).with(tag.LossyImageCompression, text("CS", "01")).
			with(tag.LossyImageCompressionRatio, text("DS", `4.5\10`)).
			with(tag.LossyImageCompressionMethod, text("CS", `ISO_15444_1\ISO_10918_1`))
	}
	for _, tt := range []struct {
		slice                   func(int) dataset
		compressed, ratio, ways string
	}{
		{identified, "00", "", ""},
		{func(k int) dataset { return lossy(k).with(tag.LossyImageCompression, text("CS", "00")) }, "00", "", ""},
		{lossy, "01", `4.5\10`, `ISO_15444_1\ISO_10918_1`},
		{func(k int) dataset { return identified(k).with(tag.LossyImageCompression, text("CS", "01")) }, "01", "", ""},
	} {
		d := &made.Dataset{}
		originOf(t, files(explicitLittle, tt.slice(0), tt.slice(1), tt.slice(2))).PutLossyImageCompression(d)
		join := func(of tag.Tag) string {
			e, _ := d.Find(of)
			return string(e.Value)
		}
		if got := d.Value(tag.LossyImageCompression); got != tt.compressed || join(tag.LossyImageCompressionRatio) != tt.ratio || join(tag.LossyImageCompressionMethod) != tt.ways {
			t.Errorf("told %q, ratio %q, method %q; want %+v", got, join(tag.LossyImageCompressionRatio), join(tag.LossyImageCompressionMethod), tt)
		}
	}
}

// A transfer syntax that always loses tells of it where the attribute is missing, by its
// method and by how much smaller the image is; one that may lose does not.
func TestLossyTransferSyntaxesTell(t *testing.T) {
	for syntax, method := range map[string]string{
		"1.2.840.10008.1.2.4.50": "ISO_10918_1", "1.2.840.10008.1.2.4.51": "ISO_10918_1", "1.2.840.10008.1.2.4.81": "ISO_14495_1",
		"1.2.840.10008.1.2.4.57": "", "1.2.840.10008.1.2.4.70": "", "1.2.840.10008.1.2.4.80": "",
		"1.2.840.10008.1.2.4.90": "", "1.2.840.10008.1.2.4.91": "", "1.2.840.10008.1.2.4.201": "", "1.2.840.10008.1.2.4.203": "", rleLossless: "",
	} {
		bytes := 2
		if syntax == "1.2.840.10008.1.2.4.50" {
			bytes = 1
		}
		slice := func(k int) dataset {
			d := identified(k).with(tag.PixelData, encapsulated(nil, make([]byte, 20)))
			if bytes == 1 {
				d = d.with(tag.BitsAllocated, words(8)).with(tag.BitsStored, words(8)).with(tag.HighBit, words(7))
			}
			return d
		}
		sources := files(syntax, slice(0), slice(1), slice(2))
		d := &made.Dataset{}
		originOf(t, sources).PutLossyImageCompression(d)
		compressed, ratio := "00", 0.0
		if method != "" {
			compressed, ratio = "01", math.Floor(10*float64(bytes*testRows*testColumns)/float64(sources[0].Size))/10
		}
		got, _ := d.Number(tag.LossyImageCompressionRatio)
		if d.Value(tag.LossyImageCompression) != compressed || d.Value(tag.LossyImageCompressionMethod) != method || got != ratio {
			t.Errorf("%s: %q by %q, ratio %g; want %q by %q, %g", syntax, d.Value(tag.LossyImageCompression), d.Value(tag.LossyImageCompressionMethod), got, compressed, method, ratio)
		}
	}
}
