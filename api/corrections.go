// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// corrections returns what a reader's messages ask for, and rejects what no result
// could allow. What this result does not allow, analysis.Correct says.
func (c *checker) corrections(field string, messages []*endplatev1.Correction) []analysis.Correction {
	if len(messages) > mostCorrections {
		c.reject(field, "want at most %d", mostCorrections)
		return nil
	}
	all := make([]analysis.Correction, 0, len(messages))
	for i, m := range messages {
		if correction := c.correction(fmt.Sprintf("%s[%d]", field, i), m); correction != nil {
			all = append(all, correction)
		}
	}
	return all
}

func (c *checker) correction(field string, m *endplatev1.Correction) analysis.Correction {
	switch change := m.GetChange().(type) {
	case *endplatev1.Correction_MoveLandmark:
		return c.moveLandmark(field+".move_landmark", change.MoveLandmark)
	case *endplatev1.Correction_RenameLevel:
		r := change.RenameLevel
		c.level(field+".rename_level.from", r.GetFrom())
		c.level(field+".rename_level.to", r.GetTo())
		return analysis.RenameLevel{From: spine.Level(r.GetFrom()), To: spine.Level(r.GetTo()), OthersFollow: r.GetOthersFollow()}
	case *endplatev1.Correction_AddVertebra:
		return c.addVertebra(field+".add_vertebra", change.AddVertebra)
	case *endplatev1.Correction_RemoveVertebra:
		c.level(field+".remove_vertebra.level", change.RemoveVertebra.GetLevel())
		return analysis.RemoveVertebra{Level: spine.Level(change.RemoveVertebra.GetLevel())}
	case *endplatev1.Correction_MarkMeasurable:
		r := change.MarkMeasurable
		c.level(field+".mark_measurable.level", r.GetLevel())
		c.text(field+".mark_measurable.reason", r.GetReason(), longestComment)
		return analysis.MarkMeasurable{Level: spine.Level(r.GetLevel()), Measurable: r.GetMeasurable(), Reason: r.GetReason()}
	case *endplatev1.Correction_JudgeFinding:
		return c.judgeFinding(field+".judge_finding", change.JudgeFinding)
	case *endplatev1.Correction_SeedVertebrae:
		return c.seedVertebrae(field+".seed_vertebrae", change.SeedVertebrae)
	case *endplatev1.Correction_CalibrateFilm:
		k := change.CalibrateFilm.GetKnownDistance()
		c.distance(field+".calibrate_film.known_distance", k)
		return analysis.CalibrateFilm{
			Between: [2]radiograph.ImagePoint{measure.ImagePoint(k.GetFrom()), measure.ImagePoint(k.GetTo())}, Distance: k.GetMm(),
		}
	}
	c.reject(field, "no change")
	return nil
}

func (c *checker) moveLandmark(field string, m *endplatev1.MoveLandmark) analysis.Correction {
	c.level(field+".level", m.GetLevel())
	c.position(field+".position", m.GetPosition())
	point, ok := points[m.GetPoint()]
	if !ok {
		c.reject(field+".point", "no point")
	}
	move := analysis.MoveLandmark{Level: spine.Level(m.GetLevel()), Point: point, Position: vec(m.GetPosition())}
	if onFilm(m.GetPosition()) {
		move.OnFilm = new(measure.ImagePoint(m.GetPosition()))
	}
	return move
}

func (c *checker) seedVertebrae(field string, m *endplatev1.SeedVertebrae) analysis.Correction {
	if len(m.GetSeeds()) == 0 {
		c.reject(field+".seeds", "missing")
	}
	c.seeds(field+".seeds", m.GetSeeds())
	c.side(field+".anterior", m.GetAnterior())
	return analysis.SeedVertebrae{Seeds: measure.Seeds(m.GetSeeds()), Anterior: measure.Side(m.GetAnterior()), Others: m.GetFindOthers()}
}

var points = map[endplatev1.MoveLandmark_Point]landmark.Name{
	endplatev1.MoveLandmark_SUPERIOR_ANTERIOR:  landmark.SuperiorAnterior,
	endplatev1.MoveLandmark_SUPERIOR_MIDDLE:    landmark.SuperiorMiddle,
	endplatev1.MoveLandmark_SUPERIOR_POSTERIOR: landmark.SuperiorPosterior,
	endplatev1.MoveLandmark_INFERIOR_ANTERIOR:  landmark.InferiorAnterior,
	endplatev1.MoveLandmark_INFERIOR_MIDDLE:    landmark.InferiorMiddle,
	endplatev1.MoveLandmark_INFERIOR_POSTERIOR: landmark.InferiorPosterior,
}

func (c *checker) addVertebra(field string, m *endplatev1.AddVertebra) analysis.Correction {
	c.level(field+".level", m.GetLevel())
	l := m.GetLandmarks()
	a := analysis.AddVertebra{Level: spine.Level(m.GetLevel())}
	if p := l.GetSuperiorAnterior(); p != nil && p.Column != nil {
		points, err := convert.FilmPoints(l)
		if err != nil {
			c.reject(field+".landmarks", "%v", err)
		}
		a.OnFilm = points
		return a
	}
	for _, p := range []struct {
		field string
		name  landmark.Name
		at    *endplatev1.Landmark
	}{
		{"superior_anterior", landmark.SuperiorAnterior, l.GetSuperiorAnterior()},
		{"superior_middle", landmark.SuperiorMiddle, l.GetSuperiorMiddle()},
		{"superior_posterior", landmark.SuperiorPosterior, l.GetSuperiorPosterior()},
		{"inferior_anterior", landmark.InferiorAnterior, l.GetInferiorAnterior()},
		{"inferior_middle", landmark.InferiorMiddle, l.GetInferiorMiddle()},
		{"inferior_posterior", landmark.InferiorPosterior, l.GetInferiorPosterior()},
	} {
		at := &endplatev1.Position{}
		if p.at != nil {
			at = &endplatev1.Position{X: p.at.X, Y: p.at.Y, Z: p.at.Z}
		}
		c.position(field+".landmarks."+p.field, at)
		a.Landmarks[p.name] = vec(at)
	}
	return a
}

func (c *checker) judgeFinding(field string, m *endplatev1.JudgeFinding) analysis.Correction {
	j := analysis.JudgeFinding{Code: m.GetCode(), Accepted: m.GetAccepted(), Reason: m.GetReason()}
	if m.GetCode() == "" {
		c.reject(field+".code", "missing")
	}
	c.text(field+".code", m.GetCode(), longestName)
	c.text(field+".reason", m.GetReason(), longestComment)
	for i, l := range m.GetLevels() {
		c.level(fmt.Sprintf("%s.levels[%d]", field, i), l)
		j.Levels = append(j.Levels, spine.Level(l))
	}
	return j
}

func vec(p *endplatev1.Position) r3.Vec { return r3.Vec{X: p.GetX(), Y: p.GetY(), Z: p.GetZ()} }

// correctionField returns the name of the field that a correction's error is about,
// in a request.
func correctionField(messages []*endplatev1.Correction, err *analysis.CorrectionError) string {
	field := fmt.Sprintf("corrections[%d]", err.Index)
	if err.Index < len(messages) {
		m := messages[err.Index].ProtoReflect()
		if one := m.WhichOneof(m.Descriptor().Oneofs().ByName("change")); one != nil {
			field += "." + string(one.Name())
		}
	}
	return field + "." + err.Field
}
