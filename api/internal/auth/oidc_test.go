// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
)

// issuer is an OpenID Connect issuer within the process.
type issuer struct {
	*httptest.Server
	key     *ecdsa.PrivateKey
	away    atomic.Bool
	keysGot atomic.Int32 // how often the keys were asked for
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.keysGot.Add(1)
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	})
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.away.Load() {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// token returns a token of the issuer with claims changed; a nil one is left out.
func (i *issuer) token(t *testing.T, change map[string]any) string {
	return signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "k1"}}, i.claims(change))
}

func (i *issuer) claims(change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.URL, "aud": "endplate", "sub": "dr-b", "roles": []string{"read", "correct", "another's"},
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func signed(t *testing.T, key jose.SigningKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func config(i *issuer) auth.Issuer {
	return auth.Issuer{URL: i.URL, Audience: "endplate", RolesClaim: "roles", SubjectClaim: "sub"}
}

func TestTokensOfAnIssuer(t *testing.T) {
	i := newIssuer(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: i.key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	payload, err := json.Marshal(i.claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthenticator(t, auth.Config{Issuer: config(i)})
	for _, tt := range []struct {
		name  string
		token string
		want  fault.Kind
		roles string
	}{
		{"valid", i.token(t, nil), 0, "read,correct"},
		{"several audiences", i.token(t, map[string]any{"aud": []string{"pacs", "endplate"}}), 0, "read,correct"},
		{"roles in one text", i.token(t, map[string]any{"roles": "read openid identities"}), 0, "read,identities"},
		{"no roles", i.token(t, map[string]any{"roles": nil}), fault.Denied, ""},
		{"roles of another kind", i.token(t, map[string]any{"roles": 7}), fault.Denied, ""},
		{"only unknown roles", i.token(t, map[string]any{"roles": []string{"root"}}), fault.Denied, ""},
		{"other audience", i.token(t, map[string]any{"aud": "pacs"}), fault.Unauthenticated, ""},
		{"no audience", i.token(t, map[string]any{"aud": nil}), fault.Unauthenticated, ""},
		{"other issuer", i.token(t, map[string]any{"iss": "https://example.org"}), fault.Unauthenticated, ""},
		{"over", i.token(t, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}), fault.Unauthenticated, ""},
		{"without an end", i.token(t, map[string]any{"exp": nil}), fault.Unauthenticated, ""},
		{"no subject", i.token(t, map[string]any{"sub": nil}), fault.Unauthenticated, ""},
		{"subject with a line end", i.token(t, map[string]any{"sub": "a\nb"}), fault.Unauthenticated, ""},
		{"signed by another", signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: stranger, KeyID: "k1"}}, i.claims(nil)), fault.Unauthenticated, ""},
		{"signed with the public key as a secret", signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, i.claims(nil)), fault.Unauthenticated, ""},
		{"not signed", encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + ".", fault.Unauthenticated, ""},
		{"no token at all", "nonsense", fault.Unauthenticated, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := caller(t, a, readMethod, "Bearer "+tt.token)
			if tt.want == 0 && (err != nil || p.Subject != "dr-b" || p.Roles.String() != tt.roles) {
				t.Errorf("caller = %v, %v, want roles %s", p, err, tt.roles)
			}
			if tt.want != 0 && fault.Of(err) != tt.want {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(fault.Public(err).Text, i.URL) {
				t.Errorf("the caller is told of the issuer: %s", fault.Public(err).Text)
			}
		})
	}
}

func TestClaimsMayBeNested(t *testing.T) {
	i := newIssuer(t)
	c := config(i)
	c.RolesClaim, c.SubjectClaim = "realm_access.roles", "preferred_username"
	a := newAuthenticator(t, auth.Config{Issuer: c})
	token := i.token(t, map[string]any{"realm_access": map[string]any{"roles": []string{"administer"}}, "preferred_username": "anna"})
	p, err := caller(t, a, readMethod, "Bearer "+token)
	if err != nil || p.Subject != "anna" || p.Roles != auth.AllRoles() {
		t.Errorf("caller = %v, %v", p, err)
	}
	if _, err := caller(t, a, readMethod, "Bearer "+i.token(t, nil)); fault.Of(err) != fault.Unauthenticated {
		t.Errorf("without the claims: %v", err)
	}
}

// A server starts while its issuer is away, and knows callers when it is back.
func TestIssuerAwayAndBack(t *testing.T) {
	i := newIssuer(t)
	i.away.Store(true)
	a := newAuthenticator(t, auth.Config{Issuer: config(i)})
	if _, err := caller(t, a, readMethod, "Bearer "+i.token(t, nil)); fault.Of(err) != fault.Unavailable {
		t.Errorf("away: %v, want %v", err, fault.Unavailable)
	}
	i.away.Store(false)
	if _, err := caller(t, a, readMethod, "Bearer "+i.token(t, nil)); err != nil {
		t.Errorf("back: %v", err)
	}
}

// Tokens of keys that nobody has cannot make the server ask the issuer on and on.
func TestForgedTokensDoNotFloodTheIssuer(t *testing.T) {
	i := newIssuer(t)
	a := newAuthenticator(t, auth.Config{Issuer: config(i)})
	for range 100 {
		forged := signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: rand.Text()}}, i.claims(nil))
		if _, err := caller(t, a, readMethod, "Bearer "+forged); fault.Of(err) != fault.Unauthenticated {
			t.Fatalf("forged: %v", err)
		}
	}
	if n := i.keysGot.Load(); n > 20 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

func TestIssuersThatCannotBe(t *testing.T) {
	good := auth.Issuer{URL: "https://id.example.org", Audience: "endplate", RolesClaim: "roles", SubjectClaim: "sub"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*auth.Issuer){
		"no audience":   func(i *auth.Issuer) { i.Audience = "" },
		"no roles":      func(i *auth.Issuer) { i.RolesClaim = "" },
		"no subject":    func(i *auth.Issuer) { i.SubjectClaim = "" },
		"in the clear":  func(i *auth.Issuer) { i.URL = "http://id.example.org" },
		"no URL":        func(i *auth.Issuer) { i.URL = "id.example.org" },
		"another thing": func(i *auth.Issuer) { i.URL = "file:///etc/passwd" },
	} {
		i := good
		change(&i)
		if _, err := auth.New(auth.Config{Issuer: i}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
