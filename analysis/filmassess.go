// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/radiograph/detect"
)

// Codes of a film's warnings.
const (
	codeUncalibrated = "UNCALIBRATED"
	codeSideSeen     = "ANTERIOR_SIDE_SEEN"
	codeGuessed      = "LEVELS_GUESSED"
)

// assessFilm measures and judges the bodies by the same rules as those of a CT, as far as
// a film shows what they ask for.
func (r *Result) assessFilm() {
	r.assess()
	r.suspectWalls()
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		v.Canal = Canal{Reason: NotOnFilm}
		v.Ratios = ratiosOf(v.Heights, v.Expected)
		if r.Film.Calibration.Millimetres() {
			v.calibrate(r.Film.Calibration.RelativeSD)
		} else {
			v.Heights, v.Expected, v.DiscHeight = nil, nil, nil
		}
	}
	r.warnOfFilm()
}

// suspectWalls looks for what a film shows of posterior walls, which is never more than a
// suspicion.
func (r *Result) suspectWalls() {
	excluded := r.unfit()
	levels := make([]finding.FilmLevel, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		levels[i] = finding.FilmLevel{Level: v.Level, Heights: v.Heights, Expected: v.Expected, Excluded: excluded[i]}
		if v.Status == Measured {
			levels[i].Landmarks = v.Landmarks
		}
	}
	for i, a := range finding.AssessFilmWalls(levels) {
		v := &r.Vertebrae[i]
		v.Wall = Wall{}
		if v.Status != Measured {
			continue
		}
		v.Wall = Wall{Measures: a.Measures, PosteriorWall: a.Wall}
		r.Findings = append(r.Findings, a.Findings...)
	}
}

// ratiosOf returns what heights tell without their unit; nil where there are none.
func ratiosOf(h *morphometry.Heights, e *morphometry.Expected) *Ratios {
	if h == nil || !(h.Posterior > 0) {
		return nil
	}
	out := &Ratios{
		Anterior: ratio(h.Anterior, h.AnteriorSD, h.Posterior, h.PosteriorSD),
		Middle:   ratio(h.Middle, h.MiddleSD, h.Posterior, h.PosteriorSD),
	}
	if e != nil && min(e.Anterior, e.Middle, e.Posterior) > 0 {
		out.OfExpected = [3]*Measurement{
			finding.AnteriorHeight:  ratio(h.Anterior, h.AnteriorSD, e.Anterior, e.AnteriorSD),
			finding.MiddleHeight:    ratio(h.Middle, h.MiddleSD, e.Middle, e.MiddleSD),
			finding.PosteriorHeight: ratio(h.Posterior, h.PosteriorSD, e.Posterior, e.PosteriorSD),
		}
		out.ExpectedFrom = slices.Clone(e.From)
	}
	return out
}

// ratio returns a/b with its standard deviation.
func ratio(a, sdA, b, sdB float64) *Measurement {
	return &Measurement{a / b, math.Hypot(sdA, sdB*a/b) / b}
}

// calibrate adds what the calibration leaves uncertain to the deviations of lengths.
func (v *Vertebra) calibrate(relative float64) {
	if v.Heights != nil {
		h := *v.Heights
		h.AnteriorSD = math.Hypot(h.AnteriorSD, relative*h.Anterior)
		h.MiddleSD = math.Hypot(h.MiddleSD, relative*h.Middle)
		h.PosteriorSD = math.Hypot(h.PosteriorSD, relative*h.Posterior)
		v.Heights = &h
	}
	if v.Expected != nil {
		e := *v.Expected
		e.AnteriorSD = math.Hypot(e.AnteriorSD, relative*e.Anterior)
		e.MiddleSD = math.Hypot(e.MiddleSD, relative*e.Middle)
		e.PosteriorSD = math.Hypot(e.PosteriorSD, relative*e.Posterior)
		e.SD = math.Hypot(e.SD, relative*(e.Anterior+e.Middle+e.Posterior)/3)
		v.Expected = &e
	}
	if v.DiscHeight != nil {
		v.DiscHeight = &Measurement{v.DiscHeight.Value, math.Hypot(v.DiscHeight.SD, relative*v.DiscHeight.Value)}
	}
}

// warnOfFilm says what makes a film's result doubtful as a whole.
func (r *Result) warnOfFilm() {
	kept := slices.DeleteFunc(slices.Clone(r.Warnings), func(w Warning) bool {
		return w.Code == codeUncalibrated || w.Code == codeSideSeen || w.Code == codeGuessed
	})
	r.Warnings = kept
	if len(r.Vertebrae) == 0 {
		return
	}
	warn := func(code string, message phrase.Text) {
		r.Warnings = append(r.Warnings, Warning{Code: code, Message: message})
	}
	if !r.Film.Calibration.Millimetres() {
		warn(codeUncalibrated, phrase.Of("no millimetres: %s; limits in millimetres take the bodies as of an average adult's size", r.Film.Calibration.Reason))
	}
	if !r.Film.AnteriorTold && slices.ContainsFunc(r.Vertebrae, func(v Vertebra) bool { return !v.Reader.Added }) {
		warn(codeSideSeen, "the side of anterior was told from the film: neither the header nor a reader says it")
	}
	if i := slices.IndexFunc(r.Vertebrae, func(v Vertebra) bool { return v.LevelProbability < detect.SureNames }); i >= 0 {
		warn(codeGuessed, phrase.Of("the names of the levels are a guess (probability %.2f): fix one", r.Vertebrae[i].LevelProbability))
	}
}
