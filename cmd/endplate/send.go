// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// sendFlags are the flags of endplate send.
type sendFlags struct {
	connection
	streams int
	analyze bool
	wait    bool
	quiet   bool
	documentFlags
}

// mostStreams bounds how many instances are on the way at a time.
const mostStreams = 16

func newSendCommand() *cobra.Command {
	var flags sendFlags
	cmd := &cobra.Command{
		Use:   "send PATH…",
		Short: "Send DICOM instances to a server",
		Long: `Send the DICOM instances among the given files, folders and zip archives to a server.
What the server says it has stored is on its disk. Sending the same again does no
harm, and is what to do after an interruption.

--analyze asks for every series of CT volumes among them to be measured, and prints
the identifiers of the analyses; --wait waits for them too and prints what was
found, as 'endplate watch' does.

Exit status: 0 all stored (and measured, with --wait), 3 some refused or failed,
1 nothing could be done, 2 usage, 130 interrupted.`,
		Example: `  endplate send ct/
  endplate send ct.zip --wait --format table
  endplate send ct/ --server ct.example.org:8470 --token-file token`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return told(flags.server, send(cmd.Context(), args, flags, cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&flags.analyze, "analyze", false, "ask for the series to be measured")
	f.BoolVar(&flags.wait, "wait", false, "ask for it, wait for the results and print them")
	flags.documentFlags.addFlags(f)
	f.IntVar(&flags.streams, "streams", 2, "send `N` instances at a time")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "no progress on standard error")
	flags.connection.addFlags(f)
	return cmd
}

// send runs the command: what there is, upload, analyses.
func send(ctx context.Context, paths []string, flags sendFlags, stdout, stderr io.Writer) error {
	if flags.streams < 1 || flags.streams > mostStreams {
		return usagef("--streams %d: want 1 to %d", flags.streams, mostStreams)
	}
	format, err := flags.choose(stdout)
	if err != nil {
		return err
	}
	conn, err := flags.open()
	if err != nil {
		return err
	}
	defer conn.Close()
	p := newProgress(stderr, flags.quiet)
	all, err := load(ctx, paths, p)
	if err != nil {
		return err
	}
	defer func() { _ = all.close() }() // archives that were only read
	u := &upload{studies: endplatev1.NewStudyServiceClient(conn), progress: newSendProgress(p, all), series: map[string]*sentSeries{}}
	err = u.all(ctx, all.files, flags.streams)
	p.end()
	u.progress.summary(err != nil)
	if err != nil {
		return err
	}
	outcome := u.outcome(len(all.skipped))
	if !flags.analyze && !flags.wait || u.progress.stored == 0 {
		return outcome
	}
	ids, err := analyze(ctx, endplatev1.NewAnalysisServiceClient(conn), u.volumes())
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return cmp.Or(outcome, errors.New("nothing to measure: no series of CT volumes among what was sent"))
	}
	return cmp.Or(analysesOf(ctx, conn, ids, flags, format, p, stdout), outcome)
}

// analysesOf prints the identifiers of analyses, or waits for what they find.
func analysesOf(ctx context.Context, conn *grpc.ClientConn, ids []string, flags sendFlags, f format, p *progress, stdout io.Writer) error {
	if flags.wait {
		return watchAndPrint(ctx, endplatev1.NewAnalysisServiceClient(conn), ids, flags.documentFlags, f, p, stdout)
	}
	for _, id := range ids {
		if _, err := fmt.Fprintln(stdout, id); err != nil {
			return err
		}
	}
	return nil
}

// analyze asks for series to be measured. A series that is being measured already,
// with the same instances, is not measured twice.
func analyze(ctx context.Context, analyses endplatev1.AnalysisServiceClient, series []string) ([]string, error) {
	var ids []string
	for _, uid := range series {
		r, err := analyses.CreateAnalysis(ctx, &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: uid})
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.GetAnalysis().GetAnalysisId())
	}
	return ids, nil
}

// cargo is what is to be sent.
type cargo struct {
	files    []sendable
	bytes    int64
	skipped  []string // with the reasons
	notDICOM int
	archives []io.Closer
}

// sendable is a file, or a member of an archive, that is an instance by its beginning.
type sendable struct {
	dicom.Source
	sopClassUID string // as the file meta information has it; may be empty
}

// directoryClass is the SOP class of a DICOMDIR, which is no instance of a study.
const directoryClass = "1.2.840.10008.1.3.10"

// load finds the instances among files, folders and archives.
func load(ctx context.Context, paths []string, p *progress) (*cargo, error) {
	in := measure.Gather(paths)
	c := &cargo{notDICOM: len(in.NIfTI)}
	for _, s := range in.Skipped {
		c.skip(p, s.Path, s.Reason)
	}
	for _, source := range in.DICOM {
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), c.close())
		}
		files, archive, err := dicom.Unpack(source)
		if err != nil {
			c.skip(p, source.Name, measure.Pathless(err))
			continue
		}
		c.archives = append(c.archives, archive)
		for _, f := range files {
			c.add(p, f)
		}
		p.printlive("looking at files: %d instances", len(c.files))
	}
	p.end()
	if len(c.files) == 0 {
		err := errors.New("nothing to send: no DICOM instance among the inputs")
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// headBytes holds the file meta information of an instance.
const headBytes = 1 << 10

// add takes a file in if it begins as an instance does. Whether it is one, the server
// says.
func (c *cargo) add(p *progress, f dicom.Source) {
	r, err := f.Open()
	if err != nil {
		c.skip(p, f.Name, measure.Pathless(err))
		return
	}
	defer r.Close()
	head, err := dicom.ReadHeader(io.LimitReader(r, headBytes))
	switch {
	case errors.Is(err, dicom.ErrNotDICOM) && f.Named:
		c.skip(p, f.Name, "not DICOM")
	case errors.Is(err, dicom.ErrNotDICOM), head.MediaStorageSOPClassUID == directoryClass:
		c.notDICOM++
	default:
		c.files = append(c.files, sendable{f, head.MediaStorageSOPClassUID})
		c.bytes += f.Size
	}
}

func (c *cargo) skip(p *progress, path, reason string) {
	c.skipped = append(c.skipped, path)
	p.printf("skipped %s: %s", path, reason)
}

// close closes the archives, whose members cannot be read afterwards.
func (c *cargo) close() error {
	var errs []error
	for _, a := range c.archives {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}

// outcome turns what was refused and skipped into the command's error.
func (u *upload) outcome(skipped int) error {
	switch p := u.progress; {
	case p.stored == 0:
		return fmt.Errorf("nothing was stored: %d instances refused", p.refused)
	case p.refused > 0 || skipped > 0:
		return errPartial
	}
	return nil
}
