// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/metadata"
)

// element returns an element in explicit VR.
func element(order binary.AppendByteOrder, t tag.Tag, vr string, value []byte) []byte {
	b := order.AppendUint16(order.AppendUint16(nil, t.Group), t.Element)
	b = append(b, vr...)
	switch vr {
	case "OB", "OW", "SQ", "UN", "UT":
		b = order.AppendUint32(append(b, 0, 0), uint32(len(value)))
	default:
		b = order.AppendUint16(b, uint16(len(value)))
	}
	return append(b, value...)
}

func item(order binary.AppendByteOrder, elements ...[]byte) []byte {
	content := bytes.Join(elements, nil)
	b := order.AppendUint16(order.AppendUint16(nil, tag.Item.Group), tag.Item.Element)
	return append(order.AppendUint32(b, uint32(len(content))), content...)
}

// part10 returns an instance.
func part10(syntax string, elements ...[]byte) []byte {
	b := append(make([]byte, 128), "DICM"...)
	b = append(b, element(binary.LittleEndian, tag.TransferSyntaxUID, "UI", []byte(syntax))...)
	return append(b, bytes.Join(elements, nil)...)
}

const (
	explicitLittle = "1.2.840.10008.1.2.1"
	explicitBig    = "1.2.840.10008.1.2.2"
)

func object(t testing.TB, instance []byte) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := metadata.Write(metadata.NewJSON(&out), bytes.NewReader(instance), metadata.Options{BulkData: func(p string) string { return "b/" + p }}); err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return m
}

// at follows members and indices.
func at(t testing.TB, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			a, _ := v.([]any)
			if p >= len(a) {
				t.Fatalf("no %v in %v", p, v)
			}
			v = a[p]
		}
	}
	return v
}

// An item is read in its own character set, the one around it in its own, and what
// comes out says that it is UTF-8.
func TestItemsHaveTheirOwnCharacterSet(t *testing.T) {
	le := binary.LittleEndian
	m := object(t, part10(explicitLittle,
		element(le, tag.SpecificCharacterSet, "CS", []byte("ISO_IR 100")),
		element(le, tag.StudyDescription, "LO", []byte("Gr\xf6\xdfe")),
		element(le, tag.ReferencedPatientSequence, "SQ", item(le,
			element(le, tag.SpecificCharacterSet, "CS", []byte("ISO_IR 144")),
			element(le, tag.PatientName, "PN", []byte("\xbb\xee\xda")))),
		element(le, tag.PatientName, "PN", []byte("M\xfcller^Anna=\xc9"))))
	for _, tt := range []struct {
		want string
		path []any
	}{
		{"ISO_IR 192", []any{"00080005", "Value", 0}},
		{"Größe", []any{"00081030", "Value", 0}},
		{"ISO_IR 192", []any{"00081120", "Value", 0, "00080005", "Value", 0}},
		{"Люк", []any{"00081120", "Value", 0, "00100010", "Value", 0, "Alphabetic"}},
		{"Müller^Anna", []any{"00100010", "Value", 0, "Alphabetic"}},
		{"É", []any{"00100010", "Value", 0, "Ideographic"}},
	} {
		if got := at(t, m, tt.path...); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.path, got, tt.want)
		}
	}
}

// Numbers that JSON does not have are text, others as they are meant.
func TestNumbersInJSON(t *testing.T) {
	be := binary.BigEndian
	floats := be.AppendUint32(be.AppendUint32(be.AppendUint32(be.AppendUint32(nil, 0x7fc00000), 0x7f800000), 0xff800000), 0x3f000000)
	m := object(t, part10(explicitBig,
		element(be, tag.SliceThickness, "DS", []byte(`+1.50\ .5\-0\1e3\0x10\\007 `)),
		element(be, tag.InstanceNumber, "IS", []byte("+012 ")),
		element(be, tag.FrameIncrementPointer, "AT", []byte{0, 0x18, 0x10, 0x63}),
		element(be, tag.Tag{Group: 0x0028, Element: 0x9001}, "FL", floats),
		element(be, tag.RedPaletteColorLookupTableData, "OW", []byte{1, 2, 3, 4})))
	for path, want := range map[string][]any{
		"00180050": {1.5, 0.5, math.Copysign(0, -1), 1000.0, "0x10", nil, 7.0},
		"00200013": {12.0},
		"00280009": {"00181063"},
		"00289001": {"NaN", "Infinity", "-Infinity", 0.5},
	} {
		if got := fmt.Sprint(at(t, m, path, "Value")); got != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if got := at(t, m, "00281201", "InlineBinary"); got != base64.StdEncoding.EncodeToString([]byte{2, 1, 4, 3}) {
		t.Errorf("words %v are not little endian", got)
	}
}

// A sequence of defined length that holds no items is given as the octets it is, and
// costs the others nothing.
func TestBrokenSequenceIsOctets(t *testing.T) {
	le := binary.LittleEndian
	m := object(t, part10(explicitLittle,
		element(le, tag.ReferencedPatientSequence, "SQ", []byte("no items at all.")),
		element(le, tag.PatientID, "LO", []byte("P1"))))
	if at(t, m, "00081120", "vr") != "UN" || at(t, m, "00081120", "InlineBinary") == nil || at(t, m, "00100020", "Value", 0) != "P1" {
		t.Errorf("got %v", m)
	}
}

// Every value that is written by reference, and every one of octets, is found again.
func TestFindDeliversWhatIsReferenced(t *testing.T) {
	be := binary.BigEndian
	long := bytes.Repeat([]byte{1, 2}, 4<<10)
	swapped := bytes.Repeat([]byte{2, 1}, 4<<10)
	instance := part10(explicitBig,
		element(be, tag.ReferencedPatientSequence, "SQ", append(
			item(be, element(be, tag.PatientID, "LO", []byte("P1"))),
			item(be, element(be, tag.EncapsulatedDocument, "OB", long), element(be, tag.RedPaletteColorLookupTableData, "OW", long))...)),
		element(be, tag.TextValue, "UT", bytes.Repeat([]byte("text"), 20<<10)),
		element(be, tag.PixelData, "OW", long))
	m := object(t, instance)
	for path, want := range map[string][]byte{
		"00081120/2/00420011": long,
		"00081120/2/00281201": swapped,
		"0040A160":            bytes.Repeat([]byte("text"), 20<<10),
		"7FE00010":            swapped,
	} {
		members := []any{path}
		if parts := strings.Split(path, "/"); len(parts) > 1 {
			members = []any{parts[0], "Value", 1, parts[2]}
		}
		if got := at(t, m, append(members, "BulkDataURI")...); got != "b/"+path {
			t.Errorf("%s is at %v", path, got)
		}
		v, err := metadata.Find(bytes.NewReader(instance), path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got, err := io.ReadAll(v); err != nil || !bytes.Equal(got, want) || v.Length != int64(len(want)) {
			t.Errorf("%s: %d bytes, %v, want %d", path, len(got), err, len(want))
		}
	}
	for _, path := range []string{"", "7FE0001", "../../x", "00081120", "00081120/3/00420011", "00081120/0/00420011", "00081120/2", "00081120/2/00100010", "00100020/1/00100020", strings.Repeat("00081120/1/", 100) + "00100020"} {
		if v, err := metadata.Find(bytes.NewReader(instance), path); err == nil && path != "00081120" {
			t.Errorf("%q: %+v", path, v.Attribute)
		} else if err != nil && !errors.Is(err, metadata.ErrNoValue) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// A caller who asks for a header does not wait for the pixels.
func TestPixelsAreNotRead(t *testing.T) {
	le := binary.LittleEndian
	instance := part10(explicitLittle, element(le, tag.PatientID, "LO", []byte("P1")), element(le, tag.PixelData, "OW", make([]byte, 1<<20)))
	r := bytes.NewReader(instance)
	if err := metadata.Write(metadata.NewJSON(io.Discard), r, metadata.Options{BulkData: func(string) string { return "" }}); err != nil {
		t.Fatal(err)
	}
	if read := len(instance) - r.Len(); read > 64<<10 {
		t.Errorf("%d bytes read", read)
	}
}

// Whatever comes, the models are well-formed where no error is told.
func FuzzWrite(f *testing.F) {
	le := binary.LittleEndian
	f.Add(part10(explicitLittle, element(le, tag.PatientName, "PN", []byte("A^B=C=D")), element(le, tag.ReferencedPatientSequence, "SQ", item(le))))
	f.Add(part10("1.2.840.10008.1.2", []byte{8, 0, 0x20, 0x11, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0}))
	if folder := os.Getenv("ENDPLATE_SHARED"); folder != "" {
		odd, _ := os.ReadDir(folder + "/data/dicom/odd")
		for _, e := range odd {
			if b, err := os.ReadFile(folder + "/data/dicom/odd/" + e.Name()); err == nil && len(b) < 10_000 {
				f.Add(b)
			}
		}
	}
	opt := metadata.Options{BulkData: func(p string) string { return p }}
	f.Fuzz(func(t *testing.T, b []byte) {
		var j, x bytes.Buffer
		if metadata.Write(metadata.NewJSON(&j), bytes.NewReader(b), opt) == nil && !json.Valid(j.Bytes()) {
			t.Errorf("no JSON: %s", &j)
		}
		if metadata.Write(metadata.NewXML(&x), bytes.NewReader(b), opt) == nil {
			if err := xml.Unmarshal(x.Bytes(), &node{}); err != nil {
				t.Errorf("no XML: %v: %s", err, &x)
			}
		}
		if v, err := metadata.Find(bytes.NewReader(b), "00081120/1/00100010"); err == nil {
			_, _ = io.Copy(io.Discard, v)
		}
	})
}
