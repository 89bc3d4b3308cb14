package seed

import (
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A place tells where in a file a key and its members stand, in lines from 1.
type place struct {
	file    string
	line    int            // of its [[key]]
	members map[string]int // of those that are there
}

func (p place) errorf(member, format string, args ...any) error {
	line, ok := p.members[member]
	if !ok {
		line = p.line
	}
	return fmt.Errorf("%s:%d: %s: "+format, append([]any{p.file, line, member}, args...)...)
}

// locate returns the places of the keys of a text that decodes. It insists on the
// exact case of the members, which the decoder does not, and on [[key]], as there
// would be no place to tell otherwise. This is the only use of the library's parser,
// whose interface may change with a minor version.
func locate(file string, text []byte) (places []place, err error) {
	var p unstable.Parser
	p.Reset(text)
	inTags := false
	for p.NextExpression() {
		e := p.Expression()
		path, line := keyOf(&p, e)
		switch e.Kind {
		case unstable.ArrayTable:
			if len(path) != 1 || path[0] != "key" {
				return nil, unknownMember(file, line, path)
			}
			places = append(places, place{file, line, map[string]int{}})
			inTags = false
		case unstable.Table:
			if len(path) != 2 || path[0] != "key" || path[1] != "tags" || len(places) == 0 {
				return nil, fmt.Errorf("%s:%d: [%s] is not of a seed file: each key begins with [[key]]", file, line, path[len(path)-1])
			}
			places[len(places)-1].members["tags"] = line
			inTags = true
		case unstable.KeyValue:
			if !inTags {
				err = note(file, places, path[0], line)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return places, p.Error()
}

// note takes up the line of a member of the last key, or of the file before there
// is a key.
func note(file string, places []place, member string, line int) error {
	switch {
	case len(places) == 0 && member == "key":
		return fmt.Errorf("%s:%d: each key begins with a line of its own: [[key]]", file, line)
	case len(places) == 0 && !isMember(fileMembers, member):
		return unknownMember(file, line, []string{member})
	case len(places) == 0:
		return nil
	case !isMember(keyMembers, member):
		return unknownMember(file, line, []string{"key", member})
	}
	places[len(places)-1].members[member] = line
	return nil
}

// keyOf returns the dotted key of an expression, and its line.
func keyOf(p *unstable.Parser, e *unstable.Node) (path []string, line int) {
	for k := e.Key(); k.Next(); {
		if line == 0 {
			line = p.Shape(k.Node().Raw).Start.Line
		}
		path = append(path, string(k.Node().Data))
	}
	return path, line
}
