// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"github.com/endplate/endplate/analysis/segmentation"
)

// crossing is where an edge of a mesh, named by its ends, crosses the picture.
type crossing struct {
	edge [2]int
	at   ImagePoint
}

func newCrossing(a, b int) crossing { return crossing{edge: [2]int{min(a, b), max(a, b)}} }

// cut returns the lines along which a picture cuts a tube.
func cut(t segmentation.Tube, g *Geometry) []line {
	if len(t.Points) == 0 {
		return nil
	}
	at, depth := make([]ImagePoint, len(t.Points)), make([]float64, len(t.Points))
	f := finder{g: g, row: -1}
	below, above := false, false
	for n, p := range t.Points {
		at[n], depth[n] = f.place(p)
		below, above = below || depth[n] < 0, above || depth[n] >= 0
	}
	if !below || !above {
		return nil
	}
	var segments [][2]crossing
	for corners := range t.Triangles() {
		var found []crossing
		for n := range corners {
			p, q := corners[n], corners[(n+1)%3]
			if (depth[p] < 0) == (depth[q] < 0) {
				continue
			}
			x := newCrossing(p, q)
			p, q = x.edge[0], x.edge[1] // the same point from either side
			w := depth[p] / (depth[p] - depth[q])
			x.at = ImagePoint{at[p].Col + w*(at[q].Col-at[p].Col), at[p].Row + w*(at[q].Row-at[p].Row)}
			found = append(found, x)
		}
		if len(found) == 2 {
			segments = append(segments, [2]crossing{found[0], found[1]})
		}
	}
	return chained(segments)
}

// line is a polyline in a picture.
type line struct {
	points []ImagePoint
	closed bool
}

// chained puts segments together that end on the same edge.
func chained(segments [][2]crossing) []line {
	at := map[[2]int][]int{} // the segments that end on an edge
	for n, s := range segments {
		for _, end := range s {
			at[end.edge] = append(at[end.edge], n)
		}
	}
	used := make([]bool, len(segments))
	next := func(end crossing) (crossing, bool) {
		for _, n := range at[end.edge] {
			if used[n] {
				continue
			}
			used[n] = true
			if segments[n][0].edge == end.edge {
				return segments[n][1], true
			}
			return segments[n][0], true
		}
		return crossing{}, false
	}
	follow := func(from crossing) (points []ImagePoint, last crossing) {
		for end, ok := next(from); ok; end, ok = next(end) {
			points, from = append(points, end.at), end
		}
		return points, from
	}
	var lines []line
	for n, s := range segments {
		if used[n] {
			continue
		}
		used[n] = true
		forth, last := follow(s[1])
		points := append([]ImagePoint{s[0].at, s[1].at}, forth...)
		if last.edge == s[0].edge {
			lines = append(lines, line{points[:len(points)-1], true})
			continue
		}
		back, _ := follow(s[0])
		for _, p := range back {
			points = append([]ImagePoint{p}, points...)
		}
		lines = append(lines, line{points: points})
	}
	return lines
}
