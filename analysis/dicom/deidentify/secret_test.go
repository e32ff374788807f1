// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package deidentify_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/deidentify"
)

// marker is what must not survive. Numbers and dates carry it too, and it is text
// that any VR could be taken for.
const marker = "SECRET7"

// spellings are the ways in which the marker may still be there.
func spellings() [][]byte {
	var wide, wideBig []byte
	for _, c := range []byte(marker) {
		wide, wideBig = append(wide, c, 0), append(wideBig, 0, c)
	}
	var swapped []byte
	for i := 0; i+1 < len(marker); i += 2 {
		swapped = append(swapped, marker[i+1], marker[i])
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(marker))
	return [][]byte{[]byte(marker), []byte(strings.ToLower(marker)), wide, wideBig, swapped, []byte(encoded[:8])}
}

// listed are the attributes of the table, from its own text.
func listed(t *testing.T) map[tag.Tag]string {
	t.Helper()
	b, err := os.ReadFile("basic_profile.txt")
	if err != nil {
		t.Fatal(err)
	}
	actions := map[tag.Tag]string{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		n, err := strconv.ParseUint(f[0], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		actions[tag.Tag{Group: uint16(n >> 16), Element: uint16(n)}] = f[1]
	}
	return actions
}

// planted returns an element with the marker, in the VR that the dictionary has or
// that is given.
func planted(t tag.Tag, vr string) element {
	if vr == "" {
		vr = "LO"
		if info, err := tag.Find(t); err == nil {
			vr = info.VRs[0]
		}
	}
	if vr == "SQ" {
		return sequence(t, t.Element%2 == 0, []element{
			at(0x0008, 0x103E, "LO", marker), at(0x0008, 0x1155, "UI", marker+"\x00"), at(0x0009, 0x1001, "LO", marker), at(0x0040, 0xA123, "PN", marker+"^A"),
		})
	}
	return at(t.Group, t.Element, vr, marker)
}

// plants returns elements that hold the marker: every attribute of the table, some
// of those of VRs that are not kept unlisted, private ones, curves, overlays,
// unknown ones, wrong VRs; at the top, or in a sequence.
func plants(t *testing.T) []element {
	var all []element
	for _, a := range slices.SortedFunc(maps.Keys(listed(t)), tag.Tag.Compare) {
		if a.Group <= 0x0006 || a == tag.SOPInstanceUID || a == tag.StudyInstanceUID || a == tag.SeriesInstanceUID || a == tag.FrameOfReferenceUID {
			continue
		}
		all = append(all, planted(a, ""))
	}
	all = append(all, []element{
		at(0x0008, 0x0001, "UL", marker+" "), // length to end, retired
		at(0x0008, 0x0000, "UL", marker),     // group length of a wrong length
		at(0x0008, 0x1190, "UR", marker),     // RetrieveURL, unlisted
		at(0x0008, 0x0119, "UC", marker),     // LongCodeValue
		at(0x0040, 0xA160, "UT", marker),     // TextValue
		at(0x0014, 0x1020, "DA", marker),     // ExpiryDate, unlisted
		at(0x0020, 0x1041, "DS", marker),     // SliceLocation, no number
		at(0x0018, 0x1150, "IS", marker),     // ExposureTime, no number
		at(0x0018, 0x1151, "LT", marker),     // XRayTubeCurrent in a VR for text
		at(0x0028, 0x0120, "LO", marker),     // PixelPaddingValue in a VR for text
		at(0x0028, 0x0106, "US", marker),     // SmallestImagePixelValue, too many
		at(0x0028, 0x0107, "SS", marker+"\x00"),
		at(0x0018, 0x0090, "PN", marker),        // DataCollectionDiameter as a name
		at(0x0008, 0x1167, "UN", marker+" "),    // unknown to dictionaries
		at(0x0012, 0x0063, "LO", marker),        // from an earlier de-identification
		at(0x0011, 0x0010, "LO", marker),        // private creator
		at(0x0011, 0x1001, "LO", marker),        // private
		at(0x0011, 0x1002, "UN", marker),        // private
		at(0x0029, 0x1010, "OB", marker+"\x00"), // private header of a vendor
		at(0x5000, 0x3000, "OW", marker+"\x00"),
		at(0x5004, 0x2500, "LO", marker),
		at(0x6000, 0x3000, "OW", marker+"\x00"),
		at(0x6000, 0x0022, "LO", marker),
		at(0x60F0, 0x1500, "LO", marker),
		at(0x0019, 0x0010, "LO", marker),
		at(0x3333, 0x0001, "ST", marker),
		at(0x0002, 0x0016, "AE", marker), // meta information where it should not be
		at(0xFFFA, 0xFFF0, "LO", marker),
	}...)
	nest := slices.Clone(all)
	return append(all,
		sequence(tag.Tag{Group: 0x0013, Element: 0x1001}, true, []element{at(0x0013, 0x1001, "LO", marker)}),
		sequence(tag.ReferencedRawDataSequence, true, []element{sequence(tag.ReferencedSeriesSequence, false, nest)}, nest),
		sequence(tag.AnatomicRegionSequence, false, nest),
		element{tag: tag.PrimaryAnatomicStructureSequence, vr: "UN", items: [][]element{nest}, undefined: true},
		element{tag: tag.ViewCodeSequence, vr: "UN", items: [][]element{nest}},
	)
}

// file makes a file full of markers, also where no element is.
func file(syntax string, d []element) []byte {
	b := part10(syntax, d,
		at(0x0002, 0x0013, "SH", marker), at(0x0002, 0x0016, "AE", marker), at(0x0002, 0x0017, "AE", marker),
		at(0x0002, 0x0102, "OB", marker+"\x00"), at(0x0002, 0x0100, "UI", "1.2\x00"))
	copy(b, marker)
	return append(b, marker...)
}

func TestNoPlantedSecretSurvives(t *testing.T) {
	options := map[string]deidentify.Options{
		"basic":           {},
		"shifted dates":   {Dates: deidentify.ShiftDates},
		"kept dates":      {Dates: deidentify.KeepDates},
		"descriptions":    {Words: []string{"axial", "spine"}},
		"safe private":    {SafePrivate: []deidentify.PrivateAttribute{{Group: 0x0019, Creator: "GEMS_ACQU_01", Element: 2}}},
		"several options": {Dates: deidentify.ShiftDates, Words: []string{"bone"}},
	}
	for _, syntax := range syntaxes {
		for name, opt := range options {
			t.Run(syntax+" "+name, func(t *testing.T) {
				p := profile(t, opt)
				d := append(slice(syntax), plants(t)...)
				if syntax == explicitBig {
					d = slices.DeleteFunc(d, func(x element) bool { return x.vr == "UN" && x.undefined })
				}
				in := file(syntax, d)
				out, _ := deidentified(t, p, in)
				out = inflate(t, syntax, out)
				for _, s := range spellings() {
					if i := bytes.Index(out, s); i >= 0 {
						t.Errorf("%q survives at byte %d: %q", s, i, out[max(0, i-40):min(len(out), i+40)])
					}
				}
				if _, pixels, _ := bytes.Cut(out, pixelBytes[:16]); !bytes.Contains(pixels, pixelBytes[16:]) {
					t.Error("the pixel data did not survive")
				}
			})
		}
	}
}

// The test above is worth something only if the markers are found where nothing is
// done.
func TestMarkersAreThereBefore(t *testing.T) {
	for _, syntax := range syntaxes {
		in := inflate(t, syntax, file(syntax, append(slice(syntax), plants(t)...)))
		if n := bytes.Count(in, []byte(marker)); n < 1000 {
			t.Errorf("%s: %d markers", syntax, n)
		}
	}
}

// Each attribute alone, so that none hides behind another's error or order.
func TestEveryListedAttribute(t *testing.T) {
	p := profile(t, deidentify.Options{})
	for a, action := range listed(t) {
		if a.Group <= 0x0006 {
			continue
		}
		for _, vr := range []string{"", "LO", "UT", "UN", "OB"} {
			x := planted(a, vr)
			d := append(without(slice(explicitLittle), a), x)
			if a == tag.SOPInstanceUID && vr != "" {
				continue // an instance needs it
			}
			var out bytes.Buffer
			_, err := p.Instance(&out, bytes.NewReader(part10(explicitLittle, d)))
			if err != nil {
				// The marker is no sequence, nor a SOP Instance UID.
				if action != "X/Z/U*" && a != tag.SOPInstanceUID {
					t.Errorf("%v as %s (%s): %v", a, x.vr, action, err)
				}
				quoteless(t, err)
				continue
			}
			if bytes.Contains(out.Bytes(), []byte(marker)) {
				t.Errorf("%v as %s (%s) survives", a, x.vr, action)
			}
		}
	}
}

// quoteless makes sure that an error quotes no value, also not as numbers.
func quoteless(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	for i := range len(marker) - 3 {
		piece := []byte(marker[i : i+4])
		for _, n := range []uint32{binary.LittleEndian.Uint32(piece), binary.BigEndian.Uint32(piece)} {
			for _, s := range []string{string(piece), fmt.Sprint(n), fmt.Sprintf("%x", n)} {
				if strings.Contains(text, s) {
					t.Errorf("error quotes %q: %s", piece, text)
				}
			}
		}
	}
	for i := range len(marker) - 1 {
		pair := fmt.Sprintf("%02x%02x", marker[i+1], marker[i])
		if strings.Contains(text, pair) {
			t.Errorf("error quotes %s: %s", pair, text)
		}
	}
}

func TestTableIsWhole(t *testing.T) {
	counts := map[string]int{}
	for _, action := range listed(t) {
		counts[action]++
	}
	// The rows that the table held when it was transcribed, without the three of patterns:
	// no edit loses one.
	want := map[string]int{"D": 92, "Z": 42, "X": 380, "U": 54, "Z/D": 6, "X/Z": 11, "X/D": 22, "X/Z/D": 8, "X/Z/U*": 2}
	for action, n := range want {
		if counts[action] != n {
			t.Errorf("%d rows of %s, want %d", counts[action], action, n)
		}
	}
	if len(counts) != len(want) {
		t.Errorf("actions %v", fmt.Sprint(counts))
	}
}
