// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	parser "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/deidentify"
)

// parsed reads a file with a parser that is not ours. Pixel data are left alone.
func parsed(t testing.TB, b []byte) parser.Dataset {
	t.Helper()
	d, err := parser.Parse(bytes.NewReader(b), int64(len(b)), nil, parser.SkipPixelData())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// values returns the text values of an attribute; nil if it is absent.
func values(d parser.Dataset, t tag.Tag) []string {
	e, err := d.FindElementByTagNested(t)
	if err != nil {
		return nil
	}
	v, _ := e.Value.GetValue().([]string)
	return v
}

func value(d parser.Dataset, t tag.Tag) string { return strings.Join(values(d, t), `\`) }

func TestWhatMeasurementNeedsSurvives(t *testing.T) {
	for _, syntax := range syntaxes {
		in := slice(syntax)
		out, outcome := deidentified(t, profile(t, deidentify.Options{}), part10(syntax, in))
		if outcome.TransferSyntaxUID != syntax {
			t.Errorf("%s: became %s", syntax, outcome.TransferSyntaxUID)
		}
		plain := inflate(t, syntax, out)
		for _, x := range in {
			if x.vr == "UI" || x.fragments != nil {
				continue
			}
			if want := encoderOf(syntax).element(nil, x); !bytes.Contains(plain, want) {
				t.Errorf("%s: %v did not survive", syntax, x.tag)
			}
		}
	}
}

func TestTellsOfItself(t *testing.T) {
	for _, tt := range []struct {
		opt   deidentify.Options
		codes string // PS3.16 CID 7050
		dates string // PS3.3 C.7.1.1
	}{
		{deidentify.Options{}, "113100", "REMOVED"},
		{deidentify.Options{Dates: deidentify.KeepDates}, "113100 113106", "UNMODIFIED"},
		{deidentify.Options{Dates: deidentify.ShiftDates, PatientCharacteristics: true}, "113100 113107 113108", "MODIFIED"},
		{deidentify.Options{DeviceIdentity: true, Words: []string{"bone"}}, "113100 113105 113109", "REMOVED"},
		{deidentify.Options{SafePrivate: []deidentify.PrivateAttribute{{Group: 0x19, Creator: "A", Element: 1}}}, "113100 113111", "REMOVED"},
	} {
		for _, syntax := range syntaxes {
			out, _ := deidentified(t, profile(t, tt.opt), part10(syntax, slice(syntax)))
			d := parsed(t, out)
			if value(d, tag.PatientIdentityRemoved) != "YES" || value(d, tag.LongitudinalTemporalInformationModified) != tt.dates {
				t.Errorf("%s: %q, %q", syntax, value(d, tag.PatientIdentityRemoved), value(d, tag.LongitudinalTemporalInformationModified))
			}
			if m := values(d, tag.DeidentificationMethod); len(m) != 2 || !strings.Contains(m[0], "PS3.15") || len(m[0]) > 64 {
				t.Errorf("%s: method %q", syntax, m)
			}
			var codes []string
			for e := range d.FlatIterator() {
				if e.Tag == tag.CodeValue {
					codes = append(codes, e.Value.GetValue().([]string)[0])
				}
			}
			if got := strings.Join(codes, " "); got != tt.codes {
				t.Errorf("%s: codes %s, want %s", syntax, got, tt.codes)
			}
		}
	}
}

func TestFileMeta(t *testing.T) {
	p := profile(t, deidentify.Options{})
	out, outcome := deidentified(t, p, file(explicitLittle, slice(explicitLittle)))
	if !bytes.Equal(out[:128], make([]byte, 128)) {
		t.Error("the preamble was not cleared")
	}
	d := parsed(t, out)
	if got := value(d, tag.MediaStorageSOPInstanceUID); got != outcome.SOPInstanceUID || got != value(d, tag.SOPInstanceUID) || got != p.UID("1.2.3.1") {
		t.Errorf("MediaStorageSOPInstanceUID %s, outcome %s", got, outcome.SOPInstanceUID)
	}
	for _, a := range []tag.Tag{tag.SourceApplicationEntityTitle, tag.PrivateInformation, tag.PrivateInformationCreatorUID} {
		if values(d, a) != nil {
			t.Errorf("%v is still there", a)
		}
	}
	if got := value(d, tag.ImplementationVersionName); got != "ENDPLATE" {
		t.Errorf("ImplementationVersionName %q", got)
	}
}

// A study of two instances that refer to each other, and one that refers to
// both in a sequence, still do.
func TestUIDsStayConsistent(t *testing.T) {
	p := profile(t, deidentify.Options{})
	reference := sequence(tag.ReferencedImageSequence, true, []element{
		at(0x0008, 0x1150, "UI", padUID(ctClass)), at(0x0008, 0x1155, "UI", "1.2.3.1\x00"),
	})
	second := append(without(slice(explicitLittle), tag.SOPInstanceUID), at(0x0008, 0x0018, "UI", "1.2.3.2\x00"), reference)
	one, first := deidentified(t, p, part10(explicitLittle, slice(explicitLittle)))
	two, other := deidentified(t, p, part10(implicitLittle, append(without(slice(implicitLittle), tag.SOPInstanceUID), at(0x0008, 0x0018, "UI", "1.2.3.2\x00"), reference)))
	again, _ := deidentified(t, p, part10(explicitLittle, slice(explicitLittle)))
	if !bytes.Equal(one, again) {
		t.Error("the same instance did not become the same")
	}
	if first.StudyInstanceUID != other.StudyInstanceUID || first.SeriesInstanceUID != other.SeriesInstanceUID || first.SOPInstanceUID == other.SOPInstanceUID {
		t.Errorf("%+v and %+v", first, other)
	}
	d := parsed(t, two)
	if got := value(d, tag.ReferencedSOPInstanceUID); got != first.SOPInstanceUID {
		t.Errorf("the reference is to %s, want %s", got, first.SOPInstanceUID)
	}
	if got := value(d, tag.ReferencedSOPClassUID); got != ctClass {
		t.Errorf("ReferencedSOPClassUID %s", got)
	}
	three, _ := deidentified(t, p, part10(explicitLittle, second))
	if got := value(parsed(t, three), tag.FrameOfReferenceUID); got != value(d, tag.FrameOfReferenceUID) || got == "1.2.4" {
		t.Errorf("FrameOfReferenceUID %s", got)
	}
	foreign, err := deidentify.New([]byte("another secret, as long"), deidentify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if foreign.UID("1.2") == p.UID("1.2") || foreign.PatientID("A", "") == p.PatientID("A", "") {
		t.Error("two secrets make the same")
	}
	// PS3.5 9.1 and B.2.
	for _, uid := range []string{"1.2", "1.2.840.113619.2", "SMITH"} {
		if got := p.UID(uid); !strings.HasPrefix(got, "2.25.") || len(got) > 64 || strings.HasPrefix(got, "2.25.0") {
			t.Errorf("UID(%s) = %s", uid, got)
		}
	}
	if got := p.UID("1.2.840.10008.1.4.1.1\x00"); got != "1.2.840.10008.1.4.1.1" {
		t.Errorf("a frame of reference of the standard became %s", got)
	}
}

func TestPatientsStayApartAndTogether(t *testing.T) {
	p := profile(t, deidentify.Options{})
	id := p.PatientID("4711", "")
	if p.PatientID(" 4711 ", "") != id || p.PatientID("4711\x00", "") != id {
		t.Error("padding makes another patient")
	}
	if p.PatientID("4712", "") == id || p.PatientID("4711", "OTHER") == id || p.PatientID("47", "11") == p.PatientID("4", "711") {
		t.Error("two patients became one")
	}
	if len(id) > 64 || strings.Contains(id, "4711") || p.PatientID("", "X") != "" {
		t.Errorf("pseudonym %q", id)
	}
	out, outcome := deidentified(t, p, part10(explicitLittle, append(slice(explicitLittle), at(0x0010, 0x0020, "LO", "4711"))))
	if got := value(parsed(t, out), tag.PatientID); got != id || outcome.PatientID != id {
		t.Errorf("PatientID %q, outcome %q, want %q", got, outcome.PatientID, id)
	}
}

func TestIntervalsSurviveAShift(t *testing.T) {
	p := profile(t, deidentify.Options{Dates: deidentify.ShiftDates})
	day := func(patient, study, date string) time.Time {
		d := append(slice(explicitLittle), at(0x0010, 0x0020, "LO", patient), at(0x0008, 0x0020, "DA", date), at(0x0008, 0x0030, "TM", "101112.5"),
			at(0x0008, 0x002A, "DT", date+"101112+0200"), at(0x0010, 0x0030, "DA", "19500102"))
		d = append(without(d, tag.StudyInstanceUID), at(0x0020, 0x000D, "UI", padUID(study)))
		out, _ := deidentified(t, p, part10(explicitLittle, d))
		got := parsed(t, out)
		if value(got, tag.StudyTime) != "101112.5" || value(got, tag.PatientBirthDate) != "" {
			t.Errorf("time %q, birth date %q", value(got, tag.StudyTime), value(got, tag.PatientBirthDate))
		}
		if dt := value(got, tag.AcquisitionDateTime); dt != value(got, tag.StudyDate)+"101112+0200" {
			t.Errorf("date time %q", dt)
		}
		when, err := time.Parse("20060102", value(got, tag.StudyDate))
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	before, after := day("A", "1.1", "20240228"), day("A", "1.2", "20240301")
	if d := after.Sub(before); d != 48*time.Hour {
		t.Errorf("two days became %v", d)
	}
	if before.Format("20060102") == "20240228" || !before.Before(time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("20240228 became %v", before)
	}
	if day("B", "1.3", "20240228").Equal(before) {
		t.Error("two patients were moved by the same")
	}
	// Without an ID, a study holds together.
	if !day("", "1.4", "20240228").Equal(day("", "1.4", "20240228")) || day("", "1.5", "20240228").Equal(day("", "1.4", "20240228")) {
		t.Error("studies without PatientID")
	}
}

func TestDates(t *testing.T) {
	for _, tt := range []struct {
		dates    deidentify.Dates
		in, want string
	}{
		{deidentify.RemoveDates, "20240228", ""},
		{deidentify.KeepDates, "20240228", "20240228"},
		{deidentify.KeepDates, "SMITH", ""},
		{deidentify.ShiftDates, "2024", ""},
		{deidentify.ShiftDates, "20241301", ""},
		{deidentify.ShiftDates, "20240101X", ""},
		{deidentify.ShiftDates, "00010101", ""},
		{deidentify.ShiftDates, "", ""},
	} {
		out, _ := deidentified(t, profile(t, deidentify.Options{Dates: tt.dates}), part10(explicitLittle, append(slice(explicitLittle), at(0x0008, 0x0020, "DA", tt.in))))
		if got := value(parsed(t, out), tag.StudyDate); got != tt.want {
			t.Errorf("%v: %q became %q, want %q", tt.dates, tt.in, got, tt.want)
		}
	}
}

func TestOptionsKeepWhatTheySay(t *testing.T) {
	d := append(slice(explicitLittle),
		at(0x0010, 0x0010, "PN", "A^B"), at(0x0010, 0x0040, "CS", "F"), at(0x0010, 0x1010, "AS", "071Y"), at(0x0010, 0x1030, "DS", "70.5"),
		at(0x0018, 0x1000, "LO", "serial 1"), at(0x0008, 0x1010, "SH", "CT ROOM"),
		at(0x0008, 0x103E, "LO", "L-Spine 1.0 bone, Dr. A"),
		at(0x0019, 0x0010, "LO", "GEMS_ACQU_01"), at(0x0019, 0x1002, "LO", "kept"), at(0x0019, 0x1003, "LO", "gone"),
		at(0x0019, 0x0011, "LO", "OTHER"), at(0x0019, 0x1102, "LO", "gone"))
	safe := []deidentify.PrivateAttribute{{Group: 0x0019, Creator: "GEMS_ACQU_01", Element: 2}}
	for _, tt := range []struct {
		opt  deidentify.Options
		want map[tag.Tag]string
	}{
		{deidentify.Options{}, map[tag.Tag]string{}},
		{deidentify.Options{PatientCharacteristics: true}, map[tag.Tag]string{tag.PatientSex: "F", tag.PatientAge: "071Y", tag.PatientWeight: "70.5"}},
		{deidentify.Options{DeviceIdentity: true}, map[tag.Tag]string{tag.DeviceSerialNumber: "serial 1", tag.StationName: "CT ROOM"}},
		{deidentify.Options{Words: []string{"Bone", "SPINE"}}, map[tag.Tag]string{tag.SeriesDescription: "Spine bone"}},
		{deidentify.Options{SafePrivate: safe}, map[tag.Tag]string{{Group: 0x19, Element: 0x10}: "GEMS_ACQU_01", {Group: 0x19, Element: 0x1002}: "kept"}},
	} {
		out, _ := deidentified(t, profile(t, tt.opt), part10(explicitLittle, d))
		got := parsed(t, out)
		for _, x := range d {
			if x.tag.Group == 0x0010 || x.tag.Group == 0x0019 || x.tag == tag.DeviceSerialNumber || x.tag == tag.StationName || x.tag == tag.SeriesDescription {
				if v := value(got, x.tag); v != tt.want[x.tag] {
					t.Errorf("%+v: %v is %q, want %q", tt.opt, x.tag, v, tt.want[x.tag])
				}
			}
		}
	}
}

// Functional groups mean an enhanced object, in which many attributes must have a
// value. PS3.15 E.1: Z and X only where the object stays conformant.
func TestEnhancedObjectsKeepTheirTypes(t *testing.T) {
	d := append(slice(explicitLittle), at(0x0008, 0x0023, "DA", "20240101"), at(0x0018, 0x1000, "LO", "serial"), at(0x0018, 0x1030, "LO", "protocol"))
	shared := sequence(tag.SharedFunctionalGroupsSequence, false, []element{at(0x0018, 0x9074, "DT", "20240101")})
	plain, _ := deidentified(t, profile(t, deidentify.Options{}), part10(explicitLittle, d))
	typed, _ := deidentified(t, profile(t, deidentify.Options{}), part10(explicitLittle, append(d, shared)))
	for a, want := range map[tag.Tag][2]string{
		tag.ContentDate:              {"", "19000101"},
		tag.DeviceSerialNumber:       {"", "ANONYMIZED"},
		tag.ProtocolName:             {"", "ANONYMIZED"},
		tag.FrameAcquisitionDateTime: {"", "19000101000000"},
	} {
		if got := [2]string{value(parsed(t, plain), a), value(parsed(t, typed), a)}; got != want {
			t.Errorf("%v: %q, want %q", a, got, want)
		}
	}
}

func TestASecondTimeChangesNothing(t *testing.T) {
	for _, syntax := range syntaxes {
		p := profile(t, deidentify.Options{Dates: deidentify.ShiftDates})
		once, first := deidentified(t, p, part10(syntax, append(slice(syntax), at(0x0008, 0x0020, "DA", "20240101"), at(0x0010, 0x0020, "LO", "4711"))))
		twice, second := deidentified(t, p, once)
		if !bytes.Equal(once, twice) || !second.Recognized || first.Recognized {
			t.Errorf("%s: the second time made another", syntax)
		}
		second.Recognized = false
		if fmt.Sprint(first) != fmt.Sprint(second) {
			t.Errorf("%s: %+v, then %+v", syntax, first, second)
		}
		// Other options, another secret, or another value: it is done again.
		if _, again := deidentified(t, profile(t, deidentify.Options{}), once); again.Recognized {
			t.Errorf("%s: recognized under other options", syntax)
		}
		if syntax == deflated {
			continue
		}
		changed := bytes.Replace(once, []byte("B60s"), []byte("SMIT"), 1)
		if _, again := deidentified(t, p, changed); again.Recognized {
			t.Errorf("%s: recognized after a change", syntax)
		}
	}
}

func TestRefused(t *testing.T) {
	class := func(uid string) []element {
		return append(without(slice(explicitLittle), tag.SOPClassUID), at(0x0008, 0x0016, "UI", padUID(uid)))
	}
	burned := func(d []element, v string) []element { return append(d, at(0x0028, 0x0301, "CS", v)) }
	for _, tt := range []struct {
		name string
		d    []element
		want deidentify.Reason
	}{
		{"burned in", burned(slice(explicitLittle), "YES"), deidentify.ReasonBurnedIn},
		{"burned in, oddly", burned(slice(explicitLittle), "yes"), deidentify.ReasonBurnedIn},
		{"not burned in", burned(slice(explicitLittle), "NO"), ""},
		{"secondary capture", class(captureClass), deidentify.ReasonSecondaryCapture},
		{"colour secondary capture", class(captureClass + ".4"), deidentify.ReasonSecondaryCapture},
		{"clean secondary capture", burned(class(captureClass), "NO"), ""},
		{"SR", class("1.2.840.10008.5.1.4.1.1.88.33"), deidentify.ReasonFreeText},
		{"PDF", class("1.2.840.10008.5.1.4.1.1.104.1"), deidentify.ReasonFreeText},
		{"presentation state", class("1.2.840.10008.5.1.4.1.1.11.1"), deidentify.ReasonFreeText},
		{"directory", class("1.2.840.10008.1.3.10"), deidentify.ReasonDirectory},
	} {
		var out bytes.Buffer
		_, err := profile(t, deidentify.Options{}).Instance(&out, bytes.NewReader(part10(explicitLittle, tt.d)))
		refused, _ := errors.AsType[*deidentify.RefusedError](err)
		switch {
		case tt.want == "" && err != nil, tt.want != "" && (refused == nil || refused.Reason != tt.want):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		case tt.want != "" && out.Len() > 0:
			t.Errorf("%s: %d bytes were written", tt.name, out.Len())
		case err != nil && !strings.HasPrefix(err.Error(), "instance 1.2.3.1: "):
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestFlags(t *testing.T) {
	imageType := func(v string) []element {
		return append(without(slice(explicitLittle), tag.ImageType), at(0x0008, 0x0008, "CS", v))
	}
	for _, tt := range []struct {
		d    []element
		want []deidentify.Flag
	}{
		{slice(explicitLittle), nil},
		{imageType(`DERIVED\SECONDARY\DOSE_INFO`), []deidentify.Flag{deidentify.FlagMayHaveText}},
		{append(imageType(`DERIVED\SECONDARY`), at(0x0028, 0x0301, "CS", "NO")), nil},
		{append(slice(explicitLittle), at(0x0028, 0x0302, "CS", "YES")), []deidentify.Flag{deidentify.FlagVisualFeatures}},
		{append(slice(explicitLittle), words(0x6000, 0x0102, explicitLittle, 12)), []deidentify.Flag{deidentify.FlagOverlayInPixels}},
		{append(slice(explicitLittle), words(0x6000, 0x0102, explicitLittle, 0)), nil},
	} {
		if _, out := deidentified(t, profile(t, deidentify.Options{}), part10(explicitLittle, tt.d)); !slices.Equal(out.Flags, tt.want) {
			t.Errorf("flags %v, want %v", out.Flags, tt.want)
		}
	}
}

func TestErrorsOfTheDicomPackage(t *testing.T) {
	whole := part10(explicitLittle, slice(explicitLittle))
	for name, tt := range map[string]struct {
		file []byte
		want dicom.Code
	}{
		"nothing":             {nil, dicom.CodeNotDICOM},
		"text":                {bytes.Repeat([]byte("SECRET7 text\n"), 50), dicom.CodeNotDICOM},
		"no instance UID":     {part10(explicitLittle, without(slice(explicitLittle), tag.SOPInstanceUID)), dicom.CodeMissingAttribute},
		"no class":            {part10(explicitLittle, without(slice(explicitLittle), tag.SOPClassUID)), dicom.CodeMissingAttribute},
		"class as text":       {part10(explicitLittle, append(without(slice(explicitLittle), tag.SOPClassUID), at(8, 0x16, "LO", padUID(ctClass)))), dicom.CodeMissingAttribute},
		"name for UID":        {part10(explicitLittle, append(without(slice(explicitLittle), tag.SOPInstanceUID), at(8, 0x18, "UI", marker))), dicom.CodeInvalidAttribute},
		"short pixel data":    {whole[:len(whole)-5], dicom.CodeTruncated},
		"fragments, native":   {part10(explicitLittle, append(without(slice(explicitLittle), tag.PixelData), element{tag: tag.PixelData, vr: "OB", fragments: [][]byte{nil}})), dicom.CodeMalformed},
		"deflated that stops": {part10(deflated, slice(deflated))[:400], dicom.CodeTruncated},
	} {
		_, err := profile(t, deidentify.Options{}).Instance(&bytes.Buffer{}, bytes.NewReader(tt.file))
		if err == nil || dicom.CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
			continue
		}
		quoteless(t, err)
	}
}

func TestNewChecksItsArguments(t *testing.T) {
	long := make([]byte, deidentify.MinSecret)
	for name, f := range map[string]func() error{
		"short secret": func() error { _, err := deidentify.New(long[1:], deidentify.Options{}); return err },
		"dates":        func() error { _, err := deidentify.New(long, deidentify.Options{Dates: 3}); return err },
		"word":         func() error { _, err := deidentify.New(long, deidentify.Options{Words: []string{"a b"}}); return err },
		"even group": func() error {
			_, err := deidentify.New(long, deidentify.Options{SafePrivate: []deidentify.PrivateAttribute{{Group: 0x10, Creator: "A"}}})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
