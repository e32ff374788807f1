// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/radiograph/train"
	"github.com/endplate/endplate/api/measure"
)

// filmSet says which films a training set has.
type filmSet struct {
	out      string
	first    uint64 // seed
	phantoms int
	films    int // of each made spine
	ctFilms  int // of each CT
	others   int // frontal films and hands
}

// newFilmSetCommand makes what the networks for films learn from; who measures films has no
// use for it.
func newFilmSetCommand() *cobra.Command {
	var set filmSet
	cmd := &cobra.Command{
		Use:    "film-set [CT]... --out DIR",
		Short:  "Render the films that the networks for films learn from",
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if set.out == "" {
				return usagef("film-set needs --out")
			}
			return set.write(cmd.Context(), args)
		},
	}
	cmd.Flags().StringVarP(&set.out, "out", "o", "", "folder of films.bin and films.jsonl")
	cmd.Flags().Uint64Var(&set.first, "seed", 10000, "of the first made spine; each further one's is one more")
	cmd.Flags().IntVar(&set.phantoms, "phantoms", 200, "made spines")
	cmd.Flags().IntVar(&set.films, "films", 6, "of each made spine")
	cmd.Flags().IntVar(&set.ctFilms, "ct-films", 60, "of each CT")
	cmd.Flags().IntVar(&set.others, "others", 60, "hands; one made spine in four has a frontal film too")
	return cmd
}

func (set *filmSet) write(ctx context.Context, cts []string) error {
	if err := os.MkdirAll(set.out, 0o755); err != nil {
		return err
	}
	pixels, err := os.Create(filepath.Join(set.out, "films.bin"))
	if err != nil {
		return err
	}
	defer pixels.Close()
	notes, err := os.Create(filepath.Join(set.out, "films.jsonl"))
	if err != nil {
		return err
	}
	defer notes.Close()
	packed := bufio.NewWriter(pixels)
	if err := set.render(ctx, train.NewSet(packed, notes), cts); err != nil {
		return err
	}
	if err := packed.Flush(); err != nil {
		return err
	}
	if err := pixels.Close(); err != nil {
		return err
	}
	return notes.Close()
}

func (set *filmSet) render(ctx context.Context, out *train.Set, cts []string) error {
	for _, path := range cts {
		p, err := ctPatient(ctx, path)
		if err != nil {
			return err
		}
		for n := range uint64(set.ctFilms) {
			if err := out.Add(p.Name, p.Film(1000*set.first+n, train.SetStyle, false)); err != nil {
				return err
			}
		}
	}
	for n := range uint64(set.phantoms) {
		if err := ctx.Err(); err != nil {
			return err
		}
		seed := set.first + n
		p := train.Phantom(seed, 1.6, 2)
		for k := range uint64(set.films) {
			if err := out.Add(fmt.Sprint("phantom ", seed), p.Film(1000*seed+k, train.SetStyle, false)); err != nil {
				return err
			}
		}
		if n%4 == 0 {
			if err := out.Add(fmt.Sprint("phantom ", seed), p.Film(1000*seed+999, train.SetStyle, true)); err != nil {
				return err
			}
		}
	}
	for n := range uint64(set.others) {
		if err := out.Add("hand", train.Hand(set.first+n, train.SetStyle)); err != nil {
			return err
		}
	}
	return nil
}

// ctPatient measures the only series at path.
func ctPatient(ctx context.Context, path string) (*train.Patient, error) {
	in := measure.Gather([]string{path})
	catalog, err := in.Scan(ctx, dicom.Options{})
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	all := in.Series(catalog, []string{path})
	if len(all) != 1 {
		return nil, fmt.Errorf("%s: %d series of CT images, want one", path, len(all))
	}
	v, err := all[0].Volume(ctx)
	if err != nil {
		return nil, err
	}
	r, err := analysis.MeasureCT(ctx, v, analysis.Options{})
	if err != nil {
		return nil, err
	}
	return train.FromCT(filepath.Base(path), v, r), nil
}
