// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Study is a stored study. What DICOM says of it is that of its first instance.
type Study struct {
	StudyInstanceUID string
	Patient          Patient
	StudyDateTime    string // DICOM DT; empty if not known
	StudyDescription string
	AccessionNumber  string
	StudyID          string

	ReferringPhysicianName string

	Modalities     []string // of its series, sorted
	SeriesCount    int
	InstanceCount  int
	SizeBytes      int64
	CreatedAt      time.Time
	LastReceivedAt time.Time
}

// Patient is what instances say of the patient, in UTF-8.
type Patient struct {
	PatientID         string
	IssuerOfPatientID string
	PatientName       string
	PatientBirthDate  string
	PatientSex        string
}

// Series is a stored series.
type Series struct {
	StudyInstanceUID    string
	SeriesInstanceUID   string
	Modality            string
	SeriesNumber        *int
	SeriesDescription   string
	FrameOfReferenceUID string // of its first instance, as is what follows

	PerformedProcedureStepStartDateTime string // DICOM DT; empty if not known
	ScheduledProcedureStepID            string // of RequestAttributesSequence
	RequestedProcedureID                string // of RequestAttributesSequence

	InstanceCount  int
	SizeBytes      int64
	CreatedAt      time.Time
	LastReceivedAt time.Time
}

// Revision numbers the sets of instances that the series has had: instances are
// only ever added.
func (s Series) Revision() int64 { return int64(s.InstanceCount) }

// StudyFilter narrows ListStudies; empty fields do not.
type StudyFilter struct {
	PatientID string
	Modality  string
}

const studyColumns = `study_instance_uid, patient_id, issuer_of_patient_id, patient_name, patient_birth_date, patient_sex,
	study_date_time, study_description, accession_number, study_id, referring_physician_name,
	series_count, instance_count, size_bytes, created_at, last_received_at`

func scanStudy(scan func(...any) error) (s Study, err error) {
	p := &s.Patient
	err = scan(&s.StudyInstanceUID, &p.PatientID, &p.IssuerOfPatientID, &p.PatientName, &p.PatientBirthDate, &p.PatientSex,
		&s.StudyDateTime, &s.StudyDescription, &s.AccessionNumber, &s.StudyID, &s.ReferringPhysicianName,
		&s.SeriesCount, &s.InstanceCount, &s.SizeBytes,
		moment{&s.CreatedAt}, moment{&s.LastReceivedAt})
	return s, err
}

const seriesColumns = `study_instance_uid, series_instance_uid, modality, series_number, series_description,
	frame_of_reference_uid, performed_step_date_time, scheduled_step_id, requested_procedure_id,
	instance_count, size_bytes, created_at, last_received_at`

func scanSeries(scan func(...any) error) (s Series, err error) {
	var number sql.NullInt64
	err = scan(&s.StudyInstanceUID, &s.SeriesInstanceUID, &s.Modality, &number, &s.SeriesDescription,
		&s.FrameOfReferenceUID, &s.PerformedProcedureStepStartDateTime, &s.ScheduledProcedureStepID, &s.RequestedProcedureID,
		&s.InstanceCount, &s.SizeBytes, moment{&s.CreatedAt}, moment{&s.LastReceivedAt})
	s.SeriesNumber = intOf(number)
	return s, err
}

func intOf(n sql.NullInt64) *int {
	if !n.Valid {
		return nil
	}
	i := int(n.Int64)
	return &i
}

// nullable returns what is stored for a number that may be absent.
func nullable(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

// ListStudies returns a page of studies, the one that last received an instance
// first.
func (r reader) ListStudies(ctx context.Context, filter StudyFilter, page Page) (studies []Study, next string, err error) {
	after, err := page.start("studies", filter)
	if err != nil {
		return nil, "", err
	}
	var w where
	if filter.PatientID != "" {
		w.add("patient_id = ?", filter.PatientID)
	}
	if filter.Modality != "" {
		w.add("EXISTS (SELECT 1 FROM series WHERE series.study_instance_uid = studies.study_instance_uid AND modality = ?)", filter.Modality)
	}
	if after != nil {
		w.add("(last_received_at, study_instance_uid) < (?, ?)", after.Number, after.ID)
	}
	studies, err = collect(ctx, r, scanStudy, "SELECT "+studyColumns+" FROM studies"+w.String()+
		" ORDER BY last_received_at DESC, study_instance_uid DESC LIMIT ?", append(w.args, page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	studies, next = cut(page, studies, "studies", filter, func(s Study) cursor {
		return cursor{s.LastReceivedAt.UnixMicro(), s.StudyInstanceUID}
	})
	return studies, next, r.addModalities(ctx, studies)
}

// addModalities fills in the modalities of studies.
func (r reader) addModalities(ctx context.Context, studies []Study) error {
	if len(studies) == 0 {
		return nil
	}
	index := make(map[string]*Study, len(studies))
	uids := make([]any, len(studies))
	for i := range studies {
		uids[i] = studies[i].StudyInstanceUID
		index[studies[i].StudyInstanceUID] = &studies[i]
	}
	pairs, err := collect(ctx, r, func(scan func(...any) error) (p [2]string, err error) {
		err = scan(&p[0], &p[1])
		return p, err
	}, "SELECT DISTINCT study_instance_uid, modality FROM series WHERE study_instance_uid IN ("+placeholders(len(uids))+")", uids...)
	for _, p := range pairs {
		if s := index[p[0]]; p[1] != "" {
			s.Modalities = append(s.Modalities, p[1])
		}
	}
	for i := range studies {
		slices.Sort(studies[i].Modalities)
	}
	return err
}

// Study returns a study.
func (r reader) Study(ctx context.Context, studyUID string) (Study, error) {
	s, err := scanStudy(r.row(ctx, "SELECT "+studyColumns+" FROM studies WHERE study_instance_uid = ?", studyUID).scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Study{}, notExist("study", "study_instance_uid", studyUID)
	}
	if err != nil {
		return Study{}, err
	}
	one := []Study{s}
	err = r.addModalities(ctx, one)
	return one[0], err
}

// unnumbered stands for the SeriesNumber of a series without one: after all others.
const unnumbered = 1 << 40

// ListSeries returns a page of the series of a study, by SeriesNumber.
func (r reader) ListSeries(ctx context.Context, studyUID string, page Page) (series []Series, next string, err error) {
	after, err := page.start("series", studyUID)
	if err != nil {
		return nil, "", err
	}
	if _, err := r.Study(ctx, studyUID); err != nil {
		return nil, "", err
	}
	var w where
	w.add("study_instance_uid = ?", studyUID)
	if after != nil {
		w.add("(COALESCE(series_number, ?), series_instance_uid) > (?, ?)", int64(unnumbered), after.Number, after.ID)
	}
	series, err = collect(ctx, r, scanSeries, "SELECT "+seriesColumns+" FROM series"+w.String()+
		" ORDER BY COALESCE(series_number, ?), series_instance_uid LIMIT ?", append(w.args, int64(unnumbered), page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	series, next = cut(page, series, "series", studyUID, func(s Series) cursor {
		if s.SeriesNumber == nil {
			return cursor{unnumbered, s.SeriesInstanceUID}
		}
		return cursor{int64(*s.SeriesNumber), s.SeriesInstanceUID}
	})
	return series, next, nil
}

// Series returns a series.
func (r reader) Series(ctx context.Context, seriesUID string) (Series, error) {
	s, err := scanSeries(r.row(ctx, "SELECT "+seriesColumns+" FROM series WHERE series_instance_uid = ?", seriesUID).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("series", "series_instance_uid", seriesUID)
	}
	return s, err
}

// DeleteStudy removes a study with its instances, its analyses and the comparisons
// in which they take part, and returns how many instances there were. The blobs are
// removed afterwards, by [Store.RemoveGarbage]. A study that is not there is no
// error.
func (tx *Tx) DeleteStudy(ctx context.Context, studyUID string) (instances int, err error) {
	err = tx.row(ctx, "SELECT instance_count FROM studies WHERE study_instance_uid = ?"+tx.dialect.forUpdate(), studyUID).scan(&instances)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, statement := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO garbage (blob_key, created_at) SELECT blob_key, CAST(? AS BIGINT) FROM instances
			WHERE series_instance_uid IN (SELECT series_instance_uid FROM series WHERE study_instance_uid = ?)`,
			[]any{tx.now.UnixMicro(), studyUID}},
		{`DELETE FROM comparisons WHERE comparison_id IN (SELECT comparison_id FROM comparison_analyses
			WHERE analysis_id IN (SELECT analysis_id FROM analyses WHERE study_instance_uid = ?))`, []any{studyUID}},
		{`DELETE FROM studies WHERE study_instance_uid = ?`, []any{studyUID}},
	} {
		if _, err := tx.exec(ctx, statement.query, statement.args...); err != nil {
			return 0, err
		}
	}
	return instances, nil
}
