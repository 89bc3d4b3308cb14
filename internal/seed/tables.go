package seed

import (
	"slices"
	"strings"
)

// tables lists the members of each table, for messages and for checking the exact case. The name of a nested
// table begins with the name of the outer table.
const tables = `
file             region account key policy oidc_provider role user
key              id account region description key_spec key_usage origin aliases tags material expires expires_in_days enabled
policy           name account path description document file
oidc_provider    url account client_ids ca_file
role             name account path description trust trust_file max_session_seconds managed_policies permissions_boundary tags policy
role.policy      name document file
user             name account path access_keys managed_policies permissions_boundary tags policy access_key
user.policy      name document file
user.access_key  id secret
account          id name access_keys
`

// membersOf returns the members of a table. ok is false if the table does not exist.
func membersOf(table string) (members []string, ok bool) {
	for line := range strings.Lines(tables) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == table {
			return f[1:], true
		}
	}
	return nil, false
}

// isMember reports whether a table has a member with exactly this name.
func isMember(table, name string) bool {
	members, _ := membersOf(table)
	return slices.Contains(members, name)
}

// fileTable is the name of the table that stands for the file itself.
const fileTable = "file"

// isTable reports whether path names a table.
func isTable(path []string) bool {
	_, ok := membersOf(strings.Join(path, "."))
	return ok && path[0] != fileTable
}
