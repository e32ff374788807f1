// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
)

func reportOf(t testing.TB, o *dicom.Origin, r *analysis.Result, by dicom.Provenance) *dataset.Dataset {
	t.Helper()
	d, err := sr.Report(o, r, by)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// reports are reports of all sorts.
func reports(t testing.TB) map[string]*dataset.Dataset {
	t.Helper()
	o := originOf(t, "a")
	corrected, reviewed := provenance(), provenance()
	corrected.Revision, corrected.Author, corrected.Previous = 1, "Doe^Jane=山田^花子", o.InstanceUID(sr.Measurements, provenance())
	corrected.Parameters = "level fixed: L1@1,2,3"
	reviewed.Revision, reviewed.Author, reviewed.Organization, reviewed.Reviewed = 2, "Doe^Jane", "Hospital", true
	noFrame := *o
	noFrame.FrameOfReferenceUID = ""
	all := map[string]*dataset.Dataset{
		"measured":              reportOf(t, o, measured(t), provenance()),
		"corrected":             reportOf(t, o, measured(t), corrected),
		"reviewed":              reportOf(t, o, measured(t), reviewed),
		"no spine":              reportOf(t, o, &analysis.Result{Reason: "no vertebral canal was found"}, provenance()),
		"no frame of reference": reportOf(t, &noFrame, measured(t), provenance()),
	}
	maps.Copy(all, filmReports(t))
	return all
}

// tool returns the path of a program.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("without ", name)
	}
	return path
}

// dciodvfy returns the errors that dciodvfy finds.
func dciodvfy(t testing.TB, path string) []string {
	t.Helper()
	out, _ := exec.Command(tool(t, "dciodvfy"), path).CombinedOutput() // fails where it finds an error
	if !bytes.Contains(out, []byte("Comprehensive3DSR")) {
		return []string{string(out)}
	}
	return linesWith(out, "Error")
}

func linesWith(out []byte, start string) []string {
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, start) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestDciodvfyFindsNoError(t *testing.T) {
	for name, d := range reports(t) {
		if errs := dciodvfy(t, writtenTo(t, d)); len(errs) > 0 {
			t.Errorf("%s: %q", name, errs)
		}
	}
}

// dsrdump checks the tree's relationships as it reads, and renders all of it.
func TestDsrdumpRendersReports(t *testing.T) {
	for name, d := range reports(t) {
		out, err := exec.Command(tool(t, "dsrdump"), writtenTo(t, d)).CombinedOutput()
		if err != nil || len(linesWith(out, "E: ")) > 0 || !bytes.Contains(out, []byte("Imaging Measurement Report")) {
			t.Errorf("%s: %v\n%.2000s", name, err, out)
		}
	}
}

// Reports go with their images: patient and study are the same wherever the images
// are from, and the report says so in UTF-8.
func TestReportsGoWithRealSeries(t *testing.T) {
	r := measured(t)
	for _, folder := range []string{"ct/colon", "ct/lidc1", "ct/petct2", "ct/ts-j2k", "dicom/tilt-ge-variable", "dicom/tilt-philips-18.5"} {
		t.Run(folder, func(t *testing.T) {
			root := filepath.Join(shared(t), folder)
			catalog, err := dicom.Scan(t.Context(), dicom.Files(os.DirFS(root), "."), dicom.Options{})
			if err != nil || len(catalog.Stacks) == 0 {
				t.Skipf("%v: no series", err)
			}
			defer catalog.Close()
			for _, s := range catalog.Stacks[:min(2, len(catalog.Stacks))] {
				o, err := s.Origin()
				if err != nil {
					t.Logf("no report can be made: %v", err)
					continue
				}
				path := writtenTo(t, reportOf(t, o, r, provenance()))
				inherited := errorsOfImage(t, filepath.Join(root, s.Name()))
				for _, e := range dciodvfy(t, path) {
					if !slices.Contains(inherited, e) {
						t.Error(e)
					}
				}
				entities(t, path, filepath.Join(root, s.Name()))
			}
		})
	}
}

// errorsOfImage returns what dciodvfy says of an image: a report cannot be better in
// what it takes over.
func errorsOfImage(t *testing.T, path string) []string {
	t.Helper()
	out, _ := exec.Command(tool(t, "dciodvfy"), path).CombinedOutput()
	return linesWith(out, "Error")
}

// entities makes sure that dcentvfy finds the attributes of patient and study of the
// files to be the same.
func entities(t *testing.T, paths ...string) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte(strings.Join(paths, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(tool(t, "dcentvfy"), "-f", list).CombinedOutput()
	if problems := linesWith(out, "Error"); len(problems) > 0 {
		t.Errorf("dcentvfy: %q", problems)
	}
}

// shared returns the folder of the shared data and skips the test without it.
func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ENDPLATE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs the shared data: ", err)
	}
	return dir
}

func TestRevisions(t *testing.T) {
	all := reports(t)
	first, corrected, reviewed := all["measured"], all["corrected"], all["reviewed"]
	if first.Value(tag.SOPInstanceUID) == corrected.Value(tag.SOPInstanceUID) || first.Value(tag.SeriesInstanceUID) != corrected.Value(tag.SeriesInstanceUID) {
		t.Error("a revision is another instance of the same series")
	}
	predecessor := corrected.Item(tag.PredecessorDocumentsSequence).Item(tag.ReferencedSeriesSequence)
	if got := predecessor.Item(tag.ReferencedSOPSequence).Value(tag.ReferencedSOPInstanceUID); got != first.Value(tag.SOPInstanceUID) || predecessor.Value(tag.SeriesInstanceUID) != first.Value(tag.SeriesInstanceUID) {
		t.Errorf("predecessor %s, want %s", got, first.Value(tag.SOPInstanceUID))
	}
	for name, want := range map[string][2]string{"measured": {"UNVERIFIED", "PRELIMINARY"}, "corrected": {"UNVERIFIED", "PRELIMINARY"}, "reviewed": {"VERIFIED", "FINAL"}} {
		if got := [2]string{all[name].Value(tag.VerificationFlag), all[name].Value(tag.PreliminaryFlag)}; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if name := reviewed.Item(tag.VerifyingObserverSequence).Value(tag.VerifyingObserverName); name != "Doe^Jane" {
		t.Errorf("verified by %q", name)
	}
}

// Twice the same is the same, byte for byte.
func TestReportsAreReproducible(t *testing.T) {
	write := func() []byte {
		var b bytes.Buffer
		if err := reportOf(t, originOf(t, "a"), measured(t), provenance()).WriteFile(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(write(), write()) {
		t.Error("two reports of the same differ")
	}
}

// everyItem calls visit with each content item below one.
func everyItem(d *dataset.Dataset, visit func(parent, item *dataset.Dataset)) {
	for _, item := range d.Items(tag.ContentSequence) {
		visit(d, item)
		everyItem(item, visit)
	}
}

// What no validator looks at: every group is tracked, by one UID a group; every code is
// of the table; every number has a unit of the table, and every TEXT a value.
func TestTrackingUnitsAndCodes(t *testing.T) {
	known := map[code.Code]bool{}
	for _, e := range code.All() {
		known[e.Code] = true
	}
	checkCode := func(name string, item *dataset.Dataset, sequence tag.Tag) {
		if c := code.Of(item, sequence); c != (code.Code{}) && !known[c] {
			t.Errorf("%s: %+v is not in the table", name, c)
		}
	}
	for name, d := range reports(t) {
		tracked := map[string]bool{}
		everyItem(d, func(parent, item *dataset.Dataset) {
			for _, s := range []tag.Tag{tag.ConceptNameCodeSequence, tag.ConceptCodeSequence, tag.NumericValueQualifierCodeSequence} {
				checkCode(name, item, s)
			}
			concept := code.Of(item, tag.ConceptNameCodeSequence)
			switch item.Value(tag.ValueType) {
			case "CONTAINER":
				if concept.Is(code.MeasurementGroup) {
					identifier, uid := trackingOf(item)
					if identifier == "" || uid == "" || tracked[uid] {
						t.Errorf("%s: group %q has UID %q, or another has it", name, identifier, uid)
					}
					tracked[uid] = true
				}
			case "NUM":
				v := item.Item(tag.MeasuredValueSequence)
				unit := code.Of(v, tag.MeasurementUnitsCodeSequence)
				if v.Len() > 0 && (unit.Scheme != code.UCUM || !known[unit]) || v.Len() == 0 && item.Items(tag.NumericValueQualifierCodeSequence) == nil {
					t.Errorf("%s: %v has unit %+v and no reason", name, concept, unit)
				}
			case "TEXT":
				if item.Value(tag.TextValue) == "" {
					t.Errorf("%s: an empty %v", name, concept)
				}
			}
		})
	}
}

// What belongs to a number stands in the order of TID 300, which is significant, behind
// the graphic that it is drawn from.
func TestNumbersAreInTheOrderOfTheTemplate(t *testing.T) {
	want := map[string][]code.Code{
		"anterior height": {code.Path, code.FindingSite, code.Uncertainty, code.EquivalentMeaning},
		"wedge angle":     {code.EndplateLines, code.UpperEndplate, code.LowerEndplate, code.MeasurementMethod, code.Uncertainty, code.EquivalentMeaning},
		"expected anterior height": {
			code.ExpectedFrom, code.ExpectedFrom, code.MeasurementMethod, code.Derivation, code.FindingSite, code.Uncertainty, code.EquivalentMeaning,
		},
		"anterior by posterior height": {code.Derivation, code.PopulationMean, code.PopulationSD, code.ZScore, code.EquivalentMeaning},
		"change of anterior height":    {code.Tracked, code.FindingSite, code.LevelOfSignificance, code.Uncertainty, code.Height, code.Height, code.EquivalentMeaning},
	}
	found := map[string]bool{}
	for _, d := range []*dataset.Dataset{reports(t)["measured"], oneChanged(t)} {
		everyItem(d, func(_, item *dataset.Dataset) {
			var concepts []code.Code
			name := ""
			for _, child := range item.Items(tag.ContentSequence) {
				concept := code.Of(child, tag.ConceptNameCodeSequence)
				if concepts = append(concepts, concept); concept.Is(code.EquivalentMeaning) {
					name = child.Value(tag.TextValue)
				}
			}
			if order, ok := want[name]; ok && len(concepts) == len(order) {
				found[name] = true
				if !slices.Equal(concepts, order) {
					t.Errorf("%s has %v", name, concepts)
				}
			}
		})
	}
	for name := range want {
		if !found[name] {
			t.Errorf("there is no %s with so much", name)
		}
	}
}

func trackingOf(group *dataset.Dataset) (identifier, uid string) {
	for _, item := range group.Items(tag.ContentSequence) {
		switch c := code.Of(item, tag.ConceptNameCodeSequence); {
		case c.Is(code.TrackingIdentifier):
			identifier = item.Value(tag.TextValue)
		case c.Is(code.TrackingUID):
			uid = item.Value(tag.UID)
		}
	}
	return identifier, uid
}

// A vertebra has one UID in all examinations of a patient.
func TestVertebraeAreTracked(t *testing.T) {
	uids := func(study string) map[string]string {
		all := map[string]string{}
		everyItem(reportOf(t, originOf(t, study), measured(t), provenance()), func(_, item *dataset.Dataset) {
			if identifier, uid := trackingOf(item); identifier != "" {
				all[identifier] = uid
			}
		})
		return all
	}
	first, second := uids("before"), uids("after")
	for identifier, uid := range first {
		if second[identifier] != uid {
			t.Errorf("%s: %s and %s", identifier, uid, second[identifier])
		}
	}
}
