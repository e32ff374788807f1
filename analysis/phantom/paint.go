// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// cells are the pixels of a plane near a body, in the body's coordinates.
type cells struct {
	rect
	s, a, l affine
	// The plane's normal along the body's axes.
	ns, na, nl float64
}

// near returns the pixels within the given reaches of the point rise above b's
// centre, and false if the plane passes it by.
func (l *layer) near(b *body, rise, s, a, lateral float64) (cells, bool) {
	return l.nearFrame(b.frame, rise, s, a, lateral)
}

// nearFrame is near for any frame.
func (l *layer) nearFrame(f volume.Frame, rise, s, a, lateral float64) (cells, bool) {
	middle := f.Point(rise, 0, 0)
	reach := func(n r3.Vec) float64 {
		return s*math.Abs(r3.Dot(n, f.Superior)) + a*math.Abs(r3.Dot(n, f.Anterior)) + lateral*math.Abs(r3.Dot(n, f.Left))
	}
	p := &l.plane
	if math.Abs(r3.Dot(r3.Sub(middle, p.origin), p.normal)) > reach(p.normal) {
		return cells{}, false
	}
	u, v := r3.Scale(1/p.pixel, p.column), r3.Scale(1/p.pixel, p.row)
	c := cells{
		rect: l.around(middle, reach(u), reach(v)),
		s:    p.along(f.Origin, f.Superior), a: p.along(f.Origin, f.Anterior), l: p.along(f.Origin, f.Left),
		ns: r3.Dot(p.normal, f.Superior), na: r3.Dot(p.normal, f.Anterior), nl: r3.Dot(p.normal, f.Left),
	}
	return c, c.i0 < c.i1 && c.j0 < c.j1
}

// each calls paint for all pixels of c with their index and body coordinates.
func (l *layer) each(c cells, paint func(n int, s, a, lateral float64)) {
	for j := c.j0; j < c.j1; j++ {
		l.touch(j, c.i0, c.i1)
		s, a, lat := c.s.pixel(c.i0, j), c.a.pixel(c.i0, j), c.l.pixel(c.i0, j)
		for i := c.i0; i < c.i1; i++ {
			paint(j*l.columns+i, s, a, lat)
			s += c.s.perColumn
			a += c.a.perColumn
			lat += c.l.perColumn
		}
	}
}

// facing returns the signed depth below an endplate whose slopes are da and dl,
// for a point that lies rise below it along S, and the sigma of the point
// spread function across it. sign is +1 for the superior endplate.
func (c *cells) facing(p *plane, rise, da, dl, sign float64) (depth, sigma float64) {
	n := 1 / math.Sqrt(1+da*da+dl*dl)
	along := sign * (c.ns - c.na*da - c.nl*dl) * n
	return rise * n, p.spread(along)
}

// paintBody lays a vertebral body over the layer.
func (l *layer) paintBody(b *body) {
	margin := 4*l.plane.sigma + 1
	top := max(b.AnteriorHeight, b.PosteriorHeight)/2 + margin
	c, ok := l.near(b, 0, top, b.Depth/2+b.bulge()+margin, b.Width/2+b.bulge()+margin)
	if !ok {
		return
	}
	l.each(c, func(n int, s, a, lateral float64) {
		if s > top || s < -top {
			return
		}
		f, ok := b.table.lookup(a, lateral)
		if !ok || f.inside < -margin-b.bulge() || s > f.superior+margin+1 || s < f.inferior-margin-1 {
			return
		}
		outer, inner, shell := l.coverage(b, &c, s, a, lateral, &f)
		if outer < 1e-4 {
			return
		}
		fill := b.TrabecularHU
		if inner > 0.01 {
			fill = b.marrow(l, n, s, a, lateral)
		}
		l.over2(n, outer, inner, shell, fill)
	})
}

// coverage returns the coverage of the whole body and of what lies within its
// shell, and the shell's attenuation.
func (l *layer) coverage(b *body, c *cells, s, a, lateral float64, f *surface) (outer, inner, shellHU float64) {
	p := &l.plane
	up, upSigma := c.facing(p, f.superior-s, f.da.superior, f.dl.superior, 1)
	down, downSigma := c.facing(p, s-f.inferior, -f.da.inferior, -f.dl.inferior, -1)
	side, slope := b.wall(s, a, f)
	along := (-slope*c.ns + f.da.inside*c.na + f.dl.inside*c.nl) / math.Sqrt(slope*slope+f.da.inside*f.da.inside+f.dl.inside*f.dl.inside+1e-12)
	sideSigma := p.spread(along)

	t, w := b.EndplateThickness, b.WallThickness
	if b.bare(s, a, lateral, f) {
		w = 0
	}
	plates := max(0, cdf(up/upSigma)+cdf(down/downSigma)-1)
	platesIn := max(0, cdf((up-t)/upSigma)+cdf((down-t)/downSigma)-1)
	wall, wallIn := cdf(side/sideSigma), cdf((side-w)/sideSigma)

	plateShell, wallShell := plates-platesIn, wall-wallIn
	shellHU = b.WallHU
	if sum := plateShell + wallShell; sum > 1e-6 {
		shellHU = (plateShell*b.EndplateHU + wallShell*b.WallHU) / sum
	}
	return plates * wall, platesIn * wallIn, shellHU
}

// marrow returns the attenuation of the cancellous bone at a pixel, with the
// basivertebral vein.
func (b *body) marrow(l *layer, n int, s, a, lateral float64) float64 {
	p := r3.Add(l.plane.origin, r3.Add(r3.Scale(float64(n%l.columns), l.plane.column), r3.Scale(float64(n/l.columns), l.plane.row)))
	const grain = 0.08 // standard deviation of the trabecular texture as a part of its attenuation
	hu := b.TrabecularHU * (1 + grain*l.tex.at(p, 1.7))
	// The vein opens at the middle of the posterior wall and reaches the centre.
	depth := a - b.posteriorWall()
	middle := b.table.middle(a, lateral)
	r := math.Hypot(lateral*0.6, s-middle)
	const bore, reach = 1.6, 0.5 // mm, and as a part of the body's depth
	open := ramp(bore*(1-depth/(reach*b.Depth))+0.4-r, 1.6)
	if depth > reach*b.Depth {
		open = 0
	}
	return hu + (min(veinHU, hu)-hu)*open
}

// middle returns the height half way between the endplates.
func (t *table) middle(a, l float64) float64 {
	f, _ := t.lookup(a, l)
	return (f.superior + f.inferior) / 2
}

// paintDisc lays the disc below b over the layer, a little too thick: the bodies
// above and below are painted over it.
func (l *layer) paintDisc(b *body) {
	const into = 3 // mm that the disc reaches into the bodies
	p := &l.plane
	height := b.DiscHeight + into + 0.5*b.Depth*math.Abs(math.Sin(b.DiscAngle*math.Pi/180))
	_, bottom, _, _ := b.rims()
	tilted := 4 + 0.5*math.Abs(b.AnteriorHeight*b.Deformity.Anterior-b.PosteriorHeight*b.Deformity.Posterior) + b.Deformity.Middle*b.AnteriorHeight
	c, ok := l.near(b, bottom-height/2, height/2+tilted, b.Depth/2+3, b.Width/2+3)
	if !ok {
		return
	}
	l.each(c, func(n int, s, a, lateral float64) {
		if math.Abs(s-bottom+height/2) > height/2+tilted {
			return
		}
		f, ok := b.table.lookup(a, lateral)
		if !ok || f.inside < -3 {
			return
		}
		depth := f.inferior - s
		if depth < -into || depth > height+2 {
			return
		}
		bulge := 0.8 - 0.05*math.Abs(depth-b.DiscHeight/2)
		cover := cdf((f.inside+bulge)/p.sigma) * cdf((height-depth)/p.sigma) * cdf((depth+into)/p.sigma)
		// The annulus is denser than the nucleus.
		annulus := ramp(5-f.inside, 6)
		l.over(n, b.DiscHU-12+24*annulus, cover)
	})
}

// paintDiscFloor lays the disc over the dish of b's superior endplate, which a
// fracture can sink deeper than paintDisc reaches.
func (l *layer) paintDiscFloor(b, upper *body) {
	const into = 2 // mm that the disc reaches beyond the endplate and the rim
	top, _, slant, _ := b.rims()
	slope := -math.Tan(slant * math.Pi / 180)
	deepest := b.SuperiorConcavity + b.Deformity.Middle*b.AnteriorHeight + into
	rise := 0.5*b.Depth*math.Abs(slope) + deepest/2 + into
	c, ok := l.near(b, top-deepest/2, rise, b.Depth/2, b.Width/2)
	if !ok {
		return
	}
	sigma := l.plane.sigma
	l.each(c, func(n int, s, a, lateral float64) {
		rim := top + slope*a
		if s > rim+into || s < rim-deepest {
			return
		}
		f, ok := b.table.lookup(a, lateral)
		if !ok || f.inside < 0 {
			return
		}
		cover := cdf((f.inside-2)/sigma) * cdf((s-f.superior+into/2)/sigma) * cdf((rim+into/2-s)/sigma)
		l.over(n, upper.DiscHU-12, cover)
	})
}

// cdf is the cumulative normal distribution.
func cdf(x float64) float64 {
	if x <= -cdfReach {
		return 0
	}
	if x >= cdfReach {
		return 1
	}
	y := (x + cdfReach) * cdfSteps
	i := int(y)
	y -= float64(i)
	return cdfTable[i] + (cdfTable[i+1]-cdfTable[i])*y
}

// The table of cdf: linear between steps of 1/128, its error is below 4e-6.
const (
	cdfReach = 5
	cdfSteps = 128
)

var cdfTable = func() (t [2*cdfReach*cdfSteps + 2]float64) {
	for i := range t {
		t[i] = 0.5 * math.Erfc((cdfReach-float64(i)/cdfSteps)/math.Sqrt2)
	}
	return t
}()
