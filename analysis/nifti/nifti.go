// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package nifti reads NIfTI-1 and NIfTI-2 files (.nii, .nii.gz): research CT
// volumes and label maps.
//
// The file's RAS millimetres become LPS by negating x and y. Memory grows with
// the data that arrive, not with the size that the header claims; a file may
// hold at most MaxVoxels voxels, and a compressed CT not unpack to many times
// its size.
//
// Reference: Cox et al., A (sort of) new image data format standard: NIfTI-1,
// NeuroImage 2004;22:e1440; header files nifti1.h and nifti2.h.
package nifti

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/volume"
)

// MaxVoxels is the largest grid that is read: 512 × 512 × 2048.
const MaxVoxels = 1 << 29

// maxDataOffset bounds the header extensions that are skipped, bytes.
const maxDataOffset = 64 << 20

// Bounds of what compressed data may unpack to: a multiple of their size, and an
// allowance for small files. A CT without noise packs to a hundredth; a label
// map to a thousandth, which is all that deflate can do.
const (
	maxInflationCT     = 100
	maxInflationLabels = 1032
	inflationAllowance = 32 << 20 // bytes
)

// earnedShare is the part of the voxels that must have arrived before room is
// made for all of them.
const earnedShare = 1.0 / 8

// chunkVoxels is how many voxels are decoded at a time.
const chunkVoxels = 1 << 16

// ErrNotNIfTI reports data that do not begin with a NIfTI header.
var ErrNotNIfTI = errors.New("not a NIfTI file")

// ReadVolume reads a CT volume. Values are taken as HU after scaling, rounded
// and clamped to int16.
func ReadVolume(r io.Reader) (*volume.Volume, error) {
	h, data, err := open(r, maxInflationCT)
	if err != nil {
		return nil, err
	}
	v := &volume.Volume{Geometry: h.geometry}
	err = decode(h, data, func(values []float64) error {
		v.Samples = room(v.Samples, h.geometry)
		for _, x := range values {
			v.Samples = append(v.Samples, clampHU(h.scale(x)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// clampHU rounds x to the nearest int16; what is no number is air.
func clampHU(x float64) int16 {
	if math.IsNaN(x) {
		return volume.OutsideHU
	}
	return int16(math.Round(min(max(x, math.MinInt16), math.MaxInt16)))
}

// ReadLabels reads a label map. Its values must be whole numbers from 0 to
// 65535 after scaling. They are kept as they are: which vertebra a number
// stands for is not the file format's business.
func ReadLabels(r io.Reader) (*volume.LabelMap, error) {
	h, data, err := open(r, maxInflationLabels)
	if err != nil {
		return nil, err
	}
	m := &volume.LabelMap{Geometry: h.geometry}
	err = decode(h, data, func(values []float64) error {
		m.Labels = room(m.Labels, h.geometry)
		for _, x := range values {
			x = h.scale(x)
			label := uint16(min(max(x, 0), math.MaxUint16))
			if !(math.Abs(x-float64(label)) <= labelTolerance) {
				return fmt.Errorf("voxel %d holds %g, which is no label", len(m.Labels), x)
			}
			m.Labels = append(m.Labels, label)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// labelTolerance is how far a label may be from a whole number: rounding of
// single-precision scaling.
const labelTolerance = 1e-3

// room returns voxels with room for all of the grid, once enough have arrived.
func room[T any](voxels []T, g volume.Geometry) []T {
	total := g.Columns * g.Rows * g.Slices
	if float64(len(voxels)) < earnedShare*float64(total) {
		return voxels
	}
	return slices.Grow(voxels, total-len(voxels))
}

// inflater unpacks no more than the packed data warrant.
type inflater struct {
	*gzip.Reader
	packed   *counter
	ratio    int64
	unpacked int64
}

func (r *inflater) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.unpacked += int64(n)
	if r.unpacked > inflationAllowance+r.ratio*r.packed.n {
		return n, fmt.Errorf("data unpack to more than %d times their size", r.ratio)
	}
	return n, err
}

// counter counts what is read through it.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// open reads the header and positions the reader at the first voxel. Compressed
// data may unpack to ratio times their size.
func open(r io.Reader, ratio int64) (*header, io.Reader, error) {
	packed := &counter{Reader: r}
	br := bufio.NewReaderSize(packed, 1<<16)
	var data io.Reader = br
	if magic, err := br.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip header: %w", err)
		}
		data = &inflater{Reader: z, packed: packed, ratio: ratio}
	}
	h, err := readHeader(data)
	if err != nil {
		return nil, nil, err
	}
	return h, data, nil
}

// decode hands the voxels to use in file order, at most chunkVoxels at a time.
func decode(h *header, r io.Reader, use func([]float64) error) error {
	total := h.geometry.Columns * h.geometry.Rows * h.geometry.Slices
	raw := make([]byte, min(total, chunkVoxels)*h.sample.bytes)
	values := make([]float64, min(total, chunkVoxels))
	for done := 0; done < total; {
		n := min(total-done, chunkVoxels)
		got, err := io.ReadFull(r, raw[:n*h.sample.bytes])
		if err != nil {
			return fmt.Errorf("after %d of %d voxels: %w", done+got/h.sample.bytes, total, noEOF(err))
		}
		for i := range n {
			values[i] = h.sample.value(h.order, raw[i*h.sample.bytes:])
		}
		if err := use(values[:n]); err != nil {
			return err
		}
		done += n
	}
	return nil
}

// noEOF makes the end of data in their midst an unexpected one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
