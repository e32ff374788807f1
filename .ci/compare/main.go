// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Command compare prints a measurement of a phantom beside its truth, both as
// JSON: compare RESULT TRUTH. Of several series the truth is that of the one measured.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
)

type report struct {
	Analyses []analysis `json:"analyses"`
}

type analysis struct {
	Series    string     `json:"series_instance_uid"`
	Vertebrae []vertebra `json:"vertebrae"`
}

type vertebra struct {
	Level    string   `json:"level"`
	Complete bool     `json:"complete"`
	Center   position `json:"center"`
	Heights  struct {
		Anterior  *float64 `json:"anterior_mm"`
		Middle    *float64 `json:"middle_mm"`
		Posterior *float64 `json:"posterior_mm"`
	} `json:"heights"`
	WedgeAngle *float64 `json:"wedge_angle_deg"`
	Deformity  struct {
		Grade *int   `json:"genant_grade"`
		Shape string `json:"shape"`
	} `json:"deformity"`
}

type position struct{ X, Y, Z float64 }

// sameVertebra is the distance of centres, mm, up to which two readings are of
// one vertebra: half the height of a small one.
const sameVertebra = 8.0

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: compare RESULT TRUTH")
	}
	results, err := read(args[0])
	if err != nil {
		return err
	}
	if len(results) != 1 {
		return fmt.Errorf("%s: %d analyses, want 1", args[0], len(results))
	}
	truths, err := read(args[1])
	if err != nil {
		return err
	}
	i := slices.IndexFunc(truths, func(t analysis) bool { return t.Series == results[0].Series })
	if i < 0 {
		return fmt.Errorf("%s: nothing of series %s", args[1], results[0].Series)
	}
	result, truth := results[0].Vertebrae, truths[i].Vertebrae
	fmt.Println("level   Ha      (truth)   Hm      (truth)   Hp      (truth)   wedge   (truth)   Genant (truth)")
	for i := range truth {
		if want := &truth[i]; want.Complete {
			printBeside(nearest(result, want.Center), want)
		}
	}
	return nil
}

func read(path string) ([]analysis, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r.Analyses, nil
}

// nearest returns the vertebra at p, or an empty one.
func nearest(all []vertebra, p position) *vertebra {
	best, found := sameVertebra, &vertebra{}
	for i := range all {
		c := all[i].Center
		if d := math.Hypot(math.Hypot(c.X-p.X, c.Y-p.Y), c.Z-p.Z); d < best {
			best, found = d, &all[i]
		}
	}
	return found
}

func printBeside(got, want *vertebra) {
	name := want.Level
	if got.Level != want.Level {
		name += "≠" + got.Level
	}
	fmt.Printf("%-6s  %s  %s  %s  %s  %s\n", name,
		pair(got.Heights.Anterior, want.Heights.Anterior),
		pair(got.Heights.Middle, want.Heights.Middle),
		pair(got.Heights.Posterior, want.Heights.Posterior),
		pair(got.WedgeAngle, want.WedgeAngle),
		grade(got)+" ("+grade(want)+")")
}

func pair(got, want *float64) string {
	return fmt.Sprintf("%-6s  %-8s", number(got), "("+number(want)+")")
}

func number(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", math.Round(100**x)/100+0) // + 0 turns -0 into 0
}

func grade(v *vertebra) string {
	if v.Deformity.Grade == nil {
		return "-"
	}
	return fmt.Sprint(*v.Deformity.Grade, " ", v.Deformity.Shape)
}
