// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/endplate/endplate/api/internal/fault"
)

// rankStudy brings up to date what worklists are ordered by of the study of an analysis.
// The study is locked first: of two that end at once, the later one sees both.
func (tx *Tx) rankStudy(ctx context.Context, analysisID string) error {
	var study string
	err := tx.row(ctx, `SELECT study_instance_uid FROM studies
		WHERE study_instance_uid = (SELECT study_instance_uid FROM analyses WHERE analysis_id = ?)`+
		tx.dialect.onPostgreSQL(" FOR NO KEY UPDATE"), analysisID).scan(&study)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was deleted meanwhile
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE studies SET (severity, attention, review) = (
		SELECT COALESCE(MAX(analyses.severity), -1),
			COALESCE(MAX(CASE state WHEN 'PARKED' THEN 6 WHEN 'FAILED' THEN 5 WHEN 'RUNNING' THEN 4 WHEN 'QUEUED' THEN 3
				WHEN 'CANCELLED' THEN 2 ELSE 1 END), 0),
			COALESCE(MAX(CASE WHEN revisions.number IS NULL THEN 0 WHEN revisions.reviewed THEN 1 ELSE 2 END), 0)
		FROM analyses LEFT JOIN revisions ON revisions.analysis_id = analyses.analysis_id AND revisions.number = analyses.latest_revision
		WHERE analyses.study_instance_uid = studies.study_instance_uid AND`+isNewest+`)
		WHERE study_instance_uid = ?`, study)
	return err
}

// setModalities notes the modalities of a study, for worklists that are ordered by them.
func (tx *Tx) setModalities(ctx context.Context, studyUID string) error {
	one := []Study{{StudyInstanceUID: studyUID}}
	if err := tx.addModalities(ctx, one); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "UPDATE studies SET modalities = ? WHERE study_instance_uid = ?", strings.Join(one[0].Modalities, `\`), studyUID)
	return err
}

// severityOf returns how bad a result is; NULL where nobody can tell.
func (tx *Tx) severityOf(report []byte) any {
	if tx.severity == nil {
		return nil
	}
	return tx.severity(report)
}

// How many results are ranked in one transaction.
const rankedAtOnce = 100

// rankOld tells how bad the results are that were stored before worklists were ordered
// by it, or by a server that could not tell.
func (s *Store) rankOld(ctx context.Context) error {
	for s.severity != nil {
		ids, err := collect(ctx, s.reader, text, "SELECT analysis_id FROM analyses WHERE state = 'SUCCEEDED' AND severity IS NULL LIMIT ?", rankedAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.Write(ctx, func(tx *Tx) error { return tx.rankAll(ctx, ids) }); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) rankAll(ctx context.Context, ids []string) error {
	for _, id := range ids {
		// As it is when it is locked: a reader may be saving the next revision.
		if _, err := tx.analysis(ctx, id, tx.dialect.forUpdate()); err != nil {
			if fault.Of(err) == fault.NotExist {
				continue // it was deleted meanwhile
			}
			return err
		}
		v, err := tx.Revision(ctx, id, Latest, Report)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "UPDATE analyses SET severity = ? WHERE analysis_id = ?", tx.severityOf(v.Result.Report), id); err != nil {
			return err
		}
		if err := tx.rankStudy(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
