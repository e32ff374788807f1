// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/internal/store"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// ledger is what a caller knows of a server: what was acknowledged, and must be there
// whatever happens to the server.
type ledger struct {
	mu          sync.Mutex
	hashes      map[string][sha256.Size]byte // of instances
	analyses    map[string]series
	corrected   map[string]bool // analyses
	comparisons map[string]bool
	cycles      int // of examinations
}

func newLedger() *ledger {
	return &ledger{
		hashes: map[string][sha256.Size]byte{}, analyses: map[string]series{},
		corrected: map[string]bool{}, comparisons: map[string]bool{},
	}
}

func (l *ledger) done() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cycles
}

// small returns a CT series of noise of n×n pixels, which shows no spine.
func small(t testing.TB, n, slices int, seed uint64) (s series) {
	t.Helper()
	v := volume.New(volume.Geometry{
		Columns: n, Rows: n, Slices: slices, Column: r3.Vec{X: 8}, Row: r3.Vec{Y: 8}, Slice: r3.Vec{Z: 5},
	})
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range v.Samples {
		v.Samples[i] = int16(random.IntN(100))
	}
	name := fmt.Sprintf("small %d", seed)
	return written(t, v, dicom.SyntheticCT{Study: name, FrameOfReference: name})
}

// insist makes a call until it is answered. That the server is not there is all that
// is excused.
func insist[Answer any](ctx context.Context, call func(context.Context) (Answer, error)) (Answer, error) {
	for {
		a, err := call(ctx)
		if status.Code(err) != codes.Unavailable {
			return a, err
		}
		select {
		case <-time.After(10 * time.Millisecond): // calls wait for the server where there is none
		case <-ctx.Done():
			return a, err
		}
	}
}

// send uploads a series and has it analysed, each again until it is acknowledged.
func (l *ledger) send(ctx context.Context, p *peer, s series) (id string, err error) {
	r, err := insist(ctx, func(ctx context.Context) (*endplatev1.UploadInstancesResponse, error) {
		r, err := p.upload(ctx, 4<<10, s.instances...)
		for _, o := range r.GetOutcomes() {
			if err == nil && o.GetReason() == "ERROR_REASON_STORAGE_UNAVAILABLE" {
				err = status.Error(codes.Unavailable, o.GetMessage())
			}
		}
		return r, err
	})
	if err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	if int(r.GetStored()) != len(s.instances) {
		return "", fmt.Errorf("stored %d of %d: %.500v", r.GetStored(), len(s.instances), r)
	}
	l.mu.Lock()
	for i, o := range r.GetOutcomes() {
		l.hashes[o.GetSopInstanceUid()] = sha256.Sum256(s.instances[i])
	}
	l.mu.Unlock()
	for range 2 { // the same request makes the same analysis
		a, err := insist(ctx, func(ctx context.Context) (*endplatev1.CreateAnalysisResponse, error) {
			return p.analyses.CreateAnalysis(ctx, &endplatev1.CreateAnalysisRequest{SeriesInstanceUid: s.uid, RequestId: "analyse " + s.uid})
		})
		if err != nil {
			return "", fmt.Errorf("create: %w", err)
		}
		got := a.GetAnalysis().GetAnalysisId()
		if id != "" && got != id {
			return "", fmt.Errorf("one request made the analyses %s and %s", id, got)
		}
		id = got
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.analyses[id] = s
	return id, nil
}

// wait watches an analysis to its end.
func (l *ledger) wait(ctx context.Context, p *peer, id string) (*endplatev1.AnalysisRun, error) {
	return insist(ctx, func(ctx context.Context) (last *endplatev1.AnalysisRun, err error) {
		stream, err := p.analyses.WatchAnalysis(ctx, &endplatev1.WatchAnalysisRequest{AnalysisId: id})
		if err != nil {
			return nil, err
		}
		for {
			r, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return last, nil
			}
			if err != nil {
				return nil, err
			}
			last = r.GetAnalysis()
		}
	})
}

// examine takes an examination all the way: sent, measured, corrected, and compared
// with the one before, if there is one.
func (l *ledger) examine(ctx context.Context, t testing.TB, p *peer, s series, before string) (id string, err error) {
	if id, err = l.send(ctx, p, s); err != nil {
		return "", err
	}
	run, err := l.wait(ctx, p, id)
	if err != nil {
		return "", fmt.Errorf("watch: %w", err)
	}
	if run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
		return "", fmt.Errorf("analysis %s is %v: %s", id, run.GetState(), run.GetReason())
	}
	if _, err := insist(ctx, func(ctx context.Context) (*endplatev1.CorrectAnalysisResponse, error) {
		return p.analyses.CorrectAnalysis(ctx, &endplatev1.CorrectAnalysisRequest{
			AnalysisId: id, Corrections: []*endplatev1.Correction{moved(t, run, 1)}, RequestId: "correct " + id,
		})
	}); err != nil {
		return "", fmt.Errorf("correct: %w", err)
	}
	l.mu.Lock()
	l.corrected[id] = true
	l.mu.Unlock()
	if before != "" {
		c, err := insist(ctx, func(ctx context.Context) (*endplatev1.CreateComparisonResponse, error) {
			return p.comparisons.CreateComparison(ctx, &endplatev1.CreateComparisonRequest{AnalysisIds: []string{before, id}, RequestId: "compare " + id})
		})
		if err != nil {
			return "", fmt.Errorf("compare: %w", err)
		}
		l.mu.Lock()
		l.comparisons[c.GetComparison().GetComparisonId()] = true
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cycles++
	return id, nil
}

// queueShort is how many analyses may wait before another series is sent by a caller
// who is not in a hurry.
const queueShort = 10

// work is what callers do until ctx ends, which is no error: one examines, others
// send small series.
func (l *ledger) work(ctx context.Context, t testing.TB, p *peer, examinations []series) error {
	var wg sync.WaitGroup
	const senders = 3
	errs := make([]error, senders+1)
	wg.Go(func() {
		before := ""
		for _, s := range examinations {
			id, err := l.examine(ctx, t, p, s, before)
			if err != nil {
				errs[0] = err
				return
			}
			before = id
		}
	})
	for caller := range senders {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, err := l.send(ctx, p, small(t, 16, 3+n%5, uint64(caller*100_000+n)))
				for waiting := queueShort + 1; err == nil && waiting > queueShort; {
					select {
					case <-time.After(50 * time.Millisecond): // one analysis takes about as long
					case <-ctx.Done():
					}
					waiting, err = insist(ctx, p.queued)
				}
				if err != nil {
					errs[1+caller] = err
					return
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil { // what was under way then
		errs = slices.DeleteFunc(errs, func(err error) bool {
			code := status.Code(err)
			return err == nil || code == codes.Canceled || code == codes.Unavailable || errors.Is(err, io.EOF)
		})
	}
	return errors.Join(errs...)
}

// verify asks the server for everything that it has acknowledged.
func (l *ledger) verify(t *testing.T, p *peer) {
	t.Helper()
	attempts := 0
	for id, s := range l.analyses {
		run := p.watched(t, id)
		attempts += int(run.GetAttempt())
		revisions, err := p.analyses.ListRevisions(t.Context(), &endplatev1.ListRevisionsRequest{AnalysisId: id})
		want := 1
		if l.corrected[id] {
			want = 2
		}
		if run.GetState() != endplatev1.AnalysisState_SUCCEEDED || err != nil || len(revisions.GetRevisions()) != want {
			t.Errorf("analysis %s is %v (%s) with %d revisions, want %d; %v", id, run.GetState(), run.GetReason(), len(revisions.GetRevisions()), want, err)
			continue
		}
		automatic, err := p.analyses.GetAnalysis(t.Context(), &endplatev1.GetAnalysisRequest{AnalysisId: id, Revision: new(int32(0))})
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, automatic.GetAnalysis().GetReport(), direct(t, s))
	}
	all := p.allComparisons(t)
	for id := range l.comparisons {
		if state := all[id]; state != endplatev1.AnalysisState_SUCCEEDED {
			t.Errorf("comparison %s is %v", id, state)
		}
	}
	if len(all) > len(l.comparisons)+1 { // the answer to one may have been under way
		t.Errorf("%d comparisons, %d were asked for", len(all), len(l.comparisons))
	}
	t.Logf("%d instances, %d analyses in %d attempts, %d corrections, %d comparisons; %s",
		len(l.hashes), len(l.analyses), attempts, len(l.corrected), len(l.comparisons), load())
}

// allComparisons returns the states of all comparisons, once they have ended.
func (p *peer) allComparisons(t testing.TB) map[string]endplatev1.AnalysisState {
	t.Helper()
	all := map[string]endplatev1.AnalysisState{}
	until(t, "the comparisons end", 2*time.Minute, func() bool {
		r, err := p.comparisons.ListComparisons(t.Context(), &endplatev1.ListComparisonsRequest{PageSize: 500})
		if err != nil {
			t.Fatal(err)
		}
		ended := true
		for _, c := range r.GetComparisons() {
			all[c.GetComparisonId()] = c.GetState()
			ended = ended && c.GetFinishedAt() != nil
		}
		return ended
	})
	return all
}

// verifyStored looks at what a server left when it ended.
func (l *ledger) verifyStored(t testing.TB, c served) {
	t.Helper()
	s := c.openStore(t)
	defer s.Close()
	for uid, hash := range l.hashes {
		if i, err := s.Instance(t.Context(), uid); err != nil || i.SHA256 != hash {
			t.Errorf("instance %s was acknowledged: %+v, %v", uid, i, err)
		}
	}
	if _, err := s.Sweep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if err := s.Check(t.Context(), true, func(p store.Problem) { t.Errorf("problem: %+v", p) }); err != nil {
		t.Error(err)
	}
	var unfinished int
	err := s.DB().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM river_job
		WHERE kind IN ('analyze', 'compare') AND state NOT IN ('completed', 'cancelled', 'discarded')`).Scan(&unfinished)
	if err != nil || unfinished > 0 {
		t.Errorf("%d jobs are left, %v", unfinished, err)
	}
}

// openStore opens the store of a server that has ended.
func (c served) openStore(t testing.TB) *store.Store {
	t.Helper()
	blobs, err := c.Storage.BlobsURL()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{Database: c.Storage.DatabaseURL(), Blobs: blobs})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
