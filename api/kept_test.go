// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

func TestKeptGivesUpWhatWasUsedLongestAgo(t *testing.T) {
	reads := map[int]int{}
	k := newKept(10, func(v int) int64 { return int64(v) }, func(_ context.Context, key int) (int, error) {
		reads[key]++
		return key, nil
	})
	// 4 and 5 fit; 4 is used again, so that 3 drives 5 out; 11 is too large to be kept.
	for _, key := range []int{4, 5, 4, 3, 4, 5, 11, 11} {
		if v, err := k.get(t.Context(), key); v != key || err != nil {
			t.Fatalf("get(%d) = %d, %v", key, v, err)
		}
	}
	for key, want := range map[int]int{4: 1, 5: 2, 3: 1, 11: 2} {
		if reads[key] != want {
			t.Errorf("%d was read %d times, want %d", key, reads[key], want)
		}
	}
	if k.used > k.limit || k.used != 9 { // 4 and 5
		t.Errorf("%d bytes are kept", k.used)
	}
}

func TestKeptReadsOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		reads := 0
		k := newKept(10, func(int) int64 { return 1 }, func(context.Context, string) (int, error) {
			reads++
			<-release
			return 7, nil
		})
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := k.get(gone, "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left got %v", err)
			}
		})
		synctest.Wait()
		for range 3 {
			all.Go(func() {
				if v, err := k.get(t.Context(), "x"); v != 7 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		close(release)
		all.Wait()
		if reads != 1 {
			t.Errorf("read %d times", reads)
		}
	})
}
