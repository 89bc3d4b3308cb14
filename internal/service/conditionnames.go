package service

import "github.com/keyhold/keyhold/internal/policy"

// byName are the values of condition keys that go on with a name of the user's own, by
// that name as policy.Fold returns it. Names of tags, and of pairs of an encryption
// context, can differ by case alone, and names of condition keys do not: so several
// such names have several values for one condition key, by which no policy allows and
// each denies.
type byName map[string][]string

func (b byName) add(name, value string) {
	name = policy.Fold(name)
	b[name] = append(b[name], value)
}

// found are values that were looked for once.
type found struct {
	looked bool
	values []string
}

// once returns what look found when it was called first.
func (f *found) once(look func() []string) []string {
	if !f.looked {
		f.looked, f.values = true, look()
	}
	return f.values
}
