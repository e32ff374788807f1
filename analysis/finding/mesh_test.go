// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

func readTable(t *testing.T, path string) [][3]float64 {
	t.Helper()
	file, err := os.Open(shared(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	table := make([][3]float64, len(rows))
	for i, row := range rows {
		for j := range table[i] {
			if table[i][j], err = strconv.ParseFloat(row[j], 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return table
}

// drawMesh fills the closed surfaces of the triangles into a label map of 1 mm:
// a voxel is inside where the line below it crosses a vertebra's surface an odd
// number of times. The mesh's axes are anterior, left, superior.
func drawMesh(vertices, triangles [][3]float64) *volume.LabelMap {
	const size = 140
	g := volume.Geometry{Columns: size, Rows: size, Slices: 180, Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1}, Origin: r3.Vec{X: -70.3, Y: -50.3, Z: -100.3}}
	m := &volume.LabelMap{Geometry: g, Labels: make([]uint16, size*size*g.Slices)}
	point := func(i float64) r3.Vec {
		v := vertices[int(i)-1]
		return r3.Sub(r3.Vec{X: v[1], Y: -v[0], Z: v[2]}, g.Origin)
	}
	crossings := make(map[spine.Level][][]float64)
	for l := spine.L2; l <= spine.L5; l++ {
		crossings[l] = make([][]float64, size*size)
	}
	for _, f := range triangles {
		a, b, c := point(f[0]), point(f[1]), point(f[2])
		lines := crossings[levelOf(f[0])]
		for j := max(int(min(a.Y, b.Y, c.Y)), 0); j <= min(int(max(a.Y, b.Y, c.Y)), size-1); j++ {
			for i := max(int(min(a.X, b.X, c.X)), 0); i <= min(int(max(a.X, b.X, c.X)), size-1); i++ {
				if z, ok := crossing(a, b, c, float64(i), float64(j)); ok {
					lines[j*size+i] = append(lines[j*size+i], z)
				}
			}
		}
	}
	for l := spine.L2; l <= spine.L5; l++ {
		for at, z := range crossings[l] {
			slices.Sort(z)
			for n := 0; n+1 < len(z); n += 2 {
				for k := int(math.Ceil(z[n])); k <= int(z[n+1]); k++ {
					m.Labels[k*size*size+at] = uint16(l)
				}
			}
		}
	}
	return m
}

// levelOf tells a vertex's vertebra: they stand one after the other, L2 first.
func levelOf(vertex float64) spine.Level {
	switch {
	case vertex <= 15890:
		return spine.L2
	case vertex <= 15890+16911:
		return spine.L2 + 1
	case vertex <= 15890+16911+16252:
		return spine.L4
	}
	return spine.L5
}

// crossing returns where the vertical line at (x, y) crosses a triangle.
func crossing(a, b, c r3.Vec, x, y float64) (float64, bool) {
	side := func(p, q r3.Vec) float64 { return (q.X-p.X)*(y-p.Y) - (q.Y-p.Y)*(x-p.X) }
	u, v, w := side(b, c), side(c, a), side(a, b)
	if !(u > 0 && v > 0 && w > 0 || u < 0 && v < 0 && w < 0) {
		return 0, false
	}
	return (u*a.Z + v*b.Z + w*c.Z) / (u + v + w), true
}

// The mean L2–L5 of 87 patients: height 27.75, depth 35.04, width 46.68, disc
// 7.09 mm, as its authors measured them. Depth and width are ours at the waist,
// 2 to 4 mm within the endplates.
// Reference: Clouthier 2023, morphable lumbar model.
func TestMeanLumbarMesh(t *testing.T) {
	vertices := readTable(t, "data/mesh/lumbar-mean/meanMesh_vertices.csv")
	m := drawMesh(vertices, readTable(t, "data/mesh/lumbar-mean/meanMesh_faces.csv"))
	bodies, err := segmentation.FromLabels(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var column []morphometry.Vertebra
	var depth, width []float64
	for _, b := range bodies {
		if b.Body == nil {
			t.Fatalf("%v: %s", b.Level, b.Reason)
		}
		v, err := landmark.FromBody(b.Body)
		if err != nil {
			t.Fatalf("%v: %v", b.Level, err)
		}
		column = append(column, morphometry.Vertebra{Level: b.Level, Landmarks: v})
		depth, width = append(depth, b.Body.Depth), append(width, b.Body.Width)
	}
	var height, disc []float64
	for _, v := range finding.Assess(column).Vertebrae {
		height = append(height, (v.Heights.Anterior+v.Heights.Posterior)/2)
		if v.DiscHeight != nil {
			disc = append(disc, v.DiscHeight.Value)
		}
		if v.Deformity.Grade != 0 {
			t.Errorf("%v: grade %d in the mean of patients", v.Level, v.Deformity.Grade)
		}
	}
	for _, tt := range []struct {
		name       string
		got        []float64
		least, top float64
	}{
		{"height", height, 27.75 - 1, 27.75 + 1}, {"disc height", disc, 7.09 - 1.5, 7.09 + 1.5},
		{"depth", depth, 35.04 - 4, 35.04}, {"width", width, 46.68 - 5, 46.68},
	} {
		if mean := stat.Mean(tt.got, nil); !(mean >= tt.least && mean <= tt.top) {
			t.Errorf("mean %s = %.2f mm %.1f, want %.2f to %.2f", tt.name, mean, tt.got, tt.least, tt.top)
		}
	}
}
