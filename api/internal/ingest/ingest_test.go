// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/deidentify"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// open opens a door to an embedded store, and closes and checks it at the end.
func open(t testing.TB, config ingest.Config) (*ingest.Ingest, *store.Store) {
	t.Helper()
	if config.Store == nil {
		config.Store = storetest.Open(t, storetest.Embedded(t))
	}
	g := ingest.New(t.Context(), config)
	t.Cleanup(func() { g.Close() })
	return g, config.Store
}

// stored returns the bytes of an instance.
func stored(t testing.TB, s *store.Store, sopUID string) []byte {
	t.Helper()
	i, err := s.Instance(t.Context(), sopUID)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.CopyInstance(t.Context(), &b, i); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnInstanceIsStoredAsItCame(t *testing.T) {
	var touched []store.Series
	g, s := open(t, ingest.Config{Touched: func(_ context.Context, _ *store.Tx, series []store.Series) error {
		touched = append(touched, series...)
		return nil
	}})
	b := ctInstance(nil)
	sum := sha256.Sum256(b)
	u := ingest.Upload{Name: "a name", Source: "test", SizeBytes: new(int64(len(b))), SHA256: sum[:]}
	o := g.Add(t.Context(), u, iotest.OneByteReader(bytes.NewReader(b)))
	if o.Err != nil || o.State != ingest.Stored || o.Name != "a name" || o.SHA256 != sum || o.SOPInstanceUID != "1.2.3.4.5" ||
		o.SeriesInstanceUID != "1.2.3.4" || o.StudyInstanceUID != "1.2.3" || o.SizeBytes != int64(len(b)) {
		t.Fatalf("outcome %+v", o)
	}
	if !bytes.Equal(stored(t, s, o.SOPInstanceUID), b) {
		t.Error("other bytes are stored")
	}
	if o := g.Add(t.Context(), u, bytes.NewReader(b)); o.State != ingest.AlreadyStored || o.Err != nil {
		t.Errorf("second outcome %+v", o)
	}
	if len(touched) != 1 || touched[0].SeriesInstanceUID != "1.2.3.4" || touched[0].InstanceCount != 1 {
		t.Errorf("touched %+v", touched)
	}
	other := g.Add(t.Context(), ingest.Upload{}, bytes.NewReader(ctInstance(map[string]string{"PatientName": "Else^Somebody"})))
	if fault.Of(other.Err) != fault.Exist || other.State != ingest.Refused {
		t.Errorf("other bytes: %+v", other)
	}
	study, err := s.Study(t.Context(), "1.2.3")
	if err != nil || study.Patient.PatientName != "Doe^Jane" || study.InstanceCount != 1 || study.StudyDateTime != "20240229101112" {
		t.Errorf("study %+v, %v", study, err)
	}
	storetest.Whole(t, s)
}

func TestWhatIsRefused(t *testing.T) {
	whole := ctInstance(nil)
	gone := errors.New("caller gone")
	for _, tt := range []struct {
		name   string
		body   io.Reader
		upload ingest.Upload
		kind   fault.Kind
		reason fault.Reason
	}{
		{"nothing", strings.NewReader(""), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"no DICOM", strings.NewReader(strings.Repeat("SECRET", 1000)), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"cut off in the header", bytes.NewReader(whole[:300]), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"cut off in the pixels", bytes.NewReader(whole[:len(whole)-1]), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"cut off before the pixels", bytes.NewReader(whole[:len(whole)-112]), ingest.Upload{}, fault.Invalid, fault.MissingAttribute},
		{"no SOPInstanceUID", bytes.NewReader(ctInstance(map[string]string{"SOPInstanceUID": ""})), ingest.Upload{}, fault.Invalid, fault.MissingAttribute},
		{"no SeriesInstanceUID", bytes.NewReader(ctInstance(map[string]string{"SeriesInstanceUID": ""})), ingest.Upload{}, fault.Invalid, fault.MissingAttribute},
		{"a UID that is none", bytes.NewReader(ctInstance(map[string]string{"StudyInstanceUID": "../../etc"})), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"a UID with an empty part", bytes.NewReader(ctInstance(map[string]string{"StudyInstanceUID": "1..2"})), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"a long UID", bytes.NewReader(ctInstance(map[string]string{"StudyInstanceUID": strings.Repeat("1.", 32) + "1"})), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"meta of another instance", bytes.NewReader(ctInstance(map[string]string{"MediaStorageSOPInstanceUID": "1.9"})), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"meta of another class", bytes.NewReader(ctInstance(map[string]string{"MediaStorageSOPClassUID": "1.9"})), ingest.Upload{}, fault.Invalid, fault.MalformedInstance},
		{"another SOP class", bytes.NewReader(ctInstance(map[string]string{"SOPClassUID": mr, "MediaStorageSOPClassUID": mr})), ingest.Upload{}, fault.Unsupported, fault.UnsupportedSOPClass},
		{"a directory", bytes.NewReader(ctInstance(map[string]string{"MediaStorageSOPClassUID": "1.2.840.10008.1.3.10"})), ingest.Upload{}, fault.Unsupported, fault.UnsupportedSOPClass},
		{"another transfer syntax", bytes.NewReader(ctInstance(map[string]string{"TransferSyntaxUID": "1.2.840.10008.1.2.4.100"})), ingest.Upload{}, fault.Unsupported, fault.UnsupportedTransferSyntax},
		{"another size", bytes.NewReader(whole), ingest.Upload{SizeBytes: new(int64(7))}, fault.Invalid, fault.ChecksumMismatch},
		{"another hash", bytes.NewReader(whole), ingest.Upload{SHA256: make([]byte, 32)}, fault.Invalid, fault.ChecksumMismatch},
		{"a short hash", bytes.NewReader(whole), ingest.Upload{SHA256: make([]byte, 31)}, fault.Invalid, fault.InvalidField},
		{"a size below nothing", bytes.NewReader(whole), ingest.Upload{SizeBytes: new(int64(-1))}, fault.Invalid, fault.InvalidField},
		{"announced too long", bytes.NewReader(whole), ingest.Upload{SizeBytes: new(int64(1 << 20))}, fault.Exhausted, fault.LimitExceeded},
		{"too long", io.MultiReader(bytes.NewReader(whole), strings.NewReader(strings.Repeat("x", 1<<16))), ingest.Upload{}, fault.Exhausted, fault.LimitExceeded},
		{"a reader that fails", io.MultiReader(bytes.NewReader(whole[:500]), iotest.ErrReader(gone)), ingest.Upload{}, fault.Internal, ""},
	} {
		for _, transform := range []func(io.Writer, io.Reader) error{nil, copied} {
			t.Run(tt.name, func(t *testing.T) {
				seeker, rewinds := tt.body.(io.Seeker)
				if transform != nil && !rewinds {
					t.Skip("read before")
				}
				if rewinds {
					seeker.Seek(0, io.SeekStart)
				}
				g, s := open(t, ingest.Config{MaxInstance: 1 << 16, Transform: transform})
				o := g.Add(t.Context(), tt.upload, tt.body)
				if o.State != ingest.Refused || o.Err == nil || fault.Of(o.Err) != tt.kind {
					t.Fatalf("outcome %+v, want one of %v", o, tt.kind)
				}
				if tt.reason == "" && !errors.Is(o.Err, gone) || tt.reason != "" && fault.Public(o.Err).Reason != tt.reason {
					t.Errorf("error %v, want %s", o.Err, tt.reason)
				}
				for _, secret := range []string{"SECRET", "Doe", "Jane", "etc"} {
					if strings.Contains(o.Err.Error(), secret) {
						t.Errorf("error %q tells %s", o.Err, secret)
					}
				}
				g.Close()
				storetest.Whole(t, s)
				wantEmpty(t, s)
			})
		}
	}
}

func copied(dst io.Writer, src io.Reader) error {
	_, err := io.Copy(dst, src)
	return err
}

// wantEmpty makes sure that nothing is stored, announced or left behind.
func wantEmpty(t testing.TB, s *store.Store) {
	t.Helper()
	if studies, _, err := s.ListStudies(t.Context(), store.StudyFilter{}, store.Page{}); err != nil || len(studies) != 0 {
		t.Errorf("studies %v, %v", studies, err)
	}
	if swept, err := s.Sweep(t.Context(), 0); err != nil || swept.Blobs != 0 {
		t.Errorf("left behind: %+v, %v", swept, err)
	}
}

func TestATransformationIsStored(t *testing.T) {
	profile, err := deidentify.New([]byte("a secret of thirty-two bytes ..."), deidentify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, s := open(t, ingest.Config{Transform: func(dst io.Writer, src io.Reader) error {
		_, err := profile.Instance(dst, src)
		return err
	}})
	b := ctInstance(nil)
	for _, want := range []ingest.State{ingest.Stored, ingest.AlreadyStored} {
		o := g.Add(t.Context(), ingest.Upload{SizeBytes: new(int64(len(b)))}, bytes.NewReader(b))
		if o.Err != nil || o.State != want || o.SHA256 != sha256.Sum256(b) || o.SOPInstanceUID != profile.UID("1.2.3.4.5") {
			t.Fatalf("outcome %+v, want state %d and the hash of what came", o, want)
		}
		if kept := stored(t, s, o.SOPInstanceUID); bytes.Contains(kept, []byte("Doe")) || bytes.Contains(kept, []byte("1.2.3.4.5")) {
			t.Error("an identity is kept")
		}
	}
	burnt := ctInstance(map[string]string{"BurnedInAnnotation": "YES", "SOPInstanceUID": "1.2.3.4.6", "MediaStorageSOPInstanceUID": "1.2.3.4.6"})
	o := g.Add(t.Context(), ingest.Upload{}, bytes.NewReader(burnt))
	if fault.Public(o.Err).Reason != fault.NotDeidentifiable {
		t.Errorf("burnt in text: %+v", o)
	}
}

func TestAStreamKeepsItsOrder(t *testing.T) {
	g, s := open(t, ingest.Config{})
	stream := g.Stream()
	const n = 300
	for i := range n {
		b := ctInstance(numbered(i))
		if i%7 == 3 {
			b = b[:400]
		}
		stream.Add(t.Context(), ingest.Upload{Name: string(rune('a' + i%26))}, bytes.NewReader(b))
	}
	outcomes := stream.Wait()
	for i, o := range outcomes {
		if o.Name != string(rune('a'+i%26)) || (o.State == ingest.Stored) != (i%7 != 3) {
			t.Errorf("outcome %d: %+v", i, o)
		}
	}
	if len(outcomes) != n {
		t.Errorf("%d outcomes of %d", len(outcomes), n)
	}
	g.Close()
	if o := g.Add(t.Context(), ingest.Upload{}, nil); fault.Public(o.Err).Reason != fault.ShuttingDown {
		t.Errorf("after Close: %+v", o)
	}
	storetest.Whole(t, s)
	if swept, err := s.Sweep(t.Context(), 0); err != nil || swept != (store.Swept{}) {
		t.Errorf("left behind: %+v, %v", swept, err)
	}
}

func TestCallersWithTheSameInstances(t *testing.T) {
	g, s := open(t, ingest.Config{})
	const callers, n = 8, 20
	var mu sync.Mutex
	counts := map[ingest.State]int{}
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range n {
				o := g.Add(t.Context(), ingest.Upload{}, bytes.NewReader(ctInstance(numbered(i))))
				mu.Lock()
				counts[o.State]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if counts[ingest.Stored] != n || counts[ingest.AlreadyStored] != n*(callers-1) {
		t.Errorf("outcomes %v, want %d stored once", counts, n)
	}
	storetest.Whole(t, s)
}

// A transaction that fails for one instance stores the others.
func TestOneInstanceFailsAlone(t *testing.T) {
	refused := errors.New("no")
	g, s := open(t, ingest.Config{Touched: func(_ context.Context, _ *store.Tx, series []store.Series) error {
		for _, x := range series {
			if x.SeriesInstanceUID == "1.2.3.9" {
				return refused
			}
		}
		return nil
	}})
	stream := g.Stream()
	for i := range 40 {
		set := numbered(i)
		if i == 20 {
			set["SeriesInstanceUID"] = "1.2.3.9"
		}
		stream.Add(t.Context(), ingest.Upload{}, bytes.NewReader(ctInstance(set)))
	}
	for i, o := range stream.Wait() {
		if (o.State == ingest.Stored) != (i != 20) {
			t.Errorf("outcome %d: %+v", i, o)
		}
	}
	storetest.Whole(t, s)
	if swept, err := s.Sweep(t.Context(), 0); err != nil || swept.Blobs != 1 {
		t.Errorf("swept %+v, %v, want the one blob", swept, err)
	}
	storetest.Whole(t, s)
}

// shared returns a folder of the development data, or skips the test.
func shared(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no development data: %v", err)
	}
	return dir
}

// Every real file gets a clear answer, and what is stored is what came.
func TestRealFiles(t *testing.T) {
	g, s := open(t, ingest.Config{})
	var names []string
	stream := g.Stream()
	dir := shared(t, "data/dicom")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		name, _ := filepath.Rel(dir, path)
		names = append(names, name)
		stream.Add(t.Context(), ingest.Upload{Name: name}, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := map[ingest.State]int{}
	for i, o := range stream.Wait() {
		n[o.State]++
		if o.Name != names[i] {
			t.Errorf("outcome %d is of %s, want %s", i, o.Name, names[i])
		}
		if o.State == ingest.Refused {
			t.Logf("%s: %v", o.Name, o.Err)
			if k := fault.Of(o.Err); k != fault.Invalid && k != fault.Unsupported && k != fault.Exist {
				t.Errorf("%s: %v of kind %v", o.Name, o.Err, k)
			}
			continue
		}
		want, err := os.ReadFile(filepath.Join(dir, o.Name))
		got := stored(t, s, o.SOPInstanceUID)
		if o.State == ingest.AlreadyStored { // maybe behind another head
			got, want = dataSet(t, got), dataSet(t, want)
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes are stored, %v", o.Name, err)
		}
	}
	t.Logf("%d stored, %d stored before, %d refused", n[ingest.Stored], n[ingest.AlreadyStored], n[ingest.Refused])
	if n[ingest.Stored] < len(names)*3/4 {
		t.Errorf("only %d of %d real files are stored", n[ingest.Stored], len(names))
	}
	storetest.Whole(t, s)
}

// A series comes in whole, and can be read where it lies.
func TestARealSeries(t *testing.T) {
	g, s := open(t, ingest.Config{})
	files, err := filepath.Glob(filepath.Join(shared(t, "data/ct/petct2"), "*"))
	if err != nil || len(files) == 0 {
		t.Skip("no series", err)
	}
	stream := g.Stream()
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		stream.Add(t.Context(), ingest.Upload{Name: name}, f)
		f.Close()
	}
	series := map[string]int{}
	for _, o := range stream.Wait() {
		if o.Err != nil {
			t.Errorf("%s: %v", o.Name, o.Err)
			continue
		}
		series[o.SeriesInstanceUID]++
		i, err := s.Instance(t.Context(), o.SOPInstanceUID)
		if err != nil {
			t.Fatal(err)
		}
		path, ok := s.LocalPath(i)
		got, err := os.ReadFile(path)
		want, wantErr := os.ReadFile(o.Name)
		if !ok || err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not stored as it came: %v", o.Name, errors.Join(err, wantErr))
		}
	}
	for uid, n := range series {
		if x, err := s.Series(t.Context(), uid); err != nil || x.InstanceCount != n || x.Modality != "CT" {
			t.Errorf("series %+v, %v, want %d instances", x, err, n)
		}
	}
	storetest.Whole(t, s)
}

// dataSet returns what follows the file meta information of an instance.
func dataSet(t *testing.T, instance []byte) []byte {
	t.Helper()
	_, rest, err := dicom.ReadFileMeta(bytes.NewReader(instance))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(rest)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever comes is stored as it is or refused as a whole.
func FuzzAdd(f *testing.F) {
	f.Add(ctInstance(nil))
	f.Add(ctInstance(map[string]string{"SpecificCharacterSet": "ISO 2022 IR 87", "PatientName": "a\x1b$B;3"}))
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	files, _ := filepath.Glob(filepath.Join(root, "data", "dicom", "*", "*"))
	const small = 100 << 10 // bytes; larger ones slow the fuzzer down
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil && len(b) < small {
			f.Add(b)
		}
	}
	config := storetest.Embedded(f)
	config.Blobs = "mem://"
	g, s := open(f, ingest.Config{Store: storetest.Open(f, config)})
	f.Fuzz(func(t *testing.T, b []byte) {
		o := g.Add(t.Context(), ingest.Upload{}, bytes.NewReader(b))
		switch {
		case o.State == ingest.Refused:
			if k := fault.Of(o.Err); k != fault.Invalid && k != fault.Unsupported && k != fault.Exist {
				t.Errorf("refused for %v: %v", k, o.Err)
			}
		case o.Err != nil:
			t.Errorf("stored with %v", o.Err)
		case o.State == ingest.AlreadyStored: // maybe behind another head
			if !bytes.Equal(dataSet(t, stored(t, s, o.SOPInstanceUID)), dataSet(t, b)) {
				t.Error("another data set is stored")
			}
		case !bytes.Equal(stored(t, s, o.SOPInstanceUID), b):
			t.Error("other bytes are stored")
		}
	})
}

// An instance of another study than the one it was sent to is refused, by the UID that
// it came with, also where it is stored under another.
func TestInstancesOfAnotherStudyAreRefused(t *testing.T) {
	t.Parallel()
	other := func(dst io.Writer, src io.Reader) error {
		b, err := io.ReadAll(src)
		if err == nil {
			_, err = dst.Write(bytes.Replace(b, []byte("1.2.3\x00"), []byte("1.2.9\x00"), 1))
		}
		return err
	}
	for name, config := range map[string]ingest.Config{"as it came": {}, "transformed": {Transform: other}} {
		g, s := open(t, config)
		b := ctInstance(nil)
		o := g.Add(t.Context(), ingest.Upload{StudyInstanceUID: "1.2.9"}, bytes.NewReader(b))
		if !errors.Is(o.Err, ingest.ErrOtherStudy) || o.SOPInstanceUID != "1.2.3.4.5" || o.SOPClassUID != ct {
			t.Errorf("%s: %+v", name, o)
		}
		if _, err := s.Instance(t.Context(), "1.2.3.4.5"); fault.Of(err) != fault.NotExist {
			t.Errorf("%s: it is stored: %v", name, err)
		}
		if o := g.Add(t.Context(), ingest.Upload{StudyInstanceUID: "1.2.3"}, bytes.NewReader(b)); o.State != ingest.Stored {
			t.Errorf("%s: %+v", name, o)
		}
		if o := g.Add(t.Context(), ingest.Upload{StudyInstanceUID: "1.2.3"}, bytes.NewReader(b[:300])); o.State != ingest.Refused {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
