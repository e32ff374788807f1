// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"os"
	"slices"
	"strings"
)

// ChildCommand is the command of the program that answers tasks by Producer.Do.
const ChildCommand = "measure-child"

// handedOn are the variables that a child gets of this process's: what programs need
// to run. The others hold passwords of databases and buckets.
var handedOn = []string{"PATH", "HOME", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"}

// Child says how the service starts children of a program; with an empty path, of
// this one.
func Child(program string) Command {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		key, _, _ := strings.Cut(e, "=")
		return !slices.Contains(handedOn, strings.ToUpper(key))
	})
	return Command{Path: program, Args: []string{"endplate", ChildCommand}, Env: env}
}
