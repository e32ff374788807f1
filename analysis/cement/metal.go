// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cement

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"
)

const (
	// fullReach, mm, is how far on all sides of a voxel it must be saturated to
	// be solid metal: grains of opacifier saturate fewer.
	fullReach = 0.8
	// metalReach, mm, is how far from solid metal its blur is dense.
	metalReach = fullReach + 1.7
	// A saturated lump inside a body is a screw or a nail if it is as long as
	// this, mm, and as much longer than wide, and no wider: design values. Screws
	// are 4.5 to 7 mm thick and enter the body by 20 mm and more.
	nailLength, nailSlender, nailRadius = 15, 3, 4.5
	// metalNear, mm, is how near metal lies to a vertebra whose measurement it
	// makes doubtful.
	metalNear = 10.0
	// farFromBody, mm from the centre of a body, lies beyond its arch.
	farFromBody = 60.0
)

// metalSet holds the voxels that metal takes, with their blur.
type metalSet struct {
	voxels map[int]bool
	cores  []int // ascending
}

// metal finds the metal among the lumps: what is saturated throughout and crosses
// the pedicle or runs behind the canal, is straight and slender, or lies mostly
// beside the bodies. Cement does none of that.
func (d *Dense) metal(sites []site) metalSet {
	set := metalSet{voxels: map[int]bool{}}
	g := newGrid(d.vol)
	step := g.steps(fullReach)
	for _, l := range d.lumps {
		saturated := map[int]bool{}
		for _, at := range l.voxels {
			if g.isSaturated(at, step) {
				saturated[at] = true
			}
		}
		seen := map[int]bool{}
		for _, at := range l.voxels {
			if saturated[at] && !seen[at] {
				part := g.connected(at, saturated, seen)
				if d.isMetal(part, sites) {
					set.cores = append(set.cores, part...)
				}
			}
		}
	}
	if len(set.cores) == 0 {
		return set
	}
	slices.Sort(set.cores)
	c := newCrop(d.vol, set.cores, metalReach+1)
	for m, isMetal := range c.dilated(c.marked(set.cores), metalReach) {
		if isMetal {
			set.voxels[c.index(m)] = true
		}
	}
	return set
}

// isSaturated reports whether a voxel and those around it are at the ceiling.
func (g *grid) isSaturated(at int, step [3]int) bool {
	i, j, k := g.split(at)
	if i < step[0] || j < step[1] || k < step[2] || i+step[0] >= g.ni || j+step[1] >= g.nj || k+step[2] >= g.nk {
		return false
	}
	s := g.samples
	for _, o := range [3]int{step[0], step[1] * g.ni, step[2] * g.ni * g.nj} {
		if min(s[at-o], s[at], s[at+o]) < ceilingHU {
			return false
		}
	}
	return true
}

// connected returns the voxels of a set connected with at by faces, edges or
// corners.
func (g *grid) connected(at int, set, seen map[int]bool) []int {
	seen[at] = true
	part := []int{at}
	for n := 0; n < len(part); n++ {
		i, j, k := g.split(part[n])
		for dk := max(k-1, 0); dk <= min(k+1, g.nk-1); dk++ {
			for dj := max(j-1, 0); dj <= min(j+1, g.nj-1); dj++ {
				for di := max(i-1, 0); di <= min(i+1, g.ni-1); di++ {
					if m := (dk*g.nj+dj)*g.ni + di; set[m] && !seen[m] {
						seen[m] = true
						part = append(part, m)
					}
				}
			}
		}
	}
	return part
}

// position returns where a voxel lies.
func (d *Dense) position(at int) r3.Vec {
	n := d.vol.Columns
	return d.vol.Position(float64(at%n), float64(at/n%d.vol.Rows), float64(at/(n*d.vol.Rows)))
}

// isMetal judges a connected saturated part by its place and shape.
func (d *Dense) isMetal(part []int, sites []site) bool {
	const fewest = 4 // voxels: a grain may saturate some
	if len(part) < fewest {
		return false
	}
	outside := 0
	for _, at := range part {
		p := d.position(at)
		n := nearestSite(sites, p)
		if n < 0 {
			outside++
			continue
		}
		_, a, _ := sites[n].frame.Coordinates(p)
		if a < sites[n].canal.Y-behindCanal {
			return true
		}
		if sites[n].inside(p) < 0 {
			outside++
		}
	}
	return 2*outside > len(part) || d.isNail(part)
}

// isNail reports whether a part is straight and slender.
func (d *Dense) isNail(part []int) bool {
	x := mat.NewDense(len(part), 3, nil)
	for n, at := range part {
		p := d.position(at)
		x.SetRow(n, []float64{p.X, p.Y, p.Z})
	}
	var pc stat.PC
	if len(part) < 4 || !pc.PrincipalComponents(x, nil) {
		return false
	}
	v := pc.VarsTo(nil)
	// A rod of length L and radius R has variances L²/12, R²/4 and R²/4.
	length := math.Sqrt(12*v[0]) + 2*fullReach
	radius := 2*math.Sqrt(max(v[1], 0)) + fullReach
	return length >= nailLength && length >= nailSlender*2*radius && radius <= nailRadius
}

// nearestSite returns the site in or nearest to whose body p lies, -1 if none is
// near.
func nearestSite(sites []site, p r3.Vec) int {
	best, n := math.Inf(-1), -1
	for i := range sites {
		if r3.Norm(r3.Sub(p, sites[i].frame.Origin)) > farFromBody {
			continue
		}
		above, below, out, _ := sites[i].beyond(p)
		in := -math.Hypot(max(above, below, 0), max(out, 0))
		if in == 0 {
			in = -max(above, below, out)
		}
		if in > best {
			best, n = in, i
		}
	}
	return n
}

// instrumented tells which vertebrae metal lies in or near.
func (d *Dense) instrumented(sites []site, set metalSet) []Metal {
	var out []Metal
	g := newGrid(d.vol)
	voxel := g.voxel() / 1000
	for i := range sites {
		m := Metal{Vertebra: i}
		for _, at := range set.cores {
			p := d.position(at)
			if r3.Norm(r3.Sub(p, sites[i].frame.Origin)) > farFromBody {
				continue
			}
			above, below, out, _ := sites[i].beyond(p)
			if max(above, below, out) < metalNear {
				m.Volume += voxel
				m.InBody = m.InBody || max(above, below, out) < -seedDepth
			}
		}
		if m.Volume > 0 {
			out = append(out, m)
		}
	}
	return out
}

// seeds returns, of each site, the dense voxels well inside its body that are not
// metal.
func (d *Dense) seeds(sites []site, set metalSet) [][]int {
	held := make([][]int, len(sites))
	for _, l := range d.lumps {
		for _, at := range l.voxels {
			if l.attached || set.voxels[at] {
				continue
			}
			p := d.position(at)
			n := nearestSite(sites, p)
			if n >= 0 && sites[n].inside(p) >= seedDepth {
				held[n] = append(held[n], at)
			}
		}
	}
	return held
}
