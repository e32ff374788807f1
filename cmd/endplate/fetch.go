// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/dimse/scu"
)

// fetchFlags are the flags of endplate fetch.
type fetchFlags struct {
	wanted
	to     string // AE title
	out    string // folder; empty: the peer sends to a server that runs
	listen string
	list   bool
	quiet  bool
}

func newFetchCommand() *cobra.Command {
	var flags fetchFlags
	cmd := &cobra.Command{
		Use:   "fetch PEER",
		Short: "Have an archive send studies, and what it has of the same patient before",
		Long: `Ask an archive by C-FIND which studies of a patient it has, and have it send their CT
series by C-MOVE: to the server that runs here or elsewhere, which stores and
measures them; or, with --out, to this very command, which writes them to a folder.

PEER is the archive, AET@HOST:PORT; dicom://AET@HOST:PORT?calling=AET says by which
AE title we call, and dicoms://… speaks TLS, with ca=FILE, cert=FILE and key=FILE.

The archive sends only to applications that it knows: the AE title of --to, with the
address of the server's --dimse-addr or of --listen, must be configured there.

Exit status: 0 all was sent, 1 the archive does not answer or refuses, 2 usage,
3 nothing was found or some instances were not sent, 130 interrupted.`,
		Example: `  endplate fetch PACS@pacs.example.org:104 --accession A0815 --priors
  endplate fetch PACS@pacs.example.org:104 --patient-id 4711 --since 20240101 --list
  endplate fetch PACS@localhost:4242 --study 1.2.3 --to FETCH --listen :11113 --out images`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			peer, err := api.ParsePeer(args[0])
			if err != nil {
				return usagef("%s: %w", redacted(args[0]), err)
			}
			if err := flags.check(); err != nil {
				return err
			}
			return fetch(cmd.Context(), peer, flags, cmd.OutOrStdout(), newProgress(cmd.ErrOrStderr(), flags.quiet))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	flags.wanted.addFlags(f)
	f.BoolVar(&flags.list, "list", false, "list what there is and fetch nothing")
	f.StringVar(&flags.to, "to", "ENDPLATE", "AE `TITLE` that the archive sends to: the --ae-title of the server")
	f.StringVar(&flags.out, "out", "", "take the instances here and write them to `FOLDER`, not to a server")
	f.StringVar(&flags.listen, "listen", ":11113", "with --out: `HOST:PORT` at which the archive reaches this command")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "do not tell how far it is")
	return cmd
}

func (f *fetchFlags) check() error {
	if f.list && f.out != "" {
		return usagef("--list goes without --out")
	}
	return f.wanted.check()
}

func fetch(ctx context.Context, peer *scu.Peer, flags fetchFlags, stdout io.Writer, p *progress) error {
	defer p.end()
	studies, err := flags.find(ctx, peer)
	if err != nil {
		return peerError(peer, err)
	}
	if len(studies) == 0 {
		p.printf("the archive has no study with %s images that fits", strings.Join(flags.modalities, " or "))
		return errPartial
	}
	if flags.list {
		return listStudies(stdout, studies)
	}
	if flags.out != "" {
		return fetchHere(ctx, peer, flags, studies, p)
	}
	return move(ctx, peer, flags, studies, p)
}

// peerError says which peer an error is of.
func peerError(peer *scu.Peer, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%v: %w", peer, err)
}

// move has the peer send studies to a server, series by series, and tells how far it
// is.
func move(ctx context.Context, peer *scu.Peer, flags fetchFlags, studies []foundStudy, p *progress) error {
	sent, failed := 0, 0
	for i, study := range studies {
		for _, series := range study.series {
			what := fmt.Sprintf("study %d of %d, %s", i+1, len(studies), series.what())
			done, err := peer.Move(ctx, flags.to, scu.Series, series.keys(study), func(now scu.Progress) {
				p.printlive("%s: %d of %d", what, now.Completed, now.Completed+now.Remaining+now.Failed+now.Warning)
			})
			if err != nil {
				return peerError(peer, fmt.Errorf("%s: %w%s", what, err, advice(err, flags.to)))
			}
			sent += done.Completed + done.Warning
			failed += done.Failed
			p.printf("%s: %d sent%s", what, done.Completed+done.Warning, failures(done.Failed))
		}
	}
	p.printf("%d instances of %d studies sent to %s%s", sent, len(studies), flags.to, failures(failed))
	if failed > 0 {
		return errPartial
	}
	return nil
}

func failures(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d not", n)
}

// statusMoveDestinationUnknown is what a peer answers that does not know the title it is
// to send to. PS3.4 table C.4-2.
const statusMoveDestinationUnknown = 0xA801

// advice says what to do about a refusal. Some archives, Orthanc among them, have
// another status for a title that they do not know.
func advice(err error, to string) string {
	e, refused := errors.AsType[*scu.StatusError](err)
	switch {
	case !refused:
		return ""
	case e.Status == statusMoveDestinationUnknown:
		return fmt.Sprintf("; the archive does not know the AE title %s: it must be configured there with our address", to)
	}
	return fmt.Sprintf("; does the archive know the AE title %s, with our address?", to)
}

// listStudies prints a line for each series that would be fetched.
func listStudies(stdout io.Writer, studies []foundStudy) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "date\taccession\tmodality\timages\tdescription\tstudy\tseries")
	for _, study := range studies {
		for _, s := range study.series {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", study.date, study.accession, s.modality, s.images, s.description, study.uid, s.uid)
		}
	}
	return w.Flush()
}
