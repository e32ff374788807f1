// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// SourceEndplate is the Source of instances that the service made itself.
const SourceEndplate = "endplate"

// Subject is what objects tell of: a revision of an analysis, or a comparison.
type Subject struct {
	AnalysisID   string // empty of a comparison
	Revision     int
	ComparisonID string // empty of a revision
}

// OfRevision returns a revision of an analysis as a subject.
func OfRevision(analysisID string, revision int) Subject {
	return Subject{AnalysisID: analysisID, Revision: revision}
}

// OfComparison returns a comparison as a subject.
func OfComparison(id string) Subject { return Subject{ComparisonID: id} }

// where returns the condition that rows are of the subject.
func (s Subject) where() (condition string, args []any) {
	if s.ComparisonID != "" {
		return "comparison_id = ?", []any{s.ComparisonID}
	}
	return "analysis_id = ? AND revision = ?", []any{s.AnalysisID, s.Revision}
}

// columns returns the subject's analysis, revision and comparison as they are stored.
func (s Subject) columns() []any {
	if s.ComparisonID != "" {
		return []any{nil, nil, s.ComparisonID}
	}
	return []any{s.AnalysisID, s.Revision, nil}
}

// String names the subject, for errors.
func (s Subject) String() string {
	if s.ComparisonID != "" {
		return "comparison " + s.ComparisonID
	}
	return fmt.Sprintf("analysis %s revision %d", s.AnalysisID, s.Revision)
}

// subject reads a subject from its three columns.
type subject struct {
	analysis, comparison sql.NullString
	revision             sql.NullInt64
}

func (s *subject) dest() []any { return []any{&s.analysis, &s.revision, &s.comparison} }

func (s *subject) read() Subject {
	return Subject{AnalysisID: s.analysis.String, Revision: int(s.revision.Int64), ComparisonID: s.comparison.String}
}

// Publication is the making of the DICOM objects that tell of a subject.
type Publication struct {
	Subject

	State      State
	Attempt    int
	JobID      int64
	ReasonCode string
	Reason     string
	CreatedAt  time.Time
	FinishedAt time.Time // zero while it has not
}

const publicationColumns = "analysis_id, revision, comparison_id, state, attempt, job_id, reason_code, reason, created_at, finished_at"

func scanPublication(scan func(...any) error) (p Publication, err error) {
	var of subject
	err = scan(append(of.dest(), &p.State, &p.Attempt, &p.JobID, &p.ReasonCode, &p.Reason,
		moment{&p.CreatedAt}, moment{&p.FinishedAt})...)
	p.Subject = of.read()
	return p, err
}

// Object is an instance that was made of a result, of a kind such as "sr".
type Object struct {
	Kind string
	Instance
}

// Publication returns the publication of a subject. [fault.NotExist] tells that none
// was asked for.
func (r reader) Publication(ctx context.Context, of Subject) (Publication, error) {
	return r.publication(ctx, of, "")
}

func (r reader) publication(ctx context.Context, of Subject, lock string) (Publication, error) {
	where, args := of.where()
	p, err := scanPublication(r.row(ctx, "SELECT "+publicationColumns+" FROM publications WHERE "+where+lock, args...).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("publication", "subject", of.String())
	}
	return p, err
}

// Objects returns the objects that were made of a subject, by SOPInstanceUID.
func (r reader) Objects(ctx context.Context, of Subject) ([]Object, error) {
	where, args := of.where()
	return collect(ctx, r, func(scan func(...any) error) (o Object, err error) {
		o.Instance, err = scanInstance(func(dest ...any) error { return scan(append(dest, &o.Kind)...) })
		return o, err
	}, "SELECT "+instanceColumns+", kind"+instancesInSeries+
		" JOIN objects ON objects.sop_instance_uid = instances.sop_instance_uid WHERE "+where+" ORDER BY objects.sop_instance_uid", args...)
}

// CreatePublication asks for the objects of a subject, once.
func (tx *Tx) CreatePublication(ctx context.Context, of Subject) (created bool, err error) {
	n, err := tx.exec(ctx, "INSERT INTO publications ("+publicationColumns+") VALUES ("+placeholders(10)+") ON CONFLICT DO NOTHING",
		append(of.columns(), Queued, 0, 0, "", "", tx.now.UnixMicro(), nil)...)
	return n > 0, err
}

// SetPublicationJob notes the job that is to make the objects.
func (tx *Tx) SetPublicationJob(ctx context.Context, of Subject, jobID int64) error {
	where, args := of.where()
	_, err := tx.exec(ctx, "UPDATE publications SET job_id = ? WHERE "+where, append([]any{jobID}, args...)...)
	return err
}

// StartPublication begins an attempt, as StartAnalysis does.
func (tx *Tx) StartPublication(ctx context.Context, of Subject) (Publication, error) {
	p, err := tx.publication(ctx, of, tx.dialect.forUpdate())
	if err != nil {
		return Publication{}, err
	}
	if p.State.Ended() {
		return p, errFenced
	}
	p.State = Running
	p.Attempt++
	where, args := of.where()
	_, err = tx.exec(ctx, "UPDATE publications SET state = ?, attempt = ? WHERE "+where, append([]any{p.State, p.Attempt}, args...)...)
	return p, err
}

// RequeuePublication makes a publication that runs wait again. [fault.Conflict] tells
// that the attempt is over.
func (tx *Tx) RequeuePublication(ctx context.Context, p Publication, reasonCode, reason string) error {
	return tx.atAttempt(ctx, p, "state = 'QUEUED', reason_code = ?, reason = ?", reasonCode, reason)
}

// atAttempt sets columns of a publication that an attempt is at.
func (tx *Tx) atAttempt(ctx context.Context, p Publication, set string, values ...any) error {
	where, args := p.where()
	n, err := tx.exec(ctx, "UPDATE publications SET "+set+" WHERE "+where+" AND state = 'RUNNING' AND attempt = ?",
		append(append(values, args...), p.Attempt)...)
	if err == nil && n == 0 {
		err = errFenced
	}
	return err
}

// PublicationFinish is how an attempt at a publication ended.
type PublicationFinish struct {
	State      State
	ReasonCode string
	Reason     string
}

// FinishPublication ends a publication. [fault.Conflict] tells that the attempt is
// over, [fault.NotExist] that a study was deleted and the subject with it; nothing is
// stored then.
func (tx *Tx) FinishPublication(ctx context.Context, p Publication, f PublicationFinish) error {
	if err := tx.lockStudiesOf(ctx, p.Subject); err != nil {
		return err
	}
	return tx.atAttempt(ctx, p, "state = ?, reason_code = ?, reason = ?, finished_at = ?",
		f.State, f.ReasonCode, f.Reason, tx.now.UnixMicro())
}

// lockStudiesOf makes sure that the studies of a subject are there until the
// transaction ends: what is added to them would make them anew.
func (tx *Tx) lockStudiesOf(ctx context.Context, of Subject) error {
	analyses, args := "analysis_id = ?", []any{of.AnalysisID}
	if of.ComparisonID != "" {
		analyses, args = "analysis_id IN (SELECT analysis_id FROM comparison_analyses WHERE comparison_id = ?)", []any{of.ComparisonID}
	}
	// In the order in which others lock them too.
	locked, err := collect(ctx, tx.reader, func(scan func(...any) error) (study string, err error) {
		err = scan(&study)
		return study, err
	}, "SELECT study_instance_uid FROM studies WHERE study_instance_uid IN (SELECT study_instance_uid FROM analyses WHERE "+analyses+
		") ORDER BY study_instance_uid"+tx.dialect.forUpdate(), args...)
	switch {
	case err != nil:
		return err
	case len(locked) == 0:
		return notExist("study", "subject", of.String())
	case of.ComparisonID != "": // it goes with the first of its studies
		_, err = tx.Comparison(ctx, of.ComparisonID)
	}
	return err
}

// EndPublication ends a publication whatever attempt is at it. One that has ended stays
// as it is.
func (tx *Tx) EndPublication(ctx context.Context, of Subject, f PublicationFinish) error {
	where, args := of.where()
	_, err := tx.exec(ctx, "UPDATE publications SET state = ?, reason_code = ?, reason = ?, finished_at = ? WHERE "+where+
		" AND state IN ('QUEUED', 'RUNNING')", append([]any{f.State, f.ReasonCode, f.Reason, tx.now.UnixMicro()}, args...)...)
	return err
}

// AddObjects notes which instances, by SOPInstanceUID, were made of a subject, and of
// which kind each is.
func (tx *Tx) AddObjects(ctx context.Context, of Subject, kinds map[string]string) error {
	for _, uid := range slices.Sorted(maps.Keys(kinds)) {
		if _, err := tx.exec(ctx, `INSERT INTO objects (sop_instance_uid, kind, analysis_id, revision, comparison_id) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (sop_instance_uid) DO NOTHING`, append([]any{uid, kinds[uid]}, of.columns()...)...); err != nil {
			return err
		}
	}
	return nil
}
