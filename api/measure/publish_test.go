// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/measure"
)

// published makes the objects of a task in a folder of their own, and returns the bytes
// of each by its kind and place.
func published(t testing.TB, task measure.PublishTask) (objects map[string][]byte, done *measure.Done) {
	t.Helper()
	task.Folder = t.TempDir()
	done = do(t, measure.Task{Publish: &task})
	objects = map[string][]byte{}
	for i, o := range done.Objects {
		b, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		objects[o.Kind+string(rune('0'+i))] = b
	}
	return objects, done
}

// values returns the values of an attribute in each object.
func values(t testing.TB, objects map[string][]byte, of tag.Tag) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, b := range objects {
		f, err := dataset.Read(bytes.NewReader(b), -1, dataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		all[name] = f.Value(of)
	}
	return all
}

func TestPublish(t *testing.T) {
	t.Parallel()
	_, files := spineOf(t, "A", "20200101", 40)
	measured := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}})
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	automatic := measure.Revision{CreatedAt: at}
	task := measure.PublishTask{Files: files, Stored: measured.Stored, Kinds: measure.Kinds(), Revisions: []measure.Revision{automatic}}
	first, done := published(t, task)
	if done.Reason != "" || len(first) < len(measure.Kinds()) {
		t.Fatalf("%d objects: %s %s", len(first), done.Reason, done.Text)
	}
	if again, _ := published(t, task); !maps.EqualFunc(first, again, bytes.Equal) {
		t.Error("the same task made other bytes")
	}
	uids := values(t, first, tag.SOPInstanceUID)
	if n := len(slices.Compact(slices.Sorted(maps.Values(uids)))); n != len(uids) {
		t.Errorf("%d UIDs of %d objects", n, len(uids))
	}
	// Made later they are the same objects, at another time.
	later := task
	later.Kinds = []string{"sr", "seg"} // which take less time than pictures
	later.Revisions = []measure.Revision{{CreatedAt: at.Add(time.Hour)}}
	objects, _ := published(t, later)
	for name, uid := range values(t, objects, tag.SOPInstanceUID) {
		if uid != uids[name] {
			t.Errorf("the UID of %s depends on the time", name)
		}
	}
	corrected := func(corrections string) map[string][]byte {
		c := later
		c.Revisions = []measure.Revision{automatic, {Author: "reader", CreatedAt: at.Add(time.Hour), Corrections: []byte(corrections)}}
		objects, _ := published(t, c)
		return objects
	}
	second, other := corrected("a"), corrected("b")
	if series := values(t, objects, tag.SeriesInstanceUID); !maps.Equal(series, values(t, second, tag.SeriesInstanceUID)) {
		t.Error("a revision has series of its own")
	}
	for name, uid := range values(t, second, tag.SOPInstanceUID) {
		if uid == uids[name] || uid == values(t, other, tag.SOPInstanceUID)[name] {
			t.Errorf("%s has the UID of another revision", name)
		}
	}
	report, err := dataset.Read(bytes.NewReader(second["sr0"]), -1, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := report.Item(tag.PredecessorDocumentsSequence).Item(tag.ReferencedSeriesSequence).Item(tag.ReferencedSOPSequence)
	if got := before.Value(tag.ReferencedSOPInstanceUID); got != uids["sr0"] {
		t.Errorf("the report's predecessor is %q, want %s", got, uids["sr0"])
	}
}

func TestPublishSomeKinds(t *testing.T) {
	t.Parallel()
	_, files := spineOf(t, "A", "20200101", 40)
	measured := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}})
	task := measure.PublishTask{Files: files, Stored: measured.Stored, Kinds: []string{"seg"}, Revisions: make([]measure.Revision, 1)}
	if objects, done := published(t, task); len(objects) != 1 || done.Objects[0].Kind != "seg" {
		t.Errorf("objects %v", done.Objects)
	}
	task.Stored.Results = task.Stored.Results[:100]
	if _, done := published(t, task); done.Reason != fault.StoredDataCorrupt || len(done.Objects) != 0 {
		t.Errorf("of damaged results: %+v", done)
	}
	task.Stored = measured.Stored
	if err := os.WriteFile(files[0].Path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, done := published(t, task); done.Reason != fault.StoredDataCorrupt || len(done.Objects) != 0 {
		t.Errorf("of damaged images: %+v", done)
	}
}

// Points that others have set in images are refused for that reason.
func TestPointsInImagesAreRefused(t *testing.T) {
	t.Parallel()
	folder, files := spineOf(t, "A", "20200101", 40)
	measured := do(t, measure.Task{Measure: &measure.MeasureTask{Files: files}})
	objects, _ := published(t, measure.PublishTask{Files: files, Stored: measured.Stored, Kinds: []string{"sr"}, Revisions: make([]measure.Revision, 1)})
	path := filepath.Join(t.TempDir(), "points.dcm")
	if err := os.WriteFile(path, bytes.ReplaceAll(objects["sr0"], []byte("SCOORD3D"), []byte("SCOORD  ")), 0o600); err != nil {
		t.Fatal(err)
	}
	r := measure.Request{Paths: []string{folder}, Points: path, Jobs: 1, Observer: measure.Observer{
		Scanned: func(int) {}, Stage: func(string, string, float64) {}, Measured: func(string, time.Duration) {},
	}}
	if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "SCOORD3D") {
		t.Errorf("error %v", err)
	}
}
