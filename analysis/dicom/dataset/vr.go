// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// vrs are the value representations, PS3.5 table 6.2-1.
var vrs = map[string]bool{
	"AE": true, "AS": true, "AT": true, "CS": true, "DA": true, "DS": true, "DT": true,
	"FD": true, "FL": true, "IS": true, "LO": true, "LT": true, "OB": true, "OD": true,
	"OF": true, "OL": true, "OV": true, "OW": true, "PN": true, "SH": true, "SL": true,
	"SQ": true, "SS": true, "ST": true, "SV": true, "TM": true, "UC": true, "UI": true,
	"UL": true, "UN": true, "UR": true, "US": true, "UT": true, "UV": true,
}

// mostCharacters bounds the values of text VRs, and of each component group of a PN.
// PS3.5 table 6.2-1.
var mostCharacters = map[string]int{
	"AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10240,
	"PN": 64, "SH": 16, "ST": 1024, "TM": 14, "UI": 64,
}

// patterns are what values of the VRs of a form look like, where they are not empty.
// Ranges of a query are not among them. Numbers of a UID with leading zeros, which
// PS3.5 9.1 forbids and some devices write, are let pass: what they name must be
// referred to. PS3.5 table 6.2-1.
var patterns = map[string]*regexp.Regexp{
	"AS": regexp.MustCompile(`^[0-9]{3}[DWMY]$`),
	"CS": regexp.MustCompile(`^[A-Z0-9_ ]+$`),
	"DA": regexp.MustCompile(`^[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$`),
	"DS": regexp.MustCompile(`^ *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *$`),
	"DT": regexp.MustCompile(`^[0-9]{4}((0[1-9]|1[0-2])((0[1-9]|[12][0-9]|3[01])(([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9]|60)?)?)?)?)?(\.[0-9]{1,6})?([+-][0-9]{4})?$`),
	"IS": regexp.MustCompile(`^ *[+-]?[0-9]+ *$`),
	"TM": regexp.MustCompile(`^([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?$`),
	"UI": regexp.MustCompile(`^[0-9]+(\.[0-9]+)+$`),
}

// textVRs are the VRs of text in the character set of the data set; the value says
// whether there can be several lines, which then are one value.
var textVRs = map[string]bool{"SH": false, "LO": false, "PN": false, "UC": false, "ST": true, "LT": true, "UT": true}

// singleValued reports whether a backslash is part of the text in a VR.
func singleValued(vr string) bool { return textVRs[vr] || vr == "UR" }

// textProblem says why a text cannot be a value of a VR; empty if it can.
func textProblem(vr, s string) string {
	_, free := textVRs[vr]
	pattern := patterns[vr]
	switch {
	case !free && pattern == nil && vr != "AE" && vr != "UR":
		return vr + " holds no text"
	case s == "":
		return ""
	case !utf8.ValidString(s):
		return "not UTF-8"
	case strings.ContainsFunc(s, func(r rune) bool { return isControl(r, textVRs[vr]) }):
		return "a control character"
	case !singleValued(vr) && strings.Contains(s, `\`):
		return "a backslash, which separates values"
	case pattern != nil && !pattern.MatchString(s):
		return "no " + vr
	}
	groups := []string{s}
	if vr == "PN" {
		groups = strings.Split(s, "=")
		if len(groups) > 3 {
			return "more than three component groups"
		}
	}
	if most := mostCharacters[vr]; most > 0 && slices.ContainsFunc(groups, func(g string) bool { return utf8.RuneCountInString(g) > most }) {
		return fmt.Sprintf("more than the %d characters of a %s", most, vr)
	}
	return ""
}

// Problem says why the value of an element of text cannot be one of its VR; empty if
// it can, and for other elements.
func (e Element) Problem() string {
	if !isText(e.VR) {
		return ""
	}
	values := []string{string(e.Value)}
	if !singleValued(e.VR) {
		values = strings.Split(string(e.Value), `\`)
	}
	for _, v := range values {
		if problem := textProblem(e.VR, v); problem != "" {
			return problem
		}
	}
	return ""
}

func isControl(r rune, lines bool) bool {
	if lines && (r == '\n' || r == '\r' || r == '\t' || r == '\f') {
		return false
	}
	return r < ' ' || r == 0x7f
}

// knownVRs returns the VRs that an attribute can have; nil for one that is not known.
func knownVRs(t tag.Tag) []string {
	info, err := tag.Find(t)
	if err != nil || info.Keyword == "" {
		return nil
	}
	return info.VRs
}
