// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package detect_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/detect"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/radiograph/train"
	"github.com/endplate/endplate/analysis/spine"
)

// Films of made spines and of CTs that took no part in training: other seeds, other voxels,
// larger films with finer pixels, turned farther and upside down.
var heldOut = train.Style{Columns: 640, Rows: 800, FinestPixel: 0.48, WidestPixel: 0.66, MostTurn: 20, UpsideDown: true, Blur: 0.15}

// heldOutSeed is beyond all that film-set draws.
const heldOutSeed = 900_000

// filmTally gathers how far what was found lies from what is known, at the patient.
type filmTally struct {
	films, refused, sideWrong   int
	visible, found, named, none int
	upperVisible, upperFound    int // T4 to T7
	corner, ratio, wedge, cobb  []float64
	pull                        []float64 // of points along the body's axis, by the stated deviation
	ratioPull                   []float64
	genant, within, exact       int
	chainsSure, chainsSureRight int
	chainsRight, chains         int
}

// add finds what one film shows.
func (y *filmTally) add(t *testing.T, f *train.Film, seeds []outline.Seed) {
	t.Helper()
	y.films++
	got, err := find(t, f.Image, seeds)
	if err != nil {
		y.refused++
		t.Log(err)
		got = &detect.Found{}
	}
	if len(got.Bodies) > 0 && (got.Anterior == outline.Right) != f.Right {
		y.sideWrong++
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
			y.none++
		}
	}
	for k, v := range f.Column {
		switch {
		case v.Level >= t8 && v.Level <= spine.L5:
			y.visible++
			if used[k] {
				y.found++
			}
		case v.Level >= spine.T4 && v.Level < t8:
			y.upperVisible++
			if used[k] {
				y.upperFound++
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
	y.chains++
	if right {
		y.chainsRight++
	}
	if sure {
		y.chainsSure++
		if right {
			y.chainsSureRight++
		}
	}
}

const (
	t8       = spine.T4 + 4
	astrayMM = 9
)

func (y *filmTally) compare(f *train.Film, b *outline.Body, v *train.Shown) {
	if b.Level == v.Level {
		y.named++
	}
	if v.SuperiorOnly {
		return
	}
	up := radiograph.ImagePoint{Col: v.Points[1].Col - v.Points[4].Col, Row: v.Points[1].Row - v.Points[4].Row}
	length := math.Hypot(up.Col, up.Row)
	for n := range b.Points {
		if n%3 != 1 {
			y.corner = append(y.corner, b.Points[n].Distance(v.Points[n])*f.Unit)
		}
		out := ((b.Points[n].Col-v.Points[n].Col)*up.Col + (b.Points[n].Row-v.Points[n].Row)*up.Row) / length
		y.pull = append(y.pull, out/b.SD[n])
	}
	got := func(n int) (height, sd float64) {
		return b.Points[n].Distance(b.Points[n+3]), math.Hypot(b.SD[n], b.SD[n+3])
	}
	want := func(n int) float64 { return v.Points[n].Distance(v.Points[n+3]) }
	back, backSD := got(2)
	for n := range 2 {
		h, sd := got(n)
		ratio, truth := h/back, want(n)/want(2)
		y.ratio = append(y.ratio, 100*math.Abs(ratio/truth-1))
		y.ratioPull = append(y.ratioPull, (ratio-truth)/(ratio*math.Hypot(sd/h, backSD/back)))
	}
	y.wedge = append(y.wedge, math.Abs(kyphosis(f, along(b.Superior), along(b.Inferior))-kyphosis(f, v.Slopes[0], v.Slopes[1])))
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

func (y *filmTally) grade(d *finding.Deformity, v *train.Shown) {
	if d == nil || v.SuperiorOnly {
		return
	}
	y.genant++
	switch off := int(d.Grade) - v.Genant; {
	case off == 0:
		y.exact++
		y.within++
	case off == 1 || off == -1:
		y.within++
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
		y.cobb = append(y.cobb, math.Abs(kyphosis(f, along(a.Superior), along(b.Inferior))-kyphosis(f, f.Column[k].Slopes[0], f.Column[k+2].Slopes[1])))
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
		name, y.films, y.refused, y.sideWrong, y.found, y.visible, percent(y.found, y.visible), y.upperFound, y.upperVisible, percent(y.upperFound, y.upperVisible), y.none)
	t.Logf("  all names right on %d of %d films, on %d of %d whose names are as sure as may be", y.chainsRight, y.chains, y.chainsSureRight, y.chainsSure)
	t.Logf("  corners %s mm, ratios %s %%, wedge %s°, Cobb %s°; Genant within one %.1f %%, right %.1f %% of %d",
		meanAnd95(y.corner), meanAnd95(y.ratio), meanAnd95(y.wedge), meanAnd95(y.cobb), percent(y.within, y.genant), percent(y.exact, y.genant), y.genant)
	t.Logf("  within 2 sd: points %.1f %%, ratios %.1f %%", within2(y.pull), within2(y.ratioPull))
}

// twoSeeds draws two centres, two to four levels apart, with a reader's scatter of 2 mm.
func twoSeeds(rng *rand.Rand, f *train.Film) []outline.Seed {
	first := slices.IndexFunc(f.Column, func(v train.Shown) bool { return v.Level >= spine.T4 })
	last := len(f.Column) - 1
	if last >= 0 && f.Column[last].SuperiorOnly {
		last--
	}
	if first < 0 || last-first < 2 {
		return nil
	}
	i := first + rng.IntN(last-first-1)
	j := i + 2 + rng.IntN(min(3, last-i-1))
	var seeds []outline.Seed
	for _, k := range []int{i, j} {
		c := f.Column[k].Center
		seeds = append(seeds, outline.Seed{Level: f.Column[k].Level, Center: radiograph.ImagePoint{
			Col: c.Col + 2*rng.NormFloat64()/f.Unit, Row: c.Row + 2*rng.NormFloat64()/f.Unit,
		}})
	}
	return seeds
}

// heldOutPatients returns how many patients are drawn, and the films of each.
func heldOutPatients() (patients, films int, pixel, slice float64) {
	if n, err := strconv.Atoi(os.Getenv("ENDPLATE_FILMS")); err == nil {
		return n, 4, 1.5, 1.5
	}
	return 1, 1, 2, 3
}

// What is found on films of made spines that took no part in training, without seeds and
// with two. ENDPLATE_FILMS=100 takes a hundred patients with four films each; the limits
// hold what is reached, and the README has how far that is from what is aimed at.
func TestFilmsThatTookNoPart(t *testing.T) {
	t.Parallel()
	patients, films, pixel, slice := heldOutPatients()
	var alone, seeded, known filmTally
	for n := range uint64(patients) {
		p := train.Phantom(heldOutSeed+n, pixel, slice)
		for k := range uint64(films) {
			f := p.Film(1000*(heldOutSeed+n)+k, heldOut, false)
			if len(f.Column) < 3 {
				continue
			}
			alone.add(t, f, nil)
			known.atKnown(t, f, rand.New(rand.NewPCG(n, k)))
			if seeds := twoSeeds(rand.New(rand.NewPCG(n, k)), f); seeds != nil {
				seeded.add(t, f, seeds)
			}
		}
	}
	alone.log(t, "without seeds")
	seeded.log(t, "with two seeds")
	known.log(t, "at known centres")
	for name, y := range map[string]*filmTally{"without seeds": &alone, "with two seeds": &seeded} {
		if 100*y.found < 94*y.visible || 50*y.none > y.found {
			t.Errorf("%s: %d of %d found, and %d that are none", name, y.found, y.visible, y.none)
		}
		if mean := stat.Mean(y.corner, nil); !(mean <= 1.5) {
			t.Errorf("%s: corners %.2f mm from where they are, want at most 1.5", name, mean)
		}
	}
}

// What a film lies like, how it is exposed and what lies on it.
func TestFilmsOfAllKinds(t *testing.T) {
	t.Parallel()
	if os.Getenv("ENDPLATE_FILMS") == "" {
		t.Skip("ENDPLATE_FILMS is not set")
	}
	patients, _, pixel, slice := heldOutPatients()
	plain := heldOut
	plain.MostTurn, plain.UpsideDown = 0, false
	var as, inverted, mirrored, turned, half, marked, treated filmTally
	for n := range uint64(max(patients/4, 1)) {
		p := train.Phantom(heldOutSeed+50_000+n, pixel, slice)
		seed := 1000*(heldOutSeed+50_000+n) + 1
		f := p.Film(seed, plain, false)
		if len(f.Column) < 3 {
			continue
		}
		as.add(t, f, nil)
		upended := *f
		upended.Image = f.Image.Inverted()
		inverted.add(t, &upended, nil)
		mirrored.add(t, mirror(f), nil)
		style := plain
		style.MostTurn = 20
		turned.add(t, p.Film(seed, style, false), nil)
		style = plain
		style.Exposure = 0.5
		half.add(t, p.Film(seed, style, false), nil)
		style = plain
		style.MarkerOnSpine = true
		marked.add(t, p.Film(seed, style, false), nil)
		only := *f
		only.Column = slices.DeleteFunc(slices.Clone(f.Column), func(v train.Shown) bool { return !v.Treated })
		if len(only.Column) > 0 {
			for _, v := range f.Column {
				only.Unsure = append(only.Unsure, v.Center)
			}
			treated.add(t, &only, nil)
		}
	}
	for _, row := range []struct {
		name string
		y    *filmTally
	}{{"as they are", &as}, {"inverted", &inverted}, {"mirrored", &mirrored}, {"turned up to 20°", &turned}, {"half the exposure", &half}, {"a marker on the spine", &marked}, {"bodies with cement or screws", &treated}} {
		row.y.log(t, row.name)
	}
}

// mirror returns a film seen from behind.
func mirror(f *train.Film) *train.Film {
	out := *f
	out.Right = !f.Right
	out.Image = &radiograph.Image{Columns: f.Image.Columns, Rows: f.Image.Rows, Samples: make([]float32, len(f.Image.Samples))}
	for i, v := range f.Image.Samples {
		col, row := i%f.Image.Columns, i/f.Image.Columns
		out.Image.Samples[row*f.Image.Columns+f.Image.Columns-1-col] = v
	}
	at := func(p radiograph.ImagePoint) radiograph.ImagePoint {
		return radiograph.ImagePoint{Col: float64(f.Image.Columns) - p.Col, Row: p.Row}
	}
	out.Column, out.Unsure = slices.Clone(f.Column), nil
	for i := range out.Column {
		v := &out.Column[i]
		v.Center = at(v.Center)
		for n := range v.Points {
			v.Points[n] = at(v.Points[n])
		}
		for n := range v.Slopes {
			v.Slopes[n].Col *= -1
		}
	}
	for _, p := range f.Unsure {
		out.Unsure = append(out.Unsure, at(p))
	}
	return &out
}

// Films that show no spine from the side are refused, and told why.
func TestFilmsThatAreNone(t *testing.T) {
	t.Parallel()
	n := 1
	if _, err := strconv.Atoi(os.Getenv("ENDPLATE_FILMS")); err == nil {
		n = 20
	}
	refused := func(name string, m *radiograph.Image) {
		_, err := find(t, m, nil)
		if r, ok := errors.AsType[*radiograph.Refusal](err); !ok || r.Reason == "" {
			t.Errorf("%s: %v, not refused", name, err)
		}
	}
	refused("black", &radiograph.Image{Columns: 600, Rows: 800, Samples: make([]float32, 600*800)})
	noise := &radiograph.Image{Columns: 600, Rows: 800, Samples: make([]float32, 600*800)}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range noise.Samples {
		noise.Samples[i] = rng.Float32()
	}
	refused("noise", noise)
	for k := range uint64(n) {
		refused(fmt.Sprint("hand ", k), train.Hand(heldOutSeed+k, heldOut).Image)
	}
	for k := range uint64(max(n/4, 1)) {
		p := train.Phantom(heldOutSeed+90_000+k, 2, 3)
		refused(fmt.Sprint("frontal ", k), p.Film(heldOutSeed+k, heldOut, true).Image)
	}
}

// atKnown compares the points of bodies whose centres are known to a reader's 2 mm, whatever
// finds them.
func (y *filmTally) atKnown(t *testing.T, f *train.Film, rng *rand.Rand) {
	t.Helper()
	var centers []radiograph.ImagePoint
	var shown []train.Shown
	for _, v := range f.Column {
		if v.Level >= spine.T4 && v.Level <= spine.L5 {
			shown = append(shown, v)
			centers = append(centers, radiograph.ImagePoint{Col: v.Center.Col + 2*rng.NormFloat64()/f.Unit, Row: v.Center.Row + 2*rng.NormFloat64()/f.Unit})
		}
	}
	if len(centers) < 2 {
		return
	}
	y.films++
	bodies, err := detect.ReadAt(t.Context(), f.Image, centers, f.Right)
	if err != nil {
		t.Fatal(err)
	}
	for i := range bodies {
		bodies[i].Level = shown[i].Level
		y.compare(f, &bodies[i], &shown[i])
	}
}

// Films of a CT that took no part in training. Its landmarks are those measured in it, of
// slices 5 mm thick, so that the films are soft and what they are compared with is no truth.
func TestFilmsOfACT(t *testing.T) {
	t.Parallel()
	if os.Getenv("ENDPLATE_FILMS") == "" {
		t.Skip("ENDPLATE_FILMS is not set")
	}
	p := ctPatient(t, "petct2")
	var alone, seeded filmTally
	for k := range uint64(12) {
		f := p.Film(heldOutSeed+k, heldOut, false)
		if len(f.Column) < 3 {
			continue
		}
		alone.add(t, f, nil)
		if seeds := twoSeeds(rand.New(rand.NewPCG(1, k)), f); seeds != nil {
			seeded.add(t, f, seeds)
		}
	}
	alone.log(t, "a CT, without seeds")
	seeded.log(t, "a CT, with two seeds")
}

// ctPatient measures a CT of the shared data.
func ctPatient(t *testing.T, name string) *train.Patient {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		t.Skip("ENDPLATE_SHARED is not set")
	}
	dir := filepath.Join(root, "data", "ct")
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Skipf("no CT: %v", err)
	}
	catalog, err := dicom.Scan(t.Context(), dicom.Files(os.DirFS(dir), name), dicom.Options{})
	if err != nil || len(catalog.Stacks) == 0 {
		t.Fatalf("%s: %v, %d stacks", name, err, len(catalog.Stacks))
	}
	read, err := catalog.Stacks[0].Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := analysis.MeasureCT(t.Context(), read.Volume, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return train.FromCT(name, read.Volume, r)
}
