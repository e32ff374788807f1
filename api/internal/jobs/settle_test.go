// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/jobs"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// receive stores instances as ingest does.
func receive(t *testing.T, q *jobs.Queue, instances ...storetest.Content) {
	t.Helper()
	ctx, s := t.Context(), q.Store
	batch, err := s.NewBatch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var additions []store.Addition
	var staged []*store.Staged
	for _, c := range instances {
		st, err := batch.Stage(ctx, strings.NewReader(c.Bytes), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, st)
		additions = append(additions, store.Addition{Staged: st, Study: c.Study, Series: c.Series, Instance: c.Instance})
	}
	for _, err := range s.Sync(ctx, staged) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var settled []store.Settlement
	err = s.Write(ctx, func(tx *store.Tx) error {
		var series []store.Series
		if settled, series, err = tx.AddInstances(ctx, additions); err != nil {
			return err
		}
		for _, one := range series {
			if err := q.Settle(ctx, tx, one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Settled(ctx, additions, settled); err != nil {
		t.Fatal(err)
	}
	if err := batch.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func analysesOf(t *testing.T, s *store.Store, series string) []store.Analysis {
	t.Helper()
	all, _, err := s.ListAnalyses(t.Context(), store.AnalysisFilter{SeriesInstanceUID: series}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func quietSeriesAreAnalysed(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	q := idle(t, jobs.Config{Store: s, QuietTime: 100 * time.Millisecond})
	scout, mr := storetest.Made(2, 1, 1), storetest.Made(3, 1, 1)
	mr.Series.Modality = "MR"
	receive(t, q, scout)
	receive(t, q, mr)
	for k := range 5 {
		receive(t, q, storetest.Made(1, 1, k))
	}
	start(t, jobs.Config{Store: s, Workers: 1, Do: here, QuietTime: q.QuietTime})
	count := func(n int) func() bool {
		return func() bool {
			all := analysesOf(t, s, made)
			return len(all) == n && all[0].State == store.Succeeded
		}
	}
	until(t, "the series is analysed", count(1))
	first := analysesOf(t, s, made)[0]
	if first.Origin != store.Automatic || first.SeriesRevision != 5 {
		t.Errorf("analysis = %+v", first)
	}
	receive(t, q, storetest.Made(1, 1, 3)) // the same again
	receive(t, q, storetest.Made(1, 1, 9)) // late
	until(t, "the series is analysed with what came late", count(2))
	if late := analysesOf(t, s, made)[0]; late.SeriesRevision != 6 {
		t.Errorf("analysis = %+v", late)
	}
	// Another look at a series that is as it was makes no other analysis.
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		series, err := tx.Series(t.Context(), made)
		if err != nil {
			return err
		}
		return q.Settle(t.Context(), tx, series)
	}); err != nil {
		t.Fatal(err)
	}
	receive(t, q, storetest.Made(4, 1, 1), storetest.Made(4, 1, 2), storetest.Made(4, 1, 3)) // looked at after it
	until(t, "a later series is analysed", func() bool { return len(analysesOf(t, s, "1.2.3.4.1")) == 1 })
	if n := len(analysesOf(t, s, made)); n != 2 {
		t.Errorf("%d analyses, want 2", n)
	}
	for _, none := range []string{"1.2.3.2.1", "1.2.3.3.1"} {
		if all := analysesOf(t, s, none); len(all) != 0 {
			t.Errorf("series %s was analysed: %+v", none, all)
		}
	}
}

// instancesTrickleIn at any distance around the quiet time, after a transaction that was
// rolled back: what is analysed in the end is all of them.
func instancesTrickleIn(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	q := start(t, jobs.Config{Store: s, Workers: 1, Do: here, QuietTime: 40 * time.Millisecond})
	receive(t, q, storetest.Made(1, 1, 0))
	until(t, "the first job is done", func() bool { return settles(t, s) == 0 })
	undone := errors.New("undone")
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		series, err := tx.Series(t.Context(), made)
		return errors.Join(err, q.Settle(t.Context(), tx, series), undone)
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	const n = 24
	for k := 1; k < n; k++ {
		receive(t, q, storetest.Made(1, 1, k))
		if jobs := settles(t, s); jobs > 1 {
			t.Fatalf("%d jobs for one series", jobs)
		}
		time.Sleep(time.Duration(k*k%7) * 10 * time.Millisecond) // how a peer sends
	}
	until(t, "all are analysed", func() bool {
		all := analysesOf(t, s, made)
		return len(all) > 0 && all[0].SeriesRevision == n && all[0].State == store.Succeeded
	})
}

// settles counts the jobs that wait for a series to be quiet.
func settles(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	err := s.DB().QueryRowContext(t.Context(),
		"SELECT count(*) FROM river_job WHERE kind = 'settle' AND state NOT IN ('completed', 'cancelled', 'discarded')").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func retention(t *testing.T, config store.Config) {
	s := storetest.Open(t, config)
	put(t, s)
	start(t, jobs.Config{Store: s, Workers: 1, Do: here, Retention: store.Retention{MaxAge: time.Nanosecond}})
	until(t, "the study is deleted, and its blobs", func() bool {
		studies, _, err := s.ListStudies(t.Context(), store.StudyFilter{}, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		return len(studies) == 0
	})
}
