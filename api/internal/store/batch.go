// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Batch is a group of blobs that one row announced, so that a crash before they are
// indexed leaves nothing behind for good. Its methods may be called at once.
type Batch struct {
	s      *Store
	id     string
	prefix string // of its keys
	next   atomic.Int64
	open   atomic.Int64 // blobs that are neither indexed nor discarded

	// How often its folder was made, and of which of these times the disk has the name;
	// -1: of none.
	made, named atomic.Int64
}

// NewBatch announces a batch.
func (s *Store) NewBatch(ctx context.Context) (*Batch, error) {
	id := newID()
	b := &Batch{s: s, id: id, prefix: prefixOf(id)}
	b.named.Store(-1)
	err := s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "INSERT INTO intents (batch, created_at) VALUES (?, ?)", id, tx.now.UnixMicro())
		return err
	})
	return b, err
}

func prefixOf(batch string) string { return batch[:2] + "/" + batch + "/" }

// Staged is a blob that is written and not yet indexed.
type Staged struct {
	Size   int64
	SHA256 [sha256.Size]byte

	key   string
	batch *Batch
	file  *os.File  // open until it is synced; nil for a bucket's
	once  sync.Once // settles the blob's count in the batch

	ended chan struct{} // closed when its sync has; nil where that was not begun
	err   error         // of the sync
}

// Stage writes what r delivers into a new blob, at most limit bytes. It is on the
// disk only after its sync. Errors of r come back as they are, below the error that
// Stage returns.
func (b *Batch) Stage(ctx context.Context, r io.Reader, limit int64) (*Staged, error) {
	return b.Create(ctx, limit, func(w io.Writer) error {
		buf := blocks.Get().(*[blockSize]byte)
		defer blocks.Put(buf)
		_, err := io.CopyBuffer(w, r, buf[:])
		return err
	})
}

// Create makes a new blob of what fill writes, at most limit bytes. It is on the disk
// only after its sync. The error of fill comes back as it is, below the error that Create
// returns, unless it is that of the blob.
func (b *Batch) Create(ctx context.Context, limit int64, fill func(w io.Writer) error) (*Staged, error) {
	if err := b.s.Room(0); err != nil {
		return nil, err
	}
	st := &Staged{batch: b, key: b.prefix + strconv.FormatInt(b.next.Add(1), 10)}
	b.open.Add(1)
	out := &measured{limit: limit, fill: fill}
	if err := st.write(ctx, out); err != nil {
		return nil, errors.Join(out.classify(ctx, err), st.Discard(context.WithoutCancel(ctx)))
	}
	st.Size = out.n
	return st, nil
}

// write writes and hashes the blob.
func (st *Staged) write(ctx context.Context, out *measured) (err error) {
	blobs, sum := st.batch.s.blobs, sha256.New()
	beside := hashBeside(sum)
	defer func() {
		beside.end()
		sum.Sum(st.SHA256[:0])
	}()
	if blobs.dir == "" {
		return blobs.write(ctx, st.key, func(w io.Writer) error { return out.to(io.MultiWriter(w, beside)) })
	}
	if st.file, err = blobs.create(st.key, &st.batch.made); err != nil {
		return err
	}
	return out.to(io.MultiWriter(beside, &eagerWriter{f: st.file}))
}

// blockSize is how much is copied or hashed at a time.
const blockSize = 128 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// hasher hashes on a goroutine of its own, which takes longer than to write: it is given
// copies, so that nobody waits for it before the end.
type hasher struct {
	given, free chan []byte
	ended       chan struct{}
	blocks      [2]*[blockSize]byte
}

func hashBeside(sum hash.Hash) *hasher {
	h := &hasher{ended: make(chan struct{})}
	h.given, h.free = make(chan []byte, len(h.blocks)), make(chan []byte, len(h.blocks))
	for i := range h.blocks {
		h.blocks[i] = blocks.Get().(*[blockSize]byte)
		h.free <- h.blocks[i][:]
	}
	go func() {
		defer close(h.ended)
		for p := range h.given {
			sum.Write(p)
			h.free <- p[:blockSize]
		}
	}()
	return h
}

func (h *hasher) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		block := <-h.free
		n := copy(block, rest)
		h.given <- block[:n]
		rest = rest[n:]
	}
	return len(p), nil
}

// end waits until all is hashed.
func (h *hasher) end() {
	close(h.given)
	<-h.ended
	for _, b := range h.blocks {
		blocks.Put(b)
	}
}

// eagerWriter has the disk write what it is given while more comes, so that little is
// left for Sync.
type eagerWriter struct {
	f  *os.File
	at int64
}

func (w *eagerWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	beginWriting(w.f, w.at, int64(n))
	w.at += int64(n)
	return n, err
}

// measured counts what a blob is filled with, up to a limit, and tells the errors of the
// source from those of the blob storage.
type measured struct {
	fill     func(io.Writer) error
	w        io.Writer // the blob
	n, limit int64
	source   error // why fill ended
	beyond   bool  // the limit
	blob     error // why the blob took no more
}

// to fills w.
func (m *measured) to(w io.Writer) error {
	m.w = w
	m.source = m.fill(m)
	switch {
	case m.beyond:
		m.source = errTooLong(m.limit)
	case m.blob != nil:
		return m.blob
	}
	return m.source
}

func (m *measured) Write(p []byte) (int, error) {
	if m.beyond = m.beyond || m.n+int64(len(p)) > m.limit; m.beyond {
		return 0, errTooLong(m.limit)
	}
	n, err := m.w.Write(p)
	m.n += int64(n)
	if err != nil {
		m.blob = err
	}
	return n, err
}

// classify makes a fault of an error of the blob storage; one of the source stays.
func (m *measured) classify(ctx context.Context, err error) error {
	if m.source != nil && m.blob == nil {
		return &sourceError{m.source}
	}
	return classifyBlob(ctx, err)
}

// Open opens the blob for reading.
func (st *Staged) Open(ctx context.Context) (io.ReadSeekCloser, error) {
	f, err := st.batch.s.blobs.open(ctx, st.key)
	return f, classifyBlob(ctx, err)
}

// Discard removes a blob that is not to be indexed.
func (st *Staged) Discard(ctx context.Context) error {
	_ = st.closeFile() // what was written is thrown away
	if err := st.batch.s.blobs.delete(ctx, st.key); err != nil {
		return err // the announcement stays
	}
	st.settle()
	return nil
}

func (st *Staged) closeFile() error {
	if st.file == nil {
		return nil
	}
	f := st.file
	st.file = nil
	return f.Close()
}

func (st *Staged) settle() { st.once.Do(func() { st.batch.open.Add(-1) }) }

// syncers is how many files are synced at a time: the journal of a file system
// takes those that wait together.
const syncers = 8

// BeginSync begins to have blobs on the disk. What indexes them may be written
// meanwhile: it is committed when they are there.
func (s *Store) BeginSync(ctx context.Context, staged []*Staged) {
	ended := make(chan struct{})
	for _, st := range staged {
		st.ended = ended
	}
	go func() {
		defer close(ended)
		for i, err := range s.sync(ctx, staged) {
			staged[i].err = err
		}
	}()
}

// Synced waits for the end of the sync, and returns why the blob is not on the disk.
func (st *Staged) Synced() error {
	if st.ended == nil {
		return fmt.Errorf("the sync of blob %s was not begun", st.key)
	}
	<-st.ended
	return st.err
}

// Sync has blobs on the disk. It returns an error for each, nil where it is there.
func (s *Store) Sync(ctx context.Context, staged []*Staged) []error {
	s.BeginSync(ctx, staged)
	errs := make([]error, len(staged))
	for i, st := range staged {
		errs[i] = st.Synced()
	}
	return errs
}

// sync syncs files and the names of them, which the journal of a file system takes
// together.
func (s *Store) sync(ctx context.Context, staged []*Staged) []error {
	files, names := make([]error, len(staged)), make([]error, len(staged))
	var g errgroup.Group
	g.SetLimit(syncers)
	g.Go(func() error {
		s.syncFolders(ctx, staged, names)
		return nil
	})
	for i, st := range staged {
		if st.file != nil {
			g.Go(func() error {
				files[i] = classifyBlob(ctx, errors.Join(st.file.Sync(), st.closeFile()))
				return nil
			})
		}
	}
	_ = g.Wait() // each has its own error
	for i := range files {
		files[i] = cmp.Or(files[i], names[i])
	}
	return files
}

// syncFolders has the names of the blobs on the disk, and those of the folders above
// them: who made a folder may have died before it was synced.
func (s *Store) syncFolders(ctx context.Context, staged []*Staged, errs []error) {
	if s.blobs.dir == "" {
		return
	}
	done := map[string]error{}
	once := func(dir string) error {
		err, ok := done[dir]
		if !ok {
			err = classifyBlob(ctx, syncFolder(dir))
			done[dir] = err
		}
		return err
	}
	for i, st := range staged {
		folder, made := filepath.Dir(s.blobs.path(st.key)), st.batch.made.Load()
		errs[i] = once(folder)
		if errs[i] != nil || made == st.batch.named.Load() {
			continue
		}
		if errs[i] = cmp.Or(once(filepath.Dir(folder)), once(s.blobs.dir)); errs[i] == nil {
			st.batch.named.Store(made)
		}
	}
}

// Close takes the announcement back if every blob of the batch is indexed or
// discarded, and leaves it to the sweeper otherwise. Nothing may be staged
// afterwards.
func (b *Batch) Close(ctx context.Context) error {
	if b.open.Load() != 0 {
		return nil
	}
	return b.s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "DELETE FROM intents WHERE batch = ? AND swept_at IS NULL", b.id)
		return err
	})
}
