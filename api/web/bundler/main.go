// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Bundler makes the review page of its sources: the types of the protos' messages, and
// of the TypeScript and the style sheets one file each. It runs by go generate in
// api/web, once npm ci has run there.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "bundler:", err)
		os.Exit(1)
	}
}

// run writes what is generated below a folder, which is that of package web.
func run(folder string) error {
	if err := os.WriteFile(filepath.Join(folder, messagesFile), messages(), 0o644); err != nil {
		return err
	}
	files, err := bundle(folder)
	if err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(folder, "dist", name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// bundle returns the files of dist by name, made of the sources below a folder.
func bundle(folder string) (map[string][]byte, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules/preact")); err != nil {
		return nil, fmt.Errorf("npm ci has not run in api/web: %w", err)
	}
	licences, err := licences(folder)
	if err != nil {
		return nil, err
	}
	result := esbuild.Build(esbuild.BuildOptions{
		AbsWorkingDir:       folder,
		EntryPointsAdvanced: []esbuild.EntryPoint{{InputPath: "src/main.tsx", OutputPath: "app"}},
		Outdir:              "dist",
		Bundle:              true,
		Format:              esbuild.FormatESModule,
		Target:              esbuild.ES2022,
		Charset:             esbuild.CharsetUTF8,
		JSX:                 esbuild.JSXAutomatic,
		JSXImportSource:     "preact",
		MinifyWhitespace:    true,
		MinifyIdentifiers:   true,
		MinifySyntax:        true,
		LegalComments:       esbuild.LegalCommentsNone,
		Banner:              map[string]string{"js": notice + licences, "css": notice},
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(strings.Join(esbuild.FormatMessages(result.Errors, esbuild.FormatMessagesOptions{}), "\n"))
	}
	files := map[string][]byte{}
	for _, f := range result.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	for _, name := range []string{"index.html", "icon.svg"} {
		if files[name], err = os.ReadFile(filepath.Join(folder, "src", name)); err != nil {
			return nil, err
		}
	}
	files[digestFile], err = sources(folder)
	return files, err
}

// notice begins the bundles.
const notice = `/*! SPDX-FileCopyrightText: The endplate authors
SPDX-License-Identifier: Apache-2.0 */`

// licences returns those of the libraries that are in the script, which ask to be told.
func licences(folder string) (string, error) {
	var all strings.Builder
	for _, name := range []string{"preact", "@zip.js/zip.js"} {
		b, err := os.ReadFile(filepath.Join(folder, "node_modules", name, "LICENSE"))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "\n/*! %s: %s */", name, strings.TrimSpace(string(b)))
	}
	return all.String(), nil
}

// digestFile tells of which sources a bundle was made, to those who have no npm.
const digestFile = "sources.sha256"

// sources returns the digest of everything that a bundle depends on.
func sources(folder string) ([]byte, error) {
	names := []string{"package-lock.json", "tsconfig.json"}
	err := filepath.WalkDir(filepath.Join(folder, "src"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(folder, path)
			names = append(names, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(b), bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
	}
	return fmt.Appendf(nil, "%x\n", sum.Sum(nil)), nil
}
