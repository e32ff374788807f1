// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/internal/element"
	"github.com/endplate/endplate/analysis/dicom/internal/fragment"
	"github.com/endplate/endplate/analysis/dicom/pixel"
)

// ErrNoPixelData says that an instance has no pixel data, or none of whole numbers.
var ErrNoPixelData = errors.New("no pixel data")

// ErrNoFrame says that an image has no frame of a number.
var ErrNoFrame = errors.New("no such frame")

// Image is an open image. It reads from what it was opened with, and belongs to one
// goroutine.
type Image struct {
	TransferSyntaxUID string
	Format            pixel.Format
	Frames            int // how many
	Compressed        bool

	r      io.ReaderAt
	order  binary.ByteOrder
	vr     string // of the pixel data
	offset int64  // of native pixel data
	length int64
	spans  [][]fragment.Span // of compressed frames

	attributes *dataset.Dataset
}

// wanted are the attributes that reading and display depend on.
var wanted = map[tag.Tag]bool{
	tag.SamplesPerPixel: true, tag.PhotometricInterpretation: true, tag.PlanarConfiguration: true, tag.NumberOfFrames: true,
	tag.Rows: true, tag.Columns: true, tag.BitsAllocated: true, tag.BitsStored: true, tag.HighBit: true, tag.PixelRepresentation: true,

	tag.RescaleIntercept: true, tag.RescaleSlope: true, tag.ModalityLUTSequence: true,
	tag.WindowCenter: true, tag.WindowWidth: true, tag.VOILUTFunction: true, tag.VOILUTSequence: true, tag.PresentationLUTShape: true,
	tag.RedPaletteColorLookupTableDescriptor: true, tag.GreenPaletteColorLookupTableDescriptor: true, tag.BluePaletteColorLookupTableDescriptor: true,
	tag.RedPaletteColorLookupTableData: true, tag.GreenPaletteColorLookupTableData: true, tag.BluePaletteColorLookupTableData: true,

	tag.SharedFunctionalGroupsSequence: true, tag.PerFrameFunctionalGroupsSequence: true,
}

// Open reads the header of an instance of a size and finds its frames. The errors are
// those of package dicom, those of package pixel, and ErrNoPixelData.
func Open(src io.ReadSeeker, size int64) (*Image, error) {
	file, err := dataset.Read(src, size, dataset.Options{Want: func(t tag.Tag) bool { return wanted[t] }})
	if err != nil {
		return nil, err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%w: %w", element.ErrUnreadable, err)
	}
	w, meta, p, err := element.Begin(src)
	if err != nil {
		return nil, err
	}
	m := &Image{TransferSyntaxUID: meta.TransferSyntaxUID, order: w.Order, attributes: &file.Dataset}
	m.r, m.length = &seekingReaderAt{src, size}, size
	if meta.TransferSyntaxUID == element.DeflatedExplicitVRLittleEndian {
		if w, err = m.inflate(w); err != nil {
			return nil, err
		}
	}
	pixels, err := fragment.Find(w, p)
	if err != nil {
		return nil, err
	}
	if pixels == nil {
		return nil, ErrNoPixelData
	}
	if err := m.describe(); err != nil {
		return nil, err
	}
	return m, m.locate(pixels)
}

// mostInflated is the largest deflated data set that is read, bytes inflated.
const mostInflated = 256 << 20

// inflate holds the inflated data set, so that it can be read anywhere.
func (m *Image) inflate(w *element.Walker) (*element.Walker, error) {
	b, err := io.ReadAll(io.LimitReader(w.Rest(0), mostInflated+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, element.CutOff(err)
	}
	if len(b) > mostInflated {
		return nil, fmt.Errorf("%w: inflates to more than %d bytes", element.ErrTooLarge, mostInflated)
	}
	m.r, m.length = bytes.NewReader(b), int64(len(b))
	return &element.Walker{Encoding: w.Encoding, Src: bytes.NewReader(b), Size: len(b)}, nil
}

// describe reads what a frame is made of. PS3.3 C.7.6.3.
func (m *Image) describe() error {
	number := m.attributes.Int
	m.Format = pixel.Format{
		Rows: number(tag.Rows, 0), Columns: number(tag.Columns, 0), SamplesPerPixel: number(tag.SamplesPerPixel, 1),
		BitsAllocated: number(tag.BitsAllocated, 0), Signed: number(tag.PixelRepresentation, 0) == 1,
		PlanarConfiguration: number(tag.PlanarConfiguration, 0), PhotometricInterpretation: m.attributes.Value(tag.PhotometricInterpretation),
	}
	m.Format.BitsStored = number(tag.BitsStored, m.Format.BitsAllocated)
	m.Format.HighBit = number(tag.HighBit, m.Format.BitsStored-1)
	for _, a := range []struct {
		t     tag.Tag
		value int
	}{{tag.Rows, m.Format.Rows}, {tag.Columns, m.Format.Columns}, {tag.BitsAllocated, m.Format.BitsAllocated}} {
		if a.value <= 0 {
			return &element.MissingAttributeError{Keyword: element.Name(a.t)}
		}
	}
	if m.Format.SamplesPerPixel < 1 || m.Format.SamplesPerPixel > 4 {
		return &element.InvalidAttributeError{Keyword: "SamplesPerPixel", Problem: strconv.Itoa(m.Format.SamplesPerPixel)}
	}
	if m.Frames = number(tag.NumberOfFrames, 1); m.Frames < 1 || m.Frames > math.MaxInt32 {
		return &element.InvalidAttributeError{Keyword: "NumberOfFrames", Problem: "no positive number"}
	}
	return nil
}

// locate finds the frames.
func (m *Image) locate(s *fragment.Pixels) error {
	m.vr = s.VR
	rest := m.length - s.Offset
	if m.Compressed = s.Length == element.UndefinedLength; m.Compressed {
		data := fragment.Data{Offset: s.Offset, Length: rest, Offsets: s.Offsets, Lengths: s.Lengths}
		var err error
		m.spans, err = data.Frames(m.r, m.Frames)
		return err
	}
	m.offset, m.length = s.Offset, min(rest, int64(s.Length))
	if need := (m.frameBits()*int64(m.Frames) + 7) / 8; m.length < need {
		return element.Truncated("PixelData of %d frames needs %d bytes and has %d", m.Frames, need, m.length)
	}
	return nil
}

// samples returns how many samples a frame has.
func (m *Image) samples() int { return m.Format.Rows * m.Format.Columns * m.Format.SamplesPerPixel }

// frameBits returns the size of a native frame, bits. Frames of single bits do not
// begin at octets. PS3.5 8.1.1.
func (m *Image) frameBits() int64 { return int64(m.samples()) * int64(m.Format.BitsAllocated) }

// Size returns how many bytes a frame has when it is not compressed.
func (m *Image) Size() int64 { return (m.frameBits() + 7) / 8 }

// seekingReaderAt reads anywhere in what can only seek. It belongs to one goroutine.
type seekingReaderAt struct {
	r    io.ReadSeeker
	size int64
}

func (s *seekingReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	if at, ok := s.r.(io.ReaderAt); ok {
		return at.ReadAt(p, offset)
	}
	if offset >= s.size {
		return 0, io.EOF
	}
	if _, err := s.r.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
