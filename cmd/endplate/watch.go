// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func newWatchCommand() *cobra.Command {
	var server connection
	var document documentFlags
	var quiet bool
	cmd := &cobra.Command{
		Use:   "watch ANALYSIS…",
		Short: "Wait for analyses of a server and print what was found",
		Long: `Wait until analyses have ended, telling how far they are, and print their results.
The connection may break meanwhile; the server's work does not depend on it.

Exit status: 0 all have a result, 3 some failed or were cancelled, 1 all were,
2 usage, 130 interrupted.`,
		Example: `  endplate send ct/ --analyze | xargs endplate watch --format table
  endplate watch 4kjmdxq2ohrnmvprdgw3lmx5oq --out report.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := document.choose(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			conn, err := server.open()
			if err != nil {
				return err
			}
			defer conn.Close()
			err = watchAndPrint(cmd.Context(), endplatev1.NewAnalysisServiceClient(conn), args, document, f,
				newProgress(cmd.ErrOrStderr(), quiet), cmd.OutOrStdout())
			return told(server.server, err)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	document.addFlags(f)
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress on standard error")
	server.addFlags(f)
	return cmd
}

// watchAndPrint waits for analyses and prints the results of those that have one.
func watchAndPrint(ctx context.Context, analyses endplatev1.AnalysisServiceClient, ids []string, d documentFlags, f format, p *progress, stdout io.Writer) error {
	if f == formatHTML && len(ids) > 1 {
		return usagef("a page shows one analysis, and there are %d", len(ids))
	}
	runs, err := watchAll(ctx, analyses, ids, p)
	if err != nil {
		return err
	}
	var documents [][]byte
	for _, run := range runs {
		if run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
			p.printf("%s: %s", run.GetAnalysisId(), why(run))
			continue
		}
		r, err := analyses.ExportAnalysis(ctx, &endplatev1.ExportAnalysisRequest{AnalysisId: run.GetAnalysisId(), Format: exportFormats[f]})
		if err != nil {
			return err
		}
		documents = append(documents, r.GetContent())
	}
	if len(documents) == 0 {
		return fmt.Errorf("no analysis has a result: %s is %s", ids[0], why(runs[0]))
	}
	if err := d.write(documents, f, stdout); err != nil {
		return err
	}
	if len(documents) < len(runs) {
		return errPartial
	}
	return nil
}

// ended is what analyses and comparisons say of their end.
type ended interface {
	GetState() endplatev1.AnalysisState
	GetReason() string
	GetReasonCode() string
}

// why says how work ended that has no result.
func why(e ended) string {
	s := e.GetState().String()
	if e.GetReason() != "" {
		s += ": " + e.GetReason()
	}
	if e.GetReasonCode() != "" {
		s += " (" + reasonName(e.GetReasonCode()) + ")"
	}
	return s
}

// mostWatched bounds the analyses that are watched at a time: a server bounds the streams
// of one caller.
const mostWatched = 32

// watchAll waits for analyses and returns them in the order of their identifiers.
func watchAll(ctx context.Context, analyses endplatev1.AnalysisServiceClient, ids []string, p *progress) ([]*endplatev1.AnalysisRun, error) {
	w := &watching{progress: p, analyses: analyses, runs: make([]*endplatev1.AnalysisRun, len(ids))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostWatched)
	for i, id := range ids {
		group.Go(func() error { return w.watch(ctx, i, id) })
	}
	err := group.Wait()
	p.end()
	return w.runs, err
}

// watching shows how far several analyses are.
type watching struct {
	*progress
	analyses endplatev1.AnalysisServiceClient

	mu   sync.Mutex
	runs []*endplatev1.AnalysisRun // as they were last told of; nil before
}

// watch follows one analysis to its end, over as many streams as it takes.
func (w *watching) watch(ctx context.Context, i int, id string) error {
	var b backoff
	for {
		stream, err := w.analyses.WatchAnalysis(ctx, &endplatev1.WatchAnalysisRequest{AnalysisId: id})
		for err == nil {
			var r *endplatev1.WatchAnalysisResponse
			if r, err = stream.Recv(); err == nil {
				b = backoff{}
				w.show(i, r.GetAnalysis())
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if !b.again(ctx, err) {
			return err
		}
	}
}

// show notes what is told of an analysis.
func (w *watching) show(i int, run *endplatev1.AnalysisRun) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs[i] = run
	if run.GetState() == endplatev1.AnalysisState_SUCCEEDED {
		took := run.GetFinishedAt().AsTime().Sub(run.GetStartedAt().AsTime())
		w.printf("%s: measured in %.1f s", run.GetAnalysisId(), took.Seconds())
		return
	}
	done, fraction := 0, 0.
	for _, r := range w.runs {
		fraction += r.GetFractionDone()
		if r.GetFinishedAt() != nil {
			done++
		}
	}
	const parts = 1000
	w.printlive("%s %d of %d analyses, %s: %s %s", bar(int(parts*fraction), parts*len(w.runs)), done, len(w.runs),
		run.GetAnalysisId(), run.GetState(), run.GetStage())
}
