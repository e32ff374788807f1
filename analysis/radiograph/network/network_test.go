// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/radiograph/network"
)

// What torch made of the same weights and input. testdata/*.vec hold the input and then the
// output, float32, rows of columns of channels: train.py --vectors.
func TestAsTorch(t *testing.T) {
	for name, tt := range map[string]struct {
		net     *network.Net
		in, out int // channels
		stride  int
	}{
		"spotter": {network.Spotter(), 2, 27, 4},
		"corners": {network.Corners(), 2, 10, 2},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".vec"))
		if err != nil {
			t.Fatal(err)
		}
		const size = 64
		next := func() float32 {
			v := math.Float32frombits(binary.LittleEndian.Uint32(raw))
			raw = raw[4:]
			return v
		}
		x := network.NewTensor(size, size, tt.in)
		fill(x, next)
		y, err := tt.net.Run(x)
		if err != nil {
			t.Fatal(err)
		}
		if y.Rows != size/tt.stride || y.Columns != size/tt.stride || y.Channels != tt.out {
			t.Fatalf("%s: %d × %d of %d channels", name, y.Rows, y.Columns, y.Channels)
		}
		var worst, largest float64
		for row := range y.Rows {
			for col := range y.Columns {
				for _, got := range y.At(row, col) {
					want := next()
					worst, largest = max(worst, math.Abs(float64(got-want))), max(largest, math.Abs(float64(want)))
				}
			}
		}
		// Sums in another order differ by some units of the last place of a float32.
		if worst > 1e-4*largest || largest == 0 || len(raw) > 0 {
			t.Errorf("%s: off by %g of values up to %g; %d bytes left", name, worst, largest, len(raw))
		}
	}
}

func fill(x *network.Tensor, next func() float32) {
	for row := range x.Rows {
		for col := range x.Columns {
			p := x.At(row, col)
			for n := range p {
				p[n] = next()
			}
		}
	}
}

// What is none of a network's files is refused.
func TestReadRefuses(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("weights", "corners.net"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := network.Read(whole); err != nil {
		t.Fatal(err)
	}
	replaced := func(old, by string) string { return strings.Replace(string(whole), old, by, 1) }
	for name, file := range map[string]string{
		"nothing":            "",
		"another file":       "P5 64 64 255 …",
		"a cut header":       string(whole[:40]),
		"cut weights":        string(whole[:len(whole)-2]),
		"too many weights":   string(whole) + "..",
		"a tensor before it": replaced(`"src":"x"`, `"src":"q"`),
		"an unknown layer":   replaced(`"op":"up"`, `"op":"ip"`),
		"a size of 5":        replaced(`"size":3`, `"size":5`),
		"other channels":     replaced(`"cin":24`, `"cin":25`),
	} {
		if _, err := network.Read([]byte(file)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// Sizes and channels that the layers do not take are refused.
func TestRunRefuses(t *testing.T) {
	for _, x := range []*network.Tensor{network.NewTensor(64, 64, 3), network.NewTensor(66, 64, 2)} {
		if _, err := network.Corners().Run(x); err == nil {
			t.Errorf("%d × %d of %d channels run", x.Rows, x.Columns, x.Channels)
		}
	}
}

func FuzzRead(f *testing.F) {
	whole, err := os.ReadFile(filepath.Join("weights", "corners.net"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[:3000])
	f.Add([]byte("ENDPLATE NET 1\n\x02\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := network.Read(b); err == nil {
			_, _ = n.Run(network.NewTensor(8, 8, 2))
		}
	})
}

// A whole film and twelve bodies, twice, are what a film takes.
func BenchmarkFilm(b *testing.B) {
	whole, body := network.NewTensor(192, 192, 2), network.NewTensor(64, 64, 2)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, x := range []*network.Tensor{whole, body} {
		fill(x, func() float32 { return float32(rng.NormFloat64()) })
	}
	b.Run("spotter", func(b *testing.B) {
		for b.Loop() {
			if _, err := network.Spotter().Run(whole); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("corners", func(b *testing.B) {
		for b.Loop() {
			if _, err := network.Corners().Run(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
