// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Whatever a body or a query over REST says, the answer is no error of the server's
// own, and comes soon.
func TestAnyBodyIsAnswered(t *testing.T) {
	t.Parallel()
	n := many("ENDPLATE_REQUESTS", 100)
	if testing.Short() {
		n = 20
	}
	_, p := apart(t).process(t)
	run := p.measured(t, made(t, 1, 30))
	s := &scrambler{rand.New(rand.NewPCG(5, 6)), run.GetAnalysisId(), []string{
		run.GetSeriesInstanceUid(), "", "1.2.3", "x", "../../etc/passwd", "\x00", strings.Repeat("9", 1000), "😀", "%", "%2e%2e", "CT",
	}}
	for name, method := range methods() {
		rule := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
		verb, path := verbOf(rule)
		if path == "" || strings.HasSuffix(name, "/DeleteStudy") {
			continue
		}
		answers := map[int]int{}
		for range n {
			request := s.restRequest(t, method, verb, path)
			code := p.statusOf(t, verb, request, s.body(method))
			if answers[code]++; code >= 500 {
				t.Errorf("%s: %d to %s %.300s", name, code, verb, request)
			}
		}
		t.Logf("%s %s: %v", verb, path, answers)
	}
	p.answers(t)
}

// verbOf returns how a method is called over REST; nothing where it is not.
func verbOf(rule *annotations.HttpRule) (verb, path string) {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, pattern.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, pattern.Delete
	}
	return "", ""
}

var pathField = regexp.MustCompile(`\{(\w+)\}`)

// restRequest returns a path whose fields say anything, with a query where there is no
// body.
func (s *scrambler) restRequest(t testing.TB, method protoreflect.MethodDescriptor, verb, path string) string {
	t.Helper()
	path = pathField.ReplaceAllStringFunc(path, func(field string) string {
		f := method.Input().Fields().ByName(protoreflect.Name(strings.Trim(field, "{}")))
		return url.PathEscape(s.value(f, 0).String())
	})
	fields := method.Input().Fields()
	if verb == http.MethodPost || fields.Len() == 0 {
		return path
	}
	query := url.Values{}
	for range s.IntN(4) {
		f := fields.Get(s.IntN(fields.Len()))
		text := s.texts[s.IntN(len(s.texts))]
		if f.Message() == nil && !f.IsList() && s.IntN(2) == 0 {
			text = s.value(f, 0).String()
		}
		query.Add(string(f.Name())+[]string{"", "", ".x", "[0]"}[s.IntN(4)], text)
	}
	return path + "?" + query.Encode()
}

// body returns a message as JSON, or what is nearly one.
func (s *scrambler) body(method protoreflect.MethodDescriptor) []byte {
	b, err := protojson.Marshal(s.request(method.Input()))
	if err != nil || len(b) == 0 {
		return []byte(strings.Repeat("[", 100_000))
	}
	switch s.IntN(3) {
	case 0:
		b = b[:s.IntN(len(b))]
	case 1:
		b[s.IntN(len(b))] = byte(s.Uint32())
	}
	return b
}

func (p *peer) statusOf(t testing.TB, verb, path string, body []byte) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if verb == http.MethodGet {
		body = nil
	}
	request, err := http.NewRequestWithContext(ctx, verb, "http://"+p.at.HTTP+path, bytes.NewReader(body))
	if err != nil {
		return http.StatusBadRequest // no address at all
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Errorf("%s %.300s: %v", verb, path, err)
		return 0
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Errorf("%s %.300s: %v", verb, path, err)
	}
	return response.StatusCode
}
