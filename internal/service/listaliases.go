package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ListAliases asks for the account. A key in the request must exist, but needs no permission.
// Source: "AWS KMS permissions", where the resource of ListAliases is "*".
var listAliases = query("ListAliases",
	asks{{Action: "kms:ListAliases"}, {Action: "kms:ListAliases", On: optional("KeyId", keyID), May: mayBeFound}}, nil,
	func(c *call, in *api.ListAliasesRequest) (*api.ListAliasesResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 50, 100)
		if err != nil {
			return nil, err
		}
		out := &api.ListAliasesResponse{Aliases: []api.AliasListEntry{}}
		add := func(a key.Alias) { out.Aliases = append(out.Aliases, aliasEntry(a)) }
		err = c.view(func(v *store.View) error {
			if len(c.keys) == 0 {
				return c.listAllAliases(p, v, add)
			}
			return listAliasesOf(c.key(), p, v, add)
		})
		out.NextMarker, out.Truncated = p.next()
		return out, err
	})

// mayBeFound decides about a key of the caller's account that must exist but needs no
// permission.
func mayBeFound(c *call, action string, t target, _ key.Key, missing error) error {
	if missing != nil {
		return c.refuseBlind(action, t, missing)
	}
	return nil
}

func (c *call) listAllAliases(p *page, v *store.View, add func(key.Alias)) error {
	scope := records.ScopePath(c.Caller.Principal.AccountID, c.Caller.Region)
	return list(p, v, records.Aliases, scope, func(_ string, a key.Alias) error {
		_, live, err := c.liveKey(v, records.KeyPath(a.Account, a.Region, a.KeyID))
		if err == nil && live {
			add(a)
		}
		return err
	})
}

// listAliasesOf reads the index by key, so that the cost depends only on the number of aliases
// of the key.
func listAliasesOf(k key.Key, p *page, v *store.View, add func(key.Alias)) error {
	return list(p, v, records.AliasesOfKey, records.PathOf(k)+"/", func(name string, _ struct{}) error {
		a, _, err := records.Aliases.Get(v, records.AliasPath(k.Account, k.Region, key.AliasPrefix+name))
		if err == nil {
			add(a)
		}
		return err
	})
}

func aliasEntry(a key.Alias) api.AliasListEntry {
	return api.AliasListEntry{
		AliasName:       &a.Name,
		AliasArn:        new(a.ARN()),
		TargetKeyId:     &a.KeyID,
		CreationDate:    timestamp(a.CreationDate),
		LastUpdatedDate: timestamp(a.LastUpdatedDate),
	}
}
