// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// plain returns a spine whose bodies are flat wedges with straight walls, for
// which all that Truth tells can be written down.
func plain() phantom.Params {
	p := phantom.RandomParams(rand.New(rand.NewPCG(1, 1)), phantom.Options{})
	for _, vs := range [][]phantom.Vertebra{p.Vertebrae, p.Sacrum} {
		for i := range vs {
			v := &vs[i]
			v.SuperiorConcavity, v.InferiorConcavity, v.Waist, v.PosteriorConcavity = 0, 0, 0, 0
			v.Taper, v.LateralWedge, v.DiscCoronal, v.DiscAxial = 0, 0, 0, 0
			v.RimRadius = 1 // less than the corners' inset
		}
	}
	return p
}

func TestTruthOfFlatWedges(t *testing.T) {
	p := plain()
	truth := phantom.New(p).Truth()
	for i, v := range p.Vertebrae {
		m := truth.Vertebrae[i]
		if v.Level == spine.S1 {
			continue
		}
		// Endplates rise by the same angle on both sides of the body's axis.
		rise := (v.PosteriorHeight - v.AnteriorHeight) / v.Depth
		near(t, v.Level, "wedge angle", m.WedgeAngle, 2*math.Atan(rise/2)*180/math.Pi, 0.02)
		middle := (v.AnteriorHeight + v.PosteriorHeight) / 2
		near(t, v.Level, "middle height", m.MiddleHeight, middle, 0.01)
		near(t, v.Level, "depth", m.Depth, v.Depth, 0.12) // of a polygon of 120 corners
		const inset = 1.5
		near(t, v.Level, "anterior height", m.AnteriorHeight, v.AnteriorHeight+rise*inset, 0.02)
		near(t, v.Level, "posterior height", m.PosteriorHeight, v.PosteriorHeight-rise*inset, 0.02)
		// The area of a superellipse of power n is 4ab·Γ(1+1/n)²/Γ(1+2/n).
		const n = 2.5
		area := v.Depth * v.Width * math.Pow(math.Gamma(1+1/n), 2) / math.Gamma(1+2/n)
		near(t, v.Level, "volume", m.Volume/(area*middle), 1, 0.01)
	}
}

// The angle between two endplates of a spine without coronal tilt is the sum of
// the angles of all that lies between.
func TestAnglesAddUp(t *testing.T) {
	p := plain()
	truth := phantom.New(p).Truth()
	wedge, disc := map[spine.Level]float64{}, map[spine.Level]float64{}
	for i, v := range p.Vertebrae {
		wedge[v.Level], disc[v.Level] = truth.Vertebrae[i].WedgeAngle, v.DiscAngle
	}
	for _, a := range truth.Angles {
		var want float64
		for l := a.From; l <= a.To; l++ {
			if l < a.To {
				want += wedge[l] + disc[l]
			} else if a.ToEndplate == spine.Inferior {
				want += wedge[l]
			}
		}
		near(t, a.Level, a.Name, a.Degrees, want, 0.05)
	}
}

func near(t *testing.T, l spine.Level, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%v: %s = %.3f, want %.3f", l, what, got, want)
	}
}

func TestPointsLieOnTheSurface(t *testing.T) {
	s := random(8, phantom.Options{RandomFractures: 3, Scoliosis: 25})
	for _, m := range s.Truth().Vertebrae {
		if m.Level == spine.S1 {
			continue
		}
		near(t, m.Level, "anterior height", m.AnteriorHeight, r3.Norm(r3.Sub(m.Superior.Anterior, m.Inferior.Anterior)), 1e-9)
		// All six lie in one plane through the canal.
		for _, q := range []r3.Vec{m.Superior.Anterior, m.Superior.Posterior, m.Inferior.Anterior, m.Inferior.Posterior, m.Canal} {
			near(t, m.Level, "distance to the mid-sagittal plane", r3.Dot(r3.Sub(q, m.Frame.Origin), m.Frame.Left), 0, 1e-9)
		}
		// The frame's superior axis bisects the endplates.
		u, v := r3.Dot(m.Superior.Direction, m.Frame.Superior), r3.Dot(m.Inferior.Direction, m.Frame.Superior)
		near(t, m.Level, "rise of both endplates", u+v, 0, 5e-3)
	}
}

func TestMarginTellsWhatIsCut(t *testing.T) {
	s := random(9, phantom.Options{})
	scan := s.Cover(spine.T12, spine.L2, 8, 120, 1, 1)
	truth := s.Within(s.Truth(), scan.Geometry())
	for _, m := range truth.Vertebrae {
		within := m.Level >= spine.T12 && m.Level <= spine.L2
		if m.Complete() != within {
			t.Errorf("%v: complete = %v with a margin of %.1f mm", m.Level, m.Complete(), m.Margin)
		}
	}
}

// The lines of a tilted scan see the patient where an upright scan sees it.
func TestTiltDoesNotMoveThePatient(t *testing.T) {
	s := random(10, phantom.Options{})
	scan := s.Cover(spine.L1, spine.L2, 12, 70, 0.6, 0.6)
	scan.Kernel = phantom.Kernel{Sigma: 0.7}
	scan.SliceThickness = 1.6
	upright := s.CT(scan).Sampler()
	scan.Tilt = 15
	tilted := s.CT(scan).Sampler()
	var sum float64
	n := 0
	for z := -20.0; z <= 20; z += 0.5 {
		for _, x := range []float64{-9, -4, 1, 6} {
			q := r3.Add(scan.Center, r3.Vec{X: x, Y: -12, Z: z})
			sum += math.Abs(tilted.At(q) - upright.At(q))
			n++
		}
	}
	// The two have slice profiles that differ by 15°, in a spine of some 500 HU
	// from disc to endplate.
	if mean := sum / float64(n); mean > 6 {
		t.Errorf("differs by %.1f HU in the mean", mean)
	}
}
