// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// tokenPrefix lets scanners for secrets find a token that went astray, and tells it
// from the tokens of an issuer.
const tokenPrefix = "endplate_"

// The limits of a file of credentials.
const (
	mostCredentialBytes = 4 << 20
	longestSubject      = 128 // bytes
)

// NewToken returns a new token of 256 random bits, and the line that gives it to a
// subject in a file of credentials. The line holds the token's hash alone.
func NewToken(subject string, roles []Role) (token, line string, err error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(token))
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.String()
	}
	line = fmt.Sprintf("- {subject: %q, roles: [%s], sha256: %x}", subject, strings.Join(names, ", "), sum)
	if _, err := parseCredentials([]byte(line)); err != nil {
		return "", "", err
	}
	return token, line, nil
}

// credentials are what a file grants.
type credentials struct {
	tokens       []tokenGrant
	certificates map[string]Principal // by the certificate's subject, as RFC 2253 writes it
}

type tokenGrant struct {
	hash      [sha256.Size]byte
	principal Principal
	expires   time.Time // zero: never
}

// grant is an entry of the file.
type grant struct {
	Subject     string   `yaml:"subject"`
	Roles       []string `yaml:"roles"`
	SHA256      string   `yaml:"sha256"`
	Certificate string   `yaml:"certificate"`
	Expires     string   `yaml:"expires"`
}

// readCredentials reads a file of credentials.
func readCredentials(path string) (*credentials, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, mostCredentialBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > mostCredentialBytes {
		return nil, fmt.Errorf("%s: more than %d bytes", path, mostCredentialBytes)
	}
	c, err := parseCredentials(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseCredentials(raw []byte) (*credentials, error) {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	var grants []grant
	if err := d.Decode(&grants); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c := &credentials{certificates: make(map[string]Principal)}
	for i, g := range grants {
		if err := c.add(g); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	return c, nil
}

func (c *credentials) add(g grant) error {
	p, err := g.principal()
	if err != nil {
		return err
	}
	var expires time.Time
	if g.Expires != "" {
		if expires, err = time.Parse(time.DateOnly, g.Expires); err != nil {
			return fmt.Errorf("expires %q is no date such as 2027-01-31", g.Expires)
		}
	}
	switch {
	case (g.SHA256 == "") == (g.Certificate == ""):
		return errors.New("want either sha256 of a token or the subject of a certificate")
	case g.Certificate != "" && g.Expires != "":
		return errors.New("a certificate says itself when it expires")
	case g.Certificate != "":
		if _, twice := c.certificates[g.Certificate]; twice {
			return fmt.Errorf("certificate %q is listed twice", g.Certificate)
		}
		c.certificates[g.Certificate] = p
		return nil
	}
	t := tokenGrant{principal: p, expires: expires}
	if n, err := hex.Decode(t.hash[:], []byte(g.SHA256[:min(len(g.SHA256), 2*sha256.Size)])); err != nil || n != sha256.Size || len(g.SHA256) != 2*sha256.Size {
		return errors.New("sha256 is not 64 hexadecimal digits")
	}
	c.tokens = append(c.tokens, t)
	return nil
}

func (g grant) principal() (Principal, error) {
	if err := checkSubject(g.Subject); err != nil {
		return Principal{}, err
	}
	if len(g.Roles) == 0 {
		return Principal{}, errors.New("no roles")
	}
	roles := make([]Role, len(g.Roles))
	for i, name := range g.Roles {
		role, err := ParseRole(name)
		if err != nil {
			return Principal{}, err
		}
		roles[i] = role
	}
	return Principal{Subject: g.Subject, Roles: NewRoles(roles...)}, nil
}

// checkSubject refuses what a log or a page could not show as it is.
func checkSubject(s string) error {
	if s == "" || len(s) > longestSubject {
		return fmt.Errorf("subject of %d bytes, want 1 to %d", len(s), longestSubject)
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return errors.New("subject holds control characters")
		}
	}
	return nil
}

// token returns whom a token was given to. It compares with every hash, so that the
// time tells nothing.
func (c *credentials) token(token string, now time.Time) (p Principal, ok bool) {
	sum := sha256.Sum256([]byte(token))
	for _, t := range c.tokens {
		same := subtle.ConstantTimeCompare(sum[:], t.hash[:]) == 1
		if same && (t.expires.IsZero() || now.Before(t.expires)) {
			p, ok = t.principal, true
		}
	}
	return p, ok
}

// Summary says what a file of credentials holds.
type Summary struct {
	Tokens, Certificates int
	Expired              int // of the tokens
}

// Summarize reads a file of credentials and says what it holds.
func Summarize(path string, now time.Time) (Summary, error) {
	c, err := readCredentials(path)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Tokens: len(c.tokens), Certificates: len(c.certificates)}
	for _, t := range c.tokens {
		if !t.expires.IsZero() && !now.Before(t.expires) {
			s.Expired++
		}
	}
	return s, nil
}
