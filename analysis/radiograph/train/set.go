// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package train

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"

	"github.com/endplate/endplate/analysis/radiograph"
)

// SetStyle is that of the films of a training set: small, as the networks see films.
var SetStyle = Style{Columns: 384, Rows: 480, FinestPixel: 0.85, WidestPixel: 1.45, MostTurn: 14, Blur: 0.3}

// full is what is written of the greatest brightness.
const full = 4095

// Set writes films for training: their pixels, 16 bits each, little endian, row by row, to
// pixels and a line of JSON each to notes.
type Set struct {
	pixels io.Writer
	notes  *json.Encoder
}

// NewSet returns a set that is empty.
func NewSet(pixels, notes io.Writer) *Set { return &Set{pixels, json.NewEncoder(notes)} }

// note is what training needs to know of a film, in columns and rows.
type note struct {
	Patient string       `json:"patient"`
	Unit    float64      `json:"unit"`
	Right   bool         `json:"right"`
	Bodies  []noteBody   `json:"bodies"`
	Unsure  [][2]float64 `json:"unsure"`
	Note    []string     `json:"note"`
}

type noteBody struct {
	Level  int           `json:"level"`
	Center [2]float64    `json:"center"`
	Points [6][2]float64 `json:"points"`
	Slopes [2][2]float64 `json:"slopes"`
	Half   bool          `json:"half"` // S1: the superior endplate alone
}

func pair(p radiograph.ImagePoint) [2]float64 {
	return [2]float64{math.Round(1000*p.Col) / 1000, math.Round(1000*p.Row) / 1000}
}

// Add writes one film of a patient.
func (s *Set) Add(patient string, f *Film) error {
	bytes := make([]byte, 0, 2*len(f.Image.Samples))
	for _, v := range f.Image.Samples {
		bytes = binary.LittleEndian.AppendUint16(bytes, uint16(math.Round(full*float64(min(max(v, 0), 1)))))
	}
	if _, err := s.pixels.Write(bytes); err != nil {
		return err
	}
	n := note{Patient: patient, Unit: f.Unit, Right: f.Right, Note: f.Note, Bodies: []noteBody{}, Unsure: [][2]float64{}}
	for _, v := range f.Column {
		b := noteBody{Level: int(v.Level), Center: pair(v.Center), Half: v.SuperiorOnly}
		for k, p := range v.Points {
			b.Points[k] = pair(p)
		}
		for k, p := range v.Slopes {
			b.Slopes[k] = pair(p)
		}
		n.Bodies = append(n.Bodies, b)
	}
	for _, p := range f.Unsure {
		n.Unsure = append(n.Unsure, pair(p))
	}
	return s.notes.Encode(n)
}
