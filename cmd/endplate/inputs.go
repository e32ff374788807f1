// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
)

// inputs are the files among the caller's paths.
type inputs struct {
	nifti   []string
	dicom   []dicom.Source // all else: it may be DICOM or a zip archive
	skipped []report.Skipped
}

// gather walks the paths. A path that was named twice, or lies in a folder that
// was named too, counts once.
func gather(paths []string) inputs {
	var in inputs
	seen := make(map[string]bool)
	for _, path := range paths {
		for source, err := range files(path) {
			switch {
			case err != nil:
				in.skipped = append(in.skipped, report.Skipped{Path: source.Name, Code: string(dicom.CodeUnreadable), Reason: pathless(err)})
			case seen[absolute(source.Name)]:
			case isNIfTI(source.Name):
				in.nifti = append(in.nifti, source.Name)
			default:
				in.dicom = append(in.dicom, source)
			}
			seen[absolute(source.Name)] = true
		}
	}
	return in
}

// sources yields what may be DICOM.
func (in *inputs) sources() iter.Seq2[dicom.Source, error] {
	return func(yield func(dicom.Source, error) bool) {
		for _, s := range in.dicom {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// given returns the one of the caller's paths that holds the source of the given
// name, or the name itself.
func given(paths []string, source string) string {
	best := ""
	for _, p := range paths {
		clean := filepath.Clean(p)
		holds := clean == "." || source == clean || strings.HasPrefix(source, strings.TrimSuffix(clean, "/")+"/")
		if holds && len(p) > len(best) {
			best = p
		}
	}
	if best == "" {
		return source
	}
	return best
}

// files yields the files at path, by names that lead to them from here.
func files(path string) iter.Seq2[dicom.Source, error] {
	root, inside := path, "."
	info, err := os.Stat(path)
	named := err == nil && !info.IsDir()
	if named {
		root, inside = filepath.Split(path)
		root = filepath.Clean(root)
	}
	return func(yield func(dicom.Source, error) bool) {
		for source, err := range dicom.Files(os.DirFS(root), inside) {
			source.Name = filepath.Join(root, filepath.FromSlash(source.Name))
			source.Named = named
			if !yield(source, err) {
				return
			}
		}
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// pathless returns an error's text without the path in it, which stands beside.
func pathless(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// isNIfTI goes by the file's name, as NIfTI programs do.
func isNIfTI(path string) bool {
	lower := strings.ToLower(path)
	return strings.HasSuffix(lower, ".nii") || strings.HasSuffix(lower, ".nii.gz")
}

// harmless are the codes of what may lie beside a CT series without being an
// image of it. They are told of, and count as no failure unless the very file
// was asked for.
var harmless = []dicom.Code{dicom.CodeNotDICOM, dicom.CodeUnsupportedObject, dicom.CodeLocalizer}

// failed returns what was skipped of that which the caller wanted measured.
func failed(skipped []report.Skipped, paths []string) []report.Skipped {
	var out []report.Skipped
	for _, s := range skipped {
		if !slices.Contains(harmless, dicom.Code(s.Code)) || slices.Contains(paths, s.Path) {
			out = append(out, s)
		}
	}
	return out
}
