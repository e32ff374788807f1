// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// magic begins a file of a network; a length and a header of JSON follow, and then the
// weights in half precision, little endian.
const magic = "ENDPLATE NET 1\n"

// Net is a network. It is not changed by Run, and safe for concurrent use.
type Net struct {
	layers []layer
}

// layer makes one tensor of one or two that were made before.
type layer struct {
	Op    string // conv, up or add
	Src   string
	Other string // of add
	Dst   string

	In     int `json:"cin"`
	Out    int `json:"cout"`
	Size   int
	Stride int
	Relu   bool

	conv *conv
}

// The names of what goes in and of what comes out.
const (
	input  = "x"
	output = "y"
)

// Read returns the network of a file, or says what is wrong with it.
func Read(file []byte) (*Net, error) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	if !ok || len(rest) < 4 {
		return nil, errors.New("network: not a file of weights")
	}
	length := binary.LittleEndian.Uint32(rest)
	rest = rest[4:]
	if uint64(length) > uint64(len(rest)) {
		return nil, errors.New("network: the header is cut")
	}
	var header struct{ Layers []layer }
	if err := json.Unmarshal(rest[:length], &header); err != nil {
		return nil, fmt.Errorf("network: header: %w", err)
	}
	n := &Net{header.Layers}
	rest, err := n.fill(rest[length:])
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("network: %d bytes too many", len(rest))
	}
	return n, err
}

// fill checks the layers and takes their weights from the front of blob.
func (n *Net) fill(blob []byte) (rest []byte, err error) {
	channels := map[string]int{input: 0} // 0 is any
	for i := range n.layers {
		l := &n.layers[i]
		from, known := channels[l.Src]
		if !known {
			return nil, fmt.Errorf("network: %s is made of %s, which is not there", l.Dst, l.Src)
		}
		switch l.Op {
		case "conv":
			if blob, err = l.take(blob, from); err != nil {
				return nil, err
			}
			from = l.Out
		case "up":
		case "add":
			if other, known := channels[l.Other]; !known || other != from {
				return nil, fmt.Errorf("network: %s is a sum of unlike tensors", l.Dst)
			}
		default:
			return nil, fmt.Errorf("network: layer %q is of no known kind", l.Op)
		}
		channels[l.Dst] = from
	}
	if _, made := channels[output]; !made {
		return nil, errors.New("network: nothing comes out")
	}
	return blob, nil
}

// take reads the weights of a convolution.
func (l *layer) take(blob []byte, channels int) ([]byte, error) {
	const most = 1024
	switch {
	case l.In < 1 || l.Out < 1 || l.In > most || l.Out > most || channels != 0 && channels != l.In,
		l.Size != 1 && l.Size != 3, l.Stride != 1 && l.Stride != 2:
		return nil, fmt.Errorf("network: %s is a convolution that cannot be", l.Dst)
	}
	n := l.Out * l.Size * l.Size * l.In
	if len(blob) < 2*(n+l.Out) {
		return nil, errors.New("network: weights are cut")
	}
	all := make([]float32, n+l.Out)
	for i := range all {
		all[i] = half(binary.LittleEndian.Uint16(blob[2*i:]))
	}
	padded := (l.Out + tileOutputs - 1) / tileOutputs * tileOutputs
	l.conv = &conv{l.In, l.Out, l.Size, l.Stride, l.Relu, padded, inner(all[:n], l.Out, padded), all[n:]}
	return blob[2*len(all):], nil
}

// inner returns weights that a file has output by output with the outputs innermost, padded
// with zeros.
func inner(w []float32, outputs, padded int) []float32 {
	each := len(w) / outputs
	to := make([]float32, each*padded)
	for o := range outputs {
		for i := range each {
			to[i*padded+o] = w[o*each+i]
		}
	}
	return to
}

// half returns the value of a number of IEEE 754's binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0:
		v := float32(fraction) / (1 << 24)
		if sign != 0 {
			return -v
		}
		return v
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// Run returns what the network makes of x. Sizes that strides do not divide are refused.
func (n *Net) Run(x *Tensor) (*Tensor, error) {
	made := map[string]*Tensor{input: x}
	for i := range n.layers {
		l := &n.layers[i]
		t := made[l.Src]
		switch l.Op {
		case "conv":
			if t.Channels != l.In {
				return nil, fmt.Errorf("network: %d channels where %s takes %d", t.Channels, l.Dst, l.In)
			}
			made[l.Dst] = l.conv.run(t)
		case "up":
			made[l.Dst] = t.doubled()
		case "add":
			o := made[l.Other]
			if o.Rows != t.Rows || o.Columns != t.Columns {
				return nil, fmt.Errorf("network: %d × %d pixels do not go through the strides", x.Rows, x.Columns)
			}
			made[l.Dst] = t.sum(o)
		}
	}
	return made[output], nil
}
