// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package nifti

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Header sizes in bytes: they stand in the first four and tell version and
// byte order.
const (
	size1 = 348
	size2 = 540
)

// header is what a NIfTI header says about the voxels.
type header struct {
	order            binary.ByteOrder
	sample           sampleType
	slope, intercept float64 // slope 0: values are not scaled
	geometry         volume.Geometry
}

// scale returns the value that a stored one stands for.
func (h *header) scale(x float64) float64 {
	if h.slope == 0 {
		return x
	}
	return float64(x*h.slope) + h.intercept
}

// fields are the header fields in use, the same in both versions.
type fields struct {
	dim              [8]int64
	pixdim           [8]float64
	datatype         int16
	offset           float64 // of the first voxel, bytes
	slope, intercept float64
	units            byte
	qform, sform     int32
	quatern          [6]float64    // b, c, d, offset x, y, z
	srow             [3][4]float64 // x, y, z
}

// readHeader reads the header and skips what stands before the voxels.
func readHeader(r io.Reader) (*header, error) {
	raw := make([]byte, size2)
	if _, err := io.ReadFull(r, raw[:4]); err != nil {
		return nil, fmt.Errorf("%w: no header", ErrNotNIfTI)
	}
	order, size, ok := version(raw)
	if !ok {
		return nil, fmt.Errorf("%w: header size %#x", ErrNotNIfTI, raw[:4])
	}
	if _, err := io.ReadFull(r, raw[4:size]); err != nil {
		return nil, fmt.Errorf("header: %w", noEOF(err))
	}
	f, err := parse(raw[:size], order)
	if err != nil {
		return nil, err
	}
	h := &header{order: order}
	if err := h.fill(f); err != nil {
		return nil, err
	}
	return h, skip(r, f.offset, size)
}

// version recognises the byte order and the header size.
func version(raw []byte) (binary.ByteOrder, int, bool) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch size := order.Uint32(raw); size {
		case size1, size2:
			return order, int(size), true
		}
	}
	return nil, 0, false
}

func parse(raw []byte, order binary.ByteOrder) (*fields, error) {
	if len(raw) == size1 {
		return parse1(raw, order)
	}
	return parse2(raw, order)
}

// parse1 reads a NIfTI-1 header; offsets are those of nifti1.h.
func parse1(raw []byte, order binary.ByteOrder) (*fields, error) {
	switch magic := string(raw[344:348]); magic {
	case "n+1\x00":
	case "ni1\x00":
		return nil, fmt.Errorf("%w: a .hdr/.img pair is not supported, only a single .nii", ErrNotNIfTI)
	default:
		return nil, fmt.Errorf("%w: magic %q", ErrNotNIfTI, magic)
	}
	i16 := func(at int) int16 { return int16(order.Uint16(raw[at:])) }
	f32 := func(at int) float64 { return float64(math.Float32frombits(order.Uint32(raw[at:]))) }
	f := &fields{
		datatype: i16(70), offset: f32(108), slope: f32(112), intercept: f32(116), units: raw[123],
		qform: int32(i16(252)), sform: int32(i16(254)),
	}
	for i := range 8 {
		f.dim[i] = int64(i16(40 + 2*i))
		f.pixdim[i] = f32(76 + 4*i)
	}
	fillOrientation(f, f32, 256, 280, 4)
	return f, nil
}

// parse2 reads a NIfTI-2 header; offsets are those of nifti2.h.
func parse2(raw []byte, order binary.ByteOrder) (*fields, error) {
	if magic := string(raw[4:12]); magic != "n+2\x00\r\n\x1a\n" {
		return nil, fmt.Errorf("%w: magic %q", ErrNotNIfTI, magic)
	}
	i32 := func(at int) int32 { return int32(order.Uint32(raw[at:])) }
	f64 := func(at int) float64 { return math.Float64frombits(order.Uint64(raw[at:])) }
	f := &fields{
		datatype: int16(order.Uint16(raw[12:])), offset: float64(int64(order.Uint64(raw[168:]))),
		slope: f64(176), intercept: f64(184), units: byte(i32(500)),
		qform: i32(344), sform: i32(348),
	}
	for i := range 8 {
		f.dim[i] = int64(order.Uint64(raw[16+8*i:]))
		f.pixdim[i] = f64(104 + 8*i)
	}
	fillOrientation(f, f64, 352, 400, 8)
	return f, nil
}

// fillOrientation reads the six quaternion fields and the three rows of the
// affine, each number width bytes.
func fillOrientation(f *fields, number func(int) float64, quatern, srow, width int) {
	for i := range f.quatern {
		f.quatern[i] = number(quatern + width*i)
	}
	for i := range 12 {
		f.srow[i/4][i%4] = number(srow + width*i)
	}
}

// fill checks the fields and takes what reading needs.
func (h *header) fill(f *fields) error {
	sample, ok := sampleTypes[f.datatype]
	if !ok {
		return fmt.Errorf("unsupported data type %d", f.datatype)
	}
	h.sample = sample
	if finite(f.slope) && finite(f.intercept) {
		h.slope, h.intercept = f.slope, f.intercept
	}
	g, err := f.geometry()
	if err != nil {
		return err
	}
	h.geometry = g
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// skip moves from the end of the header to the first voxel.
func skip(r io.Reader, offset float64, size int) error {
	const extender = 4 // bytes after the header that tell of extensions
	switch {
	case offset == 0:
		offset = float64(size + extender)
	case !(offset >= float64(size) && offset <= maxDataOffset):
		return fmt.Errorf("voxels at byte %g, want %d to %d", offset, size, maxDataOffset)
	}
	if _, err := io.CopyN(io.Discard, r, int64(offset)-int64(size)); err != nil {
		return fmt.Errorf("header extensions: %w", noEOF(err))
	}
	return nil
}

// geometry returns the grid in LPS.
func (f *fields) geometry() (volume.Geometry, error) {
	n, err := f.size()
	if err != nil {
		return volume.Geometry{}, err
	}
	columns, err := f.affine()
	if err != nil {
		return volume.Geometry{}, err
	}
	unit := millimetres(f.units)
	lps := func(v r3.Vec) r3.Vec { return r3.Vec{X: -unit * v.X, Y: -unit * v.Y, Z: unit * v.Z} }
	g := volume.Geometry{
		Columns: n[0], Rows: n[1], Slices: n[2],
		Column: lps(columns[0]), Row: lps(columns[1]), Slice: lps(columns[2]), Origin: lps(columns[3]),
	}
	return g, checkSteps(g)
}

// millimetres returns the length of the file's unit, mm. An unknown unit is
// taken as millimetre, as all readers do.
func millimetres(units byte) float64 {
	switch units & 7 {
	case 1:
		return 1000 // metre
	case 3:
		return 1e-3 // micrometre
	}
	return 1
}

// size returns the grid's size. Dimensions beyond the third must be 1.
func (f *fields) size() ([3]int, error) {
	n := [3]int{1, 1, 1}
	if f.dim[0] < 1 || f.dim[0] > 7 {
		return n, fmt.Errorf("dim[0] is %d, want 1 to 7", f.dim[0])
	}
	voxels := int64(1)
	for i := int64(1); i <= f.dim[0]; i++ {
		d := f.dim[i]
		switch {
		case d < 1:
			return n, fmt.Errorf("dim[%d] is %d", i, d)
		case i > 3 && d > 1:
			return n, fmt.Errorf("%d volumes (dim[%d]), want one", d, i)
		case d > MaxVoxels/voxels:
			return n, fmt.Errorf("more than %d voxels", MaxVoxels)
		}
		voxels *= d
		if i <= 3 {
			n[i-1] = int(d)
		}
	}
	return n, nil
}

// affine returns the columns of the grid's affine in RAS: steps of i, j and k,
// and the position of the first voxel. The sform is preferred, then the qform;
// without either the pixel dimensions stand along the axes (method 1 of
// nifti1.h).
func (f *fields) affine() ([4]r3.Vec, error) {
	switch {
	case f.sform > 0:
		return f.sformAffine(), nil
	case f.qform > 0:
		return f.qformAffine()
	}
	return [4]r3.Vec{{X: f.pixdim[1]}, {Y: f.pixdim[2]}, {Z: f.pixdim[3]}}, nil
}

func (f *fields) sformAffine() (columns [4]r3.Vec) {
	for i := range columns {
		columns[i] = r3.Vec{X: f.srow[0][i], Y: f.srow[1][i], Z: f.srow[2][i]}
	}
	return columns
}

// quaternTolerance is how far b² + c² + d² may exceed 1: rounding of single
// precision.
const quaternTolerance = 1e-5

// qformAffine evaluates the unit quaternion (method 2 of nifti1.h).
func (f *fields) qformAffine() ([4]r3.Vec, error) {
	b, c, d := f.quatern[0], f.quatern[1], f.quatern[2]
	rest := 1 - (b*b + c*c + d*d)
	if !(rest >= -quaternTolerance) {
		return [4]r3.Vec{}, fmt.Errorf("quaternion (%g, %g, %g) is longer than 1", b, c, d)
	}
	a := math.Sqrt(max(rest, 0))
	flip := 1.0
	if f.pixdim[0] < 0 {
		flip = -1
	}
	x := r3.Vec{X: a*a + b*b - c*c - d*d, Y: 2 * (b*c + a*d), Z: 2 * (b*d - a*c)}
	y := r3.Vec{X: 2 * (b*c - a*d), Y: a*a + c*c - b*b - d*d, Z: 2 * (c*d + a*b)}
	z := r3.Vec{X: 2 * (b*d + a*c), Y: 2 * (c*d - a*b), Z: a*a + d*d - b*b - c*c}
	return [4]r3.Vec{
		r3.Scale(f.pixdim[1], x), r3.Scale(f.pixdim[2], y), r3.Scale(flip*f.pixdim[3], z),
		{X: f.quatern[3], Y: f.quatern[4], Z: f.quatern[5]},
	}, nil
}

// Voxel steps outside these bounds are no image of a patient; nearly parallel
// steps span no volume.
const (
	minStep = 1e-2 // mm
	maxStep = 100  // mm
	minSine = 0.1  // volume of the unit steps' parallelepiped
)

func checkSteps(g volume.Geometry) error {
	i, j, k := g.Spacing()
	for _, step := range []float64{i, j, k} {
		if !(step >= minStep && step <= maxStep) {
			return fmt.Errorf("voxel spacing %g × %g × %g mm, want %g to %g", i, j, k, minStep, float64(maxStep))
		}
	}
	span := math.Abs(r3.Dot(g.Column, r3.Cross(g.Row, g.Slice))) / (i * j * k)
	if !(span >= minSine) {
		return fmt.Errorf("voxel steps span no volume (normalised determinant %g)", span)
	}
	if !finite(g.Origin.X) || !finite(g.Origin.Y) || !finite(g.Origin.Z) {
		return fmt.Errorf("origin (%g, %g, %g)", g.Origin.X, g.Origin.Y, g.Origin.Z)
	}
	return nil
}
