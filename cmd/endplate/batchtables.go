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
	"github.com/endplate/endplate/analysis/report"
)

// totals are the counts that a batch ends with.
type totals struct {
	Studies, Measured   int
	Vertebrae, Failures int
}

func (t *totals) String() string {
	return fmt.Sprintf("%d studies, %d measured; %d vertebrae; %d failures", t.Studies, t.Measured, t.Vertebrae, t.Failures)
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

// writeTables writes the tables from the records of all units: in a fixed order,
// a study at a time, under their names only once all of them are whole.
func writeTables(ctx context.Context, w *work, units []unit, out string) (*totals, error) {
	t := &totals{Studies: len(units)}
	files := &outputs{work: w}
	defer files.abandon()
	failures, err := files.csv("failures.csv", cohort.Failures())
	if err != nil {
		return nil, err
	}
	index := &cohort.Index{}
	for i := range units {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := w.study(&units[i])
		if err != nil {
			return nil, err
		}
		index.Add(units[i].origin, s)
		if len(s.Series) > 0 {
			t.Measured++
		}
		for _, row := range cohort.FailureRows(&units[i].origin, s) {
			t.Failures++
			if err := failures.write(row); err != nil {
				return nil, err
			}
		}
	}
	if err := writeVertebrae(ctx, files, units, index, t); err != nil {
		return nil, err
	}
	return t, files.commit(out)
}

func writeVertebrae(ctx context.Context, files *outputs, units []unit, index *cohort.Index, t *totals) error {
	vertebrae, err := files.both(cohort.Vertebrae())
	if err != nil {
		return err
	}
	entries := index.Order()
	var study *cohort.Study
	last := -1
	for i := range entries {
		e := &entries[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Study != last {
			if study, err = files.work.study(&units[e.Study]); err != nil {
				return err
			}
			last = e.Study
		}
		for _, row := range index.VertebraRows(e, study) {
			t.Vertebrae++
			if err := vertebrae.write(row); err != nil {
				return err
			}
		}
	}
	return nil
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
	p, err := cohort.NewParquetWriter(w, t, cohort.Producer{Algorithm: name, Version: versionString()})
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
