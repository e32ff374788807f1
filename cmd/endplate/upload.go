// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// upload sends files to a server.
type upload struct {
	studies  endplatev1.StudyServiceClient
	progress *sendProgress

	mu     sync.Mutex
	series map[string]*sentSeries // by SeriesInstanceUID
}

// sentSeries counts what was stored of a series.
type sentSeries struct {
	slices int
	volume bool // one instance may hold a volume
}

// The server says what became of the instances of a stream when it has ended, so that
// a stream that breaks off is sent again from its beginning: it holds so many at most.
const (
	batchInstances = 128
	batchBytes     = 64 << 20
)

// chunkBytes is how much of an instance goes into one message: less than the 1 MiB
// that the server takes, more than the window of a fresh connection.
const chunkBytes = 256 << 10

// batches cuts files into what goes over one stream.
func batches(files []sendable) [][]sendable {
	var all [][]sendable
	var size int64
	for _, f := range files {
		last := len(all) - 1
		if last < 0 || len(all[last]) == batchInstances || size+f.Size > batchBytes {
			all, size = append(all, nil), 0
			last++
		}
		all[last] = append(all[last], f)
		size += f.Size
	}
	return all
}

// all sends files over so many streams at a time.
func (u *upload) all(ctx context.Context, files []sendable, streams int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	for _, b := range batches(files) {
		group.Go(func() error { return u.batch(ctx, b) })
	}
	return group.Wait()
}

// batch sends files over one stream, and over another where that breaks off.
func (u *upload) batch(ctx context.Context, files []sendable) error {
	var b backoff
	for {
		s := &sendingStream{upload: u}
		r, err := s.send(ctx, files)
		if err == nil {
			return u.took(s.sent, r)
		}
		u.progress.add(-s.bytes)
		if !b.again(ctx, err) {
			return err
		}
	}
}

// sendingStream is one try to send files.
type sendingStream struct {
	*upload
	stream grpc.ClientStreamingClient[endplatev1.UploadInstancesRequest, endplatev1.UploadInstancesResponse]
	sent   []sentInstance
	bytes  int64
}

// sentInstance is an instance that was begun.
type sentInstance struct {
	sendable
	sum [sha256.Size]byte
	err error // that kept the rest of it from being read
}

func (s *sendingStream) send(ctx context.Context, files []sendable) (*endplatev1.UploadInstancesResponse, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the stream where it is left
	defer cancel()
	var err error
	if s.stream, err = s.studies.UploadInstances(ctx); err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := s.one(f); errors.Is(err, io.EOF) {
			break // the answer says why the server has ended the stream
		} else if err != nil {
			return nil, err
		}
	}
	return s.stream.CloseAndRecv()
}

// one sends an instance. The server is told its size: what cannot be read to its end
// is not stored. The error is one of the stream.
func (s *sendingStream) one(f sendable) error {
	// Paths may name patients, and stay here: the server gets a number.
	start := &endplatev1.InstanceStart{Name: strconv.Itoa(len(s.sent)), SizeBytes: &f.Size}
	if err := s.stream.Send(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Start{Start: start}}); err != nil {
		return err
	}
	s.sent = append(s.sent, sentInstance{sendable: f})
	in := &s.sent[len(s.sent)-1]
	r, err := f.Open()
	if err != nil {
		in.err = err
		return nil
	}
	defer r.Close()
	hash := sha256.New()
	for left := f.Size; left > 0; {
		chunk := make([]byte, min(left, chunkBytes)) // gRPC may hold it for a while
		if _, in.err = io.ReadFull(r, chunk); in.err != nil {
			return nil
		}
		hash.Write(chunk)
		if err := s.stream.Send(&endplatev1.UploadInstancesRequest{Part: &endplatev1.UploadInstancesRequest_Chunk{Chunk: chunk}}); err != nil {
			return err
		}
		left -= int64(len(chunk))
		s.bytes += int64(len(chunk))
		s.progress.add(int64(len(chunk)))
	}
	hash.Sum(in.sum[:0])
	return nil
}

// took notes what the server says of the instances of a stream.
func (u *upload) took(sent []sentInstance, r *endplatev1.UploadInstancesResponse) error {
	if len(r.GetOutcomes()) != len(sent) {
		return fmt.Errorf("the server tells of %d instances, %d were sent", len(r.GetOutcomes()), len(sent))
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, o := range r.GetOutcomes() {
		in := &sent[i]
		switch {
		case in.err != nil:
			u.progress.refuse(in.Name, measure.Pathless(in.err))
		case o.GetState() == endplatev1.InstanceOutcome_REFUSED:
			u.progress.refuse(in.Name, fmt.Sprintf("%s (%s)", o.GetMessage(), reasonName(o.GetReason())))
		case !bytes.Equal(o.GetSha256(), in.sum[:]):
			u.progress.refuse(in.Name, "the server has stored other bytes")
		default:
			u.progress.accepted(o.GetState() == endplatev1.InstanceOutcome_ALREADY_STORED)
			u.count(o.GetSeriesInstanceUid(), in.sopClassUID)
		}
	}
	return nil
}

// SOP classes of CT images: single slices, and volumes. DICOM PS3.4 B.5.
const (
	classCT        = "1.2.840.10008.5.1.4.1.1.2"
	classEnhanced  = "1.2.840.10008.5.1.4.1.1.2.1"
	classConverted = "1.2.840.10008.5.1.4.1.1.2.2"
)

// leastSlices is the least number of single slices that are measured as a volume: a
// scout view is none.
const leastSlices = 3

// count notes an instance of a series.
func (u *upload) count(series, sopClass string) {
	s := u.series[series]
	if s == nil {
		s = &sentSeries{}
		u.series[series] = s
	}
	switch sopClass {
	case classCT:
		s.slices++
	case classEnhanced, classConverted:
		s.volume = true
	}
}

// volumes returns the series that may show a spine.
func (u *upload) volumes() []string {
	var all []string
	for uid, s := range u.series {
		if s.volume || s.slices >= leastSlices {
			all = append(all, uid)
		}
	}
	slices.Sort(all)
	return all
}
