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

// Publication is the making of the DICOM objects that tell of a revision.
type Publication struct {
	AnalysisID string
	Revision   int

	State      State
	Attempt    int
	JobID      int64
	ReasonCode string
	Reason     string
	CreatedAt  time.Time
	FinishedAt time.Time // zero while it has not
}

const publicationColumns = "analysis_id, revision, state, attempt, job_id, reason_code, reason, created_at, finished_at"

func scanPublication(scan func(...any) error) (p Publication, err error) {
	err = scan(&p.AnalysisID, &p.Revision, &p.State, &p.Attempt, &p.JobID, &p.ReasonCode, &p.Reason,
		moment{&p.CreatedAt}, moment{&p.FinishedAt})
	return p, err
}

// Object is an instance that was made of a revision, of a kind such as "sr".
type Object struct {
	Kind string
	Instance
}

// Publication returns the publication of a revision. [fault.NotExist] tells that none
// was asked for.
func (r reader) Publication(ctx context.Context, analysisID string, revision int) (Publication, error) {
	return r.publication(ctx, analysisID, revision, "")
}

func (r reader) publication(ctx context.Context, analysisID string, revision int, lock string) (Publication, error) {
	p, err := scanPublication(r.row(ctx, "SELECT "+publicationColumns+" FROM publications WHERE analysis_id = ? AND revision = ?"+lock,
		analysisID, revision).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("publication", "analysis_id", fmt.Sprintf("%s revision %d", analysisID, revision))
	}
	return p, err
}

// Objects returns the objects that were made of a revision, by SOPInstanceUID.
func (r reader) Objects(ctx context.Context, analysisID string, revision int) ([]Object, error) {
	return collect(ctx, r, func(scan func(...any) error) (o Object, err error) {
		o.Instance, err = scanInstance(func(dest ...any) error { return scan(append(dest, &o.Kind)...) })
		return o, err
	}, "SELECT "+instanceColumns+", kind"+instancesInSeries+
		" JOIN objects ON objects.sop_instance_uid = instances.sop_instance_uid WHERE analysis_id = ? AND revision = ? ORDER BY objects.sop_instance_uid",
		analysisID, revision)
}

// CreatePublication asks for the objects of a revision, once.
func (tx *Tx) CreatePublication(ctx context.Context, analysisID string, revision int) (created bool, err error) {
	n, err := tx.exec(ctx, "INSERT INTO publications ("+publicationColumns+") VALUES ("+placeholders(9)+`)
		ON CONFLICT (analysis_id, revision) DO NOTHING`,
		analysisID, revision, Queued, 0, 0, "", "", tx.now.UnixMicro(), nil)
	return n > 0, err
}

// SetPublicationJob notes the job that is to make the objects.
func (tx *Tx) SetPublicationJob(ctx context.Context, analysisID string, revision int, jobID int64) error {
	_, err := tx.exec(ctx, "UPDATE publications SET job_id = ? WHERE analysis_id = ? AND revision = ?", jobID, analysisID, revision)
	return err
}

// StartPublication begins an attempt, as StartAnalysis does.
func (tx *Tx) StartPublication(ctx context.Context, analysisID string, revision int) (Publication, error) {
	p, err := tx.publication(ctx, analysisID, revision, tx.dialect.forUpdate())
	if err != nil {
		return Publication{}, err
	}
	if p.State.Ended() {
		return p, errFenced
	}
	p.State = Running
	p.Attempt++
	_, err = tx.exec(ctx, "UPDATE publications SET state = ?, attempt = ? WHERE analysis_id = ? AND revision = ?",
		p.State, p.Attempt, analysisID, revision)
	return p, err
}

// RequeuePublication makes a publication that runs wait again. [fault.Conflict] tells
// that the attempt is over.
func (tx *Tx) RequeuePublication(ctx context.Context, p Publication, reasonCode, reason string) error {
	n, err := tx.exec(ctx, `UPDATE publications SET state = 'QUEUED', reason_code = ?, reason = ?
		WHERE analysis_id = ? AND revision = ? AND state = 'RUNNING' AND attempt = ?`, reasonCode, reason, p.AnalysisID, p.Revision, p.Attempt)
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
// over, [fault.NotExist] that the study was deleted; nothing is stored then.
func (tx *Tx) FinishPublication(ctx context.Context, p Publication, f PublicationFinish) error {
	if err := tx.lockStudyOf(ctx, p.AnalysisID); err != nil {
		return err
	}
	n, err := tx.exec(ctx, `UPDATE publications SET state = ?, reason_code = ?, reason = ?, finished_at = ?
		WHERE analysis_id = ? AND revision = ? AND state = 'RUNNING' AND attempt = ?`,
		f.State, f.ReasonCode, f.Reason, tx.now.UnixMicro(), p.AnalysisID, p.Revision, p.Attempt)
	if err == nil && n == 0 {
		err = errFenced
	}
	return err
}

// lockStudyOf makes sure that the study of an analysis is there until the transaction
// ends: what is added to it would make it anew.
func (tx *Tx) lockStudyOf(ctx context.Context, analysisID string) error {
	var study string
	err := tx.row(ctx, `SELECT study_instance_uid FROM studies WHERE study_instance_uid =
		(SELECT study_instance_uid FROM analyses WHERE analysis_id = ?)`+tx.dialect.forUpdate(), analysisID).scan(&study)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("analysis", "analysis_id", analysisID)
	}
	return err
}

// EndPublication ends a publication whatever attempt is at it. One that has ended stays
// as it is.
func (tx *Tx) EndPublication(ctx context.Context, analysisID string, revision int, f PublicationFinish) error {
	_, err := tx.exec(ctx, `UPDATE publications SET state = ?, reason_code = ?, reason = ?, finished_at = ?
		WHERE analysis_id = ? AND revision = ? AND state IN ('QUEUED', 'RUNNING')`,
		f.State, f.ReasonCode, f.Reason, tx.now.UnixMicro(), analysisID, revision)
	return err
}

// AddObjects notes which instances, by SOPInstanceUID, were made of a revision, and of
// which kind each is.
func (tx *Tx) AddObjects(ctx context.Context, p Publication, kinds map[string]string) error {
	for _, uid := range slices.Sorted(maps.Keys(kinds)) {
		if _, err := tx.exec(ctx, `INSERT INTO objects (sop_instance_uid, analysis_id, revision, kind) VALUES (?, ?, ?, ?)
			ON CONFLICT (sop_instance_uid) DO NOTHING`, uid, p.AnalysisID, p.Revision, kinds[uid]); err != nil {
			return err
		}
	}
	return nil
}
