// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package morphometry_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/morphometry"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// vertebra draws a wedge with plane endplates in a frame: 27 mm between the
// corners, with the given anterior and posterior heights.
func vertebra(f volume.Frame, anterior, posterior float64) *landmark.Vertebra {
	const half = 13.5
	at := func(s, a float64) landmark.Point { return landmark.Point{Position: f.Point(s, a, 0), SD: 0.3} }
	plate := func(up float64) landmark.Endplate {
		p := landmark.Endplate{
			Anterior: at(up*anterior/2, half), Middle: at(up*(anterior+posterior)/4, 0), Posterior: at(up*posterior/2, -half),
			DirectionSD: 0.5,
		}
		p.Direction = r3.Unit(r3.Sub(p.Anterior.Position, p.Posterior.Position))
		return p
	}
	return &landmark.Vertebra{
		Superior: plate(1), Inferior: plate(-1),
		Center: f.Origin, SuperiorAxis: f.Superior, LeftAxis: f.Left,
	}
}

// upright is a frame at (0, 0, z) leaning to anterior by degrees.
func upright(z, degrees float64) volume.Frame {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return volume.NewFrame(r3.Vec{Z: z}, r3.Vec{Y: -sin, Z: cos}, r3.Vec{Y: -1})
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.4f, want %.4f ± %g", what, got, want, tolerance)
	}
}

func TestHeights(t *testing.T) {
	h, ok := morphometry.HeightsOf(vertebra(upright(0, 10), 20, 26))
	if !ok {
		t.Fatal("no heights")
	}
	near(t, "anterior", h.Anterior, 20, 1e-9)
	near(t, "middle", h.Middle, 23, 1e-9)
	near(t, "posterior", h.Posterior, 26, 1e-9)
	near(t, "sd", h.MiddleSD, 0.3*math.Sqrt2, 1e-9)
	if _, ok := morphometry.HeightsOf(nil); ok {
		t.Error("heights of nothing")
	}
}

// The wedge angle is positive where the anterior side is lower.
// Reference: Masharawi 2010, PMC2899959 (positive = ventral wedge).
func TestWedgeAngleSign(t *testing.T) {
	want := 2 * math.Atan(3.0/27) * 180 / math.Pi
	got, sd, _ := morphometry.WedgeAngle(vertebra(upright(0, -20), 20, 26))
	near(t, "kyphotic wedge", got, want, 1e-9)
	near(t, "sd", sd, 0.5*math.Sqrt2, 1e-9)
	got, _, _ = morphometry.WedgeAngle(vertebra(upright(0, 30), 26, 20))
	near(t, "lordotic wedge", got, -want, 1e-9)
}

func TestDiscHeight(t *testing.T) {
	above, below := vertebra(upright(0, 15), 24, 24), vertebra(upright(0, 15), 20, 20)
	shift := r3.Scale(-(12 + 10 + 7), above.SuperiorAxis)
	for _, e := range []*landmark.Endplate{&below.Superior, &below.Inferior} {
		for _, p := range []*landmark.Point{&e.Anterior, &e.Middle, &e.Posterior} {
			p.Position = r3.Add(p.Position, shift)
		}
	}
	mm, sd, ok := morphometry.DiscHeight(above, below)
	if !ok {
		t.Fatal("no disc")
	}
	near(t, "height", mm, 7, 1e-9)
	near(t, "sd", sd, 0.3*math.Sqrt2, 1e-9)
}

// bend returns a column of the levels from first to last, each leaning more to
// anterior by degrees than the one below: a kyphosis.
func bend(first, last spine.Level, degrees float64) []morphometry.Vertebra {
	var column []morphometry.Vertebra
	for l := first; l <= last; l++ {
		if l == spine.L6 {
			continue
		}
		n := -float64(len(column))
		column = append(column, morphometry.Vertebra{Level: l, Landmarks: vertebra(upright(30*n, degrees*n), 24, 24)})
	}
	return column
}

func degreesOf(angles []morphometry.Angle) map[string]float64 {
	m := make(map[string]float64)
	for _, a := range angles {
		m[a.Name+" "+a.Level.String()] = math.Round(a.Degrees*1000) / 1000
	}
	return m
}

// Gardner: superior endplate of the level above to inferior endplate of the
// level; bisegmental Cobb: to that of the level below.
// Reference: Curfs 2016; Ulmar, Eur Spine J 2010;19:558.
func TestSegmentalAngles(t *testing.T) {
	angles := morphometry.Angles(bend(spine.T11, spine.L1, 5))
	want := map[string]float64{"GARDNER T12": 5, "GARDNER L1": 5, "BISEGMENTAL_COBB T12": 10}
	if d := cmp.Diff(want, degreesOf(angles)); d != "" {
		t.Errorf("angles (-want +got):\n%s", d)
	}
	if got := fmt.Sprint(angles[1].From, " – ", angles[1].To); got != "T11 superior – L1 inferior" {
		t.Errorf("bisegmental Cobb of T12 is told of %s", got)
	}
}

// Kyphosis from T4 to T12 is positive, lordosis from L1 to S1 negative.
// Reference: Zappalá 2021 (T4 to T12); TPTBox (L1 to S1); the signs are convention.
func TestRegionalAngles(t *testing.T) {
	got := degreesOf(morphometry.Angles(bend(spine.T4, spine.T12, 4)))
	near(t, "thoracic kyphosis", got["THORACIC_KYPHOSIS "], 32, 1e-3)
	got = degreesOf(morphometry.Angles(bend(spine.L1, spine.S1, -9)))
	near(t, "lumbar lordosis", got["LUMBAR_LORDOSIS "], -45, 1e-3)
}

// A region covered in part has no angle.
func TestPartlyCoveredRegion(t *testing.T) {
	column := append(bend(spine.T4+1, spine.T12, 4), bend(spine.L1, spine.L5, 4)...)
	for _, a := range morphometry.Angles(column) {
		if a.Name == morphometry.ThoracicKyphosis || a.Name == morphometry.LumbarLordosis {
			t.Errorf("%s though T4 and S1 are missing", a.Name)
		}
	}
}

// Turning the patient on the table, and axial rotation of the whole segment,
// change no angle; a coronal tilt of 20° by less than a degree.
func TestAnglesFollowThePatient(t *testing.T) {
	turn := func(column []morphometry.Vertebra, by func(i int) r3.Rotation) []morphometry.Vertebra {
		for i := range column {
			v, r := column[i].Landmarks, by(i)
			v.SuperiorAxis, v.LeftAxis = r.Rotate(v.SuperiorAxis), r.Rotate(v.LeftAxis)
			for _, e := range []*landmark.Endplate{&v.Superior, &v.Inferior} {
				e.Direction = r.Rotate(e.Direction)
			}
		}
		return column
	}
	want := 10.0
	decubitus := turn(bend(spine.T11, spine.L1, 5), func(int) r3.Rotation { return r3.NewRotation(math.Pi/2, r3.Vec{Z: 1}) })
	near(t, "decubitus", degreesOf(morphometry.Angles(decubitus))["BISEGMENTAL_COBB T12"], want, 1e-3)
	scoliotic := turn(bend(spine.T11, spine.L1, 5), func(i int) r3.Rotation {
		return r3.NewRotation(float64(i-1)*20*math.Pi/180, r3.Vec{Y: 1})
	})
	near(t, "coronal tilt", degreesOf(morphometry.Angles(scoliotic))["BISEGMENTAL_COBB T12"], want, 1)
}

func TestAdjacent(t *testing.T) {
	for _, tt := range []struct {
		upper, lower string
		want         bool
	}{
		{"C7", "T1", true}, {"T12", "L1", true}, {"T12", "T13", true}, {"T13", "L1", true},
		{"L5", "S1", true}, {"L5", "L6", true}, {"L6", "S1", true},
		{"L1", "T12", false}, {"T11", "L1", false}, {"L4", "S1", false},
	} {
		upper, _ := spine.ParseLevel(tt.upper)
		lower, _ := spine.ParseLevel(tt.lower)
		if got := morphometry.Adjacent(upper, lower); got != tt.want {
			t.Errorf("Adjacent(%s, %s) = %v, want %v", tt.upper, tt.lower, got, tt.want)
		}
	}
}

// heights returns a column of levels with the given anterior, middle and
// posterior heights.
func heights(first spine.Level, h ...[3]float64) []morphometry.LevelHeights {
	var column []morphometry.LevelHeights
	for i, v := range h {
		column = append(column, morphometry.LevelHeights{
			Level:   first + spine.Level(i),
			Heights: &morphometry.Heights{Anterior: v[0], Middle: v[1], Posterior: v[2]},
		})
	}
	return column
}

// The ratio of a level's height to the mean of its neighbours', against the
// table of 631 to 702 people, and its spread. L4 is left out: the table's L5 is
// not corner-based.
// Reference: computed from CTSpinoPelvic1K, level_gradients.csv at a9d12ed.
func TestExpectedFromTwoNeighbours(t *testing.T) {
	for _, tt := range []struct {
		level                               spine.Level
		anterior, anteriorSD, posterior, sd float64
	}{
		{spine.T12, 0.999, .039, 1.006, .029},
		{spine.L1, 1.013, .035, 1.021, .026},
		{spine.L2, 1.005, .036, 1.008, .025},
		{spine.L3, 1.009, .033, 1.007, .029},
	} {
		t.Run(tt.level.String(), func(t *testing.T) {
			column := heights(tt.level-1, [3]float64{25, 23, 25}, [3]float64{10, 10, 10}, [3]float64{25, 23, 25})
			// The mean of two single ratios may differ from the ratio to the mean.
			e := morphometry.Expect(column, 1, make([]bool, 3))
			near(t, "anterior", e.Anterior/25, tt.anterior, 0.02)
			near(t, "posterior", e.Posterior/25, tt.posterior, 0.02)
			near(t, "anterior sd", e.AnteriorSD/25, tt.anteriorSD, 0.006)
			near(t, "posterior sd", e.PosteriorSD/25, tt.sd, 0.006)
		})
	}
}

// One neighbour: H · (level / neighbour).
// Reference: computed from CTSpinoPelvic1K, level_gradients.csv at a9d12ed.
func TestExpectedFromOneNeighbour(t *testing.T) {
	for _, tt := range []struct {
		level               spine.Level
		anterior, posterior float64
	}{
		{spine.T12, 1.071, 1.069}, {spine.L1, 1.070, 1.053}, {spine.L2, 1.036, 1.010},
		{spine.L3, 1.024, 0.994}, {spine.L4, 1.002, 0.976},
	} {
		column := heights(tt.level-1, [3]float64{20, 20, 20}, [3]float64{10, 10, 10})
		e := morphometry.Expect(column, 1, make([]bool, 2))
		near(t, tt.level.String()+" anterior", e.Anterior, 20*tt.anterior, 1e-9)
		near(t, tt.level.String()+" middle", e.Middle, 10*(tt.anterior+tt.posterior), 1e-9)
		near(t, tt.level.String()+" posterior", e.Posterior, 20*tt.posterior, 1e-9)
	}
}

// Height grows by 6.5 % a level from T9 to L1.
// Reference: Palm 2025, Sci Rep (6.63 % in women, 6.48 % in men).
func TestGrowthFromT9ToL1(t *testing.T) {
	column := heights(spine.T10-1, [3]float64{20, 20, 20}, [3]float64{20, 20, 20})
	h := 1.0
	for l := spine.T10; l <= spine.L1; l++ {
		for i := range column {
			column[i].Level = l - 1 + spine.Level(i)
		}
		h *= morphometry.Expect(column, 1, []bool{false, false}).Middle / 20
	}
	near(t, "growth a level", math.Pow(h, 0.25), 1.0655, 0.003)
}

// A missing or excluded neighbour leaves the other; without both the nearest
// level on each side counts, with more uncertainty; beyond three levels none.
// Reference: Buckens 2013, PLoS ONE 8:e71204; three levels: default.
func TestNeighboursAreReplaced(t *testing.T) {
	normal := [3]float64{25, 23, 25}
	column := heights(spine.T12, normal, normal, normal, normal, normal)
	from := func(excluded ...bool) []spine.Level { return morphometry.Expect(column, 2, excluded).From }
	for _, tt := range []struct {
		name string
		got  []spine.Level
		want []spine.Level
	}{
		{"both", from(false, false, false, false, false), []spine.Level{spine.L1, spine.L3}},
		{"one excluded", from(false, true, false, false, false), []spine.Level{spine.L3}},
		{"both excluded", from(false, true, false, true, false), []spine.Level{spine.T12, spine.L4}},
		{"all excluded", from(true, true, true, true, true), nil},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	near2, far := morphometry.Expect(column, 2, make([]bool, 5)), morphometry.Expect(column, 2, []bool{false, true, false, true, false})
	if far.SD <= near2.SD {
		t.Errorf("SD from farther levels %.2f, from adjacent ones %.2f: want more", far.SD, near2.SD)
	}
	long := heights(spine.T4, normal, normal, normal, normal, normal)
	if e := morphometry.Expect(long, 0, []bool{false, true, true, true, false}); len(e.From) != 0 {
		t.Errorf("expected from %v, four levels away", e.From)
	}
}

// Where neighbours contradict each other the taller one counts: no body gains
// height.
func TestCollapsedNeighbourIsLeftOut(t *testing.T) {
	column := heights(spine.T10-1, [3]float64{15, 13, 20}, [3]float64{15, 13, 20}, [3]float64{22, 21, 24})
	e := morphometry.Expect(column, 1, make([]bool, 3))
	if d := cmp.Diff([]spine.Level{spine.T11}, e.From); d != "" {
		t.Errorf("From (-want +got):\n%s", d)
	}
}

// The normal middle height of mostly thoracic vertebrae is 15 % below the
// posterior one; L5 is taller in front.
// Reference: computed from neuro-ml/vertebral-fractures-severity at 5120fcb (median
// .85); Bonczar 2024 and Front Physiol 2026 (Ha/Hp of L5 1.138 and 1.126).
func TestRatioNorms(t *testing.T) {
	for l := spine.T4; l <= spine.T11; l++ {
		r, ok := morphometry.RatiosOf(l, morphometry.Heights{Anterior: 18, Middle: 17, Posterior: 20})
		if !ok {
			t.Fatalf("%v: no ratios", l)
		}
		near(t, l.String()+" middle / posterior", r.Biconcavity.Mean, 0.85, 0.025)
		near(t, l.String()+" z", r.Biconcavity.Z(), (0.85-r.Biconcavity.Mean)/r.Biconcavity.MeanSD, 1e-9)
	}
	if r, _ := morphometry.RatiosOf(spine.L5, morphometry.Heights{Posterior: 1}); r.Wedge.Mean < 1.05 {
		t.Errorf("normal Ha/Hp of L5 = %.2f", r.Wedge.Mean)
	}
	if _, ok := morphometry.RatiosOf(spine.C7, morphometry.Heights{Posterior: 1}); ok {
		t.Error("norms for C7")
	}
}
