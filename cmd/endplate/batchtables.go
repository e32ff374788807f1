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
	"os"
	"path/filepath"

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
	units   []unit
	index   cohort.Index
	entries []cohort.Entry

	files                            outputs
	vertebrae, comparisons, failures rowWriter
	summary                          *cohort.Summary
	totals                           totals
}

// writeTables writes all outputs, under their names only once they are whole.
func writeTables(ctx context.Context, w *work, units []unit, out string) (*totals, error) {
	t := &tables{work: w, units: units, files: outputs{work: w}, summary: cohort.NewSummary()}
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

// writeComparisons compares the examinations of each subject. Only those of one
// subject are held at a time.
func (t *tables) writeComparisons(ctx context.Context) error {
	held := map[int]*comparison.Examination{}
	subject := ""
	for _, p := range cohort.Pairs(t.entries) {
		if err := ctx.Err(); err != nil {
			return err
		}
		before, after := &t.entries[p.Before], &t.entries[p.After]
		if before.Subject != subject {
			subject = before.Subject
			clear(held)
		}
		for _, i := range []int{p.Before, p.After} {
			if err := t.hold(held, i); err != nil {
				return err
			}
		}
		rows, failure := t.compare(before, after, p.Overall, held[p.Before], held[p.After])
		if failure != nil {
			if err := t.fail(failure); err != nil {
				return err
			}
			continue
		}
		t.totals.Comparisons++
		for _, row := range rows {
			t.summary.AddComparison(row)
			if err := t.comparisons.write(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold reads the examination of an entry.
func (t *tables) hold(held map[int]*comparison.Examination, entry int) error {
	if held[entry] != nil {
		return nil
	}
	e := &t.entries[entry]
	s, err := t.work.study(&t.units[e.Study])
	if err != nil {
		return err
	}
	held[entry] = s.Series[e.Series].Examination
	return nil
}

// compare compares two examinations. A panic is a failure of this pair alone: the
// next run would meet it again.
func (t *tables) compare(before, after *cohort.Entry, overall bool, first, second *comparison.Examination) (rows [][]string, failure []string) {
	defer func() {
		if r := recover(); r != nil {
			rows, failure = nil, t.index.NotCompared(before, after, fmt.Errorf("the comparison panicked: %v", r))
		}
	}()
	rows, err := t.index.Compare(before, after, overall, first, second)
	if err != nil {
		return nil, t.index.NotCompared(before, after, err)
	}
	return rows, nil
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
