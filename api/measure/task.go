// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/internal/fault"
)

// Task is what the service asks of a child: one of the four.
type Task struct {
	Measure *MeasureTask `json:",omitempty"`
	Compare *CompareTask `json:",omitempty"`
	Publish *PublishTask `json:",omitempty"`

	PublishComparison *PublishComparisonTask `json:",omitempty"`
}

// MeasureTask asks for the stacks of a series to be measured.
type MeasureTask struct {
	Files   []InstanceFile
	Options []byte // endplate.v1.AnalysisOptions
}

// InstanceFile is a file that holds an instance.
type InstanceFile struct {
	SOPInstanceUID string
	Path           string
	SHA256         []byte // of what it must hold; empty: not verified
}

// CompareTask asks for examinations to be compared.
type CompareTask struct {
	Examinations []Stored
	Options      []byte // endplate.v1.ComparisonOptions
}

// Done is what became of a task: a report or objects, or the reason why there are none,
// or not all of them.
type Done struct {
	Report  []byte       // endplate.v1.Report or endplate.v1.ComparisonReport
	Stored  Stored       // of MeasureTask
	Objects []ObjectFile // of PublishTask and PublishComparisonTask

	Reason fault.Reason // empty where it was done
	Text   string
}

// Producer says which program a report is of.
type Producer struct{ Name, Version string }

// Do does a task. That a series cannot be read or shows no vertebra is a result.
func (p Producer) Do(ctx context.Context, t *Task, stage func(string, float64)) *Done {
	var done *Done
	var err error
	switch {
	case t.Measure != nil:
		done, err = p.measure(ctx, t.Measure, stage)
	case t.Compare != nil:
		done, err = p.compare(t.Compare)
	case t.Publish != nil:
		done, err = p.publish(ctx, t.Publish, stage)
	case t.PublishComparison != nil:
		done, err = p.publishComparison(ctx, t.PublishComparison, stage)
	default:
		err = errors.New("no task")
	}
	if err != nil {
		d := fault.Public(err)
		done = &Done{Reason: d.Reason, Text: d.Text}
	}
	return done
}

// Stages before the analysis' own.
const (
	verifying      phrase.Text = "verifying"
	readingHeaders phrase.Text = "reading headers"
)

func (p Producer) measure(ctx context.Context, t *MeasureTask, stage func(string, float64)) (*Done, error) {
	fixed, err := fixedOf(t.Options)
	if err != nil {
		return nil, err
	}
	options, err := optionsOf(t.Options)
	if err != nil {
		return nil, err
	}
	film, ofFilm := filmOptionsOf(options)
	stage(verifying.String(), 0)
	if err := verify(t.Files); err != nil {
		return nil, err
	}
	stage(readingHeaders.String(), 0)
	in := sortInstances(t.Files)
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	out := &report.Report{Algorithm: p.Name, Version: p.Version, Skipped: append(in.Skipped, Skipped(catalog)...)}
	all := in.Series(catalog, nil)
	if ofFilm && (len(all) != 1 || !all[0].IsFilm()) {
		return nil, fault.New(fault.Invalid, fault.InvalidField, "options.film: the series is not a single film")
	}
	var stored []StoredSeries
	for i, s := range all {
		s.Examination.Path, s.About.Name = "", s.About.SeriesInstanceUID
		m := s.Measure(ctx, Options{Fixed: fixed, Film: film, Progress: stage})
		if ofFilm && m.Err != nil {
			return nil, fault.New(fault.Invalid, fault.InvalidField, "options.film: %v", m.Err)
		}
		if m.Skipped != nil {
			out.Skipped = append(out.Skipped, *m.Skipped)
			continue
		}
		out.Examinations = append(out.Examinations, *m.Examination)
		stored = append(stored, StoredSeries{Stack: i, About: m.About, Result: m.Examination.Result})
	}
	for i := range out.Skipped {
		out.Skipped[i].Path = ""
	}
	return doneWith(convert.Report(out), stored)
}

// sortInstances takes in the files of instances, by their UIDs.
func sortInstances(files []InstanceFile) Inputs {
	return Sort(func(yield func(dicom.Source, error) bool) {
		for _, f := range files {
			s, err := File(f.Path)
			s.Name = f.SOPInstanceUID
			if !yield(s, err) {
				return
			}
		}
	})
}

func doneWith(r proto.Message, series []StoredSeries) (*Done, error) {
	b, err := EncodeMessage(r)
	if err != nil {
		return nil, err
	}
	stored, err := Encode(series)
	return &Done{Report: b, Stored: stored}, err
}

// verify makes sure that files hold what was stored.
func verify(files []InstanceFile) error {
	for _, f := range files {
		if len(f.SHA256) == 0 {
			continue
		}
		sum, err := hashOf(f.Path)
		if err != nil {
			return fault.Wrap(err, fault.Corrupt, fault.StoredDataCorrupt, "instance %s cannot be read from the storage", f.SOPInstanceUID)
		}
		if !bytes.Equal(sum, f.SHA256) {
			return fault.New(fault.Corrupt, fault.StoredDataCorrupt, "the bytes of instance %s have changed", f.SOPInstanceUID)
		}
	}
	return nil
}

func hashOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

func (p Producer) compare(t *CompareTask) (*Done, error) {
	out := &report.ComparisonReport{Algorithm: p.Name, Version: p.Version}
	if _, err := t.Compare(out); err != nil {
		return nil, err
	}
	return doneWith(convert.ComparisonReport(out), nil)
}

// Compare compares the examinations and adds the comparison to out. It returns those
// that were compared, in the order given.
func (t *CompareTask) Compare(out *report.ComparisonReport) ([]Compared, error) {
	opt, err := comparisonOf(t.Options)
	if err != nil {
		return nil, err
	}
	all := make([]Compared, len(t.Examinations))
	examinations := make([]*comparison.Examination, len(all))
	for i, stored := range t.Examinations {
		if all[i], err = stored.compared(out); err != nil {
			return nil, err
		}
		if all[i].Examination == nil {
			return nil, fault.New(fault.NotReady, fault.AnalysisFailed, "analysis %d of those to compare has no measured series", i+1)
		}
		examinations[i] = all[i].Examination
	}
	if err := Compare(examinations, opt, out); err != nil {
		return nil, comparisonFault(err)
	}
	for _, e := range examinations {
		e.Name = "" // there are no paths
	}
	for _, c := range out.Comparisons { // which hold copies where levels were renamed
		c.Before.Name, c.After.Name = "", ""
	}
	return all, nil
}

// Compared is an examination that was compared.
type Compared struct {
	*comparison.Examination
	Stack int // which of the catalog's stacks it is
}

// compared returns the best examination of what is stored; none if there is none.
func (s Stored) compared(out *report.ComparisonReport) (Compared, error) {
	series, err := s.Decode()
	if err != nil || len(series) == 0 {
		return Compared{}, err
	}
	var candidates []*comparison.Examination
	for _, one := range series {
		candidates = append(candidates, comparison.NewExamination(one.Result, one.About))
	}
	best := Best(candidates[0].Name, candidates, out)
	return Compared{best, series[slices.Index(candidates, best)].Stack}, nil
}

// comparisonFault classes what Compare returns: none of it changes when it is tried
// again.
func comparisonFault(err error) error {
	_, unmeasured := errors.AsType[*comparison.NotMeasurableError](err)
	switch {
	case errors.Is(err, comparison.ErrOtherPatient):
		return fault.New(fault.Invalid, fault.OtherPatient, "%v", err)
	case unmeasured:
		return fault.New(fault.Invalid, fault.NothingMeasured, "%v", err)
	case errors.Is(err, comparison.ErrNoCommonLevel):
		return fault.New(fault.Invalid, fault.NoCommonLevel, "%v", err)
	case errors.Is(err, comparison.ErrReversed):
		return fault.New(fault.Invalid, fault.InvalidField, "%v", err)
	}
	return err
}
