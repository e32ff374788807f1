// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
)

// TestOdd reads pydicom's collection of odd files: none is a CT series, and each
// must be given a clear answer. An empty code means that it reads.
func TestOdd(t *testing.T) {
	for name, want := range map[string]dicom.Code{
		"CT_small.dcm":                             "",
		"ExplVR_BigEnd.dcm":                        dicom.CodeUnsupportedObject, // US
		"ExplVR_BigEndNoMeta.dcm":                  dicom.CodeUnsupportedObject, // RTPLAN
		"ExplVR_LitEndNoMeta.dcm":                  dicom.CodeUnsupportedObject, // RTPLAN
		"J2K_pixelrep_mismatch.dcm":                "",
		"JPEG-lossy.dcm":                           dicom.CodeUnsupportedObject, // NM
		"JPEG2000-embedded-sequence-delimiter.dcm": dicom.CodeUnsupportedObject, // NM
		"JPEG2000.dcm":                             dicom.CodeUnsupportedObject, // NM
		"JPGExtended.dcm":                          dicom.CodeUnsupportedObject, // NM
		"MR_truncated.dcm":                         dicom.CodeUnsupportedObject,
		"UN_sequence.dcm":                          dicom.CodeMissingAttribute,  // holds nothing but a sequence
		"badVR.dcm":                                dicom.CodeUnsupportedObject, // RTDOSE
		"empty_charset_LEI.dcm":                    dicom.CodeMissingAttribute,  // holds no SOPClassUID
		"image_dfl.dcm":                            "",                          // a secondary capture, named by the user
		"liver_1frame.dcm":                         dicom.CodeUnsupportedObject, // SEG
		"meta_missing_tsyntax.dcm":                 dicom.CodeMissingAttribute,  // holds private elements only
		"nested_priv_SQ.dcm":                       dicom.CodeMissingAttribute,  // likewise
		"no_meta.dcm":                              dicom.CodeNotDICOM,          // begins one byte before its data set
		"no_meta_group_length.dcm":                 dicom.CodeMissingAttribute,
		"reportsi.dcm":                             dicom.CodeUnsupportedObject, // SR
		"rtplan_truncated.dcm":                     dicom.CodeUnsupportedObject,
		"test-SR.dcm":                              dicom.CodeUnsupportedObject,
	} {
		s := sharedFile(t, "dicom", "odd", name)
		skipped := guarded(t, s, int(s.Size)+(16<<20)) // with room for a decoder
		var got dicom.Code
		if len(skipped) == 1 {
			got = skipped[0].Code
		}
		if got != want || len(skipped) > 1 {
			t.Errorf("%s: %q, want %q: %+v", name, got, want, skipped)
		}
	}
}

// TestTransferSyntaxes compares all variants of one slice with the uncompressed
// one. The bounds of the lossy ones are those of the shared data's README.
func TestTransferSyntaxes(t *testing.T) {
	for _, tt := range []struct {
		dir, reference string
		lossy          map[string]int // substring of the name to the largest difference, HU
		ignore         []string
	}{
		{
			dir: "transfer-syntaxes", reference: "CTImage.dcm",
			lossy:  map[string]int{"JPEGLSLossy": 1, "1.2.4.91": 5},
			ignore: []string{"1.2.4.50", "1.2.4.51", "1.2.4.53", "1.2.4.55", "baseline.51", "no-pixel"}, // DCT clips, other images
		},
		{dir: "nema-ct", reference: "CT1_UNC", ignore: []string{"CT2", "J2KI", "JLSN"}},
		{dir: "nema-ct", reference: "CT2_UNC", ignore: []string{"CT1", "J2KI", "JLSN"}},
	} {
		want := one(t, []dicom.Source{sharedFile(t, "dicom", tt.dir, tt.reference)}, dicom.Options{MinSlices: 1})
		entries, err := os.ReadDir(filepath.Join(shared(t), "dicom", tt.dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if slices.ContainsFunc(tt.ignore, func(s string) bool { return strings.Contains(e.Name(), s) }) {
				continue
			}
			t.Run(e.Name(), func(t *testing.T) {
				series, skipped := read(t, []dicom.Source{sharedFile(t, "dicom", tt.dir, e.Name())}, dicom.Options{MinSlices: 1})
				if len(series) == 0 {
					t.Fatal(skipped)
				}
				allowed := 0
				for name, d := range tt.lossy {
					if strings.Contains(e.Name(), name) {
						allowed = d
					}
				}
				if d := largestDifference(want.Volume.Samples, series[0].Volume.Samples); d > allowed {
					t.Errorf("differs by up to %d HU, want at most %d", d, allowed)
				}
			})
		}
	}
}

func largestDifference(a, b []int16) int {
	if len(a) != len(b) {
		return math.MaxInt
	}
	d := 0
	for i := range a {
		d = max(d, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return d
}

// TestRealSeries has the geometry that dcmdump shows in the first and the last
// slice of each series.
func TestRealSeries(t *testing.T) {
	for _, tt := range []struct {
		path        string
		slices      int
		first, last r3.Vec
		codes       []dicom.Code
	}{
		{"ct/lidc1", 133, r3.Vec{X: -166, Y: -171.7, Z: -340}, r3.Vec{X: -166, Y: -171.7, Z: -10}, nil},
		{"ct/petct2", 99, r3.Vec{X: -250, Y: -250, Z: -846.25}, r3.Vec{X: -250, Y: -250, Z: -429.75}, nil},
		{"ct/colon", 100, r3.Vec{X: -228.8, Y: -220, Z: -236.5}, r3.Vec{X: -228.8, Y: -220, Z: 11}, nil},
		{"dicom/tilt-philips-18.5", 54, r3.Vec{X: -123.5, Y: -15.641, Z: 742.345}, r3.Vec{X: -123.5, Y: -15.641, Z: 874.845}, []dicom.Code{dicom.CodeGantryTilt}},
		{"dicom/tilt-ge-variable", 28, r3.Vec{X: -125, Y: -123.54, Z: 5.836}, r3.Vec{X: -125, Y: -123.54, Z: 157.776},
			[]dicom.Code{dicom.CodeGantryTilt, dicom.CodeUnevenSlices, dicom.CodeSliceGap}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			fsys := os.DirFS(filepath.Join(shared(t), filepath.FromSlash(tt.path)))
			catalog, err := dicom.Scan(t.Context(), dicom.Files(fsys, "."), dicom.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer catalog.Close()
			if len(catalog.Stacks) != 1 || len(catalog.Skipped) != 0 {
				t.Fatalf("%d stacks, skipped %+v", len(catalog.Stacks), catalog.Skipped)
			}
			s := catalog.Stacks[0]
			var got []dicom.Code
			for _, w := range s.Warnings {
				got = append(got, w.Code)
			}
			if s.Geometry.Slices != tt.slices || !slices.Equal(got, tt.codes) {
				t.Errorf("%d slices, warnings %v; want %d, %v", s.Geometry.Slices, got, tt.slices, tt.codes)
			}
			const tolerance = 1e-3 // mm
			if d := r3.Norm(r3.Sub(s.Geometry.Position(0, 0, 0), tt.first)); d > tolerance {
				t.Errorf("first slice at %v, want %v", s.Geometry.Position(0, 0, 0), tt.first)
			}
			if p := s.Geometry.Position(0, 0, float64(tt.slices-1)); r3.Norm(r3.Sub(p, tt.last)) > tolerance {
				t.Errorf("last slice at %v, want %v", p, tt.last)
			}
		})
	}
}

// TestEnhancedCT reads an Enhanced CT of two frames, of which the second lies
// first: (99.5, -301.5, -149) and 10 mm inferior of it, by dcmdump.
func TestEnhancedCT(t *testing.T) {
	got := one(t, []dicom.Source{sharedFile(t, "dicom", "enhanced", "eCT_Supplemental.dcm")}, dicom.Options{MinSlices: 2})
	g := got.Volume.Geometry
	if g.Slices != 2 || g.Columns != 512 || g.Rows != 512 {
		t.Errorf("%+v", g)
	}
	const tolerance = 1e-3 // mm
	for k, want := range []r3.Vec{{X: 99.5, Y: -301.5, Z: -149}, {X: 99.5, Y: -301.5, Z: -159}} {
		if p := g.Position(0, 0, float64(k)); r3.Norm(r3.Sub(p, want)) > tolerance {
			t.Errorf("slice %d at %v, want %v", k, p, want)
		}
	}
}

// TestAgainstDcm2niix converts series by dcm2niix and compares voxel by voxel, each
// by its position in the patient.
func TestAgainstDcm2niix(t *testing.T) {
	if _, err := exec.LookPath("dcm2niix"); err != nil {
		t.Skip("needs dcm2niix")
	}
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	for _, name := range []string{"lidc1", "petct2", "colon"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(shared(t), "ct", name)
			out := t.TempDir()
			if b, err := exec.Command("dcm2niix", "-z", "n", "-b", "n", "-f", "v", "-o", out, dir).CombinedOutput(); err != nil {
				t.Fatalf("dcm2niix: %v\n%s", err, b)
			}
			b, err := os.ReadFile(filepath.Join(out, "v.nii"))
			if err != nil {
				t.Fatal(err)
			}
			series, _, err := dicom.ReadSeries(t.Context(), dicom.Files(os.DirFS(dir), "."), dicom.Options{})
			if err != nil || len(series) != 1 {
				t.Fatal(len(series), err)
			}
			compareNIfTI(t, b, series[0])
		})
	}
}

// compareNIfTI compares every 7th voxel of a NIfTI-1 file of 16-bit integers, whose
// affine maps to RAS, with a series.
func compareNIfTI(t *testing.T, b []byte, s *dicom.Series) {
	t.Helper()
	u16 := func(at int) int { return int(int16(binary.LittleEndian.Uint16(b[at:]))) }
	f32 := func(at int) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[at:]))) }
	ni, nj, nk := u16(42), u16(44), u16(46)
	const int16Type = 4
	if u16(70) != int16Type {
		t.Fatalf("data type %d", u16(70))
	}
	offset, slope, intercept := int(f32(108)), f32(112), f32(116)
	v := s.Volume
	ix := v.Indexer()
	const stride = 7
	compared := 0
	for n := 0; n < ni*nj*nk; n += stride {
		i, j, k := n%ni, n/ni%nj, n/(ni*nj)
		var ras [3]float64
		for r := range ras {
			row := 280 + 16*r
			ras[r] = f32(row)*float64(i) + f32(row+4)*float64(j) + f32(row+8)*float64(k) + f32(row+12)
		}
		x, y, z := ix.Index(r3.Vec{X: -ras[0], Y: -ras[1], Z: ras[2]})
		ours := [3]int{int(math.Round(x)), int(math.Round(y)), int(math.Round(z))}
		const tolerance = 0.05 // voxels
		if math.Abs(x-float64(ours[0]))+math.Abs(y-float64(ours[1]))+math.Abs(z-float64(ours[2])) > tolerance {
			t.Fatalf("voxel (%d, %d, %d) falls between ours: %.3f %.3f %.3f", i, j, k, x, y, z)
		}
		want := math.Round(slope*float64(u16(offset+2*n)) + intercept)
		got := v.Samples[(ours[2]*v.Rows+ours[1])*v.Columns+ours[0]]
		if float64(got) != want && want >= -1024 { // below is padding, which dcm2niix keeps
			t.Fatalf("voxel (%d, %d, %d): %d HU, dcm2niix has %g", i, j, k, got, want)
		}
		compared++
	}
	t.Logf("%d voxels agree", compared)
}
