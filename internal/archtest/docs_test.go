package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEachPackageHasOneDoc: the package comment is in doc.go and nowhere else,
// and is attached to the package clause, or go doc would not show it.
func TestEachPackageHasOneDoc(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		documented := 0
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			switch has := hasDoc(f); {
			case name == "doc.go" && has:
				documented++
			case name == "doc.go":
				t.Errorf("%s: doc.go has no package comment", p.ImportPath)
			case has:
				t.Errorf("%s: the package comment of %s belongs in doc.go", p.ImportPath, name)
			}
		}
		if documented != 1 {
			t.Errorf("%s: want one doc.go, have %d", p.ImportPath, documented)
		}
	}
}

// hasDoc ignores the mark of generated files, which stands where a package
// comment would.
func hasDoc(f *ast.File) bool {
	return f.Doc != nil && !ast.IsGenerated(f) && strings.TrimSpace(f.Doc.Text()) != ""
}
