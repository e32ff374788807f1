// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// BenchmarkGet reads an analysis with its report, as GetAnalysis does, among 1,000
// others.
func BenchmarkGet(b *testing.B) {
	for name, config := range map[string]func(b *testing.B) store.Config{
		"SQLite": func(b *testing.B) store.Config { return storetest.Embedded(b) },
		"PostgreSQL": func(b *testing.B) store.Config {
			c := storetest.Embedded(b)
			c.Database = pgtest.Start(b).Database(b)
			return c
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, config(b))
			ids := manyAnalyses(b, s)
			i := 0
			for b.Loop() {
				i++
				id := ids[i%len(ids)]
				if _, err := s.Analysis(b.Context(), id); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Revision(b.Context(), id, store.Latest, store.Report); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// manyAnalyses makes 1,000 analyses with reports of the size of a real one's.
func manyAnalyses(b *testing.B, s *store.Store) (ids []string) {
	b.Helper()
	const n, reportBytes, resultBytes = 1000, 40 << 10, 200 << 10
	storetest.Put(b, s, storetest.Made(1, 1, 1))
	result := store.Result{Report: bytes.Repeat([]byte("r"), reportBytes), Results: bytes.Repeat([]byte("x"), resultBytes)}
	for i := range n {
		if err := s.Write(b.Context(), func(tx *store.Tx) error {
			a, _, err := tx.CreateAnalysis(b.Context(), store.NewAnalysis{SeriesInstanceUID: "1.2.3.1.1", Options: fmt.Append(nil, i)})
			if err != nil {
				return err
			}
			ids = append(ids, a.ID)
			if a, err = tx.StartAnalysis(b.Context(), a.ID, "w"); err != nil {
				return err
			}
			return tx.FinishAnalysis(b.Context(), a.ID, a.Attempt, store.Finish{State: store.Succeeded, Result: &result})
		}); err != nil {
			b.Fatal(err)
		}
	}
	return ids
}
