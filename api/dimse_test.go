// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api"
	"github.com/endplate/endplate/api/dimse"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// The SOP classes that tests send.
const (
	ctImageStorage  = "1.2.840.10008.5.1.4.1.1.2"
	petImageStorage = "1.2.840.10008.5.1.4.1.1.128"
	xaImageStorage  = "1.2.840.10008.5.1.4.1.1.12.1" // cine loops
	enhancedSR      = "1.2.840.10008.5.1.4.1.1.88.22"
)

// modality is a DICOM application that sends to a server.
type modality struct{ *dimse.Association }

// connect opens an association for storage of SOP classes, explicit little endian.
func connect(ctx context.Context, at string, classes ...string) (modality, error) {
	return connectTo(ctx, "ENDPLATE", at, classes...)
}

func connectTo(ctx context.Context, title, at string, classes ...string) (modality, error) {
	d := dimse.Dialer{CallingAETitle: "MODALITY", CalledAETitle: title}
	for _, class := range classes {
		d.Proposals = append(d.Proposals, dimse.Proposal{AbstractSyntax: class, TransferSyntaxes: []string{dimse.ExplicitVRLittleEndian}})
	}
	a, err := d.Dial(ctx, at)
	return modality{a}, err
}

// send sends an instance by C-STORE and returns the status.
func (m modality) send(ctx context.Context, file []byte) (dimse.Status, error) {
	meta, data, err := dicom.ReadFileMeta(bytes.NewReader(file))
	if err != nil {
		return 0, err
	}
	pc, ok := m.Context(meta.SOPClassUID)
	if !ok {
		return dimse.SOPClassNotSupported, nil
	}
	c := &dimse.Command{Field: dimse.CStoreRQ, MessageID: m.NextMessageID(),
		AffectedSOPClassUID: meta.SOPClassUID, AffectedSOPInstanceUID: meta.SOPInstanceUID}
	if err := m.Send(ctx, pc.ID, c, data); err != nil {
		return 0, err
	}
	rsp, err := m.await(ctx, dimse.CStoreRSP)
	return rsp.Status, err
}

// await receives messages up to the one that is waited for: reports of storage
// commitment may come before it.
func (m modality) await(ctx context.Context, f dimse.Field) (dimse.Command, error) {
	for {
		r, err := m.Receive(ctx)
		if err != nil {
			return dimse.Command{}, err
		}
		if r.Command.Field == f {
			return r.Command, nil
		}
	}
}

// sent sends instances all of which must be taken, and releases the association.
func sent(t testing.TB, at string, instances ...[]byte) {
	t.Helper()
	m, err := connect(t.Context(), at, ctImageStorage)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range instances {
		if status, err := m.send(t.Context(), b); err != nil || status != dimse.Success {
			t.Fatalf("instance %d: %v, %v", i, status, err)
		}
	}
	if err := m.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What a modality sends is measured without being asked for, and is the same instance
// for a caller who uploads it. It is told of in metrics and audit.
func TestStudiesComeByDIMSE(t *testing.T) {
	c := config(t)
	c.DIMSE.Addr, c.MetricsAddr = "127.0.0.1:0", "127.0.0.1:0"
	c.Work.QuietTime = 200 * time.Millisecond
	c.Security.AuditFile = t.TempDir() + "/audit"
	p := serve(t, c)
	s := made(t, 1, 30)
	sent(t, p.at.DIMSE, s.instances...)
	again, err := p.upload(t.Context(), 1<<20, s.instances...)
	if err != nil || again.GetRefused() != 0 || again.GetOutcomes()[0].GetState() != endplatev1.InstanceOutcome_ALREADY_STORED {
		t.Fatalf("%v, %.300v", err, again)
	}
	var id string
	until(t, "the series is measured", time.Minute, func() bool {
		all, err := p.analyses.ListAnalyses(t.Context(), &endplatev1.ListAnalysesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(all.GetAnalyses()) == 0 {
			return false
		}
		id = all.GetAnalyses()[0].GetAnalysisId()
		return true
	})
	if run := p.watched(t, id); run.GetState() != endplatev1.AnalysisState_SUCCEEDED || run.GetSeriesInstanceUid() != s.uid {
		t.Errorf("%v of %s: %s", run.GetState(), run.GetSeriesInstanceUid(), run.GetReason())
	}
	wantMetrics(t, p.at.Metrics, `endplate_associations_total{outcome="released"} 1`,
		fmt.Sprintf(`endplate_dimse_messages_total{message="C-STORE-RQ",status="0000"} %d`, len(s.instances)),
		fmt.Sprintf(`endplate_instances_total{outcome="STORED",source="dimse"} %d`, len(s.instances)), "endplate_associations 0")
	audit, err := os.ReadFile(c.Security.AuditFile)
	if err != nil || !strings.Contains(string(audit), `"subject":"AE MODALITY"`) || !strings.Contains(string(audit), s.study) {
		t.Errorf("audit: %v\n%s", err, audit)
	}
}

func wantMetrics(t testing.TB, at string, want ...string) {
	t.Helper()
	response, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range want {
		if !strings.Contains(string(b), line+"\n") {
			t.Errorf("no %s in the metrics", line)
		}
	}
}

// Objects that are not measured are refused as long as nobody asks to keep them, and
// do not disturb what is. A localizer is a CT image in a series of its own.
func TestOtherObjectsOfAStudy(t *testing.T) {
	for _, keep := range [][]string{nil, {petImageStorage, xaImageStorage, enhancedSR}} {
		t.Run(fmt.Sprintf("%d classes kept", len(keep)), func(t *testing.T) {
			t.Parallel()
			c := config(t)
			c.DIMSE.Addr = "127.0.0.1:0"
			c.Storage.SOPClasses = keep
			p := serve(t, c)
			s := made(t, 1, 30)
			m, err := connect(t.Context(), p.at.DIMSE, ctImageStorage, petImageStorage, xaImageStorage, enhancedSR)
			if err != nil {
				t.Fatal(err)
			}
			for i, b := range s.instances {
				if status, err := m.send(t.Context(), b); err != nil || status != dimse.Success {
					t.Fatalf("instance %d: %v, %v", i, status, err)
				}
				if i%8 != 0 {
					continue
				}
				for n, class := range []string{petImageStorage, xaImageStorage, enhancedSR} {
					want := dimse.Success
					if keep == nil {
						want = dimse.SOPClassNotSupported
					}
					if status, err := m.send(t.Context(), otherObject(s, class, 10*i+n)); err != nil || status != want {
						t.Errorf("%s: %v, %v, want %v", class, status, err, want)
					}
				}
			}
			if status, err := m.send(t.Context(), otherObject(s, ctImageStorage, 9)); err != nil || status != dimse.Success {
				t.Errorf("localizer: %v, %v", status, err)
			}
			if err := m.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if keep == nil {
				return // nothing but the series is there
			}
			if run := p.measured(t, s); run.GetState() != endplatev1.AnalysisState_SUCCEEDED {
				t.Errorf("%v: %s", run.GetState(), run.GetReason())
			}
		})
	}
}

func TestExposedDIMSE(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*api.Config)
		want   string // in the error; empty: none
	}{
		{"this machine", func(c *api.Config) { c.DIMSE.Addr = "localhost:11112" }, ""},
		{"anybody", func(c *api.Config) { c.DIMSE.Addr = ":11112" }, "neither a list of DICOM peers"},
		{"anybody, as told", func(c *api.Config) { c.DIMSE.Addr, c.Security.Insecure = ":11112", true }, ""},
		{"titles", func(c *api.Config) { c.DIMSE.Addr, c.DIMSE.Peers = ":11112", []string{"PACS"} }, "neither a list of DICOM peers"},
		{"peers", func(c *api.Config) {
			c.DIMSE.Addr, c.DIMSE.Peers = ":11112", []string{"PACS@10.0.0.7:104", "*@10.1.0.0/16"}
		}, ""},
		{"bad peer", func(c *api.Config) { c.DIMSE.Addr, c.DIMSE.Peers = ":11112", []string{"PACS@"} }, "want AETITLE@HOST"},
		{"bad title", func(c *api.Config) { c.DIMSE.Addr, c.DIMSE.AETitle = "localhost:11112", "SEVENTEEN_LETTERS" }, "AE title"},
		{"TLS without a certificate", func(c *api.Config) { c.DIMSE.Addr, c.DIMSE.TLS = "localhost:11112", true }, "certificate and key"},
		{"PDU", func(c *api.Config) { c.DIMSE.Addr, c.DIMSE.MaxPDU = "localhost:11112", 100 }, "PDUs of 100 bytes"},
	} {
		c := config(t)
		tt.change(&c)
		err := c.Check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A server that is told to end takes the object that is under way, and no other.
func TestAssociationsEndWithTheServer(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.DIMSE.Addr = "127.0.0.1:0"
	c.Logger = slog.New(slog.DiscardHandler)
	ready := make(chan api.Addresses, 1)
	c.Ready = func(at api.Addresses) { ready <- at }
	server, err := api.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	at := <-ready
	s := small(t, 512, 1, 1)
	idle, err := connect(t.Context(), at.DIMSE, ctImageStorage)
	if err != nil {
		t.Fatal(err)
	}
	busy, err := connect(t.Context(), at.DIMSE, ctImageStorage)
	if err != nil {
		t.Fatal(err)
	}
	meta, data, err := dicom.ReadFileMeta(bytes.NewReader(s.instances[0]))
	if err != nil {
		t.Fatal(err)
	}
	half, rest := io.Pipe()
	answered := make(chan dimse.Status, 1)
	go func() {
		pc, _ := busy.Context(meta.SOPClassUID)
		c := &dimse.Command{Field: dimse.CStoreRQ, AffectedSOPClassUID: meta.SOPClassUID, AffectedSOPInstanceUID: meta.SOPInstanceUID}
		if err := busy.Send(context.WithoutCancel(t.Context()), pc.ID, c, half); err != nil {
			t.Error(err)
		}
		m, err := busy.Receive(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Error(err)
			m = &dimse.Message{}
			m.Command.Status = dimse.ProcessingFailure
		}
		answered <- m.Command.Status
	}()
	b, err := io.ReadAll(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rest.Write(b[:len(b)/2]); err != nil {
		t.Fatal(err)
	}
	until(t, "the object is under way", 10*time.Second, func() bool {
		blobs, err := filepath.Glob(filepath.Join(c.Storage.Folder, "blobs", "*", "*", "*"))
		journal, _ := os.ReadFile(filepath.Join(c.Storage.Folder, "endplate.received"))
		return err == nil && (len(blobs) > 0 || len(bytes.Trim(journal, "\x00")) > 0) // which has grown by then, or not
	})
	stop()
	if _, err := idle.Receive(context.WithoutCancel(t.Context())); err == nil {
		t.Error("an idle association outlasts the server")
	}
	if _, err := rest.Write(b[len(b)/2:]); err != nil {
		t.Fatal(err)
	}
	rest.Close()
	if status := <-answered; status != dimse.Success {
		t.Errorf("the object under way: %v", status)
	}
	if _, err := busy.Receive(context.WithoutCancel(t.Context())); err == nil {
		t.Error("an association outlasts the server")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// otherObject returns an instance of the study of s with another SOP class, in a series
// of its own class: pixels without a spine.
func otherObject(s series, class string, n int) []byte {
	meta := dicom.FileMeta{SOPClassUID: class, SOPInstanceUID: fmt.Sprintf("1.2.3.%d", n), TransferSyntaxUID: dimse.ExplicitVRLittleEndian}
	return append(meta.Head(), plainDataSet(class, meta.SOPInstanceUID, s.study, "1.2.4."+class, 8)...)
}

// plainInstance returns the data set of a CT image, in a series and study of its own.
func plainInstance(uid, series string, pixels int) []byte {
	return plainDataSet(ctImageStorage, uid, "1.2.5."+series, "1.2.6."+series, pixels)
}

// plainDataSet returns a data set, explicit little endian, of little but its UIDs and so
// many bytes of pixels.
func plainDataSet(class, instance, study, series string, pixels int) (b []byte) {
	text := func(group, element uint16, vr, value string) {
		if len(value)%2 == 1 {
			value += "\x00"
		}
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, group), element)
		b = append(append(b, vr...), byte(len(value)), byte(len(value)>>8))
		b = append(b, value...)
	}
	text(0x0008, 0x0008, "CS", `ORIGINAL\PRIMARY\LOCALIZER `)
	text(0x0008, 0x0016, "UI", class)
	text(0x0008, 0x0018, "UI", instance)
	text(0x0020, 0x000D, "UI", study)
	text(0x0020, 0x000E, "UI", series)
	text(0x0028, 0x0010, "US", "\x02\x00")
	text(0x0028, 0x0011, "US", "\x02\x00")
	b = append(b, "\xe0\x7f\x10\x00OW\x00\x00"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(pixels))
	return append(b, make([]byte, pixels)...)
}

// The Conformance Statement is of what a server of the settings offers, and a setting
// that cannot be has none.
func TestConformanceStatementFollowsTheSettings(t *testing.T) {
	t.Parallel()
	c := minimal(t)
	c.DIMSE = api.DIMSE{Addr: "127.0.0.1:0", AETitle: "SPINE", Associations: 3, PeerAssociations: 2, MaxPDU: 1 << 16}
	for _, tt := range []struct {
		change       func(*api.Config)
		with, unlike string
	}{
		{func(*api.Config) {}, "committed to", "QIDO-RS"},
		{func(c *api.Config) { c.HTTPAddr = "127.0.0.1:0" }, "Search (QIDO-RS)", "with TLS\n"},
		{func(c *api.Config) { c.Storage.Deidentify = true }, "Not offered: identities", "Level 2"},
		{func(c *api.Config) { c.Storage.SOPClasses = []string{petImageStorage} }, petImageStorage, enhancedSR},
		{func(c *api.Config) { c.DIMSE.Peers = []string{"PACS@10.0.0.7:104"} }, "PACS@10.0.0.7:104", "| any |"},
	} {
		c := c
		tt.change(&c)
		var b bytes.Buffer
		if err := api.WriteConformance(&b, c); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), tt.with) || strings.Contains(b.String(), tt.unlike) {
			t.Errorf("no %q, or %q, in\n%s", tt.with, tt.unlike, &b)
		}
	}
	c.DIMSE.AETitle = `a\b`
	if err := api.WriteConformance(io.Discard, c); err == nil {
		t.Error("an AE title that is none was taken")
	}
}
