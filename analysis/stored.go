// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/endplate/endplate/analysis/record"
)

// Format is the number of the stored form that EncodeResult writes. It grows where
// results stored before could no longer be read for what they say; that a Result
// gains or loses a field is not such a change.
const Format = 1

// storedMagic begins every stored result, before one byte of its format.
const storedMagic = "endplate result "

// What a stored result may take, bytes. A real one of 24 vertebrae takes less than
// 3 MiB, and cement adds its masks.
const (
	mostRecord = 64 << 20
	mostResult = 128 << 20
)

// Errors of DecodeResult.
var (
	// ErrNotStored is returned for what is no stored result, or a damaged one.
	ErrNotStored = errors.New("no stored result, or damaged")
	// ErrFormat is returned for a stored result of another format.
	ErrFormat = errors.New("stored result of an unknown format")
)

// EncodeResult writes everything that a result holds. DecodeResult gives an equal
// one back, to the last bit of every number.
func EncodeResult(w io.Writer, r *Result) error {
	plain, err := record.Append(nil, r)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, storedMagic+string(rune(Format))); err != nil {
		return err
	}
	// Most of it is the last bits of numbers, which no effort compresses.
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(plain); err != nil {
		return err
	}
	return z.Close()
}

// DecodeResult reads what EncodeResult wrote. It returns an error that wraps
// ErrFormat for another format, and one that wraps ErrNotStored for bytes that are
// no stored result, that are damaged (the form holds a checksum), or whose parts
// contradict each other; and r's errors. It takes no more memory than some 200 MiB,
// whatever the bytes say.
func DecodeResult(r io.Reader) (*Result, error) {
	head := make([]byte, len(storedMagic)+1)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, notStored(err)
	}
	if !bytes.HasPrefix(head, []byte(storedMagic)) {
		return nil, ErrNotStored
	}
	if format := head[len(storedMagic)]; format != Format {
		return nil, fmt.Errorf("%w: %d, where this program reads %d", ErrFormat, format, Format)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, notStored(err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, mostRecord+1))
	if err != nil {
		return nil, notStored(err)
	}
	if len(plain) > mostRecord {
		return nil, fmt.Errorf("%w: more than %d MiB", ErrNotStored, mostRecord>>20)
	}
	out := &Result{}
	if err := record.Read(plain, out, mostResult); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	if err := out.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	return out, nil
}

// notStored tells errors of the bytes from errors of reading them.
func notStored(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	return err
}
