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

// A huffman table decodes symbols (T.81 annexes C and F.2.2.3).
type huffman struct {
	limit  [18]uint32 // by length: the first code, left-aligned in 16 bits, that is longer
	offset [17]int32  // by length: index in values less code
	values []byte
}

// newHuffman builds the table whose counts are the numbers of codes of 1 to 16
// bits, its values the symbols in the order of the codes.
func newHuffman(counts, values []byte) (*huffman, error) {
	h := &huffman{values: values}
	code, k := uint32(0), int32(0)
	for length := 1; length <= 16; length++ {
		n := uint32(counts[length-1])
		if code+n > 1<<length {
			return nil, fmt.Errorf("%w: more Huffman codes of %d bits than there are", ErrCorrupt, length)
		}
		h.offset[length] = k - int32(code)
		code += n
		k += int32(n)
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	h.limit[17] = 1 << 16
	return h, nil
}

// eachHuffmanTable calls enter for every table of a DHT segment (T.81 B.2.4.2).
func eachHuffmanTable(data []byte, enter func(class, slot byte, counts, values []byte) error) error {
	for len(data) > 0 {
		if len(data) < 17 {
			return fmt.Errorf("%w: Huffman table of %d bytes", ErrCorrupt, len(data))
		}
		class, slot, counts := data[0]>>4, data[0]&15, data[1:17]
		total := 0
		for _, n := range counts {
			total += int(n)
		}
		if class > 1 || slot > 3 || total > len(data)-17 {
			return fmt.Errorf("%w: Huffman table %d of class %d with %d codes", ErrCorrupt, slot, class, total)
		}
		if err := enter(class, slot, counts, data[17:17+total]); err != nil {
			return err
		}
		data = data[17+total:]
	}
	return nil
}

// A differenceTable decodes differences, which are coded as a Huffman code for
// their category and as many more bits.
type differenceTable struct {
	*huffman

	// fast holds, for every possible next lookahead bits, the difference and
	// the bits it takes; 0 bits where it takes more than lookahead.
	fast [1 << lookahead]struct {
		difference int16
		bits       uint8
	}
}

func newDifferenceTable(counts, values []byte) (*differenceTable, error) {
	h, err := newHuffman(counts, values)
	if err != nil {
		return nil, err
	}
	t := &differenceTable{huffman: h}
	code, k := uint32(0), 0
	for length := 1; length <= 16; length++ {
		for range counts[length-1] {
			if values[k] > 16 { // T.81 table H.2
				return nil, fmt.Errorf("%w: difference category %d", ErrCorrupt, values[k])
			}
			t.enter(code, length, int(values[k]))
			code++
			k++
		}
		code <<= 1
	}
	return t, nil
}

// enter fills the part of fast that begins with code.
func (t *differenceTable) enter(code uint32, length, category int) {
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
			t.fast[i].difference = int16(extend(bits, category))
			t.fast[i].bits = uint8(length + extra)
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
func (r *bitReader) difference(t *differenceTable) (int32, error) {
	if r.n < 32 { // a code and its bits take 31 at most
		r.fill()
	}
	if e := &t.fast[r.acc>>(64-lookahead)]; e.bits > 0 {
		r.acc <<= e.bits
		r.n -= int(e.bits)
		return int32(e.difference), nil
	}
	category, err := r.symbol(t.huffman)
	if err != nil {
		return 0, err
	}
	if category == 16 {
		return 1 << 15, nil
	}
	return extend(r.take(int(category)), int(category)), nil
}

// symbol decodes one symbol. At least 16 bits must be there.
func (r *bitReader) symbol(h *huffman) (byte, error) {
	next := uint32(r.acc >> 48)
	length := 1
	for next >= h.limit[length] {
		length++
	}
	if length > 16 {
		return 0, fmt.Errorf("%w: undefined Huffman code", ErrCorrupt)
	}
	r.take(length)
	return h.values[h.offset[length]+int32(next>>(16-length))], nil
}

// take reads up to 16 bits, which must be there.
func (r *bitReader) take(n int) uint32 {
	v := uint32(r.acc >> 32 >> (32 - n))
	r.acc <<= n
	r.n -= n
	return v
}
