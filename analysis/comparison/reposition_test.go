// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package comparison_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/phantom/warp"
	"github.com/endplate/endplate/analysis/volume"
)

// How a patient is put on the table again: turned about each axis by up to so many
// degrees, and shifted by up to so many mm along each.
const (
	turnedBy  = 5.0
	shiftedBy = 12.0
)

// TestRepositioned compares real series with themselves, the patient lying
// otherwise, as often as ENDPLATE_REPOSITIONED says (50, or 20-50 for a part of them):
// nothing changed, and nothing may be called a change. Each time takes some ten
// seconds.
func TestRepositioned(t *testing.T) {
	first, last, err := repositionings(os.Getenv("ENDPLATE_REPOSITIONED"))
	if err != nil {
		t.Skip("set ENDPLATE_REPOSITIONED to how often each series is to be repositioned")
	}
	for _, name := range []string{"lidc1", "petct2", "colon"} {
		t.Run(name, func(t *testing.T) {
			vol := readShared(t, "data/ct/"+name).Canonical()
			still, err := measured(t.Context(), vol, name)
			if err != nil {
				t.Fatal(err)
			}
			changes, wrong := 0, 0
			for n := first; n < last; n++ {
				again, err := measured(t.Context(), repositioned(vol, uint64(n)), name)
				if err != nil {
					t.Fatal(err)
				}
				c, err := comparison.Compare(still, again, comparison.Options{})
				if err != nil {
					t.Fatalf("repositioning %d: %v", n, err)
				}
				all, called := countChanges(t, n, c)
				changes, wrong = changes+all, wrong+called
				t.Logf("repositioning %d: %d of %d changes so far called significant", n, wrong, changes)
			}
			if wrong > 0 {
				t.Errorf("%d of %d changes called significant, want none", wrong, changes)
			}
		})
	}
}

// repositionings returns the first and the end of a range such as 20-50, which begins
// with 0 where it is a number alone.
func repositionings(s string) (first, end int, err error) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		from, to = "0", from
	}
	if first, err = strconv.Atoi(from); err != nil {
		return 0, 0, err
	}
	end, err = strconv.Atoi(to)
	return first, end, err
}

// countChanges counts the changes of a comparison, and those called significant.
func countChanges(t *testing.T, n int, c *comparison.Comparison) (all, called int) {
	t.Helper()
	add := func(what string, x *comparison.Change) {
		if x == nil {
			return
		}
		all++
		if x.Significant {
			called++
			t.Logf("repositioning %d, %s: %.2f, LSC %.2f, tracked %v", n, what, x.Value, x.LSC, x.Tracked)
		}
	}
	for i := range c.Vertebrae {
		p := &c.Vertebrae[i]
		for h := range p.Heights {
			add(p.Level.String()+" "+finding.Height(h).String()+" height", p.Heights[h])
		}
		for what, x := range map[string]*comparison.Change{
			"wedge": p.Wedge, "disc": p.DiscHeight, "volume": p.Volume, "canal AP": p.CanalAP, "canal area": p.CanalArea, "retropulsion": p.Retropulsion,
		} {
			add(p.Level.String()+" "+what, x)
		}
	}
	for _, a := range c.Angles {
		add(a.Level.String()+" "+a.Name, a.Change)
	}
	isNew := func(f finding.Finding) bool {
		return slices.Contains([]string{comparison.NewFracture, comparison.NewAdjacent, comparison.NewRemote}, f.Code)
	}
	if i := slices.IndexFunc(c.Findings, isNew); i >= 0 {
		t.Errorf("repositioning %d: %s", n, c.Findings[i].Statement)
	}
	return all, called
}

// repositioned returns what another scan shows of the same patient.
func repositioned(vol *volume.Volume, seed uint64) *volume.Volume {
	rng := rand.New(rand.NewPCG(seed, 0x7265706f))
	upTo := func(x float64) r3.Vec {
		return r3.Vec{X: x * (2*rng.Float64() - 1), Y: x * (2*rng.Float64() - 1), Z: x * (2*rng.Float64() - 1)}
	}
	center := vol.Position(float64(vol.Columns-1)/2, float64(vol.Rows-1)/2, float64(vol.Slices-1)/2)
	m := warp.Motion{Turn: upTo(turnedBy), Center: center, Shift: upTo(shiftedBy)}
	return warp.Reposition(vol, m, warp.Scan{Geometry: warp.GridOf(vol.Geometry, m, m.Back(), 0), Seed: rng.Uint64()})
}

// readShared reads the only CT of a folder of the development data.
func readShared(t *testing.T, path string) *volume.Volume {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("development data absent: %v", err)
	}
	series, skipped, err := dicom.ReadSeries(t.Context(), dicom.Files(os.DirFS(dir), "."), dicom.Options{})
	if err != nil || len(series) != 1 {
		t.Fatalf("%d series, skipped %v, error %v", len(series), skipped, err)
	}
	return series[0].Volume
}
