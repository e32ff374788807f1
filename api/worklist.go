// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// worklistService lists what there is to read.
type worklistService struct {
	endplatev1.UnimplementedWorklistServiceServer
	*server
}

// The limits of a search.
const (
	longestWords = 200 // characters
	mostWords    = 8
)

// worklistOrders are the orders that there are, and whether they tell who patients are.
var worklistOrders = map[endplatev1.SearchWorklistRequest_Order]struct {
	order      store.Order
	identities bool
}{
	endplatev1.SearchWorklistRequest_ORDER_UNSPECIFIED:       {store.ByReceived, false},
	endplatev1.SearchWorklistRequest_RECEIVED:                {store.ByReceived, false},
	endplatev1.SearchWorklistRequest_STUDY_DATE:              {store.ByDate, false},
	endplatev1.SearchWorklistRequest_STUDY_DATE_ASCENDING:    {store.ByDateAscending, false},
	endplatev1.SearchWorklistRequest_PATIENT_NAME:            {store.ByName, true},
	endplatev1.SearchWorklistRequest_PATIENT_NAME_DESCENDING: {store.ByNameDescending, true},
}

func (s *worklistService) SearchWorklist(ctx context.Context, r *endplatev1.SearchWorklistRequest) (*endplatev1.SearchWorklistResponse, error) {
	roles := auth.FromContext(ctx).Roles
	var c checker
	size := c.page(r.GetPageSize())
	filter := c.worklist(r, roles)
	if err := c.err(); err != nil {
		return nil, err
	}
	if worklistOrders[r.GetOrder()].identities && !roles.Has(auth.Identities) {
		return nil, fault.New(fault.Denied, fault.RoleMissing, "an order by patients needs the role %s", auth.Identities)
	}
	studies, next, err := s.store.Worklist(ctx, filter, store.Page{Size: size, Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	newest, err := s.store.NewestAnalyses(ctx, studies)
	if err != nil {
		return nil, err
	}
	response := &endplatev1.SearchWorklistResponse{NextPageToken: next}
	for _, study := range studies {
		analyses, err := each(newest[study.StudyInstanceUID], func(n store.NewestAnalysis) (*endplatev1.WorklistAnalysis, error) {
			return s.worklistAnalysis(ctx, n)
		})
		if err != nil {
			return nil, err
		}
		response.Entries = append(response.Entries, &endplatev1.WorklistEntry{Study: studyMessage(study, roles), Analyses: analyses})
	}
	return response, nil
}

// worklist returns what a request asks for.
func (c *checker) worklist(r *endplatev1.SearchWorklistRequest, roles auth.Roles) store.WorklistFilter {
	c.text("words", r.GetWords(), longestWords)
	words := strings.Fields(r.GetWords())
	if len(words) > mostWords {
		c.reject("words", "want at most %d", mostWords)
	}
	c.text("modality", r.GetModality(), longestModality)
	c.date("from_date", r.GetFromDate())
	c.date("to_date", r.GetToDate())
	order, known := worklistOrders[r.GetOrder()]
	if !known {
		c.reject("order", "no order")
	}
	return store.WorklistFilter{
		Words: words, Identities: roles.Has(auth.Identities), Modality: r.GetModality(),
		States: c.states("states", r.GetStates()), Reviewed: r.Reviewed,
		FromDate: r.GetFromDate(), ToDate: r.GetToDate(), Order: order.order,
	}
}

// date rejects what is no day, where there is something.
func (c *checker) date(field, day string) {
	if day == "" {
		return
	}
	if _, err := time.Parse("20060102", day); err != nil {
		c.reject(field, "is no day such as 20270131")
	}
}

func (s *server) worklistAnalysis(ctx context.Context, n store.NewestAnalysis) (*endplatev1.WorklistAnalysis, error) {
	run, err := analysisMessage(n.Analysis)
	if err != nil {
		return nil, err
	}
	m := &endplatev1.WorklistAnalysis{Analysis: run, SeriesDescription: n.SeriesDescription}
	if n.SeriesNumber != nil {
		m.SeriesNumber = new(int32(*n.SeriesNumber))
	}
	if n.Revision == nil {
		return m, nil
	}
	if m.Revision, err = revisionMessage(*n.Revision); err != nil {
		return nil, err
	}
	m.Summary, err = s.summaries.get(ctx, resultKey{n.ID, n.Revision.Number})
	if fault.Of(err) == fault.NotExist {
		return m, nil // deleted meanwhile
	}
	return m, err
}

// A summary takes some hundred bytes.
const (
	summaryBytes  = 1 << 10
	mostSummaries = 8 << 20
)

func sizeOfSummary(*endplatev1.ResultSummary) int64 { return summaryBytes }

// readSummary summarizes a revision.
func (s *server) readSummary(ctx context.Context, key resultKey) (*endplatev1.ResultSummary, error) {
	v, err := s.store.Revision(ctx, key.analysisID, key.number, store.Report)
	if err != nil {
		return nil, err
	}
	r := &endplatev1.Report{}
	if err := proto.Unmarshal(v.Result.Report, r); err != nil {
		return nil, corrupt("analysis", key.analysisID, fmt.Errorf("report: %w", err))
	}
	return summaryOf(r), nil
}

// summaryOf returns a report in a few numbers.
func summaryOf(r *endplatev1.Report) *endplatev1.ResultSummary {
	m := &endplatev1.ResultSummary{}
	for _, a := range r.GetAnalyses() {
		if m.GetReason() == "" {
			m.Reason = a.GetReason()
		}
		deformed := map[endplatev1.Level]bool{} // true where it is sure
		for _, f := range a.GetFindings() {
			if f.GetVerdict() == endplatev1.Finding_REJECTED {
				continue
			}
			if !slices.Contains(m.FindingCodes, f.GetCode()) {
				m.FindingCodes = append(m.FindingCodes, f.GetCode())
			}
			if sure := f.GetCode() == finding.VertebralDeformity; sure || f.GetCode() == finding.SuspectedVertebralDeformity {
				for _, l := range f.GetLevels() {
					deformed[l] = sure
				}
			}
		}
		for _, v := range a.GetVertebrae() {
			addVertebra(m, v, deformed)
		}
	}
	return m
}

// addVertebra counts a vertebra in, whose level may be among the deformed ones.
func addVertebra(m *endplatev1.ResultSummary, v *endplatev1.Vertebra, deformed map[endplatev1.Level]bool) {
	if v.GetStatus() == endplatev1.Vertebra_MEASURED {
		m.Measured++
	}
	sure, found := deformed[v.GetLevel()]
	if !found {
		return
	}
	if sure {
		m.Deformed++
	}
	d := v.GetDeformity()
	if m.Worst == nil || cmp.Or(cmp.Compare(d.GetGenantGrade(), m.Worst.GetGenantGrade()),
		cmp.Compare(d.GetWorstLossPercent(), m.Worst.GetWorstLossPercent())) > 0 {
		m.WorstLevel, m.Worst = v.GetLevel(), d
	}
}
