// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// phantomFlags are the flags of endplate phantom.
type phantomFlags struct {
	out                    string
	rows, columns, slices  int
	spacing, thickness     float64
	pixelSpacing           float64
	seed                   uint64
	noise, tilt, scoliosis float64
	kernel, position       string
	levels                 string
	fractures              []string
	randomFractures        float64
	contrast, osteoporosis bool
	osteophytes, table     bool
	randomPathology        float64
	changes                [][]string // in the order of changeFlags

	film    bool
	filming filmFlags
}

func newPhantomCommand() *cobra.Command {
	var flags phantomFlags
	cmd := &cobra.Command{
		Use:   "phantom --out DIR",
		Short: "Write a synthetic spine CT with its truth",
		Long: `Write the CT of a synthetic spine as DICOM files, and truth.json with what a
perfect reader would measure, in the form of endplate measure's JSON.

The spine follows from --seed and the flags that describe the patient; the flags
of the scan change only how it is seen. Levels are C3 to S1.`,
		Example: `  endplate phantom --out p1 --levels T10-L5 --fracture L1=wedge:30
  endplate phantom --out p2 --seed 7 --spacing 3 --kernel sharp --noise 30 --position FFP
  endplate phantom --out p3 --columns 512 --rows 512 --slices 300
  endplate phantom --film --out p5 --levels T10-S1 --fracture L1=wedge:30 --film-turn 5
  endplate phantom --out p4 --fracture L1=crush:40 --retropulsion L1=5 --cement L1=3.5:canal --screws T12 --screws L2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return writePhantom(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder to write to")
	f.StringArrayVar(&flags.fractures, "fracture", nil, "LEVEL=wedge|biconcave|crush:PERCENT of height lost; repeatable")
	flags.register(f, "")
	cmd.AddCommand(newTreatCommand())
	return cmd
}

// register adds the flags that describe patient and scan, but for those of fractures
// and the change flag named without.
func (flags *phantomFlags) register(f *pflag.FlagSet, without string) {
	f.IntVar(&flags.columns, "columns", 256, "columns of the matrix")
	f.IntVar(&flags.rows, "rows", 256, "rows of the matrix")
	f.IntVar(&flags.slices, "slices", 0, "slices; 0 covers the levels")
	f.Float64Var(&flags.spacing, "spacing", 1, "distance of slices, mm")
	f.Float64Var(&flags.thickness, "thickness", 0, "width of the slice profile, mm; 0 is the distance of slices")
	f.Float64Var(&flags.pixelSpacing, "pixel-spacing", 0.7, "mm")
	f.Uint64Var(&flags.seed, "seed", 1, "of the spine and of the noise")
	f.Float64Var(&flags.noise, "noise", 15, "standard deviation, HU")
	f.StringVar(&flags.kernel, "kernel", "standard", "soft, standard or sharp")
	f.Float64Var(&flags.tilt, "tilt", 0, "of the gantry, degrees")
	f.StringVar(&flags.position, "position", "HFS", "HFS, HFP, HFDL, HFDR, FFS, FFP, FFDL or FFDR")
	f.StringVar(&flags.levels, "levels", "T8-S1", "levels to cover, C3 to S1")
	f.Float64Var(&flags.randomFractures, "random-fractures", 0, "mean number of further fractures")
	f.Float64Var(&flags.scoliosis, "scoliosis", 0, "largest coronal Cobb angle drawn, degrees")
	f.BoolVar(&flags.contrast, "contrast", false, "contrast agent in the vessels")
	f.BoolVar(&flags.osteoporosis, "osteoporosis", false, "bone of 20 to 75 HU with thin shells")
	f.BoolVar(&flags.osteophytes, "osteophytes", false, "spurs at the anterior rims")
	f.Float64Var(&flags.randomPathology, "random-pathology", 0,
		"probability at each level from T4 to L5 of each of: lytic lesion, sclerotic lesion, cleft, gas in the disc below, eroded pedicles")
	f.BoolVar(&flags.table, "table", false, "show the couch")
	f.BoolVar(&flags.film, "film", false, "write a radiograph instead: film.dcm, and truth.json with where the landmarks come to lie")
	flags.filming.add(f, "film-")
	one := changeFlags()
	flags.changes = make([][]string, len(one))
	for i, c := range one {
		if c.name != without {
			f.StringArrayVar(&flags.changes[i], c.name, nil, c.usage)
		}
	}
}

func writePhantom(ctx context.Context, flags phantomFlags) error {
	if flags.out == "" {
		return usagef("phantom needs --out")
	}
	opt, err := flags.options()
	if err != nil {
		return err
	}
	p, err := flags.params(opt)
	if err != nil {
		return err
	}
	s := phantom.New(p)
	scan, err := flags.scan(s)
	if err != nil {
		return err
	}
	if flags.film {
		return flags.writeFilm(s, fmt.Sprintf("%d %+v", flags.seed, opt))
	}
	if err := os.MkdirAll(flags.out, 0o755); err != nil {
		return err
	}
	v := s.CT(scan)
	patient := fmt.Sprintf("%d %+v", flags.seed, opt)
	if slices.ContainsFunc(flags.changes, func(a []string) bool { return len(a) > 0 }) {
		patient += fmt.Sprintf(" %q", flags.changes)
	}
	series := dicom.SyntheticCT{
		Study: patient, FrameOfReference: patient,
		PatientID:   flags.patientID(),
		Description: fmt.Sprintf("%s %.4g mm %s", flags.levels, flags.spacing, v.Acquisition.ConvolutionKernel),
		Number:      1,
	}
	uids, err := writeSeries(ctx, flags.out, v, series)
	if err != nil {
		return err
	}
	return writeTruth(flags.out, truthOf(s, p, v.Geometry, uids))
}

// writeFilm writes a radiograph of s. What the volume does not hold the film does not
// show, so it is wider and higher than the levels ask for.
// patientID is that of the CT and of the films of one seed.
func (flags *phantomFlags) patientID() string {
	return "PHANTOM-" + strconv.FormatUint(flags.seed, 10)
}

func (flags *phantomFlags) writeFilm(s *phantom.Spine, patient string) error {
	if err := flags.filming.check("film-"); err != nil {
		return err
	}
	first, last, err := parseLevels(flags.levels)
	if err != nil {
		return usagef("--levels %s: %w", flags.levels, err)
	}
	const (
		margin  = 90.0  // mm above and below the levels
		width   = 460.0 // of the trunk
		forward = 45.0  // of the trunk's middle before the bodies' back
	)
	scan := s.Cover(first, last, margin, width, flags.pixelSpacing, flags.spacing)
	scan.Center.Y -= forward
	scan.Kernel = phantom.Sharp
	flags.filming.seed = flags.seed
	return writeFilm(flags.out, dicom.SyntheticFilm{Study: "film " + patient, PatientID: flags.patientID()}, s.CT(scan), patientOfPhantom(s, first, last), flags.filming)
}

// writeSeries writes v as DICOM files to dir, or nothing.
func writeSeries(ctx context.Context, dir string, v *volume.Volume, series dicom.SyntheticCT) (dicom.UIDs, error) {
	var written []string
	uids, err := dicom.WriteCT(v, series, func(k int, instance []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(dir, fmt.Sprintf("%04d.dcm", k+1))
		written = append(written, path)
		return os.WriteFile(path, instance, 0o644)
	})
	if err != nil {
		for _, path := range written {
			_ = os.Remove(path) // the error at hand says more than one of removing
		}
	}
	return uids, err
}

// writeTruth writes truth.json to dir.
func writeTruth(dir string, truth any) error {
	b, err := json.MarshalIndent(truth, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "truth.json"), append(b, '\n'), 0o644)
}

// options checks the flags that describe the patient.
func (flags *phantomFlags) options() (phantom.Options, error) {
	opt := phantom.Options{
		Fractures:       map[spine.Level]phantom.Deformity{},
		RandomFractures: flags.randomFractures,
		Osteoporosis:    flags.osteoporosis,
		Contrast:        flags.contrast,
		Osteophytes:     flags.osteophytes,
		Scoliosis:       flags.scoliosis,
	}
	q := flags.randomPathology
	if !(q >= 0 && q <= 1) {
		return opt, usagef("--random-pathology %g: want 0 to 1", q)
	}
	opt.Pathology = phantom.Pathology{Lytic: q, Sclerotic: q, Cleft: q, DiscGas: q, Erosion: q}
	if flags.randomFractures < 0 || flags.randomFractures > 14 {
		return opt, usagef("--random-fractures %g: want 0 to 14", flags.randomFractures)
	}
	if flags.scoliosis < 0 || flags.scoliosis > 60 {
		return opt, usagef("--scoliosis %g: want 0 to 60", flags.scoliosis)
	}
	for _, f := range flags.fractures {
		level, d, err := parseFracture(f)
		if err != nil {
			return opt, usagef("--fracture %s: %w", f, err)
		}
		opt.Fractures[level] = d
	}
	return opt, nil
}

// params draws the patient and changes single vertebrae.
func (flags *phantomFlags) params(opt phantom.Options) (phantom.Params, error) {
	all, err := changes(flags.changes)
	if err != nil {
		return phantom.Params{}, err
	}
	p := phantom.RandomParams(rand.New(rand.NewPCG(flags.seed, 0)), opt)
	for _, c := range all {
		if err := c.apply(&p, flags.seed); err != nil {
			return p, err
		}
	}
	return p, nil
}

// parseFracture parses LEVEL=SHAPE:PERCENT.
func parseFracture(s string) (spine.Level, phantom.Deformity, error) {
	name, rest, _ := strings.Cut(s, "=")
	shape, percent, ok := strings.Cut(rest, ":")
	if !ok {
		return 0, phantom.Deformity{}, fmt.Errorf("want LEVEL=SHAPE:PERCENT, such as L1=wedge:30")
	}
	level, err := parsePhantomLevel(name)
	if err != nil {
		return 0, phantom.Deformity{}, err
	}
	if level == spine.S1 {
		return 0, phantom.Deformity{}, fmt.Errorf("S1 cannot be fractured")
	}
	loss, err := strconv.ParseFloat(percent, 64)
	if err != nil || !(loss >= 0 && loss <= 85) {
		return 0, phantom.Deformity{}, fmt.Errorf("%s: want 0 to 85 percent", percent)
	}
	kind, err := parseShape(shape)
	return level, phantom.Fracture(kind, loss), err
}

func parseShape(s string) (phantom.Shape, error) {
	shapes := map[string]phantom.Shape{"wedge": phantom.Wedge, "biconcave": phantom.Biconcave, "crush": phantom.Crush}
	shape, ok := shapes[strings.ToLower(s)]
	if !ok {
		return shape, fmt.Errorf("%s: want wedge, biconcave or crush", s)
	}
	return shape, nil
}

// parsePhantomLevel parses the name of a level that the phantom has.
func parsePhantomLevel(name string) (spine.Level, error) {
	level, err := spine.ParseLevel(strings.ToUpper(strings.TrimSpace(name)))
	if err != nil {
		return level, err
	}
	if !slices.Contains(phantom.Levels(), level) {
		return level, fmt.Errorf("the phantom has no %s", level)
	}
	return level, nil
}

// The largest acquisition that phantom writes: its samples take 2 bytes each.
const (
	maxMatrix = 2048
	maxSlices = 5000
)

// scan checks the flags that describe the acquisition.
func (flags *phantomFlags) scan(s *phantom.Spine) (phantom.Scan, error) {
	switch {
	case flags.columns < 1 || flags.columns > maxMatrix || flags.rows < 1 || flags.rows > maxMatrix:
		return phantom.Scan{}, usagef("matrix of %d×%d: want 1 to %d", flags.columns, flags.rows, maxMatrix)
	case flags.slices < 0 || flags.slices > maxSlices:
		return phantom.Scan{}, usagef("--slices %d: want 0 to %d", flags.slices, maxSlices)
	case !(flags.spacing >= 0.1 && flags.spacing <= 20):
		return phantom.Scan{}, usagef("--spacing %g: want 0.1 to 20", flags.spacing)
	case !(flags.thickness >= 0 && flags.thickness <= 20):
		return phantom.Scan{}, usagef("--thickness %g: want 0 to 20", flags.thickness)
	case !(flags.pixelSpacing >= 0.1 && flags.pixelSpacing <= 5):
		return phantom.Scan{}, usagef("--pixel-spacing %g: want 0.1 to 5", flags.pixelSpacing)
	case !(flags.tilt >= -40 && flags.tilt <= 40):
		return phantom.Scan{}, usagef("--tilt %g: want -40 to 40", flags.tilt)
	case !(flags.noise >= 0 && flags.noise <= 500):
		return phantom.Scan{}, usagef("--noise %g: want 0 to 500", flags.noise)
	case !phantom.ValidPosition(flags.position):
		return phantom.Scan{}, usagef("--position %s: want HFS, HFP, HFDL, HFDR, FFS, FFP, FFDL or FFDR", flags.position)
	}
	first, last, err := parseLevels(flags.levels)
	if err != nil {
		return phantom.Scan{}, usagef("--levels %s: %w", flags.levels, err)
	}
	kernels := map[string]phantom.Kernel{"soft": phantom.Soft, "standard": phantom.Standard, "sharp": phantom.Sharp}
	kernel, ok := kernels[flags.kernel]
	if !ok {
		return phantom.Scan{}, usagef("--kernel %s: want soft, standard or sharp", flags.kernel)
	}
	const margin = 20 // mm above and below the levels
	width := float64(flags.columns) * flags.pixelSpacing
	c := s.Cover(first, last, margin, width, flags.pixelSpacing, flags.spacing)
	c.Columns, c.Rows = flags.columns, flags.rows
	if flags.slices > 0 {
		c.Slices = flags.slices
	}
	c.SliceThickness, c.Tilt, c.PatientPosition = flags.thickness, flags.tilt, flags.position
	c.Kernel, c.Noise, c.Seed, c.Table = kernel, flags.noise, flags.seed, flags.table
	return c, nil
}

// parseLevels parses a range such as T8-S1.
func parseLevels(s string) (first, last spine.Level, err error) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		to = from
	}
	if first, err = parsePhantomLevel(from); err != nil {
		return
	}
	if last, err = parsePhantomLevel(to); err != nil {
		return
	}
	if first > last {
		return first, last, fmt.Errorf("%s lies below %s", first, last)
	}
	return first, last, nil
}
