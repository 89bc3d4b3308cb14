// Package settings parses the settings file of a server, which is TOML. It knows the settings by a table, and finds
// all faults of a file at once. It does not open files, and does not know the command line.
package settings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Kind is the type of a setting. The names are the names of the types of flags.
type Kind string

// The kinds of settings.
const (
	Text     Kind = "string"
	Number   Kind = "int"
	Switch   Kind = "bool"
	Duration Kind = "duration"    // a string such as "30s"
	Names    Kind = "stringSlice" // an array of strings
	Numbers  Kind = "stringToInt" // a table of whole numbers
)

// forms says how a file contains a value of each kind.
var forms = map[Kind]string{
	Text:     `a string: write it in quotes, as "text"`,
	Number:   "a whole number: write it without quotes, as 10",
	Switch:   "true or false: write it without quotes",
	Duration: `a duration: write it in quotes, as "30s", "5m" or "2h"`,
	Names:    `a list of strings: write it as ["one", "two"]`,
	Numbers:  "a table of whole numbers: write it as { name = 10 }",
}

// Known reports whether settings can have the kind.
func (k Kind) Known() bool { return forms[k] != "" }

// A Setting is a row of the table of settings.
type Setting struct {
	Key  string // as section.name
	Kind Kind
}

// A Value is what a file sets. Set is a string, an int64, a bool, a []string or a map[string]int, and a string for a
// Duration.
type Value struct {
	Set  any
	Line int
}

// A File is a file without faults.
type File struct {
	Name   string
	Values map[string]Value // by key
	Lines  map[string]int   // of sections and keys
}

// A Fault is a mistake in a file.
type Fault struct {
	File          string
	Line          int
	Cause, Remedy string
}

func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Cause, f.Remedy)
}

// Where returns the line of a key of the file, or the line of its section, or 1.
func (f File) Where(key string) int {
	section, _, _ := strings.Cut(key, ".")
	return cmp.Or(f.Lines[key], f.Lines[section], 1)
}

// section returns the section of a key, or "".
func section(key string) string {
	before, _, ok := strings.Cut(key, ".")
	if !ok {
		return ""
	}
	return before
}

// sections returns the names of all sections.
func sections(table map[string]Kind) []string {
	all := map[string]bool{}
	for key := range table {
		all[section(key)] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// members returns the names of the settings of a section.
func members(table map[string]Kind, name string) (all []string) {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if section(key) == name {
			all = append(all, strings.TrimPrefix(key, name+"."))
		}
	}
	return all
}
