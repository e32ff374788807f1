// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/volume"
)

const (
	// canalRadius and its spread, mm: half the mid-sagittal diameter of the
	// canal, 14 to 19 mm in the lumbar spine (Griffith 2016, Abbas 2021).
	canalRadius   = 8.0
	canalRadiusSD = 2.5

	// depthSD, mm, is how far localization's body depth may be off; unknown
	// depths are taken as 27 ± 6 mm (T1 to L5 of adults).
	depthSD = 3.0
	// depthOdd is how far a body's depth may differ from its neighbours', as a
	// share, before the walls are traced anew. depthGrowth is by how much depth
	// grows from a level to the next below it: 2 to 4 %.
	depthOdd      = 0.12
	depthGrowth   = 0.03
	depthAgreedSD = 1.5
	// shallowest is the share of the depth to expect below which what lies before a
	// wall is none.
	shallowest = 0.8
	// depthMost is how many standard deviations off a depth is looked for: farther
	// lie dense lesions and gas within a body, and vessels beside it.
	depthMost      = 3.0
	unknownDepth   = 27.0
	unknownDepthSD = 6.0

	// placeSD and centerSD, mm, are how far localization's endplates, and the
	// middle between the two of a disc, may be off.
	placeSD  = 4.0
	centerSD = 1.8

	// leastWall is the score below which an edge is no wall, and leastWidth the least
	// part of localization's width that is one: between lie the edges of a dense lesion.
	leastWall  = 1.0
	leastWidth = 0.6

	wallMargin   = 0.3  // mm inside the wall line where an endplate's voxels begin
	bodyShare    = 0.45 // of a body's height that belongs to an endplate's window
	windowReach  = 9.0  // mm, most that an endplate's window reaches into a body
	waistHalf    = 4.0  // mm, half the height and depth of the region where the lateral walls are read
	loneReach    = 4.0  // mm, most that the window of an endplate without a partner reaches away from its body
	loneLeast    = 2.0  // mm, least that it does
	loneShare    = 0.15 // of the body's height that it does: half a disc and some
	voxelVolume  = 2.0  // mm³ that a voxel used in a fit stands for; finer ones are thinned out
	minimumPlate = 6.0  // mm of endplate, from wall to wall, below which none is reported
)

// FromImage outlines the bodies of the vertebrae of s in vol, which must be
// canonical. The result has one body per vertebra of s; one that could not be
// outlined, in whole or in part, says why.
//
// Endplates are fitted two by two, across the disc between them, as thin plates
// blurred by the acquisition; walls are traced as paths of such plates in the
// mid-sagittal plane.
func FromImage(ctx context.Context, vol *volume.Volume, s *localization.Spine) ([]Body, error) {
	return FromPartOf(ctx, vol, s, nil)
}

// FromPartOf is FromImage of a volume of which something dense hides a part, whether or
// not it was replaced by what surrounds it: hides reports of a sample's index whether
// it does, and is nil if nothing is hidden. What is hidden shows neither wall nor
// endplate; where one runs is left to what is seen of it beside.
func FromPartOf(ctx context.Context, vol *volume.Volume, s *localization.Spine, hides func(sample int) bool) ([]Body, error) {
	im := &reader{sampler: vol.Sampler(), vol: vol, blur: blurOf(vol, sliceProfiles[0]), hides: hides}
	n := len(s.Vertebrae)
	if n == 0 {
		return nil, ctx.Err()
	}
	drafts := make([]draft, n)
	parallel(n, func(i int) { drafts[i] = im.draft(&s.Vertebrae[i]) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	im.findLost(drafts)
	im.agreeDepths(drafts)
	parallel(n, func(i int) { im.toEndplates(&drafts[i]) })
	neighbours := func(disc int) (above, below *draft) {
		if disc > 0 {
			above = &drafts[disc-1]
		}
		if disc < n {
			below = &drafts[disc]
		}
		return above, below
	}
	spaces := make([]*discSpace, n+1)
	parallel(n+1, func(i int) { spaces[i] = im.space(neighbours(i)) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range drafts {
		drafts[i].measureThickness(spaces[i], spaces[i+1])
	}
	im.lowerTall(drafts, spaces)
	im.chooseProfile(spaces, neighbours)
	discs := make([]*discFit, n+1)
	parallel(n+1, func(i int) {
		if ctx.Err() == nil && spaces[i] != nil {
			above, below := neighbours(i)
			discs[i] = im.fit(spaces[i], above, below)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	agree(drafts, discs)
	bodies := make([]Body, n)
	parallel(n, func(i int) { bodies[i] = im.body(&drafts[i], discs[i], discs[i+1]) })
	dropImplausible(drafts, bodies)
	return bodies, ctx.Err()
}

// parallel calls f for 0 … n-1 on all cores and waits. Each call must write
// only what is its own, so that the result does not depend on the order.
func parallel(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// reader is a volume being read.
type reader struct {
	vol     *volume.Volume
	sampler volume.Sampler
	blur    psf
	hides   func(sample int) bool // nil if nothing is hidden
}

// draft is a vertebra with its walls, before its endplates are known.
type draft struct {
	found  *localization.Vertebra
	frame  volume.Frame
	height float64 // rough, mm
	width  float64 // between the lateral walls, mm; 0 if not known
	depth  float64 // between the anterior and the posterior wall, mm
	canal  float64 // position of the canal's centre along a, mm
	middle r3.Vec  // the canal's centre
	lost   bool    // localization's path has left the canal
	behind float64 // from the posterior wall to the bone behind it, where it has, mm
	// regained is set where the canal was found all the same.
	regained bool

	posterior, anterior Wall

	thickness [thicknessPlaces]float64 // between the endplates, posterior to anterior, mm
}

// draft puts a frame on a vertebra, its plane through the middle of the body,
// and traces the walls.
func (im *reader) draft(v *localization.Vertebra) draft {
	d := draft{found: v, frame: volume.NewFrame(v.Center, v.Superior, v.Anterior), middle: v.Canal}
	d.height = math.Abs(r3.Dot(r3.Sub(v.SuperiorEndplate, v.InferiorEndplate), d.frame.Superior))
	_, d.canal, _ = d.frame.Coordinates(v.Canal)
	left, width := im.waist(d.frame, v)
	d.width = width
	if width > 0 {
		center := d.frame.Point(0, 0, left)
		toBody := r3.Sub(center, v.Canal)
		d.frame = volume.NewFrame(center, v.Superior, toBody)
		_, d.canal, _ = d.frame.Coordinates(v.Canal)
	}
	if v.Sacral {
		return d
	}
	half := max(d.height/2-2, 2)
	sd := depthSD
	if d.depth = v.Depth; d.depth == 0 {
		d.depth, sd = unknownDepth, unknownDepthSD
	}
	d.posterior, d.anterior = im.walls(d.frame, -half, half, d.canal, math.Inf(1), d.depth, sd)
	if median(d.posterior.A)-d.canal > canalFarthest {
		if d.behind, d.lost = im.laminaBehind(&d); !d.lost {
			d.posterior, d.anterior = im.walls(d.frame, -half, half, d.canal, canalFarthest, d.depth, sd)
		}
	}
	if len(d.posterior.A) > 0 {
		d.depth = median(d.anterior.A) - median(d.posterior.A)
	}
	return d
}

// waist returns where the middle between the lateral walls lies, and the width
// between them; width 0 if they could not be told.
func (im *reader) waist(f volume.Frame, v *localization.Vertebra) (left, width float64) {
	expected, sd := v.Width, depthSD
	if expected == 0 {
		expected, sd = 1.3*unknownDepth, 1.3*unknownDepthSD
	}
	reach := expected/2 + 8
	p := profiles{x0: -reach, rows: make([][]float64, 1)}
	row := make([]float64, int(2*reach/wallStep)+1)
	for c := range row {
		row[c] = im.mean(func(u, w float64) r3.Vec { return f.Point(u, w, p.position(float64(c))) }, waistHalf/2, waistHalf)
	}
	darkTo(row, leastOutsideHU)
	p.rows[0] = row
	sigma := im.blur.across(f.Left).total()
	l, lScore := trace(p, sigma, true, expected/2, sd)
	r, rScore := trace(p, sigma, false, -expected/2, sd)
	if lScore[0] < leastWall || rScore[0] < leastWall || l[0]-r[0] < leastWidth*expected {
		return 0, 0
	}
	return (l[0] + r[0]) / 2, l[0] - r[0]
}

// mean averages the volume over at(u, w) with |u| and |w| up to the given
// reaches, by steps of a millimetre.
func (im *reader) mean(at func(u, w float64) r3.Vec, reachU, reachW float64) float64 {
	sum, n := 0.0, 0.0
	for u := -reachU; u <= reachU; u++ {
		for w := -reachW; w <= reachW; w++ {
			sum += im.sampler.At(at(u, w))
			n++
		}
	}
	return sum / n
}

// leastOutsideHU is what darker tissue beside a body counts as, HU: the border of
// lung or fat would else outshine a wall.
const leastOutsideHU = 0

// darkTo raises samples below the given attenuation to it.
func darkTo(p []float64, least float64) {
	for i, x := range p {
		p[i] = max(x, least)
	}
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	y := slices.Clone(x)
	slices.Sort(y)
	return (y[(len(y)-1)/2] + y[len(y)/2]) / 2
}

// space poses the problem of the disc between two vertebrae, either of which may
// be nil at the ends of the chain, and finds a start for it. It returns nil if
// there is nothing to fit.
func (im *reader) space(above, below *draft) *discSpace {
	d := &discSpace{blur: im.blur, has: [2]bool{below != nil, above != nil}}
	d.frame = discFrame(above, below)
	d.sloped = newSlopedBlur(im.blur.softened(1), d.frame)
	upper, lower := d.between(above, upperPlate), d.between(below, lowerPlate)
	// A cut body's walls are not to be trusted.
	if math.IsNaN(upper[0]) || (above != nil && above.found.Truncated && !math.IsNaN(lower[0])) {
		upper = lower
	}
	if math.IsNaN(lower[0]) || (below != nil && below.found.Truncated) {
		lower = upper
	}
	if math.IsNaN(upper[0]) || max(upper[0], lower[0])+minimumPlate > min(upper[1], lower[1]) {
		return nil
	}
	d.ends = [2][2]float64{lower, upper}
	d.basis = newSpline(min(upper[0], lower[0]), max(upper[1], lower[1]), knotStep, 3, 9)
	d.mass = spline{d.basis.lo, d.basis.hi, massKnots}
	if above != nil && below != nil {
		d.gap = discShare * r3.Norm(r3.Sub(above.found.Center, below.found.Center))
	}
	d.reach = loneReach
	if above == nil || below == nil {
		lone := cmp.Or(above, below)
		d.reach = min(max(loneShare*lone.height, loneLeast), loneReach)
	}
	d.wallSigma = im.blur.across(d.frame.Anterior).total()
	for body, ends := range d.ends {
		d.wall[body] = [2]float64{ends[0] + boneThickness/2, ends[1] - boneThickness/2}
	}
	if !im.findStart(d, above, below) {
		return nil
	}
	return d
}

// fit fits a disc; nil if too little of it lies in the volume.
func (im *reader) fit(d *discSpace, above, below *draft) *discFit {
	im.gather(d, above, below)
	if len(d.voxels) < 3*d.size() {
		return nil
	}
	return d.fit(d.start)
}

// discFrame returns the frame midway between two vertebrae.
func discFrame(above, below *draft) volume.Frame {
	switch {
	case above == nil:
		return volume.NewFrame(below.found.SuperiorEndplate, below.frame.Superior, below.frame.Anterior)
	case below == nil:
		return volume.NewFrame(above.found.InferiorEndplate, above.frame.Superior, above.frame.Anterior)
	}
	origin := r3.Scale(0.5, r3.Add(above.found.InferiorEndplate, below.found.SuperiorEndplate))
	// The plane of both bodies' middles, where they were found.
	left := r3.Scale(0.5, r3.Add(
		r3.Scale(r3.Dot(r3.Sub(above.frame.Origin, origin), above.frame.Left), above.frame.Left),
		r3.Scale(r3.Dot(r3.Sub(below.frame.Origin, origin), below.frame.Left), below.frame.Left)))
	return volume.NewFrame(r3.Add(origin, left), r3.Add(above.frame.Superior, below.frame.Superior),
		r3.Add(above.frame.Anterior, below.frame.Anterior))
}

// between returns where the walls of a vertebra, near the disc, lie in the
// disc's frame.
func (d *discSpace) between(v *draft, plate int) [2]float64 {
	if v == nil || len(v.posterior.S) == 0 {
		return [2]float64{math.NaN(), math.NaN()}
	}
	sign := 1.0
	if plate == upperPlate {
		sign = -1
	}
	end := sign * v.height / 2
	_, p, _ := d.frame.Coordinates(v.frame.Point(end, v.posterior.beside(sign), 0))
	_, a, _ := d.frame.Coordinates(v.frame.Point(end, v.anterior.near(sign, endReach), 0))
	return [2]float64{p, a}
}

// place returns where localization puts a plate's centre along s.
func (d *discSpace) place(v *draft, plate int) float64 {
	if v == nil {
		return math.NaN()
	}
	p := v.found.SuperiorEndplate
	if plate == upperPlate {
		p = v.found.InferiorEndplate
	}
	s, _, _ := d.frame.Coordinates(p)
	return s
}

// scanRange returns the range along s that the strips across a disc cover: from
// where localization puts the plates into the bodies, and where there is no body,
// a little beyond the other's plate.
func (d *discSpace) scanRange(above, below *draft) (lo, hi float64) {
	reach := func(v *draft) float64 {
		switch {
		case v == nil:
			return loneReach + 2
		case v.height == 0:
			return scanReach
		}
		return min(scanReach, scanShare*v.height)
	}
	lower, upper := d.place(below, lowerPlate), d.place(above, upperPlate)
	lo, hi = min(nanOr(lower, upper), nanOr(upper, lower)), max(nanOr(lower, upper), nanOr(upper, lower))
	return lo + min(d.shift, 0) - reach(below), hi + max(d.shift, 0) + reach(above)
}

// point returns the place of a plate at the given share of the way from the
// posterior to the anterior wall.
func (d *discSpace) point(x []float64, plate int, f float64) r3.Vec {
	a := d.ends[plate][0] + f*(d.ends[plate][1]-d.ends[plate][0])
	s, _ := d.height(x, plate, a, 0)
	return d.frame.Point(s, a, 0)
}

// window returns how far an endplate's window reaches into the body at the
// given share of the way from the posterior to the anterior wall, mm.
func (v *draft) window(f float64) float64 {
	if v == nil || v.height == 0 {
		return windowReach
	}
	i := min(max(int(f*thicknessPlaces), 0), thicknessPlaces-1)
	return min(windowReach, bodyShare*v.thickness[i])
}

// gather collects the voxels that the fit explains: between the walls, near
// the mid-sagittal plane, and within the plates' windows.
func (im *reader) gather(d *discSpace, above, below *draft) {
	lo, hi := im.box(d)
	sx, sy, sz := im.vol.Spacing()
	skip := max(int(voxelVolume/(sx*sy*sz)), 1)
	// By the coefficients that they depend on, as linearize has them quickest.
	byFirst := make([][]voxel, d.basis.n-3)
	for k := lo[2]; k <= hi[2]; k++ {
		for j := lo[1]; j <= hi[1]; j++ {
			at := (k*im.vol.Rows + j) * im.vol.Columns
			// Every skip-th voxel, shifted from row to row.
			phase := (3*j + 5*k) % skip
			for i := lo[0] + (skip+phase-lo[0]%skip)%skip; i <= hi[0]; i += skip {
				s, a, l := d.frame.Coordinates(im.vol.Position(float64(i), float64(j), float64(k)))
				if math.Abs(l) <= profileReach && d.inWindow(s, a, above, below) && !im.isHidden(at+i) {
					v := d.at(s, a, l, float64(im.vol.Samples[at+i]))
					byFirst[v.first] = append(byFirst[v.first], v)
				}
			}
		}
	}
	d.voxels = slices.Concat(byFirst...)
	correlated := 1.0
	for _, axis := range d.blur.axes {
		correlated *= 2 * math.Sqrt(math.Pi) * max(d.blur.across(axis).total(), textureLength)
	}
	d.volume = sx * sy * sz * float64(skip)
	d.temper = min(1, d.volume/correlated)
}

// inWindow reports whether a place belongs to what the fit explains.
func (d *discSpace) inWindow(s, a float64, above, below *draft) bool {
	lower, upper := math.Inf(-1), math.Inf(1)
	if d.has[lowerPlate] {
		lower, _ = d.height(d.start, lowerPlate, a, 0)
	}
	if d.has[upperPlate] {
		upper, _ = d.height(d.start, upperPlate, a, 0)
	}
	half, body, into := lowerPlate, below, lower-s
	if s-lower > upper-s {
		half, body, into = upperPlate, above, s-upper
	}
	ends := d.ends[half]
	f := (a - ends[0]) / (ends[1] - ends[0])
	// Beyond a missing plate lies nothing that the model knows.
	beyond := (!d.has[lowerPlate] && upper-s > d.reach) || (!d.has[upperPlate] && s-lower > d.reach)
	return a >= ends[0]+wallMargin && a <= ends[1]-wallMargin && into <= body.window(f) && !beyond
}

// box returns the voxel range that holds the disc's window.
func (im *reader) box(d *discSpace) (lo, hi [3]int) {
	sLo, sHi := math.Inf(1), math.Inf(-1)
	for plate := range 2 {
		if d.has[plate] {
			p := d.start[d.surface(plate) : d.surface(plate)+d.basis.n]
			sLo, sHi = min(sLo, slices.Min(p)), max(sHi, slices.Max(p))
		}
	}
	ix := im.vol.Indexer()
	size := [3]int{im.vol.Columns, im.vol.Rows, im.vol.Slices}
	var minimum, maximum [3]float64
	for n := range 3 {
		minimum[n], maximum[n] = math.Inf(1), math.Inf(-1)
	}
	for _, s := range []float64{sLo - windowReach, sHi + windowReach} {
		for _, a := range []float64{d.basis.lo, d.basis.hi} {
			for _, l := range []float64{-profileReach, profileReach} {
				i, j, k := ix.Index(d.frame.Point(s, a, l))
				for n, x := range [3]float64{i, j, k} {
					minimum[n], maximum[n] = min(minimum[n], x), max(maximum[n], x)
				}
			}
		}
	}
	for n := range 3 {
		lo[n] = max(int(math.Ceil(minimum[n])), 0)
		hi[n] = min(int(math.Floor(maximum[n])), size[n]-1)
	}
	return lo, hi
}
