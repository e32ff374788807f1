// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	_ "embed" // the text
	"net/http"
)

// conformance says what the service does, for people.
//
//go:embed conformance.txt
var conformance string

// capabilities tells what can be asked for. It needs no role: it tells nothing of what
// is stored. Pages of other origins are given no leave to ask.
func capabilities(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Allow", "GET, HEAD, OPTIONS, POST")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(conformance)) // the caller may be gone
}
