// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/volume"
)

// cube returns a volume of n voxels of a size to each side about the origin, whose density
// in water is that of f at the voxels' centres.
func cube(n int, size float64, f func(p r3.Vec) float64) *volume.Volume {
	half := -size * float64(n-1) / 2
	v := volume.New(volume.Geometry{
		Columns: n, Rows: n, Slices: n, Origin: r3.Vec{X: half, Y: half, Z: half},
		Column: r3.Vec{X: size}, Row: r3.Vec{Y: size}, Slice: r3.Vec{Z: size},
	})
	for i := range v.Samples {
		p := v.Position(float64(i%n), float64(i/n%n), float64(i/n/n))
		v.Samples[i] = int16(math.Round(1000 * (f(p) - 1)))
	}
	return v
}

// ball is a ball of water about c whose surface is smeared over a voxel of 1 mm.
func ball(c r3.Vec, radius float64) func(r3.Vec) float64 {
	return func(p r3.Vec) float64 { return min(max(radius-r3.Norm(r3.Sub(p, c))+0.5, 0), 1) }
}

func lateral(t testing.TB, s projection.Setup) projection.Geometry {
	t.Helper()
	if s.Toward == (r3.Vec{}) {
		s.Toward = projection.LeftLateral
	}
	if s.Up == (r3.Vec{}) {
		s.Up = r3.Vec{Z: 1}
	}
	g, err := projection.NewGeometry(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The path through a ball of radius r whose centre the ray passes at distance d is
// 2·√(r²-d²).
func TestPathsThroughABall(t *testing.T) {
	const radius = 40.0
	center := r3.Vec{X: 5, Y: -8, Z: 12}
	v := cube(121, 1, ball(center, radius))
	for _, toward := range []r3.Vec{{X: 1}, {X: -1}, {Y: 1}, {Z: -1}, {X: 1, Y: 0.4, Z: 0.2}} {
		up := r3.Vec{Z: 1}
		if toward.Z == -1 {
			up = r3.Vec{Y: -1}
		}
		g := lateral(t, projection.Setup{Toward: toward, Up: up, SourceToIsocenter: 700, SourceToDetector: 1000, Columns: 150, Rows: 160, ImagerPixelSpacing: 1})
		paths := projection.NewBody(v, toward).Paths(&g, nil)
		for i, got := range paths {
			at := g.Position(radiograph.ImagePoint{Col: float64(i%150) + 0.5, Row: float64(i/150) + 0.5})
			ray := r3.Unit(r3.Sub(at, g.Source))
			d := r3.Norm(r3.Cross(ray, r3.Sub(center, g.Source)))
			if math.Abs(d-radius) < 3 {
				continue // a tangent: voxels of 1 mm do not resolve it
			}
			want := 2 * math.Sqrt(max(radius*radius-d*d, 0))
			if math.Abs(float64(got)-want) > 0.6 {
				t.Fatalf("toward %v: path %.2f mm at distance %.2f, want %.2f", toward, got, d, want)
			}
		}
	}
}

// A slab of thickness h is h/cos thick to a ray at an angle.
func TestPathsThroughASlab(t *testing.T) {
	v := cube(81, 2, func(p r3.Vec) float64 {
		if math.Abs(p.X) < 21 {
			return 1.5
		}
		return 0
	})
	g := lateral(t, projection.Setup{SourceToIsocenter: 200, SourceToDetector: 400, Columns: 64, Rows: 64, ImagerPixelSpacing: 2.2})
	for i, got := range projection.NewBody(v, projection.LeftLateral).Paths(&g, nil) {
		at := g.Position(radiograph.ImagePoint{Col: float64(i%64) + 0.5, Row: float64(i/64) + 0.5})
		want := 1.5 * 42 / r3.Unit(r3.Sub(at, g.Source)).X
		if math.Abs(float64(got)-want) > 1e-3*want {
			t.Fatalf("pixel %d: path %.3f mm, want %.3f", i, got, want)
		}
	}
}

// A length across the central ray is magnified by the ratio of the distances.
func TestMagnificationIsSourceToDetectorOverSourceToObject(t *testing.T) {
	g := lateral(t, projection.Setup{Isocenter: r3.Vec{X: 3, Y: 7, Z: 11}, SourceToIsocenter: 800, SourceToDetector: 1100, Columns: 100, Rows: 100, ImagerPixelSpacing: 0.25})
	for _, beyond := range []float64{-150, 0, 120} {
		p, q := r3.Vec{X: 3 + beyond, Y: -13, Z: 31}, r3.Vec{X: 3 + beyond, Y: 17, Z: -9}
		a, _ := g.Project(p)
		b, _ := g.Project(q)
		got := a.Distance(b) * 0.25 / 50
		want := 1100 / (800 + beyond)
		if math.Abs(got-want) > 1e-12*want || math.Abs(g.Magnification(p)-want) > 1e-12*want {
			t.Errorf("%g mm beyond: %g times as long, magnification %g, want %g", beyond, got, g.Magnification(p), want)
		}
	}
	if a, ok := g.Project(r3.Vec{X: 3, Y: 7, Z: 11}); !ok || a.Distance(radiograph.ImagePoint{Col: 50, Row: 50}) > 1e-9 {
		t.Errorf("the isocentre comes to lie at %v", a)
	}
	if _, ok := g.Project(r3.Vec{X: -900}); ok {
		t.Error("what lies behind the source comes to lie on the film")
	}
}

// Anterior is to the right of a left lateral film and superior is up.
func TestFacing(t *testing.T) {
	for _, tt := range []struct {
		toward r3.Vec
		right  float64
	}{{projection.LeftLateral, 1}, {projection.RightLateral, -1}} {
		g := lateral(t, projection.Setup{Toward: tt.toward, SourceToIsocenter: 800, SourceToDetector: 1100, Columns: 100, Rows: 100, ImagerPixelSpacing: 1})
		anterior, _ := g.Project(r3.Vec{Y: -10})
		superior, _ := g.Project(r3.Vec{Z: 10})
		if (anterior.Col-50)*tt.right < 10 || superior.Row > 40 {
			t.Errorf("toward %v: anterior at %v, superior at %v", tt.toward, anterior, superior)
		}
	}
}

// Small balls come to lie where their centres are projected.
func TestLandmarksOfAPointPhantom(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	g := lateral(t, projection.Setup{SourceToIsocenter: 600, SourceToDetector: 900, Columns: 256, Rows: 256, ImagerPixelSpacing: 0.8})
	for range 12 {
		c := r3.Vec{X: 80*rng.Float64() - 40, Y: 80*rng.Float64() - 40, Z: 80*rng.Float64() - 40}
		v := cube(111, 1, func(p r3.Vec) float64 { return 2 * math.Exp(-r3.Norm2(r3.Sub(p, c))/(2*2.5*2.5)) })
		var at radiograph.ImagePoint
		var sum float64
		for i, w := range projection.NewBody(v, projection.LeftLateral).Paths(&g, nil) {
			at.Col += float64(w) * (float64(i%256) + 0.5)
			at.Row += float64(w) * (float64(i/256) + 0.5)
			sum += float64(w)
		}
		at.Col, at.Row = at.Col/sum, at.Row/sum
		want, _ := g.Project(c)
		if at.Distance(want) > 0.05 {
			t.Errorf("ball at %v comes to lie at %v, %.3f pixels from %v", c, at, at.Distance(want), want)
		}
	}
}

// Far from the source, the paths times the area of a pixel in the patient sum to the
// volume of water, whatever the grid.
func TestPathsKeepTheMass(t *testing.T) {
	v := cube(81, 1, ball(r3.Vec{X: 2, Y: 3, Z: -4}, 30))
	var want float64
	for _, hu := range v.Samples {
		want += 1 + float64(hu)/1000
	}
	const far = 1e5
	g := lateral(t, projection.Setup{Toward: r3.Vec{X: 1, Y: 0.3, Z: -0.2}, SourceToIsocenter: far, SourceToDetector: far + 500, Columns: 150, Rows: 150, ImagerPixelSpacing: 0.5})
	var got float64
	for _, p := range projection.NewBody(v, projection.LeftLateral).Paths(&g, nil) {
		got += float64(p) * 0.25
	}
	m := g.Magnification(r3.Vec{})
	if got /= m * m; math.Abs(got-want) > 2e-3*want {
		t.Errorf("mass %.0f mm³ of water, want %.0f", got, want)
	}
}

// A grid stored in another order or turned is the same body.
func TestOrderOfVoxelsDoesNotMatter(t *testing.T) {
	v := cube(41, 2, ball(r3.Vec{X: 6, Y: -4, Z: 9}, 20))
	turned := *v
	turned.Geometry.Columns, turned.Geometry.Slices = v.Slices, v.Columns
	turned.Geometry.Column, turned.Geometry.Slice = v.Slice, v.Column
	turned.Samples = make([]int16, len(v.Samples))
	for i, s := range v.Samples {
		x, y, z := i%41, i/41%41, i/41/41
		turned.Samples[(x*41+y)*41+z] = s
	}
	g := lateral(t, projection.Setup{SourceToIsocenter: 600, SourceToDetector: 900, Columns: 90, Rows: 90, ImagerPixelSpacing: 1})
	a := projection.NewBody(v, projection.LeftLateral).Paths(&g, nil)
	b := projection.NewBody(&turned, projection.LeftLateral).Paths(&g, nil)
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-3 {
			t.Fatalf("pixel %d: %g and %g mm", i, a[i], b[i])
		}
	}
}

// NIST's table, and a value between its energies from the same source: 70 keV is not in
// it, and XCOM gives 0.1929 cm²/g.
func TestWaterAttenuation(t *testing.T) {
	for keV, want := range map[float64]float64{60: 0.02059, 70: 0.01929, 100: 0.01707} {
		if got := projection.WaterAttenuation(keV); math.Abs(got-want) > 0.01*want {
			t.Errorf("at %g keV %g /mm, want %g", keV, got, want)
		}
	}
	if !math.IsNaN(projection.WaterAttenuation(20)) {
		t.Error("20 keV is beyond the table")
	}
}

// Chords are those that points along the ray tell.
func TestChordsOfShapes(t *testing.T) {
	ellipsoid := projection.Ellipsoid{Center: r3.Vec{X: 3, Y: 4, Z: 5}, Radii: r3.Vec{X: 10, Y: 20, Z: 15}}
	capsule := projection.Capsule{From: r3.Vec{X: -10, Y: 3}, To: r3.Vec{X: 20, Y: 9, Z: 14}, Radius: 9}
	segment := func(p r3.Vec) float64 {
		d := r3.Sub(capsule.To, capsule.From)
		s := min(max(r3.Dot(r3.Sub(p, capsule.From), d)/r3.Norm2(d), 0), 1)
		return r3.Norm(r3.Sub(p, r3.Add(capsule.From, r3.Scale(s, d))))
	}
	for name, tt := range map[string]struct {
		shape projection.Shape
		holds func(r3.Vec) bool
	}{
		"ellipsoid": {ellipsoid, func(p r3.Vec) bool {
			d := r3.Sub(p, ellipsoid.Center)
			return r3.Norm2(r3.Vec{X: d.X / 10, Y: d.Y / 20, Z: d.Z / 15}) < 1
		}},
		"capsule": {capsule, func(p r3.Vec) bool { return segment(p) < 9 }},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		hit := 0
		for range 200 {
			source := r3.Vec{X: 60 * rng.NormFloat64(), Y: 60 * rng.NormFloat64(), Z: -200}
			ray := r3.Unit(r3.Sub(r3.Vec{X: 12 * rng.NormFloat64(), Y: 12 * rng.NormFloat64(), Z: 6 * rng.NormFloat64()}, source))
			const step = 0.01
			want := 0.0
			for s := 0.0; s < 400; s += step {
				if tt.holds(r3.Add(source, r3.Scale(s, ray))) {
					want += step
				}
			}
			if got := tt.shape.Chord(source, ray); math.Abs(got-want) > 3*step {
				t.Errorf("%s: chord %.3f, want %.3f", name, got, want)
			}
			if want > 0 {
				hit++
			}
		}
		if hit < 50 {
			t.Errorf("%s: only %d rays hit", name, hit)
		}
	}
}

// The same film on one core and on all.
func TestCoresDoNotMatter(t *testing.T) {
	v := cube(41, 2, ball(r3.Vec{}, 30))
	g := lateral(t, projection.Setup{SourceToIsocenter: 600, SourceToDetector: 900, Columns: 90, Rows: 70, ImagerPixelSpacing: 1})
	film := func() []uint16 {
		technique := projection.Lumbar()
		return projection.Standard().Develop(technique.Expose(&g, projection.NewBody(v, projection.LeftLateral).Paths(&g, nil), r3.Vec{})).Stored
	}
	many := film()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if one := film(); !slices.Equal(one, many) {
		t.Error("one core makes another film")
	}
}

func TestSetupsThatCannotBe(t *testing.T) {
	good := projection.Setup{Toward: r3.Vec{X: 1}, Up: r3.Vec{Z: 1}, SourceToIsocenter: 800, SourceToDetector: 1000, Columns: 10, Rows: 10, ImagerPixelSpacing: 1}
	for name, spoil := range map[string]func(*projection.Setup){
		"no direction":      func(s *projection.Setup) { s.Toward = r3.Vec{} },
		"up along the ray":  func(s *projection.Setup) { s.Up = s.Toward },
		"behind the film":   func(s *projection.Setup) { s.SourceToDetector = 700 },
		"NaN":               func(s *projection.Setup) { s.SourceToIsocenter = math.NaN() },
		"no pixels":         func(s *projection.Setup) { s.Rows = 0 },
		"pixels of no size": func(s *projection.Setup) { s.ImagerPixelSpacing = 0 },
	} {
		s := good
		spoil(&s)
		if _, err := projection.NewGeometry(s); err == nil {
			t.Errorf("%s: a geometry", name)
		}
	}
}
