// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/analysis/comparison"
)

// Index puts the series of many studies in order. It keeps some hundred bytes of
// each.
type Index struct {
	origins []Origin
	entries []Entry
}

// Entry is one series and its place in the cohort.
type Entry struct {
	Study, Series int // the series is the Series-th of the Study-th that was added

	Subject   string
	Timepoint string
	// Days is since the subject's first examination; nil where a date is not known.
	Days *int
	// Representative says that the series stands for its timepoint in comparisons.
	Representative bool

	patient  string // who it is by the headers; empty if not known
	occasion string // what makes one timepoint where the caller names none
	order    int    // of the timepoint
	acquired time.Time
	uid      string
	measured int
	spacing  float64
	film     bool
}

// Add takes in a study. Studies are added in the order of their paths.
func (x *Index) Add(o Origin, s *Study) {
	study := len(x.origins)
	x.origins = append(x.origins, o)
	for i := range s.Series {
		about := &s.Series[i].About
		x.entries = append(x.entries, Entry{
			Study: study, Series: i,
			Subject: o.Subject, Timepoint: o.Timepoint, order: o.Order,
			patient: patientOf(about.Patient),
			// What has no StudyInstanceUID is an occasion of its own.
			occasion: cmp.Or(about.StudyInstanceUID, fmt.Sprintf("%d/%d", study, i)),
			acquired: about.Acquired,
			uid:      about.SeriesInstanceUID,
			measured: s.Series[i].Measured,
			spacing:  about.SliceSpacing,
			film:     s.Series[i].Film,
		})
	}
}

// patientOf returns a text that is the same for examinations of one patient, empty
// where the headers do not say who it is.
func patientOf(id comparison.Identity) string {
	if id.Patient == "" {
		return ""
	}
	return strings.Join([]string{id.Patient, id.Issuer, id.Traits}, "\x00")
}

// Origin returns where a study comes from.
func (x *Index) Origin(study int) *Origin { return &x.origins[study] }

// Order names subjects and timepoints where the caller did not, and returns all
// series: by subject, timepoint, path and series.
func (x *Index) Order() []Entry {
	x.nameSubjects()
	bySubject := map[string][]*Entry{}
	for i := range x.entries {
		e := &x.entries[i]
		bySubject[e.Subject] = append(bySubject[e.Subject], e)
	}
	for _, all := range bySubject {
		orderTimepoints(all)
	}
	slices.SortStableFunc(x.entries, func(a, b Entry) int {
		return cmp.Or(
			strings.Compare(a.Subject, b.Subject), cmp.Compare(a.order, b.order),
			strings.Compare(x.origins[a.Study].Path, x.origins[b.Study].Path), cmp.Compare(a.Study, b.Study),
			strings.Compare(a.uid, b.uid), cmp.Compare(a.Series, b.Series))
	})
	return x.entries
}

// nameSubjects names those that the caller did not name by their number, in the
// order of their first study. What does not say whose it is has a subject of its
// own.
func (x *Index) nameSubjects() {
	names := map[string]string{}
	taken := map[string]bool{}
	for i := range x.entries {
		taken[x.entries[i].Subject] = true
	}
	number := 0
	for i := range x.entries {
		e := &x.entries[i]
		if e.Subject != "" {
			continue
		}
		key := cmp.Or(e.patient, fmt.Sprintf("study %d", e.Study))
		if names[key] == "" {
			for names[key] == "" || taken[names[key]] {
				number++
				names[key] = fmt.Sprintf("subject-%04d", number)
			}
		}
		e.Subject = names[key]
	}
}

// orderTimepoints fills in the timepoints of one subject's series, and which series
// stand for them.
func orderTimepoints(all []*Entry) {
	if slices.ContainsFunc(all, func(e *Entry) bool { return e.Timepoint == "" }) {
		numberOccasions(all)
	}
	byOrder := map[int]*Entry{}
	for _, e := range all {
		if best := byOrder[e.order]; best == nil || preferred(e, best) {
			byOrder[e.order] = e
		}
	}
	var first time.Time
	for _, e := range byOrder {
		e.Representative = true
		if !e.acquired.IsZero() && (first.IsZero() || e.acquired.Before(first)) {
			first = e.acquired
		}
	}
	for _, e := range all {
		if !e.acquired.IsZero() {
			days := daysBetween(first, e.acquired)
			e.Days = &days
		}
	}
}

// numberOccasions makes a timepoint of each occasion, in the order of their dates;
// what has none comes last, in the order in which it was added.
func numberOccasions(all []*Entry) {
	type occasion struct {
		at    time.Time
		added int
	}
	first := map[string]occasion{}
	var keys []string
	for i, e := range all {
		o, ok := first[e.occasion]
		if !ok {
			keys = append(keys, e.occasion)
			first[e.occasion] = occasion{e.acquired, i}
		} else if !e.acquired.IsZero() && (o.at.IsZero() || e.acquired.Before(o.at)) {
			first[e.occasion] = occasion{e.acquired, o.added}
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		p, q := first[a], first[b]
		switch {
		case p.at.IsZero() != q.at.IsZero() && p.at.IsZero():
			return 1
		case p.at.IsZero() != q.at.IsZero():
			return -1
		}
		return cmp.Or(p.at.Compare(q.at), cmp.Compare(p.added, q.added))
	})
	for _, e := range all {
		e.order = slices.Index(keys, e.occasion)
		if e.Timepoint == "" {
			e.Timepoint = fmt.Sprint(e.order + 1)
		}
	}
}

// preferred reports whether a shows more than b: a CT with any measured vertebra more than a
// film, then more measured vertebrae, then thinner slices, then by name.
func preferred(a, b *Entry) bool {
	isFilm := func(e *Entry) int {
		if e.film || e.measured == 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(isFilm(a), isFilm(b)), cmp.Compare(b.measured, a.measured), cmp.Compare(thickness(a), thickness(b)),
		strings.Compare(a.uid, b.uid), cmp.Compare(a.Study, b.Study), cmp.Compare(a.Series, b.Series)) < 0
}

// thickness returns the slice spacing, the largest number where it is not known.
func thickness(e *Entry) float64 {
	if e.spacing == 0 {
		return math.MaxFloat64
	}
	return e.spacing
}

// daysBetween counts calendar days.
func daysBetween(from, to time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(to).Sub(day(from)).Hours() / 24)
}

// Pair are two examinations of a subject to be compared, by their places in the
// order.
type Pair struct {
	Before, After int
	// Overall says that it is the first with the last of more than two.
	Overall bool
}

// Pairs returns what is compared among ordered entries: each subject's
// representative examinations one after another, and the first with the last
// where there are more than two.
func Pairs(ordered []Entry) []Pair {
	var pairs []Pair
	var of []int // the subject's representatives
	end := func() {
		for i := 1; i < len(of); i++ {
			pairs = append(pairs, Pair{Before: of[i-1], After: of[i]})
		}
		if len(of) > 2 {
			pairs = append(pairs, Pair{Before: of[0], After: of[len(of)-1], Overall: true})
		}
		of = of[:0]
	}
	for i := range ordered {
		if i > 0 && ordered[i].Subject != ordered[i-1].Subject {
			end()
		}
		if ordered[i].Representative {
			of = append(of, i)
		}
	}
	end()
	return pairs
}
