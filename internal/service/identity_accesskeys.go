package service

import (
	"context"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// AccessKey is the identity.Lookup of the access keys of the deployment. It finds neither
// inactive access keys nor access keys of a user who was removed or disabled.
func (s *Service) AccessKey(ctx context.Context, id string) (k identity.AccessKey, ok bool, err error) {
	read := s.newReads()
	from := s.newest(ctx, read)
	k, ok, err = accessKey(from, id)
	// An absent record is never in memory: strangers cost one look-up.
	if err == nil && !ok && k.ID != "" && from.isMemory() {
		k, ok, err = accessKey(from.fromStore(), id)
	}
	if err == nil && read != nil {
		_, err = s.await(ctx, read)
	}
	return k, ok, err
}

func accessKey(from source, id string) (k identity.AccessKey, ok bool, err error) {
	r, ok, err := read(from, records.AccessKeys, id)
	if err != nil || !ok {
		return k, false, err
	}
	if r.Inactive {
		return identity.AccessKey{ID: id}, false, nil
	}
	k = identity.AccessKey{ID: id, Secret: identity.NewSecret(r.Secret), Principal: identity.Root(r.Account)}
	k.Principal.AccessKeyID, k.Principal.Stored = id, true
	if r.User == "" {
		return k, true, nil
	}
	u, ok, err := read(from, records.Users, records.NamedPath(r.Account, r.User))
	k.Principal = u.Principal()
	k.Principal.AccessKeyID, k.Principal.Stored = id, true
	// Another user may have the name now.
	return k, ok && !u.Disabled && slices.Contains(u.Keys, id), err
}

// noteAccessKey records that a request was signed with a long-term access key, whether the
// request was allowed or not.
func (c *call) noteAccessKey() {
	p := c.Caller.Principal
	if p.AccessKeyID == "" || p.Session != nil {
		return
	}
	service, _, _ := strings.Cut(c.Operation.eventSource(), ".")
	// The strings are copied, because they are parts of the header of the request, which would
	// otherwise stay in memory.
	id, region := strings.Clone(p.AccessKeyID), strings.Clone(c.Caller.Region)
	c.accessKeyUse.note(id, records.Usage{
		Operation: c.Operation.Name,
		RequestID: c.ID,
		Time:      c.now,
		Service:   service,
		Region:    region,
	})
}

// putAccessKeyUsages writes usages of access keys. It skips the access key of a dev server,
// which is not in the store.
func putAccessKeyUsages(tx *store.Tx, batch []dueUsage) error {
	for _, d := range batch {
		_, ok, err := records.AccessKeys.Get(tx, d.path)
		if err == nil && ok {
			err = putLater(tx, records.AccessKeyUsages, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

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
