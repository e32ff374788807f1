// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"bufio"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// XML writes the Native DICOM Model.
//
// Reference: DICOM PS3.19 annex A.1.
type XML struct {
	w     *bufio.Writer
	items []int // of each sequence that is open
}

// NewXML returns a writer of data sets as XML documents.
func NewXML(w io.Writer) *XML { return &XML{w: bufio.NewWriter(w)} }

// Begin begins a document.
func (x *XML) Begin() {
	x.put(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">` + "\n")
}

// End ends the document.
func (x *XML) End() error {
	x.put("</NativeDicomModel>\n")
	return x.w.Flush()
}

// An error of the bufio.Writer stays in it, and comes out of Flush.
func (x *XML) put(s string) { _, _ = x.w.WriteString(s) }

// escape writes text. What XML cannot hold becomes U+FFFD.
func (x *XML) escape(s string) { _ = xml.EscapeText(x.w, []byte(s)) }

// attribute begins an attribute. A private one is named without the block that its
// creator has in this data set.
func (x *XML) attribute(a Attribute) {
	t := a.Tag
	if t.Group%2 == 1 && t.Element > 0xFF {
		t.Element &= 0xFF
	}
	fmt.Fprintf(x.w, `<DicomAttribute tag="%04X%04X" vr="%s"`, t.Group, t.Element, a.VR)
	if info, err := tag.Find(a.Tag); err == nil && info.Keyword != "" {
		fmt.Fprintf(x.w, ` keyword="%s"`, info.Keyword)
	}
	if a.Creator != "" {
		x.put(` privateCreator="`)
		x.escape(a.Creator)
		x.put(`"`)
	}
	x.put(">")
}

func (x *XML) end() { x.put("</DicomAttribute>\n") }

// Text writes values of text.
func (x *XML) Text(a Attribute, values ...string) {
	x.attribute(a)
	for i, v := range values {
		switch {
		case v == "": // the numbers of the others tell that it is there
		case a.VR == "PN":
			x.name(i+1, v)
		default:
			fmt.Fprintf(x.w, `<Value number="%d">`, i+1)
			x.escape(v)
			x.put("</Value>")
		}
	}
	x.end()
}

// Numbers writes numbers.
func (x *XML) Numbers(a Attribute, values ...string) { x.Text(a, values...) }

// components are the elements of a component group. PS3.5 6.2.1.1.
var components = [...]string{"FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"}

func (x *XML) name(number int, v string) {
	fmt.Fprintf(x.w, `<PersonName number="%d">`, number)
	for i, group := range strings.SplitN(v, "=", len(componentGroups)) {
		if strings.Trim(group, "^") == "" {
			continue
		}
		x.put("<" + componentGroups[i] + ">")
		for j, component := range strings.SplitN(group, "^", len(components)) {
			if component != "" {
				x.put("<" + components[j] + ">")
				x.escape(component)
				x.put("</" + components[j] + ">")
			}
		}
		x.put("</" + componentGroups[i] + ">")
	}
	x.put("</PersonName>")
}

// Binary writes octets.
func (x *XML) Binary(a Attribute, value []byte) {
	x.attribute(a)
	if len(value) > 0 {
		x.put("<InlineBinary>")
		encoder := base64.NewEncoder(base64.StdEncoding, x.w)
		_, _ = encoder.Write(value)
		_ = encoder.Close()
		x.put("</InlineBinary>")
	}
	x.end()
}

// Bulk names a value by its URI.
func (x *XML) Bulk(a Attribute, uri string) {
	x.attribute(a)
	x.put(`<BulkData uri="`)
	x.escape(uri)
	x.put(`"/>`)
	x.end()
}

// BeginSequence begins a sequence.
func (x *XML) BeginSequence(a Attribute) {
	x.attribute(a)
	x.items = append(x.items, 0)
}

// BeginItem begins an item.
func (x *XML) BeginItem() {
	n := &x.items[len(x.items)-1]
	*n++
	fmt.Fprintf(x.w, `<Item number="%d">`, *n)
}

// EndItem ends an item.
func (x *XML) EndItem() { x.put("</Item>") }

// EndSequence ends a sequence.
func (x *XML) EndSequence() {
	x.items = x.items[:len(x.items)-1]
	x.end()
}
