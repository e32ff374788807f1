// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package sr_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/dicom/sr"
)

// PixelMed's validator knows the templates: it recognises TID 1500 and finds no error,
// once its two faults (mended, below) are out of the way. It takes time and memory by
// the square of the tree and more, so that .ci/run, with ENDPLATE_PIXELMED=1, asks for
// one report of two vertebrae, one of which has no number, of the other what was
// measured of its body alone. ENDPLATE_PIXELMED=all adds what its heights are compared
// with, a report of changes, and the proof of the faults.
func TestPixelMedRecognisesTheTemplate(t *testing.T) {
	asked := askedOfPixelMed(t)
	all := map[string]*dataset.Dataset{"measured": twoVertebrae(t, asked == "all")}
	if asked == "all" {
		all["compared"], all["film"] = oneChanged(t), oneOnFilm(t)
	}
	classes := mended(t)
	for name, d := range all {
		for _, e := range pixelMed(t, writtenTo(t, d), classes, pixelMedJar) {
			t.Errorf("%s: %s", name, e)
		}
	}
}

// As it is installed, the validator names exactly the content items that its faults are
// about, and nothing else. That they are faults: it is content with the same items as
// PS3.16 forbids them, with the relationship INFERRED FROM in place of HAS PROPERTIES.
func TestWherePixelMedLeavesTheStandard(t *testing.T) {
	if askedOfPixelMed(t) != "all" {
		t.Skip("ENDPLATE_PIXELMED is not all")
	}
	for name, d := range map[string]*dataset.Dataset{"measured": twoVertebrae(t, false), "compared": oneChanged(t)} {
		got, want := pixelMed(t, writtenTo(t, d), pixelMedJar), ownErrors(d)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, want)
		}
	}

	wrong := twoVertebrae(t, false)
	inferences := 0
	everyItem(wrong, func(parent, item *dataset.Dataset) {
		if parent.Value(tag.ValueType) == "NUM" && item.Value(tag.ValueType) == "NUM" {
			item.Text(tag.RelationshipType, "CS", "INFERRED FROM")
			inferences++
		}
	})
	for _, e := range pixelMed(t, writtenTo(t, wrong), pixelMedJar) {
		if !regexp.MustCompile(`: Missing value$`).MatchString(e) {
			t.Errorf("%d uncertainties as inferences: %s", inferences, e)
		}
	}
	if inferences == 0 {
		t.Error("no number has an uncertainty")
	}
}

// askedOfPixelMed returns ENDPLATE_PIXELMED and skips the test without it.
func askedOfPixelMed(t *testing.T) string {
	t.Helper()
	asked := os.Getenv("ENDPLATE_PIXELMED")
	if asked == "" {
		t.Skip("ENDPLATE_PIXELMED is not set")
	}
	t.Parallel()
	return asked
}

// twoVertebrae is a report of a vertebra and of one that was not measured.
func twoVertebrae(t *testing.T, graded bool) *dataset.Dataset {
	t.Helper()
	r := measured(t)
	v := r.Vertebrae[0]
	v.Tissue, v.Wall, v.Canal, v.Treatment = nil, analysis.Wall{}, analysis.Canal{}, nil
	if !graded {
		v.Expected, v.Deformity = nil, nil
	}
	r.Vertebrae, r.Angles, r.Density = []analysis.Vertebra{v, r.Vertebrae[4]}, r.Angles[:1], nil
	return reportOf(t, originOf(t, "a"), r, provenance())
}

// oneOnFilm is a report of a vertebra on a film.
func oneOnFilm(t *testing.T) *dataset.Dataset {
	t.Helper()
	o := filmOrigin(t, "film")
	r := filmResult(t, o, 0.8, false)
	v := r.Vertebrae[2]
	v.Wall = analysis.Wall{}
	r.Vertebrae, r.Angles, r.Findings = []analysis.Vertebra{v}, nil, nil
	return reportOf(t, o, r, provenance())
}

// oneChanged is a report of what changed in one vertebra and in one angle.
func oneChanged(t *testing.T) *dataset.Dataset {
	t.Helper()
	before, after, c := twice(t)
	c.Vertebrae, c.Angles = c.Vertebrae[1:2], c.Angles[:1]
	d, err := sr.ComparisonReport(before, after, c, provenance())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const pixelMedJar = "/usr/share/java/pixelmed.jar"

// pixelMed returns what PixelMed's validator finds wrong, with a class path.
func pixelMed(t *testing.T, path string, classes ...string) []string {
	t.Helper()
	if _, err := os.Stat(pixelMedJar); err != nil {
		t.Skip("without PixelMed: ", err)
	}
	// Its collector and its second compiler would work beside the tests for nothing.
	out, err := exec.Command(tool(t, "java"), "-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djdk.xml.xpathExprOpLimit=0", "-Djdk.xml.xpathTotalOpLimit=0", "-Djdk.xml.xpathExprGrpLimit=0",
		"-cp", strings.Join(classes, string(os.PathListSeparator)), "com.pixelmed.validate.DicomSRValidator", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("Found Root Template TID_1500")) || !bytes.Contains(out, []byte("IOD validation complete")) {
		return []string{"not recognised: " + string(out)}
	}
	return linesWith(out, "Error")
}

// fault is a place in the validator's stylesheets that contradicts the standard.
type fault struct {
	stylesheet string
	within     string // the XSLT template of the place
	wrong      *regexp.Regexp
	right      string
	places     int
}

// faults are the validator's two.
//
// TID 300 row 8 includes TID 310 with the relationship HAS PROPERTIES: CODE and NUM
// items (normality, level of significance, uncertainties of CID 225, and by TID 311
// means, deviations and scores) below a NUM. Rows 2, 9 and 10 are CODE and NUM items
// too, with HAS CONCEPT MOD and INFERRED FROM, whose concept names are parameters that
// TID 1501 leaves free. The validator's TID_300 tries those rows on every CODE and NUM
// below a NUM, whatever its relationship, and then calls the relationship wrong.
// Elsewhere it tells such rows apart by its parameter matchRelationship; here that was
// forgotten.
//
// PS3.3 C.18.1 lets the Measured Value Sequence of a NUM be empty, with a Numeric Value
// Qualifier that says why: the validator's rule for all value types wants a value.
var faults = []fault{
	{
		"com/pixelmed/validate/DicomSRDescriptionsCompiled.xsl", "TID_300",
		regexp.MustCompile(`(?s)("row" select="'(?:2|9|10)'".*?"matchRelationship" select=)"''"`), `$1"'T'"`, 3,
	},
	{
		"com/pixelmed/validate/CommonDicomSRValidationRules.xsl", "CheckContentItem",
		regexp.MustCompile(`(test="string-length\(normalize-space\(value\)\) = '0')"`), `$1 and not(qualifier)"`, 1,
	},
}

// mended returns a folder that takes the place of the validator's stylesheets, without
// its faults.
func mended(t *testing.T) string {
	t.Helper()
	jar, err := zip.OpenReader(pixelMedJar)
	if err != nil {
		t.Skip("without PixelMed: ", err)
	}
	defer jar.Close()
	dir := t.TempDir()
	for _, f := range faults {
		sheet, err := fs.ReadFile(jar, f.stylesheet)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.stylesheet))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.mend(t, sheet), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (f *fault) mend(t *testing.T, sheet []byte) []byte {
	t.Helper()
	head, rest, found := bytes.Cut(sheet, fmt.Appendf(nil, `<xsl:template name=%q>`, f.within))
	body, tail, ended := bytes.Cut(rest, []byte("</xsl:template>"))
	if n := len(f.wrong.FindAllIndex(body, -1)); !found || !ended || n != f.places {
		t.Fatalf("%s of %s has %d of the %d places", f.within, f.stylesheet, n, f.places)
	}
	return slices.Concat(head, fmt.Appendf(nil, `<xsl:template name=%q>`, f.within), f.wrong.ReplaceAll(body, []byte(f.right)), []byte("</xsl:template>"), tail)
}

// ownErrors are what the faults make of a report, in order: of the numbers of its
// groups, which the validator holds to be of TID 300, and of what is right below them.
func ownErrors(report *dataset.Dataset) []string {
	const row1 = "Error: Template 300 Measurement/[Row 1] NUM *"
	var all []string
	for _, group := range located(located([]place{{report, "1", "/" + shownItem(report)}}, "CONTAINER"), "CONTAINER") {
		for _, number := range located([]place{group}, "NUM") {
			if number.Item(tag.MeasuredValueSequence).Len() == 0 {
				all = append(all, fmt.Sprintf("%s: %s: %s: Missing value", row1, number.at, number.path))
			}
			for _, below := range located([]place{number}, "NUM", "CODE") {
				if below.Value(tag.RelationshipType) != "HAS PROPERTIES" {
					continue
				}
				rows, expected := []string{"9] NUM", "10] NUM"}, "INFERRED FROM"
				if below.Value(tag.ValueType) == "CODE" {
					rows, expected = []string{"2] CODE"}, "HAS CONCEPT MOD"
				}
				for _, row := range rows {
					all = append(all, fmt.Sprintf("%s/[Row %s *: %s: %s: Incorrect relationship - expected %s - found HAS PROPERTIES", row1, row, below.at, below.path, expected))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// place is a content item with where the validator says that it is.
type place struct {
	*dataset.Dataset
	at, path string
}

// located returns the children of content items that are of one of the value types.
func located(parents []place, valueTypes ...string) []place {
	var all []place
	for _, parent := range parents {
		for i, item := range parent.Items(tag.ContentSequence) {
			if slices.Contains(valueTypes, item.Value(tag.ValueType)) {
				all = append(all, place{item, fmt.Sprint(parent.at, ".", i+1), parent.path + "/" + shownItem(item)})
			}
		}
	}
	return all
}

func shownItem(item *dataset.Dataset) string {
	concept := code.Of(item, tag.ConceptNameCodeSequence)
	return fmt.Sprintf("%s (%s,%s,%q)", item.Value(tag.ValueType), concept.Value, concept.Scheme, concept.Meaning)
}
