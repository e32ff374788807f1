// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob" // registers "mem"
	_ "gocloud.dev/blob/s3blob"  // registers "s3"
	"gocloud.dev/gcerrors"

	"github.com/endplate/endplate/api/internal/fault"
)

// blobs holds bytes under keys "xx/BATCH/NUMBER", where xx is how BATCH begins.
//
// Files are written here and not through the bucket, which has no fsync. They are
// written in place: a key is new, and nobody reads it before it is indexed.
type blobs struct {
	bucket *blob.Bucket
	dir    string // of files; empty for other buckets
}

func openBlobs(ctx context.Context, address string) (*blobs, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return nil, fault.New(fault.Invalid, fault.InvalidField, "the URL of the blobs cannot be read")
	}
	if u.Scheme != "file" {
		bucket, err := blob.OpenBucket(ctx, address)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, fault.InvalidField, "the bucket of the blobs cannot be opened")
		}
		return &blobs{bucket: bucket}, nil
	}
	dir := filepath.FromSlash(u.Path)
	if runtime.GOOS == "windows" {
		dir = strings.TrimPrefix(dir, `\`) // before the letter of a drive
	}
	if err := makeFolder(dir); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the folder of the blobs cannot be made")
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the folder of the blobs cannot be opened")
	}
	return &blobs{bucket: bucket, dir: dir}, nil
}

func (b *blobs) close() error { return b.bucket.Close() }

// path returns the file of a key.
func (b *blobs) path(key string) string { return filepath.Join(b.dir, filepath.FromSlash(key)) }

func (b *blobs) ping(ctx context.Context) error {
	ok, err := b.bucket.IsAccessible(ctx)
	if err != nil {
		return classifyBlob(ctx, err)
	}
	if !ok {
		return fault.New(fault.Unavailable, fault.StorageUnavailable, "the blob storage does not answer")
	}
	return nil
}

// create opens a new file for a key. Before it makes the folder of the file it counts
// that in made: the folder may have been removed meanwhile, because its last blob was
// deleted.
func (b *blobs) create(key string, made *atomic.Int64) (*os.File, error) {
	const flags = os.O_CREATE | os.O_EXCL | os.O_RDWR
	path := b.path(key)
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	made.Add(1)
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return os.OpenFile(path, flags, 0o600)
}

// write makes an object of the bucket of what fill writes. It is durable when write returns.
func (b *blobs) write(ctx context.Context, key string, fill func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before Close, it discards what was written
	w, err := b.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: "application/dicom"})
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		cancel()
		return errors.Join(err, ignoreCanceled(w.Close()))
	}
	return w.Close()
}

// ignoreCanceled drops an error that says no more than that we cancelled.
func ignoreCanceled(err error) error {
	if gcerrors.Code(err) == gcerrors.Canceled || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// open opens a blob for reading.
func (b *blobs) open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	if b.dir != "" {
		return os.Open(b.path(key))
	}
	return b.bucket.NewReader(ctx, key, nil)
}

// delete removes a blob; that it is not there is no error.
func (b *blobs) delete(ctx context.Context, key string) error {
	if b.dir == "" {
		if err := b.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return classifyBlob(ctx, err)
		}
		return nil
	}
	path := b.path(key)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return classifyBlob(ctx, err)
	}
	os.Remove(filepath.Dir(path)) // refused unless it is empty
	return nil
}

// list calls visit for each blob whose key begins with prefix.
func (b *blobs) list(ctx context.Context, prefix string, visit func(key string, size int64) error) error {
	it := b.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return classifyBlob(ctx, err)
		}
		if err := visit(object.Key, object.Size); err != nil {
			return err
		}
	}
}

// classifyBlob makes a fault of an error of the blob storage.
func classifyBlob(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	code := gcerrors.Code(err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG), code == gcerrors.ResourceExhausted:
		return fault.Wrap(err, fault.Exhausted, fault.StorageFull, "no room left for instances")
	case errors.Is(err, os.ErrNotExist), code == gcerrors.NotFound:
		return fault.Wrap(err, fault.Corrupt, fault.StoredDataCorrupt, "the bytes of an instance are missing")
	}
	return fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the blob storage does not answer")
}

// Room returns [fault.Exhausted] if n more bytes would leave less free than is to be
// left free.
func (s *Store) Room(n int64) error {
	for _, dir := range []string{s.blobs.dir, s.dbDir} {
		if dir == "" || s.minFree == 0 {
			continue
		}
		free, err := freeBytes(dir)
		if err != nil {
			return fault.Wrap(err, fault.Unavailable, fault.StorageUnavailable, "the disk does not answer")
		}
		if free-n < s.minFree {
			return fault.New(fault.Exhausted, fault.StorageFull, "less than %d bytes would be left free", s.minFree)
		}
	}
	return nil
}

// errTooLong tells of a source longer than it may be.
func errTooLong(limit int64) error {
	return fault.New(fault.Exhausted, fault.LimitExceeded, "an instance of more than %d bytes", limit)
}

// sourceError tells an error of what is read from one of what is written to.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return fmt.Sprintf("source: %v", e.err) }
func (e *sourceError) Unwrap() error { return e.err }

// top calls visit for what the keys begin with, up to the first "/".
func (b *blobs) top(ctx context.Context, visit func(name string)) error {
	it := b.bucket.List(&blob.ListOptions{Delimiter: "/"})
	for {
		object, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return classifyBlob(ctx, err)
		}
		visit(object.Key)
	}
}
