// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import "github.com/suyashkumar/dicom/pkg/tag"

// Attribute is what a data set has a value of.
type Attribute struct {
	Tag     tag.Tag
	VR      string
	Creator string // PrivateCreator of a private attribute
}

// Writer writes data sets, attribute by attribute in the order of their tags. JSON
// and XML are the two there are. An error of writing is kept until End.
type Writer interface {
	Begin()     // a data set
	End() error // the data set

	// Text writes values of text, tags and UIDs; those of VR PN with component groups
	// separated by "=". An attribute of any VR without values is empty.
	Text(a Attribute, values ...string)
	// Numbers writes values that are numbers as text; what is not finite is text.
	Numbers(a Attribute, values ...string)
	Binary(a Attribute, value []byte)
	Bulk(a Attribute, uri string)

	BeginSequence(a Attribute)
	BeginItem()
	EndItem()
	EndSequence()
}
