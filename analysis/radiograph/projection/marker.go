// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package projection

import "github.com/endplate/endplate/analysis/radiograph"

// Marker is a lead letter on the detector.
type Marker struct {
	Letter Letter
	At     radiograph.ImagePoint // middle
	Height float64               // pixels
	// Mirrored is set where it was laid down on its face.
	Mirrored bool
}

// Letter is a letter of lead, by what it marks.
type Letter uint8

// The letters.
const (
	LetterL Letter = iota // left side
	LetterR               // right side
)

// glyphs are the letters in seven rows of five.
var glyphs = [...][7]string{
	LetterL: {"#....", "#....", "#....", "#....", "#....", "#....", "#####"},
	LetterR: {"####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"},
}

// lead is what passes a marker's 1 mm of lead.
const lead = 0.01

// cover takes away what does not pass the marker.
func (m Marker) cover(image plane) {
	const columns, rows = 5, 7
	cell := m.Height / rows
	top, left := m.At.Row-m.Height/2, m.At.Col-columns*cell/2
	for row := max(int(top), 0); row < min(int(top+m.Height)+1, image.rows); row++ {
		for col := max(int(left), 0); col < min(int(left+columns*cell)+1, image.columns); col++ {
			y, x := int((float64(row)+0.5-top)/cell), int((float64(col)+0.5-left)/cell)
			if m.Mirrored {
				x = columns - 1 - x
			}
			if y >= 0 && y < rows && x >= 0 && x < columns && glyphs[m.Letter][y][x] == '#' {
				image.v[row*image.columns+col] *= lead
			}
		}
	}
}
