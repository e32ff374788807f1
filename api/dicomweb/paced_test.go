// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// trickle delivers so many bytes a second, for a while.
type trickle struct {
	rate int
	left time.Duration
}

func (t *trickle) Read(p []byte) (int, error) {
	if t.left <= 0 {
		return 0, io.EOF
	}
	time.Sleep(time.Second)
	t.left -= time.Second
	return min(t.rate, len(p)), nil
}

// A body that trickles is refused after a minute, one that comes slowly is not, and time
// in which nobody reads is not the caller's.
func TestABodyThatTricklesIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		body trickle
		busy time.Duration // that the reader takes between two readings
		want error
		time time.Duration // until it ends, where the reader is not busy
	}{
		"a byte a second":           {trickle{1, time.Hour}, 0, errTooSlow, patience + time.Second},
		"a little less than it may": {trickle{slowest - 1, time.Hour}, 0, errTooSlow, patience + time.Second},
		"as much as it must":        {trickle{slowest, time.Hour}, 0, nil, time.Hour},
		"little, and over soon":     {trickle{1, patience}, 0, nil, patience},
		"a reader that is busy":     {trickle{slowest, time.Hour / 2}, time.Minute, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				r := &paced{r: &tt.body}
				var err error
				for b := make([]byte, 1<<16); err == nil; {
					_, err = r.Read(b)
					time.Sleep(tt.busy)
				}
				if err == io.EOF {
					err = nil
				}
				if !errors.Is(err, tt.want) || tt.busy == 0 && time.Since(start) != tt.time {
					t.Errorf("after %v: %v, want %v after %v", time.Since(start), err, tt.want, tt.time)
				}
			})
		})
	}
}
