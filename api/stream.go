// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

func (s *analysisService) AnalyzeStream(stream grpc.BidiStreamingServer[endplatev1.AnalyzeStreamRequest, endplatev1.AnalyzeStreamResponse]) error {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return fault.New(fault.Exhausted, fault.LimitExceeded, "%d streams are being analysed, the most at a time", cap(s.streams)).WithRetry(time.Second)
	}
	options, err := receiveOptions(stream)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(s.config.Storage.Folder, "stream-")
	if err != nil {
		return fault.Wrap(err, fault.Exhausted, fault.StorageFull, "there is no room for the instances")
	}
	defer os.RemoveAll(folder)
	files, err := s.receiveFiles(stream, folder)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fault.InvalidFields(fault.Violation{Field: "upload", Description: "no instance came"})
	}
	return s.analyze(stream, &measure.Task{Measure: &measure.MeasureTask{Files: files, Options: options}})
}

// receiveOptions receives the first message of a stream to be analysed.
func receiveOptions(stream grpc.BidiStreamingServer[endplatev1.AnalyzeStreamRequest, endplatev1.AnalyzeStreamResponse]) ([]byte, error) {
	first, err := stream.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	part, ok := first.GetPart().(*endplatev1.AnalyzeStreamRequest_Options)
	if !ok {
		return nil, fault.InvalidFields(fault.Violation{Field: "options", Description: "must come first"})
	}
	var c checker
	c.options("options", part.Options)
	if err := c.err(); err != nil {
		return nil, err
	}
	return measure.EncodeMessage(part.Options)
}

// receiveFiles writes the instances of a stream into a folder.
func (s *server) receiveFiles(stream grpc.BidiStreamingServer[endplatev1.AnalyzeStreamRequest, endplatev1.AnalyzeStreamResponse], folder string) ([]measure.InstanceFile, error) {
	in := &chunks{
		instances: s.config.Limits.UploadInstances,
		bytes:     s.config.Limits.AnalyzeStreamBytes,
		receive: func() (*endplatev1.UploadInstancesRequest, error) {
			m, err := stream.Recv()
			if err != nil {
				return nil, err
			}
			part, ok := m.GetPart().(*endplatev1.AnalyzeStreamRequest_Upload)
			if !ok {
				return nil, fault.InvalidFields(fault.Violation{Field: "options", Description: "must come first and once"})
			}
			return part.Upload, nil
		},
	}
	var files []measure.InstanceFile
	for {
		_, err := in.next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		// The caller's names lead nowhere: they name no file here.
		name := strconv.Itoa(len(files) + 1)
		path := filepath.Join(folder, name)
		if err := receiveFile(in, path); err != nil {
			return nil, err
		}
		files = append(files, measure.InstanceFile{SOPInstanceUID: "instance " + name, Path: path})
	}
}

func receiveFile(in *chunks, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Wrap(err, fault.Exhausted, fault.StorageFull, "there is no room for the instances")
	}
	_, err = io.Copy(f, in)
	if closing := f.Close(); err == nil && closing != nil {
		err = closing
	}
	if err != nil && !in.broken(err) {
		return fault.Wrap(err, fault.Exhausted, fault.StorageFull, "there is no room for the instances")
	}
	return err
}

// analyze has a child do a task, and tells the caller of its progress and result.
func (s *server) analyze(stream grpc.BidiStreamingServer[endplatev1.AnalyzeStreamRequest, endplatev1.AnalyzeStreamResponse], task *measure.Task) error {
	var sending sync.Mutex // progress comes from another goroutine
	done, err := s.runner.Do(stream.Context(), task, func(stage string, fraction float64) {
		sending.Lock()
		defer sending.Unlock()
		// Whether the caller is still there shows in the stream's context.
		_ = stream.Send(&endplatev1.AnalyzeStreamResponse{Stage: stage, FractionDone: fraction})
	})
	sending.Lock()
	defer sending.Unlock()
	switch {
	case stream.Context().Err() != nil:
		return stream.Context().Err()
	case errors.Is(err, measure.ErrTimeLimit), errors.Is(err, measure.ErrMemoryLimit):
		return fault.Wrap(err, fault.Exhausted, fault.LimitExceeded, "the analysis went beyond its %v", err)
	case err != nil:
		return fault.Wrap(err, fault.Invalid, fault.AnalysisFailed, "the analysis ended its process")
	case done.Reason != "":
		return fault.New(fault.Invalid, done.Reason, "%s", done.Text)
	}
	report := &endplatev1.Report{}
	if err := proto.Unmarshal(done.Report, report); err != nil {
		return err
	}
	return stream.Send(&endplatev1.AnalyzeStreamResponse{Stage: "done", FractionDone: 1, Report: report})
}
