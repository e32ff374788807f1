// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/measure"
)

// errOver says that an attempt is no longer wanted: cancelled, taken over, or of a
// study that was deleted.
var errOver = errors.New("the attempt is over")

// over turns the store's errors for that into errOver.
func over(err error) error {
	if k := fault.Of(err); k == fault.NotExist || k == fault.Conflict {
		return errOver
	}
	return err
}

// gone passes over that an attempt is over, or that what a job was for was deleted.
func gone(err error) error {
	if errors.Is(over(err), errOver) {
		return nil
	}
	return err
}

// commit makes the transaction that stores what a job made and ends it. A job whose
// attempt is over stores nothing; one whose transaction fails is done again.
func (q *Queue) commit(ctx context.Context, job *rivertype.JobRow, f func(context.Context, *store.Tx) error) (committed bool, err error) {
	err = q.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := f(ctx, tx); err != nil {
			return over(err)
		}
		return q.done(ctx, tx, job.ID)
	})
	switch {
	case errors.Is(err, errOver):
		return false, nil
	case err != nil:
		return false, q.later(ctx, job, err)
	}
	return true, nil
}

// Reason codes beside the names of endplate.v1.ErrorReason.
const (
	codeCancelled   = "CANCELLED"
	codeCrashed     = "CRASHED"
	codeTimeLimit   = "TIME_LIMIT"
	codeMemoryLimit = "MEMORY_LIMIT"
)

// maxCrashes is how many crashes of its child process park a job.
const maxCrashes = 3

// crash is how a child process ended that gave no answer.
type crash struct{ code, reason string }

// crashOf tells whether an error is that a child ended.
func crashOf(err error) (c crash, ok bool) {
	e, crashed := errors.AsType[*measure.CrashError](err)
	switch {
	case errors.Is(err, measure.ErrTimeLimit):
		return crash{codeTimeLimit, "it took longer than it may"}, true
	case errors.Is(err, measure.ErrMemoryLimit):
		return crash{codeMemoryLimit, "it took more memory than it may"}, true
	case crashed:
		return crash{codeCrashed, "its process ended: " + e.Reason}, true
	}
	return crash{}, false
}

// lasting tells whether an error is one that trying again does not change.
func lasting(err error) bool {
	k := fault.Of(err)
	return k == fault.Corrupt || k == fault.NotReady || k == fault.NotExist || k == fault.Invalid || k == fault.Unsupported
}

// backoff returns how long to wait after so many crashes.
func (q *Queue) backoff(crashes int) time.Duration {
	wait := q.Timing.Backoff << (2 * (crashes - 1))
	return wait + rand.N(wait/4+1) // so that jobs that crashed together do not come back so
}
