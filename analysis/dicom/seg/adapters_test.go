// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
)

// drawn is what a viewer has of one segment: by image, how many pixels it has, and the
// sum of their places.
type drawn struct {
	Number      int
	Label, Type string
	Color       []int
	Count, Sum  []int
}

// drawnBy returns what Cornerstone's adapters, which OHIF reads with, make of a
// Segmentation of the images of o. .ci/run installs them.
func drawnBy(t *testing.T, o *dicom.Origin, path string) []drawn {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join("..", "..", "..", ".tmp", "cornerstone", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@cornerstonejs", "adapters")); err != nil {
		t.Skip("without Cornerstone's adapters: ", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("without node: ", err)
	}
	dir := t.TempDir()
	script, err := os.ReadFile(filepath.Join("testdata", "adapters.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	source, bundle := filepath.Join(dir, "adapters.mjs"), filepath.Join(dir, "bundle.cjs")
	if err := os.WriteFile(source, script, 0o600); err != nil {
		t.Fatal(err)
	}
	// The adapters are made for browsers: they want their modules bundled, and a
	// window to look at.
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(modules, ".bin", "esbuild"), source,
		"--bundle", "--platform=node", "--format=cjs", "--log-level=error", "--outfile="+bundle,
		"--banner:js=globalThis.window=globalThis;globalThis.self=globalThis;globalThis.location={};globalThis.document={createElement:()=>({style:{}})};")
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), node, bundle, path, imagesFile(t, dir, o))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []drawn
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v\n%.500s", err, out)
	}
	return all
}

// imagesFile writes what a viewer knows of the images.
func imagesFile(t *testing.T, dir string, o *dicom.Origin) string {
	t.Helper()
	type image struct {
		UID      string
		Position [3]float64
	}
	c, r := r3.Unit(o.Geometry.Column), r3.Unit(o.Geometry.Row)
	told := struct {
		Rows, Columns                          int
		Orientation                            [6]float64
		FrameOfReferenceUID, SeriesInstanceUID string
		Images                                 []image
	}{o.Geometry.Rows, o.Geometry.Columns, [6]float64{c.X, c.Y, c.Z, r.X, r.Y, r.Z}, o.FrameOfReferenceUID, o.SeriesInstanceUID, nil}
	for _, m := range o.Images {
		told.Images = append(told.Images, image{m.SOPInstanceUID, [3]float64{m.Position.X, m.Position.Y, m.Position.Z}})
	}
	b, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "images.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A viewer gets every segment, with its name and colour and each pixel on its image.
func TestCornerstoneDrawsTheSegments(t *testing.T) {
	t.Parallel()
	o, r := origin(t, geometries()["tilted"]), column()
	d, err := New(o, r, provenance)
	all := drawnBy(t, o, saved(t, written(t, d, err)))
	segments, frames, err := collect(o, gridOf(o), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(segments) {
		t.Fatalf("%d segments are drawn, want %d", len(all), len(segments))
	}
	want := make([]drawn, len(segments))
	for i, s := range segments {
		lab := s.color.lab()
		want[i] = drawn{i + 1, s.label, s.kind.Meaning, lab[:], make([]int, len(o.Images)), make([]int, len(o.Images))}
	}
	for _, f := range frames {
		for _, run := range f.runs {
			for at := run.from; at < run.to; at++ {
				want[f.segment].Count[f.image]++
				want[f.segment].Sum[f.image] += at
			}
		}
	}
	for i := range want {
		got, err := json.Marshal(all[i])
		if err != nil {
			t.Fatal(err)
		}
		expected, err := json.Marshal(want[i])
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(expected) {
			t.Errorf("segment %d is drawn as\n%s\nwant\n%s", i+1, got, expected)
		}
	}
}
