// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"
)

// kept keeps what was read lately, up to a number of bytes: a reader who scrolls asks
// for twenty pictures a second of one volume. Several callers who ask for the same wait
// for one reading. What is kept nobody may change, and it must never become another
// under the same key.
type kept[K comparable, V any] struct {
	limit int64 // bytes
	size  func(V) int64
	read  func(ctx context.Context, key K) (V, error)

	reading singleflight.Group
	mu      sync.Mutex
	used    int64
	byKey   map[K]*list.Element
	recent  list.List // of entries, the one used last in front
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newKept[K comparable, V any](limit int64, size func(V) int64, read func(context.Context, K) (V, error)) *kept[K, V] {
	return &kept[K, V]{limit: limit, size: size, read: read, byKey: make(map[K]*list.Element)}
}

// get returns what a key stands for.
func (k *kept[K, V]) get(ctx context.Context, key K) (V, error) {
	if v, ok := k.here(key); ok {
		return v, nil
	}
	// The reading goes on when the first who asked has gone: the others wait for it.
	result := k.reading.DoChan(fmt.Sprint(key), func() (any, error) {
		v, err := k.read(context.WithoutCancel(ctx), key)
		if err != nil {
			return nil, err
		}
		k.keep(key, v)
		return v, nil
	})
	var none V
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(V), nil
	}
}

func (k *kept[K, V]) here(key K) (v V, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byKey[key]
	if e == nil {
		return v, false
	}
	k.recent.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

// keep keeps a value, and gives up those used longest ago beyond the limit. One that is
// larger than the limit by itself is not kept.
func (k *kept[K, V]) keep(key K, v V) {
	size := k.size(v)
	k.mu.Lock()
	defer k.mu.Unlock()
	if size > k.limit || k.byKey[key] != nil {
		return
	}
	k.byKey[key] = k.recent.PushFront(entry[K, V]{key, v})
	for k.used += size; k.used > k.limit; {
		gone := k.recent.Remove(k.recent.Back()).(entry[K, V])
		delete(k.byKey, gone.key)
		k.used -= k.size(gone.value)
	}
}
