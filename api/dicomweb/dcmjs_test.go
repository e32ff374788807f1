// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// naturalize has dcmjs, with which OHIF reads metadata, make objects of data sets in
// JSON: attributes by keyword, single values by themselves.
const naturalize = `
const dcmjs = require('dcmjs');
const sets = JSON.parse(require('fs').readFileSync(0));
console.log = console.error; // it greets
process.stdout.write(JSON.stringify(sets.map(s => dcmjs.data.DicomMetaDictionary.naturalizeDataset(s))));
`

// dcmjs returns data sets as dcmjs reads them, or skips the test.
func dcmjs(t *testing.T, metadata []byte) (sets []map[string]any) {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join("..", "..", ".tmp", "cornerstone", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "dcmjs")); err != nil {
		t.Skipf("dcmjs is not installed; .ci/run does: %v", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("no node: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", naturalize)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(metadata), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &sets); err != nil {
		t.Fatalf("%v: %.300s", err, out)
	}
	return sets
}

// What OHIF reads with finds in our metadata what the instances say: numbers as
// numbers, names as names, items within items, and where the pixels are.
func TestDCMJSReadsMetadata(t *testing.T) {
	t.Parallel()
	all := identified(shared(t, "ct/ts-j2k", "dicom/enhanced"))
	p := serve(t, config(t))
	p.store(t, "/studies", contents(all)...).want(t, http.StatusOK)
	for _, i := range []instance{all[0], all[len(all)-1]} {
		sets := dcmjs(t, p.get(t, i.path()+"/metadata", "").body)
		head, err := dataset.Read(bytes.NewReader(i.content), int64(len(i.content)), dataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := sets[0]
		for keyword, want := range map[string]any{
			"SOPInstanceUID": i.SOPInstanceUID, "StudyInstanceUID": i.StudyInstanceUID, "Modality": "CT",
			"Rows": head.Int(tag.Rows, -1), "Columns": head.Int(tag.Columns, -1), "PhotometricInterpretation": head.Value(tag.PhotometricInterpretation),
		} {
			if got := fmt.Sprint(s[keyword]); got != fmt.Sprint(want) {
				t.Errorf("%s: %s is %s, want %v", i.name, keyword, got, want)
			}
		}
		if name := fmt.Sprint(s["PatientName"]); name != fmt.Sprintf("[map[Alphabetic:%s]]", i.PatientName) {
			t.Errorf("%s: name %s, want %s", i.name, name, i.PatientName)
		}
		spacing, of := head.Numbers(tag.PixelSpacing), s["PixelSpacing"]
		if len(spacing) == 0 { // in a functional group
			groups := s["SharedFunctionalGroupsSequence"].([]any)[0].(map[string]any)
			of = groups["PixelMeasuresSequence"].([]any)[0].(map[string]any)["PixelSpacing"]
			spacing = head.Item(tag.SharedFunctionalGroupsSequence).Item(tag.PixelMeasuresSequence).Numbers(tag.PixelSpacing)
		}
		if got := fmt.Sprint(of); len(spacing) != 2 || got != fmt.Sprint(spacing) {
			t.Errorf("%s: spacing %s, want %v", i.name, got, spacing)
		}
		pixels, _ := s["PixelData"].(map[string]any)
		if pixels["BulkDataURI"] != p.base+i.path()+"/bulkdata/7FE00010" {
			t.Errorf("%s: pixel data %v", i.name, s["PixelData"])
		}
	}
}
