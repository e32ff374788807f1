// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// lossyTags tell of a compression that an image cannot be restored from. PS3.3
// C.7.6.1.1.5.
var lossyTags = []tag.Tag{tag.LossyImageCompression, tag.LossyImageCompressionRatio, tag.LossyImageCompressionMethod}

// lossySyntaxes are the transfer syntaxes that never restore an image, with the defined
// term of their method; of others the attribute alone can tell. PS3.5 A.4, PS3.3
// C.7.6.1.1.5.1.
var lossySyntaxes = map[string]string{
	"1.2.840.10008.1.2.4.50": "ISO_10918_1",
	"1.2.840.10008.1.2.4.51": "ISO_10918_1",
	"1.2.840.10008.1.2.4.81": "ISO_14495_1",
}

// lossyOf returns what the header of an image tells of lossy compression: nothing where
// it went through none. A syntax that loses counts where the attribute is missing; the
// approximate ratio is then that of this image.
func lossyOf(head *dataset.Dataset, syntax string, pixels, size int64) *dataset.Dataset {
	lossy := &dataset.Dataset{}
	method, loses := lossySyntaxes[syntax]
	if head.Value(tag.LossyImageCompression) != "01" && !loses {
		return lossy
	}
	for e := range head.All() {
		if slices.Contains(lossyTags, e.Tag) && e.Problem() == "" {
			lossy.Put(e)
		}
	}
	lossy.Text(tag.LossyImageCompression, "CS", "01")
	if lossy.Value(tag.LossyImageCompressionMethod) == "" {
		lossy.Remove(tag.LossyImageCompressionMethod)
		if loses {
			lossy.Text(tag.LossyImageCompressionMethod, "CS", method)
		}
	}
	if lossy.Value(tag.LossyImageCompressionRatio) == "" {
		lossy.Remove(tag.LossyImageCompressionRatio)
		if loses && size > 0 {
			lossy.Floats(tag.LossyImageCompressionRatio, "DS", float64(10*pixels/size)/10)
		}
	}
	return lossy
}

// PutLossyImageCompression sets what an object that is derived from the images, in
// however lossless a form of its own, has to tell of their compression.
func (o *Origin) PutLossyImageCompression(d *dataset.Dataset) {
	if o.Lossy == nil || o.Lossy.Value(tag.LossyImageCompression) == "" {
		d.Text(tag.LossyImageCompression, "CS", "00")
		return
	}
	d.PutAll(o.Lossy)
}
