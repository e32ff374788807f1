// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import "github.com/endplate/endplate/api/internal/auth"

// NewToken returns a new bearer token for a subject with roles, by name, and the line
// that grants them in a file of credentials. The line holds the token's hash alone:
// whoever reads the file cannot call.
func NewToken(subject string, roles []string) (token, line string, err error) {
	parsed := make([]auth.Role, len(roles))
	for i, name := range roles {
		if parsed[i], err = auth.ParseRole(name); err != nil {
			return "", "", err
		}
	}
	return auth.NewToken(subject, parsed)
}
