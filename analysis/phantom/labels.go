// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// Labels returns the label map that an ideal segmentation on the grid g would
// give: each voxel whose centre lies in a vertebra holds the level's VerSe
// number, S1 standing for the whole sacrum. Ribs and pelvis are background.
func (s *Spine) Labels(g volume.Geometry) *volume.LabelMap { return s.labels(g, true) }

// BodyLabels is Labels for the vertebral bodies alone.
func (s *Spine) BodyLabels(g volume.Geometry) *volume.LabelMap { return s.labels(g, false) }

func (s *Spine) labels(g volume.Geometry, arches bool) *volume.LabelMap {
	m := &volume.LabelMap{Geometry: g, Labels: make([]uint16, g.Columns*g.Rows*g.Slices)}
	l := newLayer(s, g.Columns, g.Rows, nil)
	n := g.Columns * g.Rows
	for k := range g.Slices {
		l.plane = plane{
			origin: g.Position(0, 0, float64(k)), column: g.Column, row: g.Row,
			normal: r3.Unit(r3.Cross(g.Column, g.Row)), pixel: r3.Norm(g.Column),
		}
		l.clear()
		dst := m.Labels[k*n : (k+1)*n]
		if arches {
			l.labelBars(dst)
		}
		for _, b := range s.bodies {
			l.labelBody(b, dst)
		}
	}
	return m
}

func (l *layer) labelBars(dst []uint16) {
	for n := range l.spine.bars {
		b := &l.spine.bars[n]
		if b.level == 0 {
			continue
		}
		if r, ok := l.cut(b, 0); ok {
			l.measureBar(int16(n), b, r)
		}
	}
	for i, d := range l.distance {
		if d < 0 {
			dst[i] = uint16(l.spine.bars[l.nearest[i]].level)
		}
	}
}

func (l *layer) labelBody(b *body, dst []uint16) {
	c, ok := l.near(b, 0, max(b.AnteriorHeight, b.PosteriorHeight)/2+4, -b.table.a0, -b.table.l0)
	if !ok {
		return
	}
	l.each(c, func(n int, s, a, lateral float64) {
		f, ok := b.table.lookup(a, lateral)
		if !ok || s > f.superior || s < f.inferior {
			return
		}
		if d, _ := b.wall(s, a, &f); d > 0 {
			dst[n] = uint16(b.Level)
		}
	})
}
