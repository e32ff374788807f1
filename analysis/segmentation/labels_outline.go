// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/spine"
)

// Half-widths over which outlines are averaged across the mid-sagittal plane,
// mm. The plates' is that of the landmark definition; the walls' keeps clear of
// the pedicles.
const (
	plateHalfWidth = 5.0
	wallHalfWidth  = 2.5
)

// outlineStep is the distance between points of an outline, mm.
const outlineStep = 0.5

// minColumns is the fraction of lines across the mid-sagittal plane that must
// meet the body for a point of the outline.
const minColumns = 0.6

// minBodyRadius is the least inscribed radius of a body across the column, mm.
// Cervical bodies, the smallest, are 14 mm deep; processes stay below 10 mm
// thick.
const minBodyRadius = 5.0

// minRelativeRadius is the least inscribed radius relative to the median of the
// column's labels: less is an arch without its body.
const minRelativeRadius = 0.5

// outlineLabel outlines the body of vertebra i of the column.
func outlineLabel(column []labelVertebra, i int) LabelBody {
	v := &column[i]
	b := LabelBody{Level: v.mask.level, Center: v.core.center}
	if v.mask.level == spine.S1 {
		return outlineSacrum(column, i, b)
	}
	b.Reason, b.Truncated = v.obstacle(column)
	if b.Reason != "" {
		return b
	}
	f, ok := findLabelFrame(v, labelAnterior(column, i))
	if !ok {
		b.Reason = "the label has no two endplates"
		return b
	}
	b.Center, b.Canal, b.CanalKnown = f.Origin, f.canal, f.canalKnown
	b.Body = v.mask.outline(&f)
	b.Reason = b.Body.Reason
	return b
}

// obstacle says why a label cannot be outlined, if so, and whether that is
// because the volume cuts its body.
func (v *labelVertebra) obstacle(column []labelVertebra) (reason phrase.Text, truncated bool) {
	radii := make([]float64, len(column))
	for i := range column {
		radii[i] = column[i].core.radius
	}
	slices.Sort(radii)
	switch {
	case v.mask.level <= spine.C2:
		return phrase.Of("%s has no two endplates", v.mask.level), false
	case v.mask.oversized():
		return "the label is larger than a vertebra", false
	case v.core.radius < max(minBodyRadius, minRelativeRadius*radii[len(radii)/2]):
		return "the label holds no vertebral body", len(v.mask.border) > 0
	case v.cut():
		return "the border of the volume cuts the vertebral body", true
	}
	return "", false
}

// bodyReach is the half-width of a body relative to its inscribed radius, which
// is half its depth: 46.7 / 35.0 in lumbar bodies (Clouthier 2023).
const bodyReach = 1.3

// cut tells whether the body touches the border of the volume.
func (v *labelVertebra) cut() bool {
	for _, p := range v.mask.border {
		d := r3.Sub(p, v.core.center)
		along := r3.Dot(d, v.superior)
		if r3.Norm(r3.Sub(d, r3.Scale(along, v.superior))) < bodyReach*v.core.radius {
			return true
		}
	}
	return false
}

// outline draws the body's plates and walls in the mid-sagittal plane.
func (c *labelMask) outline(f *labelFrame) *Body {
	b := &Body{Frame: f.Frame, Depth: f.depth, Width: f.width}
	lo, hi := -f.height/2-plateMargin, f.height/2+plateMargin
	b.Posterior, b.Anterior = c.walls(f, lo, hi)
	b.Inferior, b.Superior = c.plates(f, lo, hi)
	switch {
	case len(b.Superior.A) == 0 || len(b.Inferior.A) == 0:
		b.Reason = "an endplate is missing in the mid-sagittal plane"
	case len(b.Anterior.S) == 0 || len(b.Posterior.S) == 0:
		b.Reason = "a wall is missing in the mid-sagittal plane"
	}
	return b
}

// plateMargin is how far beyond the fitted planes the ends of the body are
// searched, mm: rims and osteophytes rise above the plane.
const plateMargin = 10.0

// plates reads the lower and upper ends of columns along the axis, from the
// posterior to the anterior side.
func (c *labelMask) plates(f *labelFrame, lo, hi float64) (inferior, superior Plate) {
	const step = 1.0 // mm between columns across the plane
	noise := c.noise(f.Superior, f.Left, f.Anterior, plateHalfWidth)
	var lower, upper labelProfile
	_, reach := c.along(f.Origin, f.Anterior)
	for a := outlineStep * math.Ceil(f.behind(c)/outlineStep); a <= reach; a += outlineStep {
		var bottom, top []float64
		columns := 0
		for l := -plateHalfWidth; l <= plateHalfWidth; l += step {
			columns++
			if b, t, ok := c.span(f.Point(lo, a, l), f.Superior, hi-lo); ok {
				bottom, top = append(bottom, lo+b), append(top, lo+t)
			}
		}
		if float64(len(top)) < minColumns*float64(columns) {
			continue
		}
		lower.add(a, bottom)
		upper.add(a, top)
	}
	return lower.plate(1, noise), upper.plate(-1, noise)
}

// plate returns the part of the ends of columns that is endplate, smoothed;
// inside is 1 where the body lies superior of them and -1 where it lies
// inferior.
func (p *labelProfile) plate(inside float64, noise labelNoise) Plate {
	end := p.endplate(inside, noise.step)
	x, y, sd := end.smooth(noise)
	return Plate{A: x, S: y, SD: sd}
}

// An end of a column belongs to the endplate as long as the outline does not
// fall towards the body's inside more steeply than this over a distance of
// slopeWindow, or slopeVoxels voxels: then it is a wall, seen under a rim that
// overhangs. Endplates rise by at most 40° towards the rims of biconcave bodies.
const (
	maxPlateSlope = 1.5 // 56°
	slopeWindow   = 2.0 // mm
	slopeVoxels   = 1.5
)

// endplate returns the part of the ends of columns that is endplate.
func (p *labelProfile) endplate(inside, voxel float64) labelProfile {
	window := max(int(math.Ceil(max(slopeWindow, slopeVoxels*voxel)/outlineStep)), 1)
	middle := len(p.x) / 2
	from, to := 0, len(p.x)
	for i := middle; i+window < len(p.x); i++ {
		if inside*(p.y[i+window]-p.y[i]) > maxPlateSlope*(p.x[i+window]-p.x[i]) {
			to = p.steepest(i, window, 1, inside) + 1
			break
		}
	}
	for i := middle; i-window >= 0; i-- {
		if inside*(p.y[i-window]-p.y[i]) > maxPlateSlope*(p.x[i]-p.x[i-window]) {
			from = p.steepest(i, window, -1, inside)
			break
		}
	}
	return labelProfile{p.x[from:to], p.y[from:to], p.low[from:to], p.high[from:to]}
}

// steepest returns the last point before the profile's steepest fall among
// window points from i on in direction step.
func (p *labelProfile) steepest(i, window, step int, inside float64) int {
	at, fall := i, math.Inf(-1)
	for n := range window {
		j := i + n*step
		if d := inside * (p.y[j+step] - p.y[j]); d > fall {
			at, fall = j, d
		}
	}
	return at
}

// walls reads the posterior and anterior ends of lines across the body, from
// the inferior to the superior end.
func (c *labelMask) walls(f *labelFrame, lo, hi float64) (posterior, anterior Wall) {
	const step = 1.25 // mm between lines across the plane
	noise := c.noise(f.Anterior, f.Left, f.Superior, wallHalfWidth)
	var rear, fore labelProfile
	from := f.behind(c)
	_, reach := c.along(f.Origin, f.Anterior)
	for s := lo; s <= hi; s += outlineStep {
		var back, front []float64
		lines := 0
		for l := -wallHalfWidth; l <= wallHalfWidth; l += step {
			lines++
			if b, t, ok := c.span(f.Point(s, from, l), f.Anterior, reach+lineStep-from); ok {
				back, front = append(back, from+b), append(front, from+t)
			}
		}
		if float64(len(front)) < minColumns*float64(lines) {
			continue
		}
		rear.addWall(s, back, -f.depth)
		fore.addWall(s, front, f.depth)
	}
	return rear.wall(noise), fore.wall(noise)
}

// addWall adds the faces of a wall at height s, those of them that lie in its
// quarter of the body: beyond the endplate of a tilted or dished body a line
// meets only the far rim.
func (p *labelProfile) addWall(s float64, faces []float64, depth float64) {
	if mean := stat.Mean(faces, nil); mean/depth > wallQuarter {
		p.add(s, faces)
	}
}

const wallQuarter = 0.25 // of the depth, from the centre

func (p *labelProfile) wall(noise labelNoise) Wall {
	noise.rim = 0 // the wall line is read away from its ends
	x, y, sd := p.smooth(noise)
	return Wall{S: x, A: y, SD: sd}
}

// labelProfile is a line of faces: for each place x along it, over the lines
// across the mid-sagittal plane, their mean and least and greatest place.
type labelProfile struct{ x, y, low, high []float64 }

func (p *labelProfile) add(x float64, faces []float64) {
	p.x = append(p.x, x)
	p.y = append(p.y, stat.Mean(faces, nil))
	p.low = append(p.low, slices.Min(faces))
	p.high = append(p.high, slices.Max(faces))
}

// labelNoise tells how well a face is placed by voxels.
type labelNoise struct {
	step  float64 // voxel size along the measured direction, mm
	reach float64 // half-width of the window in which a profile is smoothed, mm
	rim   float64 // at the ends of a profile, where voxels may be missing, mm
	faces float64 // voxel faces in the window that are averaged
}

// smoothVoxels is the half-width of the smoothing window in voxels along the
// measured direction, since the steps of a tilted boundary are that high.
const smoothVoxels = 1.0

// noise describes faces measured along d, over halfWidth on either side of the
// mid-sagittal plane along left, and smoothed along the profile.
func (c *labelMask) noise(d, left, along r3.Vec, halfWidth float64) labelNoise {
	n := labelNoise{step: c.extent(d)}
	n.reach = smoothVoxels*n.step + outlineStep
	n.rim = c.extent(along) / 2
	n.faces = max(2*halfWidth/c.extent(left), 1) * max(n.reach/c.extent(along), 1)
	return n
}

// smooth fits a line to the window around each point, with weights that fall
// to nothing at its ends, and returns its value there with the standard
// deviation. Within a rim of the ends, where the edge of the body may have lost
// its voxels, the line of the nearest window is continued. A voxel's face is
// uniformly within half a voxel of the true one (SD step/√12). Faces average
// that out only as far as they spread over a voxel: a boundary along the grid
// has the same error in each.
func (p *labelProfile) smooth(n labelNoise) (x, y, sd []float64) {
	if len(p.x) < 3 {
		return nil, nil, nil
	}
	first, last := p.x[0]+n.rim, p.x[len(p.x)-1]-n.rim
	if first > last {
		first, last = (first+last)/2, (first+last)/2
	}
	for _, at := range p.x {
		center := min(max(at, first), last)
		from, _ := slices.BinarySearch(p.x, center-n.reach)
		to, _ := slices.BinarySearch(p.x, center+n.reach)
		if to-from < 2 {
			continue // a gap
		}
		weights := make([]float64, to-from)
		for j := range weights {
			weights[j] = max(1-math.Abs(p.x[from+j]-center)/n.reach, 0)
			if p.x[from+j] < first || p.x[from+j] > last {
				weights[j] *= rimWeight
			}
		}
		alpha, beta := stat.LinearRegression(p.x[from:to], p.y[from:to], weights, false)
		if math.IsNaN(alpha) || math.IsNaN(beta) {
			continue // too few points around a gap
		}
		spread := min((slices.Max(p.high[from:to])-slices.Min(p.low[from:to]))/(ditherVoxels*n.step), 1)
		faces := max(n.faces*p.share(from, to, n), 1)
		x, y = append(x, at), append(y, alpha+beta*at)
		sd = append(sd, n.step/math.Sqrt(12)*math.Sqrt(1-spread+spread/faces))
	}
	return x, y, sd
}

// rimWeight is the weight of points in the rim: enough to hold the line where
// there are no others.
const rimWeight = 1e-3

// share returns how much of the window is covered, at most 1.
func (p *labelProfile) share(from, to int, n labelNoise) float64 {
	return min((p.x[to-1]-p.x[from])/(2*n.reach), 1)
}

// ditherVoxels is the spread of faces, in voxels, at which their errors average
// out.
const ditherVoxels = 1.5
