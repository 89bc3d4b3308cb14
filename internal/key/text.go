package key

import (
	"maps"
	"slices"
)

// A Text is everything that callers write about a key in their own words. A text of more than [MaxShortText] bytes is
// a record of its own, because it can have 200 KB, and because one transaction can change 41 related keys without
// changing their texts. A shorter text is part of the record of the key, so that most keys have one record.
type Text struct {
	Policy      string            `json:"policy"`
	Description string            `json:"description,omitzero"`
	Tags        []Tag             `json:"tags,omitempty"`
	Materials   map[string]string `json:"materials,omitempty"` // descriptions, by the ID of the material
}

// MaxShortText is the largest size of a text in the record of its key, in bytes. A default key policy has about 200.
const MaxShortText = 1024

// IsShort reports whether the text fits into the record of its key.
func (t Text) IsShort() bool {
	size := len(t.Policy) + len(t.Description)
	for _, tag := range t.Tags {
		size += len(tag.Key) + len(tag.Value)
	}
	for id, description := range t.Materials {
		size += len(id) + len(description)
	}
	return size <= MaxShortText
}

// Text returns the text of the key and its materials.
func (k Key) Text() Text {
	t := Text{Policy: k.Policy, Description: k.Description, Tags: k.Tags}
	for _, m := range k.AllMaterials() {
		if m.Description == "" {
			continue
		}
		if t.Materials == nil {
			t.Materials = map[string]string{}
		}
		t.Materials[m.ID] = m.Description
	}
	return t
}

// WithText returns the key, as read from its record, with its text. It ignores the descriptions of materials that the
// key does not have.
func (k Key) WithText(t Text) Key {
	k.Policy, k.Description, k.Tags = t.Policy, t.Description, t.Tags
	if len(t.Materials) == 0 {
		return k
	}
	k.Materials = slices.Clone(k.Materials)
	for i, m := range k.Materials {
		k.Materials[i].Description = t.Materials[m.ID]
	}
	if k.Pending != nil {
		m := *k.Pending
		m.Description = t.Materials[m.ID]
		k.Pending = &m
	}
	return k
}

// Equal reports whether both texts are the same.
func (t Text) Equal(u Text) bool {
	return t.Policy == u.Policy && t.Description == u.Description && slices.Equal(t.Tags, u.Tags) &&
		maps.Equal(t.Materials, u.Materials)
}
