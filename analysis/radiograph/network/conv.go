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

	padded  int       // outputs, with those that are zero
	weights []float32 // index ((row*size+col)*in+channel)*padded+output
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
	sums := make([]float32, out.Columns*c.padded)
	for col := range out.Columns {
		copy(sums[col*c.padded:], c.bias)
	}
	n := c.size * c.in
	for k := range c.size {
		x := t.row(row*c.stride + k - c.size/2)[(1-c.size/2)*c.in:]
		accumulate(sums, x, c.stride*c.in, c.weights[k*n*c.padded:], c.padded, n, out.Columns)
	}
	for col := range out.Columns {
		dst := out.At(row, col)
		copy(dst, sums[col*c.padded:])
		if c.relu {
			for i, v := range dst {
				dst[i] = max(v, 0)
			}
		}
	}
}
