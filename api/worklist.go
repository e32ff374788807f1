// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/summary"
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
	endplatev1.SearchWorklistRequest_RECEIVED_ASCENDING:      {store.ByReceivedAscending, false},
	endplatev1.SearchWorklistRequest_WORST:                   {store.ByWorst, false},
	endplatev1.SearchWorklistRequest_WORST_REVERSED:          {store.ByWorstReversed, false},
	endplatev1.SearchWorklistRequest_STATE:                   {store.ByState, false},
	endplatev1.SearchWorklistRequest_STATE_REVERSED:          {store.ByStateReversed, false},
	endplatev1.SearchWorklistRequest_REVIEW:                  {store.ByReview, false},
	endplatev1.SearchWorklistRequest_REVIEW_REVERSED:         {store.ByReviewReversed, false},
	endplatev1.SearchWorklistRequest_MODALITY:                {store.ByModality, false},
	endplatev1.SearchWorklistRequest_MODALITY_DESCENDING:     {store.ByModalityDescending, false},
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
	return summary.Of(r), nil
}
