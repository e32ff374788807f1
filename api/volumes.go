// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"container/list"
	"context"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/endplate/endplate/analysis/volume"
)

// volumes keeps the volumes that pictures were drawn of lately, up to a number of
// bytes: a reader who scrolls asks for twenty pictures a second of one volume.
// Several callers who ask for the same one wait for one reading.
type volumes struct {
	limit int64 // bytes
	read  func(ctx context.Context, key volumeKey) (*volume.Volume, error)

	reading singleflight.Group
	mu      sync.Mutex
	used    int64
	byKey   map[volumeKey]*list.Element
	recent  list.List // of keptVolume, the one used last in front
}

// volumeKey names a volume: the stack that one analysis of a report measured.
type volumeKey struct {
	analysisID string
	index      int
}

func (k volumeKey) String() string { return k.analysisID + "/" + strconv.Itoa(k.index) }

type keptVolume struct {
	key volumeKey
	vol *volume.Volume
}

func newVolumes(limit int64, read func(context.Context, volumeKey) (*volume.Volume, error)) *volumes {
	return &volumes{limit: limit, read: read, byKey: make(map[volumeKey]*list.Element)}
}

// get returns a volume, which nobody may change.
func (v *volumes) get(ctx context.Context, key volumeKey) (*volume.Volume, error) {
	if vol := v.kept(key); vol != nil {
		return vol, nil
	}
	// The reading goes on when the first who asked has gone: the others wait for it.
	result := v.reading.DoChan(key.String(), func() (any, error) {
		vol, err := v.read(context.WithoutCancel(ctx), key)
		if err != nil {
			return nil, err
		}
		v.keep(key, vol)
		return vol, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*volume.Volume), nil
	}
}

func (v *volumes) kept(key volumeKey) *volume.Volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.byKey[key]
	if e == nil {
		return nil
	}
	v.recent.MoveToFront(e)
	return e.Value.(keptVolume).vol
}

// keep keeps a volume, and gives up those used longest ago beyond the limit. One
// that is larger than the limit by itself is not kept.
func (v *volumes) keep(key volumeKey, vol *volume.Volume) {
	size := sizeOf(vol)
	if size > v.limit {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.byKey[key] != nil {
		return
	}
	v.byKey[key] = v.recent.PushFront(keptVolume{key, vol})
	for v.used += size; v.used > v.limit; {
		oldest := v.recent.Back()
		gone := v.recent.Remove(oldest).(keptVolume)
		delete(v.byKey, gone.key)
		v.used -= sizeOf(gone.vol)
	}
}

// forget gives up the volumes of an analysis that is no longer there.
func (v *volumes) forget(analysisID string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, e := range v.byKey {
		if key.analysisID == analysisID {
			delete(v.byKey, key)
			v.used -= sizeOf(v.recent.Remove(e).(keptVolume).vol)
		}
	}
}

// sizeOf returns the bytes that a volume's samples take.
func sizeOf(vol *volume.Volume) int64 { return int64(len(vol.Samples)) * 2 }
