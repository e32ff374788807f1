// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package auth says who calls and what they may do. A caller shows a bearer token
// of a file, one of an OpenID Connect issuer, or a certificate, and becomes a
// [Principal]; a table says which [Role] each method of the service needs.
package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Role is something that a caller may do.
type Role uint8

// The roles. Some hold others, as holds says.
const (
	Send       Role = iota // store instances
	Read                   // see studies, analyses, comparisons and pictures, without who the patient is
	Identities             // see who the patients are, and search by PatientID
	Correct                // ask for analyses and comparisons, cancel and correct them
	Administer             // delete studies

	NumRoles = iota
)

var roleNames = [NumRoles]string{
	Send:       "send",
	Read:       "read",
	Identities: "identities",
	Correct:    "correct",
	Administer: "administer",
}

// holds says what each role holds beside itself. Who corrects or sees identities
// must see what it is about; who only sends, such as a scanner, sees nothing; who
// administers may do everything.
var holds = [NumRoles][]Role{
	Send:       nil,
	Read:       nil,
	Identities: {Read},
	Correct:    {Read},
	Administer: {Send, Read, Identities, Correct},
}

// String returns the role's name in files and claims.
func (r Role) String() string { return roleNames[r] }

// ParseRole returns the role of a name.
func ParseRole(name string) (Role, error) {
	if i := slices.Index(roleNames[:], name); i >= 0 {
		return Role(i), nil
	}
	return 0, fmt.Errorf("unknown role %q, want one of %s", name, strings.Join(roleNames[:], ", "))
}

// Roles is a set of roles with what they hold.
type Roles uint8

// NewRoles returns the set of the given roles and of those that they hold.
func NewRoles(roles ...Role) Roles {
	var set Roles
	for _, r := range roles {
		set |= 1 << r
		for _, held := range holds[r] {
			set |= 1 << held
		}
	}
	return set
}

// AllRoles returns the set of every role.
func AllRoles() Roles { return NewRoles(Administer) }

// Has reports whether the role is in the set.
func (s Roles) Has(r Role) bool { return s&(1<<r) != 0 }

// String lists the roles of the set.
func (s Roles) String() string {
	var names []string
	for r := range Role(NumRoles) {
		if s.Has(r) {
			names = append(names, r.String())
		}
	}
	return strings.Join(names, ",")
}

// Principal is a caller who has shown who they are.
type Principal struct {
	Subject string // as audit log and revisions name the caller
	Roles   Roles
}

type principalKey struct{}

// WithPrincipal returns a context of the principal's call.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext returns the principal whose call ctx belongs to. Outside a call that
// is one without a subject, who may do nothing.
func FromContext(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

type observerKey struct{}

// Observe returns a context for a call whose caller is not known yet, and what tells
// the caller afterwards: those too whose call was refused for want of a role.
func Observe(ctx context.Context) (_ context.Context, who func() Principal) {
	if seen, ok := ctx.Value(observerKey{}).(*Principal); ok {
		return ctx, func() Principal { return *seen }
	}
	seen := &Principal{}
	return context.WithValue(ctx, observerKey{}, seen), func() Principal { return *seen }
}

// observed tells those who wait for it who calls.
func observed(ctx context.Context, p Principal) {
	if seen, ok := ctx.Value(observerKey{}).(*Principal); ok {
		*seen = p
	}
}
