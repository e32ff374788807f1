// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"
)

// noise makes the noise of one slice and sharpens it: white noise, smoothed in
// the plane as a kernel of that width smooths it. Slices are independent.
type noise struct {
	columns, rows int
	sigma         float64   // HU
	taps          []float32 // of the noise, one side, unit gain in variance
	blur          []float32 // of the enhancement, one side, unit sum
	a, b          []float32
}

func newNoise(scan Scan, columns, rows int) *noise {
	n := &noise{columns: columns, rows: rows, sigma: scan.Noise}
	// Filtered back-projection suppresses low frequencies as well, so its noise
	// is less smooth than the kernel: 0.8 of its width.
	n.taps = taps(0.8 * scan.Kernel.Sigma / scan.PixelSpacing)
	var power float64
	for i, t := range n.taps {
		power += float64(t) * float64(t) * mirrored(i)
	}
	for i := range n.taps {
		n.taps[i] /= float32(math.Sqrt(power))
	}
	n.blur = taps(math.Sqrt(3) * scan.Kernel.Sigma / scan.PixelSpacing)
	n.a = make([]float32, columns*rows)
	n.b = make([]float32, columns*rows)
	return n
}

// taps returns a Gaussian of the given sigma, pixels, from its middle to one
// side; the sum over both sides is 1.
func taps(sigma float64) []float32 {
	sigma = max(sigma, 0.2)
	t := make([]float32, int(math.Ceil(2.5*sigma))+1)
	var sum float64
	for i := range t {
		g := math.Exp(-float64(i*i) / (2 * sigma * sigma))
		t[i] = float32(g)
		sum += g * mirrored(i)
	}
	for i := range t {
		t[i] /= float32(sum)
	}
	return t
}

// mirrored returns how often tap i occurs in the whole filter.
func mirrored(i int) float64 {
	if i == 0 {
		return 1
	}
	return 2
}

// add adds noise to slice k of the series that seed names.
func (n *noise) add(dst []float32, seed, k uint64) {
	if n.sigma <= 0 {
		return
	}
	rng := rand.New(rand.NewPCG(seed, k))
	for i := range n.a {
		n.a[i] = float32(rng.NormFloat64() * n.sigma)
	}
	n.smooth(n.a, n.taps)
	for i := range dst {
		dst[i] += n.a[i]
	}
}

// enhance adds strength times the difference of dst and its blurred self.
func (n *noise) enhance(dst []float32, strength float64) {
	copy(n.a, dst)
	n.smooth(n.a, n.blur)
	e := float32(strength)
	for i := range dst {
		dst[i] += e * (dst[i] - n.a[i])
	}
}

// smooth convolves img, in place, along rows and columns.
func (n *noise) smooth(img []float32, t []float32) {
	if len(t) < 2 {
		return
	}
	for j := range n.rows {
		row := img[j*n.columns : (j+1)*n.columns]
		out := n.b[j*n.columns : (j+1)*n.columns]
		for i := range row {
			out[i] = t[0] * row[i]
		}
		for m := 1; m < len(t); m++ {
			for i := range row {
				out[i] += t[m] * (row[max(i-m, 0)] + row[min(i+m, len(row)-1)])
			}
		}
	}
	for j := range n.rows {
		out := img[j*n.columns : (j+1)*n.columns]
		mid := n.b[j*n.columns : (j+1)*n.columns]
		for i := range out {
			out[i] = t[0] * mid[i]
		}
		for m := 1; m < len(t); m++ {
			up, down := max(j-m, 0)*n.columns, min(j+m, n.rows-1)*n.columns
			a, b := n.b[up:up+n.columns], n.b[down:down+n.columns]
			for i := range out {
				out[i] += t[m] * (a[i] + b[i])
			}
		}
	}
}

// couch is the table under the patient: a shell with a light core.
type couch struct {
	down r3.Vec  // unit
	top  float64 // along down, mm
}

func (r *renderer) couch() couch {
	down := r3.Unit(r.out.Row)
	down.Z = 0
	down = r3.Unit(down)
	st := r.spine.course.at(r.scan.Center.Z)
	return couch{down, r3.Dot(down, r3.Vec{X: st.x, Y: st.skinY}) + st.skinReach(down) + 4}
}

func (c couch) paint(dst []float32, p, step r3.Vec) {
	const shell, height = 3, 45 // mm
	for i := range dst {
		d := r3.Dot(c.down, p) - c.top
		if d > -1 && d < height+1 && dst[i] < airHU+50 {
			skin := min(math.Abs(d-shell/2), math.Abs(d-height+shell/2)) - shell/2
			dst[i] = float32(tableCoreHU + (tableHU-tableCoreHU)*ramp(-skin, 2))
		}
		p = r3.Add(p, step)
	}
}
