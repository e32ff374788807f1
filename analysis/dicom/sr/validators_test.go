// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	return map[string]*dataset.Dataset{
		"measured":              reportOf(t, o, measured(t), provenance()),
		"corrected":             reportOf(t, o, measured(t), corrected),
		"reviewed":              reportOf(t, o, measured(t), reviewed),
		"no spine":              reportOf(t, o, &analysis.Result{Reason: "no vertebral canal was found"}, provenance()),
		"no frame of reference": reportOf(t, &noFrame, measured(t), provenance()),
	}
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

// PixelMed's validator knows the templates: it recognises TID 1500 and finds no error
// but its own. It takes time and memory by the square of the tree and more, so that
// .ci/run, with ENDPLATE_PIXELMED=1, asks for one report of two vertebrae, one of which
// has no number, of the other what was measured of its body alone. ENDPLATE_PIXELMED=all
// adds what its heights are compared with, and a report of changes.
func TestPixelMedRecognisesTheTemplate(t *testing.T) {
	asked := os.Getenv("ENDPLATE_PIXELMED")
	if asked == "" {
		t.Skip("ENDPLATE_PIXELMED is not set")
	}
	t.Parallel()
	r := measured(t)
	v := r.Vertebrae[0]
	v.Tissue, v.Wall, v.Canal, v.Treatment = nil, analysis.Wall{}, analysis.Canal{}, nil
	if asked != "all" {
		v.Expected, v.Deformity = nil, nil
	}
	r.Vertebrae, r.Angles, r.Density = []analysis.Vertebra{v, r.Vertebrae[4]}, r.Angles[:1], nil
	all := map[string]*dataset.Dataset{"measured": reportOf(t, originOf(t, "a"), r, provenance())}
	if asked == "all" {
		before, after, c := twice(t)
		c.Vertebrae, c.Angles = c.Vertebrae[1:2], c.Angles[:1]
		changed, err := sr.ComparisonReport(before, after, c, provenance())
		if err != nil {
			t.Fatal(err)
		}
		all["compared"] = changed
	}
	for name, d := range all {
		for _, e := range pixelMed(t, writtenTo(t, d)) {
			t.Errorf("%s: %s", name, e)
		}
	}
}

// pixelMed returns what PixelMed's validator finds wrong.
func pixelMed(t *testing.T, path string) []string {
	t.Helper()
	const jar = "/usr/share/java/pixelmed.jar"
	if _, err := os.Stat(jar); err != nil {
		t.Skip("without PixelMed: ", err)
	}
	// Its collector and its second compiler would work beside the tests for nothing.
	out, err := exec.Command(tool(t, "java"), "-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djdk.xml.xpathExprOpLimit=0", "-Djdk.xml.xpathTotalOpLimit=0", "-Djdk.xml.xpathExprGrpLimit=0",
		"-cp", jar, "com.pixelmed.validate.DicomSRValidator", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("Found Root Template TID_1500")) || !bytes.Contains(out, []byte("IOD validation complete")) {
		return []string{"not recognised: " + string(out)}
	}
	return slices.DeleteFunc(linesWith(out, "Error"), pixelMedErrs.MatchString)
}

// pixelMedErrs are the errors that are the validator's own. Row 2 of TID 300 are codes
// that modify a number, rows 9 and 10 numbers that it is inferred from; it holds every
// code and number below a number for those, so that of a deviation, of what is usual
// and of a level of significance, which TID 310 and 311 put there as properties, it
// says that the relationship is wrong. PS3.16 includes TID 310 in row 8 of TID 300 with
// the relationship HAS PROPERTIES; the validator's TID_300 calls its TID_310 there
// without one, and then its rows 2, 9 and 10, which stand for any concept, reject what
// row 8 has taken. INFERRED FROM would satisfy it, and say that a value comes of its own
// deviation; a reader that looks for TID 311 would find none. And it wants a value of a
// number whose qualifier says, as PS3.3 C.18.1 lets it, that there is none.
var pixelMedErrs = regexp.MustCompile(
	`\[Row (9|10)\] NUM \*: .*/NUM \((371884006|373098007),SCT,[^/]*/?[^/]*\): Incorrect relationship - expected INFERRED FROM - found HAS PROPERTIES$` +
		`|\[Row (9|10)\] NUM \*: .*/NUM \((121414|121416),DCM,[^/]*\): Incorrect relationship - expected INFERRED FROM - found HAS PROPERTIES$` +
		`|\[Row 2\] CODE \*: .*/CODE \(121403,DCM,[^/]*\): Incorrect relationship - expected HAS CONCEPT MOD - found HAS PROPERTIES$` +
		`|\[Row 1\] NUM \*: .*/NUM \([^/]*\): Missing value$`)

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
