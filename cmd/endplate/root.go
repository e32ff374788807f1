// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// name is the program's name, also in results.
const name = "endplate"

// version is set by -ldflags "-X main.version=…".
var version string

// The exit statuses.
const (
	exitOK          = 0
	exitNothing     = 1 // nothing could run
	exitUsage       = 2
	exitPartial     = 3 // some inputs were skipped or failed
	exitInterrupted = 130
)

// usageError is a mistake in how the program was called.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// errPartial says that some inputs were skipped or failed; each has been told of.
var errPartial = errors.New("some inputs were skipped")

// run is the whole program but for the process's own affairs. It returns the
// exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	parsed := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := configure(cmd.Flags()); err != nil {
			return err
		}
		parsed = true
		return nil
	}
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errPartial):
		return exitPartial
	case ctx.Err() != nil:
		fmt.Fprintf(stderr, "%s: interrupted\n", name)
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if _, misused := errors.AsType[*usageError](err); misused || !parsed {
		fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitNothing
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   name,
		Short: "Measure vertebrae in CT",
		Long: `endplate finds the vertebrae that a CT series shows and measures them: heights
of the vertebral bodies, the loss against their neighbours, angles between
endplates, with standard deviations.

Every flag can be given by the environment: --format as ENDPLATE_FORMAT.

Exit status: 0 all inputs analysed, 3 some skipped or failed, 2 usage,
1 nothing could run, 130 interrupted.

Not a medical device: for research, not for diagnosis.`,
		Version:       versionString(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newMeasureCommand(), newCompareCommand(), newBatchCommand(), newDeidentifyCommand(), newPhantomCommand(), newFilmCommand(), newFilmSetCommand(),
		newServeCommand(), newQueueWorkerCommand(), newTokenCommand(), newDoctorCommand(), newConformanceCommand(), newVersionCommand())
	root.AddCommand(newSendCommand(), newAnalysesCommand(), newWatchCommand(), newCorrectCommand(), newComparisonsCommand(), newDeliveriesCommand()) // of a server
	root.AddCommand(newFetchCommand(), newEchoCommand())                                                                                             // of an archive
	root.AddCommand(newWorkerCommand(), newChildCommand())                                                                                           // for this program itself
	return root
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), name, versionString())
			return err
		},
	}
}

// versionString returns the version that was linked in, else the one that the
// Go tool recorded.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
