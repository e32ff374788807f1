// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization

import "math"

// Attenuation classes of the canal search, for voxels of about 2 mm.
const (
	// boneHU parts bone from soft tissue. Cortical bone of arches and walls
	// exceeds it when averaged over 2 mm, also in osteoporosis; unenhanced soft
	// tissue stays below 100 HU.
	boneHU = 110
	// Cord, cerebrospinal fluid, epidural fat mixed with them, and their noise.
	canalMinHU, canalMaxHU = -60, 110
)

// Rays of the enclosure score.
const (
	rayCount = 16
	// The wall lies between 4 mm (a child's canal, from its centre) and 18 mm
	// (an adult's, at the disc, tilted against the slice).
	rayMin, rayMax = 4.0, 18.0
	// Up to rayFull a wall counts fully, at rayMax rayFar: most walls of a canal
	// lie nearer than half of the widest adult one, 25 mm.
	rayFull, rayFar = 12.0, 0.3
	// minBoneArea is the least area of bone, mm², within ±rayMax of a voxel in
	// the canal: less than a lamina's section.
	minBoneArea = 50.0
)

// rays holds, for each direction, the index offsets at growing distance.
type rays struct {
	offsets [rayCount][]int
	weight  []float64 // of bone at each distance
}

func newRays(g *grid, stride int) rays {
	step := math.Min(g.di, g.dj)
	var r rays
	for n := 1; float64(n)*step <= rayMax; n++ {
		far := max(float64(n)*step-rayFull, 0) / (rayMax - rayFull)
		w := 1 - far*(1-rayFar)
		if n < int(math.Round(rayMin/step)) {
			w = 0
		}
		r.weight = append(r.weight, w)
	}
	for d := range rayCount {
		sin, cos := math.Sincos(2 * math.Pi * float64(d) / rayCount)
		for n := 1; float64(n)*step <= rayMax; n++ {
			i := int(math.Round(float64(n) * step * cos / g.di))
			j := int(math.Round(float64(n) * step * sin / g.dj))
			r.offsets[d] = append(r.offsets[d], j*stride+i)
		}
	}
	return r
}

// The box in which a voxel of the canal has a vertebral body before it, mm.
const (
	bodyNear, bodyFar = 8.0, 28.0
	bodyHalfWidth     = 10.0
	// bodyHU is exceeded, over 2 mm, by the shell of a body and by its
	// trabecular bone, but not by muscle: a canal has a body before it, the
	// marrow of a femur has not.
	bodyHU = 130
	// bodyFull is the fraction of such voxels in the box that a shell alone
	// gives: two walls or an endplate of some 1 mm.
	bodyFull = 0.06
)

// The canal lies near the middle of the trunk, hips and shoulders do not.
const (
	// tissueHU parts the patient from air and lung.
	tissueHU = -300
	// middleSigma is the standard deviation of the canal's distance from the
	// centre of tissue in its slice, mm: wide enough for a scoliosis or a field
	// of view that cuts one flank; hip joints lie some 90 mm off.
	middleSigma = 60.0
)

// enclosure returns for each voxel of g how well its slice shows it as a point
// of the canal, 0 to 255: the fraction of directions that meet bone at a canal
// wall's distance, of those that stay in the volume, halved where no body lies
// anterior, and less towards the flanks. It is 0 where the voxel is not soft tissue.
func enclosure(g *grid) []uint8 {
	score := make([]uint8, len(g.hu))
	si, sj := int(math.Ceil(rayMax/g.di))+1, int(math.Ceil(rayMax/g.dj))+1
	stride := g.ni + 2*si
	r := newRays(g, stride)
	need := int32(max(1, int(minBoneArea/(g.di*g.dj))))
	each(g.nk, func(k int) {
		slice := g.hu[k*g.ni*g.nj:][:g.ni*g.nj]
		walls := make([]wall, stride*(g.nj+2*sj))
		for p := range walls {
			walls[p] = beyond
		}
		for j := range g.nj {
			for i, h := range slice[j*g.ni:][:g.ni] {
				walls[(j+sj)*stride+i+si] = open
				if h > boneHU {
					walls[(j+sj)*stride+i+si] = bone
				}
			}
		}
		near := newCounts(slice, g.ni, g.nj, boneHU)
		body := newCounts(slice, g.ni, g.nj, bodyHU)
		weight := middleWeights(slice, g)
		for p, h := range slice {
			i, j := p%g.ni, p/g.ni
			if h < canalMinHU || h > canalMaxHU || near.within(i-si, i+si, j-sj, j+sj) < need {
				continue
			}
			hits, known := r.count(walls, (j+sj)*stride+i+si)
			if hits >= rayCount/4 && known > rayCount/2 {
				s := hits / float64(known) * (1 + body.anterior(g, i, j)) / 2
				score[k*g.ni*g.nj+p] = uint8(255 * s * weight[i])
			}
		}
	})
	return score
}

// middleWeights returns for each column of a slice how near it is to the middle
// of the tissue, 0 to 1.
func middleWeights(slice []int16, g *grid) []float64 {
	var sum, n float64
	for j := range g.nj {
		for i, h := range slice[j*g.ni:][:g.ni] {
			if h > tissueHU {
				sum += float64(i)
				n++
			}
		}
	}
	w := make([]float64, g.ni)
	for i := range w {
		d := (float64(i) - sum/max(n, 1)) * g.di / middleSigma
		w[i] = math.Exp(-d * d / 2)
	}
	return w
}

// counts is an integral image: sum[(j)*(ni+1)+i] counts what lies before
// column i and row j.
type counts struct {
	ni, nj int
	sum    []int32
}

// newCounts counts the voxels of a slice that exceed hu.
func newCounts(slice []int16, ni, nj int, hu int16) counts {
	c := counts{ni, nj, make([]int32, (ni+1)*(nj+1))}
	for j := range nj {
		var n int32
		above, row := c.sum[j*(ni+1):][:ni+1], c.sum[(j+1)*(ni+1):][:ni+1]
		for i, h := range slice[j*ni:][:ni] {
			if h > hu {
				n++
			}
			row[i+1] = above[i+1] + n
		}
	}
	return c
}

// within counts in columns i0 … i1 and rows j0 … j1, which may leave the slice.
func (c counts) within(i0, i1, j0, j1 int) int32 {
	i0, i1 = max(i0, 0), min(i1+1, c.ni)
	j0, j1 = max(j0, 0), min(j1+1, c.nj)
	if i0 >= i1 || j0 >= j1 {
		return 0
	}
	w := c.ni + 1
	return c.sum[j1*w+i1] - c.sum[j0*w+i1] - c.sum[j1*w+i0] + c.sum[j0*w+i0]
}

// anterior returns how full of bone the box anterior of (i, j) is, 1 for
// bodyFull and more.
func (c counts) anterior(g *grid, i, j int) float64 {
	hw := int(bodyHalfWidth / g.di)
	j0, j1 := j-int(bodyFar/g.dj), j-int(bodyNear/g.dj)
	n := c.within(i-hw, i+hw, j0, j1)
	return min(1, float64(n)/float64((2*hw+1)*(j1-j0+1))/bodyFull)
}

// wall is what a ray meets.
type wall uint8

const (
	open wall = iota
	bone
	beyond // the volume's edge
)

// count returns the weight of the rays from p that meet bone at a fitting
// distance, and how many do not leave the volume before they end.
func (r *rays) count(walls []wall, p int) (hits float64, known int) {
	known = rayCount
	for _, ray := range &r.offsets {
		for s, o := range ray {
			w := walls[p+o]
			if w == open {
				continue
			}
			if w == beyond {
				known--
			} else {
				hits += r.weight[s]
			}
			break
		}
	}
	return hits, known
}
