package seed

import (
	"slices"
	"strings"
)

// tables gives the members of each table of a file, for messages and for the exact
// case. The name of an inner one has that of the outer before it.
const tables = `
file             region account key policy oidc_provider role user
key              id account region description origin aliases tags material expires expires_in_days enabled
policy           name account path description document file
oidc_provider    url account client_ids ca_file
role             name account path description trust trust_file max_session_seconds managed_policies permissions_boundary tags policy
role.policy      name document file
user             name account path access_keys managed_policies permissions_boundary tags policy access_key
user.policy      name document file
user.access_key  id secret
account          id name access_keys
`

// membersOf returns the members of a table; ok is false if there is no such table.
func membersOf(table string) (members []string, ok bool) {
	for line := range strings.Lines(tables) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == table {
			return f[1:], true
		}
	}
	return nil, false
}

// isMember tells whether a table has the member, in this case.
func isMember(table, name string) bool {
	members, _ := membersOf(table)
	return slices.Contains(members, name)
}

// fileTable is the table that a file itself is.
const fileTable = "file"

// isTable tells whether there is a table at a path.
func isTable(path []string) bool {
	_, ok := membersOf(strings.Join(path, "."))
	return ok && path[0] != fileTable
}
