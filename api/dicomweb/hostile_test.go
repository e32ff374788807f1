// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// raw sends what is no request of a client library, and returns the answer's first line,
// or nothing where the connection is closed without one.
func raw(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		return ""
	}
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

// until waits for something that is to come.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(10 * time.Millisecond) { // a look now and then, not a wait for luck
		if time.Since(start) > 30*time.Second {
			t.Fatalf("%s did not come", what)
		}
	}
}

// files counts the files below a folder.
func files(t *testing.T, folder string) (n int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil // a file that went meanwhile
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever is asked for, the server answers or hangs up, and goes on serving; nothing
// is left of what was not stored.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	c := config(t)
	p := serve(t, c)
	all := made(t, 16, 2, "1")
	p.store(t, "/studies", all[0].content).want(t, http.StatusOK)
	blobs := filepath.Join(c.Storage.Folder, "blobs")
	before := files(t, blobs)
	post := "POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/related; type=\"application/dicom\"; boundary=x\r\n"
	get := func(path, header string) string {
		return "GET /dicom-web" + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "Connection: close\r\n\r\n"
	}
	part := "--x\r\nContent-Type: application/dicom\r\n\r\n"
	for name, tt := range map[string]struct{ request, want string }{
		"a length that lies":       {post + "Content-Length: 99999999999999\r\n\r\n" + part, "413"},
		"a negative length":        {post + "Content-Length: -1\r\n\r\n", "400"},
		"two lengths":              {post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400"},
		"length and chunks":        {post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"chunks that lie":          {post + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello", "400"},
		"a header beyond the most": {get("/studies", "X: "+strings.Repeat("y", 200<<10)+"\r\n"), "431"},
		"thousands of headers":     {get("/studies", strings.Repeat("Accept: application/dicom+json\r\n", 3000)), "431"},
		"many media types":         {get("/studies", strings.Repeat("Accept: image/png, image/jpeg, a/b\r\n", 100)), "400"},
		"a path upwards":           {get("/studies/../../../../etc/passwd", ""), "30"},
		"a path upwards, hidden":   {get("/studies/%2e%2e%2f%2e%2e/metadata", ""), "400"},
		"a NUL":                    {get("/studies/%00/metadata", ""), "400"},
		"SQL":                      {get("/studies?PatientID='%20OR%20'1'='1", ""), "204"},
		"SQL in a name":            {get("/studies?PatientName=';DROP%20TABLE%20studies;--", ""), "400"},
		"a pattern":                {get("/studies?PatientID="+strings.Repeat("*", 60), ""), "400"},
		"a list of frames":         {get(all[0].path()+"/frames/"+strings.Repeat("1,", 20000)+"1", ""), "400"},
		"a deep path of bulk data": {get(all[0].path()+"/bulkdata/"+strings.Repeat("00081120/1/", 1000)+"00100010", ""), "404"},
		"a huge picture":           {get(all[0].path()+"/rendered?viewport=4096,99999999", ""), "400"},
		"parts within parts":       {post + "Connection: close\r\nContent-Length: 92\r\n\r\n--x\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/related\r\n\r\n", "40"},
		"another origin":           {strings.Replace(post, "Host", "Origin: https://elsewhere.example\r\nSec-Fetch-Site: cross-site\r\nHost", 1) + "Content-Length: 0\r\n\r\n", "403"},
		"a name that leads here":   {strings.Replace(get("/studies", ""), "localhost", "evil.example", 1), "403"},
	} {
		if got := raw(t, p.at.HTTP, tt.request); !strings.HasPrefix(got, "HTTP/1.1 "+tt.want) {
			t.Errorf("%s: %q, want %s", name, got, tt.want)
		}
	}
	until(t, "nothing left behind", func() bool { return files(t, blobs) <= before })
	if n := len(p.get(t, "/instances", "").datasets(t)); n != 1 {
		t.Errorf("%d instances, want 1", n)
	}
}

// Who asks whether to go on is told to, or not, before the body is sent.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	head := "POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000\r\nContent-Type: "
	if got := raw(t, p.at.HTTP, head+"multipart/related; type=\"application/dicom\"; boundary=x\r\n\r\n"); got != "HTTP/1.1 100 Continue" {
		t.Errorf("a good request: %q", got)
	}
	if got := raw(t, p.at.HTTP, head+"text/plain\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 415") {
		t.Errorf("a request that cannot be: %q", got)
	}
	if got := raw(t, p.at.HTTP, strings.Replace(head, "1000", "99999999999", 1)+"application/dicom\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 413") {
		t.Errorf("a request that is too long: %q", got)
	}
}

// Callers that go in the middle, of what they send or of what they get, leave no
// goroutine and no file behind.
func TestCallersThatGo(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.PprofAddr = "127.0.0.1:0"
	p := serve(t, c)
	all := made(t, 256, 8, "1")
	p.store(t, "/studies", contents(all)...).want(t, http.StatusOK)
	blobs := filepath.Join(c.Storage.Folder, "blobs")
	before := files(t, blobs)
	body, contentType := related(contents(made(t, 256, 8, "2"))...)
	var wg sync.WaitGroup
	for k := range 10 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", p.at.HTTP)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if k%2 == 0 {
				fmt.Fprintf(conn, "POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, len(body))
				_, _ = conn.Write(body[:50_000]) // within the first part
				return
			}
			fmt.Fprintf(conn, "GET /dicom-web/studies/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", all[0].StudyInstanceUID)
			_, _ = io.ReadFull(conn, make([]byte, 10_000))
		})
	}
	wg.Wait()
	until(t, "no file of those who went", func() bool { return files(t, blobs) <= before })
	until(t, "no call of those who went", func() bool {
		r, err := http.Get("http://" + p.at.Metrics + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return bytes.Contains(b, []byte(`endplate_calls_in_flight{method="/DICOMweb/Store"} 0`)) &&
			bytes.Contains(b, []byte(`endplate_calls_in_flight{method="/DICOMweb/RetrieveInstances"} 0`))
	})
}

// A caller who takes nothing of what it asked for holds up nobody: others store and
// search meanwhile.
func TestSlowReadersHoldNothing(t *testing.T) {
	t.Parallel()
	p := serve(t, config(t))
	all := made(t, 512, 24, "1") // 12 MB: more than the sockets take in
	p.store(t, "/studies", contents(all)...).want(t, http.StatusOK)
	for range 8 {
		conn, err := net.Dial("tcp", p.at.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /dicom-web/studies/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", all[0].StudyInstanceUID)
		if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	other := made(t, 16, 4, "2")
	p.store(t, "/studies", contents(other)...).want(t, http.StatusOK)
	if n := len(p.get(t, "/studies", "").datasets(t)); n != 2 {
		t.Errorf("%d studies", n)
	}
	if _, got := p.get(t, "/studies/"+other[0].StudyInstanceUID, "").parts(t); len(got) != 4 {
		t.Errorf("%d instances", len(got))
	}
}

// What a large request and a large answer take of memory does not follow from their
// size.
func TestMemoryDoesNotFollowSize(t *testing.T) {
	c := config(t)
	p := serve(t, c)
	all := made(t, 512, 1, "1")
	one := all[0].content
	peak := watchHeap(t)
	const parts = 200 // 105 MB
	r, w := io.Pipe()
	go func() {
		for k := range parts {
			uid := []byte(all[0].SOPInstanceUID)
			other := append(bytes.Clone(uid[:len(uid)-3]), fmt.Sprintf("%03d", k)...)
			fmt.Fprintf(w, "--x\r\nContent-Type: application/dicom\r\n\r\n")
			_, _ = w.Write(bytes.ReplaceAll(one, uid, other))
			fmt.Fprintf(w, "\r\n")
		}
		fmt.Fprintf(w, "--x--\r\n")
		w.Close()
	}()
	p.do(t, http.MethodPost, "/studies", r, "Content-Type", "multipart/related; type=application/dicom; boundary=x").want(t, http.StatusOK)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/studies/"+all[0].StudyInstanceUID, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil || n < parts*int64(len(one)) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if most := peak(); most > 60<<20 {
		t.Errorf("up to %d MB more than before", most>>20)
	}
}

// watchHeap returns what tells by how much the heap has grown at most, with both the
// server and the test in it.
func watchHeap(t *testing.T) (peak func() int64) {
	t.Helper()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse)
	}
	runtime.GC()
	start := heap()
	var most int64
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				most = max(most, heap()-start)
			case <-ended:
				tick.Stop()
				return
			}
		}
	}()
	return func() int64 {
		close(ended)
		<-stopped
		return most
	}
}
