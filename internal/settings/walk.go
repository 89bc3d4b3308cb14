package settings

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// walk reads the values up to the first syntax error. Only this file uses the parser of the library, whose interface
// may change in minor versions: the decoder of the library has no lines for values.
func (p *parser) walk(text []byte) {
	p.toml.Reset(text)
	for len(p.faults) < maxFaults && p.toml.NextExpression() {
		e := p.toml.Expression()
		path, line := p.path(e.Key())
		switch e.Kind {
		case unstable.Table:
			p.header(path, line)
		case unstable.ArrayTable:
			p.skip = true
			p.fault(line, fmt.Sprintf("[[%s]] is a list of tables, which no setting is", join(path)),
				fmt.Sprintf("write [%s]", join(path)))
		case unstable.KeyValue:
			if !p.skip {
				p.member(append(p.table[:len(p.table):len(p.table)], path...), line, e.Value())
			}
		}
	}
}

// path returns the parts of a key, and its line.
func (p *parser) path(key unstable.Iterator) (path []string, line int) {
	for key.Next() {
		if path == nil {
			line = p.lineAt(int(key.Node().Raw.Offset))
		}
		path = append(path, string(key.Node().Data))
	}
	return path, line
}

// lineAt returns the line of an offset. It counts from the last offset on, because the library counts from the start.
func (p *parser) lineAt(offset int) int {
	if offset < p.offset {
		p.offset, p.line = 0, 1
	}
	p.line += bytes.Count(p.toml.Data()[p.offset:offset], []byte("\n"))
	p.offset = offset
	return p.line
}

// join returns the name of a key. A part with a dot of its own is quoted, so it is not mistaken for two parts.
func join(path []string) string {
	parts := make([]string, len(path))
	for i, part := range path {
		if parts[i] = part; strings.Contains(part, ".") || part == "" {
			parts[i] = strconv.Quote(part)
		}
	}
	return strings.Join(parts, ".")
}

// once notes the line of a key or a table, and reports whether it is there for the first time.
func (p *parser) once(name string, line int) bool {
	if first, ok := p.Lines[name]; ok {
		p.fault(line, fmt.Sprintf("%s is there twice, first in line %d", name, first),
			fmt.Sprintf("remove line %d or line %d", first, line))
		return false
	}
	p.Lines[name] = line
	return true
}

// header begins a section, such as [tls], or the table of a setting, such as [limits.rates].
func (p *parser) header(path []string, line int) {
	p.table, p.skip = path, false
	name := join(path)
	switch {
	case !p.once(name, line):
		p.skip = true
	case p.kinds[name] == Numbers:
		p.Values[name] = Value{map[string]int{}, line}
	case p.kinds[name] != "":
		p.skip = true
		p.fault(line, name+" is not a table", "it is "+forms[p.kinds[name]])
	case len(path) > 1 || members(p.kinds, name) == nil:
		p.skip = true
		p.unknown(name, line)
	}
}

// member reads one value.
func (p *parser) member(path []string, line int, node *unstable.Node) {
	name := join(path)
	if !p.once(name, line) {
		return
	}
	outer := join(path[:len(path)-1])
	kind, ok := p.kinds[name]
	switch {
	case ok:
		p.value(name, kind, line, node)
	case p.kinds[outer] == Numbers:
		p.number(outer, path[len(path)-1], line, node)
	case node.Kind == unstable.InlineTable && len(path) == 1 && members(p.kinds, name) != nil:
		p.inline(path, node)
	default:
		p.unknown(name, line)
	}
}

// inline reads the members of a section or of a table of numbers that are on one line.
func (p *parser) inline(path []string, node *unstable.Node) {
	for it := node.Children(); it.Next(); {
		inner, line := p.path(it.Node().Key())
		p.member(append(path[:len(path):len(path)], inner...), line, it.Node().Value())
	}
}

// value reads the value of a setting.
func (p *parser) value(name string, kind Kind, line int, node *unstable.Node) {
	if kind == Numbers && node.Kind == unstable.InlineTable {
		p.Values[name] = Value{map[string]int{}, line}
		p.inline(strings.Split(name, "."), node)
		return
	}
	v, ok := scalar(node)
	if list, isList := v.([]any); isList && kind == Names {
		v, ok = texts(list)
	}
	switch v.(type) {
	case string:
		ok = ok && (kind == Text || kind == Duration)
	case int64:
		ok = ok && kind == Number
	case bool:
		ok = ok && kind == Switch
	case []string:
		ok = ok && kind == Names
	default:
		ok = false
	}
	if !ok {
		p.fault(line, name+" has a value of a wrong type", "it is "+forms[kind])
		return
	}
	p.Values[name] = Value{v, line}
}

// number reads one number of a table of numbers.
func (p *parser) number(table, name string, line int, node *unstable.Node) {
	v, _ := scalar(node)
	n, ok := v.(int64)
	if !ok || int64(int32(n)) != n || strings.ContainsAny(name, ",=") {
		p.fault(line, table+"."+join([]string{name})+" is not a name and a whole number of at most 2147483647",
			"write them without quotes, as name = 10")
		return
	}
	all, ok := p.Values[table].Set.(map[string]int)
	if !ok {
		all = map[string]int{}
		p.Values[table] = Value{all, line}
	}
	all[name] = int(n)
}

// scalar returns the value of a node, or false if no setting has values of this type.
func scalar(node *unstable.Node) (any, bool) {
	switch node.Kind {
	case unstable.String:
		return string(node.Data), true
	case unstable.Bool:
		return string(node.Data) == "true", true
	case unstable.Integer:
		n, err := strconv.ParseInt(strings.ReplaceAll(string(node.Data), "_", ""), 0, 64)
		return n, err == nil
	case unstable.Array:
		all := []any{}
		for it := node.Children(); it.Next(); {
			v, _ := scalar(it.Node())
			all = append(all, v)
		}
		return all, true
	}
	return nil, false
}

// texts returns the strings of a list, or false if it has other values.
func texts(list []any) (all []string, ok bool) {
	all = []string{}
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, false
		}
		all = append(all, text)
	}
	return all, true
}

// unknown reports a key that is not in the table.
func (p *parser) unknown(name string, line int) {
	remedy := "the sections are " + strings.Join(sections(p.kinds), ", ")
	last := strings.ReplaceAll(name[strings.LastIndex(name, ".")+1:], "-", "_")
	for _, key := range slices.Sorted(maps.Keys(p.kinds)) {
		if strings.HasSuffix(key, "."+last) {
			p.fault(line, name+" is not a setting", "did you mean "+key+"?")
			return
		}
	}
	if in := section(name); members(p.kinds, in) != nil {
		remedy = fmt.Sprintf("the settings of [%s] are %s", in, strings.Join(members(p.kinds, in), ", "))
	}
	p.fault(line, name+" is not a setting", remedy)
}
