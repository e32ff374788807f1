// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
)

// canalReader finds the first bone around the middle of a canal.
type canalReader struct {
	im    *reader
	canal *Canal
	wall  *wallReader

	profiles [][][]float64 // [row][ray][sample]
	faces    [][]face      // [row][ray]; at is +Inf where a ray meets no bone
}

const (
	canalClear    = 1.5  // mm behind the wall, where even a narrow canal's content is met
	canalAside    = 4.0  // mm, most that the canal's middle lies beside the body's
	pedicleSlack  = 1.5  // mm, by which the canal is wider elsewhere between the pedicles
	contentReach  = 1.5  // mm around the middle that shows what the canal holds
	rayFaceSD     = 1.0  // mm, of a face about where a ray's profile rises
	leastFaceSD   = 0.15 // mm
	leastCosine   = 0.4  // of a ray against the face's normal: beyond, the neighbours' is taken
	wallTolerance = 1.5  // mm before the wall where a ray must meet bone to end there
	// anteriorSector is the angle from anterior within which the body bounds the
	// canal at all heights: the ring does not close it.
	anteriorSector   = math.Pi / 4
	defaultHalfWidth = 8.0 // mm, of the narrowest thoracic canals
)

// center moves the canal's origin to the middle of its narrowest place, and
// reports whether there is a canal: bone behind it, and pedicles as far to either
// side of the body's mid-sagittal plane.
func (r *canalReader) center() bool {
	f := &r.canal.Frame
	back := r3.Scale(-1, f.Anterior)
	least, middle := math.Inf(1), 0.0
	for i, s := range r.wall.rows {
		front := r.wall.middle[i] - boneThickness/2
		start := front - canalClear
		p := r.profile(f.Point(s, start, 0), back)
		if at := r.rise(p); front-start+at < least {
			least, middle = front-start+at, (front+start-at)/2
		}
	}
	if math.IsInf(least, 1) {
		return false
	}
	f.Origin = f.Point(0, middle, 0)
	for i := range r.wall.middle {
		r.wall.middle[i] -= middle
	}
	aside := r.aside()
	if math.Abs(aside) > canalAside {
		return false
	}
	f.Origin = f.Point(0, 0, aside)
	return true
}

// aside returns how far left of the origin the middle between the pedicles lies,
// mm: the median where they are nearest to each other. Elsewhere lateral rays
// pass through the foramina.
func (r *canalReader) aside() float64 {
	f := r.canal.Frame
	var width, middle []float64
	for _, s := range r.wall.rows {
		p := f.Point(s, 0, 0)
		left, right := r.rise(r.profile(p, f.Left)), r.rise(r.profile(p, r3.Scale(-1, f.Left)))
		if both := left + right; !math.IsInf(both, 1) {
			width, middle = append(width, both), append(middle, (left-right)/2)
		}
	}
	if len(width) == 0 {
		return 0
	}
	narrowest := slices.Min(width)
	var at []float64
	for i := range width {
		if width[i] < narrowest+pedicleSlack {
			at = append(at, middle[i])
		}
	}
	return median(at)
}

// profile samples the volume from p in the unit direction d.
func (r *canalReader) profile(p, d r3.Vec) []float64 {
	out := make([]float64, int(canalRayLength/canalRayStep)+1)
	for c := range out {
		out[c] = r.im.sampler.At(r3.Add(p, r3.Scale(float64(c)*canalRayStep, d)))
	}
	return out
}

// rise returns where a profile that begins in the canal rises half way to the
// first bone, mm; +Inf if it meets none.
func (r *canalReader) rise(p []float64) float64 {
	content := median(p[:int(contentReach/canalRayStep)+1])
	first := slices.IndexFunc(p, func(x float64) bool { return x > content+canalBone })
	if first <= 0 {
		if first == 0 {
			return 0
		}
		return math.Inf(1)
	}
	top := first
	for top+1 < len(p) && p[top+1] > p[top] {
		top++
	}
	half := (content + p[top]) / 2
	i := top
	for i > 0 && p[i-1] > half {
		i--
	}
	if i == 0 {
		return 0
	}
	return canalRayStep * (float64(i) - (p[i]-half)/(p[i]-p[i-1]))
}

// read casts the rays of all sections and fits the faces that they meet.
func (r *canalReader) read() {
	f := r.canal.Frame
	r.canal.pedicles(r.wall.rows, r.wall.middle, func(p, d r3.Vec) float64 { return r.rise(r.profile(p, d)) })
	raw := make([][]float64, len(r.wall.rows))
	r.profiles = make([][][]float64, len(raw))
	for i, s := range r.wall.rows {
		r.profiles[i] = make([][]float64, CanalRays)
		for j := range CanalRays {
			r.profiles[i][j] = r.profile(f.Point(s, 0, 0), rayDirection(r.canal, j))
		}
	}
	r.profiles = alongCanal(r.profiles)
	for i := range raw {
		raw[i] = make([]float64, CanalRays)
		for j := range raw[i] {
			raw[i][j] = r.rise(r.profiles[i][j])
		}
	}
	r.faces = make([][]face, len(raw))
	for i := range raw {
		r.faces[i] = make([]face, CanalRays)
		for j := range raw[i] {
			r.faces[i][j] = r.face(raw, i, j)
		}
	}
}

// alongCanal averages the profiles of each ray over neighbouring sections.
func alongCanal(profiles [][][]float64) [][][]float64 {
	out := make([][][]float64, len(profiles))
	for i := range profiles {
		before, after := profiles[max(i-1, 0)], profiles[min(i+1, len(profiles)-1)]
		out[i] = make([][]float64, len(profiles[i]))
		for j, p := range profiles[i] {
			mean := make([]float64, len(p))
			for c := range p {
				mean[c] = (before[j][c] + 2*p[c] + after[j][c]) / 4
			}
			out[i][j] = mean
		}
	}
	return out
}

func rayDirection(c *Canal, ray int) r3.Vec {
	sin, cos := math.Sincos(rayAngle(ray))
	return r3.Add(r3.Scale(cos, c.Frame.Anterior), r3.Scale(sin, c.Frame.Left))
}

// rayAngle returns the angle of a ray from anterior towards the left, radians.
func rayAngle(ray int) float64 { return 2 * math.Pi * float64(ray) / CanalRays }

// face fits the face that ray j of row i meets, across the surface that the
// neighbouring rays show.
func (r *canalReader) face(raw [][]float64, i, j int) face {
	at := raw[i][j]
	if math.IsInf(at, 1) || at == 0 {
		return face{at: math.Inf(1)}
	}
	around := slopeOf(raw[i][(j+CanalRays-2)%CanalRays], at, raw[i][(j+2)%CanalRays], at*4*2*math.Pi/CanalRays)
	along := 0.0
	if i > 0 && i+1 < len(raw) {
		along = slopeOf(raw[i-1][j], at, raw[i+1][j], 2*canalRow)
	}
	cosine := max(1/math.Sqrt(1+around*around+along*along), leastCosine)
	f := r.canal.Frame
	out := rayDirection(r.canal, j)
	side := r3.Cross(f.Superior, out)
	normal := r3.Unit(r3.Sub(out, r3.Add(r3.Scale(around, side), r3.Scale(along, f.Superior))))
	p := r.profiles[i][j]
	content := median(p[:int(contentReach/canalRayStep)+1])
	got, ok := fitFace(p, canalRayStep*cosine, at*cosine, rayFaceSD, r.im.blur.across(normal).bare(), content, archShell)
	if !ok {
		return face{at: at, sd: rayFaceSD}
	}
	return face{at: got.at / cosine, sd: got.sd / cosine, cortex: got.cortex}
}

// slopeOf returns the slope between the neighbours of at over the distance
// span; 0 where they belong to another bone.
func slopeOf(before, at, after, span float64) float64 {
	const steepest = 2.0
	slope := (after - before) / span
	if math.IsNaN(slope) || math.Abs(slope) > steepest || (after-at)*(at-before) < 0 && math.Abs(after-before) > 1 {
		return 0
	}
	return slope
}

// pedicleHeights are where the pedicles' inner faces are met, as parts of the way
// from the canal's middle to the wall: behind the middle laminae may stand before
// them.
var pedicleHeights = [...]float64{0, 0.3, 0.6}

// pedicles finds how far to the left and to the right the pedicles stand, mm:
// the farthest of the medians over the ring; +Inf where none is met. rise tells
// how far it is from a point to bone in a direction, and wall where the wall
// stands.
func (c *Canal) pedicles(rows, wall []float64, rise func(p, d r3.Vec) float64) {
	for side, d := range [2]r3.Vec{c.Frame.Left, r3.Scale(-1, c.Frame.Left)} {
		c.Lateral[side] = math.Inf(-1)
		for _, part := range pedicleHeights {
			var at []float64
			for i, s := range rows {
				if c.inRing(s) {
					at = append(at, rise(c.Frame.Point(s, part*wall[i], 0), d))
				}
			}
			if m := median(at); !math.IsInf(m, 1) {
				c.Lateral[side] = max(c.Lateral[side], m)
			}
		}
		if !(c.Lateral[side] > 0) {
			c.Lateral[side] = math.Inf(1)
		}
	}
}

// pedicleHalf returns the distance from the canal's middle to the nearer of the
// pedicles, mm.
func (c *Canal) pedicleHalf() float64 {
	if half := min(c.Lateral[0], c.Lateral[1]); !math.IsInf(half, 1) {
		return half
	}
	return defaultHalfWidth
}

// halfWidth returns the distance from the canal's middle to what bounds it at the
// side there, mm: the pedicles, or laminae before them.
func (r *canalReader) halfWidth() float64 {
	half := math.Inf(1)
	for _, ray := range []int{CanalRays / 4, CanalRays * 3 / 4} {
		var at []float64
		for i, s := range r.wall.rows {
			if r.canal.inRing(s) {
				at = append(at, r.faces[i][ray].at)
			}
		}
		half = min(half, median(at))
	}
	if math.IsInf(half, 1) || math.IsNaN(half) {
		return defaultHalfWidth
	}
	return half
}

// close puts the sections together from wall, rays and ring.
func (r *canalReader) close() {
	c := r.canal
	sections := make([]CanalSection, len(r.wall.rows))
	sure := wallColumn * float64(wallColumns(r.halfWidth()))
	for i, s := range r.wall.rows {
		sections[i].S = s
		for j := range CanalRays {
			f := r.faces[i][j]
			at, sd, ok := c.Wall.ray(s, rayAngle(j))
			// Farther aside the wall counts where the ray has passed it.
			if math.Abs(at*math.Sin(rayAngle(j))) > sure {
				ok = ok && f.at > at+wallTolerance
			}
			if ok && !(f.at < at-wallTolerance) {
				f = face{at: at, sd: sd}
			}
			if beside, there := c.Wall.besideRay(s, rayAngle(j)); there && !ok && f.at > beside+wallTolerance {
				f = face{at: beside, sd: rayFaceSD}
			}
			sections[i].Radius[j], sections[i].SD[j] = f.at, f.sd
		}
	}
	dropOutliers(sections)
	c.closeSections(sections)
}

// rayOutlier, mm, is how far a radius may differ from its neighbours' median.
const rayOutlier = 2.0

// dropOutliers replaces radii that differ from all around them: specks of bone,
// and gaps through which a single ray passes.
func dropOutliers(sections []CanalSection) {
	around := make([][CanalRays]float64, len(sections))
	for i := range sections {
		for j := range CanalRays {
			var x []float64
			for k := max(i-1, 0); k <= min(i+1, len(sections)-1); k++ {
				for d := CanalRays - 1; d <= CanalRays+1; d++ {
					x = append(x, sections[k].Radius[(j+d)%CanalRays])
				}
			}
			slices.Sort(x)
			around[i][j] = x[len(x)/2]
		}
	}
	for i := range sections {
		for j, m := range around[i] {
			if r := sections[i].Radius[j]; r > m+rayOutlier || r < m-rayOutlier {
				sections[i].Radius[j] = m
				sections[i].SD[j] = rayFaceSD
			}
		}
	}
}

// besideRay returns where a ray to anterior meets the wall, of which what lies beyond
// its outermost columns is taken to stand as they do. There the body's side may show
// no cortex, under a pedicle, and a ray runs on through cancellous bone.
func (w *PosteriorWall) besideRay(s, angle float64) (at float64, ok bool) {
	if len(w.L) < 2 || min(angle, 2*math.Pi-angle) > anteriorSector {
		return 0, false
	}
	sin, cos := math.Sincos(angle)
	for range 6 {
		a, _, _, ok := w.at(s, min(max(at*sin, w.L[0]), w.L[len(w.L)-1]))
		if !ok || a <= 0 {
			return 0, false
		}
		at = a / cos
	}
	return at, true
}

// ray returns where a ray at an angle from anterior meets the wall.
func (w *PosteriorWall) ray(s, angle float64) (at, sd float64, ok bool) {
	sin, cos := math.Sincos(angle)
	if cos < 0.1 {
		return 0, 0, false
	}
	a, sd, _, ok := w.at(s, 0)
	for range 6 {
		if !ok || a <= 0 {
			return 0, 0, false
		}
		at = a / cos
		a, sd, _, ok = w.at(s, at*sin)
	}
	return at, sd / cos, ok && a > 0
}

// ringSD, mm, is how far an outline may lie off the ring that closes it.
const ringSD = 0.5

// closeSections closes sections whose radii are +Inf where no bone was met, and
// keeps them unless bone bounds too little of the ring.
func (c *Canal) closeSections(sections []CanalSection) {
	ring, share := c.ring(sections)
	if share < ringLeastBone {
		c.Reason = "bone bounds too little of the canal"
		return
	}
	for i := range sections {
		s := &sections[i]
		for j := range CanalRays {
			angle := rayAngle(j)
			bounded := min(angle, 2*math.Pi-angle) <= anteriorSector
			if math.IsInf(s.Radius[j], 1) || !bounded && s.Radius[j] > ring[j] {
				s.Open[j] = s.Radius[j] > ring[j]+2*ringSD
				s.Radius[j] = ring[j]
				s.SD[j] = max(s.SD[j], leastFaceSD)
				if s.Open[j] {
					s.SD[j] = ringSD
				}
			}
		}
	}
	c.Sections = sections
}

// Within posteriorSector of posterior, where laminae may stand lower than the
// pedicles, a ray of the ring has left the canal that reaches escapeRatio times
// and escapeLeast, mm, farther than those within escapeRays of it, 30°, or than
// beside any part of the body: laminae lean by as much over a body's height.
// Elsewhere one has that passes the pedicles by pedicleLean: a canal may be wide
// and flat, and no ratio of distances tells that it has been left.
const (
	posteriorSector = math.Pi / 3
	escapeRays      = 6
	escapeRatio     = 1.4
	escapeLeast     = 3.0
	pedicleLean     = 1.3
)

// farBeyond reports whether a ray to posterior has left the canal that reaches r
// where others reach near.
func farBeyond(r, near float64) bool { return r > max(escapeRatio*near, near+escapeLeast) }

// dropEscapes sets such rays to +Inf.
func (c *Canal) dropEscapes(ring [CanalRays]float64) [CanalRays]float64 {
	out := ring
	for j, r := range ring {
		angle := rayAngle(j)
		aside := r * math.Sin(angle)
		escaped := aside > pedicleLean*c.Lateral[0] || -aside > pedicleLean*c.Lateral[1]
		if math.Abs(angle-math.Pi) < posteriorSector {
			var around []float64
			for d := -escapeRays; d <= escapeRays; d++ {
				around = append(around, ring[(j+d+CanalRays)%CanalRays])
			}
			escaped = escaped || farBeyond(r, median(around))
		}
		if escaped {
			out[j] = math.Inf(1)
		}
	}
	return out
}

// ring returns the outline of the vertebra's ring, and the share of its rays
// that meet bone. Between rays that do not it is linear.
func (c *Canal) ring(sections []CanalSection) (ring [CanalRays]float64, share float64) {
	found := 0
	for j := range ring {
		var at []float64
		nearest := math.Inf(1)
		for i := range sections {
			nearest = min(nearest, sections[i].Radius[j])
			if c.inRing(sections[i].S) {
				at = append(at, sections[i].Radius[j])
			}
		}
		ring[j] = median(at)
		if behind := math.Abs(rayAngle(j)-math.Pi) < posteriorSector; behind && farBeyond(ring[j], nearest) {
			ring[j] = nearest
		}
	}
	ring = c.dropEscapes(ring)
	for _, r := range ring {
		if !math.IsInf(r, 1) && !math.IsNaN(r) {
			found++
		}
	}
	if found == 0 {
		return ring, 0
	}
	bone := ring
	for j := range ring {
		if !math.IsInf(bone[j], 1) {
			continue
		}
		before, after := 1, 1
		for math.IsInf(bone[(j+CanalRays-before)%CanalRays], 1) {
			before++
		}
		for math.IsInf(bone[(j+after)%CanalRays], 1) {
			after++
		}
		t := float64(before) / float64(before+after)
		ring[j] = (1-t)*bone[(j+CanalRays-before)%CanalRays] + t*bone[(j+after)%CanalRays]
	}
	return ring, float64(found) / CanalRays
}
