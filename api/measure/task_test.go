// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/report"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/measure"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// spineOf writes a CT of T12 to L2 whose L1 has lost height.
func spineOf(t testing.TB, patient, date string, lossPercent float64) (folder string, files []measure.InstanceFile) {
	t.Helper()
	folder = t.TempDir()
	s := phantom.Random(rand.New(rand.NewPCG(1, 0)), phantom.Options{
		Fractures: map[spine.Level]phantom.Deformity{spine.L1: phantom.Fracture(phantom.Wedge, lossPercent)},
	})
	scan := s.Cover(spine.T12, spine.L2, 10, 100, 1, 2)
	scan.Noise = 15
	made := dicom.SyntheticCT{Study: patient + date, FrameOfReference: patient + date, PatientID: patient, Date: date}
	_, err := dicom.WriteCT(s.CT(scan), made, func(k int, instance []byte) error {
		path := filepath.Join(folder, fmt.Sprintf("%d.dcm", k))
		sum := sha256.Sum256(instance)
		files = append(files, measure.InstanceFile{SOPInstanceUID: fmt.Sprintf("1.2.%d", k), Path: path, SHA256: sum[:]})
		return os.WriteFile(path, instance, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder, files
}

func do(t testing.TB, task measure.Task) *measure.Done {
	t.Helper()
	r := measure.Runner{
		Command: measure.Command{Env: append(os.Environ(), childMode+"=do")},
		Limits:  measure.Limits{Memory: 2 << 30, Time: time.Minute},
	}
	done, err := r.Do(t.Context(), &task, func(string, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// A child measures what a command measures.
func TestAChildMeasuresTheSame(t *testing.T) {
	folder, files := spineOf(t, "A", "20200101", 40)
	request := measure.Request{Paths: []string{folder}, Jobs: 1, Observer: measure.Observer{
		Scanned: func(int) {}, Stage: func(string, string, float64) {}, Measured: func(string, time.Duration) {},
	}}
	r, err := request.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.Algorithm, r.Version = "endplate", "test"
	want := convert.Report(r.Report)
	if len(want.GetAnalyses()) != 1 || len(want.GetAnalyses()[0].GetVertebrae()) < 3 {
		t.Fatalf("the command measured %v", want)
	}
	want.Analyses[0].Path = ""

	done := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}})
	got := &endplatev1.Report{}
	if err := proto.Unmarshal(done.Report, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}

	stored, err := done.Stored.Decode()
	if err != nil || len(stored) != 1 {
		t.Fatalf("stored: %d, %v", len(stored), err)
	}
	again := convert.Report(&report.Report{
		Algorithm: "endplate", Version: "test", Examinations: []report.Examination{stored[0].Examination()},
	})
	if diff := cmp.Diff(want, again, protocmp.Transform()); diff != "" {
		t.Errorf("report of what is stored (-want +got):\n%s", diff)
	}

	t.Run("a fixed level", func(t *testing.T) {
		c := want.GetAnalyses()[0].GetVertebrae()[1].GetCenter()
		options, err := measure.EncodeMessage(&endplatev1.AnalysisOptions{
			FixedLevel: &endplatev1.FixedLevel{Level: endplatev1.Level_L4, Position: c},
		})
		if err != nil {
			t.Fatal(err)
		}
		done := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files, Options: options}})
		got := &endplatev1.Report{}
		if err := proto.Unmarshal(done.Report, got); err != nil {
			t.Fatal(err)
		}
		if l := got.GetAnalyses()[0].GetVertebrae()[1].GetLevel(); l != endplatev1.Level_L4 {
			t.Errorf("level = %v, want L4", l)
		}
	})

	t.Run("comparisons", func(t *testing.T) {
		_, files := spineOf(t, "A", "20200301", 15)
		after := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}}).Stored
		compared := do(t, measure.Task{Compare: &measure.CompareTask{Examinations: []measure.Stored{after, done.Stored}}})
		got := &endplatev1.ComparisonReport{}
		if err := proto.Unmarshal(compared.Report, got); err != nil {
			t.Fatal(err)
		}
		if len(got.GetComparisons()) != 1 || len(got.GetComparisons()[0].GetVertebrae()) < 3 {
			t.Errorf("comparison = %v; %s", got, compared.Text)
		}

		_, files = spineOf(t, "B", "20200301", 15)
		other := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}}).Stored
		compared = do(t, measure.Task{Compare: &measure.CompareTask{Examinations: []measure.Stored{done.Stored, other}}})
		if compared.Reason != fault.OtherPatient || compared.Text == "" || compared.Report != nil {
			t.Errorf("different patients: %q, %q", compared.Reason, compared.Text)
		}
		options, err := measure.EncodeMessage(&endplatev1.ComparisonOptions{Force: true})
		if err != nil {
			t.Fatal(err)
		}
		compared = do(t, measure.Task{Compare: &measure.CompareTask{Examinations: []measure.Stored{done.Stored, other}, Options: options}})
		if compared.Reason != "" {
			t.Errorf("different patients by force: %q, %q", compared.Reason, compared.Text)
		}
	})

	t.Run("changed bytes", func(t *testing.T) {
		if err := os.WriteFile(files[1].Path, []byte("something else"), 0o600); err != nil {
			t.Fatal(err)
		}
		done := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}})
		if done.Reason != fault.StoredDataCorrupt || done.Report != nil {
			t.Errorf("reason = %q, want %q", done.Reason, fault.StoredDataCorrupt)
		}
	})
}

// What cannot be read is a result that says so.
func TestUnreadableFilesAreSkipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, append(make([]byte, 128), "DICM and nothing of it"...), 0o600); err != nil {
		t.Fatal(err)
	}
	done := do(t, measure.Task{Measure: &measure.MeasureTask{Files: []measure.InstanceFile{{SOPInstanceUID: "1.2.3", Path: path}}}})
	r := &endplatev1.Report{}
	if err := proto.Unmarshal(done.Report, r); err != nil {
		t.Fatal(err)
	}
	if done.Reason != "" || len(r.GetAnalyses()) != 0 || len(r.GetSkipped()) != 1 || r.GetSkipped()[0].GetPath() != "" {
		t.Errorf("report = %v, reason %q", r, done.Reason)
	}
}

// What a child costs beside the measuring.
func BenchmarkChild(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x")
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		b.Fatal(err)
	}
	task := measure.Task{Measure: &measure.MeasureTask{Files: []measure.InstanceFile{{SOPInstanceUID: "1.2.3", Path: path}}}}
	for b.Loop() {
		do(b, task)
	}
}
