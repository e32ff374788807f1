// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// wholeSpine is a stack of 512 × 512 × 300 voxels of 0.7 × 0.7 × 1.5 mm, and fifteen
// bodies with their canals in it.
func wholeSpine() (*dicom.Origin, *analysis.Result) {
	g := volume.Geometry{
		Columns: 512, Rows: 512, Slices: 300, Origin: r3.Vec{X: -179, Y: -179, Z: -225},
		Column: r3.Vec{X: 0.7}, Row: r3.Vec{Y: 0.7}, Slice: r3.Vec{Z: 1.5},
	}
	o := &dicom.Origin{
		Identity: &dataset.Dataset{}, StudyInstanceUID: "1.2", SeriesInstanceUID: "1.2.3", FrameOfReferenceUID: "1.2.4", Modality: "CT", Geometry: g,
	}
	o.Identity.Text(tag.StudyInstanceUID, "UI", "1.2")
	for k := range g.Slices {
		o.Images = append(o.Images, dicom.OriginImage{
			Slice:    dicom.Slice{SOPClassUID: "1.2.840.10008.5.1.4.1.1.2", SOPInstanceUID: fmt.Sprint("1.2.3.", k+1)},
			Position: g.Position(0, 0, float64(k)),
		})
	}
	r := &analysis.Result{}
	template := column()
	for i := range 15 {
		v := template.Vertebrae[0]
		v.Level = spine.T4 + spine.Level(i)
		surface, canal := *v.Surface, *v.Canal.Outline
		z := 196 - 28*float64(i)
		surface.Frame.Origin.Z, canal.Frame.Origin.Z = z, z
		v.Surface, v.Canal.Outline = &surface, &canal
		r.Vertebrae = append(r.Vertebrae, v)
	}
	return o, r
}

func BenchmarkWrite(b *testing.B) {
	o, r := wholeSpine()
	b.ReportAllocs()
	for b.Loop() {
		d, err := New(o, r, provenance)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.WriteFile(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	o, r := wholeSpine()
	d, err := New(o, r, provenance)
	file := written(b, d, err)
	images := places(o)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Read(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.LabelMap(b.Context(), images); err != nil {
			b.Fatal(err)
		}
	}
}
