// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// Comparison is a comparison of analyses.
type Comparison struct {
	ID          string
	AnalysisIDs []string
	Options     []byte
	CreatedBy   string

	State      State
	Attempt    int
	JobID      int64
	ReasonCode string
	Reason     string
	CreatedAt  time.Time
	FinishedAt time.Time // zero while it has not
	Revisions  []int     // of the analyses, in their order; nil while there is no result
	Report     []byte    // nil while there is none, and in lists
}

const comparisonColumns = `comparison_id, options, created_by, state, attempt, job_id, reason_code, reason, created_at, finished_at, `

func scanComparison(scan func(...any) error) (c Comparison, err error) {
	err = scan(&c.ID, &c.Options, &c.CreatedBy, &c.State, &c.Attempt, &c.JobID, &c.ReasonCode, &c.Reason,
		moment{&c.CreatedAt}, moment{&c.FinishedAt}, &c.Report)
	return c, err
}

// Comparison returns a comparison.
func (r reader) Comparison(ctx context.Context, id string) (Comparison, error) {
	return r.comparison(ctx, id, "")
}

func (r reader) comparison(ctx context.Context, id, lock string) (Comparison, error) {
	c, err := scanComparison(r.row(ctx, "SELECT "+comparisonColumns+"report FROM comparisons WHERE comparison_id = ?"+lock, id).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("comparison", "comparison_id", id)
	}
	if err != nil {
		return Comparison{}, err
	}
	one := []Comparison{c}
	err = r.addAnalyses(ctx, one)
	return one[0], err
}

// addAnalyses fills in the analyses of comparisons and their revisions.
func (r reader) addAnalyses(ctx context.Context, comparisons []Comparison) error {
	if len(comparisons) == 0 {
		return nil
	}
	index := make(map[string]*Comparison, len(comparisons))
	ids := make([]any, len(comparisons))
	for i := range comparisons {
		ids[i] = comparisons[i].ID
		index[comparisons[i].ID] = &comparisons[i]
	}
	type part struct {
		comparison, analysis string
		revision             sql.NullInt64
	}
	parts, err := collect(ctx, r, func(scan func(...any) error) (p part, err error) {
		err = scan(&p.comparison, &p.analysis, &p.revision)
		return p, err
	}, "SELECT comparison_id, analysis_id, revision FROM comparison_analyses WHERE comparison_id IN ("+placeholders(len(ids))+
		") ORDER BY comparison_id, position", ids...)
	for _, p := range parts {
		c := index[p.comparison]
		c.AnalysisIDs = append(c.AnalysisIDs, p.analysis)
		if p.revision.Valid {
			c.Revisions = append(c.Revisions, int(p.revision.Int64))
		}
	}
	return err
}

// ComparisonFilter narrows ListComparisons; an empty field does not.
type ComparisonFilter struct {
	StudyInstanceUID string // of an analysis that takes part
}

// ListComparisons returns a page of comparisons without their reports, the newest
// first.
func (r reader) ListComparisons(ctx context.Context, filter ComparisonFilter, page Page) (comparisons []Comparison, next string, err error) {
	after, err := page.start("comparisons", filter)
	if err != nil {
		return nil, "", err
	}
	var w where
	if filter.StudyInstanceUID != "" {
		w.add(`comparison_id IN (SELECT comparison_id FROM comparison_analyses WHERE analysis_id IN
			(SELECT analysis_id FROM analyses WHERE study_instance_uid = ?))`, filter.StudyInstanceUID)
	}
	if after != nil {
		w.add("(created_at, comparison_id) < (?, ?)", after.Number, after.ID)
	}
	comparisons, err = collect(ctx, r, scanComparison, "SELECT "+comparisonColumns+"NULL FROM comparisons"+w.String()+
		" ORDER BY created_at DESC, comparison_id DESC LIMIT ?", append(w.args, page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	comparisons, next = cut(page, comparisons, "comparisons", filter, func(c Comparison) cursor {
		return cursor{c.CreatedAt.UnixMicro(), c.ID}
	})
	return comparisons, next, r.addAnalyses(ctx, comparisons)
}

// EarlierComparisons returns the comparisons that have a result and compared the same
// analyses, in the same order and in none of them a later revision, without their
// reports, the newest first.
func (r reader) EarlierComparisons(ctx context.Context, c Comparison) ([]Comparison, error) {
	all, err := collect(ctx, r, scanComparison, "SELECT "+comparisonColumns+`NULL FROM comparisons WHERE state = 'SUCCEEDED' AND comparison_id <> ? AND comparison_id IN
		(SELECT comparison_id FROM comparison_analyses WHERE analysis_id = ? AND position = 0) ORDER BY created_at DESC, comparison_id DESC`, c.ID, c.AnalysisIDs[0])
	if err != nil {
		return nil, err
	}
	if err := r.addAnalyses(ctx, all); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(b Comparison) bool {
		return !slices.Equal(b.AnalysisIDs, c.AnalysisIDs) || len(b.Revisions) != len(c.Revisions) || later(b.Revisions, c.Revisions)
	}), nil
}

// later tells whether one of the first revisions is later than that of the second.
func later(a, b []int) bool {
	for i := range a {
		if a[i] > b[i] {
			return true
		}
	}
	return false
}

// NewComparison asks for analyses to be compared.
type NewComparison struct {
	AnalysisIDs []string
	Options     []byte
	CreatedBy   string
	Request     Request
}

// CreateComparison makes a comparison, or returns the one that the same request made
// before. [fault.NotExist] tells that there is no such analysis, [fault.Exist] that
// the request's ID was used for another request.
func (tx *Tx) CreateComparison(ctx context.Context, n NewComparison) (c Comparison, created bool, err error) {
	before, err := tx.made(ctx, n.Request)
	if err != nil {
		return Comparison{}, false, err
	}
	if before != nil {
		c, err = tx.Comparison(ctx, before.comparisonID.String)
		return c, false, err
	}
	c = Comparison{
		ID: newID(), AnalysisIDs: n.AnalysisIDs, Options: present(n.Options),
		CreatedBy: n.CreatedBy, State: Queued, CreatedAt: tx.now,
	}
	if _, err := tx.exec(ctx, "INSERT INTO comparisons ("+comparisonColumns+"report) VALUES ("+placeholders(11)+")",
		c.ID, c.Options, c.CreatedBy, c.State, 0, 0, "", "", tx.now.UnixMicro(), nil, nil); err != nil {
		return Comparison{}, false, err
	}
	for i, id := range n.AnalysisIDs {
		if _, err := tx.Analysis(ctx, id); err != nil {
			return Comparison{}, false, err
		}
		if _, err := tx.exec(ctx, "INSERT INTO comparison_analyses (comparison_id, position, analysis_id) VALUES (?, ?, ?)", c.ID, i, id); err != nil {
			return Comparison{}, false, err
		}
	}
	return c, true, tx.note(ctx, n.Request, request{comparisonID: sql.NullString{String: c.ID, Valid: true}})
}

// SetComparisonJob notes the job that is to do a comparison.
func (tx *Tx) SetComparisonJob(ctx context.Context, id string, jobID int64) error {
	_, err := tx.exec(ctx, "UPDATE comparisons SET job_id = ? WHERE comparison_id = ?", jobID, id)
	return err
}

// StartComparison begins an attempt, as StartAnalysis does.
func (tx *Tx) StartComparison(ctx context.Context, id string) (Comparison, error) {
	c, err := tx.comparison(ctx, id, tx.dialect.forUpdate())
	if err != nil {
		return Comparison{}, err
	}
	if c.State.Ended() {
		return c, errFenced
	}
	c.State = Running
	c.Attempt++
	_, err = tx.exec(ctx, "UPDATE comparisons SET state = ?, attempt = ? WHERE comparison_id = ?", c.State, c.Attempt, id)
	return c, err
}

// RequeueComparison makes a running comparison wait again: for its analyses, or
// because its attempt came to nothing. [fault.Conflict] tells that the attempt is
// over.
func (tx *Tx) RequeueComparison(ctx context.Context, id string, attempt int) error {
	n, err := tx.exec(ctx, "UPDATE comparisons SET state = 'QUEUED' WHERE comparison_id = ? AND state = 'RUNNING' AND attempt = ?", id, attempt)
	if err == nil && n == 0 {
		err = errFenced
	}
	return err
}

// ComparisonFinish is how an attempt at a comparison ended.
type ComparisonFinish struct {
	State      State
	ReasonCode string
	Reason     string
	Report     []byte // of Succeeded
	Revisions  []int  // of the analyses that were compared, in their order; of Succeeded
}

// FinishComparison ends a comparison. [fault.Conflict] tells that the attempt is
// over; nothing is stored then.
func (tx *Tx) FinishComparison(ctx context.Context, id string, attempt int, f ComparisonFinish) error {
	if !f.State.Ended() || (f.State == Succeeded) != (f.Report != nil) {
		return fault.New(fault.Internal, fault.Bug, "comparison %s finished as %s with report %t", id, f.State, f.Report != nil)
	}
	n, err := tx.exec(ctx, `UPDATE comparisons SET state = ?, reason_code = ?, reason = ?, finished_at = ?, report = ?
		WHERE comparison_id = ? AND state = 'RUNNING' AND attempt = ?`,
		f.State, f.ReasonCode, f.Reason, tx.now.UnixMicro(), f.Report, id, attempt)
	if err == nil && n == 0 {
		err = errFenced
	}
	if err != nil {
		return err
	}
	for i, revision := range f.Revisions {
		if _, err := tx.exec(ctx, "UPDATE comparison_analyses SET revision = ? WHERE comparison_id = ? AND position = ?", revision, id, i); err != nil {
			return err
		}
	}
	return nil
}

// EndComparison ends a comparison whatever attempt is at it. One that has ended
// stays as it is. It returns the comparison as it is then.
func (tx *Tx) EndComparison(ctx context.Context, id string, state State, reasonCode, reason string) (Comparison, error) {
	c, err := tx.comparison(ctx, id, tx.dialect.forUpdate())
	if err != nil || c.State.Ended() {
		return c, err
	}
	c.State, c.ReasonCode, c.Reason, c.FinishedAt = state, reasonCode, reason, tx.now
	_, err = tx.exec(ctx, "UPDATE comparisons SET state = ?, reason_code = ?, reason = ?, finished_at = ? WHERE comparison_id = ?",
		state, reasonCode, reason, tx.now.UnixMicro(), id)
	return c, err
}
