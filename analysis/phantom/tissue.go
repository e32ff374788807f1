// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
)

// Attenuations of what is only sketched, HU.
const (
	airHU       = -1000
	lungHU      = -850
	cordHU      = 38
	fluidHU     = 14
	nerveHU     = 35
	epiduralHU  = -60
	veinHU      = 45 // basivertebral
	tableHU     = -160
	tableCoreHU = -940
)

// station is a cross-section of the body at one height.
type station struct {
	x, y                   float64 // centre of the vertebral body
	depth, width           float64 // of the vertebral body
	canal                  r3.Vec
	canalWide, canalAP     float64 // half axes in the axial plane
	leftX, leftY           float64 // the vertebra's left axis in the axial plane
	skinWidth              float64 // half axis to either side
	skinFront, skinBack    float64 // half axes before and behind the centre
	skinY                  float64 // centre
	widened                bool    // to hold what it would not
	cavityWidth, cavityEnd float64 // half axis; y of the posterior wall
	cavityDepth            float64 // half axis
	lung                   float64 // how much of the cavity's depth is lung, from behind
	trachea, cord, psoas   float64 // radius of the trachea and the psoas, mm; share of cord in the canal
}

// course holds the stations at even heights.
type course struct {
	top      float64 // z of the first, mm
	stations []station
	hanging  []*body // above the first body that the stations follow
}

const courseStep = 2 // mm

// habitus holds the soft tissue at levels in between which it is interpolated:
// half width of the trunk, skin behind and before the body's centre, lung, radii.
var habitus = [...]struct {
	level                       spine.Level
	width, back, front          float64
	cavity, lung, trachea, cord float64
	psoas                       float64
}{
	{spine.C2 + 1, 62, 50, 58, 0, 0, 0, 1, 0},
	{spine.C2 + 4, 75, 58, 60, 0, 0, 8, 1, 0},
	{spine.T1, 135, 70, 72, 0.55, 0.4, 8, 1, 0},
	{spine.T1 + 2, 168, 75, 100, 1, 1, 8, 1, 0},
	{spine.T4 + 1, 170, 78, 130, 1, 1, 7, 1, 0},
	{spine.T4 + 3, 165, 78, 150, 1, 1, 0, 1, 0},
	{spine.T10, 160, 79, 158, 1, 0.8, 0, 1, 0},
	{spine.T12, 156, 80, 155, 1, 0.22, 0, 0.9, 3},
	{spine.L1, 154, 81, 152, 1, 0.05, 0, 0.5, 9},
	{spine.L3, 154, 82, 148, 1, 0, 0, 0, 17},
	{spine.L5, 166, 80, 145, 1, 0, 0, 0, 22},
	{spine.S1, 175, 74, 145, 1, 0, 0, 0, 22},
}

// habitusAt places a level between the entries of habitus.
func habitusAt(l spine.Level) (i int, f float64) {
	for i = 0; i < len(habitus)-2 && habitus[i+1].level < l; i++ {
	}
	span := float64(habitus[i+1].level) - float64(habitus[i].level)
	return i, min(max((float64(l)-float64(habitus[i].level))/span, 0), 1)
}

// newCourse follows the spine up to where it first turns down again, as that of a
// hunched person does. What hangs below lies in the cross-sections it passes.
func newCourse(s *Spine) course {
	first := s.summit()
	bodies := s.bodies[first:]
	at := make([]station, len(bodies))
	zs := make([]float64, len(bodies))
	for i, b := range bodies {
		at[i] = s.station(b)
		zs[i] = b.frame.Origin.Z
		if i > 0 {
			zs[i] = min(zs[i], zs[i-1]-leastDrop)
		}
	}
	c := course{top: zs[0] + 40, hanging: s.bodies[:first]}
	for z := c.top; z > zs[len(zs)-1]-60; z -= courseStep {
		i := min(max(slices.IndexFunc(zs, func(v float64) bool { return v < z })-1, 0), len(zs)-2)
		if z < zs[len(zs)-1] {
			i = len(zs) - 2
		}
		t := min(max((zs[i]-z)/(zs[i]-zs[i+1]), 0), 1)
		st := between(at[i], at[i+1], t)
		s.canalAt(z, first, &st)
		c.stations = append(c.stations, st)
	}
	for i, b := range s.bodies {
		if i < first || !c.holdsCanal(s.canal[canalPoints*i:canalPoints*(i+1)]) {
			c.enclose(b)
		}
	}
	return c
}

// leastDrop is how much lower than the body above a body must lie for the trunk to
// follow, mm.
const leastDrop = 1

// summit returns the uppermost body from which on the spine runs down to the
// reference level.
func (s *Spine) summit() int {
	first := 0
	for i := 1; i < len(s.bodies) && s.bodies[i-1].Level != referenceLevel; i++ {
		if s.bodies[i].frame.Origin.Z > s.bodies[i-1].frame.Origin.Z-leastDrop {
			first = i
		}
	}
	return first
}

// holdsCanal reports whether the canal lies inside the skin at all of its points.
func (c *course) holdsCanal(path []canalPoint) bool {
	for _, p := range path {
		if c.at(p.center.Z).skin(p.center.X, p.center.Y) < p.ap/2+skinCover {
			return false
		}
	}
	return true
}

// enclose widens the trunk until it holds the vertebra b with skin before and
// behind it.
func (c *course) enclose(b *body) {
	h := arch{b, (b.AnteriorHeight + b.PosteriorHeight) / 2, 1}
	_, tip, _ := h.spinousLine()
	c.hold(tip)
	for _, s := range []float64{-0.5, 0, 0.5} {
		c.hold(h.at(s*h.height, b.CanalAP, 0))
		c.hold(b.frame.Point(s*h.height, b.Depth/2, 0))
	}
}

// hold widens the cross-sections until p lies inside the skin; above and below p
// the trunk slopes off at 45°.
func (c *course) hold(p r3.Vec) {
	for c.top < p.Z+courseStep {
		c.stations = slices.Insert(c.stations, 0, c.stations[0])
		c.top += courseStep
	}
	toward := func(d, away float64) float64 { return math.Copysign(max(math.Abs(d)-away, 0), d) }
	for i := range c.stations {
		st := &c.stations[i]
		away := math.Abs(c.top - courseStep*float64(i) - p.Z)
		st.hold(toward(p.X-st.x, away), toward(p.Y-st.skinY, away))
	}
}

// skinCover is how much lies at least between what hold encloses and the air, mm.
const skinCover = 5

// hold widens the skin until it lies skinCover outside of (x, y), which is relative
// to its centre.
func (st *station) hold(x, y float64) {
	if st.skin(st.x+x, st.skinY+y) >= skinCover {
		return
	}
	st.widened = true
	const most = 0.8 // of the half width within skinCover, to either side
	inner := max(1-skinCover/st.thinnest(), 0.5)
	st.skinWidth = max(st.skinWidth, math.Abs(x)/(most*inner))
	reach := math.Abs(y) / math.Sqrt(inner*inner-x*x/st.skinWidth/st.skinWidth)
	if y > 0 {
		st.skinBack = max(st.skinBack, reach)
	} else {
		st.skinFront = max(st.skinFront, reach)
	}
}

// thinnest is the least half axis of the skin.
func (st *station) thinnest() float64 { return min(st.skinWidth, st.skinFront, st.skinBack) }

// skin returns how far (x, y) lies inside the skin, mm, roughly away from it.
func (st *station) skin(x, y float64) float64 {
	depth := st.skinFront
	if y > st.skinY {
		depth = st.skinBack
	}
	return (1 - hypot((x-st.x)/st.skinWidth, (y-st.skinY)/depth)) * st.thinnest()
}

// skinReach returns how far the skin lies from its centre in a direction of the
// axial plane, mm.
func (st *station) skinReach(d r3.Vec) float64 {
	depth := st.skinFront
	if d.Y > 0 {
		depth = st.skinBack
	}
	return math.Hypot(d.X*st.skinWidth, d.Y*depth)
}

func (s *Spine) station(b *body) station {
	k := s.params.Scale
	i, f := habitusAt(b.Level)
	p, q := habitus[i], habitus[i+1]
	mix := func(a, b float64) float64 { return a + (b-a)*f }
	extra := s.params.FatThickness - 15
	back, front := k*mix(p.back, q.back)+extra, k*mix(p.front, q.front)+extra
	o := b.frame.Origin
	chestWidth, chestDepth := b.ChestWidth, b.ChestDepth
	if chestWidth == 0 {
		chestWidth, chestDepth = 118*k, 92*k
	}
	behind := 18.0
	if b.Level >= spine.L1 {
		behind = 4
	}
	return station{
		x: o.X, y: o.Y, depth: b.Depth, width: b.Width,
		skinWidth: k*mix(p.width, q.width) + extra, skinFront: (back + front) / 2, skinBack: (back + front) / 2, skinY: o.Y + (back-front)/2,
		cavityWidth: chestWidth * mix(p.cavity, q.cavity), cavityDepth: chestDepth * mix(p.cavity, q.cavity), cavityEnd: o.Y + behind*k,
		lung: mix(p.lung, q.lung), trachea: k * mix(p.trachea, q.trachea), cord: mix(p.cord, q.cord), psoas: k * mix(p.psoas, q.psoas),
	}
}

// between interpolates all of two stations but the canal.
func between(p, q station, t float64) station {
	mix := func(a, b float64) float64 { return a + (b-a)*t }
	return station{
		x: mix(p.x, q.x), y: mix(p.y, q.y), depth: mix(p.depth, q.depth), width: mix(p.width, q.width),
		skinWidth: mix(p.skinWidth, q.skinWidth), skinFront: mix(p.skinFront, q.skinFront), skinBack: mix(p.skinBack, q.skinBack), skinY: mix(p.skinY, q.skinY),
		cavityWidth: mix(p.cavityWidth, q.cavityWidth), cavityDepth: mix(p.cavityDepth, q.cavityDepth), cavityEnd: mix(p.cavityEnd, q.cavityEnd),
		lung: mix(p.lung, q.lung), trachea: mix(p.trachea, q.trachea), cord: mix(p.cord, q.cord), psoas: mix(p.psoas, q.psoas),
	}
}

// canalAt sets the cross-section at height z of the canal of all bodies from first
// on, empty beyond its ends.
func (s *Spine) canalAt(z float64, first int, st *station) {
	for i := canalPoints*first + 1; i < len(s.canal); i++ {
		p, q := s.canal[i-1], s.canal[i]
		if z > p.center.Z || z <= q.center.Z {
			continue
		}
		t := (p.center.Z - z) / (p.center.Z - q.center.Z)
		left := r3.Add(r3.Scale(1-t, p.left), r3.Scale(t, q.left))
		st.canal = r3.Add(r3.Scale(1-t, p.center), r3.Scale(t, q.center))
		st.canalWide = (p.wide + (q.wide-p.wide)*t) / 2
		st.canalAP = (p.ap/p.slant + (q.ap/q.slant-p.ap/p.slant)*t) / 2
		n := hypot(left.X, left.Y)
		st.leftX, st.leftY = left.X/n, left.Y/n
		return
	}
}

// at returns the station at height z; beyond the ends it is the last.
func (c *course) at(z float64) *station {
	i := int(math.Round((c.top - z) / courseStep))
	return &c.stations[min(max(i, 0), len(c.stations)-1)]
}

// ramp is the coverage of a soft edge, 1 well inside.
func ramp(d, width float64) float64 { return within1(0.5 + d/width) }

// within1 bounds x to 0 … 1. It takes half the time of the built-in min and max, which
// tell zeros of either sign apart.
func within1(x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	return x
}

// ellipse returns how far (x, y) lies inside an ellipse round the origin, mm,
// roughly away from its border.
func ellipse(x, y, a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return math.Inf(-1)
	}
	return (1 - hypot(x/a, y/b)) * min(a, b)
}

// soft returns the attenuation of the body without its bones and discs at p.
// edge is the width of its soft edges, mm.
func (s *Spine) soft(p r3.Vec, st *station, edge float64, tex *texture) float64 {
	x, y := p.X-st.x, p.Y-st.y
	skin := st.skin(p.X, p.Y)
	if skin < -edge {
		return airHU
	}
	q := &s.params
	over := func(v, hu, cover float64) float64 { return v + (hu-v)*cover }
	v := over(airHU, q.FatHU, ramp(skin, edge))
	deep := ramp(skin-q.FatThickness, edge+3)
	if deep == 0 && !st.widened {
		return v
	}
	n := tex.at(p, 9)
	muscle := q.TissueHU + 9*n
	if n > 0.75 {
		muscle -= 130 * (n - 0.75)
	}
	v = over(v, muscle, deep)
	v = s.cavity(v, p, st, edge, tex)
	// The column's own soft tissue, the psoas and the great vessels.
	v = over(v, q.TissueHU-8, ramp(ellipse(x, y-3, st.width/2+5, st.depth/2+6), edge))
	if st.psoas > 2 {
		v = over(v, muscle, ramp(ellipse(math.Abs(x)-st.width/2-0.75*st.psoas, y-4, st.psoas, st.psoas*1.15), edge))
	}
	return s.hanging(canal(s.vessels(v, x, y, st, edge), p, st, edge), p, edge)
}

// hanging lays the soft tissue round the vertebrae that the stations do not follow,
// and their canal, over v.
func (s *Spine) hanging(v float64, p r3.Vec, edge float64) float64 {
	const around = 10 // mm of muscle to each side of body and canal
	for _, b := range s.course.hanging {
		up, front, left := b.frame.Coordinates(p)
		if math.Abs(up) > (b.AnteriorHeight+b.PosteriorHeight)/4+b.DiscHeight {
			continue
		}
		in := ellipse(left, front+b.CanalAP/2, b.Width/2+around, (b.Depth+b.CanalAP)/2+around)
		if in < -edge {
			continue
		}
		v += (s.params.TissueHU - 8 - v) * ramp(in, edge)
		across := station{canalWide: b.CanalWidth / 2, canalAP: b.CanalAP / 2, leftX: 1, cord: 1}
		behind := -b.Depth/2 + b.PosteriorConcavity/2 - b.CanalAP/2 - front
		v = canal(v, r3.Vec{X: left, Y: behind}, &across, edge)
	}
	return v
}

// cavity lays the lungs, the mediastinum and the abdomen over v.
func (s *Spine) cavity(v float64, p r3.Vec, st *station, edge float64, tex *texture) float64 {
	const wall = 9 // mm from the middle of the ribs to the pleura
	x, y := p.X-st.x, p.Y-st.y
	center := st.cavityEnd - st.cavityDepth + wall
	in := ramp(ellipse(x, p.Y-center, st.cavityWidth-wall, st.cavityDepth-wall), edge)
	if in == 0 {
		return v
	}
	q := &s.params
	n := tex.at(p, 21)
	organ := q.FatHU + (q.TissueHU-5-q.FatHU)*ramp(n+0.1, 0.3)
	if st.lung > 0.3 {
		organ = q.TissueHU - 8 + 6*n
	}
	v += (organ - v) * in
	if st.lung < 0.04 {
		return v
	}
	behind := st.cavityEnd - p.Y
	lung := in * ramp(st.lung*2*st.cavityDepth-behind, edge+2)
	lung *= 1 - ramp(ellipse(x, y+58, 44, 52), edge)                       // heart and great vessels
	lung *= 1 - ramp(min(st.width/2+4-math.Abs(x), y+st.depth/2+22), edge) // the column's shadow
	return v + (lungHU+25*tex.at(p, 6)-v)*lung
}

// vessels lays the aorta, the vena cava and the trachea over v.
func (s *Spine) vessels(v, x, y float64, st *station, edge float64) float64 {
	q := &s.params
	if st.lung < 0.98 || st.trachea < 4 {
		// From T5 down the aorta runs left before the bodies, then to the midline.
		left := 0.35 * st.width * min(1, 0.35+st.lung)
		front := -st.depth/2 - 10
		v += (q.VesselHU - v) * ramp(10.5*q.Scale-hypot(x-left, y-front), edge)
		if st.lung < 0.3 {
			v += (0.6*q.VesselHU + 15 - v) * ramp(10*q.Scale-hypot((x+0.45*st.width)*0.85, y-front), edge)
		}
	}
	if st.trachea > 2 {
		v += (airHU - v) * ramp(st.trachea-hypot(x, y+st.depth/2+20), edge)
	}
	return v
}

// canal lays the canal with its contents, and the fat and nerves of the foramina,
// over v.
func canal(v float64, p r3.Vec, st *station, edge float64) float64 {
	const foramen = 8 // mm to each side
	dx, dy := p.X-st.canal.X, p.Y-st.canal.Y
	if st.canalWide == 0 || dx*dx+dy*dy > (st.canalWide+st.canalAP+foramen)*(st.canalWide+st.canalAP+foramen) {
		return v
	}
	over := func(hu, cover float64) { v += (hu - v) * cover }
	left, behind := dx*st.leftX+dy*st.leftY, dy*st.leftX-dx*st.leftY
	if c := ramp(ellipse(left, behind-1, st.canalWide+foramen, 0.85*st.canalAP), edge+1); c > 0 {
		over(epiduralHU, 0.8*c)
		over(nerveHU, ramp(2.4-hypot(math.Abs(left)-st.canalWide-3, behind+1), edge))
	}
	over(epiduralHU, ramp(ellipse(left, behind, st.canalWide, st.canalAP), edge))
	over(fluidHU+8*(1-st.cord), ramp(ellipse(left, behind+0.8, 0.86*st.canalWide, 0.86*st.canalAP), edge))
	if r := 0.55 * st.cord; r > 0.05 {
		over(cordHU, ramp(ellipse(left, behind+0.5, r*st.canalWide, r*st.canalAP), edge))
	}
	return v
}

// hypot is math.Hypot for lengths of millimetres, which cannot overflow.
func hypot(x, y float64) float64 { return math.Sqrt(x*x + y*y) }
