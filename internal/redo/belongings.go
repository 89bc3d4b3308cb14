package redo

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// retireGrant removes the grant of a RetireGrant or RevokeGrant.
func retireGrant(tx *store.Tx, e audit.Event) error {
	path, err := keyOf(e)
	if err != nil {
		return err
	}
	id := grantOf(e.RequestParameters)
	if id == "" {
		id = grantOf(e.AdditionalEventData) // the request had a token
	}
	if id == "" {
		return notRedone("the event names no grant")
	}
	g, ok, err := records.Grants.Get(tx, path+"/"+id)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNothing
	}
	return records.RemoveGrant(tx, g)
}

func grantOf(object []byte) string {
	var members struct {
		GrantID string `json:"grantId"`
	}
	_ = json.Unmarshal(object, &members) // null, or without a grant
	return members.GrantID
}

// storedAlias returns the alias of the caller's account and Region.
func storedAlias(tx *store.Tx, e audit.Event, name string) (key.Alias, error) {
	if key.CheckAliasName(name) != nil {
		return key.Alias{}, errNothing
	}
	a, ok, err := records.Aliases.Get(tx, records.AliasPath(e.UserIdentity.AccountID, e.AWSRegion, name))
	if err == nil && !ok {
		err = errNothing
	}
	return a, err
}

func deleteAlias(tx *store.Tx, e audit.Event, in *api.DeleteAliasRequest) error {
	a, err := storedAlias(tx, e, *in.AliasName)
	if err != nil {
		return err
	}
	return records.RemoveAlias(tx, a)
}

func updateAlias(tx *store.Tx, e audit.Event, in *api.UpdateAliasRequest) error {
	a, err := storedAlias(tx, e, *in.AliasName)
	if err != nil {
		return err
	}
	ref, err := key.ParseKeyReference(*in.TargetKeyId, a.Account, a.Region)
	if err != nil {
		return notRedone("%v", err)
	}
	_, ok, err := records.Keys.Get(tx, records.KeyPath(ref.Account, ref.Region, ref.KeyID))
	switch {
	case err != nil:
		return err
	case ref.KeyID == a.KeyID:
		return errNothing
	case !ok: // the alias must not lead to the former key
		return records.RemoveAlias(tx, a)
	}
	moved := a
	moved.KeyID, moved.LastUpdatedDate = ref.KeyID, e.EventTime.Truncate(time.Millisecond)
	return errors.Join(records.RemoveAlias(tx, a), records.InsertAlias(tx, moved))
}
