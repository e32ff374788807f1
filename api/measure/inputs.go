// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/analysis/report"
)

// Inputs are files to measure, by how they are read.
type Inputs struct {
	NIfTI   []string
	DICOM   []dicom.Source // all else: it may be DICOM or a zip archive
	Skipped []report.Skipped
}

// Gather walks paths. A path that was named twice, or lies in a folder that was
// named too, counts once.
func Gather(paths []string) Inputs {
	return Sort(func(yield func(dicom.Source, error) bool) {
		seen := make(map[string]bool)
		for _, path := range paths {
			for source, err := range Files(path) {
				known := err == nil && seen[absolute(source.Name)]
				seen[absolute(source.Name)] = true
				if !known && !yield(source, err) {
					return
				}
			}
		}
	})
}

// Sort takes in files, NIfTI by their names. An error of a file is kept as what
// was skipped.
func Sort(files iter.Seq2[dicom.Source, error]) Inputs {
	var in Inputs
	for s, err := range files {
		switch {
		case err != nil:
			in.Skipped = append(in.Skipped, report.Skipped{Path: s.Name, Code: string(dicom.CodeUnreadable), Reason: Pathless(err)})
		case IsNIfTI(s.Name):
			in.NIfTI = append(in.NIfTI, s.Name)
		default:
			in.DICOM = append(in.DICOM, s)
		}
	}
	return in
}

// Scan reads the headers of what may be DICOM.
func (in *Inputs) Scan(ctx context.Context, opt dicom.Options) (*dicom.Catalog, error) {
	return dicom.Scan(ctx, func(yield func(dicom.Source, error) bool) {
		for _, s := range in.DICOM {
			if !yield(s, nil) {
				return
			}
		}
	}, opt)
}

// Given returns the one of the caller's paths that holds the source of the given
// name, or the name itself.
func Given(paths []string, source string) string {
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

// Files yields the files at path, by names that lead to them from here.
func Files(path string) iter.Seq2[dicom.Source, error] {
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

// File returns one file as a source.
func File(path string) (dicom.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return dicom.Source{Name: path}, err
	}
	return dicom.Source{
		Name: path, Size: info.Size(),
		Open: func() (io.ReadCloser, error) { return os.Open(path) },
	}, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// Pathless returns an error's text without the path in it, which stands beside.
func Pathless(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// IsNIfTI reports whether a path is that of a NIfTI file. It goes by the file's name, as NIfTI programs do.
func IsNIfTI(path string) bool {
	lower := strings.ToLower(path)
	return strings.HasSuffix(lower, ".nii") || strings.HasSuffix(lower, ".nii.gz")
}

// harmless are the codes of what may lie beside a CT series without being an
// image of it. They are told of, and count as no failure unless the very file
// was asked for.
var harmless = []dicom.Code{dicom.CodeNotDICOM, dicom.CodeUnsupportedObject, dicom.CodeLocalizer}

// Failed returns what was skipped of that which the caller wanted measured.
func Failed(skipped []report.Skipped, paths []string) []report.Skipped {
	var out []report.Skipped
	for _, s := range skipped {
		if !slices.Contains(harmless, dicom.Code(s.Code)) || slices.Contains(paths, s.Path) {
			out = append(out, s)
		}
	}
	return out
}
