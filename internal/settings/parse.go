package settings

import (
	"errors"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxSize is the maximum size of a file in bytes.
const MaxSize = 1 << 20

// maxFaults is the maximum number of faults that Parse reports.
const maxFaults = 50

// Parse returns the settings of a file, or its faults in the order of lines.
func Parse(name string, text []byte, table []Setting) (File, []Fault) {
	p := parser{line: 1, File: File{name, map[string]Value{}, map[string]int{}}, kinds: map[string]Kind{}}
	for _, s := range table {
		p.kinds[s.Key] = s.Kind
	}
	p.walk(text)
	p.checkSyntax(text)
	slices.SortStableFunc(p.faults, func(a, b Fault) int { return a.Line - b.Line })
	if len(p.faults) > maxFaults {
		p.faults = p.faults[:maxFaults]
	}
	return p.File, p.faults
}

// A parser collects the values and the faults of a file.
type parser struct {
	File
	kinds  map[string]Kind
	faults []Fault
	toml   unstable.Parser
	table  []string // the path of the current table
	offset int      // whose line is known
	line   int
	skip   bool // the current table has a fault, so its members are not read
}

func (p *parser) fault(line int, cause, remedy string) {
	p.faults = append(p.faults, Fault{p.Name, line, cause, remedy})
}

// checkSyntax reports faults in the syntax of TOML. The decoder checks more than the parser.
func (p *parser) checkSyntax(text []byte) {
	var all map[string]any
	err := toml.Unmarshal(text, &all)
	if err == nil {
		return
	}
	line := 1
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ = wrong.Position()
	}
	if !slices.ContainsFunc(p.faults, func(f Fault) bool { return f.Line == line }) {
		p.fault(line, strings.TrimPrefix(err.Error(), "toml: "),
			"the file must be valid TOML 1.0, in which strings are in quotes")
	}
}
