// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// Result is what a measurement made. The store knows nothing of its bytes.
type Result struct {
	Report  []byte // the message that callers get
	Results []byte // what corrections, pictures and comparisons need
	About   []byte // what comparisons need of the examination
}

// Revision is a result after the corrections of a reader, or the automatic one, of
// number 0.
type Revision struct {
	AnalysisID  string
	Number      int
	Author      string
	CreatedAt   time.Time
	Comment     string
	Reviewed    bool
	Corrections []byte
	Result      Result
}

// Parts says what of a revision is read beside what describes it.
type Parts int

// The parts.
const (
	Description Parts = iota // no part of the result
	Report                   // its report
	Whole                    // its report, results and about
)

func revisionColumns(parts Parts) string {
	const columns = "analysis_id, number, author, created_at, comment, reviewed, corrections, "
	switch parts {
	case Report:
		return columns + "report, NULL, NULL"
	case Whole:
		return columns + "report, results, about"
	}
	return columns + "NULL, NULL, NULL"
}

func scanRevision(scan func(...any) error) (v Revision, err error) {
	err = scan(&v.AnalysisID, &v.Number, &v.Author, moment{&v.CreatedAt}, &v.Comment, &v.Reviewed, &v.Corrections,
		&v.Result.Report, &v.Result.Results, &v.Result.About)
	return v, err
}

// Latest asks for the newest revision.
const Latest = -1

// Revision returns a revision of an analysis's result. [fault.NotExist] tells that
// there is no such analysis or revision, [fault.NotReady] that there is no result.
func (r reader) Revision(ctx context.Context, analysisID string, number int, parts Parts) (Revision, error) {
	which, args := "number = ?", []any{analysisID, number}
	if number == Latest {
		which, args = "number = (SELECT latest_revision FROM analyses WHERE analysis_id = ?)", []any{analysisID, analysisID}
	}
	v, err := scanRevision(r.row(ctx, "SELECT "+revisionColumns(parts)+" FROM revisions WHERE analysis_id = ? AND "+which, args...).scan)
	if !errors.Is(err, sql.ErrNoRows) {
		return v, err
	}
	a, err := r.Analysis(ctx, analysisID)
	if err != nil {
		return Revision{}, err
	}
	if a.State == Succeeded {
		return Revision{}, fault.New(fault.NotExist, fault.NotFound, "analysis %s has no revision %d", analysisID, number).
			With("analysis_id", analysisID)
	}
	return Revision{}, noResult(a)
}

// noResult says why an analysis has no result.
func noResult(a Analysis) error {
	if a.State.Ended() {
		return fault.New(fault.NotReady, fault.AnalysisFailed, "analysis %s is %s and has no result", a.ID, a.State).With("analysis_id", a.ID)
	}
	return fault.New(fault.NotReady, fault.NotFinished, "analysis %s is %s", a.ID, a.State).With("analysis_id", a.ID)
}

// Revisions returns what describes the revisions of an analysis's result, the
// automatic one first; none while there is no result.
func (r reader) Revisions(ctx context.Context, analysisID string) ([]Revision, error) {
	if _, err := r.Analysis(ctx, analysisID); err != nil {
		return nil, err
	}
	return collect(ctx, r, scanRevision, "SELECT "+revisionColumns(Description)+" FROM revisions WHERE analysis_id = ? ORDER BY number", analysisID)
}

// MadeRevision returns the number of the revision that a request made before.
// [fault.Exist] tells that the request's ID was used for another request.
func (tx *Tx) MadeRevision(ctx context.Context, q Request) (number int, made bool, err error) {
	before, err := tx.made(ctx, q)
	if err != nil || before == nil {
		return 0, false, err
	}
	return int(before.revision.Int64), true, nil
}

// AddRevision adds the revision that follows base and returns its number. The same
// request sent again makes none and returns the first one's. [fault.Conflict] tells
// that base is not the newest revision.
func (tx *Tx) AddRevision(ctx context.Context, base int, v Revision, q Request) (number int, err error) {
	if number, made, err := tx.MadeRevision(ctx, q); made || err != nil {
		return number, err
	}
	a, err := tx.analysis(ctx, v.AnalysisID, tx.dialect.forUpdate())
	if err != nil {
		return 0, err
	}
	if a.State != Succeeded {
		return 0, noResult(a)
	}
	if base != a.LatestRevision {
		return 0, fault.New(fault.Conflict, fault.StaleRevision, "revision %d is not the newest, %d is", base, a.LatestRevision).
			With("analysis_id", a.ID)
	}
	v.Number, v.CreatedAt = base+1, tx.now
	if err := tx.insertRevision(ctx, v); err != nil {
		return 0, err
	}
	return v.Number, tx.note(ctx, q, request{
		analysisID: sql.NullString{String: a.ID, Valid: true},
		revision:   sql.NullInt64{Int64: int64(v.Number), Valid: true},
	})
}

// insertRevision adds the newest revision.
func (tx *Tx) insertRevision(ctx context.Context, v Revision) error {
	_, err := tx.exec(ctx, `INSERT INTO revisions (analysis_id, number, author, created_at, comment, reviewed, corrections, report, results, about)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.AnalysisID, v.Number, v.Author, v.CreatedAt.UnixMicro(), v.Comment, v.Reviewed,
		present(v.Corrections), present(v.Result.Report), present(v.Result.Results), present(v.Result.About))
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "UPDATE analyses SET latest_revision = ?, severity = ? WHERE analysis_id = ?",
		v.Number, tx.severityOf(v.Result.Report), v.AnalysisID); err != nil {
		return err
	}
	return tx.rankStudy(ctx, v.AnalysisID)
}

// present returns bytes that are not NULL in the database.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
