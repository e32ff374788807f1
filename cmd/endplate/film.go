// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/measure"
)

// filmFlags say how a radiograph is taken of a patient.
type filmFlags struct {
	columns, rows          int
	pixelSpacing           float64
	detector, patient      float64 // from the source, mm
	side                   string
	turn, lean, rotation   float64 // degrees
	energy, kerma, scatter float64
	gamma, equalization    float64
	bits                   int
	raw, inverted          bool
	collimate              float64
	marker                 string
	grid, arms             bool
	gas                    int
	seed                   uint64
}

// add adds the flags of a film; prefix tells them from those of a CT.
func (flags *filmFlags) add(f *pflag.FlagSet, prefix string) {
	f.IntVar(&flags.columns, prefix+"columns", 1024, "of the film")
	f.IntVar(&flags.rows, prefix+"rows", 1280, "of the film")
	f.Float64Var(&flags.pixelSpacing, prefix+"pixel-spacing", 0.34, "ImagerPixelSpacing, at the detector, mm")
	f.Float64Var(&flags.detector, prefix+"source-to-detector", 1150, "mm")
	f.Float64Var(&flags.patient, prefix+"source-to-spine", 900, "mm")
	f.StringVar(&flags.side, prefix+"side", "left", "side of the patient at the detector: left, right or, for a frontal film, front or back")
	f.Float64Var(&flags.turn, prefix+"turn", 0, "of the film about the central ray, degrees; 180 is upside down")
	f.Float64Var(&flags.lean, prefix+"lean", 0, "of the central ray to the patient's feet, degrees, up to 30")
	f.Float64Var(&flags.rotation, prefix+"rotation", 0, "of the patient about the long axis, degrees, up to 30")
	f.Float64Var(&flags.energy, prefix+"energy", 60, "effective photon energy, keV, 30 to 150")
	f.Float64Var(&flags.kerma, prefix+"kerma", 2.5, "air kerma at the detector behind the spine, µGy")
	f.Float64Var(&flags.scatter, prefix+"scatter", 0.6, "scattered to primary radiation behind the grid")
	f.Float64Var(&flags.gamma, prefix+"gamma", 2.5, "slope of the detector's response")
	f.Float64Var(&flags.equalization, prefix+"equalization", 0.6, "part of wide differences of exposure that is taken out, 0 to 0.9")
	f.IntVar(&flags.bits, prefix+"bits", 12, "stored, 8 to 16")
	f.BoolVar(&flags.raw, prefix+"raw", false, "for processing: the logarithm of the exposure")
	f.BoolVar(&flags.inverted, prefix+"inverted", false, "MONOCHROME1")
	f.Float64Var(&flags.collimate, prefix+"collimate", 0, "percent of the film's width and height that the collimator covers, 0 to 70")
	f.StringVar(&flags.marker, prefix+"marker", "", "lead letter beside the spine: L or R")
	f.BoolVar(&flags.grid, prefix+"grid-lines", false, "shadow of a standing grid")
	f.BoolVar(&flags.arms, prefix+"arms", false, "arms held forward from the shoulders")
	f.IntVar(&flags.gas, prefix+"gas", 0, "bubbles of gas in the bowel, up to 50")
}

// check refuses what no film is taken with.
func (flags *filmFlags) check(prefix string) error {
	for _, c := range []struct {
		name      string
		value     float64
		low, high float64
	}{
		{"columns", float64(flags.columns), 16, 8192},
		{"rows", float64(flags.rows), 16, 8192},
		{"pixel-spacing", flags.pixelSpacing, 0.02, 20},
		{"source-to-detector", flags.detector, 200, 10000},
		{"source-to-spine", flags.patient, 100, flags.detector - 1},
		{"turn", flags.turn, -360, 360},
		{"lean", flags.lean, -30, 30},
		{"rotation", flags.rotation, -30, 30},
		{"energy", flags.energy, 30, 150},
		{"kerma", flags.kerma, 0.01, 1000},
		{"scatter", flags.scatter, 0, 10},
		{"gamma", flags.gamma, 0.1, 10},
		{"equalization", flags.equalization, 0, 0.9},
		{"bits", float64(flags.bits), 8, 16},
		{"collimate", flags.collimate, 0, 70},
		{"gas", float64(flags.gas), 0, 50},
	} {
		if !(c.value >= c.low && c.value <= c.high) {
			return usagef("--%s%s %g: want %g to %g", prefix, c.name, c.value, c.low, c.high)
		}
	}
	if _, ok := towards[flags.side]; !ok {
		return usagef("--%sside %s: want left, right, front or back", prefix, flags.side)
	}
	if _, ok := letters[flags.marker]; !ok && flags.marker != "" {
		return usagef("--%smarker %s: want L or R", prefix, flags.marker)
	}
	return nil
}

// towards holds the direction of the central ray by the side at the detector.
var towards = map[string]r3.Vec{"left": {X: 1}, "right": {X: -1}, "front": {Y: -1}, "back": {Y: 1}}

var letters = map[string]projection.Letter{"L": projection.LetterL, "R": projection.LetterR}

func newFilmCommand() *cobra.Command {
	var flags filmFlags
	var out string
	cmd := &cobra.Command{
		Use:   "film CT --out DIR",
		Short: "Render a radiograph of a CT with its truth",
		Long: `Render a radiograph of a CT series (DICOM, or NIfTI in HU): a point source, the
patient, a flat detector with scatter, noise and blur. film.dcm in DIR is a Digital
X-Ray image, and truth.json tells where the landmarks that endplate finds in the CT come
to lie on it, in columns and rows from the outer corner of its first pixel.`,
		Example: `  endplate film ct/ --out film1
  endplate film ct/ --out film2 --side right --turn 5 --collimate 30 --marker R`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("film needs --out")
			}
			if err := flags.check(""); err != nil {
				return err
			}
			return writeFilmOfCT(cmd.Context(), args[0], out, flags)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder of film.dcm and truth.json")
	cmd.Flags().Uint64Var(&flags.seed, "seed", 1, "of noise and gas")
	flags.add(cmd.Flags(), "")
	return cmd
}

// writeFilmOfCT reads the only series at path, finds its landmarks and renders it.
func writeFilmOfCT(ctx context.Context, path, out string, flags filmFlags) error {
	in := measure.Gather([]string{path})
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return err
	}
	defer catalog.Close()
	all := in.Series(catalog, []string{path})
	if len(all) != 1 {
		return fmt.Errorf("%s: %d series of CT images, want one", path, len(all))
	}
	vol, err := all[0].Volume(ctx)
	if err != nil {
		return err
	}
	result, err := analysis.MeasureCT(ctx, vol, analysis.Options{})
	if err != nil {
		return err
	}
	p := patientOf(result)
	if len(p.vertebrae) == 0 {
		return errors.New("no vertebra was found in the CT, so the film would have no truth")
	}
	study := "film " + all[0].Examination.SeriesInstanceUID + " " + filepath.Base(path)
	return writeFilm(out, dicom.SyntheticFilm{Study: study}, vol, p, flags)
}

// filmPatient is who a film is taken of.
type filmPatient struct {
	vertebrae []filmVertebra
	center    r3.Vec // of what the film is to show
	shoulders r3.Vec // middle between them; zero where it is not known
	angles    []truthAngle
}

// writeFilm renders v and writes film.dcm, named as said, and truth.json to dir.
func writeFilm(dir string, said dicom.SyntheticFilm, v *volume.Volume, p filmPatient, flags filmFlags) error {
	g, err := flags.geometry(p.center)
	if err != nil {
		return err
	}
	shadows, err := flags.shadows(p)
	if err != nil {
		return err
	}
	technique := flags.technique(&g, p.center)
	paths := projection.NewBody(v, towards[flags.side]).Paths(&g, shadows)
	processing := projection.Processing{
		Bits: flags.bits, Gamma: flags.gamma, Equalization: flags.equalization, Shutter: true, Raw: flags.raw, Inverted: flags.inverted,
	}
	film := processing.Develop(technique.Expose(&g, paths, p.center))
	said.Description, said.Number, said.Technique, said.Isocenter = "film, "+flags.side+" side at the detector", 1, technique, p.center
	file, uids, err := dicom.WriteFilm(film, said)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "film.dcm"), file); err != nil {
		return err
	}
	return writeTruth(dir, truthOfFilm(&g, p, uids))
}

// geometry places source and detector about what the film is to show.
func (flags *filmFlags) geometry(center r3.Vec) (projection.Geometry, error) {
	radians := math.Pi / 180
	about := func(axis r3.Vec, degrees float64, v r3.Vec) r3.Vec {
		return r3.NewRotation(degrees*radians, axis).Rotate(v)
	}
	toward := about(r3.Vec{Z: 1}, flags.rotation, towards[flags.side])
	side := r3.Cross(toward, r3.Vec{Z: 1})
	toward = about(side, -flags.lean, toward)
	return projection.NewGeometry(projection.Setup{
		Toward: toward, Up: about(toward, flags.turn, about(side, -flags.lean, r3.Vec{Z: 1})),
		Isocenter: center, SourceToIsocenter: flags.patient, SourceToDetector: flags.detector,
		Columns: flags.columns, Rows: flags.rows, ImagerPixelSpacing: flags.pixelSpacing,
	})
}

// shadows returns what stands in the beam beside the patient's trunk.
func (flags *filmFlags) shadows(p filmPatient) ([]projection.Shadow, error) {
	all := projection.BowelGas(p.center, flags.gas, flags.seed)
	if !flags.arms {
		return all, nil
	}
	if p.shoulders == (r3.Vec{}) {
		return nil, errors.New("--arms: no upper thoracic vertebra was found that tells where the shoulders are")
	}
	const halfWidth = 180 // mm, between the heads of the humeri
	for _, side := range []float64{-1, 1} {
		shoulder := r3.Add(p.shoulders, r3.Vec{X: side * halfWidth})
		all = append(all, projection.Arm(shoulder, r3.Vec{Y: -1, Z: 0.25 + 0.1*side})...)
	}
	return all, nil
}

// technique returns how the film is exposed.
func (flags *filmFlags) technique(g *projection.Geometry, center r3.Vec) projection.Technique {
	t := projection.Lumbar()
	t.Energy, t.Kerma, t.ScatterToPrimary, t.Seed = flags.energy, flags.kerma, flags.scatter, flags.seed
	if flags.grid {
		t.GridPeriod, t.GridContrast = 1.7, 0.02 // what sampling leaves of some 40 lines a centimetre
	}
	if flags.collimate > 0 {
		open := 1 - flags.collimate/100
		t.Collimation = projection.Collimation{
			Center: radiograph.ImagePoint{Col: float64(g.Columns) / 2, Row: float64(g.Rows) / 2},
			Width:  open * float64(g.Columns), Height: math.Sqrt(open) * float64(g.Rows),
		}
	}
	if flags.marker != "" {
		const beside, height = 75, 22 // mm at the detector
		at, _ := g.Project(center)
		sign := 1.0
		if flags.side == "right" {
			sign = -1
		}
		t.Markers = []projection.Marker{{
			Letter: letters[flags.marker], Height: height / flags.pixelSpacing,
			At: radiograph.ImagePoint{Col: at.Col + sign*beside/flags.pixelSpacing, Row: 0.3 * float64(g.Rows)},
		}}
	}
	return t
}
