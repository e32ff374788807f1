// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/endplate/endplate/analysis"
	"github.com/endplate/endplate/analysis/radiograph"
	"github.com/endplate/endplate/analysis/radiograph/outline"
	"github.com/endplate/endplate/analysis/spine"
	"github.com/endplate/endplate/api/convert"
	"github.com/endplate/endplate/api/measure"
)

// ofFilm reports whether a flag speaks of a film.
func (flags *measureFlags) ofFilm() bool {
	return len(flags.seeds) > 0 || flags.corners != "" || flags.anterior != "" || flags.scale != "" || flags.levelOnFilm()
}

// levelOnFilm reports whether --level names a point of a film: columns and rows are two
// numbers, a position in the patient three.
func (flags *measureFlags) levelOnFilm() bool { return strings.Count(flags.level, ",") == 1 }

// mostCorners bounds what is read as points, bytes.
const mostCorners = 16 << 20

// placed reads the points of --corners.
func (flags *measureFlags) placed() ([]analysis.PlacedOnFilm, error) {
	f, err := os.Open(flags.corners)
	if err != nil {
		return nil, fmt.Errorf("--corners %s: %s", flags.corners, measure.Pathless(err))
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, mostCorners))
	if err != nil {
		return nil, fmt.Errorf("--corners %s: %s", flags.corners, measure.Pathless(err))
	}
	all, err := convert.ParseCorners(raw)
	if err != nil {
		return nil, usagef("--corners %s: %w", flags.corners, err)
	}
	return all, nil
}

// fixedOnFilm parses LEVEL@col,row.
func fixedOnFilm(s string) (*analysis.FixedOnFilm, error) {
	name, at, _ := strings.Cut(s, "@")
	level, err := spine.ParseLevel(strings.ToUpper(name))
	if err != nil {
		return nil, usagef("--level %s: %w", s, err)
	}
	p, err := parseImagePoint(at)
	if err != nil {
		return nil, usagef("--level %s: %w", s, err)
	}
	return &analysis.FixedOnFilm{Level: level, At: p}, nil
}

// filmOptions parses what is said of a film.
func (flags *measureFlags) filmOptions() (analysis.FilmOptions, error) {
	var opt analysis.FilmOptions
	for _, s := range flags.seeds {
		levelName, at, ok := strings.Cut(s, "@")
		level, err := spine.ParseLevel(strings.ToUpper(levelName))
		if err != nil || !ok {
			return opt, usagef("--seed %s: want LEVEL@col,row, such as L1@512,300.5", s)
		}
		p, err := parseImagePoint(at)
		if err != nil {
			return opt, usagef("--seed %s: %w", s, err)
		}
		opt.Seeds = append(opt.Seeds, outline.Seed{Level: level, Center: p})
	}
	if flags.corners != "" {
		var err error
		if opt.Placed, err = flags.placed(); err != nil {
			return opt, err
		}
	}
	if flags.levelOnFilm() {
		var err error
		if opt.Fixed, err = fixedOnFilm(flags.level); err != nil {
			return opt, err
		}
	}
	switch flags.anterior {
	case "":
	case "left":
		opt.Anterior = outline.Left
	case "right":
		opt.Anterior = outline.Right
	default:
		return opt, usagef("--anterior %s: want left or right", flags.anterior)
	}
	if flags.scale == "" {
		return opt, nil
	}
	length, points, _ := strings.Cut(flags.scale, "@")
	mm, err := strconv.ParseFloat(length, 64)
	from, to, ok := strings.Cut(points, "-")
	if err != nil || !ok || !(mm > 0) || math.IsInf(mm, 0) {
		return opt, usagef("--scale %s: want MM@col,row-col,row, such as 25.4@100,80-180,80", flags.scale)
	}
	opt.Distance = mm
	for n, s := range []string{from, to} {
		if opt.Between[n], err = parseImagePoint(s); err != nil {
			return opt, usagef("--scale %s: %w", flags.scale, err)
		}
	}
	return opt, nil
}

// parseImagePoint parses col,row.
func parseImagePoint(s string) (radiograph.ImagePoint, error) {
	c, r, ok := strings.Cut(s, ",")
	col, errCol := strconv.ParseFloat(strings.TrimSpace(c), 64)
	row, errRow := strconv.ParseFloat(strings.TrimSpace(r), 64)
	if !ok || errCol != nil || errRow != nil || !(math.Abs(col) < 1e6 && math.Abs(row) < 1e6) {
		return radiograph.ImagePoint{}, fmt.Errorf("%q is no point col,row", s)
	}
	return radiograph.ImagePoint{Col: col, Row: row}, nil
}
