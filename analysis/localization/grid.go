// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import (
	"math"
	"runtime"
	"sync"

	"github.com/endplate/endplate/analysis/volume"
)

// coarseStep is the distance of coarse voxels aimed at, mm: a canal is at
// least 10 mm wide, its walls at least 2 mm thick.
const coarseStep = 2.0

// grid is a canonical volume averaged over blocks of voxels to about
// coarseStep; no axis is refined. Index order is that of volume.Volume.
type grid struct {
	ni, nj, nk int
	fi, fj, fk int     // voxels of the volume in a block
	di, dj, dk float64 // mm
	hu         []int16
}

func (g *grid) index(i, j, k int) int { return (k*g.nj+j)*g.ni + i }

// voxel returns the volume's voxel coordinates of the coarse (i, j, k).
func (g *grid) voxel(i, j, k float64) (x, y, z float64) {
	return (i+0.5)*float64(g.fi) - 0.5, (j+0.5)*float64(g.fj) - 0.5, (k+0.5)*float64(g.fk) - 0.5
}

// newGrid averages v. Voxels beyond the last whole block are left out.
func newGrid(v *volume.Volume) *grid {
	si, sj, sk := v.Spacing()
	g := &grid{fi: blockSize(si, v.Columns), fj: blockSize(sj, v.Rows), fk: blockSize(sk, v.Slices)}
	g.ni, g.nj, g.nk = v.Columns/g.fi, v.Rows/g.fj, v.Slices/g.fk
	g.di, g.dj, g.dk = si*float64(g.fi), sj*float64(g.fj), sk*float64(g.fk)
	g.hu = make([]int16, g.ni*g.nj*g.nk)
	each(g.nk, func(k int) { g.average(v, k) })
	return g
}

// blockSize returns how many voxels at spacing mm come nearest to coarseStep,
// at least 1 and at most the n there are.
func blockSize(spacing float64, n int) int {
	return min(max(int(math.Round(coarseStep/spacing)), 1), max(n, 1))
}

// average fills the coarse slice k.
func (g *grid) average(v *volume.Volume, k int) {
	sum := make([]int32, g.ni)
	n := int32(g.fi * g.fj * g.fk)
	for j := range g.nj {
		clear(sum)
		for z := k * g.fk; z < (k+1)*g.fk; z++ {
			for y := j * g.fj; y < (j+1)*g.fj; y++ {
				row := v.Samples[(z*v.Rows+y)*v.Columns:][:g.ni*g.fi]
				addBlocks(sum, row, g.fi)
			}
		}
		out := g.hu[g.index(0, j, k):][:g.ni]
		for i, s := range sum {
			out[i] = int16(s / n)
		}
	}
}

// addBlocks adds to each element of sum the next f elements of row.
func addBlocks(sum []int32, row []int16, f int) {
	for i := range sum {
		var s int32
		for _, h := range row[i*f : i*f+f] {
			s += int32(h)
		}
		sum[i] += s
	}
}

// each calls f(0) … f(n-1) on all cores and waits. f must write only what
// belongs to its argument, so that the result depends on no order.
func each(n int, f func(int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
