package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var untagResource = change("UntagResource", asks{{Action: "kms:UntagResource", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.UntagResourceRequest) (*api.Empty, error) {
		return nil, c.commitKey(func(k key.Key) (key.Key, error) { return k.WithoutTags(in.TagKeys), nil })
	})
