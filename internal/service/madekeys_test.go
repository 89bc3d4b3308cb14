package service

import (
	"context"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Whenever another request makes the last access keys that an identity may have, a request that makes some too either
// fails, or the keys in its response exist. No identity gets more than two.
func TestAccessKeysMadeMeanwhile(t *testing.T) {
	both := []string{"AKIA1", "AKIA2"}
	for operation, test := range map[string]struct {
		members string
		fill    func(tx *store.Tx) error
		keys    func(tx *store.Tx) ([]string, error)
	}{
		"PutUser": {`{"Name":"bob","AccessKeys":2}`,
			func(tx *store.Tx) error {
				path := records.NamedPath(homeAccount, "bob")
				return records.Users.Put(tx, path, identity.User{Entity: identity.Entity{Account: homeAccount, Name: "bob", Path: "/", ID: "AIDA1"}, Keys: both})
			},
			func(tx *store.Tx) ([]string, error) {
				u, _, err := records.Users.Get(tx, records.NamedPath(homeAccount, "bob"))
				return u.Keys, err
			}},
		"PutAccount": {`{"AccountId":"555566667777","AccessKeys":2}`,
			func(tx *store.Tx) error {
				return records.Accounts.Put(tx, "555566667777", identity.Account{ID: "555566667777", Keys: both})
			},
			func(tx *store.Tx) ([]string, error) {
				a, _, err := records.Accounts.Get(tx, "555566667777")
				return a.Keys, err
			}},
	} {
		t.Run(operation, func(t *testing.T) {
			for at, done := 1, false; !done; at++ {
				c, _ := newInterruptibleTest(t)
				a := c.rootWithKey()
				i := &interruption{at: at, fn: func() { c.update(test.fill) }}
				op, in := a.request(operation, "", test.members)
				out, err := a.Do(context.WithValue(a.Context(), interruptionKey{}, i),
					Request{Caller: identity.Caller{Principal: a.who, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Operation: op, Input: in})
				if done = !i.interrupt; done && err != nil {
					t.Fatal(err)
				}
				var keys []string
				c.update(func(tx *store.Tx) (err error) { keys, err = test.keys(tx); return err })
				if len(keys) != 2 {
					t.Errorf("at step %d: the keys are %q", at, keys)
				}
				if err != nil {
					continue
				}
				for _, made := range out.(*api.PutIdentityResponse).NewAccessKeys {
					if _, ok, err := c.AccessKey(t.Context(), *made.AccessKeyId); !ok || err != nil {
						t.Errorf("at step %d: the response has a key that does not exist: %v", at, err)
					}
				}
			}
		})
	}
}
