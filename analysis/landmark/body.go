// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package landmark

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
	"github.com/endplate/endplate/analysis/volume"
)

// The definition of the points, mm: corners stand CornerInset inside the wall
// line, the median of the wall from wallNear to wallFar from that endplate.
// Osteophytes and rims lie nearer to the endplate and do not move the line.
//
// Reference: no published source found; default. That osteophytes are left out is
// common practice (unverified).
const (
	CornerInset = 1.5
	wallNear    = 3.0
	wallFar     = 5.0
)

// In a crushed body the window of the wall line ends where the two endplates'
// windows would meet, and begins at the same proportion.
const (
	wallNearFraction = 0.3 // of the distance between the endplates
	wallFarFraction  = 0.5
)

// plateCorrelation is the length over which errors of an endplate's outline
// are alike, mm: about the width of a CT's point spread and of a label's voxel.
const plateCorrelation = 2.0

// maxPlateGap is how far a point may lie from the outline it is read from, mm.
const maxPlateGap = 1.5

// minDepth is the least distance between the wall lines of an endplate, mm;
// the smallest cervical bodies are 14 mm deep.
const minDepth = 6.0

// LeastDepth is the least distance between the corners of an endplate, mm.
const LeastDepth = minDepth - 2*CornerInset

// Errors of FromBody and SacrumFromBody.
var (
	ErrNoEndplate error = &phrase.Failure{Text: "endplate not found"}
	ErrNoWall     error = &phrase.Failure{Text: "wall not found"}
)

// FromBody places the six points on the outline of a body. Corners stand where
// the endplate is CornerInset inside the anterior and the posterior wall line,
// middle points at half the depth between those lines, for each endplate.
func FromBody(b *segmentation.Body) (*Vertebra, error) {
	v, err := vertebraOf(b)
	if err != nil {
		return nil, err
	}
	if v.Superior, err = placeEndplate(b, b.Superior, b.Inferior, 1); err != nil {
		return nil, phrase.At("superior endplate", err)
	}
	if v.Inferior, err = placeEndplate(b, b.Inferior, b.Superior, -1); err != nil {
		return nil, phrase.At("inferior endplate", err)
	}
	return v, nil
}

// SacrumFromBody places the points of the superior endplate of the sacrum.
// Inferior of the result is zero.
func SacrumFromBody(b *segmentation.Body) (*Vertebra, error) {
	v, err := vertebraOf(b)
	if err != nil {
		return nil, err
	}
	if v.Superior, err = placeEndplate(b, b.Superior, segmentation.Plate{}, 1); err != nil {
		return nil, phrase.At("superior endplate", err)
	}
	return v, nil
}

// Found tells whether the endplate was placed.
func (e *Endplate) Found() bool { return e.Direction != r3.Vec{} }

func vertebraOf(b *segmentation.Body) (*Vertebra, error) {
	if len(b.Anterior.S) == 0 {
		return nil, phrase.At("anterior wall", ErrNoWall)
	}
	if len(b.Posterior.S) == 0 {
		return nil, phrase.At("posterior wall", ErrNoWall)
	}
	return &Vertebra{Center: b.Frame.Origin, SuperiorAxis: b.Frame.Superior, LeftAxis: b.Frame.Left}, nil
}

// placeEndplate places the points of one endplate; up is 1 for the superior
// and -1 for the inferior, opposite the body's other endplate, which may be
// empty.
func placeEndplate(b *segmentation.Body, p, opposite segmentation.Plate, up float64) (Endplate, error) {
	if len(p.A) < 3 {
		return Endplate{}, ErrNoEndplate
	}
	anterior, err := wallLine(b.Anterior, p, opposite, up, 1)
	if err != nil {
		return Endplate{}, phrase.At("anterior wall", err)
	}
	posterior, err := wallLine(b.Posterior, p, opposite, up, -1)
	if err != nil {
		return Endplate{}, phrase.At("posterior wall", err)
	}
	posterior = beforeFragment(posterior, b.Posterior, p)
	depth := anterior.a - posterior.a
	if !(depth >= minDepth) {
		return Endplate{}, &phrase.Failure{Kind: ErrNoWall, Text: phrase.Of("wall not found: %.1f mm between the wall lines", depth)}
	}
	var e Endplate
	for _, point := range []struct {
		to   *Point
		a    float64
		sd   float64 // of a
		name phrase.Text
	}{
		{&e.Anterior, anterior.a - CornerInset, anterior.sd, "anterior point"},
		{&e.Middle, (anterior.a + posterior.a) / 2, math.Hypot(anterior.sd, posterior.sd) / 2, "middle point"},
		{&e.Posterior, posterior.a + CornerInset, posterior.sd, "posterior point"},
	} {
		if *point.to, err = placePoint(b.Frame, p, point.a, point.sd); err != nil {
			return Endplate{}, phrase.At(point.name, err)
		}
	}
	if err := e.fitLine(b.Frame, p, posterior.a+CornerInset, anterior.a-CornerInset); err != nil {
		return Endplate{}, err
	}
	e.Depth = concavity(p, posterior.a+CornerInset, anterior.a-CornerInset, up)
	return e, nil
}

// line is the position of a wall line with its standard deviation, mm anterior
// of the body's centre.
type line struct{ a, sd float64 }

// wallLine returns the median of the wall from wallNear to wallFar of the
// endplate's corner. Where the corner is depends on the line and is found with
// it, starting at the endplate's end. outwards is 1 for the anterior wall and -1
// for the posterior one.
func wallLine(w segmentation.Wall, p, opposite segmentation.Plate, up, outwards float64) (line, error) {
	const rounds = 4
	a := p.A[0]
	if outwards > 0 {
		a = p.A[len(p.A)-1]
	}
	var found line
	for range rounds {
		at := nearestHeight(p, a)
		clean := w
		near, far := wallNear, wallFar
		if len(opposite.A) > 0 {
			other := nearestHeight(opposite, a)
			height := up * (at - other)
			near, far = min(near, wallNearFraction*height), min(far, wallFarFraction*height)
			if outwards > 0 {
				clean = w.WithoutSpurs(min(at, other), max(at, other), outwards)
			}
		}
		var ok bool
		if found, ok = wallMedian(clean, at, near, far, up); !ok {
			return line{}, ErrNoWall
		}
		a = found.a - outwards*CornerInset
	}
	return found, nil
}

// beforeFragment returns the wall line, or the wall beside the endplate's end
// where the line leaves no endplate at its corner: a fragment that is driven back
// between the endplates does not carry them with it.
func beforeFragment(posterior line, w segmentation.Wall, p segmentation.Plate) line {
	if posterior.a+CornerInset >= p.A[0]-maxPlateGap {
		return posterior
	}
	i := floats.NearestIdx(w.S, p.S[0])
	return line{w.A[i], w.SD[i]}
}

// wallMedian returns the median of the wall between the given distances from
// height at, or the nearest point where the window falls beyond its end.
func wallMedian(w segmentation.Wall, at, near, far, up float64) (line, bool) {
	if len(w.S) == 0 {
		return line{}, false
	}
	const step = 0.1 // mm
	first, last := w.S[0], w.S[len(w.S)-1]
	var a []float64
	for d := near; d <= far+step/2; d += step {
		if s := at - up*d; s >= first && s <= last {
			a = append(a, along(w.S, w.A, s))
		}
	}
	middle := at - up*(near+far)/2
	i := floats.NearestIdx(w.S, middle)
	if len(a) == 0 {
		return line{w.A[i], w.SD[i]}, math.Abs(w.S[i]-middle) <= wallFar-wallNear
	}
	slices.Sort(a)
	// Neighbouring points share their error: the median is no better than one.
	return line{stat.Quantile(0.5, stat.Empirical, a, nil), w.SD[i]}, true
}

// along interpolates y over ascending x at a place between its ends.
func along(x, y []float64, at float64) float64 {
	i, _ := slices.BinarySearch(x, at)
	if i == 0 {
		return y[0]
	}
	return y[i-1] + (y[i]-y[i-1])*(at-x[i-1])/(x[i]-x[i-1])
}

// nearestHeight returns the plate's height at a, or at its end nearest to a.
func nearestHeight(p segmentation.Plate, a float64) float64 {
	s, _, _ := interpolate(p, min(max(a, p.A[0]), p.A[len(p.A)-1]))
	return s
}

// interpolate returns the plate's height at a, its standard deviation and its
// slope there.
func interpolate(p segmentation.Plate, a float64) (s, sd, slope float64) {
	i, _ := slices.BinarySearch(p.A, a)
	i = min(max(i, 1), len(p.A)-1)
	f := (a - p.A[i-1]) / (p.A[i] - p.A[i-1])
	slope = (p.S[i] - p.S[i-1]) / (p.A[i] - p.A[i-1])
	return p.S[i-1] + f*(p.S[i]-p.S[i-1]), p.SD[i-1] + f*(p.SD[i]-p.SD[i-1]), slope
}

// placePoint places a landmark on the plate at a, known to sd. The error of a
// moves the point along the plate's slope.
func placePoint(f volume.Frame, p segmentation.Plate, a, sd float64) (Point, error) {
	i := floats.NearestIdx(p.A, a)
	if math.Abs(p.A[i]-a) > maxPlateGap {
		return Point{}, &phrase.Failure{Kind: ErrNoEndplate, Text: phrase.Of("endplate not found: %.1f mm from the point", math.Abs(p.A[i]-a))}
	}
	a = min(max(a, p.A[0]), p.A[len(p.A)-1])
	s, plateSD, slope := interpolate(p, a)
	return Point{Position: f.Point(s, a, 0), SD: math.Hypot(plateSD, slope*sd)}, nil
}

// fitLine fits the least-squares line s = α + β·a between the corners.
// Errors within plateCorrelation of each other count as one.
func (e *Endplate) fitLine(f volume.Frame, p segmentation.Plate, from, to float64) error {
	from, to = max(from, p.A[0]), min(to, p.A[len(p.A)-1])
	if !(to-from >= plateCorrelation) {
		return &phrase.Failure{Kind: ErrNoEndplate, Text: phrase.Of("endplate not found: %.1f mm between the corners", to-from)}
	}
	const points = 64 // evenly spread, so that the line depends smoothly on its ends
	a, s, variance := make([]float64, points), make([]float64, points), make([]float64, points)
	for i := range points {
		a[i] = from + (to-from)*(float64(i)+0.5)/points
		height, sd, _ := interpolate(p, a[i])
		s[i], variance[i] = height, sd*sd
	}
	_, slope := stat.LinearRegression(a, s, nil, false)
	e.Direction = r3.Unit(r3.Add(f.Anterior, r3.Scale(slope, f.Superior)))
	independent := max((to-from)/plateCorrelation, 2)
	spread := math.Sqrt(stat.PopVariance(a, nil) * independent)
	e.DirectionSD = math.Sqrt(stat.Mean(variance, nil)) / spread / (1 + slope*slope) * 180 / math.Pi
	return nil
}

// concavity returns the largest distance of the plate between its corners from
// their chord towards the body's centre, mm; the least bulge, negative, if no
// point lies on that side.
func concavity(p segmentation.Plate, from, to, up float64) float64 {
	s0, s1 := nearestHeight(p, from), nearestHeight(p, to)
	slope := (s1 - s0) / (to - from)
	deepest := math.Inf(-1)
	for i, a := range p.A {
		if a > from+CornerInset && a < to-CornerInset {
			deepest = max(deepest, up*(s0+slope*(a-from)-p.S[i])/math.Hypot(1, slope))
		}
	}
	if math.IsInf(deepest, -1) {
		return 0
	}
	return deepest
}
