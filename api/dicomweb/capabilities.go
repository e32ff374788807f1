// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	_ "embed" // the text
	"fmt"
	"io"
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

// WriteConformance writes what a DICOM Conformance Statement says of this package, in
// Markdown: what callers are told too. PS3.2 annex N.
func WriteConformance(w io.Writer) error {
	_, err := fmt.Fprintf(w, "\n## Web services\n\nUnder `/dicom-web/` of the REST address, which returns this text:\n\n```\n%s```\n", conformance)
	return err
}
