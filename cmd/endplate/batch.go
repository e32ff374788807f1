// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis/cohort"
)

// batchFlags are the flags of endplate batch.
type batchFlags struct {
	out         string
	manifest    string
	jobs        int
	limit       time.Duration
	retryFailed bool
	columns     bool
	quiet       bool
}

func newBatchCommand() *cobra.Command {
	var flags batchFlags
	cmd := &cobra.Command{
		Use:   "batch (ROOT… | --manifest FILE) --out DIR",
		Short: "Measure and compare the studies of a cohort",
		Long: `Measure all studies under the given folders, or those of a manifest, CT series and
lateral films, compare the examinations of each subject, and write tables:

  vertebrae.parquet, .csv     a row a vertebra
  comparisons.parquet, .csv   a row a vertebra that two examinations show
  failures.csv                what could not be measured or compared, and why
  summary.html                counts, distributions, before and after

A manifest is a CSV with the columns path, subject, timepoint and treated (levels);
only path is needed. Timepoints are ordered as numbers or dates where all of a
subject's are, else in the order of the lines. Without a manifest, subjects are told
apart by PatientID and its issuer, birth date and sex, and named by a number;
their examinations are ordered by date. Folders of one StudyInstanceUID are
one study; zip archives and NIfTI files are one each.

A run that was interrupted or killed goes on where it was when the same command is
given again: each finished study is kept in DIR/.work until its files, the program
or the path change. That folder holds dates of examinations: keep it as private
as the images.

Exit status: 0 all studies measured, 3 failures.csv has rows.`,
		Example: `  endplate batch cohort/ --out tables/
  endplate batch --manifest studies.csv --out tables/ --jobs 8
  endplate batch --columns`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.columns {
				return writeColumns(cmd.OutOrStdout())
			}
			return batch(cmd.Context(), args, flags, cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder to write to")
	f.StringVar(&flags.manifest, "manifest", "", "CSV with the studies, instead of ROOT")
	f.IntVarP(&flags.jobs, "jobs", "j", runtime.GOMAXPROCS(0), "studies measured at the same time, each in a process with the memory of its volume")
	f.DurationVar(&flags.limit, "time-limit", 10*time.Minute, "a study that takes longer is a failure")
	f.BoolVar(&flags.retryFailed, "retry-failed", false, "measure studies with failures again")
	f.BoolVar(&flags.columns, "columns", false, "print what the columns of the tables mean, and end")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "no progress on standard error")
	return cmd
}

// writeColumns prints the columns of all tables.
func writeColumns(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, t := range []cohort.Table{cohort.Vertebrae(), cohort.Comparisons(), cohort.Failures()} {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s: %s\n\nname\ttype\tunit\tmeaning\n", t.Name, t.Meaning)
		for _, c := range t.Columns {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", c.Name, c.Type, c.Unit, c.Meaning)
		}
	}
	return out.Flush()
}

// batch runs the command: studies, measuring, tables.
func batch(ctx context.Context, roots []string, flags batchFlags, stderr io.Writer) error {
	if err := flags.check(roots); err != nil {
		return err
	}
	p := newProgress(stderr, flags.quiet)
	var m *manifest
	if flags.manifest != "" {
		var err error
		if m, err = readManifest(flags.manifest); err != nil {
			return err
		}
		if len(m.ignored) > 0 {
			p.printf("%s: columns left alone: %s", flags.manifest, strings.Join(m.ignored, ", "))
		}
	}
	if err := os.MkdirAll(flags.out, 0o755); err != nil {
		return err
	}
	w, err := openWork(flags.out)
	if err != nil {
		return err
	}
	defer w.close()
	units, err := studies(ctx, roots, m, flags.out, p)
	if err != nil {
		return err
	}
	if err := measureAll(ctx, w, units, flags, p); err != nil {
		return err
	}
	totals, err := writeTables(ctx, w, units, flags.jobs, flags.out)
	if err != nil {
		return err
	}
	p.printf("%s: %s", flags.out, totals)
	return totals.outcome()
}

func (flags *batchFlags) check(roots []string) error {
	switch {
	case flags.out == "":
		return usagef("batch needs --out")
	case len(roots) == 0 && flags.manifest == "":
		return usagef("batch needs a ROOT, or --manifest")
	case len(roots) > 0 && flags.manifest != "":
		return usagef("batch takes a ROOT or --manifest, not both")
	case flags.jobs < 1:
		return usagef("--jobs %d: want at least 1", flags.jobs)
	case flags.limit <= 0:
		return usagef("--time-limit %v: want more than 0", flags.limit)
	}
	if info, err := os.Stat(flags.out); err == nil && !info.IsDir() {
		return fmt.Errorf("--out %s: is no folder", flags.out)
	}
	return nil
}

// studies lists what is to be measured, ordered by path, with the names of their
// records.
func studies(ctx context.Context, roots []string, m *manifest, out string, p *progress) ([]unit, error) {
	defer p.end()
	var units []unit
	if m != nil {
		units = m.units
	} else {
		info, err := os.Stat(out)
		if err != nil {
			return nil, err
		}
		units, err = find(ctx, roots, info, func(n int) { p.printlive("looking for studies: %d", n) })
		if err != nil {
			return nil, err
		}
	}
	if len(units) == 0 {
		return nil, errors.New("no study among the inputs")
	}
	return units, ctx.Err()
}

// measureAll measures what is not finished yet.
func measureAll(ctx context.Context, w *work, units []unit, flags batchFlags, p *progress) error {
	var todo []*unit
	for i := range units {
		u := &units[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		u.origin.Path = u.Path
		u.record = w.recordOf(u)
		if w.wanted(u, flags.retryFailed) {
			todo = append(todo, u)
		}
		p.printlive("looking at files: %d of %d studies", i+1, len(units))
	}
	p.end()
	before := len(units) - len(todo)
	if before > 0 {
		p.printf("%d of %d studies were finished before", before, len(units))
	}
	bp := newBatchProgress(p, len(units), before)
	stop := make(chan struct{})
	defer close(stop)
	go bp.tick(stop)
	run := &measuring{work: w, jobs: flags.jobs, cpus: runtime.GOMAXPROCS(0), limit: flags.limit, progress: bp}
	err := run.run(ctx, todo)
	p.end()
	if ctx.Err() != nil {
		p.printf("%d of %d studies are finished; the same command goes on from there", before+bp.done, len(units))
	}
	return err
}

// wanted reports whether a unit is still to be measured.
func (w *work) wanted(u *unit, retryFailed bool) bool {
	if !w.finished[u.record] {
		return true
	}
	if !retryFailed {
		return false
	}
	s, err := w.study(u)
	return err != nil || len(s.Failures) > 0
}
