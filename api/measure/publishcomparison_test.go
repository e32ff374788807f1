// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// reportsOf makes the reports of a comparison in a folder of their own.
func reportsOf(t testing.TB, task measure.PublishComparisonTask) (files [][]byte, reports []*dataset.File, done *measure.Done) {
	t.Helper()
	task.Folder = t.TempDir()
	done = do(t, measure.Task{PublishComparison: &task})
	for _, o := range done.Objects {
		b, err := os.ReadFile(o.Path)
		if err != nil || o.Kind != measure.KindOfComparisons {
			t.Fatal(o, err)
		}
		d, err := dataset.Read(bytes.NewReader(b), -1, dataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		files, reports = append(files, b), append(reports, d)
	}
	return files, reports, done
}

// oneReport makes the only report of a comparison.
func oneReport(t testing.TB, task measure.PublishComparisonTask) ([]byte, *dataset.File) {
	t.Helper()
	files, reports, done := reportsOf(t, task)
	if len(reports) != 1 || done.Reason != "" {
		t.Fatalf("%d reports: %s %s", len(reports), done.Reason, done.Text)
	}
	return files[0], reports[0]
}

// referenced returns the SOPInstanceUIDs that the items of a sequence of hierarchical
// references name, PS3.3 table C.17-3.
func referenced(d *dataset.File, sequence tag.Tag) (uids []string) {
	for _, study := range d.Items(sequence) {
		for _, series := range study.Items(tag.ReferencedSeriesSequence) {
			for _, one := range series.Items(tag.ReferencedSOPSequence) {
				uids = append(uids, one.Value(tag.ReferencedSOPInstanceUID))
			}
		}
	}
	return uids
}

// analysed measures a spine and names the report of the result, which it makes.
func analysed(t testing.TB, patient, date string, loss float64, revisions ...measure.Revision) measure.ComparedAnalysis {
	t.Helper()
	_, files := spineOf(t, patient, date, loss)
	a := measure.ComparedAnalysis{
		Files: files, Stored: do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}}).Stored,
		Revisions: append([]measure.Revision{{CreatedAt: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}}, revisions...),
	}
	a.Reports = []sr.Reference{reportOf(t, a)}
	return a
}

func reportOf(t testing.TB, a measure.ComparedAnalysis) sr.Reference {
	t.Helper()
	objects, _ := published(t, measure.PublishTask{
		Files: a.Files, Options: a.Options, Stored: a.Stored, Revisions: a.Revisions, Kinds: []string{"sr"},
	})
	d, err := dataset.Read(bytes.NewReader(objects["sr0"]), -1, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return sr.Reference{SeriesInstanceUID: d.Value(tag.SeriesInstanceUID), SOPInstanceUID: d.Value(tag.SOPInstanceUID)}
}

func TestPublishComparison(t *testing.T) {
	t.Parallel()
	before, after := analysed(t, "A", "20200101", 40), analysed(t, "A", "20200301", 15)
	// The dates say which is which.
	task := measure.PublishComparisonTask{Analyses: []measure.ComparedAnalysis{after, before}}
	file, report := oneReport(t, task)
	if again, _ := oneReport(t, task); !bytes.Equal(file, again) {
		t.Error("the same task made other bytes")
	}
	if got := report.Value(tag.StudyDate); got != "20200301" {
		t.Errorf("the report is one of the study of %s", got)
	}
	if other := referenced(report, tag.PertinentOtherEvidenceSequence); !slices.Contains(other, before.Reports[0].SOPInstanceUID) {
		t.Error("the report does not refer to that of the earlier examination")
	}
	if own := referenced(report, tag.CurrentRequestedProcedureEvidenceSequence); !slices.Contains(own, after.Reports[0].SOPInstanceUID) {
		t.Error("the report does not refer to that of the later examination")
	}
	if report.Value(tag.VerificationFlag) != "UNVERIFIED" {
		t.Error("the report is verified, which nobody did")
	}

	// A reader corrects the earlier one, and they are compared again.
	corrected := before
	corrected.Revisions = append(slices.Clone(before.Revisions), measure.Revision{
		Author: "reader", Reviewed: true, CreatedAt: before.Revisions[0].CreatedAt.Add(time.Hour), Corrections: []byte("a"),
	})
	corrected.Reports = []sr.Reference{reportOf(t, corrected)}
	again := measure.PublishComparisonTask{Analyses: []measure.ComparedAnalysis{after, corrected}, Earlier: []sr.Reference{
		{SeriesInstanceUID: "1.2.3", SOPInstanceUID: "1.2.3.4"}, // of another of the examinations
		{SeriesInstanceUID: report.Value(tag.SeriesInstanceUID), SOPInstanceUID: report.Value(tag.SOPInstanceUID)},
	}}
	_, second := oneReport(t, again)
	if second.Value(tag.SOPInstanceUID) == report.Value(tag.SOPInstanceUID) || second.Value(tag.SeriesInstanceUID) != report.Value(tag.SeriesInstanceUID) {
		t.Error("the comparison of the corrected result is no other object of the same series")
	}
	if got := referenced(second, tag.PredecessorDocumentsSequence); !slices.Equal(got, []string{report.Value(tag.SOPInstanceUID)}) {
		t.Errorf("it takes the place of %q", got)
	}
	other := referenced(second, tag.PertinentOtherEvidenceSequence)
	if !slices.Contains(other, corrected.Reports[0].SOPInstanceUID) || slices.Contains(other, before.Reports[0].SOPInstanceUID) {
		t.Error("it does not refer to the report of the revision that was compared")
	}
	if second.Value(tag.VerificationFlag) != "UNVERIFIED" {
		t.Error("it is verified because what it compares is")
	}
	t.Run("without reports", func(t *testing.T) { withoutReports(t, task, report.Value(tag.SOPInstanceUID)) })
	t.Run("options", func(t *testing.T) { otherOptions(t, task, report.Value(tag.SOPInstanceUID)) })
}

// withoutReports wants no reference to a report that was not made, or of which it is not
// known which examination it is of.
func withoutReports(t *testing.T, task measure.PublishComparisonTask, uid string) {
	task.Analyses = slices.Clone(task.Analyses)
	older := task.Analyses[1].Reports[0] // made by another version
	older.SOPInstanceUID += ".1"
	for _, tt := range []struct {
		reports []sr.Reference
		want    string
	}{
		{nil, ""},
		{[]sr.Reference{older}, older.SOPInstanceUID},
		{[]sr.Reference{older, {SeriesInstanceUID: "1.2", SOPInstanceUID: "1.2.3"}}, ""},
	} {
		task.Analyses[1].Reports = tt.reports
		_, report := oneReport(t, task)
		if report.Value(tag.SOPInstanceUID) != uid {
			t.Error("the UID depends on what the report refers to")
		}
		images := len(task.Analyses[1].Files)
		other := referenced(report, tag.PertinentOtherEvidenceSequence)
		if tt.want == "" && len(other) != images || tt.want != "" && !slices.Contains(other, tt.want) {
			t.Errorf("of the reports %v there are %d references beside %d images, want that to %q", tt.reports, len(other)-images, images, tt.want)
		}
	}
}

// otherOptions makes reports of their own of comparisons by other options.
func otherOptions(t *testing.T, task measure.PublishComparisonTask, uid string) {
	var err error
	if task.Options, err = measure.EncodeMessage(&endplatev1.ComparisonOptions{Treated: []endplatev1.Level{endplatev1.Level_L1}}); err != nil {
		t.Fatal(err)
	}
	if _, report := oneReport(t, task); report.Value(tag.SOPInstanceUID) == uid {
		t.Error("a comparison by other options has the same UID")
	}
}

// A report that compares patients would put one's findings into the other's record.
func TestNoReportOfTwoPatients(t *testing.T) {
	t.Parallel()
	options, err := measure.EncodeMessage(&endplatev1.ComparisonOptions{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	task := measure.PublishComparisonTask{Options: options, Analyses: []measure.ComparedAnalysis{
		analysed(t, "A", "20200101", 40), analysed(t, "B", "20200301", 15),
	}}
	if _, reports, done := reportsOf(t, task); done.Reason != fault.OtherPatient || len(reports) != 0 {
		t.Errorf("%d reports: %s %s", len(reports), done.Reason, done.Text)
	}
	task.Analyses[0].Stored.Results = task.Analyses[0].Stored.Results[:100]
	if _, _, done := reportsOf(t, task); done.Reason != fault.StoredDataCorrupt {
		t.Errorf("of damaged results: %s %s", done.Reason, done.Text)
	}
}
