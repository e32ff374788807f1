// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"context"
	"errors"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/detect"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
)

// SeedVertebrae finds bodies on a film by their centres, at which a reader points, with the
// help of the vertebrae that are there. Those stay as they are. Without seeds the film is
// searched by itself; where that finds none, the result says why.
type SeedVertebrae struct {
	Seeds    []outline.Seed
	Anterior outline.Side // unknown: as header, film or the result tell
	Others   bool         // whether bodies between and beside them are added too
}

// CalibrateFilm tells the scale of a film by two points whose distance in the patient, at
// the depth of the spine, a reader knows.
type CalibrateFilm struct {
	Between  [2]radiograph.ImagePoint
	Distance float64 // mm
}

// SideUnknown is the refusal of a film of which nothing tells on which side anterior is.
const SideUnknown = "SIDE_UNKNOWN"

const sideUnknown phrase.Text = "nothing tells which side of the film is anterior: say on which it is"

// CorrectFilm is Correct for a film that is at hand, which SeedVertebrae needs. The error
// may also be ctx's.
func CorrectFilm(ctx context.Context, m *radiograph.Image, r *Result, corrections []Correction) (*Result, error) {
	c := newCorrector(r)
	for i, correction := range corrections {
		c.index = i
		var err *CorrectionError
		if s, ok := correction.(SeedVertebrae); ok {
			err = s.find(ctx, m, c)
		} else {
			err = correction.apply(c)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			err.Index = i
			return nil, err
		}
	}
	if err := c.restate(); err != nil {
		return nil, err
	}
	return c.r, nil
}

// NeedsFilm reports whether a correction is made on the film itself, and CorrectFilm
// therefore needed.
func NeedsFilm(c Correction) bool {
	_, is := c.(SeedVertebrae)
	return is
}

func (s SeedVertebrae) apply(*corrector) *CorrectionError {
	return refuse("seeds", "vertebrae are found by seeds on films alone")
}

// find is apply where the film is at hand.
func (s SeedVertebrae) find(ctx context.Context, m *radiograph.Image, c *corrector) *CorrectionError {
	if c.r.Film == nil {
		return s.apply(c)
	}
	all := slices.Clone(s.Seeds)
	wanted := map[spine.Level]bool{}
	for _, seed := range s.Seeds {
		wanted[seed.Level] = true
		if i := c.indexOf(seed.Level); i >= 0 && c.r.Vertebrae[i].Status == Measured {
			return refuse("seeds", phrase.Of("%s is there, and measured", seed.Level))
		}
	}
	for i := range c.r.Vertebrae {
		if v := &c.r.Vertebrae[i]; v.Status == Measured && !wanted[v.Level] {
			all = append(all, outline.Seed{Level: v.Level, Center: c.r.Film.Point(v.Center)})
		}
	}
	side := s.Anterior
	if side == outline.UnknownSide {
		side = c.r.Film.Anterior
	}
	found, err := detect.Find(ctx, m, c.r.Film.Calibration.Spacing, all, side)
	refusal, refused := errors.AsType[*radiograph.Refusal](err)
	switch {
	case err != nil && len(s.Seeds) == 0 && ctx.Err() == nil && len(c.r.Vertebrae) > 0:
		return nil // those that are there are all
	case refused:
		c.ownFilm().Refusal, c.r.Reason = refusal.Code, refusal.Reason
		return nil
	case errors.Is(err, outline.ErrSide) && len(s.Seeds) == 0:
		c.ownFilm().Refusal, c.r.Reason = SideUnknown, sideUnknown
		return nil
	case errors.Is(err, outline.ErrSide):
		return refuse("anterior", sideUnknown)
	case err != nil:
		return refuse("seeds", phrase.Why(err))
	}
	c.orient(&found.Spine)
	for i := range found.Bodies {
		if b := &found.Bodies[i]; wanted[b.Level] || s.Others && c.indexOf(b.Level) < 0 {
			c.put(b, wanted[b.Level], found.Names)
		}
	}
	c.dropImplausibleOnFilm(wanted)
	c.stale = true
	return nil
}

// orient takes over what a fit tells of the film as a whole.
func (c *corrector) orient(found *outline.Spine) {
	film := c.ownFilm()
	film.Refusal, c.r.Reason = "", ""
	if film.Anterior == outline.UnknownSide {
		film.Anterior, film.AnteriorTold = found.Anterior, found.Told
	}
	if film.Unit == 0 {
		film.Unit = found.NominalScale(film.Calibration.Spacing)
	}
}

// ownFilm returns what is told of the film, to be changed.
func (c *corrector) ownFilm() *Film {
	own := *c.r.Film
	c.r.Film = &own
	return c.r.Film
}

// faint is the strength of edges below which a body that no reader pointed at is doubtful:
// default, half of the film's usual.
const faint = 0.5

// put adds a body that was found, or gives the vertebra of its level its points.
func (c *corrector) put(b *outline.Body, seeded bool, names detect.Names) {
	points := b.Landmarks(c.r.Film.Calibration.Spacing, c.r.Film.Unit)
	v := Vertebra{
		Level: b.Level, LevelProbability: names.Probability, Status: Measured, Complete: true,
		Center: points.Center, Landmarks: points, Reader: Reader{Named: seeded},
	}
	if names.Probability < 1 && names.Shifted != 0 {
		v.LevelAlternative = shifted(b.Level, names.Shifted)
	}
	if !seeded && b.Strength < faint {
		v.Reason = "its endplates are faint on the film"
	}
	if i := c.indexOf(b.Level); i >= 0 {
		c.r.Vertebrae[i] = v
		c.untouch(i)
		return
	}
	i := slices.IndexFunc(c.r.Vertebrae, func(o Vertebra) bool { return o.Level.Order() > b.Level.Order() })
	if i < 0 {
		i = len(c.r.Vertebrae)
	}
	c.r.Vertebrae, c.placed = slices.Insert(c.r.Vertebrae, i, v), slices.Insert(c.placed, i, touched{})
}

// shifted returns the level so many below another in a usual spine; Unknown where there is
// none.
func shifted(l spine.Level, by int) spine.Level {
	if to := l + spine.Level(by); int(l)+by >= int(spine.T1) && to <= spine.L5 {
		return to
	}
	return spine.Unknown
}

// dropImplausibleOnFilm takes back bodies that were found where none can be. One that a
// reader pointed at stays, as not measurable.
func (c *corrector) dropImplausibleOnFilm(wanted map[spine.Level]bool) {
	found := c.r.implausible()
	for i := len(found) - 1; i >= 0; i-- {
		v := &c.r.Vertebrae[i]
		switch {
		case found[i].what == "" || v.Reader.Added || v.Reader.Measured != nil:
		case !wanted[v.Level] && (i == 0 || i == len(c.r.Vertebrae)-1):
			c.r.Vertebrae, c.placed = slices.Delete(c.r.Vertebrae, i, i+1), slices.Delete(c.placed, i, i+1)
		default:
			v.withdraw(phrase.Of("%s: %s", found[i].what, found[i].means))
		}
	}
}

func (k CalibrateFilm) apply(c *corrector) *CorrectionError {
	if c.r.Film == nil {
		return refuse("distance_mm", "a CT tells its scale itself")
	}
	was := *c.r.Film
	calibration, err := was.Calibration.WithReader(k.Between[0], k.Between[1], k.Distance)
	if err != nil {
		return refuse("distance_mm", phrase.Why(err))
	}
	film := c.ownFilm()
	film.Calibration, film.Unit = calibration, 1
	if was.Unit > 0 {
		before, _ := was.steps()
		now, _ := film.steps()
		for i := range c.r.Vertebrae {
			c.r.Vertebrae[i].scale(now / before)
		}
	}
	c.stale = true
	return nil
}

// scale multiplies what a vertebra of a film knows of lengths.
func (v *Vertebra) scale(k float64) {
	v.Center = r3.Scale(k, v.Center)
	scaled := func(l *landmark.Vertebra) *landmark.Vertebra {
		if l == nil {
			return nil
		}
		out := *l
		out.Center = r3.Scale(k, l.Center)
		for n := range landmark.Name(landmark.NumPoints) {
			p := out.Point(n)
			p.Position = r3.Scale(k, p.Position)
			if !p.ByReader { // whose deviation is in mm of the patient
				p.SD *= k
			}
		}
		out.Superior.Depth, out.Inferior.Depth = k*l.Superior.Depth, k*l.Inferior.Depth
		return &out
	}
	v.Landmarks, v.Reader.Measured = scaled(v.Landmarks), scaled(v.Reader.Measured)
	if v.Withdrawn != nil {
		w := *v.Withdrawn
		w.Landmarks = scaled(w.Landmarks)
		v.Withdrawn = &w
	}
}

// locate returns the position that a correction tells, in LPS or on a film.
func (c *corrector) locate(field string, position r3.Vec, onFilm *radiograph.ImagePoint) (r3.Vec, *CorrectionError) {
	switch {
	case c.r.Film == nil && onFilm != nil:
		return r3.Vec{}, refuse(field, "a column and a row are no position in a CT")
	case c.r.Film == nil:
		return position, nil
	case onFilm == nil:
		return r3.Vec{}, refuse(field, "a position on a film is a column and a row")
	case !(onFilm.Col >= 0 && onFilm.Row >= 0 && onFilm.Col <= float64(c.r.Film.Columns) && onFilm.Row <= float64(c.r.Film.Rows)):
		return r3.Vec{}, refuse(field, "it lies beside the film")
	}
	return c.r.Film.Position(*onFilm), nil
}

// locateAll returns the six positions of a vertebra that is added. On a film without
// millimetres the first one tells what an average adult's would be.
func (c *corrector) locateAll(a AddVertebra) (at [landmark.NumPoints]r3.Vec, err *CorrectionError) {
	if a.OnFilm != nil && c.r.Film != nil && c.r.Film.Unit == 0 {
		one := outline.Spine{Bodies: []outline.Body{{Level: a.Level, Points: *a.OnFilm}}}
		film := c.ownFilm()
		if film.Unit = one.NominalScale(film.Calibration.Spacing); !(film.Unit > 0) || !isFinite(r3.Vec{X: film.Unit}) {
			return at, refuse("landmarks", "its anterior and posterior points are no body's")
		}
	}
	for n, p := range a.Landmarks {
		var onFilm *radiograph.ImagePoint
		if a.OnFilm != nil {
			onFilm = &a.OnFilm[n]
		}
		if at[n], err = c.locate("landmarks", p, onFilm); err != nil {
			return at, err
		}
	}
	return at, nil
}
