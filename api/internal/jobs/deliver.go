// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// deliverArgs asks for the deliveries that bear the job's number to be made.
type deliverArgs struct {
	Destination string `json:"destination"`
}

func (deliverArgs) Kind() string { return "deliver" }

// send puts objects, of a kind each by SOPInstanceUID, into the outbox of every
// destination that wants them: a job for each, so that one that does not answer holds
// up nobody else.
func (q *Queue) send(ctx context.Context, tx *store.Tx, kinds map[string]string) error {
	p, err := q.publishing(ctx, tx)
	if err != nil {
		return err
	}
	for _, d := range p.Destinations {
		uids := slices.DeleteFunc(slices.Sorted(maps.Keys(kinds)), func(uid string) bool { return !d.Wants(kinds[uid]) })
		if len(uids) == 0 {
			continue
		}
		job, err := q.insertDelivery(ctx, tx, d.Name, time.Time{})
		if err != nil {
			return err
		}
		if err := tx.AddDeliveries(ctx, d.Name, job, uids); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) insertDelivery(ctx context.Context, tx *store.Tx, name string, at time.Time) (job int64, err error) {
	inserted, err := q.client.InsertTx(ctx, tx.SQL(), deliverArgs{Destination: name},
		&river.InsertOpts{Queue: queueDeliver, Priority: priorityFirst, ScheduledAt: at})
	if err != nil {
		return 0, err
	}
	return inserted.Job.ID, nil
}

// RetryDelivery has a delivery made now that waits or was given up. One that was made
// stays as it is.
func (q *Queue) RetryDelivery(ctx context.Context, tx *store.Tx, id string) (store.Delivery, error) {
	d, err := tx.Delivery(ctx, id)
	if err != nil || d.State == store.Delivered {
		return d, err
	}
	job, err := q.insertDelivery(ctx, tx, d.Destination, time.Time{})
	if err != nil {
		return store.Delivery{}, err
	}
	q.pauses.end(d.Destination)
	return tx.RetryDelivery(ctx, id, job)
}

// deliverer makes deliveries.
type deliverer struct {
	river.WorkerDefaults[deliverArgs]
	q *Queue
}

// delivering are deliveries at work.
type delivering struct {
	q    *Queue
	job  *rivertype.JobRow
	to   string
	rows []store.Delivery
}

// deliveryTime bounds an attempt, in which a destination may take some hundred
// megabytes.
const deliveryTime = 15 * time.Minute

func (w *deliverer) Work(ctx context.Context, job *river.Job[deliverArgs]) (err error) {
	defer w.q.begin(job.ID)()
	t := &delivering{q: w.q, job: job.JobRow, to: job.Args.Destination}
	defer func() {
		if v := recover(); v != nil {
			err = t.record(ctx, slices.Repeat([]error{fmt.Errorf("a bug: %v", v)}, len(t.rows)))
		}
	}()
	if t.rows, err = w.q.Store.DeliveriesOf(ctx, job.ID); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return w.q.later(ctx, job.JobRow, err)
	}
	if len(t.rows) == 0 {
		return nil // delivered, deleted, or another job's by now
	}
	if left, err := w.q.leftToOthers(ctx, t.to); left || err != nil {
		return river.JobSnooze(w.q.Timing.Wait)
	}
	if wait := w.q.pauses.begin(t.to); wait > 0 && !t.expired(time.Now().Add(wait)) {
		return river.JobSnooze(wait)
	}
	limited, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	errs := t.send(limited)
	if ctx.Err() != nil {
		return ctx.Err() // this process ends; what arrived is sent again, which does no harm
	}
	return t.record(ctx, errs)
}

// send sends the objects and returns of each why it has not arrived.
func (t *delivering) send(ctx context.Context) []error {
	for i := range t.q.Destinations {
		if d := &t.q.Destinations[i]; d.Name == t.to {
			return t.sendTo(ctx, d)
		}
	}
	return slices.Repeat([]error{fault.New(fault.Unavailable, fault.NotFound, "no destination of that name is configured")}, len(t.rows))
}

func (t *delivering) sendTo(ctx context.Context, d *destination.Destination) []error {
	errs := make([]error, len(t.rows))
	var objects []destination.Object
	var places []int // of the objects among the rows
	for i, row := range t.rows {
		o, err := t.q.object(ctx, row.SOPInstanceUID)
		if err != nil {
			errs[i] = err
			continue
		}
		objects = append(objects, o)
		places = append(places, i)
	}
	if len(objects) == 0 {
		return errs
	}
	for k, err := range d.Send(ctx, objects) {
		errs[places[k]] = err
	}
	return errs
}

// object returns a stored instance to be sent, whose bytes are those that were stored.
func (q *Queue) object(ctx context.Context, sopUID string) (destination.Object, error) {
	i, err := q.Store.Instance(ctx, sopUID)
	if err != nil {
		return destination.Object{}, err
	}
	if err := q.Store.CopyInstance(ctx, io.Discard, i); err != nil {
		return destination.Object{}, err
	}
	return destination.Object{
		StudyInstanceUID: i.StudyInstanceUID, SeriesInstanceUID: i.SeriesInstanceUID,
		SOPClassUID: i.SOPClassUID, SOPInstanceUID: i.SOPInstanceUID, TransferSyntaxUID: i.TransferSyntaxUID,
		Size: i.Size, Open: func() (io.ReadCloser, error) { return q.Store.OpenInstance(ctx, i) },
	}, nil
}

// expired tells whether the deliveries have been tried for as long as they may at a
// time.
func (t *delivering) expired(at time.Time) bool {
	return at.Sub(t.rows[0].QueuedAt) >= t.q.GiveUpAfter
}

// attempts returns how many came before.
func (t *delivering) attempts() int {
	most := 0
	for _, row := range t.rows {
		most = max(most, row.Attempts)
	}
	return most
}

// record notes what became of an attempt, with the next one for what has not arrived.
func (t *delivering) record(ctx context.Context, errs []error) error {
	wait := t.q.resend(t.attempts() + 1)
	t.q.pauses.set(t.to, pause(errs, wait))
	var told []string // what became of each, for the log
	recorded, err := t.q.commit(ctx, t.job, func(ctx context.Context, tx *store.Tx) error {
		told = make([]string, len(t.rows))
		var next int64
		var at time.Time
		for i, row := range t.rows {
			switch {
			case errs[i] == nil:
				told[i] = outcomeDelivered
				if err := t.delivered(ctx, tx, row); err != nil {
					return err
				}
			case t.expired(tx.Now()):
				told[i] = outcomeParked
				if _, err := tx.ParkDelivery(ctx, row, reasonOf(errs[i])); err != nil {
					return err
				}
			default:
				told[i] = outcomeFailed
				if next == 0 {
					var err error
					at = tx.Now().Add(wait)
					if next, err = t.q.insertDelivery(ctx, tx, t.to, at); err != nil {
						return err
					}
				}
				if err := tx.PostponeDelivery(ctx, row, reasonOf(errs[i]), next, at); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if recorded {
		for i := range told {
			t.tell(ctx, t.rows[i], told[i], errs[i])
		}
	}
	return err
}

// delivered notes and audits that the destination has an object.
func (t *delivering) delivered(ctx context.Context, tx *store.Tx, row store.Delivery) error {
	first, err := tx.SetDelivered(ctx, row.ID)
	if err != nil || !first || t.q.Audit == nil {
		return err
	}
	return t.q.Audit(ctx, tx, "Deliver", row.StudyInstanceUID, row.SOPInstanceUID, "destination "+t.to)
}

// What becomes of an attempt, as metrics and log say.
const (
	outcomeDelivered = "delivered"
	outcomeFailed    = "failed"
	outcomeParked    = "parked"
)

func (t *delivering) tell(ctx context.Context, row store.Delivery, outcome string, err error) {
	attrs := []slog.Attr{
		slog.String("destination", t.to), slog.String("sop_instance_uid", row.SOPInstanceUID), slog.String("kind", row.Kind),
		slog.String("outcome", outcome), slog.Int("attempt", row.Attempts+1),
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("error", err))
	}
	if outcome == outcomeParked {
		level = slog.LevelError // somebody must look
	}
	t.q.Logger.LogAttrs(ctx, level, "delivery attempted", attrs...)
	if observe := t.q.Observer.Delivery; observe != nil {
		observe(t.to, outcome)
	}
}

// reasonOf returns what callers are told of an error.
func reasonOf(err error) string { return fault.Public(err).Text }
