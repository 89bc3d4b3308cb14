package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// A place is a change that is compiled into the code beside the original, and is made if the environment has its
// number.
type place struct {
	*mutation
	number int // from 1
}

// A tree is the code of all rooms with places.
type tree struct {
	places []place
	alone  []*mutation        // changes that only the compiler can make, such as the length of an array
	texts  map[*source]string // changed files
	edits  map[*source][]edit
}

// switched makes places of changes. A change that does not build as a place is compiled alone later.
func switched(ctx context.Context, changes []*mutation) (*tree, error) {
	t := &tree{texts: map[*source]string{}, edits: map[*source][]edit{}}
	for _, m := range changes {
		if ctx.Err() != nil {
			break
		}
		f := m.file
		info, err := f.room.known()
		if err != nil {
			return nil, err
		}
		p := place{m, len(t.places) + 1}
		edits := append(t.edits[f][:len(t.edits[f]):len(t.edits[f])], p.edits(info)...)
		text := f.switching(edits)
		if f.room.check(f, text) != nil {
			t.alone = append(t.alone, m)
			continue
		}
		t.places = append(t.places, p)
		t.edits[f], t.texts[f] = edits, text
	}
	return t, ctx.Err()
}

// switching makes edits, and imports the package that they call.
func (f *source) switching(edits []edit) string {
	name := f.offset(f.syntax.Name.End())
	return apply(f.text, append([]edit{{from: name, to: name, text: "; import mut \"" + switches + "\""}}, edits...))
}

// functions are the functions of package mut for the operators that are not conditions.
var functions = map[token.Token]string{
	token.LSS: "Lss", token.LEQ: "Leq", token.GTR: "Gtr", token.GEQ: "Geq",
	token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Quo", token.REM: "Rem",
	token.SHL: "Shl", token.SHR: "Shr", token.AND: "And", token.OR: "Or", token.XOR: "Xor",
}

// edits returns the edits that compile the change into its file.
func (p place) edits(info *types.Info) []edit {
	if constant := constantAround(info, p.file.syntax, p.node); constant != nil {
		return p.constantEdits(info, constant)
	}
	switch n := p.node.(type) {
	case *ast.BinaryExpr:
		return p.operatorEdits(n)
	case *ast.IfStmt:
		return p.call("Not", n.Cond)
	case *ast.UnaryExpr:
		return p.call("Not", n)
	case *ast.ReturnStmt:
		return p.call("Zero", n.Results[len(n.Results)-1])
	}
	return wrap(p.from, p.to, fmt.Sprintf("if !mut.On(%d) { ", p.number), " }")
}

// call wraps an expression in a call of a function of package mut.
func (p place) call(function string, n ast.Node) []edit {
	f := p.file
	return wrap(f.offset(n.Pos()), f.offset(n.End()), fmt.Sprintf("mut.%s(%d, ", function, p.number), ")")
}

func (p place) operatorEdits(n *ast.BinaryExpr) []edit {
	switch n.Op {
	case token.EQL, token.NEQ:
		return p.call("Not", n)
	case token.LAND, token.LOR:
		edits := p.call("Not", n)
		edits = append(edits, p.call("Not", n.X)...)
		return append(edits, p.call("Not", n.Y)...)
	}
	edits := p.call(functions[n.Op], n)
	for i := range edits {
		edits[i].splits = true
	}
	return append(edits, edit{from: p.from, to: p.to, text: ","})
}

// constantEdits replaces a constant by a choice between two constants of its type.
func (p place) constantEdits(info *types.Info, constant ast.Expr) []edit {
	f := p.file
	from, to := f.offset(constant.Pos()), f.offset(constant.End())
	changed := string(f.text[from:p.from]) + p.instead + string(f.text[p.to:to])
	name := types.TypeString(types.Default(info.TypeOf(constant)), f.qualifier(info))
	return wrap(from, to, fmt.Sprintf("mut.If(%d, (%s)(%s), (%s)(", p.number, name, changed, name), "))")
}

// qualifier names a package as the file imports it.
func (f *source) qualifier(info *types.Info) types.Qualifier {
	names := map[string]string{f.room.path: ""}
	for _, spec := range f.syntax.Imports {
		if name := info.PkgNameOf(spec); name != nil {
			names[name.Imported().Path()] = name.Name()
		}
	}
	return func(p *types.Package) string {
		if name, ok := names[p.Path()]; ok {
			return name
		}
		return p.Name() // the file does not import the package, so the result does not build
	}
}

// constantAround returns the largest constant expression with a node, or nil.
func constantAround(info *types.Info, in ast.Node, n ast.Node) (found ast.Expr) {
	ast.Inspect(in, func(outer ast.Node) bool {
		if found != nil || outer == nil || outer.Pos() > n.Pos() || outer.End() < n.End() {
			return false
		}
		if e, ok := outer.(ast.Expr); ok {
			if t := info.Types[e]; t.Value != nil {
				found = e
			}
		}
		return true
	})
	return found
}
