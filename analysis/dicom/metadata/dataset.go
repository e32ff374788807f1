// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// WriteDataset writes a data set that is held, all of it.
func WriteDataset(to Writer, d *dataset.Dataset) error {
	to.Begin()
	writeElements(to, d)
	return to.End()
}

func writeElements(to Writer, d *dataset.Dataset) {
	s := &scope{}
	for e := range d.All() {
		a := Attribute{Tag: e.Tag, VR: e.VR, Creator: s.creators[block(e.Tag)]}
		if e.VR != "SQ" {
			s.note(a, writeValue(to, a, e.Value, binary.LittleEndian, []string{utf8}))
			continue
		}
		to.BeginSequence(a)
		for _, item := range e.Items {
			to.BeginItem()
			writeElements(to, item)
			to.EndItem()
		}
		to.EndSequence()
	}
}
