// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/comparison"
	"github.com/endplate/endplate/analysis/finding"
	"github.com/endplate/endplate/analysis/record"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
)

// written is everything that is written of a result.
type written struct{ JSON, CSV, HTML, Table, Examination string }

func write(t testing.TB, r *analysis.Result) written {
	t.Helper()
	w, err := tryWrite(r)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// tryWrite is write for a result that may hold what a format has not, such as
// infinities in JSON.
func tryWrite(r *analysis.Result) (w written, err error) {
	rep := &report.Report{Algorithm: "endplate", Version: "test", Examinations: []report.Examination{{Modality: "CT", Path: "ct", Result: r}}}
	text := func(write func(io.Writer) error) string {
		var b bytes.Buffer
		err = errors.Join(err, write(&b))
		return b.String()
	}
	w = written{
		JSON:  text(func(w io.Writer) error { return convert.WriteJSON(w, rep) }),
		CSV:   text(func(w io.Writer) error { return report.WriteCSV(w, rep) }),
		HTML:  text(func(w io.Writer) error { return report.WriteHTML(w, rep) }),
		Table: text(func(w io.Writer) error { return report.WriteTable(w, rep, report.Colors{}) }),
		Examination: text(func(w io.Writer) error {
			return json.NewEncoder(w).Encode(comparison.NewExamination(r, comparison.About{}))
		}),
	}
	return w, err
}

func encode(t testing.TB, r *analysis.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := analysis.EncodeResult(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// storedAndRead returns a result as it comes back from its stored form.
func storedAndRead(t *testing.T, r *analysis.Result) *analysis.Result {
	t.Helper()
	begin := time.Now()
	b := encode(t, r)
	encoded := time.Since(begin)
	begin = time.Now()
	got, err := analysis.DecodeResult(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d vertebrae: %d bytes, written in %v and read in %v", len(r.Vertebrae), len(b), encoded.Round(time.Millisecond/10), time.Since(begin).Round(time.Millisecond/10))
	if len(b) > 1<<20 {
		t.Errorf("%d bytes, want at most 1 MiB", len(b))
	}
	if !bytes.Equal(encode(t, got), b) {
		t.Error("stored again it is not the same")
	}
	return got
}

func TestStoredResultIsTheSame(t *testing.T) {
	r := lumbarResult(t)
	if diff := cmp.Diff(write(t, r), write(t, storedAndRead(t, r))); diff != "" {
		t.Error(diff)
	}
}

func TestStoredRealSeriesIsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds a series")
	}
	for _, name := range realSeries {
		t.Run(name, func(t *testing.T) {
			r := realResult(t, name)
			if diff := cmp.Diff(write(t, r), write(t, storedAndRead(t, r))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A value in each field that a result has, or may have some day.
func TestEveryFieldIsStored(t *testing.T) {
	var want, got analysis.Result
	fill(t, reflect.ValueOf(&want).Elem(), new(0))
	b, err := record.Append(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	if err := record.Read(b, &got, 1<<24); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// fill sets every part of v to something else than zero, and counts them.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(*n%255 + 1))
	case reflect.Float64:
		v.SetFloat(1 / float64(*n))
	case reflect.String:
		v.SetString(v.Type().String())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	default:
		t.Fatalf("%v in a result", v.Type())
	}
}

func TestWhatIsNoStoredResultIsRefused(t *testing.T) {
	whole := encode(t, &analysis.Result{Reason: "no spine"})
	other := bytes.Clone(whole)
	other[len("endplate result ")]++
	levels := encode(t, &analysis.Result{Vertebrae: []analysis.Vertebra{{Level: 77}}})
	for name, tt := range map[string]struct {
		stored []byte
		want   error
	}{
		"nothing":             {nil, analysis.ErrNotStored},
		"something else":      {[]byte(`{"analyses":[{"vertebrae":[]}]}`), analysis.ErrNotStored},
		"another format":      {other, analysis.ErrFormat},
		"cut":                 {whole[:len(whole)-1], analysis.ErrNotStored},
		"a level of no spine": {levels, analysis.ErrNotStored},
		"more than a result holds": {inStoredForm(func(w io.Writer) error {
			_, err := io.CopyN(w, zeros{}, 80<<20)
			return err
		}), analysis.ErrNotStored},
	} {
		if r, err := analysis.DecodeResult(bytes.NewReader(tt.stored)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v, want %v", name, r, err, tt.want)
		}
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		r, err := analysis.DecodeResult(bytes.NewReader(damaged))
		if err == nil && r.Reason != "no spine" {
			t.Errorf("byte %d damaged: read as %+v", i, r)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// inStoredForm gives a record the head and the compression of a stored result.
func inStoredForm(write func(io.Writer) error) []byte {
	var b bytes.Buffer
	b.WriteString("endplate result " + string(rune(analysis.Format)))
	z := gzip.NewWriter(&b)
	if err := errors.Join(write(z), z.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// kept is a result of Format 1 with the whole vertebrae T12 to L2, of which L1 is
// fractured: the phantom of lumbar, stored when the format was new. It is never written
// anew.
func kept(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/result.1")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What was stored stays readable, and can be corrected.
func TestResultsStoredByEarlierVersionsAreRead(t *testing.T) {
	r, err := analysis.DecodeResult(bytes.NewReader(kept(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []spine.Level{spine.T12, spine.L1, spine.L2} {
		v := at(t, r, l)
		if v.Status != analysis.Measured || v.Heights == nil || v.Body == nil || len(v.Canal.Outline.Sections) == 0 || v.Tissue == nil {
			t.Errorf("%v: %+v", l, v)
		}
	}
	if d := at(t, r, spine.L1).Deformity; d.Grade != 2 || d.Shape != finding.Wedge {
		t.Errorf("L1: %+v, want the wedge fracture of grade 2", d)
	}
	write(t, corrected(t, r, analysis.RemoveVertebra{Level: spine.T12}))
}

// Damage that a checksum does not see, in any place.
func TestADamagedRecordIsRefusedOrStillAResult(t *testing.T) {
	r, err := analysis.DecodeResult(bytes.NewReader(kept(t)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := record.Append(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	rng := newRand(5)
	read := 0
	const rounds = 100
	for range rounds {
		damaged := bytes.Clone(plain)
		for range 1 + rng.IntN(3) {
			damaged[rng.IntN(len(damaged))] = byte(rng.Uint32())
		}
		if decodeAndUse(t, damaged) {
			read++
		}
	}
	t.Logf("%d of %d still read", read, rounds)
}

// decodeAndUse decodes a record, and reports whether it is one: then everything that
// is done with a result is done with it.
func decodeAndUse(t *testing.T, plain []byte) bool {
	t.Helper()
	r, err := analysis.DecodeResult(bytes.NewReader(inStoredForm(func(w io.Writer) error { _, err := w.Write(plain); return err })))
	if err != nil {
		if !errors.Is(err, analysis.ErrNotStored) {
			t.Error(err)
		}
		return false
	}
	results := []*analysis.Result{r}
	if r, err = analysis.Correct(r, noMoves(r)); err == nil {
		results = append(results, r)
	}
	for _, r := range results {
		_, _ = tryWrite(r) // an error is as good: the numbers may be any
	}
	return true
}

// What is read can be written in every format, whatever the bytes were.
func FuzzDecodeResult(f *testing.F) {
	lumbar, err := analysis.DecodeResult(bytes.NewReader(kept(f)))
	if err != nil {
		f.Fatal(err)
	}
	// Small, so that changes hit what matters.
	lumbar.Canal = lumbar.Canal[:2]
	for i := range lumbar.Vertebrae {
		v := &lumbar.Vertebrae[i]
		v.Picture, v.Surface, v.Canal.Outline.Sections = nil, nil, v.Canal.Outline.Sections[:3]
	}
	for _, r := range []*analysis.Result{{Reason: "no spine"}, lumbar} {
		plain, err := record.Append(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) { decodeAndUse(t, plain) })
}
