// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// Links lead where the configuration says that the service is reached, whatever a caller
// or a proxy calls it; without, to where it was called.
func TestLinksLeadToThePublicURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ public, host, want string }{
		{"https://pacs.example.org/endplate/", "localhost:1", "https://pacs.example.org/endplate/dicom-web/studies/"},
		{"", "localhost:8080", "http://localhost:8080/dicom-web/studies/"},
	} {
		c := config(t)
		c.PublicURL = tt.public
		p := serve(t, c)
		all := made(t, 8, 3, "1.2.3")
		stored := p.store(t, "/studies", contents(all)...)
		if stored.StatusCode != http.StatusOK {
			t.Fatalf("stored: %s", stored.body)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/studies", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		r.Header.Set("X-Forwarded-Host", "evil.example")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(b), `"`+tt.want) || strings.Contains(string(b), "evil") || tt.public != "" && strings.Contains(string(b), tt.host) {
			t.Errorf("of %q, called %q, links are %s, %v", tt.public, tt.host, b, err)
		}
	}
}
