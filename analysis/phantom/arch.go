// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phantom

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// Bone behind and beside the bodies: thicknesses in mm.
const (
	archCortex = 1.1
	ribCortex  = 0.8
)

// pedicleSunk is how far a pedicle begins inside the body, mm.
const pedicleSunk = 4

// arch holds the measures from which the posterior elements of one vertebra are
// built: places along the body's axes from the middle of its posterior wall.
type arch struct {
	*body
	height float64 // mean height of the undeformed body
	side   float64 // +1 left, -1 right
}

func (h arch) at(s, behind, beside float64) r3.Vec {
	return h.frame.Point(s, -h.Depth/2+h.PosteriorConcavity/2-behind, h.side*beside)
}

// addArch adds the posterior elements of b; fused leaves out the joints.
func (s *Spine) addArch(b *body, fused bool) {
	n := len(s.bars)
	height := (b.AnteriorHeight + b.PosteriorHeight) / 2
	for _, side := range []float64{1, -1} {
		h := arch{b, height, side}
		s.bars = append(s.bars, h.pedicle(), h.lamina(), h.pillar())
		if !fused {
			s.bars = append(s.bars, h.superiorProcess())
			if b.Level != spine.S1 {
				s.bars = append(s.bars, h.inferiorProcess())
			}
		}
		if b.TransverseLength > 0 {
			s.bars = append(s.bars, h.transverse())
		}
	}
	s.bars = append(s.bars, arch{b, height, 1}.spinous()...)
	s.bars = append(s.bars, osteophytes(b)...)
	for i := n; i < len(s.bars); i++ {
		s.bars[i].level = uint8(b.Level)
		s.bars[i].cortex = archCortex
		s.bars[i].hu = b.TrabecularHU + 60
	}
}

func (h arch) isLumbar() bool { return h.Level >= spine.L1 && h.Level <= spine.S1 }

func (h arch) pedicle() bar {
	r := 0.45 * h.PedicleWidth
	beside := (h.CanalWidth + h.PedicleWidth) / 2
	p, q := h.at(0.18*h.height, -pedicleSunk, beside), h.at(0.18*h.height, 0.55*h.CanalAP, beside)
	b := slab(p, q, h.frame.Superior, r, h.PedicleHeight/2-r, 0.05*h.PedicleWidth)
	b.pedicle = true
	return b
}

func (h arch) lamina() bar {
	thick, high, low := 2.4, 0.42*h.height, -0.12*h.height
	if h.isLumbar() {
		thick, high, low = 2.9, 0.40*h.height, -0.09*h.height
	}
	p := h.at(low, 0.62*h.CanalAP, h.CanalWidth/2+3)
	q := h.at(low, h.CanalAP+thick+0.3, 0)
	const overlap = 15.0 // degrees that the lower edge leans to posterior
	up := tilt(h.frame, overlap).Superior
	return slab(p, q, up, thick, high-thick, 0)
}

func (h arch) pillar() bar {
	r := 3.4
	if h.isLumbar() {
		r = 4.4
	}
	return rod(h.at(0.3*h.height, 0.55*h.CanalAP+2, h.CanalWidth/2+r), h.at(-0.5*h.height, 0.75*h.CanalAP+2, h.CanalWidth/2+r-1.5), r)
}

func (h arch) superiorProcess() bar {
	r, beside := 2.7, h.CanalWidth/2+2.5
	if h.isLumbar() {
		r, beside = 3.4, h.CanalWidth/2+6
	}
	return rod(h.at(0.3*h.height, 0.55*h.CanalAP+1, beside), h.at(0.5*h.height+0.6*h.DiscHeight+3, 0.5*h.CanalAP+1, beside), r)
}

func (h arch) inferiorProcess() bar {
	r, beside := 2.5, h.CanalWidth/2+1
	if h.isLumbar() {
		r, beside = 3.1, h.CanalWidth/2-0.5
	}
	return rod(h.at(-0.4*h.height, 0.8*h.CanalAP+4, beside), h.at(-0.5*h.height-0.8*h.DiscHeight-3, 0.75*h.CanalAP+5.5, beside), r)
}

// transverseTip returns the end of the transverse process.
func (h arch) transverseTip() r3.Vec {
	if h.isLumbar() {
		return h.at(0.14*h.height, 0.4*h.CanalAP+5, h.CanalWidth/2+5+h.TransverseLength)
	}
	return h.at(0.3*h.height, 0.6*h.CanalAP+0.6*h.TransverseLength, h.CanalWidth/2+4+0.85*h.TransverseLength)
}

func (h arch) transverse() bar {
	if h.isLumbar() {
		return slab(h.at(0.1*h.height, 0.4*h.CanalAP+1, h.CanalWidth/2+5), h.transverseTip(), h.frame.Superior, 2.4, 2.2, 0)
	}
	return rod(h.at(0.2*h.height, 0.6*h.CanalAP, h.CanalWidth/2+4), h.transverseTip(), 3.8)
}

// spinousLine returns the ends of the spinous process and the unit vector between.
func (h arch) spinousLine() (start, tip, dir r3.Vec) {
	sin, cos := math.Sincos(h.SpinousSlope * math.Pi / 180)
	start = h.at(-0.2*h.height, h.CanalAP+4, 0)
	dir = r3.Sub(r3.Scale(-cos, h.frame.Anterior), r3.Scale(sin, h.frame.Superior))
	return start, r3.Add(start, r3.Scale(h.SpinousLength, dir)), dir
}

func (h arch) spinous() []bar {
	start, tip, dir := h.spinousLine()
	f := h.frame
	high, radius := 0.16*h.height, 2.3
	if h.isLumbar() {
		high, radius = 0.3*h.height, 2.8
	}
	half := r3.Add(start, r3.Scale(0.5*h.SpinousLength, dir))
	root := slab(start, half, f.Superior, radius, 1.25*high, 0.3)
	blade := slab(half, tip, f.Superior, radius, 0.8*high, 0.3)
	end := slab(r3.Sub(tip, r3.Scale(1.5, dir)), tip, f.Superior, radius+1, max(0.8*high-1, 0), 0.8)
	return []bar{root, blade, end}
}

func osteophytes(b *body) []bar {
	var spurs []bar
	for _, o := range b.Osteophytes {
		const radius, below = 1.4, 2.2 // mm; the spur springs from below the rim
		x := 2 * o.Left / b.Width
		wall := b.Depth / 2 * math.Pow(1-math.Pow(math.Abs(x), outlinePower), 1/outlinePower)
		f, _ := b.table.lookup(wall-b.RimRadius, o.Left)
		s := f.superior - below
		if o.Endplate == spine.Inferior {
			s = f.inferior + below
		}
		p := b.frame.Point(s, wall-2, o.Left)
		q := b.frame.Point(s, wall+o.Length-radius, o.Left)
		spurs = append(spurs, slab(p, q, b.frame.Superior, radius, 0, max(0, o.Width/2-radius)))
	}
	return spurs
}

// addRibs adds the ribs, which articulate with the bodies and the transverse
// processes and run round the chest.
func (s *Spine) addRibs() {
	for i, b := range s.bodies {
		if b.ChestWidth == 0 {
			continue
		}
		var over *body
		if i > 0 && b.Level > spine.T1 && b.Level < spine.T10 {
			over = s.bodies[i-1]
		}
		for _, side := range []float64{1, -1} {
			s.addRib(arch{b, (b.AnteriorHeight + b.PosteriorHeight) / 2, side}, over != nil)
		}
	}
}

// addRib adds one rib; its head lies at the disc above if shared, else at the
// body of its own vertebra.
func (s *Spine) addRib(h arch, shared bool) {
	top, _, _, _ := h.rims()
	head := h.at(0.25*h.height, -4, h.Width/2-0.5)
	if shared {
		head = h.at(top+1, -3, h.Width/2-1.5)
	}
	tip := h.transverseTip()
	tubercle := r3.Add(tip, r3.Add(r3.Scale(6.8, h.frame.Anterior), r3.Scale(2*h.side, h.frame.Left)))
	points := append([]r3.Vec{head, tubercle}, h.ribCourse(tubercle)...)
	radius := 4.2
	if h.Level == spine.T1 || h.Level >= spine.T11 {
		radius = 3.5
	}
	for i := 1; i < len(points); i++ {
		r := rod(points[i-1], points[i], radius)
		if i == 1 {
			r.radius = 3.2 // the neck
		}
		r.cortex, r.hu = ribCortex, h.TrabecularHU+20
		s.bars = append(s.bars, r)
	}
}

// ribCourse returns points along the rib from its angle on: an ellipse round the
// chest that descends to the front.
func (h arch) ribCourse(tubercle r3.Vec) []r3.Vec {
	o := h.frame.Origin
	lateral := h.side * (tubercle.X - o.X)
	start := math.Asin(min(lateral/h.ChestWidth, 0.9))
	back := tubercle.Y + 5
	center := back - h.ChestDepth*math.Cos(start)
	const step = 12 * math.Pi / 180
	end := max(h.RibSweep*math.Pi/180, start+2*step)
	// The drop to the front end, as a part of the chest's depth.
	drop := 0.75 * h.ChestDepth
	var points []r3.Vec
	for phi := start + step; phi <= end; phi += step {
		sin, cos := math.Sincos(phi)
		t := (phi - start) / math.Pi
		points = append(points, r3.Vec{
			X: o.X + h.side*h.ChestWidth*sin,
			Y: center + h.ChestDepth*cos,
			Z: tubercle.Z - drop*t,
		})
	}
	return points
}

// addPelvis adds the sacral alae and the iliac wings.
func (s *Spine) addPelvis() {
	n := len(s.bars)
	k := s.params.Scale
	s1 := s.find(spine.S1)
	for _, side := range []float64{1, -1} {
		f := s1.frame
		inner, outer := s1.Width/2-9, 49*k
		s.bars = append(s.bars, slab(f.Point(0, -4, side*inner), f.Point(-4, -12, side*outer), f.Superior, 4, 8, 10))
		for _, b := range s.bodies {
			if b.Level == spine.S1 && b != s1 && b.Depth > 10 {
				reach := outer - 2*k - 0.25*math.Abs(b.frame.Origin.Z-f.Origin.Z)
				s.bars = append(s.bars, slab(b.frame.Point(2, -3, side*(b.Width/2-3)), b.frame.Point(2, -6, side*reach), b.frame.Superior, 4, 4, 4))
			}
		}
	}
	for i := n; i < len(s.bars); i++ {
		s.bars[i].level = uint8(spine.S1)
	}
	for _, side := range []float64{1, -1} {
		s.bars = append(s.bars, ilium(s1.frame, side, k)...)
	}
	for i := n; i < len(s.bars); i++ {
		s.bars[i].cortex, s.bars[i].hu = archCortex, s1.TrabecularHU
	}
}

// ilium returns one iliac wing: the part at the sacroiliac joint and the wing.
func ilium(f volume.Frame, side, k float64) []bar {
	at := func(x, y, z float64) r3.Vec {
		return r3.Add(f.Origin, r3.Vec{X: side * x * k, Y: y * k, Z: z * k})
	}
	up := r3.Vec{X: side * 0.25, Z: 1}
	joint := slab(at(45, 55, -18), at(57, 5, -14), up, 5, 24*k, 0)
	wing := slab(at(57, 5, -4), at(122, -62, 4), up, 3.5, 36*k, 0)
	crest := slab(at(61, 2, 36), at(128, -56, 36), up, 6.5, 0, 0)
	return []bar{joint, wing, crest}
}
