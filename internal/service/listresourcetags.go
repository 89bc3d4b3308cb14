package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var listResourceTags = query("ListResourceTags", asks{{Action: "kms:ListResourceTags", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.ListResourceTagsRequest) (*api.ListResourceTagsResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, key.MaxTags, key.MaxTags)
		if err != nil {
			return nil, err
		}
		out := &api.ListResourceTagsResponse{Tags: []api.Tag{}}
		for _, t := range part(p, c.key().Tags, func(t key.Tag) string { return t.Key }) {
			out.Tags = append(out.Tags, api.Tag{TagKey: &t.Key, TagValue: &t.Value})
		}
		out.NextMarker, out.Truncated = p.next()
		return out, nil
	})
