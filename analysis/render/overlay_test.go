// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// pictures are views of the treated spine in which every class of shape occurs.
func pictures(t *testing.T) map[string]render.Geometry {
	scene, result := treated()
	n := slices.IndexFunc(result.Vertebrae, func(v analysis.Vertebra) bool { return v.Cement != nil })
	if n < 0 {
		t.Fatal("the cement was not found")
	}
	return map[string]render.Geometry{
		"straightened": must(t)(scene.Straightened(render.Sagittal, 0, render.Field{})),
		"following":    must(t)(scene.Following(0, render.Field{})),
		"sagittal":     must(t)(scene.Vertebra(n, render.MidSagittal, 0, render.Field{PixelSize: 0.4})),
		"axial":        must(t)(scene.Vertebra(n, render.MidAxial, 0, render.Field{PixelSize: 0.4})),
		"coronal":      must(t)(scene.Vertebra(n, render.MidCoronal, 0, render.Field{})),
	}
}

func png(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := render.WritePNG(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A picture differs from the one without overlay where a shape lies, and nowhere
// else, class by class.
func TestOverlayChangesOnlyWhatItCovers(t *testing.T) {
	scene, _ := treated()
	seen := render.Layers(0)
	for name, g := range pictures(t) {
		plain, err := scene.Render(&g, render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for c := render.Canal; c <= render.Scale; c++ {
			layers := render.LayersOf(c)
			shapes := scene.Overlay(&g, layers)
			drawn, err := scene.Render(&g, render.Options{Layers: layers})
			if err != nil {
				t.Fatal(err)
			}
			changed := 0
			for y := range g.Rows {
				for x := range g.Columns {
					at := drawn.(*image.RGBA).RGBAAt(x, y)
					grey := plain.(*image.Gray).GrayAt(x, y).Y
					if at.R == grey && at.G == grey && at.B == grey {
						continue
					}
					changed++
					if d := distance(shapes, render.PixelIndex{Col: x, Row: y}.Center()); d > 5.5 { // a point's radius with its rim, and a pixel
						t.Fatalf("%s: %v changes pixel (%d, %d), %.1f pixels from any shape", name, c, x, y, d)
					}
				}
			}
			if len(shapes) > 0 {
				seen |= layers
				if changed == 0 {
					t.Errorf("%s: %v has %d shapes and draws none", name, c, len(shapes))
				}
			} else if changed > 0 {
				t.Errorf("%s: %v has no shape and changes %d pixels", name, c, changed)
			}
			if slices.ContainsFunc(shapes, func(s render.Shape) bool { return s.Class != c }) {
				t.Errorf("%s: asked for %v, got another class", name, c)
			}
		}
	}
	if seen != render.AllLayers {
		t.Errorf("classes %b occurred, want %b", seen, render.AllLayers)
	}
}

// distance returns how far a place is from the nearest shape, pixels.
func distance(shapes []render.Shape, p render.ImagePoint) float64 {
	nearest := math.Inf(1)
	for _, s := range shapes {
		if s.Text != "" && s.Class != render.Point {
			dx := max(s.Points[0].Col-p.Col, p.Col-s.Points[1].Col, 0)
			dy := max(s.Points[0].Row-p.Row, p.Row-s.Points[1].Row, 0)
			nearest = min(nearest, math.Hypot(dx, dy))
			continue
		}
		points := s.Points
		if s.Closed {
			points = append(slices.Clone(points), points[0])
		}
		for i, a := range points {
			b := points[min(i+1, len(points)-1)]
			dx, dy := b.Col-a.Col, b.Row-a.Row
			f := 0.0
			if l := dx*dx + dy*dy; l > 0 {
				f = min(max(((p.Col-a.Col)*dx+(p.Row-a.Row)*dy)/l, 0), 1)
			}
			nearest = min(nearest, math.Hypot(p.Col-a.Col-f*dx, p.Row-a.Row-f*dy))
		}
	}
	return nearest
}

func TestPicturesAreReproducible(t *testing.T) {
	scene, _ := treated()
	for name, g := range pictures(t) {
		opt := render.Options{Layers: render.AllLayers, Thickness: 4}
		first, err := scene.Render(&g, opt)
		if err != nil {
			t.Fatal(err)
		}
		want := png(t, first)
		var wg sync.WaitGroup
		got := make([][]byte, 4)
		for i := range got {
			wg.Go(func() {
				if again, err := scene.Render(&g, opt); err == nil {
					got[i] = png(t, again)
				}
			})
		}
		wg.Wait()
		for _, b := range got {
			if !bytes.Equal(b, want) {
				t.Errorf("%s differs from one time to the next", name)
			}
		}
	}
}

// Every landmark that a picture shows must be led back to where it is.
func TestPointsLieWhereTheLandmarksAre(t *testing.T) {
	scene, result := treated()
	for name, g := range pictures(t) {
		count := 0
		for _, s := range scene.Overlay(&g, render.LayersOf(render.Point)) {
			l := result.Vertebrae[s.Vertebra].Landmarks
			n := landmark.Name(0)
			for n < landmark.NumPoints && n.String() != s.Text {
				n++
			}
			if n == landmark.NumPoints {
				t.Fatalf("%s: a point named %q", name, s.Text)
			}
			count++
			at := l.Point(n).Position
			_, depth := g.ImagePoint(at)
			if d := r3.Norm(r3.Sub(g.Position(s.Points[0]), at)); math.Abs(d-math.Abs(depth)) > 0.05 {
				t.Errorf("%s: %s of %v drawn %.2f mm from where it is, %.2f mm off the picture", name, s.Text, result.Vertebrae[s.Vertebra].Level, d, depth)
			}
		}
		if want := 6; name != "axial" && name != "coronal" && count < want {
			t.Errorf("%s shows %d points, want those of a vertebra at least", name, count)
		}
	}
}

// Text never stands on text, in the narrowest picture either, and is all within the
// picture.
func TestTextStandsApart(t *testing.T) {
	scene, result := treated()
	all := pictures(t)
	all["small"] = must(t)(scene.Straightened(render.Sagittal, 0, render.Field{PixelSize: 1.6}))
	named := 0
	for name, g := range all {
		var boxes []render.Shape
		for _, s := range scene.Overlay(&g, render.LayersOf(render.Label, render.Direction, render.Scale)) {
			if s.Text == "" {
				continue
			}
			if s.Class == render.Label {
				named++
			}
			a, b := s.Points[0], s.Points[1]
			if a.Col < 0 || a.Row < 0 || b.Col > float64(g.Columns) || b.Row > float64(g.Rows) {
				t.Errorf("%s: %q at %.0f, beyond the picture", name, s.Text, s.Points)
			}
			for _, other := range boxes {
				c, d := other.Points[0], other.Points[1]
				const touch = 1e-6
				if a.Col < d.Col-touch && c.Col < b.Col-touch && a.Row < d.Row-touch && c.Row < b.Row-touch {
					t.Errorf("%s: %q stands on %q", name, s.Text, other.Text)
				}
			}
			boxes = append(boxes, s)
		}
	}
	if named < 2*len(result.Vertebrae) {
		t.Errorf("%d names in all pictures of %d vertebrae", named, len(result.Vertebrae))
	}
}

// The bar and its length lie over no body, and pictures of the spine have one.
func TestScaleStandsBesideTheBodies(t *testing.T) {
	scene, _ := treated()
	all := pictures(t)
	for _, pixel := range []float64{0.4, 0.8, 1.6} {
		all[fmt.Sprintf("straightened, pixels of %g mm", pixel)] = must(t)(scene.Straightened(render.Sagittal, 0, render.Field{PixelSize: pixel}))
		all[fmt.Sprintf("following, pixels of %g mm", pixel)] = must(t)(scene.Following(0, render.Field{PixelSize: pixel}))
	}
	bars := 0
	for name, g := range all {
		box := image.Rectangle{}
		for _, s := range scene.Overlay(&g, render.LayersOf(render.Scale)) {
			for _, p := range s.Points {
				box = box.Union(image.Rect(int(p.Col), int(p.Row), int(p.Col)+1, int(p.Row)+1))
			}
		}
		if !box.Empty() {
			bars++
		}
		for _, s := range scene.Overlay(&g, render.LayersOf(render.Body, render.Point)) {
			for _, p := range s.Points {
				if (image.Point{int(p.Col), int(p.Row)}).In(box) {
					t.Fatalf("%s: the bar in %v lies over %v of vertebra %d at %v, %d x %d", name, box, s.Class, s.Vertebra, p, g.Columns, g.Rows)
				}
			}
		}
	}
	if bars < len(all)-2 {
		t.Errorf("%d of %d pictures have a bar", bars, len(all))
	}
}

func TestDirectionsAreThePatients(t *testing.T) {
	scene, _ := treated()
	for o, want := range map[render.Orientation][4]string{
		render.Sagittal: {"A", "P", "S", "I"},
		render.Axial:    {"R", "L", "A", "P"},
		render.Coronal:  {"R", "L", "S", "I"},
	} {
		g := must(t)(scene.Slice(o, scene.Slices(o)/2, render.Field{}))
		for i, s := range scene.Overlay(&g, render.LayersOf(render.Direction)) {
			if s.Text != want[i] {
				t.Errorf("%v: border %d is %s, want %s", o, i, s.Text, want[i])
			}
		}
	}
}

// ball returns the surface of a ball of so many mm.
func ball(f volume.Frame, radius float64) *segmentation.Surface {
	s := &segmentation.Surface{Frame: f}
	s.Points = append(s.Points, r3.Vec{X: radius})
	for ring := range segmentation.SurfaceRings {
		polarSin, polarCos := math.Sincos(math.Pi * float64(ring+1) / (segmentation.SurfaceRings + 1))
		for i := range segmentation.SurfaceAngles {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / segmentation.SurfaceAngles)
			s.Points = append(s.Points, r3.Scale(radius, r3.Vec{X: polarCos, Y: polarSin * cos, Z: polarSin * sin}))
		}
	}
	s.Points = append(s.Points, r3.Vec{X: -radius})
	return s
}

// The section of a ball is a circle, of the radius that its distance leaves.
func TestSectionsOfABodyAreClosed(t *testing.T) {
	const radius = 20.0
	f := volume.NewFrame(r3.Vec{X: 5, Y: -3, Z: 40}, r3.Vec{X: 0.1, Y: 0.2, Z: 1}, r3.Vec{Y: -1})
	result := &analysis.Result{Vertebrae: []analysis.Vertebra{{
		Level: spine.L1, Status: analysis.Measured, Center: f.Origin,
		Body: &segmentation.Body{Frame: f}, Surface: ball(f, radius),
	}}}
	scene, err := render.New(nil, result)
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []float64{0, 8, -15} {
		for _, plane := range []render.VertebraPlane{render.MidSagittal, render.MidAxial, render.MidCoronal} {
			g := must(t)(scene.Vertebra(0, plane, offset, render.Field{PixelSize: 0.5}))
			shapes := scene.Overlay(&g, render.LayersOf(render.Body))
			if len(shapes) != 1 || !shapes[0].Closed {
				t.Errorf("plane %d at %g mm: %d outlines", plane, offset, len(shapes))
				continue
			}
			want := math.Sqrt(radius*radius - offset*offset)
			for _, p := range shapes[0].Points {
				at := g.Position(p)
				off := r3.Sub(at, f.Origin)
				got := math.Sqrt(max(r3.Norm2(off)-offset*offset, 0))
				// Chords of 15° fall short by 1 % of the radius, of the sphere's own in
				// two directions.
				if got > want+0.01 || got < want-0.7 {
					t.Errorf("plane %d at %g mm: outline %.2f mm from the middle, want %.2f", plane, offset, got, want)
					break
				}
			}
		}
	}
	g := must(t)(scene.Vertebra(0, render.MidSagittal, radius+1, render.Field{PixelSize: 0.5}))
	if shapes := scene.Overlay(&g, render.LayersOf(render.Body)); len(shapes) != 0 {
		t.Errorf("%d outlines beside the body", len(shapes))
	}
}

// The section of a ball of cement is a circle; beside it there is none.
func TestCementIsOutlinedInThePicture(t *testing.T) {
	const radius, size = 7.0, 21
	center := r3.Vec{X: 10, Y: -20, Z: 30}
	vol := volume.New(grid([3]int{60, 60, 60}, center, r3.Vec{X: 1}, r3.Vec{Y: 1}, r3.Vec{Z: 1}))
	mask := cement.Mask{Origin: [3]int{19, 19, 19}, Size: [3]int{size, size, size}}
	for n := range size * size * size {
		at := vol.Position(float64(19+n%size), float64(19+n/size%size), float64(19+n/size/size))
		share := min(max(radius+0.5-r3.Norm(r3.Sub(at, center)), 0), 1)
		mask.Fraction = append(mask.Fraction, uint8(255*share))
	}
	scene, err := render.New(vol, &analysis.Result{Vertebrae: []analysis.Vertebra{{Cement: &cement.Treated{Mask: mask}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []render.Orientation{render.Sagittal, render.Axial, render.Coronal} {
		at := [...]float64{render.Sagittal: center.X, render.Axial: center.Z, render.Coronal: center.Y}[o]
		g := must(t)(scene.Plane(o, at, render.Field{Whole: true, PixelSize: 0.5}))
		shapes := scene.Overlay(&g, render.LayersOf(render.Cement))
		if len(shapes) != 1 || !shapes[0].Closed {
			t.Errorf("%v: %d outlines of a ball", o, len(shapes))
			continue
		}
		for _, p := range shapes[0].Points {
			if d := r3.Norm(r3.Sub(g.Position(p), center)); math.Abs(d-radius) > 0.3 {
				t.Errorf("%v: outline %.2f mm from the ball's centre, want %g", o, d, radius)
				break
			}
		}
		beside := must(t)(scene.Plane(o, at+radius+3, render.Field{Whole: true, PixelSize: 0.5}))
		if shapes := scene.Overlay(&beside, render.LayersOf(render.Cement)); len(shapes) != 0 {
			t.Errorf("%v: %d outlines beside the ball", o, len(shapes))
		}
	}
}

// An axial picture at mid-height outlines body and canal, the body to anterior.
func TestAxialPictureOutlinesBodyAndCanal(t *testing.T) {
	scene, result := treated()
	for n, v := range result.Vertebrae {
		if v.Status != analysis.Measured || v.Canal.Outline == nil {
			continue
		}
		g := must(t)(scene.Vertebra(n, render.MidAxial, 0, render.Field{PixelSize: 0.5}))
		var mean [2]float64
		for i, c := range []render.Class{render.Body, render.Canal} {
			own := slices.DeleteFunc(scene.Overlay(&g, render.LayersOf(c)), func(s render.Shape) bool { return s.Vertebra != n })
			if len(own) == 0 || !own[0].Closed {
				t.Errorf("%v: %v has %d outlines", v.Level, c, len(own))
				continue
			}
			for _, p := range own[0].Points {
				mean[i] += p.Row / float64(len(own[0].Points))
			}
		}
		if apart := (mean[1] - mean[0]) * g.PixelSize; !(apart > 15 && apart < 40) {
			t.Errorf("%v: canal %.0f mm behind the body", v.Level, apart)
		}
	}
}
