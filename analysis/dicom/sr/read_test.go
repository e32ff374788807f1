// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/analysis/landmark"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/spine"
)

func bytesOf(t testing.TB, d *dataset.Dataset) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteFile(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readGroups(t testing.TB, b []byte) []sr.Group {
	t.Helper()
	groups, err := sr.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

// What was written is read: numbers to the last bit, points as precise as FL is.
func TestOwnReportsAreReadBack(t *testing.T) {
	o, r := originOf(t, "a"), measured(t)
	groups := readGroups(t, bytesOf(t, reportOf(t, o, r, provenance())))
	byUID := map[string]sr.Group{}
	for _, g := range groups {
		byUID[g.UID] = g
	}
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		g, ok := byUID[o.TrackingUID(v.Level.String())]
		if !ok || g.Level() != v.Level {
			t.Errorf("%v is read as %v", v.Level, g.Level())
		}
		if v.Heights == nil {
			continue
		}
		found := false
		for _, n := range g.Numbers {
			if n.Meaning == "anterior height" {
				found = n.Concept.Is(code.Height) && n.Unit.Is(code.Millimetre) && n.Value == v.Heights.Anterior && n.SD == v.Heights.AnteriorSD && len(n.Graphics) == 1
			}
		}
		if !found {
			t.Errorf("%v: the anterior height is not read", v.Level)
		}
	}
	placed, err := sr.Landmarks(groups)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := range r.Vertebrae {
		v := &r.Vertebrae[i]
		if v.Landmarks == nil {
			continue
		}
		if placed[want].Level != v.Level || placed[want].FrameOfReferenceUID != o.FrameOfReferenceUID {
			t.Errorf("vertebra %d is %v", want, placed[want].Level)
		}
		for n := range landmark.Name(landmark.NumPoints) {
			if d := r3.Norm(r3.Sub(placed[want].Points[n], v.Landmarks.Point(n).Position)); d > 1e-4 {
				t.Errorf("%v: %v is %g mm away", v.Level, n, d)
			}
		}
		want++
	}
	if len(placed) != want || want == 0 {
		t.Errorf("%d vertebrae placed, want %d", len(placed), want)
	}
}

// byAnother writes, by pydicom, a report as others do: implicit VR, SNOMED RT codes, no
// points by name but the lines of heights, one of them upside down.
const byAnother = `
import sys, pydicom
from pydicom.dataset import Dataset, FileMetaDataset
def code(v, s, m):
    d = Dataset(); d.CodeValue, d.CodingSchemeDesignator, d.CodeMeaning = v, s, m
    return [d]
def item(rel, vt, name, children=(), **kw):
    d = Dataset(); d.RelationshipType, d.ValueType = rel, vt
    d.ConceptNameCodeSequence = name
    for k, v in kw.items(): setattr(d, k, v)
    if children: d.ContentSequence = list(children)
    return d
def height(part, mm, line):
    v = Dataset(); v.NumericValue, v.MeasurementUnitsCodeSequence = str(mm), code("mm", "UCUM", "mm")
    return item("CONTAINS", "NUM", code("121207", "DCM", "Height"), [
        item("HAS CONCEPT MOD", "CODE", code("G-C0E3", "SRT", "Finding Site"), [
            item("HAS CONCEPT MOD", "CODE", code("G-A1F8", "SRT", "Topographical modifier"), ConceptCodeSequence=code(*part))],
            ConceptCodeSequence=code("3572006", "SCT", "Vertebral body")),
        item("INFERRED FROM", "SCOORD3D", code("121055", "DCM", "Path"), GraphicType="POLYLINE", GraphicData=line, ReferencedFrameOfReferenceUID="1.2.3.4"),
    ], MeasuredValueSequence=[v])
group = item("CONTAINS", "CONTAINER", code("125007", "DCM", "Measurement Group"), [
    item("HAS OBS CONTEXT", "TEXT", code("112039", "DCM", "Tracking Identifier"), TextValue="Wirbel L2"),
    item("HAS CONCEPT MOD", "CODE", code("363698007", "SCT", "Finding Site"), ConceptCodeSequence=code("14293000", "SCT", "L2 vertebra")),
    height(("R-404CC", "SRT", "Anterior"), 25, [0, -15, 12.5, 0, -15, -12.5]),
    height(("26216008", "SCT", "Central"), 23, [0, 0, -11.5, 0, 0, 11.5]),
    height(("255551008", "SCT", "Posterior"), 26, [0, 15, 13, 0, 15, -13]),
], ContinuityOfContent="SEPARATE")
d = Dataset()
d.SOPClassUID, d.SOPInstanceUID, d.Modality = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.3", "SR"
d.ValueType, d.ContinuityOfContent = "CONTAINER", "SEPARATE"
d.ConceptNameCodeSequence = code("126000", "DCM", "Imaging Measurement Report")
d.ContentSequence = [item("CONTAINS", "CONTAINER", code("126010", "DCM", "Imaging Measurements"), [group], ContinuityOfContent="SEPARATE")]
d.file_meta = FileMetaDataset()
d.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
d.is_little_endian, d.is_implicit_VR = True, True
d.save_as(sys.argv[1], write_like_original=False)
`

func TestReportsOfOthersAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.dcm")
	if out, err := exec.Command(pydicom(t), "-c", byAnother, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	placed, err := sr.Landmarks(readGroups(t, b))
	if err != nil || len(placed) != 1 {
		t.Fatalf("%v: %+v", err, placed)
	}
	want := sr.Placed{Level: spine.L2, FrameOfReferenceUID: "1.2.3.4", Points: [landmark.NumPoints]r3.Vec{
		{Y: -15, Z: 12.5}, {Z: 11.5}, {Y: 15, Z: 13}, {Y: -15, Z: -12.5}, {Z: -11.5}, {Y: 15, Z: -13},
	}}
	if placed[0] != want {
		t.Errorf("%+v, want %+v", placed[0], want)
	}
}

func TestLandmarksThatCannotBeUsed(t *testing.T) {
	point := func(c code.Code, z float64) sr.Graphic {
		return sr.Graphic{Concept: c, Type: "POINT", Positions: []r3.Vec{{Z: z}}, FrameOfReferenceUID: "1.2"}
	}
	l1, _ := code.Level(spine.L1)
	six := []sr.Graphic{
		point(code.SuperiorAnterior, 1), point(code.SuperiorMiddle, 1), point(code.SuperiorPosterior, 1),
		point(code.InferiorAnterior, 0), point(code.InferiorMiddle, 0), point(code.InferiorPosterior, 0),
	}
	elsewhere := append([]sr.Graphic{point(code.SuperiorAnterior, 2)}, six[1:]...)
	otherFrame := append([]sr.Graphic{{Concept: code.SuperiorAnterior, Type: "POINT", Positions: []r3.Vec{{}}, FrameOfReferenceUID: "1.3"}}, six[1:]...)
	for name, tt := range map[string]struct {
		groups []sr.Group
		want   string
	}{
		"one is missing":       {[]sr.Group{{Sites: []code.Code{l1}, Graphics: six[1:]}}, "no superior anterior point"},
		"one is there twice":   {[]sr.Group{{Sites: []code.Code{l1}, Graphics: append(six[:6:6], six[0])}}, "two of the superior anterior point"},
		"of no vertebra":       {[]sr.Group{{Graphics: six}}, "no vertebra"},
		"two groups of one":    {[]sr.Group{{Sites: []code.Code{l1}, Graphics: six}, {Sites: []code.Code{l1}, Graphics: elsewhere}}, "elsewhere"},
		"two frames":           {[]sr.Group{{Sites: []code.Code{l1}, Graphics: otherFrame}}, "two frames of reference"},
		"the same group twice": {[]sr.Group{{Sites: []code.Code{l1}, Graphics: six}, {Identifier: "L1", Graphics: six}}, ""},
	} {
		_, err := sr.Landmarks(tt.groups)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// onFilm is a graphic of a film.
func onFilm(concept code.Code, film string, points ...radiograph.ImagePoint) sr.Graphic {
	return sr.Graphic{Concept: concept, Type: map[int]string{1: "POINT", 2: "POLYLINE"}[len(points)], Points: points, SOPInstanceUID: film}
}

// Points of a film are read as its columns and rows, by name or as the ends of heights of
// which either may come first; those in the patient are preferred, and those of an image
// that is not named are none.
func TestPointsOnFilms(t *testing.T) {
	want := sr.Placed{Level: spine.L1, SOPInstanceUID: "1.2.5"}
	var named, unnamed []sr.Graphic
	points := []code.Code{code.SuperiorAnterior, code.SuperiorMiddle, code.SuperiorPosterior, code.InferiorAnterior, code.InferiorMiddle, code.InferiorPosterior}
	for n, c := range points {
		want.OnFilm[n] = radiograph.ImagePoint{Col: 100 + 30*float64(n%3), Row: 200 + 50*float64(n/3)}
		named, unnamed = append(named, onFilm(c, "1.2.5", want.OnFilm[n])), append(unnamed, onFilm(c, "", want.OnFilm[n]))
	}
	number := func(part code.Code, x ...sr.Graphic) sr.Number {
		return sr.Number{Concept: code.Height, Parts: []code.Code{part}, Graphics: x}
	}
	p := want.OnFilm
	heights := []sr.Number{
		number(code.AnteriorAspect, onFilm(code.Path, "1.2.5", p[0], p[3])), number(code.CentralAspect, onFilm(code.Path, "1.2.5", p[4], p[1])),
		number(code.PosteriorAspect, onFilm(code.Path, "1.2.5", p[2], p[5])),
	}
	patient := sr.Placed{Level: spine.L1, FrameOfReferenceUID: "1.2"}
	both := slices.Clone(named)
	for n, c := range points {
		patient.Points[n] = r3.Vec{Z: 2 - float64(n/3)}
		both = append(both, sr.Graphic{Concept: c, Type: "POINT", Positions: patient.Points[n : n+1], FrameOfReferenceUID: "1.2"})
	}
	for name, tt := range map[string]struct {
		group sr.Group
		want  []sr.Placed
	}{
		"by name":       {sr.Group{Identifier: "L1", Graphics: named}, []sr.Placed{want}},
		"by heights":    {sr.Group{Identifier: "L1", Numbers: heights}, []sr.Placed{want}},
		"in both":       {sr.Group{Identifier: "L1", Graphics: both}, []sr.Placed{patient}},
		"of no image":   {sr.Group{Identifier: "L1", Graphics: unnamed}, nil},
		"of one height": {sr.Group{Identifier: "L1", Numbers: heights[:1]}, nil},
	} {
		if got, err := sr.Landmarks([]sr.Group{tt.group}); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, tt.want)
		}
	}
	other := slices.Clone(named)
	other[2].SOPInstanceUID = "1.2.6"
	if _, err := sr.Landmarks([]sr.Group{{Identifier: "L1", Graphics: other}}); err == nil || !strings.Contains(err.Error(), "or images") {
		t.Errorf("of two images: %v", err)
	}
}

// The image of coordinates is the one that they are selected from, if of its first frame.
func TestCoordinatesInImagesAreRead(t *testing.T) {
	for frame, want := range map[int]string{0: "1.2.5", 1: "1.2.5", 2: ""} {
		reference := &dataset.Dataset{}
		reference.Text(tag.ReferencedSOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.1.1")
		reference.Text(tag.ReferencedSOPInstanceUID, "UI", "1.2.5")
		if frame > 0 {
			reference.Ints(tag.ReferencedFrameNumber, "IS", frame)
		}
		image, point, group := &dataset.Dataset{}, &dataset.Dataset{}, &dataset.Dataset{}
		image.Text(tag.ValueType, "CS", "IMAGE")
		image.Sequence(tag.ReferencedSOPSequence, reference)
		point.Text(tag.ValueType, "CS", "SCOORD")
		point.Sequence(tag.ConceptNameCodeSequence, code.SuperiorMiddle.Item())
		point.Text(tag.GraphicType, "CS", "POINT")
		point.Floats(tag.GraphicData, "FL", 10.5, 20.25)
		point.Sequence(tag.ContentSequence, image)
		group.Text(tag.ValueType, "CS", "CONTAINER")
		group.Sequence(tag.ConceptNameCodeSequence, code.MeasurementGroup.Item())
		group.Sequence(tag.ContentSequence, point)
		root := plain()
		root.Text(tag.ValueType, "CS", "CONTAINER")
		root.Sequence(tag.ContentSequence, group)
		got := readGroups(t, bytesOf(t, root))[0].Graphics
		if len(got) != 1 || got[0].SOPInstanceUID != want || !slices.Equal(got[0].Points, []radiograph.ImagePoint{{Col: 10.5, Row: 20.25}}) {
			t.Errorf("frame %d: %+v", frame, got)
		}
	}
}

func nested(n int) []byte {
	b := append(make([]byte, 128), "DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"...)
	container := "\x40\x00\x40\xa0CS\x0a\x00CONTAINER \x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
	for range n {
		b = append(b, container...)
	}
	return b
}

// wide is a report of one group with n numbers.
func wide(t testing.TB, n int) []byte {
	t.Helper()
	b := bytesOf(t, reportOf(t, originOf(t, "a"), measured(t), provenance()))
	content := b[bytes.Index(b, []byte("\x40\x00\x30\xa7SQ")):]
	length := binary.LittleEndian.Uint32(content[8:])
	out := append(make([]byte, 128), "DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff"...)
	for range n {
		out = append(out, content[12:12+length]...)
	}
	return out
}

func TestHostileReports(t *testing.T) {
	shallow := nested(12)
	for name, tt := range map[string]struct {
		b    []byte
		want error
	}{
		"deep":      {nested(100_000), dataset.ErrMalformed},
		"cut":       {shallow, dataset.ErrTruncated},
		"huge":      {wide(t, 80), dataset.ErrTooLarge},
		"no report": {bytesOf(t, plain()), sr.ErrNoReport},
		"no DICOM":  {[]byte("ISO-10303-21;\nHEADER;"), dataset.ErrNotDICOM},
		"no group":  {bytesOf(t, reportOf(t, originOf(t, "a"), measuredNothing(), provenance())), sr.ErrNoGroup},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := sr.Read(bytes.NewReader(tt.b), int64(len(tt.b)))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 6*dataset.DefaultLimit || time.Since(start) > 20*time.Second {
			t.Errorf("%s: %d MB and %v for %d bytes", name, grown>>20, time.Since(start), len(tt.b))
		}
	}
}

// Odd reports have a clear answer.
func TestOddReports(t *testing.T) {
	for _, name := range []string{"reportsi.dcm", "test-SR.dcm", "CT_small.dcm", "rtplan_truncated.dcm"} {
		b, err := os.ReadFile(filepath.Join(shared(t), "dicom", "odd", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sr.Read(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: has measurement groups", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// FuzzReadReport begins with own reports. What is read has finite numbers and points.
func FuzzReadReport(f *testing.F) {
	r := measured(f)
	r.Vertebrae = r.Vertebrae[:1]
	f.Add(bytesOf(f, reportOf(f, originOf(f, "a"), r, provenance())))
	f.Add(nested(10))
	f.Fuzz(func(t *testing.T, b []byte) {
		groups, err := sr.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, g := range groups {
			for _, n := range g.Numbers {
				if math.IsNaN(n.Value) || math.IsInf(n.Value, 0) {
					t.Errorf("value %g", n.Value)
				}
			}
		}
		placed, _ := sr.Landmarks(groups)
		for _, p := range placed {
			for _, at := range p.Points {
				if sum := at.X + at.Y + at.Z; math.IsNaN(sum) || p.Level == spine.Unknown {
					t.Errorf("%+v", p)
				}
			}
		}
	})
}
