// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"

	"github.com/spf13/pflag"

	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// documentFlags say how a result that a server holds is written.
type documentFlags struct {
	format string
	out    string
}

func (d *documentFlags) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&d.format, "format", "f", "", "json, csv, table or html; a table at a terminal, else JSON")
	f.StringVarP(&d.out, "out", "o", "", "write to this `FILE` instead of standard output")
}

// choose checks the flags before there is anything to write.
func (d *documentFlags) choose(stdout io.Writer) (format, error) {
	f, err := chooseFormat(measureFlags{format: d.format, out: d.out}, stdout)
	if err != nil {
		return "", err
	}
	return f, checkOut(d.out)
}

// exportFormats are the formats as a server calls them.
var exportFormats = map[format]endplatev1.ExportAnalysisRequest_Format{
	formatJSON:  endplatev1.ExportAnalysisRequest_JSON,
	formatCSV:   endplatev1.ExportAnalysisRequest_CSV,
	formatTable: endplatev1.ExportAnalysisRequest_TABLE,
	formatHTML:  endplatev1.ExportAnalysisRequest_HTML,
}

// write writes documents of one format one after another. The rows of tables share
// one line of headings.
func (d *documentFlags) write(documents [][]byte, f format, stdout io.Writer) error {
	var all bytes.Buffer
	for i, document := range documents {
		switch {
		case f == formatCSV && i > 0:
			_, document, _ = bytes.Cut(document, []byte("\n"))
		case f == formatTable && i > 0:
			all.WriteByte('\n')
		}
		all.Write(document)
	}
	if d.out != "" {
		return writeFile(d.out, all.Bytes())
	}
	_, err := stdout.Write(all.Bytes())
	return err
}
