// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/spine"
)

// TestTreatAccuracy fractures and treats real spines, each at the three levels nearest
// to the thoracolumbar junction that have measured neighbours, and tells how far the
// measured changes of heights are from the exact ones: the difference of two readings,
// and what a comparison says. It takes minutes, each level half of one.
func TestTreatAccuracy(t *testing.T) {
	if os.Getenv("ENDPLATE_ACCURACY") == "" {
		t.Skip("set ENDPLATE_ACCURACY")
	}
	for _, tt := range []struct {
		series string
		most   float64 // mm, mean absolute error of a compared change
	}{{"lidc1", 0.7}, {"colon", 0.7}, {"petct2", 1.0}} {
		for _, still := range []bool{true, false} {
			position := map[bool]string{true: "still", false: "moved"}[still]
			t.Run(tt.series+"/"+position, func(t *testing.T) {
				m := readPatient(t, shared(t, "ct", tt.series))
				read, compared := changeErrors{}, changeErrors{}
				for i, level := range m.treatable() {
					fracture := []string{"wedge:40", "biconcave:40", "crush:38"}[i]
					t.Run(level.String(), func(t *testing.T) {
						a, b := treatErrors(t, m, fmt.Sprintf("%v=%s", level, fracture), still)
						read, compared = append(read, a...), append(compared, b...)
					})
				}
				t.Logf("%s, %s: difference of readings %v; comparison %v", tt.series, position, read, compared)
				if mean, all := compared.mean(); !(mean <= tt.most) || !all {
					t.Errorf("%s: changes err by %.2f mm in the mean, want %.1f; all were measured: %t", tt.series, mean, tt.most, all)
				}
			})
		}
	}
}

// readPatient reads and measures a CT.
func readPatient(t *testing.T, path string) *imagedPatient {
	t.Helper()
	m := &imagedPatient{path: path, plan: &treatPlan{}}
	if _, _, err := m.prepare(t.Context(), newProgress(io.Discard, true)); err != nil {
		t.Fatal(err)
	}
	return m
}

// changeErrors are errors of changes, mm; NaN where none was measured.
type changeErrors []float64

// mean returns the mean absolute error of those that were measured, and whether all
// were.
func (e changeErrors) mean() (mm float64, all bool) {
	sum, n := 0.0, 0
	for _, x := range e {
		if !math.IsNaN(x) {
			sum += math.Abs(x)
			n++
		}
	}
	return sum / float64(n), n == len(e)
}

func (e changeErrors) String() string {
	measured := slices.DeleteFunc(slices.Clone(e), math.IsNaN)
	slices.SortFunc(measured, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	if len(measured) == 0 {
		return "none measured"
	}
	mean, _ := e.mean()
	return fmt.Sprintf("%.2f mm mean, %.2f median, %.2f most, %d of %d", mean, math.Abs(measured[len(measured)/2]),
		math.Abs(measured[len(measured)-1]), len(measured), len(e))
}

// treatable returns the three levels of a CT to fracture.
func (m *imagedPatient) treatable() []spine.Level {
	var levels []spine.Level
	for i := 1; i < len(m.column)-1; i++ {
		levels = append(levels, m.column[i].Level)
	}
	junction := float64(spine.L1) - 0.4
	slices.SortFunc(levels, func(a, b spine.Level) int {
		return cmp.Compare(math.Abs(float64(a)-junction), math.Abs(float64(b)-junction))
	})
	return levels[:3]
}

// treatErrors returns by how many mm the changes of the three heights, from before to
// fractured and from fractured to treated, are told wrongly by the difference of two
// readings and by a comparison.
func treatErrors(t *testing.T, m *imagedPatient, fracture string, still bool) (read, compared changeErrors) {
	t.Helper()
	stages := treatedStages(t, m, fracture, still)
	for i := range 2 {
		was, is := &stages[i], &stages[i+1]
		a, b, told := was.heights(), is.heights(), was.compare(t, is)
		for h := range 3 {
			change := is.exact[h] - was.exact[h]
			read, compared = append(read, b[h]-a[h]-change), append(compared, told[h]-change)
		}
	}
	t.Logf("%s: readings err by %+.2f, the comparison by %+.2f mm", fracture, []float64(read), []float64(compared))
	return read, compared
}

// treatedStages fractures and treats a patient and measures what comes of it.
func treatedStages(t *testing.T, m *imagedPatient, fracture string, still bool) (stages [3]treatedStage) {
	t.Helper()
	flags := treatFlags{fracture: fracture, superiorShare: 0.75, restore: "60", only: "before,fractured,treated", injury: "20200115", days: 7, still: still}
	flags.out, flags.seed = t.TempDir(), 1
	var err error
	if m.plan, err = flags.plan(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.choose(); err != nil {
		t.Fatal(err)
	}
	for i, name := range stageNames {
		stages[i] = measureStage(t, m, name)
		got := "not measured"
		if v := stages[i].vertebra(); v != nil {
			got = fmt.Sprintf("%.2f as %v", stages[i].heights(), v.Level)
		}
		t.Logf("%s %-9s exact %.2f  measured %s", fracture, name, stages[i].exact, got)
	}
	return stages
}

// treatedStage is one examination of a treated patient.
type treatedStage struct {
	result *analysis.Result
	center r3.Vec     // of the treated body
	exact  [3]float64 // heights, mm
}

func measureStage(t *testing.T, m *imagedPatient, name string) treatedStage {
	t.Helper()
	vol, tell, err := m.stage(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s := treatedStage{}
	if vol == m.vol {
		s.result = m.result
	} else if s.result, err = analysis.MeasureCT(t.Context(), vol, analysis.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, v := range tell(dicom.UIDs{}).Vertebrae {
		if v.Level == m.column[m.own].Level.String() {
			s.center, s.exact = r3.Vec(v.Center), [3]float64{v.Heights.Anterior, v.Heights.Middle, v.Heights.Posterior}
		}
	}
	return s
}

// index returns which vertebra of the result is the treated one, or -1.
func (s *treatedStage) index() int {
	best, least := -1, 12.0 // mm
	for i := range s.result.Vertebrae {
		if d := r3.Norm(r3.Sub(s.result.Vertebrae[i].Center, s.center)); d < least {
			best, least = i, d
		}
	}
	return best
}

func (s *treatedStage) vertebra() *analysis.Vertebra {
	if i := s.index(); i >= 0 && s.result.Vertebrae[i].Heights != nil {
		return &s.result.Vertebrae[i]
	}
	return nil
}

func (s *treatedStage) heights() [3]float64 {
	v := s.vertebra()
	if v == nil {
		return [3]float64{math.NaN(), math.NaN(), math.NaN()}
	}
	return [3]float64{v.Heights.Anterior, v.Heights.Middle, v.Heights.Posterior}
}

// compare returns the changes of the treated body's heights that a comparison with a
// later examination tells.
func (s *treatedStage) compare(t *testing.T, later *treatedStage) [3]float64 {
	t.Helper()
	changes := [3]float64{math.NaN(), math.NaN(), math.NaN()}
	c, err := comparison.Compare(comparison.NewExamination(s.result, comparison.About{}),
		comparison.NewExamination(later.result, comparison.About{}), comparison.Options{KeepOrder: true})
	if err != nil {
		t.Logf("comparison: %v", err)
		return changes
	}
	for _, p := range c.Vertebrae {
		if p.BeforeIndex != s.index() || p.AfterIndex != later.index() || p.BeforeIndex < 0 {
			continue
		}
		for h, change := range p.Heights {
			if change != nil {
				changes[h] = change.Value
			}
		}
	}
	return changes
}
