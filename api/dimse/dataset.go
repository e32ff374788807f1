// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dimse

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
)

var errEncapsulated = errors.New("encapsulated pixel data cannot be written in Implicit VR Little Endian")

// EncodeDataSet returns a data set as a transfer syntax has it, which is
// ImplicitVRLittleEndian or ExplicitVRLittleEndian. The error is that of the data set's
// Err, or tells of encapsulated pixel data, which no implicit VR can hold.
func EncodeDataSet(d *dataset.Dataset, transferSyntax string) ([]byte, error) {
	d.Declare()
	switch transferSyntax {
	case ImplicitVRLittleEndian:
		if err := d.Err(); err != nil {
			return nil, err
		}
		return appendImplicit(nil, d)
	case ExplicitVRLittleEndian:
		var w bytes.Buffer
		_, err := d.WriteTo(&w)
		return w.Bytes(), err
	}
	return nil, fmt.Errorf("data sets are not written in transfer syntax %s", transferSyntax)
}

// DecodeDataSet reads a data set that came in a transfer syntax, of at most limit bytes.
// The errors are those of dataset.Read.
func DecodeDataSet(r io.Reader, transferSyntax string, limit int) (*dataset.Dataset, error) {
	head := dicom.FileMeta{TransferSyntaxUID: transferSyntax}.Head()
	f, err := dataset.Read(io.MultiReader(bytes.NewReader(head), r), -1, dataset.Options{Limit: limit})
	if err != nil {
		return nil, err
	}
	return &f.Dataset, nil
}

// appendImplicit appends a data set in Implicit VR Little Endian. PS3.5 section 7.1.3.
func appendImplicit(b []byte, d *dataset.Dataset) ([]byte, error) {
	for e := range d.All() {
		if e.Fragments != nil {
			return nil, errEncapsulated
		}
		b = appendTag(b, e.Tag)
		length := len(b)
		b = append(b, 0, 0, 0, 0)
		b = appendPadded(b, e.VR, e.Value)
		for _, item := range e.Items {
			b = appendTag(b, tag.Item)
			start := len(b)
			b = append(b, 0, 0, 0, 0)
			var err error
			if b, err = appendImplicit(b, item); err != nil {
				return nil, err
			}
			binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
		}
		binary.LittleEndian.PutUint32(b[length:], uint32(len(b)-length-4))
	}
	return b, nil
}

func appendTag(b []byte, t tag.Tag) []byte {
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, t.Group), t.Element)
}

// appendPadded appends a value of even length. PS3.5 section 6.2.
func appendPadded(b []byte, vr string, value []byte) []byte {
	b = append(b, value...)
	if len(value)%2 == 0 {
		return b
	}
	switch vr {
	case "UI", "OB", "UN":
		return append(b, 0)
	}
	return append(b, ' ')
}
