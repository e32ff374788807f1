// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/endplate/endplate/api/internal/fault"
)

// mediaRange is one of the media types that a caller accepts. RFC 9110 section 12.5.1,
// PS3.18 section 8.7.5.
type mediaRange struct {
	mediaType string // such as application/dicom, image/* or */*; of parts, that of each
	parts     bool   // multipart/related
	whole     bool   // not multipart; both where anything goes
	syntax    string // "*" for any, "" where it is not said
	q         float64
}

// accepted are the media types that a caller accepts.
type accepted []mediaRange

// mostRanges bounds the media types in one request.
const mostRanges = 64

// parseAccept reads what a request accepts: its query parameter accept instead of the
// header, where there is one. Without either that is anything.
func parseAccept(r *http.Request) (accepted, error) {
	values := r.Header.Values("Accept")
	if asked := r.URL.Query()["accept"]; len(asked) > 0 {
		values = nil
		for _, v := range asked {
			values = append(values, plus(v))
		}
	}
	return parseRanges(strings.Join(values, ","))
}

// plus undoes that "+" is a space in a query.
func plus(s string) string { return strings.ReplaceAll(s, "dicom ", "dicom+") }

// parseRanges reads a list of media types. One that cannot be read is none.
func parseRanges(list string) (accepted, error) {
	if strings.TrimSpace(list) == "" {
		return accepted{{mediaType: "*/*", parts: true, whole: true, syntax: "*", q: 1}}, nil
	}
	var all accepted
	for _, element := range splitOutsideQuotes(list, ',') {
		if m, ok := parseRange(element); ok {
			all = append(all, m)
		}
		if len(all) > mostRanges {
			return nil, fault.New(fault.Invalid, fault.InvalidField, "more than %d media types are accepted", mostRanges)
		}
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, fault.InvalidField, "the media types accepted cannot be read")
	}
	return all, nil
}

func parseRange(element string) (m mediaRange, ok bool) {
	mediaType, parameters, ok := parseMedia(element)
	if !ok {
		return m, false
	}
	m = mediaRange{mediaType: mediaType, whole: true, syntax: parameters["transfer-syntax"], q: 1}
	switch mediaType {
	case "multipart/related":
		m.whole, m.parts = false, true
		if m.mediaType = strings.ToLower(parameters["type"]); m.mediaType == "" {
			m.mediaType = "*/*"
		}
	case "*/*", "multipart/*":
		m.parts, m.whole = true, mediaType == "*/*"
		m.mediaType = "*/*"
	case "application/json":
		m.mediaType = mediaJSON
	case "application/xml", "text/xml":
		m.mediaType = mediaXML
	}
	if m.mediaType == "*/*" && m.syntax == "" {
		m.syntax = "*"
	}
	if q, there := parameters["q"]; there {
		var err error
		if m.q, err = strconv.ParseFloat(q, 64); err != nil || !(m.q >= 0 && m.q <= 1) {
			return m, false
		}
	}
	return m, true
}

// offer is something that can be had.
type offer struct {
	mediaType string
	parts     bool
	syntax    string // "" for what has none
	standard  bool   // the transfer syntax that the media type has by default
}

// specificity tells how closely a range describes an offer, 0 for not at all.
func (m mediaRange) specificity(o offer) int {
	if o.parts && !m.parts || !o.parts && !m.whole {
		return 0
	}
	syntax := 0
	switch {
	case o.syntax == "" || m.syntax == "*" || m.syntax == "" && o.standard:
	case m.syntax == o.syntax:
		syntax = 1
	default:
		return 0
	}
	kind, _, _ := strings.Cut(m.mediaType, "/")
	switch {
	case m.mediaType == o.mediaType:
		return 6 + syntax
	case m.mediaType == "*/*":
		return 2 + syntax
	case strings.HasSuffix(m.mediaType, "/*") && strings.HasPrefix(o.mediaType, kind+"/"):
		return 4 + syntax
	}
	return 0
}

// quality returns how welcome an offer is, as the range says that describes it most
// closely.
func (a accepted) quality(o offer) (q float64) {
	most := 0
	for _, m := range a {
		if s := m.specificity(o); s > most {
			most, q = s, m.q
		}
	}
	return q
}

// choose returns the offer that is most welcome; the first of several.
func (a accepted) choose(offers ...offer) (best offer, ok bool) {
	var most float64
	for _, o := range offers {
		if q := a.quality(o); q > most {
			most, best, ok = q, o, true
		}
	}
	return best, ok
}

// datasetFormat says whether data sets are to be JSON, or else parts of XML.
func datasetFormat(r *http.Request) (json bool, err error) {
	a, err := parseAccept(r)
	if err != nil {
		return false, err
	}
	o, ok := a.choose(offer{mediaType: mediaJSON}, offer{mediaType: mediaXML, parts: true})
	if !ok {
		return false, notAcceptable("attributes")
	}
	return o.mediaType == mediaJSON, nil
}
