// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// deliveryService tells of the outbox.
type deliveryService struct {
	endplatev1.UnimplementedDeliveryServiceServer
	*server
}

func (s *deliveryService) ListDeliveries(ctx context.Context, r *endplatev1.ListDeliveriesRequest) (*endplatev1.ListDeliveriesResponse, error) {
	var c checker
	size := c.page(r.GetPageSize())
	c.uidOrEmpty("study_instance_uid", r.GetStudyInstanceUid())
	if r.GetAnalysisId() != "" {
		c.id("analysis_id", r.GetAnalysisId())
	}
	if r.GetComparisonId() != "" {
		c.id("comparison_id", r.GetComparisonId())
	}
	c.text("destination", r.GetDestination(), longestName)
	states := c.deliveryStates("states", r.GetStates())
	if err := c.err(); err != nil {
		return nil, err
	}
	filter := store.DeliveryFilter{
		StudyInstanceUID: r.GetStudyInstanceUid(), AnalysisID: r.GetAnalysisId(), ComparisonID: r.GetComparisonId(),
		Destination: r.GetDestination(), States: states,
	}
	deliveries, next, err := s.store.ListDeliveries(ctx, filter, store.Page{Size: size, Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	m := &endplatev1.ListDeliveriesResponse{NextPageToken: next}
	for _, d := range deliveries {
		m.Deliveries = append(m.Deliveries, deliveryMessage(d))
	}
	return m, nil
}

func (s *deliveryService) RetryDelivery(ctx context.Context, r *endplatev1.RetryDeliveryRequest) (*endplatev1.RetryDeliveryResponse, error) {
	var c checker
	c.id("delivery_id", r.GetDeliveryId())
	if err := c.err(); err != nil {
		return nil, err
	}
	var d store.Delivery
	err := s.store.Write(ctx, func(tx *store.Tx) (err error) {
		if d, err = s.jobs.RetryDelivery(ctx, tx, r.GetDeliveryId()); err != nil {
			return err
		}
		return s.audit.Append(ctx, tx, "DeliveryService/RetryDelivery", d.StudyInstanceUID, d.SOPInstanceUID, "destination "+d.Destination)
	})
	if err != nil {
		return nil, err
	}
	return &endplatev1.RetryDeliveryResponse{Delivery: deliveryMessage(d)}, nil
}

func (c *checker) deliveryStates(field string, states []endplatev1.Delivery_State) []store.DeliveryState {
	var all []store.DeliveryState
	for i, s := range states {
		name, known := endplatev1.Delivery_State_name[int32(s)]
		if !known || s == endplatev1.Delivery_STATE_UNSPECIFIED {
			c.reject(fmt.Sprintf("%s[%d]", field, i), "no state")
			continue
		}
		all = append(all, store.DeliveryState(name))
	}
	return all
}

func deliveryMessage(d store.Delivery) *endplatev1.Delivery {
	return &endplatev1.Delivery{
		DeliveryId:       d.ID,
		StudyInstanceUid: d.StudyInstanceUID,
		AnalysisId:       d.AnalysisID,
		Revision:         int32(d.Revision),
		ComparisonId:     d.ComparisonID,
		Kind:             d.Kind,
		SopInstanceUid:   d.SOPInstanceUID,
		Destination:      d.Destination,
		State:            endplatev1.Delivery_State(endplatev1.Delivery_State_value[string(d.State)]),
		Attempts:         int32(d.Attempts),
		Reason:           d.Reason,
		CreatedAt:        timestamp(d.CreatedAt),
		AttemptedAt:      timestamp(d.AttemptedAt),
		NextAttemptAt:    timestamp(d.NextAttemptAt),
		DeliveredAt:      timestamp(d.DeliveredAt),
	}
}

// publicationOf tells what was made of a subject; nil where nothing was to be.
func (s *server) publicationOf(ctx context.Context, of store.Subject) (*endplatev1.Publication, error) {
	p, err := s.store.Publication(ctx, of)
	if err != nil {
		if fault.Of(err) == fault.NotExist {
			return nil, nil
		}
		return nil, err
	}
	objects, err := s.store.Objects(ctx, of)
	if err != nil {
		return nil, err
	}
	m := &endplatev1.Publication{State: stateMessage(p.State), ReasonCode: p.ReasonCode, Reason: p.Reason}
	for _, o := range objects {
		m.Objects = append(m.Objects, &endplatev1.ResultObject{
			Kind: o.Kind, SopClassUid: o.SOPClassUID, SopInstanceUid: o.SOPInstanceUID,
			SeriesInstanceUid: o.SeriesInstanceUID, SizeBytes: o.Size,
		})
	}
	return m, nil
}
