// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// correctFlags are the flags of endplate correct.
type correctFlags struct {
	connection
	corrections
	file     string
	base     int32
	baseSaid bool
	comment  string
	reviewed bool
}

func newCorrectCommand() *cobra.Command {
	var flags correctFlags
	cmd := &cobra.Command{
		Use:   "correct ANALYSIS",
		Short: "Correct the result of an analysis of a server, and print what that changes",
		Long: `Make a new revision of a result by what a reader changes: the server measures and
judges anew by it, and keeps the automatic result and every other revision. What
changed is printed: heights, wedge angles, grades, findings.

Corrections are made in the order of their flags. --file takes an
endplate.v1.CorrectAnalysisRequest as JSON, whose corrections come before those
of flags; it corrects the revision that its base_revision says, 0 if it says none.
Without --file and --base it is the newest one.`,
		Example: `  endplate correct 4kjmdxq2ohrnmvprdgw3lmx5oq --move L1:superior-anterior@2.5,-180,-412 --reviewed
  endplate correct 4kjmdxq2ohrnmvprdgw3lmx5oq --shift T12=L1 --comment "twelfth rib is short"
  endplate correct 4kjmdxq2ohrnmvprdgw3lmx5oq --reject VERTEBRAL_DEFORMITY@T8="Scheuermann's disease"
  endplate correct 4kjmdxq2ohrnmvprdgw3lmx5oq --file corrections.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.baseSaid = cmd.Flags().Changed("base")
			conn, err := flags.open()
			if err != nil {
				return err
			}
			defer conn.Close()
			err = correct(cmd.Context(), endplatev1.NewAnalysisServiceClient(conn), args[0], flags, cmd.OutOrStdout())
			return told(flags.server, err)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	flags.corrections.addFlags(f)
	f.StringVar(&flags.file, "file", "", "`FILE` of corrections, JSON")
	f.Int32Var(&flags.base, "base", 0, "correct this revision, and fail if there is a newer one (default the newest)")
	f.StringVar(&flags.comment, "comment", "", "what to say of the corrections")
	f.BoolVar(&flags.reviewed, "reviewed", false, "the result as a whole has been reviewed")
	flags.connection.addFlags(f)
	return cmd
}

// correct runs the command: the result as it was, the correction, what changed.
func correct(ctx context.Context, analyses endplatev1.AnalysisServiceClient, id string, flags correctFlags, stdout io.Writer) error {
	request, err := flags.request(id)
	if err != nil {
		return err
	}
	if len(request.GetCorrections()) == 0 && !request.GetReviewed() {
		return usagef("nothing to correct: a correction, --file or --reviewed is needed")
	}
	wanted := &endplatev1.GetAnalysisRequest{AnalysisId: id}
	if flags.baseSaid || flags.file != "" {
		wanted.Revision = &request.BaseRevision
	}
	before, err := analyses.GetAnalysis(ctx, wanted)
	if err != nil {
		return err
	}
	if before.GetAnalysis().GetReport() == nil {
		return fmt.Errorf("analysis %s has no result to correct: it is %s", id, why(before.GetAnalysis()))
	}
	request.BaseRevision = before.GetAnalysis().GetRevision().GetNumber()
	after, err := analyses.CorrectAnalysis(ctx, request)
	if err != nil {
		return err
	}
	return writeCorrected(stdout, before.GetAnalysis(), after.GetAnalysis(), int(request.GetAnalysisIndex()))
}

// longestCorrections bounds what is read as corrections, bytes.
const longestCorrections = 2 << 20

// request returns what file and flags say.
func (flags *correctFlags) request(id string) (*endplatev1.CorrectAnalysisRequest, error) {
	r := &endplatev1.CorrectAnalysisRequest{}
	if flags.file != "" {
		f, err := os.Open(flags.file)
		if err != nil {
			return nil, fmt.Errorf("--file %s: %s", flags.file, measure.Pathless(err))
		}
		defer f.Close()
		raw, err := io.ReadAll(io.LimitReader(f, longestCorrections))
		if err != nil {
			return nil, fmt.Errorf("--file %s: %s", flags.file, measure.Pathless(err))
		}
		if err := protojson.Unmarshal(raw, r); err != nil {
			return nil, usagef("--file %s: %w", flags.file, err)
		}
		if r.GetAnalysisId() != "" && r.GetAnalysisId() != id {
			return nil, usagef("--file %s: is for analysis %s", flags.file, r.GetAnalysisId())
		}
	}
	r.AnalysisId = id
	r.Corrections = append(r.Corrections, flags.corrections...)
	r.Reviewed = r.Reviewed || flags.reviewed
	if flags.baseSaid {
		r.BaseRevision = flags.base
	}
	if flags.comment != "" {
		r.Comment = flags.comment
	}
	if r.RequestId == "" {
		r.RequestId = rand.Text() // the call may be made again where its answer was lost
	}
	return r, nil
}
