// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse"
)

var errEncapsulated = errors.New("encapsulated pixel data cannot be written in Implicit VR Little Endian")

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

// encode returns a data set as a transfer syntax, one of the two of syntaxes, has it.
func encode(d *dataset.Dataset, transferSyntax string) ([]byte, error) {
	if transferSyntax == dimse.ImplicitVRLittleEndian {
		d.Text(tag.SpecificCharacterSet, "CS", "ISO_IR 192")
		if err := d.Err(); err != nil {
			return nil, err
		}
		return appendImplicit(nil, d)
	}
	var w bytes.Buffer
	_, err := d.WriteTo(&w)
	return w.Bytes(), err
}

// decode reads a data set that came in a transfer syntax.
func decode(r io.Reader, transferSyntax string) (*dataset.Dataset, error) {
	head := dicom.FileMeta{TransferSyntaxUID: transferSyntax}.Head()
	f, err := dataset.Read(io.MultiReader(bytes.NewReader(head), r), -1, dataset.Options{Limit: longestIdentifier})
	if err != nil {
		return nil, err
	}
	return &f.Dataset, nil
}

// longestIdentifier bounds an answer to a query, bytes.
const longestIdentifier = 1 << 20
