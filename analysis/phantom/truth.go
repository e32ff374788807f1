// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Truth is what a perfect reader would measure.
type Truth struct {
	Vertebrae []Measured // from superior to inferior
	Angles    []Angle
}

// Measured is the truth of one vertebra, LPS mm. S1 has only its superior
// endplate: its inferior points, heights and losses are zero.
type Measured struct {
	Level  spine.Level
	Frame  volume.Frame // origin at the body's centre; the superior axis bisects the endplates
	Canal  r3.Vec       // centre of the canal at the height of the body's centre
	Depth  float64      // between the wall lines, mean of both endplates
	Width  float64      // of the endplates
	Volume float64      // of the body, mm³

	Superior, Inferior Plate

	AnteriorHeight, MiddleHeight, PosteriorHeight float64
	// The same of the body before its deformity.
	Intact [3]float64 // anterior, middle, posterior
	// Loss is 100·(1 - height/intact height), percent, in the order of Intact.
	Loss       [3]float64
	WedgeAngle float64 // of the endplates' lines in the mid-sagittal plane, degrees, kyphosis positive
	Genant     int     // grade of the greatest loss
	Shape      Shape

	DiscHeight float64 // between the middles of the endplates below, mm
	CanalAP    float64 // diameter, mm

	// Retropulsion is how far the posterior wall stands behind its undisplaced
	// place, at most, mm.
	Retropulsion float64
	// WallGap is the share of the posterior wall without cortical bone, 0 to 1,
	// within TestedWall and the pedicles.
	WallGap float64

	Cement *MeasuredCement // nil if untreated
	Tissue MeasuredTissue
	// TrabecularHU is the attenuation of cancellous bone.
	TrabecularHU float64

	// Margin is how far inside a volume the body lies, mm, as Within finds it;
	// negative if the volume cuts it, +Inf without a volume.
	Margin float64
	// Visible is set where the volume holds at least the body's centre.
	Visible bool
}

// Plate is an endplate's outer face in the mid-sagittal plane.
type Plate struct {
	Anterior, Middle, Posterior r3.Vec
	Direction                   r3.Vec // unit, of the least-squares line, from posterior to anterior
}

// Complete reports whether the volume holds the whole body.
func (m *Measured) Complete() bool { return m.Margin >= 0 }

// WorstLoss returns the greatest loss of height in percent and which it is.
func (m *Measured) WorstLoss() (float64, Height) {
	i := 0
	for j, l := range m.Loss {
		if l > m.Loss[i] {
			i = j
		}
	}
	return m.Loss[i], Height(i)
}

// Angle is an angle between two endplates in the mean of their mid-sagittal
// planes, degrees, kyphosis positive.
type Angle struct {
	Name         string // THORACIC_KYPHOSIS, LUMBAR_LORDOSIS, GARDNER, BISEGMENTAL_COBB
	Level        spine.Level
	From, To     spine.Level
	FromEndplate spine.Endplate
	ToEndplate   spine.Endplate
	Degrees      float64
}

// Truth evaluates the spine's analytic surfaces.
func (s *Spine) Truth() Truth {
	var t Truth
	for i, b := range s.bodies[:len(s.params.Vertebrae)] {
		t.Vertebrae = append(t.Vertebrae, measure(b))
		t.Vertebrae[i].Cement = b.measureCement(cementStep)
		t.Vertebrae[i].Tissue, t.Vertebrae[i].TrabecularHU = b.measureTissue(), b.TrabecularHU
		if i > 0 {
			over := &t.Vertebrae[i-1]
			over.DiscHeight = r3.Norm(r3.Sub(over.Inferior.Middle, t.Vertebrae[i].Superior.Middle))
		}
	}
	t.Angles = angles(t.Vertebrae)
	return t
}

// Genant's grades: losses in percent from which they hold. Genant et al., J Bone
// Miner Res 1993;8:1137.
const (
	genantMild     = 20
	genantModerate = 25
	genantSevere   = 40
)

func genant(loss float64) int {
	switch {
	case loss >= genantSevere:
		return 3
	case loss >= genantModerate:
		return 2
	case loss >= genantMild:
		return 1
	}
	return 0
}

func measure(b *body) Measured {
	m := Measured{Level: b.Level, Width: b.Width, CanalAP: b.CanalAP, Margin: math.Inf(1), Visible: true}
	p := newProfile(b)
	p.bisect()
	sup, inf := p.landmarks(spine.Superior), p.landmarks(spine.Inferior)
	m.Superior, m.Inferior = sup.plate(b.frame, p.angle), inf.plate(b.frame, p.angle)
	m.Depth = (sup.depth + inf.depth) / 2
	m.Frame = volume.NewFrame(r3.Scale(0.5, r3.Add(m.Superior.Middle, m.Inferior.Middle)), tilt(b.frame, p.angle).Superior, b.frame.Anterior)
	m.Canal = canalBeside(b, m.Frame)
	m.Retropulsion, m.WallGap = b.retropulsed(), b.wallGap()
	m.Volume = b.volume()
	if b.Level == spine.S1 {
		m.Inferior = Plate{}
		return m
	}
	m.Intact = heights(m.Superior, m.Inferior)
	m.AnteriorHeight, m.MiddleHeight, m.PosteriorHeight = m.Intact[0], m.Intact[1], m.Intact[2]
	m.WedgeAngle = sagittalAngle(m.Superior.Direction, m.Inferior.Direction, b.frame.Left)
	if b.Deformity == (Deformity{}) {
		return m
	}
	v := b.Vertebra
	v.Deformity = Deformity{}
	intact := newBody(v)
	intact.frame = b.frame
	p = newProfile(intact)
	p.bisect()
	sup, inf = p.landmarks(spine.Superior), p.landmarks(spine.Inferior)
	m.Intact = heights(sup.plate(b.frame, p.angle), inf.plate(b.frame, p.angle))
	for i, h := range [3]float64{m.AnteriorHeight, m.MiddleHeight, m.PosteriorHeight} {
		m.Loss[i] = 100 * (1 - h/m.Intact[i])
	}
	worst, _ := m.WorstLoss()
	m.Genant, m.Shape = genant(worst), b.Deformity.Shape
	return m
}

// heights returns the anterior, middle and posterior distance of two plates, mm.
func heights(superior, inferior Plate) [3]float64 {
	return [3]float64{
		r3.Norm(r3.Sub(superior.Anterior, inferior.Anterior)),
		r3.Norm(r3.Sub(superior.Middle, inferior.Middle)),
		r3.Norm(r3.Sub(superior.Posterior, inferior.Posterior)),
	}
}

// canalBeside returns the canal's centre at the height of the body's centre.
func canalBeside(b *body, f volume.Frame) r3.Vec {
	s, _, _ := b.frame.Coordinates(f.Origin)
	return b.frame.Point(s, -b.Depth/2+b.PosteriorConcavity/2-b.CanalAP/2, 0)
}

// profile is the mid-sagittal section of a body: endplates averaged across the
// plane and walls in it, turned by angle, degrees, from the body's frame to the
// frame that bisects the endplates.
type profile struct {
	angle              float64
	superior, inferior curve
	anterior, poster   curve // walls, with their points in the order of S
}

// place is a point of the section: S and A.
type place struct{ s, a float64 }

// curve is a line of places.
type curve []place

// profileHalfWidth is how far to each side the endplate is averaged: the
// project's definition of the six points.
const profileHalfWidth = 5 // mm

const (
	cornerInset        = 1.5  // mm, of the corner from the wall line
	wallNear, wallDeep = 3, 5 // mm from the endplate: where the wall line is read
)

func newProfile(b *body) *profile {
	p := new(profile)
	const step = 0.1
	for a := -b.Depth/2 - 5; a <= b.Depth/2+5; a += step {
		sup, inf, n := 0.0, 0.0, 0
		for l := -profileHalfWidth; l <= profileHalfWidth; l++ {
			if f, ok := b.table.lookup(a, float64(l)); ok && f.inside > 0 {
				sup, inf, n = sup+f.superior, inf+f.inferior, n+1
			}
		}
		if n == 2*profileHalfWidth+1 {
			p.superior = append(p.superior, place{sup / float64(n), a})
			p.inferior = append(p.inferior, place{inf / float64(n), a})
		}
	}
	top, bottom := p.extent()
	for s := bottom; s <= top; s += step {
		if a, ok := b.wallAt(s, 1); ok {
			p.anterior = append(p.anterior, place{s, a})
		}
		if a, ok := b.wallAt(s, -1); ok {
			p.poster = append(p.poster, place{s, a})
		}
	}
	return p
}

func (p *profile) extent() (top, bottom float64) {
	top, bottom = math.Inf(-1), math.Inf(1)
	for i := range p.superior {
		top, bottom = max(top, p.superior[i].s), min(bottom, p.inferior[i].s)
	}
	return top, bottom
}

// wallAt returns where the wall stands at height s in the mid-sagittal plane, at
// the front (side 1) or the back (-1).
func (b *body) wallAt(s, side float64) (float64, bool) {
	depth := func(a float64) float64 {
		f, ok := b.table.lookup(a, 0)
		if !ok {
			return -1
		}
		d, _ := b.wall(s, a, &f)
		return d
	}
	in, out := 0.0, side*(b.Depth/2+8+b.bulge())
	if depth(in) <= 0 {
		return 0, false
	}
	for math.Abs(out-in) > 1e-4 {
		mid := (in + out) / 2
		if depth(mid) > 0 {
			in = mid
		} else {
			out = mid
		}
	}
	a := (in + out) / 2
	f, _ := b.table.lookup(a-side*0.2, 0)
	return a, s < f.superior && s > f.inferior
}

// bisect turns the profile until the endplates' lines lie symmetrically.
func (p *profile) bisect() {
	for range 4 {
		sup, inf := p.landmarks(spine.Superior), p.landmarks(spine.Inferior)
		mean := (math.Atan(sup.slope) + math.Atan(inf.slope)) / 2
		p.turn(-mean)
	}
}

// turn tilts the section's superior axis by an angle, radians, to anterior.
func (p *profile) turn(angle float64) {
	p.angle += angle * 180 / math.Pi
	sin, cos := math.Sincos(angle)
	for _, c := range []curve{p.superior, p.inferior, p.anterior, p.poster} {
		for i, q := range c {
			c[i].s, c[i].a = cos*q.s+sin*q.a, cos*q.a-sin*q.s
		}
	}
}

// section holds the landmarks of one endplate in the turned section.
type section struct {
	anterior, middle, posterior place
	slope, depth                float64
}

// landmarks finds the corners, the middle and the least-squares line of one
// endplate.
func (p *profile) landmarks(e spine.Endplate) section {
	c, other, sign := p.superior, p.inferior, 1.0
	if e == spine.Inferior {
		c, other, sign = p.inferior, p.superior, -1
	}
	var out section
	corner := func(wall curve, inward float64) (at place, line float64) {
		at = c[len(c)/2]
		for range 4 {
			height := math.Abs(at.s - other.at(at.a))
			line = wall.line(at.s, sign, height)
			at.a = line + inward*cornerInset
			at.s = c.at(at.a)
		}
		return at, line
	}
	var front, back float64
	out.anterior, front = corner(p.anterior, -1)
	out.posterior, back = corner(p.poster, 1)
	out.depth = front - back
	out.middle.a = (front + back) / 2
	out.middle.s = c.at(out.middle.a)
	var x, y []float64
	for _, q := range c {
		if q.a >= out.posterior.a && q.a <= out.anterior.a {
			x, y = append(x, q.a), append(y, q.s)
		}
	}
	_, out.slope = stat.LinearRegression(x, y, nil, false)
	return out
}

// at returns the curve's S at a, linear between points and constant beyond.
func (c curve) at(a float64) float64 {
	i, _ := slices.BinarySearchFunc(c, a, func(q place, a float64) int {
		if q.a < a {
			return -1
		}
		return 1
	})
	if i == 0 {
		return c[0].s
	}
	if i == len(c) {
		return c[len(c)-1].s
	}
	t := (a - c[i-1].a) / (c[i].a - c[i-1].a)
	return c[i-1].s + t*(c[i].s-c[i-1].s)
}

// line returns the median place of a wall between 3 and 5 mm from the endplate at
// height s; sign is +1 below the superior endplate. On a body lower than 10 mm
// the range shrinks so as not to pass its middle.
func (c curve) line(s, sign, height float64) float64 {
	shrink := min(1, height/(2*wallDeep))
	var a []float64
	for _, q := range c {
		if d := sign * (s - q.s); d >= wallNear*shrink && d <= wallDeep*shrink {
			a = append(a, q.a)
		}
	}
	if len(a) == 0 {
		return c[len(c)/2].a
	}
	slices.Sort(a)
	return a[len(a)/2]
}

// plate returns the landmarks in the patient.
func (q *section) plate(f volume.Frame, angle float64) Plate {
	f = tilt(f, angle)
	at := func(p place) r3.Vec { return f.Point(p.s, p.a, 0) }
	return Plate{
		Anterior: at(q.anterior), Middle: at(q.middle), Posterior: at(q.posterior),
		Direction: r3.Unit(r3.Add(f.Anterior, r3.Scale(q.slope, f.Superior))),
	}
}

// sagittalAngle returns by how many degrees the lower direction rises against
// the upper one in the plane perpendicular to left: kyphosis positive.
func sagittalAngle(upper, lower, left r3.Vec) float64 {
	flat := func(v r3.Vec) r3.Vec { return r3.Sub(v, r3.Scale(r3.Dot(v, left), left)) }
	u, v := flat(upper), flat(lower)
	return math.Atan2(r3.Dot(r3.Cross(v, u), left), r3.Dot(u, v)) * 180 / math.Pi
}

// volume returns the body's volume, mm³, by summing columns of the table.
func (b *body) volume() float64 {
	const slices = 24 // of a column
	var sum float64
	for i, f := range b.table.at {
		h := f.superior - f.inferior
		if f.inside < -6 || h <= 0 {
			continue
		}
		a := b.table.a0 + float64(i%b.table.na)*tableStep
		for k := range slices {
			s := f.inferior + h*(float64(k)+0.5)/slices
			inset, slope := b.inset(s, a, f.superior, f.inferior)
			sum += h / slices * ramp((f.inside-inset)/math.Sqrt(1+slope*slope), tableStep)
		}
	}
	return sum * tableStep * tableStep
}

func angles(vs []Measured) []Angle {
	index := map[spine.Level]int{}
	for i, v := range vs {
		index[v.Level] = i
	}
	var out []Angle
	// add adds the angle from the superior endplate of vertebra i to an endplate
	// of vertebra j.
	add := func(name string, of spine.Level, i, j int, to spine.Endplate) {
		p, q := &vs[i], &vs[j]
		u, v := p.Superior.Direction, q.Superior.Direction
		if to == spine.Inferior {
			v = q.Inferior.Direction
		}
		left := r3.Unit(r3.Add(p.Frame.Left, q.Frame.Left))
		out = append(out, Angle{Name: name, Level: of, From: p.Level, FromEndplate: spine.Superior, To: q.Level, ToEndplate: to, Degrees: sagittalAngle(u, v, left)})
	}
	add("THORACIC_KYPHOSIS", spine.Unknown, index[spine.T4], index[spine.T12], spine.Inferior)
	add("LUMBAR_LORDOSIS", spine.Unknown, index[spine.L1], index[spine.S1], spine.Superior)
	for i := 1; i < len(vs); i++ {
		if vs[i].Level == spine.S1 {
			break
		}
		add("GARDNER", vs[i].Level, i-1, i, spine.Inferior)
		if vs[i+1].Level != spine.S1 {
			add("BISEGMENTAL_COBB", vs[i].Level, i-1, i+1, spine.Inferior)
		}
	}
	return out
}

// Within returns the truth t of s with how each body lies in a volume of
// geometry g, whose slices must be evenly spaced.
func (s *Spine) Within(t Truth, g volume.Geometry) Truth {
	t.Vertebrae = slices.Clone(t.Vertebrae)
	in := newDepth(g)
	for n := range t.Vertebrae {
		b, m := s.bodies[n], &t.Vertebrae[n]
		m.Visible = in.at(m.Frame.Origin) >= 0
		for _, o := range b.outline {
			f, _ := b.table.lookup(o[0], o[1])
			m.Margin = min(m.Margin, in.at(b.frame.Point(f.superior, o[0], o[1])), in.at(b.frame.Point(f.inferior, o[0], o[1])))
		}
	}
	return t
}

// depth tells how far inside a volume a point lies.
type depth struct {
	ix         volume.Indexer
	count, pix [3]float64
}

func newDepth(g volume.Geometry) depth {
	column, row, _ := g.Spacing()
	normal := math.Abs(r3.Dot(r3.Unit(r3.Cross(g.Column, g.Row)), g.Slice))
	return depth{g.Indexer(), [3]float64{float64(g.Columns), float64(g.Rows), float64(g.Slices)}, [3]float64{column, row, normal}}
}

// at returns the distance of p to the border through the outermost voxel
// centres, mm, negative outside.
func (d depth) at(p r3.Vec) float64 {
	i, j, k := d.ix.Index(p)
	best := math.Inf(1)
	for n, x := range [3]float64{i, j, k} {
		best = min(best, x*d.pix[n], (d.count[n]-1-x)*d.pix[n])
	}
	return best
}
