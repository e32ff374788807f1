// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package segmentation

import "slices"

// A fragment that is driven back between the endplates leaves them behind: its slanted
// faces look like an endplate's end, and the wall beside the endplate is short in a
// crushed body. No normal posterior wall is convex. Design values, mm.
const (
	// endReach is how near to an endplate a wall is its end, where it does not bulge.
	endReach = 6.0
	// bulgeReach is the same where it does.
	bulgeReach = 2.0
	// bulgeLeast is by how much the hindmost place of a wall stands behind both of its
	// ends, and bulgeSign by how much behind one where it was not traced as far.
	bulgeLeast, bulgeSign = 3.5, 2.0
)

// near returns the median position of a wall within reach of the end towards which
// sign points; NaN if there is none.
func (w Wall) near(sign, reach float64) float64 {
	var at []float64
	for i, s := range w.S {
		end := w.S[0]
		if sign > 0 {
			end = w.S[len(w.S)-1]
		}
		if (end-s)*sign <= reach {
			at = append(at, w.A[i])
		}
	}
	return median(at)
}

// bulge returns by how much the hindmost place of a posterior wall stands behind its
// superior and its inferior end, mm.
func (w Wall) bulge() (superior, inferior float64) {
	if len(w.A) == 0 {
		return 0, 0
	}
	hindmost := slices.Min(w.A)
	return w.near(1, bulgeReach) - hindmost, w.near(-1, bulgeReach) - hindmost
}

// bulges reports whether a posterior wall stands back behind both of its ends.
func (w Wall) bulges() bool {
	superior, inferior := w.bulge()
	return min(superior, inferior) > bulgeLeast
}

// beside returns where a posterior wall meets the endplate towards which sign points.
func (w Wall) beside(sign float64) float64 {
	if w.bulges() {
		return w.near(sign, bulgeReach)
	}
	return w.near(sign, endReach)
}

// toEndplates traces the walls of a body anew as far as localization's endplates where
// the posterior one bulges: what stands beside an endplate then is not the fragment.
func (im *reader) toEndplates(d *draft) {
	superior, inferior := d.posterior.bulge()
	if d.found.Sacral || max(superior, inferior) < bulgeSign {
		return
	}
	posterior, anterior := im.walls(d.frame, -d.height/2, d.height/2, d.canal, d.farthest(), d.depth, depthAgreedSD)
	if posterior.bulges() {
		d.posterior, d.anterior = posterior, anterior
	}
}
