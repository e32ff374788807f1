// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api"
)

func newServeCommand() *cobra.Command {
	var s serverSettings
	groups := serverFlags(&s)
	cmd := &cobra.Command{
		Use:   "serve [flag …]",
		Short: "Serve gRPC, REST, DICOMweb and DIMSE: take studies, measure them, tell what was found",
		Long: `Take DICOM instances over gRPC, by STOW-RS and by C-STORE, keep them, measure each
series as a job of its own, and tell what was found, over gRPC, as JSON over REST, and in
the browser: the review page is at the address of REST. Of every result DICOM objects are
made, stored in the study, and sent to each --destination until it has them.

Without settings it listens on this machine alone, keeps everything in the folder
endplate-data, and lets everybody who reaches it do everything. To let others in,
give it TLS and credentials. 'endplate doctor' with the same flags says what
keeps it from running.

Settings come from a flag, else from the environment (--grpc-addr as
ENDPLATE_GRPC_ADDR), else from the file of --config, else they have their default.

SIGTERM and SIGINT end it: it takes nothing new, lets calls and analyses end for
--shutdown-grace, and leaves what is not done to be done after the next start. A
second signal ends the waiting, a third one the process. SIGHUP has it read the
credentials again.

Exit status: 0 ended by a signal, 1 it could not run, 2 usage.`,
		Example: `  endplate serve
  endplate serve --config /etc/endplate/endplate.yaml
  endplate serve --grpc-addr :8470 --http-addr :8471 --tls-cert tls.crt --tls-key tls.key --credentials credentials.yaml
  endplate serve --dimse-addr :11112 --ae-title SPINE --dimse-peers 'PACS@10.0.0.7:104,*@10.1.0.0/16'
  endplate serve --database postgres://… --blobs 's3://bucket?region=eu-central-1' --workers 0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServer(cmd, &s, groups) },
	}
	groups.addTo(cmd)
	return cmd
}

func newQueueWorkerCommand() *cobra.Command {
	var s serverSettings
	groups := workerFlags(&s)
	cmd := &cobra.Command{
		Use:   "worker [flag …]",
		Short: "Measure what servers have queued",
		Long: `Measure series that servers have queued in a PostgreSQL database which it shares with
them, and with any number of other workers; the instances are in a bucket or a
folder that all of them see. It ends as 'endplate serve' does, whose settings, and
whose file of them, it takes as far as they concern it.

Exit status: 0 ended by a signal, 1 it could not run, 2 usage.`,
		Example: `  endplate worker --database postgres://… --blobs 's3://bucket?region=eu-central-1' --workers 4`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runServer(cmd, &s, groups) },
	}
	groups.addTo(cmd)
	return cmd
}

// runServer runs a server or a worker until a signal.
func runServer(cmd *cobra.Command, s *serverSettings, groups flagGroups) error {
	if s.printConfig {
		if err := printSettings(cmd.OutOrStdout(), groups); err != nil {
			return err
		}
		return s.finish(cmd.ErrOrStderr())
	}
	if err := s.finish(cmd.ErrOrStderr()); err != nil {
		return err
	}
	ctx := cmd.Context()
	s.Ready = func(api.Addresses) { notify(ctx, s.Logger, "READY=1") }
	server, err := api.New(ctx, s.Config)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { notify(ctx, s.Logger, "STOPPING=1") })
	defer stop()
	defer onSignals(server)()
	return server.Run(ctx)
}

// onSignals has a second signal end the waiting that a first one begins, by the
// context of the command, and SIGHUP have the credentials read again. It returns what
// ends that.
func onSignals(server *api.Server) (end func()) {
	enough, reload := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(enough, os.Interrupt, syscall.SIGTERM)
	signal.Notify(reload, syscall.SIGHUP)
	done := make(chan struct{})
	var listening sync.WaitGroup
	listening.Go(func() {
		for seen := 0; ; {
			select {
			case <-enough:
				if seen++; seen == 2 {
					signal.Stop(enough) // the next one ends the process
					server.Hurry()
				}
			case <-reload:
				server.Reload()
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(enough)
		signal.Stop(reload)
		close(done)
		listening.Wait()
	}
}

// notify tells systemd of a state, where it has started the process.
func notify(ctx context.Context, log *slog.Logger, state string) {
	if err := sdNotify(os.Getenv("NOTIFY_SOCKET"), state); err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "systemd not told", slog.String("state", state), slog.Any("error", err))
	}
}
