// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// section is a body in its mid-sagittal plane, drawn by functions: the height
// of the endplates at a, and of the walls at s.
type section struct {
	superior, inferior  func(a float64) float64
	anterior, posterior func(s float64) float64
}

// box is 30 mm deep and 25 mm high.
func box() section {
	level := func(x float64) func(float64) float64 { return func(float64) float64 { return x } }
	return section{level(12.5), level(-12.5), level(15), level(-15)}
}

var frame = volume.NewFrame(r3.Vec{X: 10, Y: -160, Z: -500}, r3.Vec{Y: 0.3, Z: 1}, r3.Vec{X: 0.1, Y: -1})

func (c section) body() *segmentation.Body {
	b := &segmentation.Body{Frame: frame}
	for a := -19.0; a <= 19; a += 0.5 {
		if s := c.superior(a); a >= c.posterior(s) && a <= c.anterior(s) {
			b.Superior.A, b.Superior.S, b.Superior.SD = append(b.Superior.A, a), append(b.Superior.S, s), append(b.Superior.SD, 0.2)
		}
		if s := c.inferior(a); a >= c.posterior(s) && a <= c.anterior(s) {
			b.Inferior.A, b.Inferior.S, b.Inferior.SD = append(b.Inferior.A, a), append(b.Inferior.S, s), append(b.Inferior.SD, 0.2)
		}
	}
	for s := -20.0; s <= 20; s += 0.5 {
		add := func(w *segmentation.Wall, a float64) {
			if s <= c.superior(a) && s >= c.inferior(a) {
				w.S, w.A, w.SD = append(w.S, s), append(w.A, a), append(w.SD, 0.3)
			}
		}
		add(&b.Anterior, c.anterior(s))
		add(&b.Posterior, c.posterior(s))
	}
	return b
}

// place returns where a point stands in the frame.
func place(t *testing.T, p landmark.Point) (s, a float64) {
	t.Helper()
	s, a, l := frame.Coordinates(p.Position)
	if math.Abs(l) > 1e-9 {
		t.Errorf("point is %g mm beside the mid-sagittal plane", l)
	}
	return s, a
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.3f, want %.3f ± %g", what, got, want, tolerance)
	}
}

// A fragment that juts out of the middle of the posterior wall, by more than any
// endplate overhangs, leaves the corners where they were.
func TestCornersBesideAFragment(t *testing.T) {
	c := box()
	c.posterior = func(s float64) float64 {
		x := s / 12.4
		return -15 - 12*math.Pow(max(1-x*x, 0), 2)
	}
	b := c.body()
	b.Superior, b.Inferior = box().body().Superior, box().body().Inferior
	v, err := landmark.FromBody(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []landmark.Point{v.Superior.Posterior, v.Inferior.Posterior} {
		s, a := place(t, p)
		near(t, "height of a corner", math.Abs(s), 12.5, 0.01)
		near(t, "place of a corner", a, -15+landmark.CornerInset, 1.5)
	}
}

// Corners stand 1.5 mm inside the wall lines, middle points at half the depth.
// Reference: this package's definition of the points; see landmark.CornerInset.
func TestPointsOfABox(t *testing.T) {
	v, err := landmark.FromBody(box().body())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		plate landmark.Endplate
		s     float64
	}{{v.Superior, 12.5}, {v.Inferior, -12.5}} {
		for _, p := range []struct {
			point landmark.Point
			a     float64
		}{{e.plate.Anterior, 13.5}, {e.plate.Middle, 0}, {e.plate.Posterior, -13.5}} {
			s, a := place(t, p.point)
			near(t, "s", s, e.s, 1e-9)
			near(t, "a", a, p.a, 1e-9)
			near(t, "sd", p.point.SD, 0.2, 1e-9) // a flat plate: the wall's error does not matter
		}
		near(t, "direction along anterior", r3.Dot(e.plate.Direction, frame.Anterior), 1, 1e-12)
		near(t, "depth", e.plate.Depth, 0, 1e-9)
	}
}

// An osteophyte at the rim, less than 3 mm from the endplate, moves no point.
// Reference: common protocols leave osteophytes out (unverified).
func TestOsteophyteMovesNoPoint(t *testing.T) {
	c := box()
	c.anterior = func(s float64) float64 {
		if s > 12.5-2.5 {
			return 19
		}
		return 15
	}
	v, err := landmark.FromBody(c.body())
	if err != nil {
		t.Fatal(err)
	}
	_, a := place(t, v.Superior.Anterior)
	near(t, "a", a, 13.5, 1e-9)
}

// A spur whose base reaches into the window of the wall line moves it by less
// than it moves the median of the wall.
// Reference: common protocols leave osteophytes out (unverified).
func TestBroadOsteophyteHardlyMovesAPoint(t *testing.T) {
	c := box()
	c.anterior = func(s float64) float64 { return 15 + 4*math.Exp(-(s-9.5)*(s-9.5)/2) }
	v, err := landmark.FromBody(c.body())
	if err != nil {
		t.Fatal(err)
	}
	_, a := place(t, v.Superior.Anterior)
	near(t, "a", a, 13.5, 0.3)
	_, a = place(t, v.Inferior.Anterior)
	near(t, "inferior a", a, 13.5, 0.1)
}

// A fragment of the posterior wall in the canal belongs to the body: the corner
// goes with it.
func TestRetropulsedFragmentMovesTheCorner(t *testing.T) {
	c := box()
	c.posterior = func(s float64) float64 {
		if s > 0 {
			return -18
		}
		return -15
	}
	v, err := landmark.FromBody(c.body())
	if err != nil {
		t.Fatal(err)
	}
	_, a := place(t, v.Superior.Posterior)
	near(t, "a", a, -16.5, 1e-9)
	_, a = place(t, v.Inferior.Posterior)
	near(t, "inferior a", a, -13.5, 1e-9)
}

// The wall line stands where the wall is 4 mm from the endplate if the wall
// slants, however far apart its points lie.
func TestLineOfASlantingWall(t *testing.T) {
	for _, step := range []int{1, 2, 4} {
		c := box()
		c.posterior = func(s float64) float64 { return -15 - 0.2*s }
		b := c.body()
		var w segmentation.Wall
		for i := 0; i < len(b.Posterior.S); i += step {
			w.S, w.A, w.SD = append(w.S, b.Posterior.S[i]), append(w.A, b.Posterior.A[i]), append(w.SD, 0.3)
		}
		b.Posterior = w
		v, err := landmark.FromBody(b)
		if err != nil {
			t.Fatal(err)
		}
		_, a := place(t, v.Superior.Posterior)
		near(t, "a", a, -15-0.2*8.5+1.5, 0.02)
	}
}

// A tilted plate's line is that of its slope, and an uncertain wall makes its
// corners uncertain.
func TestWedge(t *testing.T) {
	c := box()
	const slope = 0.2
	c.superior = func(a float64) float64 { return 12.5 + slope*(a-15) }
	v, err := landmark.FromBody(c.body())
	if err != nil {
		t.Fatal(err)
	}
	angle := math.Atan2(r3.Dot(v.Superior.Direction, frame.Superior), r3.Dot(v.Superior.Direction, frame.Anterior))
	near(t, "angle", angle, math.Atan(slope), 1e-9)
	s, _ := place(t, v.Superior.Posterior)
	near(t, "posterior corner", s, 12.5-slope*28.5, 1e-9)
	near(t, "sd", v.Superior.Anterior.SD, math.Hypot(0.2, slope*0.3), 1e-6)
	if v.Superior.DirectionSD <= 0 || v.Superior.DirectionSD > 2 {
		t.Errorf("DirectionSD = %g°", v.Superior.DirectionSD)
	}
}

// The depth of a dish of 2 mm is 2 mm, of a bulge negative.
func TestDepth(t *testing.T) {
	c := box()
	c.superior = func(a float64) float64 { return 12.5 - 2*(1-a*a/(13.5*13.5)) }
	c.inferior = func(a float64) float64 { return -12.5 - 1*(1-a*a/(13.5*13.5)) }
	v, err := landmark.FromBody(c.body())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "superior depth", v.Superior.Depth, 2, 0.05)
	if v.Inferior.Depth >= 0 {
		t.Errorf("depth of a bulge = %.2f, want negative", v.Inferior.Depth)
	}
}

// Windows of 3 to 5 mm that overlap or leave a crushed body shrink with it.
func TestCrushedBodies(t *testing.T) {
	for _, height := range []float64{12, 8, 5, 3} {
		c := box()
		c.superior = func(float64) float64 { return height / 2 }
		c.inferior = func(float64) float64 { return -height / 2 }
		v, err := landmark.FromBody(c.body())
		if err != nil {
			t.Errorf("height %g: %v", height, err)
			continue
		}
		near(t, "height", r3.Norm(r3.Sub(v.Superior.Anterior.Position, v.Inferior.Anterior.Position)), height, 1e-9)
	}
}

func TestMissingParts(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  func(*segmentation.Body)
		want error
	}{
		{"no anterior wall", func(b *segmentation.Body) { b.Anterior = segmentation.Wall{} }, landmark.ErrNoWall},
		{"no posterior wall", func(b *segmentation.Body) { b.Posterior = segmentation.Wall{} }, landmark.ErrNoWall},
		{"no superior endplate", func(b *segmentation.Body) { b.Superior = segmentation.Plate{} }, landmark.ErrNoEndplate},
		{"no inferior endplate", func(b *segmentation.Body) { b.Inferior = segmentation.Plate{} }, landmark.ErrNoEndplate},
		{"plate ends before the corner", func(b *segmentation.Body) {
			b.Superior.A, b.Superior.S, b.Superior.SD = b.Superior.A[:40], b.Superior.S[:40], b.Superior.SD[:40]
		}, landmark.ErrNoEndplate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := box().body()
			tt.cut(b)
			if _, err := landmark.FromBody(b); !errors.Is(err, tt.want) {
				t.Errorf("FromBody error = %v, want %v", err, tt.want)
			}
		})
	}
}

// S1 is measured at its superior endplate alone.
func TestSacrum(t *testing.T) {
	b := box().body()
	b.Inferior = segmentation.Plate{}
	v, err := landmark.SacrumFromBody(b)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Superior.Found() || v.Inferior.Found() {
		t.Errorf("superior found %v, inferior found %v; want only the superior", v.Superior.Found(), v.Inferior.Found())
	}
}
