package service

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// An administrator's request about an account of another form, or about an account that was not declared, changes
// nothing.
func TestAdministrationOfOtherAccounts(t *testing.T) {
	c, d := newInterruptibleTest(t)
	c.alice()
	members := map[string]string{"ListIdentities": `{"Kind":"user"}`, "ShowIdentity": `{"Kind":"user","Name":"alice"}`}
	for name, text := range administrations {
		members[name] = text
	}
	tried := 0
	for name, text := range members {
		op, in := c.rootWithKey().request(name, "", text)
		account := reflect.ValueOf(in).Elem().FieldByName("AccountId")
		if !account.IsValid() {
			continue
		}
		before := dump(t, d)
		for id, want := range map[string]string{
			"12345678901x": `"12345678901x" is not an account ID: it has 12 digits.`, "999988887777": "999988887777",
		} {
			if name == "PutAccount" && id == "999988887777" || name == "ListIdentities" {
				continue // declares the account, or shows that it has no identities
			}
			tried++
			account.Set(reflect.ValueOf(&id))
			out, err := c.Do(t.Context(), Request{Caller: identity.Caller{Principal: c.rootWithKey().who, Region: "eu-west-2"}, Secure: true, Operation: op, Input: in})
			if e, ok := errors.AsType[*key.Error](err); !ok || out != nil && !reflect.ValueOf(out).IsNil() || !strings.Contains(e.Message, want) {
				t.Errorf("%s in the account %s: %v, %v", name, id, out, err)
			}
		}
		if after := dump(t, d); !reflect.DeepEqual(before, after) {
			t.Errorf("%s changed records", name)
		}
	}
	if tried < 15 {
		t.Errorf("only %d requests were tried", tried)
	}
}

// Names and paths of identities are checked before anything else.
func TestNamesThatAdministratorsGive(t *testing.T) {
	for operation, kind := range map[string]string{"PutUser": "user", "PutRole": "role", "PutPolicy": "policy"} {
		for name, valid := range map[string]bool{"a+=,.@_-Z9": true, "a/b": false, "a b": false, "": false, strings.Repeat("a", 64): true} {
			for path, validPath := range map[string]bool{"/": true, "/a/b/": true, "a": false, "/a": false, "a/": false, "": false} {
				c, _ := newInterruptibleTest(t)
				op, in := c.rootWithKey().request(operation, "", administrations[operation])
				reflect.ValueOf(in).Elem().FieldByName("Name").Set(reflect.ValueOf(&name))
				reflect.ValueOf(in).Elem().FieldByName("Path").Set(reflect.ValueOf(&path))
				err := op.check(in, c.clock.Now())
				want := ""
				switch {
				case !valid:
					want = fmt.Sprintf("%q is not a name", name)
				case !validPath:
					want = fmt.Sprintf("%q is not a path", path)
				}
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s %q at %q: %v", kind, name, path, err)
				}
			}
		}
	}
}

// The list of identities shows each member, in the order of names, and the identities of the given account only.
func TestIdentitiesInLists(t *testing.T) {
	c, _ := newInterruptibleTest(t)
	root := c.rootWithKey()
	put := func(operation, members string) { root.does(operation, "", administrations[operation], members) }
	put("PutAccount", `{}`)
	for _, name := range []string{"b", "a", "c"} {
		for _, operation := range []string{"PutUser", "PutRole", "PutPolicy"} {
			put(operation, fmt.Sprintf(`{"Name":%q}`, name))
			put(operation, fmt.Sprintf(`{"Name":"%sx","AccountId":"555566667777"}`, name))
		}
		put("PutProvider", fmt.Sprintf(`{"Url":"https://%s.example.com"}`, name))
	}
	root.does("SetIdentityState", "", `{"Kind":"user","Name":"b","Enabled":false}`)
	show := func(kind, account string) (lines string) {
		members := fmt.Sprintf(`{"Kind":%q}`, kind)
		if account != "" {
			members = fmt.Sprintf(`{"Kind":%q,"AccountId":%q}`, kind, account)
		}
		for _, e := range root.does("ListIdentities", "", members).(*api.ListIdentitiesResponse).Identities {
			lines += fmt.Sprintf("%s %v %s\n", *e.AccountId, e.Enabled, or(e.Arn, or(e.Name, "")))
		}
		return lines
	}
	for _, test := range []struct{ kind, account, want string }{
		{"user", "", "111122223333 true arn:aws:iam::111122223333:user/a\n111122223333 false arn:aws:iam::111122223333:user/b\n111122223333 true arn:aws:iam::111122223333:user/c\n" +
			"555566667777 true arn:aws:iam::555566667777:user/ax\n555566667777 true arn:aws:iam::555566667777:user/bx\n555566667777 true arn:aws:iam::555566667777:user/cx\n"},
		{"user", "555566667777", "555566667777 true arn:aws:iam::555566667777:user/ax\n555566667777 true arn:aws:iam::555566667777:user/bx\n555566667777 true arn:aws:iam::555566667777:user/cx\n"},
		{"role", "111122223333", "111122223333 true arn:aws:iam::111122223333:role/a\n111122223333 true arn:aws:iam::111122223333:role/b\n111122223333 true arn:aws:iam::111122223333:role/c\n"},
		{"policy", "111122223333", "111122223333 true arn:aws:iam::111122223333:policy/a\n111122223333 true arn:aws:iam::111122223333:policy/b\n111122223333 true arn:aws:iam::111122223333:policy/c\n"},
		{"oidc-provider", "", "111122223333 true arn:aws:iam::111122223333:oidc-provider/a.example.com\n111122223333 true arn:aws:iam::111122223333:oidc-provider/b.example.com\n111122223333 true arn:aws:iam::111122223333:oidc-provider/c.example.com\n"},
		{"account", "", "111122223333 true arn:aws:iam::111122223333:root\n444455556666 true arn:aws:iam::444455556666:root\n555566667777 true arn:aws:iam::555566667777:root\n"},
	} {
		if got := show(test.kind, test.account); got != test.want {
			t.Errorf("%s in %q:\n%swant\n%s", test.kind, test.account, got, test.want)
		}
	}
}
