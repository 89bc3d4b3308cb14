package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// A mutation is a small change of a file: instead replaces the bytes from offset from to offset to.
type mutation struct {
	file     *source
	node     ast.Node // the changed part of the syntax
	from, to int
	instead  string
}

// changed returns the text of the file with the change.
func (m *mutation) changed() string {
	return string(m.file.text[:m.from]) + m.instead + string(m.file.text[m.to:])
}

// String returns the position of the change, and the line before and after.
func (m *mutation) String() string {
	text := m.file.text
	begin := bytes.LastIndexByte(text[:m.from], '\n') + 1
	end := m.to + bytes.IndexByte(append(text[m.to:len(text):len(text)], '\n'), '\n')
	line := bytes.Count(text[:m.from], []byte("\n")) + 1
	was, becomes := string(text[begin:end]), string(text[begin:m.from])+m.instead+string(text[m.to:end])
	return fmt.Sprintf("%s:%d: %s => %s", m.file.name, line, oneLine(was), oneLine(becomes))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// operators maps each binary operator to its replacement.
var operators = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.EQL: "!=", token.NEQ: "==",
	token.LAND: "||", token.LOR: "&&",
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.REM: "*",
	token.SHL: ">>", token.SHR: "<<", token.AND: "|", token.OR: "&", token.XOR: "&",
}

// mutationsIn returns all mutations of a file, in the order of its syntax.
func mutationsIn(f *source) (all []*mutation) {
	change := func(n ast.Node, from, to token.Pos, instead string) {
		all = append(all, &mutation{f, n, f.offset(from), f.offset(to), instead})
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok == token.VAR || n.Tok == token.CONST
		case *ast.BinaryExpr:
			if other := operators[n.Op]; other != "" && !isText(n) {
				change(n, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other)
			}
		case *ast.IfStmt:
			change(n, n.Cond.Pos(), n.Cond.End(), "!("+f.textOf(n.Cond)+")")
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				change(n, n.OpPos, n.OpPos+1, "")
			}
		case *ast.BasicLit:
			if value, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
				change(n, n.Pos(), n.End(), strconv.FormatInt(value+1, 10))
			}
		case *ast.Ident:
			if other := map[string]string{"true": "false", "false": "true"}[n.Name]; other != "" {
				change(n, n.Pos(), n.End(), other)
			}
		case *ast.BlockStmt:
			for _, s := range n.List {
				if canGo(s) {
					change(s, s.Pos(), s.End(), "")
				}
			}
		case *ast.ReturnStmt:
			if last := len(n.Results) - 1; last >= 0 && named(n.Results[last], "err") {
				change(n, n.Results[last].Pos(), n.Results[last].End(), "nil")
			}
		}
		return true
	})
	return all
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
