// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/pgtest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// The test binary is its own victim: with these it uploads until it is killed.
const (
	victimDatabase = "ENDPLATE_TEST_VICTIM_DATABASE"
	victimBlobs    = "ENDPLATE_TEST_VICTIM_BLOBS"
	victimRound    = "ENDPLATE_TEST_VICTIM_ROUND"
)

// crashCount is how often a victim is killed, unless ENDPLATE_TEST_CRASHES says
// otherwise.
const crashCount = 15

func TestMain(m *testing.M) {
	if os.Getenv(victimDatabase) != "" {
		if err := victim(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// victim uploads instances and deletes studies, and says what was acknowledged, one
// line each: "stored UID HASH", and "deleting STUDY" before "deleted STUDY".
func victim() error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Database: os.Getenv(victimDatabase), Blobs: os.Getenv(victimBlobs)})
	if err != nil {
		return err
	}
	if _, err := s.Sweep(ctx, 0); err != nil {
		return err
	}
	g, _, err := journaled(ctx, s)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	say("ready")
	const callers = 4
	failed := make(chan error)
	for caller := range callers {
		go func() {
			for n := 0; ; n++ {
				if err := upload(ctx, g, caller%2 == 0, fmt.Sprintf("1.2.%s.%d.%d", os.Getenv(victimRound), caller, n), say); err != nil {
					failed <- err
				}
				if n%3 == 2 {
					g.Settle(ctx)
					if err := remove(ctx, s, fmt.Sprintf("1.2.%s.%d.%d", os.Getenv(victimRound), caller, n-rand.IntN(3)), say); err != nil {
						failed <- err
					}
				}
			}
		}()
	}
	return <-failed
}

// journaled opens a door to a store with a journal, and stores what is left in it.
func journaled(ctx context.Context, s *store.Store) (*ingest.Ingest, *store.Journal, error) {
	j, left, err := s.OpenJournal(8 << 20)
	if err != nil {
		return nil, nil, err
	}
	g := ingest.New(ctx, ingest.Config{Store: s, Journal: j})
	return g, j, g.Recover(ctx, left)
}

// upload sends some instances of a study, which may be acknowledged early.
func upload(ctx context.Context, g *ingest.Ingest, early bool, study string, say func(string, ...any)) error {
	const instances = 5
	stream := g.Stream()
	hashes := map[string][sha256.Size]byte{}
	for i := range instances {
		uid := fmt.Sprintf("%s.1.%d", study, i)
		b := instanceOf(map[string]string{
			"StudyInstanceUID": study, "SeriesInstanceUID": study + ".1", "SOPInstanceUID": uid, "MediaStorageSOPInstanceUID": uid,
		}, 2000)
		hashes[uid] = sha256.Sum256(b)
		if !early {
			stream.Add(ctx, ingest.Upload{}, bytes.NewReader(b))
			continue
		}
		o := g.Add(ctx, ingest.Upload{Early: true}, bytes.NewReader(b))
		if o.Err != nil {
			return o.Err
		}
		say("stored %s %x", uid, hashes[uid])
	}
	for _, o := range stream.Wait() {
		if o.Err != nil {
			return o.Err
		}
		say("stored %s %x", o.SOPInstanceUID, hashes[o.SOPInstanceUID])
	}
	return nil
}

func remove(ctx context.Context, s *store.Store, study string, say func(string, ...any)) error {
	say("deleting %s", study)
	if err := s.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.DeleteStudy(ctx, study)
		return err
	}); err != nil {
		return err
	}
	say("deleted %s", study)
	_, err := s.RemoveGarbage(ctx)
	return err
}

// crash runs a victim, kills it at some moment, and returns what it said.
func crash(t *testing.T, config store.Config, round int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimDatabase+"="+config.Database, victimBlobs+"="+config.Blobs, victimRound+"="+strconv.Itoa(round))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func(within time.Duration) { time.AfterFunc(rand.N(within), func() { cmd.Process.Kill() }) }
	if round%4 == 0 {
		kill(300 * time.Millisecond) // while it opens the store
	}
	const enough = 200 // lines
	last := rand.N(enough)
	var lines []string
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if len(lines) == last { // some moment after this line; the first is "ready"
			kill(30 * time.Millisecond)
		}
		lines = append(lines, scanner.Text())
	}
	err = cmd.Wait()
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.Exited() {
		t.Fatalf("the victim ended by itself: %v\n%s", err, stderr.String())
	}
	return lines
}

// truth is what a store must hold after what victims have said.
type truth struct {
	hashes            map[string]string // of instances
	deleting, deleted map[string]bool   // studies
}

func (tr *truth) learn(lines []string) {
	for _, line := range lines {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[0] == "stored" && len(f[2]) == 2*sha256.Size:
			tr.hashes[f[1]] = f[2]
		case len(f) == 2 && f[0] == "deleting":
			tr.deleting[f[1]] = true
		case len(f) == 2 && f[0] == "deleted":
			tr.deleted[f[1]] = true
		}
	}
}

func (tr *truth) check(t *testing.T, s *store.Store) {
	t.Helper()
	for uid, hash := range tr.hashes {
		study := strings.Join(strings.Split(uid, ".")[:5], ".")
		i, err := s.Instance(t.Context(), uid)
		switch {
		case tr.deleted[study]:
			if fault.Of(err) != fault.NotExist {
				t.Errorf("%s of a deleted study: %v", uid, err)
			}
		case tr.deleting[study] && fault.Of(err) == fault.NotExist:
		case err != nil:
			t.Errorf("%s was acknowledged and is lost: %v", uid, err)
		case hex.EncodeToString(i.SHA256[:]) != hash:
			t.Errorf("%s has another hash", uid)
		}
	}
}

// recoverAll stores what is left in the journal of a store.
func recoverAll(t *testing.T, s *store.Store) {
	t.Helper()
	g, j, err := journaled(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if j == nil {
		return // PostgreSQL
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func testCrashes(t *testing.T, config store.Config) {
	crashes := crashCount
	if n, err := strconv.Atoi(os.Getenv("ENDPLATE_TEST_CRASHES")); err == nil {
		crashes = n
	}
	if testing.Short() {
		crashes = 3
	}
	tr := &truth{map[string]string{}, map[string]bool{}, map[string]bool{}}
	for round := range crashes {
		tr.learn(crash(t, config, round))
		s, err := store.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sweep(t.Context(), 0); err != nil {
			t.Error(err)
		}
		recoverAll(t, s)
		storetest.Whole(t, s)
		tr.check(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("after crash %d", round)
		}
	}
	t.Logf("%d crashes, %d instances acknowledged, %d studies deleted", crashes, len(tr.hashes), len(tr.deleted))
	if len(tr.hashes) == 0 || len(tr.deleted) == 0 && crashes >= crashCount {
		t.Error("the victims did nothing")
	}
}

func TestKilledWithSQLite(t *testing.T) {
	t.Parallel()
	testCrashes(t, storetest.Embedded(t))
}

func TestKilledWithPostgreSQL(t *testing.T) {
	t.Parallel()
	config := storetest.Embedded(t)
	config.Database = pgtest.Start(t).Database(t)
	testCrashes(t, config)
}
