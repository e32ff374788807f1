// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis/spine"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// comparisonsFlags are the flags of endplate comparisons.
type comparisonsFlags struct {
	connection
	study     string
	limit     int
	treated   []string
	keepOrder bool
	force     bool
	documentFlags
}

func newComparisonsCommand() *cobra.Command {
	var flags comparisonsFlags
	cmd := &cobra.Command{
		Use:   "comparisons [COMPARISON | ANALYSIS ANALYSIS…]",
		Short: "Compare analyses of a server, list its comparisons, or print one",
		Long: `Given two or more analyses that a server holds, have it compare them, wait, and print
what changed, as 'endplate compare' does of files. Given one comparison, print it.
Without either, list the comparisons, the newest first.`,
		Example: `  endplate comparisons 4kjmdxq2ohrnmvprdgw3lmx5oq x2f6i7yr3lqmepj3vw5z5i4tbq
  endplate comparisons --study 1.2.826.0.1.3680043.8.498.1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := flags.open()
			if err != nil {
				return err
			}
			defer conn.Close()
			client := endplatev1.NewComparisonServiceClient(conn)
			if len(args) == 0 {
				err = listComparisons(cmd.Context(), client, flags, cmd.OutOrStdout())
			} else {
				err = printComparison(cmd.Context(), client, args, flags, cmd.OutOrStdout())
			}
			return told(flags.server, err)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&flags.treated, "treated", nil, "level that was treated, also where no cement shows; repeatable")
	f.BoolVar(&flags.keepOrder, "keep-order", false, "the first analysis given is the first, whatever the dates say")
	f.BoolVar(&flags.force, "force", false, "compare examinations of different patients too")
	f.StringVar(&flags.study, "study", "", "list only those with the study of this StudyInstanceUID")
	f.IntVar(&flags.limit, "limit", 50, "list `N` at most")
	flags.documentFlags.addFlags(f)
	flags.connection.addFlags(f)
	return cmd
}

func listComparisons(ctx context.Context, comparisons endplatev1.ComparisonServiceClient, flags comparisonsFlags, stdout io.Writer) error {
	if flags.limit < 1 {
		return usagef("--limit %d: want at least 1", flags.limit)
	}
	request := &endplatev1.ListComparisonsRequest{StudyInstanceUid: flags.study}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "comparison\tstate\tcreated\tanalyses\tnote")
	for left := flags.limit; left > 0; {
		request.PageSize = int32(min(left, largestPage))
		page, err := comparisons.ListComparisons(ctx, request)
		if err != nil {
			return err
		}
		for _, c := range page.GetComparisons() {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.GetComparisonId(), c.GetState(), moment(c.GetCreatedAt()),
				strings.Join(c.GetAnalysisIds(), " "), c.GetReason())
		}
		left -= len(page.GetComparisons())
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	return w.Flush()
}

// printComparison prints a comparison: the one named, or a new one of the analyses
// named.
func printComparison(ctx context.Context, comparisons endplatev1.ComparisonServiceClient, ids []string, flags comparisonsFlags, stdout io.Writer) error {
	f, err := flags.choose(stdout)
	if err != nil {
		return err
	}
	if f.isObject() && f != formatSR {
		return usagef("--format %s: the only DICOM object of a comparison is %s", f, formatSR)
	}
	id := ids[0]
	if len(ids) > 1 {
		options, err := flags.options()
		if err != nil {
			return err
		}
		r, err := comparisons.CreateComparison(ctx, &endplatev1.CreateComparisonRequest{AnalysisIds: ids, Options: options, RequestId: rand.Text()})
		if err != nil {
			return err
		}
		id = r.GetComparison().GetComparisonId()
	}
	run, err := awaitComparison(ctx, comparisons, id)
	if err != nil {
		return err
	}
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
		return fmt.Errorf("comparison %s is %s", id, why(run))
	}
	r, err := comparisons.ExportComparison(ctx, &endplatev1.ExportComparisonRequest{ComparisonId: id, Format: exportFormats[f]})
	if err != nil {
		return err
	}
	return flags.write([][]byte{r.GetContent()}, f, stdout)
}

func (flags *comparisonsFlags) options() (*endplatev1.ComparisonOptions, error) {
	options := &endplatev1.ComparisonOptions{KeepOrder: flags.keepOrder, Force: flags.force}
	for _, s := range flags.treated {
		level, err := parseLevel(s)
		if err != nil {
			return nil, usagef("--treated %s: %w", s, err)
		}
		options.Treated = append(options.Treated, level)
	}
	return options, nil
}

// parseLevel returns the level of a name, as messages have it.
func parseLevel(s string) (endplatev1.Level, error) {
	l, err := spine.ParseLevel(strings.ToUpper(s))
	return endplatev1.Level(l), err
}

// awaitComparison waits until a comparison has ended, over as many streams as it takes.
func awaitComparison(ctx context.Context, comparisons endplatev1.ComparisonServiceClient, id string) (*endplatev1.ComparisonRun, error) {
	var b backoff
	for {
		run, err := lastOfComparison(ctx, comparisons, id)
		if err == nil || !b.again(ctx, err) {
			return run, err
		}
	}
}

// lastOfComparison returns the last message of a stream about a comparison.
func lastOfComparison(ctx context.Context, comparisons endplatev1.ComparisonServiceClient, id string) (*endplatev1.ComparisonRun, error) {
	stream, err := comparisons.WatchComparison(ctx, &endplatev1.WatchComparisonRequest{ComparisonId: id})
	if err != nil {
		return nil, err
	}
	var last *endplatev1.ComparisonRun
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return nil, err
		}
		last = r.GetComparison()
	}
}
