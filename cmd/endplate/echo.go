// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api"
)

func newEchoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "echo PEER",
		Short: "Ask a DICOM application whether it answers, by C-ECHO",
		Long: `Ask a DICOM application whether it answers, by C-ECHO. PEER is AET@HOST:PORT;
dicom://AET@HOST:PORT?calling=AET says by which AE title we call, and dicoms://…
speaks TLS, with ca=FILE, cert=FILE and key=FILE.

Exit status: 0 it answers, 1 it does not, 2 usage.`,
		Example: `  endplate echo PACS@pacs.example.org:104
  endplate echo 'dicoms://PACS@pacs.example.org:2762?calling=SPINE&ca=ca.pem'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			peer, err := api.ParsePeer(args[0])
			if err != nil {
				return usagef("%s: %w", redacted(args[0]), err)
			}
			began := time.Now()
			if err := peer.Echo(cmd.Context()); err != nil {
				return peerError(peer, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%v answers, in %v\n", peer, time.Since(began).Round(time.Millisecond))
			return err
		},
	}
}
