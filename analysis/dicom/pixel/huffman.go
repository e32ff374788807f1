// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"encoding/binary"
	"fmt"
)

// lookahead is the number of bits that a Huffman table resolves at once: code
// and, where they fit, the difference's own bits. Most differences of a CT fit.
const lookahead = 12

// A huffman table decodes the differences of the lossless process.
type huffman struct {
	// fast holds, for every possible next lookahead bits, the difference and
	// the bits it takes; 0 bits where it takes more than lookahead.
	fast [1 << lookahead]struct {
		difference int16
		bits       uint8
	}

	limit  [18]uint32 // by length: the first code, left-aligned in 16 bits, that is longer
	offset [17]int32  // by length: index in values less code
	values []byte
}

// parseHuffmanTables reads a DHT segment (T.81 B.2.4.2) into its slots.
func parseHuffmanTables(data []byte, tables *[4]*huffman) error {
	for len(data) > 0 {
		if len(data) < 17 {
			return fmt.Errorf("%w: Huffman table of %d bytes", ErrCorrupt, len(data))
		}
		slot, counts := data[0], data[1:17]
		total := 0
		for _, n := range counts {
			total += int(n)
		}
		if slot >= 4 || total > len(data)-17 {
			return fmt.Errorf("%w: Huffman table %d with %d codes", ErrCorrupt, slot, total)
		}
		table, err := newHuffman(counts, data[17:17+total])
		if err != nil {
			return err
		}
		tables[slot] = table
		data = data[17+total:]
	}
	return nil
}

// newHuffman builds the table of T.81 annex C: counts holds the number of codes
// of 1 to 16 bits, values the categories in the order of the codes.
func newHuffman(counts, values []byte) (*huffman, error) {
	h := &huffman{values: values}
	code, k := uint32(0), int32(0)
	for length := 1; length <= 16; length++ {
		h.offset[length] = k - int32(code)
		for range counts[length-1] {
			if code >= 1<<length {
				return nil, fmt.Errorf("%w: more Huffman codes of %d bits than there are", ErrCorrupt, length)
			}
			if values[k] > 16 { // T.81 table H.2
				return nil, fmt.Errorf("%w: difference category %d", ErrCorrupt, values[k])
			}
			h.enter(code, length, int(values[k]))
			code++
			k++
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	h.limit[17] = 1 << 16
	return h, nil
}

// enter fills the part of fast that begins with code.
func (h *huffman) enter(code uint32, length, category int) {
	extra := category
	if category == 16 {
		extra = 0
	}
	if length+extra > lookahead || category == 16 { // 32768 is no int16
		return
	}
	free := lookahead - length - extra
	for bits := range uint32(1) << extra {
		first := (code<<extra | bits) << free
		for i := first; i < first+1<<free; i++ {
			h.fast[i].difference = int16(extend(bits, category))
			h.fast[i].bits = uint8(length + extra)
		}
	}
}

// extend returns the difference of a category whose additional bits are given
// (T.81 F.2.2.1, EXTEND).
func extend(bits uint32, category int) int32 {
	if category == 0 {
		return 0
	}
	v := int32(bits)
	if v < 1<<(category-1) {
		v += 1 - 1<<category
	}
	return v
}

// A bitReader reads entropy-coded data up to the next marker. Behind it, it
// delivers zeros; overrun says whether any of them has been used.
type bitReader struct {
	data   []byte
	pos    int
	acc    uint64 // the next bits, left-aligned
	n      int    // their number
	padded int    // zeros appended behind the data
}

// fill tops up acc to more than 32 bits.
func (r *bitReader) fill() {
	if r.n <= 32 && r.pos+4 <= len(r.data) {
		word := binary.BigEndian.Uint32(r.data[r.pos:])
		// No byte is FF exactly if no byte of the complement is 0.
		if inverse := ^word; (inverse-0x01010101)&^inverse&0x80808080 == 0 {
			r.acc |= uint64(word) << (32 - r.n)
			r.n += 32
			r.pos += 4
			return
		}
	}
	for r.n <= 56 {
		var b byte
		switch {
		case r.pos >= len(r.data):
			r.padded += 8
		case r.data[r.pos] != 0xFF:
			b = r.data[r.pos]
			r.pos++
		case r.pos+1 < len(r.data) && r.data[r.pos+1] == 0:
			b = 0xFF
			r.pos += 2
		default:
			r.padded += 8
		}
		r.acc |= uint64(b) << (56 - r.n)
		r.n += 8
	}
}

// overrun reports whether bits were taken that the data does not hold.
func (r *bitReader) overrun() bool { return r.padded > r.n }

// restart moves behind the next restart marker, which must follow here.
func (r *bitReader) restart() error {
	if r.overrun() {
		return errTruncated
	}
	r.acc, r.n, r.padded = 0, 0, 0
	for r.pos+1 < len(r.data) && r.data[r.pos] == 0xFF {
		if m := r.data[r.pos+1]; m >= markerRST0 && m <= markerRST7 {
			r.pos += 2
			return nil
		}
		r.pos++
	}
	return fmt.Errorf("%w: no restart marker", ErrCorrupt)
}

// difference decodes one difference (T.81 H.2.2) in [-32767, 32768].
func (r *bitReader) difference(h *huffman) (int32, error) {
	if r.n < 32 { // a code and its bits take 31 at most
		r.fill()
	}
	if e := &h.fast[r.acc>>(64-lookahead)]; e.bits > 0 {
		r.acc <<= e.bits
		r.n -= int(e.bits)
		return int32(e.difference), nil
	}
	return r.longDifference(h)
}

func (r *bitReader) longDifference(h *huffman) (int32, error) {
	next := uint32(r.acc >> 48)
	length := 1
	for next >= h.limit[length] {
		length++
	}
	if length > 16 {
		return 0, fmt.Errorf("%w: undefined Huffman code", ErrCorrupt)
	}
	category := int(h.values[h.offset[length]+int32(next>>(16-length))])
	r.acc <<= length
	r.n -= length
	if category == 16 {
		return 1 << 15, nil
	}
	bits := uint32(r.acc >> 32 >> (32 - category))
	r.acc <<= category
	r.n -= category
	return extend(bits, category), nil
}
