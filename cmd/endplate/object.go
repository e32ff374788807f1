// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/dicom/dataset"
	"github.com/endplate/endplate/api/measure"
)

// formatSR is the only format of a comparison that is a DICOM object.
const formatSR format = "sr"

// isObject reports whether a format is a DICOM object.
func (f format) isObject() bool { return slices.Contains(measure.Kinds(), string(f)) }

// objectFormatNames names the formats, as help texts do.
func objectFormatNames() string { return strings.Join(measure.Kinds(), ", ") }

// destination is where and as what the results of a run are written.
type destination struct {
	format format
	single bool // there is room for one DICOM object
}

// chooseOutput checks the flags before there is anything to write.
func chooseOutput(flags measureFlags, stdout io.Writer) (destination, error) {
	o := destination{format: format(flags.format)}
	if o.format.isObject() {
		info, err := os.Stat(flags.out)
		o.single = err != nil || !info.IsDir()
		switch {
		case !o.single:
			return o, nil
		case flags.out == "" && isTerminal(stdout):
			return o, usagef("--format %s: a terminal shows no DICOM; --out says where to write it", o.format)
		}
		return o, checkOut(flags.out)
	}
	if flags.format == "" && strings.EqualFold(filepath.Ext(flags.out), ".dcm") {
		return o, usagef("--out %s: which DICOM object, says --format %s", flags.out, objectFormatNames())
	}
	var err error
	if o.format, err = chooseFormat(flags, stdout); err != nil {
		return o, err
	}
	return o, checkOut(flags.out)
}

// deriver returns what makes the objects; nil for formats that are none.
func (o destination) deriver(flags measureFlags) (measure.Deriver, error) {
	if !o.format.isObject() {
		return nil, nil
	}
	by, err := provenance(flags)
	return measure.DeriverOf(string(o.format), by), err
}

// provenance says how the objects of this run come to be.
func provenance(flags measureFlags) (dicom.Provenance, error) {
	by := dicom.Provenance{Program: name, Version: versionString(), ContentTime: time.Now(), Labelled: flags.labels != ""}
	if flags.level != "" {
		by.Options, by.Parameters = "level="+flags.level, "level fixed: "+flags.level
	}
	for _, said := range []struct{ flag, value string }{
		{"seed", strings.Join(flags.seeds, " ")}, {"anterior", flags.anterior}, {"scale", flags.scale},
	} {
		if said.value != "" {
			by.Options += " " + said.flag + "=" + said.value
			by.Parameters = strings.TrimSpace(by.Parameters + " " + said.flag + " " + said.value)
		}
	}
	for _, file := range []struct{ path, option, meaning string }{
		{flags.labels, "labels", "vertebral bodies by a label map"},
		{flags.points, "landmarks", "landmarks by a structured report"},
		{flags.corners, "corners", "points by a reader"},
	} {
		if file.path == "" {
			continue
		}
		sum, err := digestOf(file.path)
		if err != nil {
			return by, err
		}
		by.Options += " " + file.option + "=" + sum
		by.Parameters = strings.TrimSpace(by.Parameters + " " + file.meaning + " of SHA-256 " + sum)
	}
	return by, nil
}

// digestOf returns the SHA-256 of a file in hexadecimal.
func digestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func (o destination) write(r *measure.Output, out string, stdout io.Writer) error {
	if o.format.isObject() {
		return writeObjects(r.Objects, out, stdout)
	}
	return write(r.Report, o.format, out, stdout)
}

// writeObjects writes each object to the folder out, named by its SOPInstanceUID.
// Where out is a file, or empty for stdout, there is room for the first alone: of key
// images that is the sagittal one. An object that is there already is the same one, and
// is replaced.
func writeObjects(objects []*dataset.Dataset, out string, stdout io.Writer) error {
	info, err := os.Stat(out)
	folder := err == nil && info.IsDir()
	if !folder {
		objects = objects[:min(len(objects), 1)]
	}
	for _, d := range objects {
		var b bytes.Buffer
		if err := d.WriteFile(&b); err != nil {
			return fmt.Errorf("%s: %w", d.Value(tag.SOPInstanceUID), err)
		}
		var err error
		switch {
		case folder:
			err = writeFile(filepath.Join(out, d.Value(tag.SOPInstanceUID)+".dcm"), b.Bytes())
		case out != "":
			err = writeFile(out, b.Bytes())
		default:
			_, err = stdout.Write(b.Bytes())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
