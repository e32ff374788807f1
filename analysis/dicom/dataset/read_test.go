// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dataset_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
)

// head is a preamble and a file meta information of a transfer syntax.
func head(syntax string) []byte {
	if len(syntax)%2 == 1 {
		syntax += "\x00"
	}
	b := append(make([]byte, 128), "DICM\x02\x00\x10\x00UI"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(syntax)))
	return append(b, syntax...)
}

const (
	implicitLittle = "1.2.840.10008.1.2"
	explicitLittle = "1.2.840.10008.1.2.1"
	explicitBig    = "1.2.840.10008.1.2.2"
	deflated       = "1.2.840.10008.1.2.1.99"
)

func TestEveryTransferSyntaxIsRead(t *testing.T) {
	deflate := func(plain string) string {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestSpeed)
		_, _ = w.Write([]byte(plain))
		_ = w.Close()
		return b.String()
	}
	const little = "\x08\x00\x05\x00CS\x0a\x00ISO_IR 100\x10\x00\x10\x00PN\x06\x00M\xfcller\x28\x00\x10\x00US\x02\x00\x00\x02"
	for syntax, body := range map[string]string{
		explicitLittle: little,
		deflated:       deflate(little),
		implicitLittle: "\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100\x10\x00\x10\x00\x06\x00\x00\x00M\xfcller\x28\x00\x10\x00\x02\x00\x00\x00\x00\x02",
		explicitBig:    "\x00\x08\x00\x05CS\x00\x0aISO_IR 100\x00\x10\x00\x10PN\x00\x06M\xfcller\x00\x28\x00\x10US\x00\x02\x02\x00",
	} {
		b := append(head(syntax), body...)
		f, err := dataset.Read(bytes.NewReader(b), -1, dataset.Options{})
		if err != nil {
			t.Errorf("%s: %v", syntax, err)
			continue
		}
		if name, rows := f.Value(tag.PatientName), f.Int(tag.Rows, 0); name != "Müller" || rows != 512 || f.TransferSyntaxUID != syntax {
			t.Errorf("%s: name %q, %d rows, of %s", syntax, name, rows, f.TransferSyntaxUID)
		}
	}
}

// Items may be in a character set of their own; a private sequence of VR UN and
// undefined length is in implicit VR. PS3.3 C.12.1.1.2, PS3.5 6.2.2.
func TestItems(t *testing.T) {
	b := append(head(explicitLittle), "\x08\x00\x05\x00CS\x0a\x00ISO_IR 100"+
		"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff"+
		"\xfe\xff\x00\xe0\xff\xff\xff\xff\x08\x00\x05\x00CS\x0a\x00ISO_IR 144\x08\x00\x04\x01LO\x02\x00\xbb\xee\xfe\xff\x0d\xe0\x00\x00\x00\x00"+
		"\xfe\xff\x00\xe0\x0a\x00\x00\x00\x08\x00\x04\x01LO\x02\x00\xfc\xfc"+
		"\xfe\xff\xdd\xe0\x00\x00\x00\x00"+
		"\x99\x00\x01\x10UN\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\x0a\x00\x00\x00\x10\x00\x20\x00\x02\x00\x00\x00id\xfe\xff\xdd\xe0\x00\x00\x00\x00"...)
	f, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	items := f.Items(tag.ContentSequence)
	if len(items) != 2 || items[0].Value(tag.CodeMeaning) != "Лю" || items[1].Value(tag.CodeMeaning) != "üü" {
		t.Errorf("items %q, %q", items[0].Value(tag.CodeMeaning), items[1].Value(tag.CodeMeaning))
	}
	if got := f.Item(tag.Tag{Group: 0x0099, Element: 0x1001}).Value(tag.PatientID); got != "id" {
		t.Errorf("private item %q", got)
	}
}

func TestWantAndPixels(t *testing.T) {
	b := written(t, full())
	f, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{Want: func(t tag.Tag) bool { return t == tag.PatientName }})
	if err != nil || f.Len() != 1 {
		t.Errorf("%d elements, %v", f.Len(), err)
	}
	fragments := append(head("1.2.840.10008.1.2.5"), "\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x02\x00\x00\x00ab\xfe\xff\xdd\xe0\x00\x00\x00\x00"...)
	f, err = dataset.Read(bytes.NewReader(fragments), -1, dataset.Options{Pixels: true})
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := f.Find(tag.PixelData); len(e.Fragments) != 2 || string(e.Fragments[1]) != "ab" {
		t.Errorf("fragments %q", e.Fragments)
	}
}

// What is hostile costs an error, in no time and in no memory to speak of.
func TestHostile(t *testing.T) {
	deep := head(explicitLittle)
	for range 100_000 {
		deep = append(deep, "\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"...)
	}
	wide := append(head(explicitLittle), "\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff"...)
	wide = append(wide, bytes.Repeat([]byte("\xfe\xff\x00\xe0\x00\x00\x00\x00"), 1<<20)...)
	var bomb bytes.Buffer
	bomb.Write(head(deflated))
	z, _ := flate.NewWriter(&bomb, flate.BestCompression)
	_, _ = z.Write([]byte("\x10\x00\x10\x00UT\x00\x00\xf0\xff\xff\xff"))
	for range 1 << 7 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	for name, tt := range map[string]struct {
		b    []byte
		want error
	}{
		"deep":    {deep, dataset.ErrMalformed},
		"wide":    {wide, dataset.ErrTooLarge},
		"bomb":    {bomb.Bytes(), dataset.ErrTooLarge},
		"long":    {append(head(explicitLittle), "\x10\x00\x10\x00UT\x00\x00\xf0\xff\xff\xff"...), dataset.ErrTruncated},
		"cut":     {append(head(explicitLittle), "\x10\x00\x10\x00PN\x10\x00abc"...), dataset.ErrTruncated},
		"no item": {append(head(explicitLittle), "\x40\x00\x30\xa7SQ\x00\x00\x08\x00\x00\x00\x10\x00\x10\x00\x00\x00\x00\x00"...), dataset.ErrMalformed},
		"text":    {[]byte("GET / HTTP/1.1\r\nHost: example\r\n\r\n"), dataset.ErrNotDICOM},
		"nothing": {nil, dataset.ErrNotDICOM},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := dataset.Read(bytes.NewReader(tt.b), int64(len(tt.b)), dataset.Options{})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		// Of a buffer that doubles, twice the limit is allocated in all.
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 3*dataset.DefaultLimit {
			t.Errorf("%s: %d MB allocated for %d bytes", name, grown>>20, len(tt.b))
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// FuzzRead begins with the odd files and with what is written. What is read without
// an error can be written unless it grew too long, and then is read as the same.
func FuzzRead(f *testing.F) {
	f.Add(written(f, full()))
	if shared := os.Getenv("ENDPLATE_SHARED"); shared != "" {
		files, _ := filepath.Glob(filepath.Join(shared, "data", "dicom", "odd", "*"))
		for _, path := range files {
			if b, err := os.ReadFile(path); err == nil && len(b) < 64<<10 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		read, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{Pixels: true, Limit: 1 << 20})
		if err != nil {
			return
		}
		read.Remove(tag.SOPClassUID)
		read.Remove(tag.SOPInstanceUID)
		read.Text(tag.SOPClassUID, "UI", "1.2")
		read.Text(tag.SOPInstanceUID, "UI", "1.2")
		var first, second bytes.Buffer
		if read.WriteFile(&first) != nil {
			return
		}
		again, err := dataset.Read(bytes.NewReader(first.Bytes()), int64(first.Len()), dataset.Options{Pixels: true})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := again.WriteFile(&second); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%q\n%q", first.Bytes(), second.Bytes())
		}
	})
}
