// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// objectFormats are the formats that are DICOM objects, with their kinds.
var objectFormats = map[endplatev1.ExportAnalysisRequest_Format]string{
	endplatev1.ExportAnalysisRequest_DICOM_SR:  "sr",
	endplatev1.ExportAnalysisRequest_DICOM_SEG: "seg",
	endplatev1.ExportAnalysisRequest_DICOM_SC:  "sc",
	endplatev1.ExportAnalysisRequest_DICOM_PDF: "pdf",
}

// objectsOf exports the objects of a format.
func (p *peer) objectsOf(t testing.TB, id string, f endplatev1.ExportAnalysisRequest_Format) []byte {
	t.Helper()
	r, err := p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: id, Format: f})
	if err != nil {
		t.Fatalf("%v: %v", f, err)
	}
	media, extension := "application/dicom", ".dcm"
	if f == endplatev1.ExportAnalysisRequest_DICOM_SC { // there are two key images
		media, extension = "application/zip", ".zip"
	}
	if r.GetMediaType() != media || !strings.HasSuffix(r.GetFilename(), "."+objectFormats[f]+extension) {
		t.Errorf("%v is %s, %s", f, r.GetFilename(), r.GetMediaType())
	}
	return r.GetContent()
}

// stored returns a stored instance, as WADO-RS delivers it.
func (p *peer) stored(t testing.TB, study, series, instance string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+p.at.HTTP+"/dicom-web/studies/"+study+"/series/"+series+"/instances/"+instance, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/dicom;transfer-syntax=*")
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", instance, r.Status, err)
	}
	return b
}

// What is exported as DICOM is what is published, to the byte, where it is and where it
// is made for the caller.
func TestObjectsAreExported(t *testing.T) {
	t.Parallel()
	c := config(t)
	var before, after *endplatev1.AnalysisRun
	var comparison string
	made1 := map[endplatev1.ExportAnalysisRequest_Format][]byte{}
	t.Run("made", func(t *testing.T) {
		p := serve(t, c)
		before, after = p.measured(t, made(t, 1, 40)), p.measured(t, made(t, 2, 15))
		for f := range objectFormats {
			made1[f] = p.objectsOf(t, before.GetAnalysisId(), f)
		}
		comparison = p.compared(t, before.GetAnalysisId(), after.GetAnalysisId()).GetComparisonId()
		wantReport(t, p.comparisonReport(t, comparison))
		_, err := p.comparisons.ExportComparison(t.Context(), &endplatev1.ExportComparisonRequest{
			ComparisonId: comparison, Format: endplatev1.ExportAnalysisRequest_DICOM_SEG,
		})
		wantCode(t, err, codes.InvalidArgument, "ERROR_REASON_INVALID_FIELD")
		_, err = p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: "none", Format: endplatev1.ExportAnalysisRequest_DICOM_SR})
		wantCode(t, err, codes.NotFound, "ERROR_REASON_NOT_FOUND")
	})
	t.Run("published", func(t *testing.T) {
		p := serve(t, withResults(c)) // whose first comparison has what it refers to published
		again := p.compared(t, before.GetAnalysisId(), after.GetAnalysisId()).GetComparisonId()
		published := p.publishedAnalysis(t, before.GetAnalysisId())
		for f, want := range made1 {
			if !bytes.Equal(want, p.objectsOf(t, before.GetAnalysisId(), f)) {
				t.Errorf("%v is published with other bytes than those made before", f)
			}
		}
		archived := unzipped(t, made1[endplatev1.ExportAnalysisRequest_DICOM_SC])
		for _, o := range published.GetObjects() {
			want := p.stored(t, before.GetStudyInstanceUid(), o.GetSeriesInstanceUid(), o.GetSopInstanceUid())
			for f, kind := range objectFormats {
				switch got := made1[f]; {
				case kind != o.GetKind():
				case kind == "sc" && !bytes.Equal(archived[o.GetSopInstanceUid()+".dcm"], want), kind != "sc" && !bytes.Equal(got, want):
					t.Errorf("the %s is stored with other bytes", kind)
				}
			}
		}
		report := p.publishedComparison(t, again)
		if want := p.stored(t, after.GetStudyInstanceUid(), report.GetSeriesInstanceUid(), report.GetSopInstanceUid()); !bytes.Equal(p.comparisonReport(t, again), want) {
			t.Error("the report of the comparison is stored with other bytes")
		}
		p.wantPDF(t, before.GetAnalysisId(), made1[endplatev1.ExportAnalysisRequest_DICOM_PDF])
		p.wantRESTObject(t, before.GetAnalysisId(), made1[endplatev1.ExportAnalysisRequest_DICOM_SR])
	})
}

// wantPDF wants the document of an analysis to be that of the object.
func (p *peer) wantPDF(t testing.TB, id string, object []byte) {
	t.Helper()
	r, err := p.analyses.ExportAnalysis(t.Context(), &endplatev1.ExportAnalysisRequest{AnalysisId: id, Format: endplatev1.ExportAnalysisRequest_PDF})
	if err != nil || r.GetMediaType() != "application/pdf" || !strings.HasSuffix(r.GetFilename(), "-0.pdf") {
		t.Fatalf("PDF: %s, %s, %v", r.GetFilename(), r.GetMediaType(), err)
	}
	b := r.GetContent()
	if !bytes.HasPrefix(b, []byte("%PDF-1.")) || !bytes.HasSuffix(bytes.TrimSpace(b), []byte("%%EOF")) || !bytes.Contains(object, b) {
		t.Errorf("%d bytes of PDF begin %.8q and end %q, or are not those of the object", len(b), b, b[max(0, len(b)-8):])
	}
	if path, err := exec.LookPath("pdftotext"); err == nil {
		text := exec.CommandContext(t.Context(), path, "-layout", "-", "-")
		text.Stdin = bytes.NewReader(b)
		out, err := text.Output()
		if err != nil || !bytes.Contains(out, []byte("L1")) {
			t.Errorf("pdftotext: %v, %.200q", err, out)
		}
	}
}

// comparisonReport exports the structured report of a comparison.
func (p *peer) comparisonReport(t testing.TB, id string) []byte {
	t.Helper()
	r, err := p.comparisons.ExportComparison(t.Context(), &endplatev1.ExportComparisonRequest{ComparisonId: id, Format: endplatev1.ExportAnalysisRequest_DICOM_SR})
	if err != nil || r.GetMediaType() != "application/dicom" || !strings.HasSuffix(r.GetFilename(), ".sr.dcm") {
		t.Fatalf("%s, %s, %v", r.GetFilename(), r.GetMediaType(), err)
	}
	return r.GetContent()
}

func wantReport(t testing.TB, b []byte) {
	t.Helper()
	if h, err := dicom.ReadHeader(bytes.NewReader(b)); err != nil || h.Modality != "SR" {
		t.Errorf("no structured report: %+v, %v", h, err)
	}
}

// publishedComparison waits until the report of a comparison has been made.
func (p *peer) publishedComparison(t testing.TB, id string) *endplatev1.ResultObject {
	t.Helper()
	var all []*endplatev1.ResultObject
	until(t, "the comparison is published", 2*time.Minute, func() bool {
		r, err := p.comparisons.GetComparison(t.Context(), &endplatev1.GetComparisonRequest{ComparisonId: id})
		if err != nil {
			t.Fatal(err)
		}
		all = r.GetComparison().GetPublication().GetObjects()
		return len(all) == 1
	})
	return all[0]
}

// wantRESTObject wants the report of an analysis to come over REST too.
func (p *peer) wantRESTObject(t testing.TB, id string, want []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.at.HTTP+"/v1/analyses/"+id+":export?format=DICOM_SR", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	got := &endplatev1.ExportAnalysisResponse{}
	if err == nil {
		err = protojson.Unmarshal(b, got)
	}
	if err != nil || !bytes.Equal(got.GetContent(), want) {
		t.Errorf("over REST %s, %d bytes, %v", r.Status, len(got.GetContent()), err)
	}
}

// unzipped returns the files of an archive.
func unzipped(t testing.TB, archive []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Every kind of object has a format.
func TestEveryKindIsExported(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for _, kind := range objectFormats {
		kinds[kind] = true
	}
	for _, kind := range measure.Kinds() {
		if !kinds[kind] {
			t.Errorf("no format of %s", kind)
		}
	}
}
