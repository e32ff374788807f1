// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api"
)

func newConformanceCommand() *cobra.Command {
	var s serverSettings
	groups := serverFlags(&s)
	cmd := &cobra.Command{
		Use:   "conformance [flag …]",
		Short: "Print the DICOM Conformance Statement of a server",
		Long: `Print the DICOM Conformance Statement of a server with the given settings, as
Markdown: SOP classes, transfer syntaxes, limits and statuses, out of the tables that
the server works by.

It takes the flags, the environment and the file of settings of 'endplate serve'.

Exit status: 0, or 2 if the settings cannot be.`,
		Example: `  endplate conformance --ae-title SPINE --keep-sop-classes 1.2.840.10008.5.1.4.1.1.88.22`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.printConfig {
				return printSettings(cmd.OutOrStdout(), groups)
			}
			s.Version = versionString()
			if err := api.WriteConformance(cmd.OutOrStdout(), s.Config); err != nil {
				return &usageError{err}
			}
			return nil
		},
	}
	groups.addTo(cmd)
	return cmd
}
