// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// take says how a film is taken.
type take struct {
	toDetector, toPatient float64 // from the source, mm
	lean, turn            float64 // of the central ray to the feet, of the patient about the long axis, degrees
	aside                 r3.Vec  // of the central ray from the middle level, mm
	calibrated            bool
}

// trunk is a made spine with tissue about it, to take films of.
type trunk struct {
	volume *volume.Volume
	body   *projection.Body
	truth  phantom.Truth
	level  spine.Level // in the middle
}

func trunkOf(s *phantom.Spine, level spine.Level, seed uint64) *trunk {
	scan := s.Cover(level-4, min(level+3, spine.L5), 50, 300, 1.5, 1.5)
	scan.Noise, scan.Seed = 10, seed
	vol := s.CT(scan)
	return &trunk{vol, projection.NewBody(vol, projection.LeftLateral), s.Within(s.Truth(), vol.Geometry), level}
}

func (p *trunk) center(l spine.Level) r3.Vec {
	i := slices.IndexFunc(p.truth.Vertebrae, func(v phantom.Measured) bool { return v.Level == l })
	return p.truth.Vertebrae[i].Frame.Origin
}

// film takes a film and measures it from two seeds, which name its levels.
func (p *trunk) film(ctx context.Context, k take, name string) (*comparison.Examination, error) {
	const columns, rows, pixel = 640, 800, 0.5
	middle := r3.Add(p.center(p.level), k.aside)
	lean, turn := k.lean*math.Pi/180, k.turn*math.Pi/180
	g, err := projection.NewGeometry(projection.Setup{
		Toward: r3.Vec{X: math.Cos(turn) * math.Cos(lean), Y: math.Sin(turn) * math.Cos(lean), Z: -math.Sin(lean)}, Up: r3.Vec{Z: 1},
		Isocenter: middle, SourceToIsocenter: k.toPatient, SourceToDetector: k.toDetector, Columns: columns, Rows: rows, ImagerPixelSpacing: pixel,
	})
	if err != nil {
		return nil, err
	}
	process := projection.Processing{Bits: 12, Gamma: 2.5, Equalization: 0.6}
	technique := projection.Lumbar()
	stored := process.Develop(technique.Expose(&g, p.body.Paths(&g, nil), middle))
	m := &radiograph.Image{Columns: columns, Rows: rows, Samples: make([]float32, len(stored.Stored))}
	for i, s := range stored.Stored {
		m.Samples[i] = float32(s) / 4095
	}
	m.Header.Scale.ImagerPixelSpacing = radiograph.Spacing{Rows: pixel, Columns: pixel}
	if k.calibrated {
		m.Header.Scale.EstimatedRadiographicMagnificationFactor = g.Magnification(middle)
	}
	opt := analysis.FilmOptions{}
	for _, l := range []spine.Level{p.level - 1, min(p.level+2, spine.L5)} {
		at, _ := g.Project(p.center(l))
		opt.Seeds = append(opt.Seeds, outline.Seed{Level: l, Center: at})
	}
	result, err := analysis.MeasureFilm(ctx, m, opt)
	if err != nil {
		return nil, err
	}
	return comparison.NewExamination(result, comparison.About{Name: name, Modality: "DX"}), nil
}

// filmPairs is a made spine before and after, examined by CT and by films.
type filmPairs struct {
	seed   uint64
	level  spine.Level // fractured, and treated
	truth  [2]phantom.Truth
	ct     *comparison.Examination // before
	before [2]*comparison.Examination
	after  *comparison.Examination // a film without a calibration
}

func examineOnFilms(ctx context.Context, seed uint64) (*filmPairs, error) {
	was, is, level := drawTwice(seed)
	p := &filmPairs{seed: seed, level: level}
	then, now := trunkOf(phantom.New(was), level, seed), trunkOf(phantom.New(is), level, seed+1)
	p.truth = [2]phantom.Truth{then.truth, now.truth}
	var err error
	if p.ct, err = measured(ctx, then.volume, "ct"); err != nil {
		return nil, err
	}
	far := take{toDetector: 1800, toPatient: 1300, lean: 3, turn: 3, aside: r3.Vec{Y: -20, Z: 40}}
	for n, one := range []struct {
		of *trunk
		by take
		to **comparison.Examination
	}{
		{then, take{toDetector: 1150, toPatient: 900, calibrated: true}, &p.before[0]},
		{then, far, &p.before[1]},
		{now, far, &p.after},
	} {
		if *one.to, err = one.of.film(ctx, one.by, fmt.Sprint("film ", n)); err != nil {
			return nil, fmt.Errorf("film %d: %w", n, err)
		}
	}
	return p, nil
}

// filmTally gathers errors of changes over pairs of one kind.
type filmTally struct {
	ratio, relative, wedge, restored []float64 // 1, points of the expected height, degrees, points
	pull                             []float64 // errors by stated deviations
	judged, right                    int
	named, noticed, misnamed, silent int
	failed                           []string
}

func (y *filmTally) add(p *filmPairs, kind string, before, after *comparison.Examination, then, now *phantom.Truth) {
	c, err := comparison.Compare(before, after, comparison.Options{Treated: []spine.Level{p.level}})
	if err != nil || c.Match.Offset != 0 {
		y.failed = append(y.failed, fmt.Sprintf("%d %s: %v, names of the two differ", p.seed, kind, err))
		return
	}
	for i := range c.Vertebrae {
		v := &c.Vertebrae[i]
		b, a := trueOf(then, v.Level), trueOf(now, v.Level)
		if b == nil || a == nil {
			continue
		}
		was, is := [3]float64{b.AnteriorHeight, b.MiddleHeight, b.PosteriorHeight}, [3]float64{a.AnteriorHeight, a.MiddleHeight, a.PosteriorHeight}
		for r, x := range v.Ratios {
			h := comparison.Ratio(r).Height()
			y.judge(p, kind, fmt.Sprint(v.Level, " ", h, " by posterior"), x, is[h]/is[2]-was[h]/was[2], &y.ratio)
		}
		for h, x := range v.OfExpected {
			if x == nil {
				continue
			}
			y.judge(p, kind, fmt.Sprint(v.Level, " ", finding.Height(h)), x, x.Before.Value*(is[h]/was[h]-1), &y.relative)
			const deep = 20 // percent of the height that was lost
			if q := v.Restored[h]; q.Defined && v.Level == p.level && 100-x.Before.Value > deep && then != now {
				y.restored = append(y.restored, q.Value-100*(is[h]-was[h])/(b.Intact[h]-was[h]))
			}
		}
		y.judge(p, kind, fmt.Sprint(v.Level, " wedge"), v.Wedge, a.WedgeAngle-b.WedgeAngle, &y.wedge)
	}
	y.rename(before, after)
}

func trueOf(t *phantom.Truth, l spine.Level) *phantom.Measured {
	for i := range t.Vertebrae {
		if v := &t.Vertebrae[i]; v.Level == l && v.Complete() {
			return v
		}
	}
	return nil
}

// judge is tally.judge.
func (y *filmTally) judge(p *filmPairs, kind, what string, x *comparison.Change, want float64, to *[]float64) {
	if x == nil {
		return
	}
	*to = append(*to, x.Value-want)
	y.pull = append(y.pull, (x.Value-want)/x.SD)
	if x.Reason != "" || math.Abs(math.Abs(want)-x.LSC) < 2*x.SD {
		return
	}
	y.judged++
	if x.Significant == (math.Abs(want) > x.LSC) {
		y.right++
		return
	}
	y.failed = append(y.failed, fmt.Sprintf("%d %s, %s: %.2f ± %.2f (LSC %.2f, readings %.2f, %.2f), truly %.2f", p.seed, kind, what, x.Value, x.SD, x.LSC, x.Before.Value, x.After.Value, want))
}

// rename has the names of the second examination a guess that is right, or a level off.
func (y *filmTally) rename(before, after *comparison.Examination) {
	for _, by := range []int{-1, 0, 1} {
		guess := *after
		guess.Vertebrae = slices.Clone(after.Vertebrae)
		for i := range guess.Vertebrae {
			v := &guess.Vertebrae[i]
			v.Level, v.Probability = shifted(v.Level, by), 0.6
		}
		c, err := comparison.Compare(before, &guess, comparison.Options{})
		switch {
		case err != nil:
		case c.Match.State == comparison.NamesUnchecked:
			y.silent++
		case c.Match.Offset == by:
			y.named++
			if by != 0 {
				y.noticed++
			}
		default:
			y.misnamed++
		}
	}
}

func (y *filmTally) report(kind string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", kind)
	for _, e := range []struct {
		what   string
		errors []float64
	}{
		{"ratio", y.ratio}, {"height, points of the expected", y.relative}, {"wedge, degrees", y.wedge}, {"restored, points", y.restored},
	} {
		if len(e.errors) > 0 {
			mae, p95 := absolute(e.errors)
			fmt.Fprintf(&b, "%-32s n %4d  mean absolute %.3f  bias %+.3f  95th percentile %.3f\n", e.what, len(e.errors), mae, stat.Mean(e.errors, nil), p95)
		}
	}
	fmt.Fprintf(&b, "within two sd %.1f %% of %d, standard deviation of errors by sd %.2f; significance right %d of %d\n", within2(y.pull), len(y.pull), stat.StdDev(y.pull, nil), y.right, y.judged)
	fmt.Fprintf(&b, "guessed names: %d told rightly, %d of them a level off, %d wrongly, %d not told\n", y.named, y.noticed, y.misnamed, y.silent)
	return b.String() + strings.Join(y.failed, "\n")
}

func within2(pull []float64) float64 {
	n := 0
	for _, p := range pull {
		if math.Abs(p) <= 2 {
			n++
		}
	}
	return 100 * float64(n) / float64(max(len(pull), 1))
}

// What comparisons with films of made spines must show.
const (
	filmWithin  = 90 // percent of changes within two of their deviations
	filmJudged  = 95 // percent of changes
	mostRenamed = 5  // percent of guessed names that are taken for others; shape overrules them from a probability of 0.9
)

// TestFilmPairs compares a CT with films that were rendered of the same spine and of what
// became of it, and the films with each other: as many spines as ENDPLATE_FILMPAIRS says,
// each 12 s of one core, from ENDPLATE_FILMFIRST on.
func TestFilmPairs(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("ENDPLATE_FILMPAIRS"))
	if err != nil {
		t.Skip("set ENDPLATE_FILMPAIRS to how many spines films are to be taken of")
	}
	first, _ := strconv.Atoi(os.Getenv("ENDPLATE_FILMFIRST")) // 0 without
	var ct, films, later filmTally
	for seed := uint64(first); seed < uint64(first+n); seed++ {
		p, err := examineOnFilms(t.Context(), seed)
		if err != nil {
			ct.failed = append(ct.failed, fmt.Sprintf("%d: %v", seed, err))
			continue
		}
		ct.add(p, "CT, film", p.ct, p.before[0], &p.truth[0], &p.truth[0])
		films.add(p, "film, film", p.before[0], p.before[1], &p.truth[0], &p.truth[0])
		later.add(p, "CT, later film", p.ct, p.after, &p.truth[0], &p.truth[1])
		later.add(p, "film, later film", p.before[0], p.after, &p.truth[0], &p.truth[1])
	}
	for kind, y := range map[string]*filmTally{"a CT and its film": &ct, "two films of one spine": &films, "what changed": &later} {
		t.Log(y.report(kind))
		if within2(y.pull) < filmWithin || 100*y.right < filmJudged*y.judged || y.judged == 0 {
			t.Errorf("%s: %.1f %% within two sd, want %d; %d of %d rightly judged, want %d %%", kind, within2(y.pull), filmWithin, y.right, y.judged, filmJudged)
		}
		if 100*y.misnamed > mostRenamed*(y.named+y.misnamed+y.silent) {
			t.Errorf("%s: %d guessed names taken for others", kind, y.misnamed)
		}
	}
}
