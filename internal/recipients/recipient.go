package recipients

import (
	"crypto/hpke"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// A Recipient is a person, or a machine, that files are sealed to. It has one of the two keys.
type Recipient struct {
	// Name is the text of a recipient of age, a key of SSH without its comment, or a short name of a recipient of HPKE.
	Name string
	age  age.Recipient
	kind *kind
	key  hpke.PublicKey
}

// Approved reports whether files to r use approved algorithms only (docs/fips.md).
func (r Recipient) Approved() bool { return r.key != nil }

// Parse returns the recipient of a text.
func Parse(text string) (r Recipient, err error) {
	switch {
	case strings.HasPrefix(text, recipientPrefix):
		return parsePublic(text)
	case strings.HasPrefix(text, "ssh-"):
		r.age, err = agessh.ParseRecipient(text)
		fields := strings.Fields(text)
		r.Name = strings.Join(fields[:min(2, len(fields))], " ")
		return r, err
	case strings.HasPrefix(text, "AGE-SECRET-KEY-"), strings.HasPrefix(text, identityPrefix):
		return r, errors.New("it is a secret identity, which belongs to its owner: give its public half, age1… or " +
			recipientPrefix + "…")
	}
	found, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil {
		return r, errors.New("its form is unknown")
	}
	return Recipient{Name: text, age: found[0]}, nil
}

// ParseFile reads a file with one recipient in each line, at most most. Empty lines and lines that begin with # are
// ignored. A repeated recipient is refused.
func ParseFile(file []byte, most int) (all []Recipient, err error) {
	seen := map[string]int{}
	n := 0
	for line := range strings.Lines(string(file)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := Parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d is not a recipient of age or HPKE, or a public key of SSH: %w", n, err)
		}
		if seen[r.Name] != 0 {
			return nil, fmt.Errorf("lines %d and %d have the same recipient", seen[r.Name], n)
		}
		seen[r.Name] = n
		all = append(all, r)
	}
	if len(all) == 0 || len(all) > most {
		return nil, fmt.Errorf("the file has %d recipients: give 1 to %d, each on a line", len(all), most)
	}
	return all, nil
}
