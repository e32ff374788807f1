// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package destination

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
)

// multipart is the body of a STOW-RS request: a part for each object, opened when its
// turn comes. Its length is known, since not every server takes a body of unknown
// length. An answer may come while the body is still being read.
type multipart struct {
	boundary string
	length   int64
	objects  []Object

	mu     sync.Mutex
	next   int           // object
	part   io.Reader     // nil between two parts
	file   io.ReadCloser // nil if none is open
	closed bool
	failed error // of an object, not of the connection
}

func newMultipart(objects []Object) *multipart {
	m := &multipart{boundary: "endplate-" + strings.ToLower(rand.Text()), objects: objects}
	for i, o := range objects {
		m.length += int64(len(m.head(i))) + o.Size
	}
	m.length += int64(len(m.end()))
	return m
}

func (m *multipart) contentType() string {
	return fmt.Sprintf(`multipart/related; type="application/dicom"; boundary=%s`, m.boundary)
}

// head returns what stands before object i.
func (m *multipart) head(i int) string {
	head := "--" + m.boundary + "\r\nContent-Type: application/dicom\r\n\r\n"
	if i > 0 {
		head = "\r\n" + head
	}
	return head
}

func (m *multipart) end() string { return "\r\n--" + m.boundary + "--\r\n" }

// Read reads the next bytes of the body.
func (m *multipart) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		switch {
		case m.closed:
			return 0, fs.ErrClosed
		case m.part == nil && m.next > len(m.objects):
			return 0, io.EOF
		case m.part == nil:
			if m.failed = m.open(); m.failed != nil {
				return 0, m.failed
			}
		}
		n, err := m.part.Read(p)
		if errors.Is(err, io.EOF) {
			m.part, err = nil, m.closeFile()
		}
		m.failed = err
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// open begins the next part, or what stands behind the last one.
func (m *multipart) open() error {
	i := m.next
	m.next++
	if i == len(m.objects) {
		m.part = strings.NewReader(m.end())
		return nil
	}
	var err error
	if m.file, err = m.objects[i].Open(); err != nil {
		return err
	}
	m.part = io.MultiReader(strings.NewReader(m.head(i)), m.file)
	return nil
}

func (m *multipart) closeFile() error {
	if m.file == nil {
		return nil
	}
	f := m.file
	m.file = nil
	return f.Close()
}

// Close ends the reading.
func (m *multipart) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.closeFile()
}

// problem returns why an object could not be read.
func (m *multipart) problem() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}
