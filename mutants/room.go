package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A room is a package whose code is changed.
type room struct {
	folder  string // from the root of the module, with slashes
	path    string
	files   []*source
	fset    *token.FileSet
	imports types.Importer
	info    *types.Info // of the original code; nil until known reads it
}

// A source is a file of code.
type source struct {
	room   *room
	name   string
	text   []byte
	syntax *ast.File
	built  bool // false if a build constraint leaves the file out
}

func (f *source) offset(p token.Pos) int { return int(p - f.syntax.FileStart) }

func (f *source) textOf(n ast.Node) string {
	return string(f.text[f.offset(n.Pos()):f.offset(n.End())])
}

// switches is the package that the changed code calls.
const switches = "github.com/keyhold/keyhold/mutants/mut"

// loadRooms reads the code of folders.
func loadRooms(ctx context.Context, folders []string) ([]*room, error) {
	patterns := []string{switches}
	for _, folder := range folders {
		patterns = append(patterns, "./"+folder)
	}
	packages, err := list(ctx, patterns...)
	if err != nil {
		return nil, err
	}
	byFolder := map[string]listed{}
	for _, p := range packages {
		byFolder[p.Dir] = p
	}
	fset := token.NewFileSet()
	imports := importsFrom(fset, packages)
	var rooms []*room
	for _, folder := range folders {
		dir, err := filepath.Abs(folder)
		if err != nil {
			return nil, err
		}
		r := &room{folder: folder, path: byFolder[dir].ImportPath, fset: fset, imports: imports}
		if err := r.read(byFolder[dir].GoFiles); err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
	return rooms, nil
}

// read parses all files of the room that are not tests, also the files that build constraints leave out.
func (r *room) read(built []string) error {
	names, err := filepath.Glob(filepath.Join(r.folder, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := r.source(name, text)
		if err != nil {
			return err
		}
		f.built = slices.Contains(built, filepath.Base(name))
		r.files = append(r.files, f)
	}
	return nil
}

func (r *room) source(name string, text []byte) (*source, error) {
	syntax, err := parser.ParseFile(r.fset, name, text, parser.SkipObjectResolution)
	return &source{room: r, name: name, text: text, syntax: syntax}, err
}

// check type-checks the room with another text of one of its files.
func (r *room) check(f *source, text string) error {
	changed, err := r.source(f.name, []byte(text))
	if err != nil {
		return err
	}
	return r.checkWith(f, changed, nil)
}

// known returns the types of the original code.
func (r *room) known() (*types.Info, error) {
	if r.info == nil {
		info := &types.Info{
			Types:     map[ast.Expr]types.TypeAndValue{},
			Defs:      map[*ast.Ident]types.Object{},
			Implicits: map[ast.Node]types.Object{},
		}
		if err := r.checkWith(nil, nil, info); err != nil {
			return nil, fmt.Errorf("%s: %w", r.folder, err)
		}
		r.info = info
	}
	return r.info, nil
}

func (r *room) checkWith(f, changed *source, info *types.Info) error {
	var files []*ast.File
	for _, other := range r.files {
		if !other.built {
			continue
		}
		if other == f {
			other = changed
		}
		files = append(files, other.syntax)
	}
	config := types.Config{Importer: r.imports}
	_, err := config.Check(r.path, r.fset, files, info)
	return err
}
