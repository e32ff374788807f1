// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/measure"
)

// The columns of a manifest. Others are left alone.
const (
	manifestPath      = "path"
	manifestSubject   = "subject"
	manifestTimepoint = "timepoint"
	manifestTreated   = "treated"
)

// manifest is a CSV with a line a study.
type manifest struct {
	name    string
	columns map[string]int
	ignored []string
	units   []unit
	faults  []error // by line
	lines   map[string]int
}

// readManifest reads the studies of a manifest. Paths are relative to its folder.
// All faults are reported together, with their lines.
func readManifest(name string) (*manifest, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("--manifest %s: %s", name, measure.Pathless(err))
	}
	defer f.Close()
	m := &manifest{name: name, lines: map[string]int{}}
	r, err := m.readHead(f)
	if err != nil {
		return nil, err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := r.FieldPos(0)
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			m.fault(parse.Line, "%v", parse.Err)
			break
		}
		if err != nil {
			return nil, fmt.Errorf("--manifest %s: %s", name, measure.Pathless(err))
		}
		m.add(line, record)
	}
	if len(m.units) == 0 && len(m.faults) == 0 {
		return nil, usagef("--manifest %s: no study in it", name)
	}
	if len(m.faults) > 0 {
		return nil, &usageError{errors.Join(m.faults...)}
	}
	orderTimepoints(m.units)
	return m, nil
}

// readHead reads the first line and settles what separates its columns.
func (m *manifest) readHead(f io.Reader) (*csv.Reader, error) {
	buffered := bufio.NewReader(f)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" { // as spreadsheets write it
		_, _ = buffered.Discard(len(mark))
	}
	first, _ := buffered.Peek(buffered.Size())
	head, _, _ := strings.Cut(string(first), "\n")
	r := csv.NewReader(buffered)
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	if !strings.Contains(head, ",") && strings.Contains(head, ";") {
		r.Comma = ';' // as spreadsheets write it where the comma is a decimal sign
	}
	names, err := r.Read()
	if err != nil {
		return nil, usagef("--manifest %s: no line with the names of its columns", m.name)
	}
	m.columns = map[string]int{}
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		if n == "treated levels" || n == "treated_levels" {
			n = manifestTreated
		}
		switch n {
		case manifestPath, manifestSubject, manifestTimepoint, manifestTreated:
			if _, twice := m.columns[n]; twice {
				return nil, usagef("%s:1: column %s stands twice", m.name, n)
			}
			m.columns[n] = i
		default:
			m.ignored = append(m.ignored, n)
		}
	}
	if _, ok := m.columns[manifestPath]; !ok {
		return nil, usagef("%s:1: no column path; columns are path, subject, timepoint and treated", m.name)
	}
	return r, nil
}

func (m *manifest) fault(line int, format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf("%s:%d: %w", m.name, line, fmt.Errorf(format, args...)))
}

// add takes in one line.
func (m *manifest) add(line int, record []string) {
	cell := func(column string) string {
		if i, ok := m.columns[column]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	given := cell(manifestPath)
	if given == "" {
		if !slices.ContainsFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			return
		}
		m.fault(line, "no path")
		return
	}
	path := filepath.Clean(given)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(m.name), path)
	}
	if _, err := os.Stat(path); err != nil {
		m.fault(line, "path %s: %s", given, measure.Pathless(err))
	} else if first, twice := m.lines[path]; twice {
		m.fault(line, "path %s stands in line %d too", given, first)
	}
	m.lines[path] = line
	u := unit{Path: filepath.ToSlash(filepath.Clean(given)), Tree: path}
	u.origin.Subject, u.origin.Timepoint = cell(manifestSubject), cell(manifestTimepoint)
	if _, named := m.columns[manifestSubject]; named && u.origin.Subject == "" {
		m.fault(line, "no subject")
	}
	_, u.origin.TreatedKnown = m.columns[manifestTreated]
	for _, name := range strings.FieldsFunc(cell(manifestTreated), func(r rune) bool { return strings.ContainsRune(" ,;+/", r) }) {
		level, err := spine.ParseLevel(strings.ToUpper(name))
		if err != nil {
			m.fault(line, "treated: %w", err)
			continue
		}
		u.origin.Treated = append(u.origin.Treated, level)
	}
	m.units = append(m.units, u)
}

// orderTimepoints places each study among the timepoints of its subject: by number
// or by date where all of them are one, else in the order of the lines.
func orderTimepoints(units []unit) {
	bySubject := map[string][]*cohort.Origin{}
	for i := range units {
		o := &units[i].origin
		bySubject[o.Subject] = append(bySubject[o.Subject], o)
	}
	for _, all := range bySubject {
		var names []string
		for _, o := range all {
			if !slices.Contains(names, o.Timepoint) {
				names = append(names, o.Timepoint)
			}
		}
		if by := timepointKey(names); by != nil {
			slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(by(a), by(b)) })
		}
		for _, o := range all {
			o.Order = slices.Index(names, o.Timepoint)
		}
	}
}

// timepointKey returns what timepoints are ordered by, nil if by nothing of their
// own.
func timepointKey(names []string) func(string) float64 {
	number := func(s string) (float64, bool) {
		x, err := strconv.ParseFloat(s, 64)
		return x, err == nil
	}
	date := func(s string) (float64, bool) {
		t, err := time.Parse(time.DateOnly, s)
		return float64(t.Unix()), err == nil
	}
	for _, key := range []func(string) (float64, bool){number, date} {
		if !slices.ContainsFunc(names, func(s string) bool { _, ok := key(s); return !ok }) {
			return func(s string) float64 { x, _ := key(s); return x }
		}
	}
	return nil
}
