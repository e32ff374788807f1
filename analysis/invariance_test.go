// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/analysis/volume"
)

// sameMM is how far heights may differ where only the storage differs.
const sameMM = 0.05

// lumbar is a small examination that the tests of invariance share: T12 to L2,
// with a wedge fracture of L1.
var lumbar = sync.OnceValue(func() examination {
	e := examination{name: "lumbar", seed: 7}
	e.spine = phantom.New(lumbarParams())
	e.scan = e.spine.Cover(spine.T12, spine.L2, 12, 110, 0.9, 1)
	e.scan.Noise, e.scan.Seed = 10, e.seed
	return e
})

func lumbarParams() phantom.Params {
	return phantom.RandomParams(newRand(7), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, 35)},
	})
}

var lumbarCT = sync.OnceValue(func() *volume.Volume { e := lumbar(); return e.spine.CT(e.scan) })

// lumbarResult measures lumbarCT once for all tests.
func lumbarResult(t testing.TB) *analysis.Result {
	t.Helper()
	lumbarOnce.Do(func() { lumbarMeasured = measureCT(t, lumbarCT()) })
	if lumbarMeasured == nil {
		t.Fatal("not measured")
	}
	if len(measured(lumbarMeasured)) < 3 {
		for _, v := range lumbarMeasured.Vertebrae {
			t.Logf("%v: %v %s", v.Level, v.Status, v.Reason)
		}
		t.Fatal("T12 to L2 are not all measured")
	}
	return lumbarMeasured
}

var (
	lumbarOnce     sync.Once
	lumbarMeasured *analysis.Result
)

func measured(r *analysis.Result) []*analysis.Vertebra {
	var vs []*analysis.Vertebra
	for i := range r.Vertebrae {
		if r.Vertebrae[i].Status == analysis.Measured {
			vs = append(vs, &r.Vertebrae[i])
		}
	}
	return vs
}

// sameHeights compares two results, vertebra by vertebra, the second's centres
// standing off by move.
func sameHeights(t *testing.T, want, got *analysis.Result, move r3.Vec, tolerance float64) {
	t.Helper()
	w, g := measured(want), measured(got)
	if len(w) != len(g) {
		t.Fatalf("%d vertebrae measured, want %d", len(g), len(w))
	}
	for i := range w {
		if g[i].Level != w[i].Level {
			t.Errorf("%v called %v", w[i].Level, g[i].Level)
		}
		if d := r3.Norm(r3.Sub(g[i].Center, r3.Add(w[i].Center, move))); d > tolerance {
			t.Errorf("%v: centre off by %.3f mm", w[i].Level, d)
		}
		for n, d := range heightDifferences(w[i], g[i]) {
			if math.Abs(d) > tolerance {
				t.Errorf("%v: height %d differs by %+.3f mm, want at most %.2f", w[i].Level, n, d, tolerance)
			}
		}
	}
}

func heightDifferences(a, b *analysis.Vertebra) [3]float64 {
	return [3]float64{b.Heights.Anterior - a.Heights.Anterior, b.Heights.Middle - a.Heights.Middle, b.Heights.Posterior - a.Heights.Posterior}
}

// instances writes vol as DICOM.
func instances(t *testing.T, vol *volume.Volume) [][]byte {
	t.Helper()
	var files [][]byte
	_, err := dicom.WriteCT(vol, dicom.SyntheticCT{Study: t.Name()}, func(_ int, b []byte) error {
		files = append(files, bytes.Clone(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// read assembles the instances, named as name says, in the given order.
func read(t *testing.T, files [][]byte, name func(n int) string) *volume.Volume {
	t.Helper()
	series, skipped, err := dicom.ReadSeries(t.Context(), inMemory(files, name), dicom.Options{})
	if err != nil || len(series) != 1 || len(skipped) > 0 {
		t.Fatalf("%d series, skipped %v, error %v", len(series), skipped, err)
	}
	return series[0].Volume
}

func inMemory(files [][]byte, name func(n int) string) iter.Seq2[dicom.Source, error] {
	return func(yield func(dicom.Source, error) bool) {
		for n, b := range files {
			s := dicom.Source{Name: name(n), Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(b)), nil
			}}
			if !yield(s, nil) {
				return
			}
		}
	}
}

func numbered(n int) string { return fmt.Sprintf("%04d.dcm", n) }

// sameVolume compares samples and places of two canonical volumes; the second
// may stand off by move.
func sameVolume(t *testing.T, want, got *volume.Volume, move r3.Vec) {
	t.Helper()
	const tolerance = 1e-6 // mm; decimal strings of DICOM hold 16 characters
	if !slices.Equal(want.Samples, got.Samples) {
		t.Error("samples differ")
	}
	last := func(v *volume.Volume) r3.Vec {
		return v.Position(float64(v.Columns-1), float64(v.Rows-1), float64(v.Slices-1))
	}
	for _, d := range []r3.Vec{r3.Sub(got.Origin, want.Origin), r3.Sub(last(got), last(want))} {
		if r3.Norm(r3.Sub(d, move)) > tolerance {
			t.Errorf("corner off by %v mm, want %v", d, move)
		}
	}
}

func TestOrderAndNamesOfSlicesChangeNothing(t *testing.T) {
	files := instances(t, lumbarCT())
	rng := newRand(1)
	rng.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	got := read(t, files, func(n int) string { return fmt.Sprintf("%x", rng.Uint64()) })
	sameVolume(t, lumbarCT(), got.Canonical(), r3.Vec{})
	sameHeights(t, lumbarResult(t), measureCT(t, got), r3.Vec{}, sameMM)
}

// stored returns vol, which is canonical, with its samples stored as in an
// acquisition in another patient position: the same image of the same patient.
func stored(vol *volume.Volume, position string) *volume.Volume {
	target := phantom.Scan{PixelSpacing: 1, SliceSpacing: 1, PatientPosition: position}.Geometry()
	axes := [3]r3.Vec{target.Column, target.Row, target.Slice}
	from := [3]r3.Vec{vol.Column, vol.Row, vol.Slice}
	size := [3]int{vol.Columns, vol.Rows, vol.Slices}
	stride := [3]int{1, vol.Columns, vol.Columns * vol.Rows}
	var to [3]r3.Vec
	var toSize, toStride [3]int
	origin, start := vol.Origin, 0
	for d, axis := range axes {
		n := slices.IndexFunc(from[:], func(s r3.Vec) bool { return math.Abs(r3.Dot(r3.Unit(s), axis)) > 0.5 })
		to[d], toSize[d], toStride[d] = from[n], size[n], stride[n]
		if r3.Dot(from[n], axis) < 0 {
			origin = r3.Add(origin, r3.Scale(float64(size[n]-1), from[n]))
			start += (size[n] - 1) * stride[n]
			to[d], toStride[d] = r3.Scale(-1, from[n]), -stride[n]
		}
	}
	w := volume.New(volume.Geometry{
		Columns: toSize[0], Rows: toSize[1], Slices: toSize[2],
		Origin: origin, Column: to[0], Row: to[1], Slice: to[2],
	})
	w.Acquisition = vol.Acquisition
	w.Acquisition.PatientPosition = position
	n := 0
	for k := range w.Slices {
		for j := range w.Rows {
			for i := range w.Columns {
				w.Samples[n] = vol.Samples[start+i*toStride[0]+j*toStride[1]+k*toStride[2]]
				n++
			}
		}
	}
	return w
}

func TestPatientPositionChangesNothing(t *testing.T) {
	for _, position := range []string{"HFS", "HFP", "HFDL", "HFDR", "FFS", "FFP", "FFDL", "FFDR"} {
		t.Run(position, func(t *testing.T) {
			got := read(t, instances(t, stored(lumbarCT(), position)), numbered)
			sameVolume(t, lumbarCT(), got.Canonical(), r3.Vec{})
			if position == "FFDR" { // the others give the very same volume
				sameHeights(t, lumbarResult(t), measureCT(t, got), r3.Vec{}, sameMM)
			}
		})
	}
}

// The second table position lies past the numbers that a short integer holds, and
// off any voxel's centre.
func TestTablePositionMovesTheCentresAlone(t *testing.T) {
	move := r3.Vec{X: 41.37, Y: -288.613, Z: -33012.841}
	moved := *lumbarCT()
	moved.Origin = r3.Add(moved.Origin, move)
	got := read(t, instances(t, &moved), numbered)
	sameVolume(t, lumbarCT(), got.Canonical(), move)
	sameHeights(t, lumbarResult(t), measureCT(t, got), move, sameMM)
}

// Programs of others write the transfer syntaxes.
func TestTransferSyntaxChangesNothing(t *testing.T) {
	for _, tt := range []struct {
		name, program string
		args          []string
	}{
		{"deflated", "dcmconv", []string{"+td"}},
		{"big endian", "dcmconv", []string{"+tb"}},
		{"RLE", "dcmcrle", nil},
		{"JPEG lossless", "dcmcjpeg", nil},
		{"JPEG-LS", "dcmcjpls", nil},
		{"JPEG 2000", "gdcmconv", []string{"--j2k"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(tt.program)
			if err != nil {
				t.Skip(err)
			}
			// Part of the slices, as a process is started for each.
			short := firstSlices(lumbarCT(), 8)
			files := instances(t, short)
			for n, b := range files {
				files[n] = transcode(t, program, tt.args, b)
			}
			sameVolume(t, short, read(t, files, numbered).Canonical(), r3.Vec{})
		})
	}
}

func firstSlices(v *volume.Volume, n int) *volume.Volume {
	w := *v
	w.Slices = n
	w.Samples = v.Samples[:n*v.Rows*v.Columns]
	return &w
}

func transcode(t *testing.T, program string, args []string, instance []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, instance, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), program, append(slices.Clone(args), in, out)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withinDeviations asks that nearly all heights differ by less than the greater of
// their two standard deviations, and none by twice as much: now and then noise
// decides how a plate ends at the wall of a fractured body.
func withinDeviations(t *testing.T, want, got *analysis.Result) {
	t.Helper()
	w, g := measured(want), measured(got)
	if len(w) != len(g) {
		t.Fatalf("%d vertebrae measured, want %d", len(g), len(w))
	}
	const leastWithin = 85 // percent: 8 of 9 heights
	within, all := 0, 0
	for i := range w {
		a, b := w[i].Heights, g[i].Heights
		sd := [3]float64{max(a.AnteriorSD, b.AnteriorSD), max(a.MiddleSD, b.MiddleSD), max(a.PosteriorSD, b.PosteriorSD)}
		for n, d := range heightDifferences(w[i], g[i]) {
			t.Logf("%v: %+.3f mm, sd %.3f", w[i].Level, d, sd[n])
			all++
			if math.Abs(d) <= sd[n] {
				within++
			}
			if math.Abs(d) > 2*sd[n] {
				t.Errorf("%v: height %d differs by %+.3f mm, more than twice its standard deviation of %.3f", w[i].Level, n, d, sd[n])
			}
		}
	}
	if share(within, all) < leastWithin {
		t.Errorf("%d of %d heights differ by less than their standard deviation", within, all)
	}
}

func TestNoiseStaysWithinTheDeviations(t *testing.T) {
	scan := lumbar().scan
	scan.Noise = 25
	withinDeviations(t, lumbarResult(t), measureCT(t, lumbar().spine.CT(scan)))
}

func TestContrastAgentStaysWithinTheDeviations(t *testing.T) {
	p := lumbarParams()
	p.VesselHU = 320
	withinDeviations(t, lumbarResult(t), measureCT(t, phantom.New(p).CT(lumbar().scan)))
}

// mirrored returns the volume of the patient's mirror image, left for right.
func mirrored(v *volume.Volume) *volume.Volume {
	w := volume.New(v.Geometry)
	w.Acquisition = v.Acquisition
	w.Origin.X = -(v.Origin.X + float64(v.Columns-1)*v.Column.X)
	for row := 0; row < len(v.Samples); row += v.Columns {
		for i := range v.Columns {
			w.Samples[row+i] = v.Samples[row+v.Columns-1-i]
		}
	}
	return w
}

func TestMirrorImageHasTheSameHeightsAndAngles(t *testing.T) {
	want, got := lumbarResult(t), measureCT(t, mirrored(lumbarCT()))
	reflected := *got
	reflected.Vertebrae = slices.Clone(got.Vertebrae)
	for i := range reflected.Vertebrae {
		reflected.Vertebrae[i].Center.X *= -1
	}
	// Searches that run from the right to the left side end elsewhere by a little:
	// twice what storage may change.
	sameHeights(t, want, &reflected, r3.Vec{}, 2*sameMM)
	const sameDeg = 0.2 // sameMM across half a body's depth
	for i, v := range measured(got) {
		if d := v.WedgeAngle.Value - measured(want)[i].WedgeAngle.Value; math.Abs(d) > sameDeg {
			t.Errorf("%v: wedge angle differs by %+.2f°", v.Level, d)
		}
	}
}

// The patient lies elsewhere in the grid by part of a voxel: centres follow, and
// heights stay within what phantoms may be off at all.
func TestSubVoxelShiftMovesTheCentresAlone(t *testing.T) {
	e := lumbar()
	e.scan.Noise = 0
	still := measureCT(t, e.spine.CT(e.scan))
	p := lumbarParams()
	move := r3.Vec{X: 0.31, Y: -0.23, Z: 0.44}
	p.Position = r3.Add(p.Position, move)
	got := measureCT(t, phantom.New(p).CT(e.scan))
	sameHeights(t, still, got, move, heightP95)
	const tolerance = 0.2 // mm, a fifth of a slice
	for i, v := range measured(got) {
		if d := r3.Sub(v.Center, r3.Add(measured(still)[i].Center, move)); r3.Norm(d) > tolerance {
			t.Errorf("%v: centre off by %.2f mm", v.Level, d)
		}
	}
}
