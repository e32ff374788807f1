// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// visibleMin is the part of a vertebra's expected height that must be seen of
// it beyond the outermost disc to mention it.
const visibleMin = 0.15

// top returns the vertebra above the uppermost disc, of which only the inferior
// endplate is known, if any of it is visible.
func (b *builder) top(inferior plate) (Vertebra, bool) {
	height := b.expectedHeight(0, inferior.s)
	if b.openTop || b.seen(inferior.s, -1) < visibleMin*height {
		return Vertebra{}, false
	}
	centre, normal := inferior.centre(b.r, b.sg)
	v := b.place(r3.Add(centre, r3.Scale(height/2, normal)), normal, inferior.s-height/2)
	v.InferiorEndplate = centre
	v.SuperiorEndplate = r3.Add(centre, r3.Scale(height, normal))
	b.checkField(&v, height)
	if !v.Truncated {
		v.Truncated, v.Reason = true, "no superior endplate is visible"
	}
	return v, true
}

// bottom is top's counterpart below the lowest disc.
func (b *builder) bottom(superior plate) (Vertebra, bool) {
	height := b.expectedHeight(len(b.discs)-1, superior.s)
	if b.openBottom || b.seen(superior.s, 1) < visibleMin*height {
		return Vertebra{}, false
	}
	v := b.below(superior, height)
	b.checkField(&v, height)
	if !v.Truncated {
		v.Truncated, v.Reason = true, "no inferior endplate is visible"
	}
	return v, true
}

// sacrum returns the first sacral segment below its superior endplate.
func (b *builder) sacrum(superior plate) Vertebra {
	n := min(max(int(superior.s), 0), len(b.r.Canal)-1)
	v := b.below(superior, 0.85*(b.sg.anterior[n]-b.sg.posterior[n]))
	v.Sacral = true
	b.checkField(&v, r3.Norm(r3.Sub(v.SuperiorEndplate, v.InferiorEndplate)))
	return v
}

// below makes a vertebra of a height below its superior endplate.
func (b *builder) below(superior plate, height float64) Vertebra {
	centre, normal := superior.centre(b.r, b.sg)
	v := b.place(r3.Sub(centre, r3.Scale(height/2, normal)), normal, superior.s+height/2)
	v.SuperiorEndplate = centre
	v.InferiorEndplate = r3.Sub(centre, r3.Scale(height, normal))
	return v
}

// expectedHeight returns the height of a body beside disc n, the first or the
// last: that of its neighbour before any fracture, or what its depth leads to
// expect.
func (b *builder) expectedHeight(n int, s float64) float64 {
	if len(b.owns) > 0 {
		return b.owns[min(n, len(b.owns)-1)]
	}
	m := min(max(int(s), 0), len(b.r.Canal)-1)
	return bodyByDepth * (b.sg.anterior[m] - b.sg.posterior[m])
}

// seen returns for how many mm from s, in direction dir along the canal, the
// bodies' middle line stays in the volume.
func (b *builder) seen(s float64, dir int) float64 {
	n := int(math.Round(s))
	count := 0
	for m := n + dir; m >= 0 && m < len(b.sg.visible) && b.sg.visible[m]; m += dir {
		count++
	}
	return float64(count)
}
