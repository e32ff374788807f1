// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/localization/naming"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/internal/fault"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// EncodeMessage returns the bytes by which a message is stored: the same ones for the
// same message, none for one without content.
func EncodeMessage(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// fixedOf returns the level that encoded endplate.v1.AnalysisOptions fix; nil if none.
func fixedOf(options []byte) (*naming.Fixed, error) {
	m := &endplatev1.AnalysisOptions{}
	if err := proto.Unmarshal(options, m); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fault.InvalidField, "the options cannot be read")
	}
	f := m.GetFixedLevel()
	if f == nil {
		return nil, nil
	}
	at := f.GetPosition()
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
