// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// surface returns a body whose rings have the given radius and height as functions of
// the angle and of the way from the superior to the inferior pole.
func surface(f volume.Frame, at func(angle, way float64) (radius, height float64)) *segmentation.Surface {
	s := &segmentation.Surface{Frame: f}
	_, top := at(0, 0)
	s.Points = append(s.Points, r3.Vec{X: top})
	for ring := range segmentation.SurfaceRings {
		way := float64(ring+1) / (segmentation.SurfaceRings + 1)
		for n := range segmentation.SurfaceAngles {
			angle := 2 * math.Pi * float64(n) / segmentation.SurfaceAngles
			sin, cos := math.Sincos(angle)
			radius, height := at(angle, way)
			s.Points = append(s.Points, r3.Vec{X: height, Y: radius * cos, Z: radius * sin})
		}
	}
	_, bottom := at(0, 1)
	s.Points = append(s.Points, r3.Vec{X: bottom})
	return s
}

// cylinder has flat ends of three rings each, as bodies have, and a wall of five.
func cylinder(f volume.Frame, radius, height float64) *segmentation.Surface {
	return surface(f, func(_, way float64) (float64, float64) {
		ring := way*(segmentation.SurfaceRings+1) - 1 // from 0
		switch last := float64(segmentation.SurfaceRings - 1); {
		case ring <= 2:
			return radius * (ring + 1) / 3, height / 2
		case ring >= last-2:
			return radius * (last - ring + 1) / 3, -height / 2
		default:
			return radius, height/2 - height*(ring-2)/6
		}
	})
}

// stack returns images along a line, at the distances given, tilted about x.
func stack(rng *rand.Rand, columns, rows int, column, row float64, distances []float64, tilt float64) *grid {
	sin, cos := math.Sincos(tilt * math.Pi / 180)
	g := &grid{
		columns: columns, rows: rows,
		column: r3.Vec{X: column}, row: r3.Vec{Y: row * cos, Z: row * sin},
	}
	o := r3.Vec{
		X: (-float64(columns)/2 + rng.Float64()) * column,
		Y: (-float64(rows)/2 + rng.Float64()) * row,
		Z: rng.Float64(),
	}
	total := 0.0
	for _, d := range distances {
		total += d
	}
	o.Z -= total / 2
	for _, d := range distances {
		g.origins = append(g.origins, o)
		o.Z += d
	}
	return g
}

func even(n int, d float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = d
	}
	return all
}

func randomFrame(rng *rand.Rand) volume.Frame {
	part := func() float64 { return rng.Float64() - 0.5 }
	return volume.NewFrame(r3.Vec{X: part(), Y: part(), Z: part()},
		r3.Vec{X: 0.5 * part(), Y: 0.5 * part(), Z: 1}, r3.Vec{X: 0.3 * part(), Y: -1, Z: part()})
}

// filled returns the number of pixels that each image has within a surface.
func filled(g *grid, t segmentation.Tube) []int {
	count := make([]int, len(g.origins))
	g.fill(t, func(image int, runs []run) {
		for _, r := range runs {
			count[image] += r.to - r.from
		}
	})
	return count
}

// TestFilledVolumeIsTheBodys fills cylinders, of which the volume is known, on grids
// of many kinds. What a grid of points tells of a smooth body's volume scatters by less
// than a tenth of the voxels that its surface passes through; over many places of the
// grid it has no bias.
func TestFilledVolumeIsTheBodys(t *testing.T) {
	const radius, height = 21.0, 26.0
	want := math.Pi * radius * radius * height
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name        string
		column, row float64
		distances   []float64
		tilt        float64
	}{
		{"fine", 0.5, 0.5, even(80, 0.6), 0},
		{"thick", 0.7, 0.7, even(16, 3), 0},
		{"unequal pixels", 0.6, 1.1, even(40, 1.25), 0},
		{"gantry tilt", 0.5, 0.5, even(70, 1), 18.5},
		{"uneven", 0.5, 0.5, append(even(20, 1), even(20, 1.5)...), 0},
		{"uneven and tilted", 0.5, 0.5, append(even(30, 1), even(30, 1.5)...), -18.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const grids = 24
			sum := 0.0
			for range grids {
				g := stack(rng, 140, 140, tt.column, tt.row, tt.distances, tt.tilt)
				got := 0.0
				for k, n := range filled(g, cylinder(randomFrame(rng), radius, height).Solid()) {
					got += float64(n) * tt.column * tt.row * math.Cos(tt.tilt*math.Pi/180) * width(tt.distances, k)
				}
				// Slices are the coarsest: the ends of a body that stands on them are off
				// by up to half of one, in the mean by none.
				if off, bound := math.Abs(got-want), math.Pi*radius*radius*meanWidth(tt.distances); off > bound {
					t.Fatalf("volume %.0f mm³, want %.0f within %.0f", got, want, bound)
				}
				sum += got
			}
			if bias := sum/grids/want - 1; math.Abs(bias) > 0.006 {
				t.Errorf("mean volume differs by %.2f %%, want at most 0.6", 100*bias)
			}
		})
	}
}

// width returns what a slice stands for: half the way to its neighbours on both sides.
func width(distances []float64, k int) float64 {
	if k == 0 {
		return distances[0]
	}
	return (distances[k-1] + distances[k]) / 2
}

func meanWidth(distances []float64) float64 {
	sum := 0.0
	for _, d := range distances {
		sum += d
	}
	return sum / float64(len(distances))
}

// TestFillAgreesWithTheSolidAngle compares every pixel with the slow rule: the
// surface, seen from inside, covers the whole sphere.
func TestFillAgreesWithTheSolidAngle(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	phase, waves := rng.Float64()*2*math.Pi, float64(1+rng.IntN(4))
	body := surface(randomFrame(rng), func(angle, way float64) (float64, float64) {
		sin, cos := math.Sincos(way * math.Pi)
		return sin * (6 + 2*math.Sin(waves*angle+phase)), 7 * cos
	})
	g := stack(rng, 24, 22, 0.9, 0.8, even(12, 1.4), 30*(rng.Float64()-0.5))
	tube := body.Solid()
	inside := make(map[[2]int]bool)
	g.fill(tube, func(image int, runs []run) {
		for _, r := range runs {
			for at := r.from; at < r.to; at++ {
				inside[[2]int{image, at}] = true
			}
		}
	})
	if len(inside) < 100 {
		t.Fatalf("%d pixels inside, too few to compare", len(inside))
	}
	for k, o := range g.origins {
		for at := range g.columns * g.rows {
			p := r3.Add(o, r3.Add(r3.Scale(float64(at%g.columns), g.column), r3.Scale(float64(at/g.columns), g.row)))
			if got, want := inside[[2]int{k, at}], enclosed(tube, p); got != want {
				t.Fatalf("image %d, pixel %d: inside %v, want %v", k, at, got, want)
			}
		}
	}
}

// enclosed sums the solid angles of a surface's triangles as they are seen from p.
//
// Reference: Van Oosterom and Strackee, IEEE Trans Biomed Eng 1983;30:125–126.
func enclosed(t segmentation.Tube, p r3.Vec) bool {
	sum := 0.0
	for c := range t.Triangles() {
		a, b, d := r3.Sub(t.Points[c[0]], p), r3.Sub(t.Points[c[1]], p), r3.Sub(t.Points[c[2]], p)
		na, nb, nd := r3.Norm(a), r3.Norm(b), r3.Norm(d)
		sum += 2 * math.Atan2(r3.Dot(a, r3.Cross(b, d)),
			na*nb*nd+r3.Dot(a, b)*nd+r3.Dot(b, d)*na+r3.Dot(d, a)*nb)
	}
	return math.Abs(sum) > 2*math.Pi
}

// TestFillStaysWithinTheImages fills a body that the images show in part, and one that
// has a place that is none.
func TestFillStaysWithinTheImages(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	g := stack(rng, 10, 12, 1, 1, even(6, 2), 0)
	body := cylinder(randomFrame(rng), 30, 60)
	for k, n := range filled(g, body.Solid()) {
		if n != 120 {
			t.Errorf("image %d: %d pixels, want all 120", k, n)
		}
	}
	body.Points[7].Y = math.NaN()
	for k, n := range filled(g, body.Solid()) {
		if n != 0 {
			t.Errorf("image %d: %d pixels of a body that has no place", k, n)
		}
	}
}

// TestCanalIsFilled fills a canal of known width.
func TestCanalIsFilled(t *testing.T) {
	const radius, length = 9.0, 24.0
	rng := rand.New(rand.NewPCG(7, 8))
	sum := 0.0
	const grids = 24
	for range grids {
		c := &segmentation.Canal{Frame: randomFrame(rng)}
		for s := -length / 2; s <= length/2; s += 1.5 {
			section := segmentation.CanalSection{S: s}
			for n := range section.Radius {
				section.Radius[n] = radius
			}
			c.Sections = append(c.Sections, section)
		}
		for _, n := range filled(stack(rng, 80, 80, 0.5, 0.5, even(40, 1), 10), c.Solid()) {
			sum += float64(n) * 0.25 * math.Cos(10*math.Pi/180)
		}
	}
	if got, want := sum/grids, math.Pi*radius*radius*length; math.Abs(got/want-1) > 0.006 {
		t.Errorf("mean volume %.0f mm³, want %.0f", got, want)
	}
}

// TestSampledMaskOnItsOwnGrid finds the voxels of a mask again, and half of them.
func TestSampledMaskOnItsOwnGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	g := stack(rng, 20, 20, 0.7, 0.7, even(9, 1.5), 0)
	shares := volume.New(volume.Geometry{
		Columns: 20, Rows: 20, Slices: 9, Origin: g.origins[0], Column: g.column, Row: g.row, Slice: r3.Vec{Z: 1.5},
	})
	want := make(map[[2]int]bool)
	for n := range shares.Samples {
		shares.Samples[n] = int16(rng.IntN(256))
		if shares.Samples[n] >= 128 {
			want[[2]int{n / 400, n % 400}] = true
		}
	}
	got := make(map[[2]int]bool)
	g.sample(shares, func(image int, runs []run) {
		for _, r := range runs {
			for at := r.from; at < r.to; at++ {
				got[[2]int{image, at}] = true
			}
		}
	})
	if len(got) != len(want) {
		t.Fatalf("%d pixels, want %d", len(got), len(want))
	}
	for at := range want {
		if !got[at] {
			t.Fatalf("image %d, pixel %d is missing", at[0], at[1])
		}
	}
}

// TestPackedBits compares packing with what PS3.5 says, bit by bit.
func TestPackedBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, pixels := range []int{1, 7, 8, 35, 64, 99} {
		var frames []frame
		var want []bool
		for range 5 {
			plain := make([]bool, pixels)
			f := frame{}
			for at := 0; at < pixels; {
				to := at + 1 + rng.IntN(pixels-at)
				if rng.IntN(2) == 0 {
					f.runs = append(f.runs, run{at, to})
					for i := at; i < to; i++ {
						plain[i] = true
					}
				}
				at = to
			}
			frames, want = append(frames, f), append(want, plain...)
		}
		got := pack(frames, pixels)
		if len(got) != (5*pixels+7)/8 {
			t.Fatalf("%d pixels: %d bytes", pixels, len(got))
		}
		for i := range 8 * len(got) {
			if bit := got[i/8]>>(i%8)&1 == 1; bit != (i < len(want) && want[i]) {
				t.Fatalf("%d pixels: bit %d is %v", pixels, i, bit)
			}
		}
	}
}
