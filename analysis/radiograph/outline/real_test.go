// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package outline_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph/projection"
	"github.com/endplate/endplate/analysis/spine"
)

// realPatient reads a CT of the shared data; its landmarks are measured, not known.
func realPatient(t *testing.T, name string) patient {
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
	return patient{name: name, volume: read.Volume}.with(r)
}

func (p patient) with(r *analysis.Result) patient {
	var all []r3.Vec
	for _, v := range r.Vertebrae {
		if v.Status != analysis.Measured || v.Level < spine.T4+4 || v.Level > spine.L5 {
			continue
		}
		k := known{level: v.Level, center: v.Center, left: v.Landmarks.LeftAxis, slopes: [2]r3.Vec{v.Landmarks.Superior.Direction, v.Landmarks.Inferior.Direction}}
		for n := range landmark.Name(landmark.NumPoints) {
			k.points[n] = v.Landmarks.Point(n).Position
		}
		p.column = append(p.column, k)
		all = append(all, v.Center)
	}
	if len(all) > 0 {
		p.middle = all[len(all)/2]
	}
	return p
}

// Two seeds on films rendered of real CTs: 2.5 and 4.25 mm between slices, so that the films
// are soft.
func TestFitOnRealCTs(t *testing.T) {
	t.Parallel()
	if os.Getenv("ENDPLATE_FILMS") == "" {
		t.Skip("ENDPLATE_FILMS is not set")
	}
	var all, beside tally
	for p, name := range []string{"lidc1", "petct2"} {
		who := realPatient(t, name)
		if len(who.column) < 4 {
			t.Errorf("%s: %d vertebrae measured in the CT", name, len(who.column))
			continue
		}
		bodies := map[float64]*projection.Body{}
		for n := range uint64(9) {
			f := who.film(900+n, bodies)
			if len(f.column) < 4 {
				continue
			}
			all.add(t, name, &f, rand.New(rand.NewPCG(uint64(p), n)), &beside)
		}
	}
	all.log(t, "real CTs, between the seeds")
	beside.log(t, "real CTs, beside the seeds")
}
