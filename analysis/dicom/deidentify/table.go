// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify

import (
	_ "embed" // the table
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// edition is that of the table.
const edition = "PS3.15 2024b"

//go:embed basic_profile.txt
var basicProfile string

// rule is a line of the table.
type rule struct {
	action   string // X, Z, D, U, or several of them
	temporal bool   // covered by the options for dates
	patient  bool   // kept with patient characteristics
	device   bool   // kept with device identity
	words    bool   // cleaned with clean descriptors
}

// table returns the rules of the basic profile by attribute. It panics if the
// embedded text is broken, which a test would show.
var table = sync.OnceValue(func() map[tag.Tag]rule {
	rules := map[tag.Tag]rule{}
	for line := range strings.Lines(basicProfile) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		t, r, err := parseRule(strings.Fields(line))
		if err != nil {
			panic("deidentify: " + err.Error())
		}
		rules[t] = r
	}
	return rules
})

// parseRule reads the fields of a line.
func parseRule(fields []string) (tag.Tag, rule, error) {
	const columns = 4
	if len(fields) != columns {
		return tag.Tag{}, rule{}, fmt.Errorf("line of %d fields", len(fields))
	}
	n, err := strconv.ParseUint(fields[0], 16, 32)
	if err != nil {
		return tag.Tag{}, rule{}, err
	}
	options := fields[2]
	return tag.Tag{Group: uint16(n >> 16), Element: uint16(n)}, rule{
		action:   fields[1],
		temporal: strings.Contains(options, "T"),
		patient:  strings.Contains(options, "P"),
		device:   strings.Contains(options, "D"),
		words:    strings.Contains(options, "C"),
	}, nil
}

// action is what becomes of an element.
type action int

const (
	remove    action = iota
	keep             // as it is, items by their own rules
	empty            // without a value
	dummy            // with a value that says nothing
	newUID           // with the UIDs that stand for its own
	newDate          // with another date, or the same if dates are kept
	newID            // with the patient's pseudonym
	keepWords        // without the words that may not stay
)

// resolve returns the action for an attribute of the table.
func (r *rewriter) resolve(t tag.Tag, rule rule, vr string) action {
	opt := &r.opt
	switch {
	case t == tag.PatientID:
		return newID
	case t == tag.ContrastBolusAgent:
		return dummy // whether there was an agent matters to attenuation
	case rule.temporal && opt.Dates != RemoveDates:
		return r.dated(t, vr)
	case rule.temporal:
	case rule.patient && opt.PatientCharacteristics, rule.device && opt.DeviceIdentity:
		return keep
	case rule.words && len(r.words) > 0 && isDescription(vr):
		return keepWords
	}
	return r.basic(rule.action, vr)
}

// dated returns the action for a date or time that may stay. Timestamps in binary
// are not understood, and treated by the basic profile.
func (r *rewriter) dated(t tag.Tag, vr string) action {
	if vr == "DA" || vr == "TM" || vr == "DT" || t == tag.TimezoneOffsetFromUTC {
		return newDate
	}
	return r.basic(table()[t].action, vr)
}

// basic returns what an action of the basic profile comes to. Where the table
// leaves a choice, it depends on the type of the attribute in the object: in the
// objects with functional groups many must have a value, in the older ones few.
func (r *rewriter) basic(a, vr string) action {
	sequence := vr == "SQ"
	switch {
	case a == "U":
		return newUID
	case a == "X/Z/U*":
		return keep // the UIDs inside are replaced
	case a == "X", sequence && (a == "X/D" || a == "X/Z/D"):
		return remove
	case a == "Z", a == "X/Z", sequence:
		return empty
	case a == "D" && vr == "UI":
		return newUID
	case a == "D", r.functionalGroups:
		return dummy
	case a == "Z/D":
		return empty
	}
	return remove // X/D, X/Z/D
}

// isDescription reports whether an attribute of a VR holds words.
func isDescription(vr string) bool {
	switch vr {
	case "CS", "LO", "LT", "SH", "ST", "UC", "UT":
		return true
	}
	return false
}

// unlisted returns the action for an attribute that the table does not have.
func (r *rewriter) unlisted(t tag.Tag, vr string) action {
	switch vr {
	case "AE", "AS", "LT", "PN", "ST", "UC", "UN", "UR", "UT", "":
		return remove
	case "DA", "DT", "TM":
		if r.opt.Dates == RemoveDates {
			return remove
		}
		return newDate
	case "UI":
		if t == tag.SOPClassUID || t == tag.ReferencedSOPClassUID || t == tag.CodingSchemeUID {
			return keep
		}
		return newUID
	}
	return keep
}
