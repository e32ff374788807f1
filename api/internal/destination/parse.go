// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package destination

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/endplate/endplate/api/dimse/scu"
)

// DefaultAETitle is the AE title by which we call, where none is said.
const DefaultAETitle = "ENDPLATE"

// parameters are those that the URL of a destination may have, by scheme.
var parameters = map[string][]string{
	"dicom":  {"kinds", "calling"},
	"dicoms": {"kinds", "calling", "ca", "cert", "key"},
	"http":   {"kinds", "token-file", "basic-file"},
	"https":  {"kinds", "token-file", "basic-file", "ca", "cert", "key"},
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Parse reads a destination, NAME=URL. The URL is one of
//
//	dicom://CALLED-AET@HOST:PORT?calling=AET          C-STORE
//	dicoms://CALLED-AET@HOST:PORT?ca=FILE             C-STORE over TLS
//	https://HOST/PATH?token-file=FILE                 STOW-RS below PATH/studies
//
// with, beside these, kinds=sr,seg for the kinds of objects that go there; cert=FILE
// and key=FILE with which we show who we are by TLS; basic-file=FILE with a line
// USER:PASSWORD.
func Parse(s string) (Destination, error) {
	name, address, _ := strings.Cut(s, "=")
	if !validName.MatchString(name) {
		return Destination{}, fmt.Errorf("destination %q: want NAME=URL with a name of at most 32 characters a-z, 0-9, - and _", cutURL(s))
	}
	d, err := parseURL(address)
	if err != nil {
		return Destination{}, fmt.Errorf("destination %s: %w", name, err)
	}
	d.Name = name
	return d, nil
}

// cutURL returns what of a text may be repeated in a message: a URL may hold a password
// that does not belong there.
func cutURL(s string) string {
	before, _, _ := strings.Cut(s, "://")
	return before
}

func parseURL(address string) (Destination, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Destination{}, errors.New("the URL cannot be read")
	}
	known, ok := parameters[u.Scheme]
	if !ok {
		return Destination{}, fmt.Errorf("scheme %q, want dicom, dicoms, http or https", u.Scheme)
	}
	q := u.Query()
	for key, values := range q {
		switch {
		case !slices.Contains(known, key):
			return Destination{}, fmt.Errorf("a URL of %s has no parameter %q, but %s", u.Scheme, key, strings.Join(known, ", "))
		case len(values) > 1:
			return Destination{}, fmt.Errorf("parameter %q is set twice", key)
		}
	}
	if (q.Get("cert") == "") != (q.Get("key") == "") {
		return Destination{}, errors.New("cert goes with key")
	}
	var kinds []string
	if list := q.Get("kinds"); list != "" {
		kinds = strings.Split(list, ",")
	}
	files := TLSFiles{CA: q.Get("ca"), Certificate: q.Get("cert"), Key: q.Get("key")}
	if strings.HasPrefix(u.Scheme, "http") {
		w, err := parseDICOMweb(u, q, files)
		return Destination{Kinds: kinds, Sender: w}, err
	}
	p, err := parseAE(u, q, files)
	return Destination{Kinds: kinds, Sender: p}, err
}

// ParsePeer reads an application entity, as Parse reads one that objects are sent to, or
// AET@HOST:PORT.
func ParsePeer(address string) (*scu.Peer, error) {
	if !strings.Contains(address, "://") {
		address = "dicom://" + address
	}
	d, err := parseURL(address)
	if err != nil {
		return nil, err
	}
	p, ok := d.Sender.(*AE)
	if !ok || d.Kinds != nil {
		return nil, errors.New("want AET@HOST:PORT, dicom://AET@HOST:PORT?calling=AET, or dicoms:// for TLS")
	}
	return p.peer()
}

func parseDICOMweb(u *url.URL, q url.Values, files TLSFiles) (*DICOMweb, error) {
	w := &DICOMweb{TokenFile: q.Get("token-file"), BasicFile: q.Get("basic-file"), TLS: files}
	switch {
	case u.Host == "":
		return nil, errors.New("the URL has no host")
	case u.User != nil:
		return nil, errors.New("credentials do not belong in the URL; name a file with token-file or basic-file")
	case u.Fragment != "":
		return nil, errors.New("the URL has a fragment")
	case w.TokenFile != "" && w.BasicFile != "":
		return nil, errors.New("token-file and basic-file exclude each other")
	}
	base := *u
	base.RawQuery = ""
	w.URL = strings.TrimSuffix(base.String(), "/")
	return w, nil
}

func parseAE(u *url.URL, q url.Values, files TLSFiles) (*AE, error) {
	p := &AE{Address: u.Host, Called: u.User.Username(), Calling: q.Get("calling"), Encrypted: u.Scheme == "dicoms", TLS: files}
	if p.Calling == "" {
		p.Calling = DefaultAETitle
	}
	if _, password := u.User.Password(); password || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errors.New("want CALLED-AET@HOST:PORT")
	}
	if _, port, err := net.SplitHostPort(p.Address); err != nil || port == "" {
		return nil, errors.New("want CALLED-AET@HOST:PORT with a port")
	}
	for _, aet := range []string{p.Called, p.Calling} {
		if !validAETitle(aet) {
			return nil, fmt.Errorf("%q is no AE title: want 1 to 16 characters", aet)
		}
	}
	return p, nil
}

// validAETitle reports whether a text is a value of VR AE that is not blank. PS3.5
// section 6.2.
func validAETitle(s string) bool {
	const longest = 16
	if s != strings.TrimSpace(s) || s == "" || len(s) > longest {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
}
