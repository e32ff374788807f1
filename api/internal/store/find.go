// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Field is something by which studies, series and instances are found. It is named as
// the attribute of DICOM.
type Field int

// The fields, by the level that they are of.
const (
	FieldStudyInstanceUID Field = iota
	FieldPatientID
	FieldIssuerOfPatientID
	FieldPatientName
	FieldPatientBirthDate
	FieldPatientSex
	FieldStudyDate
	FieldStudyTime
	FieldStudyID
	FieldStudyDescription
	FieldAccessionNumber
	FieldReferringPhysicianName
	FieldModalitiesInStudy

	FieldSeriesInstanceUID
	FieldModality
	FieldSeriesNumber
	FieldSeriesDescription
	FieldPerformedProcedureStepStartDate
	FieldPerformedProcedureStepStartTime
	FieldScheduledProcedureStepID
	FieldRequestedProcedureID

	FieldSOPInstanceUID
	FieldSOPClassUID
	FieldInstanceNumber

	numFields
)

// Level is what is searched for.
type Level int

// The levels.
const (
	StudyLevel Level = iota
	SeriesLevel
	InstanceLevel
)

// Level returns the level that a field is of: it can be searched by there and below.
func (f Field) Level() Level {
	switch {
	case f >= FieldSOPInstanceUID:
		return InstanceLevel
	case f >= FieldSeriesInstanceUID:
		return SeriesLevel
	}
	return StudyLevel
}

// fieldKind says how the values of a field compare.
type fieldKind int

const (
	plain   fieldKind = iota // bytewise
	names                    // of persons: case does not count, and each component group is one
	dates                    // YYYYMMDD, with which a column begins
	times                    // HHMMSS.F and less, what follows the date
	numbers                  // whole
	within                   // of one of its series
)

var fields = [numFields]struct {
	column string
	kind   fieldKind
}{
	FieldStudyInstanceUID:       {"studies.study_instance_uid", plain},
	FieldPatientID:              {"studies.patient_id", plain},
	FieldIssuerOfPatientID:      {"studies.issuer_of_patient_id", plain},
	FieldPatientName:            {"studies.patient_name", names},
	FieldPatientBirthDate:       {"studies.patient_birth_date", dates},
	FieldPatientSex:             {"studies.patient_sex", plain},
	FieldStudyDate:              {"studies.study_date_time", dates},
	FieldStudyTime:              {"studies.study_date_time", times},
	FieldStudyID:                {"studies.study_id", plain},
	FieldStudyDescription:       {"studies.study_description", plain},
	FieldAccessionNumber:        {"studies.accession_number", plain},
	FieldReferringPhysicianName: {"studies.referring_physician_name", names},
	FieldModalitiesInStudy:      {"one.modality", within},

	FieldSeriesInstanceUID:               {"series.series_instance_uid", plain},
	FieldModality:                        {"series.modality", plain},
	FieldSeriesNumber:                    {"series.series_number", numbers},
	FieldSeriesDescription:               {"series.series_description", plain},
	FieldPerformedProcedureStepStartDate: {"series.performed_step_date_time", dates},
	FieldPerformedProcedureStepStartTime: {"series.performed_step_date_time", times},
	FieldScheduledProcedureStepID:        {"series.scheduled_step_id", plain},
	FieldRequestedProcedureID:            {"series.requested_procedure_id", plain},

	FieldSOPInstanceUID: {"instances.sop_instance_uid", plain},
	FieldSOPClassUID:    {"instances.sop_class_uid", plain},
	FieldInstanceNumber: {"instances.instance_number", numbers},
}

// Match is a condition that what is found fulfils.
type Match struct {
	Field Field
	// Values are those of which one must be there. In each, "*" stands for any
	// characters and "?" for one where Wildcards is set.
	Values    []string
	Wildcards bool
	// From and To are the bounds of a range of dates or times, inclusive; an empty one
	// is open. They count where Values is empty.
	From, To string
}

// Query asks for what fulfils all matches.
type Query struct {
	Matches       []Match
	Limit, Offset int // of what is returned, in an order that stays the same
}

// unknownNumber stands for a number that cannot be one: nothing has it.
const unknownNumber = -1 << 62

// condition returns the clause of a match.
func (m Match) condition(d Dialect) (string, []any) {
	f := fields[m.Field]
	column := f.column
	switch f.kind {
	case dates:
		column = "substr(" + column + ", 1, 8)"
	case times:
		column = "substr(" + column + ", 9)"
	}
	if len(m.Values) == 0 {
		return m.between(d, f.kind, column)
	}
	var clauses []string
	var args []any
	for _, v := range m.Values {
		clause, a := m.single(d, f.kind, column, v)
		clauses = append(clauses, clause)
		args = append(args, a...)
	}
	clause := "(" + strings.Join(clauses, " OR ") + ")"
	if f.kind == within {
		clause = "EXISTS (SELECT 1 FROM series AS one WHERE one.study_instance_uid = studies.study_instance_uid AND " + clause + ")"
	}
	return clause, args
}

// single returns the clause of one value.
func (m Match) single(d Dialect, kind fieldKind, column, v string) (string, []any) {
	switch {
	case kind == names:
		return d.nameLike(column, v, m.Wildcards)
	case kind == numbers:
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			n = unknownNumber
		}
		return column + " = ?", []any{n}
	case m.Wildcards:
		return d.like(column), []any{d.pattern(v)}
	case kind == times: // 1011 is the whole minute
		return Match{From: v, To: v}.between(d, kind, column)
	}
	return column + " = ?", []any{v}
}

// between returns the clause of a range. What has no date or time is in none.
func (m Match) between(d Dialect, kind fieldKind, column string) (string, []any) {
	const latest = "~" // sorts behind digits
	column = d.bytewise(column)
	clause, args := column+" > ''", []any(nil)
	if m.From != "" {
		clause, args = clause+" AND "+column+" >= ?", append(args, m.From)
	}
	if m.To != "" {
		to := m.To
		if kind == times {
			to += latest
		}
		clause, args = clause+" AND "+column+" <= ?", append(args, to)
	}
	return "(" + clause + ")", args
}

// where returns the clauses of a query.
func (q Query) where(d Dialect) *where {
	w := &where{}
	for _, m := range q.Matches {
		clause, args := m.condition(d)
		w.add(clause, args...)
	}
	return w
}

// qualified returns columns with the name of their table.
func qualified(table, columns string) string {
	all := strings.Split(columns, ",")
	for i, c := range all {
		all[i] = table + "." + strings.TrimSpace(c)
	}
	return strings.Join(all, ", ")
}

const (
	fromSeries    = " FROM series JOIN studies ON studies.study_instance_uid = series.study_instance_uid"
	fromInstances = ` FROM instances JOIN series ON series.series_instance_uid = instances.series_instance_uid
		JOIN studies ON studies.study_instance_uid = series.study_instance_uid`

	inStudies = "studies.study_date_time DESC, studies.study_instance_uid"
	inSeries  = inStudies + ", series.study_instance_uid, COALESCE(series.series_number, 1099511627776), series.series_instance_uid"
)

// found queries, and counts where there is more than was asked for.
func found[T any](ctx context.Context, r reader, scan func(func(...any) error) (T, error), q Query, columns, from, order string) ([]T, int, error) {
	w := q.where(r.dialect)
	all, err := collect(ctx, r, scan, "SELECT "+columns+from+w.String()+" ORDER BY "+order+" LIMIT ? OFFSET ?",
		append(slices.Clone(w.args), q.Limit+1, q.Offset)...)
	if err != nil || len(all) <= q.Limit {
		return all, q.Offset + len(all), err
	}
	var total int
	err = r.row(ctx, "SELECT COUNT(*)"+from+w.String(), w.args...).scan(&total)
	return all[:q.Limit], max(total, q.Offset+len(all)), err
}

// FindStudies returns the studies that a query asks for, the latest first, and how
// many there are in all, or less where the query goes beyond them.
func (r reader) FindStudies(ctx context.Context, q Query) ([]Study, int, error) {
	studies, total, err := found(ctx, r, scanStudy, q, studyColumns, " FROM studies", inStudies)
	if err != nil {
		return nil, 0, err
	}
	return studies, total, r.addModalities(ctx, studies)
}

// FindSeries returns the series that a query asks for, by study and number, and how
// many there are in all.
func (r reader) FindSeries(ctx context.Context, q Query) ([]Series, int, error) {
	return found(ctx, r, scanSeries, q, qualified("series", seriesColumns), fromSeries, inSeries)
}

// FindInstances returns the instances that a query asks for, by study, series and
// number, and how many there are in all.
func (r reader) FindInstances(ctx context.Context, q Query) ([]Instance, int, error) {
	return found(ctx, r, scanInstance, q, instanceColumns, fromInstances,
		inSeries+", COALESCE(instances.instance_number, 1099511627776), instances.sop_instance_uid")
}

// StudiesOf returns the studies with these UIDs, by UID.
func (r reader) StudiesOf(ctx context.Context, uids []string) (map[string]Study, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	studies, err := collect(ctx, r, scanStudy, "SELECT "+studyColumns+" FROM studies WHERE study_instance_uid IN ("+placeholders(len(uids))+")", anys(uids)...)
	if err != nil {
		return nil, err
	}
	err = r.addModalities(ctx, studies)
	return byUID(studies, func(s Study) string { return s.StudyInstanceUID }), err
}

// SeriesOf returns the series with these UIDs, by UID.
func (r reader) SeriesOf(ctx context.Context, uids []string) (map[string]Series, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	series, err := collect(ctx, r, scanSeries, "SELECT "+seriesColumns+" FROM series WHERE series_instance_uid IN ("+placeholders(len(uids))+")", anys(uids)...)
	return byUID(series, func(s Series) string { return s.SeriesInstanceUID }), err
}

func byUID[T any](all []T, uid func(T) string) map[string]T {
	m := make(map[string]T, len(all))
	for _, v := range all {
		m[uid(v)] = v
	}
	return m
}

// like returns the clause that compares a column with a pattern, by case.
func (d Dialect) like(column string) string {
	if d == PostgreSQL {
		return column + " LIKE ?"
	}
	return column + " GLOB ?"
}

// pattern returns a pattern of "*" and "?" as like takes it.
func (d Dialect) pattern(v string) string {
	if d == PostgreSQL {
		return likePattern(v, true)
	}
	return strings.NewReplacer("[", "[[]").Replace(v)
}

// likePattern returns a pattern of LIKE, in which what has a meaning there is escaped.
func likePattern(v string, wildcards bool) string {
	pairs := []string{`\`, `\\`, "%", `\%`, "_", `\_`}
	if wildcards {
		pairs = append(pairs, "*", "%", "?", "_")
	}
	return strings.NewReplacer(pairs...).Replace(v)
}

// nameLike returns the clause that finds a name, whatever its case, or one of its
// component groups.
func (d Dialect) nameLike(column, v string, wildcards bool) (string, []any) {
	like := "LIKE ? ESCAPE '\\'"
	if d == PostgreSQL {
		like = "I" + like
	}
	p := likePattern(v, wildcards)
	clauses := make([]string, 0, 4)
	args := make([]any, 0, 4)
	for _, form := range []string{"%s", "%s=%%", "%%=%s", "%%=%s=%%"} {
		clauses = append(clauses, column+" "+like)
		args = append(args, fmt.Sprintf(form, p))
	}
	return "(" + strings.Join(clauses, " OR ") + ")", args
}

// bytewise makes a column compare by its bytes.
func (d Dialect) bytewise(column string) string { return column + d.onPostgreSQL(` COLLATE "C"`) }
