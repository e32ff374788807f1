// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
)

// fullyDescribed is an axial slice that says all that a Header tells of.
func fullyDescribed() dataset {
	return axial(7).
		with(tag.SOPInstanceUID, text("UI", "1.2.3.4.7\x00")).
		with(tag.StudyInstanceUID, text("UI", "1.2.3")).
		with(tag.SeriesInstanceUID, text("UI", "1.2.3.4")).
		with(tag.FrameOfReferenceUID, text("UI", "1.2.3.5")).
		with(tag.PatientID, text("LO", " P1 ")).
		with(tag.IssuerOfPatientID, text("LO", "HOSPITAL")).
		with(tag.PatientName, text("PN", "Doe^Jane")).
		with(tag.PatientBirthDate, text("DA", "19500102")).
		with(tag.PatientSex, text("CS", "F")).
		with(tag.StudyDate, text("DA", "20240229")).
		with(tag.StudyTime, text("TM", "101112.5")).
		with(tag.StudyDescription, text("LO", "Spine\r\n\x00A")).
		with(tag.AccessionNumber, text("SH", "A1")).
		with(tag.SeriesNumber, text("IS", "2 ")).
		with(tag.SeriesDescription, text("LO", "1 mm")).
		with(tag.InstanceNumber, text("IS", "not a number")).
		with(tag.StudyID, text("SH", "S1")).
		with(tag.ReferringPhysicianName, text("PN", "Roe^Richard ")).
		with(tag.PerformedProcedureStepStartDate, text("DA", "20240301")).
		with(tag.PerformedProcedureStepStartTime, text("TM", "08")).
		with(tag.RequestAttributesSequence, items(dataset{tag.ScheduledProcedureStepID: text("SH", "SPS1")},
			dataset{tag.ScheduledProcedureStepID: text("SH", "SPS2"), tag.RequestedProcedureID: text("SH", "RP2 ")}))
}

func TestHeader(t *testing.T) {
	two, rows, columns, bits := 2, 6, 5, 16
	for _, syntax := range []string{explicitLittle, implicitLittle, explicitBig, deflated} {
		want := &dicom.Header{
			SOPClassUID: ctClass, SOPInstanceUID: "1.2.3.4.7", SeriesInstanceUID: "1.2.3.4", StudyInstanceUID: "1.2.3",
			TransferSyntaxUID: syntax, FrameOfReferenceUID: "1.2.3.5",
			PatientID: "P1", IssuerOfPatientID: "HOSPITAL", PatientName: "Doe^Jane", PatientBirthDate: "19500102", PatientSex: "F",
			StudyDateTime: "20240229101112.5", StudyDescription: "Spine   A", AccessionNumber: "A1",
			StudyID: "S1", ReferringPhysicianName: "Roe^Richard",
			Modality: "CT", SeriesNumber: &two, SeriesDescription: "1 mm", PixelData: true,
			PerformedProcedureStepStartDateTime: "2024030108", ScheduledProcedureStepID: "SPS1", RequestedProcedureID: "RP2",
			Rows: &rows, Columns: &columns, BitsAllocated: &bits,
		}
		b := part10(syntax, fullyDescribed())
		r := bytes.NewReader(append(b, make([]byte, 10)...))
		got, err := dicom.ReadHeader(iotest.HalfReader(r))
		if err != nil {
			t.Fatalf("%s: %v", syntax, err)
		}
		got.MediaStorageSOPClassUID, got.MediaStorageSOPInstanceUID = "", ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", syntax, diff)
		}
		if r.Len() != 0 {
			t.Errorf("%s: %d bytes are left", syntax, r.Len())
		}
	}
	for _, d := range compressed(1) {
		if h, err := dicom.ReadHeader(bytes.NewReader(part10(rleLossless, d))); err != nil || !h.PixelData {
			t.Errorf("compressed: %+v, %v", h, err)
		}
	}
}

// Texts are those of PS3.5 annexes H to K, in Unicode and as the standard encodes
// them, and names of one alphabet each.
func TestHeaderCharacterSets(t *testing.T) {
	for _, tt := range []struct{ sets, value, want string }{
		{`\ISO 2022 IR 87`, "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B", "Yamada^Tarou=山田^太郎=やまだ^たろう"}, // H.3.1
		{`ISO 2022 IR 13\ISO 2022 IR 87`, "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
			"ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"}, // H.3.2
		{`\ISO 2022 IR 149`, "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf", "Hong^Gildong=洪^吉洞=홍^길동"}, // I.2
		{"ISO_IR 192", "Wang^XiaoDong=王^小東=", "Wang^XiaoDong=王^小東="},                                                                                   // J.3
		{"GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="},                                                                 // J.4
		{`\ISO 2022 IR 58`, "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", "Zhang^XiaoDong=张^小东="},                                         // K.2
		{"ISO_IR 100", "Buc^J\xe9r\xf4me", "Buc^Jérôme"},
		{"ISO_IR 101", "W\xb3as\xb1", "Własą"},
		{"ISO_IR 144", "\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"},
		{"ISO_IR 126", "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"},
		{"ISO_IR 127", "\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"},
		{"ISO_IR 138", "\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"},
		{"ISO_IR 166", "\xb9\xd2\xc1", "นาม"},
		{`ISO 2022 IR 100\ISO 2022 IR 144`, "J\xe9r\xf4me^\x1b-L\xbb\xee\xda", "Jérôme^Люк"},
		{"", "Gr\xf6\xdfe", "Größe"}, // says nothing, and is Latin-1
		{"", "Größe", "Größe"},       // says nothing, and is UTF-8
		{"NO SUCH SET", "Gr\xf6\xdfe", "Größe"},
		{"ISO_IR 192", "Gr\xf6\xdfe", "Gr\uFFFDe"},
		{`\ISO 2022 IR 87`, "\x1b$B;", "\uFFFD"},
		{`\ISO 2022 IR 87`, "\x1b\x1b$X^", "$X^"},
	} {
		d := axial(0).with(tag.SpecificCharacterSet, text("CS", tt.sets)).with(tag.PatientName, text("PN", tt.value))
		h, err := dicom.ReadHeader(bytes.NewReader(part10(explicitLittle, d)))
		if err != nil || h.PatientName != tt.want {
			t.Errorf("%q in %q = %q, %v, want %q", tt.value, tt.sets, h.PatientName, err, tt.want)
		}
	}
}

func TestHeaderOfHostileContent(t *testing.T) {
	const (
		maxTime   = 20 * time.Second
		allowance = 24 << 20
		multiple  = 12
	)
	for _, tt := range append(attacks(), floods()...) {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := dicom.ReadHeader(bytes.NewReader(tt.file))
			if d := time.Since(start); d > maxTime {
				t.Errorf("took %v", d)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > allowance+multiple*uint64(len(tt.file)) {
				t.Errorf("allocated %d bytes for %d", got, len(tt.file))
			}
			structure := tt.want == dicom.CodeMalformed || tt.want == dicom.CodeNotDICOM || tt.want == dicom.CodeUnreadable || tt.want == dicom.CodeTooLarge
			if structure && err == nil && !strings.Contains(tt.name, "syntax") && !strings.Contains(tt.name, "RLE") &&
				!strings.Contains(tt.name, "sequence") {
				t.Errorf("nothing is said of it, want %s", tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error holds content of the file: %v", err)
			}
		})
	}
}

// What is cut off anywhere is refused, or has no pixels.
func TestHeaderOfContentCutAnywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for name, b := range map[string][]byte{
		"explicit":   part10(explicitLittle, fullyDescribed()),
		"implicit":   part10(implicitLittle, fullyDescribed()),
		"big endian": part10(explicitBig, fullyDescribed()),
		"deflated":   part10(deflated, fullyDescribed()),
		"compressed": part10(rleLossless, compressed(1)[0]),
	} {
		for range 200 {
			n := random.IntN(len(b))
			h, err := dicom.ReadHeader(bytes.NewReader(b[:n]))
			if err == nil && h.PixelData {
				t.Errorf("%s cut at %d of %d: nothing is said of it", name, n, len(b))
			}
		}
	}
}

func TestHeaderOfAReaderThatFails(t *testing.T) {
	gone := errors.New("gone")
	b := part10(explicitLittle, fullyDescribed())
	for _, n := range []int{0, 100, 300, len(b) - 1, len(b)} {
		_, err := dicom.ReadHeader(io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(gone)))
		if !errors.Is(err, gone) {
			t.Errorf("failing at %d: %v", n, err)
		}
	}
}

func TestValidUID(t *testing.T) {
	for uid, valid := range map[string]bool{
		"1.2.840.10008.1.2": true, "1.02.3": true, "2": true, strings.Repeat("1.", 31) + "12": true,
		"": false, ".": false, "1.": false, ".1": false, "1..2": false, "1.2a": false, "1.2 ": false, "../1": false,
		strings.Repeat("1", 65): false,
	} {
		if got := dicom.ValidUID(uid); (got == uid && uid != "") != valid {
			t.Errorf("ValidUID(%q) = %q, want it valid: %t", uid, got, valid)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	for _, syntax := range []string{explicitLittle, implicitLittle, explicitBig, deflated} {
		f.Add(part10(syntax, fullyDescribed()))
	}
	f.Add(part10(rleLossless, compressed(1)[0]))
	for _, sets := range []string{`ISO 2022 IR 13\ISO 2022 IR 87`, `\ISO 2022 IR 149`, "GB18030"} {
		f.Add(part10(explicitLittle, axial(0).with(tag.SpecificCharacterSet, text("CS", sets)).with(tag.PatientName, text("PN", "a\x1b$B;3^\x1b$)C\xfb\xf3=\xd4"))))
	}
	for _, a := range attacks() {
		f.Add(a.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, _ := dicom.ReadHeader(bytes.NewReader(b))
		for _, s := range []string{h.SOPInstanceUID, h.PatientName, h.PatientID, h.StudyDescription, h.SeriesDescription, h.Modality, h.StudyDateTime} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
				t.Errorf("%q is no text", s)
			}
		}
	})
}
