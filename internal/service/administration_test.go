package service

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Policies decide about administrative operations, for principals of the deployment's account alone. Refusals say which of
// the two it was.
func TestPoliciesDecideAboutAdministration(t *testing.T) {
	for name, members := range administrations {
		c := newAccessTest(t)
		for _, name := range []string{"alice", "bob"} {
			c.user(name)
		}
		c.user("admin", with(c.identity("allow keyhold:"+name)))
		c.user("kms", with(c.identity("allow kms:*")))
		c.user("denied", with(c.identity("allow *", "deny keyhold:"+name)))
		for who, reason := range map[string]string{
			"bob":    "because no identity-based policy allows the keyhold:" + name + " action",
			"kms":    "because no identity-based policy allows the keyhold:" + name + " action",
			"denied": "with an explicit deny in an identity-based policy",
			"other":  "because it is for principals of the deployment's account alone",
		} {
			err := c.as(who).asks(name, "", members)()
			if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindAccessDenied || !strings.Contains(e.Message, "to perform: keyhold:"+name+" on resource: ") || !strings.HasSuffix(e.Message, reason) {
				t.Errorf("%s by %s: %v", name, who, err)
			}
		}
		if err := c.as("admin").asks(name, "", members)(); err != nil {
			t.Errorf("%s by an administrator: %v", name, err)
		}
	}
}

// A permission for one identity does not allow another identity, and not the same name with another path.
func TestPermissionsForSingleIdentities(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	c.update(func(tx *store.Tx) error {
		u := identity.User{Entity: identity.Entity{Account: homeAccount, Name: "carol", Path: "/staff/", ID: "AIDACAROL"}}
		u.Keys = []string{"AKIACAROLCAROLCAROL1"}
		return errors.Join(records.Users.Put(tx, records.NamedPath(homeAccount, "carol"), u), records.AccessKeys.Put(tx, u.Keys[0], identity.StoredKey{Account: homeAccount, User: "carol", Secret: "x"}))
	})
	c.user("admin", with(c.identity("allow keyhold:* on arn:aws:iam::111122223333:user/staff/*")))
	admin := c.as("admin")
	for _, test := range []struct{ operation, members, refused string }{
		{"PutUser", `{"Name":"dave","Path":"/staff/"}`, ""},
		{"PutUser", `{"Name":"dave","Path":"/"}`, "user/dave"},
		{"PutUser", `{"Name":"erin","Path":"/"}`, "user/erin"},
		{"PutUser", `{"Name":"alice","Path":"/staff/"}`, "user/staff/alice"},
		{"PutRole", fmt.Sprintf(`{"Name":"r","Path":"/staff/","Trust":%q}`, trustPolicy(`{"AWS":"111122223333"}`, "")), "role/staff/r"},
		{"RotateAccessKey", `{"Name":"carol"}`, ""},
		{"RotateAccessKey", `{"Name":"alice"}`, "user/alice"},
		{"RotateAccessKey", `{}`, "root"},
		{"SetIdentityState", `{"AccessKeyId":"AKIACAROLCAROLCAROL1","Enabled":false}`, ""},
		{"SetIdentityState", `{"AccessKeyId":"AKIANOBODYNOBODYNOBO","Enabled":false}`, "*"},
		{"SetIdentityState", `{"Kind":"user","Name":"alice","Enabled":false}`, "user/alice"},
		{"ShowIdentity", `{"Kind":"user","Name":"carol"}`, ""},
		{"ShowIdentity", `{"Kind":"user","Name":"nobody"}`, "user/nobody"},
		{"ListIdentities", `{"Kind":"user"}`, "*"},
		{"DeleteIdentity", `{"Kind":"user","Name":"dave"}`, ""},
		{"DeleteIdentity", `{"Kind":"policy","Name":"p"}`, "policy/p"},
	} {
		_, err := admin.try(test.operation, "", test.members)
		if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused+" because no identity-based policy")) {
			t.Errorf("%s %s: %v, want a refusal for %q", test.operation, test.members, err, test.refused)
		}
	}
}

// Users rotate their own access keys if their policies allow it, in every account. They cannot do so for others, and
// not with temporary credentials.
func TestUsersRotateTheirOwnKeys(t *testing.T) {
	for _, account := range []string{homeAccount, otherAccount} {
		c := newAccessTest(t)
		own := fmt.Sprintf("allow keyhold:RotateAccessKey,keyhold:SetIdentityState,keyhold:ShowIdentity on arn:aws:iam::%s:user/${aws:username}", account)
		people := map[string]actor{}
		c.update(func(tx *store.Tx) error {
			err := records.Accounts.Put(tx, account, identity.Account{ID: account})
			for _, name := range []string{"ann", "ben"} {
				u := identity.User{Entity: identity.Entity{Account: account, Name: name, Path: "/", ID: "AIDA" + name}}
				u.Inline = []identity.InlinePolicy{{Name: "own", Document: c.identity(own)}}
				people[name] = actor{accessTest: c, who: u.Principal()}
				err = errors.Join(err, records.Users.Put(tx, records.NamedPath(account, name), u))
			}
			return err
		})
		ann := people["ann"]
		first := ann.does("RotateAccessKey", "", `{"Name":"ann"}`).(*api.RotateAccessKeyResponse)
		ann.does("RotateAccessKey", "", `{"Name":"ann"}`)
		_, err := ann.try("RotateAccessKey", "", `{"Name":"ann"}`)
		c.wantRefusal(err, key.KindLimitExceeded, "both are active")
		ann.does("SetIdentityState", "", `{"AccessKeyId":"`+*first.Made.AccessKeyId+`","Enabled":false}`)
		third := ann.does("RotateAccessKey", "", `{"Name":"ann"}`).(*api.RotateAccessKeyResponse)
		if *third.Removed != *first.Made.AccessKeyId {
			t.Errorf("removed %s", *third.Removed)
		}
		if keys := ann.does("ShowIdentity", "", `{"Kind":"user","Name":"ann"}`).(*api.ShowIdentityResponse).AccessKeys; len(keys) != 2 {
			t.Errorf("%+v", keys)
		}
		for _, test := range []struct{ operation, members string }{
			{"RotateAccessKey", `{"Name":"ann"}`}, {"RotateAccessKey", `{}`}, {"ShowIdentity", `{"Kind":"user","Name":"ann"}`},
			{"SetIdentityState", `{"AccessKeyId":"` + *third.Made.AccessKeyId + `","Enabled":false}`}, {"PutUser", `{"Name":"ben"}`},
			{"SetIdentityState", `{"Kind":"user","Name":"ann","Enabled":true}`},
		} {
			_, err := people["ben"].try(test.operation, "", test.members)
			if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindAccessDenied {
				t.Errorf("%s %s by ben: %v", test.operation, test.members, err)
			}
		}
		temporary := ann
		temporary.who.Session = &identity.Session{Account: account, User: "ann"}
		_, err = temporary.try("RotateAccessKey", "", `{"Name":"ann"}`)
		c.wantRefusal(err, key.KindAccessDenied, becauseOfSession)
	}
}

// Only roots change the credentials of roots.
func TestCredentialsOfRoots(t *testing.T) {
	c := newAccessTest(t)
	c.user("admin", with(c.identity("allow *")))
	c.update(func(tx *store.Tx) error {
		return records.AccessKeys.Put(tx, "AKIAROOTROOTROOTROOT", identity.StoredKey{Account: homeAccount, Secret: "x"})
	})
	c.as("admin").does("PutAccount", "", `{"AccountId":"`+otherAccount+`"}`)
	for operation, members := range map[string]string{
		"RotateAccessKey": `{}`, "SetIdentityState": `{"AccessKeyId":"AKIAROOTROOTROOTROOT","Enabled":false}`,
		"PutAccount": `{"AccountId":"` + otherAccount + `","AccessKeys":1}`,
	} {
		_, err := c.as("admin").try(operation, "", members)
		c.wantRefusal(err, key.KindAccessDenied, becauseOfRoot)
		c.root().does(operation, "", members)
	}
	c.as("other").does("RotateAccessKey", "", `{}`)
	_, err := c.as("other").try("RotateAccessKey", "", `{"AccountId":"`+homeAccount+`"}`)
	c.wantRefusal(err, key.KindAccessDenied, "for principals of the deployment's account alone")
}

// A caller with a permissions boundary, or with a session policy, gives no rights that could exceed it.
func TestNobodyExceedsABoundary(t *testing.T) {
	c := newAccessTest(t)
	c.managedPolicy("limit", c.identity("allow keyhold:*,kms:Decrypt"))
	c.managedPolicy("wide", c.identity("allow kms:*"))
	bounded := func(e *identity.Entity) { e.Boundary = "arn:aws:iam::111122223333:policy/limit" }
	c.user("admin", with(c.identity("allow *")), bounded)
	c.user("within", bounded)
	c.user("free")
	c.update(func(tx *store.Tx) error { // the caller may know its secret
		return records.AccessKeys.Put(tx, "AKIAFREEFREEFREEFREE", identity.StoredKey{Account: homeAccount, User: "free", Secret: "x"})
	})
	c.role("app")
	trust := fmt.Sprintf("%q", trustPolicy(`{"AWS":"111122223333"}`, ""))
	document := fmt.Sprintf("%q", c.identity("allow *"))
	for _, test := range []struct {
		operation, members string
		allowed            bool
	}{
		{"PutUser", `{"Name":"new"}`, false},
		{"PutUser", `{"Name":"new","PermissionsBoundary":"wide"}`, false},
		{"PutUser", `{"Name":"new","PermissionsBoundary":"limit","AccessKeys":1}`, true},
		{"PutUser", `{"Name":"new","PermissionsBoundary":"arn:aws:iam::111122223333:policy/limit","ManagedPolicies":["wide"]}`, true},
		{"PutUser", `{"Name":"admin"}`, false},
		{"PutUser", `{"Name":"within"}`, false},
		{"PutUser", `{"Name":"free","PermissionsBoundary":"limit"}`, false},
		{"PutRole", `{"Name":"r","Trust":` + trust + `}`, false},
		{"PutRole", `{"Name":"app","Trust":` + trust + `,"PermissionsBoundary":"limit"}`, false},
		{"PutRole", `{"Name":"r","Trust":` + trust + `,"PermissionsBoundary":"limit"}`, true},
		{"PutPolicy", `{"Name":"limit","Document":` + document + `}`, false},
		{"PutPolicy", `{"Name":"wide","Document":` + document + `}`, false},
		{"PutPolicy", `{"Name":"more","Document":` + document + `}`, true},
		{"PutProvider", `{"Url":"https://oidc.example.com","ClientIds":["x"]}`, false},
		{"PutAccount", `{"AccountId":"999999999999"}`, false},
		{"RotateAccessKey", `{"Name":"free"}`, false},
		{"RotateAccessKey", `{"Name":"within"}`, true},
		{"RotateAccessKey", `{"Name":"admin"}`, true},
		{"SetIdentityState", `{"Kind":"user","Name":"free","Enabled":false}`, true},
		{"SetIdentityState", `{"Kind":"user","Name":"free","Enabled":true}`, false},
		{"SetIdentityState", `{"AccessKeyId":"AKIAFREEFREEFREEFREE","Enabled":false}`, true},
		{"SetIdentityState", `{"AccessKeyId":"AKIAFREEFREEFREEFREE","Enabled":true}`, false},
		{"SetIdentityState", `{"Kind":"role","Name":"app","Enabled":true}`, false},
		{"SetIdentityState", `{"Kind":"user","Name":"within","Enabled":false}`, true},
		{"SetIdentityState", `{"Kind":"user","Name":"within","Enabled":true}`, true},
		{"RevokeSessions", `{"Kind":"role","Name":"app"}`, true},
		{"DeleteIdentity", `{"Kind":"user","Name":"free"}`, true},
		{"ListIdentities", `{"Kind":"user"}`, true},
	} {
		_, err := c.as("admin").try(test.operation, "", test.members)
		if test.allowed && err != nil || !test.allowed && (err == nil || !strings.HasSuffix(err.Error(), becauseOfBoundary)) {
			t.Errorf("%s %s: %v", test.operation, test.members, err)
		}
	}
	c.role("admins", with(c.identity("allow *")))
	session := func(policies ...string) actor {
		return c.session("admins", func(s *identity.Session) { s.Policies = policies })
	}
	for _, members := range []string{`{"Name":"x"}`, `{"Name":"x","PermissionsBoundary":"limit"}`} {
		_, err := session(c.identity("allow keyhold:*")).try("PutUser", "", members)
		c.wantRefusal(err, key.KindAccessDenied, becauseOfBoundary)
	}
	_, err := session(c.identity("allow keyhold:*")).try("SetIdentityState", "", `{"Kind":"user","Name":"within","Enabled":true}`)
	c.wantRefusal(err, key.KindAccessDenied, becauseOfBoundary)
	session().does("PutUser", "", `{"Name":"x"}`)
}
