package seed

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	aDocument = `document = '{"Version":"2012-10-17"}'` + "\n"
	aTrust    = `trust = '{"Version":"2012-10-17"}'` + "\n"
)

func TestParseIdentities(t *testing.T) {
	d := defaults
	d.ReadFile = func(name string) ([]byte, error) { return []byte("of " + name), nil }
	f, err := Parse("seed.toml", []byte(`
[[account]]
id = "444455556666"
name = "partner"
access_keys = 1
[[policy]]
name = "use"
path = "/p/"
account = "444455556666"
file = "use.json"
[[oidc_provider]]
url = "https://oidc.example.com"
client_ids = ["a", "b"]
ca_file = "ca.pem"
[[role]]
name = "deployer"
`+aTrust+`max_session_seconds = 7200
managed_policies = ["use"]
permissions_boundary = "use"
[role.tags]
b = "2"
a = "1"
[[role.policy]]
name = "in"
`+aDocument+`[[user]]
name = "alice"
[[user.policy]]
name = "one"
`+aDocument+`[[user.policy]]
name = "two"
file = "two.json"
[[user.access_key]]
id = "AKIA1"
secret = "s"
[[user]]
name = "bob"
access_keys = 2
[[user.policy]]
name = "three"
`+aDocument), d)
	if err != nil {
		t.Fatal(err)
	}
	account, policy, provider, role, alice, bob := f.Accounts[0].Request, f.Policies[0].Request, f.Providers[0].Request, f.Roles[0].Request, f.Users[0], f.Users[1]
	if *account.AccountId != "444455556666" || *account.Name != "partner" || *account.AccessKeys != 1 ||
		*policy.Document != "of use.json" || *policy.AccountId != "444455556666" || *policy.Path != "/p/" ||
		*provider.Url != "https://oidc.example.com" || len(provider.ClientIds) != 2 || *provider.Roots != "of ca.pem" ||
		*role.MaxSessionSeconds != 7200 || *role.Tags[0].TagKey != "a" || *role.PermissionsBoundary != "use" || *role.Policies[0].Name != "in" ||
		len(alice.Request.Policies) != 2 || *alice.Request.Policies[1].Document != "of two.json" || *alice.Keys[0].Request.SecretAccessKey != "s" || *alice.Keys[0].Request.Name != "alice" ||
		*bob.Request.AccessKeys != 2 || *bob.Request.Policies[0].Name != "three" {
		t.Errorf("%+v", f)
	}
	documents := f.Documents()
	if len(documents) != 6 || !documents[1].Trust || documents[4].Text != "of two.json" {
		t.Errorf("%+v", documents)
	}
	if got, want := documents[4].Errorf(2, 7, "x").Error(), "seed.toml:34: file: line 2, column 7 of the policy: x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestErrorsOfIdentities(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no name of a user", "[[user]]\n", ":1: name: it is missing: give one"},
		{"no name of a role", "[[role]]\n" + aTrust, ":1: name: it is missing"},
		{"no name of a policy", "[[policy]]\n" + aDocument, ":1: name: it is missing"},
		{"no name of an inline policy", "[[user]]\nname = \"a\"\n[[user.policy]]\n" + aDocument, ":3: name: it is missing"},
		{"no URL", "[[oidc_provider]]\nclient_ids = []\n", ":1: url: it is missing"},
		{"no account", "[[account]]\nname = \"x\"\n", ":1: id: it must be the 12 digits of an account"},
		{"an account of letters", "[[account]]\nid = \"x\"\n", ":2: id: it must be the 12 digits of an account"},
		{"no trust", "[[role]]\nname = \"a\"\n", ":1: trust: give the JSON document in trust, in three single quotes, or the name of its file in trust_file"},
		{"both", "[[policy]]\nname = \"a\"\nfile = \"x\"\n" + aDocument, ":4: document: give the JSON document in document"},
		{"no file", "[[policy]]\nname = \"a\"\nfile = \"x\"\n", ":3: file: no such file"},
		{"no secret", "[[user]]\nname = \"a\"\n[[user.access_key]]\nid = \"x\"\n", ":3: access_key: it needs an id and a secret"},
		{"unknown in a user", "[[user]]\nname = \"a\"\npolicies = []\n", `:3: unknown member "policies": the members are name, account, path, access_keys, managed_policies, permissions_boundary, tags, policy, access_key`},
		{"unknown in a user, by case", "[[user]]\nName = \"a\"\n", `:2: unknown member "Name"`},
		{"unknown in an inline policy", "[[user]]\nname = \"a\"\n[[user.policy]]\nname = \"p\"\ntext = \"x\"\n", `:5: unknown member "text": the members are name, document, file`},
		{"an inline policy without an owner", "[[user.policy]]\nname = \"p\"\n" + aDocument, ""},
		{"one of a policy", "[[policy]]\nname = \"p\"\n" + aDocument + "[[policy.policy]]\n", `:4: unknown member "policy"`},
		{"one in a line", "[[user]]\nname = \"a\"\npolicy = [{ name = \"p\" }]\n", ":3: each policy begins with a line of its own: [[user.policy]]"},
		{"tags of a policy", "[[policy]]\nname = \"p\"\n" + aDocument + "[policy.tags]\na = \"1\"\n", `:4: unknown member "tags"`},
		{"a user twice", "[[user]]\nname = \"a\"\n[[user]]\nname = \"A\"\n", ":4: name: the user in line 1 has the same one: choose another; names are compared without regard to case"},
		{"a string for access keys", "[[user]]\nname = \"a\"\naccess_keys = \"1\"\n", ":3: user.access_keys has the type string, but must have the type integer"},
		{"a table for a user", "[user]\nname = \"a\"\n", ":1: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := defaults
			d.ReadFile = func(string) ([]byte, error) { return nil, errors.New("no such file") }
			_, err := Parse("seed.toml", []byte(c.text), d)
			if err == nil || !strings.HasPrefix(err.Error(), "seed.toml:") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	if _, err := Parse("seed.toml", []byte("[[policy]]\nname = \"a\"\nfile = \"x\"\n"), defaults); err == nil || !strings.Contains(err.Error(), "files cannot be read here") {
		t.Error(err)
	}
}

func TestNamedFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("p.json", "{}")
	write("large.json", strings.Repeat(" ", maxNamed+1))
	if f, err := Read(write("a.toml", "[[policy]]\nname = \"a\"\nfile = \"p.json\"\n"), defaults); err != nil || *f.Policies[0].Request.Document != "{}" {
		t.Error(f, err)
	}
	if f, err := Read(write("a.toml", "[[policy]]\nname = \"a\"\nfile = \""+filepath.Join(dir, "p.json")+"\"\n"), defaults); err != nil || *f.Policies[0].Request.Document != "{}" {
		t.Error(f, err)
	}
	if _, err := Read(write("a.toml", "[[policy]]\nname = \"a\"\nfile = \"large.json\"\n"), defaults); err == nil || !strings.Contains(err.Error(), "a.toml:3: file: ") || !strings.Contains(err.Error(), "more than 65536 bytes") {
		t.Error(err)
	}
}
