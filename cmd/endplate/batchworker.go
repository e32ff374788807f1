// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/api/measure"
)

// workerCommand is the name of the command that measures for a batch. It reads
// units and writes what came of each.
const workerCommand = "batch-worker"

// measuredUnit is a worker's answer.
type measuredUnit struct {
	Version      string
	Study        *cohort.Study
	Examinations []*comparison.Examination // of the study
}

func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    workerCommand,
		Short:  "Measure studies for a batch",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// An interrupt reaches all processes of a terminal. What it means for the
			// worker is for the batch to say, by closing its input.
			return measure.Serve(context.WithoutCancel(cmd.Context()), cmd.InOrStdin(), cmd.OutOrStdout(),
				func(ctx context.Context, u *unit, _ func(string, float64)) *measuredUnit {
					s := measureUnit(ctx, u)
					return &measuredUnit{versionString(), s, s.Examinations}
				})
		},
	}
}

// codeNoImage says that a study has neither a CT image nor a film.
const codeNoImage = "NO_IMAGE"

// measureUnit reads and measures all series of a unit.
func measureUnit(ctx context.Context, u *unit) *cohort.Study {
	study := &cohort.Study{}
	in := measure.Sort(u.sources())
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		study.Failures = append(study.Failures, report.Skipped{Path: u.Path, Code: measure.CodeFailed, Reason: err.Error()})
		return study
	}
	defer catalog.Close()
	skipped := append(in.Skipped, measure.Skipped(catalog)...)
	study.Failures = measure.Failed(skipped, nil)
	all := in.Series(catalog, []string{u.Path})
	for _, s := range all {
		s.Examination.Path, s.About.Name = u.Path, u.Path
		m := s.Measure(ctx, measure.Options{})
		if m.Skipped != nil {
			study.Failures = append(study.Failures, *m.Skipped)
			continue
		}
		study.Add(m.Examination, s.About)
	}
	study.LeaveFrontal()
	if len(all) == 0 && len(study.Failures) == 0 {
		study.Failures = append(study.Failures, noImage(u.Path, in, skipped))
	}
	return study
}

// noImage says what there is instead of an image of a spine.
func noImage(path string, in measure.Inputs, skipped []report.Skipped) report.Skipped {
	reason := "no CT image and no film among its files"
	switch {
	case len(in.DICOM)+len(in.NIfTI)+len(in.Skipped) == 0:
		reason = "no file"
	case len(skipped) > 0:
		reason += "; " + skipped[0].Path + ": " + skipped[0].Reason
	}
	return report.Skipped{Path: path, Code: codeNoImage, Reason: reason}
}

// startWorker starts a process that measures units on so many processors.
func startWorker(processors int, limit time.Duration) (*measure.Process, error) {
	return measure.Start(
		measure.Command{Args: []string{name, workerCommand}, Env: os.Environ()},
		measure.Limits{Time: limit, Processors: processors},
	)
}

// measureBy lets the worker measure a unit. After an error the worker is gone.
func measureBy(ctx context.Context, w *measure.Process, u *unit) (*cohort.Study, error) {
	answer, err := measure.Ask[measuredUnit](ctx, w, u, func(string, float64) {})
	if err != nil {
		return nil, err
	}
	if answer.Version != versionString() {
		w.Stop()
		return nil, fmt.Errorf("the program was replaced by version %s during the run", answer.Version)
	}
	answer.Study.Examinations = answer.Examinations
	return answer.Study, nil
}
