// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/endplate/endplate/api/internal/auth"
	"github.com/endplate/endplate/api/internal/fault"
)

const readMethod = "/endplate.v1.StudyService/ListStudies"

// caller returns who a unary call is found to be by its header authorization.
func caller(t *testing.T, a *auth.Authenticator, method string, authorization ...string) (auth.Principal, error) {
	t.Helper()
	ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": authorization})
	var p auth.Principal
	_, err := a.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method}, func(ctx context.Context, _ any) (any, error) {
		p = auth.FromContext(ctx)
		return nil, nil
	})
	return p, err
}

func newAuthenticator(t *testing.T, c auth.Config) *auth.Authenticator {
	t.Helper()
	a, err := auth.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newToken(t *testing.T, subject string, roles ...auth.Role) (token, line string) {
	t.Helper()
	token, line, err := auth.NewToken(subject, roles)
	if err != nil {
		t.Fatal(err)
	}
	return token, line
}

func TestRolesHoldOthers(t *testing.T) {
	for _, tt := range []struct {
		roles []auth.Role
		want  string
	}{
		{nil, ""},
		{[]auth.Role{auth.Send}, "send"},
		{[]auth.Role{auth.Read}, "read"},
		{[]auth.Role{auth.Identities}, "read,identities"},
		{[]auth.Role{auth.Correct}, "read,correct"},
		{[]auth.Role{auth.Send, auth.Correct}, "send,read,correct"},
		{[]auth.Role{auth.Administer}, "send,read,identities,correct,administer"},
	} {
		if got := auth.NewRoles(tt.roles...).String(); got != tt.want {
			t.Errorf("NewRoles(%v) = %s, want %s", tt.roles, got, tt.want)
		}
	}
	for r := range auth.Role(auth.NumRoles) {
		if parsed, err := auth.ParseRole(r.String()); err != nil || parsed != r {
			t.Errorf("ParseRole(%q) = %v, %v", r.String(), parsed, err)
		}
	}
}

func TestTokensOfTheFile(t *testing.T) {
	token, line := newToken(t, "workstation 3", auth.Correct)
	sender, senderLine := newToken(t, "scanner", auth.Send)
	old, oldLine := newToken(t, "gone", auth.Read)
	oldLine = strings.Replace(oldLine, "}", ", expires: 2020-01-31}", 1)
	future, futureLine := newToken(t, "guest", auth.Read)
	futureLine = strings.Replace(futureLine, "}", ", expires: 2999-01-31}", 1)
	file := write(t, filepath.Join(t.TempDir(), "tokens"), strings.Join([]string{"# who", line, senderLine, oldLine, futureLine}, "\n"))
	a := newAuthenticator(t, auth.Config{CredentialsFile: file})

	if strings.Contains(line, token) || !strings.Contains(line, hash(token)) {
		t.Errorf("line %s of token %s", line, token)
	}
	for _, tt := range []struct {
		name          string
		authorization []string
		want          fault.Kind
		subject       string
	}{
		{"token", []string{"Bearer " + token}, 0, "workstation 3"},
		{"scheme in small letters", []string{"bearer " + token}, 0, "workstation 3"},
		{"not yet over", []string{"Bearer " + future}, 0, "guest"},
		{"role missing", []string{"Bearer " + sender}, fault.Denied, ""},
		{"over", []string{"Bearer " + old}, fault.Unauthenticated, ""},
		{"none", nil, fault.Unauthenticated, ""},
		{"empty", []string{""}, fault.Unauthenticated, ""},
		{"altered", []string{"Bearer " + token[:len(token)-1] + "!"}, fault.Unauthenticated, ""},
		{"hash in the token's place", []string{"Bearer " + hash(token)}, fault.Unauthenticated, ""},
		{"other scheme", []string{"Basic " + token}, fault.Unauthenticated, ""},
		{"two", []string{"Bearer " + token, "Bearer " + token}, fault.Unauthenticated, ""},
		{"long", []string{"Bearer endplate_" + strings.Repeat("a", 1<<20)}, fault.Unauthenticated, ""},
		{"vouched by nobody", []string{"Endplate-Vouched .434e3d78"}, fault.Unauthenticated, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := caller(t, a, readMethod, tt.authorization...)
			if tt.want == 0 && (err != nil || p.Subject != tt.subject) {
				t.Errorf("caller = %v, %v, want %s", p, err, tt.subject)
			}
			if tt.want != 0 && fault.Of(err) != tt.want {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestTokensDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		token, _ := newToken(t, "x", auth.Read)
		if seen[token] || len(token) != len("endplate_")+43 {
			t.Fatalf("token %s", token)
		}
		seen[token] = true
	}
}

func TestCredentialsThatCannotBe(t *testing.T) {
	_, line := newToken(t, "x", auth.Read)
	for name, text := range map[string]string{
		"unknown role":      strings.Replace(line, "read", "rule", 1),
		"no roles":          strings.Replace(line, "[read]", "[]", 1),
		"no subject":        strings.Replace(line, `"x"`, `""`, 1),
		"control character": strings.Replace(line, `"x"`, `"x\n"`, 1),
		"long subject":      strings.Replace(line, `"x"`, strings.Repeat("x", 200), 1),
		"short hash":        strings.Replace(line, "sha256: ", "sha256: '", 1)[:60] + "'}",
		"long hash":         strings.Replace(line, "}", "00}", 1),
		"unknown key":       strings.Replace(line, "roles", "rolls", 1),
		"date":              strings.Replace(line, "}", ", expires: soon}", 1),
		"two kinds":         strings.Replace(line, "}", ", certificate: CN=x}", 1),
		"neither":           "- {subject: x, roles: [read]}",
		"no list":           "subject: x",
		"twice":             "- {subject: x, roles: [read], certificate: CN=x}\n- {subject: y, roles: [read], certificate: CN=x}",
		"no YAML":           "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "tokens"), text)
			if _, err := auth.New(auth.Config{CredentialsFile: file}, slog.New(slog.DiscardHandler)); err == nil {
				t.Errorf("taken: %s", text)
			}
		})
	}
	if _, err := auth.New(auth.Config{CredentialsFile: filepath.Join(t.TempDir(), "none")}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file that is not there was taken")
	}
	if _, _, err := auth.NewToken("a\nb", []auth.Role{auth.Read}); err == nil {
		t.Error("a token for two lines was made")
	}
}

// A token that is taken out of the file is worth nothing within a second; a file
// that became unreadable changes nothing.
func TestFileIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	synctest.Test(t, func(t *testing.T) {
		first, firstLine := newToken(t, "first", auth.Read)
		second, secondLine := newToken(t, "second", auth.Read)
		a := newAuthenticator(t, auth.Config{CredentialsFile: write(t, file, firstLine)})
		check := func(step, token string, want bool) {
			t.Helper()
			if _, err := caller(t, a, readMethod, "Bearer "+token); (err == nil) != want {
				t.Errorf("%s: %v", step, err)
			}
		}
		check("first", first, true)
		check("not yet", second, false)
		write(t, file, firstLine+"\n"+secondLine)
		time.Sleep(time.Second)
		check("added", second, true)
		write(t, file, secondLine+"\n# and more, of another size")
		time.Sleep(time.Second)
		check("removed", first, false)
		check("kept", second, true)
		write(t, file, "nonsense")
		time.Sleep(time.Second)
		check("nonsense", second, true)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		check("gone", second, true)
		write(t, file, firstLine)
		a.Reload()
		check("back", first, true)
		check("replaced", second, false)
	})
}

func TestWithoutCredentialsEverythingIsAllowed(t *testing.T) {
	a := newAuthenticator(t, auth.Config{Anonymous: "local"})
	for _, authorization := range [][]string{nil, {"Bearer whatever"}} {
		p, err := caller(t, a, "/endplate.v1.StudyService/DeleteStudy", authorization...)
		if err != nil || p.Subject != "local" || p.Roles != auth.AllRoles() {
			t.Errorf("caller = %v, %v", p, err)
		}
	}
	if _, err := caller(t, a, "/endplate.v1.StudyService/Unheard"); fault.Of(err) != fault.Denied {
		t.Errorf("unknown method: %v", err)
	}
}

func TestHealthIsOpenAsConfigured(t *testing.T) {
	token, line := newToken(t, "scanner", auth.Send)
	file := write(t, filepath.Join(t.TempDir(), "tokens"), line)
	const (
		health     = "/grpc.health.v1.Health/Check"
		reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	)
	for _, tt := range []struct {
		config auth.Config
		open   map[string]bool
	}{
		{auth.Config{CredentialsFile: file}, map[string]bool{}},
		{auth.Config{CredentialsFile: file, OpenHealth: true}, map[string]bool{health: true}},
		{auth.Config{CredentialsFile: file, OpenReflection: true}, map[string]bool{reflection: true}},
	} {
		a := newAuthenticator(t, tt.config)
		for _, method := range []string{health, reflection, readMethod} {
			if _, err := caller(t, a, method); (err == nil) != tt.open[method] {
				t.Errorf("%+v: %s: %v", tt.config, method, err)
			}
		}
		if _, err := caller(t, a, health, "Bearer "+token); err != nil {
			t.Errorf("health with a token: %v", err)
		}
	}
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }

func TestStreamsAreLimited(t *testing.T) {
	tokenA, lineA := newToken(t, "a", auth.Read)
	tokenB, lineB := newToken(t, "b", auth.Read)
	file := write(t, filepath.Join(t.TempDir(), "tokens"), lineA+"\n"+lineB)
	synctest.Test(t, func(t *testing.T) {
		a := newAuthenticator(t, auth.Config{CredentialsFile: file, Limits: auth.Limits{Streams: 2, StreamsPerSecond: 3}})
		open := func(token string, during func()) error {
			ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+token))
			return a.Stream(nil, stream{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: "/endplate.v1.AnalysisService/WatchAnalysis"},
				func(any, grpc.ServerStream) error { during(); return nil })
		}
		refused := func(step string, err error) {
			t.Helper()
			if fault.Of(err) != fault.Exhausted || fault.Public(err).RetryAfter == 0 {
				t.Errorf("%s: error %v, want %v with a time to try again", step, err, fault.Exhausted)
			}
		}
		accepted := func(step string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", step, err)
			}
		}
		none := func() {}
		accepted("first", open(tokenA, func() {
			accepted("second", open(tokenA, func() {
				refused("third", open(tokenA, none))
				accepted("another's", open(tokenB, none))
			}))
		}))
		accepted("after", open(tokenA, none))
		refused("too fast", open(tokenA, none))
		time.Sleep(time.Second)
		accepted("later", open(tokenA, none))
	})
}

func TestExposed(t *testing.T) {
	for _, tt := range []struct {
		address                  string
		encrypted, authenticated bool
		want                     string // part of the error; empty: none
	}{
		{"127.0.0.1:1", false, false, ""},
		{"127.8.9.10:1", false, false, ""},
		{"[::1]:1", false, false, ""},
		{"localhost:1", false, false, ""},
		{"", false, false, ""},
		{":1", false, false, "neither TLS nor authentication"},
		{"0.0.0.0:1", false, false, "neither TLS nor authentication"},
		{"[::]:1", true, false, "no authentication"},
		{"192.0.2.1:1", false, true, "in the clear"},
		{"localhost.example.org:1", false, false, "neither"},
		{"192.0.2.1:1", true, true, ""},
	} {
		err := auth.Exposed([]string{"127.0.0.1:2", tt.address}, tt.encrypted, tt.authenticated)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Exposed(%q, %v, %v) = %v, want %q", tt.address, tt.encrypted, tt.authenticated, err, tt.want)
		}
	}
}
