package lazyregexp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

func TestNew(t *testing.T) {
	re := lazyregexp.New(`^[a-z]+$`)
	assert.True(t, re().MatchString("abc"))
	assert.Same(t, re(), re(), "compiled once")
	assert.Panics(t, func() { lazyregexp.New(`(`)() })
}

// An expression that is wrong is found here and not when somebody needs it; and none is compiled at the start.
func TestAllOfTheProgram(t *testing.T) {
	found := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") && path != "../.." {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.GenDecl); ok {
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					switch called(call) {
					case "regexp.MustCompile":
						assert.Fail(t, "an expression is compiled at each start; use lazyregexp.New", fset.Position(call.Pos()))
					case "lazyregexp.New":
						found++
						if text, ok := call.Args[0].(*ast.BasicLit); ok {
							expr, err := strconv.Unquote(text.Value)
							require.NoError(t, err)
							_, err = regexp.Compile(expr)
							assert.NoError(t, err, fset.Position(call.Pos()))
						}
					}
					_, function := n.(*ast.FuncLit)
					return !function
				})
			}
		}
		return nil
	}))
	assert.NotZero(t, found)
}

// called is the name of a function of another package.
func called(call *ast.CallExpr) string {
	if f, ok := call.Fun.(*ast.SelectorExpr); ok {
		if pkg, ok := f.X.(*ast.Ident); ok {
			return pkg.Name + "." + f.Sel.Name
		}
	}
	return ""
}
