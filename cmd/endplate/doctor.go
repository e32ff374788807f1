// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api"
)

// probeTime is how long a server may take to say that it is ready.
const probeTime = 5 * time.Second

func newDoctorCommand() *cobra.Command {
	var s serverSettings
	var probe bool
	cmd := &cobra.Command{
		Use:   "doctor [flag …]",
		Short: "Check whether a server can run here as configured",
		Long: `Check what a server needs: the settings, the data folder with its rights and room,
that what is written there is durable, the database and its version, the clock,
that the addresses are free, certificate, credentials, issuer and audit file, that
the results go where they are to, and that the server which was started last was
told the same of them. It says what is wrong and what to do about it, and changes
nothing.

It takes the flags, the environment and the file of settings of 'endplate serve'.
With --grpc-addr and --http-addr empty it looks at them as a worker's.

With --probe it asks the server that runs on this machine whether it is ready,
as a container's health check does.

Exit status: 0 a server can run, or is ready; 1 it cannot, or is not; 2 usage.`,
		Args: cobra.NoArgs,
	}
	own := newGroup()
	own.BoolVar(&probe, "probe", false, "ask the server that runs whether it is ready")
	groups := append(flagGroups{{"Doctor", own}}, serverFlags(&s)...)
	groups.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case s.printConfig:
			return printSettings(cmd.OutOrStdout(), groups[1:])
		case probe:
			ctx, cancel := context.WithTimeout(cmd.Context(), probeTime)
			defer cancel()
			return api.Probe(ctx, s.Config)
		}
		return diagnose(cmd.Context(), cmd.OutOrStdout(), s.Config)
	}
	return cmd
}

// diagnose prints what is found. It returns an error if a server cannot run.
func diagnose(ctx context.Context, w io.Writer, c api.Config) error {
	broken := 0
	var writing error
	api.Diagnose(ctx, c, func(d api.Diagnosis) {
		if d.Severity == api.Broken {
			broken++
		}
		_, err := fmt.Fprintf(w, "%-8s %-14s %s\n", d.Severity, d.Check, d.Text)
		if d.Advice != "" && err == nil {
			_, err = fmt.Fprintf(w, "%24s%s\n", "→ ", d.Advice)
		}
		writing = errors.Join(writing, err)
	})
	if writing == nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if broken > 0 {
		writing = errors.Join(writing, fmt.Errorf("a server cannot run: %d checks failed", broken))
	}
	return writing
}
