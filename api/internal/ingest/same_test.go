// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/ingest"
)

// The same data set is the same instance whatever the head of the file says; another
// data set, or another transfer syntax, is not.
func TestTheHeadOfAFileMakesNoOtherInstance(t *testing.T) {
	g, s := open(t, ingest.Config{})
	first := instanceOf(nil, 300_000)
	if o := g.Add(t.Context(), ingest.Upload{Source: "test"}, bytes.NewReader(first)); o.State != ingest.Stored {
		t.Fatalf("%+v", o)
	}
	_, rest, err := dicom.ReadFileMeta(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	if _, err := data.ReadFrom(rest); err != nil {
		t.Fatal(err)
	}
	meta := dicom.FileMeta{SOPClassUID: ct, SOPInstanceUID: "1.2.3.4.5", TransferSyntaxUID: "1.2.840.10008.1.2.1"}
	again := append(meta.Head(), data.Bytes()...)
	changed := slices.Clone(again)
	changed[len(changed)-1]++
	longer := append(slices.Clone(again), make([]byte, 20)...)
	other := meta
	other.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
	for _, tt := range []struct {
		name  string
		bytes []byte
		want  ingest.State
	}{
		{"another head", again, ingest.AlreadyStored},
		{"another pixel", changed, ingest.Refused},
		{"more at the end", longer, ingest.Refused},
		{"another transfer syntax", append(other.Head(), data.Bytes()...), ingest.Refused},
	} {
		o := g.Add(t.Context(), ingest.Upload{Source: "test"}, bytes.NewReader(tt.bytes))
		if o.State != tt.want || tt.want == ingest.Refused && fault.Of(o.Err) != fault.Exist {
			t.Errorf("%s: %+v", tt.name, o)
		}
	}
	if !bytes.Equal(stored(t, s, "1.2.3.4.5"), first) {
		t.Error("what came first is not what is stored")
	}
}
