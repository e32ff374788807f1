// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"strings"

	"github.com/endplate/endplate/api/internal/fault"
)

// vouchScheme is that of the header by which the server's own HTTP side tells its
// gRPC side of a certificate that it has seen. Nobody outside knows the secret in
// it, which is another in every process.
const vouchScheme = "Endplate-Vouched"

func newVouch() string { return rand.Text() + rand.Text() }

// vouched returns whom the HTTP side has seen.
func (a *Authenticator) vouched(token string) (Principal, error) {
	secret, encoded, _ := strings.Cut(token, ".")
	subject, err := hex.DecodeString(encoded)
	if err != nil || !a.config.Certificates || !equalSecrets(secret, a.vouch) {
		return Principal{}, errUnknown
	}
	return a.certificate(string(subject))
}

// HTTP returns next for the calls that may come over HTTP. It hands a verified
// certificate on as a header that the gRPC server takes, refuses what a page of
// another origin makes a browser send, and on a server that everybody on this machine
// may use, what is sent to a name that merely resolves to it: a page can do that too.
func (a *Authenticator) HTTP(next http.Handler) http.Handler {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.config.configured() && atLoopback(r) && !localName(r) {
			http.Error(w, "this server takes calls to localhost only", fault.Denied.HTTPStatus())
			return
		}
		if a.config.Certificates && r.Header.Get("Authorization") == "" && r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
			subject := r.TLS.VerifiedChains[0][0].Subject.String()
			r.Header.Set("Authorization", vouchScheme+" "+a.vouch+"."+hex.EncodeToString([]byte(subject)))
		}
		next.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(handler)
}

// Request authorizes a request over HTTP that is a call of a method by itself, and
// returns its context with the caller in it.
func (a *Authenticator) Request(r *http.Request, method string) (context.Context, error) {
	ctx := r.Context()
	p, err := a.authorize(ctx, method, r.Header.Values("Authorization"), r.TLS)
	observed(ctx, p)
	return WithPrincipal(ctx, p), err
}

// Open counts one more stream of the caller of ctx, or refuses it. done counts it off.
func (a *Authenticator) Open(ctx context.Context) (done func(), err error) {
	return a.limits.open(FromContext(ctx).Subject)
}

// atLoopback reports whether a request came over the machine's own interface.
func atLoopback(r *http.Request) bool {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && loopback(address.String())
}

// localName reports whether a request is to an address, or to localhost by name.
func localName(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	host = strings.Trim(host, "[]")
	return host == "localhost" || net.ParseIP(host) != nil
}
