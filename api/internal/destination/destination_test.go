// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package destination_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/volume"
	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/orthanctest"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in    string
		where string // empty: an error
		text  string // in the error
	}{
		{"pacs=dicom://PACS@pacs.example.org:104", "PACS@pacs.example.org:104", ""},
		{"p=dicoms://A%20B@[::1]:2762?calling=US&ca=a&cert=b&key=c&kinds=sr,seg", "A B@[::1]:2762", ""},
		{"vna=https://vna.example.org/dicom-web/?token-file=t&kinds=sr", "https://vna.example.org/dicom-web", ""},
		{"vna=http://vna", "http://vna", ""},
		{"dicom://PACS@h:104", "", "want NAME=URL"},
		{"=dicom://PACS@h:104", "", "want NAME=URL"},
		{"PACS=dicom://PACS@h:104", "", "want NAME=URL"},
		{strings.Repeat("a", 33) + "=dicom://PACS@h:104", "", "want NAME=URL"},
		{"p=ftp://h", "", "scheme"},
		{"p=dicom://PACS@h", "", "port"},
		{"p=dicom://PACS@h:", "", "port"},
		{"p=dicom://h:104", "", "no AE title"},
		{"p=dicom://ABCDEFGHIJKLMNOPQ@h:104", "", "no AE title"},
		{"p=dicom://A%5cB@h:104", "", "no AE title"},
		{"p=dicom://PACS:secret@h:104", "", "want CALLED-AET@HOST:PORT"},
		{"p=dicom://PACS@h:104/x", "", "want CALLED-AET@HOST:PORT"},
		{"p=dicom://PACS@h:104?ca=x", "", "no parameter"},
		{"p=dicoms://PACS@h:104?cert=x", "", "cert goes with key"},
		{"p=https://u:secret@h", "", "credentials do not belong"},
		{"p=https://h?token-file=a&basic-file=b", "", "exclude"},
		{"p=https://h?token-file=a&token-file=b", "", "twice"},
		{"p=https://h#x", "", "fragment"},
		{"p=https:///x", "", "no host"},
		{"p=https://h:%zz", "", "cannot be read"},
	} {
		d, err := destination.Parse(tt.in)
		switch {
		case tt.where == "" && (err == nil || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret")):
			t.Errorf("Parse(%q) = %v, %v, want an error with %q", tt.in, d, err, tt.text)
		case tt.where != "" && (err != nil || d.String() != tt.where):
			t.Errorf("Parse(%q) = %v, %v, want %s", tt.in, d, err, tt.where)
		}
	}
	d, err := destination.Parse("p=dicom://A@h:1?kinds=sr,seg")
	if err != nil || !slices.Equal(d.Kinds, []string{"sr", "seg"}) {
		t.Errorf("%+v, %v", d, err)
	}
}

// objects returns images, each an instance of a series of its own study.
func objects(t testing.TB, n int) (all []destination.Object) {
	t.Helper()
	vol := &volume.Volume{Geometry: volume.Geometry{Columns: 8, Rows: 8, Slices: n}, Samples: make([]int16, 64*n)}
	vol.Column.X, vol.Row.Y, vol.Slice.Z = 1, 1, 1
	_, err := dicom.WriteCT(vol, dicom.SyntheticCT{Study: "1", FrameOfReference: "1", PatientID: "P"}, func(_ int, b []byte) error {
		file := bytes.Clone(b)
		h, err := dicom.ReadHeader(bytes.NewReader(file))
		all = append(all, destination.Object{
			StudyInstanceUID: h.StudyInstanceUID, SeriesInstanceUID: h.SeriesInstanceUID, SOPClassUID: h.SOPClassUID,
			SOPInstanceUID: h.SOPInstanceUID, TransferSyntaxUID: h.TransferSyntaxUID, Size: int64(len(file)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil },
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// web is a DICOMweb server that answers as it is told.
type web struct {
	*httptest.Server
	status  int
	body    string
	there   []string // SOPInstanceUIDs that a query finds
	got     []string
	length  int64
	header  http.Header
	queries int
}

func newWeb(t testing.TB) *web {
	w := &web{status: http.StatusOK}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.header = r.Header
	if r.Method == http.MethodGet {
		w.queries++
		var found []any
		for _, uid := range w.there {
			if asked := r.URL.Query().Get("SOPInstanceUID"); asked == uid || asked == "" {
				found = append(found, map[string]any{"00080018": map[string]any{"vr": "UI", "Value": []string{uid}}})
			}
		}
		if found == nil {
			out.WriteHeader(http.StatusNoContent)
			return
		}
		_ = json.NewEncoder(out).Encode(found)
		return
	}
	w.length = r.ContentLength
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	parts := multipart.NewReader(r.Body, params["boundary"])
	for part, err := parts.NextPart(); err == nil; part, err = parts.NextPart() {
		if h, err := dicom.ReadHeader(part); err == nil && part.Header.Get("Content-Type") == "application/dicom" {
			w.got = append(w.got, h.SOPInstanceUID)
		}
	}
	out.Header().Set("Content-Type", "application/dicom+json")
	out.WriteHeader(w.status)
	io.WriteString(out, w.body)
}

func (w *web) destination(t testing.TB, parameters string) destination.Destination {
	t.Helper()
	d, err := destination.Parse("w=" + w.URL + "/dicom-web" + parameters)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// told is the answer of a server that stored some and refused others for a reason.
func told(stored []string, failed map[string]int) string {
	item := func(uid string) map[string]any {
		return map[string]any{"00081155": map[string]any{"vr": "UI", "Value": []string{uid}}}
	}
	var ok, no []any
	for _, uid := range stored {
		ok = append(ok, item(uid))
	}
	for uid, reason := range failed {
		i := item(uid)
		i["00081197"] = map[string]any{"vr": "US", "Value": []int{reason}}
		no = append(no, i)
	}
	b, _ := json.Marshal(map[string]any{
		"00081199": map[string]any{"vr": "SQ", "Value": ok}, "00081198": map[string]any{"vr": "SQ", "Value": no},
	})
	return string(b)
}

func TestWhatASTOWAnswerSaysOfEach(t *testing.T) {
	all := objects(t, 2)
	first, second := all[0].SOPInstanceUID, all[1].SOPInstanceUID
	const ok = fault.NumKinds // no error
	for name, tt := range map[string]struct {
		status int
		body   string
		there  []string
		want   [2]fault.Kind
	}{
		"all stored":                      {200, told([]string{first, second}, nil), nil, [2]fault.Kind{ok, ok}},
		"all stored, without a word":      {200, "", nil, [2]fault.Kind{ok, ok}},
		"one refused":                     {202, told([]string{first}, map[string]int{second: 0xA900}), nil, [2]fault.Kind{ok, fault.Unsupported}},
		"one there already":               {202, told([]string{first}, map[string]int{second: 0x0111}), nil, [2]fault.Kind{ok, ok}},
		"some stored, without a word":     {202, "<html>", []string{second}, [2]fault.Kind{fault.Unsupported, ok}},
		"a conflict with itself":          {409, "", []string{first, second}, [2]fault.Kind{ok, ok}},
		"all there already":               {409, told(nil, map[string]int{first: 0x0111, second: 0x0111}), nil, [2]fault.Kind{ok, ok}},
		"all refused":                     {409, told(nil, map[string]int{first: 0xC000, second: 0xC000}), nil, [2]fault.Kind{fault.Unsupported, fault.Unsupported}},
		"refused with another reason":     {409, told(nil, map[string]int{first: 0x0110, second: 0x0110}), []string{first}, [2]fault.Kind{ok, fault.Unsupported}},
		"busy":                            {503, "", nil, [2]fault.Kind{fault.Unavailable, fault.Unavailable}},
		"too many":                        {429, "", nil, [2]fault.Kind{fault.Unavailable, fault.Unavailable}},
		"not allowed":                     {403, "", nil, [2]fault.Kind{fault.Denied, fault.Denied}},
		"no STOW there":                   {404, "", nil, [2]fault.Kind{fault.Unsupported, fault.Unsupported}},
		"elsewhere":                       {308, "", nil, [2]fault.Kind{fault.Unsupported, fault.Unsupported}},
		"an answer that says nothing new": {202, strings.Repeat("[", 1<<16), nil, [2]fault.Kind{fault.Unsupported, fault.Unsupported}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t)
			w.status, w.body, w.there = tt.status, tt.body, tt.there
			d := w.destination(t, "")
			for i, err := range d.Send(t.Context(), all) {
				if kind := fault.Of(err); err == nil && tt.want[i] != ok || err != nil && kind != tt.want[i] {
					t.Errorf("object %d: %v, want %v", i, err, tt.want[i])
				}
			}
			if !slices.Equal(w.got, []string{first, second}) || w.length <= 0 {
				t.Errorf("got %q, of %d bytes", w.got, w.length)
			}
		})
	}
}

func TestCredentialsAreReadForEverySending(t *testing.T) {
	w := newWeb(t)
	file := filepath.Join(t.TempDir(), "secret")
	for _, tt := range []struct{ parameter, content, want string }{
		{"token-file", "abc\n", "Bearer abc"},
		{"token-file", "def", "Bearer def"},
		{"basic-file", "Aladdin:open sesame\n", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // RFC 7617 section 2
	} {
		if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		d := w.destination(t, "?"+tt.parameter+"="+file)
		if err := d.Probe(t.Context()); err != nil || w.header.Get("Authorization") != tt.want {
			t.Errorf("%s: %q, %v", tt.parameter, w.header.Get("Authorization"), err)
		}
	}
	if err := os.WriteFile(file, []byte("a\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := w.destination(t, "?token-file="+file)
	if err := d.Probe(t.Context()); err == nil || strings.Contains(fault.Public(err).Text, file) {
		t.Errorf("a file of two lines: %v", err)
	}
}

// An object that cannot be read is not the archive's fault.
func TestAnUnreadableObjectIsSaidToBe(t *testing.T) {
	w := newWeb(t)
	all := objects(t, 2)
	broken := fault.New(fault.Corrupt, fault.StoredDataCorrupt, "the bytes have changed")
	all[1].Open = func() (io.ReadCloser, error) { return nil, broken }
	d := w.destination(t, "")
	for _, err := range d.Send(t.Context(), all) {
		if !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	}
}

func TestWhatCannotBeReachedIsNotNamed(t *testing.T) {
	address := orthanctest.FreePort(t)
	for _, url := range []string{"a=http://" + address, "a=dicom://A@" + address, "a=dicoms://A@" + address} {
		d, err := destination.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range d.Send(t.Context(), objects(t, 1)) {
			if text := fault.Public(err).Text; fault.Of(err) != fault.Unavailable || text != "it cannot be reached: connection refused" {
				t.Errorf("%s: %v: %s", url, err, text)
			}
		}
	}
}

// What is sent twice, by whichever way, arrives once in an archive that others have
// made.
func TestOrthancHasOneCopy(t *testing.T) {
	t.Parallel()
	archive := orthanctest.Start(t, nil)
	all := objects(t, 3)
	for _, url := range []string{"a=" + archive.Web, "b=dicom://ORTHANC@" + archive.DIMSE} {
		d, err := destination.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Probe(t.Context()); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		for range 2 {
			for i, err := range d.Send(t.Context(), all) {
				if err != nil {
					t.Errorf("%s: object %d: %v", url, i, err)
				}
			}
		}
	}
	if got := archive.Query(t, "/studies/"+all[0].StudyInstanceUID+"/instances", "00080018"); len(got) != len(all) {
		t.Errorf("Orthanc has %d instances", len(got))
	}
	f, err := all[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := archive.Instance(t, all[0].SOPInstanceUID); !bytes.Equal(got, want) {
		t.Errorf("an instance of %d bytes has become one of %d, or has changed", len(want), len(got))
	}
}

// certificate writes a certificate for this machine, its own authority, and its key.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// An archive of dcmtk that speaks TLS, and asks us for our certificate.
func TestTLSWithDCMTK(t *testing.T) {
	t.Parallel()
	storescp, err := exec.LookPath("storescp")
	if err != nil {
		t.Skip("storescp of dcmtk is not installed")
	}
	theirs, theirKey := certificate(t)
	ours, ourKey := certificate(t)
	address := orthanctest.FreePort(t)
	_, port, _ := net.SplitHostPort(address)
	folder := t.TempDir()
	cmd := exec.Command(storescp, "-aet", "SECURE", "+tls", theirKey, theirs, "+cf", ours, "-od", folder, port)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	parsed := func(parameters string) destination.Destination {
		d, err := destination.Parse("a=dicoms://SECURE@" + address + parameters)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	good := parsed("?ca=" + theirs + "&cert=" + ours + "&key=" + ourKey)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := good.Probe(t.Context())
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v: %s", err, &out)
		}
	}
	for _, err := range good.Send(t.Context(), objects(t, 2)) {
		if err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("%d files, %v", len(entries), err)
	}
	for parameters, want := range map[string]string{
		"?cert=" + ours + "&key=" + ourKey: "its certificate is not one that we trust",
		"?ca=" + theirs:                    "it cannot be reached",
		"?ca=" + theirKey:                  "the file of authorities cannot be read",
	} {
		d := parsed(parameters)
		if err := d.Probe(t.Context()); err == nil || !strings.Contains(fault.Public(err).Text, want) {
			t.Errorf("%s: %v, want %s", parameters, err, want)
		}
	}
	plain, err := destination.Parse("a=dicom://SECURE@" + address)
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Probe(t.Context()); fault.Of(err) != fault.Unavailable {
		t.Errorf("without TLS: %v", err)
	}
}
