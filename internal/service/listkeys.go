package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var listKeys = query("ListKeys", asks{{Action: "kms:ListKeys"}}, nil,
	func(c *call, in *api.ListKeysRequest) (*api.ListKeysResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 100, 1000)
		if err != nil {
			return nil, err
		}
		out := &api.ListKeysResponse{Keys: []api.KeyListEntry{}}
		err = c.view(func(v *store.View) error {
			scope := records.ScopePath(c.Caller.Principal.AccountID, c.Caller.Region)
			return list(p, v, records.Keys, scope, func(_ string, k key.Key) error {
				if k.At(c.now).State != key.Gone {
					out.Keys = append(out.Keys, api.KeyListEntry{KeyId: &k.ID, KeyArn: new(k.ARN())})
				}
				return nil
			})
		})
		out.NextMarker, out.Truncated = p.next()
		return out, err
	})
