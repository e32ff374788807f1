// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/internal/fault"
	"github.com/endplate/endplate/api/internal/store"
)

// Which objects are made and where they go is said to the server, and by the database
// to the workers: a result is published alike whichever process made it.

// settings reads what a server has said; a store and a transaction of one both do.
type settings interface {
	Publishing(ctx context.Context) (p store.Publishing, said bool, err error)
}

// publishing returns which objects are made and where they go.
func (q *Queue) publishing(ctx context.Context, from settings) (store.Publishing, error) {
	p, said, err := from.Publishing(ctx)
	if err == nil && !said {
		p = q.own()
	}
	return p, err
}

// own returns what this process was told.
func (c *Config) own() store.Publishing {
	p := store.Publishing{Kinds: c.Results}
	for _, d := range c.Destinations {
		p.Destinations = append(p.Destinations, store.Target{Name: d.Name, Kinds: d.Kinds})
	}
	return p
}

// agree says what a server was told, for all processes, or has a worker look at it.
func (q *Queue) agree(ctx context.Context) error {
	if q.Serves {
		return q.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetPublishing(ctx, q.own()) })
	}
	p, said, err := q.Store.Publishing(ctx)
	if err != nil || !said {
		return err
	}
	difference, err := q.Disagrees(p)
	if err != nil {
		return err
	}
	q.told = p
	if difference != "" {
		q.Logger.WarnContext(ctx, "the server's settings of results hold, not those of this worker", slog.String("difference", difference))
	}
	return nil
}

// Disagrees says in words how a process differs from what a server has said. The error
// is of a worker that cannot do what it would be asked to, and does not start.
func (c *Config) Disagrees(p store.Publishing) (difference string, err error) {
	if unknown := c.unknown(p); len(unknown) > 0 && !c.Serves {
		err = fault.New(fault.Invalid, fault.InvalidField,
			"the server sends results to %s, which this worker has no --destination for", strings.Join(unknown, ", "))
	}
	return differs(p, c.own()), err
}

// compareSettings tells once of what another server was told since, if it is not what
// this process was.
func (q *Queue) compareSettings(ctx context.Context) error {
	p, said, err := q.Store.Publishing(ctx)
	if err != nil || !said || reflect.DeepEqual(p, q.told) {
		return err
	}
	q.told = p
	if difference := differs(p, q.own()); difference != "" {
		q.Logger.ErrorContext(ctx, "another server was started with other settings of results, which hold from now on: "+
			"restart this process with the same", slog.String("difference", difference))
	}
	return nil
}

// differs says in which settings what holds is not what a process was told.
func differs(holds, own store.Publishing) string {
	names := func(p store.Publishing) string {
		all := make([]string, len(p.Destinations))
		for i, d := range p.Destinations {
			all[i] = strings.TrimSuffix(d.Name+" "+strings.Join(d.Kinds, ","), " ")
		}
		slices.Sort(all)
		return strings.Join(all, "; ")
	}
	var all []string
	for _, one := range []struct{ what, holds, own string }{
		{"results", strings.Join(slices.Sorted(slices.Values(holds.Kinds)), ","), strings.Join(slices.Sorted(slices.Values(own.Kinds)), ",")},
		{"destinations", names(holds), names(own)},
	} {
		if one.holds != one.own {
			all = append(all, fmt.Sprintf("%s: %q hold, not %q", one.what, one.holds, one.own))
		}
	}
	return strings.Join(all, ", ")
}

// unknown returns the destinations of which this process does not know where they are.
func (c *Config) unknown(p store.Publishing) (names []string) {
	for _, d := range p.Destinations {
		if !slices.ContainsFunc(c.Destinations, func(own destination.Destination) bool { return own.Name == d.Name }) {
			names = append(names, d.Name)
		}
	}
	return names
}

// leftToOthers tells whether a delivery is for another process, as this one does not
// know a destination that the server has.
func (q *Queue) leftToOthers(ctx context.Context, name string) (bool, error) {
	p, err := q.publishing(ctx, q.Store)
	return slices.Contains(q.unknown(p), name), err
}
