// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// analysesFlags are the flags of endplate analyses.
type analysesFlags struct {
	connection
	study, series string
	states        []string
	limit         int
	revision      int32
	revisions     bool
	documentFlags
}

func newAnalysesCommand() *cobra.Command {
	var flags analysesFlags
	cmd := &cobra.Command{
		Use:   "analyses [ANALYSIS]",
		Short: "List the analyses of a server, or print the result of one",
		Long: `List the analyses that a server holds, the newest first; or, given one of them,
print its result as the server has it now, with what readers have corrected.
--revision 0 is the automatic result.`,
		Example: `  endplate analyses --state RUNNING --state QUEUED
  endplate analyses 4kjmdxq2ohrnmvprdgw3lmx5oq --format table
  endplate analyses 4kjmdxq2ohrnmvprdgw3lmx5oq --revisions`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := flags.open()
			if err != nil {
				return err
			}
			defer conn.Close()
			client := endplatev1.NewAnalysisServiceClient(conn)
			revision := &flags.revision
			if !cmd.Flags().Changed("revision") {
				revision = nil
			}
			switch {
			case len(args) == 0:
				err = listAnalyses(cmd.Context(), client, flags, cmd.OutOrStdout())
			case flags.revisions:
				err = listRevisions(cmd.Context(), client, args[0], cmd.OutOrStdout())
			default:
				err = printAnalysis(cmd.Context(), client, args[0], revision, flags.documentFlags, cmd.OutOrStdout())
			}
			return told(flags.server, err)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.study, "study", "", "only those of the study with this StudyInstanceUID")
	f.StringVar(&flags.series, "series", "", "only those of the series with this SeriesInstanceUID")
	f.StringSliceVar(&flags.states, "state", nil, "only those in this state, such as FAILED; repeatable")
	f.IntVar(&flags.limit, "limit", 50, "list `N` at most")
	f.Int32Var(&flags.revision, "revision", 0, "print this revision of the result (default the newest)")
	f.BoolVar(&flags.revisions, "revisions", false, "list the revisions of the result")
	flags.documentFlags.addFlags(f)
	flags.connection.addFlags(f)
	return cmd
}

// largestPage is the most that a page of a list holds.
const largestPage = 500

// listAnalyses prints a line for each analysis.
func listAnalyses(ctx context.Context, analyses endplatev1.AnalysisServiceClient, flags analysesFlags, stdout io.Writer) error {
	request := &endplatev1.ListAnalysesRequest{StudyInstanceUid: flags.study, SeriesInstanceUid: flags.series}
	for _, s := range flags.states {
		state, ok := endplatev1.AnalysisState_value[strings.ToUpper(s)]
		if !ok || state == 0 {
			return usagef("--state %s: want QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED or PARKED", s)
		}
		request.States = append(request.States, endplatev1.AnalysisState(state))
	}
	if flags.limit < 1 {
		return usagef("--limit %d: want at least 1", flags.limit)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "analysis\tstate\tcreated\trevision\tseries\tnote")
	for left := flags.limit; left > 0; {
		request.PageSize = int32(min(left, largestPage))
		page, err := analyses.ListAnalyses(ctx, request)
		if err != nil {
			return err
		}
		for _, a := range page.GetAnalyses() {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", a.GetAnalysisId(), a.GetState(), moment(a.GetCreatedAt()),
				a.GetLatestRevision(), a.GetSeriesInstanceUid(), note(a))
		}
		left -= len(page.GetAnalyses())
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	return w.Flush()
}

// note says what else there is to say of an analysis in a list.
func note(a *endplatev1.AnalysisRun) string {
	switch {
	case a.GetState() == endplatev1.AnalysisState_RUNNING:
		return fmt.Sprintf("%s, %.0f %%", a.GetStage(), 100*a.GetFractionDone())
	case a.GetReason() != "":
		return a.GetReason()
	}
	return ""
}

// moment writes a time as the user's clock shows it.
func moment(t *timestamppb.Timestamp) string {
	if t == nil {
		return "–"
	}
	return t.AsTime().Local().Format(time.DateTime)
}

// listRevisions prints a line for each revision of a result.
func listRevisions(ctx context.Context, analyses endplatev1.AnalysisServiceClient, id string, stdout io.Writer) error {
	r, err := analyses.ListRevisions(ctx, &endplatev1.ListRevisionsRequest{AnalysisId: id})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "revision\tcreated\tauthor\tcorrections\treviewed\tcomment")
	for _, v := range r.GetRevisions() {
		author, reviewed := v.GetAuthor(), "no"
		if author == "" {
			author = "automatic"
		}
		if v.GetReviewed() {
			reviewed = "yes"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\n", v.GetNumber(), moment(v.GetCreatedAt()), author, len(v.GetCorrections()), reviewed, v.GetComment())
	}
	return w.Flush()
}

// printAnalysis prints the result of an analysis.
func printAnalysis(ctx context.Context, analyses endplatev1.AnalysisServiceClient, id string, revision *int32, d documentFlags, stdout io.Writer) error {
	f, err := d.choose(stdout)
	if err != nil {
		return err
	}
	r, err := analyses.ExportAnalysis(ctx, &endplatev1.ExportAnalysisRequest{AnalysisId: id, Revision: revision, Format: exportFormats[f]})
	if err != nil {
		return err
	}
	return d.write([][]byte{r.GetContent()}, f, stdout)
}
