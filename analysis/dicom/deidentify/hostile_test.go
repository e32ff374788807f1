// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/deidentify"
)

// raw writes an element whose length need not be true.
func raw(t tag.Tag, vr string, length uint32, content ...byte) []byte {
	return append(encoderOf(explicitLittle).head(nil, t, vr, length), content...)
}

// after puts bytes behind the file meta information.
func after(syntax string, b ...[]byte) []byte {
	return append(part10(syntax, nil)[:len(part10(explicitLittle, nil))+len(padUID(syntax))-len(padUID(explicitLittle))], slices.Concat(b...)...)
}

// floods are attacks by number and size.
func floods(t *testing.T) map[string][]byte {
	t.Helper()
	item := []byte{0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF}
	open := slices.Concat(raw(tag.ReferencedImageSequence, "SQ", undefinedLength), item)
	var bomb bytes.Buffer
	z, err := flate.NewWriter(&bomb, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(raw(tag.PixelData, "OB", 1<<28))
	for range 1 << 12 {
		z.Write(make([]byte, 1<<16))
	}
	z.Close()
	head := encoderOf(explicitLittle).dataset(nil, slice(explicitLittle)[:8])
	return map[string][]byte{
		"a million nested sequences":       after(explicitLittle, bytes.Repeat(open, 1<<20)),
		"two million empty items":          after(explicitLittle, raw(tag.ReferencedImageSequence, "SQ", undefinedLength), bytes.Repeat([]byte{0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0}, 1<<21)),
		"one attribute 900000 times":       after(explicitLittle, head, bytes.Repeat(raw(tag.PatientID, "LO", 2, '1', ' '), 900_000)),
		"many short UIDs":                  after(explicitLittle, head, bytes.Repeat(raw(tag.ReferencedSOPInstanceUID, "UI", 2, '1', 0), 400_000)),
		"a list of UIDs":                   after(explicitLittle, head, raw(tag.Tag{Group: 0x0008, Element: 0x0058}, "UI", 65000, bytes.Repeat([]byte(`1\`), 32500)...)),
		"UT of 4 GB":                       after(explicitLittle, head, raw(tag.Tag{Group: 0x0040, Element: 0xA160}, "UT", 0xFFFFFFF0, 'x')),
		"UN of undefined length, no items": after(explicitLittle, head, raw(tag.ViewCodeSequence, "UN", undefinedLength, []byte("rubbish, and more of it")...)),
		"deflated bomb":                    after(deflated, bomb.Bytes()),
		"pixel data of 4 GB":               after(explicitLittle, encoderOf(explicitLittle).dataset(nil, slice(explicitLittle)[:20]), raw(tag.PixelData, "OW", 0xFFFFFFF0, 1, 2)),
		"endless fragments":                after(rleLossless, encoderOf(explicitLittle).dataset(nil, slice(explicitLittle)[:20]), raw(tag.PixelData, "OB", undefinedLength), bytes.Repeat([]byte{0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0}, 1<<20)),
	}
}

func TestFloods(t *testing.T) {
	p := profile(t, deidentify.Options{Dates: deidentify.ShiftDates})
	for name, b := range floods(t) {
		t.Run(name, func(t *testing.T) {
			const (
				maxTime = 20 * time.Second // far more than any takes
				// Of allocations in all, freed or not: UIDs of one digit become
				// ones of forty, each with some small pieces on the way.
				allowance = 16 << 20 // bytes
				multiple  = 80
			)
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := p.Instance(io.Discard, bytes.NewReader(b))
			if d := time.Since(start); d > maxTime {
				t.Errorf("took %v", d)
			}
			runtime.ReadMemStats(&now)
			got := now.TotalAlloc - before.TotalAlloc
			if got > uint64(allowance+multiple*len(b)) {
				t.Errorf("allocated %d bytes for %d", got, len(b))
			}
			t.Logf("%d bytes, allocated %d: %v", len(b), got, err)
		})
	}
}

// No cut makes it panic or quote. What is left of a deflated data set is noticed to
// be less; of others it is, unless they are cut between two elements.
func TestCutAnywhere(t *testing.T) {
	p := profile(t, deidentify.Options{})
	for _, syntax := range syntaxes {
		b := part10(syntax, append(slice(syntax), sequence(tag.ReferencedImageSequence, true, slice(syntax)[:8]), at(0x0010, 0x0010, "PN", marker)))
		for n := range len(b) {
			out, err := p.Instance(io.Discard, bytes.NewReader(b[:n]))
			if err != nil {
				if dicom.CodeOf(err) == dicom.CodeUnreadable {
					t.Errorf("%s cut at %d: %v", syntax, n, err)
				}
				quoteless(t, err)
			} else if syntax == deflated && n < len(b)-16 {
				t.Errorf("%s cut at %d of %d: %+v", syntax, n, len(b), out)
			}
		}
	}
}

// Errors of the two ends come back as what they are.
func TestBrokenEnds(t *testing.T) {
	p := profile(t, deidentify.Options{})
	broken := errors.New("broken")
	for _, syntax := range syntaxes {
		b := part10(syntax, slice(syntax))
		for _, n := range []int{0, 100, 200, 400, len(b) - 30} {
			src := io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(broken))
			if _, err := p.Instance(io.Discard, src); !errors.Is(err, broken) && n > 0 {
				t.Errorf("%s, reading ends at %d: %v", syntax, n, err)
			}
			if _, err := p.Instance(&full{n, broken}, bytes.NewReader(b)); !errors.Is(err, broken) && n < 400 {
				t.Errorf("%s, writing ends at %d: %v", syntax, n, err)
			}
		}
		if _, err := p.Instance(io.Discard, iotest.OneByteReader(bytes.NewReader(b))); err != nil {
			t.Errorf("%s, byte by byte: %v", syntax, err)
		}
	}
}

// full takes n bytes.
type full struct {
	n   int
	err error
}

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.n {
		return f.n, f.err
	}
	f.n -= len(b)
	return len(b), nil
}

// Pixel data is copied through, not held.
func TestLargePixelDataIsNotHeld(t *testing.T) {
	const size = 256 << 20
	head := after(explicitLittle, encoderOf(explicitLittle).dataset(nil, slice(explicitLittle)[:20]), raw(tag.PixelData, "OW", size))
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	src := io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, size))
	if _, err := profile(t, deidentify.Options{}).Instance(io.Discard, src); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&now)
	const most = 4 << 20 // bytes
	if got := now.TotalAlloc - before.TotalAlloc; got > most {
		t.Errorf("allocated %d bytes", got)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// shared returns the folder of the development data; empty if it is not there.
func shared() string {
	dir := os.Getenv("ENDPLATE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "data")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// sharedFiles returns the small files of a folder of the development data by name.
func sharedFiles(folder string) map[string][]byte {
	const small = 1 << 20 // bytes
	files := map[string][]byte{}
	if shared() == "" {
		return files
	}
	filepath.WalkDir(filepath.Join(shared(), folder), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if b, err := os.ReadFile(name); err == nil && len(b) < small {
			files[name] = b
		}
		return nil
	})
	return files
}

func FuzzInstance(f *testing.F) {
	for _, syntax := range syntaxes {
		f.Add(part10(syntax, slice(syntax)))
		f.Add(part10(syntax, append(slice(syntax), sequence(tag.ReferencedImageSequence, true, slice(syntax)[:20]), at(0x0010, 0x0010, "PN", marker))))
	}
	f.Add(file(explicitLittle, slice(explicitLittle)))
	for _, b := range sharedFiles(filepath.Join("dicom", "odd")) {
		const most = 64 << 10 // bytes; larger ones only slow the search
		f.Add(b[:min(len(b), most)])
	}
	p, err := deidentify.New([]byte("a secret of 24 bytes ---"), deidentify.Options{Dates: deidentify.ShiftDates, Words: []string{"a"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var once, twice bytes.Buffer
		first, err := p.Instance(&once, bytes.NewReader(b))
		if err != nil {
			return
		}
		const growth, allowance = 40, 4096
		if first.TransferSyntaxUID != deflated && once.Len() > growth*len(b)+allowance {
			t.Errorf("%d bytes became %d", len(b), once.Len())
		}
		second, err := p.Instance(&twice, bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("what came out is not accepted: %v", err)
		}
		if !second.Recognized || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Error("the second time made another")
		}
	})
}

func TestRandomDamage(t *testing.T) {
	p := profile(t, deidentify.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	for name, b := range sharedFiles(filepath.Join("dicom", "odd")) {
		for range 30 {
			damaged := slices.Clone(b)
			for range 1 + random.IntN(4) {
				damaged[random.IntN(min(len(damaged), 4000))] = byte(random.IntN(256))
			}
			if _, err := p.Instance(io.Discard, bytes.NewReader(damaged)); err != nil && dicom.CodeOf(err) == dicom.CodeUnreadable {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if shared() == "" {
		t.Skip("needs the development data")
	}
}
