// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package metadata_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/dicom/metadata"
)

// shared returns the DICOM files of the development data, of long series the first
// few, or skips the test.
func shared(t *testing.T) (files []string) {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	perFolder := map[string]int{}
	for _, kind := range []string{"dicom", "ct"} {
		err := filepath.WalkDir(filepath.Join(root, "data", kind), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || slices.Contains([]string{".gz", ".csv", ".xml"}, filepath.Ext(path)) {
				return err
			}
			if dir := filepath.Dir(path); strings.Contains(path, "tilt") || kind == "ct" {
				if perFolder[dir]++; perFolder[dir] > 2 {
					return nil
				}
			}
			files = append(files, path)
			return nil
		})
		if err != nil {
			t.Skipf("no development data: %v", err)
		}
	}
	return files
}

// dcmtk runs a program of dcmtk, or skips. Private attributes are read by what the
// file says of them alone.
func dcmtk(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s: %v", name, err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	if dictionaries, _ := filepath.Glob("/usr/share/libdcmtk*/dicom.dic"); len(dictionaries) > 0 {
		cmd.Env = append(os.Environ(), "DCMDICTPATH="+dictionaries[0])
	}
	return cmd.Output()
}

// reference returns what a program of dcmtk makes of a file, without the pixel data
// where it cannot write that.
func reference(t *testing.T, file string, name string, args ...string) ([]byte, error) {
	t.Helper()
	out, err := dcmtk(t, name, append(args, file)...)
	if err == nil {
		return out, nil
	}
	without := filepath.Join(t.TempDir(), filepath.Base(file))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(without, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dcmtk(t, "dcmodify", "-q", "-nb", "-nrc", "-ea", "(7fe0,0010)", without); err != nil {
		return nil, err
	}
	return dcmtk(t, name, append(args, without)...)
}

func written(t *testing.T, file string, model func(io.Writer) metadata.Writer) ([]byte, error) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = metadata.Write(model(&out), bytes.NewReader(content), metadata.Options{BulkData: func(p string) string { return p }})
	return out.Bytes(), err
}

func asJSON(w io.Writer) metadata.Writer { return metadata.NewJSON(w) }
func asXML(w io.Writer) metadata.Writer  { return metadata.NewXML(w) }

// fewest is how many files dcmtk and we must both have read for the comparison to
// mean something; it reads few of the broken ones.
const fewest = 55

// The JSON of every file is what dcm2json writes, but for values by reference, padding,
// pixel data that it cannot write, and the character set of items.
func TestJSONIsThatOfDCMTK(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, file := range shared(t) {
		reference, err := reference(t, file, "dcm2json", "-q")
		var theirs map[string]any
		if err != nil || json.Unmarshal(reference, &theirs) != nil {
			continue
		}
		out, err := written(t, file, asJSON)
		var ours map[string]any
		if err == nil {
			err = json.Unmarshal(out, &ours)
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		alike(ours, theirs)
		if diff := cmp.Diff(theirs, ours, numbersAlike); diff != "" {
			t.Errorf("%s (-dcm2json +ours):\n%s", filepath.Base(file), diff)
		}
		compared++
	}
	if compared < fewest {
		t.Errorf("%d files compared, want at least %d", compared, fewest)
	}
}

// alike takes out of two data sets what may differ.
func alike(ours, theirs map[string]any) {
	delete(theirs, "FFFCFFFC") // padding
	for tag, v := range ours {
		mine := v.(map[string]any)
		yours, ok := theirs[tag].(map[string]any)
		switch {
		case !ok && tag == "7FE00010":
			delete(ours, tag)
		case !ok:
		case mine["BulkDataURI"] != nil && (yours["InlineBinary"] != nil || yours["Value"] != nil):
			delete(mine, "BulkDataURI")
			delete(yours, "InlineBinary")
			delete(yours, "Value")
		case mine["InlineBinary"] != nil:
			mine["InlineBinary"], yours["InlineBinary"] = unpadded(mine["InlineBinary"]), unpadded(yours["InlineBinary"])
		case tag == "00080005":
			yours["Value"] = []any{"ISO_IR 192"}
		case mine["vr"] == "SQ":
			a, _ := mine["Value"].([]any)
			b, _ := yours["Value"].([]any)
			for i := range min(len(a), len(b)) {
				alike(a[i].(map[string]any), b[i].(map[string]any))
			}
		}
	}
}

// unpadded returns octets without a byte that makes their number even.
func unpadded(inline any) any {
	s, _ := inline.(string)
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return inline
	}
	return string(bytes.TrimSuffix(b, []byte{0}))
}

var numbersAlike = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a)) })

// node is an element of an XML document.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []node     `xml:",any"`
}

// lines lists what a document says, a line for each value with the way to it.
func (n *node) lines(path string, all []string) []string {
	for _, a := range n.Attrs {
		switch a.Name.Local {
		case "tag", "vr", "privateCreator", "number":
			path += " " + a.Name.Local + "=" + a.Value
		}
	}
	if strings.Contains(path, "tag=00080005") || strings.Contains(path, "tag=FFFCFFFC") || strings.Contains(path, "tag=7FE00010") {
		return all
	}
	text := strings.TrimSpace(n.Text)
	if v, err := strconv.ParseFloat(text, 64); err == nil && !strings.Contains(path, "vr=UI") {
		text = fmt.Sprintf("%.5g", float32(v)+0) // which is not -0
	}
	switch n.XMLName.Local {
	case "BulkData", "InlineBinary":
		return append(all, path+" octets")
	case "DicomAttribute":
		all = append(all, path)
	}
	if text != "" {
		all = append(all, path+" "+n.XMLName.Local+" "+text)
	}
	for _, c := range n.Children {
		all = c.lines(path, all)
	}
	return all
}

// keywords adds to all the keywords of attributes.
func (n *node) keywords(all map[string]string) map[string]string {
	var tag, keyword string
	for _, a := range n.Attrs {
		switch a.Name.Local {
		case "tag":
			tag = a.Value
		case "keyword":
			keyword = a.Value
		}
	}
	if keyword != "" {
		all[tag] = keyword
	}
	for _, c := range n.Children {
		c.keywords(all)
	}
	return all
}

// The XML of every file says what dcm2xml's does, but as above.
func TestXMLIsThatOfDCMTK(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, file := range shared(t) {
		reference, err := reference(t, file, "dcm2xml", "-q", "--native-format", "--convert-to-utf8")
		var theirs, ours node
		if err != nil || xml.Unmarshal(reference, &theirs) != nil {
			continue
		}
		out, err := written(t, file, asXML)
		if err == nil {
			err = xml.Unmarshal(out, &ours)
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if diff := cmp.Diff(theirs.lines("", nil), ours.lines("", nil)); diff != "" {
			t.Errorf("%s (-dcm2xml +ours):\n%s", filepath.Base(file), diff)
		}
		mine := ours.keywords(map[string]string{})
		for tag, keyword := range theirs.keywords(map[string]string{}) { // it has none for retired ones
			// It also adds a character set that it converted to.
			if mine[tag] != keyword && keyword != "DataSetTrailingPadding" && keyword != "SpecificCharacterSet" {
				t.Errorf("%s: keyword of %s is %q, want %q", filepath.Base(file), tag, mine[tag], keyword)
			}
		}
		compared++
	}
	if compared < fewest {
		t.Errorf("%d files compared, want at least %d", compared, fewest)
	}
}
