// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// encrypted is the bit of a file's flags that says so. APPNOTE.TXT 4.4.4.
const encrypted = 1

// archives makes what readers drop beside folders, and what those drop who mean harm: a
// few images of another patient, in an archive and without what files of DICOM begin with.
func (s *setting) archives(t *testing.T, folder string) {
	t.Helper()
	images := s.images(t, filepath.Join(folder, "small"))
	inner := archive(t, deflated("image.dcm", images[0]))
	put := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(s.Folders["archives"], name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Folders["archives"] = filepath.Join(folder, "archives")
	if err := os.Mkdir(s.Folders["archives"], 0o700); err != nil {
		t.Fatal(err)
	}
	put("scan.zip", archive(t,
		deflated("scan/1.dcm", images[0]),
		deflated("scan/2", withoutPreamble(images[1])),
		stored("../../3.dcm", images[2]),
		deflated("scan/notes.txt", []byte("no image")),
		deflated("scan/DICOMDIR", images[0]),
		deflated("scan/inner.zip", inner),
		func(z *zip.Writer) error { return raw(z, "scan/secret.dcm", images[3], encrypted, len(images[3]), 0) },
		func(z *zip.Writer) error { return raw(z, "scan/broken.dcm", images[3], 0, len(images[3]), 1) },
	))
	put("bare", withoutMeta(images[3]))
	put("bomb.zip", archive(t, deflated("zeros.dcm", make([]byte, 64<<20))))
	put("liar.zip", archive(t, func(z *zip.Writer) error { return raw(z, "zeros.dcm", make([]byte, 64<<20), 0, 1000, 0) }))
	put("many.zip", archive(t, func(z *zip.Writer) error {
		for n := range 50_001 {
			if _, err := z.Create(fmt.Sprint(n)); err != nil {
				return err
			}
		}
		return nil
	}))
	put("garbage.zip", append([]byte("PK\x03\x04"), bytes.Repeat([]byte("garbage"), 1000)...))
}

// images makes a series of four small images and returns them.
func (s *setting) images(t *testing.T, folder string) (all [][]byte) {
	t.Helper()
	output(t, s.Program, "phantom", "--out", folder, "--columns", "64", "--rows", "64", "--slices", "4", "--seed", "5")
	names, err := filepath.Glob(filepath.Join(folder, "*.dcm"))
	if err != nil || len(names) != 4 {
		t.Fatalf("images %q, %v", names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

const preamble = 128 + 4 // with DICM. PS3.10 7.1

func withoutPreamble(file []byte) []byte { return file[preamble:] }

// withoutMeta returns the data set of a file alone: FileMetaInformationGroupLength is
// its first element, of 12 bytes.
func withoutMeta(file []byte) []byte {
	length := binary.LittleEndian.Uint32(file[preamble+8:])
	return file[preamble+12+int(length):]
}

// archive returns an archive of what its parts write.
func archive(t *testing.T, parts ...func(*zip.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, write := range parts {
		if err := write(z); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func deflated(name string, content []byte) func(*zip.Writer) error {
	return put(zip.FileHeader{Name: name, Method: zip.Deflate}, content)
}

func stored(name string, content []byte) func(*zip.Writer) error {
	return put(zip.FileHeader{Name: name, Method: zip.Store}, content)
}

func put(h zip.FileHeader, content []byte) func(*zip.Writer) error {
	return func(z *zip.Writer) error {
		w, err := z.CreateHeader(&h)
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	}
}

// raw writes a file with flags, a size and a difference of its checksum that need not be
// true.
func raw(z *zip.Writer, name string, content []byte, flags uint16, size int, wrong uint32) error {
	var packed bytes.Buffer
	f, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, Flags: flags, CRC32: crc32.ChecksumIEEE(content) + wrong,
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(size),
	})
	if err == nil {
		_, err = w.Write(packed.Bytes())
	}
	return err
}
