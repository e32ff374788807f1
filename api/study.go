// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// studyService takes instances in and tells what is stored.
type studyService struct {
	endplatev1.UnimplementedStudyServiceServer
	*server
}

func (s *studyService) ListStudies(ctx context.Context, r *endplatev1.ListStudiesRequest) (*endplatev1.ListStudiesResponse, error) {
	var c checker
	size := c.page(r.GetPageSize())
	c.text("patient_id", r.GetPatientId(), longestPatientID)
	c.text("modality", r.GetModality(), longestModality)
	if err := c.err(); err != nil {
		return nil, err
	}
	roles := auth.FromContext(ctx).Roles
	if r.GetPatientId() != "" && !roles.Has(auth.Identities) {
		return nil, fault.New(fault.Denied, fault.RoleMissing, "searching by patient_id needs the role %s", auth.Identities)
	}
	studies, next, err := s.store.ListStudies(ctx,
		store.StudyFilter{PatientID: r.GetPatientId(), Modality: r.GetModality()},
		store.Page{Size: size, Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	response := &endplatev1.ListStudiesResponse{NextPageToken: next}
	for _, study := range studies {
		response.Studies = append(response.Studies, studyMessage(study, roles))
	}
	return response, nil
}

func (s *studyService) GetStudy(ctx context.Context, r *endplatev1.GetStudyRequest) (*endplatev1.GetStudyResponse, error) {
	var c checker
	c.uid("study_instance_uid", r.GetStudyInstanceUid())
	if err := c.err(); err != nil {
		return nil, err
	}
	study, err := s.store.Study(ctx, r.GetStudyInstanceUid())
	if err != nil {
		return nil, err
	}
	return &endplatev1.GetStudyResponse{Study: studyMessage(study, auth.FromContext(ctx).Roles)}, nil
}

func (s *studyService) ListSeries(ctx context.Context, r *endplatev1.ListSeriesRequest) (*endplatev1.ListSeriesResponse, error) {
	var c checker
	size := c.page(r.GetPageSize())
	c.uid("study_instance_uid", r.GetStudyInstanceUid())
	if err := c.err(); err != nil {
		return nil, err
	}
	series, next, err := s.store.ListSeries(ctx, r.GetStudyInstanceUid(), store.Page{Size: size, Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	response := &endplatev1.ListSeriesResponse{NextPageToken: next}
	for _, one := range series {
		response.Series = append(response.Series, seriesMessage(one))
	}
	return response, nil
}

func (s *studyService) DeleteStudy(ctx context.Context, r *endplatev1.DeleteStudyRequest) (*endplatev1.DeleteStudyResponse, error) {
	var c checker
	c.uid("study_instance_uid", r.GetStudyInstanceUid())
	if err := c.err(); err != nil {
		return nil, err
	}
	var deleted int
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		var err error
		if deleted, err = tx.DeleteStudy(ctx, r.GetStudyInstanceUid()); err != nil {
			return err
		}
		return s.audit.Append(ctx, tx, "StudyService/DeleteStudy", r.GetStudyInstanceUid())
	})
	if err != nil {
		return nil, err
	}
	return &endplatev1.DeleteStudyResponse{InstancesDeleted: int32(deleted)}, nil
}
