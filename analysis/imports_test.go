// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package analysis_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The test opens the files itself: the result of one that runs go list would be
// cached and stay green after a forbidden import.

const module = "github.com/endplate/endplate"

// source is one Go file of the module.
type source struct {
	path string // from the module's root, with slashes
	file *ast.File
	head string // the first two lines
}

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// isGateway reports whether the file is one of protoc-gen-grpc-gateway, which copies
// no head from the proto file and says of each that it is the package.
func (s source) isGateway() bool { return strings.HasSuffix(s.path, ".pb.gw.go") }

// imports returns the paths that the file imports.
func (s source) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS("..")
	var all []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, raw, parser.ParseComments)
		if err != nil {
			return err
		}
		lines := strings.SplitAfterN(string(raw), "\n", 3)
		all = append(all, source{name, file, strings.Join(lines[:min(2, len(lines))], "")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// stages are the packages of analysis in the order of the data's path. A package
// may import those before it, in its own line too where one comes first.
var stages = []string{
	"record",
	"phrase",
	"spine",
	"volume",
	"radiograph",
	"radiograph/network",
	"nifti",
	"localization",
	"localization/naming",
	"segmentation",
	"landmark",
	"radiograph/outline",
	"radiograph/detect",
	"morphometry",
	"cement",
	"finding",
	"", // the pipeline
	"comparison",
	"render",
	"report",
	"cohort",
}

// beside are packages that stand outside the data's path: the boundary and the
// truth. No stage imports them.
var beside = []string{"dicom", "phantom", "radiograph/projection", "radiograph/train"}

func isBeside(pkg string) bool {
	return slices.ContainsFunc(beside, func(b string) bool { return pkg == b || strings.HasPrefix(pkg, b+"/") })
}

// analysisPackage returns a package's path below analysis.
func analysisPackage(dir string) (pkg string, ok bool) {
	if dir == "analysis" {
		return "", true
	}
	return strings.CutPrefix(dir, "analysis/")
}

func TestNoPackageImportsALaterStage(t *testing.T) {
	for _, s := range sources(t) {
		pkg, ok := analysisPackage(s.dir())
		if !ok || s.isTest() || isBeside(pkg) {
			continue
		}
		own := slices.Index(stages, pkg)
		if own < 0 {
			t.Errorf("%s: package has no place among the stages", s.path)
			continue
		}
		for _, imported := range s.imports(t) {
			dir, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			other, ok := analysisPackage(dir)
			if place := slices.Index(stages, other); !ok || place < 0 || place >= own {
				t.Errorf("%s imports %s, which is not an earlier stage", s.path, imported)
			}
		}
	}
}

// The parser and the codecs of DICOM stay at the boundary, Parquet with the tables,
// fonts with the pictures; the phantom's truth and the images are made of nothing but the
// standard library and gonum. What the standard library tells of the processor it keeps
// to itself: the networks ask golang.org/x/sys/cpu.
func TestAnalysisIsPure(t *testing.T) {
	forbidden := []string{"os", "net", "log", "database/sql", "syscall", "unsafe", "C",
		"google.golang.org/protobuf", "google.golang.org/grpc", module + "/api", module + "/proto", module + "/cmd"}
	for _, s := range sources(t) {
		pkg, ok := analysisPackage(s.dir())
		if !ok || s.isTest() {
			continue
		}
		for _, imported := range s.imports(t) {
			if under(imported, forbidden) {
				t.Errorf("%s imports %s", s.path, imported)
			}
			isStandard := !strings.Contains(strings.Split(imported, "/")[0], ".")
			ours := under(imported, []string{module, "gonum.org/v1/gonum"})
			ownModules := under(pkg, []string{"dicom", "cohort"}) || pkg == "render" && under(imported, []string{"golang.org/x/image"})
			if !isStandard && !ours && !ownModules && !under(imported, []string{"golang.org/x/sync", "golang.org/x/sys/cpu"}) {
				t.Errorf("%s imports %s: only analysis/dicom, analysis/cohort and analysis/render use other modules", s.path, imported)
			}
		}
	}
}

func TestLayersPointDown(t *testing.T) {
	above := map[string][]string{
		"api":   {module + "/cmd"},
		"proto": {module + "/api", module + "/analysis", module + "/cmd"},
	}
	for _, s := range sources(t) {
		for _, imported := range s.imports(t) {
			if under(imported, above[strings.Split(s.path, "/")[0]]) {
				t.Errorf("%s imports %s", s.path, imported)
			}
		}
	}
}

// What lies below the transports knows nothing of their messages; tests look at what
// comes out.
func TestInternalsOfTheServiceKnowNoMessages(t *testing.T) {
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.path, "api/internal/") || s.isTest() {
			continue
		}
		for _, imported := range s.imports(t) {
			if imported == module+"/api" || under(imported, []string{module + "/api/convert", module + "/proto"}) {
				t.Errorf("%s imports %s", s.path, imported)
			}
		}
	}
}

func under(pkg string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return pkg == r || strings.HasPrefix(pkg, r+"/") })
}

func TestEveryFileHasItsHeader(t *testing.T) {
	const want = "// SPDX-FileCopyrightText: The endplate authors\n// SPDX-License-Identifier: Apache-2.0\n"
	for _, s := range sources(t) {
		if s.head != want && !s.isGateway() {
			t.Errorf("%s begins with %q, want the two SPDX lines", s.path, s.head)
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := make(map[string]int)
	for _, s := range sources(t) {
		if s.isTest() || s.isGateway() {
			continue
		}
		comments[s.dir()] += 0
		if s.file.Doc != nil {
			comments[s.dir()]++
		}
	}
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d comments, want 1", dir, n)
		}
	}
}

// Names of packages that hold what has no place elsewhere.
func TestNoPackageForLeftovers(t *testing.T) {
	leftovers := []string{"util", "utils", "helpers", "common", "types", "models", "interfaces", "misc"}
	for _, s := range sources(t) {
		if slices.Contains(leftovers, s.file.Name.Name) {
			t.Errorf("%s: package %s", s.path, s.file.Name.Name)
		}
	}
}
