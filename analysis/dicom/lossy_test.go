// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
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
