// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"errors"
	"image"
	stdpng "image/png"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/render"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Grey is volume.Sampler pixel by pixel, done faster.
func TestGreyIsTheSamplers(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	for name, g := range stacks() {
		if g.SliceOffsets != nil {
			continue
		}
		vol := volume.New(g)
		for i := range vol.Samples {
			vol.Samples[i] = int16(rng.IntN(2000) - 1000)
		}
		scene, err := render.New(vol, nil)
		if err != nil {
			t.Fatal(err)
		}
		plane := must(t)(scene.Plane(render.Coronal, -139.3, render.Field{Whole: true, PixelSize: 0.7}))
		w := render.Window{Center: -24, Width: 2000} // from OutsideHU on
		offsets := []float64{-1.2, 0, 2.1}
		picture, err := render.Grey(vol, &plane, offsets, w)
		if err != nil {
			t.Fatal(err)
		}
		sampler := vol.Sampler()
		for row := range plane.Rows {
			for col := range plane.Columns {
				sum, l := 0.0, plane.Line(row)
				for _, o := range offsets {
					sum += sampler.At(r3.Add(r3.Add(l.Origin, r3.Scale(float64(col), l.Step)), r3.Scale(o, l.Across)))
				}
				want := 255 * min(max((sum/3+1024)/2000, 0), 1)
				if got := float64(picture.GrayAt(col, row).Y); math.Abs(got-want) > 0.51 {
					t.Fatalf("%s: pixel (%d, %d) is %g, want %.2f", name, col, row, got, want)
				}
			}
		}
	}
}

// Samples are what a window of 2000 HU shows, before it is cut into 255 greys.
func TestSamplesAreWhatIsShown(t *testing.T) {
	for name, g := range stacks() {
		vol := volume.New(g)
		rng := rand.New(rand.NewPCG(5, 0))
		for i := range vol.Samples {
			vol.Samples[i] = int16(rng.IntN(2000) - 1000)
		}
		scene, err := render.New(vol, nil)
		if err != nil {
			t.Fatal(err)
		}
		low, high, spacing, ok := scene.Extent()
		if !ok || !(spacing.X > 0 && spacing.Y > 0 && spacing.Z > 0) {
			t.Fatalf("%s: extent of %v to %v in steps of %v, %t", name, low, high, spacing, ok)
		}
		for _, o := range []render.Orientation{render.Sagittal, render.Axial, render.Coronal} {
			middle := r3.Scale(0.5, r3.Add(low, high))
			plane := must(t)(scene.Plane(o, [...]float64{middle.X, middle.Z, middle.Y}[o], render.Field{Whole: true}))
			for _, thickness := range []float64{0, 7} {
				samples, err := scene.Samples(&plane, thickness)
				if err != nil {
					t.Fatal(err)
				}
				picture, err := scene.Render(&plane, render.Options{Thickness: thickness, Window: render.Window{Center: 0, Width: 2000}})
				if err != nil {
					t.Fatal(err)
				}
				for i, hu := range samples {
					shown := picture.(*image.Gray).GrayAt(i%plane.Columns, i/plane.Columns).Y
					if want := (float64(hu) + 1000) / 2000 * 255; math.Abs(float64(shown)-max(want, 0)) > 0.6 {
						t.Fatalf("%s: %v pixel %d of %d HU is shown as %d", name, o, i, hu, shown)
					}
				}
			}
		}
	}
	scene, err := render.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, ok := scene.Extent(); ok {
		t.Error("there is an extent without an image")
	}
}

func TestWindow(t *testing.T) {
	for _, tt := range []struct {
		w    render.Window
		hu   int16
		want uint8
	}{
		{render.Spine, -1024, 0}, {render.Spine, -200, 0}, {render.Spine, 300, 128}, {render.Spine, 800, 255}, {render.Spine, 3000, 255},
		{render.Bone, -500, 0}, {render.Bone, 400, 128}, {render.Bone, 1300, 255},
		{render.SoftTissue, -150, 0}, {render.SoftTissue, 50, 128}, {render.SoftTissue, 250, 255},
	} {
		vol := volume.New(grid([3]int{4, 4, 4}, r3.Vec{}, r3.Vec{X: 1}, r3.Vec{Y: 1}, r3.Vec{Z: 1}))
		for i := range vol.Samples {
			vol.Samples[i] = tt.hu
		}
		scene, err := render.New(vol, nil)
		if err != nil {
			t.Fatal(err)
		}
		g := must(t)(scene.Slice(render.Axial, 1, render.Field{}))
		picture, err := scene.Render(&g, render.Options{Window: tt.w})
		if err != nil {
			t.Fatal(err)
		}
		if got := picture.(*image.Gray).GrayAt(1, 1).Y; got != tt.want {
			t.Errorf("%v shows %d HU as %d, want %d", tt.w, tt.hu, got, tt.want)
		}
	}
}

// A plate of 2 mm of 1000 HU is a fifth of a slab of 10 mm.
func TestSlabIsTheMeanOfItsThickness(t *testing.T) {
	vol := volume.New(grid([3]int{40, 20, 20}, r3.Vec{}, r3.Vec{X: 0.5}, r3.Vec{Y: 1}, r3.Vec{Z: 1}))
	for i := range vol.Samples {
		vol.Samples[i] = 0
		if x := i % 40; x >= 18 && x < 22 {
			vol.Samples[i] = 1000
		}
	}
	scene, err := render.New(vol, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := must(t)(scene.Plane(render.Sagittal, 0, render.Field{}))
	for thickness, want := range map[float64]float64{0: 1000, 1: 1000, 10: 200, 16: 125} {
		picture, err := scene.Render(&g, render.Options{Thickness: thickness, Window: render.Window{Center: 500, Width: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(picture.(*image.Gray).GrayAt(10, 10).Y) / 255 * 1000; math.Abs(got-want) > 15 {
			t.Errorf("slab of %g mm shows %.0f HU, want %.0f", thickness, got, want)
		}
	}
}

func TestPNGHoldsThePicture(t *testing.T) {
	scene, _ := treated()
	g := must(t)(scene.Straightened(render.Sagittal, 0, render.Field{}))
	for _, layers := range []render.Layers{0, render.AllLayers} {
		want, err := scene.Render(&g, render.Options{Layers: layers})
		if err != nil {
			t.Fatal(err)
		}
		got, err := stdpng.Decode(bytes.NewReader(png(t, want)))
		if err != nil {
			t.Fatal(err)
		}
		for y := range g.Rows {
			for x := range g.Columns {
				r, g, b, _ := got.At(x, y).RGBA()
				wr, wg, wb, _ := want.At(x, y).RGBA()
				if r != wr || g != wg || b != wb {
					t.Fatalf("layers %b: pixel (%d, %d) changed", layers, x, y)
				}
			}
		}
	}
}

func TestFieldLimitsThePicture(t *testing.T) {
	scene, _ := treated()
	for _, f := range []render.Field{{MaxColumns: 100}, {MaxRows: 64}, {MaxColumns: 80, MaxRows: 80}, {PixelSize: 0.1, MaxColumns: 300, MaxRows: 300}} {
		g := must(t)(scene.Following(0, f))
		if f.MaxColumns > 0 && g.Columns > f.MaxColumns || f.MaxRows > 0 && g.Rows > f.MaxRows {
			t.Errorf("%+v gives %d × %d", f, g.Columns, g.Rows)
		}
		if g.Columns != f.MaxColumns && g.Rows != f.MaxRows {
			t.Errorf("%+v gives %d × %d, smaller than need be", f, g.Columns, g.Rows)
		}
	}
}

func TestWhatCannotBeShownIsAnError(t *testing.T) {
	scene, result := treated()
	none, err := render.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := render.New(volume.New(stacks()["head first supine"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	type field = render.Field
	nan, inf := math.NaN(), math.Inf(1)
	for name, tt := range map[string]struct {
		want error
		make func() (render.Geometry, error)
	}{
		"slice before the first":   {render.ErrOutside, func() (render.Geometry, error) { return scene.Slice(render.Axial, -1, field{}) }},
		"slice after the last":     {render.ErrOutside, func() (render.Geometry, error) { return scene.Slice(render.Sagittal, 1<<40, field{}) }},
		"slice of no image":        {render.ErrNoImage, func() (render.Geometry, error) { return none.Slice(render.Axial, 0, field{}) }},
		"unknown orientation":      {render.ErrOutside, func() (render.Geometry, error) { return scene.Slice(7, 0, field{}) }},
		"plane of orientation 7":   {render.ErrInvalid, func() (render.Geometry, error) { return scene.Plane(7, 0, field{}) }},
		"plane beside the patient": {render.ErrOutside, func() (render.Geometry, error) { return scene.Plane(render.Sagittal, 9999, field{}) }},
		"plane nowhere":            {render.ErrInvalid, func() (render.Geometry, error) { return scene.Plane(render.Sagittal, nan, field{}) }},
		"plane at infinity":        {render.ErrInvalid, func() (render.Geometry, error) { return scene.Plane(render.Axial, inf, field{}) }},
		"plane of nothing":         {render.ErrOutside, func() (render.Geometry, error) { return none.Plane(render.Axial, 0, field{}) }},
		"vertebra -1":              {render.ErrOutside, func() (render.Geometry, error) { return scene.Vertebra(-1, render.MidAxial, 0, field{}) }},
		"vertebra after the last": {render.ErrOutside, func() (render.Geometry, error) {
			return scene.Vertebra(len(result.Vertebrae), render.MidAxial, 0, field{})
		}},
		"vertebra far off":        {render.ErrOutside, func() (render.Geometry, error) { return scene.Vertebra(2, render.MidAxial, 1e6, field{}) }},
		"vertebra at NaN":         {render.ErrInvalid, func() (render.Geometry, error) { return scene.Vertebra(2, render.MidAxial, nan, field{}) }},
		"plane 99 of a vertebra":  {render.ErrInvalid, func() (render.Geometry, error) { return scene.Vertebra(2, 99, 0, field{}) }},
		"straightened, no spine":  {render.ErrNoSpine, func() (render.Geometry, error) { return bare.Straightened(render.Sagittal, 0, field{}) }},
		"straightened, axial":     {render.ErrInvalid, func() (render.Geometry, error) { return scene.Straightened(render.Axial, 0, field{}) }},
		"straightened at NaN":     {render.ErrInvalid, func() (render.Geometry, error) { return scene.Straightened(render.Sagittal, nan, field{}) }},
		"following, no spine":     {render.ErrNoSpine, func() (render.Geometry, error) { return bare.Following(0, field{}) }},
		"following at infinity":   {render.ErrInvalid, func() (render.Geometry, error) { return scene.Following(inf, field{}) }},
		"pixels too small":        {render.ErrTooLarge, func() (render.Geometry, error) { return scene.Following(0, field{PixelSize: 0.001}) }},
		"pixels absurdly small":   {render.ErrTooLarge, func() (render.Geometry, error) { return scene.Following(0, field{PixelSize: 1e-300}) }},
		"pixels of negative size": {render.ErrInvalid, func() (render.Geometry, error) { return scene.Following(0, field{PixelSize: -1}) }},
		"pixels of no size":       {render.ErrInvalid, func() (render.Geometry, error) { return scene.Following(0, field{PixelSize: nan}) }},
		"pixels of infinite size": {render.ErrInvalid, func() (render.Geometry, error) { return scene.Following(0, field{PixelSize: inf}) }},
		"negative columns":        {render.ErrInvalid, func() (render.Geometry, error) { return scene.Following(0, field{MaxColumns: -3}) }},
		"crop beside the picture": {render.ErrOutside, func() (render.Geometry, error) { return scene.Following(0, field{Crop: image.Rect(-9, -9, -1, -1)}) }},
		"crop of a huge picture ok": {nil, func() (render.Geometry, error) {
			return scene.Following(0, field{PixelSize: 0.01, Crop: image.Rect(3000, 3000, 3050, 3050)})
		}},
	} {
		g, err := tt.make()
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", name, err, tt.want)
		}
		if err == nil && g.Columns*g.Rows == 0 {
			t.Errorf("%s: no error and no picture", name)
		}
	}
	g := must(t)(scene.Following(0, field{}))
	for name, opt := range map[string]render.Options{
		"window without width": {Window: render.Window{Center: 40}},
		"window of NaN":        {Window: render.Window{Center: nan, Width: 100}},
		"negative slab":        {Thickness: -1},
		"slab of NaN":          {Thickness: nan},
		"slab of a metre":      {Thickness: 1000},
	} {
		if _, err := scene.Render(&g, opt); !errors.Is(err, render.ErrInvalid) {
			t.Errorf("%s: error %v, want %v", name, err, render.ErrInvalid)
		}
	}
	large := must(t)(scene.Following(0, field{PixelSize: 0.06}))
	if _, err := scene.Render(&large, render.Options{Thickness: 600}); !errors.Is(err, render.ErrTooLarge) {
		t.Errorf("a thick slab of a large picture: error %v, want %v", err, render.ErrTooLarge)
	}
}

func TestVolumesThatAreNone(t *testing.T) {
	good := grid([3]int{4, 4, 4}, r3.Vec{}, r3.Vec{X: 1}, r3.Vec{Y: 1}, r3.Vec{Z: 1})
	flat, lost, empty := good, good, good
	flat.Slice = flat.Row
	lost.Column.X = math.NaN()
	empty.Slices = 0
	for name, vol := range map[string]*volume.Volume{
		"flat":            {Geometry: flat, Samples: make([]int16, 64)},
		"nowhere":         {Geometry: lost, Samples: make([]int16, 64)},
		"empty":           {Geometry: empty},
		"without samples": {Geometry: good, Samples: make([]int16, 63)},
	} {
		if _, err := render.New(vol, nil); !errors.Is(err, render.ErrInvalid) {
			t.Errorf("%s: error %v, want %v", name, err, render.ErrInvalid)
		}
	}
}

// A result with places that are no numbers, and with parts missing, draws what it has.
func TestResultsWithHoles(t *testing.T) {
	nowhere := r3.Vec{X: math.NaN(), Y: math.NaN(), Z: math.NaN()}
	frame := volume.NewFrame(r3.Vec{Z: 5}, r3.Vec{Z: 1}, r3.Vec{Y: -1})
	result := &analysis.Result{Vertebrae: []analysis.Vertebra{
		{Center: nowhere},
		{Center: r3.Vec{Z: 5}, Landmarks: &landmark.Vertebra{Superior: landmark.Endplate{Middle: landmark.Point{Position: nowhere}}, LeftAxis: r3.Vec{X: 1}}},
		{Center: r3.Vec{Z: -5}, Body: &segmentation.Body{Frame: volume.Frame{Origin: nowhere}}, Surface: &segmentation.Surface{Points: make([]r3.Vec, 3)}},
		{Center: r3.Vec{Z: 5}, Body: &segmentation.Body{Frame: frame, Superior: segmentation.Plate{A: []float64{0, math.Inf(1)}, S: []float64{math.NaN(), 2}}},
			Canal: analysis.Canal{Outline: &segmentation.Canal{Frame: frame, Sections: make([]segmentation.CanalSection, 1)}}},
	}}
	for _, z := range []float64{20, 10, 10, math.NaN(), -20} {
		result.Canal = append(result.Canal, localization.CanalPoint{Position: r3.Vec{Y: 30, Z: z}, Superior: r3.Vec{Z: 1}, Anterior: r3.Vec{Y: -1}})
	}
	vol := volume.New(grid([3]int{50, 60, 50}, r3.Vec{}, r3.Vec{X: 1}, r3.Vec{Y: 1}, r3.Vec{Z: 1}))
	for _, v := range []*volume.Volume{vol, nil} {
		scene, err := render.New(v, result)
		if err != nil {
			t.Fatal(err)
		}
		for _, make := range views(scene, r3.Vec{Z: 5}) {
			g, err := make(render.Field{})
			if err != nil || g.Rows == 0 {
				continue // frames that are none are refused; there is no slice without image
			}
			picture, err := scene.Render(&g, render.Options{Layers: render.AllLayers})
			if err != nil {
				t.Error(err)
				continue
			}
			png(t, picture)
		}
	}
}

// A label map without image has its outlines on black.
func TestLabelMapAlone(t *testing.T) {
	s := phantom.Random(rand.New(rand.NewPCG(3, 0)), phantom.Options{})
	labels := s.Labels(s.Cover(spine.L1, spine.L3, 10, 130, 1, 1).Geometry())
	result, err := analysis.MeasureLabels(t.Context(), labels, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scene, err := render.New(nil, result)
	if err != nil {
		t.Fatal(err)
	}
	g := must(t)(scene.Following(0, render.Field{}))
	names := 0
	for _, shape := range scene.Overlay(&g, render.LayersOf(render.Label)) {
		if shape.Text == "L1" || shape.Text == "L2" || shape.Text == "L3" {
			names++
		}
	}
	if names != 3 {
		t.Errorf("%d of 3 levels named", names)
	}
	if bodies := scene.Overlay(&g, render.LayersOf(render.Body)); len(bodies) < 12 {
		t.Errorf("%d outlines, want four of each body", len(bodies))
	}
	picture, err := scene.Render(&g, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range picture.(*image.Gray).Pix {
		if v != 0 {
			t.Fatal("an image where there is none")
		}
	}
}
