// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"context"
	"fmt"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/volume"
)

// straightWindow is what Find reads of each cross-section: the body of a tall
// man and the ilia beside his sacrum.
var straightWindow = Window{Posterior: 26, Anterior: 64, Lateral: 60}

// Least evidence of a spine.
const (
	minCanal = 25.0 // mm of canal
	minGain  = 5.0  // of the path, mm
)

// Find finds the canal of v, a canonical volume, and the chain of vertebrae
// along it. A volume without a spine is no error: the Spine's Reason says why
// it is empty. The error is ctx's.
func Find(ctx context.Context, v *volume.Volume) (*Spine, error) {
	canal, reason := FindCanal(v)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("canal: %w", err)
	}
	if reason != "" {
		return &Spine{Reason: reason}, nil
	}
	r := Straighten(v, canal, 1, straightWindow)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("straightening: %w", err)
	}
	vertebrae, reason := FindVertebrae(v, r)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("vertebrae: %w", err)
	}
	return &Spine{Canal: canal, Vertebrae: vertebrae, Reason: reason}, nil
}

// FindCanal returns the canal's smoothed centreline in v, a canonical volume,
// with the anterior axes turned with the vertebrae, or why there is none.
func FindCanal(v *volume.Volume) ([]CanalPoint, phrase.Text) {
	if v.Columns < 2 || v.Rows < 2 || v.Slices < 2 {
		return nil, "the volume has a single slice, row or column"
	}
	g := newGrid(v)
	score := dropBodies(g, smoothScores(g, enclosure(g)))
	path, gain := canalPath(g, score)
	if len(path) == 0 || gain < minGain || float64(len(path))*g.dk < minCanal {
		return nil, "no vertebral canal found"
	}
	canal := centreline(v, g, score, path)
	return turned(canal, rotations(v, canal)), ""
}

// FindVertebrae returns the chain of vertebrae in r, which was made of v at 1
// mm by Straighten, or why there is none.
func FindVertebrae(v *volume.Volume, r *Straight) ([]Vertebra, phrase.Text) {
	_, _, slice := v.Spacing()
	sg := readSignals(r, slice)
	for s := range min(belowSkull(v, r, sg), len(sg.visible)) {
		sg.visible[s] = false
	}
	column, _ := findColumn(sg)
	b := &builder{v: v, r: r, sg: sg, column: column}
	vertebrae := b.vertebrae(sacralLink(r, sg, &column))
	if len(vertebrae) == 0 {
		return nil, "no intervertebral disc found along the canal"
	}
	return vertebrae, ""
}
