// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/report"
)

// totals are the counts that a batch ends with.
type totals struct {
	Studies, Measured      int
	Vertebrae, Comparisons int
	Failures               int
}

func (t *totals) String() string {
	return fmt.Sprintf("%d studies, %d measured; %d vertebrae, %d comparisons; %d failures",
		t.Studies, t.Measured, t.Vertebrae, t.Comparisons, t.Failures)
}

// outcome turns the totals into the command's error.
func (t *totals) outcome() error {
	switch {
	case t.Measured == 0:
		return errors.New("nothing could be measured: see failures.csv")
	case t.Failures > 0:
		return errPartial
	}
	return nil
}

// tables are the outputs of a batch while they are written from its records: in a
// fixed order, a study or a subject at a time.
type tables struct {
	work    *work
	jobs    int
	units   []unit
	index   cohort.Index
	entries []cohort.Entry

	files                            outputs
	vertebrae, comparisons, failures rowWriter
	summary                          *cohort.Summary
	totals                           totals
}

// writeTables writes all outputs, under their names only once they are whole.
func writeTables(ctx context.Context, w *work, units []unit, jobs int, out string) (*totals, error) {
	t := &tables{work: w, jobs: jobs, units: units, files: outputs{work: w}, summary: cohort.NewSummary()}
	defer t.files.abandon()
	var err error
	if t.failures, err = t.files.csv("failures.csv", cohort.Failures()); err != nil {
		return nil, err
	}
	if t.vertebrae, err = t.files.both(cohort.Vertebrae()); err != nil {
		return nil, err
	}
	if t.comparisons, err = t.files.both(cohort.Comparisons()); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{t.takeIn, t.writeVertebrae, t.writeComparisons} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	page, _, err := t.files.open("summary.html")
	if err != nil {
		return nil, err
	}
	if err := t.summary.Write(page, producer()); err != nil {
		return nil, err
	}
	return &t.totals, t.files.commit(out)
}

func producer() cohort.Producer {
	return cohort.Producer{Algorithm: name, Version: versionString()}
}

// takeIn reads all records for the order of the tables, and writes what failed.
func (t *tables) takeIn(ctx context.Context) error {
	t.totals.Studies = len(t.units)
	for i := range t.units {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := t.work.study(&t.units[i])
		if err != nil {
			return err
		}
		t.index.Add(t.units[i].origin, s)
		if len(s.Series) > 0 {
			t.totals.Measured++
		}
		for _, row := range cohort.FailureRows(&t.units[i].origin, s) {
			if err := t.fail(row); err != nil {
				return err
			}
		}
	}
	t.entries = t.index.Order()
	t.summary.Studies, t.summary.Measured = t.totals.Studies, t.totals.Measured
	return nil
}

func (t *tables) fail(row []string) error {
	t.totals.Failures++
	t.summary.AddFailure(row)
	return t.failures.write(row)
}

func (t *tables) writeVertebrae(ctx context.Context) error {
	var study *cohort.Study
	last := -1
	for i := range t.entries {
		e := &t.entries[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Study != last {
			var err error
			if study, err = t.work.study(&t.units[e.Study]); err != nil {
				return err
			}
			last = e.Study
		}
		for _, row := range t.index.VertebraRows(e, study) {
			t.totals.Vertebrae++
			t.summary.AddVertebra(row)
			if err := t.vertebrae.write(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// compared is what came of a pair: rows of the comparisons, or one of the failures.
type compared struct {
	rows    [][]string
	failure []string
}

// writeComparisons compares the examinations of each subject, several subjects at a
// time, and writes what came of it in their order.
func (t *tables) writeComparisons(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	results := make(chan chan []compared, t.jobs)
	group.Go(func() error {
		defer close(results)
		for subject := range subjects(t.entries, cohort.Pairs(t.entries)) {
			result := make(chan []compared, 1)
			select {
			case results <- result:
			case <-ctx.Done():
				return ctx.Err()
			}
			group.Go(func() error {
				defer close(result)
				all, err := t.compareSubject(subject)
				result <- all
				return err
			})
		}
		return nil
	})
	group.Go(func() error {
		for result := range results {
			for _, c := range <-result {
				if err := t.writeCompared(c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return group.Wait()
}

// subjects yields the pairs of each subject.
func subjects(entries []cohort.Entry, pairs []cohort.Pair) iter.Seq[[]cohort.Pair] {
	return func(yield func([]cohort.Pair) bool) {
		for len(pairs) > 0 {
			n := 1
			for n < len(pairs) && entries[pairs[n].Before].Subject == entries[pairs[0].Before].Subject {
				n++
			}
			if !yield(pairs[:n]) {
				return
			}
			pairs = pairs[n:]
		}
	}
}

func (t *tables) writeCompared(c compared) error {
	if c.failure != nil {
		return t.fail(c.failure)
	}
	t.totals.Comparisons++
	for _, row := range c.rows {
		t.summary.AddComparison(row)
		if err := t.comparisons.write(row); err != nil {
			return err
		}
	}
	return nil
}

// compareSubject compares all pairs of one subject.
func (t *tables) compareSubject(pairs []cohort.Pair) ([]compared, error) {
	held := map[int]*comparison.Examination{}
	all := make([]compared, len(pairs))
	for i, p := range pairs {
		for _, entry := range []int{p.Before, p.After} {
			if held[entry] != nil {
				continue
			}
			e := &t.entries[entry]
			var err error
			if held[entry], err = t.work.examination(&t.units[e.Study], e.Series); err != nil {
				return nil, err
			}
		}
		all[i] = t.compare(p, held[p.Before], held[p.After])
	}
	return all, nil
}

// compare compares two examinations. A panic is a failure of this pair alone: the
// next run would meet it again.
func (t *tables) compare(p cohort.Pair, first, second *comparison.Examination) (c compared) {
	before, after := &t.entries[p.Before], &t.entries[p.After]
	defer func() {
		if r := recover(); r != nil {
			c = compared{failure: t.index.NotCompared(before, after, fmt.Errorf("the comparison panicked: %v", r))}
		}
	}()
	rows, err := t.index.Compare(before, after, p.Overall, first, second)
	if err != nil {
		return compared{failure: t.index.NotCompared(before, after, err)}
	}
	return compared{rows: rows}
}

// outputs are files that are being written.
type outputs struct {
	work  *work
	parts []*part
}

// part is one of them.
type part struct {
	name string
	file *os.File
	end  func() error
}

// rowWriter writes rows to one or two files.
type rowWriter struct {
	writers []func([]string) error
}

func (w rowWriter) write(cells []string) error {
	for _, write := range w.writers {
		if err := write(cells); err != nil {
			return err
		}
	}
	return nil
}

// open begins a file; end is called before it is closed.
func (o *outputs) open(name string) (io.Writer, func(end func() error), error) {
	f, err := os.CreateTemp(o.work.dir, partPrefix)
	if err != nil {
		return nil, nil, err
	}
	buffered := bufio.NewWriter(f)
	p := &part{name: name, file: f, end: buffered.Flush}
	o.parts = append(o.parts, p)
	return buffered, func(end func() error) {
		p.end = func() error { return errors.Join(end(), buffered.Flush()) }
	}, nil
}

func (o *outputs) csv(name string, t cohort.Table) (rowWriter, error) {
	w, atEnd, err := o.open(name)
	if err != nil {
		return rowWriter{}, err
	}
	out := csv.NewWriter(w)
	atEnd(func() error { out.Flush(); return out.Error() })
	return rowWriter{[]func([]string) error{out.Write}}, out.Write(head(t.Columns))
}

func head(columns []report.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// both begins a table as CSV and as Parquet.
func (o *outputs) both(t cohort.Table) (rowWriter, error) {
	rows, err := o.csv(t.Name+".csv", t)
	if err != nil {
		return rows, err
	}
	w, atEnd, err := o.open(t.Name + ".parquet")
	if err != nil {
		return rows, err
	}
	p, err := cohort.NewParquetWriter(w, t, producer())
	if err != nil {
		return rows, err
	}
	atEnd(p.Close)
	rows.writers = append(rows.writers, p.Write)
	return rows, nil
}

// commit ends all files and gives them their names.
func (o *outputs) commit(folder string) error {
	for _, p := range o.parts {
		if err := p.end(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := p.file.Chmod(0o644); err != nil {
			return err
		}
	}
	for len(o.parts) > 0 {
		p := o.parts[0]
		o.parts = o.parts[1:]
		if err := o.work.settle(p.file, filepath.Join(folder, p.name), nil); err != nil {
			return err
		}
	}
	return nil
}

// abandon removes what was not committed.
func (o *outputs) abandon() {
	for _, p := range o.parts {
		_ = p.file.Close()           // what is in it is of no use
		_ = os.Remove(p.file.Name()) // the next run removes it too
	}
}
