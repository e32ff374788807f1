// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/deidentify"
	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/measure"
)

// deidentifyFlags are the flags of endplate deidentify.
type deidentifyFlags struct {
	out, keyFile            string
	keepDates, shiftDates   bool
	characteristics, device bool
	words                   []string
	quiet                   bool
}

func newDeidentifyCommand() *cobra.Command {
	var flags deidentifyFlags
	cmd := &cobra.Command{
		Use:   "deidentify PATH… --out DIR",
		Short: "Remove from DICOM files what tells whose they are",
		Long: `Write the DICOM instances among the given files and folders anew without what
tells whose they are: the Basic Application Level Confidentiality Profile of DICOM
PS3.15. Pixel data and transfer syntax stay as they are. The files are named by
their new UIDs: DIR/STUDY/SERIES/INSTANCE.dcm.

UIDs and PatientID are replaced by what a secret key makes of them. With one
--key-file, examinations sent at different times stay one patient's, and the same
instance gets the same UIDs again; the key file is made if it is not there. Keep it,
and keep it secret: with it, a known PatientID can be found again. Without
--key-file the key is forgotten at the end.

Dates are removed, unless --shift-dates moves all dates of a patient back by the
same secret number of days, or --keep-dates keeps them. Descriptions are removed
but for the words of --keep-words.

Instances with text burned into the pixels are refused, as far as they say so;
secondary captures unless they say that there is none; reports and documents
always. Pixels are not looked at, and a CT of the head shows a face.`,
		Example: `  endplate deidentify ct/ --out clean --key-file site.key --shift-dates
  endplate deidentify before/ after/ --out clean --keep-words lumbar,spine,bone`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return deidentifyFiles(cmd.Context(), args, flags, cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder to write to")
	f.StringVar(&flags.keyFile, "key-file", "", "file of the secret key; made if it is not there")
	f.BoolVar(&flags.keepDates, "keep-dates", false, "keep dates and times")
	f.BoolVar(&flags.shiftDates, "shift-dates", false, "move the dates of a patient back, all by the same")
	f.BoolVar(&flags.characteristics, "keep-patient-characteristics", false, "keep sex, age, size, weight")
	f.BoolVar(&flags.device, "keep-device-identity", false, "keep serial numbers and station names")
	f.StringSliceVar(&flags.words, "keep-words", nil, "words that may stay in descriptions")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "no progress on standard error")
	return cmd
}

// deidentifyFiles runs the command.
func deidentifyFiles(ctx context.Context, paths []string, flags deidentifyFlags, stderr io.Writer) error {
	switch {
	case len(paths) == 0:
		return usagef("deidentify needs a PATH")
	case flags.out == "":
		return usagef("deidentify needs --out")
	case flags.keepDates && flags.shiftDates:
		return usagef("--keep-dates and --shift-dates exclude each other")
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%s: %s", path, measure.Pathless(err))
		}
	}
	p := newProgress(stderr, flags.quiet)
	profile, err := newProfile(flags, p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(flags.out, 0o755); err != nil {
		return err
	}
	d := deidentification{profile: profile, dir: flags.out, flags: map[deidentify.Flag]int{}}
	err = d.all(ctx, paths, p)
	p.end()
	if err != nil {
		return err
	}
	return d.tell(p)
}

// newProfile makes the profile that the flags ask for.
func newProfile(flags deidentifyFlags, p *progress) (*deidentify.Profile, error) {
	opt := deidentify.Options{
		PatientCharacteristics: flags.characteristics,
		DeviceIdentity:         flags.device,
		Words:                  flags.words,
	}
	switch {
	case flags.keepDates:
		opt.Dates = deidentify.KeepDates
	case flags.shiftDates:
		opt.Dates = deidentify.ShiftDates
	}
	if _, err := deidentify.New(make([]byte, deidentify.MinSecret), opt); err != nil {
		return nil, usagef("%w", err)
	}
	key, err := readKey(flags.keyFile, p)
	if err != nil {
		return nil, err
	}
	profile, err := deidentify.New(key, opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flags.keyFile, err)
	}
	return profile, nil
}

// readKey returns the key in a file, which it makes if it is not there, or a key
// of its own where no file is named.
func readKey(path string, p *progress) ([]byte, error) {
	if path == "" {
		p.printf("the key is forgotten at the end: what comes later will not match; see --key-file")
		return api.NewKey(), nil
	}
	key, made, err := api.ReadKey(path)
	if err != nil {
		return nil, fmt.Errorf("--key-file %s: %s", path, measure.Pathless(err))
	}
	if made {
		p.printf("%s: made a new key", path)
	}
	return key, nil
}

// deidentification is the work and what came of it.
type deidentification struct {
	profile *deidentify.Profile
	dir     string

	written  int
	skipped  int
	notDICOM int
	flags    map[deidentify.Flag]int
}

// all de-identifies every file. The error is one that concerns them all.
func (d *deidentification) all(ctx context.Context, paths []string, p *progress) error {
	in := measure.Gather(paths) // all, before there are files of our own
	d.notDICOM = len(in.NIfTI)
	for _, s := range in.Skipped {
		d.skipped++
		p.printf("skipped %s", s)
	}
	for _, source := range in.DICOM {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := d.one(source)
		if full, ok := errors.AsType[*outputError](err); ok {
			return full
		}
		if errors.Is(err, dicom.ErrNotDICOM) && !source.Named {
			d.notDICOM++
		} else if err != nil {
			d.skipped++
			p.printf("skipped %s: %s", source.Name, measure.Pathless(err))
		}
		p.printlive("%d instances written", d.written)
	}
	return nil
}

// outputError tells that the output cannot be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "writing: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// one de-identifies a file.
func (d *deidentification) one(source dicom.Source) error {
	src, err := source.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	part, err := os.CreateTemp(d.dir, ".endplate-*.part")
	if err != nil {
		return &outputError{err}
	}
	defer os.Remove(part.Name()) // it is not there any more if all went well
	w := &output{w: part}
	buffered := bufio.NewWriterSize(w, 1<<20)
	out, err := d.profile.Instance(buffered, src)
	if err == nil {
		err = buffered.Flush()
	}
	closed := part.Close()
	switch {
	case w.err != nil:
		return &outputError{w.err}
	case err != nil:
		return err
	case closed != nil:
		return &outputError{closed}
	}
	if err := d.place(part.Name(), out); err != nil {
		return err
	}
	d.written++
	for _, f := range out.Flags {
		d.flags[f]++
	}
	return nil
}

// output remembers an error of writing, to tell it from those of reading.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(b []byte) (n int, err error) {
	n, err = o.w.Write(b)
	if err != nil {
		o.err = err
	}
	return n, err
}

// errOther tells of two instances of one UID that are not the same.
var errOther = errors.New("another instance of this SOPInstanceUID was written before")

// place gives a written file its name. A file of that name stays, and must be the
// same.
func (d *deidentification) place(part string, out *deidentify.Outcome) error {
	const unknown = "unknown"
	dir := d.dir
	for _, uid := range []string{out.StudyInstanceUID, out.SeriesInstanceUID} {
		if uid == "" {
			uid = unknown
		}
		dir = filepath.Join(dir, uid)
	}
	path := filepath.Join(dir, out.SOPInstanceUID+".dcm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &outputError{err}
	}
	if _, err := os.Stat(path); err == nil {
		same, err := sameFiles(part, path)
		if err == nil && !same {
			err = errOther
		}
		return err
	}
	if err := errors.Join(os.Chmod(part, 0o644), os.Rename(part, path)); err != nil {
		return &outputError{err}
	}
	return nil
}

// sameFiles reports whether two files hold the same bytes.
func sameFiles(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	return err == nil && bytes.Equal(x, y), err
}

// tell sums up, and makes the command's error of what was skipped.
func (d *deidentification) tell(p *progress) error {
	for _, f := range slices.Sorted(maps.Keys(d.flags)) {
		p.printf("look at them before you pass them on: %d instances, %s", d.flags[f], f)
	}
	p.printf("%d instances written, %d skipped, %d files that are not DICOM", d.written, d.skipped, d.notDICOM)
	switch {
	case d.written == 0:
		return errors.New("nothing was written")
	case d.skipped > 0:
		return errPartial
	}
	return nil
}
