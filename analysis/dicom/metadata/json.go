// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// JSON writes the DICOM JSON Model.
//
// Reference: DICOM PS3.18 annex F.
type JSON struct {
	w *bufio.Writer
	// counts holds, for the data set and each sequence and item that is open, how many
	// attributes or items were written.
	counts []int
}

// NewJSON returns a writer of data sets as JSON objects.
func NewJSON(w io.Writer) *JSON { return &JSON{w: bufio.NewWriter(w)} }

// Begin begins a data set.
func (j *JSON) Begin() { j.open('{') }

// End ends the data set.
func (j *JSON) End() error {
	j.close('}')
	return j.w.Flush()
}

// An error of the bufio.Writer stays in it, and comes out of Flush.
func (j *JSON) open(b byte) {
	_ = j.w.WriteByte(b)
	j.counts = append(j.counts, 0)
}

func (j *JSON) close(b byte) {
	_ = j.w.WriteByte(b)
	j.counts = j.counts[:len(j.counts)-1]
}

// next separates what follows from what stands before it in the same object or
// array.
func (j *JSON) next() {
	n := &j.counts[len(j.counts)-1]
	if *n > 0 {
		_ = j.w.WriteByte(',')
	}
	*n++
}

// attribute begins an attribute.
func (j *JSON) attribute(a Attribute) {
	j.next()
	fmt.Fprintf(j.w, `"%04X%04X":{"vr":"%s"`, a.Tag.Group, a.Tag.Element, a.VR)
}

// values writes an attribute with the values that write writes; no value is null.
func (j *JSON) values(a Attribute, values []string, write func(string)) {
	j.attribute(a)
	if len(values) > 0 {
		_, _ = j.w.WriteString(`,"Value":`)
		j.open('[')
		for _, v := range values {
			j.next()
			if v == "" {
				_, _ = j.w.WriteString("null")
			} else {
				write(v)
			}
		}
		j.close(']')
	}
	_ = j.w.WriteByte('}')
}

// Text writes values of text.
func (j *JSON) Text(a Attribute, values ...string) {
	if a.VR == "PN" {
		j.values(a, values, j.name)
		return
	}
	j.values(a, values, j.quote)
}

// Numbers writes numbers.
func (j *JSON) Numbers(a Attribute, values ...string) {
	j.values(a, values, func(v string) {
		if json.Valid([]byte(v)) {
			_, _ = j.w.WriteString(v)
		} else {
			j.quote(v)
		}
	})
}

func (j *JSON) quote(s string) {
	b, _ := json.Marshal(s) // a string can always be
	_, _ = j.w.Write(b)
}

// componentGroups are the members of a name. PS3.5 6.2.1.1.
var componentGroups = [...]string{"Alphabetic", "Ideographic", "Phonetic"}

func (j *JSON) name(v string) {
	j.open('{')
	for i, group := range strings.SplitN(v, "=", len(componentGroups)) {
		if group != "" {
			j.next()
			fmt.Fprintf(j.w, `"%s":`, componentGroups[i])
			j.quote(group)
		}
	}
	j.close('}')
}

// Binary writes octets.
func (j *JSON) Binary(a Attribute, value []byte) {
	j.attribute(a)
	if len(value) > 0 {
		_, _ = j.w.WriteString(`,"InlineBinary":"`)
		encoder := base64.NewEncoder(base64.StdEncoding, j.w)
		_, _ = encoder.Write(value)
		_ = encoder.Close()
		_ = j.w.WriteByte('"')
	}
	_ = j.w.WriteByte('}')
}

// Bulk names a value by its URI.
func (j *JSON) Bulk(a Attribute, uri string) {
	j.attribute(a)
	_, _ = j.w.WriteString(`,"BulkDataURI":`)
	j.quote(uri)
	_ = j.w.WriteByte('}')
}

// BeginSequence begins a sequence. Its array begins with its first item.
func (j *JSON) BeginSequence(a Attribute) {
	j.attribute(a)
	j.counts = append(j.counts, 0)
}

// BeginItem begins an item.
func (j *JSON) BeginItem() {
	if j.counts[len(j.counts)-1] == 0 {
		_, _ = j.w.WriteString(`,"Value":[`)
	}
	j.next()
	j.open('{')
}

// EndItem ends an item.
func (j *JSON) EndItem() { j.close('}') }

// EndSequence ends a sequence.
func (j *JSON) EndSequence() {
	if j.counts[len(j.counts)-1] > 0 {
		_ = j.w.WriteByte(']')
	}
	j.close('}')
}
