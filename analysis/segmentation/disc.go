// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/volume"
)

// A disc space is modelled, in its own frame, as three regions parted by two
// thin bright plates:
//
//	upper body | plate | disc | plate | lower body
//
// each surface a smooth function of the position across the disc, the whole
// blurred by the acquisition. Fitting it to the voxels themselves finds the
// plates below the slice distance and, unlike an edge at half maximum, at a
// place that does not depend on the slice thickness.
const (
	lowerPlate = iota // superior endplate of the vertebra below the disc
	upperPlate        // inferior endplate of the vertebra above it
)

const (
	knotStep     = 3.5 // mm between knots of a surface
	massKnots    = 4   // coefficients of a plate's mass along the disc
	profileReach = 5.0 // mm, voxels within this distance of the mid-sagittal plane

	// plateMass and its spread, HU·mm: 0.4 to 0.8 mm of bone at some 500 to
	// 1000 HU above its surroundings. A weak prior.
	plateMass   = 300.0
	plateMassSD = 250.0
	massRough   = 120.0 // HU·mm, between neighbouring coefficients
	slopeSD     = 80.0  // HU, change of a region's attenuation over half the disc

	// discHU and its spread: the attenuation of a disc, adults, 80 to 140 kVp. It
	// keeps the space between two plates that a thick slice has run together
	// from being taken for bone. A weak prior.
	discHU   = 90.0
	discHUSD = 30.0
	// discSlopeSD, HU, is the change of a disc's attenuation over half of it.
	discSlopeSD = 20.0

	// annulusHU and its spread: by how much the annulus at the disc's ends
	// attenuates more than the nucleus at its middle. Design values; the spread
	// leaves it to the image.
	annulusHU = 15.0
	annulusSD = 40.0
	// rimSD, HU·mm, is the spread of the light that runs along the disc's rim from
	// wall to wall: ligament, calcified annulus, bridging spurs, and what of the
	// walls a slice adds up.
	rimSD = 250.0

	tiltSD = 0.12  // lateral slope of a plate in the disc's frame
	bowSD  = 0.006 // 1/mm; a concavity of 2 mm over 40 mm is 0.005

	minDiscHeight   = 0.8 // mm between the plates' centres; vanished discs touch
	discHeightForce = 0.3 // mm, softness of that bound
	// discLeanSD is by how much a disc's ends differ from its middle, in units of
	// its usual height: the lumbosacral disc's by 0.4.
	discLeanSD = 0.4
	// gapWeight is how often a disc's usual share counts: it must hold against
	// what little a slice that holds both plates says.
	gapWeight = 3

	// textureLength, mm, is the least correlation length of residuals:
	// trabecular bone is not noise of independent voxels.
	textureLength = 0.7
)

// roughness, mm, is the spread of a surface's second difference from knot to
// knot. It counts by a Cauchy law: an endplate is smooth but for a rim, a
// Schmorl node or a fracture's edge.
const roughness = 0.1

// concavity is the depth of the two endplates of a disc below their rims, mm:
// Wang et al., Eur Spine J 2012 (PMC3481085). Surfaces tend to dishes of about
// that depth where the voxels leave them open, as they do within a thick slice.
// A fracture's may be many times as deep.
var concavity = [2]float64{lowerPlate: 0.7, upperPlate: 1.5}

const (
	concavitySD = 0.7 // mm, scale of a Cauchy law
	// dishShare is the part of the way from wall to wall that the dish takes; the
	// rest is the rim, the former ring apophysis.
	dishShare = 0.9
)

// kinkScale is the bend, in units of the roughness, from which it costs less
// and less to bend more.
const kinkScale = 3

// voxel is a sample in a disc's frame, with what the model needs of its place
// across the disc.
type voxel struct {
	s, a, l, hu float64

	u             float64 // a, -1 to 1 from wall to wall
	first         int     // of the four surface functions that are not zero at a
	weight, slope [4]float64
	mass          [massKnots]float64
	light         [3][2]float64 // of the walls of both bodies and of the disc's rim, 1/mm
	lit           bool          // some of it is not zero
}

// at returns a voxel at a place of the disc.
func (d *discSpace) at(s, a, l, hu float64) voxel {
	half := (d.basis.hi - d.basis.lo) / 2
	v := voxel{s: s, a: a, l: l, hu: hu, u: (a - d.basis.lo - half) / half}
	v.first, v.weight, v.slope = d.basis.at(a)
	_, v.mass, _ = d.mass.at(a)
	for end := range 2 {
		lower, upper := d.wall[lowerPlate][end], d.wall[upperPlate][end]
		for i, w := range [3]float64{lower, upper, (lower + upper) / 2} {
			if light := gauss((a-w)/d.wallSigma) / d.wallSigma; light > faint {
				v.light[i][end], v.lit = light, true
			}
		}
	}
	return v
}

// discSpace is the problem of one disc: what is fitted, and to what.
type discSpace struct {
	frame  volume.Frame
	blur   psf
	sloped slopedBlur // of blur, softened as the stage of the fit wants
	basis  spline     // of both surfaces, along a
	mass   spline
	voxels []voxel
	volume float64 // mm³ that a voxel stands for
	temper float64 // effective samples per voxel
	has    [2]bool // which plates there are

	ends  [2][2]float64 // of the lower and the upper body: posterior and anterior wall along a
	start []float64     // parameters to start from
	// startCost is the mean cost of a strip at the start, places left out.
	startCost float64
	scanNoise float64 // HU, of the strips; 0 until it is told
	// shift is by how much localization's endplates may be wrong along s, mm; the
	// scan covers both places. moved tells that it starts from the shifted one.
	shift float64
	moved bool

	// wall holds, for the lower and the upper body, where the centres of the
	// posterior and the anterior cortex lie along a; sigma is the blur there.
	// Their light falls on the ends of the endplates.
	wall      [2][2]float64
	wallSigma float64

	gap   float64 // expected between the plates, mm; 0 if not known
	reach float64 // how far away from the body the disc of a plate without a partner surely goes, mm
	kinks bool    // whether a surface may bend sharply
}

// Layout of the parameter vector.
func (d *discSpace) surface(plate int) int { return plate * (d.basis.n + 3) } // coefficients, tilt, bow, dish
func (d *discSpace) dish(plate int) int    { return d.surface(plate) + d.basis.n + 2 }
func (d *discSpace) masses(plate int) int  { return 2*(d.basis.n+3) + plate*d.mass.n }
func (d *discSpace) levels() int           { return d.masses(2) }    // lower, disc, upper: value and slope
func (d *discSpace) walls() int            { return d.levels() + 6 } // posterior, anterior of the lower, then of the upper body
func (d *discSpace) rim() int              { return d.walls() + 4 }  // of the disc, posterior and anterior
func (d *discSpace) annulus() int          { return d.rim() + 2 }    // attenuation of the disc's ends above its middle's
func (d *discSpace) size() int             { return d.annulus() + 1 }

// height returns the centre of a plate at (a, l) and its slope along a.
func (d *discSpace) height(x []float64, plate int, a, l float64) (s, slope float64) {
	at := d.surface(plate)
	s, slope = d.basis.value(x[at:at+d.basis.n], a)
	tilt, bow := x[at+d.basis.n], x[at+d.basis.n+1]
	return s + tilt*l + bow*l*l, slope
}

// faint is the light of a wall, 1/mm, or the density of a blur that is counted
// as none: under a hundredth of a HU of the brightest plates.
const faint = 1e-5

// predict returns the model's attenuation at v and sets t to its derivatives.
func (d *discSpace) predict(x []float64, v *voxel, t *row) float64 {
	at := d.levels()
	u2 := v.u * v.u
	disc := x[at+2] + v.u*x[at+3] + u2*x[d.annulus()]
	for end, light := range v.light[2] {
		disc += x[d.rim()+end] * light
	}
	y, open := disc, 1.0
	t.from, t.to, t.lit = rowDisc, rowUpperLevel, v.lit
	for plate := range 2 {
		part := d.plate(x, v, plate, disc, t)
		y += part.hu
		open -= part.cover
	}
	t.v[rowDisc], t.v[rowDisc+1], t.v[rowDisc+2] = open, open*v.u, open*u2
	for end, light := range v.light[2] {
		t.v[rowLights+4+end] = open * light
	}
	return y
}

// plateLight is what one plate and the body behind it add to a voxel: HU, and
// the share of the voxel's blur that the body covers.
type plateLight struct{ hu, cover float64 }

// plate returns the light of one plate and the body behind it, before a disc of the
// given attenuation, and sets their derivatives.
func (d *discSpace) plate(x []float64, v *voxel, plate int, disc float64, t *row) plateLight {
	at := &plateRows[plate]
	var distance, slope, cos float64
	var blur kernel
	if d.has[plate] {
		var s float64
		s, slope = d.surfaceAt(x, v, plate)
		blur, cos = d.blurAt(slope)
		distance = (v.s - s) * cos
	}
	sign := 1.0 // bone lies below the lower plate, above the upper
	if plate == upperPlate {
		sign = -1
	}
	if !d.has[plate] || sign*distance > blur.box/2+5*blur.sigma {
		t.v[at.lights], t.v[at.lights+1] = 0, 0
		return plateLight{}
	}
	cover, g, dg := blur.at(distance)
	if plate == lowerPlate {
		cover = 1 - cover
	}
	level := d.levels() + 4*plate
	bone := x[level] + v.u*x[level+1]
	for end, light := range v.light[plate] {
		bone += x[d.walls()+2*plate+end] * light
		t.v[at.lights+end] = light * cover
	}
	t.v[at.level], t.v[at.level+1] = cover, cover*v.u
	t.from, t.to = min(t.from, at.level), max(t.to, at.level+2)
	out := plateLight{hu: (bone - disc) * cover, cover: cover}
	if g < faint {
		return out
	}
	mass := 0.0
	for i, m := range x[d.masses(plate):][:massKnots] {
		mass += v.mass[i] * m
		t.v[at.mass+i] = g * v.mass[i]
	}
	ds := cos * (sign*(bone-disc)*g - mass*dg) // of the surface's height
	turn := distance * cos * slope             // the distance changes with the slope, too
	for i := range 4 {
		t.v[at.surface+i] = ds * (v.weight[i] + turn*v.slope[i])
	}
	t.v[at.surface+4], t.v[at.surface+5] = ds*v.l, ds*v.l*v.l
	t.from, t.to = min(t.from, at.surface), max(t.to, at.surface+6)
	out.hu += mass * g
	return out
}

// surfaceAt returns the height of a plate's centre at a voxel and its slope along a.
func (d *discSpace) surfaceAt(x []float64, v *voxel, plate int) (s, slope float64) {
	coef := x[d.surface(plate):][:d.basis.n+2]
	s = (coef[d.basis.n] + coef[d.basis.n+1]*v.l) * v.l
	for i, c := range coef[v.first:][:4] {
		s += v.weight[i] * c
		slope += v.slope[i] * c
	}
	return s, slope
}

// slopedBlur holds the blur across a surface as a function of its slope.
type slopedBlur struct {
	variance [3]float64 // coefficients of 1, slope and slope² of (1+slope²)·variance, mm²
	box      [2]float64 // of 1 and slope of √(1+slope²)·box, mm
}

// newSlopedBlur returns the blur p as surfaces of the frame f meet it.
func newSlopedBlur(p psf, f volume.Frame) slopedBlur {
	var b slopedBlur
	for i, axis := range p.axes {
		s, a := r3.Dot(f.Superior, axis), r3.Dot(f.Anterior, axis)
		b.variance[0] += p.variance[i] * s * s
		b.variance[1] -= 2 * p.variance[i] * s * a
		b.variance[2] += p.variance[i] * a * a
		if i == p.slice {
			b.box = [2]float64{p.box * s, -p.box * a}
		}
	}
	return b
}

// blurAt returns the blur across a surface with the given slope along a, and the
// cosine of that slope's angle.
func (d *discSpace) blurAt(slope float64) (k kernel, cos float64) {
	b := &d.sloped
	c2 := 1 / (1 + slope*slope)
	cos = math.Sqrt(c2)
	variance := (b.variance[0]+slope*(b.variance[1]+slope*b.variance[2]))*c2 + boneThickness*boneThickness/12
	return kernel{box: math.Abs(b.box[0]+slope*b.box[1]) * cos, sigma: math.Sqrt(variance)}, cos
}

// linearize evaluates data and priors at x. Residuals count by a Cauchy
// likelihood of the given scale.
func (d *discSpace) linearize(x []float64, noise float64) *system {
	q := newSystem(d.size())
	c2 := 4 * noise * noise // Cauchy scale 2σ: 95 % efficient on Gaussian residuals
	unit := d.temper / (noise * noise)
	var t row
	var b block
	first := 0           // of the voxels in b
	logs, odds := 0., 1. // the sum of logarithms, and the product of what is yet to count
	for i := range d.voxels {
		v := &d.voxels[i]
		if v.first != first {
			q.addBlock(&b, d.columns(first))
			b, first = block{}, v.first
		}
		r := d.predict(x, v, &t) - v.hu
		odd := 1 + r*r/c2
		if odds *= odd; odds > 1e100 {
			logs, odds = logs+math.Log(odds), 1
		}
		b.add(r, unit/odd, &t)
	}
	q.addBlock(&b, d.columns(first))
	q.cost = unit * c2 / 2 * (logs + math.Log(odds))
	d.priors(q, x)
	q.fold()
	return q
}

func (d *discSpace) priors(q *system, x []float64) {
	for plate := range 2 {
		p, n, dish := d.surface(plate), d.basis.n, d.dish(plate)
		for i := p; i < p+n-2; i++ {
			usual := d.dishBend(plate, i-p)
			bend := x[i] - 2*x[i+1] + x[i+2] - x[dish]*usual
			bends := []term{{i, 1}, {i + 1, -2}, {i + 2, 1}, {dish, -usual}}
			if !d.kinks {
				q.prior(bend, roughness, bends...)
				continue
			}
			c2 := kinkScale * kinkScale * roughness * roughness
			q.cost += kinkScale * kinkScale / 2 * math.Log1p(bend*bend/c2)
			q.add(bend, 1/(roughness*roughness*(1+bend*bend/c2)), bends)
		}
		depth := x[dish] - concavity[plate]
		c2 := concavitySD * concavitySD
		q.cost += math.Log1p(depth*depth/c2) / 2
		q.add(depth, 1/(c2+depth*depth), []term{{dish, 1}})
		q.prior(x[p+n], tiltSD, term{p + n, 1})
		q.prior(x[p+n+1], bowSD, term{p + n + 1, 1})
		m := d.masses(plate)
		for i := m; i < m+d.mass.n; i++ {
			q.prior(x[i]-plateMass, plateMassSD, term{i, 1})
			if i > m {
				q.prior(x[i]-x[i-1], massRough, term{i, 1}, term{i - 1, -1})
			}
		}
		if !d.has[plate] {
			q.prior(x[p]-x[p], 1, term{p, 1}) // held where it is
		}
	}
	for i := d.walls(); i < d.rim(); i++ {
		q.prior(x[i]-plateMass, plateMassSD, term{i, 1})
	}
	for i := d.rim(); i < d.annulus(); i++ {
		q.prior(x[i], rimSD, term{i, 1})
	}
	q.prior(x[d.annulus()]-annulusHU, annulusSD, term{d.annulus(), 1})
	for i := d.levels(); i < d.walls(); i += 2 {
		if i == d.levels()+2 {
			q.prior(x[i]-discHU, discHUSD, term{i, 1})
		} else {
			q.prior(0, 1e4, term{i, 1})
		}
		sd := slopeSD
		if i == d.levels()+2 {
			sd = discSlopeSD
		}
		q.prior(x[i+1], sd, term{i + 1, 1})
	}
	if d.has[0] && d.has[1] {
		d.gapPrior(q, x)
		for i := range d.basis.n {
			l, u := d.surface(lowerPlate)+i, d.surface(upperPlate)+i
			if gap := x[u] - x[l]; gap < minDiscHeight {
				q.prior(gap-minDiscHeight, discHeightForce, term{u, 1}, term{l, -1})
			}
		}
	}
}

// gapPrior holds the mean height of the disc near its usual share of the pitch,
// and keeps a disc from closing at one end unless the image shows it.
func (d *discSpace) gapPrior(q *system, x []float64) {
	if d.gap == 0 {
		return
	}
	n := d.basis.n
	mean, lean := 0.0, 0.0
	var means, leans []term
	for i := range n {
		l, u := d.surface(lowerPlate)+i, d.surface(upperPlate)+i
		even := 1 / float64(n)
		// Least-squares slope, as the difference from the middle to an end.
		end := 6 * (2*float64(i)/float64(n-1) - 1) * float64(n-1) / float64(2*n*(n+1))
		mean += (x[u] - x[l]) * even
		lean += (x[u] - x[l]) * end
		means = append(means, term{l, -even}, term{u, even})
		leans = append(leans, term{l, -end}, term{u, end})
	}
	q.prior(mean-d.gap, discShareSD*d.gap/gapWeight, means...)
	q.prior(lean, discLeanSD*d.gap, leans...)
}

// dishAt returns the height of a dish a millimetre deep above its deepest
// place, at a of the given plate: flat at the rims, with its sign such that it
// lies towards the body.
func (d *discSpace) dishAt(plate int, a float64) float64 {
	ends := d.ends[plate]
	x := (2*a - ends[0] - ends[1]) / (dishShare * (ends[1] - ends[0]))
	if x*x >= 1 {
		return 0
	}
	depth := (1 - x*x) * (1 - x*x)
	if plate == lowerPlate {
		return -depth
	}
	return depth
}

// coefficientAt returns the place along a that coefficient i of a surface stands
// for.
func (d *discSpace) coefficientAt(i int) float64 {
	return d.basis.lo + float64(i-1)*d.basis.interval()
}

// dishBend returns the second difference, from coefficient i, of a dish a
// millimetre deep.
func (d *discSpace) dishBend(plate, i int) float64 {
	at := func(i int) float64 { return d.dishAt(plate, d.coefficientAt(i)) }
	return at(i) - 2*at(i+1) + at(i+2)
}
