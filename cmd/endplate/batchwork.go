// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"compress/gzip"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/report"
)

// workFolder is where a batch keeps what it has finished, in its output folder.
const workFolder = ".work"

// Endings of the names in it.
const (
	recordEnding  = ".json.gz"
	startedEnding = ".started"
	partPrefix    = "part-" // not yet whole
)

// recordFormat is part of a record's name; it changes with what is in records.
const recordFormat = "3"

// work is the folder of finished studies. A record is there whole or not at all,
// whenever the process or the machine ends.
type work struct {
	dir       string
	lock      *os.File
	key       []byte // makes patients' identities useless outside this folder
	algorithm string
	finished  map[string]bool // by the name of the record
}

// errInUse is returned for an output folder that another run is writing to.
var errInUse = errors.New("another run is writing to this folder")

// openWork locks and reads the work folder of an output folder.
func openWork(out string) (*work, error) {
	w := &work{dir: filepath.Join(out, workFolder), finished: map[string]bool{}}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if w.lock, err = os.OpenFile(filepath.Join(w.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := lockFile(w.lock); err != nil {
		w.lock.Close()
		return nil, fmt.Errorf("--out %s: %w", out, err)
	}
	if err := w.read(); err != nil {
		w.lock.Close()
		return nil, err
	}
	return w, nil
}

func (w *work) close() { w.lock.Close() }

// read takes note of what is there and removes what never became whole.
func (w *work) read() (err error) {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, partPrefix) {
			if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
				return err
			}
		}
		if record, ok := strings.CutSuffix(name, recordEnding); ok {
			w.finished[record] = true
		}
	}
	if w.algorithm, err = algorithm(); err != nil {
		return err
	}
	keyPath := filepath.Join(w.dir, "key")
	w.key, err = os.ReadFile(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		w.key = make([]byte, sha256.Size)
		_, _ = rand.Read(w.key) // never fails
		err = w.put("key", w.key)
	}
	return err
}

// algorithm tells apart what may measure differently: the version, and for a build
// that has none of its own the program itself.
func algorithm() (string, error) {
	v := versionString()
	if !strings.Contains(v, "dev") && !strings.Contains(v, "dirty") && v != "unknown" {
		return v, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return v + " " + hex.EncodeToString(h.Sum(nil)), nil
}

// recordOf returns the name of a unit's record. A changed input, another version
// and other columns have another one.
func (w *work) recordOf(u *unit) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %s\n", recordFormat, w.algorithm, u.fingerprint())
	for _, c := range report.VertebraColumns() {
		fmt.Fprintln(h, c.Name)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// put writes a file so that it is there whole or not at all.
func (w *work) put(name string, b []byte) error {
	f, err := os.CreateTemp(w.dir, partPrefix)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return w.settle(f, filepath.Join(w.dir, name), err)
}

// settle makes a written part durable under its name; err is that of its writing.
func (w *work) settle(part *os.File, path string, err error) error {
	if err == nil {
		err = part.Sync()
	}
	err = errors.Join(err, part.Close())
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		_ = os.Remove(part.Name()) // the error at hand says more
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

// pathOf returns where a unit's record is.
func (w *work) pathOf(u *unit) string { return filepath.Join(w.dir, u.record+recordEnding) }

// finish keeps a measured study.
func (w *work) finish(u *unit, s *cohort.Study) error {
	w.hideIdentity(s)
	f, err := os.CreateTemp(w.dir, partPrefix)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(f)
	e := json.NewEncoder(z)
	err = errors.Join(e.Encode(s), e.Encode(s.Examinations), z.Close())
	if err := w.settle(f, w.pathOf(u), err); err != nil {
		return err
	}
	return w.forget(u)
}

// hideIdentity replaces hashes of patients' identities, which anyone could
// compute for a guessed one, by hashes with this folder's key.
func (w *work) hideIdentity(s *cohort.Study) {
	hide := func(text *string) {
		if *text != "" {
			h := hmac.New(sha256.New, w.key)
			_, _ = io.WriteString(h, *text) // a hash takes everything
			*text = hex.EncodeToString(h.Sum(nil)[:16])
		}
	}
	for i := range s.Series {
		id := &s.Series[i].About.Patient
		hide(&id.Patient)
		hide(&id.Issuer)
		hide(&id.Traits)
		s.Examinations[i].Patient = *id
	}
}

// study reads a finished study but for its examinations.
func (w *work) study(u *unit) (*cohort.Study, error) {
	s := &cohort.Study{}
	return s, w.readRecord(u, s)
}

// examination reads the examination of one series of a finished study.
func (w *work) examination(u *unit, series int) (*comparison.Examination, error) {
	s := &cohort.Study{}
	if err := w.readRecord(u, s, &s.Examinations); err != nil {
		return nil, err
	}
	return s.Examinations[series], nil
}

// readRecord reads the first parts of a record. One that cannot be read is removed,
// so that the next run measures the study again.
func (w *work) readRecord(u *unit, parts ...any) error {
	path := w.pathOf(u)
	if err := decodeRecord(path, parts); err != nil {
		return errors.Join(fmt.Errorf("the record of %s is damaged and was removed: start again: %w", u.Path, err), os.Remove(path))
	}
	return nil
}

func decodeRecord(path string, parts []any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	d := json.NewDecoder(z)
	for _, p := range parts {
		if err := d.Decode(p); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, z) // for the checksum
	return err
}

// start notes that a unit is being measured, and how often it was when the run
// ended before the unit did, alone.
func (w *work) start(u *unit, deaths int) error {
	return os.WriteFile(filepath.Join(w.dir, u.record+startedEnding), []byte(strconv.Itoa(deaths)), 0o600)
}

// forget removes that note.
func (w *work) forget(u *unit) error {
	err := os.Remove(filepath.Join(w.dir, u.record+startedEnding))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// started reports whether a run ended while it measured the unit, and how often it
// was alone then.
func (w *work) started(u *unit) (deaths int, ok bool) {
	b, err := os.ReadFile(filepath.Join(w.dir, u.record+startedEnding))
	if err != nil {
		return 0, false
	}
	deaths, _ = strconv.Atoi(string(b)) // one cut short counts as none
	return deaths, true
}
