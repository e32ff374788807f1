// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// DeliveryState is where a delivery stands. Its values are the names of
// endplate.v1.Delivery.State.
type DeliveryState string

// The states of deliveries.
const (
	Waiting   DeliveryState = "QUEUED"
	Delivered DeliveryState = "DELIVERED"
	GivenUp   DeliveryState = "PARKED"
)

// Delivery is an object that goes to a destination. The destination has it once it is
// Delivered; while it is Waiting it may have it too, where the acknowledgement was lost.
type Delivery struct {
	ID               string
	StudyInstanceUID string
	Subject          // empty of a comparison that went with another study
	Kind             string
	SOPInstanceUID   string
	Destination      string

	State    DeliveryState
	Attempts int
	JobID    int64
	Reason   string // why the last attempt came to nothing

	CreatedAt     time.Time
	QueuedAt      time.Time // since when it is tried: later than CreatedAt where somebody had it tried again
	AttemptedAt   time.Time // zero if it never was
	NextAttemptAt time.Time // zero if there is none to come
	DeliveredAt   time.Time // zero while it is not
}

const deliveryColumns = `analysis_id, revision, comparison_id, delivery_id, series.study_instance_uid, objects.kind, deliveries.sop_instance_uid,
	destination, state, attempts, job_id, reason, deliveries.created_at, queued_at, attempted_at, next_attempt_at, delivered_at
	FROM deliveries JOIN objects ON objects.sop_instance_uid = deliveries.sop_instance_uid
	JOIN instances ON instances.sop_instance_uid = deliveries.sop_instance_uid
	JOIN series ON series.series_instance_uid = instances.series_instance_uid`

func scanDelivery(scan func(...any) error) (d Delivery, err error) {
	var of subject
	err = scan(append(of.dest(), &d.ID, &d.StudyInstanceUID, &d.Kind, &d.SOPInstanceUID,
		&d.Destination, &d.State, &d.Attempts, &d.JobID, &d.Reason,
		moment{&d.CreatedAt}, moment{&d.QueuedAt}, moment{&d.AttemptedAt}, moment{&d.NextAttemptAt}, moment{&d.DeliveredAt})...)
	d.Subject = of.read()
	return d, err
}

// Delivery returns a delivery.
func (r reader) Delivery(ctx context.Context, id string) (Delivery, error) {
	d, err := scanDelivery(r.row(ctx, "SELECT "+deliveryColumns+" WHERE delivery_id = ?", id).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("delivery", "delivery_id", id)
	}
	return d, err
}

// DeliveryFilter narrows ListDeliveries; empty fields do not.
type DeliveryFilter struct {
	StudyInstanceUID string
	AnalysisID       string
	ComparisonID     string
	Destination      string
	States           []DeliveryState
}

// ListDeliveries returns a page of deliveries, the newest first.
func (r reader) ListDeliveries(ctx context.Context, filter DeliveryFilter, page Page) (deliveries []Delivery, next string, err error) {
	after, err := page.start("deliveries", filter)
	if err != nil {
		return nil, "", err
	}
	var w where
	if filter.StudyInstanceUID != "" {
		w.add("series.study_instance_uid = ?", filter.StudyInstanceUID)
	}
	if filter.AnalysisID != "" {
		w.add("analysis_id = ?", filter.AnalysisID)
	}
	if filter.ComparisonID != "" {
		w.add("comparison_id = ?", filter.ComparisonID)
	}
	if filter.Destination != "" {
		w.add("destination = ?", filter.Destination)
	}
	if len(filter.States) > 0 {
		w.add("state IN ("+placeholders(len(filter.States))+")", anys(filter.States)...)
	}
	if after != nil {
		w.add("(deliveries.created_at, delivery_id) < (?, ?)", after.Number, after.ID)
	}
	deliveries, err = collect(ctx, r, scanDelivery, "SELECT "+deliveryColumns+w.String()+
		" ORDER BY deliveries.created_at DESC, delivery_id DESC LIMIT ?", append(w.args, page.size()+1)...)
	if err != nil {
		return nil, "", err
	}
	deliveries, next = cut(page, deliveries, "deliveries", filter, func(d Delivery) cursor {
		return cursor{d.CreatedAt.UnixMicro(), d.ID}
	})
	return deliveries, next, nil
}

// DeliveriesOf returns the deliveries that wait for a job, by SOPInstanceUID.
func (r reader) DeliveriesOf(ctx context.Context, jobID int64) ([]Delivery, error) {
	return collect(ctx, r, scanDelivery, "SELECT "+deliveryColumns+
		" WHERE job_id = ? AND state = 'QUEUED' ORDER BY deliveries.sop_instance_uid", jobID)
}

// DeliveryCount is how many deliveries to a destination are in a state.
type DeliveryCount struct {
	Destination string
	State       DeliveryState
	N           int
	Oldest      time.Time // QueuedAt of the one that waits for the longest time
}

// CountDeliveries counts what has not been delivered.
func (r reader) CountDeliveries(ctx context.Context) ([]DeliveryCount, error) {
	return collect(ctx, r, func(scan func(...any) error) (c DeliveryCount, err error) {
		err = scan(&c.Destination, &c.State, &c.N, moment{&c.Oldest})
		return c, err
	}, `SELECT destination, state, COUNT(*), MIN(queued_at) FROM deliveries WHERE state <> 'DELIVERED'
		GROUP BY destination, state ORDER BY destination, state`)
}

// AddDeliveries has objects, by SOPInstanceUID, sent to a destination by a job. What was
// to be sent there before is not sent again.
func (tx *Tx) AddDeliveries(ctx context.Context, destination string, jobID int64, sopUIDs []string) error {
	now := tx.now.UnixMicro()
	for _, uid := range sopUIDs {
		if _, err := tx.exec(ctx, `INSERT INTO deliveries (delivery_id, sop_instance_uid, destination, state, attempts, job_id, reason,
			created_at, queued_at, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sop_instance_uid, destination) DO NOTHING`,
			newID(), uid, destination, Waiting, 0, jobID, "", now, now, now); err != nil {
			return err
		}
	}
	return nil
}

// SetDelivered notes that the destination has acknowledged an object. It tells whether
// nobody had noted it before.
func (tx *Tx) SetDelivered(ctx context.Context, id string) (first bool, err error) {
	n, err := tx.exec(ctx, `UPDATE deliveries SET state = ?, attempts = attempts + 1, reason = '', attempted_at = ?, next_attempt_at = NULL, delivered_at = ?
		WHERE delivery_id = ? AND state <> 'DELIVERED'`, Delivered, tx.now.UnixMicro(), tx.now.UnixMicro(), id)
	return n > 0, err
}

// PostponeDelivery notes why an attempt of a job came to nothing, and the job that makes
// the next one.
func (tx *Tx) PostponeDelivery(ctx context.Context, d Delivery, reason string, jobID int64, next time.Time) error {
	_, err := tx.exec(ctx, `UPDATE deliveries SET attempts = attempts + 1, reason = ?, attempted_at = ?, job_id = ?, next_attempt_at = ?
		WHERE delivery_id = ? AND state = 'QUEUED' AND job_id = ?`, reason, tx.now.UnixMicro(), jobID, next.UnixMicro(), d.ID, d.JobID)
	return err
}

// ParkDelivery gives a delivery up, after the last attempt of a job came to nothing.
func (tx *Tx) ParkDelivery(ctx context.Context, d Delivery, reason string) (parked bool, err error) {
	n, err := tx.exec(ctx, `UPDATE deliveries SET state = ?, attempts = attempts + 1, reason = ?, attempted_at = ?, next_attempt_at = NULL
		WHERE delivery_id = ? AND state = 'QUEUED' AND job_id = ?`, GivenUp, reason, tx.now.UnixMicro(), d.ID, d.JobID)
	return n > 0, err
}

// RetryDelivery has a delivery that waits or was given up tried again by a job, as if it
// were new. One that was delivered stays as it is.
func (tx *Tx) RetryDelivery(ctx context.Context, id string, jobID int64) (Delivery, error) {
	now := tx.now.UnixMicro()
	if _, err := tx.exec(ctx, `UPDATE deliveries SET state = ?, job_id = ?, queued_at = ?, next_attempt_at = ?
		WHERE delivery_id = ? AND state <> 'DELIVERED'`, Waiting, jobID, now, now, id); err != nil {
		return Delivery{}, err
	}
	return tx.Delivery(ctx, id)
}
