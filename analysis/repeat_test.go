// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/volume"
)

// TestReadingsRepeat measures real series again and again, the patient turned by up
// to 5° about each axis and shifted by up to 12 mm along each: what differs is to be
// small, and no more than the stated standard deviations say. Where a grade changes,
// it must have been said to be borderline or doubtful, but for one in a hundred. ENDPLATE_REPOSITIONED tells
// how often each of all series is to be repositioned, which takes seconds each; the
// ordinary run repositions the smallest a few times.
//
// The bounds were set on lidc1, colon, petct2 and ts3mm, ten times each.
func TestReadingsRepeat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	series, times := []string{"ts3mm"}, 3
	if n, err := strconv.Atoi(os.Getenv("ENDPLATE_REPOSITIONED")); err == nil {
		series, times = []string{"lidc1", "colon", "petct2", "ts3mm"}, n
	}
	const (
		mostSpread = 0.9 // mm, median of the standard deviations with which a height repeats
		leastCover = 93  // percent of pairs of readings within two stated standard deviations

		mostContrary = 1.0 // percent of the grades without a doubt
	)
	for _, name := range series {
		t.Run(name, func(t *testing.T) {
			vol := readFolder(t, shared(t, "data/ct/"+name)).Canonical()
			var r repeats
			r.add(measureCT(t, vol), func(p r3.Vec) r3.Vec { return p })
			for n := range times {
				m, again := repositioned(vol, uint64(n))
				r.add(measureCT(t, again), m.Inverse())
			}
			spread, cover := r.spread(), r.cover()
			t.Logf("%d bodies, spread of heights %.2f mm, %.1f %% of pairs within two standard deviations", len(r.bodies), spread, cover)
			if spread > mostSpread {
				t.Errorf("heights spread by %.2f mm, want at most %.1f", spread, mostSpread)
			}
			if cover < leastCover {
				t.Errorf("%.1f %% of pairs within two standard deviations, want at least %d", cover, leastCover)
			}
			r.judgeGrades(t, mostContrary)
		})
	}
}

// repositioned returns what another scan shows of the same patient, and how the
// patient moved.
func repositioned(vol *volume.Volume, seed uint64) (warp.Motion, *volume.Volume) {
	const turned, shifted = 5, 12 // degrees, mm
	rng := rand.New(rand.NewPCG(seed, 0x7265706f))
	upTo := func(x float64) r3.Vec {
		return r3.Vec{X: x * (2*rng.Float64() - 1), Y: x * (2*rng.Float64() - 1), Z: x * (2*rng.Float64() - 1)}
	}
	center := vol.Position(float64(vol.Columns-1)/2, float64(vol.Rows-1)/2, float64(vol.Slices-1)/2)
	m := warp.Motion{Turn: upTo(turned), Center: center, Shift: upTo(shifted)}
	return m, warp.Reposition(vol, m, warp.Scan{Geometry: warp.GridOf(vol.Geometry, m, m.Back(), 0), Seed: rng.Uint64()})
}

// repeats are the readings of the bodies of one patient.
type repeats struct{ bodies []repeated }

// repeated are the readings of one body, whose centre the first put at center.
type repeated struct {
	center   r3.Vec
	readings []*analysis.Vertebra
}

// add counts in what was measured in a volume from which back leads to the first.
func (r *repeats) add(result *analysis.Result, back func(r3.Vec) r3.Vec) {
	const near = 8 // mm: less than half of the least distance of bodies
	for i := range result.Vertebrae {
		v := &result.Vertebrae[i]
		if v.Status != analysis.Measured || v.Heights == nil {
			continue
		}
		center := back(v.Center)
		n := slices.IndexFunc(r.bodies, func(b repeated) bool { return r3.Norm(r3.Sub(b.center, center)) <= near })
		if n < 0 {
			n = len(r.bodies)
			r.bodies = append(r.bodies, repeated{center: center})
		}
		r.bodies[n].readings = append(r.bodies[n].readings, v)
	}
}

// heights returns each height in turn as it was read, mm, and its stated standard
// deviations.
func (b *repeated) heights() (mm, sd [3][]float64) {
	for _, v := range b.readings {
		h := v.Heights
		for i, x := range [3][2]float64{{h.Anterior, h.AnteriorSD}, {h.Middle, h.MiddleSD}, {h.Posterior, h.PosteriorSD}} {
			mm[i], sd[i] = append(mm[i], x[0]), append(sd[i], x[1])
		}
	}
	return mm, sd
}

// spread returns the median of the standard deviations with which heights repeat, mm.
func (r *repeats) spread() float64 {
	var sds []float64
	for _, b := range r.bodies {
		mm, _ := b.heights()
		for _, h := range mm {
			if len(h) > 1 {
				sds = append(sds, stat.StdDev(h, nil))
			}
		}
	}
	slices.Sort(sds)
	return stat.Quantile(0.5, stat.Empirical, sds, nil)
}

// cover returns the percentage of pairs of readings of a height that differ by no
// more than two standard deviations, as stated.
func (r *repeats) cover() float64 {
	within, pairs := 0, 0
	for _, b := range r.bodies {
		mm, sd := b.heights()
		for h := range mm {
			for i, x := range mm[h] {
				for j := range i {
					pairs++
					if math.Abs(x-mm[h][j]) <= 2*math.Hypot(sd[h][i], sd[h][j]) {
						within++
					}
				}
			}
		}
	}
	return 100 * float64(within) / float64(pairs)
}

// judgeGrades reports readings of a grade without a doubt that is not the one most
// readings without a doubt give, if there are more than the given percentage.
func (r *repeats) judgeGrades(t *testing.T, most float64) {
	t.Helper()
	contrary, all := 0, 0
	for _, b := range r.bodies {
		var count [4]int // by grade
		for _, v := range b.readings {
			if d := v.Deformity; d != nil && d.Assessed && !d.Borderline && d.Reason == "" {
				count[d.Grade]++
				all++
			}
		}
		usual := slices.Max(count[:])
		for grade, n := range count {
			if n > 0 && n < usual {
				contrary += n
				t.Logf("%v: grade %d without a doubt in %d readings, another in %d", b.readings[0].Level, grade, n, usual)
			}
		}
	}
	if 100*float64(contrary) > most*float64(all) {
		t.Errorf("%d of %d grades without a doubt are contrary to the others of the same body", contrary, all)
	}
}
