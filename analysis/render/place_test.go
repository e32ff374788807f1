// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// stacks are ways in which a trunk may be stored.
func stacks() map[string]volume.Geometry {
	const tilt = 18 * math.Pi / 180
	sin, cos := math.Sincos(tilt)
	center, size := r3.Vec{X: 12, Y: -140, Z: -700}, [3]int{90, 100, 80}
	left, posterior, superior := r3.Vec{X: 1}, r3.Vec{Y: 1}, r3.Vec{Z: 1}
	right, anterior, inferior := r3.Vec{X: -1}, r3.Vec{Y: -1}, r3.Vec{Z: -1}
	turned := r3.NewRotation(0.2, r3.Vec{X: 0.3, Y: 0.5, Z: 1})
	uneven := grid([3]int{90, 100, 40}, center, left, posterior, r3.Scale(2, superior))
	for k := range uneven.Slices {
		uneven.SliceOffsets = append(uneven.SliceOffsets, float64(k)+0.3*math.Sin(float64(k)))
	}
	uneven.SliceOffsets[0] = 0
	return map[string]volume.Geometry{
		"head first supine": grid(size, center, left, posterior, superior),
		"feet first supine": grid(size, center, right, posterior, inferior),
		"feet first prone":  grid(size, center, left, anterior, inferior),
		"head first prone":  grid(size, center, right, anterior, superior),
		"on the left side":  grid([3]int{100, 90, 80}, center, anterior, left, superior),
		"sagittal stack":    grid([3]int{100, 80, 90}, center, posterior, inferior, left),
		"coronal stack":     grid([3]int{90, 80, 100}, center, left, inferior, anterior),
		"oblique":           grid(size, center, turned.Rotate(left), turned.Rotate(posterior), turned.Rotate(superior)),
		"gantry tilt":       grid(size, center, left, r3.Vec{Y: cos, Z: sin}, superior),
		"thick slices":      grid([3]int{120, 130, 40}, center, r3.Scale(0.75, left), r3.Scale(0.75, posterior), r3.Scale(2, superior)),
		"uneven":            uneven,
	}
}

// straightCanal passes 30 mm behind p, leaning by some degrees.
func straightCanal(p r3.Vec) []localization.CanalPoint {
	f := volume.NewFrame(p, r3.Vec{X: 0.1, Y: 0.15, Z: 1}, r3.Vec{X: 0.05, Y: -1})
	var canal []localization.CanalPoint
	for s := 40.0; s >= -40; s-- {
		canal = append(canal, localization.CanalPoint{Position: f.Point(s, -30, 0), Superior: f.Superior, Anterior: f.Anterior})
	}
	return canal
}

// A bright blob must appear where the geometry says that it lies, in every view of
// every stack, and be led back to where it is.
func TestPicturesShowWhatTheGeometrySays(t *testing.T) {
	for name, g := range stacks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blob := r3.Vec{X: 3.3, Y: -136.6, Z: -695.2}
			vol := blobs(g, 3, blob)
			frame := volume.NewFrame(blob, r3.Vec{X: 0.2, Y: 0.3, Z: 1}, r3.Vec{X: -0.2, Y: -1})
			result := &analysis.Result{
				Canal:     straightCanal(blob),
				Vertebrae: []analysis.Vertebra{{Body: &segmentation.Body{Frame: frame}, Center: blob}},
			}
			scene, err := render.New(vol, result)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range []render.Field{{}, {Whole: true, PixelSize: 0.6}, {MaxColumns: 70, MaxRows: 75, Whole: true}} {
				for view, make := range views(scene, blob) {
					picture, err := make(field)
					if err != nil {
						t.Fatalf("%s %+v: %v", view, field, err)
					}
					showsBlob(t, view, scene, picture, blob)
				}
			}
		})
	}
}

func views(s *render.Scene, at r3.Vec) map[string]func(render.Field) (render.Geometry, error) {
	type field = render.Field
	return map[string]func(field) (render.Geometry, error){
		"sagittal plane":        func(f field) (render.Geometry, error) { return s.Plane(render.Sagittal, at.X, f) },
		"axial plane":           func(f field) (render.Geometry, error) { return s.Plane(render.Axial, at.Z, f) },
		"coronal plane":         func(f field) (render.Geometry, error) { return s.Plane(render.Coronal, at.Y, f) },
		"sagittal slice":        func(f field) (render.Geometry, error) { return nearestSlice(s, render.Sagittal, at, f) },
		"axial slice":           func(f field) (render.Geometry, error) { return nearestSlice(s, render.Axial, at, f) },
		"coronal slice":         func(f field) (render.Geometry, error) { return nearestSlice(s, render.Coronal, at, f) },
		"mid-sagittal plane":    func(f field) (render.Geometry, error) { return s.Vertebra(0, render.MidSagittal, 0, f) },
		"mid-axial plane":       func(f field) (render.Geometry, error) { return s.Vertebra(0, render.MidAxial, 0, f) },
		"mid-coronal plane":     func(f field) (render.Geometry, error) { return s.Vertebra(0, render.MidCoronal, 0, f) },
		"straightened sagittal": func(f field) (render.Geometry, error) { return s.Straightened(render.Sagittal, 0, f) },
		"straightened coronal":  func(f field) (render.Geometry, error) { return s.Straightened(render.Coronal, 30, f) },
		"following": func(f field) (render.Geometry, error) {
			// The canal leans to the left: the picture is of its own x at the blob's height.
			g, err := s.Following(0, f)
			if err != nil {
				return g, err
			}
			_, depth := g.ImagePoint(at)
			return s.Following(depth, f)
		},
	}
}

// nearestSlice returns the slice that passes nearest to a position.
func nearestSlice(s *render.Scene, o render.Orientation, at r3.Vec, f render.Field) (best render.Geometry, err error) {
	nearest := math.Inf(1)
	for n := range s.Slices(o) {
		g, err := s.Slice(o, n, f)
		if err != nil {
			return g, err
		}
		if _, depth := g.ImagePoint(at); math.Abs(depth) < nearest {
			best, nearest = g, math.Abs(depth)
		}
	}
	return best, nil
}

func showsBlob(t *testing.T, view string, s *render.Scene, g render.Geometry, blob r3.Vec) {
	t.Helper()
	picture, err := s.Render(&g, render.Options{Window: render.Window{Center: 1100, Width: 1800}})
	if err != nil {
		t.Fatalf("%s: %v", view, err)
	}
	want, depth := g.ImagePoint(blob)
	if math.Abs(depth) > 1.1 {
		t.Fatalf("%s passes %.2f mm beside the blob", view, depth)
	}
	got := brightCentroid(picture)
	if d := math.Hypot(got.Col-want.Col, got.Row-want.Row); !(d < 0.5) {
		t.Errorf("%s: blob at %.2f, geometry says %.2f", view, got, want)
	}
	off := r3.Sub(g.Position(got), blob)
	off = r3.Sub(off, r3.Scale(r3.Dot(off, g.Line(int(got.Row)).Across), g.Line(int(got.Row)).Across))
	if d := r3.Norm(off); !(d < g.PixelSize/2) {
		t.Errorf("%s: blob led back %.2f mm beside where it is, pixels of %.2f mm", view, d, g.PixelSize)
	}
}

func brightCentroid(picture image.Image) render.ImagePoint {
	grey := picture.(*image.Gray)
	var sum float64
	var at render.ImagePoint
	for row := range grey.Rect.Dy() {
		for col := range grey.Rect.Dx() {
			w := float64(grey.GrayAt(col, row).Y)
			c := render.PixelIndex{Col: col, Row: row}.Center()
			sum, at.Col, at.Row = sum+w, at.Col+w*c.Col, at.Row+w*c.Row
		}
	}
	return render.ImagePoint{Col: at.Col / sum, Row: at.Row / sum}
}

// Anterior is to the left, the patient's left to the right, superior above, however
// the patient lay.
func TestPicturesAreTurnedAsReadersExpect(t *testing.T) {
	for name, g := range stacks() {
		middle := g.Position(float64(g.Columns-1)/2, float64(g.Rows-1)/2, float64(g.Slices-1)/2)
		scene, err := render.New(volume.New(g), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []render.Orientation{render.Sagittal, render.Axial, render.Coronal} {
			plane := must(t)(scene.Slice(o, scene.Slices(o)/2, render.Field{}))
			right, down := r3.Vec{X: 1}, r3.Vec{Z: -1}
			switch o {
			case render.Sagittal:
				right = r3.Vec{Y: 1}
			case render.Axial:
				down = r3.Vec{Y: 1}
			}
			at, _ := plane.ImagePoint(middle)
			if p, _ := plane.ImagePoint(r3.Add(middle, r3.Scale(10, right))); p.Col < at.Col+5/plane.PixelSize {
				t.Errorf("%s: %v: moving by %v leads from column %.1f to %.1f", name, o, right, at.Col, p.Col)
			}
			if p, _ := plane.ImagePoint(r3.Add(middle, r3.Scale(10, down))); p.Row < at.Row+5/plane.PixelSize {
				t.Errorf("%s: %v: moving by %v leads from row %.1f to %.1f", name, o, down, at.Row, p.Row)
			}
		}
	}
}

// Slices count from the right, from anterior, from inferior.
func TestSlicesCountInThePatient(t *testing.T) {
	for name, g := range stacks() {
		scene, err := render.New(volume.New(g), nil)
		if err != nil {
			t.Fatal(err)
		}
		for o, towards := range map[render.Orientation]r3.Vec{render.Sagittal: {X: 1}, render.Axial: {Z: 1}, render.Coronal: {Y: 1}} {
			first := must(t)(scene.Slice(o, 0, render.Field{}))
			last := must(t)(scene.Slice(o, scene.Slices(o)-1, render.Field{}))
			if d := r3.Dot(r3.Sub(last.Position(render.ImagePoint{}), first.Position(render.ImagePoint{})), towards); !(d > 50) {
				t.Errorf("%s: %v slices run %.0f mm along %v", name, o, d, towards)
			}
		}
	}
}

// A slice in the orientation of the acquisition shows its pixels as they are, with a
// tilted gantry and uneven slices too.
func TestSlicesAreThoseAcquired(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for _, name := range []string{"head first supine", "feet first supine", "gantry tilt", "uneven", "oblique"} {
		vol := volume.New(stacks()[name])
		for i := range vol.Samples {
			vol.Samples[i] = int16(rng.IntN(256))
		}
		scene, err := render.New(vol, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := scene.Slices(render.Axial); got != vol.Slices {
			t.Errorf("%s: %d axial slices of %d", name, got, vol.Slices)
			continue
		}
		const slice = 7
		g := must(t)(scene.Slice(render.Axial, slice, render.Field{Whole: true, PixelSize: 1}))
		picture, err := scene.Render(&g, render.Options{Window: render.Window{Center: 127.5, Width: 255}})
		if err != nil {
			t.Fatal(err)
		}
		k := slice
		if vol.Slice.Z < 0 {
			k = vol.Slices - 1 - slice
		}
		wrong := 0
		for j := range vol.Rows {
			for i := range vol.Columns {
				at, _ := g.ImagePoint(vol.Position(float64(i), float64(j), float64(k)))
				c, r := int(math.Floor(at.Col)), int(math.Floor(at.Row))
				if got := picture.(*image.Gray).GrayAt(c, r).Y; int16(got) != vol.Samples[(k*vol.Rows+j)*vol.Columns+i] {
					wrong++
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d pixels differ from those acquired", name, wrong, vol.Rows*vol.Columns)
		}
	}
}

func TestMatrixIsTheAffine(t *testing.T) {
	scene, err := render.New(volume.New(stacks()["oblique"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := must(t)(scene.Plane(render.Coronal, -140, render.Field{}))
	a, ok := g.Affine()
	if !ok {
		t.Fatal("a plane has no affine")
	}
	m := a.Matrix()
	for _, p := range []render.PixelIndex{{}, {Col: 13, Row: 4}, {Col: g.Columns - 1, Row: g.Rows - 1}} {
		v := [4]float64{float64(p.Col), float64(p.Row), 0, 1}
		var at [3]float64
		for i := range m {
			for j := range v {
				at[i] += m[i][j] * v[j]
			}
		}
		got := r3.Vec{X: at[0], Y: at[1], Z: at[2]}
		for _, want := range []r3.Vec{a.Position(p.Center()), g.Position(p.Center())} {
			if r3.Norm(r3.Sub(got, want)) > 1e-9 {
				t.Errorf("pixel %v by matrix at %v, by Position at %v", p, got, want)
			}
		}
		if back, depth := g.ImagePoint(got); math.Hypot(back.Col-p.Center().Col, back.Row-p.Center().Row) > 1e-9 || math.Abs(depth) > 1e-9 {
			t.Errorf("pixel %v led back to %v, %g mm off", p, back, depth)
		}
	}
	if n := (r3.Vec{X: m[0][2], Y: m[1][2], Z: m[2][2]}); math.Abs(r3.Norm(n)-1) > 1e-9 || math.Abs(r3.Dot(n, a.Col)) > 1e-9 {
		t.Errorf("third column %v is no unit normal", n)
	}
}

func TestImagePointInvertsPositionAlongACanal(t *testing.T) {
	for _, o := range []render.Orientation{render.Sagittal, render.Coronal} {
		g := must(t)(render.AlongCanal(circularCanal(), o, 0, render.AroundSpine(), render.Field{PixelSize: 0.6}))
		if _, ok := g.Affine(); ok {
			t.Error("a straightened picture has an affine")
		}
		for row := 1.2; row < float64(g.Rows); row += 7.3 {
			for col := 0.5; col < float64(g.Columns); col += 9.1 {
				at := render.ImagePoint{Col: col, Row: row}
				got, depth := g.ImagePoint(g.Position(at))
				if math.Hypot(got.Col-at.Col, got.Row-at.Row) > 0.02 || math.Abs(depth) > 0.01 {
					t.Fatalf("%v: (%.2f, %.2f) led back to (%.2f, %.2f), %.3f mm off", o, col, row, got.Col, got.Row, depth)
				}
			}
		}
	}
}

// The straightened picture against the closed form of a circle: a point s along and
// a in front is s + 12 below the top, 75 - a from the left.
func TestStraightenedKeepsArcLength(t *testing.T) {
	const pixel, offset = 0.5, 4
	g := must(t)(render.AlongCanal(circularCanal(), render.Sagittal, offset, render.AroundSpine(), render.Field{PixelSize: pixel}))
	for _, s := range []float64{-8, 0, 0.4, 50.5, 120, 157 + 9} {
		for _, a := range []float64{-20, 0, 60} {
			at, depth := g.ImagePoint(straightOn(s).Point(0, a, offset+1))
			wantCol, wantRow := (render.MarginAnterior-a)/pixel, (s+render.MarginEnds)/pixel
			// Chords of 1 mm on a circle of 100 mm are off by 1/800 mm; between the last
			// row on the circle and the first beyond it, 60 mm in front, by 60 × 0.0025 / 2.
			if math.Abs(at.Col-wantCol) > 0.03 || math.Abs(at.Row-wantRow) > 0.15 || math.Abs(depth-1) > 0.01 {
				t.Errorf("(%g, %g) at (%.3f, %.3f), %.3f mm off, want (%.3f, %.3f), 1 mm", s, a, at.Col, at.Row, depth, wantCol, wantRow)
			}
		}
	}
}

// straightOn is onCircle, straight on beyond the ends.
func straightOn(s float64) volume.Frame {
	f := onCircle(min(max(s, 0), 157))
	f.Origin = f.Point(min(max(s, 0), 157)-s, 0, 0)
	return f
}

func TestStraightenedRowsArePerpendicularToTheCanal(t *testing.T) {
	for _, o := range []render.Orientation{render.Sagittal, render.Coronal} {
		g := must(t)(render.AlongCanal(circularCanal(), o, 0, render.AroundSpine(), render.Field{PixelSize: 0.6}))
		for row := range g.Rows {
			l := g.Line(row)
			s := (float64(row)+0.5)*0.6 - render.MarginEnds
			tangent := onCircle(min(max(s, 0), 157)).Superior
			if d := r3.Dot(r3.Unit(l.Step), tangent); math.Abs(d) > 1e-3 {
				t.Fatalf("%v: row %d at cosine %.4f to the canal", o, row, d)
			}
			if math.Abs(r3.Norm(l.Step)-0.6) > 1e-9 || r3.Norm(r3.Sub(l.Across, r3.Unit(r3.Cross(l.Down, l.Step)))) > 1e-9 {
				t.Fatalf("%v: row %d has step %v, down %v, across %v", o, row, l.Step, l.Down, l.Across)
			}
		}
	}
}

func TestCropIsAPartOfTheWhole(t *testing.T) {
	scene, _ := treated()
	part := image.Rect(40, 30, 90, 75)
	for name, make := range map[string]func(render.Field) (render.Geometry, error){
		"plane":        func(f render.Field) (render.Geometry, error) { return scene.Vertebra(2, render.MidSagittal, 0, f) },
		"straightened": func(f render.Field) (render.Geometry, error) { return scene.Straightened(render.Sagittal, 2, f) },
	} {
		whole, crop := must(t)(make(render.Field{})), must(t)(make(render.Field{Crop: part}))
		a, errA := scene.Render(&whole, render.Options{Thickness: 3})
		b, errB := scene.Render(&crop, render.Options{Thickness: 3})
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if b.Bounds().Dx() != part.Dx() || b.Bounds().Dy() != part.Dy() {
			t.Fatalf("%s: crop of %v", name, b.Bounds())
		}
		worst := 0.0
		for y := range part.Dy() {
			for x := range part.Dx() {
				p, q := a.(*image.Gray).GrayAt(part.Min.X+x, part.Min.Y+y).Y, b.(*image.Gray).GrayAt(x, y).Y
				worst = max(worst, math.Abs(float64(p)-float64(q)))
			}
		}
		if worst > 1 { // rounding
			t.Errorf("%s: crop differs by %.0f greys", name, worst)
		}
	}
}
