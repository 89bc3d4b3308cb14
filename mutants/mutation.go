package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A mutation is a small change of a file: instead replaces the bytes from offset from to offset to.
type mutation struct {
	file     string
	text     []byte // original text of the file
	from, to int
	instead  string
}

// String returns the position of the change, and the line before and after.
func (m mutation) String() string {
	begin := bytes.LastIndexByte(m.text[:m.from], '\n') + 1
	end := m.to + bytes.IndexByte(append(m.text[m.to:len(m.text):len(m.text)], '\n'), '\n')
	line := bytes.Count(m.text[:m.from], []byte("\n")) + 1
	was, becomes := string(m.text[begin:end]), string(m.text[begin:m.from])+m.instead+string(m.text[m.to:end])
	return fmt.Sprintf("%s:%d: %s => %s", m.file, line, oneLine(was), oneLine(becomes))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// overlay writes the changed file and the argument of the go command's -overlay flag into dir, and returns the
// path of the latter.
func (m mutation) overlay(dir string) (string, error) {
	changed := filepath.Join(dir, filepath.Base(m.file))
	text := string(m.text[:m.from]) + m.instead + string(m.text[m.to:])
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return "", err
	}
	here, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {here: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// operators maps each binary operator to its replacement.
var operators = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.EQL: "!=", token.NEQ: "==",
	token.LAND: "||", token.LOR: "&&",
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.REM: "*",
	token.SHL: ">>", token.SHR: "<<", token.AND: "|", token.OR: "&", token.XOR: "&",
}

// mutationsIn returns all mutations of a file.
func mutationsIn(file string, text []byte) (all []mutation, err error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return set.Position(p).Offset }
	change := func(from, to token.Pos, instead string) {
		all = append(all, mutation{file, text, offset(from), offset(to), instead})
	}
	source := func(n ast.Node) string { return string(text[offset(n.Pos()):offset(n.End())]) }
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok == token.VAR || n.Tok == token.CONST
		case *ast.BinaryExpr:
			if other := operators[n.Op]; other != "" && !isText(n) {
				change(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other)
			}
		case *ast.IfStmt:
			change(n.Cond.Pos(), n.Cond.End(), "!("+source(n.Cond)+")")
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				change(n.OpPos, n.OpPos+1, "")
			}
		case *ast.BasicLit:
			if value, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
				change(n.Pos(), n.End(), strconv.FormatInt(value+1, 10))
			}
		case *ast.Ident:
			if other := map[string]string{"true": "false", "false": "true"}[n.Name]; other != "" {
				change(n.Pos(), n.End(), other)
			}
		case *ast.BlockStmt:
			for _, s := range n.List {
				if canGo(s) {
					change(s.Pos(), s.End(), "")
				}
			}
		case *ast.ReturnStmt:
			if last := len(n.Results) - 1; last >= 0 && named(n.Results[last], "err") {
				change(n.Results[last].Pos(), n.Results[last].End(), "nil")
			}
		}
		return true
	})
	return all, nil
}

// isText reports whether an expression concatenates strings, as far as its syntax shows.
func isText(e *ast.BinaryExpr) bool {
	for _, side := range []ast.Expr{e.X, e.Y} {
		if literal, ok := side.(*ast.BasicLit); ok && literal.Kind == token.STRING && e.Op == token.ADD {
			return true
		}
	}
	return false
}

// canGo reports whether a statement can be removed so that the rest may still build.
func canGo(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
		return true
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	}
	return false
}

func named(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
