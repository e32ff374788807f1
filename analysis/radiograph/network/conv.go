// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// conv is a convolution whose window is 1 or 3 pixels wide.
type conv struct {
	in, out, size, stride int
	relu                  bool

	weights []float32 // index ((out*size+row)*size+col)*in+channel
	bias    []float32
}

// run returns the convolution of t. Rows are shared out to the cores.
func (c *conv) run(t *Tensor) *Tensor {
	out := NewTensor((t.Rows+c.stride-1)/c.stride, (t.Columns+c.stride-1)/c.stride, c.out)
	var next atomic.Int64
	work := func() {
		for {
			row := int(next.Add(1)) - 1
			if row >= out.Rows {
				return
			}
			c.line(out, t, row)
		}
	}
	const worth = 1 << 18 // multiplications, below which another core is no gain
	cores := min(runtime.GOMAXPROCS(0), 1+out.Rows*out.Columns*len(c.weights)/worth)
	var wg sync.WaitGroup
	for range cores - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return out
}

// line makes one row.
func (c *conv) line(out, t *Tensor, row int) {
	n := c.size * c.in
	var lines [3][]float32
	for k := range c.size {
		lines[k] = t.row(row*c.stride + k - c.size/2)
	}
	for col := range out.Columns {
		at := (col*c.stride + 1 - c.size/2) * c.in
		dst := out.At(row, col)
		copy(dst, c.bias)
		for k := range c.size {
			c.accumulate(dst, lines[k][at:at+n], k)
		}
		if c.relu {
			for i, v := range dst {
				dst[i] = max(v, 0)
			}
		}
	}
}

// accumulate adds to each output the products of a line of the window with its weights, four
// outputs at a time: x is then loaded once for all four.
func (c *conv) accumulate(dst, x []float32, line int) {
	n, step := len(x), c.size*len(x)
	o := 0
	for ; o+4 <= c.out; o += 4 {
		w := c.weights[o*step+line*n:]
		w0, w1, w2, w3 := w[:n], w[step:step+n], w[2*step:2*step+n], w[3*step:3*step+n]
		var s0, s1, s2, s3 float32
		for i, v := range x {
			s0 += v * w0[i]
			s1 += v * w1[i]
			s2 += v * w2[i]
			s3 += v * w3[i]
		}
		dst[o] += s0
		dst[o+1] += s1
		dst[o+2] += s2
		dst[o+3] += s3
	}
	for ; o < c.out; o++ {
		w := c.weights[o*step+line*n:][:n]
		var s float32
		for i, v := range x {
			s += v * w[i]
		}
		dst[o] += s
	}
}
