package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var putAccount = administration("PutAccount", nil,
	func(c *call, in *api.PutAccountRequest) (*api.PutIdentityResponse, error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		d := &declaration{account: account, dry: or(in.DryRun, false), arn: identity.Root(account).ARN}
		was, _, err := read(c.source(), records.Accounts, account)
		if err != nil {
			return nil, err
		}
		if !d.dry {
			d.keys = c.makeKeys(missingKeys(was.Keys, in.AccessKeys), "")
		}
		return c.declare(d, func(tx *store.Tx) error {
			a, ok, err := records.Accounts.Get(tx, account)
			if err != nil {
				return err
			}
			if d.created = !ok; d.created {
				a = identity.Account{ID: account, Created: c.now}
			}
			d.differ("name", a.Name, or(in.Name, ""))
			d.differ("access_keys", 0, missingKeys(a.Keys, in.AccessKeys))
			a.Name = or(in.Name, "")
			if a.Keys, err = c.putKeys(tx, account, "", a.Keys, d.keys); err != nil {
				return err
			}
			return records.Accounts.Put(tx, account, a)
		})
	})
