// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scu"
)

// freePort returns an address of this machine at which nobody listens.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tool returns the path of a tool of dcmtk, or skips the test.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s of dcmtk is not installed", name)
	}
	return path
}

// run runs a peer until the test ends, and waits until it answers a C-ECHO.
func run(t testing.TB, p *scu.Peer, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(tool(t, name), args...)
	// Without it, this Debian's dcmtk takes 44 ms for each object.
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, &out)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := p.Echo(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", name, err)
		}
	}
}

// storescp runs an archive of dcmtk that stores into a folder.
func storescp(t testing.TB, args ...string) (p *scu.Peer, folder string) {
	t.Helper()
	p = &scu.Peer{Address: freePort(t), CalledAETitle: "STORESCP", CallingAETitle: "ENDPLATE"}
	folder = t.TempDir()
	_, port, _ := net.SplitHostPort(p.Address)
	run(t, p, "storescp", append(args, "-od", folder, port)...)
	return p, folder
}

// slices of a made CT, as files.
func made(t testing.TB, study string, n int) (files [][]byte, uids dicom.UIDs) {
	t.Helper()
	vol := &volume.Volume{Geometry: volume.Geometry{Columns: 8, Rows: 8, Slices: n}, Samples: make([]int16, 64*n)}
	vol.Column.X, vol.Row.Y, vol.Slice.Z = 1, 1, 1
	uids, err := dicom.WriteCT(vol, dicom.SyntheticCT{Study: study, FrameOfReference: study, PatientID: "P-" + study, Date: "20200229"},
		func(_ int, b []byte) error {
			files = append(files, bytes.Clone(b))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return files, uids
}

func instance(t testing.TB, file []byte) scu.Instance {
	t.Helper()
	h, err := dicom.ReadHeader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return scu.Instance{
		SOPClassUID: h.SOPClassUID, SOPInstanceUID: h.SOPInstanceUID, TransferSyntaxUID: h.TransferSyntaxUID,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil },
	}
}

func instances(t testing.TB, files [][]byte) (all []scu.Instance) {
	t.Helper()
	for _, f := range files {
		all = append(all, instance(t, f))
	}
	return all
}

// stored returns the data sets of the files in a folder, by SOPInstanceUID, and in which
// transfer syntax each is.
func stored(t testing.TB, folder string) (all map[string]*dataset.File) {
	t.Helper()
	all = map[string]*dataset.File{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d, err := dataset.Read(f, -1, dataset.Options{Pixels: true})
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		all[d.Value(tag.SOPInstanceUID)] = d
	}
	return all
}

func TestStoreWithDCMTK(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want string // transfer syntax
	}{
		"the file's own syntax": {nil, dimse.ExplicitVRLittleEndian},
		"implicit VR alone":     {[]string{"+xi"}, dimse.ImplicitVRLittleEndian},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer, folder := storescp(t, tt.args...)
			files, _ := made(t, "1", 3)
			for range 2 { // sent again, they replace themselves
				for _, err := range peer.Store(t.Context(), instances(t, files)) {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			got := stored(t, folder)
			if len(got) != len(files) {
				t.Fatalf("%d instances are stored", len(got))
			}
			for _, f := range files {
				want, err := dataset.Read(bytes.NewReader(f), -1, dataset.Options{Pixels: true})
				if err != nil {
					t.Fatal(err)
				}
				d := got[want.Value(tag.SOPInstanceUID)]
				if d.TransferSyntaxUID != tt.want {
					t.Errorf("stored in %s", d.TransferSyntaxUID)
				}
				wantSame(t, d, want)
			}
		})
	}
}

// wantSame wants two data sets to be the same in any transfer syntax.
func wantSame(t *testing.T, got, want *dataset.File) {
	t.Helper()
	// What came in Implicit VR has the VRs of the dictionary.
	values := func(f *dataset.File) (all []string) {
		for e := range f.All() {
			all = append(all, fmt.Sprintf("%v %q", e.Tag, e.Value))
		}
		return all
	}
	if diff := cmp.Diff(values(want), values(got)); diff != "" {
		t.Errorf("instance %s (-sent +stored):\n%s", want.Value(tag.SOPInstanceUID), diff)
	}
}

func TestWhatIsNotTakenIsSaidOfEach(t *testing.T) {
	t.Parallel()
	peer, folder := storescp(t)
	files, _ := made(t, "1", 3)
	all := instances(t, files)
	all[1].SOPClassUID = "1.2.3.4" // of no class that anybody knows
	errs := peer.Store(t.Context(), all)
	if errs[0] != nil || !errors.Is(errs[1], scu.ErrNotAccepted) || errs[2] != nil || len(stored(t, folder)) != 2 {
		t.Errorf("errors %v", errs)
	}
	if errs := peer.Store(t.Context(), all[1:2]); !errors.Is(errs[0], scu.ErrNotAccepted) {
		t.Errorf("errors %v", errs)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	peer := &scu.Peer{Address: freePort(t), CalledAETitle: "STORESCP", CallingAETitle: "ENDPLATE"}
	_, port, _ := net.SplitHostPort(peer.Address)
	if err := peer.Echo(t.Context()); err == nil {
		t.Error("nobody answers")
	}
	run(t, peer, "storescp", "-od", t.TempDir(), port)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := peer.Echo(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Echo of a caller gone: %v", err)
	}
}

// dcmqrscp runs an archive of dcmtk that holds instances and moves them to a peer called
// ENDPLATE.
func dcmqrscp(t testing.TB, destination *scu.Peer, files ...[]byte) *scu.Peer {
	t.Helper()
	p := &scu.Peer{Address: freePort(t), CalledAETitle: "QRSCP", CallingAETitle: "ENDPLATE"}
	_, port, _ := net.SplitHostPort(p.Address)
	_, to, _ := net.SplitHostPort(destination.Address)
	folder := t.TempDir()
	config := fmt.Sprintf(`NetworkTCPPort = %s
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
endplate = (%s, 127.0.0.1, %s)
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QRSCP %s RW (100, 1024mb) ANY
AETable END
`, port, destination.CalledAETitle, to, folder)
	path := filepath.Join(t.TempDir(), "dcmqrscp.cfg")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, p, "dcmqrscp", "-c", path)
	for _, err := range p.Store(t.Context(), instances(t, files)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestFindAndMoveWithDCMTK(t *testing.T) {
	t.Parallel()
	own, folder := storescp(t)
	first, uids := made(t, "1", 3)
	second, _ := made(t, "2", 2)
	archive := dcmqrscp(t, own, slices.Concat(first, second)...)
	var found []string
	ask := func(level scu.Level, keys scu.Keys, what tag.Tag) {
		t.Helper()
		found = nil
		if err := archive.Find(t.Context(), level, keys, func(d *dataset.Dataset) error {
			found = append(found, d.Value(what))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask(scu.Study, scu.Keys{tag.PatientID: "P-*", tag.StudyInstanceUID: ""}, tag.StudyInstanceUID)
	if len(found) != 2 {
		t.Errorf("studies %q", found)
	}
	ask(scu.Study, scu.Keys{tag.PatientID: "P-1", tag.StudyInstanceUID: "", tag.StudyDate: "20200101-20201231"}, tag.StudyInstanceUID)
	if !slices.Equal(found, []string{uids.StudyInstanceUID}) {
		t.Errorf("studies of P-1 %q", found)
	}
	ask(scu.Series, scu.Keys{tag.StudyInstanceUID: uids.StudyInstanceUID, tag.SeriesInstanceUID: ""}, tag.SeriesInstanceUID)
	if !slices.Equal(found, []string{uids.SeriesInstanceUID}) {
		t.Errorf("series %q", found)
	}
	ask(scu.Study, scu.Keys{tag.PatientID: "NOBODY", tag.StudyInstanceUID: ""}, tag.StudyInstanceUID)
	if len(found) != 0 {
		t.Errorf("studies of nobody: %q", found)
	}
	told := 0
	moved, err := archive.Move(t.Context(), "STORESCP", scu.Study, scu.Keys{tag.StudyInstanceUID: uids.StudyInstanceUID},
		func(scu.Progress) { told++ })
	if err != nil || moved != (scu.Progress{Completed: 3}) || len(stored(t, folder)) != 3 {
		t.Errorf("moved %+v with %d reports, %v", moved, told, err)
	}
	_, err = archive.Move(t.Context(), "UNKNOWN", scu.Study, scu.Keys{tag.StudyInstanceUID: uids.StudyInstanceUID}, func(scu.Progress) {})
	e, refused := errors.AsType[*scu.StatusError](err)
	if !refused || e.Service != "C-MOVE" || e.Status != 0xA801 {
		t.Errorf("move to somebody unknown: %v", err)
	}
}
