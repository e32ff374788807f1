// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package frame_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/endplate/endplate/analysis/dicom/frame"
)

// shared returns a path in the development data, or skips the test.
func shared(t *testing.T, elements ...string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, elements...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no development data: %v", err)
	}
	return path
}

// dcmtk returns the picture that dcmtk makes of a file as its samples, or nil where it
// makes none; it skips without dcmtk. Each of its programs reads other syntaxes.
func dcmtk(t *testing.T, file string, args ...string) []byte {
	t.Helper()
	for _, program := range []string{"dcm2pnm", "dcmj2pnm", "dcml2pnm"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("no %s: %v", program, err)
		}
		out := filepath.Join(t.TempDir(), "picture.png")
		if err := exec.CommandContext(t.Context(), path, append(args, "-q", "+on", file, out)...).Run(); err != nil {
			continue
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return flat(t, picture)
	}
	return nil
}

func open(t *testing.T, file string) *frame.Image {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := frame.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
	return m
}

// flat returns the samples of a picture, without alpha.
func flat(t *testing.T, picture image.Image) []byte {
	t.Helper()
	switch p := picture.(type) {
	case *image.Gray:
		return p.Pix
	case *image.RGBA:
		var all []byte
		for i := 0; i < len(p.Pix); i += 4 {
			all = append(all, p.Pix[i:i+3]...)
		}
		return all
	}
	t.Fatalf("a %T", picture)
	return nil
}

// compare fails where a sample differs by more than most.
func compare(t *testing.T, name string, got, want []byte, most int) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d samples, dcmtk has %d", name, len(got), len(want))
		return
	}
	worst := 0
	for i := range got {
		d := int(got[i]) - int(want[i])
		worst = max(worst, d, -d)
	}
	if worst > most {
		t.Errorf("%s: a sample differs by %d, want at most %d", name, worst, most)
	}
}

// Pictures of real slices in every transfer syntax are those of dcmtk's dcm2pnm, with
// the image's own window and with a given one.
func TestPicturesAreThoseOfDCMTK(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, folder := range []string{"transfer-syntaxes", "nema-ct", "odd", "enhanced"} {
		files, err := filepath.Glob(filepath.Join(shared(t, "dicom", folder), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := filepath.Base(file)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := frame.Open(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				continue
			}
			if want := dcmtk(t, file, "+Ww", "40", "400"); want != nil {
				got, err := m.Picture(t.Context(), 1, &frame.Window{Center: 40, Width: 400})
				if err != nil {
					if !errors.Is(err, errors.ErrUnsupported) {
						t.Errorf("%s: %v", name, err)
					}
					continue
				}
				compare(t, name, flat(t, got), want, tolerance(name))
				compared++
			}
			if want := dcmtk(t, file, "+Wi", "1"); want != nil {
				got, err := m.Picture(t.Context(), 1, nil)
				if err != nil {
					continue
				}
				compare(t, name, flat(t, got), want, tolerance(name))
			}
		}
	}
	if compared < 15 {
		t.Errorf("%d files compared, want at least 15", compared)
	}
}

// tolerance is a rounding; for what went through a cosine transform, which every
// decoder rounds by itself, one stored value more: of eight bits that is up to 22 grey
// values of the window.
func tolerance(name string) int {
	switch {
	case strings.Contains(name, "JPEGProcess1T"):
		return 23
	case strings.Contains(name, "JPEGProcess2_4"), strings.Contains(name, "baseline"), strings.Contains(name, "JPGExtended"):
		return 6
	}
	return 1
}

// Colour, as a camera's JPEG in a Secondary Capture, is that of dcmtk.
func TestColourIsThatOfDCMTK(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("img2dcm")
	if err != nil {
		t.Skipf("no img2dcm: %v", err)
	}
	picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			picture.Set(x, y, color.RGBA{byte(4 * x), byte(5 * y), byte(255 - 2*x), 255})
		}
	}
	dir := t.TempDir()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	in, out, native := filepath.Join(dir, "in.jpg"), filepath.Join(dir, "sc.dcm"), filepath.Join(dir, "native.dcm")
	if err := os.WriteFile(in, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{path, in, out}, {"dcmdjpeg", out, native}} {
		if text, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, text)
		}
	}
	for file, most := range map[string]int{out: 6, native: 1} {
		got, err := open(t, file).Picture(t.Context(), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Base(file), flat(t, got), dcmtk(t, file), most)
	}
}

// A number that is none of an image's frames is refused.
func TestFramesAreCounted(t *testing.T) {
	m := open(t, shared(t, "dicom", "enhanced", "eCT_Supplemental.dcm"))
	if m.Frames != 2 {
		t.Fatalf("%d frames, want 2", m.Frames)
	}
	for _, n := range []int{-1, 0, 3} {
		if _, err := m.Stored(n); !errors.Is(err, frame.ErrNoFrame) {
			t.Errorf("frame %d: %v", n, err)
		}
	}
	first, err := m.Stored(1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.Stored(2)
	if err != nil || bytes.Equal(first, second) || int64(len(first)) != m.Size() {
		t.Errorf("frames of %d and %d bytes, %v; want two others of %d", len(first), len(second), err, m.Size())
	}
}
