// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// Issuer says whose tokens are taken beside those of the file.
type Issuer struct {
	URL          string // of the issuer, https; empty: none
	Audience     string // that a token must be for
	RolesClaim   string // claim that lists roles; dots go into nested claims, as in realm_access.roles
	SubjectClaim string // claim that names the caller
}

// The limits of what is asked of an issuer.
const (
	issuerTimeout   = 10 * time.Second
	issuerPerSecond = 1 // a caller can make the server look for new keys
	issuerBurst     = 5
	longestToken    = 16 << 10 // bytes
)

// issuer checks the tokens of an OpenID Connect issuer. It asks the issuer for its
// keys when it first needs them, so that the server starts while the issuer is
// away.
type issuer struct {
	Issuer
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

// Check says what of an issuer cannot be.
func (i Issuer) Check() error {
	u, err := url.Parse(i.URL)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("OpenID Connect issuer %q is no URL", i.URL)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Host) && !loopback(u.Host+":80")):
		return fmt.Errorf("OpenID Connect issuer %s: its keys must come over https", i.URL)
	case i.Audience == "":
		return errors.New("an OpenID Connect issuer needs an audience: without one it would vouch for tokens that are for others")
	case i.RolesClaim == "" || i.SubjectClaim == "":
		return errors.New("an OpenID Connect issuer needs the claims that hold roles and subject")
	}
	return nil
}

func newIssuer(i Issuer) (*issuer, error) {
	if err := i.Check(); err != nil {
		return nil, err
	}
	return &issuer{Issuer: i, client: &http.Client{
		Timeout:   issuerTimeout,
		Transport: &slowed{http.DefaultTransport, rate.NewLimiter(issuerPerSecond, issuerBurst)},
	}}, nil
}

// slowed refuses requests that come too often.
type slowed struct {
	next  http.RoundTripper
	limit *rate.Limiter
}

func (s *slowed) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.limit.Allow() {
		return nil, errors.New("asked too often")
	}
	return s.next.RoundTrip(r)
}

// errIssuerAway says that the issuer could not be asked.
var errIssuerAway = errors.New("the issuer does not answer")

// verify returns whom a token is of.
func (i *issuer) verify(ctx context.Context, token string) (Principal, error) {
	verifier, err := i.ready(ctx)
	if err != nil {
		return Principal{}, fmt.Errorf("%w: %w", errIssuerAway, err)
	}
	t, err := verifier.Verify(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	var claims map[string]json.RawMessage
	if err := t.Claims(&claims); err != nil {
		return Principal{}, err
	}
	var subject string
	if err := json.Unmarshal(claims[i.SubjectClaim], &subject); err != nil {
		return Principal{}, fmt.Errorf("claim %s: not a text", i.SubjectClaim)
	}
	if err := checkSubject(subject); err != nil {
		return Principal{}, err
	}
	return Principal{Subject: subject, Roles: rolesIn(claims, i.RolesClaim)}, nil
}

func (i *issuer) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	// The keys are asked for again long after this call: its end must not be theirs.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), i.client)
	provider, err := oidc.NewProvider(ctx, i.URL)
	if err != nil {
		return nil, err
	}
	i.verifier = provider.VerifierContext(ctx, &oidc.Config{ClientID: i.Audience})
	return i.verifier, nil
}

// rolesIn returns the roles that a claim lists, as an array or separated by spaces.
// What is no role of this service is another's.
func rolesIn(claims map[string]json.RawMessage, path string) Roles {
	first, rest, nested := strings.Cut(path, ".")
	raw, whole := claims[path]
	switch {
	case whole: // the name of a claim may hold dots itself
	case nested:
		var inner map[string]json.RawMessage
		if json.Unmarshal(claims[first], &inner) != nil {
			return 0
		}
		return rolesIn(inner, rest)
	}
	var names []string
	if json.Unmarshal(raw, &names) != nil {
		var joined string
		if json.Unmarshal(raw, &joined) != nil {
			return 0
		}
		names = strings.Fields(joined)
	}
	var roles []Role
	for _, name := range names {
		if role, err := ParseRole(name); err == nil {
			roles = append(roles, role)
		}
	}
	return NewRoles(roles...)
}

// ProbeIssuer asks an issuer for what it says of itself.
func ProbeIssuer(ctx context.Context, i Issuer) error {
	probed, err := newIssuer(i)
	if err != nil {
		return err
	}
	_, err = oidc.NewProvider(oidc.ClientContext(ctx, probed.client), i.URL)
	return err
}
