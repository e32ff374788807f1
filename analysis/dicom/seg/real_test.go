// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"math"
	"os"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
)

// Real stacks that are tilted, one of them uneven, show no spine: a body is put into the
// middle of each. It has its volume there, each frame is on its image, and a validator
// finds no error.
func TestRealTiltedStacks(t *testing.T) {
	for _, name := range []string{"tilt-philips-18.5", "tilt-ge-variable"} {
		t.Run(name, func(t *testing.T) {
			catalog, err := dicom.Scan(t.Context(), dicom.Files(os.DirFS(shared(t, "data/dicom/"+name)), "."), dicom.Options{})
			if err != nil || len(catalog.Stacks) != 1 {
				t.Fatalf("%v: %+v", err, catalog)
			}
			o, err := catalog.Stacks[0].Origin()
			if err != nil {
				t.Fatal(err)
			}
			g := o.Geometry
			middle := g.Position(float64(g.Columns)/2, float64(g.Rows)/2, float64(g.Slices)/2)
			const radius, height = 30.0, 40.0
			body := cylinder(volume.NewFrame(middle, r3.Vec{X: 0.1, Y: 0.2, Z: 1}, r3.Vec{Y: -1}), radius, height)
			r := column()
			r.Vertebrae = r.Vertebrae[:1]
			r.Vertebrae[0].Surface, r.Vertebrae[0].Canal.Outline = body, nil
			d, err := New(o, r, provenance)
			b := written(t, d, err)
			for _, complaint := range complaints(t, "dciodvfy", "-new", saved(t, b)) {
				t.Error(complaint)
			}
			checkFrames(t, read(t, b), o, math.Pi*radius*radius*height)
			if m, err := read(t, b).LabelMap(t.Context(), places(o)); err != nil {
				t.Error(err)
			} else if result, err := analysis.MeasureLabels(t.Context(), m, analysis.Options{}); err != nil || len(result.Vertebrae) != 1 {
				t.Errorf("%v: %+v", err, result)
			}
		})
	}
}

// checkFrames compares the frames with the images of their sources, and what they hold
// with a volume, mm³.
func checkFrames(t *testing.T, s *Segmentation, o *dicom.Origin, want float64) {
	t.Helper()
	images := map[string]int{}
	for k, m := range o.Images {
		images[m.SOPInstanceUID] = k
	}
	normal := r3.Unit(r3.Cross(o.Geometry.Column, o.Geometry.Row))
	column, row, _ := o.Geometry.Spacing()
	got := 0.0
	for i, f := range s.Frames {
		k, ok := images[f.Source]
		if !ok || r3.Norm(r3.Sub(f.Position, o.Images[k].Position)) > 1e-6 {
			t.Fatalf("frame %d at %v is of %s", i, f.Position, f.Source)
		}
		values := make([]int32, s.Rows*s.Columns)
		if err := s.pixels.decode(t.Context(), i, values); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, x := range values {
			n += int(x)
		}
		before, after := o.Images[max(k-1, 0)].Position, o.Images[min(k+1, len(o.Images)-1)].Position
		got += float64(n) * column * row * r3.Dot(r3.Sub(after, before), normal) / 2
	}
	if math.Abs(got/want-1) > 0.04 {
		t.Errorf("%.0f mm³, want %.0f", got, want)
	}
}
