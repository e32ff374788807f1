// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/endplate/endplate/api/internal/fault"
)

// Order is an order of studies.
type Order int

// The orders.
const (
	ByReceived Order = iota // the one that last received an instance first
	ByDate                  // the latest first
	ByDateAscending
	ByName
	ByNameDescending
	ByReceivedAscending
	ByWorst // the greatest severity first
	ByWorstReversed
	ByState // the one that needs most first
	ByStateReversed
	ByReview // those to be reviewed first
	ByReviewReversed
	ByModality
	ByModalityDescending
)

// orders are the columns that the orders go by, and their directions. A rank is a
// number that changes as analyses go on: pages begin behind what it was, so that a
// study that moves meanwhile takes no others along.
var orders = [...]struct {
	columns   []string // the study's UID comes after them
	direction string
	ranked    bool // the first column is a rank
}{
	ByReceived:           {[]string{"last_received_at"}, descending, false},
	ByDate:               {[]string{"study_date_time"}, descending, false},
	ByDateAscending:      {[]string{"study_date_time"}, ascending, false},
	ByName:               {[]string{"patient_name"}, ascending, false},
	ByNameDescending:     {[]string{"patient_name"}, descending, false},
	ByReceivedAscending:  {[]string{"last_received_at"}, ascending, false},
	ByWorst:              {[]string{"severity", "created_at"}, descending, true},
	ByWorstReversed:      {[]string{"severity", "created_at"}, ascending, true},
	ByState:              {[]string{"attention", "created_at"}, descending, true},
	ByStateReversed:      {[]string{"attention", "created_at"}, ascending, true},
	ByReview:             {[]string{"review", "created_at"}, descending, true},
	ByReviewReversed:     {[]string{"review", "created_at"}, ascending, true},
	ByModality:           {[]string{"modalities", "created_at"}, ascending, false},
	ByModalityDescending: {[]string{"modalities", "created_at"}, descending, false},
}

const (
	ascending  = " ASC"
	descending = " DESC"
)

// WorklistFilter says which studies a worklist holds, and in which order.
type WorklistFilter struct {
	Words            []string // that are all there, in any of the columns searched
	Identities       bool     // whether what says who the patient is is searched
	Modality         string
	States           []State // of the newest analysis of a series
	Reviewed         *bool   // whether all results are, or one is not
	FromDate, ToDate string  // YYYYMMDD; empty: open
	Order            Order
}

// isNewest holds for the newest analysis of each series.
const isNewest = ` NOT EXISTS (SELECT 1 FROM analyses AS later WHERE later.series_instance_uid = analyses.series_instance_uid
	AND (later.created_at, later.analysis_id) > (analyses.created_at, analyses.analysis_id))`

// ofStudy and withRevision are what conditions on the analyses of a study begin with.
const (
	ofStudy      = "EXISTS (SELECT 1 FROM analyses WHERE analyses.study_instance_uid = studies.study_instance_uid AND" + isNewest
	withRevision = `EXISTS (SELECT 1 FROM analyses JOIN revisions ON revisions.analysis_id = analyses.analysis_id
		AND revisions.number = analyses.latest_revision WHERE analyses.study_instance_uid = studies.study_instance_uid AND` + isNewest
)

// where returns the conditions of a filter.
func (f WorklistFilter) where(d Dialect) *where {
	w := &where{}
	for _, word := range f.Words {
		clause, args := f.holds(d, word)
		w.add(clause, args...)
	}
	if f.Modality != "" {
		w.add("EXISTS (SELECT 1 FROM series WHERE series.study_instance_uid = studies.study_instance_uid AND modality = ?)", f.Modality)
	}
	if len(f.States) > 0 {
		w.add(ofStudy+" AND analyses.state IN ("+placeholders(len(f.States))+"))", anys(f.States)...)
	}
	if f.Reviewed != nil {
		if *f.Reviewed {
			w.add(withRevision + ")")
			w.add("NOT " + withRevision + " AND NOT revisions.reviewed)")
		} else {
			w.add(withRevision + " AND NOT revisions.reviewed)")
		}
	}
	if f.FromDate != "" || f.ToDate != "" {
		clause, args := Match{Field: FieldStudyDate, From: f.FromDate, To: f.ToDate}.condition(d)
		w.add(clause, args...)
	}
	return w
}

// holds returns the condition that a word is in one of the columns searched.
func (f WorklistFilter) holds(d Dialect, word string) (string, []any) {
	columns := []string{"study_description", "study_instance_uid"}
	if f.Identities {
		columns = append(columns, "patient_name", "patient_id", "accession_number")
	}
	like := " LIKE ? ESCAPE '\\'"
	if d == PostgreSQL {
		like = " ILIKE ? ESCAPE '\\'"
	}
	var args []any
	for range columns {
		args = append(args, "%"+likePattern(word, false)+"%")
	}
	return "(" + strings.Join(columns, like+" OR ") + like + ")", args
}

// listed is a study with its place in an order.
type listed struct {
	Study
	rank int64
}

// Worklist returns a page of studies. The token of a page names the study that it
// begins behind, and its rank, and nothing else of it: tokens stand in logs of others.
func (r reader) Worklist(ctx context.Context, filter WorklistFilter, page Page) (studies []Study, next string, err error) {
	after, err := page.start("worklist", filter)
	if err != nil {
		return nil, "", err
	}
	w := filter.where(r.dialect)
	order := orders[filter.Order]
	if after != nil {
		if _, err := r.Study(ctx, after.ID); fault.Of(err) == fault.NotExist {
			return nil, "", errToken // it was deleted meanwhile
		} else if err != nil {
			return nil, "", err
		}
		w.behind(filter.Order, *after)
	}
	columns := append(slices.Clone(order.columns), "study_instance_uid")
	rank := "0"
	if order.ranked {
		rank = order.columns[0]
	}
	all, err := collect(ctx, r, scanListed, "SELECT "+studyColumns+", "+rank+" FROM studies"+w.String()+
		" ORDER BY "+strings.Join(columns, order.direction+", ")+order.direction+" LIMIT ?", append(w.args, page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	all, next = cut(page, all, "worklist", filter, func(l listed) cursor { return cursor{l.rank, l.StudyInstanceUID} })
	for _, l := range all {
		studies = append(studies, l.Study)
	}
	return studies, next, r.addModalities(ctx, studies)
}

func scanListed(scan func(...any) error) (l listed, err error) {
	l.Study, err = scanStudy(func(dest ...any) error { return scan(append(dest, &l.rank)...) })
	return l, err
}

// behind adds the condition that a study comes after another in an order.
func (w *where) behind(o Order, after cursor) {
	order := orders[o]
	columns := append(slices.Clone(order.columns), "study_instance_uid")
	places := slices.Clone(columns)
	var args []any
	if order.ranked {
		places[0] = "CAST(? AS BIGINT)"
		args = append(args, after.Number)
	}
	sign := ">"
	if order.direction == descending {
		sign = "<"
	}
	w.add("("+strings.Join(columns, ", ")+") "+sign+" (SELECT "+strings.Join(places, ", ")+" FROM studies WHERE study_instance_uid = ?)",
		append(args, after.ID)...)
}

// NewestAnalysis is the newest analysis of a series.
type NewestAnalysis struct {
	Analysis
	SeriesNumber      *int
	SeriesDescription string
	Revision          *Revision // the newest, without its result; nil while there is none
}

// NewestAnalyses returns the newest analyses of the series of studies, the newest
// first, by study.
func (r reader) NewestAnalyses(ctx context.Context, studies []Study) (map[string][]NewestAnalysis, error) {
	if len(studies) == 0 {
		return nil, nil
	}
	uids := make([]any, len(studies))
	for i := range studies {
		uids[i] = studies[i].StudyInstanceUID
	}
	all, err := collect(ctx, r, scanNewest, "SELECT "+qualified("analyses", analysisColumns)+`, series.series_number, series.series_description,
			revisions.number, revisions.author, revisions.created_at, revisions.comment, revisions.reviewed
		FROM analyses JOIN series ON series.series_instance_uid = analyses.series_instance_uid
			LEFT JOIN revisions ON revisions.analysis_id = analyses.analysis_id AND revisions.number = analyses.latest_revision
		WHERE analyses.study_instance_uid IN (`+placeholders(len(uids))+") AND"+isNewest+`
		ORDER BY analyses.created_at DESC, analyses.analysis_id DESC`, uids...)
	if err != nil {
		return nil, err
	}
	found := make(map[string][]NewestAnalysis, len(studies))
	for _, a := range all {
		found[a.StudyInstanceUID] = append(found[a.StudyInstanceUID], a)
	}
	return found, nil
}

func scanNewest(scan func(...any) error) (n NewestAnalysis, err error) {
	var number, revision sql.NullInt64
	var author, comment sql.NullString
	var reviewed sql.NullBool
	v := &Revision{}
	n.Analysis, err = scanAnalysis(func(dest ...any) error {
		return scan(append(dest, &number, &n.SeriesDescription, &revision, &author, moment{&v.CreatedAt}, &comment, &reviewed)...)
	})
	n.SeriesNumber = intOf(number)
	if err != nil || !revision.Valid {
		return n, err
	}
	v.AnalysisID, v.Number, v.Author, v.Comment, v.Reviewed = n.ID, int(revision.Int64), author.String, comment.String, reviewed.Bool
	n.Revision = v
	return n, nil
}
