// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"github.com/endplate/endplate/analysis/volume"
)

// body is one vertebral body in its frame: two endplates as height fields over
// the axial plane, S = superior(A, L) and S = inferior(A, L), and a wall that
// stands on an outline in that plane and moves in and out with S.
type body struct {
	Vertebra
	frame volume.Frame

	outline outline
	table   table
}

// outlinePower is the power of the superellipse that bodies resemble in the
// axial plane: between the ellipse (2) and the rounded box (4).
const outlinePower = 2.5

// outline is the contour of a body at its endplates, with its concave posterior
// wall, as a closed polygon.
type outline [][2]float64 // A, L

func newOutline(depth, width, concavity float64) outline {
	const n = 120
	o := make(outline, n)
	for i := range o {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / n)
		a := depth / 2 * math.Copysign(math.Pow(math.Abs(cos), 2/outlinePower), cos)
		l := width / 2 * math.Copysign(math.Pow(math.Abs(sin), 2/outlinePower), sin)
		if a < 0 {
			x := 2 * l / width
			a += concavity * (1 - x*x) * (1 - x*x) * min(1, -4*a/depth)
		}
		o[i] = [2]float64{a, l}
	}
	return o
}

// inside returns the distance of (a, l) to the contour, mm, positive inside.
func (o outline) inside(a, l float64) float64 {
	best := math.Inf(1)
	odd := false
	p := o[len(o)-1]
	for _, q := range o {
		if d := fromEdge(p, q, a, l); d < best {
			best = d
		}
		if (p[1] > l) != (q[1] > l) && a < p[0]+(l-p[1])/(q[1]-p[1])*(q[0]-p[0]) {
			odd = !odd
		}
		p = q
	}
	if odd {
		return math.Sqrt(best)
	}
	return -math.Sqrt(best)
}

// arcEdges is how many edges of an outline are looked at together.
const arcEdges = 6

// arc is the circle around so many edges of an outline that follow each other.
type arc struct{ a, l, radius float64 }

// arcs returns the circles around the edges of o, the first of which ends in o[0].
func (o outline) arcs() []arc {
	var all []arc
	for first := 0; first < len(o); first += arcEdges {
		points := o[first:min(first+arcEdges, len(o))]
		before := o[(first+len(o)-1)%len(o)]
		end := points[len(points)-1]
		c := arc{a: (before[0] + end[0]) / 2, l: (before[1] + end[1]) / 2}
		c.radius = math.Hypot(before[0]-c.a, before[1]-c.l)
		for _, p := range points {
			c.radius = max(c.radius, math.Hypot(p[0]-c.a, p[1]-c.l))
		}
		all = append(all, c)
	}
	return all
}

// along sets dst to what inside returns at l and at each a from a0 in steps. What is
// nearest at one of them says how near something is at the next, and which arcs of
// the outline need not be looked at.
func (o outline) along(dst []float64, arcs []arc, a0, step, l float64) {
	var crossings []float64 // along A of the outline with the line
	p := o[len(o)-1]
	for _, q := range o {
		if (p[1] > l) != (q[1] > l) {
			crossings = append(crossings, p[0]+(l-p[1])/(q[1]-p[1])*(q[0]-p[0]))
		}
		p = q
	}
	near := math.Inf(1)
	for i := range dst {
		a := a0 + float64(i)*step
		d := math.Sqrt(o.nearest(arcs, a, l, near))
		near = d + step
		odd := false
		for _, c := range crossings {
			odd = odd != (a < c)
		}
		if odd {
			dst[i] = d
		} else {
			dst[i] = -d
		}
	}
}

// nearest returns the squared distance of (a, l) to the outline, which is no more than
// near away.
func (o outline) nearest(arcs []arc, a, l, near float64) float64 {
	const rounding = 1e-9 // mm
	best := math.Inf(1)
	for k, c := range arcs {
		reach := near + c.radius + rounding
		if (a-c.a)*(a-c.a)+(l-c.l)*(l-c.l) > reach*reach {
			continue
		}
		first := k * arcEdges
		p := o[(first+len(o)-1)%len(o)]
		for _, q := range o[first:min(first+arcEdges, len(o))] {
			if d := fromEdge(p, q, a, l); d < best {
				best = d
			}
			p = q
		}
	}
	return best
}

// fromEdge returns the squared distance of (a, l) to the edge from p to q.
func fromEdge(p, q [2]float64, a, l float64) float64 {
	da, dl := q[0]-p[0], q[1]-p[1]
	t := ((a-p[0])*da + (l-p[1])*dl) / (da*da + dl*dl)
	t = within1(t)
	ea, el := a-p[0]-t*da, l-p[1]-t*dl
	return ea*ea + el*el
}

// dish is the shape of an endplate's concavity along one axis: 1 at the middle,
// falling to 0 at the rim, which is flat.
func dish(x float64) float64 {
	const rim = 0.9 // the ring apophysis lies outside
	x /= rim
	if x*x >= 1 {
		return 0
	}
	return (1 - x*x) * (1 - x*x)
}

// chord returns the undeformed height of the rim above mid-height at a.
func (b *Vertebra) chord(a float64) float64 {
	return (b.PosteriorHeight + (b.AnteriorHeight-b.PosteriorHeight)*(a/b.Depth+0.5)) / 2
}

// across returns where a lies between the posterior wall of the mid-sagittal
// plane (-1) and the anterior one (+1).
func (b *Vertebra) across(a float64) float64 {
	return (2*a - b.PosteriorConcavity) / (b.Depth - b.PosteriorConcavity)
}

// loss returns how much height the deformity takes at (a, l), mm.
func (b *Vertebra) loss(a, l float64) float64 {
	d := b.Deformity
	if d == (Deformity{}) {
		return 0
	}
	x, y := b.across(a), 2*l/b.Width
	anterior, posterior := d.Anterior*b.AnteriorHeight, d.Posterior*b.PosteriorHeight
	line := posterior + (anterior-posterior)*(min(max(x, -1), 1)+1)/2
	middle := d.Middle*(b.AnteriorHeight+b.PosteriorHeight)/2 - (anterior+posterior)/2
	return line + middle*dish(x)*math.Sqrt(dish(y))
}

// rim returns how far the rounded rim lies below the endplate at distance d
// inside the outline, mm.
func (b *Vertebra) rim(d float64) float64 {
	const drop = 0.4 // of the radius
	x := 1 - max(d, 0)/b.RimRadius
	if x <= 0 {
		return 0
	}
	return drop * b.RimRadius * x * x
}

// plates returns the two endplates at (a, l), which lies d inside the outline.
func (b *Vertebra) plates(a, l, d float64) (superior, inferior float64) {
	x, y := b.across(a), 2*l/b.Width
	chord, loss, rim := b.chord(a), b.loss(a, l), b.rim(d)
	tilt := l * math.Tan(b.LateralWedge/2*math.Pi/180)
	// The inferior endplate is deepest behind its middle.
	const behind = 0.06
	superior = chord + tilt - b.SuperiorConcavity*dish(x)*dish(y) - b.Deformity.SuperiorShare*loss - rim
	inferior = -chord - tilt + b.InferiorConcavity*dish(x+behind)*dish(y) + (1-b.Deformity.SuperiorShare)*loss + rim
	const thinnest = 2.5 // mm that are left of a body where both endplates meet
	if gap := superior - inferior; gap < thinnest {
		superior += (thinnest - gap) / 2
		inferior -= (thinnest - gap) / 2
	}
	return superior, inferior
}

// inset returns how far the wall stands inside the outline at (s, a), where the
// endplates lie at superior and inferior, and the inset's slope along s.
func (b *Vertebra) inset(s, a, superior, inferior float64) (inset, slope float64) {
	h := max(superior-inferior, 1)
	t := (s - inferior) / h
	front := within1(a/b.Depth + 0.5)
	if t <= 0 || t >= 1 {
		t = within1(t)
		return b.Taper*(1-t) - b.retropulsion(front)*b.Deformity.bump(t), 0
	}
	waist := b.Waist - b.Deformity.AnteriorBulge*front
	inset = waist*4*t*(1-t) + b.Taper*(1-t) - b.retropulsion(front)*b.Deformity.bump(t)
	slope = (waist*4*(1-2*t) - b.Taper - b.retropulsion(front)*b.Deformity.bumpSlope(t)) / h
	return inset, slope
}

// bulge returns how far the wall stands outside the outline at most, mm.
func (b *Vertebra) bulge() float64 {
	return max(0, b.Deformity.Retropulsion) + max(0, b.Deformity.AnteriorBulge-b.Waist)
}

func (b *Vertebra) retropulsion(front float64) float64 {
	back := max(0, 1-2*front)
	return b.Deformity.Retropulsion * back
}

// bump is the course of a retropulsed fragment along the posterior wall, from
// the inferior endplate (0) to the superior (1): 1 near the superior corner.
func bump(t float64) float64 {
	x := within1((t - 0.3) / 0.5)
	return x * x * (3 - 2*x)
}

func bumpSlope(t float64) float64 {
	x := (t - 0.3) / 0.5
	if x <= 0 || x >= 1 {
		return 0
	}
	return 6 * x * (1 - x) / 0.5
}

// table samples a body's outline distance and endplates over the axial plane.
// Between its samples they are bilinear, in the rendering as in the truth.
type table struct {
	a0, l0 float64
	na, nl int
	at     []sample
}

type sample struct{ inside, superior, inferior float64 }

// tableStep is the spacing of the table, mm: a bilinear dish of 1.5 mm is within
// 0.001 mm of the analytic one, a rounded rim within 0.02 mm.
const tableStep = 0.5

func newBody(v Vertebra) *body {
	b := &body{Vertebra: v, outline: newOutline(v.Depth, v.Width, v.PosteriorConcavity)}
	margin := 5 + v.bulge()
	b.table.na = int(math.Ceil((v.Depth+2*margin)/tableStep)) + 1
	b.table.nl = 2*int(math.Ceil((v.Width/2+margin)/tableStep)) + 1
	b.table.a0 = -float64(b.table.na-1) / 2 * tableStep
	b.table.l0 = -float64(b.table.nl-1) / 2 * tableStep
	b.table.at = make([]sample, b.table.na*b.table.nl)
	arcs, inside := b.outline.arcs(), make([]float64, b.table.na)
	for j := range b.table.nl {
		l := b.table.l0 + float64(j)*tableStep
		b.outline.along(inside, arcs, b.table.a0, tableStep, l)
		for i, d := range inside {
			sup, inf := v.plates(b.table.a0+float64(i)*tableStep, l, d)
			b.table.at[j*b.table.na+i] = sample{d, sup, inf}
		}
	}
	return b
}

// surface is a sample of the table with its slopes.
type surface struct {
	sample
	da, dl sample // slopes along A and L
}

// lookup returns the surfaces above and below (a, l); ok is false beyond the table.
func (t *table) lookup(a, l float64) (f surface, ok bool) {
	x, y := (a-t.a0)/tableStep, (l-t.l0)/tableStep
	if !(x >= 0 && y >= 0 && x < float64(t.na-1) && y < float64(t.nl-1)) {
		return surface{}, false
	}
	i, j := int(x), int(y)
	x -= float64(i)
	y -= float64(j)
	p, q := t.at[j*t.na+i:], t.at[(j+1)*t.na+i:]
	f.inside, f.da.inside, f.dl.inside = bilinear(p[0].inside, p[1].inside, q[0].inside, q[1].inside, x, y)
	f.superior, f.da.superior, f.dl.superior = bilinear(p[0].superior, p[1].superior, q[0].superior, q[1].superior, x, y)
	f.inferior, f.da.inferior, f.dl.inferior = bilinear(p[0].inferior, p[1].inferior, q[0].inferior, q[1].inferior, x, y)
	return f, true
}

// bilinear returns the value at (x, y) in a cell of the table and its slopes per mm.
func bilinear(a, b, c, d, x, y float64) (v, dx, dy float64) {
	low, high := a+(b-a)*x, c+(d-c)*x
	dx = ((b - a) + ((d-c)-(b-a))*y) / tableStep
	return low + (high-low)*y, dx, (high - low) / tableStep
}

// wall returns how far inside the wall (s, a) lies, mm, given the surfaces there,
// and the slope of the wall along s.
func (b *body) wall(s, a float64, f *surface) (inside, slope float64) {
	inset, slope := b.inset(s, a, f.superior, f.inferior)
	return (f.inside - inset) / math.Sqrt(1+slope*slope), slope
}
