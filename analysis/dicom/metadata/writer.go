// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"strconv"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Attribute is what a data set has a value of.
type Attribute struct {
	Tag     tag.Tag
	VR      string
	Creator string // PrivateCreator of a private attribute
}

// Of returns an attribute of the dictionary with its VR there.
func Of(t tag.Tag) Attribute { return Attribute{Tag: t, VR: element.VROf(t, false)} }

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

// Sequence writes a sequence of n items, the attributes of which write writes.
func Sequence(w Writer, t tag.Tag, n int, write func(i int)) {
	w.BeginSequence(Of(t))
	for i := range n {
		w.BeginItem()
		write(i)
		w.EndItem()
	}
	w.EndSequence()
}

// Ints returns whole numbers as Numbers takes them.
func Ints(values ...int) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = strconv.Itoa(v)
	}
	return all
}
