// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/endplate/endplate/analysis/dicom/pdf"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// document says how a format is written.
type document struct {
	mediaType, extension string
	figures              bool
	write                func(io.Writer, *report.Report) error
}

var documents = map[endplatev1.ExportAnalysisRequest_Format]document{
	endplatev1.ExportAnalysisRequest_JSON: {"application/json", "json", false, convert.WriteJSON},
	endplatev1.ExportAnalysisRequest_CSV:  {"text/csv; charset=utf-8", "csv", false, report.WriteCSV},
	endplatev1.ExportAnalysisRequest_HTML: {"text/html; charset=utf-8", "html", true, report.WriteHTML},
	endplatev1.ExportAnalysisRequest_TABLE: {"text/plain; charset=utf-8", "txt", false, func(w io.Writer, r *report.Report) error {
		return report.WriteTable(w, r, report.Colors{})
	}},
}

// document returns the kind of document of a format, JSON where none is said.
func (c *checker) document(field string, f endplatev1.ExportAnalysisRequest_Format) (document, endplatev1.ExportAnalysisRequest_Format) {
	if f == endplatev1.ExportAnalysisRequest_FORMAT_UNSPECIFIED {
		f = endplatev1.ExportAnalysisRequest_JSON
	}
	kind, known := documents[f]
	if !known {
		c.reject(field, "no format")
	}
	return kind, f
}

func (s *analysisService) ExportAnalysis(ctx context.Context, r *endplatev1.ExportAnalysisRequest) (*endplatev1.ExportAnalysisResponse, error) {
	var c checker
	c.id("analysis_id", r.GetAnalysisId())
	number := c.revision(r.Revision)
	if object, is := objectKinds[r.GetFormat()]; is && c.err() == nil {
		return s.exportRevision(ctx, r.GetAnalysisId(), number, object)
	}
	if r.GetFormat() == endplatev1.ExportAnalysisRequest_PDF && c.err() == nil {
		return s.exportPDF(ctx, r.GetAnalysisId(), number)
	}
	kind, _ := c.document("format", r.GetFormat())
	if err := c.err(); err != nil {
		return nil, err
	}
	whole, err := s.reportOf(ctx, r.GetAnalysisId(), number, kind.figures)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := kind.write(&content, whole); err != nil {
		return nil, err
	}
	return &endplatev1.ExportAnalysisResponse{
		MediaType: kind.mediaType,
		Filename:  fmt.Sprintf("endplate-%s.%s", r.GetAnalysisId(), kind.extension),
		Content:   content.Bytes(),
	}, nil
}

// exportRevision writes the objects of a kind that tell of a revision.
func (s *server) exportRevision(ctx context.Context, id string, number int, kind string) (*endplatev1.ExportAnalysisResponse, error) {
	v, err := s.store.Revision(ctx, id, number, store.Description)
	if err != nil {
		return nil, err
	}
	return s.exportObjects(ctx, store.OfRevision(id, v.Number), kind, nameOf(v))
}

// nameOf returns what the files of a revision are called.
func nameOf(v store.Revision) string { return fmt.Sprintf("endplate-%s-%d", v.AnalysisID, v.Number) }

// exportPDF writes the documents that the PDF objects of a revision encapsulate.
func (s *server) exportPDF(ctx context.Context, id string, number int) (*endplatev1.ExportAnalysisResponse, error) {
	v, err := s.store.Revision(ctx, id, number, store.Description)
	if err != nil {
		return nil, err
	}
	objects, err := s.objects(ctx, store.OfRevision(id, v.Number), "pdf")
	if err != nil {
		return nil, err
	}
	files := make([]file, len(objects))
	for i, o := range objects {
		if files[i].content, err = pdf.Document(o); err != nil {
			return nil, fmt.Errorf("an object that was made: %w", err)
		}
		files[i].name = fmt.Sprintf("%s.part-%d.pdf", nameOf(v), i+1)
	}
	return packed(files, "application/pdf", nameOf(v)+".pdf", nameOf(v)+".pdf.zip")
}

// reportOf returns a revision of a result as reports are written from.
func (s *server) reportOf(ctx context.Context, analysisID string, number int, figures bool) (*report.Report, error) {
	v, err := s.store.Revision(ctx, analysisID, number, store.Whole)
	if err != nil {
		return nil, err
	}
	series, message, err := decodedWithReport(analysisID, v.Result)
	if err != nil {
		return nil, err
	}
	out := &report.Report{Skipped: skippedOf(message)}
	if v.Number > 0 {
		out.Review = &report.Review{Revision: v.Number, Author: v.Author, Reviewed: v.Reviewed, Comment: v.Comment}
	}
	for i := range series {
		algorithm := message.GetAnalyses()[i].GetAlgorithm()
		out.Algorithm, out.Version = algorithm.GetName(), algorithm.GetVersion()
		e := series[i].Examination()
		if figures {
			vol, err := s.volumes.get(ctx, volumeKey{analysisID, series[i].Stack})
			if err != nil {
				return nil, err
			}
			if e.Figures, err = report.Draw(e.Result.Placed(vol), e.Result); err != nil {
				return nil, err
			}
		}
		out.Examinations = append(out.Examinations, e)
	}
	return out, nil
}

func skippedOf(m *endplatev1.Report) []report.Skipped {
	var all []report.Skipped
	for _, s := range m.GetSkipped() {
		all = append(all, report.Skipped{
			Path: s.GetPath(), SeriesInstanceUID: s.GetSeriesInstanceUid(), SOPInstanceUID: s.GetSopInstanceUid(),
			Code: s.GetCode(), Reason: s.GetReason(),
		})
	}
	return all
}
