package seed

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A document is a file as TOML has it: well-formed, and of the right types.
type document struct {
	region  *string
	entries []entry
}

// An entry is one [[key]] of a file.
type entry struct {
	ID            *string           `toml:"id"`
	Account       *string           `toml:"account"`
	Region        *string           `toml:"region"`
	Description   *string           `toml:"description"`
	Origin        *string           `toml:"origin"`
	Aliases       []string          `toml:"aliases"`
	Tags          map[string]string `toml:"tags"`
	Material      *string           `toml:"material"`
	Expires       any               `toml:"expires"` // a time.Time, or one of the times without an offset
	ExpiresInDays *int32            `toml:"expires_in_days"`
	Enabled       *bool             `toml:"enabled"`

	place place
}

// The members of a file and of a [[key]], for messages and for the exact case.
const (
	fileMembers = "region key"
	keyMembers  = "id account region description origin aliases tags material expires expires_in_days enabled"
)

func decode(name string, text []byte) (document, error) {
	var out struct {
		Region *string `toml:"region"`
		Keys   []entry `toml:"key"`
	}
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	err := d.Decode(&out)
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		return document{}, unknown(name, &missing.Errors[0])
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := wrong.Position()
		return document{}, fmt.Errorf("%s:%d: %s", name, line, reworded(wrong))
	}
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", name, err)
	}
	places, err := locate(name, text)
	if err != nil {
		return document{}, err
	}
	for i := range out.Keys {
		out.Keys[i].place = places[i]
	}
	return document{out.Region, out.Keys}, nil
}

// unknown is the error for a member that there is not.
func unknown(name string, e *toml.DecodeError) error {
	line, _ := e.Position()
	return unknownMember(name, line, e.Key())
}

func unknownMember(name string, line int, path []string) error {
	known := fileMembers
	if len(path) > 1 {
		known = keyMembers
	}
	return fmt.Errorf("%s:%d: there is no %q here: the members are %s",
		name, line, path[len(path)-1], strings.Join(strings.Fields(known), ", "))
}

var wrongType = regexp.MustCompile(`^toml: cannot decode TOML (\w+) into .* of type (\S+)$`)

// typeNames are the types of the members, in words of TOML.
const typeNames = `
*string  string
string   string
[]string array
*int32   integer
int32    integer
*bool    boolean
bool     boolean
`

// reworded is the text of an error in the words of a seed file. It holds nothing of
// a value, which may be key material.
func reworded(e *toml.DecodeError) string {
	member := strings.Join(e.Key(), ".")
	m := wrongType.FindStringSubmatch(e.Error())
	switch {
	case m == nil && strings.Contains(e.Error(), "already defined"):
		return fmt.Sprintf("%s is there twice: remove one", member)
	case m == nil:
		return strings.TrimPrefix(e.Error(), "toml: ") + ": strings stand in quotes, and the file must be TOML 1.0"
	}
	want := "table: write [[key]] above its members"
	for line := range strings.Lines(typeNames) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == m[2] {
			want = f[1]
		}
	}
	return fmt.Sprintf("%s is of the type %s here, and must be of the type %s", member, m[1], want)
}

// isMember tells whether a list has the name, in this case.
func isMember(list, name string) bool { return slices.Contains(strings.Fields(list), name) }
