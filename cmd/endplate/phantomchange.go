// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis/phantom"
	"github.com/endplate/endplate/analysis/spine"
)

// changeFlag is a flag of endplate phantom that changes one vertebra: LEVEL, or
// LEVEL=VALUE.
type changeFlag struct {
	name, usage string
	example     string // of the flag's argument
	sacrum      bool   // S1 can have it
	// parse checks VALUE and returns what it does to a vertebra. What is drawn of
	// the change comes from rng.
	parse func(value string) (change, error)
}

// change changes a vertebra, or says why it cannot.
type change func(rng *rand.Rand, v *phantom.Vertebra) error

// changeFlags returns the flags in the order in which they are applied: what is
// sized by the body comes after what shapes it.
func changeFlags() []changeFlag {
	return []changeFlag{
		{
			name: "retropulsion", example: "L1=6", parse: parseRetropulsion,
			usage: "LEVEL=MM that the upper half of the posterior wall is driven back, 0 to 12; repeatable",
		},
		{
			name: "canal-narrowing", example: "L1=40", parse: parseNarrowing,
			usage: "LEVEL=PERCENT of the canal's diameter that is taken from behind, 0 to 60; repeatable",
		},
		{
			name: "wall-gap", example: "L1=30", parse: parseWallGap,
			usage: "LEVEL=PERCENT of the posterior wall between the pedicles without cortex, 1 to 100; repeatable",
		},
		{
			name: "osteophyte", example: "L3=superior:4", parse: parseOsteophyte,
			usage: "LEVEL=superior|inferior:MM that a spur stands out at the front, 1 to 15; repeatable",
		},
		{
			name: "pedicle", example: "L1=left", parse: parsePedicle,
			usage: "LEVEL=left|right|both: pedicles eroded over 80 % of their length; repeatable",
		},
		{
			name: "lesion", example: "L2=lytic:20", parse: parseLesion,
			usage: "LEVEL=lytic|sclerotic:PERCENT of the body, 1 to 80; repeatable",
		},
		{
			name: "cleft", example: "L1=1.2", parse: parseCleft,
			usage: "LEVEL=ML of gas in the body, 0.05 to 10; repeatable",
		},
		{
			name: "disc-gas", example: "L4", parse: parseDiscGas,
			usage: "LEVEL with gas in the disc below; repeatable",
		},
		{
			name: "screws", example: "L2", parse: parseScrews, sacrum: true,
			usage: "LEVEL with a pair of pedicle screws, joined by rods to those of other levels; repeatable",
		},
		{
			name: "cement", example: "L1=3.5 or L1=3.5:canal,inferior-disc", parse: parseCement,
			usage: "LEVEL=ML[:PLACE,…] of cement in the body, 0.1 to 20, with a leak to each of the places:\ncanal, foramen, paravertebral, superior-disc, inferior-disc; repeatable",
		},
	}
}

// levelChange is a change with its level and what it is drawn from.
type levelChange struct {
	flag, argument string
	level          spine.Level
	change         change
	stream         uint64
}

// changes checks the flags that change single vertebrae; arguments are in the order
// of changeFlags.
func changes(arguments [][]string) ([]levelChange, error) {
	var all []levelChange
	for i, f := range changeFlags() {
		before := map[spine.Level]uint64{} // arguments of this flag
		for _, a := range arguments[i] {
			level, c, err := f.change(a)
			if err != nil {
				return nil, usagef("--%s %s: %w", f.name, a, err)
			}
			// No change moves the draws of another. Stream 0 is the patient's.
			stream := 1 + (before[level]*64+uint64(i))*64 + uint64(level)
			before[level]++
			all = append(all, levelChange{f.name, a, level, c, stream})
		}
	}
	return all, nil
}

func (f *changeFlag) change(argument string) (spine.Level, change, error) {
	name, value, _ := strings.Cut(argument, "=")
	level, err := parsePhantomLevel(name)
	if err != nil {
		return level, nil, err
	}
	if level == spine.S1 && !f.sacrum {
		return level, nil, errors.New("S1 cannot have it")
	}
	c, err := f.parse(value)
	if errors.Is(err, errForm) {
		err = fmt.Errorf("want such as %s", f.example)
	}
	return level, c, err
}

// apply changes the vertebra of c's level in p.
func (c *levelChange) apply(p *phantom.Params, seed uint64) error {
	i := slices.IndexFunc(p.Vertebrae, func(v phantom.Vertebra) bool { return v.Level == c.level })
	if err := c.change(rand.New(rand.NewPCG(seed, c.stream)), &p.Vertebrae[i]); err != nil {
		return usagef("--%s %s: %w", c.flag, c.argument, err)
	}
	return nil
}

// errForm is what parse returns for what has not the form of its flag's values.
var errForm = errors.New("not of the form wanted")

// parseAmount parses a number of the given range and unit.
func parseAmount(s string, low, high float64, unit string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errForm
	}
	if !(x >= low && x <= high) {
		return 0, fmt.Errorf("%s: want %g to %g %s", s, low, high, unit)
	}
	return x, nil
}

func parseRetropulsion(value string) (change, error) {
	mm, err := parseAmount(value, 0, 12, "mm")
	return func(_ *rand.Rand, v *phantom.Vertebra) error {
		v.Deformity.Retropulsion = mm
		return nil
	}, err
}

func parseNarrowing(value string) (change, error) {
	percent, err := parseAmount(value, 0, 60, "percent")
	return func(_ *rand.Rand, v *phantom.Vertebra) error {
		v.CanalAP *= 1 - percent/100
		return nil
	}, err
}

func parseWallGap(value string) (change, error) {
	percent, err := parseAmount(value, 1, 100, "percent")
	return func(_ *rand.Rand, v *phantom.Vertebra) error {
		v.WallGaps = append(v.WallGaps, phantom.SizedWallGap(*v, percent/100))
		return nil
	}, err
}

func parseOsteophyte(value string) (change, error) {
	name, length, ok := strings.Cut(value, ":")
	if !ok {
		return nil, errForm
	}
	endplates := map[string]spine.Endplate{"superior": spine.Superior, "inferior": spine.Inferior}
	endplate, ok := endplates[strings.ToLower(name)]
	if !ok {
		return nil, fmt.Errorf("%s: want superior or inferior", name)
	}
	mm, err := parseAmount(length, 1, 15, "mm")
	const width = 10 // mm
	return func(_ *rand.Rand, v *phantom.Vertebra) error {
		v.Osteophytes = append(v.Osteophytes, phantom.Osteophyte{Endplate: endplate, Length: mm, Width: width})
		return nil
	}, err
}

func parsePedicle(value string) (change, error) {
	sides := map[string][]bool{"left": {true}, "right": {false}, "both": {true, false}} // left or not
	which, ok := sides[strings.ToLower(value)]
	if !ok {
		return nil, fmt.Errorf("%q: want left, right or both", value)
	}
	// Soft tissue in the place of most of the pedicle.
	const extent, middle, hu = 0.8, 0.5, 40
	return func(_ *rand.Rand, v *phantom.Vertebra) error {
		for _, left := range which {
			v.Erosions = slices.DeleteFunc(v.Erosions, func(e phantom.Erosion) bool { return e.Left == left })
			v.Erosions = append(v.Erosions, phantom.Erosion{Left: left, Extent: extent, Center: middle, HU: hu})
		}
		return nil
	}, nil
}

func parseLesion(value string) (change, error) {
	kind, share, ok := strings.Cut(value, ":")
	if !ok {
		return nil, errForm
	}
	kind = strings.ToLower(kind)
	if kind != "lytic" && kind != "sclerotic" {
		return nil, fmt.Errorf("%s: want lytic or sclerotic", kind)
	}
	percent, err := parseAmount(share, 1, 80, "percent")
	return func(rng *rand.Rand, v *phantom.Vertebra) error {
		const lyticHU, scleroticHU = 40, 600
		hu := float64(scleroticHU)
		if kind == "lytic" {
			hu = min(lyticHU, v.TrabecularHU/2) // less than the bone around it
		}
		v.Lesions = append(v.Lesions, phantom.Lesion{Blob: phantom.SizedLesion(rng, *v, percent/100), HU: hu})
		return nil
	}, err
}

func parseCleft(value string) (change, error) {
	ml, err := parseAmount(value, 0.05, 10, "ml")
	return func(_ *rand.Rand, v *phantom.Vertebra) error {
		cleft, got := phantom.SizedCleft(*v, ml)
		v.Clefts = append(v.Clefts, cleft)
		return fits(v.Level, got, ml)
	}, err
}

// fits reports that a body takes less than the volume wanted, ml, if it does.
func fits(l spine.Level, got, want float64) error {
	const part = 0.9 // what is drawn errs by some percent
	if got < part*want {
		return fmt.Errorf("%v takes no more than %.2g ml", l, got)
	}
	return nil
}

func parseDiscGas(value string) (change, error) {
	if value != "" {
		return nil, errForm
	}
	return func(rng *rand.Rand, v *phantom.Vertebra) error {
		v.DiscGas = append(v.DiscGas, phantom.RandomDiscGas(rng, *v))
		return nil
	}, nil
}

func parseScrews(value string) (change, error) {
	if value != "" {
		return nil, errForm
	}
	return func(rng *rand.Rand, v *phantom.Vertebra) error {
		v.Screws = phantom.RandomScrews(rng, *v)
		return nil
	}, nil
}

// leakPlaces are the places of leaks by the names in flags.
func leakPlaces() map[string]phantom.LeakPlace {
	return map[string]phantom.LeakPlace{
		"canal": phantom.CanalLeak, "foramen": phantom.ForaminalLeak, "paravertebral": phantom.ParavertebralLeak,
		"superior-disc": phantom.SuperiorDiscLeak, "inferior-disc": phantom.InferiorDiscLeak,
	}
}

// parseCementAmount parses ML[:PLACE,…].
func parseCementAmount(value string) (ml float64, places []phantom.LeakPlace, err error) {
	amount, rest, leaks := strings.Cut(value, ":")
	if ml, err = parseAmount(amount, 0.1, 20, "ml"); err != nil || !leaks {
		return ml, nil, err
	}
	for name := range strings.SplitSeq(rest, ",") {
		place, ok := leakPlaces()[strings.ToLower(name)]
		if !ok {
			return 0, nil, fmt.Errorf("%q: want canal, foramen, paravertebral, superior-disc or inferior-disc", name)
		}
		places = append(places, place)
	}
	return ml, places, nil
}

func parseCement(value string) (change, error) {
	ml, places, err := parseCementAmount(value)
	return func(rng *rand.Rand, v *phantom.Vertebra) error {
		v.Cement = phantom.RandomCement(rng, *v, ml, places...)
		return fits(v.Level, phantom.CementIn(*v), ml)
	}, err
}
