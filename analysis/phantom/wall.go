// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import "math"

// WallGap is a patch of the posterior wall without cortical bone: a rectangle on
// the wall.
type WallGap struct {
	Along, Height float64 // middle and extent along the wall, as parts of its height from the inferior endplate
	Left, Width   float64 // middle and extent across it, mm
}

// TestedWall is how far to each side of the mid-sagittal plane the posterior wall
// counts, mm, at most: farther out are the pedicles.
const TestedWall = 10.0

// testedWall is TestedWall within the pedicles of b.
func (b *Vertebra) testedWall() float64 { return min(TestedWall, b.CanalWidth/2-1) }

// bump is the course of a retropulsed fragment along the posterior wall, from the
// inferior endplate (0) to the superior (1).
func (d Deformity) bump(t float64) float64 {
	if d.RetropulsedMiddle {
		x := (t - 0.5) / middleBump
		if x*x >= 1 {
			return 0
		}
		return (1 - x*x) * (1 - x*x)
	}
	return bump(t)
}

// middleBump is half the extent of a fragment at the middle of the wall, as a
// part of its height.
const middleBump = 0.4

// bumpSlope is the slope of bump.
func (d Deformity) bumpSlope(t float64) float64 {
	if d.RetropulsedMiddle {
		x := (t - 0.5) / middleBump
		if x*x >= 1 {
			return 0
		}
		return -4 * x * (1 - x*x) / middleBump
	}
	return bumpSlope(t)
}

// bare reports whether the posterior wall lacks its cortex at (s, a, l), given
// the surfaces there.
func (b *Vertebra) bare(s, a, l float64, f *surface) bool {
	if len(b.WallGaps) == 0 || a > 0 {
		return false
	}
	return b.bareAt((s-f.inferior)/max(f.superior-f.inferior, 1), l)
}

func (b *Vertebra) bareAt(t, l float64) bool {
	for _, g := range b.WallGaps {
		if math.Abs(t-g.Along) <= g.Height/2 && math.Abs(l-g.Left) <= g.Width/2 {
			return true
		}
	}
	return false
}

// wallGap returns the share of the tested posterior wall without cortex.
func (b *Vertebra) wallGap() float64 {
	if len(b.WallGaps) == 0 {
		return 0
	}
	const n = 200
	bare := 0
	for i := range n {
		for j := range n {
			if b.bareAt((float64(i)+0.5)/n, b.testedWall()*(2*(float64(j)+0.5)/n-1)) {
				bare++
			}
		}
	}
	return float64(bare) / (n * n)
}

// retropulsed returns how far the posterior wall stands behind where it would
// stand without its retropulsion, at most, mm.
func (b *body) retropulsed() float64 {
	if b.Deformity.Retropulsion == 0 {
		return 0
	}
	v := b.Vertebra
	v.Deformity.Retropulsion = 0
	before := newBody(v)
	lo, hi := b.posteriorEnds()
	most := 0.0
	const end = 0.02 // of the height: the rim is round
	for t := end; t < 1-end; t += 0.02 {
		s := lo + t*(hi-lo)
		was, okWas := before.wallAt(s, -1)
		is, ok := b.wallAt(s, -1)
		if ok && okWas {
			most = max(most, was-is)
		}
	}
	return most
}
