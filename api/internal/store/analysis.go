// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// State is where an analysis or a comparison stands. Its values are the names of
// endplate.v1.AnalysisState.
type State string

// The states.
const (
	Queued    State = "QUEUED"
	Running   State = "RUNNING"
	Succeeded State = "SUCCEEDED"
	Failed    State = "FAILED"
	Cancelled State = "CANCELLED"
	Parked    State = "PARKED"
)

// Ended tells whether nothing more will come.
func (s State) Ended() bool { return s != Queued && s != Running }

// Origin says who asked for an analysis. Its values are the names of
// endplate.v1.AnalysisRun.Origin.
type Origin string

// The origins.
const (
	Requested Origin = "REQUESTED"
	Automatic Origin = "AUTOMATIC"
)

// Analysis is an analysis without its results.
type Analysis struct {
	ID                string
	StudyInstanceUID  string
	SeriesInstanceUID string
	SeriesRevision    int64 // which set of instances: see Series.Revision
	Options           []byte
	OptionsHash       [sha256.Size]byte
	Origin            Origin
	CreatedBy         string

	State      State
	Stage      string
	Fraction   float64
	Attempt    int
	WorkerID   string // of the attempt
	JobID      int64
	ReasonCode string
	Reason     string

	CreatedAt      time.Time
	StartedAt      time.Time // zero if it never was
	FinishedAt     time.Time // zero while it has not
	LatestRevision int
}

const analysisColumns = `analysis_id, study_instance_uid, series_instance_uid, series_revision, options, options_hash,
	origin, created_by, state, stage, fraction_done, attempt, worker_id, job_id, reason_code, reason,
	created_at, started_at, finished_at, latest_revision`

func scanAnalysis(scan func(...any) error) (a Analysis, err error) {
	var hash []byte
	err = scan(&a.ID, &a.StudyInstanceUID, &a.SeriesInstanceUID, &a.SeriesRevision, &a.Options, &hash,
		&a.Origin, &a.CreatedBy, &a.State, &a.Stage, &a.Fraction, &a.Attempt, &a.WorkerID, &a.JobID, &a.ReasonCode, &a.Reason,
		moment{&a.CreatedAt}, moment{&a.StartedAt}, moment{&a.FinishedAt}, &a.LatestRevision)
	copy(a.OptionsHash[:], hash)
	return a, err
}

// Analysis returns an analysis.
func (r reader) Analysis(ctx context.Context, id string) (Analysis, error) {
	return r.analysis(ctx, id, "")
}

func (r reader) analysis(ctx context.Context, id, lock string) (Analysis, error) {
	a, err := scanAnalysis(r.row(ctx, "SELECT "+analysisColumns+" FROM analyses WHERE analysis_id = ?"+lock, id).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("analysis", "analysis_id", id)
	}
	return a, err
}

// AnalysisFilter narrows ListAnalyses; empty fields do not.
type AnalysisFilter struct {
	StudyInstanceUID  string
	SeriesInstanceUID string
	States            []State
}

// ListAnalyses returns a page of analyses, the newest first.
func (r reader) ListAnalyses(ctx context.Context, filter AnalysisFilter, page Page) (analyses []Analysis, next string, err error) {
	after, err := page.start("analyses", filter)
	if err != nil {
		return nil, "", err
	}
	var w where
	if filter.StudyInstanceUID != "" {
		w.add("study_instance_uid = ?", filter.StudyInstanceUID)
	}
	if filter.SeriesInstanceUID != "" {
		w.add("series_instance_uid = ?", filter.SeriesInstanceUID)
	}
	if len(filter.States) > 0 {
		w.add("state IN ("+placeholders(len(filter.States))+")", anys(filter.States)...)
	}
	if after != nil {
		w.add("(created_at, analysis_id) < (?, ?)", after.Number, after.ID)
	}
	analyses, err = collect(ctx, r, scanAnalysis, "SELECT "+analysisColumns+" FROM analyses"+w.String()+
		" ORDER BY created_at DESC, analysis_id DESC LIMIT ?", append(w.args, page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	analyses, next = cut(page, analyses, "analyses", filter, func(a Analysis) cursor {
		return cursor{a.CreatedAt.UnixMicro(), a.ID}
	})
	return analyses, next, nil
}

// Request is a caller's name for a request, by which the same request sent again
// finds what the first one made. Without an ID there is none.
type Request struct {
	Creator string // the subject of the caller's credentials
	ID      string
	Hash    [sha256.Size]byte // of what was asked for
}

// request is what a request made.
type request struct {
	analysisID, comparisonID sql.NullString
	revision                 sql.NullInt64
}

// made returns what a request made before; nil if it did not come before.
func (tx *Tx) made(ctx context.Context, q Request) (*request, error) {
	if q.ID == "" {
		return nil, nil
	}
	var hash []byte
	var m request
	err := tx.row(ctx, "SELECT request_hash, analysis_id, revision, comparison_id FROM requests WHERE creator = ? AND request_id = ?",
		q.Creator, q.ID).scan(&hash, &m.analysisID, &m.revision, &m.comparisonID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil && string(hash) != string(q.Hash[:]) {
		err = fault.New(fault.Exist, fault.RequestIDReused, "request_id was used for another request").
			WithField("request_id", "was used for another request")
	}
	return &m, err
}

// note keeps what a request made.
func (tx *Tx) note(ctx context.Context, q Request, m request) error {
	if q.ID == "" {
		return nil
	}
	n, err := tx.exec(ctx, `INSERT INTO requests (creator, request_id, request_hash, analysis_id, revision, comparison_id)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (creator, request_id) DO NOTHING`,
		q.Creator, q.ID, q.Hash[:], m.analysisID, m.revision, m.comparisonID)
	if err == nil && n == 0 {
		err = errLost // the same request came by another way meanwhile
	}
	return err
}

// NewAnalysis asks for a series to be analysed.
type NewAnalysis struct {
	SeriesInstanceUID string
	Options           []byte // in one way only, so that their hash is one
	Origin            Origin
	CreatedBy         string
	Request           Request
}

// CreateAnalysis makes an analysis of a series as it is now. It makes none, and
// returns the one there is, if the same request was made before, or if the series
// with the same instances and options is being analysed or has been; an automatic
// analysis is not made either where one failed, was cancelled or parked.
// [fault.NotExist] tells that there is no such series, [fault.Exist] that the
// request's ID was used for another request.
func (tx *Tx) CreateAnalysis(ctx context.Context, n NewAnalysis) (a Analysis, created bool, err error) {
	before, err := tx.made(ctx, n.Request)
	if err != nil {
		return Analysis{}, false, err
	}
	if before != nil {
		a, err = tx.Analysis(ctx, before.analysisID.String)
		return a, false, err
	}
	series, err := tx.Series(ctx, n.SeriesInstanceUID)
	if err != nil {
		return Analysis{}, false, err
	}
	a, created, err = tx.analysisOf(ctx, series, n)
	if err != nil {
		return Analysis{}, false, err
	}
	return a, created, tx.note(ctx, n.Request, request{analysisID: sql.NullString{String: a.ID, Valid: true}})
}

// analysisOf returns the analysis of a series, made if there is none.
func (tx *Tx) analysisOf(ctx context.Context, series Series, n NewAnalysis) (a Analysis, created bool, err error) {
	hash := sha256.Sum256(n.Options)
	alive := " AND state IN ('QUEUED', 'RUNNING', 'SUCCEEDED')"
	if n.Origin == Automatic {
		alive = ""
	}
	a, err = scanAnalysis(tx.row(ctx, "SELECT "+analysisColumns+` FROM analyses
		WHERE series_instance_uid = ? AND series_revision = ? AND options_hash = ?`+alive+`
		ORDER BY created_at DESC, analysis_id DESC LIMIT 1`, series.SeriesInstanceUID, series.Revision(), hash[:]).scan)
	if !errors.Is(err, sql.ErrNoRows) {
		return a, false, err
	}
	a = Analysis{
		ID: newID(), StudyInstanceUID: series.StudyInstanceUID, SeriesInstanceUID: series.SeriesInstanceUID,
		SeriesRevision: series.Revision(), Options: n.Options, OptionsHash: hash,
		Origin: n.Origin, CreatedBy: n.CreatedBy, State: Queued, CreatedAt: tx.now,
	}
	if a.Options == nil {
		a.Options = []byte{}
	}
	inserted, err := tx.exec(ctx, "INSERT INTO analyses ("+analysisColumns+") VALUES ("+placeholders(20)+") ON CONFLICT DO NOTHING",
		a.ID, a.StudyInstanceUID, a.SeriesInstanceUID, a.SeriesRevision, a.Options, hash[:],
		a.Origin, a.CreatedBy, a.State, "", 0.0, 0, "", 0, "", "", tx.now.UnixMicro(), nil, nil, 0)
	if err == nil && inserted == 0 {
		err = errLost // another server made the same
	}
	if err != nil {
		return Analysis{}, false, err
	}
	return a, true, tx.rankStudy(ctx, a.ID)
}

// SetAnalysisJob notes the job that is to do an analysis.
func (tx *Tx) SetAnalysisJob(ctx context.Context, id string, jobID int64) error {
	_, err := tx.exec(ctx, "UPDATE analyses SET job_id = ? WHERE analysis_id = ?", jobID, id)
	return err
}

// errFenced tells a worker that the attempt it makes is no longer the analysis's.
var errFenced = fault.New(fault.Conflict, "", "another attempt has taken over, or the analysis has ended")

// StartAnalysis begins an attempt at an analysis that is queued, or whose attempt
// before has died, and returns it with the number of the attempt. [fault.Conflict]
// tells that it has ended, such as by cancellation.
func (tx *Tx) StartAnalysis(ctx context.Context, id, workerID string) (Analysis, error) {
	a, err := tx.analysis(ctx, id, tx.dialect.forUpdate())
	if err != nil {
		return Analysis{}, err
	}
	if a.State.Ended() {
		return a, errFenced
	}
	a.State, a.Stage, a.Fraction, a.WorkerID, a.StartedAt = Running, "", 0, workerID, tx.now
	a.Attempt++
	_, err = tx.exec(ctx, "UPDATE analyses SET state = ?, stage = '', fraction_done = 0, attempt = ?, worker_id = ?, started_at = ? WHERE analysis_id = ?",
		a.State, a.Attempt, workerID, tx.now.UnixMicro(), id)
	if err != nil {
		return Analysis{}, err
	}
	return a, tx.rankStudy(ctx, id)
}

// SetProgress notes how far an attempt has come. [fault.Conflict] tells that the
// attempt is over: the analysis was cancelled, ended, or taken over.
func (tx *Tx) SetProgress(ctx context.Context, id string, attempt int, stage string, fraction float64) error {
	n, err := tx.exec(ctx, "UPDATE analyses SET stage = ?, fraction_done = ? WHERE analysis_id = ? AND state = 'RUNNING' AND attempt = ?",
		stage, fraction, id, attempt)
	if err == nil && n == 0 {
		err = errFenced
	}
	return err
}

// RequeueAnalysis makes a running analysis wait again, for the reason why its
// attempt came to nothing. [fault.Conflict] is as for SetProgress.
func (tx *Tx) RequeueAnalysis(ctx context.Context, id string, attempt int, reasonCode, reason string) error {
	n, err := tx.exec(ctx, `UPDATE analyses SET state = 'QUEUED', stage = '', fraction_done = 0, worker_id = '', reason_code = ?, reason = ?
		WHERE analysis_id = ? AND state = 'RUNNING' AND attempt = ?`, reasonCode, reason, id, attempt)
	if err == nil && n == 0 {
		err = errFenced
	}
	if err != nil {
		return err
	}
	return tx.rankStudy(ctx, id)
}

// Finish is how an attempt ended.
type Finish struct {
	State      State // Succeeded, Failed, Cancelled or Parked
	ReasonCode string
	Reason     string
	Result     *Result // of Succeeded
}

// FinishAnalysis ends an analysis, with revision 0 of its result if it succeeded.
// [fault.Conflict] is as for SetProgress; nothing is stored then.
func (tx *Tx) FinishAnalysis(ctx context.Context, id string, attempt int, f Finish) error {
	if !f.State.Ended() || (f.State == Succeeded) != (f.Result != nil) {
		return fault.New(fault.Internal, fault.Bug, "analysis %s finished as %s with result %t", id, f.State, f.Result != nil)
	}
	n, err := tx.exec(ctx, `UPDATE analyses SET state = ?, reason_code = ?, reason = ?, finished_at = ?, stage = '', worker_id = '',
		fraction_done = CASE WHEN CAST(? AS BIGINT) = 1 THEN 1.0 ELSE fraction_done END WHERE analysis_id = ? AND state = 'RUNNING' AND attempt = ?`,
		f.State, f.ReasonCode, f.Reason, tx.now.UnixMicro(), boolInt(f.State == Succeeded), id, attempt)
	if err == nil && n == 0 {
		err = errFenced
	}
	if err != nil {
		return err
	}
	if f.Result == nil {
		return tx.rankStudy(ctx, id)
	}
	return tx.insertRevision(ctx, Revision{AnalysisID: id, CreatedAt: tx.now, Result: *f.Result})
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// EndAnalysis ends an analysis whatever attempt is at it: it is cancelled, or given
// up because its job is. One that has ended stays as it is. It returns the analysis
// as it is then.
func (tx *Tx) EndAnalysis(ctx context.Context, id string, state State, reasonCode, reason string) (Analysis, error) {
	a, err := tx.analysis(ctx, id, tx.dialect.forUpdate())
	if err != nil || a.State.Ended() {
		return a, err
	}
	a.State, a.ReasonCode, a.Reason, a.FinishedAt, a.Stage, a.WorkerID = state, reasonCode, reason, tx.now, "", ""
	_, err = tx.exec(ctx, "UPDATE analyses SET state = ?, reason_code = ?, reason = ?, finished_at = ?, stage = '', worker_id = '' WHERE analysis_id = ?",
		state, reasonCode, reason, tx.now.UnixMicro(), id)
	if err != nil {
		return Analysis{}, err
	}
	return a, tx.rankStudy(ctx, id)
}
