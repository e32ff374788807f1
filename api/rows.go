// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// What is stored becomes messages here.

// studyMessage returns a study as a caller of the given roles may see it.
func studyMessage(s store.Study, roles auth.Roles) *endplatev1.Study {
	m := &endplatev1.Study{
		StudyInstanceUid: s.StudyInstanceUID,
		StudyDateTime:    s.StudyDateTime,
		StudyDescription: s.StudyDescription,
		Modalities:       s.Modalities,
		SeriesCount:      int32(s.SeriesCount),
		InstanceCount:    int32(s.InstanceCount),
		SizeBytes:        s.SizeBytes,
		CreatedAt:        timestamp(s.CreatedAt),
		LastReceivedAt:   timestamp(s.LastReceivedAt),
	}
	if roles.Has(auth.Identities) {
		m.AccessionNumber = s.AccessionNumber
		m.Patient = &endplatev1.Patient{
			PatientId:         s.Patient.PatientID,
			IssuerOfPatientId: s.Patient.IssuerOfPatientID,
			PatientName:       s.Patient.PatientName,
			PatientBirthDate:  s.Patient.PatientBirthDate,
			PatientSex:        s.Patient.PatientSex,
		}
	}
	return m
}

func seriesMessage(s store.Series) *endplatev1.Series {
	m := &endplatev1.Series{
		StudyInstanceUid:    s.StudyInstanceUID,
		SeriesInstanceUid:   s.SeriesInstanceUID,
		Modality:            s.Modality,
		SeriesDescription:   s.SeriesDescription,
		FrameOfReferenceUid: s.FrameOfReferenceUID,
		InstanceCount:       int32(s.InstanceCount),
		SizeBytes:           s.SizeBytes,
		CreatedAt:           timestamp(s.CreatedAt),
		LastReceivedAt:      timestamp(s.LastReceivedAt),
	}
	if s.SeriesNumber != nil {
		m.SeriesNumber = new(int32(*s.SeriesNumber))
	}
	return m
}

// analysisMessage returns an analysis without its result.
func analysisMessage(a store.Analysis) (*endplatev1.AnalysisRun, error) {
	options := &endplatev1.AnalysisOptions{}
	if err := proto.Unmarshal(a.Options, options); err != nil {
		return nil, corrupt("analysis", a.ID, fmt.Errorf("options: %w", err))
	}
	return &endplatev1.AnalysisRun{
		AnalysisId:        a.ID,
		StudyInstanceUid:  a.StudyInstanceUID,
		SeriesInstanceUid: a.SeriesInstanceUID,
		Options:           options,
		Origin:            endplatev1.AnalysisRun_Origin(endplatev1.AnalysisRun_Origin_value[string(a.Origin)]),
		State:             stateMessage(a.State),
		Stage:             a.Stage,
		FractionDone:      a.Fraction,
		Attempt:           int32(a.Attempt),
		ReasonCode:        a.ReasonCode,
		Reason:            a.Reason,
		CreatedAt:         timestamp(a.CreatedAt),
		StartedAt:         timestamp(a.StartedAt),
		FinishedAt:        timestamp(a.FinishedAt),
		LatestRevision:    int32(a.LatestRevision),
	}, nil
}

func stateMessage(s store.State) endplatev1.AnalysisState {
	return endplatev1.AnalysisState(endplatev1.AnalysisState_value[string(s)])
}

func revisionMessage(v store.Revision) (*endplatev1.Revision, error) {
	kept, err := unmarshalCorrections(v.Corrections)
	if err != nil {
		return nil, corrupt("analysis", v.AnalysisID, fmt.Errorf("corrections of revision %d: %w", v.Number, err))
	}
	return &endplatev1.Revision{
		Number:        int32(v.Number),
		Author:        v.Author,
		CreatedAt:     timestamp(v.CreatedAt),
		Comment:       v.Comment,
		Corrections:   kept.GetCorrections(),
		Reviewed:      v.Reviewed,
		AnalysisIndex: kept.GetAnalysisIndex(),
	}, nil
}

// marshalCorrections returns what is stored of a reader's request: the corrections and
// what they are of.
func marshalCorrections(r *endplatev1.CorrectAnalysisRequest) ([]byte, error) {
	return measure.EncodeMessage(&endplatev1.CorrectAnalysisRequest{Corrections: r.GetCorrections(), AnalysisIndex: r.GetAnalysisIndex()})
}

func unmarshalCorrections(b []byte) (*endplatev1.CorrectAnalysisRequest, error) {
	m := &endplatev1.CorrectAnalysisRequest{}
	return m, proto.Unmarshal(b, m)
}

// withResult adds a revision and its report to an analysis's message.
func withResult(m *endplatev1.AnalysisRun, v store.Revision) error {
	m.Report = &endplatev1.Report{}
	if err := proto.Unmarshal(v.Result.Report, m.Report); err != nil {
		return corrupt("analysis", v.AnalysisID, fmt.Errorf("report: %w", err))
	}
	revision, err := revisionMessage(v)
	m.Revision = revision
	return err
}

// comparisonMessage returns a comparison, with its result where c holds it.
func comparisonMessage(c store.Comparison) (*endplatev1.ComparisonRun, error) {
	options := &endplatev1.ComparisonOptions{}
	if err := proto.Unmarshal(c.Options, options); err != nil {
		return nil, corrupt("comparison", c.ID, fmt.Errorf("options: %w", err))
	}
	m := &endplatev1.ComparisonRun{
		ComparisonId: c.ID,
		AnalysisIds:  c.AnalysisIDs,
		Options:      options,
		State:        stateMessage(c.State),
		ReasonCode:   c.ReasonCode,
		Reason:       c.Reason,
		CreatedAt:    timestamp(c.CreatedAt),
		FinishedAt:   timestamp(c.FinishedAt),
	}
	for _, r := range c.Revisions {
		m.Revisions = append(m.Revisions, int32(r))
	}
	if c.Report != nil {
		m.Report = &endplatev1.ComparisonReport{}
		if err := proto.Unmarshal(c.Report, m.Report); err != nil {
			return nil, corrupt("comparison", c.ID, fmt.Errorf("report: %w", err))
		}
	}
	return m, nil
}

// timestamp returns nil for the zero time.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// each converts rows until one cannot be.
func each[Row, Message any](rows []Row, convert func(Row) (Message, error)) ([]Message, error) {
	messages := make([]Message, 0, len(rows))
	for _, row := range rows {
		m, err := convert(row)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}
