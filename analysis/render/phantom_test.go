// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// measured measures a volume that a test made and returns it as a scene. It panics
// where that fails.
func measured(vol *volume.Volume) (*render.Scene, *analysis.Result) {
	result, err := analysis.MeasureCT(context.Background(), vol, analysis.Options{})
	if err != nil {
		panic(err)
	}
	scene, err := render.New(vol, result)
	if err != nil {
		panic(err)
	}
	return scene, result
}

// treated is a measured lumbar spine with a wedged T12, and cement in L2 that leaked
// into the canal.
var treated = sync.OnceValues(func() (*render.Scene, *analysis.Result) {
	rng := rand.New(rand.NewPCG(5, 0))
	p := phantom.RandomParams(rng, phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.T12: phantom.Fracture(phantom.Wedge, 35)},
	})
	for i := range p.Vertebrae {
		if v := &p.Vertebrae[i]; v.Level == spine.L2 {
			v.Cement = phantom.RandomCement(rng, *v, 3.5, phantom.CanalLeak)
		}
	}
	s := phantom.New(p)
	scan := s.Cover(spine.T11, spine.L4, 12, 130, 0.8, 1)
	scan.Noise = 10
	return measured(s.CT(scan))
})

// circularCanal is a canal on a quarter circle of 100 mm: closed forms for arc
// length and frame.
func circularCanal() []localization.CanalPoint {
	var canal []localization.CanalPoint
	for s := 0.0; s <= 157; s++ {
		f := onCircle(s)
		canal = append(canal, localization.CanalPoint{Position: f.Origin, Superior: f.Superior, Anterior: f.Anterior})
	}
	return canal
}

// onCircle returns the frame of circularCanal at s mm from its superior end.
func onCircle(s float64) volume.Frame {
	sin, cos := math.Sincos(s / 100)
	return volume.NewFrame(r3.Vec{Y: 100 - 100*cos, Z: -100 * sin}, r3.Vec{Y: -sin, Z: cos}, r3.Vec{Y: -cos, Z: -sin})
}

// grid returns a geometry of cubes of 1 mm around a centre, seen by a patient
// position, on a tilted gantry or turned about an axis.
func grid(size [3]int, center, column, row, slice r3.Vec) volume.Geometry {
	g := volume.Geometry{Columns: size[0], Rows: size[1], Slices: size[2], Column: column, Row: row, Slice: slice}
	middle := g.Position(float64(size[0]-1)/2, float64(size[1]-1)/2, float64(size[2]-1)/2)
	g.Origin = r3.Sub(center, middle)
	return g
}

// blobs draws smooth bright blobs into an empty volume: 2000 HU above soft tissue,
// with a standard deviation of sigma mm.
func blobs(g volume.Geometry, sigma float64, at ...r3.Vec) *volume.Volume {
	v := volume.New(g)
	for k := range g.Slices {
		for j := range g.Rows {
			for i := range g.Columns {
				p := g.Position(float64(i), float64(j), float64(k))
				sum := 0.0
				for _, b := range at {
					sum += 2000 * math.Exp(-r3.Norm2(r3.Sub(p, b))/(2*sigma*sigma))
				}
				v.Samples[(k*g.Rows+j)*g.Columns+i] = int16(math.Round(sum))
			}
		}
	}
	return v
}

func must(t *testing.T) func(g render.Geometry, err error) render.Geometry {
	return func(g render.Geometry, err error) render.Geometry {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
}
