// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/endplate/endplate/analysis/cohort"
	"github.com/endplate/endplate/analysis/dicom"
	"github.com/endplate/endplate/api/measure"
)

// unit is one study to measure: what discovery found, or a line of a manifest. Its
// files are told by their folders, so that thousands of units are small.
type unit struct {
	Path    string   // how tables call it; no two have the same
	Folders []string `json:",omitempty"` // their own files, not those of folders in them
	Files   []string `json:",omitempty"`
	Tree    string   `json:",omitempty"` // everything under it

	origin cohort.Origin
	record string // the name of its record
}

// sources yields the unit's files.
func (u *unit) sources() iter.Seq2[dicom.Source, error] {
	return func(yield func(dicom.Source, error) bool) {
		if u.Tree != "" {
			for s, err := range measure.Files(u.Tree) {
				if !yield(s, err) {
					return
				}
			}
			return
		}
		for _, folder := range u.Folders {
			entries, err := os.ReadDir(folder)
			if err != nil && !yield(dicom.Source{Name: folder}, err) {
				return
			}
			for _, e := range entries {
				path := filepath.Join(folder, e.Name())
				if info, err := os.Stat(path); err == nil && (!info.Mode().IsRegular() || standsAlone(path)) {
					continue
				}
				if !yield(measure.File(path)) {
					return
				}
			}
		}
		for _, path := range u.Files {
			if !yield(measure.File(path)) {
				return
			}
		}
	}
}

// fingerprint tells whether the unit's files changed, by their names, sizes and
// times.
func (u *unit) fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", u.Path)
	for s, err := range u.sources() {
		info, statErr := os.Stat(s.Name)
		if err = cmp.Or(err, statErr); err != nil {
			fmt.Fprintf(h, "%q %s\n", s.Name, measure.Pathless(err))
			continue
		}
		fmt.Fprintf(h, "%q %d %d\n", s.Name, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// standsAlone reports whether a file is a unit of its own.
func standsAlone(path string) bool {
	return measure.IsNIfTI(path) || strings.EqualFold(filepath.Ext(path), ".zip")
}

// finder finds the studies under folders. Of each folder it reads the headers of
// its first and last image; of all its images only where these two differ in
// their study.
type finder struct {
	ctx      context.Context
	exclude  os.FileInfo // the output folder
	visited  map[string]bool
	byStudy  map[string]*unit
	units    []*unit
	progress func(units int)
}

// find returns the units under the roots, ordered by their paths. Folders of one
// StudyInstanceUID are one unit; archives and NIfTI files are one each.
func find(ctx context.Context, roots []string, exclude os.FileInfo, progress func(units int)) ([]unit, error) {
	f := &finder{ctx: ctx, exclude: exclude, visited: map[string]bool{}, byStudy: map[string]*unit{}, progress: progress}
	for _, root := range roots {
		info, err := os.Stat(root)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", root, measure.Pathless(err))
		}
		if info.IsDir() {
			f.folder(filepath.Clean(root))
		} else {
			f.alone(filepath.Clean(root))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.named(), nil
}

func (f *finder) add(u *unit) *unit {
	f.units = append(f.units, u)
	f.progress(len(f.units))
	return u
}

// alone adds a file that is a unit of its own.
func (f *finder) alone(path string) {
	if f.first(path) {
		f.add(&unit{Files: []string{path}})
	}
}

// first reports whether a path was not met before, by links either.
func (f *finder) first(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	if abs, err := filepath.Abs(real); err == nil {
		real = abs
	}
	if f.visited[real] {
		return false
	}
	f.visited[real] = true
	return true
}

// folder adds what is in a folder and in those within it. It returns how many
// units there are in it.
func (f *finder) folder(path string) (found int) {
	if f.ctx.Err() != nil || !f.first(path) {
		return 0
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		f.add(&unit{Folders: []string{path}}) // it fails with the reason
		return 1
	}
	var loose []string
	for _, e := range entries {
		inside := filepath.Join(path, e.Name())
		info, err := os.Stat(inside) // follows links
		switch {
		case err != nil:
			if !errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere
				loose = append(loose, inside)
			}
		case info.IsDir():
			if f.exclude == nil || !os.SameFile(info, f.exclude) {
				found += f.folder(inside)
			}
		case info.Mode().IsRegular() && standsAlone(inside):
			f.alone(inside)
			found++
		case info.Mode().IsRegular():
			loose = append(loose, inside)
		}
	}
	return found + f.images(path, loose, found == 0)
}

// images adds the images that lie in one folder. A folder without any is told of
// only if it is the last on its path.
func (f *finder) images(folder string, loose []string, last bool) (found int) {
	first, ok := f.study(slices.Values(loose))
	if !ok {
		if !last {
			return 0
		}
		f.add(&unit{Folders: []string{folder}})
		return 1
	}
	backwards := func(yield func(string) bool) {
		for _, path := range slices.Backward(loose) {
			if !yield(path) {
				return
			}
		}
	}
	if final, _ := f.study(backwards); final == first {
		u := f.of(first)
		u.Folders = append(u.Folders, folder)
		return 1
	}
	for _, path := range loose {
		if study, ok := f.study(slices.Values([]string{path})); ok {
			u := f.of(study)
			u.Files = append(u.Files, path)
		}
	}
	return 1
}

// of returns the unit of a study; what does not say its study is one of its own.
func (f *finder) of(study string) *unit {
	if study == "" {
		return f.add(&unit{})
	}
	if f.byStudy[study] == nil {
		f.byStudy[study] = f.add(&unit{})
	}
	return f.byStudy[study]
}

// study returns the StudyInstanceUID of the first DICOM image among files.
func (f *finder) study(paths iter.Seq[string]) (uid string, ok bool) {
	for path := range paths {
		if f.ctx.Err() != nil {
			return "", false
		}
		source, err := measure.File(path)
		if err != nil {
			continue
		}
		one := func(yield func(dicom.Source, error) bool) { yield(source, nil) }
		catalog, err := dicom.Scan(f.ctx, one, dicom.Options{MinSlices: 1})
		if err != nil {
			return "", false
		}
		uid, ok := studyIn(catalog)
		_ = catalog.Close() // it was only read
		if ok {
			return uid, true
		}
	}
	return "", false
}

func studyIn(c *dicom.Catalog) (uid string, ok bool) {
	for _, s := range c.Stacks {
		return s.StudyInstanceUID, true
	}
	for _, f := range c.Films {
		return f.StudyInstanceUID, true
	}
	for _, s := range c.Skipped {
		return s.StudyInstanceUID, true
	}
	return "", false
}

// named gives each unit its path: the folder that holds all of it and nothing of
// another, else the first of its folders or files.
func (f *finder) named() []unit {
	const shared = -1
	owners := map[string]int{}
	for i, u := range f.units {
		for _, path := range append(slices.Clone(u.Folders), u.Files...) {
			for up := path; ; up = filepath.Dir(up) {
				if owner, ok := owners[up]; ok && owner == i {
					break
				} else if ok {
					owners[up] = shared
				} else {
					owners[up] = i
				}
				if up == filepath.Dir(up) {
					break
				}
			}
		}
	}
	units := make([]unit, len(f.units))
	for i, u := range f.units {
		units[i] = *u
		all := append(slices.Clone(u.Folders), u.Files...)
		path := all[0]
		if len(all) > 1 {
			if up := commonFolder(all); owners[up] == i {
				path = up
			}
		}
		units[i].Path = filepath.ToSlash(path)
	}
	slices.SortFunc(units, func(a, b unit) int { return strings.Compare(a.Path, b.Path) })
	return units
}

// commonFolder returns the deepest folder that holds all paths.
func commonFolder(paths []string) string {
	common := paths[0]
	for _, p := range paths[1:] {
		for common != p && !strings.HasPrefix(p, strings.TrimSuffix(common, string(filepath.Separator))+string(filepath.Separator)) {
			up := filepath.Dir(common)
			if up == common {
				return common
			}
			common = up
		}
	}
	return common
}
