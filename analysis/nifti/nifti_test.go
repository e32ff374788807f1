// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package nifti_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/nifti"
)

// file is a NIfTI-1 file to be written field by field.
type file struct {
	order            binary.ByteOrder
	dim              []int16
	pixdim           []float32
	datatype         int16
	slope, intercept float32
	units            byte
	sform, qform     int16
	quatern          [6]float32
	srow             [12]float32
	data             any
}

// bytes returns the file; offsets are those of nifti1.h.
func (f file) bytes() []byte {
	raw := make([]byte, 352)
	o := f.order
	put16 := func(at int, v int16) { o.PutUint16(raw[at:], uint16(v)) }
	put32 := func(at int, v float32) { o.PutUint32(raw[at:], math.Float32bits(v)) }
	o.PutUint32(raw, 348)
	for i, d := range f.dim {
		put16(40+2*i, d)
	}
	put16(70, f.datatype)
	for i, d := range f.pixdim {
		put32(76+4*i, d)
	}
	put32(108, 352)
	put32(112, f.slope)
	put32(116, f.intercept)
	raw[123] = f.units
	put16(252, f.qform)
	put16(254, f.sform)
	for i, v := range f.quatern {
		put32(256+4*i, v)
	}
	for i, v := range f.srow {
		put32(280+4*i, v)
	}
	copy(raw[344:], "n+1\x00")
	b := bytes.NewBuffer(raw)
	if err := binary.Write(b, o, f.data); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func base() file {
	return file{
		order: binary.LittleEndian, dim: []int16{3, 2, 1, 2}, pixdim: []float32{1, 1, 2, 3},
		datatype: 4, data: []int16{-1000, 0, 40, 3000},
		sform: 1, srow: [12]float32{1, 0, 0, 10, 0, 2, 0, 20, 0, 0, 3, 30},
	}
}

func TestReadVolumeDataTypes(t *testing.T) {
	want := []int16{1, 0, 40, 100}
	for _, tt := range []struct {
		name     string
		datatype int16
		data     any
	}{
		{"uint8", 2, []uint8{1, 0, 40, 100}},
		{"int16", 4, []int16{1, 0, 40, 100}},
		{"int32", 8, []int32{1, 0, 40, 100}},
		{"float32", 16, []float32{1.2, -0.2, 40, 99.7}},
		{"float64", 64, []float64{1.2, -0.2, 40, 99.7}},
		{"int8", 256, []int8{1, 0, 40, 100}},
		{"uint16", 512, []uint16{1, 0, 40, 100}},
		{"uint32", 768, []uint32{1, 0, 40, 100}},
		{"int64", 1024, []int64{1, 0, 40, 100}},
		{"uint64", 1280, []uint64{1, 0, 40, 100}},
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(tt.name+order.String(), func(t *testing.T) {
				f := base()
				f.order, f.datatype, f.data = order, tt.datatype, tt.data
				v, err := nifti.ReadVolume(bytes.NewReader(f.bytes()))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, v.Samples); d != "" {
					t.Errorf("samples (-want +got):\n%s", d)
				}
			})
		}
	}
}

func TestReadVolumeScalesAndClamps(t *testing.T) {
	f := base()
	f.slope, f.intercept = 20, -1024
	v, err := nifti.ReadVolume(bytes.NewReader(f.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int16{-21024, -1024, -224, math.MaxInt16}, v.Samples); d != "" {
		t.Errorf("samples (-want +got):\n%s", d)
	}
}

// RAS becomes LPS by negating x and y, whichever transform the file uses.
// Reference: nifti1.h, methods 1 to 3.
func TestGeometryIsLPS(t *testing.T) {
	h := float32(math.Sqrt2 / 2)
	for _, tt := range []struct {
		name   string
		change func(*file)
		want   r3.Vec // of voxel (1, 0, 1)
	}{
		{"sform", func(*file) {}, r3.Vec{X: -11, Y: -20, Z: 33}},
		{"sform before qform", func(f *file) { f.qform = 1; f.quatern[3] = 5 }, r3.Vec{X: -11, Y: -20, Z: 33}},
		// A quarter turn about z takes +i to +y.
		{"qform", func(f *file) { f.sform, f.qform = 0, 1; f.quatern = [6]float32{0, 0, h, 1, 2, 3} }, r3.Vec{X: -1, Y: -3, Z: 6}},
		{"qform flipped", func(f *file) {
			f.sform, f.qform, f.pixdim[0] = 0, 1, -1
			f.quatern = [6]float32{0, 0, h, 1, 2, 3}
		}, r3.Vec{X: -1, Y: -3, Z: 0}},
		{"pixdim", func(f *file) { f.sform = 0 }, r3.Vec{X: -1, Y: 0, Z: 3}},
		{"micrometres", func(f *file) {
			f.units = 3
			f.srow = [12]float32{1000, 0, 0, 0, 0, 1000, 0, 0, 0, 0, 2000, 0}
		}, r3.Vec{X: -1, Z: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := base()
			tt.change(&f)
			v, err := nifti.ReadVolume(bytes.NewReader(f.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Position(1, 0, 1); r3.Norm(r3.Sub(got, tt.want)) > 1e-5 {
				t.Errorf("Position(1, 0, 1) = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReadLabelsGzipFloat(t *testing.T) {
	f := base()
	f.datatype, f.data = 64, []float64{0, 20, 21, 65535}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(f.bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := nifti.ReadLabels(&b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]uint16{0, 20, 21, 65535}, m.Labels); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
}

func TestReadVersion2(t *testing.T) {
	raw := make([]byte, 544)
	o := binary.LittleEndian
	o.PutUint32(raw, 540)
	copy(raw[4:], "n+2\x00\r\n\x1a\n")
	o.PutUint16(raw[12:], 2)
	for i, d := range []uint64{4, 2, 1, 1, 1} { // one volume of a 4-D file
		o.PutUint64(raw[16+8*i:], d)
	}
	o.PutUint64(raw[168:], 544)
	o.PutUint32(raw[348:], 1)
	for i, v := range []float64{-1, 0, 0, 7, 0, 1, 0, 8, 0, 0, 1, 9} {
		o.PutUint64(raw[400+8*i:], math.Float64bits(v))
	}
	m, err := nifti.ReadLabels(bytes.NewReader(append(raw, 20, 21)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]uint16{20, 21}, m.Labels); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
	if got, want := m.Position(1, 0, 0), (r3.Vec{X: -6, Y: -8, Z: 9}); r3.Norm(r3.Sub(got, want)) > 1e-9 {
		t.Errorf("Position(1, 0, 0) = %v, want %v", got, want)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*file)
		want   string
	}{
		{"time series", func(f *file) { f.dim = []int16{4, 2, 1, 1, 2} }, "2 volumes"},
		{"negative dimension", func(f *file) { f.dim[2] = -1 }, "dim[2] is -1"},
		{"no dimension", func(f *file) { f.dim[0] = 0 }, "dim[0] is 0"},
		{"too many voxels", func(f *file) { f.dim = []int16{3, 32767, 32767, 32767} }, "more than 536870912 voxels"},
		{"lying dimension", func(f *file) { f.dim = []int16{3, 512, 512, 2000} }, "after 4 of 524288000 voxels"},
		{"colour", func(f *file) { f.datatype = 128 }, "unsupported data type 128"},
		{"flat grid", func(f *file) { f.srow[10] = 0 }, "voxel spacing"},
		{"parallel steps", func(f *file) { f.srow = [12]float32{1, 1, 0, 0, 0, 0.01, 0, 0, 0, 0, 1, 0} }, "span no volume"},
		{"NaN origin", func(f *file) { f.srow[3] = float32(math.NaN()) }, "origin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := base()
			tt.change(&f)
			_, err := nifti.ReadVolume(bytes.NewReader(f.bytes()))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ReadVolume error = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestReadLabelsRefusesFractions(t *testing.T) {
	f := base()
	f.datatype, f.data = 16, []float32{0, 1, 2.5, 3}
	if _, err := nifti.ReadLabels(bytes.NewReader(f.bytes())); err == nil || !strings.Contains(err.Error(), "voxel 2 holds 2.5") {
		t.Errorf("ReadLabels error = %v, want the voxel and its value", err)
	}
}

func TestReadTruncatedAnywhere(t *testing.T) {
	whole := base().bytes()
	for n := range len(whole) {
		if _, err := nifti.ReadVolume(bytes.NewReader(whole[:n])); err == nil {
			t.Fatalf("first %d of %d bytes: no error", n, len(whole))
		}
	}
}

// endless is a header's grid of zeros, packed to a thousandth.
func endless(t *testing.T, side int16) *bytes.Buffer {
	t.Helper()
	header := base().bytes()[:352]
	for i := range 3 {
		binary.LittleEndian.PutUint16(header[42+2*i:], uint16(side))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	if _, err := z.Write(header); err != nil {
		t.Fatal(err)
	}
	for range int(side) * int(side) * int(side) * 2 >> 20 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// A CT that unpacks to hundreds of times its size is none; label maps may.
func TestInflation(t *testing.T) {
	b := endless(t, 512)
	if _, err := nifti.ReadVolume(bytes.NewReader(b.Bytes())); err == nil || !strings.Contains(err.Error(), "unpack") {
		t.Errorf("ReadVolume of %d bytes of zeros: error = %v", b.Len(), err)
	}
	if _, err := nifti.ReadLabels(b); err != nil {
		t.Errorf("ReadLabels: %v", err)
	}
}

func TestNotNIfTI(t *testing.T) {
	for _, in := range []string{"", "DICM", strings.Repeat("x", 400)} {
		if _, err := nifti.ReadVolume(strings.NewReader(in)); !errors.Is(err, nifti.ErrNotNIfTI) {
			t.Errorf("ReadVolume(%.8q) error = %v, want ErrNotNIfTI", in, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(base().bytes())
	big := base()
	big.order = binary.BigEndian
	big.sform, big.qform = 0, 1
	f.Add(big.bytes())
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(base().bytes())
	_ = z.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := nifti.ReadVolume(bytes.NewReader(in))
		if err == nil && len(v.Samples) != v.Columns*v.Rows*v.Slices {
			t.Errorf("%d samples for %d × %d × %d", len(v.Samples), v.Columns, v.Rows, v.Slices)
		}
		m, err := nifti.ReadLabels(bytes.NewReader(in))
		if err == nil && len(m.Labels) != m.Columns*m.Rows*m.Slices {
			t.Errorf("%d labels for %d × %d × %d", len(m.Labels), m.Columns, m.Rows, m.Slices)
		}
	})
}
