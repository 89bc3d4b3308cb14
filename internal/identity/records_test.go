package identity

import (
	"reflect"
	"strings"
	"testing"
)

const (
	testAccount = "111122223333"
	testKeyID   = "AKIAIOSFODNN7EXAMPLE" // the example of the AWS documentation, as is testSecret
	testSecret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func TestARNs(t *testing.T) {
	e := Entity{Account: testAccount, Name: "a.b+c", Path: "/team/x/", ID: "AIDA1"}
	for got, want := range map[string]string{
		User{Entity: e}.ARN():           "arn:aws:iam::111122223333:user/team/x/a.b+c",
		Role{Entity: e}.ARN():           "arn:aws:iam::111122223333:role/team/x/a.b+c",
		Role{Entity: e}.SessionARN("s"): "arn:aws:sts::111122223333:assumed-role/a.b+c/s",
		ManagedPolicy{Account: testAccount, Path: "/", Name: "p"}.ARN():  "arn:aws:iam::111122223333:policy/p",
		OIDCProvider{Account: testAccount, Issuer: "host/path/of"}.ARN(): "arn:aws:iam::111122223333:oidc-provider/host/path/of",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParseARN(t *testing.T) {
	type parsed struct {
		account, kind, path, name string
		ok                        bool
	}
	for text, want := range map[string]parsed{
		"arn:aws:iam::111122223333:role/r":           {testAccount, "role", "/", "r", true},
		"arn:aws:iam::111122223333:user/a/b/u":       {testAccount, "user", "/a/b/", "u", true},
		"arn:aws:iam::111122223333:policy/p":         {testAccount, "policy", "/", "p", true},
		"arn:aws:iam::111122223333:root":             {},
		"arn:aws:iam::111122223333:group/g":          {},
		"arn:aws:iam::11112222333:role/r":            {},
		"arn:aws:sts::111122223333:assumed-role/r/s": {},
		"r": {}, "": {},
	} {
		var got parsed
		if got.account, got.kind, got.path, got.name, got.ok = ParseARN(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	for _, text := range []string{"arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role//r", "arn:aws:iam::111122223333:role/a b", "arn:aws:iam::111122223333:role/" + strings.Repeat("r", 129)} {
		if _, _, _, _, ok := ParseARN(text); ok {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestMergeTags(t *testing.T) {
	tags := []Tag{{"team", "a"}, {"stage", "prod"}}
	if got := MergeTags(tags, nil); !reflect.DeepEqual(got, tags) {
		t.Errorf("got %v", got)
	}
	want := []Tag{{"stage", "prod"}, {"Team", "b"}}
	if got := MergeTags(tags, []Tag{{"Team", "b"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPrincipals(t *testing.T) {
	e := Entity{Account: testAccount, Name: "n", Path: "/p/", ID: "ID", Tags: []Tag{{"a", "1"}}}
	want := Principal{Kind: KindUser, AccountID: testAccount, ARN: "arn:aws:iam::111122223333:user/p/n", ID: "ID", UserName: "n", Tags: e.Tags}
	if got := (User{Entity: e}).Principal(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	s := &Session{Name: "s", Tags: []Tag{{"b", "2"}}}
	want = Principal{Kind: KindAssumedRole, AccountID: testAccount, ARN: "arn:aws:sts::111122223333:assumed-role/n/s", ID: "ID:s",
		RoleARN: "arn:aws:iam::111122223333:role/p/n", Tags: []Tag{{"a", "1"}, {"b", "2"}}, Session: s}
	if got := (Role{Entity: e}).Principal(s); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// Only session policies limit a session.
func TestIsLimited(t *testing.T) {
	for _, test := range []struct {
		session Session
		want    bool
	}{
		{Session{}, false}, {Session{Tags: []Tag{{Key: "a"}}, Transitive: []string{"a"}}, false},
		{Session{Policies: []string{"{}"}}, true}, {Session{PolicyARNs: []string{"arn"}}, true},
	} {
		if test.session.IsLimited() != test.want {
			t.Errorf("%+v: %v", test.session, !test.want)
		}
	}
}
