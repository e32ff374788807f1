// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/endplate/endplate/analysis/dicom/deidentify"
	"github.com/endplate/endplate/api/internal/fault"
)

// ReadKey reads the secret of de-identification from a file, and makes both where
// there is none.
func ReadKey(path string) (key []byte, made bool, err error) {
	if b, err := os.ReadFile(path); err == nil {
		return bytes.TrimSpace(b), false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	key = hex.AppendEncode(nil, NewKey())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, false, err
	}
	_, err = f.Write(append(key, '\n'))
	return key, true, errors.Join(err, f.Sync(), f.Close())
}

// NewKey returns a secret that nobody has had before.
func NewKey() []byte {
	const size = 32 // bytes
	key := make([]byte, size)
	_, _ = rand.Read(key) // never fails
	return key
}

// deidentifier returns what takes identities out of instances before they are stored:
// the basic profile, with each patient's dates moved back by the same secret number of
// days, since examinations are compared by their order.
func (c Config) deidentifier() (func(dst io.Writer, src io.Reader) error, error) {
	path := c.Storage.DeidentifyKeyFile
	if path == "" {
		path = filepath.Join(c.Storage.Folder, "deidentify.key")
	}
	key, _, err := ReadKey(path)
	if err != nil {
		return nil, fmt.Errorf("key of de-identification: %w", err)
	}
	profile, err := deidentify.New(key, deidentify.Options{Dates: deidentify.ShiftDates, PatientCharacteristics: true})
	if err != nil {
		return nil, fmt.Errorf("key of de-identification: %w", err)
	}
	return func(dst io.Writer, src io.Reader) error {
		_, err := profile.Instance(dst, src)
		if refused, ok := errors.AsType[*deidentify.RefusedError](err); ok {
			return fault.New(fault.Unsupported, fault.NotDeidentifiable, "%v", refused)
		}
		return err
	}, nil
}
