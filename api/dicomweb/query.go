// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// matching is how an attribute is matched. PS3.18 section 8.3.4.1, PS3.4 C.2.2.2.
type matching int

const (
	matchUID  matching = iota // a list of UIDs
	matchText                 // wildcards
	matchCode                 // a list, or wildcards
	matchDate                 // a date or a range
	matchTime
	matchNumber
)

// key is an attribute that can be searched by.
type key struct {
	field      store.Field
	matching   matching
	identifies bool // who the patient is, or the request for the examination
}

// keys are the attributes that can be searched by. PS3.18 tables 10.6.1-5.
var keys = map[tag.Tag]key{
	tag.StudyInstanceUID:       {store.FieldStudyInstanceUID, matchUID, false},
	tag.PatientName:            {store.FieldPatientName, matchText, true},
	tag.PatientID:              {store.FieldPatientID, matchText, true},
	tag.IssuerOfPatientID:      {store.FieldIssuerOfPatientID, matchText, true},
	tag.PatientBirthDate:       {store.FieldPatientBirthDate, matchDate, true},
	tag.PatientSex:             {store.FieldPatientSex, matchCode, true},
	tag.StudyDate:              {store.FieldStudyDate, matchDate, false},
	tag.StudyTime:              {store.FieldStudyTime, matchTime, false},
	tag.StudyID:                {store.FieldStudyID, matchText, true},
	tag.StudyDescription:       {store.FieldStudyDescription, matchText, false},
	tag.AccessionNumber:        {store.FieldAccessionNumber, matchText, true},
	tag.ReferringPhysicianName: {store.FieldReferringPhysicianName, matchText, true},
	tag.ModalitiesInStudy:      {store.FieldModalitiesInStudy, matchCode, false},

	tag.SeriesInstanceUID:               {store.FieldSeriesInstanceUID, matchUID, false},
	tag.Modality:                        {store.FieldModality, matchCode, false},
	tag.SeriesNumber:                    {store.FieldSeriesNumber, matchNumber, false},
	tag.SeriesDescription:               {store.FieldSeriesDescription, matchText, false},
	tag.PerformedProcedureStepStartDate: {store.FieldPerformedProcedureStepStartDate, matchDate, false},
	tag.PerformedProcedureStepStartTime: {store.FieldPerformedProcedureStepStartTime, matchTime, false},
	tag.ScheduledProcedureStepID:        {store.FieldScheduledProcedureStepID, matchText, true},
	tag.RequestedProcedureID:            {store.FieldRequestedProcedureID, matchText, true},

	tag.SOPInstanceUID: {store.FieldSOPInstanceUID, matchUID, false},
	tag.SOPClassUID:    {store.FieldSOPClassUID, matchUID, false},
	tag.InstanceNumber: {store.FieldInstanceNumber, matchNumber, false},
}

// keywords are the tags of the keys. To look for others takes a walk over the dictionary.
var keywords = sync.OnceValue(func() map[string]tag.Tag {
	m := map[string]tag.Tag{}
	for t := range keys {
		if info, err := tag.Find(t); err == nil {
			m[info.Keyword] = t
		}
	}
	return m
})

// attributeOf returns the attribute that a keyword or eight digits name. Of a path
// into a sequence it is the last.
func attributeOf(name string) (tag.Tag, error) {
	name = name[strings.LastIndexByte(name, '.')+1:]
	if t, ok := keywords()[name]; ok {
		return t, nil
	}
	if n, err := strconv.ParseUint(name, 16, 32); err == nil && len(name) == 8 {
		return tag.Tag{Group: uint16(n >> 16), Element: uint16(n)}, nil
	}
	if info, err := tag.FindByKeyword(name); err == nil && info.Keyword == name {
		return info.Tag, nil
	}
	return tag.Tag{}, invalid(name, "no attribute")
}

// invalid returns the error of a query parameter. Its name is the caller's own, cut to
// what a name can be.
func invalid(parameter, format string, args ...any) error {
	const longest = 64
	parameter = strings.ToValidUTF8(parameter[:min(len(parameter), longest)], "?")
	return fault.InvalidFields(fault.Violation{Field: parameter, Description: fmt.Sprintf(format, args...)})
}

// The numbers of what is returned.
const (
	limitDefault = 1000
	limitMost    = 5000
)

// query is what a search asks for.
type query struct {
	store.Query
	extra    []tag.Tag // attributes to be included
	all      bool
	warnings []string
}

// parseQuery reads the parameters of a search at a level.
func parseQuery(parameters url.Values, level store.Level, roles auth.Roles) (*query, error) {
	q := &query{Query: store.Query{Limit: limitDefault}}
	names := make([]string, 0, len(parameters))
	for name := range parameters {
		names = append(names, name)
	}
	slices.Sort(names) // so that of several errors it is always the same
	for _, name := range names {
		if err := q.parameter(name, parameters[name], level, roles); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// parameter reads one parameter.
func (q *query) parameter(name string, values []string, level store.Level, roles auth.Roles) error {
	switch name {
	case "accept", "charset":
		return nil
	case "includefield":
		return q.include(values)
	}
	if len(values) > 1 {
		return invalid(name, "given several times")
	}
	value := values[0]
	switch name {
	case "limit":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return invalid(name, "no number")
		}
		q.Limit = int(min(n, limitMost))
		return nil
	case "offset":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return invalid(name, "no number")
		}
		q.Offset = int(min(n, 1<<40))
		return nil
	case "fuzzymatching", "emptyvaluematching", "multiplevaluematching":
		if value != "true" && value != "false" {
			return invalid(name, "neither true nor false")
		}
		if value == "true" && name != "multiplevaluematching" {
			q.warnings = append(q.warnings, "The "+name+" parameter is not supported. Only literal matching has been performed.")
		}
		return nil
	}
	return q.match(name, value, level, roles)
}

// include reads which attributes are to be included.
func (q *query) include(values []string) error {
	for _, list := range values {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name == "all" {
				q.all = true
				continue
			}
			first, _, _ := strings.Cut(name, ".") // of a sequence, the whole
			t, err := attributeOf(first)
			if err != nil {
				return err
			}
			if len(q.extra) == mostIncluded {
				return invalid("includefield", "more than %d", mostIncluded)
			}
			q.extra = append(q.extra, t)
		}
	}
	return nil
}

// mostIncluded bounds the attributes that are read of headers.
const mostIncluded = 100

// match reads a matching parameter. One that cannot be matched at the level is not
// matched, with a warning: PS3.4 C.2.2.1.3 says so of optional keys.
func (q *query) match(name, value string, level store.Level, roles auth.Roles) error {
	t, err := attributeOf(name)
	if err != nil {
		return err
	}
	k, ok := keys[t]
	if !ok || k.field.Level() > level {
		q.warnings = append(q.warnings, "The attribute "+name+" is not matched here.")
		return nil
	}
	if k.identifies && !roles.Has(auth.Identities) {
		return fault.New(fault.Denied, fault.RoleMissing, "searching by %s needs the role %s", name, auth.Identities)
	}
	if value == "" || value == "*" { // universal matching
		return nil
	}
	m, err := k.parse(value)
	if err != nil {
		return invalid(name, "%v", err)
	}
	q.Matches = append(q.Matches, m)
	return nil
}

var (
	dateForm = regexp.MustCompile(`^[0-9]{8}$`)
	timeForm = regexp.MustCompile(`^[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?$`)
)

// The longest values, and the most wildcards that a pattern may have: how long
// matching takes grows with both.
const (
	longestMatch  = 64 * 3 // bytes: an LO of 64 characters
	mostWildcards = 8
)

// parse reads a value to be matched.
func (k key) parse(value string) (store.Match, error) {
	m := store.Match{Field: k.field}
	switch k.matching {
	case matchDate:
		return k.between(value, dateForm)
	case matchTime:
		return k.between(value, timeForm)
	case matchNumber:
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return m, fmt.Errorf("no number")
		}
		m.Values = []string{value}
		return m, nil
	case matchText:
		m.Values = []string{value}
	default:
		m.Values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\\' })
	}
	if k.matching == matchUID {
		if slices.ContainsFunc(m.Values, func(uid string) bool { return dicom.ValidUID(uid) == "" }) || len(m.Values) == 0 {
			return m, fmt.Errorf("no UID")
		}
		return m, nil
	}
	m.Wildcards = strings.ContainsAny(value, "*?")
	if len(m.Values) == 0 || slices.ContainsFunc(m.Values, func(v string) bool { return len(v) > longestMatch }) {
		return m, fmt.Errorf("too long")
	}
	if strings.Count(value, "*") > mostWildcards {
		return m, fmt.Errorf("more than %d wildcards", mostWildcards)
	}
	return m, nil
}

// between reads a single value or a range.
func (k key) between(value string, form *regexp.Regexp) (store.Match, error) {
	from, to, isRange := strings.Cut(value, "-")
	valid := func(v string) bool { return v == "" || form.MatchString(v) }
	if !valid(from) || !valid(to) || from == "" && to == "" {
		return store.Match{}, fmt.Errorf("neither a value nor a range")
	}
	if !isRange {
		return store.Match{Field: k.field, Values: []string{from}}, nil
	}
	return store.Match{Field: k.field, From: from, To: to}, nil
}
