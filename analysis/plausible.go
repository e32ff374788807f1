// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/phrase"
	"github.com/endplate/endplate/analysis/segmentation"
)

// What six points read in an image may come to. Beyond it an endplate was taken for
// another edge, and no measurement is better than a wrong one. Defaults of this
// program.
const (
	// leastHeight, mm, is what is left of any crushed body: two endplates of 0.4 to
	// 0.8 mm with some bone between.
	leastHeight = 2.0
	// mostOfNeighbours is how much taller a height may be than the tallest of the
	// three of the bodies beside it: bodies lose height, they gain none. Normal ones
	// stay below 1.15; the space of a missed disc adds 0.2 and more.
	mostOfNeighbours = 1.25
	// leastPosterior is the least share of the anterior height that the posterior one of
	// a body keeps: fractures lower the front first or all of it, and intact L5 has 0.8.
	leastPosterior = 0.6
	// neighbours is how many bodies to each side count, of at least leastNeighbours.
	neighbours, leastNeighbours = 3, 2
)

// dropImplausible takes back measured vertebrae whose heights no body can have.
func (r *Result) dropImplausible() {
	for i, found := range r.implausible() {
		if found.what == "" {
			found = r.Vertebrae[i].collapsedBehind()
		}
		if found.what != "" {
			v, reason := &r.Vertebrae[i], phrase.Of("%s: %s", found.what, found.means)
			v.Withdrawn = &Withdrawn{Reason: v.Reason, Landmarks: v.Landmarks}
			v.Status, v.Reason, v.Landmarks, v.Body.Reason = NotMeasurable, reason, nil, reason
		}
	}
}

// implausibility is why heights are those of no body, and what that means of an image;
// zero where they may be.
type implausibility struct{ what, means phrase.Text }

// collapsedBehind judges whether a body in an image lost its posterior height alone. A
// reader who says so is believed.
func (v *Vertebra) collapsedBehind() implausibility {
	h, ok := morphometry.HeightsOf(v.Landmarks)
	if v.Status != Measured || !ok || h.Posterior >= leastPosterior*h.Anterior {
		return implausibility{}
	}
	return implausibility{
		phrase.Of("its posterior height is %.0f %% of the anterior one", 100*h.Posterior/h.Anterior), "an endplate or a wall was not found",
	}
}

// implausible judges the heights of each vertebra that was measured.
func (r *Result) implausible() []implausibility {
	tallest := make([]float64, len(r.Vertebrae)) // 0 where not measured
	found := make([]implausibility, len(r.Vertebrae))
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		h, ok := morphometry.HeightsOf(v.Landmarks)
		if v.Status != Measured || !ok {
			continue
		}
		if least := min(h.Anterior, h.Middle, h.Posterior); least < leastHeight {
			found[i] = implausibility{phrase.Of("its endplates meet (%.1f mm)", least), "one of them was not found"}
			continue
		}
		tallest[i] = max(h.Anterior, h.Middle, h.Posterior)
	}
	for i := range r.Vertebrae {
		if usual, n := usualTallest(tallest, i); n >= leastNeighbours && tallest[i] > mostOfNeighbours*usual {
			found[i] = implausibility{
				phrase.Of("a height %.0f %% above those of the bodies beside it", 100*(tallest[i]/usual-1)), "an endplate was not found",
			}
		}
	}
	return found
}

// usualTallest returns the tallest height of the measured bodies beside i, grown to
// its level, and how many there are.
func usualTallest(tallest []float64, i int) (height float64, n int) {
	for k := max(i-neighbours, 0); k <= min(i+neighbours, len(tallest)-1); k++ {
		if k != i && tallest[k] > 0 {
			height = max(height, tallest[k]*math.Pow(1+segmentation.HeightGrowth, float64(max(i-k, 0))))
			n++
		}
	}
	return height, n
}

// What a reader's points may come to, mm. Defaults of this program, well beyond what
// is right: they catch the slip of a hand, not a reading that differs.
const (
	// bodyReach is how far from a body's centre its points lie at most: the farthest
	// corners of large lumbar bodies stand some 27 mm from it.
	bodyReach = 45.0
	// planeReach is how far they lie from the body's mid-sagittal plane: the pedicles
	// stand some 10 mm from it.
	planeReach = 15.0
	// leastPitch is the least distance of the centres of two vertebrae.
	leastPitch = 5.0
	// noMove is below the last digit of a position as results are written.
	noMove = 1e-3
)

func isFinite(p r3.Vec) bool {
	return !math.IsNaN(p.X+p.Y+p.Z) && !math.IsInf(p.X+p.Y+p.Z, 0)
}

// farFrom says why a point can be none of a body with that centre; empty if it can.
func farFrom(center, left, p r3.Vec) phrase.Text {
	if !isFinite(p) {
		return "the position is not finite"
	}
	d := r3.Sub(p, center)
	if far := r3.Norm(d); !(far <= bodyReach) {
		return phrase.Of("%.0f mm from the body's centre", far)
	}
	if aside := math.Abs(r3.Dot(d, left)); aside > planeReach {
		return phrase.Of("%.0f mm beside the body's mid-sagittal plane", aside)
	}
	return ""
}

// checkPoints returns an error if points that a reader placed are those of no body.
func (c *corrector) checkPoints() *CorrectionError {
	implausible := c.r.implausible()
	for i, placed := range c.placed {
		v := &c.r.Vertebrae[i]
		if placed.field == "" || v.Landmarks == nil {
			continue
		}
		reason := c.outOfOrder(i)
		if reason == "" {
			reason = implausible[i].what
		}
		if reason != "" {
			return &CorrectionError{Index: placed.index, Field: placed.field, Reason: phrase.Of("%s: %s", v.Level, reason)}
		}
	}
	return nil
}

// outOfOrder says which points of vertebra i stand on the wrong side of which; empty
// if none do.
func (c *corrector) outOfOrder(i int) phrase.Text {
	v := c.r.Vertebrae[i].Landmarks
	superior, left := c.axesBeside(i)
	if r3.Dot(v.SuperiorAxis, superior) <= 0 {
		return "the superior endplate lies below the inferior one"
	}
	if r3.Dot(v.LeftAxis, left) <= 0 {
		return "the anterior points lie behind the posterior ones"
	}
	anterior := r3.Cross(v.LeftAxis, v.SuperiorAxis)
	for _, e := range []*landmark.Endplate{&v.Superior, &v.Inferior} {
		if !e.Found() {
			continue
		}
		front, back := r3.Sub(e.Anterior.Position, e.Middle.Position), r3.Sub(e.Middle.Position, e.Posterior.Position)
		if d, b := r3.Dot(front, anterior), r3.Dot(back, anterior); !(min(d, b) > 0 && d+b >= landmark.LeastDepth) {
			return "anterior, middle and posterior point of an endplate do not follow each other"
		}
	}
	if !v.Superior.Found() || !v.Inferior.Found() {
		return ""
	}
	for n := landmark.SuperiorAnterior; n <= landmark.SuperiorPosterior; n++ {
		below := n + landmark.InferiorAnterior
		if d := r3.Dot(r3.Sub(v.Point(n).Position, v.Point(below).Position), v.SuperiorAxis); !(d >= leastHeight) {
			return phrase.Of("the %s point lies %.1f mm above the %s one, want at least %.0f", n.Text(), d, below.Text(), leastHeight)
		}
	}
	return ""
}

// axesBeside returns the superior and left axis of the measured vertebra nearest to i,
// those of the patient if there is none. A film tells none by itself: its own vertebra's
// stand for them, and those that a reader added for the others'.
func (c *corrector) axesBeside(i int) (superior, left r3.Vec) {
	superior, left = r3.Vec{Z: 1}, r3.Vec{X: 1}
	onFilm := c.r.Film != nil
	if onFilm {
		superior, left = c.r.Vertebrae[i].Landmarks.SuperiorAxis, c.r.Vertebrae[i].Landmarks.LeftAxis
	}
	nearest := len(c.r.Vertebrae)
	for k := range c.r.Vertebrae {
		v := &c.r.Vertebrae[k]
		if d := max(i-k, k-i); d > 0 && d < nearest && v.Landmarks != nil && (onFilm || !v.Reader.Added) {
			superior, left, nearest = v.Landmarks.SuperiorAxis, v.Landmarks.LeftAxis, d
		}
	}
	return superior, left
}
