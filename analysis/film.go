// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// FilmOptions steer the analysis of a radiograph.
type FilmOptions struct {
	// Seeds are the centres of vertebral bodies that a reader points at.
	Seeds []outline.Seed
	// Placed are vertebrae whose six points a reader placed.
	Placed []PlacedOnFilm
	// Fixed is a level that the caller knows, at a point in or near its body; the others
	// follow from it. nil for none.
	Fixed    *FixedOnFilm
	Anterior outline.Side

	// Distance is a reader's distance in the patient, mm, between two points; 0 for none.
	Distance float64
	Between  [2]radiograph.ImagePoint

	// Progress is told of each stage as it begins, with the fraction done.
	Progress func(stage string, fraction float64)
}

func (o *FilmOptions) progress(stage phrase.Text, fraction float64) {
	if o.Progress != nil {
		o.Progress(stage.String(), fraction)
	}
}

// PlacedOnFilm are points of a vertebra, by landmark.Name. Where some are Missing the body
// is looked for on the film, and the others take the place of those found; all four corners
// tell where to look.
type PlacedOnFilm struct {
	Level   spine.Level
	Points  [landmark.NumPoints]radiograph.ImagePoint
	Missing [landmark.NumPoints]bool
}

func (p *PlacedOnFilm) whole() bool { return p.Missing == [landmark.NumPoints]bool{} }

// center returns the middle of the four corners; false unless all are there.
func (p *PlacedOnFilm) center() (middle radiograph.ImagePoint, ok bool) {
	corners := []landmark.Name{landmark.SuperiorAnterior, landmark.SuperiorPosterior, landmark.InferiorAnterior, landmark.InferiorPosterior}
	for _, n := range corners {
		if p.Missing[n] {
			return middle, false
		}
		middle.Col += p.Points[n].Col / float64(len(corners))
		middle.Row += p.Points[n].Row / float64(len(corners))
	}
	return middle, true
}

// FixedOnFilm says which level is at a point.
type FixedOnFilm struct {
	Level spine.Level
	At    radiograph.ImagePoint
}

// Film is what a Result of a radiograph tells beyond that of a CT.
//
// Positions of such a result lie in the plane of the film: x is 0, y runs along the
// numbers of its columns and z against those of its rows, in Unit of the calibration's
// spacing. They serve the same measurements as those of a CT. Where the film has no
// calibration their millimetres are those of an average adult, and no length leaves the
// result: heights are withheld, and Ratios tell what they tell.
type Film struct {
	SOPInstanceUID string
	Columns, Rows  int

	// Refusal is the code of why the film was not searched for vertebrae; empty where it
	// was.
	Refusal     string
	Calibration radiograph.Calibration
	// Unit is how many mm of positions a unit of Calibration.Spacing is: 1 where that is in
	// mm, 0 where nothing tells yet.
	Unit float64
	// Anterior is the side on which anterior lies where superior is up, and AnteriorTold
	// whether header or reader said so.
	Anterior     outline.Side
	AnteriorTold bool
}

// NotOnFilms names what a CT tells and a film cannot: it is not assessable, which is not the
// same as absent. Lateral films miss 93 % of leaks into the canal (Yeom 2003).
var NotOnFilms = []string{"canal", "cement leaks into the canal", "posterior wall", "pedicles", "attenuation", "edema"}

// NotOnFilm is why something of a film is not assessable.
const NotOnFilm phrase.Text = "not assessable on radiograph"

// Ratios are what a film tells of heights without millimetres.
type Ratios struct {
	// Anterior and Middle are those heights relative to the own posterior one.
	Anterior, Middle *Measurement
	// OfExpected are the anterior, middle and posterior height relative to those that
	// unfractured neighbours lead one to expect; nil without a usable one.
	OfExpected   [3]*Measurement
	ExpectedFrom []spine.Level
}

// MeasureFilm measures the bodies that a lateral film shows; seeds name them, and help where
// they are not found without. Bodies whose points a reader placed are where they are said to
// be. A film that is refused gives a result with the reason. The error says what is wrong
// with the options, or is ctx's.
func MeasureFilm(ctx context.Context, m *radiograph.Image, opt FilmOptions) (*Result, error) {
	film := &Film{
		SOPInstanceUID: m.Header.SOPInstanceUID, Columns: m.Columns, Rows: m.Rows,
		Calibration: m.Header.Scale.Calibrate(), Anterior: opt.Anterior, AnteriorTold: opt.Anterior != outline.UnknownSide,
	}
	if opt.Distance != 0 {
		c, err := film.Calibration.WithReader(opt.Between[0], opt.Between[1], opt.Distance)
		if err != nil {
			return nil, err
		}
		film.Calibration = c
	}
	if film.Calibration.Millimetres() {
		film.Unit = 1
	}
	r := &Result{Film: film}
	opt.progress("recognizing the view", 0.05)
	pointed := len(opt.Seeds)+len(opt.Placed) > 0
	if refusal := radiograph.Recognize(m, radiograph.FindField(m), pointed); refusal != nil {
		film.Refusal, r.Reason = refusal.Code, refusal.Reason
		return r, nil
	}
	opt.progress("finding vertebrae", 0.1)
	corrections := opt.corrections()
	r, err := CorrectFilm(ctx, m, r, corrections)
	if err != nil {
		return nil, plain(err)
	}
	if opt.Fixed != nil {
		if r, err = r.fixed(opt.Fixed); err != nil {
			return nil, err
		}
	}
	if moves := opt.moves(); len(moves) > 0 {
		if r, err = Correct(r, moves); err != nil {
			return nil, plain(err)
		}
	}
	opt.progress("measured", 1)
	return r, nil
}

// plain returns an error of options that was found as one of corrections.
func plain(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*CorrectionError](err)
	switch {
	case !ok:
		return err
	case e.Field == "anterior":
		return outline.ErrSide
	}
	return &phrase.Failure{Text: e.Reason}
}

// corrections returns what is to be done to an empty result: the search for vertebrae is one
// too.
func (opt *FilmOptions) corrections() []Correction {
	var all []Correction
	seeds := slices.Clone(opt.Seeds)
	for i := range opt.Placed {
		p := &opt.Placed[i]
		if p.whole() {
			all = append(all, AddVertebra{Level: p.Level, OnFilm: &p.Points})
		} else if at, ok := p.center(); ok && !slices.ContainsFunc(seeds, func(s outline.Seed) bool { return s.Level == p.Level }) {
			seeds = append(seeds, outline.Seed{Level: p.Level, Center: at})
		}
	}
	return append(all, SeedVertebrae{Seeds: seeds, Anterior: opt.Anterior, Others: true})
}

// moves returns what puts the points of bodies in their place of which a reader placed some.
func (opt *FilmOptions) moves() []Correction {
	var all []Correction
	for i := range opt.Placed {
		p := &opt.Placed[i]
		for n := range landmark.Name(landmark.NumPoints) {
			if !p.whole() && !p.Missing[n] {
				all = append(all, MoveLandmark{Level: p.Level, Point: n, OnFilm: &p.Points[n]})
			}
		}
	}
	return all
}

// fixed returns the result in which the vertebra nearest to a point has a level, and the
// others those that follow.
func (r *Result) fixed(f *FixedOnFilm) (*Result, error) {
	at := r.Film.Position(f.At)
	nearest, least := -1, bodyReach
	for i := range r.Vertebrae {
		if d := r3.Norm(r3.Sub(r.Vertebrae[i].Center, at)); d < least {
			nearest, least = i, d
		}
	}
	if nearest < 0 {
		return nil, fmt.Errorf("no vertebra was found where %v is said to be", f.Level)
	}
	named, err := Correct(r, []Correction{RenameLevel{From: r.Vertebrae[nearest].Level, To: f.Level, OthersFollow: true}})
	return named, plain(err)
}

// steps returns the distances of columns and of rows in the plane of positions. Before
// anything tells the unit, they are those of the calibration.
func (f *Film) steps() (columns, rows float64) {
	unit := f.Unit
	if unit == 0 {
		unit = 1
	}
	return unit * f.Calibration.Spacing.Columns, unit * f.Calibration.Spacing.Rows
}

// Position returns where a point of the film lies in the plane of positions, mm.
func (f *Film) Position(p radiograph.ImagePoint) r3.Vec {
	columns, rows := f.steps()
	return r3.Vec{Y: columns * p.Col, Z: -rows * p.Row}
}

// Point returns the point of the film at a position of its plane.
func (f *Film) Point(p r3.Vec) radiograph.ImagePoint {
	columns, rows := f.steps()
	return radiograph.ImagePoint{Col: p.Y / columns, Row: -p.Z / rows}
}

// Pixels returns how many rows a length across endplates is, from mm of positions.
func (f *Film) Pixels(mm float64) float64 {
	_, rows := f.steps()
	return mm / rows
}

// filmWhite is the value in a picture's volume of what is as bright as a film shows.
const filmWhite = 4000

// FilmWindow is the window, as center and width, that shows a film as it was meant to be.
const (
	FilmWindowCenter = filmWhite / 2
	FilmWindowWidth  = filmWhite
)

// FilmVolume returns m as a volume of a single sagittal slice, so that pictures are made of
// it as of a CT: brightness in 1/4000. A pixel is a unit wide and high; Result.Placed makes
// millimetres of that.
func FilmVolume(m *radiograph.Image) *volume.Volume {
	const thick = 1000 // mm, so that a film is there at whatever depth
	v := volume.New(volume.Geometry{
		Columns: m.Columns, Rows: m.Rows, Slices: 1,
		Origin: r3.Vec{Y: 0.5, Z: -0.5}, Column: r3.Vec{Y: 1}, Row: r3.Vec{Z: -1}, Slice: r3.Vec{X: thick},
	})
	for i, s := range m.Samples {
		v.Samples[i] = int16(min(max(math.Round(float64(s)*filmWhite), math.MinInt16), math.MaxInt16))
	}
	return v
}

// Placed returns the volume as the result's positions lie in it: that of a film, as
// FilmVolume makes it or Canonical of it, in the plane of the positions; a CT's as it is.
func (r *Result) Placed(v *volume.Volume) *volume.Volume {
	if r.Film == nil || v == nil {
		return v
	}
	return r.Film.placed(v)
}

// placed returns what FilmVolume or Canonical of it returned in the plane of the result's
// positions. It shares the samples.
func (f *Film) placed(v *volume.Volume) *volume.Volume {
	columns, rows := f.steps()
	scaled := func(p r3.Vec) r3.Vec { return r3.Vec{X: p.X, Y: columns * p.Y, Z: rows * p.Z} }
	out := *v
	out.Origin, out.Column, out.Row, out.Slice = scaled(v.Origin), scaled(v.Column), scaled(v.Row), scaled(v.Slice)
	return &out
}
