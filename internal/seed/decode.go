package seed

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A document is a decoded file: valid TOML with members of the right types.
type document struct {
	Region    *string         `toml:"region"`
	Keys      []entry         `toml:"key"`
	Accounts  []accountEntry  `toml:"account"`
	Policies  []policyEntry   `toml:"policy"`
	Providers []providerEntry `toml:"oidc_provider"`
	Roles     []roleEntry     `toml:"role"`
	Users     []userEntry     `toml:"user"`
}

// An entry is a [[key]] of a file.
type entry struct {
	ID            *string           `toml:"id"`
	Account       *string           `toml:"account"`
	Region        *string           `toml:"region"`
	Description   *string           `toml:"description"`
	KeySpec       *string           `toml:"key_spec"`
	KeyUsage      *string           `toml:"key_usage"`
	Origin        *string           `toml:"origin"`
	Aliases       []string          `toml:"aliases"`
	Tags          map[string]string `toml:"tags"`
	Material      *string           `toml:"material"`
	Expires       any               `toml:"expires"` // a time.Time or one of the TOML types without offset
	ExpiresInDays *int32            `toml:"expires_in_days"`
	Enabled       *bool             `toml:"enabled"`

	place *place
}

func decode(name string, text []byte) (out document, err error) {
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	err = d.Decode(&out)
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		line, _ := missing.Errors[0].Position()
		return document{}, unknownMember(name, line, missing.Errors[0].Key())
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := wrong.Position()
		return document{}, fmt.Errorf("%s:%d: %s", name, line, rewordError(wrong))
	}
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", name, err)
	}
	places, err := locate(name, text)
	if err != nil {
		return document{}, err
	}
	out.placeAt(places)
	return out, nil
}

// placeAt sets the place of each entry.
func (d *document) placeAt(p *place) {
	for i := range d.Keys {
		d.Keys[i].place = p.inner["key"][i]
	}
	for i := range d.Accounts {
		d.Accounts[i].place = p.inner["account"][i]
	}
	for i := range d.Policies {
		d.Policies[i].place = p.inner["policy"][i]
	}
	for i := range d.Providers {
		d.Providers[i].place = p.inner["oidc_provider"][i]
	}
	for i := range d.Roles {
		d.Roles[i].place = p.inner["role"][i]
	}
	for i := range d.Users {
		d.Users[i].place = p.inner["user"][i]
		for j := range d.Users[i].Keys {
			d.Users[i].Keys[j].place = d.Users[i].place.inner["access_key"][j]
		}
	}
}

// unknownMember returns the error for a member that does not exist.
func unknownMember(name string, line int, path []string) error {
	table := strings.Join(path[:len(path)-1], ".")
	known, ok := membersOf(table)
	if !ok {
		table = fileTable
		known, _ = membersOf(table)
	}
	return fmt.Errorf("%s:%d: unknown member %q: the members are %s",
		name, line, path[len(path)-1], strings.Join(known, ", "))
}

var wrongType = regexp.MustCompile(`^toml: cannot decode TOML (\w+) into .* of type (\S+)$`)

// typeNames maps the types of members to TOML's names.
const typeNames = `
*string  string
string   string
[]string array
*int32   integer
int32    integer
*bool    boolean
bool     boolean
`

// rewordError returns the text of a decoding error in the terms of seed files. It contains no values, because they
// may be key material.
func rewordError(e *toml.DecodeError) string {
	member := strings.Join(e.Key(), ".")
	m := wrongType.FindStringSubmatch(e.Error())
	switch {
	case m == nil && strings.Contains(e.Error(), "already defined"):
		return fmt.Sprintf("%s is defined twice: remove one of the two", member)
	case m == nil:
		return strings.TrimPrefix(e.Error(), "toml: ") + ": the file must be valid TOML 1.0, in which strings are in quotes"
	}
	want := fmt.Sprintf("table: write [[%s]] above its members", member)
	for line := range strings.Lines(typeNames) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == m[2] {
			want = f[1]
		}
	}
	return fmt.Sprintf("%s has the type %s, but must have the type %s", member, m[1], want)
}
