// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// vertebra returns the vertebra of a level in a result.
func vertebra(t testing.TB, r *endplatev1.AnalysisRun, level endplatev1.Level) *endplatev1.Vertebra {
	t.Helper()
	all := r.GetReport().GetAnalyses()[0].GetVertebrae()
	i := slices.IndexFunc(all, func(v *endplatev1.Vertebra) bool { return v.GetLevel() == level })
	if i < 0 {
		t.Fatalf("no %v in the result", level)
	}
	return all[i]
}

// moved returns the correction that moves L1's superior anterior corner along the line
// to the inferior one, mm.
func moved(t testing.TB, run *endplatev1.AnalysisRun, by float64) *endplatev1.Correction {
	t.Helper()
	l := vertebra(t, run, endplatev1.Level_L1).GetLandmarks()
	up, low := l.GetSuperiorAnterior(), l.GetInferiorAnterior()
	dx, dy, dz := up.GetX()-low.GetX(), up.GetY()-low.GetY(), up.GetZ()-low.GetZ()
	f := by / math.Sqrt(dx*dx+dy*dy+dz*dz)
	return &endplatev1.Correction{Change: &endplatev1.Correction_MoveLandmark{MoveLandmark: &endplatev1.MoveLandmark{
		Level: endplatev1.Level_L1, Point: endplatev1.MoveLandmark_SUPERIOR_ANTERIOR,
		Position: &endplatev1.Position{X: new(up.GetX() + f*dx), Y: new(up.GetY() + f*dy), Z: new(up.GetZ() + f*dz)},
	}}}
}

func TestACorrectionMakesARevision(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 30))
	before := vertebra(t, run, endplatev1.Level_L1)
	corrected, err := p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Corrections: []*endplatev1.Correction{moved(t, run, 3)},
		Comment: "the corner lies higher", Reviewed: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := corrected.GetAnalysis()
	after := vertebra(t, got, endplatev1.Level_L1)
	// The corner moved along the line to its counterpart, so the height grew by as much.
	if d := after.GetHeights().GetAnteriorMm() - before.GetHeights().GetAnteriorMm(); math.Abs(d-3) > 0.001 {
		t.Errorf("the anterior height grew by %.4f mm, want 3", d)
	}
	if after.GetDeformity().GetWorstLossPercent() >= before.GetDeformity().GetWorstLossPercent() {
		t.Errorf("loss is %.1f %%, was %.1f %%", after.GetDeformity().GetWorstLossPercent(), before.GetDeformity().GetWorstLossPercent())
	}
	if r := got.GetRevision(); r.GetNumber() != 1 || r.GetAuthor() != "local" || !r.GetReviewed() || len(r.GetCorrections()) != 1 {
		t.Errorf("revision is %v", r)
	}
	automatic, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: run.GetAnalysisId(), Revision: new(int32(0))})
	if err != nil || !proto.Equal(automatic.GetAnalysis().GetReport(), run.GetReport()) {
		t.Errorf("the automatic result has changed: %v", err)
	}
	revisions, err := p.analyses.ListRevisions(t.Context(), &endplatev1.ListRevisionsRequest{AnalysisId: run.GetAnalysisId()})
	if err != nil || len(revisions.GetRevisions()) != 2 {
		t.Errorf("revisions are %v, %v", revisions, err)
	}
	csv, err := p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Format: endplatev1.ExportAnalysisRequest_CSV,
	})
	if err != nil || !bytes.Contains(csv.GetContent(), []byte("heights_anterior_mm")) || !strings.HasSuffix(csv.GetFilename(), ".csv") {
		t.Errorf("export is %.300s, %v", csv.GetContent(), err)
	}
	if !bytes.Contains(csv.GetContent(), []byte(",superior_anterior,")) {
		t.Errorf("the table does not tell which point a reader moved: %s", csv.GetContent())
	}
	page, err := p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Format: endplatev1.ExportAnalysisRequest_HTML,
	})
	for _, want := range []string{"Revision 1 by local, reviewed as a whole: the corner lies higher", "placed by a reader: superior anterior"} {
		if err != nil || !bytes.Contains(page.GetContent(), []byte(want)) {
			t.Errorf("the page does not hold %q: %v", want, err)
		}
	}
}

func TestAPreviewIsWhatTheRevisionWouldBe(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 30))
	request := &endplatev1.CorrectAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Corrections: []*endplatev1.Correction{moved(t, run, 3)}, Preview: true,
	}
	preview, err := p.analyses.CorrectAnalysis(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: run.GetAnalysisId()})
	if err != nil || !proto.Equal(again.GetAnalysis(), run) {
		t.Errorf("the preview has changed the analysis: %v", err)
	}
	if n := preview.GetAnalysis().GetRevision().GetNumber(); n != 0 {
		t.Errorf("the preview is of revision %d", n)
	}
	request.Preview = false
	corrected, err := p.analyses.CorrectAnalysis(t.Context(), request)
	if err != nil || !proto.Equal(preview.GetAnalysis().GetReport(), corrected.GetAnalysis().GetReport()) {
		t.Errorf("the revision is not what the preview told: %v", err)
	}
	request.Preview = true
	_, err = p.analyses.CorrectAnalysis(t.Context(), request)
	wantCode(t, err, codes.Aborted, "ERROR_REASON_STALE_REVISION")
	request.BaseRevision, request.Corrections[0] = 1, &endplatev1.Correction{}
	_, err = p.analyses.CorrectAnalysis(t.Context(), request)
	wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
}

func BenchmarkCorrectAnalysis(b *testing.B) {
	p := serve(b, config(b))
	run := p.measured(b, made(b, 1, 30))
	for _, preview := range []bool{true, false} {
		b.Run(fmt.Sprintf("preview=%t", preview), func(b *testing.B) {
			for n := int32(0); b.Loop(); n++ {
				_, err := p.analyses.CorrectAnalysis(b.Context(), &endplatev1.CorrectAnalysisRequest{
					AnalysisId: run.GetAnalysisId(), Preview: preview, BaseRevision: run.GetLatestRevision(),
					Corrections: []*endplatev1.Correction{moved(b, run, float64(n%9)/10)},
				})
				if err != nil {
					b.Fatal(err)
				}
				if !preview {
					run.LatestRevision++
				}
			}
		})
	}
}

func TestTheLaterOfTwoReadersIsTold(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 30))
	request := &endplatev1.CorrectAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Corrections: []*endplatev1.Correction{moved(t, run, 1)}, RequestId: "first",
	}
	first, err := p.analyses.CorrectAnalysis(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.analyses.CorrectAnalysis(t.Context(), request)
	if err != nil || !proto.Equal(again, first) {
		t.Errorf("the same request again: %v, %v", again, err)
	}
	_, err = p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Corrections: []*endplatev1.Correction{moved(t, run, 2)},
	})
	wantCode(t, err, codes.Aborted, "ERROR_REASON_STALE_REVISION")
	_, err = p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
		AnalysisId: run.GetAnalysisId(), Corrections: []*endplatev1.Correction{moved(t, run, 2)}, RequestId: "first",
	})
	wantCode(t, err, codes.AlreadyExists, "ERROR_REASON_REQUEST_ID_REUSED")
}

func TestImpossibleCorrectionsNameTheirField(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	run := p.measured(t, made(t, 1, 0))
	far := &endplatev1.Position{X: new(0.), Y: new(0.), Z: new(5000.)}
	for _, tt := range []struct {
		name       string
		correction *endplatev1.Correction
		reason     string
		field      string
	}{
		{"no change", &endplatev1.Correction{}, "ERROR_REASON_INVALID_FIELD", "corrections[0]"},
		{"no level", &endplatev1.Correction{Change: &endplatev1.Correction_RemoveVertebra{RemoveVertebra: &endplatev1.RemoveVertebra{}}},
			"ERROR_REASON_INVALID_FIELD", "corrections[0].remove_vertebra.level"},
		{"level not in view", &endplatev1.Correction{Change: &endplatev1.Correction_RemoveVertebra{RemoveVertebra: &endplatev1.RemoveVertebra{Level: endplatev1.Level_C4}}},
			"ERROR_REASON_IMPOSSIBLE_CORRECTION", "corrections[0].remove_vertebra.level"},
		{"name taken", &endplatev1.Correction{Change: &endplatev1.Correction_RenameLevel{RenameLevel: &endplatev1.RenameLevel{From: endplatev1.Level_L1, To: endplatev1.Level_L2}}},
			"ERROR_REASON_IMPOSSIBLE_CORRECTION", "corrections[0].rename_level.to"},
		{"far away", &endplatev1.Correction{Change: &endplatev1.Correction_MoveLandmark{MoveLandmark: &endplatev1.MoveLandmark{
			Level: endplatev1.Level_L1, Point: endplatev1.MoveLandmark_INFERIOR_MIDDLE, Position: far}}},
			"ERROR_REASON_IMPOSSIBLE_CORRECTION", "corrections[0].move_landmark.position"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
				AnalysisId: run.GetAnalysisId(), Corrections: []*endplatev1.Correction{tt.correction},
			})
			wantCode(t, err, codes.InvalidArgument, tt.reason)
			if got := violations(err); !slices.Contains(got, tt.field) {
				t.Errorf("violations are %v, want %s", got, tt.field)
			}
		})
	}
}
