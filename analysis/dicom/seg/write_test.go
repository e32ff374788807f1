// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package seg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/spine"
)

// What is written is read back: every segment with its codes, every frame at the place
// of its image, every pixel.
func TestWrittenIsReadBack(t *testing.T) {
	for name, g := range geometries() {
		t.Run(name, func(t *testing.T) {
			o, r := origin(t, g), column()
			segments, frames, err := collect(o, gridOf(o), r)
			if err != nil {
				t.Fatal(err)
			}
			d, err := New(o, r, provenance)
			s := read(t, written(t, d, err))
			if s.FrameOfReferenceUID != o.FrameOfReferenceUID || s.Kind != Binary || s.Columns != 77 || s.Rows != 95 {
				t.Errorf("read %+v", s)
			}
			if len(s.Segments) != len(segments) || len(s.Frames) != len(frames) {
				t.Fatalf("%d segments and %d frames, wrote %d and %d", len(s.Segments), len(s.Frames), len(segments), len(frames))
			}
			for i, f := range s.Frames {
				image := o.Images[frames[i].image]
				if f.Segment != frames[i].segment+1 || f.Source != image.SOPInstanceUID || r3.Norm(r3.Sub(f.Position, image.Position)) > 1e-9 {
					t.Fatalf("frame %d: %+v, want segment %d at %v of %s", i, f, frames[i].segment+1, image.Position, image.SOPInstanceUID)
				}
				got, want := make([]int32, 77*95), make([]int32, 77*95)
				if err := s.pixels.decode(t.Context(), i, got); err != nil {
					t.Fatal(err)
				}
				for _, run := range frames[i].runs {
					for at := run.from; at < run.to; at++ {
						want[at] = 1
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("frame %d: pixels differ", i)
				}
			}
		})
	}
}

func TestSegmentsSayWhatTheyAre(t *testing.T) {
	o := origin(t, geometries()["plain"])
	d, err := New(o, column(), provenance)
	s := read(t, written(t, d, err))
	type told struct {
		Label        string
		Type, Region code.Code
		Level        spine.Level
		TrackingID   string
		TrackingUID  string
	}
	var got []told
	for _, g := range s.Segments {
		got = append(got, told{g.Label, g.Type, g.Region, g.Level, g.TrackingID, g.TrackingUID})
	}
	level := func(l spine.Level) code.Code { c, _ := code.Level(l); return c }
	want := []told{
		{"T12 vertebral body", code.VertebralBody, level(spine.T12), spine.T12, "T12 vertebra", o.TrackingUID("T12")},
		{"L1 vertebral body", code.VertebralBody, level(spine.L1), spine.L1, "L1 vertebra", o.TrackingUID("L1")},
		{"L2 vertebral body", code.VertebralBody, level(spine.L2), spine.L2, "L2 vertebra", o.TrackingUID("L2")},
		{"Vertebral canal", code.VertebralCanal, code.Spine, spine.Unknown, "Vertebral canal", o.TrackingUID("canal")},
		{"L1 bone cement", code.BoneCement, level(spine.L1), spine.Unknown, "L1 bone cement", o.TrackingUID("L1", "cement")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("segments (-want +got):\n%s", diff)
	}
	if want := "The level is T12 with a probability of 93 %."; s.Segments[0].Description != want {
		t.Errorf("described as %q, want %q", s.Segments[0].Description, want)
	}
}

// What is done again has the same bytes; at another time it has the same names.
func TestTheSameIsWrittenTwice(t *testing.T) {
	o, r := origin(t, geometries()["tilted"]), column()
	first, err := New(o, r, provenance)
	b := written(t, first, err)
	again, err := New(o, r, provenance)
	if !bytes.Equal(b, written(t, again, err)) {
		t.Error("other bytes for the same")
	}
	later := provenance
	later.ContentTime = later.ContentTime.AddDate(1, 0, 0)
	second, err := New(o, r, later)
	if s, u := read(t, b), read(t, written(t, second, err)); s.SOPInstanceUID != u.SOPInstanceUID || s.SeriesInstanceUID != u.SeriesInstanceUID {
		t.Error("another UID at another time")
	}
	revised := provenance
	revised.Revision = 1
	third, err := New(o, r, revised)
	if s, u := read(t, b), read(t, written(t, third, err)); s.SOPInstanceUID == u.SOPInstanceUID || s.SeriesInstanceUID != u.SeriesInstanceUID {
		t.Error("a revision is no object of its own in the same series")
	}
}

func TestNothingToWrite(t *testing.T) {
	o := origin(t, geometries()["plain"])
	if _, err := New(o, &analysis.Result{Reason: "no spine was found"}, provenance); !errors.Is(err, ErrNothing) {
		t.Errorf("%v, want ErrNothing", err)
	}
	r := column()
	r.Grid.Columns = 0
	if _, err := New(o, r, provenance); err == nil {
		t.Error("cement without a grid is written")
	}
}

// pydicomReads prints what pydicom finds in a Segmentation.
const pydicomReads = `
import sys, json, hashlib, pydicom
d = pydicom.dcmread(sys.argv[1])
pixels = d.pixel_array
measures = d.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
orientation = d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
json.dump({
	"segments": [[s.SegmentLabel, s.SegmentedPropertyTypeCodeSequence[0].CodeValue, s.AnatomicRegionSequence[0].CodeValue,
		s.TrackingUID] for s in d.SegmentSequence],
	"spacing": [float(x) for x in measures.PixelSpacing],
	"orientation": [float(x) for x in orientation.ImageOrientationPatient],
	"frames": [{
		"segment": f.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
		"position": [float(x) for x in f.PlanePositionSequence[0].ImagePositionPatient],
		"source": f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID,
		"pixels": hashlib.sha256(pixels[n].astype("uint8").tobytes()).hexdigest(),
	} for n, f in enumerate(d.PerFrameFunctionalGroupsSequence)],
}, sys.stdout)
`

func TestPydicomReadsEveryPixel(t *testing.T) {
	t.Parallel()
	python := pydicom(t)
	for _, name := range []string{"plain", "tilted"} {
		o, r := origin(t, geometries()[name]), column()
		d, err := New(o, r, provenance)
		path := saved(t, written(t, d, err))
		out, err := exec.CommandContext(t.Context(), python, "-c", pydicomReads, path).Output()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Segments             [][4]string
			Spacing, Orientation []float64
			Frames               []struct {
				Segment        int
				Position       [3]float64
				Source, Pixels string
			}
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		segments, frames, err := collect(o, gridOf(o), r)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Segments) != len(segments) || len(got.Frames) != len(frames) {
			t.Fatalf("%s: %d segments and %d frames, wrote %d and %d", name, len(got.Segments), len(got.Frames), len(segments), len(frames))
		}
		for i, s := range segments {
			if want := [4]string{s.label, s.kind.Value, s.region.Value, s.trackingUID}; got.Segments[i] != want {
				t.Errorf("%s: segment %d: %q, want %q", name, i, got.Segments[i], want)
			}
		}
		if got.Spacing[0] != 1.1 || got.Spacing[1] != 1 {
			t.Errorf("%s: spacing of rows and columns %v", name, got.Spacing)
		}
		for i, f := range frames {
			plain := make([]byte, 77*95)
			for _, run := range f.runs {
				for at := run.from; at < run.to; at++ {
					plain[at] = 1
				}
			}
			sum, image := sha256.Sum256(plain), o.Images[f.image]
			p := r3.Vec{X: got.Frames[i].Position[0], Y: got.Frames[i].Position[1], Z: got.Frames[i].Position[2]}
			if got.Frames[i].Segment != f.segment+1 || got.Frames[i].Source != image.SOPInstanceUID ||
				r3.Norm(r3.Sub(p, image.Position)) > 1e-9 || got.Frames[i].Pixels != hex.EncodeToString(sum[:]) {
				t.Fatalf("%s: frame %d: %+v", name, i, got.Frames[i])
			}
		}
	}
}

// dciodvfy and dcentvfy, of dicom3tools, find no error in the object, nor between it
// and its images.
func TestValidatorsFindNoError(t *testing.T) {
	t.Parallel()
	for name, g := range geometries() {
		o := origin(t, g)
		d, err := New(o, column(), provenance)
		path := saved(t, written(t, d, err))
		for _, complaint := range complaints(t, "dciodvfy", "-new", path) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

// Of images that were compressed with loss, and of labels that the user gave, the object
// tells, in a way in which validators find no error.
func TestWhereSegmentsAreFrom(t *testing.T) {
	t.Parallel()
	o := origin(t, geometries()["plain"])
	o.Lossy = &dataset.Dataset{}
	o.Lossy.Text(tag.LossyImageCompression, "CS", "01")
	o.Lossy.Floats(tag.LossyImageCompressionRatio, "DS", 4.5)
	o.Lossy.Text(tag.LossyImageCompressionMethod, "CS", "ISO_15444_1")
	by := provenance
	by.Labelled = true
	d, err := New(o, column(), by)
	b := written(t, d, err)
	if d.Value(tag.LossyImageCompression) != "01" || d.Value(tag.LossyImageCompressionMethod) != "ISO_15444_1" {
		t.Errorf("compressed %q by %q", d.Value(tag.LossyImageCompression), d.Value(tag.LossyImageCompressionMethod))
	}
	for _, s := range d.Items(tag.SegmentSequence) {
		want := "SEMIAUTOMATIC"
		if strings.HasSuffix(s.Value(tag.SegmentLabel), "bone cement") { // of the image, whatever the labels say
			want = "AUTOMATIC"
		}
		if got := s.Value(tag.SegmentAlgorithmType); got != want {
			t.Errorf("%s is %s, want %s", s.Value(tag.SegmentLabel), got, want)
		}
	}
	for _, complaint := range complaints(t, "dciodvfy", "-new", saved(t, b)) {
		t.Error(complaint)
	}
}

// complaints returns the errors that a validator finds.
func complaints(t *testing.T, program string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("without %s: %v", program, err)
	}
	out, _ := exec.CommandContext(t.Context(), program, args...).CombinedOutput() // its status tells of warnings too
	var errs []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") {
			errs = append(errs, strings.TrimSpace(line))
		}
	}
	if !bytes.Contains(out, []byte("Segmentation")) {
		errs = append(errs, "not taken for a Segmentation: "+string(out))
	}
	return errs
}

func saved(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seg.dcm")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pydicom(t testing.TB) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import pydicom, numpy").Run() == nil {
			return candidate
		}
	}
	t.Skip("without pydicom and numpy")
	return ""
}

// The recommended colours are those of a table, and differ from level to level.
func TestColors(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    color
		want [3]float64 // L*, a*, b*, under D50: the sRGB profile's primaries (IEC 61966-2-1)
	}{
		{"white", color{1, 1, 1}, [3]float64{100, 0, 0}},
		{"red", color{1, 0, 0}, [3]float64{54.29, 80.81, 69.89}},
		{"green", color{0, 1, 0}, [3]float64{87.82, -79.27, 80.99}},
		{"blue", color{0, 0, 1}, [3]float64{29.57, 68.30, -112.03}},
	} {
		lab := tt.c.lab()
		got := [3]float64{float64(lab[0]) / 655.35, float64(lab[1])/257 - 128, float64(lab[2])/257 - 128}
		for i := range got {
			if d := got[i] - tt.want[i]; d > 0.05 || d < -0.05 {
				t.Errorf("%s: %.2f, want %.2f", tt.name, got, tt.want)
			}
		}
	}
	seen := map[[3]int]spine.Level{}
	for l := spine.C1; l <= spine.T13; l++ {
		lab := bodyColor(l).lab()
		if other, twice := seen[lab]; twice {
			t.Errorf("%v has the colour of %v", l, other)
		}
		seen[lab] = l
	}
}
