// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/measure"
)

// Codes of studies that could not be measured for what they do to the program.
const (
	codeTimeLimit = "TIME_LIMIT"
	codeCrashed   = "CRASHED"
)

// maxDeaths is how often the whole run may end while a study is measured alone
// before the study is given up.
const maxDeaths = 10

// measuring measures units by several workers and keeps what comes of them.
type measuring struct {
	work     *work
	jobs     int
	cpus     int
	limit    time.Duration
	progress *batchProgress

	mu       sync.Mutex
	suspects []suspect
}

// suspect is a unit that was being measured when a process ended. It is measured
// again after all others, alone, so that nothing else is lost with it and nothing
// else can be the cause.
type suspect struct {
	unit   *unit
	deaths int // how often the whole run ended while it was measured alone
}

// run measures all units. Its error concerns all of them.
func (m *measuring) run(ctx context.Context, units []*unit) error {
	var fresh []*unit
	for _, u := range units {
		if deaths, ok := m.work.started(u); ok {
			m.suspects = append(m.suspects, suspect{u, deaths})
		} else {
			fresh = append(fresh, u)
		}
	}
	if err := m.together(ctx, fresh); err != nil {
		return err
	}
	slices.SortStableFunc(m.suspects, func(a, b suspect) int { return a.deaths - b.deaths })
	return m.alone(ctx)
}

// together measures units side by side.
func (m *measuring) together(ctx context.Context, units []*unit) error {
	queue := make(chan *unit)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		for _, u := range units {
			select {
			case queue <- u:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(m.jobs, len(units)) {
		group.Go(func() error {
			var w *measure.Process
			defer func() {
				if w != nil {
					w.Stop()
				}
			}()
			for u := range queue {
				if err := m.one(ctx, &w, max(1, m.cpus/m.jobs), suspect{unit: u}, false); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// alone measures the suspects one after another.
func (m *measuring) alone(ctx context.Context) error {
	var w *measure.Process
	defer func() {
		if w != nil {
			w.Stop()
		}
	}()
	for _, s := range m.suspects {
		if s.deaths >= maxDeaths {
			reason := fmt.Sprintf("the run ended %d times while it measured this study alone", s.deaths)
			if err := m.fail(s.unit, codeCrashed, reason); err != nil {
				return err
			}
			continue
		}
		if err := m.one(ctx, &w, m.cpus, s, true); err != nil {
			return err
		}
	}
	return nil
}

// one measures one unit by the worker *w, which it starts where there is none.
func (m *measuring) one(ctx context.Context, w **measure.Process, cpus int, s suspect, alone bool) (err error) {
	deaths := s.deaths
	if alone {
		deaths++
	}
	if err := m.work.start(s.unit, deaths); err != nil {
		return err
	}
	if *w == nil {
		if *w, err = startWorker(cpus, m.limit); err != nil {
			return err
		}
	}
	study, err := measureBy(ctx, *w, s.unit)
	if err == nil {
		return m.finish(s.unit, study)
	}
	*w = nil
	crash, crashed := errors.AsType[*measure.CrashError](err)
	switch {
	case ctx.Err() != nil && alone:
		return errors.Join(ctx.Err(), m.work.start(s.unit, s.deaths))
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), m.work.forget(s.unit))
	case errors.Is(err, measure.ErrTimeLimit):
		return m.fail(s.unit, codeTimeLimit, fmt.Sprintf("not measured within %v", m.limit))
	case crashed && crash.Killed && !alone:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.suspects = append(m.suspects, suspect{unit: s.unit})
		return nil
	case crashed:
		return m.fail(s.unit, codeCrashed, "the process that measured it ended: "+crash.Reason)
	}
	return err
}

// fail keeps why a unit could not be measured.
func (m *measuring) fail(u *unit, code, reason string) error {
	return m.finish(u, &cohort.Study{Failures: []report.Skipped{{Path: u.Path, Code: code, Reason: reason}}})
}

func (m *measuring) finish(u *unit, s *cohort.Study) error {
	if err := m.work.finish(u, s); err != nil {
		return err
	}
	m.progress.finished(u, s)
	return nil
}
