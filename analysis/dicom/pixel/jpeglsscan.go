// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// runOrders is J of T.87 A.2.1: the logarithm of the run length that one bit
// stands for, by how well runs have gone.
var runOrders = [32]int{
	0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
	4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
}

// An lsContext counts what errors a context has seen (T.87 A.2.1, A.6).
type lsContext struct {
	sum  int32 // A: of the errors' magnitudes
	bias int32 // B
	fix  int32 // C: correction of the prediction
	n    int32 // N: occurrences
}

// A runContext counts the errors at the ends of runs (T.87 A.7.2).
type runContext struct {
	sum      int32 // A
	n        int32 // N
	negative int32 // Nn
	kind     int32 // RItype: 1 where left and above agree
}

// An lsLine holds the samples of a component's row and of the row above. Each
// has one sample more on either side, so that every neighbour is there.
type lsLine struct {
	above, current []int32
	runIndex       int
}

// An lsScan is a scan while it is decoded.
type lsScan struct {
	*lsCoding
	in         lsReader
	components []scanComponent
	lines      []lsLine // of each component
	contexts   [365]lsContext
	runs       [2]runContext
}

func newLSScan(coding *lsCoding, data []byte, components []scanComponent, columns int) *lsScan {
	s := &lsScan{lsCoding: coding, in: lsReader{data: data}, components: components}
	for range components {
		s.lines = append(s.lines, lsLine{make([]int32, columns+2), make([]int32, columns+2), 0})
	}
	first := max(2, (coding.modulus+32)/64) // T.87 A.2.1
	for i := range s.contexts {
		s.contexts[i] = lsContext{sum: first, n: 1}
	}
	for i := range s.runs {
		s.runs[i] = runContext{sum: first, n: 1, kind: int32(i)}
	}
	return s
}

// decode fills the scan's components of the frame, each row by row or, if
// bySample, sample by sample.
func (s *lsScan) decode(ctx context.Context, d *lsDecoder, bySample bool) error {
	stride := d.format.Columns * d.format.SamplesPerPixel
	for y := range d.format.Rows {
		for i := range s.lines {
			s.lines[i].advance()
		}
		if err := s.row(bySample); err != nil {
			return fmt.Errorf("row %d of %d: %w", y, d.format.Rows, err)
		}
		if s.in.overrun() {
			return fmt.Errorf("row %d of %d: %w", y, d.format.Rows, errTruncated)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, c := range s.components {
			row := d.dst[y*stride+c.index : (y+1)*stride]
			for x, v := range s.lines[i].current[1 : d.format.Columns+1] {
				row[x*d.format.SamplesPerPixel] = v
			}
		}
	}
	return nil
}

// advance begins a new row (T.87 A.2.1, figure A.1): its left neighbour is the
// first sample above, the last neighbour above repeats the last sample.
func (l *lsLine) advance() {
	l.above, l.current = l.current, l.above
	last := len(l.above) - 1
	l.above[last] = l.above[last-1]
	l.current[0] = l.above[1]
}

func (s *lsScan) row(bySample bool) error {
	if bySample {
		return s.rowOfPixels()
	}
	for i := range s.lines {
		if err := s.rowOfSamples(&s.lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// rowOfSamples decodes a row of one component.
func (s *lsScan) rowOfSamples(l *lsLine) error {
	above, current := l.above, l.current[:len(l.above)]
	for x := 1; x < len(above)-1; {
		left, up, corner, right := current[x-1], above[x], above[x-1], above[x+1]
		number := s.context(right-up, up-corner, corner-left)
		if number != 0 {
			v, err := s.regular(number, left, up, corner)
			if err != nil {
				return err
			}
			current[x] = v
			x++
			continue
		}
		n, err := s.runLength(&l.runIndex, len(above)-1-x)
		if err != nil {
			return err
		}
		for range n {
			current[x] = left
			x++
		}
		if x == len(above)-1 {
			return nil
		}
		if current[x], err = s.interruption(l.runIndex, left, above[x]); err != nil {
			return err
		}
		l.runIndex = max(0, l.runIndex-1)
		x++
	}
	return nil
}

// rowOfPixels decodes a row of all components at once (T.87 B.3): a run is one
// of whole pixels.
func (s *lsScan) rowOfPixels() error {
	columns := len(s.lines[0].above) - 2
	runIndex := &s.lines[0].runIndex
	for x := 1; x <= columns; x++ {
		flat := true
		for i := range s.lines {
			flat = flat && s.lines[i].number(s.lsCoding, x) == 0
		}
		if !flat {
			if err := s.regularPixel(x); err != nil {
				return err
			}
			continue
		}
		n, err := s.runLength(runIndex, columns+1-x)
		if err != nil {
			return err
		}
		for _, l := range s.lines {
			for i := range n {
				l.current[x+i] = l.current[x-1]
			}
		}
		x += n
		if x > columns {
			return nil
		}
		if err := s.interruptionPixel(x, *runIndex); err != nil {
			return err
		}
		*runIndex = max(0, *runIndex-1)
	}
	return nil
}

// number returns the number of the context of sample x.
func (l *lsLine) number(c *lsCoding, x int) int32 {
	return c.context(l.above[x+1]-l.above[x], l.above[x]-l.above[x-1], l.above[x-1]-l.current[x-1])
}

func (s *lsScan) regularPixel(x int) error {
	for _, l := range s.lines {
		v, err := s.regular(l.number(s.lsCoding, x), l.current[x-1], l.above[x], l.above[x-1])
		if err != nil {
			return err
		}
		l.current[x] = v
	}
	return nil
}

func (s *lsScan) interruptionPixel(x, runIndex int) error {
	for _, l := range s.lines {
		left, up := l.current[x-1], l.above[x]
		e, err := s.runError(&s.runs[0], runIndex)
		if err != nil {
			return err
		}
		if left > up {
			e = -e
		}
		l.current[x] = s.reconstruct(up, e)
	}
	return nil
}

// regular decodes a sample in regular mode (T.87 A.4 to A.6).
func (s *lsScan) regular(number, left, up, corner int32) (int32, error) {
	negative := number >> 31 // -1 or 0
	c := &s.contexts[(number^negative)-negative]
	fix := (c.fix ^ negative) - negative
	predicted := min(max(median(left, up, corner)+fix, 0), s.maxValue)

	k := golombOrder(c.n, c.sum)
	mapped, err := s.in.golomb(k, s.limit, s.bits)
	if err != nil {
		return 0, err
	}
	e := mapped>>1 ^ -(mapped & 1)
	if k == 0 && s.near == 0 && 2*c.bias <= -c.n {
		e = ^e // T.87 A.5.2, the inverse of the second mapping
	}
	c.update(e, s.step, s.reset)
	return s.reconstruct(predicted, (e^negative)-negative), nil
}

// median is the edge-detecting predictor (T.87 A.4.1).
func median(left, up, corner int32) int32 {
	low, high := min(left, up), max(left, up)
	return min(max(left+up-corner, low), high)
}

// golombOrder returns the least k with n·2^k ≥ sum (T.87 A.5.1).
func golombOrder(n, sum int32) int {
	k := max(0, bitLength(sum)-bitLength(n))
	if n<<k < sum {
		k++
	}
	return k
}

func bitLength(v int32) int { return bits.Len32(uint32(v)) }

// update counts an error (T.87 A.6).
func (c *lsContext) update(e, step, reset int32) {
	const minFix, maxFix = -128, 127
	c.sum += max(e, -e)
	c.bias += e * step
	if c.n == reset {
		c.sum >>= 1
		c.bias >>= 1
		c.n >>= 1
	}
	c.n++
	if c.bias <= -c.n {
		c.bias = max(c.bias+c.n, 1-c.n)
		c.fix = max(c.fix-1, minFix)
	} else if c.bias > 0 {
		c.bias = min(c.bias-c.n, 0)
		c.fix = min(c.fix+1, maxFix)
	}
}

// runLength decodes the length of a run that has room for so many samples
// (T.87 A.7.1).
func (s *lsScan) runLength(index *int, room int) (int, error) {
	n := 0
	for s.in.bits(1) == 1 {
		part := 1 << runOrders[*index]
		if n+part <= room {
			*index = min(*index+1, len(runOrders)-1)
		}
		if n = min(n+part, room); n == room {
			return n, nil
		}
	}
	n += int(s.in.bits(runOrders[*index]))
	if n >= room {
		return 0, fmt.Errorf("%w: run of %d samples, room for %d", ErrCorrupt, n, room)
	}
	return n, nil
}

// interruption decodes the sample that ends a run (T.87 A.7.2).
func (s *lsScan) interruption(runIndex int, left, up int32) (int32, error) {
	if max(left-up, up-left) <= s.near {
		e, err := s.runError(&s.runs[1], runIndex)
		return s.reconstruct(left, e), err
	}
	e, err := s.runError(&s.runs[0], runIndex)
	if left > up {
		e = -e
	}
	return s.reconstruct(up, e), err
}

// runError decodes and counts the error of a run's end.
func (s *lsScan) runError(c *runContext, runIndex int) (int32, error) {
	k := golombOrder(c.n, c.sum+c.kind*(c.n>>1))
	mapped, err := s.in.golomb(k, s.limit-runOrders[runIndex]-1, s.bits)
	if err != nil {
		return 0, err
	}
	odd := (mapped + c.kind) & 1
	e := (mapped + c.kind + odd) / 2
	if (k != 0 || 2*c.negative >= c.n) == (odd == 1) {
		e = -e
	}
	c.update(e, mapped, s.reset)
	return e, nil
}

// update counts an error and the number that it was coded as.
func (c *runContext) update(e, mapped, reset int32) {
	if e < 0 {
		c.negative++
	}
	c.sum += (mapped + 1 - c.kind) >> 1
	if c.n == reset {
		c.sum >>= 1
		c.n >>= 1
		c.negative >>= 1
	}
	c.n++
}

// An lsReader reads entropy-coded data up to the next marker, as bitReader
// does, but for JPEG-LS's stuffing: a byte behind FF holds seven bits (T.87 A.1).
type lsReader struct {
	data   []byte
	pos    int
	acc    uint64 // the next bits, left-aligned
	n      int    // their number
	padded int    // zeros appended behind the data
}

// fill tops up acc to more than 32 bits.
func (r *lsReader) fill() {
	afterFF := r.pos > 0 && r.data[r.pos-1] == 0xFF
	if !afterFF && r.n <= 32 && r.pos+4 <= len(r.data) {
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
		b, width := byte(0), 8
		switch {
		case r.pos >= len(r.data) || r.data[r.pos] == 0xFF && r.marker():
			r.padded += 8
		case r.pos > 0 && r.data[r.pos-1] == 0xFF:
			b, width = r.data[r.pos]<<1, 7
			r.pos++
		default:
			b = r.data[r.pos]
			r.pos++
		}
		r.acc |= uint64(b) << 56 >> r.n
		r.n += width
	}
}

// marker reports whether the byte FF at pos begins a marker.
func (r *lsReader) marker() bool {
	return r.pos+1 >= len(r.data) || r.data[r.pos+1] >= 0x80
}

// overrun reports whether bits were taken that the data does not hold.
func (r *lsReader) overrun() bool { return r.padded > r.n }

// bits reads up to 32 bits.
func (r *lsReader) bits(n int) uint32 {
	if r.n < n {
		r.fill()
	}
	v := uint32(r.acc >> 32 >> (32 - n))
	r.acc <<= n
	r.n -= n
	return v
}

// golomb reads a number in the limited-length Golomb code of order k
// (T.87 A.5.3), whose escape holds so many bits.
func (r *lsReader) golomb(k, limit, escape int) (int32, error) {
	if r.n < 32 {
		r.fill()
	}
	longest := limit - escape - 1
	zeros := bits.LeadingZeros64(r.acc)
	if zeros < min(r.n, longest) {
		r.acc <<= zeros + 1
		r.n -= zeros + 1
	} else if zeros = r.longZeros(longest); zeros == longest {
		return int32(r.bits(escape)) + 1, nil
	}
	v := zeros<<k | int(r.bits(k))
	if v>>17 != 0 { // twice the largest sample
		return 0, fmt.Errorf("%w: prediction error out of range", ErrCorrupt)
	}
	return int32(v), nil
}

// longZeros reads zeros and the one behind them, up to longest zeros.
func (r *lsReader) longZeros(longest int) int {
	zeros := 0
	for r.bits(1) == 0 {
		if zeros++; zeros == longest {
			r.bits(1)
			break
		}
	}
	return zeros
}
