// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"math"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// The normal column.
const (
	cervicalVertebrae = 7
	normalThoracic    = 12
	normalLumbar      = 5
)

// variants are the columns that are considered, with the share of people who
// have them. L6 with twelve ribs and the missing twelfth rib are the shares in
// the spines of table.go that show both ends of the lumbar spine (2.6 % and
// 0.4 %). The others are estimates: Yun et al., Korean J Radiol 2018, found L1
// to be the 21st vertebra in 65, the 20th in 31 and the 19th in 4 of 100
// transitional columns, so a rib on the 20th vertebra is commoner than a missing
// one on the 19th.
var variants = []struct {
	thoracic, lumbar int
	share            float64
}{
	{normalThoracic, normalLumbar, 0.92},
	{12, 6, 0.026},
	{12, 4, 0.015},
	{13, 4, 0.020},
	{13, 5, 0.012},
	{11, 5, 0.004},
	{11, 6, 0.003},
}

// column is one variant of the spine from C1 to S1.
type column struct {
	thoracic, lumbar int
	logPrior         float64
	sites            []site // from C1 to S1
}

// site is one vertebra of a column with what is expected there.
type site struct {
	level spine.Level
	reach reachModel
	lung  float64 // probability that lung lies beside it

	// gap is the place in table.go of the step to the next site, between rows
	// where a column has more or fewer vertebrae than the normal one; -1 if no
	// step is known.
	gap float64
}

// nowhere is what stands for a link of the chain that is no vertebra above the
// sacrum's second segment.
var nowhere = site{reach: reachModel{long: 0.3}, lung: 0.5, gap: -1}

// Rows of table.go.
const (
	firstThoracicRow = cervicalVertebrae
	lastThoracicRow  = cervicalVertebrae + normalThoracic - 1 // T12–L1
	lastLumbarRow    = lastThoracicRow + normalLumbar - 1     // L4–L5
)

// text returns the column in words.
func (c *column) text() phrase.Text {
	return phrase.Of("%d ribs, %d lumbar", c.thoracic, c.lumbar)
}

func columns() []column {
	cols := make([]column, 0, len(variants))
	for _, v := range variants {
		c := column{thoracic: v.thoracic, lumbar: v.lumbar, logPrior: math.Log(v.share)}
		for i := range cervicalVertebrae {
			c.sites = append(c.sites, cervicalSite(i))
		}
		for i := range v.thoracic {
			c.sites = append(c.sites, thoracicSite(i, v.thoracic))
		}
		for i := range v.lumbar {
			c.sites = append(c.sites, lumbarSite(i, v.lumbar))
		}
		c.sites = append(c.sites, site{level: spine.S1, reach: sacralReach, lung: lungNever, gap: -1})
		cols = append(cols, c)
	}
	return cols
}

func cervicalSite(i int) site {
	return site{level: spine.C1 + spine.Level(i), reach: cervicalReach[i], lung: lungCervical, gap: float64(i)}
}

func thoracicSite(i, count int) site {
	s := site{level: spine.T1 + spine.Level(i)}
	s.gap = firstThoracicRow + float64(i)*(lastThoracicRow-firstThoracicRow)/float64(count-1)
	if i >= normalThoracic {
		s.level = spine.T13
	}
	switch {
	case i == count-1: // the last rib, whichever number it has
		s.reach = lastRibReach[min(max(count-11, 0), len(lastRibReach)-1)]
	case i == 0:
		s.reach = firstRibReach
	case i == 1:
		s.reach = secondRibReach
	default:
		s.reach = ribReach
	}
	s.lung = lungThoracic[min(i, len(lungThoracic)-1)]
	return s
}

func lumbarSite(i, count int) site {
	s := site{level: spine.L1 + spine.Level(i), lung: lungLumbar[min(i, len(lungLumbar)-1)]}
	s.gap = lastThoracicRow + float64(i+1)*(lastLumbarRow-lastThoracicRow)/float64(count-1)
	s.reach = lumbarReach[min(i, len(lumbarReach)-2)]
	if i == count-1 { // the ilium stands beside the last one
		s.reach = lumbarReach[len(lumbarReach)-1]
		s.gap = -1
	}
	return s
}
