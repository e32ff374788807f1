// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api/measure"
)

// childCommand is the name of the command that measures and compares for the
// service.
const childCommand = "measure-child"

// handedOn are the variables that a child gets of this process's: what programs need
// to run. The others hold passwords of databases and buckets.
var handedOn = []string{"PATH", "HOME", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"}

// childProcess says how the service starts children.
func childProcess() measure.Command {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		key, _, _ := strings.Cut(e, "=")
		return !slices.Contains(handedOn, strings.ToUpper(key))
	})
	return measure.Command{Args: []string{name, childCommand}, Env: env}
}

func newChildCommand() *cobra.Command {
	return &cobra.Command{
		Use:    childCommand,
		Short:  "Measure series for the service",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// An interrupt reaches all processes of a terminal. What it means for the
			// child is for the service to say, by closing its input.
			ctx := context.WithoutCancel(cmd.Context())
			return measure.Serve(ctx, cmd.InOrStdin(), cmd.OutOrStdout(), measure.Producer{Name: name, Version: versionString()}.Do)
		},
	}
}
