// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// corrections are what the flags of a command change, in the order of the flags: what
// comes later names vertebrae as they are called by then.
type corrections []*endplatev1.Correction

// correctionFlag adds to corrections what its value says.
type correctionFlag struct {
	all   *corrections
	parse func(string) (*endplatev1.Correction, error)
}

func (f correctionFlag) Type() string   { return "correction" }
func (f correctionFlag) String() string { return "" }

func (f correctionFlag) Set(s string) error {
	c, err := f.parse(s)
	if err == nil {
		*f.all = append(*f.all, c)
	}
	return err
}

// addFlags gives a command a flag for each kind of correction.
func (c *corrections) addFlags(f *pflag.FlagSet) {
	add := func(name, usage string, parse func(string) (*endplatev1.Correction, error)) {
		f.Var(correctionFlag{c, parse}, name, usage+"; repeatable")
	}
	add("move", "move a point, `LEVEL:POINT@x,y,z` in LPS mm; POINT is superior- or inferior-, and anterior, middle or posterior", parseMove)
	add("rename", "give a vertebra another name, `LEVEL=LEVEL`", func(s string) (*endplatev1.Correction, error) { return parseRename(s, false) })
	add("shift", "give a vertebra another name, `LEVEL=LEVEL`, and move the names of all others by as many levels", func(s string) (*endplatev1.Correction, error) { return parseRename(s, true) })
	add("add", "add a vertebra, `LEVEL@x,y,z;…` with its six points: superior anterior, middle, posterior, then inferior", parseAdd)
	add("remove", "remove what is no vertebra, `LEVEL`", parseRemove)
	add("unmeasurable", "this vertebra cannot be measured, `LEVEL=REASON`", func(s string) (*endplatev1.Correction, error) { return parseMark(s, false) })
	add("measurable", "this vertebra can be measured, `LEVEL`", func(s string) (*endplatev1.Correction, error) { return parseMark(s, true) })
	add("accept", "agree with a finding, `CODE@LEVEL,…[=REASON]`", func(s string) (*endplatev1.Correction, error) { return parseJudge(s, true) })
	add("reject", "disagree with a finding, `CODE@LEVEL,…[=REASON]`", func(s string) (*endplatev1.Correction, error) { return parseJudge(s, false) })
}

func parseMove(s string) (*endplatev1.Correction, error) {
	what, at, _ := strings.Cut(s, "@")
	levelName, pointName, ok := strings.Cut(what, ":")
	if !ok {
		return nil, errors.New("want LEVEL:POINT@x,y,z, such as L1:superior-anterior@2.5,-180,-412")
	}
	level, err := parseLevel(levelName)
	if err != nil {
		return nil, err
	}
	point := endplatev1.MoveLandmark_Point_value[strings.ToUpper(strings.ReplaceAll(pointName, "-", "_"))]
	if point == 0 {
		return nil, fmt.Errorf("no point is called %q", pointName)
	}
	to, err := parsePosition(at)
	if err != nil {
		return nil, err
	}
	return &endplatev1.Correction{Change: &endplatev1.Correction_MoveLandmark{MoveLandmark: &endplatev1.MoveLandmark{
		Level: level, Point: endplatev1.MoveLandmark_Point(point), Position: &endplatev1.Position{X: &to.X, Y: &to.Y, Z: &to.Z},
	}}}, nil
}

func parseRename(s string, othersFollow bool) (*endplatev1.Correction, error) {
	from, to, ok := strings.Cut(s, "=")
	if !ok {
		return nil, errors.New("want LEVEL=LEVEL, such as T12=L1")
	}
	was, err := parseLevel(from)
	if err != nil {
		return nil, err
	}
	is, err := parseLevel(to)
	if err != nil {
		return nil, err
	}
	return &endplatev1.Correction{Change: &endplatev1.Correction_RenameLevel{RenameLevel: &endplatev1.RenameLevel{From: was, To: is, OthersFollow: othersFollow}}}, nil
}

func parseAdd(s string) (*endplatev1.Correction, error) {
	levelName, at, _ := strings.Cut(s, "@")
	level, err := parseLevel(levelName)
	if err != nil {
		return nil, err
	}
	positions := strings.Split(at, ";")
	var points [6]*endplatev1.Landmark
	if len(positions) != len(points) {
		return nil, fmt.Errorf("%d points, want six, separated by semicolons", len(positions))
	}
	for i, position := range positions {
		at, err := parsePosition(position)
		if err != nil {
			return nil, err
		}
		points[i] = &endplatev1.Landmark{X: &at.X, Y: &at.Y, Z: &at.Z}
	}
	return &endplatev1.Correction{Change: &endplatev1.Correction_AddVertebra{AddVertebra: &endplatev1.AddVertebra{
		Level: level,
		Landmarks: &endplatev1.Landmarks{
			SuperiorAnterior: points[0], SuperiorMiddle: points[1], SuperiorPosterior: points[2],
			InferiorAnterior: points[3], InferiorMiddle: points[4], InferiorPosterior: points[5],
		},
	}}}, nil
}

func parseRemove(s string) (*endplatev1.Correction, error) {
	level, err := parseLevel(s)
	return &endplatev1.Correction{Change: &endplatev1.Correction_RemoveVertebra{RemoveVertebra: &endplatev1.RemoveVertebra{Level: level}}}, err
}

func parseMark(s string, measurable bool) (*endplatev1.Correction, error) {
	levelName, reason, _ := strings.Cut(s, "=")
	if !measurable && reason == "" {
		return nil, errors.New("want LEVEL=REASON")
	}
	level, err := parseLevel(levelName)
	return &endplatev1.Correction{Change: &endplatev1.Correction_MarkMeasurable{MarkMeasurable: &endplatev1.MarkMeasurable{
		Level: level, Measurable: measurable, Reason: reason,
	}}}, err
}

func parseJudge(s string, accepted bool) (*endplatev1.Correction, error) {
	what, reason, _ := strings.Cut(s, "=")
	code, names, _ := strings.Cut(what, "@")
	if code == "" {
		return nil, errors.New("want CODE@LEVEL,…, such as VERTEBRAL_DEFORMITY@L1")
	}
	j := &endplatev1.JudgeFinding{Code: strings.ToUpper(code), Accepted: accepted, Reason: reason}
	for levelName := range strings.SplitSeq(names, ",") {
		if levelName == "" {
			continue // a finding about no level
		}
		level, err := parseLevel(levelName)
		if err != nil {
			return nil, err
		}
		j.Levels = append(j.Levels, level)
	}
	return &endplatev1.Correction{Change: &endplatev1.Correction_JudgeFinding{JudgeFinding: j}}, nil
}
