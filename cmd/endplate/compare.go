// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/measure"
)

// compareFlags are the flags of endplate compare.
type compareFlags struct {
	series    []string
	treated   []string
	keepOrder bool
	force     bool
	format    string
	out       string
	quiet     bool
	said      saidFlags
}

func newCompareCommand() *cobra.Command {
	var flags compareFlags
	cmd := &cobra.Command{
		Use:   "compare PRE POST [MORE…]",
		Short: "Tell what changed between examinations of one patient",
		Long: `Measure two or more examinations of one patient and tell what changed: heights
and the share of lost height that came back, angles, volumes, canal, cement, new
fractures. Each argument is one examination: a file, folder or zip archive of
DICOM, or a NIfTI volume. Of several series the one with the most measured
vertebrae, then with the finest slices, is taken, a CT before a film; --series names
another.

With a lateral film, heights are compared as ratios and as percent of those that
levels unaffected in both lead one to expect; in mm only where both examinations have
some. Volume, canal and cement are not assessable on it. The names of a film's levels
are a guess unless --level or --seed gives one.

--format sr writes a DICOM structured report of what changed, in the study of the
later examination; where --out names a folder, one for each later examination, and
the report of each examination to which they refer.

Vertebrae are matched by name and by shape. Examinations are ordered by date,
unless --keep-order takes them as given. Different patients are refused, unless
--force.`,
		Example: `  endplate compare before/ after/
  endplate compare before/ after/ --out change.html
  endplate compare before/ after/ year1/ year2/ --format csv
  endplate compare before/ after/ --format sr --out change.dcm
  endplate compare ct/ film.dcm --level L1@512,300
  endplate compare film1.dcm film2.dcm --level 1:L1@512,300 --level 2:L1@498,310
  endplate compare before.nii.gz after.nii.gz --treated L1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return compare(cmd.Context(), args, flags, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.series, "series", nil, "SeriesInstanceUID to take where an examination has several; repeatable")
	f.StringSliceVar(&flags.treated, "treated", nil, "level that was treated, also where no cement shows; repeatable")
	f.BoolVar(&flags.keepOrder, "keep-order", false, "the first examination given is the first, whatever the dates say")
	f.BoolVar(&flags.force, "force", false, "compare examinations of different patients too")
	f.StringVarP(&flags.format, "format", "f", "", "json, csv, table or html; sr for a DICOM structured report")
	f.StringVarP(&flags.out, "out", "o", "", "write to this file instead of standard output; DICOM objects to this file or folder")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "no progress on standard error")
	flags.said.add(f)
	return cmd
}

// taken is one examination with the series that was chosen of it.
type taken struct {
	*comparison.Examination
	path   string
	result *analysis.Result
	read   func(context.Context) (*volume.Volume, error)
}

// compare runs the command: inputs, measurement, comparison, output.
func compare(ctx context.Context, paths []string, flags compareFlags, stdout, stderr io.Writer) error {
	opt, err := compareOptions(paths, flags)
	if err != nil {
		return err
	}
	dest, err := chooseOutput(measureFlags{format: flags.format, out: flags.out}, stdout)
	if err != nil {
		return err
	}
	if dest.format.isObject() && dest.format != formatSR {
		return usagef("--format %s: of a comparison there is sr alone", dest.format)
	}
	if dest.format == formatSR && dest.single && len(paths) > 2 {
		return usagef("--out holds one DICOM object, and there is one for each later examination: name a folder")
	}
	p := newProgress(stderr, flags.quiet)
	r := report.ComparisonReport{Algorithm: name, Version: versionString()}
	all, err := takeAll(ctx, paths, flags, &r, p)
	p.end()
	if err != nil {
		return err
	}
	if err := compareTaken(all, opt, &r); err != nil {
		return err
	}
	switch dest.format {
	case formatSR:
		objects, err := comparisonObjects(ctx, all, &r, dest, flags)
		if err != nil {
			return err
		}
		return writeObjects(objects, flags.out, stdout)
	case formatHTML:
		if err := drawComparison(ctx, all, &r); err != nil {
			return err
		}
	}
	return writeComparison(&r, dest.format, flags.out, stdout)
}

func compareOptions(paths []string, flags compareFlags) (comparison.Options, error) {
	opt := comparison.Options{Force: flags.force, KeepOrder: flags.keepOrder}
	if len(paths) < 2 {
		return opt, usagef("compare needs at least two examinations, PRE and POST")
	}
	for _, s := range flags.treated {
		l, err := spine.ParseLevel(strings.ToUpper(s))
		if err != nil {
			return opt, usagef("--treated %s: %w", s, err)
		}
		opt.Treated = append(opt.Treated, l)
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return opt, fmt.Errorf("%s: %s", path, measure.Pathless(err))
		}
	}
	return opt, nil
}

// takeAll measures the examinations one after another: each takes the memory of
// its volume.
func takeAll(ctx context.Context, paths []string, flags compareFlags, r *report.ComparisonReport, p *progress) ([]taken, error) {
	said, err := flags.said.parse(len(paths))
	if err != nil {
		return nil, err
	}
	all := make([]taken, len(paths))
	for i, path := range paths {
		of := func(s *measure.Series, alone bool) (measure.Options, error) { return said.options(i+1, s, alone) }
		t, err := take(ctx, path, flags.series, of, r, p)
		if err != nil {
			return nil, err
		}
		all[i] = *t
	}
	if err := said.unused(); err != nil {
		return nil, err
	}
	for _, uid := range flags.series {
		if !slices.ContainsFunc(all, func(t taken) bool { return t.SeriesInstanceUID == uid }) {
			return nil, usagef("--series %s: no such series among the inputs", uid)
		}
	}
	return all, nil
}

// take measures the series of one examination and takes the best of them. options says how
// a series is measured, and whether it is the only one.
func take(ctx context.Context, path string, wanted []string, options func(s *measure.Series, alone bool) (measure.Options, error), r *report.ComparisonReport, p *progress) (*taken, error) {
	in := measure.Gather([]string{path})
	catalog, err := in.Scan(ctx, dicom.Options{Progress: func(now dicom.Progress) {
		p.printlive("%s: reading headers: %d files", path, now.Done)
	}})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	r.Skipped = append(r.Skipped, in.Skipped...)
	r.Skipped = append(r.Skipped, measure.Skipped(catalog)...)
	all := in.Series(catalog, []string{path})
	if chosen := slices.DeleteFunc(slices.Clone(all), func(s measure.Series) bool {
		return !slices.Contains(wanted, s.About.SeriesInstanceUID)
	}); len(chosen) > 0 {
		all = chosen
	}
	var candidates []*comparison.Examination
	results := map[*comparison.Examination]*analysis.Result{}
	for i := range all {
		opt, err := options(&all[i], len(all) == 1)
		if err != nil {
			return nil, err
		}
		e, result, err := measureForComparison(ctx, &all[i], opt, r, p)
		if err != nil {
			return nil, err
		}
		if e != nil {
			candidates = append(candidates, e)
			results[e] = result
		}
	}
	if len(candidates) == 0 {
		return nil, fmt.Errorf("%s: nothing could be measured: %s", path, nothingBecause(r.Skipped, path))
	}
	best := measure.Best(path, candidates, r)
	return &taken{best, path, results[best], rereader(path, best.About)}, nil
}

// measureForComparison measures one series; what it returns is nil where it could not
// be, which r tells of.
func measureForComparison(ctx context.Context, s *measure.Series, opt measure.Options, r *report.ComparisonReport, p *progress) (*comparison.Examination, *analysis.Result, error) {
	start := time.Now()
	opt.Progress = func(stage string, fraction float64) { p.stage(s.Examination.Path, stage, fraction) }
	m := s.Measure(ctx, opt)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if m.Err != nil { // what was said of a film
		return nil, nil, usagef("%s: %w", s.Examination.Path, m.Err)
	}
	if m.Skipped != nil {
		r.Skipped = append(r.Skipped, *m.Skipped)
		return nil, nil, nil
	}
	p.measured(s.Examination.Path, time.Since(start))
	return comparison.NewExamination(m.Examination.Result, m.About), m.Examination.Result, nil
}

// nothingBecause says why nothing of a path could be measured.
func nothingBecause(skipped []report.Skipped, path string) string {
	for _, s := range skipped {
		if s.Path == path || strings.HasPrefix(s.Path, strings.TrimSuffix(path, "/")+"/") {
			return s.String()
		}
	}
	return "no image of a spine"
}

// compareTaken compares the examinations and says what can be done about an error.
func compareTaken(all []taken, opt comparison.Options, r *report.ComparisonReport) error {
	examinations := make([]*comparison.Examination, len(all))
	for i := range all {
		examinations[i] = all[i].Examination
	}
	err := measure.Compare(examinations, opt, r)
	switch {
	case errors.Is(err, comparison.ErrOtherPatient):
		return fmt.Errorf("%w by their headers; --force compares them nevertheless", err)
	case errors.Is(err, comparison.ErrNoCommonLevel) && slices.ContainsFunc(examinations, (*comparison.Examination).GuessesLevels):
		return fmt.Errorf("%w; the names of a film's levels are a guess: --level or --seed gives one", err)
	}
	return err
}

func writeComparison(r *report.ComparisonReport, f format, out string, stdout io.Writer) error {
	return f.write(renderers{
		json:  func(w io.Writer) error { return convert.WriteComparisonJSON(w, r) },
		csv:   func(w io.Writer) error { return report.WriteComparisonCSV(w, r) },
		html:  func(w io.Writer) error { return report.WriteComparisonHTML(w, r) },
		table: func(w io.Writer, c report.Colors) error { return report.WriteComparisonTable(w, r, c) },
	}, out, stdout)
}
