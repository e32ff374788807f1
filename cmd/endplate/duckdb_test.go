// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/report"
)

// duckDBScript reads a Parquet file and prints its columns with their types, how
// many values each has, their sums, and the file's metadata.
const duckDBScript = `
import {DuckDBInstance} from '@duckdb/node-api';
const connection = await (await DuckDBInstance.create(':memory:')).connect();
const rows = async q => (await connection.runAndReadAll(q)).getRowObjectsJson();
const file = "'" + process.env.PARQUET.replaceAll("'", "''") + "'";
const columns = (await rows('describe select * from ' + file)).map(c => ({name: c.column_name, type: c.column_type}));
for (const c of columns) {
	const sum = {VARCHAR: 'sum(strlen("' + c.name + '"))', BOOLEAN: 'sum("' + c.name + '"::int)'}[c.type] ?? 'sum("' + c.name + '")';
	const [r] = await rows('select count("' + c.name + '") as n, ' + sum + '::double as s from ' + file);
	c.count = Number(r.n);
	c.sum = r.s ?? 0;
}
const [{n}] = await rows('select count(*) as n from ' + file);
const metadata = {};
for (const m of await rows('select decode(key) as k, decode(value) as v from parquet_kv_metadata(' + file + ')')) metadata[m.k] = m.v;
console.log(JSON.stringify({rows: Number(n), columns, metadata}));
`

// startFolder is where go test starts: the package's folder.
var startFolder, _ = os.Getwd()

// parquetColumn is what DuckDB says of a column. The sum is of numbers, of true
// ones, or of the lengths of text in bytes.
type parquetColumn struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Count int     `json:"count"`
	Sum   float64 `json:"sum"`
}

// readByDuckDB reads a Parquet file with a program that is not ours, or skips.
func readByDuckDB(t *testing.T, path string) (rows int, columns []parquetColumn, metadata map[string]string) {
	t.Helper()
	dir := os.Getenv("ENDPLATE_DUCKDB")
	if dir == "" {
		dir = filepath.Join(startFolder, "..", "..", ".tmp", "duckdb")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@duckdb", "node-api")); err != nil {
		t.Skipf("DuckDB is not installed for node; .ci/run does: %v", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("no node: %v", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--input-type=module", "-")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PARQUET="+absolute)
	cmd.Stdin = strings.NewReader(duckDBScript)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Rows     int               `json:"rows"`
		Columns  []parquetColumn   `json:"columns"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Rows, answer.Columns, answer.Metadata
}

// checkByDuckDB compares the Parquet tables with the CSV beside them.
func checkByDuckDB(t *testing.T, dir string) {
	for _, table := range []cohort.Table{cohort.Vertebrae(), cohort.Comparisons()} {
		rows, columns, metadata := readByDuckDB(t, filepath.Join(dir, table.Name+".parquet"))
		records := readCSV(t, filepath.Join(dir, table.Name+".csv"))
		if rows != len(records)-1 || rows == 0 {
			t.Errorf("%s: %d rows, the CSV has %d", table.Name, rows, len(records)-1)
		}
		want := make([]parquetColumn, len(table.Columns))
		units := map[string]string{}
		for i, c := range table.Columns {
			want[i] = columnOfCSV(t, c, records, i)
			if c.Unit != "" {
				units["unit."+c.Name] = c.Unit
			}
		}
		about := cmp.FilterValues(func(float64, float64) bool { return true }, cmp.Comparer(func(a, b float64) bool {
			return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) // sums in another order
		}))
		if diff := cmp.Diff(want, columns, about); diff != "" {
			t.Errorf("%s: columns (-CSV +DuckDB):\n%s", table.Name, diff)
		}
		var described []struct{ Name, Type, Unit, Meaning string }
		if err := json.Unmarshal([]byte(metadata["columns"]), &described); err != nil || len(described) != len(table.Columns) {
			t.Errorf("%s: metadata describes %d columns, want %d: %v", table.Name, len(described), len(table.Columns), err)
		}
		maps.DeleteFunc(metadata, func(k, _ string) bool { return !strings.HasPrefix(k, "unit.") })
		if diff := cmp.Diff(units, metadata); diff != "" {
			t.Errorf("%s: units (-want +got):\n%s", table.Name, diff)
		}
	}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// columnOfCSV says of a column of the CSV what DuckDB should say of it.
func columnOfCSV(t *testing.T, c report.Column, records [][]string, i int) parquetColumn {
	t.Helper()
	types := map[report.Type]string{report.Text: "VARCHAR", report.Number: "DOUBLE", report.Integer: "INTEGER", report.Boolean: "BOOLEAN"}
	out := parquetColumn{Name: records[0][i], Type: types[c.Type]}
	for _, r := range records[1:] {
		cell := r[i]
		if cell == "" {
			continue
		}
		out.Count++
		switch c.Type {
		case report.Text:
			out.Sum += float64(len(cell))
		case report.Boolean:
			if cell == fmt.Sprint(true) {
				out.Sum++
			}
		default:
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			out.Sum += x
		}
	}
	return out
}
