// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/measure"
)

// measureFlags are the flags of endplate measure.
type measureFlags struct {
	labels string
	points string
	level  string
	format string
	out    string
	jobs   int
	quiet  bool

	// Of a film.
	seeds           []string
	corners         string // path
	anterior, scale string
}

func newMeasureCommand() *cobra.Command {
	var flags measureFlags
	cmd := &cobra.Command{
		Use:   "measure PATH…",
		Short: "Measure the vertebrae of CT series and lateral radiographs on disk",
		Long: `Measure the vertebrae of every CT series and of every lateral radiograph among the
given files, folders and zip archives. DICOM files need no extension; NIfTI volumes (.nii, .nii.gz) hold HU.

A label map (--labels) gives the vertebral bodies instead of the image; it can be
measured alone. It is NIfTI in VerSe or TotalSegmentator numbering, or a DICOM
Segmentation whose segments are vertebrae by their codes or names.

The landmarks of a structured report (--landmarks), endplate's own or another's of
TID 1500, take the place of those found: six points named as endplate names them, or
the lines of the three heights of a body.

A lateral radiograph (CR, DX, RF, Secondary Capture) is measured from the centres of two
or more vertebral bodies that a reader points at (--seed), or from their six points
(--corners): JSON as endplate measure writes it, of which level and landmarks of each
vertebra count; or a structured report whose coordinates are of the film (--landmarks).
--level takes a column and a row there. Heights are in mm only where the
header, or --scale, tells the magnification.

Without --format, the extension of --out decides; else a terminal gets a table
and everything else gets JSON.

--format sr writes a DICOM structured report of each series, --format seg a
Segmentation of vertebral bodies, canal and cement, --format sc annotated pictures as
Secondary Captures and --format pdf pictures and tables as Encapsulated PDF, with the
patient and the study of its images. Where --out names a folder, each is a file in it,
named by its SOPInstanceUID; any other --out, and standard output, takes one series
and, of its pictures, the sagittal one alone.`,
		Example: `  endplate measure ct/
  endplate measure ct.zip --format csv --out heights.csv
  endplate measure ct/ --out report.html
  endplate measure ct/ --level L1@2.5,-180,-412
  endplate measure ct/ --format sr --out report.dcm
  endplate measure ct/ --landmarks report.dcm
  endplate measure ct/ --format seg --out segmentation.dcm
  endplate measure ct/ --labels segmentation.dcm
  endplate measure --labels vertebrae.nii.gz --format json
  endplate measure film.dcm --seed L1@512,300 --seed L4@498,700
  endplate measure film.dcm --corners corners.json --format sr --out film-report.dcm`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runMeasure(cmd.Context(), args, flags, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.labels, "labels", "", "NIfTI label map or DICOM Segmentation of the vertebrae, used alone or with an image")
	f.StringVar(&flags.points, "landmarks", "", "DICOM structured report (TID 1500) whose landmarks of vertebrae count instead of those found")
	f.StringVar(&flags.level, "level", "", "fix the name of one vertebra, as LEVEL@x,y,z in LPS mm, on a film as LEVEL@col,row")
	f.StringVarP(&flags.format, "format", "f", "", "json, csv, table or html; "+objectFormatNames()+" for a DICOM object")
	f.StringVarP(&flags.out, "out", "o", "", "write to this file instead of standard output; DICOM objects to this file or folder")
	f.StringArrayVar(&flags.seeds, "seed", nil, "centre of a vertebral body on a film, as LEVEL@col,row; twice or more")
	f.StringVar(&flags.corners, "corners", "", "JSON with points of vertebrae on a film, all six or some, which count instead of those found")
	f.StringVar(&flags.anterior, "anterior", "", "side of a film, its superior end up, on which anterior lies: left or right; if empty, as header or film tell")
	f.StringVar(&flags.scale, "scale", "", "known distance in the patient between two points of a film, as MM@col,row-col,row")
	f.IntVarP(&flags.jobs, "jobs", "j", 1, "series measured at the same time; each takes the memory of its volume")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "no progress on standard error")
	return cmd
}

// runMeasure runs the command: inputs, pipeline, output.
func runMeasure(ctx context.Context, paths []string, flags measureFlags, stdout, stderr io.Writer) error {
	request, err := newRequest(paths, flags)
	if err != nil {
		return err
	}
	dest, err := chooseOutput(flags, stdout)
	if err != nil {
		return err
	}
	request.Draw = dest.format == formatHTML
	request.Single = dest.single
	if request.Derive, err = dest.deriver(flags); err != nil {
		return err
	}
	p := newProgress(stderr, flags.quiet)
	request.Observer = measure.Observer{
		Scanned:  func(n int) { p.printlive("reading headers: %d files", n) },
		Stage:    p.stage,
		Measured: p.measured,
	}
	result, err := request.Run(ctx)
	p.end()
	if e, ok := errors.AsType[*measure.SeriesError](err); ok {
		return severalSeries(flags, e.Series)
	}
	if errors.Is(err, outline.ErrSide) {
		return usagef("%w: give --anterior left or right", err)
	}
	if err != nil {
		return err
	}
	result.Algorithm, result.Version = name, versionString()
	if err := dest.write(result, flags.out, stdout); err != nil {
		return err
	}
	return outcome(result.Report, paths, p)
}

// severalSeries says which flag there are too many series for.
func severalSeries(flags measureFlags, series int) error {
	if flags.ofFilm() {
		return usagef("points of a film go with one film, and there are %d series", series)
	}
	if flags.labels != "" {
		return usagef("--labels goes with one series, and there are %d", series)
	}
	if flags.points != "" {
		return usagef("--landmarks go with one series, and there are %d", series)
	}
	return usagef("--out holds one DICOM object, and there are %d series: name a folder", series)
}

// newRequest checks what the flags say.
func newRequest(paths []string, flags measureFlags) (*measure.Request, error) {
	if len(paths) == 0 && flags.labels == "" {
		return nil, usagef("measure needs a PATH, or --labels")
	}
	if len(paths) == 0 && flags.points != "" {
		return nil, usagef("--landmarks go with the images of a PATH")
	}
	if flags.jobs < 1 {
		return nil, usagef("--jobs %d: want at least 1", flags.jobs)
	}
	r := &measure.Request{Paths: paths, Labels: flags.labels, Points: flags.points, Jobs: flags.jobs}
	if flags.ofFilm() {
		if flags.labels != "" || flags.level != "" && !flags.levelOnFilm() {
			return nil, usagef("--labels and --level LEVEL@x,y,z are for CT")
		}
		film, err := flags.filmOptions()
		if err != nil {
			return nil, err
		}
		r.Film = &film
	} else if flags.level != "" {
		fixed, err := parseFixed(flags.level)
		if err != nil {
			return nil, usagef("--level %s: %w", flags.level, err)
		}
		r.Fixed = fixed
	}
	for _, path := range append([]string{flags.labels, flags.points}, paths...) {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%s: %s", path, measure.Pathless(err))
		}
	}
	return r, nil
}

// parseFixed parses LEVEL@x,y,z.
func parseFixed(s string) (*naming.Fixed, error) {
	levelName, at, ok := strings.Cut(s, "@")
	if !ok {
		return nil, errors.New("want LEVEL@x,y,z in LPS mm, such as L1@2.5,-180,-412")
	}
	level, err := spine.ParseLevel(strings.ToUpper(levelName))
	if err != nil {
		return nil, err
	}
	position, err := parsePosition(at)
	if err != nil {
		return nil, err
	}
	return &naming.Fixed{Level: level, Position: position}, nil
}

// parsePosition parses x,y,z.
func parsePosition(s string) (r3.Vec, error) {
	numbers := strings.Split(s, ",")
	var xyz [3]float64
	if len(numbers) != len(xyz) {
		return r3.Vec{}, fmt.Errorf("%q is no position x,y,z", s)
	}
	for i, n := range numbers {
		var err error
		if xyz[i], err = strconv.ParseFloat(strings.TrimSpace(n), 64); err != nil || math.IsNaN(xyz[i]) || math.IsInf(xyz[i], 0) {
			return r3.Vec{}, fmt.Errorf("%q is no position x,y,z", s)
		}
	}
	return r3.Vec{X: xyz[0], Y: xyz[1], Z: xyz[2]}, nil
}

// format is how a result is written.
type format string

const (
	formatJSON  format = "json"
	formatCSV   format = "csv"
	formatTable format = "table"
	formatHTML  format = "html"
)

func chooseFormat(flags measureFlags, stdout io.Writer) (format, error) {
	switch f := format(flags.format); f {
	case formatJSON, formatCSV, formatTable, formatHTML:
		return f, nil
	case "":
	default:
		return "", usagef("--format %s: want json, csv, table or html", f)
	}
	if flags.out == "" {
		if isTerminal(stdout) {
			return formatTable, nil
		}
		return formatJSON, nil
	}
	switch strings.ToLower(filepath.Ext(flags.out)) {
	case ".csv":
		return formatCSV, nil
	case ".html", ".htm":
		return formatHTML, nil
	case ".txt":
		return formatTable, nil
	}
	return formatJSON, nil
}

// renderers write one result in each format.
type renderers struct {
	json, csv, html func(io.Writer) error
	table           func(io.Writer, report.Colors) error
}

func write(r *report.Report, f format, out string, stdout io.Writer) error {
	return f.write(renderers{
		json:  func(w io.Writer) error { return convert.WriteJSON(w, r) },
		csv:   func(w io.Writer) error { return report.WriteCSV(w, r) },
		html:  func(w io.Writer) error { return report.WriteHTML(w, r) },
		table: func(w io.Writer, c report.Colors) error { return report.WriteTable(w, r, c) },
	}, out, stdout)
}

// write renders a result to the file out, or to stdout where out is empty.
func (f format) write(r renderers, out string, stdout io.Writer) error {
	colors := report.Colors{}
	if out == "" && isTerminal(stdout) && os.Getenv("NO_COLOR") == "" { // no-color.org
		colors = report.ANSI()
	}
	var b bytes.Buffer
	var err error
	switch f {
	case formatJSON:
		err = r.json(&b)
	case formatCSV:
		err = r.csv(&b)
	case formatTable:
		err = r.table(&b, colors)
	case formatHTML:
		err = r.html(&b)
	}
	if err != nil {
		return err
	}
	if out != "" {
		return writeFile(out, b.Bytes())
	}
	_, err = stdout.Write(b.Bytes())
	return err
}

// writeFile writes b to path. Of a file that it had to make and could not write
// whole, such as on a full disk, it leaves nothing.
func writeFile(path string, b []byte) error {
	_, absent := os.Stat(path)
	err := os.WriteFile(path, b, 0o644)
	if err != nil && errors.Is(absent, fs.ErrNotExist) {
		_ = os.Remove(path) // it may not even be there
	}
	return err
}

// checkOut refuses a file that cannot be written before the work is done for it.
func checkOut(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("--out %s: is a folder", path)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("--out %s: %s", path, measure.Pathless(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("--out %s: %s is no folder", path, filepath.Dir(path))
	}
	return nil
}

// outcome turns what was skipped into the command's error.
func outcome(r *report.Report, paths []string, p *progress) error {
	failures := measure.Failed(r.Skipped, paths)
	if len(r.Examinations) == 0 && len(failures) == 1 {
		return fmt.Errorf("nothing could be measured: %s", failures[0])
	}
	for _, s := range failures {
		p.printf("skipped %s", s)
	}
	switch {
	case len(r.Examinations) == 0 && len(failures) > 0:
		return fmt.Errorf("nothing could be measured: %d inputs skipped, the first is %s", len(failures), failures[0])
	case len(r.Examinations) == 0 && len(r.Skipped) > 0:
		return fmt.Errorf("nothing could be measured: no CT image and no radiograph among the inputs; %s", r.Skipped[0])
	case len(r.Examinations) == 0:
		return errors.New("nothing could be measured: no CT image and no radiograph among the inputs")
	case len(failures) > 0:
		return errPartial
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
