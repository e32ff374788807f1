// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/endplate/endplate/api/internal/fault"
)

// Addition is a blob whose sync has begun, with what its headers say. Sizes, counts, hashes and
// times of the three are not read.
type Addition struct {
	Staged   *Staged
	Study    Study
	Series   Series
	Instance Instance
}

// Outcome is what became of an addition.
type Outcome int

// The outcomes.
const (
	Added    Outcome = iota // it is indexed once the transaction is committed
	Same                    // the same bytes had been added before
	Conflict                // its UIDs stand for something else
)

// Settlement is the outcome of an addition, with a [fault.Exist] for a conflict.
type Settlement struct {
	Outcome Outcome
	Err     error
}

// AddInstances indexes what was staged, and returns the outcome of each and the
// series that have got more instances. The transaction is committed once the disk has
// the blobs; if it cannot take one, the error is that of its sync. Once the transaction is committed the caller
// must call [Store.Settled]; blobs that were not added are then removed. Where it
// is open whether it was committed, the caller may try again with the same
// additions, and must not discard them: a sweeper knows what to do.
func (tx *Tx) AddInstances(ctx context.Context, additions []Addition) ([]Settlement, []Series, error) {
	a := &adder{tx: tx, r: tx.kept, series: map[string]*touched{}, batches: map[string]bool{}}
	order := make([]int, len(additions))
	for i := range order {
		order[i] = i
	}
	// Servers that add to the same studies take their locks in the same order.
	slices.SortStableFunc(order, func(i, j int) int {
		x, y := additions[i], additions[j]
		return cmp.Or(cmp.Compare(x.Study.StudyInstanceUID, y.Study.StudyInstanceUID),
			cmp.Compare(x.Series.SeriesInstanceUID, y.Series.SeriesInstanceUID),
			cmp.Compare(x.Instance.SOPInstanceUID, y.Instance.SOPInstanceUID))
	})
	settled := make([]Settlement, len(additions))
	for _, i := range order {
		var err error
		if settled[i], err = a.add(ctx, additions[i]); err != nil {
			return nil, nil, err
		}
	}
	series, err := a.count(ctx)
	return settled, series, err
}

// adder adds within one transaction. Counts are brought up to date at its end.
type adder struct {
	tx      *Tx
	r       reader              // of tx, whose statements are kept prepared
	series  map[string]*touched // by SeriesInstanceUID
	order   []string            // of its keys
	batches map[string]bool     // whose announcement stands
}

// touched is a series that is to be added to, or cannot be.
type touched struct {
	study     string
	seriesNew bool
	before    int // instances that it had
	instances int
	size      int64
	conflict  error
}

func (a *adder) add(ctx context.Context, d Addition) (Settlement, error) {
	a.tx.awaited = append(a.tx.awaited, d.Staged)
	if err := a.announced(ctx, d.Staged.batch); err != nil {
		return Settlement{}, err
	}
	if s, there, err := a.before(ctx, d); there || err != nil {
		return s, err
	}
	t, err := a.touch(ctx, d)
	if err != nil {
		return Settlement{}, err
	}
	if t.conflict != nil {
		return Settlement{Conflict, t.conflict}, nil //nolint:nilerr // a conflict is an outcome
	}
	i := d.Instance
	n, err := a.r.exec(ctx, `INSERT INTO instances (sop_instance_uid, series_instance_uid, sop_class_uid, transfer_syntax_uid,
		instance_number, pixel_rows, pixel_columns, bits_allocated, number_of_frames,
		size_bytes, sha256, blob_key, source, received_at, ordinal) VALUES (`+placeholders(15)+`)
		ON CONFLICT (sop_instance_uid) DO NOTHING`,
		i.SOPInstanceUID, d.Series.SeriesInstanceUID, i.SOPClassUID, i.TransferSyntaxUID, nullable(i.InstanceNumber),
		nullable(i.Rows), nullable(i.Columns), nullable(i.BitsAllocated), nullable(i.NumberOfFrames),
		d.Staged.Size, d.Staged.SHA256[:], d.Staged.key, i.Source, a.tx.now.UnixMicro(), t.before+t.instances+1)
	if err != nil {
		return Settlement{}, err
	}
	if n == 0 {
		return Settlement{}, errLost // another server added it since before looked
	}
	t.instances++
	t.size += d.Staged.Size
	return Settlement{Outcome: Added}, nil
}

// announced makes sure that no sweeper has given the batch up, nor will before the
// transaction ends.
func (a *adder) announced(ctx context.Context, b *Batch) error {
	if a.batches[b.id] {
		return nil
	}
	var swept sql.NullInt64
	err := a.r.row(ctx, "SELECT swept_at FROM intents WHERE batch = ?"+a.tx.dialect.forShare(), b.id).scan(&swept)
	if errors.Is(err, sql.ErrNoRows) || err == nil && swept.Valid {
		return fault.New(fault.Unavailable, fault.StorageUnavailable, "the upload took so long that it was given up")
	}
	a.batches[b.id] = err == nil
	return err
}

// before tells what becomes of an instance whose UID is stored already.
func (a *adder) before(ctx context.Context, d Addition) (s Settlement, there bool, err error) {
	uid := d.Instance.SOPInstanceUID
	var sum []byte
	var key string
	err = a.r.row(ctx, "SELECT sha256, blob_key FROM instances WHERE sop_instance_uid = ?", uid).scan(&sum, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Settlement{}, false, nil
	case err != nil:
		return Settlement{}, false, err
	case key == d.Staged.key: // a transaction that seemed to fail was committed after all
		return Settlement{Outcome: Added}, true, nil
	case string(sum) == string(d.Staged.SHA256[:]):
		return Settlement{Outcome: Same}, true, nil
	}
	return Settlement{Conflict, fault.New(fault.Exist, fault.InstanceConflict,
		"instance %s is stored with other bytes", uid).With("sop_instance_uid", uid)}, true, nil
}

// touch makes sure that study and series are there and, on PostgreSQL, that nobody
// removes them before the transaction ends.
func (a *adder) touch(ctx context.Context, d Addition) (*touched, error) {
	study, uid := d.Study.StudyInstanceUID, d.Series.SeriesInstanceUID
	if t := a.series[uid]; t != nil {
		if t.study != study {
			return &touched{conflict: otherStudy(uid)}, nil
		}
		return t, nil
	}
	var owner string
	err := a.r.row(ctx, "SELECT study_instance_uid FROM series WHERE series_instance_uid = ?", uid).scan(&owner)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if err == nil && owner != study {
		return &touched{conflict: otherStudy(uid)}, nil
	}
	t := &touched{study: study}
	if err := a.insertStudy(ctx, d.Study); err != nil {
		return nil, err
	}
	if t.seriesNew, err = a.insertSeries(ctx, study, d.Series); err != nil {
		return nil, err
	}
	// Nobody else adds to the series meanwhile: the row of its study is locked.
	if err := a.r.row(ctx, "SELECT instance_count FROM series WHERE series_instance_uid = ?", uid).scan(&t.before); err != nil {
		return nil, err
	}
	a.series[uid] = t
	a.order = append(a.order, uid)
	return t, nil
}

func otherStudy(seriesUID string) error {
	return fault.New(fault.Exist, fault.InstanceConflict, "series %s is stored as part of another study", seriesUID).
		With("series_instance_uid", seriesUID)
}

// insertStudy inserts a study or, if it is there, locks its row.
func (a *adder) insertStudy(ctx context.Context, s Study) error {
	p, now := s.Patient, a.tx.now.UnixMicro()
	_, err := a.r.exec(ctx, "INSERT INTO studies ("+studyColumns+") VALUES ("+placeholders(16)+`)
		ON CONFLICT (study_instance_uid) DO UPDATE SET created_at = studies.created_at`,
		s.StudyInstanceUID, p.PatientID, p.IssuerOfPatientID, p.PatientName, p.PatientBirthDate, p.PatientSex,
		s.StudyDateTime, s.StudyDescription, s.AccessionNumber, s.StudyID, s.ReferringPhysicianName, 0, 0, 0, now, now)
	return err
}

func (a *adder) insertSeries(ctx context.Context, study string, s Series) (isNew bool, err error) {
	now := a.tx.now.UnixMicro()
	n, err := a.r.exec(ctx, "INSERT INTO series ("+seriesColumns+") VALUES ("+placeholders(13)+`)
		ON CONFLICT (series_instance_uid) DO NOTHING`,
		study, s.SeriesInstanceUID, s.Modality, nullable(s.SeriesNumber), s.SeriesDescription, s.FrameOfReferenceUID,
		s.PerformedProcedureStepStartDateTime, s.ScheduledProcedureStepID, s.RequestedProcedureID, 0, 0, now, now)
	if n > 0 || err != nil {
		return n > 0, err
	}
	var owner string
	err = a.r.row(ctx, "SELECT study_instance_uid FROM series WHERE series_instance_uid = ?", s.SeriesInstanceUID).scan(&owner)
	if err == nil && owner != study {
		err = errLost // for another study, since touch looked
	}
	return false, err
}

// count brings the counts of the touched series and their studies up to date, and
// returns the series.
func (a *adder) count(ctx context.Context) ([]Series, error) {
	var all []Series
	for _, uid := range a.order {
		t := a.series[uid]
		if t.instances == 0 {
			continue // never, but for a series whose first instance lost
		}
		now := a.tx.now.UnixMicro()
		later := "CASE WHEN last_received_at > ? THEN last_received_at ELSE ? END" // whatever the clock says
		if _, err := a.r.exec(ctx, `UPDATE series SET instance_count = instance_count + ?, size_bytes = size_bytes + ?,
			last_received_at = `+later+` WHERE series_instance_uid = ?`, t.instances, t.size, now, now, uid); err != nil {
			return nil, err
		}
		added := 0
		if t.seriesNew {
			added = 1
		}
		if _, err := a.r.exec(ctx, `UPDATE studies SET series_count = series_count + ?, instance_count = instance_count + ?,
			size_bytes = size_bytes + ?, last_received_at = `+later+` WHERE study_instance_uid = ?`,
			added, t.instances, t.size, now, now, t.study); err != nil {
			return nil, err
		}
		if t.seriesNew {
			if err := a.tx.setModalities(ctx, t.study); err != nil {
				return nil, err
			}
		}
		s, err := a.r.Series(ctx, uid)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Settled ends what AddInstances began, after its transaction: the blobs that were
// not added are removed. What cannot be removed now, a sweeper will.
func (s *Store) Settled(ctx context.Context, additions []Addition, settled []Settlement) error {
	var errs []error
	for i, d := range additions {
		if settled[i].Outcome == Added {
			d.Staged.settle()
			continue
		}
		errs = append(errs, d.Staged.Discard(ctx))
	}
	return errors.Join(errs...)
}
