package service

import (
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// The last use of an access key is shown from memory, and from the store after a restart. A use of an access key without
// a record is not kept.
func TestLastUsesOfAccessKeys(t *testing.T) {
	c, d := newInterruptibleTest(t)
	c.alice()
	c.update(func(tx *store.Tx) error {
		return records.AccessKeys.Put(tx, "AKIAALICE", identity.StoredKey{Account: homeAccount, User: "alice", Secret: "secret"})
	})
	c.people.user("alice", func(u *identity.User) {
		u.Keys = []string{"AKIAALICE"}
		u.Inline = []identity.InlinePolicy{{Name: "inline", Document: allowAll}}
	})
	k, ok, err := c.AccessKey(t.Context(), "AKIAALICE")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	before := time.Now()
	actor{accessTest: c, who: k.Principal}.does("ListKeys", "")
	dev := k.Principal
	dev.AccessKeyID = "AKIADEV"
	if _, err := (actor{accessTest: c, who: identity.Principal{Kind: identity.KindAccount, AccountID: homeAccount, ARN: who("home"), AccessKeyID: "AKIADEV"}}).sends("ListKeys", `{}`); err != nil {
		t.Fatal(err)
	}
	shown := func(c accessTest) api.AccessKeyStatus {
		out, err := c.rootWithKey().sends("ShowIdentity", `{"Kind":"user","Name":"alice"}`)
		if err != nil {
			t.Fatal(err)
		}
		keys := out.(*api.ShowIdentityResponse).AccessKeys
		if len(keys) != 1 {
			t.Fatalf("%+v", keys)
		}
		return keys[0]
	}
	check := func(when string, s api.AccessKeyStatus) {
		t.Helper()
		if s.LastUsedDate == nil || s.LastUsedDate.Time().Before(before.Truncate(time.Second)) || or(s.Region, "") != "eu-west-2" || or(s.Service, "") != "kms" || !s.Active {
			t.Errorf("%s: %+v", when, s)
		}
	}
	check("from memory", shown(c))
	if err := c.accessKeyUse.write(t.Context(), time.Now(), 0); err != nil {
		t.Fatal(err)
	}
	check("after a restart", shown(d.open(t)))
	err = c.store.View(t.Context(), func(v *store.View) error {
		_, kept, err := records.AccessKeyUsages.Get(v, "AKIADEV")
		if kept {
			t.Error("the use of an access key without a record is kept")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A later use in the store, of another node, is shown in place of an earlier one in memory, and not the other way round.
func TestLaterUseIsShown(t *testing.T) {
	c, _ := newInterruptibleTest(t)
	on := c.key()
	path := records.PathOf(c.stored(on))
	now := time.Now().Truncate(time.Second)
	for name, test := range map[string]struct{ memory, stored, want time.Time }{
		"only in the store": {time.Time{}, now, now},
		"later in memory":   {now.Add(time.Minute), now, now.Add(time.Minute)},
	} {
		c.usage.forget(path)
		c.update(func(tx *store.Tx) error {
			return records.Usages.Put(tx, path, records.Usage{Operation: "Encrypt", Time: test.stored})
		})
		if !test.memory.IsZero() {
			c.usage.note(path, records.Usage{Operation: "Decrypt", Time: test.memory})
		}
		out := c.root().does("GetKeyLastUsage", on).(*api.GetKeyLastUsageResponse)
		if !out.KeyLastUsage.Timestamp.Time().Equal(test.want) {
			t.Errorf("%s: %v, want %v", name, out.KeyLastUsage.Timestamp.Time(), test.want)
		}
	}
}

// The session of a role, or a user, that was replaced by another one of the same name has no permissions.
func TestPrincipalsThatWereReplaced(t *testing.T) {
	c := newAccessTest(t)
	on := c.key()
	c.role("app", with(allowAll))
	c.user("alice", with(allowAll))
	session := c.session("app", func(s *identity.Session) { s.RoleID = "AROAOTHER" })
	alice := c.as("alice")
	alice.who.ID = "AIDAOTHER"
	for _, a := range []actor{session, alice} {
		if out, err := a.try("DescribeKey", on); err == nil {
			t.Errorf("%s: %v", a.who.ARN, out)
		}
	}
}

// A question names a principal by its ARN, and by nothing that resembles one.
func TestNamesOfPrincipalsInQuestions(t *testing.T) {
	const sts = "arn:aws:sts::111122223333:assumed-role/"
	for arn, ok := range map[string]bool{
		"arn:aws:iam::111122223333:root": true, "arn:aws:iam::111122223333:user/x": true, "arn:aws:iam::111122223333:role/p/x": true,
		sts + "app/build": true, sts + "app": false, sts + "app/": false, sts + "/build": false, sts + "app/b d": false, sts + "a p/build": false,
		sts + "app/build/x": false, "arn:aws:iam::111122223333:assumed-role/app/build": false, "arn:aws:sts::1111:assumed-role/app/build": false,
		"arn:aws:iam::111122223333:policy/x": false, "arn:aws:sts:eu-west-2:111122223333:assumed-role/app/build": false, "x": false, "": false,
		sts + "app/build:x": false,
	} {
		if n, got := parsePrincipal(arn); got != ok {
			t.Errorf("%q: %v, %+v", arn, got, n)
		}
	}
}

// A managed policy that somebody gets while it is deleted stays, also in an account without an earlier change.
func TestPoliciesThatAreTakenMeanwhile(t *testing.T) {
	for at := 1; ; at++ {
		c, _ := newInterruptibleTest(t)
		arn := c.managedPolicy("m", allowAll)
		i := &interruption{at: at, fn: func() {
			c.update(func(tx *store.Tx) error {
				a, _, err := records.Accounts.Get(tx, homeAccount)
				a.ID = homeAccount
				a.Serial++
				u := identity.User{Entity: identity.Entity{Account: homeAccount, Name: "eve", Path: "/", ID: "AIDAEVE", Attached: []string{arn}}}
				if err != nil {
					return err
				}
				if err := records.Users.Put(tx, records.NamedPath(homeAccount, "eve"), u); err != nil {
					return err
				}
				return records.Accounts.Put(tx, homeAccount, a)
			})
		}}
		err := c.rootWithKey().interruptedBy(i, "DeleteIdentity", "", `{"Kind":"policy","Name":"m"}`)
		if i.interrupt == (err == nil) {
			t.Errorf("taken before step %d: %v", at, err)
		}
		if !i.interrupt {
			return
		}
	}
}
