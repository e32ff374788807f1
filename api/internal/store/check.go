// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// Problem is something that Check found.
type Problem struct {
	Code   ProblemCode
	Object string // a UID, an identifier or the key of a blob
	Text   string
}

// ProblemCode classes problems.
type ProblemCode string

// The codes. The last two are not harmful, and a sweep removes what they tell of.
const (
	BlobMissing   ProblemCode = "BLOB_MISSING"   // an instance without its bytes
	BlobChanged   ProblemCode = "BLOB_CHANGED"   // bytes of another size or hash
	BlobOrphan    ProblemCode = "BLOB_ORPHAN"    // bytes that nothing knows of
	CountWrong    ProblemCode = "COUNT_WRONG"    // a count that is not that of the rows
	StateWrong    ProblemCode = "STATE_WRONG"    // an analysis whose state and result disagree
	DatabaseWrong ProblemCode = "DATABASE_WRONG" // what the database says of itself

	BatchStale  ProblemCode = "BATCH_STALE"  // announced long ago
	GarbageLeft ProblemCode = "GARBAGE_LEFT" // of a deleted study
)

// Harmless tells whether a sweep puts the problem right and nothing is lost.
func (c ProblemCode) Harmless() bool { return c == BatchStale || c == GarbageLeft }

// staleAge is when a batch counts as left behind.
const staleAge = 24 * time.Hour

// Check compares rows and blobs, and reports each problem. With hashes it reads
// all bytes. While instances come and studies go it may report what is just on its
// way; a store at rest has no problem.
func (s *Store) Check(ctx context.Context, hashes bool, report func(Problem)) error {
	for _, check := range []func(context.Context, func(Problem)) error{
		s.checkDatabase, s.checkCounts, s.checkStates, s.checkLeftovers,
	} {
		if err := check(ctx, report); err != nil {
			return err
		}
	}
	batches, err := collect(ctx, s.reader, text, "SELECT batch FROM intents")
	if err != nil {
		return err
	}
	announced := map[string]bool{}
	for _, b := range batches {
		announced[prefixOf(b)] = true
	}
	shards, err := s.shards(ctx, report)
	for _, shard := range shards {
		if err := s.checkShard(ctx, shard, announced, hashes, report); err != nil {
			return err
		}
	}
	return err
}

// shards returns what keys begin with, those of rows and those of blobs, so that no
// more than a small part of all keys is in memory at a time. It reports what is no
// beginning of a key.
func (s *Store) shards(ctx context.Context, report func(Problem)) ([]string, error) {
	shards, err := collect(ctx, s.reader, text, fmt.Sprintf(
		"SELECT DISTINCT SUBSTR(blob_key, 1, %[1]d) FROM instances UNION SELECT DISTINCT SUBSTR(blob_key, 1, %[1]d) FROM garbage", len("xx/")))
	if err != nil {
		return nil, err
	}
	err = s.blobs.top(ctx, func(name string) {
		if len(name) != len("xx/") || !strings.HasSuffix(name, "/") {
			report(Problem{BlobOrphan, name, "no key of a blob begins so"})
			return
		}
		shards = append(shards, name)
	})
	slices.Sort(shards)
	return slices.Compact(shards), err
}

func (s *Store) checkShard(ctx context.Context, shard string, announced map[string]bool, hashes bool, report func(Problem)) error {
	instances, err := collect(ctx, s.reader, scanInstance, "SELECT "+instanceColumns+instancesInSeries+" WHERE blob_key >= ? AND blob_key < ?", shard, after(shard))
	if err != nil {
		return err
	}
	garbage, err := collect(ctx, s.reader, text, "SELECT blob_key FROM garbage WHERE blob_key >= ? AND blob_key < ?", shard, after(shard))
	if err != nil {
		return err
	}
	known := make(map[string]*Instance, len(instances)+len(garbage))
	for _, key := range garbage {
		known[key] = nil
	}
	for i := range instances {
		known[instances[i].key] = &instances[i]
	}
	if err := s.checkBlobs(ctx, shard, known, announced, hashes, report); err != nil {
		return err
	}
	for _, i := range instances {
		if _, left := known[i.key]; left {
			report(Problem{BlobMissing, i.SOPInstanceUID, "no blob " + i.key})
		}
	}
	return nil
}

// checkBlobs checks the blobs of a shard and takes those that are there out of
// known.
func (s *Store) checkBlobs(ctx context.Context, shard string, known map[string]*Instance, announced map[string]bool, hashes bool, report func(Problem)) error {
	return s.blobs.list(ctx, shard, func(key string, size int64) error {
		i, ok := known[key]
		delete(known, key)
		switch {
		case !ok && announced[key[:strings.LastIndexByte(key, '/')+1]]:
			return nil
		case !ok:
			report(Problem{BlobOrphan, key, "no row knows of it"})
			return nil
		case i == nil:
			return nil
		case i.Size != size:
			report(Problem{BlobChanged, i.SOPInstanceUID, fmt.Sprintf("blob %s has %d bytes, not %d", key, size, i.Size)})
			return nil
		case !hashes:
			return nil
		}
		err := s.CopyInstance(ctx, io.Discard, *i)
		if fault.Of(err) == fault.Corrupt {
			report(Problem{BlobChanged, i.SOPInstanceUID, fmt.Sprintf("blob %s has not the hash %x", key, i.SHA256[:sha256.Size])})
			return nil
		}
		return err
	})
}

// checkDatabase asks the database whether it is whole.
func (s *Store) checkDatabase(ctx context.Context, report func(Problem)) error {
	if s.dialect != SQLite {
		return nil // has checksums and tools of its own
	}
	lines, err := collect(ctx, s.reader, text, "PRAGMA quick_check")
	for _, line := range lines {
		if line != "ok" {
			report(Problem{DatabaseWrong, "quick_check", line})
		}
	}
	return err
}

// findings reports a problem for each row of a query, which names an object.
func (s *Store) findings(ctx context.Context, report func(Problem), code ProblemCode, what, query string, args ...any) error {
	objects, err := collect(ctx, s.reader, text, query, args...)
	for _, o := range objects {
		report(Problem{code, o, what})
	}
	return err
}

func (s *Store) checkCounts(ctx context.Context, report func(Problem)) error {
	if err := s.findings(ctx, report, CountWrong, "counts of the series are not those of its instances", `
		SELECT series.series_instance_uid FROM series LEFT JOIN
			(SELECT series_instance_uid, COUNT(*) AS n, SUM(size_bytes) AS bytes FROM instances GROUP BY series_instance_uid) AS i
			ON i.series_instance_uid = series.series_instance_uid
		WHERE instance_count <> COALESCE(n, 0) OR size_bytes <> COALESCE(bytes, 0) OR instance_count = 0`); err != nil {
		return err
	}
	return s.findings(ctx, report, CountWrong, "counts of the study are not those of its series", `
		SELECT studies.study_instance_uid FROM studies LEFT JOIN
			(SELECT study_instance_uid, COUNT(*) AS n, SUM(instance_count) AS instances, SUM(size_bytes) AS bytes FROM series GROUP BY study_instance_uid) AS i
			ON i.study_instance_uid = studies.study_instance_uid
		WHERE series_count <> COALESCE(n, 0) OR instance_count <> COALESCE(instances, 0) OR size_bytes <> COALESCE(bytes, 0)`)
}

func (s *Store) checkStates(ctx context.Context, report func(Problem)) error {
	if err := s.findings(ctx, report, StateWrong, "revisions are not those that the state tells of", `
		SELECT analyses.analysis_id FROM analyses LEFT JOIN
			(SELECT analysis_id, COUNT(*) AS n, MAX(number) AS newest FROM revisions GROUP BY analysis_id) AS v
			ON v.analysis_id = analyses.analysis_id
		WHERE CASE WHEN state = 'SUCCEEDED' THEN COALESCE(n, 0) <> latest_revision + 1 OR COALESCE(newest, -1) <> latest_revision ELSE COALESCE(n, 0) <> 0 END`); err != nil {
		return err
	}
	return s.findings(ctx, report, StateWrong, "the comparison has a report and has not succeeded, or the other way round", `
		SELECT comparison_id FROM comparisons WHERE (state = 'SUCCEEDED') <> (report IS NOT NULL)`)
}

func (s *Store) checkLeftovers(ctx context.Context, report func(Problem)) error {
	if err := s.findings(ctx, report, BatchStale, "announced long ago", "SELECT batch FROM intents WHERE swept_at IS NULL AND created_at < ?",
		s.now().Add(-staleAge).UnixMicro()); err != nil {
		return err
	}
	return s.findings(ctx, report, GarbageLeft, "blob of a deleted study", "SELECT blob_key FROM garbage")
}
