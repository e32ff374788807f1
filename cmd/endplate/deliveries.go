// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// deliveriesFlags are the flags of endplate deliveries.
type deliveriesFlags struct {
	connection
	study, analysis, comparison, destination string
	states                                   []string
	limit                                    int
	retry                                    bool
}

func newDeliveriesCommand() *cobra.Command {
	var flags deliveriesFlags
	cmd := &cobra.Command{
		Use:   "deliveries [DELIVERY…]",
		Short: "List what a server sends to archives, and have it tried again",
		Long: `List the DICOM objects that a server has sent, or is to send, to its destinations, the
newest first: whether each has them, and why not yet.

With --retry, have the deliveries given tried at once; or, without any, all that were
given up.`,
		Example: `  endplate deliveries --state PARKED
  endplate deliveries --retry --destination pacs
  endplate deliveries --retry 4kjmdxq2ohrnmvprdgw3lmx5oq`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !flags.retry {
				return usagef("deliveries are named to be tried again: --retry")
			}
			conn, err := flags.open()
			if err != nil {
				return err
			}
			defer conn.Close()
			client := endplatev1.NewDeliveryServiceClient(conn)
			return told(flags.server, flags.run(cmd.Context(), client, args, cmd.OutOrStdout()))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.study, "study", "", "only those of the study with this StudyInstanceUID")
	f.StringVar(&flags.analysis, "analysis", "", "only those of this analysis")
	f.StringVar(&flags.comparison, "comparison", "", "only those of this comparison")
	f.StringVar(&flags.destination, "destination", "", "only those to the destination of this name")
	f.StringSliceVar(&flags.states, "state", nil, "only those in this state: QUEUED, DELIVERED or PARKED; repeatable")
	f.IntVar(&flags.limit, "limit", 50, "list `N` at most")
	f.BoolVar(&flags.retry, "retry", false, "have them tried again")
	flags.connection.addFlags(f)
	return cmd
}

func (f *deliveriesFlags) run(ctx context.Context, client endplatev1.DeliveryServiceClient, ids []string, stdout io.Writer) error {
	request, err := f.request()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "delivery\tstate\tdestination\tkind\tattempts\tnext\tinstance\tnote")
	switch {
	case len(ids) > 0:
		err = retryEach(ctx, client, ids, w)
	case f.retry:
		err = f.retryParked(ctx, client, request, w)
	default:
		err = f.each(ctx, client, request, f.limit, func(d *endplatev1.Delivery) error { return tellDelivery(w, d) })
	}
	if err != nil {
		return err
	}
	return w.Flush()
}

// request returns what is listed.
func (f *deliveriesFlags) request() (*endplatev1.ListDeliveriesRequest, error) {
	if f.limit < 1 {
		return nil, usagef("--limit %d: want at least 1", f.limit)
	}
	r := &endplatev1.ListDeliveriesRequest{StudyInstanceUid: f.study, AnalysisId: f.analysis, ComparisonId: f.comparison, Destination: f.destination}
	for _, s := range f.states {
		state, ok := endplatev1.Delivery_State_value[strings.ToUpper(s)]
		if !ok || state == 0 {
			return nil, usagef("--state %s: want QUEUED, DELIVERED or PARKED", s)
		}
		r.States = append(r.States, endplatev1.Delivery_State(state))
	}
	return r, nil
}

// each calls do with each delivery of a list, at most so many.
func (f *deliveriesFlags) each(ctx context.Context, client endplatev1.DeliveryServiceClient, r *endplatev1.ListDeliveriesRequest, limit int, do func(*endplatev1.Delivery) error) error {
	for left := limit; left > 0; {
		r.PageSize = int32(min(left, largestPage))
		page, err := client.ListDeliveries(ctx, r)
		if err != nil {
			return err
		}
		for _, d := range page.GetDeliveries() {
			if err := do(d); err != nil {
				return err
			}
		}
		left -= len(page.GetDeliveries())
		if r.PageToken = page.GetNextPageToken(); r.PageToken == "" {
			return nil
		}
	}
	return nil
}

func retryEach(ctx context.Context, client endplatev1.DeliveryServiceClient, ids []string, w io.Writer) error {
	for _, id := range ids {
		r, err := client.RetryDelivery(ctx, &endplatev1.RetryDeliveryRequest{DeliveryId: id})
		if err != nil {
			return err
		}
		if err := tellDelivery(w, r.GetDelivery()); err != nil {
			return err
		}
	}
	return nil
}

// retryParked has all deliveries of a list tried again that were given up.
func (f *deliveriesFlags) retryParked(ctx context.Context, client endplatev1.DeliveryServiceClient, r *endplatev1.ListDeliveriesRequest, w io.Writer) error {
	r.States = []endplatev1.Delivery_State{endplatev1.Delivery_PARKED}
	const all = 1 << 30
	var ids []string
	if err := f.each(ctx, client, r, all, func(d *endplatev1.Delivery) error {
		ids = append(ids, d.GetDeliveryId())
		return nil
	}); err != nil {
		return err
	}
	return retryEach(ctx, client, ids, w)
}

func tellDelivery(w io.Writer, d *endplatev1.Delivery) error {
	_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.GetDeliveryId(), d.GetState(), d.GetDestination(), d.GetKind(),
		d.GetAttempts(), moment(d.GetNextAttemptAt()), d.GetSopInstanceUid(), d.GetReason())
	return err
}
