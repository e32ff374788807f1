// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/endplate/endplate/analysis/phrase"
)

const (
	module     = "github.com/endplate/endplate/"
	phrasePath = module + "analysis/phrase"
)

// dutch returns what the page says in Dutch, by the English template.
func dutch(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("src/dutch/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sentences: %v", err)
	}
	all := map[string]string{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var some map[string]string
		if err := json.Unmarshal(raw, &some); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for template, said := range some {
			if _, twice := all[template]; twice {
				t.Errorf("%s: %q is told in another file too", name, template)
			}
			all[template] = said
		}
	}
	return all
}

// Everything that the code can say is found by its type, so that what is added and told
// in English alone fails here.
func TestEverySentenceIsToldInDutch(t *testing.T) {
	told := dutch(t)
	said := sayings(t)
	for _, template := range slices.Sorted(maps.Keys(said)) {
		nl, ok := told[template]
		if !ok {
			t.Errorf("%s: not told in Dutch: %q", said[template], template)
			continue
		}
		checkTold(t, template, nl)
	}
	for template := range told {
		if _, ok := said[template]; !ok {
			t.Errorf("nothing says %q any more", template)
		}
	}
}

// sayings returns the templates of all texts in the code, and where each stands.
func sayings(t *testing.T) map[string]string {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Dir:  "../..",
	}, "./analysis/...", "./api/...")
	if err != nil {
		t.Skipf("the sources cannot be loaded: %v", err)
	}
	r := reader{t: t, said: map[string]string{}}
	for _, p := range loaded {
		for _, e := range p.Errors {
			t.Fatalf("%s: %v", p.PkgPath, e)
		}
		if p.PkgPath == phrasePath {
			continue
		}
		r.p = p
		for _, f := range p.Syntax {
			ast.Inspect(f, r.visit)
		}
	}
	if len(r.said) < 200 {
		t.Fatalf("%d templates: the reader of the sources is blind", len(r.said))
	}
	return r.said
}

// reader reads the templates of one package after another.
type reader struct {
	t    *testing.T
	p    *packages.Package
	said map[string]string // where a template stands
}

func (r *reader) place(n ast.Node) string {
	at := r.p.Fset.Position(n.Pos())
	name, err := filepath.Rel("../..", at.Filename)
	if abs, absErr := filepath.Abs("../.."); absErr == nil {
		name, err = filepath.Rel(abs, at.Filename)
	}
	if err != nil {
		name = at.Filename
	}
	return name + ":" + strings.TrimPrefix(at.String(), at.Filename+":")
}

func (r *reader) add(n ast.Node, template string) {
	if template != "" {
		r.said[template] = r.place(n)
	}
}

func isText(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Text" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == phrasePath
}

// visit adds the constant texts and the templates at a node, and says where a text is
// made in another way.
func (r *reader) visit(n ast.Node) bool {
	e, ok := n.(ast.Expr)
	if !ok {
		return true
	}
	tv := r.p.TypesInfo.Types[e]
	if tv.Value != nil && tv.Value.Kind() == constant.String && isText(tv.Type) {
		r.add(e, constant.StringVal(tv.Value))
		return false
	}
	switch e := e.(type) {
	case *ast.CallExpr:
		r.call(e)
	case *ast.BinaryExpr:
		r.binary(e)
	}
	return true
}

func (r *reader) binary(e *ast.BinaryExpr) {
	x, y := r.p.TypesInfo.Types[e.X], r.p.TypesInfo.Types[e.Y]
	if !isText(x.Type) && !isText(y.Type) {
		return
	}
	switch e.Op {
	case token.ADD:
		r.t.Errorf("%s: a text is put together of others: use phrase.Of", r.place(e))
	case token.EQL, token.NEQ:
		for _, side := range []types.TypeAndValue{x, y} {
			if side.Value != nil && constant.StringVal(side.Value) != "" {
				r.t.Errorf("%s: a text is compared with words: compare what String gives", r.place(e))
			}
		}
	}
}

func (r *reader) call(e *ast.CallExpr) {
	if to := r.p.TypesInfo.Types[e.Fun]; to.IsType() && len(e.Args) == 1 {
		from := r.p.TypesInfo.Types[e.Args[0]].Type
		if isText(to.Type) != isText(from) {
			r.t.Errorf("%s: %s is converted to %s: use phrase.Of, or String", r.place(e), from, to.Type)
		}
		return
	}
	f := r.function(e.Fun)
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != phrasePath {
		return
	}
	switch f.Name() {
	case "Of":
		r.of(e)
	case "Join", "Names":
		separator := r.p.TypesInfo.Types[e.Args[0]].Value
		if separator == nil {
			r.t.Errorf("%s: a separator that is no constant", r.place(e))
			return
		}
		r.add(e, "%s"+constant.StringVal(separator)+"%s")
		r.add(e, "%s")
	case "At":
		r.add(e, "%s: %s")
	}
}

func (r *reader) function(e ast.Expr) *types.Func {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		f, _ := r.p.TypesInfo.Uses[e.Sel].(*types.Func)
		return f
	case *ast.IndexExpr:
		return r.function(e.X)
	}
	return nil
}

// of adds the template of a call of phrase.Of, and says where a value does not fit its
// verb or is a word of English.
func (r *reader) of(e *ast.CallExpr) {
	value := r.p.TypesInfo.Types[e.Args[0]].Value
	if value == nil {
		r.t.Errorf("%s: a template that is no constant", r.place(e))
		return
	}
	template := constant.StringVal(value)
	r.add(e, template)
	verbs := phrase.Verbs(template)
	if len(verbs) != len(e.Args)-1 || len(verbs) == 0 {
		r.t.Errorf("%s: %d values for %q", r.place(e), len(e.Args)-1, template)
		return
	}
	for i, v := range verbs {
		kind := types.Default(r.p.TypesInfo.Types[e.Args[i+1]].Type)
		if !fits(v, kind) {
			r.t.Errorf("%s: %s for %s of %q", r.place(e), kind, v, template)
		}
	}
}

// names are what is called the same in every language.
var names = []string{module + "analysis/spine.Level", "string"}

func fits(verb string, kind types.Type) bool {
	basic, _ := kind.(*types.Basic)
	switch {
	case verb == "%s":
		return isText(kind) || slices.Contains(names, kind.String())
	case strings.HasSuffix(verb, "d"):
		return basic != nil && basic.Kind() == types.Int
	}
	return basic != nil && basic.Kind() == types.Float64
}

var (
	dutchVerb = regexp.MustCompile(`%(?:\[(\d)\])?(s|\+?d|\+?(?:\.\d)?[gf]|%)`)
	figure    = regexp.MustCompile(`\d+(?:[.,]\d+)?`)
	unit      = regexp.MustCompile(`%%|°|\b(?:mm²|mm|ml|HU|kVp|kV|SD)(?:\W|$)`)
)

// checkTold compares a template with what is said of it in Dutch: the values, the
// figures and the units are the same.
func checkTold(t *testing.T, en, nl string) {
	t.Helper()
	verbs, said := phrase.Verbs(en), []string{}
	plain := dutchVerb.ReplaceAllStringFunc(nl, func(v string) string {
		m := dutchVerb.FindStringSubmatch(v)
		if m[2] == "%" {
			return v
		}
		at := len(said)
		if m[1] != "" {
			at = int(m[1][0] - '1')
		}
		if at >= len(verbs) || "%"+m[2] != verbs[at] {
			t.Errorf("%q: %s is none of %q", nl, v, en)
		}
		said = append(said, "%"+m[2])
		return ""
	})
	if slices.Sort(said); !slices.Equal(said, slices.Sorted(slices.Values(verbs))) {
		t.Errorf("%q has the values %q, %q has %q", en, verbs, nl, said)
	}
	rest := regexp.MustCompile(`%(s|\+?d|\+?(?:\.\d)?[gf])`).ReplaceAllString(en, "")
	decimal := func(s string) string { return strings.ReplaceAll(s, ",", ".") }
	if a, b := sorted(figure, rest), sorted(figure, plain); !slices.EqualFunc(a, b, func(x, y string) bool { return decimal(x) == decimal(y) }) {
		t.Errorf("%q has the figures %q, %q has %q", en, a, nl, b)
	}
	if a, b := sorted(unit, rest), sorted(unit, plain); !slices.EqualFunc(a, b, func(x, y string) bool { return strings.TrimRight(x, " ,.;:()") == strings.TrimRight(y, " ,.;:()") }) {
		t.Errorf("%q has the units %q, %q has %q", en, a, nl, b)
	}
}

func sorted(what *regexp.Regexp, s string) []string {
	return slices.Sorted(slices.Values(what.FindAllString(s, -1)))
}

// code matches what findings, angles and the like are told apart by.
var code = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)

// Every code that the page names has words in both languages.
func TestEveryCodeHasAName(t *testing.T) {
	terms, err := os.ReadFile("src/terms.ts")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []string{"finding", "comparison", "morphometry"} {
		for _, c := range codes(t, filepath.Join("../../analysis", name)) {
			n++
			if found := len(regexp.MustCompile(`\b`+c+`: "`).FindAll(terms, -1)); found != 2 {
				t.Errorf("%s of analysis/%s has names in %d languages, want 2", c, name, found)
			}
		}
	}
	if n < 25 {
		t.Errorf("%d codes: the reader of the sources is blind", n)
	}
}

// codes returns the values of a package's exported constants that are codes; those of
// warnings, which have a sentence and no name, and of constants with a type aside.
func codes(t *testing.T, folder string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST || strings.Contains(group.Doc.Text(), "warning") {
				continue
			}
			for _, s := range group.Specs {
				all = append(all, codesOf(s.(*ast.ValueSpec))...)
			}
		}
	}
	return all
}

func codesOf(s *ast.ValueSpec) (all []string) {
	for i, v := range s.Values {
		lit, ok := v.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || s.Type != nil || !s.Names[i].IsExported() {
			continue
		}
		if value, err := strconv.Unquote(lit.Value); err == nil && code.MatchString(value) {
			all = append(all, value)
		}
	}
	return all
}
