// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"math"
	"strings"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// The limits of requests.
const (
	pageSizeDefault = 50
	pageSizeMost    = 500

	longestName      = 128  // characters of a request_id, or of an identifier
	longestComment   = 4096 // characters of what a reader says
	mostCorrections  = 1000
	mostCompared     = 64 // examinations in one comparison
	longestUID       = 64 // characters, PS3.5 section 9
	longestPatientID = 64 // characters, VR LO
	longestModality  = 16 // characters, VR CS
	farthest         = 1e4
	mostFilmSide     = 1 << 16 // columns or rows
	mostSeeds        = 32
)

// checker collects what is wrong with the fields of a request.
type checker struct{ violations []fault.Violation }

func (c *checker) reject(field, format string, args ...any) {
	c.violations = append(c.violations, fault.Violation{Field: field, Description: fmt.Sprintf(format, args...)})
}

// err returns what was rejected as one error, or nil.
func (c *checker) err() error {
	if len(c.violations) == 0 {
		return nil
	}
	return fault.InvalidFields(c.violations...)
}

// uid rejects what is no DICOM UID.
//
// Reference: DICOM PS3.5, section 9.1.
func (c *checker) uid(field, uid string) {
	switch {
	case uid == "":
		c.reject(field, "missing")
	case !validUID(uid):
		c.reject(field, "not a DICOM UID")
	}
}

func (c *checker) uidOrEmpty(field, uid string) {
	if uid != "" {
		c.uid(field, uid)
	}
}

func validUID(uid string) bool {
	if len(uid) > longestUID {
		return false
	}
	for component := range strings.SplitSeq(uid, ".") {
		if component == "" || (len(component) > 1 && component[0] == '0') || strings.Trim(component, "0123456789") != "" {
			return false
		}
	}
	return true
}

// id rejects what cannot be an identifier that the server gave out.
func (c *checker) id(field, id string) {
	switch {
	case id == "":
		c.reject(field, "missing")
	case !plainID(id):
		c.reject(field, "not an identifier of this server")
	}
}

func (c *checker) text(field, s string, most int) {
	if len([]rune(s)) > most {
		c.reject(field, "longer than %d characters", most)
	}
}

// page returns the size of a page that was asked for.
func (c *checker) page(size int32) int {
	if size < 0 {
		c.reject("page_size", "negative")
	}
	if size == 0 {
		return pageSizeDefault
	}
	return min(int(size), pageSizeMost)
}

func (c *checker) level(field string, l endplatev1.Level) {
	if _, known := endplatev1.Level_name[int32(l)]; !known || l == endplatev1.Level_LEVEL_UNSPECIFIED {
		c.reject(field, "no level")
	}
}

// position rejects what is no place in or near a patient, mm, and none on a film.
func (c *checker) position(field string, p *endplatev1.Position) {
	if onFilm(p) {
		c.imagePoint(field, p)
		return
	}
	if p == nil || p.X == nil || p.Y == nil || p.Z == nil {
		c.reject(field, "x, y and z are needed")
		return
	}
	for _, v := range []float64{p.GetX(), p.GetY(), p.GetZ()} {
		if math.IsNaN(v) || math.Abs(v) > farthest {
			c.reject(field, "not a position in mm")
			return
		}
	}
}

// onFilm reports whether a position is one on a film.
func onFilm(p *endplatev1.Position) bool { return p != nil && (p.Column != nil || p.Row != nil) }

// imagePoint rejects what is no place on a film.
func (c *checker) imagePoint(field string, p *endplatev1.Position) {
	switch {
	case p == nil || p.Column == nil || p.Row == nil || p.X != nil || p.Y != nil || p.Z != nil:
		c.reject(field, "column and row alone are needed")
	case !(p.GetColumn() >= 0 && p.GetColumn() <= mostFilmSide && p.GetRow() >= 0 && p.GetRow() <= mostFilmSide):
		c.reject(field, "not a place on a film")
	}
}

// film rejects what cannot be said of any film.
func (c *checker) film(field string, f *endplatev1.FilmOptions) {
	c.seeds(field+".seeds", f.GetSeeds())
	c.side(field+".anterior", f.GetAnterior())
	if k := f.GetKnownDistance(); k != nil {
		c.distance(field+".known_distance", k)
	}
}

func (c *checker) seeds(field string, seeds []*endplatev1.Seed) {
	if len(seeds) > mostSeeds {
		c.reject(field, "want at most %d", mostSeeds)
		return
	}
	for i, s := range seeds {
		c.level(fmt.Sprintf("%s[%d].level", field, i), s.GetLevel())
		c.imagePoint(fmt.Sprintf("%s[%d].center", field, i), s.GetCenter())
	}
}

func (c *checker) side(field string, s endplatev1.Film_Side) {
	if _, known := endplatev1.Film_Side_name[int32(s)]; !known {
		c.reject(field, "no side")
	}
}

func (c *checker) distance(field string, k *endplatev1.KnownDistance) {
	c.imagePoint(field+".from", k.GetFrom())
	c.imagePoint(field+".to", k.GetTo())
	if !(k.GetMm() > 0 && k.GetMm() <= farthest) {
		c.reject(field+".mm", "not a distance in mm")
	}
}

// within rejects a number outside [least, most].
func (c *checker) within(field string, v, least, most float64) {
	if math.IsNaN(v) || v < least || v > most {
		c.reject(field, "want %g to %g", least, most)
	}
}

func (c *checker) options(field string, o *endplatev1.AnalysisOptions) {
	if f := o.GetFixedLevel(); f != nil {
		c.level(field+".fixed_level.level", f.GetLevel())
		c.position(field+".fixed_level.position", f.GetPosition())
	}
	if f := o.GetFilm(); f != nil {
		c.film(field+".film", f)
	}
}

// revision returns the number of the revision that was asked for.
func (c *checker) revision(number *int32) int {
	if number == nil {
		return store.Latest
	}
	if *number < 0 {
		c.reject("revision", "negative")
	}
	return int(*number)
}

func (c *checker) states(field string, states []endplatev1.AnalysisState) []store.State {
	var all []store.State
	for i, s := range states {
		name, known := endplatev1.AnalysisState_name[int32(s)]
		if !known || s == endplatev1.AnalysisState_ANALYSIS_STATE_UNSPECIFIED {
			c.reject(fmt.Sprintf("%s[%d]", field, i), "no state")
			continue
		}
		all = append(all, store.State(name))
	}
	return all
}
