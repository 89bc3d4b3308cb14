package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// keyTags returns tags as they are kept; the members have been validated.
func keyTags(given []api.Tag) (tags []key.Tag) {
	for _, t := range given {
		tags = append(tags, key.Tag{Key: *t.TagKey, Value: *t.TagValue})
	}
	return tags
}
