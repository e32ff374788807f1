// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"

	"github.com/endplate/endplate/analysis/dicom/internal/element"
)

// Source is something that may hold a DICOM instance, or a zip archive of them.
type Source struct {
	// Name is how messages call the source: a path, as a rule.
	Name string

	// Size is the number of bytes that Open delivers.
	Size int64

	// Open opens the source for reading from the start. It may be called several
	// times, and by several goroutines. Zip archives are read only if what it
	// returns is an io.ReaderAt too, as files are.
	Open func() (io.ReadCloser, error)

	// Named says that the user named this very source, so that it is reported
	// if it is not DICOM.
	Named bool
}

// Files yields the regular files under root in fsys, in lexical order of their
// names. An error tells of a folder or a file that could not be looked at, and does
// not end the sequence.
func Files(fsys fs.FS, root string) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				if !yield(Source{Name: name}, err) {
					return fs.SkipAll
				}
				return nil
			}
			if d.IsDir() {
				return nil
			}
			info, err := fs.Stat(fsys, name) // follows links
			switch {
			case err != nil:
				if !yield(Source{Name: name}, err) {
					return fs.SkipAll
				}
			case info.Mode().IsRegular():
				if !yield(fileSource(fsys, name, info.Size()), nil) {
					return fs.SkipAll
				}
			}
			return nil
		})
		if err != nil {
			yield(Source{Name: root}, err)
		}
	}
}

func fileSource(fsys fs.FS, name string, size int64) Source {
	return Source{
		Name: name,
		Size: size,
		Open: func() (io.ReadCloser, error) { return fsys.Open(name) },
	}
}

// isZip reports whether b begins as a zip archive does.
func isZip(b []byte) bool {
	return len(b) >= 4 && (string(b[:4]) == "PK\x03\x04" || string(b[:4]) == "PK\x05\x06")
}

// Unpack returns the members of a source that is a zip archive, which can be opened
// until archive is closed. Of any other source it returns the source alone.
func Unpack(src Source) (files []Source, archive io.Closer, err error) {
	rc, err := src.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	at, random := rc.(io.ReaderAt)
	head := make([]byte, 4)
	if _, err := io.ReadFull(rc, head); err != nil || !random || !isZip(head) {
		return []Source{src}, io.NopCloser(nil), rc.Close()
	}
	if files, err = members(src.Name, at, src.Size); err != nil {
		return nil, nil, errors.Join(err, rc.Close())
	}
	return files, rc, nil
}

// errNestedArchive is returned for an archive in an archive, which is not opened.
var errNestedArchive = errors.New("archive within an archive")

// members returns the files of a zip archive. They can be opened until r is
// closed. An archive that claims to unpack to many times its size is refused.
func members(name string, r io.ReaderAt, size int64) ([]Source, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	limit := uint64(element.InflationLimit(size))
	var total uint64
	sources := make([]Source, 0, len(archive.File))
	for _, f := range archive.File {
		if !f.Mode().IsRegular() {
			continue
		}
		total += min(f.UncompressedSize64, limit+1)
		if total > limit {
			return nil, fmt.Errorf("%w: archive unpacks to more than %d bytes", ErrTooLarge, limit)
		}
		sources = append(sources, Source{
			Name: path.Join(name, f.Name),
			Size: int64(f.UncompressedSize64),
			Open: func() (io.ReadCloser, error) { return openMember(f) },
		})
	}
	return sources, nil
}

func openMember(f *zip.File) (io.ReadCloser, error) {
	const encrypted = 1 // APPNOTE.TXT 4.4.4, bit 0
	if f.Flags&encrypted != 0 {
		return nil, errors.New("encrypted archive member")
	}
	return f.Open()
}
