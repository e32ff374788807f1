// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Journal keeps instances that are acknowledged before they are stored. It is a file of
// slots that the disk has from the beginning, because to sync what is written over takes
// a fraction of the time that it takes to sync a new file and its name.
//
// A slot begins with a head: magic, the number of the entry, its size and CRC-32C, and
// the CRC-32C of these. The head is written last, and one that is whole over data that
// are whole is an entry that may have been acknowledged; a slot of anything else is free.
type Journal struct {
	f      *os.File
	growth sync.WaitGroup
	stop   chan struct{}

	mu     sync.Mutex
	free   []int64 // slots
	slots  int     // all that there are
	number uint64  // of the last entry
	broken bool    // the disk failed to sync: what it has is not known
}

const (
	journalMagic = "endplate"
	headSize     = 4096 // a block of the disk, so that nothing else is written with it
	slotSize     = 1 << 20

	// EntrySize is the most that an entry can hold, bytes.
	EntrySize = slotSize - headSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenJournal opens the journal of a store, or makes it, so that it gets so many bytes; it
// grows beside. With 0, and with a database that other processes may use, there is none,
// but for one that has something. It returns the entries that an earlier process has left,
// from the first on.
func (s *Store) OpenJournal(size int64) (*Journal, []*Entry, error) {
	if s.dialect != SQLite {
		return nil, nil, nil
	}
	path := filepath.Join(s.dbDir, journalName)
	if _, err := os.Stat(path); size < slotSize && errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	j, left, err := openJournal(path)
	if err != nil {
		return nil, nil, classifyBlob(context.Background(), err)
	}
	if size < slotSize && len(left) == 0 {
		return nil, nil, errors.Join(j.Close(), os.Remove(path))
	}
	j.growth.Go(func() { j.grow(int(size/slotSize), s.Room) })
	return j, left, nil
}

// journalName is the file of the journal, beside the database.
const journalName = "endplate.received"

func openJournal(path string) (j *Journal, left []*Entry, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	j = &Journal{f: f, stop: make(chan struct{})}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	j.slots = int(info.Size() / slotSize)
	for slot := range int64(j.slots) {
		e, err := j.read(slot)
		if err != nil {
			return nil, nil, err
		}
		if e == nil {
			j.free = append(j.free, slot)
			continue
		}
		left = append(left, e)
		j.number = max(j.number, e.number)
	}
	slices.SortFunc(left, func(a, b *Entry) int { return cmp.Compare(a.number, b.number) })
	return j, left, syncFolder(filepath.Dir(path))
}

// growBy is how many slots are made at a time.
const growBy = 16

// grow makes slots until there are so many. It ends where the disk takes no more: the
// journal is then smaller.
func (j *Journal) grow(slots int, room func(int64) error) {
	nothing := make([]byte, slotSize)
	for j.slots < slots {
		if room(growBy*slotSize) != nil {
			return
		}
		first := int64(j.slots)
		for slot := first; slot < min(first+growBy, int64(slots)); slot++ {
			select {
			case <-j.stop:
				return
			default:
			}
			if _, err := j.f.WriteAt(nothing, slot*slotSize); err != nil {
				return
			}
		}
		if j.f.Sync() != nil {
			return
		}
		j.mu.Lock()
		for len := min(growBy, slots-int(first)); len > 0; len-- {
			j.free = append(j.free, int64(j.slots))
			j.slots++
		}
		j.mu.Unlock()
	}
}

// Grown waits until the journal has the size that was asked for.
func (j *Journal) Grown() { j.growth.Wait() }

// Close closes the journal. What is in it, the next to open it is told.
func (j *Journal) Close() error {
	close(j.stop)
	j.growth.Wait()
	return j.f.Close()
}

// Crowded tells that most of the journal is in use.
func (j *Journal) Crowded() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return 4*len(j.free) <= j.slots
}

// Begin begins an entry; nil where there is no room for one.
func (j *Journal) Begin() *Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.free) == 0 || j.broken {
		return nil
	}
	last := len(j.free) - 1
	e := &Entry{j: j, slot: j.free[last]}
	j.free = j.free[:last]
	return e
}

// Forget gives the slots of entries back. No crash brings the entries back when it has
// returned.
func (j *Journal) Forget(entries ...*Entry) error {
	var err error
	committed := false
	for _, e := range entries {
		if e.number > 0 {
			committed = true
			_, wrong := j.f.WriteAt(make([]byte, headLength), e.at(0))
			err = cmp.Or(err, wrong)
		}
	}
	if committed {
		err = cmp.Or(err, syncData(j.f))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.broken = true
		return classifyBlob(context.Background(), err)
	}
	for _, e := range entries {
		j.free = append(j.free, e.slot)
	}
	return nil
}

// Entry is an instance in the journal.
type Entry struct {
	j      *Journal
	slot   int64
	number uint64 // 0 until it is committed
	size   int64
	crc    uint32
	beyond []byte // what had no room
}

// at returns where in the file a place of the slot is.
func (e *Entry) at(offset int64) int64 { return e.slot*slotSize + offset }

var errBeyond = errors.New("an entry of the journal cannot hold so much")

// Write adds to the entry, and has the disk begin with it.
func (e *Entry) Write(p []byte) (int, error) {
	if e.size+int64(len(p)) > EntrySize {
		e.beyond = slices.Clone(p)
		return 0, errBeyond
	}
	at := e.at(headSize + e.size)
	n, err := e.j.f.WriteAt(p, at)
	e.crc = crc32.Update(e.crc, castagnoli, p[:n])
	e.size += int64(n)
	if err != nil {
		return n, classifyBlob(context.Background(), err)
	}
	beginWriting(e.j.f, at, int64(n))
	return n, nil
}

// Full tells that not all had room that was to be written.
func (e *Entry) Full() bool { return e.beyond != nil }

// Size is how much the entry holds, bytes.
func (e *Entry) Size() int64 { return e.size }

// Written reads all that was to be written, also what had no room.
func (e *Entry) Written() io.Reader {
	return io.MultiReader(io.NewSectionReader(e.j.f, e.at(headSize), e.size), &once{rest: e.beyond})
}

// once reads bytes.
type once struct{ rest []byte }

func (o *once) Read(p []byte) (int, error) {
	if len(o.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// Commit has the entry on the disk.
func (e *Entry) Commit() error {
	j := e.j
	j.mu.Lock()
	j.number++
	e.number = j.number
	j.mu.Unlock()
	_, err := j.f.WriteAt(e.head(), e.at(0))
	if err = cmp.Or(err, syncData(j.f)); err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.broken = true
		return classifyBlob(context.Background(), err)
	}
	return nil
}

// headLength is how much of a head is not empty.
const headLength = len(journalMagic) + 8 + 8 + 4 + 4

func (e *Entry) head() []byte {
	b := append(make([]byte, 0, headLength), journalMagic...)
	b = binary.LittleEndian.AppendUint64(b, e.number)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
	b = binary.LittleEndian.AppendUint32(b, e.crc)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// read returns the entry of a slot; nil if it is free.
func (j *Journal) read(slot int64) (*Entry, error) {
	head := make([]byte, headLength)
	if _, err := j.f.ReadAt(head, slot*slotSize); err != nil {
		return nil, err
	}
	body, sum := head[:headLength-4], head[headLength-4:]
	if string(head[:len(journalMagic)]) != journalMagic || binary.LittleEndian.Uint32(sum) != crc32.Checksum(body, castagnoli) {
		return nil, nil //nolint:nilnil // free
	}
	numbers := body[len(journalMagic):]
	e := &Entry{
		j: j, slot: slot, number: binary.LittleEndian.Uint64(numbers),
		size: int64(binary.LittleEndian.Uint64(numbers[8:])), crc: binary.LittleEndian.Uint32(numbers[16:]),
	}
	if e.size < 0 || e.size > EntrySize {
		return nil, nil //nolint:nilnil // free
	}
	found := crc32.New(castagnoli)
	if _, err := io.Copy(found, e.Written()); err != nil {
		return nil, err
	}
	if found.Sum32() != e.crc {
		return nil, nil //nolint:nilnil // nobody was told that it is here
	}
	return e, nil
}

// Expects tells whether an instance would be a new one of a series that is there, as part
// of the study.
func (s *Store) Expects(ctx context.Context, study, series, instance string) (bool, error) {
	owners, err := collect(ctx, s.reader, text, `SELECT study_instance_uid FROM series WHERE series_instance_uid = ?
		AND NOT EXISTS (SELECT 1 FROM instances WHERE sop_instance_uid = ?)`, series, instance)
	return len(owners) == 1 && owners[0] == study, err
}
