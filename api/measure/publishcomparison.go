// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/internal/fault"
)

// KindOfComparisons is the only kind of object that tells of a comparison.
const KindOfComparisons = "sr"

// PublishComparisonTask asks for the structured reports that tell of a comparison, one
// for each examination after the first.
type PublishComparisonTask struct {
	Analyses []ComparedAnalysis
	Options  []byte // by which they were compared, endplate.v1.ComparisonOptions
	// Earlier are the reports of earlier comparisons of the same analyses, the newest
	// first: what readers have corrected since has them replaced.
	Earlier []sr.Reference
	Folder  string // that they are written to
}

// ComparedAnalysis is an analysis that was compared.
type ComparedAnalysis struct {
	Files     []InstanceFile // that the result is of
	Options   []byte         // by which it came about, endplate.v1.AnalysisOptions
	Stored    Stored         // of the revision that was compared
	Revisions []Revision     // by which it came about: that of the result is the last
	Reports   []sr.Reference // that were made of the result
}

// publishComparison makes the reports. The same task makes the same bytes.
func (p Producer) publishComparison(ctx context.Context, t *PublishComparisonTask, stage func(string, float64)) (*Done, error) {
	compare := CompareTask{Options: t.Options}
	for _, a := range t.Analyses {
		if len(a.Revisions) == 0 {
			return nil, errors.New("no revision")
		}
		compare.Examinations = append(compare.Examinations, a.Stored)
	}
	out := &report.ComparisonReport{}
	stage("comparing", 0)
	all, err := compare.Compare(out)
	if err != nil {
		return nil, err
	}
	compared := make([]comparedOrigin, len(all))
	for i := range all {
		stage("reading headers", float64(i)/float64(len(all)))
		if compared[i], err = p.origin(ctx, &t.Analyses[i], all[i].Stack); err != nil {
			return nil, err
		}
	}
	done := &Done{}
	for _, c := range out.Comparisons {
		// Where two are of one series, the first of them is the earlier one: the order
		// given is kept among those of one time.
		before := slices.IndexFunc(all, func(e Compared) bool { return e.SeriesInstanceUID == c.Before.SeriesInstanceUID })
		after := len(all) - 1
		for after >= 0 && all[after].SeriesInstanceUID != c.After.SeriesInstanceUID {
			after--
		}
		if before < 0 || after < 0 {
			return nil, fault.New(fault.Corrupt, fault.Bug, "a comparison is of a series that is not among those compared")
		}
		if err := p.comparisonReport(t, compared[before], compared[after], c, done); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// comparedOrigin is an examination with how its own report comes to be.
type comparedOrigin struct {
	sr.Compared
	by dicom.Provenance
}

// origin reads what a report takes over from the images of an analysis' stack.
func (p Producer) origin(ctx context.Context, a *ComparedAnalysis, stack int) (comparedOrigin, error) {
	if err := verify(a.Files); err != nil {
		return comparedOrigin{}, err
	}
	in := sortInstances(a.Files)
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return comparedOrigin{}, err
	}
	defer catalog.Close()
	all := in.Series(catalog, nil)
	if stack < 0 || stack >= len(all) {
		return comparedOrigin{}, fault.New(fault.Corrupt, fault.StoredDataCorrupt, "the result is of stack %d of %d", stack, len(all))
	}
	origin, err := all[stack].origin()
	if err != nil {
		return comparedOrigin{}, fault.Wrap(err, fault.Invalid, fault.MissingAttribute, "what the report would take over from the images cannot be read: %v", err)
	}
	by := p.ofRevision(a.Options, a.Revisions)
	return comparedOrigin{sr.Compared{Origin: origin, Report: a.report(origin, by)}, by}, nil
}

// report names the report that was made of the result: that which this version makes, or
// the only one, of another version; nil if there is none that it can be.
func (a *ComparedAnalysis) report(o *dicom.Origin, by dicom.Provenance) *sr.Reference {
	if made := sr.ReferenceTo(o, by); slices.Contains(a.Reports, *made) {
		return made
	}
	if len(a.Reports) == 1 {
		return &a.Reports[0]
	}
	return nil
}

func (p Producer) comparisonReport(t *PublishComparisonTask, before, after comparedOrigin, c *comparison.Comparison, done *Done) error {
	if slices.ContainsFunc(c.Warnings, func(w analysis.Warning) bool { return w.Code == comparison.PatientDiffers }) {
		return fault.New(fault.Invalid, fault.OtherPatient, "the examinations are of different patients: no report of one is put among the images of the other")
	}
	by, err := p.ofComparison(t.Options, before.by, after.by)
	if err != nil {
		return err
	}
	made := sr.ReferenceToComparison(before.Origin, after.Origin, by)
	for _, e := range t.Earlier {
		if e.SeriesInstanceUID == made.SeriesInstanceUID && e != *made {
			by.Previous = e.SOPInstanceUID
			break
		}
	}
	o, err := sr.ComparisonReport(before.Compared, after.Compared, c, by)
	if err != nil {
		return fault.New(fault.Unsupported, fault.Bug, "the report cannot be made: %v", err)
	}
	return done.add(t.Folder, KindOfComparisons, o)
}

// ofComparison says how the report of a comparison comes to be. It is of the time of the
// later of the revisions compared, so that the same comparison asked for twice has one
// report; nobody has reviewed it, whoever reviewed these.
func (p Producer) ofComparison(options []byte, before, after dicom.Provenance) (dicom.Provenance, error) {
	opt, err := comparisonOf(options)
	if err != nil {
		return dicom.Provenance{}, err
	}
	by := dicom.Provenance{
		Program: p.Name, Version: p.Version,
		Options:     strings.Join([]string{comparisonOptions(opt), before.Options, after.Options}, "\x00"),
		Revision:    before.Revision + after.Revision,
		ContentTime: latest(before.ContentTime, after.ContentTime),
	}
	if by.Revision > 0 {
		by.Changes = before.Changes + " " + after.Changes
	}
	if len(opt.Treated) > 0 {
		by.Parameters = "known to be treated: " + levelNames(opt)
	}
	return by, nil
}

// comparisonOptions writes what of the options determines a comparison of two.
func comparisonOptions(opt comparison.Options) string {
	return fmt.Sprintf("treated=%s force=%t", levelNames(opt), opt.Force)
}

func levelNames(opt comparison.Options) string {
	names := make([]string, len(opt.Treated))
	for i, l := range opt.Treated {
		names[i] = l.String()
	}
	return strings.Join(names, ", ")
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
