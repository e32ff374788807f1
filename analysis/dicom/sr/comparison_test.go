// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
	"github.com/endplate/endplate/api/convert"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// twice are two examinations of one patient, and what changed: L1 lost height.
func twice(t testing.TB) (before, after sr.Compared, c *comparison.Comparison) {
	t.Helper()
	first, second := measured(t), measured(t)
	first.Vertebrae[1].Picture = nil // it would show that nothing moved
	lost := &second.Vertebrae[1]
	moved := *lost.Landmarks
	for _, e := range []*r3.Vec{&moved.Superior.Anterior.Position, &moved.Superior.Middle.Position} {
		*e = r3.Sub(*e, r3.Scale(6, moved.SuperiorAxis))
	}
	heights := *lost.Heights
	heights.Anterior -= 6
	heights.Middle -= 6
	lost.Landmarks, lost.Heights, lost.Picture = &moved, &heights, nil
	examinationOf := func(name string) (sr.Compared, comparison.About) {
		o := originOf(t, name)
		return sr.Compared{Origin: o, Report: sr.ReferenceTo(o, provenance())},
			comparison.About{Name: name, StudyInstanceUID: o.StudyInstanceUID, SeriesInstanceUID: o.SeriesInstanceUID, Modality: "CT", SliceSpacing: 1}
	}
	before, aboutBefore := examinationOf("before")
	after, aboutAfter := examinationOf("after")
	c, err := comparison.Compare(comparison.NewExamination(first, aboutBefore), comparison.NewExamination(second, aboutAfter), comparison.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return before, after, c
}

func comparisonReport(t testing.TB) (before, after sr.Compared, c *comparison.Comparison, d *dataset.Dataset) {
	t.Helper()
	before, after, c = twice(t)
	d, err := sr.ComparisonReport(before, after, c, provenance())
	if err != nil {
		t.Fatal(err)
	}
	return before, after, c, d
}

func TestComparisonsAreValid(t *testing.T) {
	_, _, _, d := comparisonReport(t)
	path := writtenTo(t, d)
	if errs := dciodvfy(t, path); len(errs) > 0 {
		t.Errorf("%q", errs)
	}
	out, err := exec.Command(tool(t, "dsrdump"), path).CombinedOutput()
	if err != nil || len(linesWith(out, "E: ")) > 0 {
		t.Errorf("%v\n%.2000s", err, out)
	}
}

// A comparison belongs to the later study, and names the images and reports of both.
func TestComparisonsReferToBothExaminations(t *testing.T) {
	before, after, _, d := comparisonReport(t)
	if got := d.Value(tag.StudyInstanceUID); got != after.Origin.StudyInstanceUID {
		t.Errorf("of study %s, want the later one", got)
	}
	for _, tt := range []struct {
		where tag.Tag
		sr.Compared
	}{{tag.CurrentRequestedProcedureEvidenceSequence, after}, {tag.PertinentOtherEvidenceSequence, before}} {
		referred := map[string]bool{}
		for _, study := range d.Items(tt.where) {
			if got := study.Value(tag.StudyInstanceUID); got != tt.Origin.StudyInstanceUID {
				t.Errorf("%v of study %s, want %s", tt.where, got, tt.Origin.StudyInstanceUID)
			}
			for _, series := range study.Items(tag.ReferencedSeriesSequence) {
				for _, s := range series.Items(tag.ReferencedSOPSequence) {
					referred[series.Value(tag.SeriesInstanceUID)+" "+s.Value(tag.ReferencedSOPInstanceUID)] = true
				}
			}
		}
		wanted := []string{tt.Report.SeriesInstanceUID + " " + tt.Report.SOPInstanceUID}
		for _, m := range tt.Origin.Instances() {
			wanted = append(wanted, tt.Origin.SeriesInstanceUID+" "+m.SOPInstanceUID)
		}
		for _, w := range wanted {
			if !referred[w] {
				t.Errorf("%v does not refer to %s", tt.where, w)
			}
		}
	}
	prior := ""
	everyItem(d, func(_, item *dataset.Dataset) {
		if code.Of(item, tag.ConceptNameCodeSequence).Is(code.PreviousReports) {
			prior = item.Item(tag.ReferencedSOPSequence).Value(tag.ReferencedSOPInstanceUID)
		}
	})
	if prior != reportOf(t, before.Origin, measured(t), provenance()).Value(tag.SOPInstanceUID) {
		t.Errorf("the prior report is %q", prior)
	}
	if earlier := (dicom.Provenance{}); d.Value(tag.SOPInstanceUID) == after.Origin.InstanceUID(sr.Comparisons, earlier) {
		t.Error("a comparison with another examination would have the same UID")
	}
}

// changeNames are those of the changes, by their path in the JSON.
var changeNames = map[string]string{
	"anterior_height_mm": "anterior height", "middle_height_mm": "middle height", "posterior_height_mm": "posterior height",
	"wedge_angle_deg": "wedge angle", "disc_height_below_mm": "height of the disc below", "body_volume_ml": "volume of the body",
	"canal_ap_mm": "canal diameter at its narrowest, mid-sagittal", "canal_area_mm2": "canal area at its narrowest",
	"retropulsion_mm": "retropulsion", "cement_volume_ml": "volume of cement",
}

// changesAsPydicomReads prints the changes of each group.
const changesAsPydicomReads = `
import sys, json, pydicom
def children(i): return i.get("ContentSequence", [])
def name(i): return i.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in i else ""
def number(i): return i.MeasuredValueSequence[0].FloatingPointValue if i.MeasuredValueSequence else None
def meaning(i): return next((c.TextValue for c in children(i) if name(c) == "121050"), "")
def sd(i): return next((number(c) for c in children(i) if name(c) == "371884006"), 0)
groups = {}
for part in children(pydicom.dcmread(sys.argv[1])):
    if name(part) != "126010": continue
    for g in children(part):
        if g.ValueType != "CONTAINER": continue
        key = next(c.TextValue for c in children(g) if name(c) == "112039")
        numbers = {}
        for i in children(g):
            if i.ValueType != "NUM": continue
            numbers[meaning(i)] = number(i)
            numbers[meaning(i) + "±"] = sd(i)
            for c in children(i):
                if c.ValueType == "NUM" and meaning(c):
                    numbers[meaning(c)], numbers[meaning(c) + "±"] = number(c), sd(c)
                if name(c) == "121403":
                    numbers[meaning(i) + " lsc"] = next(number(x) for x in children(c) if name(x) == "LSC")
                    numbers[meaning(i) + " significant"] = float(c.ConceptCodeSequence[0].CodeValue == "386134007")
        groups[key] = numbers
json.dump(groups, sys.stdout)
`

// Every change of the JSON is in the report: both readings, the change, their
// deviations, the least significant change and what that says.
func TestEveryChangeComesBack(t *testing.T) {
	_, _, c, d := comparisonReport(t)
	out, err := exec.Command(pydicom(t), "-c", changesAsPydicomReads, writtenTo(t, d)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var groups map[string]map[string]*float64
	if err := json.Unmarshal(out, &groups); err != nil {
		t.Fatal(err)
	}
	want := convert.Comparison(c)
	changes, significant := 0, 0
	for _, v := range want.GetVertebrae() {
		v.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
			change, ok := f.Message(), false
			if change != nil {
				_, ok = value.Interface().(protoreflect.Message)
			}
			if !ok {
				return true
			}
			x, ok := value.Message().Interface().(*endplatev1.Change)
			if !ok {
				return true
			}
			changes++
			if x.GetSignificant() {
				significant++
			}
			name, known := changeNames[string(f.Name())]
			if !known {
				t.Errorf("the report has no name for %s", f.Name())
			}
			checkChange(t, groups[v.GetLevel().String()+" vertebra"], name, x)
			return true
		})
	}
	for _, a := range want.GetAngles() {
		found := false
		for identifier, numbers := range groups {
			if strings.HasSuffix(identifier, a.GetFrom()+" to "+a.GetTo()) && strings.Contains(strings.ReplaceAll(identifier, " ", "_"), strings.ToLower(a.GetName())) {
				found = true
				checkChange(t, numbers, identifier, a.GetDegrees())
			}
		}
		if !found {
			t.Errorf("no group of %s %s to %s", a.GetName(), a.GetFrom(), a.GetTo())
		}
	}
	if changes == 0 || significant == 0 || len(want.GetAngles()) == 0 {
		t.Errorf("%d changes, %d significant, %d angles", changes, significant, len(want.GetAngles()))
	}
}

func checkChange(t *testing.T, numbers map[string]*float64, name string, x *endplatev1.Change) {
	t.Helper()
	significant := 0.0
	if x.GetSignificant() {
		significant = 1
	}
	for key, want := range map[string]float64{
		"change of " + name: x.GetChange(), "change of " + name + "±": x.GetChangeSd(), "change of " + name + " lsc": x.GetLsc(), "change of " + name + " significant": significant,
		name + ", before": x.GetBefore(), name + ", before±": x.GetBeforeSd(), name + ", after": x.GetAfter(), name + ", after±": x.GetAfterSd(),
	} {
		if !near(numbers[key], want) {
			t.Errorf("%s: want %g", key, want)
		}
	}
}
