// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/endplate/endplate/api/internal/fault"
)

// Config says by what callers are known.
type Config struct {
	CredentialsFile string // tokens and certificates; empty: none
	Issuer          Issuer
	Certificates    bool // whether certificates that the listener has verified count

	// Anonymous names everybody on a server without any credentials; everything is
	// allowed to them. Empty where nobody can call.
	Anonymous string

	OpenHealth     bool // health checks need no credentials
	OpenReflection bool // nor does the list of services

	Limits Limits
}

// configured reports whether there is anything to know callers by.
func (c Config) configured() bool {
	return c.CredentialsFile != "" || c.Issuer.URL != ""
}

// Authenticator knows callers by their credentials.
type Authenticator struct {
	config Config
	file   *reloaded[*credentials] // nil: none
	issuer *issuer                 // nil: none
	limits *limiter
	log    *slog.Logger
	vouch  string // see HTTP
}

// New returns what knows callers as the configuration says.
func New(config Config, log *slog.Logger) (*Authenticator, error) {
	if config.Certificates && config.CredentialsFile == "" {
		return nil, errors.New("certificates of clients need a file of credentials that says what they may do")
	}
	a := &Authenticator{config: config, limits: newLimiter(config.Limits), log: log, vouch: newVouch()}
	var err error
	if path := config.CredentialsFile; path != "" {
		if a.file, err = newReloaded(log, func() (*credentials, error) { return readCredentials(path) }, path); err != nil {
			return nil, err
		}
	}
	if config.Issuer.URL != "" {
		if a.issuer, err = newIssuer(config.Issuer); err != nil {
			return nil, err
		}
	}
	if !config.configured() && config.Anonymous != "" {
		log.LogAttrs(context.Background(), slog.LevelWarn, "no credentials configured: everybody may do everything",
			slog.String("subject", config.Anonymous))
	}
	return a, nil
}

// Reload reads the file of credentials again. It is read again anyway within a
// second of a change that its size or time of modification shows.
func (a *Authenticator) Reload() {
	if a.file != nil {
		a.file.now()
	}
}

// errUnknown is what every caller gets whose credentials do not hold, so that
// nobody learns which part of them was right.
var errUnknown = fault.New(fault.Unauthenticated, fault.NoCredentials, "the credentials are not valid")

// identify returns who shows these credentials: the values of the header
// Authorization, and the state of the connection where it is one over TLS.
func (a *Authenticator) identify(ctx context.Context, authorization []string, state *tls.ConnectionState) (Principal, error) {
	switch {
	case len(authorization) > 1:
		return Principal{}, errUnknown
	case len(authorization) == 1:
		return a.header(ctx, authorization[0])
	case a.config.Certificates && state != nil && len(state.VerifiedChains) > 0:
		return a.certificate(state.VerifiedChains[0][0].Subject.String())
	case !a.config.configured():
		return a.anonymous(), nil
	}
	return Principal{}, fault.New(fault.Unauthenticated, fault.NoCredentials, "credentials are needed: a bearer token or a client certificate")
}

func (a *Authenticator) anonymous() Principal {
	return Principal{Subject: a.config.Anonymous, Roles: AllRoles()}
}

func (a *Authenticator) header(ctx context.Context, value string) (Principal, error) {
	scheme, token, _ := strings.Cut(value, " ")
	token = strings.TrimSpace(token)
	switch {
	case len(token) > longestToken:
		return Principal{}, errUnknown
	case strings.EqualFold(scheme, vouchScheme):
		return a.vouched(token)
	case !a.config.configured():
		return a.anonymous(), nil
	case !strings.EqualFold(scheme, "bearer"):
		return Principal{}, fault.New(fault.Unauthenticated, fault.NoCredentials, "the header authorization is not a bearer token")
	case strings.HasPrefix(token, tokenPrefix) && a.file != nil:
		if p, ok := a.file.get().token(token, time.Now()); ok {
			return p, nil
		}
	case a.issuer != nil:
		p, err := a.issuer.verify(ctx, token)
		if errors.Is(err, errIssuerAway) {
			return Principal{}, fault.Wrap(err, fault.Unavailable, fault.NoCredentials, "the token cannot be checked now").WithRetry(time.Second)
		}
		if err == nil {
			return p, nil
		}
		return Principal{}, fault.Wrap(err, fault.Unauthenticated, fault.NoCredentials, "the credentials are not valid")
	}
	return Principal{}, errUnknown
}

// certificate returns who the certificate with a subject was given to.
func (a *Authenticator) certificate(subject string) (Principal, error) {
	if p, ok := a.file.get().certificates[subject]; ok {
		return p, nil
	}
	return Principal{}, fault.Wrap(fmt.Errorf("certificate %q is not listed", subject),
		fault.Unauthenticated, fault.NoCredentials, "the credentials are not valid")
}

// authorize returns the caller of a method, if they may call it.
func (a *Authenticator) authorize(ctx context.Context, method string, authorization []string, state *tls.ConnectionState) (Principal, error) {
	need, known := needOf(method)
	if !known {
		return Principal{}, fault.New(fault.Denied, fault.RoleMissing, "nobody may call this method")
	}
	if need.everybody && a.open(method) {
		return Principal{}, nil
	}
	p, err := a.identify(ctx, authorization, state)
	if err != nil {
		return Principal{}, err
	}
	if !need.everybody && !p.Roles.Has(need.role) {
		return p, fault.New(fault.Denied, fault.RoleMissing, "the call needs the role %s", need.role).With("role", need.role.String())
	}
	return p, nil
}

// open reports whether a method needs no credentials: some of gRPC's own.
func (a *Authenticator) open(method string) bool {
	switch {
	case strings.HasPrefix(method, healthService):
		return a.config.OpenHealth
	case strings.HasPrefix(method, reflectionService):
		return a.config.OpenReflection
	}
	return false
}

func equalSecrets(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
