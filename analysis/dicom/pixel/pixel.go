// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package pixel decodes one frame of DICOM pixel data, native or compressed,
// into samples.
//
// A header that contradicts the frame's Format is refused before anything is
// allocated for it, so memory follows from the Format, which the caller has
// checked, and not from the stream. A stream that ends before its last sample
// is an error.
//
// # Decoders
//
// RLE, JPEG lossless and JPEG-LS are decoded here: they are small, and as fast
// as the libraries that others keep for them (JPEG-LS about 63 MB/s of
// uncompressed CT where CharLS makes 66 to 78). Of the DCT, 8 bits are left to
// image/jpeg and 12 bits, which it does not read, are decoded here.
//
// JPEG 2000 and HTJ2K are too large to write again. OpenJPEG decodes them,
// compiled to WebAssembly (internal/openjpeg, 280 kB) and run by wazero: about 9
// MB/s of CT where its native build makes 20, in exchange for no cgo, a memory
// limit and a sandbox around C code that reads hostile input. The module is
// compiled when the first such frame comes, in about 0.2 s.
package pixel

import (
	"context"
	"errors"
	"fmt"
)

// Format describes the samples of a frame by the attributes of the Image Pixel
// module (PS3.3 C.7.6.3).
type Format struct {
	Rows, Columns             int
	SamplesPerPixel           int
	BitsAllocated             int // 1, 8, 16 or 32
	BitsStored, HighBit       int
	Signed                    bool // Pixel Representation 1
	PlanarConfiguration       int  // of native frames; ignored elsewhere
	PhotometricInterpretation string
}

// ErrCorrupt is wrapped by the errors for frames that break their transfer
// syntax, end too early or contradict their Format.
var ErrCorrupt = errors.New("corrupt frame")

// UnsupportedTransferSyntaxError reports a transfer syntax that Decode does not
// read. It matches errors.ErrUnsupported.
type UnsupportedTransferSyntaxError struct {
	UID string
}

func (e *UnsupportedTransferSyntaxError) Error() string {
	return "unsupported transfer syntax " + e.UID
}

// Is reports whether target is errors.ErrUnsupported.
func (e *UnsupportedTransferSyntaxError) Is(target error) bool {
	return target == errors.ErrUnsupported
}

// Supported reports whether Decode reads the transfer syntax.
func Supported(transferSyntaxUID string) bool {
	_, ok := codecOf(transferSyntaxUID)
	return ok
}

// Decode decodes one frame into dst, which must hold
// Rows*Columns*SamplesPerPixel samples: index
// (row*Columns+column)*SamplesPerPixel+sample, sign-extended from BitsStored
// where Signed, otherwise with the bits above HighBit cleared, before any
// rescale.
//
// Colour is not converted, whatever PhotometricInterpretation says, except that
// the component transforms of JPEG 2000 (YBR_RCT, YBR_ICT) are undone to RGB.
//
// The error wraps ErrCorrupt for a bad frame, errors.ErrUnsupported for a valid
// one that is coded in a way that is not read (as an
// *UnsupportedTransferSyntaxError where that is the transfer syntax as a whole)
// and ctx's error where ctx ended the work. What dst then holds is undefined.
func Decode(ctx context.Context, transferSyntaxUID string, frame []byte, f Format, dst []int32) error {
	c, ok := codecOf(transferSyntaxUID)
	if !ok {
		return &UnsupportedTransferSyntaxError{UID: transferSyntaxUID}
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if want := f.Rows * f.Columns * f.SamplesPerPixel; len(dst) != want {
		return fmt.Errorf("%s: room for %d samples, want %d", c.name, len(dst), want)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if err := c.decode(ctx, frame, f, dst); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

// A codec is the decoder of one or more transfer syntaxes. Its decode may trust
// the Format and len(dst), and nothing in the frame.
type codec struct {
	name   string
	decode func(ctx context.Context, frame []byte, f Format, dst []int32) error
}

// codecOf returns the codec of a transfer syntax (PS3.6 table A-1).
func codecOf(uid string) (codec, bool) {
	switch uid {
	case "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99":
		return codec{"native pixel data", decodeLittleEndian}, true
	case "1.2.840.10008.1.2.2":
		return codec{"native pixel data", decodeBigEndian}, true
	case "1.2.840.10008.1.2.5":
		return codec{"RLE lossless", decodeRLE}, true
	case "1.2.840.10008.1.2.4.50":
		return codec{"JPEG baseline", decodeJPEGSequential}, true
	case "1.2.840.10008.1.2.4.51":
		return codec{"JPEG extended", decodeJPEGSequential}, true
	case "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70":
		return codec{"JPEG lossless", decodeJPEGLossless}, true
	case "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81":
		return codec{"JPEG-LS", decodeJPEGLS}, true
	case "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91":
		return codec{"JPEG 2000", decodeJPEG2000}, true
	case "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203":
		return codec{"HTJ2K", decodeJPEG2000}, true
	default:
		return codec{}, false
	}
}

// maxSide is the largest value of Rows and Columns, whose VR is US.
const maxSide = 1<<16 - 1

// check reports attributes that no frame can have, or that int32 samples
// cannot hold.
func (f Format) check() error {
	switch {
	case f.Rows < 1 || f.Rows > maxSide || f.Columns < 1 || f.Columns > maxSide:
		return fmt.Errorf("%w: %d rows, %d columns", ErrCorrupt, f.Rows, f.Columns)
	case f.SamplesPerPixel < 1 || f.SamplesPerPixel > 4:
		return fmt.Errorf("%w: %d samples per pixel", ErrCorrupt, f.SamplesPerPixel)
	case f.BitsAllocated != 1 && f.BitsAllocated != 8 && f.BitsAllocated != 16 && f.BitsAllocated != 32:
		return fmt.Errorf("%d bits allocated: %w", f.BitsAllocated, errors.ErrUnsupported)
	case f.BitsStored < 1 || f.HighBit < f.BitsStored-1 || f.HighBit >= f.BitsAllocated:
		return fmt.Errorf("%w: %d bits stored below bit %d of %d", ErrCorrupt, f.BitsStored, f.HighBit, f.BitsAllocated)
	case f.BitsStored == 32 && !f.Signed:
		return fmt.Errorf("32-bit unsigned samples: %w", errors.ErrUnsupported)
	}
	return nil
}

// samples replaces cells by the values that they store in bits HighBit to
// HighBit+1-BitsStored, in place.
func (f Format) samples(cells []int32) {
	// The masks tell the compiler that the shifts are short.
	up, down := (31-f.HighBit)&31, (32-f.BitsStored)&31
	if f.Signed {
		for i, c := range cells {
			cells[i] = c << up >> down
		}
		return
	}
	for i, c := range cells {
		cells[i] = int32(uint32(c) << up >> down)
	}
}

// coded returns the format of samples that come out of a codestream of the
// given precision. A stream that holds only the stored bits has no unused bits
// below them, whatever HighBit says of the uncompressed frame.
func (f Format) coded(precision int) Format {
	if precision <= f.BitsStored {
		f.HighBit = f.BitsStored - 1
	}
	return f
}
