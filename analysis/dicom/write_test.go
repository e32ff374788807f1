// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicom_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
)

// tilted is a small prone volume with a gantry tilt of 12° and every kind of
// attenuation.
func tilted() *volume.Volume {
	sin, cos := math.Sincos(12 * math.Pi / 180)
	v := volume.New(volume.Geometry{
		Columns: 7, Rows: 5, Slices: 4,
		Origin: r3.Vec{X: 101.2345678, Y: -87.6, Z: -1234.5678},
		Column: r3.Vec{X: -0.7},
		Row:    r3.Vec{Y: -0.7 * cos, Z: 0.7 * sin},
		Slice:  r3.Vec{Z: 1.25 / cos},
	})
	for i := range v.Samples {
		v.Samples[i] = int16(37*i%4000 - 1024)
	}
	v.Acquisition = volume.Acquisition{
		SliceThickness: 2.5, KVP: 120, ConvolutionKernel: "SOFT", ContrastAgent: "IODINE",
		PatientPosition: "HFP", BodyPart: "SPINE", Manufacturer: "PHANTOM",
	}
	return v
}

func write(t *testing.T, v *volume.Volume) (instances [][]byte, uids dicom.UIDs) {
	t.Helper()
	uids, err := dicom.WriteCT(v, dicom.SyntheticCT{Study: "s", FrameOfReference: "f", Number: 3}, func(k int, b []byte) error {
		if k != len(instances) {
			t.Errorf("instance %d written in place %d", k, len(instances))
		}
		instances = append(instances, bytes.Clone(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return instances, uids
}

func TestWrittenSeriesReadsBack(t *testing.T) {
	want := tilted()
	instances, uids := write(t, want)
	var sources []dicom.Source
	for k, b := range slices.Backward(instances) {
		sources = append(sources, memory(fmt.Sprint(k), b))
	}
	got := one(t, sources, dicom.Options{})
	close := cmpopts.EquateApprox(0, 1e-9)
	if diff := cmp.Diff(want, got.Volume, close); diff != "" {
		t.Errorf("volume (-want +got):\n%s", diff)
	}
	if got.SeriesInstanceUID != uids.SeriesInstanceUID || got.StudyInstanceUID != uids.StudyInstanceUID {
		t.Errorf("UIDs = %s, %s, want %+v", got.StudyInstanceUID, got.SeriesInstanceUID, uids)
	}
}

func TestSameVolumeSameBytes(t *testing.T) {
	a, _ := write(t, tilted())
	b, _ := write(t, tilted())
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error("two writings differ")
	}
	v := tilted()
	v.Samples[3]++
	_, other := write(t, v)
	_, uids := write(t, tilted())
	if other.SeriesInstanceUID == uids.SeriesInstanceUID {
		t.Error("another volume has the same SeriesInstanceUID")
	}
	if other.StudyInstanceUID != uids.StudyInstanceUID {
		t.Error("the study of the same name has another UID")
	}
}

func TestWriteRefusesWhatDoesNotFit(t *testing.T) {
	v := tilted()
	v.Samples = v.Samples[1:]
	if _, err := dicom.WriteCT(v, dicom.SyntheticCT{}, nil); err == nil {
		t.Error("samples fewer than voxels were written")
	}
}

// Programs of others judge the files: refuses is what their output must not
// hold, wants what it must.
func TestOthersAcceptWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	instances, _ := write(t, tilted())
	for k, b := range instances {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.dcm", k)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first := filepath.Join(dir, "0.dcm")
	for _, tt := range []struct {
		program string
		args    []string
		refuses string
		wants   string
	}{
		{"dciodvfy", []string{first}, "Error", ""},
		{"dcmftest", []string{first}, "no:", "yes"},
		{"gdcminfo", []string{first}, "Could not", "Origin: (101.235,-87.6,-1234.57)"},
		{"dcm2niix", []string{"-f", "out", dir}, "Error", "Convert 4 DICOM"},
	} {
		t.Run(tt.program, func(t *testing.T) {
			path, err := exec.LookPath(tt.program)
			if err != nil {
				t.Skip(err)
			}
			out, _ := exec.CommandContext(t.Context(), path, tt.args...).CombinedOutput()
			if strings.Contains(string(out), tt.refuses) || !strings.Contains(string(out), tt.wants) {
				t.Errorf("%s says:\n%s", tt.program, out)
			}
		})
	}
}
