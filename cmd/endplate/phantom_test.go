// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// everything changes T12 to L3 by every flag there is.
var everything = []string{
	"--fracture L1=crush:30", "--retropulsion L1=6", "--canal-narrowing L3=30", "--wall-gap L1=30",
	"--osteophyte L3=superior:4", "--pedicle T12=left", "--pedicle L2=both",
	"--lesion L2=lytic:20", "--lesion L3=sclerotic:10", "--cleft T12=1.2", "--disc-gas L2",
	"--screws T12", "--screws L2", "--cement L1=3.5:canal,foramen,paravertebral,superior-disc,inferior-disc",
}

// drawn returns what a phantom command with these flags draws.
func drawn(t *testing.T, arguments []string) phantom.Params {
	t.Helper()
	flags := phantomFlags{seed: 1, changes: make([][]string, len(changeFlags()))}
	for _, a := range arguments {
		name, value, _ := strings.Cut(strings.TrimPrefix(a, "--"), " ")
		if name == "fracture" {
			flags.fractures = append(flags.fractures, value)
		}
		for i, f := range changeFlags() {
			if f.name == name {
				flags.changes[i] = append(flags.changes[i], value)
			}
		}
	}
	opt, err := flags.options()
	if err != nil {
		t.Fatal(err)
	}
	p, err := flags.params(opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ctOf runs endplate phantom in a small field of view and returns its truth's
// vertebrae by their levels.
func ctOf(t *testing.T, arguments []string) map[string]map[string]any {
	t.Helper()
	dir := t.TempDir()
	args := strings.Fields("phantom --levels T12-L3 --columns 24 --rows 24 --pixel-spacing 3 --spacing 8 --out " + dir + " " + strings.Join(arguments, " "))
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), args, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Analyses []struct {
			Vertebrae []map[string]any `json:"vertebrae"`
		} `json:"analyses"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	byLevel := map[string]map[string]any{}
	for _, v := range file.Analyses[0].Vertebrae {
		byLevel[v["level"].(string)] = v
	}
	return byLevel
}

func TestTruthOfEverything(t *testing.T) {
	p, got := drawn(t, everything), ctOf(t, everything)
	s := phantom.New(p)
	seen := 0
	for i, m := range s.Truth().Vertebrae {
		v := got[m.Level.String()]
		if v == nil || m.Level == spine.S1 {
			continue
		}
		seen++
		for key, want := range wantTruth(s, p.Vertebrae[i], m) {
			if diff := cmp.Diff(want, v[key], cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
				t.Errorf("%v: %s (-want +got):\n%s", m.Level, key, diff)
			}
		}
	}
	if seen < 4 {
		t.Errorf("%d vertebrae in the truth, want T12 to L3", seen)
	}
	// What was asked for is what the truth tells, but for the grids by which it is summed.
	for _, tt := range []struct {
		level, path     string
		want, tolerance float64
	}{
		{"L1", "posterior_wall retropulsion_mm", 6, 0.2},
		{"L1", "posterior_wall gap_percent", 30, 0.5},
		{"L1", "deformity worst_loss_percent", 30, 2},
		{"L1", "cement inside_ml", 3.5, 0.2},
		{"T12", "vacuum_cleft volume_ml", 1.2, 0.03},
		{"L2", "lesions lytic_percent", 20, 0.5},
		{"L3", "lesions sclerotic_percent", 10, 0.3},
	} {
		group, key, _ := strings.Cut(tt.path, " ")
		if x := got[tt.level][group].(map[string]any)[key].(float64); math.Abs(x-tt.want) > tt.tolerance {
			t.Errorf("%s: %s = %.3f, want %g", tt.level, tt.path, x, tt.want)
		}
	}
}

// One vertebra's change leaves what is drawn of all others, and of it, as it was.
func TestChangesAreIndependent(t *testing.T) {
	level := func(p phantom.Params, l spine.Level) phantom.Vertebra {
		return p.Vertebrae[slices.IndexFunc(p.Vertebrae, func(v phantom.Vertebra) bool { return v.Level == l })]
	}
	plain, all := drawn(t, nil), drawn(t, everything)
	if diff := cmp.Diff(level(plain, spine.L4), level(all, spine.L4)); diff != "" {
		t.Errorf("L4 (-want +got):\n%s", diff)
	}
	one := drawn(t, []string{"--screws L2"})
	if diff := cmp.Diff(level(one, spine.L2).Screws, level(all, spine.L2).Screws); diff != "" {
		t.Errorf("screws of L2 (-want +got):\n%s", diff)
	}
	if got, want := level(all, spine.L3).CanalAP, 0.7*level(plain, spine.L3).CanalAP; math.Abs(got-want) > 1e-9 {
		t.Errorf("L3: canal of %.3f mm, want %.3f", got, want)
	}
}

// wantTruth returns what the truth of the tissues of v must hold, as JSON has it.
func wantTruth(s *phantom.Spine, v phantom.Vertebra, m phantom.Measured) map[string]any {
	c, _ := s.Canal(m.Level)
	want := map[string]any{
		"attenuation":    map[string]any{"median_hu": m.TrabecularHU},
		"disc_gas_below": m.Tissue.DiscGas,
		"lesions": map[string]any{
			"lytic_percent": 100 * m.Tissue.LyticShare, "sclerotic_percent": 100 * m.Tissue.ScleroticShare,
		},
		"vacuum_cleft":   map[string]any{"present": m.Tissue.CleftVolume > 0, "volume_ml": m.Tissue.CleftVolume},
		"posterior_wall": map[string]any{"retropulsion_mm": m.Retropulsion, "gap_percent": 100 * m.WallGap},
		"canal": map[string]any{
			"x": m.Canal.X, "y": m.Canal.Y, "z": m.Canal.Z, "ap_mm": c.AP, "area_mm2": c.Area,
			"narrowest_ap_mm": c.NarrowestAP, "narrowest_area_mm2": c.NarrowestArea,
		},
	}
	pedicle := func(eroded float64) any {
		status := map[bool]string{false: "PRESENT", true: "ERODED_OR_LYTIC"}[eroded > 0]
		return map[string]any{"status": status, "eroded_percent": 100 * eroded}
	}
	want["pedicles"] = map[string]any{"left": pedicle(m.Tissue.LeftErosion), "right": pedicle(m.Tissue.RightErosion)}
	if len(v.Screws) > 0 {
		var screws []any
		for i, side := range []string{"LEFT", "RIGHT"} {
			k := v.Screws[i]
			screws = append(screws, map[string]any{
				"side": side, "diameter_mm": k.Diameter, "length_mm": k.Length, "medial_deg": k.Medial, "head_width_mm": k.HeadWidth,
			})
		}
		want["screws"] = screws
	}
	if len(v.Osteophytes) > 0 {
		want["osteophytes"] = []any{map[string]any{"endplate": "superior", "length_mm": 4.0, "left_mm": 0.0, "width_mm": 10.0}}
	}
	if k := m.Cement; k != nil {
		places := []string{"CANAL", "FORAMEN", "PARAVERTEBRAL", "SUPERIOR_DISC", "INFERIOR_DISC"} // as the flag has them
		var leaks []any
		for i, l := range k.Leaks {
			leaks = append(leaks, map[string]any{"place": places[i], "volume_ml": l.Volume, "distance_mm": l.Distance})
		}
		want["cement"] = map[string]any{
			"volume_ml": k.Volume, "inside_ml": k.Inside,
			"body_share_percent": 1e5 * k.Inside / m.Volume, "left_share_percent": 100 * k.Left,
			"center":           map[string]any{"x": k.Center.X, "y": k.Center.Y, "z": k.Center.Z},
			"superior_contact": map[string]any{"gap_mm": k.SuperiorGap}, "inferior_contact": map[string]any{"gap_mm": k.InferiorGap},
			"leaks": leaks, "attenuation_hu": v.Cement.HU,
		}
	}
	return want
}
