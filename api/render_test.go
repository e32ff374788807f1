// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image/color"
	"image/png"
	"math"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func TestPicturesLieWhereTheySay(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 30))
	corner := vertebra(t, run, endplatev1.Level_L1).GetCenter()
	for view, planar := range map[endplatev1.RenderImageRequest_View]bool{
		endplatev1.RenderImageRequest_SAGITTAL:     true,
		endplatev1.RenderImageRequest_AXIAL:        true,
		endplatev1.RenderImageRequest_CORONAL:      true,
		endplatev1.RenderImageRequest_STRAIGHTENED: false,
	} {
		t.Run(view.String(), func(t *testing.T) {
			r, err := p.analyses.RenderImage(t.Context(), &endplatev1.RenderImageRequest{
				AnalysisId: run.GetAnalysisId(), View: view, Level: endplatev1.Level_L1, Overlay: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(bytes.NewReader(r.GetPng()))
			if err != nil {
				t.Fatal(err)
			}
			if b := picture.Bounds(); b.Dx() != int(r.GetColumns()) || b.Dy() != int(r.GetRows()) {
				t.Errorf("picture of %v, said to be %d × %d", b, r.GetColumns(), r.GetRows())
			}
			if !planar {
				if len(r.GetPixelToPatient()) != int(r.GetRows()) {
					t.Errorf("%d rows say where they lie, of %d", len(r.GetPixelToPatient()), r.GetRows())
				}
				return
			}
			// The plane passes through the centre that it was asked to pass through: some
			// pixel lies within half a pixel's diagonal of it.
			if d := nearest(r, corner); d > 0.8 {
				t.Errorf("the nearest pixel lies %.2f mm from the vertebra's centre", d)
			}
		})
	}
}

// nearest returns the distance of a position from the nearest pixel, mm.
func nearest(r *endplatev1.RenderImageResponse, at *endplatev1.Position) float64 {
	m := r.GetPixelToPatient()[0]
	best := math.Inf(1)
	for row := range r.GetRows() {
		for column := range r.GetColumns() {
			c, w := float64(column), float64(row)
			dx := m.GetOrigin().GetX() + c*m.GetColumn().GetX() + w*m.GetRow().GetX() - at.GetX()
			dy := m.GetOrigin().GetY() + c*m.GetColumn().GetY() + w*m.GetRow().GetY() - at.GetY()
			dz := m.GetOrigin().GetZ() + c*m.GetColumn().GetZ() + w*m.GetRow().GetZ() - at.GetZ()
			best = min(best, math.Sqrt(dx*dx+dy*dy+dz*dz))
		}
	}
	return best
}

func TestPicturesThatCannotBe(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 0))
	somewhere := vertebra(t, run, endplatev1.Level_L1).GetCenter()
	for _, tt := range []struct {
		name    string
		request *endplatev1.RenderImageRequest
		code    codes.Code
		reason  string
	}{
		{"beyond the volume", &endplatev1.RenderImageRequest{View: endplatev1.RenderImageRequest_AXIAL, OffsetMm: 1000}, codes.InvalidArgument, "ERROR_REASON_NO_SUCH_VIEW"},
		{"level not in view", &endplatev1.RenderImageRequest{Level: endplatev1.Level_C3}, codes.NotFound, "ERROR_REASON_NOT_FOUND"},
		{"tiny pixels", &endplatev1.RenderImageRequest{PixelMm: new(1e-9)}, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD"},
		{"no number", &endplatev1.RenderImageRequest{OffsetMm: math.NaN()}, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD"},
		{"two places", &endplatev1.RenderImageRequest{Level: endplatev1.Level_L1, Through: somewhere}, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD"},
		{"half a place", &endplatev1.RenderImageRequest{Through: &endplatev1.Position{X: new(1.)}}, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD"},
		{"no such format", &endplatev1.RenderImageRequest{Format: 99}, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD"},
		{"no such analysis", &endplatev1.RenderImageRequest{AnalysisIndex: 3}, codes.FailedPrecondition, "ERROR_REASON_NO_SUCH_VIEW"},
		{"no such revision", &endplatev1.RenderImageRequest{Revision: new(int32(9))}, codes.NotFound, "ERROR_REASON_NOT_FOUND"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.request.AnalysisId = run.GetAnalysisId()
			_, err := p.analyses.RenderImage(t.Context(), tt.request)
			wantCode(t, err, tt.code, tt.reason)
		})
	}
}

// views are those that a picture may be of.
var views = []endplatev1.RenderImageRequest_View{
	endplatev1.RenderImageRequest_SAGITTAL, endplatev1.RenderImageRequest_AXIAL,
	endplatev1.RenderImageRequest_CORONAL, endplatev1.RenderImageRequest_STRAIGHTENED,
}

func TestSamplesAreThePicture(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 30))
	for _, view := range views {
		request := &endplatev1.RenderImageRequest{
			AnalysisId: run.GetAnalysisId(), View: view, Level: endplatev1.Level_L1,
			WindowCenterHu: new(300.), WindowWidthHu: new(1000.),
		}
		shown, err := p.analyses.RenderImage(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(shown.GetPng()))
		if err != nil {
			t.Fatal(err)
		}
		request.Format = endplatev1.RenderImageRequest_SAMPLES
		r, err := p.analyses.RenderImage(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if r.GetPng() != nil || !proto.Equal(r.GetPixelToPatient()[0], shown.GetPixelToPatient()[0]) {
			t.Errorf("%v: the samples lie elsewhere than the picture, or come with one", view)
		}
		for i, hu := range unpacked(t, r) {
			grey := color.GrayModel.Convert(picture.At(i%int(r.GetColumns()), i/int(r.GetColumns()))).(color.Gray)
			if want := min(max((float64(hu)+200)/1000, 0), 1) * 255; math.Abs(float64(grey.Y)-want) > 0.7 {
				t.Fatalf("%v: pixel %d of %d HU is shown as %d, want %.1f", view, i, hu, grey.Y, want)
			}
		}
	}
}

// unpacked returns samples as RenderImageResponse tells to read them.
func unpacked(t *testing.T, r *endplatev1.RenderImageResponse) []int16 {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(r.GetSamples()))
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, r.GetColumns()*r.GetRows())
	if err := binary.Read(z, binary.LittleEndian, samples); err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		if i%int(r.GetColumns()) > 0 {
			samples[i] += samples[i-1]
		}
	}
	return samples
}

func TestOutlinesLieAroundTheBody(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 0))
	at := vertebra(t, run, endplatev1.Level_L1).GetCenter()
	for _, view := range views {
		r, err := p.analyses.RenderImage(t.Context(), &endplatev1.RenderImageRequest{
			AnalysisId: run.GetAnalysisId(), View: view, Through: at,
			Format: endplatev1.RenderImageRequest_NO_PICTURE, Outlines: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.GetPng() != nil || r.GetSamples() != nil {
			t.Errorf("%v: there is a picture that nobody asked for", view)
		}
		// Some pixel lies at the position: the picture passes through it.
		column, row := pixelOf(r, at)
		low, high := r.GetExtent().GetLow(), r.GetExtent().GetHigh()
		if !(low.GetZ() < at.GetZ() && at.GetZ() < high.GetZ() && low.GetX() < at.GetX() && at.GetX() < high.GetX()) {
			t.Errorf("%v: the volume is said to reach from %v to %v", view, low, high)
		}
		inside := false
		for _, o := range r.GetOutlines() {
			if o.GetStructure() == endplatev1.Outline_BODY && o.GetLevel() == endplatev1.Level_L1 {
				inside = inside || slices.Min(o.GetColumns()) < column && column < slices.Max(o.GetColumns())
				if len(o.GetColumns()) != len(o.GetRows()) {
					t.Errorf("%v: an outline of %d columns and %d rows", view, len(o.GetColumns()), len(o.GetRows()))
				}
			}
		}
		if !inside || row < 0 || row > float32(r.GetRows()) {
			t.Errorf("%v: no outline of L1 on both sides of its centre, at column %.1f and row %.1f", view, column, row)
		}
	}
}

// pixelOf returns the pixel of a picture that is nearest to a position.
func pixelOf(r *endplatev1.RenderImageResponse, at *endplatev1.Position) (column, row float32) {
	best := math.Inf(1)
	for j := range r.GetRows() {
		m, down := r.GetPixelToPatient()[0], float64(j)
		if len(r.GetPixelToPatient()) > 1 {
			m, down = r.GetPixelToPatient()[j], 0
		}
		for i := range r.GetColumns() {
			c := float64(i)
			d := math.Hypot(math.Hypot(
				m.GetOrigin().GetX()+c*m.GetColumn().GetX()+down*m.GetRow().GetX()-at.GetX(),
				m.GetOrigin().GetY()+c*m.GetColumn().GetY()+down*m.GetRow().GetY()-at.GetY()),
				m.GetOrigin().GetZ()+c*m.GetColumn().GetZ()+down*m.GetRow().GetZ()-at.GetZ())
			if d < best {
				best, column, row = d, float32(i), float32(j)
			}
		}
	}
	return column, row
}

// What a reader scrolls through is as the volume holds it, at a rate that keeps up.
func BenchmarkFormatsOfPictures(b *testing.B) {
	p := serve(b, config(b))
	run := p.measured(b, made(b, 1, 30))
	for _, format := range []endplatev1.RenderImageRequest_Format{
		endplatev1.RenderImageRequest_PNG, endplatev1.RenderImageRequest_SAMPLES, endplatev1.RenderImageRequest_NO_PICTURE,
	} {
		b.Run(format.String(), func(b *testing.B) {
			size := 0
			for n := 0; b.Loop(); n++ {
				r, err := p.analyses.RenderImage(b.Context(), &endplatev1.RenderImageRequest{
					AnalysisId: run.GetAnalysisId(), View: endplatev1.RenderImageRequest_AXIAL, PixelMm: new(0.4),
					Format: format, Outlines: true, OffsetMm: float64(n%40) / 4,
				})
				if err != nil {
					b.Fatal(err)
				}
				size = len(r.GetPng()) + len(r.GetSamples())
			}
			b.ReportMetric(float64(size), "picture-bytes")
		})
	}
}
