// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"bytes"
	"io"
	"math"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// ImplementationVersionName is that of what endplate writes and says to its peers.
const ImplementationVersionName = element.ImplementationVersionName

// ImplementationClassUID returns that of what endplate writes and says to its peers.
func ImplementationClassUID() string { return element.ImplementationClassUID() }

// FileMeta is what tells how a data set is to be read, and what it is.
type FileMeta struct {
	SOPClassUID       string // empty where the file does not say
	SOPInstanceUID    string
	TransferSyntaxUID string
}

// Head returns the preamble and the file meta information that make a file of a data
// set: the same bytes for the same m. PS3.10 section 7.1.
func (m FileMeta) Head() []byte {
	return element.FileMeta(m.SOPClassUID, m.SOPInstanceUID, m.TransferSyntaxUID)
}

// ReadFileMeta reads what stands before the data set of an instance, if anything does,
// and returns it with the data set, byte for byte. The errors are those of ReadHeader.
func ReadFileMeta(r io.Reader) (FileMeta, io.Reader, error) {
	w := &element.Walker{Src: r, Size: math.MaxInt, Encoding: element.EncodingOf(element.ExplicitVRLittleEndian)}
	meta, p, err := element.ReadMeta(w)
	if err != nil {
		return FileMeta{}, nil, err
	}
	return FileMeta{
		SOPClassUID: meta.MediaStorageSOPClassUID, SOPInstanceUID: meta.MediaStorageSOPInstanceUID,
		TransferSyntaxUID: meta.TransferSyntaxUID,
	}, io.MultiReader(bytes.NewReader(w.B[p:]), r), nil
}
