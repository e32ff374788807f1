// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/endplate/endplate/api/internal/fault"
)

// Page asks for a part of a list.
type Page struct {
	Size  int    // 0 means 50; never more than 500
	Token string // empty for the first page
}

const (
	defaultPage = 50
	maxPage     = 500
)

func (p Page) size() int {
	if p.Size <= 0 {
		return defaultPage
	}
	return min(p.Size, maxPage)
}

// cursor is the place in a list behind which a page begins.
type cursor struct {
	Number int64 // the time, as a rule
	ID     string
}

// A token is a digest of what is listed, the cursor's number and its identifier. It
// needs no signature: it grants nothing but a place in a list that its bearer may
// read.
const (
	tokenDigest = 8   // bytes
	maxTokenID  = 128 // bytes
)

var errToken = fault.New(fault.Invalid, fault.InvalidField, "page_token cannot be").
	WithField("page_token", "is not one that this list gave out")

func digestOf(list string, filter any) []byte {
	b, err := json.Marshal(filter)
	if err != nil {
		panic("store: filter without JSON: " + err.Error())
	}
	sum := sha256.Sum256(append([]byte(list+"\x00"), b...))
	return sum[:tokenDigest]
}

// start returns where the page begins, nil for the beginning.
func (p Page) start(list string, filter any) (*cursor, error) {
	if p.Token == "" {
		return nil, nil
	}
	if len(p.Token) > 2*(tokenDigest+8+maxTokenID) {
		return nil, errToken
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil || len(b) <= tokenDigest+8 || len(b) > tokenDigest+8+maxTokenID ||
		string(b[:tokenDigest]) != string(digestOf(list, filter)) {
		return nil, errToken
	}
	id := string(b[tokenDigest+8:])
	if strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, errToken
	}
	return &cursor{int64(binary.BigEndian.Uint64(b[tokenDigest:])), id}, nil
}

// cut returns what of all is on the page, and the token of the next page if there
// is more. all holds one element more than the page if there is.
func cut[T any](p Page, all []T, list string, filter any, at func(T) cursor) (page []T, next string) {
	if len(all) <= p.size() {
		return all, ""
	}
	all = all[:p.size()]
	c := at(all[len(all)-1])
	b := binary.BigEndian.AppendUint64(digestOf(list, filter), uint64(c.Number))
	return all, base64.RawURLEncoding.EncodeToString(append(b, c.ID...))
}

// where gathers conditions and their arguments.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

// String returns the clause, empty without conditions.
func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}
