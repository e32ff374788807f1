// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// EncodeMessage returns the bytes by which a message is stored: the same ones for the
// same message, none for one without content.
func EncodeMessage(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// optionsOf decodes endplate.v1.AnalysisOptions.
func optionsOf(options []byte) (*endplatev1.AnalysisOptions, error) {
	m := &endplatev1.AnalysisOptions{}
	if err := proto.Unmarshal(options, m); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fault.InvalidField, "the options cannot be read")
	}
	return m, nil
}

// filmOptionsOf returns what options say of a film, and whether they say anything of one.
func filmOptionsOf(m *endplatev1.AnalysisOptions) (opt analysis.FilmOptions, said bool) {
	f := m.GetFilm()
	opt.Seeds = Seeds(f.GetSeeds())
	opt.Anterior = Side(f.GetAnterior())
	if k := f.GetKnownDistance(); k != nil {
		opt.Distance, opt.Between = k.GetMm(), [2]radiograph.ImagePoint{ImagePoint(k.GetFrom()), ImagePoint(k.GetTo())}
	}
	if l := m.GetFixedLevel(); l.GetPosition().GetColumn() != 0 {
		opt.Fixed = &analysis.FixedOnFilm{Level: spine.Level(l.GetLevel()), At: ImagePoint(l.GetPosition())}
	}
	return opt, f != nil || opt.Fixed != nil
}

// Seeds returns the centres that messages name.
func Seeds(messages []*endplatev1.Seed) []outline.Seed {
	var all []outline.Seed
	for _, s := range messages {
		all = append(all, outline.Seed{Level: spine.Level(s.GetLevel()), Center: ImagePoint(s.GetCenter())})
	}
	return all
}

// Side returns the side that a message names.
func Side(s endplatev1.Film_Side) outline.Side {
	return map[endplatev1.Film_Side]outline.Side{endplatev1.Film_LEFT: outline.Left, endplatev1.Film_RIGHT: outline.Right}[s]
}

// ImagePoint returns a position on a film.
func ImagePoint(p *endplatev1.Position) radiograph.ImagePoint {
	return radiograph.ImagePoint{Col: p.GetColumn(), Row: p.GetRow()}
}

// fixedOf returns the level that encoded endplate.v1.AnalysisOptions fix in a CT; nil if
// none.
func fixedOf(options []byte) (*naming.Fixed, error) {
	m, err := optionsOf(options)
	if err != nil {
		return nil, err
	}
	f := m.GetFixedLevel()
	at := f.GetPosition()
	if f == nil || at.Column != nil {
		return nil, nil
	}
	return &naming.Fixed{
		Level:    spine.Level(f.GetLevel()),
		Position: r3.Vec{X: at.GetX(), Y: at.GetY(), Z: at.GetZ()},
	}, nil
}

// comparisonOf returns encoded endplate.v1.ComparisonOptions.
func comparisonOf(options []byte) (comparison.Options, error) {
	m := &endplatev1.ComparisonOptions{}
	if err := proto.Unmarshal(options, m); err != nil {
		return comparison.Options{}, fault.Wrap(err, fault.Invalid, fault.InvalidField, "the options cannot be read")
	}
	opt := comparison.Options{Force: m.GetForce(), KeepOrder: m.GetKeepOrder()}
	for _, l := range m.GetTreated() {
		opt.Treated = append(opt.Treated, spine.Level(l))
	}
	return opt, nil
}
