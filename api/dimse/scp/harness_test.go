// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

const (
	ctImageStorage  = "1.2.840.10008.5.1.4.1.1.2"
	petImageStorage = "1.2.840.10008.5.1.4.1.1.128"
)

// provider is a running SCP with what it stores.
type provider struct {
	*scp.Server
	store *store.Store
	door  *ingest.Ingest
	at    string // host:port

	mu    sync.Mutex
	ended []scp.Summary
}

// start starts an SCP that ends with the test.
func start(t testing.TB, c scp.Config, door ingest.Config) *provider {
	t.Helper()
	if door.Store == nil {
		door.Store = storetest.Open(t, storetest.Embedded(t))
	}
	if door.Journal == nil {
		journal, _, err := door.Store.OpenJournal(8 << 20)
		if err != nil {
			t.Fatal(err)
		}
		door.Journal = journal
		t.Cleanup(func() { journal.Close() })
	}
	in := ingest.New(t.Context(), door)
	t.Cleanup(func() { in.Close() })
	p := &provider{store: door.Store, door: in}
	c.Ingest, c.Classes, c.MaxInstance = in, ingest.Accepted(door.SOPClasses), door.MaxInstance
	if c.AETitle == "" {
		c.AETitle = "ENDPLATE"
	}
	c.Observer.Ended = func(s scp.Summary) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended = append(p.ended, s)
	}
	p.Server = scp.New(t.Context(), c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.at = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- p.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		p.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return p
}

// summaries returns what was said of the associations that have ended, once n have.
func (p *provider) summaries(t testing.TB, n int) []scp.Summary {
	t.Helper()
	for range 1000 {
		p.mu.Lock()
		all := p.ended
		p.mu.Unlock()
		if len(all) >= n {
			return all
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("%d associations have not ended", n)
	return nil
}

// stored returns the bytes of an instance.
func (p *provider) stored(t testing.TB, sopUID string) []byte {
	t.Helper()
	p.door.Settle(t.Context())
	i, err := p.store.Instance(t.Context(), sopUID)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.store.CopyInstance(t.Context(), &b, i); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sound fails unless everything that is stored is whole, and nothing else is there.
func (p *provider) sound(t testing.TB) {
	t.Helper()
	if _, err := p.store.Sweep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	err := p.store.Check(t.Context(), true, func(problem store.Problem) { t.Errorf("the store: %+v", problem) })
	if err != nil {
		t.Fatal(err)
	}
}

// instance is an instance as C-STORE sends it.
type instance struct {
	dicom.FileMeta
	data []byte
}

// readInstance reads a file.
func readInstance(t testing.TB, path string) instance {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parted(t, b)
}

// parted takes a file apart.
func parted(t testing.TB, b []byte) instance {
	t.Helper()
	meta, rest, err := dicom.ReadFileMeta(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(rest)
	if err != nil {
		t.Fatal(err)
	}
	return instance{meta, data}
}

// dialer requests an association for storage of the classes and syntaxes of instances.
func dialer(instances ...instance) *dimse.Dialer {
	d := &dimse.Dialer{CallingAETitle: "SCU", CalledAETitle: "ENDPLATE", Proposals: []dimse.Proposal{
		{AbstractSyntax: dimse.VerificationSOPClass, TransferSyntaxes: []string{dimse.ImplicitVRLittleEndian}},
	}}
	seen := map[[2]string]bool{}
	for _, i := range instances {
		key := [2]string{i.SOPClassUID, i.TransferSyntaxUID}
		if !seen[key] {
			seen[key] = true
			d.Proposals = append(d.Proposals, dimse.Proposal{AbstractSyntax: i.SOPClassUID, TransferSyntaxes: []string{i.TransferSyntaxUID}})
		}
	}
	return d
}

func (p *provider) dial(t testing.TB, d *dimse.Dialer) *dimse.Association {
	t.Helper()
	a, err := d.Dial(t.Context(), p.at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Abort)
	return a
}

// send stores an instance, and returns the response.
func send(ctx context.Context, a *dimse.Association, i instance) (dimse.Command, error) {
	pc, ok := a.Context(i.SOPClassUID, i.TransferSyntaxUID)
	if !ok {
		return dimse.Command{Status: dimse.SOPClassNotSupported}, nil
	}
	c := &dimse.Command{
		Field: dimse.CStoreRQ, MessageID: a.NextMessageID(),
		AffectedSOPClassUID: i.SOPClassUID, AffectedSOPInstanceUID: i.SOPInstanceUID,
	}
	if err := a.Send(ctx, pc.ID, c, bytes.NewReader(i.data)); err != nil {
		return dimse.Command{}, err
	}
	m, err := a.Receive(ctx)
	if err != nil {
		return dimse.Command{}, err
	}
	if m.Command.Field != dimse.CStoreRSP {
		return dimse.Command{}, fmt.Errorf("%v came", m.Command.Field)
	}
	return m.Command, nil
}

// shared returns a path in the development data, or skips the test.
func shared(t testing.TB, elements ...string) string {
	t.Helper()
	root := os.Getenv("ENDPLATE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, elements...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no development data: %v", err)
	}
	return path
}

// files returns the files of a folder.
func files(t testing.TB, folder string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths
}

// tool returns a command of dcmtk, or skips the test. Debian's dcmtk waits 40 ms for
// each message unless it is told not to.
func tool(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no dcmtk: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "TCP_NODELAY=1")
	return cmd
}

// run runs a command that must succeed, and returns what it says.
func run(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%.3000s", cmd.Args, err, out)
	}
	return string(out)
}

// hostPort splits where the provider is, for dcmtk.
func (p *provider) hostPort() (host, port string) {
	host, port, _ = net.SplitHostPort(p.at)
	return host, port
}
