// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/segmentation"
)

// tube is a surface of rings around an axis, all of the same number of points.
type tube struct {
	ring   int
	points []r3.Vec // LPS mm, ring by ring
}

// surfaceTube returns a body's surface, its poles as rings of one point.
func surfaceTube(s *segmentation.Surface) tube {
	const inner = segmentation.SurfaceAngles * segmentation.SurfaceRings
	t := tube{ring: segmentation.SurfaceAngles}
	if len(s.Points) != inner+2 {
		return t
	}
	at := func(p r3.Vec) r3.Vec { return s.Frame.Point(p.X, p.Y, p.Z) }
	for range t.ring {
		t.points = append(t.points, at(s.Points[0]))
	}
	for _, p := range s.Points[1 : inner+1] {
		t.points = append(t.points, at(p))
	}
	for range t.ring {
		t.points = append(t.points, at(s.Points[inner+1]))
	}
	return t
}

// crossing is where an edge of a mesh, named by its ends, crosses the picture.
type crossing struct {
	edge [2]int
	at   ImagePoint
}

func newCrossing(a, b int) crossing { return crossing{edge: [2]int{min(a, b), max(a, b)}} }

// cut returns the lines along which the picture cuts the tube.
func (t tube) cut(g *Geometry) []line {
	if len(t.points) == 0 {
		return nil
	}
	at, depth := make([]ImagePoint, len(t.points)), make([]float64, len(t.points))
	f := finder{g: g, row: -1}
	below, above := false, false
	for n, p := range t.points {
		at[n], depth[n] = f.place(p)
		below, above = below || depth[n] < 0, above || depth[n] >= 0
	}
	if !below || !above {
		return nil
	}
	var segments [][2]crossing
	cross := func(a, b, c int) {
		var found []crossing
		for _, e := range [...][2]int{{a, b}, {b, c}, {c, a}} {
			p, q := e[0], e[1]
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
	for from := 0; from+2*t.ring <= len(t.points); from += t.ring {
		for i := range t.ring {
			j := (i + 1) % t.ring
			p, q, r, s := from+i, from+j, from+t.ring+i, from+t.ring+j
			cross(p, r, q)
			cross(q, r, s)
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
