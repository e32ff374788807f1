// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package code_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"unicode/utf8"

	"github.com/endplate/endplate/analysis/dicom/code"
	"github.com/endplate/endplate/analysis/spine"
)

func TestEveryCodeCanBeWrittenAndIsItsOnly(t *testing.T) {
	seen := map[[2]string]string{}
	for _, c := range code.All() {
		if err := c.Item().Err(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		if c.Meaning == "" || utf8.RuneCountInString(c.Meaning) > 64 || c.Source == "" {
			t.Errorf("%+v: no meaning, one that is too long, or no source", c)
		}
		k := [2]string{c.Scheme, c.Value}
		if other, twice := seen[k]; twice {
			t.Errorf("%v is %q and %q", k, other, c.Meaning)
		}
		seen[k] = c.Meaning
	}
}

func TestLevels(t *testing.T) {
	for l := spine.C1; l <= spine.T13; l++ {
		c, ok := code.Level(l)
		if ok == (l == spine.Coccyx) {
			t.Errorf("%v: a code: %v", l, ok)
		}
		if ok && code.LevelOf(c) != l {
			t.Errorf("%v is read back as %v", l, code.LevelOf(c))
		}
	}
	if l := code.LevelOf(code.Code{}); l != spine.Unknown {
		t.Errorf("no code is %v", l)
	}
}

// inPydicom prints, of codes on standard input, what pydicom's tables of the standard
// call them.
const inPydicom = `
import sys, json
from pydicom.sr._concepts_dict import concepts
known = {}
for scheme, words in concepts.items():
    for codes in words.values():
        for value, (meaning, _) in codes.items():
            known.setdefault(scheme + " " + value, []).append(meaning.lower())
json.dump({k: known[k] for k in json.load(sys.stdin) if k in known}, sys.stdout)
`

// notInPydicom are the standard's codes that its tables of 2022 lack: those of the
// context groups of vertebrae and discs, which are younger, and a few others. They
// were compared with other tables; PixelMed's rules have those of UMLS and RFC 5646.
var notInPydicom = map[string]bool{
	"PS3.16 CID 7603": true, "PS3.16 CID 7604": true, "PS3.16 CID 7230": true, "PS3.16 CID 7550": true, "PS3.16 CID 5000": true,
	"PS3.16 TID 1500, of UMLS": true, "PS3.16 TID 1502, of UMLS": true, "SNOMED CT": true, "UCUM": true,
}

// Each code of the standard stands in pydicom's tables with its meaning.
func TestPydicomKnowsTheCodes(t *testing.T) {
	var keys []string
	for _, c := range code.All() {
		if c.Scheme != code.Private {
			keys = append(keys, c.Scheme+" "+c.Value)
		}
	}
	input, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(pydicom(t), "-c", inPydicom)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var known map[string][]string
	if err := json.Unmarshal(out, &known); err != nil {
		t.Fatal(err)
	}
	for _, c := range code.All() {
		meanings, ok := known[c.Scheme+" "+c.Value]
		switch {
		case c.Scheme == code.Private:
		case !ok && !notInPydicom[c.Source]:
			t.Errorf("%+v is not in the tables", c)
		case ok && !contains(meanings, c.Meaning):
			t.Errorf("%+v is %q", c, meanings)
		}
	}
}

// contains reports whether one of the meanings is want, but for case.
func contains(meanings []string, want string) bool {
	for _, m := range meanings {
		if m == string(bytes.ToLower([]byte(want))) {
			return true
		}
	}
	return false
}

// pydicom returns a Python that has it.
func pydicom(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import pydicom").Run() == nil {
			return candidate
		}
	}
	t.Skip("without pydicom")
	return ""
}
