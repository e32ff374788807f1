// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package nifti

import (
	"encoding/binary"
	"math"
)

// sampleType is how a voxel is stored.
type sampleType struct {
	bytes int
	value func(binary.ByteOrder, []byte) float64
}

// sampleTypes are the data types that hold one real number, by the codes of
// nifti1.h.
var sampleTypes = map[int16]sampleType{
	2:   {1, func(_ binary.ByteOrder, b []byte) float64 { return float64(b[0]) }},
	4:   {2, func(o binary.ByteOrder, b []byte) float64 { return float64(int16(o.Uint16(b))) }},
	8:   {4, func(o binary.ByteOrder, b []byte) float64 { return float64(int32(o.Uint32(b))) }},
	16:  {4, func(o binary.ByteOrder, b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
	64:  {8, func(o binary.ByteOrder, b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }},
	256: {1, func(_ binary.ByteOrder, b []byte) float64 { return float64(int8(b[0])) }},
	512: {2, func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint16(b)) }},
	768: {4, func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint32(b)) }},

	1024: {8, func(o binary.ByteOrder, b []byte) float64 { return float64(int64(o.Uint64(b))) }},
	1280: {8, func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint64(b)) }},
}
