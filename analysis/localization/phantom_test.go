// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package localization_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/localization"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// scenes are phantoms of what real scans hold, each drawn from its own seed.
var scenes = []struct {
	name         string
	seed         uint64
	options      phantom.Options
	first, last  spine.Level
	width        float64 // mm
	pixel, slice float64 // mm
	noise        float64 // HU
	kernel       phantom.Kernel
	fractured    spine.Level
	shape        phantom.Shape
	loss         float64 // percent
	sacrum       bool
}{
	{name: "young", seed: 1, first: spine.T4, last: spine.L1, width: 220, pixel: 1.2, slice: 2, noise: 15, kernel: phantom.Standard},
	{name: "osteoporotic", seed: 2, options: phantom.Options{Osteoporosis: true, RandomFractures: 2}, first: spine.T10, last: spine.S1, width: 250, pixel: 1.2, slice: 2, noise: 20, kernel: phantom.Standard, sacrum: true},
	{name: "contrast", seed: 3, options: phantom.Options{Contrast: true, Osteophytes: true}, first: spine.T12, last: spine.S1, width: 220, pixel: 1.2, slice: 1.5, noise: 15, kernel: phantom.Soft, sacrum: true},
	{name: "scoliosis", seed: 4, options: phantom.Options{Scoliosis: 60}, first: spine.T4, last: spine.L5, width: 250, pixel: 1.2, slice: 2, noise: 15, kernel: phantom.Standard},
	{name: "vertebra plana", seed: 5, options: phantom.Options{Osteoporosis: true}, first: spine.T4 + 4, last: spine.L3, width: 160, pixel: 1, slice: 1, noise: 20, kernel: phantom.Standard, fractured: spine.T12, shape: phantom.Crush, loss: 70},
	{name: "crushed at the field's end", seed: 8, first: spine.T4 + 3, last: spine.T12, width: 150, pixel: 1, slice: 1, noise: 12, kernel: phantom.Standard, fractured: spine.T4 + 4, shape: phantom.Crush, loss: 65},
	{name: "thick slices", seed: 6, options: phantom.Options{Osteoporosis: true}, first: spine.T4 + 4, last: spine.L5, width: 250, pixel: 1.2, slice: 5, noise: 12, kernel: phantom.Soft},
	{name: "sharp and noisy", seed: 7, first: spine.T1, last: spine.T10, width: 220, pixel: 1, slice: 1.25, noise: 60, kernel: phantom.Sharp},
}

func TestPhantoms(t *testing.T) {
	for _, tt := range scenes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.loss > 0 {
				tt.options.Fractures = map[spine.Level]phantom.Deformity{tt.fractured: phantom.Fracture(tt.shape, tt.loss)}
			}
			p := phantom.Random(rand.New(rand.NewPCG(tt.seed, 0)), tt.options)
			scan := p.Cover(tt.first, tt.last, 12, tt.width, tt.pixel, tt.slice)
			scan.Noise, scan.Kernel, scan.Seed = tt.noise, tt.kernel, tt.seed
			v := p.CT(scan).Canonical()
			s, err := localization.Find(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, s.Vertebrae, places(p, v.Geometry))
			if n := len(s.Vertebrae); tt.sacrum && (n == 0 || !s.Vertebrae[n-1].Sacral) {
				t.Error("no sacrum found")
			}
		})
	}
}

// places returns where the vertebrae of p are, seen through a volume.
func places(p *phantom.Spine, g volume.Geometry) []place {
	const surely = 3.0 // mm from the edge: within them a body may be called cut
	var out []place
	for _, m := range p.Within(p.Truth(), g).Vertebrae {
		out = append(out, place{m.Level.String(), m.Margin >= surely && m.Level != spine.S1, m.Frame.Origin})
	}
	return out
}

// TestInvariance shifts the patient and adds noise: neither may move a vertebra
// by more than a fraction of the coarse grid's step, or change their number.
func TestInvariance(t *testing.T) {
	p := phantom.Random(rand.New(rand.NewPCG(11, 0)), phantom.Options{})
	scan := p.Cover(spine.T10, spine.L3, 15, 160, 1.2, 1.5)
	scan.Noise = 10
	base := find(t, p.CT(scan).Canonical())
	for _, tt := range []struct {
		name   string
		shift  r3.Vec
		noise  float64
		within float64
	}{
		{"shift", r3.Vec{X: 1.3, Y: -0.7, Z: 0.9}, 10, 1.5},
		{"noise", r3.Vec{}, 30, 1.5},
	} {
		other := scan
		other.Center = r3.Add(scan.Center, tt.shift)
		other.Noise = tt.noise
		got := find(t, p.CT(other).Canonical())
		if len(got.Vertebrae) != len(base.Vertebrae) {
			t.Errorf("%s: %d vertebrae, want %d", tt.name, len(got.Vertebrae), len(base.Vertebrae))
			continue
		}
		for i, v := range got.Vertebrae {
			if v.Truncated {
				continue
			}
			if d := r3.Norm(r3.Sub(v.Center, base.Vertebrae[i].Center)); d > tt.within {
				t.Errorf("%s: vertebra %d moves by %.1f mm", tt.name, i, d)
			}
		}
	}
}

// TestCoresDoNotMatter compares one core with all.
func TestCoresDoNotMatter(t *testing.T) {
	p := phantom.Random(rand.New(rand.NewPCG(13, 0)), phantom.Options{})
	scan := p.Cover(spine.T11, spine.L2, 10, 160, 1, 2)
	scan.Noise = 20
	v := p.CT(scan).Canonical()
	many := find(t, v)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(many, find(t, v)); diff != "" {
		t.Errorf("one core differs (-many +one):\n%s", diff)
	}
}

func find(t testing.TB, v *volume.Volume) *localization.Spine {
	t.Helper()
	s, err := localization.Find(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStraightMapsBack checks that a reformat's coordinates and positions are
// inverse near the spine.
func TestStraightMapsBack(t *testing.T) {
	p := phantom.Random(rand.New(rand.NewPCG(12, 0)), phantom.Options{Scoliosis: 30})
	v := p.CT(p.Cover(spine.T10, spine.L3, 15, 160, 1.2, 2)).Canonical()
	s := find(t, v)
	r := localization.Straighten(v, s.Canal, 1, localization.Window{Posterior: 10, Anterior: 40, Lateral: 20})
	for _, x := range s.Vertebrae {
		for _, want := range []r3.Vec{x.Center, x.Canal, x.SuperiorEndplate} {
			if got := r.Position(r.Coordinates(want)); !x.Truncated && r3.Norm(r3.Sub(got, want)) > 0.3 {
				t.Errorf("%v comes back as %v", want, got)
			}
		}
	}
}

func BenchmarkFind(b *testing.B) {
	p := phantom.Random(rand.New(rand.NewPCG(1, 0)), phantom.Options{})
	scan := p.Cover(spine.T4, spine.L5, 10, 360, 0.7, 1.5)
	scan.Columns, scan.Rows, scan.Slices = 512, 512, 300
	v := p.CT(scan).Canonical()
	b.SetBytes(int64(2 * len(v.Samples)))
	b.ReportAllocs()
	for b.Loop() {
		if len(find(b, v).Vertebrae) == 0 {
			b.Fatal("nothing found")
		}
	}
}

// TestVesselsBeforeTheSpine fills a wide aorta and cava that lie against the bodies
// with contrast agent: with the anterior walls they enclose tissue as a canal's
// walls do.
func TestVesselsBeforeTheSpine(t *testing.T) {
	const radius, aside, before = 15.0, 18.0, 10.0 // mm
	const contrast = 300                           // HU
	p := phantom.Random(rand.New(rand.NewPCG(9, 0)), phantom.Options{})
	scan := p.Cover(spine.T12, spine.L5, 12, 150, 1.2, 1.5)
	scan.Noise = 10
	v := p.CT(scan).Canonical()
	var line []r3.Vec // before the anterior walls, downwards
	for _, m := range p.Truth().Vertebrae {
		for _, q := range []r3.Vec{m.Superior.Anterior, m.Inferior.Anterior} {
			line = append(line, r3.Add(q, r3.Scale(before, m.Frame.Anterior)))
		}
	}
	for k := range v.Slices {
		for j := range v.Rows {
			for i := range v.Columns {
				x := v.Position(float64(i), float64(j), float64(k))
				c := atHeight(line, x.Z)
				if math.Hypot(math.Abs(x.X-c.X)-aside, x.Y-c.Y) < radius {
					v.Samples[(k*v.Rows+j)*v.Columns+i] = contrast
				}
			}
		}
	}
	compare(t, find(t, v).Vertebrae, places(p, v.Geometry))
}

// atHeight returns where a line of descending points crosses height z; an end
// of it beyond.
func atHeight(line []r3.Vec, z float64) r3.Vec {
	for n := 1; n < len(line); n++ {
		if a, b := line[n-1], line[n]; a.Z >= z && b.Z < z {
			return r3.Add(a, r3.Scale((a.Z-z)/(a.Z-b.Z), r3.Sub(b, a)))
		}
	}
	if z >= line[0].Z {
		return line[0]
	}
	return line[len(line)-1]
}

// TestCutAboveTheSacrum lets the volume end in a wedged body, with the sacrum in
// view: once the posterior rim of its superior endplate is cut, so is the body.
func TestCutAboveTheSacrum(t *testing.T) {
	p := phantom.Random(rand.New(rand.NewPCG(14, 0)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L2: phantom.Fracture(phantom.Wedge, 50)},
	})
	scan := p.Cover(spine.L2, spine.S1, 8, 150, 0.9, 1)
	scan.Noise = 10
	v := p.CT(scan).Canonical()
	for _, n := range []int{v.Slices, v.Slices - 16} {
		v.Slices, v.Samples = n, v.Samples[:v.Columns*v.Rows*n]
		m := level(t, p.Within(p.Truth(), v.Geometry), spine.L2)
		if math.Abs(m.Margin) < 4 {
			t.Fatalf("L2 lies %.1f mm inside", m.Margin)
		}
		off := func(x localization.Vertebra) float64 { return r3.Norm(r3.Sub(x.Center, m.Frame.Origin)) }
		vertebrae := find(t, v).Vertebrae
		got := vertebrae[0]
		for _, x := range vertebrae {
			if off(x) < off(got) {
				got = x
			}
		}
		limit := 2.0
		if got.Truncated {
			limit = 5 // how much lower than before it is cannot be seen
		}
		if got.Truncated != (m.Margin < 0) || off(got) > limit {
			t.Errorf("L2 lies %.1f mm inside: %.1f mm off, truncated %v", m.Margin, off(got), got.Truncated)
		}
	}
}

func level(t *testing.T, truth phantom.Truth, l spine.Level) phantom.Measured {
	t.Helper()
	for _, m := range truth.Vertebrae {
		if m.Level == l {
			return m
		}
	}
	t.Fatalf("no %v", l)
	return phantom.Measured{}
}
