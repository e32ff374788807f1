// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/endplate/endplate/analysis/dicom"
	endplatev1 "github.com/endplate/endplate/proto/endplate/v1"
)

// documentFlags say how a result that a server holds is written.
type documentFlags struct {
	format string
	out    string
}

func (d *documentFlags) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&d.format, "format", "f", "", "json, csv, table or html; a table at a terminal, else JSON; "+
		"or as DICOM objects "+objectFormatNames())
	f.StringVarP(&d.out, "out", "o", "", "write to this `FILE` instead of standard output; several DICOM objects to this folder")
}

// choose checks the flags before there is anything to write.
func (d *documentFlags) choose(stdout io.Writer) (format, error) {
	if format(d.format).isObject() {
		o, err := chooseOutput(measureFlags{format: d.format, out: d.out}, stdout)
		return o.format, err
	}
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
	formatSR:    endplatev1.ExportAnalysisRequest_DICOM_SR,
	"seg":       endplatev1.ExportAnalysisRequest_DICOM_SEG,
	"sc":        endplatev1.ExportAnalysisRequest_DICOM_SC,
	"pdf":       endplatev1.ExportAnalysisRequest_DICOM_PDF,
}

// write writes documents of one format one after another. The rows of tables share
// one line of headings.
func (d *documentFlags) write(documents [][]byte, f format, stdout io.Writer) error {
	if f.isObject() {
		return d.writeObjects(documents, stdout)
	}
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

// writeObjects writes the DICOM objects of documents: to a folder all of them, else the
// only one.
func (d *documentFlags) writeObjects(documents [][]byte, stdout io.Writer) error {
	var objects [][]byte
	for _, document := range documents {
		some, err := unzipped(document)
		if err != nil {
			return err
		}
		objects = append(objects, some...)
	}
	if info, err := os.Stat(d.out); err == nil && info.IsDir() {
		for _, o := range objects {
			h, err := dicom.ReadHeader(bytes.NewReader(o))
			if err != nil {
				return fmt.Errorf("an object of the server: %w", err)
			}
			if err := writeFile(filepath.Join(d.out, h.SOPInstanceUID+".dcm"), o); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case len(objects) != 1:
		return usagef("there are %d objects: --out says to which folder", len(objects))
	case d.out != "":
		return writeFile(d.out, objects[0])
	}
	_, err := stdout.Write(objects[0])
	return err
}

// unzipped returns the objects of a document: those of an archive, or the one that it is.
func unzipped(document []byte) (objects [][]byte, err error) {
	z, err := zip.NewReader(bytes.NewReader(document), int64(len(document)))
	if errors.Is(err, zip.ErrFormat) {
		return [][]byte{document}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".dcm") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		o, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}
