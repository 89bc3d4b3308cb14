package seed

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A place is the position of an entry and its members in a file, in lines counted from 1.
type place struct {
	file    string
	line    int                 // line of its header, such as [[key]]
	members map[string]int      // lines of the members that are present
	inner   map[string][]*place // nested entries by table name
}

func newPlace(file string, line int) *place {
	return &place{file, line, map[string]int{}, map[string][]*place{}}
}

func (p *place) errorf(member, format string, args ...any) error {
	line, ok := p.members[member]
	if !ok {
		line = p.line
	}
	return fmt.Errorf("%s:%d: %s: "+format, append([]any{p.file, line, member}, args...)...)
}

// A locator walks over a text that was decoded and records places. It requires the exact case of member names,
// which the decoder does not, and it requires tables written as [[key]], because other forms have no line to
// report. Only this type uses the library's parser, whose interface may change in minor versions.
type locator struct {
	file    string
	top     *place // place of the file
	current *place
	table   string // table name of current
	inTags  bool
}

// locate returns the place of a file, with the places of its entries.
func locate(file string, text []byte) (*place, error) {
	var p unstable.Parser
	p.Reset(text)
	top := newPlace(file, 1)
	l := &locator{file: file, top: top, current: top, table: fileTable}
	for p.NextExpression() {
		e := p.Expression()
		path, line := keyOf(&p, e)
		var err error
		switch e.Kind {
		case unstable.ArrayTable:
			err = l.entry(path, line)
		case unstable.Table:
			err = l.tags(path, line)
		case unstable.KeyValue:
			err = l.member(path[0], line)
		}
		if err != nil {
			return nil, err
		}
	}
	return top, p.Error()
}

// entry handles a line such as [[user]] or, within a user, [[user.policy]].
func (l *locator) entry(path []string, line int) error {
	in := l.top
	if len(path) == 2 && isTable(path) {
		outer := l.top.inner[path[0]]
		if len(outer) == 0 {
			return fmt.Errorf("%s:%d: [[%s]] must come after the [[%s]] that it belongs to", l.file, line,
				strings.Join(path, "."), path[0])
		}
		in = outer[len(outer)-1]
	} else if len(path) != 1 || !isTable(path) {
		return unknownMember(l.file, line, path)
	}
	l.current, l.table, l.inTags = newPlace(l.file, line), strings.Join(path, "."), false
	name := path[len(path)-1]
	in.inner[name] = append(in.inner[name], l.current)
	return nil
}

// tags handles a line such as [key.tags].
func (l *locator) tags(path []string, line int) error {
	if len(path) != 2 || path[1] != "tags" || !isMember(path[0], "tags") || len(l.top.inner[path[0]]) == 0 {
		kind := path[0]
		if !isTable(path[:1]) {
			kind = "key"
		}
		return fmt.Errorf("%s:%d: [%s] is not part of a seed file: each %s begins with [[%[4]s]]", l.file, line,
			path[len(path)-1], kind)
	}
	outer := l.top.inner[path[0]]
	outer[len(outer)-1].members["tags"] = line
	l.inTags = true
	return nil
}

// member handles a member of the current entry, or of the file before the first entry.
func (l *locator) member(name string, line int) error {
	inner := strings.TrimPrefix(l.table+"."+name, fileTable+".")
	_, isEntry := membersOf(inner)
	switch {
	case l.inTags:
		return nil
	case isEntry:
		return fmt.Errorf("%s:%d: each %s begins with a line of its own: [[%s]]", l.file, line, name, inner)
	case !isMember(l.table, name):
		path := []string{name}
		if l.table != fileTable {
			path = append(strings.Split(l.table, "."), name)
		}
		return unknownMember(l.file, line, path)
	}
	l.current.members[name] = line
	return nil
}

// keyOf returns the dotted key of an expression and its line.
func keyOf(p *unstable.Parser, e *unstable.Node) (path []string, line int) {
	for k := e.Key(); k.Next(); {
		if line == 0 {
			line = p.Shape(k.Node().Raw).Start.Line
		}
		path = append(path, string(k.Node().Data))
	}
	return path, line
}
