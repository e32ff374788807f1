// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package phrase

import "errors"

// Failure is an error that says why in a Text.
type Failure struct {
	Kind error // that errors.Is finds; nil if there is none
	Text Text
}

func (f *Failure) Error() string { return f.Text.String() }

func (f *Failure) Unwrap() error { return f.Kind }

// At returns err as it befell at a place.
func At(where Text, err error) error {
	return &Failure{Kind: err, Text: Of("%s: %s", where, Why(err))}
}

// Why returns what an error says: its words alone where it holds no Text.
func Why(err error) Text {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Text
	}
	return Of("%s", err.Error())
}
