// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/landmark"
)

// annotation is what a viewer draws of one measurement group.
type annotation struct {
	Tool, UID, Frame, Unit string
	Sites                  []string
	Points                 [][3]float64
	Value                  float64
}

// annotationsOf returns what Cornerstone's adapters, which OHIF reads with, make of a
// report. .ci/run installs them.
func annotationsOf(t *testing.T, report string) []annotation {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join("..", "..", "..", ".tmp", "cornerstone", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	esbuild := filepath.Join(modules, ".bin", "esbuild")
	if _, err := os.Stat(filepath.Join(modules, "@cornerstonejs", "adapters")); err != nil {
		t.Skip("without Cornerstone's adapters: ", err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "adapters.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source, bundle := filepath.Join(dir, "adapters.mjs"), filepath.Join(dir, "adapters.cjs")
	if err := os.WriteFile(source, script, 0o600); err != nil {
		t.Fatal(err)
	}
	// The adapters are made for browsers: they want their modules bundled, and a
	// window to look at.
	cmd := exec.Command(tool(t, "node"), esbuild, source, "--bundle", "--platform=node", "--format=cjs", "--log-level=error", "--outfile="+bundle,
		"--banner:js=globalThis.window=globalThis;globalThis.self=globalThis;globalThis.location={};globalThis.document={createElement:()=>({style:{}})};")
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(tool(t, "node"), bundle, report).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []annotation
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v\n%.500s", err, out)
	}
	return all
}

// shownWithin is the rounding of numbers of two digits before the point as viewers show
// them, mm and degrees, and a little.
const shownWithin = 0.0051

// A viewer draws every height between its landmarks and every angle between its
// endplates, with the number and the vertebra.
func TestCornerstoneDrawsTheMeasurements(t *testing.T) {
	t.Parallel()
	o, r := originOf(t, "a"), measured(t)
	all := annotationsOf(t, writtenTo(t, reportOf(t, o, r, provenance())))
	byUID := map[string]annotation{}
	for _, a := range all {
		byUID[a.UID] = a
		if a.Frame != o.FrameOfReferenceUID {
			t.Errorf("%s in frame %s", a.Tool, a.Frame)
		}
	}
	lengths := 0
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Heights == nil {
			continue
		}
		for name, points := range map[string][2]landmark.Name{
			"anterior":  {landmark.SuperiorAnterior, landmark.InferiorAnterior},
			"middle":    {landmark.SuperiorMiddle, landmark.InferiorMiddle},
			"posterior": {landmark.SuperiorPosterior, landmark.InferiorPosterior},
		} {
			a := byUID[o.TrackingUID("line", v.Level.String(), name)]
			checkLine(t, v, a, points)
			lengths++
		}
	}
	angles := 0
	for _, x := range r.Angles {
		a := byUID[o.TrackingUID("angle", x.Name, x.Level.String())]
		if a.Tool != "CobbAngle" || len(a.Points) != 4 || math.Abs(a.Value-x.Degrees) > shownWithin || a.Unit != "deg" {
			t.Errorf("%s %v is drawn as %+v", x.Name, x.Level, a)
		}
		angles++
	}
	if len(all) != lengths+angles || lengths == 0 || angles == 0 {
		t.Errorf("%d annotations for %d heights and %d angles", len(all), lengths, angles)
	}
}

func checkLine(t *testing.T, v *analysis.Vertebra, a annotation, points [2]landmark.Name) {
	t.Helper()
	if a.Tool != "Length" || len(a.Points) != 2 || a.Unit != "mm" || len(a.Sites) != 1 || a.Sites[0] != v.Level.String()+" vertebra" {
		t.Errorf("%v is drawn as %+v", v.Level, a)
		return
	}
	var at [2]r3.Vec
	for i, p := range a.Points {
		at[i] = r3.Vec{X: p[0], Y: p[1], Z: p[2]}
		if d := r3.Norm(r3.Sub(at[i], v.Landmarks.Point(points[i]).Position)); d > 1e-4 {
			t.Errorf("%v: %v is %g mm away", v.Level, points[i], d)
		}
	}
	if length := r3.Norm(r3.Sub(at[0], at[1])); math.Abs(length-a.Value) > shownWithin {
		t.Errorf("%v: %g mm long, and the number is %g", v.Level, length, a.Value)
	}
}
