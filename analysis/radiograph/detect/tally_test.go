// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/detect"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/radiograph/train"
	"github.com/endplate/endplate/analysis/spine"
)

// filmTally gathers how far what was found lies from what is known, at the patient.
type filmTally struct {
	Films, Refused, SideWrong   int
	Visible, Found, Named, None int
	UpperVisible, UpperFound    int // T4 to T7
	Corner, Ratio, Wedge, Cobb  []float64
	Pull                        []float64 // of points along the body's axis, by the stated deviation
	RatioPull                   []float64
	Genant, Within, Exact       int
	ChainsSure, ChainsSureRight int
	ChainsRight, Chains         int
	Agree, Compared             int // ratios of a film with those of the CT
}

// plus adds the films of another tally.
func (y *filmTally) plus(other *filmTally) {
	sum, more := reflect.ValueOf(y).Elem(), reflect.ValueOf(other).Elem()
	for n := range sum.NumField() {
		if f := sum.Field(n); f.Kind() == reflect.Int {
			f.SetInt(f.Int() + more.Field(n).Int())
		} else {
			f.Set(reflect.AppendSlice(f, more.Field(n)))
		}
	}
}

// add finds what one film shows, and returns it.
func (y *filmTally) add(t *testing.T, f *train.Film, seeds []outline.Seed) *detect.Found {
	t.Helper()
	got, err := find(t, f.Image, seeds)
	if err != nil {
		y.Refused++
		t.Log(err)
		got = &detect.Found{}
	}
	y.count(f, got)
	return got
}

// count compares what was found on a film with what it shows.
func (y *filmTally) count(f *train.Film, got *detect.Found) {
	y.Films++
	if len(got.Bodies) > 0 && (got.Anterior == outline.Right) != f.Right {
		y.SideWrong++
	}
	used := map[int]bool{}
	right := len(got.Bodies) > 0
	grades := gradesOf(got)
	for i := range got.Bodies {
		b := &got.Bodies[i]
		k := nearest(f, b.Center)
		switch {
		case k >= 0 && !used[k]:
			used[k] = true
			y.compare(f, b, &f.Column[k])
			y.grade(grades[i], &f.Column[k])
			right = right && b.Level == f.Column[k].Level
		case !slices.ContainsFunc(f.Unsure, func(p radiograph.ImagePoint) bool { return p.Distance(b.Center)*f.Unit < 2*astrayMM }):
			y.None++
		}
	}
	for k, v := range f.Column {
		switch {
		case v.Level >= t8 && v.Level <= spine.L5:
			y.Visible++
			if used[k] {
				y.Found++
			}
		case v.Level >= spine.T4 && v.Level < t8:
			y.UpperVisible++
			if used[k] {
				y.UpperFound++
			}
		}
	}
	y.chain(got, right)
	y.angles(f, got)
}

// find does what is done with a film that is measured.
func find(t *testing.T, m *radiograph.Image, seeds []outline.Seed) (*detect.Found, error) {
	t.Helper()
	if r := radiograph.Recognize(m, radiograph.FindField(m), len(seeds) > 0); r != nil {
		return nil, r
	}
	return detect.Find(t.Context(), m, radiograph.Spacing{Rows: 1, Columns: 1}, seeds, outline.UnknownSide)
}

// nearest returns which vertebra lies at p; -1 if none does.
func nearest(f *train.Film, p radiograph.ImagePoint) int {
	return slices.IndexFunc(f.Column, func(v train.Shown) bool { return v.Center.Distance(p)*f.Unit < astrayMM })
}

// chain counts whether the names of a film are right, and of those that are as sure as may be.
func (y *filmTally) chain(got *detect.Found, right bool) {
	if len(got.Bodies) == 0 {
		return
	}
	sure := got.Names.Probability >= detect.MostSure
	y.Chains++
	if right {
		y.ChainsRight++
	}
	if sure {
		y.ChainsSure++
		if right {
			y.ChainsSureRight++
		}
	}
}

const (
	t8       = spine.T4 + 4
	astrayMM = 9
)

func (y *filmTally) compare(f *train.Film, b *outline.Body, v *train.Shown) {
	if b.Level == v.Level {
		y.Named++
	}
	if v.SuperiorOnly {
		return
	}
	up := radiograph.ImagePoint{Col: v.Points[1].Col - v.Points[4].Col, Row: v.Points[1].Row - v.Points[4].Row}
	length := math.Hypot(up.Col, up.Row)
	for n := range b.Points {
		if n%3 != 1 {
			y.Corner = append(y.Corner, b.Points[n].Distance(v.Points[n])*f.Unit)
		}
		out := ((b.Points[n].Col-v.Points[n].Col)*up.Col + (b.Points[n].Row-v.Points[n].Row)*up.Row) / length
		y.Pull = append(y.Pull, out/b.SD[n])
	}
	got := func(n int) (height, sd float64) {
		return b.Points[n].Distance(b.Points[n+3]), math.Hypot(b.SD[n], b.SD[n+3])
	}
	want := func(n int) float64 { return v.Points[n].Distance(v.Points[n+3]) }
	back, backSD := got(2)
	for n := range 2 {
		h, sd := got(n)
		ratio, truth := h/back, want(n)/want(2)
		y.Ratio = append(y.Ratio, 100*math.Abs(ratio/truth-1))
		y.RatioPull = append(y.RatioPull, (ratio-truth)/(ratio*math.Hypot(sd/h, backSD/back)))
	}
	y.Wedge = append(y.Wedge, math.Abs(kyphosis(f, along(b.Superior), along(b.Inferior))-kyphosis(f, v.Slopes[0], v.Slopes[1])))
}

func along(l outline.Line) radiograph.ImagePoint {
	return radiograph.ImagePoint{Col: l.Direction.X, Row: l.Direction.Y}
}

// gradesOf judges bodies as those of a film without a calibration.
func gradesOf(got *detect.Found) []*finding.Deformity {
	if len(got.Bodies) == 0 {
		return nil
	}
	unit := radiograph.Spacing{Rows: 1, Columns: 1}
	mm := got.NominalScale(unit)
	var column []morphometry.Vertebra
	for i := range got.Bodies {
		b := &got.Bodies[i]
		column = append(column, morphometry.Vertebra{Level: b.Level, Landmarks: b.Landmarks(unit, mm)})
	}
	var all []*finding.Deformity
	for _, v := range finding.Assess(column).Vertebrae {
		all = append(all, v.Deformity)
	}
	return all
}

// agree compares a film's ratios of anterior and middle to posterior height with those
// measured in the CT that it was rendered of: 95 times of 100 they differ by no more than two
// standard deviations of both, if those are right.
func (y *filmTally) agree(f *train.Film, got *detect.Found, ct *analysis.Result) {
	for i := range got.Bodies {
		k := nearest(f, got.Bodies[i].Center)
		if k < 0 {
			continue
		}
		n := slices.IndexFunc(ct.Vertebrae, func(v analysis.Vertebra) bool { return v.Level == f.Column[k].Level })
		film, ok := morphometry.HeightsOf(got.Bodies[i].Landmarks(radiograph.Spacing{Rows: 1, Columns: 1}, 1))
		if n < 0 || ct.Vertebrae[n].Heights == nil || !ok {
			continue
		}
		a, b := heightRatios(&film), heightRatios(ct.Vertebrae[n].Heights)
		for j := range a {
			y.Compared++
			if math.Abs(a[j].Value-b[j].Value) <= 2*math.Hypot(a[j].SD, b[j].SD) {
				y.Agree++
			}
		}
	}
}

// heightRatios returns the ratios of anterior and middle to posterior height.
func heightRatios(h *morphometry.Heights) [2]morphometry.Estimate {
	of := func(v, sd float64) morphometry.Estimate {
		r := v / h.Posterior
		return morphometry.Estimate{Value: r, SD: r * math.Hypot(sd/v, h.PosteriorSD/h.Posterior)}
	}
	return [2]morphometry.Estimate{of(h.Anterior, h.AnteriorSD), of(h.Middle, h.MiddleSD)}
}

func (y *filmTally) grade(d *finding.Deformity, v *train.Shown) {
	if d == nil || v.SuperiorOnly {
		return
	}
	y.Genant++
	switch off := int(d.Grade) - v.Genant; {
	case off == 0:
		y.Exact++
		y.Within++
	case off == 1 || off == -1:
		y.Within++
	}
}

// lineAngle returns the direction of an endplate's line to anterior, degrees; kyphosis turns it
// down at the upper endplate of a film whose anterior is to the left.
func lineAngle(d radiograph.ImagePoint) float64 { return math.Atan2(d.Row, d.Col) * 180 / math.Pi }

// kyphosis returns the angle from one endplate's line to another's below, positive where
// they come together at the front.
func kyphosis(f *train.Film, upper, lower radiograph.ImagePoint) float64 {
	turn := math.Remainder(lineAngle(upper)-lineAngle(lower), 360)
	if !f.Right {
		return -turn
	}
	return turn
}

func (y *filmTally) angles(f *train.Film, got *detect.Found) {
	for i := 2; i < len(got.Bodies); i++ {
		a, b := &got.Bodies[i-2], &got.Bodies[i]
		k := nearest(f, a.Center)
		if k < 0 || k+2 >= len(f.Column) || nearest(f, b.Center) != k+2 || f.Column[k+2].SuperiorOnly {
			continue
		}
		y.Cobb = append(y.Cobb, math.Abs(kyphosis(f, along(a.Superior), along(b.Inferior))-kyphosis(f, f.Column[k].Slopes[0], f.Column[k+2].Slopes[1])))
	}
}

func meanAnd95(v []float64) string {
	if len(v) == 0 {
		return "–"
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return fmt.Sprintf("%.2f (%.2f)", stat.Mean(v, nil), stat.Quantile(0.95, stat.Empirical, v, nil))
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// within2 returns the percentage of deviations within two stated ones.
func within2(pull []float64) float64 {
	n := 0
	for _, p := range pull {
		if math.Abs(p) <= 2 {
			n++
		}
	}
	return percent(n, len(pull))
}

func (y *filmTally) log(t *testing.T, name string) {
	t.Helper()
	t.Logf("%s: %d films, %d refused, %d the wrong way; T8–L5 %d of %d found (%.1f %%), T4–T7 %d of %d (%.1f %%), %d that are none",
		name, y.Films, y.Refused, y.SideWrong, y.Found, y.Visible, percent(y.Found, y.Visible), y.UpperFound, y.UpperVisible, percent(y.UpperFound, y.UpperVisible), y.None)
	t.Logf("  all names right on %d of %d films, on %d of %d whose names are as sure as may be", y.ChainsRight, y.Chains, y.ChainsSureRight, y.ChainsSure)
	t.Logf("  corners %s mm, ratios %s %%, wedge %s°, Cobb %s°; Genant within one %.1f %%, right %.1f %% of %d",
		meanAnd95(y.Corner), meanAnd95(y.Ratio), meanAnd95(y.Wedge), meanAnd95(y.Cobb), percent(y.Within, y.Genant), percent(y.Exact, y.Genant), y.Genant)
	t.Logf("  within 2 sd: points %.1f %%, ratios %.1f %%", within2(y.Pull), within2(y.RatioPull))
	if y.Compared > 0 {
		t.Logf("  ratios that agree with the CT's %d of %d (%.1f %%)", y.Agree, y.Compared, percent(y.Agree, y.Compared))
	}
}
