package reference

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

//go:embed zz_comments.json
var embedded []byte

// CommentsFile is where the comments are kept, so that the program can print them without its source.
const CommentsFile = "internal/reference/zz_comments.json"

// Comments gives the comments that the program was built with, by the Field of their options.
func Comments() (map[string]string, error) {
	var all map[string]string
	if err := json.Unmarshal(embedded, &all); err != nil {
		return nil, fmt.Errorf("reading the comments of options: %w", err)
	}
	return all, nil
}

// ReadComments collects the comments of all fields with a config tag from the source below root, the folder of the module. Names
// of fields in them are replaced by those of their options, in backquotes.
func ReadComments(root fs.FS) (map[string]string, error) {
	all := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch base := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "testdata"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(base) != ".go" || strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "zz_"):
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if !strings.Contains(string(src), "`config:\"") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				named, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if body, ok := named.Type.(*ast.StructType); ok {
					collect(all, path.Dir(name)+"."+named.Name.Name, body, files)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the comments of options: %w", err)
	}
	return all, nil
}

// collect adds the comments of a struct.
func collect(all map[string]string, prefix string, body *ast.StructType, files *token.FileSet) {
	options := map[string]string{}
	for _, f := range body.Fields.List {
		for _, name := range f.Names {
			if option := optionOf(f); option != "" {
				options[name.Name] = option
			}
		}
	}
	last, line := "", 0
	for _, f := range body.Fields.List {
		text := f.Doc.Text()
		if text == "" && line > 0 && files.Position(f.Pos()).Line == line+1 {
			text = last // one comment for fields that stand together
		}
		last, line = text, files.Position(f.End()).Line
		for _, name := range f.Names {
			if options[name.Name] != "" {
				all[prefix+"."+name.Name] = plain(text, options)
			}
		}
	}
}

func optionOf(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("config"), ",")
	if name == "-" {
		return ""
	}
	return name
}

var (
	goName = lazyregexp.New(`\[?\b[A-Z][A-Za-z0-9]*\b\]?`)
	small  = lazyregexp.New(`[a-z]`)
)

// plain makes a comment of Go source one for users: names of fields become names of options.
func plain(text string, options map[string]string) string {
	text = strings.Join(strings.Fields(text), " ")
	var out strings.Builder
	end := 0
	for _, at := range goName().FindAllStringIndex(text, -1) {
		word := strings.Trim(text[at[0]:at[1]], "[]")
		option, known := options[word]
		out.WriteString(text[end:at[0]])
		if known && isName(text[:at[0]], word, text[at[1]:]) {
			out.WriteString("`" + option + "`")
		} else {
			out.WriteString(word)
		}
		end = at[1]
	}
	out.WriteString(text[end:])
	return out.String()
}

// isName reports whether a word means a field. "AWS" and "ID" within a sentence, "Path" at the beginning of one, and "City" in
// "GeoLite2-City" or "a City database" are words.
func isName(before, word, after string) bool {
	inner := strings.ToLower(word[1:]) != word[1:]
	switch before = strings.TrimSuffix(before, " "); {
	case before == "":
		return true
	case !small().MatchString(word) || strings.HasSuffix(before, "-") || strings.HasPrefix(after, "-"):
		return false
	case inner:
		return true
	}
	return !strings.HasSuffix(before, ".") && !strings.HasSuffix(before, ":") && !strings.HasSuffix(before, " a")
}
