// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/cement"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// geometries are stacks of images of a short spine around the origin. The number of
// their pixels is no multiple of eight.
func geometries() map[string]volume.Geometry {
	plain := volume.Geometry{
		Columns: 77, Rows: 95, Slices: 30, Origin: r3.Vec{X: -38.2, Y: -51.3, Z: -43.7},
		Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1.1}, Slice: r3.Vec{Z: 3},
	}
	tilted := plain
	sin, cos := math.Sincos(-18.5 * math.Pi / 180)
	tilted.Row = r3.Vec{Y: 1.1 * cos, Z: 1.1 * sin}
	uneven := plain
	for k := range uneven.Slices {
		uneven.SliceOffsets = append(uneven.SliceOffsets, float64(k)+0.25*math.Sin(float64(k)))
	}
	uneven.SliceOffsets[0] = 0
	prone := plain
	prone.Origin = r3.Vec{X: 38.2, Y: 51.3, Z: 43.7}
	prone.Column, prone.Row, prone.Slice = r3.Scale(-1, plain.Column), r3.Scale(-1, plain.Row), r3.Vec{Z: -3}
	prone.Column.X, prone.Row.Y, prone.Slice.Z = -1, 1.1, -3
	prone.Origin.Y = -51.3
	return map[string]volume.Geometry{"plain": plain, "tilted": tilted, "uneven": uneven, "head last": prone}
}

// images writes a series of empty images, and returns it as a stack.
func images(t testing.TB, g volume.Geometry) *dicom.Stack {
	t.Helper()
	var sources []dicom.Source
	_, err := dicom.WriteCT(volume.New(g), dicom.SyntheticCT{Study: "test", FrameOfReference: "test", PatientID: "P1"}, func(_ int, instance []byte) error {
		b := bytes.Clone(instance)
		sources = append(sources, dicom.Source{
			Name: "image", Size: int64(len(b)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := dicom.Scan(t.Context(), func(yield func(dicom.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}, dicom.Options{})
	if err != nil || len(catalog.Stacks) != 1 {
		t.Fatalf("%v, skipped %+v", err, catalog.Skipped)
	}
	return catalog.Stacks[0]
}

func origin(t testing.TB, g volume.Geometry) *dicom.Origin {
	t.Helper()
	o, err := images(t, g).Origin()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// column is three bodies with a canal behind the upper two, one of them with cement,
// and one that was not measured.
func column() *analysis.Result {
	r := &analysis.Result{Grid: volume.Geometry{
		Columns: 60, Rows: 60, Slices: 60, Origin: r3.Vec{X: -30, Y: -30, Z: -30},
		Column: r3.Vec{X: 1}, Row: r3.Vec{Y: 1}, Slice: r3.Vec{Z: 1},
	}}
	for i, l := range []spine.Level{spine.T12, spine.L1, spine.L2} {
		f := volume.NewFrame(r3.Vec{X: float64(i), Z: 28 - 28*float64(i)}, r3.Vec{X: 0.05, Y: 0.1, Z: 1}, r3.Vec{Y: -1})
		s := cylinder(f, 17, 22)
		v := analysis.Vertebra{Level: l, LevelProbability: 0.93, Status: analysis.Measured, Center: f.Origin, Surface: s}
		if i < 2 {
			c := &segmentation.Canal{Frame: f}
			c.Frame.Origin = f.Point(0, -27, 0)
			for s := -9.0; s <= 9; s += 3 {
				section := segmentation.CanalSection{S: s}
				for n := range section.Radius {
					section.Radius[n] = 8.5 + 0.1*s
				}
				c.Sections = append(c.Sections, section)
			}
			v.Canal.Outline = c
		}
		r.Vertebrae = append(r.Vertebrae, v)
	}
	mask := cement.Mask{Origin: [3]int{24, 20, 25}, Size: [3]int{9, 12, 10}}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 9 * 12 * 10 {
		mask.Fraction = append(mask.Fraction, uint8(rng.IntN(256)))
	}
	r.Vertebrae[1].Cement = &cement.Treated{Volume: 0.61, VolumeSD: 0.07, Mask: mask}
	r.Vertebrae = append(r.Vertebrae, analysis.Vertebra{Level: spine.L3, Status: analysis.Truncated, Surface: r.Vertebrae[2].Surface})
	return r
}

var provenance = dicom.Provenance{
	Program: "endplate", Version: "1.2.3", Options: "{}", ContentTime: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC),
}

// written returns the bytes of an object.
func written(t testing.TB, d *dataset.Dataset, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, b []byte) *Segmentation {
	t.Helper()
	s, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
