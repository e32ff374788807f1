// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"context"
	"errors"
	"math"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/detect"
	"github.com/endplate/endplate/analysis/radiograph/outline"
)

// FilmOptions steer the analysis of a radiograph.
type FilmOptions struct {
	Seeds    []outline.Seed
	Anterior outline.Side

	// Distance is a reader's distance in the patient, mm, between two points; 0 for none.
	Distance float64
	Between  [2]radiograph.ImagePoint
}

// Film is what a lateral radiograph shows.
type Film struct {
	// Refusal says why nothing was measured; nil where something was.
	Refusal     *radiograph.Refusal
	Calibration radiograph.Calibration
	Anterior    outline.Side

	Vertebrae []FilmVertebra // from superior to inferior
	Angles    []morphometry.Angle
	Findings  []finding.Finding
	Warnings  []Warning
}

// FilmVertebra is one vertebra of a Film.
type FilmVertebra struct {
	outline.Body

	// Heights are in the patient, mm; nil without a calibration. Their deviations hold the
	// calibration's.
	Heights *morphometry.Heights
	// AnteriorRatio and MiddleRatio are those heights relative to the own posterior one.
	AnteriorRatio, MiddleRatio *Measurement
	WedgeAngle                 *Measurement // degrees, kyphosis positive
	Deformity                  *finding.Deformity
}

// NotOnFilms names what a CT tells and a film cannot: it is not assessable, which is not the
// same as absent. Lateral films miss 93 % of leaks into the canal (Yeom 2003).
var NotOnFilms = []string{"canal", "cement leaks into the canal", "posterior wall", "pedicles", "attenuation", "edema"}

// MeasureFilm measures the bodies that a lateral film shows; seeds name them, and help where
// they are not found without. A film that is refused gives a result with the reason. The
// error says what is wrong with the options, or is ctx's.
func MeasureFilm(ctx context.Context, m *radiograph.Image, opt FilmOptions) (*Film, error) {
	r := &Film{Calibration: m.Header.Scale.Calibrate()}
	if opt.Distance != 0 {
		c, err := r.Calibration.WithReader(opt.Between[0], opt.Between[1], opt.Distance)
		if err != nil {
			return nil, err
		}
		r.Calibration = c
	}
	if r.Refusal = radiograph.Recognize(m, radiograph.FindField(m), len(opt.Seeds) > 0); r.Refusal != nil {
		return r, nil
	}
	found, err := detect.Find(ctx, m, r.Calibration.Spacing, opt.Seeds, opt.Anterior)
	if refusal, ok := errors.AsType[*radiograph.Refusal](err); ok {
		r.Refusal = refusal
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	r.Anterior = found.Anterior
	if !found.Told {
		r.warn("ANTERIOR_SIDE_SEEN", "the side of anterior was told from the film: neither the header nor a reader says it")
	}
	if p := found.Names.Probability; p < detect.SureNames {
		r.warn("LEVELS_GUESSED", phrase.Of("the names of the levels are a guess (probability %.2f; the next likeliest are off by %+d): give the centre of one as a seed", p, found.Names.Shifted))
	}
	mm := 1.0
	if !r.Calibration.Millimetres() {
		mm = found.NominalScale(r.Calibration.Spacing)
		r.warn("UNCALIBRATED", phrase.Of("no millimetres: %s; limits in millimetres take the bodies as of an average adult's size", r.Calibration.Reason))
	}
	r.assess(&found.Spine, mm)
	return r, nil
}

func (r *Film) warn(code string, message phrase.Text) {
	r.Warnings = append(r.Warnings, Warning{Code: code, Message: message})
}

// assess measures and judges the bodies by the same rules as those of a CT.
func (r *Film) assess(found *outline.Spine, mm float64) {
	column := make([]morphometry.Vertebra, len(found.Bodies))
	for i := range found.Bodies {
		b := &found.Bodies[i]
		column[i] = morphometry.Vertebra{Level: b.Level, Landmarks: b.Landmarks(r.Calibration.Spacing, mm, found.Anterior)}
	}
	a := finding.Assess(column)
	for i, assessed := range a.Vertebrae {
		v := FilmVertebra{Body: found.Bodies[i], WedgeAngle: (*Measurement)(assessed.WedgeAngle), Deformity: assessed.Deformity}
		if h := assessed.Heights; h != nil && h.Posterior > 0 {
			v.AnteriorRatio = ratio(h.Anterior, h.AnteriorSD, h.Posterior, h.PosteriorSD)
			v.MiddleRatio = ratio(h.Middle, h.MiddleSD, h.Posterior, h.PosteriorSD)
		}
		if h := assessed.Heights; h != nil && r.Calibration.Millimetres() {
			scaled := *h
			for _, s := range []struct {
				sd *float64
				mm float64
			}{{&scaled.AnteriorSD, h.Anterior}, {&scaled.MiddleSD, h.Middle}, {&scaled.PosteriorSD, h.Posterior}} {
				*s.sd = math.Hypot(*s.sd, s.mm*r.Calibration.RelativeSD)
			}
			v.Heights = &scaled
		}
		r.Vertebrae = append(r.Vertebrae, v)
		if b := &found.Bodies[i]; !b.Seeded && b.Strength < faint {
			r.warn("FAINT_VERTEBRA", phrase.Of("%s: its endplates are faint on the film", b.Level))
		}
	}
	r.Angles, r.Findings = a.Angles, a.Findings
}

// faint is the strength of edges below which a body that no reader pointed at is doubtful:
// default, half of the film's usual.
const faint = 0.5

// ratio returns a/b with its standard deviation.
func ratio(a, sdA, b, sdB float64) *Measurement {
	return &Measurement{a / b, math.Hypot(sdA, sdB*a/b) / b}
}
