// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/api/measure"
)

// saidFlags say of single examinations what endplate measure is told of one: N:VALUE, N
// being the place of the examination among the arguments, from 1. Without it, a value is
// for the only film or, as a position in the patient, for the only CT.
type saidFlags struct {
	levels, seeds, corners, anterior, scale []string
}

func (flags *saidFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&flags.levels, "level", nil, "fix the name of one vertebra, as [N:]LEVEL@col,row on a film, [N:]LEVEL@x,y,z in a CT; N is the examination's place among the arguments, which the only film or CT needs not")
	f.StringArrayVar(&flags.seeds, "seed", nil, "centre of a vertebral body on a film, as [N:]LEVEL@col,row; twice or more")
	f.StringArrayVar(&flags.corners, "corners", nil, "[N:]JSON with points of vertebrae on a film")
	f.StringArrayVar(&flags.anterior, "anterior", nil, "[N:]left or [N:]right: side of a film on which anterior lies")
	f.StringArrayVar(&flags.scale, "scale", nil, "known distance on a film, as [N:]MM@col,row-col,row")
}

// saying is what was said of one examination.
type saying struct {
	film  *measureFlags
	fixed *naming.Fixed // in a CT
}

// tellings is what was said by the place of the examination, from 1; 0 holds what was said
// of the only film or CT.
type tellings struct {
	examinations int
	all          map[int]*saying
	film         map[int]*analysis.FilmOptions // as all says

	used             map[int]bool // by place
	usedFilm, usedCT bool         // of place 0
}

// parse reads the flags, for so many examinations.
func (flags *saidFlags) parse(examinations int) (*tellings, error) {
	t := &tellings{examinations: examinations, all: map[int]*saying{}, film: map[int]*analysis.FilmOptions{}, used: map[int]bool{}}
	for _, f := range []struct {
		name   string
		values []string
		set    func(*measureFlags, string)
	}{
		{"seed", flags.seeds, func(m *measureFlags, s string) { m.seeds = append(m.seeds, s) }},
		{"corners", flags.corners, func(m *measureFlags, s string) { m.corners = s }},
		{"anterior", flags.anterior, func(m *measureFlags, s string) { m.anterior = s }},
		{"scale", flags.scale, func(m *measureFlags, s string) { m.scale = s }},
	} {
		for _, value := range f.values {
			one, rest, err := t.of(f.name, value)
			if err != nil {
				return nil, err
			}
			f.set(one.ofFilm(), rest)
		}
	}
	for _, value := range flags.levels {
		one, rest, err := t.of("level", value)
		if err != nil {
			return nil, err
		}
		if strings.Count(rest, ",") == 1 {
			one.ofFilm().level = rest
			continue
		}
		if one.fixed, err = parseFixed(rest); err != nil {
			return nil, usagef("--level %s: %w", value, err)
		}
	}
	for n, one := range t.all {
		if one.film == nil {
			continue
		}
		opt, err := one.film.filmOptions()
		if err != nil {
			return nil, err
		}
		t.film[n] = &opt
	}
	return t, nil
}

// of returns what a value is said of, and the value.
func (t *tellings) of(flag, value string) (*saying, string, error) {
	n, rest := 0, value
	if before, after, ok := strings.Cut(value, ":"); ok {
		if at, err := strconv.Atoi(before); err == nil {
			n, rest = at, after
			if n < 1 || n > t.examinations {
				return nil, "", usagef("--%s %s: there are %d examinations", flag, value, t.examinations)
			}
		}
	}
	if t.all[n] == nil {
		t.all[n] = &saying{}
	}
	return t.all[n], rest, nil
}

func (t *saying) ofFilm() *measureFlags {
	if t.film == nil {
		t.film = &measureFlags{}
	}
	return t.film
}

// options returns how a series of examination n, from 1, is measured. alone says whether it
// is the examination's only one.
func (t *tellings) options(n int, s *measure.Series, alone bool) (opt measure.Options, err error) {
	use := func(has func(int) bool, used *bool, what string) (at int, err error) {
		switch {
		case has(n):
			at = n
		case has(0) && *used:
			return 0, usagef("there is more than one %s: say of which examination --level, --seed, --corners, --anterior and --scale are, as 1:VALUE", what)
		case has(0):
			*used = true
		default:
			return -1, nil
		}
		if !alone {
			return 0, usagef("%s: what is said of one %s goes with an examination of one series: name its file, or --series", s.Examination.Path, what)
		}
		t.used[n] = t.used[n] || at == n
		return at, nil
	}
	if s.IsFilm() {
		at, err := use(func(n int) bool { return t.film[n] != nil }, &t.usedFilm, "film")
		if err != nil || at < 0 {
			return opt, err
		}
		opt.Film = *t.film[at]
		return opt, nil
	}
	at, err := use(func(n int) bool { return t.all[n] != nil && t.all[n].fixed != nil }, &t.usedCT, "CT")
	if err != nil || at < 0 {
		return opt, err
	}
	opt.Fixed = t.all[at].fixed
	return opt, nil
}

// unused returns an error where something was said of a film or CT that there is none of.
func (t *tellings) unused() error {
	var places []int
	for n := range t.all {
		places = append(places, n)
	}
	slices.Sort(places)
	for _, n := range places {
		switch {
		case n > 0 && !t.used[n]:
			return usagef("examination %d is not of the kind that --level, --seed, --corners, --anterior and --scale speak of: a film's points are two numbers, a CT's three", n)
		case n == 0 && t.film[0] != nil && !t.usedFilm:
			return usagef("--level, --seed, --corners, --anterior and --scale speak of a film, and there is none")
		case n == 0 && t.all[0].fixed != nil && !t.usedCT:
			return usagef("--level speaks of a CT, and there is none")
		}
	}
	return nil
}
