package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var tagResource = change("TagResource", asks{{Action: "kms:TagResource", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.TagResourceRequest) (*api.Empty, error) {
		tags := keyTags(in.Tags)
		return nil, c.commitKey(func(k key.Key) (key.Key, error) { return k.WithTags(tags) })
	})
