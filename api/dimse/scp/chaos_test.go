// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package scp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/api/dimse"
	"github.com/endplate/endplate/api/dimse/scp"
	"github.com/endplate/endplate/api/internal/ingest"
	"github.com/endplate/endplate/api/internal/store/storetest"
)

// What follows writes PDUs by itself, so that they can be wrong.

func pduOf(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind, 0}, uint32(len(body))), body...)
}

func item(kind byte, value []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 0}, uint16(len(value))), value...)
}

// associateRQ proposes CT Image Storage, explicit little endian, as context 1.
func associateRQ() []byte {
	b := []byte{0, 1, 0, 0}
	b = append(b, "ENDPLATE        CHAOS           "...)
	b = append(b, make([]byte, 32)...)
	b = append(b, item(0x10, []byte("1.2.840.10008.3.1.1.1"))...)
	pc := append([]byte{1, 0, 0, 0}, item(0x30, []byte(ctImageStorage))...)
	b = append(b, item(0x20, append(pc, item(0x40, []byte(dimse.ExplicitVRLittleEndian))...))...)
	b = append(b, item(0x50, append(item(0x51, []byte{0, 0, 0x40, 0}), item(0x52, []byte("1.2.3"))...))...)
	return pduOf(1, b)
}

func dataTF(context, control byte, content []byte) []byte {
	pdv := binary.BigEndian.AppendUint32(nil, uint32(len(content)+2))
	return pduOf(4, append(append(pdv, context, control), content...))
}

func element(e uint16, value []byte) []byte {
	if len(value)%2 == 1 {
		value = append(value, 0)
	}
	b := binary.LittleEndian.AppendUint16([]byte{0, 0}, e)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(value))), value...)
}

// storeRQ is the command set of a C-STORE.
func storeRQ(uid string) []byte {
	b := bytes.Join([][]byte{
		element(2, []byte(ctImageStorage)), element(0x100, []byte{1, 0}), element(0x110, []byte{7, 0}),
		element(0x700, []byte{0, 0}), element(0x800, []byte{1, 0}), element(0x1000, []byte(uid)),
	}, nil)
	return append(element(0, binary.LittleEndian.AppendUint32(nil, uint32(len(b)))), b...)
}

var (
	someData = dataTF(1, 0, make([]byte, 10_000))
	abortPDU = pduOf(7, []byte{0, 0, 0, 0})
)

// chaos is what a hostile or broken peer does.
var chaos = []struct {
	name      string
	associate bool   // whether it asks for an association in order first
	send      []byte // then
	reset     bool   // and breaks the connection
	half      bool   // and sends no more
	want      string // what comes back: the types of PDUs
}{
	{name: "random bytes", send: random(400), want: "7"},
	{name: "HTTP", send: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), want: "7"},
	{name: "A-ASSOCIATE-RQ of 4 GB", send: append([]byte{1, 0, 0xff, 0xff, 0xff, 0xff}, make([]byte, 100)...), want: "7"},
	{name: "A-ASSOCIATE-RQ of 200 kB that does not come", send: append([]byte{1, 0, 0, 3, 0, 0}, make([]byte, 100)...), half: true, want: ""},
	{name: "item overflow", send: overflow(), want: "7"},
	{name: "P-DATA-TF of 4 GB", associate: true, send: append([]byte{4, 0, 0xff, 0xff, 0xff, 0xff}, make([]byte, 100)...), want: "7"},
	{name: "P-DATA-TF of nothing", associate: true, send: pduOf(4, nil), want: "7"},
	{name: "PDV beyond its PDU", associate: true, send: pduOf(4, append([]byte{0xff, 0xff, 0xff, 0xf0, 1, 3}, make([]byte, 14)...)), want: "7"},
	{name: "PDV of no length", associate: true, send: pduOf(4, []byte{0, 0, 0, 0, 1, 3}), want: "7"},
	{name: "reset within an object", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), someData), reset: true, want: ""},
	{name: "A-ABORT within an object", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), someData, abortPDU), want: ""},
	{name: "A-ABORT within a PDU", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), someData[:500], abortPDU), half: true, want: ""},
	{name: "A-RELEASE-RQ within an object", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), someData, pduOf(5, make([]byte, 4))), want: "6"},
	{name: "end within an object", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), someData), half: true, want: ""},
	{name: "garbage as command set", associate: true, send: dataTF(1, 3, bytes.Repeat([]byte{0xff}, 64)), want: "7"},
	{name: "command set without end", associate: true, send: bytes.Repeat(dataTF(1, 1, make([]byte, 1000)), 50), want: "7"},
	{name: "command set of nothing", associate: true, send: dataTF(1, 3, nil), want: "7"},
	{name: "presentation context that was not accepted", associate: true, send: dataTF(99, 3, storeRQ("1.2.3")), want: "7"},
	{name: "data set in another context", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), dataTF(3, 2, make([]byte, 8))), want: "7"},
	{name: "UID that is a path", associate: true, send: join(dataTF(1, 3, storeRQ("../../../../tmp/evil")), dataTF(1, 2, make([]byte, 100))), want: "4"},
	{name: "unknown PDU", associate: true, send: pduOf(9, make([]byte, 4)), want: "7"},
	{name: "A-ASSOCIATE-RQ twice", associate: true, send: associateRQ(), want: "7"},
	{name: "A-ASSOCIATE-AC from the requestor", associate: true, send: append([]byte{2, 0}, associateRQ()[2:]...), want: "7"},
	{name: "command set within a data set", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), dataTF(1, 3, storeRQ("1.2.3"))), want: "7"},
	{name: "data set without a command set", associate: true, send: dataTF(1, 2, make([]byte, 10)), want: "7"},
	{name: "data set that is none", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), dataTF(1, 2, random(5000))), want: "4"},
	{name: "lengths that lie", associate: true, send: join(dataTF(1, 3, storeRQ("1.2.3")), dataTF(1, 2, []byte("\x08\x00\x16\x00UI\xfe\xff1.2"))), want: "4"},
}

func random(n int) []byte {
	b := make([]byte, n)
	random := rand.New(rand.NewPCG(1, 1))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func overflow() []byte {
	b := associateRQ()
	b[6+68+2], b[6+68+3] = 0xff, 0xff
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// hostile is a connection that is written to by hand.
type hostile struct{ *net.TCPConn }

func (p *provider) connect(t testing.TB) hostile {
	t.Helper()
	nc, err := net.Dial("tcp", p.at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return hostile{nc.(*net.TCPConn)}
}

// write writes what the peer may no longer want.
func (h hostile) write(b []byte) { _, _ = h.Write(b) }

// next reads a PDU and returns its type; 0 when the connection has ended.
func (h hostile) next() byte {
	var head [6]byte
	if _, err := io.ReadFull(h, head[:]); err != nil {
		return 0
	}
	if _, err := io.CopyN(io.Discard, h, int64(binary.BigEndian.Uint32(head[2:]))); err != nil {
		return 0
	}
	return head[0]
}

// answers reads PDUs to the end of the connection, at most a few.
func (h hostile) answers() string {
	var all strings.Builder
	for all.Len() < 5 {
		kind := h.next()
		if kind == 0 {
			break
		}
		all.WriteByte('0' + kind)
		if kind == 4 || kind == 6 || kind == 7 {
			break // the peer is waited for
		}
	}
	return all.String()
}

// hostileStart starts an SCP whose patience is short.
func hostileStart(t testing.TB) (p *provider, folder string) {
	t.Helper()
	config := storetest.Embedded(t)
	folder = filepath.Dir(strings.TrimPrefix(config.Database, "sqlite:"))
	door := ingest.Config{Store: storetest.Open(t, config)}
	return start(t, scp.Config{
		Store: door.Store, Associations: 4,
		Timeouts: dimse.Timeouts{ARTIM: time.Second, Stall: time.Second, Idle: time.Second},
	}, door), folder
}

// serves fails unless an instance is stored in order.
func (p *provider) serves(t testing.TB, uid string) {
	t.Helper()
	i := synthetic(ctImageStorage, uid, 1000)
	a, err := dialer(i).Dial(t.Context(), p.at)
	if err != nil {
		t.Fatalf("no association: %v", err)
	}
	defer a.Abort()
	if rsp, err := send(t.Context(), a, i); err != nil || rsp.Status != dimse.Success {
		t.Fatalf("C-STORE: %v, %v", rsp.Status, err)
	}
	if err := a.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// free waits until nobody holds a slot.
func (p *provider) free(t testing.TB) {
	t.Helper()
	for range 1000 {
		if p.Open() == 0 {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("%d slots are held", p.Open())
}

func TestChaos(t *testing.T) {
	t.Parallel()
	p, folder := hostileStart(t)
	for _, tt := range chaos {
		h := p.connect(t)
		if tt.associate {
			h.write(associateRQ())
			if kind := h.next(); kind != 2 {
				t.Fatalf("%s: PDU %d instead of an association", tt.name, kind)
			}
		}
		h.write(tt.send)
		switch {
		case tt.reset:
			_ = h.SetLinger(0)
			h.Close()
		case tt.half:
			_ = h.CloseWrite()
		}
		if got := h.answers(); got != tt.want && !tt.reset && !tt.half {
			t.Errorf("%s: PDUs %q came back, want %q", tt.name, got, tt.want)
		}
		h.Close()
		p.free(t)
	}
	p.serves(t, "1.2.9")
	p.free(t)
	instances, err := p.store.Instances(t.Context(), "1.2.2")
	if err != nil || len(instances) != 1 {
		t.Errorf("%d instances are stored, %v", len(instances), err)
	}
	p.sound(t)
	onlyBlobs(t, folder, 1)
	if _, err := os.Stat("/tmp/evil"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a UID led out of the store: %v", err)
	}
}

// onlyBlobs fails unless a folder holds a database and so many blobs.
func onlyBlobs(t testing.TB, folder string, n int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() || strings.HasPrefix(name, "endplate.db") || name == "endplate.received":
		case strings.Contains(path, "blobs") && strings.Trim(name, "0123456789") == "":
			n--
		default:
			t.Errorf("file %s", path)
		}
		return nil
	})
	if err != nil || n != 0 {
		t.Errorf("%d blobs are missing, %v", n, err)
	}
}

// Connections that say nothing keep nobody out, and cost little.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	p, _ := hostileStart(t)
	var all []hostile
	for range 1000 {
		all = append(all, p.connect(t))
	}
	p.serves(t, "1.2.9")
	if n := runtime.NumGoroutine(); n > 500 {
		t.Errorf("%d goroutines", n)
	}
	for _, h := range all {
		h.Close()
	}
	p.serves(t, "1.2.10")
	p.free(t)
}

// An association beyond the limit is told so, and one slot becomes free when another
// association ends, or does not move.
func TestAssociationsAreCounted(t *testing.T) {
	t.Parallel()
	p, _ := hostileStart(t)
	for range 4 {
		h := p.connect(t)
		h.write(associateRQ())
		if kind := h.next(); kind != 2 {
			t.Fatalf("PDU %d", kind)
		}
	}
	_, err := dialer().Dial(t.Context(), p.at)
	if reject, ok := errors.AsType[*dimse.RejectError](err); !ok || !reject.Transient() {
		t.Errorf("a fifth association: %v", err)
	}
	p.free(t) // those that are idle are aborted after a second
	p.serves(t, "1.2.9")
}

// A peer that sends a byte now and then is not waited for.
func TestTricklingPeer(t *testing.T) {
	t.Parallel()
	p, _ := hostileStart(t)
	h := p.connect(t)
	h.write(associateRQ())
	if kind := h.next(); kind != 2 {
		t.Fatalf("PDU %d", kind)
	}
	h.write(dataTF(1, 3, storeRQ("1.2.3")))
	began := time.Now()
	for _, b := range someData {
		if _, err := h.Write([]byte{b}); err != nil {
			break
		}
		<-time.After(20 * time.Millisecond)
		if time.Since(began) > 10*time.Second {
			t.Fatal("the peer is still waited for")
		}
	}
	p.free(t)
	if s := p.summaries(t, 1)[0]; s.Outcome != scp.Ended {
		t.Errorf("%+v", s)
	}
}
