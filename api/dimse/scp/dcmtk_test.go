// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/ingest"
)

func TestDCMTKEchoes(t *testing.T) {
	t.Parallel()
	p := start(t, scp.Config{}, ingest.Config{})
	host, port := p.hostPort()
	run(t, tool(t, "echoscu", "-aec", "ENDPLATE", "--repeat", "3", host, port))
	if s := p.summaries(t, 1)[0]; s.Outcome != scp.Released || s.Peer.AETitle != "ECHOSCU" {
		t.Errorf("%+v", s)
	}
}

// every returns a file of each transfer syntax, several of which hold the same
// instance.
func every(t *testing.T) (paths []string) {
	for _, folder := range []string{"transfer-syntaxes", "nema-ct"} {
		for _, path := range files(t, shared(t, "dicom", folder)) {
			name := filepath.Base(path)
			if strings.HasPrefix(name, "no-pixel-data") || slices.Contains([]string{".md", ".txt", ".csv"}, filepath.Ext(path)) {
				continue
			}
			paths = append(paths, path)
		}
	}
	return paths
}

// What is stored of an instance is its data set, byte for byte, in each transfer
// syntax that is read; the others are not accepted.
func TestEveryTransferSyntaxIsStoredAsItCame(t *testing.T) {
	t.Parallel()
	for _, path := range every(t) {
		p := start(t, scp.Config{}, ingest.Config{})
		i := readInstance(t, path)
		if i.SOPClassUID != ctImageStorage {
			continue
		}
		if !dicom.TransferSyntaxReadable(i.TransferSyntaxUID) {
			if _, err := dialer(i).Dial(t.Context(), p.at); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
			continue
		}
		a := p.dial(t, dialer(i))
		rsp, err := send(t.Context(), a, i)
		if err != nil || rsp.Status != 0 {
			t.Errorf("%s: %v, %v %s", filepath.Base(path), err, rsp.Status, rsp.ErrorComment)
			continue
		}
		if !bytes.Equal(p.stored(t, i.SOPInstanceUID), append(i.Head(), i.data...)) {
			t.Errorf("%s: other bytes are stored", filepath.Base(path))
		}
	}
}

// storescuOptions has storescu propose a transfer syntax for what it sends.
var storescuOptions = map[string]string{
	"1.2.840.10008.1.2.1": "-xe", "1.2.840.10008.1.2.2": "-xb", "1.2.840.10008.1.2": "-xi", "1.2.840.10008.1.2.1.99": "-xd",
	"1.2.840.10008.1.2.4.70": "-xs", "1.2.840.10008.1.2.4.50": "-xy", "1.2.840.10008.1.2.4.51": "-xx",
	"1.2.840.10008.1.2.4.90": "-xv", "1.2.840.10008.1.2.4.91": "-xw", "1.2.840.10008.1.2.4.80": "-xt",
	"1.2.840.10008.1.2.4.81": "-xu", "1.2.840.10008.1.2.5": "-xr",
}

// dcmtk sends each transfer syntax. It writes data sets anew, with lengths of its own,
// so that what comes is compared by its values, but for those whose VR it does not know.
func TestDCMTKSendsEveryTransferSyntax(t *testing.T) {
	t.Parallel()
	for _, path := range every(t) {
		name, i := filepath.Base(path), readInstance(t, path)
		if !dicom.TransferSyntaxReadable(i.TransferSyntaxUID) || i.SOPClassUID != ctImageStorage {
			continue
		}
		p := start(t, scp.Config{}, ingest.Config{})
		host, port := p.hostPort()
		cmd := tool(t, "dcmsend", "-v", "--no-uid-checks", "--decompress-never", "-aec", "ENDPLATE", host, port, path)
		if option, ok := storescuOptions[i.TransferSyntaxUID]; ok {
			cmd = tool(t, "storescu", "-v", "-R", option, "-aec", "ENDPLATE", host, port, path)
		}
		out := run(t, cmd)
		if s := p.summaries(t, 1)[0]; s.Outcome != scp.Released || s.Stored != 1 {
			t.Errorf("%s: %+v\n%s", name, s, out)
			continue
		}
		got, want := values(t, p.stored(t, i.SOPInstanceUID)), values(t, append(i.Head(), i.data...))
		if got.TransferSyntaxUID != want.TransferSyntaxUID {
			t.Errorf("%s: transfer syntax %s", name, got.TransferSyntaxUID)
		}
		for e := range want.Dataset.All() {
			if e.Tag.Group%2 == 1 {
				continue
			}
			other, ok := got.Dataset.Find(e.Tag)
			if !ok || !bytes.Equal(e.Value, other.Value) || !slices.EqualFunc(e.Fragments, other.Fragments, bytes.Equal) || len(e.Items) != len(other.Items) {
				t.Errorf("%s: other %v", name, e.Tag)
			}
		}
	}
}

// Real series come as dcmsend sends them, but for one that dcmtk cannot read. Those of
// many megabytes are sent where ENDPLATE_DIMSE_SERIES is set.
func TestDCMTKSendsRealSeries(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"dicom/enhanced", "ct/colon", "ct/lidc1", "ct/petct2", "dicom/tilt-ge-variable", "dicom/tilt-philips-18.5"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			paths := slices.DeleteFunc(files(t, shared(t, strings.Split(folder, "/")...)), func(path string) bool {
				return filepath.Ext(path) == ".xml" || filepath.Base(path) == "DIRFILE"
			})
			if len(paths) > 20 && os.Getenv("ENDPLATE_DIMSE_SERIES") == "" {
				t.Skip("ENDPLATE_DIMSE_SERIES is not set")
			}
			p := start(t, scp.Config{}, ingest.Config{})
			host, port := p.hostPort()
			want := map[string]bool{}
			for _, path := range paths {
				if i := readInstance(t, path); dicom.TransferSyntaxReadable(i.TransferSyntaxUID) {
					want[i.SOPInstanceUID] = true
				}
			}
			out := run(t, tool(t, "dcmsend", append([]string{"-v", "--decompress-never", "-aec", "ENDPLATE", host, port}, paths...)...))
			stored := 0
			for _, s := range p.summaries(t, 1) {
				stored += s.Stored
			}
			if stored != len(want) {
				t.Errorf("%d stored, want %d\n%.2000s", stored, len(want), out)
			}
			for uid := range want {
				if i, err := p.store.Instance(t.Context(), uid); err != nil || i.Source != scp.Source {
					t.Errorf("instance %s: %+v, %v", uid, i, err)
				}
			}
			p.sound(t)
			t.Logf("%d instances", stored)
		})
	}
}

func values(t *testing.T, b []byte) *dataset.File {
	t.Helper()
	f, err := dataset.Read(bytes.NewReader(b), int64(len(b)), dataset.Options{Pixels: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Dataset.Remove(tag.DataSetTrailingPadding)
	return f
}
