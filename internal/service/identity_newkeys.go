package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A madeKey is an access key that is not committed yet.
type madeKey struct{ id, secret string }

// makeKeys generates access keys for a transaction, each with an event of its own.
func (c *call) makeKeys(n int, user string) (made []madeKey) {
	for range n {
		id, secret := newAccessKey(keyPrefix)
		made = append(made, madeKey{id, secret})
		c.also = append(c.also, c.keyEvent("CreateAccessKey", id, user))
	}
	return made
}

// keyEvent returns the event of an access key that the call creates or removes.
func (c *call) keyEvent(name, id, user string) audit.Event {
	e := c.event(nil)
	e.EventID, e.EventName, e.StoreRevision = journal.NewEventID(), name, 0
	e.RequestParameters = accessKeyParameters(id, user)
	return e
}

func accessKeyParameters(id, user string) []byte {
	b, err := api.Encode(struct {
		AccessKeyID string `json:"accessKeyId"`
		UserName    string `json:"userName,omitzero"`
	}{id, user})
	if err != nil { // invalid UTF-8, which no name contains
		return nil
	}
	return b
}

// putKeys writes new access keys of a user or, if user is empty, of the root. It returns the
// IDs of all access keys of the user or root.
func (c *call) putKeys(tx *store.Tx, account, user string, has []string, made []madeKey) ([]string, error) {
	if len(has)+len(made) > identity.MaxAccessKeys {
		return nil, key.Errorf(key.KindThrottling, "Its access keys were changed at the same time.")
	}
	all := slices.Clone(has)
	for _, k := range made {
		all = append(all, k.id)
		stored := identity.StoredKey{Account: account, User: user, Secret: k.secret, Created: c.now}
		if err := records.AccessKeys.Put(tx, k.id, stored); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// missingKeys returns how many access keys must be generated to reach the declared number.
func missingKeys(has []string, shall *int32) int { return max(0, int(or(shall, 0))-len(has)) }

// removeKey removes an access key and its usage.
func removeKey(tx *store.Tx, id string) error {
	if err := records.AccessKeyUsages.Delete(tx, id); err != nil {
		return err
	}
	return records.AccessKeys.Delete(tx, id)
}
