// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package cohort

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/endplate/endplate/analysis/report"
)

// rowsPerGroup bounds what ParquetWriter holds before it writes, some 10 MB, and
// what a reader must read at least.
const rowsPerGroup = 10_000

// ParquetWriter writes a table as Parquet: numbers as doubles, integers as 32-bit
// integers, booleans as such, text by dictionary; all nullable, compressed with
// Zstandard. The file's metadata tells of the columns. Close ends it.
type ParquetWriter struct {
	table   Table
	out     *parquet.GenericWriter[any]
	row     parquet.Row
	pending int // rows since the last group
}

// NewParquetWriter begins a file. The same producer and rows give the same bytes.
func NewParquetWriter(w io.Writer, t Table, producer Producer) (*ParquetWriter, error) {
	columns, err := json.Marshal(describe(t.Columns))
	if err != nil {
		return nil, err
	}
	options := []parquet.WriterOption{
		parquet.NewSchema(t.Name, newRoot(t.Columns)),
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy(producer.Algorithm, producer.Version, ""),
		parquet.KeyValueMetadata("table", t.Meaning),
		parquet.KeyValueMetadata("columns", string(columns)),
		parquet.KeyValueMetadata("algorithm", producer.Algorithm),
		parquet.KeyValueMetadata("version", producer.Version),
		parquet.KeyValueMetadata("disclaimer", report.Disclaimer),
	}
	for _, c := range t.Columns {
		if c.Unit != "" {
			options = append(options, parquet.KeyValueMetadata("unit."+c.Name, c.Unit))
		}
	}
	return &ParquetWriter{table: t, out: parquet.NewGenericWriter[any](w, options...)}, nil
}

// description is a column in the file's metadata.
type description struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Unit    string `json:"unit,omitempty"`
	Meaning string `json:"meaning"`
}

func describe(columns []report.Column) []description {
	all := make([]description, len(columns))
	for i, c := range columns {
		all[i] = description{c.Name, c.Type.String(), c.Unit, c.Meaning}
	}
	return all
}

// Write appends a row of cells.
func (w *ParquetWriter) Write(cells []string) error {
	w.row = w.row[:0]
	for i, c := range w.table.Columns {
		v, err := value(c, cells[i])
		if err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
		defined := 1
		if v.IsNull() {
			defined = 0
		}
		w.row = append(w.row, v.Level(0, defined, i))
	}
	if _, err := w.out.WriteRows([]parquet.Row{w.row}); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	if w.pending++; w.pending < rowsPerGroup {
		return nil
	}
	w.pending = 0
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

// Close writes what is left and the file's end.
func (w *ParquetWriter) Close() error {
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

// value parses a cell.
func value(c report.Column, cell string) (parquet.Value, error) {
	if cell == "" {
		return parquet.NullValue(), nil
	}
	switch c.Type {
	case report.Number:
		x, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return parquet.Value{}, fmt.Errorf("column %s: %w", c.Name, err)
		}
		return parquet.DoubleValue(x), nil
	case report.Integer:
		n, err := strconv.ParseInt(cell, 10, 32)
		if err != nil {
			return parquet.Value{}, fmt.Errorf("column %s: %w", c.Name, err)
		}
		return parquet.Int32Value(int32(n)), nil
	case report.Boolean:
		b, err := strconv.ParseBool(cell)
		if err != nil {
			return parquet.Value{}, fmt.Errorf("column %s: %w", c.Name, err)
		}
		return parquet.BooleanValue(b), nil
	}
	return parquet.ByteArrayValue([]byte(cell)), nil
}

// root is a group whose fields keep the order of the columns; that of the library
// orders them by name.
type root struct {
	parquet.Group
	columns []report.Column
}

func newRoot(columns []report.Column) root {
	g := make(parquet.Group, len(columns))
	for _, c := range columns {
		g[c.Name] = node(c.Type)
	}
	return root{g, columns}
}

func node(t report.Type) parquet.Node {
	switch t {
	case report.Number:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	case report.Integer:
		return parquet.Optional(parquet.Int(32))
	case report.Boolean:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	}
	return parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
}

// Fields implements parquet.Node.
func (r root) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range r.Group.Fields() {
		byName[f.Name()] = f
	}
	fields := make([]parquet.Field, len(r.columns))
	for i, c := range r.columns {
		fields[i] = byName[c.Name]
	}
	return fields
}
