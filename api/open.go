// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/rand"
	"io"
	"math"
	"os"
	"strings"

	"github.com/endplate/endplate/api/internal/audit"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/telemetry"
	"github.com/endplate/endplate/api/measure"
	"github.com/endplate/endplate/api/summary"
)

// openService opens what the services share, in the order of the data's path.
func (s *Server) openService(ctx context.Context) (err error) {
	c := s.config
	v := &server{
		config:   c,
		log:      s.log,
		streams:  make(chan struct{}, c.Limits.AnalyzeStreams),
		draining: make(chan struct{}),
	}
	if v.store, err = s.openStore(ctx); err != nil {
		return err
	}
	s.onClose(v.store.Close)
	if v.audit, err = audit.Open(c.Security.AuditFile, requestID, s.log); err != nil {
		return err
	}
	s.onClose(v.audit.Close)
	v.runner = c.runner()
	if err := s.openJobs(v); err != nil {
		return err
	}
	var transform func(io.Writer, io.Reader) error
	if c.Storage.Deidentify {
		if transform, err = c.deidentifier(); err != nil {
			return err
		}
	}
	journal, left, err := v.store.OpenJournal(c.DIMSE.journal())
	if err != nil {
		return err
	}
	if journal != nil {
		s.onClose(journal.Close)
	}
	v.ingest = ingest.New(ctx, ingest.Config{
		Store:       v.store,
		Journal:     journal,
		SOPClasses:  c.Storage.SOPClasses,
		MaxInstance: c.Limits.InstanceBytes,
		Transform:   transform,
		Touched:     v.settle,
		Observe:     s.observeInstance,
		Logger:      s.log,
	})
	s.onClose(v.ingest.Close)
	if err := v.ingest.Recover(ctx, left); err != nil {
		return err
	}
	v.volumes = newKept(c.Limits.RenderCacheBytes, sizeOfVolume, v.readVolume)
	v.results = newKept(mostResults, sizeOfResults, v.readResults)
	v.aligned = newKept(mostAligned, sizeOfAligned, v.readAligned)
	v.summaries = newKept(mostSummaries, sizeOfSummary, v.readSummary)
	s.service = v
	s.metrics.Queue(v.jobs.Waiting)
	s.metrics.Outbox(v.outbox)
	if c.Storage.Folder != "" {
		s.metrics.Free(func() float64 {
			free, err := store.FreeBytes(c.Storage.Folder)
			if err != nil {
				return math.NaN()
			}
			return float64(free)
		})
	}
	return nil
}

func (s *Server) openStore(ctx context.Context) (*store.Store, error) {
	c := s.config.Storage
	if c.Folder != "" {
		if err := os.MkdirAll(c.Folder, 0o700); err != nil {
			return nil, err
		}
	}
	blobs, err := c.BlobsURL()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Config{Database: c.DatabaseURL(), Blobs: blobs, MinFree: c.MinFree, Severity: summary.SeverityOf, Logger: s.log})
}

// runner says how children measure.
func (c Config) runner() measure.Runner {
	return measure.Runner{
		Command: measure.Child(c.Executable),
		Limits:  measure.Limits{Memory: c.Work.AnalysisMemory, Time: c.Work.AnalysisTime, Nice: childNice},
	}
}

// childNice keeps the server answering while its children compute.
const childNice = 10

func (s *Server) openJobs(v *server) (err error) {
	c := s.jobsConfig(v)
	if c.Results, err = s.config.Results.kinds(); err != nil {
		return err
	}
	if c.Destinations, err = s.config.Results.destinations(); err != nil {
		return err
	}
	v.jobs, err = jobs.New(c)
	return err
}

func (s *Server) jobsConfig(v *server) jobs.Config {
	c := s.config
	host, _ := os.Hostname() // for people to read; empty is as good
	return jobs.Config{
		Store:      v.store,
		Do:         v.runner.Do,
		Worker:     store.Worker{ID: strings.ToLower(rand.Text()), Host: host, Version: c.Version},
		Workers:    c.Work.Workers,
		Serves:     c.serves(),
		QuietTime:  c.Work.QuietTime,
		QueueLimit: c.Work.QueueLimit,
		Grace:      c.ShutdownGrace,
		Scratch:    c.Storage.Folder,
		Retention:  store.Retention{MaxAge: c.Storage.Retention},
		Observer: jobs.Observer{
			Analysis: s.metrics.Analysis, Stage: s.metrics.Stage, Publication: s.metrics.Publication, Delivery: s.metrics.Delivery,
		},
		GiveUpAfter: c.Results.GiveUpAfter,
		Audit:       v.audit.Append,
		Logger:      s.log,
		Timing:      c.Work.Timing,
	}
}

// outbox counts what has not been delivered, for metrics.
func (s *server) outbox(ctx context.Context) (all []telemetry.Undelivered, err error) {
	counts, err := s.store.CountDeliveries(ctx)
	for _, c := range counts {
		all = append(all, telemetry.Undelivered{Destination: c.Destination, State: string(c.State), N: c.N, Oldest: c.Oldest})
	}
	return all, err
}

// settle is told of series that have got instances, in the transaction that adds them.
func (s *server) settle(ctx context.Context, tx *store.Tx, series []store.Series) error {
	for _, one := range series {
		if err := s.jobs.Settle(ctx, tx, one); err != nil {
			return err
		}
	}
	return nil
}
