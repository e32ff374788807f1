// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package dicomweb

import (
	"maps"
	"mime"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// What real clients send, and which of the offers they are to get: the media type,
// its transfer syntax, and + for parts.
func TestNegotiation(t *testing.T) {
	const (
		explicit, jpeg2000 = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"
		nothing            = ""
	)
	instances := append(inSyntax(jpeg2000, true), inSyntax(explicit, true)...)
	frames := append(frameOffers(jpeg2000, true), frameOffers(jpeg2000, false)...)
	sets := []offer{{mediaType: mediaJSON}, {mediaType: mediaXML, parts: true}}
	pictures := []offer{{mediaType: mediaJPEG}, {mediaType: mediaPNG}}
	for _, tt := range []struct {
		accept string
		offers []offer
		want   string
	}{
		{"", instances, "application/dicom " + jpeg2000 + " +"},
		{"*/*", instances, "application/dicom " + jpeg2000 + " +"},
		{`multipart/related; type="application/dicom"`, instances, "application/dicom " + explicit + " +"},
		{`multipart/related; type=application/dicom; transfer-syntax=*`, instances, "application/dicom " + jpeg2000 + " +"},
		{`multipart/related;type="application/dicom";transfer-syntax="` + explicit + `"`, instances, "application/dicom " + explicit + " +"},
		{`multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.5`, instances, nothing},
		{`multipart/related`, instances, "application/dicom " + jpeg2000 + " +"},
		{`application/dicom`, instances, "application/dicom " + explicit},
		{`application/dicom; transfer-syntax=*`, instances, "application/dicom " + jpeg2000},
		{`application/dicom;transfer-syntax=` + jpeg2000 + `;q=0.4, multipart/related;type="application/dicom";q=0.5`, instances, "application/dicom " + explicit + " +"},
		{`application/*`, instances, "application/dicom " + explicit},
		{`image/png`, instances, nothing},

		// OHIF's and dicomweb-client's.
		{`multipart/related; type=application/octet-stream; transfer-syntax=*`, frames, "application/octet-stream " + explicit + " +"},
		{`multipart/related; type="image/jp2"; transfer-syntax=` + jpeg2000, frames, "image/jp2 " + jpeg2000 + " +"},
		{`multipart/related; type="image/jp2"`, frames, "image/jp2 " + jpeg2000 + " +"},
		{`multipart/related; type=image/jls, multipart/related; type=image/*;q=0.9`, frames, "image/jp2 " + jpeg2000 + " +"},
		{`multipart/related; type="image/jpeg"`, frames, nothing},
		{`application/octet-stream`, frames, "application/octet-stream " + explicit},
		{`image/jp2;transfer-syntax=1.2.840.10008.1.2.4.91`, frames, nothing},

		{`application/dicom+json`, sets, "application/dicom+json "},
		{`application/json`, sets, "application/dicom+json "},
		{`multipart/related; type="application/dicom+xml"`, sets, "application/dicom+xml  +"},
		{`application/dicom+xml`, sets, nothing},
		{`application/dicom+json;q=0, */*`, sets, "application/dicom+xml  +"},
		{`text/html, application/xhtml+xml, */*;q=0.1`, sets, "application/dicom+json "},

		{"", pictures, "image/jpeg "},
		{"image/*", pictures, "image/jpeg "},
		{"image/jpeg;q=0.5, image/png", pictures, "image/png "},
		{"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", pictures, "image/jpeg "},
		{"video/mp4", pictures, nothing},
	} {
		a, err := parseRanges(tt.accept)
		if err != nil {
			t.Errorf("%q: %v", tt.accept, err)
			continue
		}
		got := ""
		if o, ok := a.choose(tt.offers...); ok {
			got = o.mediaType + " " + o.syntax
			if o.parts {
				got += " +"
			}
		}
		if got != tt.want {
			t.Errorf("%q gets %q, want %q", tt.accept, got, tt.want)
		}
	}
}

// The query parameter stands instead of the header, also where a plus has become a
// space.
func TestAcceptParameter(t *testing.T) {
	r := httptest.NewRequest("GET", "/?accept=application/dicom+json&accept="+url.QueryEscape(`multipart/related; type="application/dicom+xml"; q=0.5`), nil)
	r.Header.Set("Accept", "image/png")
	a, err := parseAccept(r)
	if err != nil || len(a) != 2 || a[0].mediaType != mediaJSON || a[1].mediaType != mediaXML || !a[1].parts {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := parseRanges("no media type at all"); err == nil {
		t.Error("nonsense is accepted")
	}
	if _, err := parseRanges(strings.Repeat("image/png,", mostRanges+2)); err == nil {
		t.Error("thousands of media types are accepted")
	}
}

// What package mime reads, is read the same here; this reads more, and never panics.
func FuzzParseMedia(f *testing.F) {
	for _, s := range []string{
		`multipart/related; type="application/dicom"; boundary=abc`, `multipart/related;type=application/dicom;boundary="a;b\"c"`,
		`application/dicom+json;q=0.5`, `*/*`, `image/*; q=`, `a/b; c="\`, ";", `a/b;;c=d;`, "A/B;C=D",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		mediaType, parameters, ok := parseMedia(s)
		for _, element := range splitOutsideQuotes(s, ',') {
			parseRange(element)
		}
		if a, err := parseRanges(s); err == nil {
			a.choose(append(frameOffers("1.2.840.10008.1.2.4.50", true), inSyntax("1.2.840.10008.1.2", true)...)...)
		}
		want, wantParameters, err := mime.ParseMediaType(s)
		// It decodes RFC 2231, takes a type without a subtype, and what is not ASCII.
		if err != nil || strings.Contains(s, "*") || !strings.Contains(want, "/") || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x7f || r < ' ' }) {
			return
		}
		if !ok || mediaType != want || !maps.Equal(parameters, wantParameters) {
			t.Errorf("%q: %q %q %v, mime reads %q %q", s, mediaType, parameters, ok, want, wantParameters)
		}
	})
}
