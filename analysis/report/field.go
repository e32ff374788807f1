// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
)

// Type is what the cells of a column hold.
type Type uint8

// The types. A cell is text in each of them: a decimal number, a decimal integer,
// "true" or "false"; an empty one was not measured or does not apply.
const (
	Text Type = iota + 1
	Number
	Integer
	Boolean
)

// String returns the type's usual name.
func (t Type) String() string {
	return [...]string{"", "text", "number", "integer", "boolean"}[t]
}

// Column says what stands in a column of a table. Columns, cells and everything
// that is told of them elsewhere come from one list of fields.
type Column struct {
	Name    string // the path in the JSON, joined with underscores
	Type    Type
	Unit    string // empty for what has none; "1" for probabilities and the like
	Meaning string
}

// field is a column with its cell in a row.
type field[R any] struct {
	Column
	cell func(R) string
}

// quantity is how numbers of one kind are written: one digit more than the
// measurement's own uncertainty, so that rounding adds nothing to it.
type quantity struct {
	unit     string
	decimals int
}

var (
	inMM      = quantity{"mm", 2}
	inDegrees = quantity{"deg", 2}
	inPercent = quantity{"%", 1}
	inMM2     = quantity{"mm2", 1}
	inML      = quantity{"ml", 3}
	inPixels  = quantity{"pixels", 2}
	inHU      = quantity{"HU", 1}
	ofOne     = quantity{"1", 3} // probabilities
)

// number is a column of numbers; a cell is empty where a condition is not met, or
// where the number is not finite.
func number[R any](name string, q quantity, meaning string, value func(R) float64, conditions ...func(R) bool) field[R] {
	return field[R]{Column{name, Number, q.unit, meaning},
		where(conditions, func(r R) string { return fixed(value(r), q.decimals) })}
}

func integer[R any](name, meaning string, value func(R) int, conditions ...func(R) bool) field[R] {
	return field[R]{Column{name, Integer, "", meaning},
		where(conditions, func(r R) string { return strconv.Itoa(value(r)) })}
}

func boolean[R any](name, meaning string, value func(R) bool, conditions ...func(R) bool) field[R] {
	return field[R]{Column{name, Boolean, "", meaning},
		where(conditions, func(r R) string { return strconv.FormatBool(value(r)) })}
}

func text[R any](name, meaning string, value func(R) string, conditions ...func(R) bool) field[R] {
	return field[R]{Column{name, Text, "", meaning}, where(conditions, value)}
}

// where returns a cell that is empty where a condition is not met.
func where[R any](conditions []func(R) bool, cell func(R) string) func(R) string {
	return func(r R) string {
		for _, met := range conditions {
			if !met(r) {
				return ""
			}
		}
		return cell(r)
	}
}

func columnsOf[R any](fields []field[R]) []Column {
	all := make([]Column, len(fields))
	for i, f := range fields {
		all[i] = f.Column
	}
	return all
}

func cellsOf[R any](fields []field[R], r R) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.cell(r)
	}
	return all
}

// WriteCells writes a CSV of a head and rows of cells.
func WriteCells(w io.Writer, columns []Column, rows iter.Seq[[]string]) error {
	out := csv.NewWriter(w)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.Name
	}
	if err := out.Write(head); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	for row := range rows {
		if err := out.Write(row); err != nil {
			return fmt.Errorf("csv: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	return nil
}
