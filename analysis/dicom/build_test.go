// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
)

const (
	implicitLittle = "1.2.840.10008.1.2"
	explicitLittle = "1.2.840.10008.1.2.1"
	deflated       = "1.2.840.10008.1.2.1.99"
	explicitBig    = "1.2.840.10008.1.2.2"
	rleLossless    = "1.2.840.10008.1.2.5"
	htj2k          = "1.2.840.10008.1.2.4.201"

	ctClass       = "1.2.840.10008.5.1.4.1.1.2"
	enhancedClass = "1.2.840.10008.5.1.4.1.1.2.1"
)

// value is the value of an element: text or a number or bytes or items.
type value struct {
	vr string
	v  any // string, []uint16, []byte, []dataset, raw
}

// raw is a value with a length of its own choosing.
type raw struct {
	length uint32
	bytes  []byte
}

// dataset is a data set by tag.
type dataset map[tag.Tag]value

func text(vr, s string) value          { return value{vr, s} }
func words(v ...uint16) value          { return value{"US", v} }
func items(d ...dataset) value         { return value{"SQ", d} }
func octets(vr string, b []byte) value { return value{vr, b} }

// encoder writes data sets in one transfer syntax.
type encoder struct {
	order    binary.AppendByteOrder
	implicit bool
}

func encoderOf(syntax string) encoder {
	e := encoder{order: binary.LittleEndian, implicit: syntax == implicitLittle}
	if syntax == explicitBig {
		e.order = binary.BigEndian
	}
	return e
}

func (e encoder) dataset(b []byte, d dataset) []byte {
	for _, t := range slices.SortedFunc(maps.Keys(d), tag.Tag.Compare) {
		b = e.element(b, t, d[t])
	}
	return b
}

func (e encoder) element(b []byte, t tag.Tag, v value) []byte {
	var body []byte
	switch x := v.v.(type) {
	case string:
		body = []byte(x)
		if len(body)%2 == 1 {
			body = append(body, ' ')
		}
	case []uint16:
		for _, w := range x {
			body = e.order.AppendUint16(body, w)
		}
	case []byte:
		body = x
	case []dataset:
		for _, item := range x {
			content := e.dataset(nil, item)
			body = e.order.AppendUint16(body, 0xFFFE)
			body = e.order.AppendUint16(body, 0xE000)
			body = e.order.AppendUint32(body, uint32(len(content)))
			body = append(body, content...)
		}
	case raw:
		return append(e.header(b, t, v.vr, x.length), x.bytes...)
	}
	return append(e.header(b, t, v.vr, uint32(len(body))), body...)
}

func (e encoder) header(b []byte, t tag.Tag, vr string, length uint32) []byte {
	b = e.order.AppendUint16(b, t.Group)
	b = e.order.AppendUint16(b, t.Element)
	if e.implicit {
		return e.order.AppendUint32(b, length)
	}
	b = append(b, vr...)
	switch vr {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return e.order.AppendUint32(append(b, 0, 0), length)
	}
	return e.order.AppendUint16(b, uint16(length))
}

// meta writes preamble and file meta information.
func meta(syntax string) []byte {
	group := encoderOf(explicitLittle).dataset(nil, dataset{
		tag.MediaStorageSOPClassUID: text("UI", ctClass),
		tag.TransferSyntaxUID:       text("UI", syntax),
	})
	b := append(make([]byte, 128), "DICM"...)
	b = encoderOf(explicitLittle).element(b, tag.FileMetaInformationGroupLength, value{"UL", binary.LittleEndian.AppendUint32(nil, uint32(len(group)))})
	return append(b, group...)
}

// part10 writes a file.
func part10(syntax string, d dataset) []byte {
	b := meta(syntax)
	if syntax != deflated {
		return encoderOf(syntax).dataset(b, d)
	}
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, flate.BestSpeed)
	w.Write(encoderOf(syntax).dataset(nil, d))
	w.Close()
	return append(b, z.Bytes()...)
}

// The grid of the slices that axial makes.
const (
	testRows    = 6
	testColumns = 5
)

// axial is slice k of a small CT series: stored value 1000+100k+index, spacing
// 0.5 (columns) and 0.75 (rows) mm, positions from (10, 20, 30) every 2 mm.
func axial(k int) dataset {
	pixels := make([]uint16, testRows*testColumns)
	for i := range pixels {
		pixels[i] = uint16(1000 + 100*k + i)
	}
	return dataset{
		tag.ImageType:                 text("CS", `ORIGINAL\PRIMARY\AXIAL`),
		tag.SOPClassUID:               text("UI", ctClass),
		tag.SOPInstanceUID:            text("UI", fmt.Sprintf("1.2.3.%d", k+1)),
		tag.Modality:                  text("CS", "CT"),
		tag.Manufacturer:              text("LO", "Acme"),
		tag.PatientName:               text("PN", "SECRET^NAME"),
		tag.SliceThickness:            text("DS", "2"),
		tag.KVP:                       text("DS", "120"),
		tag.StudyInstanceUID:          text("UI", "1.2"),
		tag.SeriesInstanceUID:         text("UI", "1.2.3"),
		tag.AcquisitionNumber:         text("IS", "1"),
		tag.InstanceNumber:            text("IS", fmt.Sprint(1000-k)),
		tag.ImagePositionPatient:      text("DS", fmt.Sprintf(`10\20\%g`, 30+2*float64(k))),
		tag.ImageOrientationPatient:   text("DS", `1\0\0\0\1\0`),
		tag.FrameOfReferenceUID:       text("UI", "1.2.4"),
		tag.SamplesPerPixel:           words(1),
		tag.PhotometricInterpretation: text("CS", "MONOCHROME2"),
		tag.Rows:                      words(testRows),
		tag.Columns:                   words(testColumns),
		tag.PixelSpacing:              text("DS", `0.75\0.5`),
		tag.BitsAllocated:             words(16),
		tag.BitsStored:                words(16),
		tag.HighBit:                   words(15),
		tag.PixelRepresentation:       words(0),
		tag.RescaleIntercept:          text("DS", "-1024"),
		tag.RescaleSlope:              text("DS", "1"),
		tag.PixelData:                 value{"OW", pixels},
	}
}

// with returns d with other values; a zero value removes one.
func (d dataset) with(t tag.Tag, v value) dataset {
	d = maps.Clone(d)
	if v.v == nil {
		delete(d, t)
	} else {
		d[t] = v
	}
	return d
}

// memory is a source that holds its bytes; it can be read at random.
func memory(name string, b []byte) dicom.Source {
	return dicom.Source{
		Name: name,
		Size: int64(len(b)),
		Open: func() (io.ReadCloser, error) { return memoryFile{bytes.NewReader(b)}, nil },
	}
}

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// each makes a sequence of sources.
func each(sources ...dicom.Source) iter.Seq2[dicom.Source, error] {
	return func(yield func(dicom.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// files names data sets and writes them.
func files(syntax string, datasets ...dataset) []dicom.Source {
	var sources []dicom.Source
	for i, d := range datasets {
		sources = append(sources, memory(fmt.Sprintf("f%03d", i), part10(syntax, d)))
	}
	return sources
}

// axials makes slices 0 to n-1.
func axials(n int) []dataset {
	var d []dataset
	for k := range n {
		d = append(d, axial(k))
	}
	return d
}

// read reads all series.
func read(t testing.TB, sources []dicom.Source, opt dicom.Options) ([]*dicom.Series, []dicom.Skipped) {
	t.Helper()
	series, skipped, err := dicom.ReadSeries(t.Context(), each(sources...), opt)
	if err != nil {
		t.Fatal(err)
	}
	return series, skipped
}

// one reads sources that make up one series.
func one(t testing.TB, sources []dicom.Source, opt dicom.Options) *dicom.Series {
	t.Helper()
	series, skipped := read(t, sources, opt)
	if len(series) != 1 {
		t.Fatalf("%d series, want 1; skipped %+v", len(series), skipped)
	}
	return series[0]
}

// shared returns the folder of the shared data and skips the test without it.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ENDPLATE_SHARED")
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(wd, "..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs the shared data: ", err)
	}
	return dir
}

// sharedFile is a source for one file of the shared data.
func sharedFile(t testing.TB, elem ...string) dicom.Source {
	t.Helper()
	name := filepath.Join(append([]string{shared(t)}, elem...)...)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := memory(filepath.Base(name), b)
	s.Named = true
	return s
}
