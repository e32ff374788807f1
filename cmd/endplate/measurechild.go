// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api/measure"
)

func newChildCommand() *cobra.Command {
	return &cobra.Command{
		Use:    measure.ChildCommand,
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
