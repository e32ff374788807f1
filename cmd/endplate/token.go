// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/api"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make tokens by which callers are known",
	}
	cmd.AddCommand(newTokenNewCommand())
	return cmd
}

func newTokenNewCommand() *cobra.Command {
	var subject string
	var roles []string
	cmd := &cobra.Command{
		Use:   "new --subject NAME --roles ROLE,…",
		Short: "Make a token and the line that grants it its roles",
		Long: `Make a token of 256 random bits. It is printed to standard output, once: give it
to the caller. The line goes to standard error: append it to the file that
'endplate serve --credentials' names. It holds the token's hash alone; add
"expires: 2027-01-31" between its braces to end the token on that day.

Roles, and what they hold:
  send        store instances, and see nothing
  read        see studies, analyses, comparisons and pictures, but not who the patient is
  identities  see who the patients are, and search by PatientID; holds read
  correct     ask for analyses and comparisons, cancel and correct them; holds read
  administer  delete studies; holds all others

A client certificate gets its roles from a line such as
  - {subject: pacs, roles: [send], certificate: "CN=pacs,O=Radiology"}`,
		Example: `  endplate token new --subject workstation-3 --roles read,correct 2>> credentials.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if subject == "" || len(roles) == 0 {
				return usagef("--subject and --roles are needed")
			}
			token, line, err := api.NewToken(subject, roles)
			if err != nil {
				return &usageError{err}
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), token); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.ErrOrStderr(), line)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&subject, "subject", "", "`NAME` of the caller, as revisions and the audit log show it")
	f.StringSliceVar(&roles, "roles", nil, "`ROLES` of the caller, separated by commas")
	return cmd
}
