// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// Instance is a stored instance.
type Instance struct {
	StudyInstanceUID  string
	SeriesInstanceUID string
	SOPInstanceUID    string
	SOPClassUID       string
	TransferSyntaxUID string
	InstanceNumber    *int

	Rows, Columns, BitsAllocated, NumberOfFrames *int // nil where there are none, or not known

	Size       int64
	SHA256     [sha256.Size]byte
	Source     string // the transport it came by, such as "grpc"
	ReceivedAt time.Time

	key string // of its blob
}

// What scanInstance reads, and what it is read from.
const (
	instanceColumns = `series.study_instance_uid, instances.series_instance_uid, instances.sop_instance_uid, sop_class_uid,
	transfer_syntax_uid, instance_number, pixel_rows, pixel_columns, bits_allocated, number_of_frames,
	instances.size_bytes, sha256, source, received_at, blob_key`
	instancesInSeries = " FROM instances JOIN series ON series.series_instance_uid = instances.series_instance_uid"
)

func scanInstance(scan func(...any) error) (i Instance, err error) {
	var number, rows, columns, bits, frames sql.NullInt64
	var sum []byte
	err = scan(&i.StudyInstanceUID, &i.SeriesInstanceUID, &i.SOPInstanceUID, &i.SOPClassUID, &i.TransferSyntaxUID,
		&number, &rows, &columns, &bits, &frames, &i.Size, &sum, &i.Source, moment{&i.ReceivedAt}, &i.key)
	i.InstanceNumber = intOf(number)
	i.Rows, i.Columns, i.BitsAllocated, i.NumberOfFrames = intOf(rows), intOf(columns), intOf(bits), intOf(frames)
	copy(i.SHA256[:], sum)
	return i, err
}

// Instance returns an instance.
func (r reader) Instance(ctx context.Context, sopUID string) (Instance, error) {
	i, err := scanInstance(r.row(ctx, "SELECT "+instanceColumns+instancesInSeries+" WHERE sop_instance_uid = ?", sopUID).scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = notExist("instance", "sop_instance_uid", sopUID)
	}
	return i, err
}

// InstancesOf returns the instances that an analysis is of, by SOPInstanceUID: those
// that its series had when it was asked for.
func (r reader) InstancesOf(ctx context.Context, a Analysis) ([]Instance, error) {
	return collect(ctx, r, scanInstance, "SELECT "+instanceColumns+instancesInSeries+
		" WHERE instances.series_instance_uid = ? AND ordinal <= ? ORDER BY sop_instance_uid", a.SeriesInstanceUID, a.SeriesRevision)
}

// Instances returns the instances of a series, by SOPInstanceUID; none if there is no
// such series.
func (r reader) Instances(ctx context.Context, seriesUID string) ([]Instance, error) {
	return collect(ctx, r, scanInstance, "SELECT "+instanceColumns+instancesInSeries+
		" WHERE instances.series_instance_uid = ? ORDER BY sop_instance_uid", seriesUID)
}

// LocalPath returns the file that an instance is in, if it is in one.
func (s *Store) LocalPath(i Instance) (path string, ok bool) {
	if s.blobs.dir == "" {
		return "", false
	}
	return s.blobs.path(i.key), true
}

// OpenInstance opens the bytes of an instance. It fails with [fault.Corrupt] if they
// are not there, and does not verify them: see CopyInstance.
func (s *Store) OpenInstance(ctx context.Context, i Instance) (io.ReadSeekCloser, error) {
	f, err := s.blobs.open(ctx, i.key)
	return f, classifyBlob(ctx, err)
}

// CopyInstance writes the bytes of an instance to w. It fails with [fault.Corrupt] if
// they are not what was stored; w then has got wrong bytes.
func (s *Store) CopyInstance(ctx context.Context, w io.Writer, i Instance) error {
	f, err := s.OpenInstance(ctx, i)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	src := &blobReader{r: f}
	if _, err := io.Copy(io.MultiWriter(w, hash), src); err != nil {
		if src.err != nil {
			return classifyBlob(ctx, src.err)
		}
		return err
	}
	if [sha256.Size]byte(hash.Sum(nil)) != i.SHA256 {
		return fault.New(fault.Corrupt, fault.StoredDataCorrupt, "the bytes of instance %s have changed", i.SOPInstanceUID).
			With("sop_instance_uid", i.SOPInstanceUID)
	}
	return nil
}

// blobReader remembers the error of what it reads, to tell it from the writer's.
type blobReader struct {
	r   io.Reader
	err error
}

func (b *blobReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
