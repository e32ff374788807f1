// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// BenchmarkRenderImage is what a reader waits for who scrolls.
func BenchmarkRenderImage(b *testing.B) {
	p := serve(b, config(b))
	run := p.measured(b, made(b, 1, 30))
	for _, overlay := range []bool{false, true} {
		name := map[bool]string{false: "grey", true: "overlay"}[overlay]
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				_, err := p.analyses.RenderImage(b.Context(), &endplatev1.RenderImageRequest{
					AnalysisId: run.GetAnalysisId(), View: endplatev1.RenderImageRequest_AXIAL, OffsetMm: float64(i % 20), Overlay: overlay,
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGetAnalysis is what a workstation waits for that asks for a result.
func BenchmarkGetAnalysis(b *testing.B) {
	p := serve(b, config(b))
	run := p.measured(b, made(b, 1, 30))
	for b.Loop() {
		if _, err := p.analyses.GetAnalysis(b.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: run.GetAnalysisId()}); err != nil {
			b.Fatal(err)
		}
	}
}
