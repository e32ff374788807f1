// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/grpc/codes"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// film is a rendered lateral film of T12 to L3, with where the centres of its bodies lie. It has
// a hundredth of the exposure: nothing is found on it before a reader points at bodies.
type film struct {
	instance []byte
	centers  map[spine.Level]radiograph.ImagePoint
}

// renderedFilm is made once.
var renderedFilm = sync.OnceValue(func() film {
	s := phantom.Random(rand.New(rand.NewPCG(1, 0)), phantom.Options{})
	vol := s.CT(s.Cover(spine.T12, spine.L3, 30, 100, 3, 3))
	f := film{centers: map[spine.Level]radiograph.ImagePoint{}}
	var middle r3.Vec
	for _, v := range s.Truth().Vertebrae {
		if v.Level == spine.L1 {
			middle = v.Frame.Origin
		}
	}
	g, err := projection.NewGeometry(projection.Setup{
		Toward: projection.LeftLateral, Up: r3.Vec{Z: 1}, Isocenter: middle,
		SourceToIsocenter: 900, SourceToDetector: 1150, Columns: 200, Rows: 240, ImagerPixelSpacing: 1.5,
	})
	if err != nil {
		panic(err)
	}
	for _, v := range s.Truth().Vertebrae {
		if v.Level >= spine.T12 && v.Level <= spine.L3 {
			f.centers[v.Level], _ = g.Project(v.Frame.Origin)
		}
	}
	t := projection.Lumbar()
	t.Kerma *= 0.01
	process := projection.Processing{Bits: 12, Gamma: 3}
	developed := process.Develop(t.Expose(&g, projection.NewBody(vol, projection.LeftLateral).Paths(&g, nil), middle))
	f.instance, _, err = dicom.WriteFilm(developed, dicom.SyntheticFilm{Study: "film", PatientID: "P-1", Number: 1, Date: "20200201", Technique: t, Isocenter: middle})
	if err != nil {
		panic(err)
	}
	return f
})

func (f film) seed(l spine.Level) *endplatev1.Seed {
	at := f.centers[l]
	return &endplatev1.Seed{Level: endplatev1.Level(l), Center: &endplatev1.Position{Column: &at.Col, Row: &at.Row}}
}

// seeded is the correction that finds vertebrae from T12 and L3.
func (f film) seeded() *endplatev1.Correction {
	return &endplatev1.Correction{Change: &endplatev1.Correction_SeedVertebrae{SeedVertebrae: &endplatev1.SeedVertebrae{
		Seeds: []*endplatev1.Seed{f.seed(spine.T12), f.seed(spine.L3)}, FindOthers: true,
	}}}
}

// An underexposed film is measured as soon as a reader says where two vertebrae are, and its points are
// moved in columns and rows.
func TestAFilmIsMeasuredAndCorrected(t *testing.T) {
	t.Parallel()
	f, p := renderedFilm(), serve(t, config(t))
	run := p.measured(t, series{instances: [][]byte{f.instance}})
	a := run.GetReport().GetAnalyses()[0]
	if a.GetFilm().GetRefusal() != "NOT_SPINE" || len(a.GetVertebrae()) > 0 || a.GetReason() == "" {
		t.Fatalf("without seeds: %v", a)
	}
	correct := func(base int32, change *endplatev1.Correction) (*endplatev1.AnalysisRun, error) {
		r, err := p.analyses.CorrectAnalysis(t.Context(), &endplatev1.CorrectAnalysisRequest{
			AnalysisId: run.GetAnalysisId(), BaseRevision: base, Corrections: []*endplatev1.Correction{change},
		})
		return r.GetAnalysis(), err
	}
	seeded, err := correct(0, f.seeded())
	if err != nil {
		t.Fatal(err)
	}
	for l, at := range f.centers {
		v := vertebra(t, seeded, endplatev1.Level(l))
		// The body's centre lies within a third of the body's height.
		if c := v.GetCenter(); math.Hypot(c.GetColumn()-at.Col, c.GetRow()-at.Row) > 7 || v.GetHeights().GetPosteriorMm() < 15 {
			t.Errorf("%v: %v, want it at %v", l, v, at)
		}
	}
	before := vertebra(t, seeded, endplatev1.Level_L1)
	top, bottom := before.GetLandmarks().GetSuperiorAnterior(), before.GetLandmarks().GetInferiorAnterior()
	length := math.Hypot(top.GetColumn()-bottom.GetColumn(), top.GetRow()-bottom.GetRow())
	move := func(position *endplatev1.Position) *endplatev1.Correction {
		return &endplatev1.Correction{Change: &endplatev1.Correction_MoveLandmark{MoveLandmark: &endplatev1.MoveLandmark{
			Level: endplatev1.Level_L1, Point: endplatev1.MoveLandmark_SUPERIOR_ANTERIOR, Position: position,
		}}}
	}
	const pixels = 2 // along the line between the corners
	moved, err := correct(1, move(&endplatev1.Position{
		Column: new(top.GetColumn() + pixels*(top.GetColumn()-bottom.GetColumn())/length),
		Row:    new(top.GetRow() + pixels*(top.GetRow()-bottom.GetRow())/length),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := before.GetHeights().GetAnteriorMm() + pixels*a.GetFilm().GetCalibration().GetRowSpacingMm()
	if got := vertebra(t, moved, endplatev1.Level_L1).GetHeights().GetAnteriorMm(); math.Abs(got-want) > 0.01 {
		t.Errorf("anterior height %.3f mm, want %.3f", got, want)
	}
	_, err = correct(2, move(&endplatev1.Position{X: new(1.), Y: new(2.), Z: new(3.)}))
	wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_IMPOSSIBLE_CORRECTION")
	_, err = correct(2, move(&endplatev1.Position{Column: new(1e5), Row: new(3.)}))
	wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	filmScale(t, correct, vertebra(t, moved, endplatev1.Level_L1))
	filmPictures(t, p, run.GetAnalysisId())
	filmDocuments(t, p, run.GetAnalysisId())
}

// filmScale doubles the scale of revision 2: lengths double, ratios stay.
func filmScale(t *testing.T, correct func(int32, *endplatev1.Correction) (*endplatev1.AnalysisRun, error), before *endplatev1.Vertebra) {
	top, bottom := before.GetLandmarks().GetSuperiorAnterior(), before.GetLandmarks().GetInferiorAnterior()
	after, err := correct(2, &endplatev1.Correction{Change: &endplatev1.Correction_CalibrateFilm{CalibrateFilm: &endplatev1.CalibrateFilm{
		KnownDistance: &endplatev1.KnownDistance{
			From: &endplatev1.Position{Column: top.Column, Row: top.Row}, To: &endplatev1.Position{Column: bottom.Column, Row: bottom.Row}, Mm: 2 * before.GetHeights().GetAnteriorMm(),
		},
	}}})
	if err != nil {
		// A body of a coarse film has fewer pixels than a calibration needs.
		wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_IMPOSSIBLE_CORRECTION")
		far := 100.
		after, err = correct(2, &endplatev1.Correction{Change: &endplatev1.Correction_CalibrateFilm{CalibrateFilm: &endplatev1.CalibrateFilm{
			KnownDistance: &endplatev1.KnownDistance{
				From: &endplatev1.Position{Column: new(0.), Row: new(0.)}, To: &endplatev1.Position{Column: new(0.), Row: &far}, Mm: 2 * far * 1.5 * 900 / 1150,
			},
		}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	v := vertebra(t, after, endplatev1.Level_L1)
	if got, want := v.GetHeights().GetAnteriorMm(), 2*before.GetHeights().GetAnteriorMm(); math.Abs(got-want) > 0.02*want {
		t.Errorf("anterior height %.3f mm, want %.3f", got, want)
	}
	if got, want := v.GetRatios().GetAnteriorToPosterior(), before.GetRatios().GetAnteriorToPosterior(); math.Abs(got-want) > 1e-3 {
		t.Errorf("ratio %.4f, want %.4f", got, want)
	}
}

// filmPictures draws the film: every pixel of it, each where it lies on the film.
func filmPictures(t *testing.T, p *peer, id string) {
	r, err := p.analyses.RenderImage(t.Context(), &endplatev1.RenderImageRequest{AnalysisId: id, Overlay: true, Outlines: true})
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(r.GetPng()))
	if err != nil || m.Bounds().Dx() != 200 || m.Bounds().Dy() != 240 {
		t.Errorf("%v: a picture of %v, want one of 200 by 240 pixels", err, m.Bounds())
	}
	at := r.GetPixelToPatient()[0]
	if c, s := at.GetOrigin(), at.GetColumn(); math.Abs(c.GetColumn()-0.5) > 1e-6 || math.Abs(c.GetRow()-0.5) > 1e-6 || math.Abs(s.GetColumn()-1) > 1e-6 || s.GetRow() != 0 {
		t.Errorf("pixels lie at %v", at)
	}
	if len(r.GetOutlines()) < 4 || r.GetExtent().GetHigh().GetColumn() != 200 {
		t.Errorf("%d outlines within %v", len(r.GetOutlines()), r.GetExtent())
	}
	_, err = p.analyses.RenderImage(t.Context(), &endplatev1.RenderImageRequest{AnalysisId: id, View: endplatev1.RenderImageRequest_AXIAL})
	wantCode(t, err, codes.FailedPrecondition, "ERROR_REASON_NO_SUCH_VIEW")
}

func filmDocuments(t *testing.T, p *peer, id string) {
	for format, want := range map[endplatev1.ExportAnalysisRequest_Format]string{
		endplatev1.ExportAnalysisRequest_CSV:   "MAGNIFICATION_FACTOR",
		endplatev1.ExportAnalysisRequest_HTML:  "data:image/png",
		endplatev1.ExportAnalysisRequest_TABLE: "Ha/Hp",
	} {
		d, err := p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: id, Format: format, Revision: new(int32(2))})
		if err != nil || !strings.Contains(string(d.GetContent()), want) {
			t.Errorf("%v: %v, want it to hold %q", format, err, want)
		}
	}
}

// Seeds may also be told with the request.
func TestAFilmIsMeasuredFromSeedsOfTheRequest(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Results.Kinds = "sr,seg,sc,pdf"
	f, p := renderedFilm(), serve(t, c)
	s := series{instances: [][]byte{f.instance}}
	p.store(t, &s)
	created, err := p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: s.uid, Options: &endplatev1.AnalysisOptions{
		Film: &endplatev1.FilmOptions{Seeds: []*endplatev1.Seed{f.seed(spine.T12), f.seed(spine.L3)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	run := p.watched(t, created.GetAnalysis().GetAnalysisId())
	if n := len(run.GetReport().GetAnalyses()[0].GetVertebrae()); n < 4 {
		t.Fatalf("%d vertebrae: %v", n, run)
	}
	_, err = p.analyses.CreateAnalysis(t.Context(), &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: s.uid, Options: &endplatev1.AnalysisOptions{
		Film: &endplatev1.FilmOptions{Seeds: []*endplatev1.Seed{{Level: endplatev1.Level_L1}}},
	}})
	wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
	for _, format := range []endplatev1.ExportAnalysisRequest_Format{
		endplatev1.ExportAnalysisRequest_DICOM_SR, endplatev1.ExportAnalysisRequest_DICOM_SC, endplatev1.ExportAnalysisRequest_DICOM_PDF,
	} {
		d, err := p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: run.GetAnalysisId(), Format: format})
		if err != nil || !bytes.Contains(d.GetContent()[:132], []byte("DICM")) {
			t.Errorf("%v: %v", format, err)
		}
	}
	_, err = p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: run.GetAnalysisId(), Format: endplatev1.ExportAnalysisRequest_DICOM_SEG})
	if err == nil {
		t.Error("a film has no segmentation")
	}
}

// A film of more pixels than a screen has comes smaller, unless they are asked for.
func TestALargeFilmComesSmaller(t *testing.T) {
	t.Parallel()
	const columns, rows, spacing = 4096, 128, 0.2 // mm, at the patient
	g, err := projection.NewGeometry(projection.Setup{
		Toward: projection.LeftLateral, Up: r3.Vec{Z: 1}, SourceToIsocenter: 900, SourceToDetector: 1800, Columns: columns, Rows: rows, ImagerPixelSpacing: 2 * spacing,
	})
	if err != nil {
		t.Fatal(err)
	}
	black := &projection.Film{Geometry: g, Stored: make([]uint16, columns*rows), Bits: 12}
	instance, _, err := dicom.WriteFilm(black, dicom.SyntheticFilm{Study: "large", PatientID: "P-1", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, config(t))
	run := p.measured(t, series{instances: [][]byte{instance}})
	for want, pixel := range map[int32]*float64{columns / 2: nil, columns: new(spacing)} {
		r, err := p.analyses.RenderImage(t.Context(), &endplatev1.RenderImageRequest{AnalysisId: run.GetAnalysisId(), PixelMm: pixel})
		if err != nil || r.GetColumns() != want {
			t.Errorf("%v: %d columns, want %d", err, r.GetColumns(), want)
			continue
		}
		if step := r.GetPixelToPatient()[0].GetColumn().GetColumn(); math.Abs(step-columns/float64(want)) > 1e-6 {
			t.Errorf("pixels %g of the film's apart, want %g", step, columns/float64(want))
		}
	}
}
