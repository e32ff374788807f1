// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"image/png"
	"math"
	"testing"

	"google.golang.org/grpc/codes"

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
