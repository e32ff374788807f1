// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/endplate/endplate/api/dimse/scu"
	"github.com/endplate/endplate/api/internal/destination"
	"github.com/endplate/endplate/api/measure"
)

// ParsePeer reads a DICOM application: AET@HOST:PORT or, as destinations are written,
// dicom://AET@HOST:PORT?calling=AET and dicoms://… for TLS.
func ParsePeer(address string) (*scu.Peer, error) { return destination.ParsePeer(address) }

// Results says which DICOM objects are made of results, and where they are sent.
type Results struct {
	Kinds        string        // of objects, such as "sr,seg,sc"; empty: none
	Destinations []string      // NAME=URL each
	GiveUpAfter  time.Duration // that one delivery is tried
}

// kinds returns the kinds of objects.
func (r Results) kinds() ([]string, error) {
	var all []string
	for kind := range strings.SplitSeq(r.Kinds, ",") {
		kind = strings.TrimSpace(kind)
		switch {
		case kind == "":
		case !slices.Contains(measure.Kinds(), kind):
			return nil, fmt.Errorf("results %q: want some of %s", kind, strings.Join(measure.Kinds(), ", "))
		case slices.Contains(all, kind):
			return nil, fmt.Errorf("results: %s twice", kind)
		default:
			all = append(all, kind)
		}
	}
	return all, nil
}

// destinations returns where they are sent.
func (r Results) destinations() ([]destination.Destination, error) {
	made, err := r.kinds()
	if err != nil {
		return nil, err
	}
	var all []destination.Destination
	for _, text := range r.Destinations {
		d, err := destination.Parse(text)
		if err != nil {
			return nil, err
		}
		for _, kind := range d.Kinds {
			if !slices.Contains(made, kind) {
				return nil, fmt.Errorf("destination %s: no %q is among the results that are made", d.Name, kind)
			}
		}
		if slices.ContainsFunc(all, func(other destination.Destination) bool { return other.Name == d.Name }) {
			return nil, fmt.Errorf("two destinations are called %s", d.Name)
		}
		all = append(all, d)
	}
	if len(all) > 0 && len(made) == 0 {
		return nil, errors.New("there are destinations, and no results are made for them")
	}
	return all, nil
}

func (r Results) check() error {
	if len(r.Destinations) > 0 && r.GiveUpAfter <= 0 {
		return errors.New("the time for deliveries must be positive")
	}
	_, err := r.destinations()
	return err
}
